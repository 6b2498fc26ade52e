"""Pool: a random-effects mean of estimates, with small-sample inference and prediction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from retrostats.errors import InputError
from retrostats.pool.heterogeneity import (
    ESTIMATORS,
    Array,
    q_profile,
    typical_variance,
    weighted_fit,
)
from retrostats.student import t_p_value, t_quantile

if TYPE_CHECKING:
    import pandas as pd

TESTS = ("z", "t", "knapp-hartung", "knapp-hartung-adhoc")
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Pooled:
    """A pooled effect on the scale of its estimates.

    Attributes
    ----------
    estimate, std_error, df, conf_low, conf_high, p_value
        Mean effect (with moderators: the intercept) and its inference.
    pred_low, pred_high
        Where the true effect of a new study is expected; NaN for one study.
    tau2, tau2_low, tau2_high, i2, h2
        Between-study variance with its Q-profile interval, and its share in percent.
    q, q_df, q_p
        Cochran's test of homogeneity.
    k, method, test, weights
        Number of estimates, how they were pooled, weights in percent.
    terms, coefficients, std_errors, dfs
        All coefficients if moderators were given.
    """

    estimate: float
    std_error: float
    df: float
    conf_low: float
    conf_high: float
    p_value: float
    pred_low: float
    pred_high: float
    tau2: float
    tau2_low: float
    tau2_high: float
    i2: float
    h2: float
    q: float
    q_df: float
    q_p: float
    k: int
    method: str
    test: str
    weights: tuple[float, ...]
    terms: tuple[str, ...] = ("(Intercept)",)
    coefficients: tuple[float, ...] = ()
    std_errors: tuple[float, ...] = ()
    dfs: tuple[float, ...] = ()

    def table(self) -> pd.DataFrame:
        """One row a coefficient: term, estimate, std_error, df."""
        import pandas as pd

        columns = (self.terms, self.coefficients, self.std_errors, self.dfs)
        names = ("term", "estimate", "std_error", "df")
        return pd.DataFrame(dict(zip(names, columns, strict=True)))


def pool(
    estimates: Any,
    std_errors: ArrayLike | None = None,
    *,
    method: str = "reml",
    test: str = "knapp-hartung",
    cluster: ArrayLike | None = None,
    moderators: pd.DataFrame | None = None,
    level: float = 0.95,
) -> Pooled:
    """Random-effects pool of estimates.

    Each standard error is taken as known, as every method here does: an estimate on few degrees
    of freedom (four people, say) looks surer than it is, which Knapp-Hartung softens only in part.

    Parameters
    ----------
    estimates
        Effects (k,) with `std_errors` (k,); or `Estimate` objects of one scale; or a DataFrame
        with columns estimate and std_error.
    method
        "reml", "ml", "dl", "pm", "he", or "common" for a common effect.
    test
        "knapp-hartung" (Knapp and Hartung 2003, Statistics in Medicine 22:2693), its
        "-adhoc" variant that never narrows the interval, "t", or "z".
    cluster
        Labels (k,) of what is not independent (several effects of one trial): then standard
        errors are cluster-robust (CR2) with Satterthwaite df.
    moderators
        Numeric columns (k, m) beside the intercept.
    level
        Of the intervals.

    Returns
    -------
    Pooled

    Raises
    ------
    InputError
        Nothing to pool, unequal lengths, a standard error that is not above 0, mixed scales.

    Examples
    --------
    >>> p = pool([0.14, 0.25, 0.30], [0.05, 0.04, 0.05])
    >>> round(p.estimate, 2), p.k
    (0.23, 3)
    """
    y, v = _effects(estimates, std_errors)
    if method not in ESTIMATORS:
        raise InputError(f"method={method!r}; allowed: {', '.join(ESTIMATORS)}")
    if test not in TESTS:
        raise InputError(f"test={test!r}; allowed: {', '.join(TESTS)}")
    if len(y) == 1 and moderators is None:
        return _one(estimates, y, v, method, test, level)
    X, terms = _design(len(y), moderators)
    beta, errors, dfs, tau2 = random_effects(y, v, X, method, test, cluster)
    return _pooled(y, v, X, beta, errors, dfs, tau2, method, test, level, terms)


def random_effects(
    y: Array,
    v: Array,
    X: Array,
    method: str = "reml",
    test: str = "knapp-hartung",
    cluster: ArrayLike | None = None,
) -> tuple[Array, Array, Array, float]:
    """Coefficients (p,), their standard errors (p,) and df (p,), and tau2: the bare pool."""
    tau2 = ESTIMATORS[method](y, v, X)
    beta, unscaled, residual = weighted_fit(y, v, X, tau2)
    df = float(len(y) - X.shape[1])
    dfs = np.full(len(beta), math.inf if test == "z" else df)
    cov = unscaled
    if test.startswith("knapp-hartung"):
        scale = residual / df
        cov = unscaled * (max(1.0, scale) if test.endswith("adhoc") else scale)
    if cluster is not None:
        from retrostats.pool.robust import cluster_robust

        cov, dfs = cluster_robust(y, v + tau2, X, np.asarray(cluster))
    errors = np.sqrt(np.diag(cov))
    return beta, errors, dfs, tau2


def leave_one_out(
    estimates: Any, std_errors: ArrayLike | None = None, **options: Any
) -> pd.DataFrame:
    """The pool without each estimate in turn: left_out, estimate, conf_low, conf_high, tau2."""
    import pandas as pd

    y, v = _effects(estimates, std_errors)
    rows = []
    for i in range(len(y)):
        keep = np.arange(len(y)) != i
        part = pool(y[keep], np.sqrt(v[keep]), **options)
        rows.append((i, part.estimate, part.conf_low, part.conf_high, part.tau2))
    return pd.DataFrame(rows, columns=["left_out", "estimate", "conf_low", "conf_high", "tau2"])


def _pooled(
    y: Array, v: Array, X: Array, beta: Array, errors: Array, dfs: Array,
    tau2: float, method: str, test: str, level: float, terms: tuple[str, ...],
) -> Pooled:  # fmt: skip
    from scipy.special import chdtrc

    estimate, error, df = float(beta[0]), float(errors[0]), float(dfs[0])
    crit = t_quantile((1 - level) / 2, df)
    _, _, q = weighted_fit(y, v, X, 0.0)
    q_df = float(len(y) - X.shape[1])
    typical = typical_variance(v, X)
    common = method == "common"
    i2 = max(0.0, 1 - q_df / q) if common and q > 0 else tau2 / (tau2 + typical)
    low, high = q_profile(y, v, X, level)
    reach = crit * math.sqrt(tau2 + error**2)
    weights = 1 / (v + tau2)
    return Pooled(
        estimate=estimate,
        std_error=error,
        df=df,
        conf_low=estimate - crit * error,
        conf_high=estimate + crit * error,
        p_value=t_p_value(estimate / error, df) if error > 0 else NAN,
        pred_low=estimate - reach,
        pred_high=estimate + reach,
        tau2=tau2,
        tau2_low=low,
        tau2_high=high,
        i2=100 * i2,
        h2=q / q_df if common else 1 + tau2 / typical,
        q=q,
        q_df=q_df,
        q_p=float(chdtrc(q_df, q)),
        k=len(y),
        method=method,
        test=test,
        weights=tuple(100 * weights / weights.sum()),
        terms=terms,
        coefficients=tuple(map(float, beta)),
        std_errors=tuple(map(float, errors)),
        dfs=tuple(map(float, dfs)),
    )


def _one(estimates: Any, y: Array, v: Array, method: str, test: str, level: float) -> Pooled:
    """One study is its own pool: no between-study variance can be seen."""
    first = next(iter(estimates), None) if isinstance(estimates, Sequence) else None
    df = float(getattr(first, "df", math.inf))
    value, error = float(y[0]), float(np.sqrt(v[0]))
    half = t_quantile((1 - level) / 2, df) * error
    return Pooled(
        value, error, df, value - half, value + half, t_p_value(value / error, df),
        NAN, NAN, NAN, NAN, NAN, NAN, NAN, 0.0, 0.0, NAN, 1, method, test, (100.0,),
        ("(Intercept)",), (value,), (error,), (df,),
    )  # fmt: skip


def _design(k: int, moderators: pd.DataFrame | None) -> tuple[Array, tuple[str, ...]]:
    ones = np.ones((k, 1))
    if moderators is None:
        return ones, ("(Intercept)",)
    columns = np.asarray(moderators, dtype=float)
    if len(columns) != k or not np.isfinite(columns).all():
        raise InputError(
            f"moderators: {len(columns)} rows for {k} estimates, or a value is missing; "
            "give one finite number an estimate"
        )
    X = np.hstack([ones, columns])
    if np.linalg.matrix_rank(X) < X.shape[1] or k <= X.shape[1]:
        raise InputError(
            f"moderators: {k} estimates do not determine {X.shape[1]} coefficients; "
            "leave out a moderator or one that repeats another"
        )
    return X, ("(Intercept)", *map(str, moderators.columns))


def _effects(estimates: Any, std_errors: ArrayLike | None) -> tuple[Array, Array]:
    if std_errors is None and hasattr(estimates, "columns"):
        estimates, std_errors = estimates["estimate"], estimates["std_error"]
    elif std_errors is None:
        estimates = list(estimates)
        if estimates and not hasattr(estimates[0], "std_error"):
            raise InputError("pool: give std_errors beside plain numbers")
        scales = sorted({e.scale for e in estimates})
        if len(scales) > 1:
            raise InputError(
                f"pool: estimates on different scales ({', '.join(scales)}); "
                "pool one scale at a time"
            )
        estimates, std_errors = [e.value for e in estimates], [e.std_error for e in estimates]
    y = np.atleast_1d(np.asarray(estimates, dtype=float))
    se = np.atleast_1d(np.asarray(std_errors, dtype=float))
    if y.size == 0:
        raise InputError("pool: no estimate; give at least one")
    if y.shape != se.shape or y.ndim != 1:
        raise InputError(f"pool: {y.size} estimates but {se.size} standard errors; give one each")
    bad = np.flatnonzero(~np.isfinite(y) | ~np.isfinite(se) | ~(se > 0))
    if bad.size:
        i = int(bad[0])
        raise InputError(
            f"pool: estimate {i} is {float(y[i])!r} with standard error {float(se[i])!r}; "
            "both must be finite and the error above 0. Leave out what has no standard error."
        )
    return y, se**2
