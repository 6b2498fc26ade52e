"""Pool: a random-effects mean of estimates, with small-sample inference and prediction."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike

from retrostats.common.arrays import one_of, share, table_column, table_of
from retrostats.common.errors import InputError
from retrostats.common.habits import POOLED, own_names
from retrostats.common.student import t_p_value, t_quantile
from retrostats.models.meta.heterogeneity import (
    ESTIMATORS,
    Array,
    log_likelihood,
    q_profile,
    typical_variance,
    weighted_fit,
)
from retrostats.models.meta.inputs import Entered, arrays, entered, labels_of, outcome_of
from retrostats.models.meta.moderators import Moderators, fixed_matrix, read_moderators
from retrostats.models.meta.moment import moment
from retrostats.models.meta.result import NAN, PoolData, Pooled

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.models.meta.bayes import HalfNormal, Posterior

__all__ = ["Pooled", "leave_one_out", "pool"]

TESTS = (
    "knapp-hartung", "knapp-hartung-adhoc", "kenward-roger", "henmi-copas", "t", "contain", "z",
)  # fmt: skip

#: Up to so many estimates, the variance between studies is drawn from its confidence distribution
#: for the prediction interval; with more, its estimate is plugged in, as is usual.
FEW = 10


@overload
def pool(
    data: Any, std_errors: Any = None, *, formula: str | None = None, random: str | None = None,
    variance: Any = None, method: str = "reml", test: str | None = None, cluster: Any = None,
    prior: None = None, moderators: pd.DataFrame | None = None, level: float = 0.95,
) -> Pooled: ...  # fmt: skip


@overload
def pool(
    data: Any, std_errors: Any = None, *, prior: HalfNormal, variance: Any = None,
    level: float = 0.95,
) -> Posterior: ...  # fmt: skip


@own_names(POOLED)
def pool(
    data: Any,
    std_errors: Any = None,
    *,
    formula: str | None = None,
    random: str | None = None,
    variance: Any = None,
    method: str = "reml",
    test: str | None = None,
    cluster: Any = None,
    prior: HalfNormal | None = None,
    moderators: pd.DataFrame | None = None,
    level: float = 0.95,
) -> Pooled | Posterior:
    """Pool estimates whose standard errors are known.

    Each is taken as known, as by every method here: an estimate on few degrees of freedom (four
    people, say) looks surer than it is, which Knapp-Hartung softens only in part.

    Parameters
    ----------
    data
        Effects (k,) with `std_errors` or `variance`; or `Estimate` objects of one scale; or a
        DataFrame with the columns estimate and std_error, or yi and vi (a variance). A table that
        has both pairs needs the effect named in `formula` and its error in `std_errors` or
        `variance`. Rows marked not independent or not poolable (columns independence, poolable)
        are refused, and so are estimates that share a printed row, unless `cluster`, `random` or
        `variance` says how they depend.
    std_errors
        Standard errors (k,), or the name of their column.
    formula
        Moderators of a table, in lme4's language: "yi ~ year", "~ ablat", "0 + outcome".
    random
        Random terms, as "(1 | a/b) + (1 | c)", "(0 + outcome | trial)"; none: one an estimate.
    variance
        Known variances: a column's name, (k,) numbers, or their covariance matrix (k, k).
    method
        "reml" or "ml"; without `random` also "dl", "pm", "he"; "common" for a common effect.
    test
        "knapp-hartung" (Knapp and Hartung 2003, Statistics in Medicine 22:2693; the default), its
        "-adhoc" variant that never narrows the interval and covers with two to six small studies
        (docs/calibration.md; analyses take it), "kenward-roger" (1997, Biometrics 53:983; REML),
        "henmi-copas" (2010, Statistics in Medicine 29:2969, which takes the common-effect mean and
        DerSimonian and Laird's tau2), "t", or "z". With `random` or a covariance matrix "t" (the
        default: levels that contain a coefficient less the number of coefficients),
        "kenward-roger", "satterthwaite" or "z".
    cluster
        Labels (k,), or their column's name, of what is not independent (several effects of one
        trial): then standard errors are cluster-robust (CR2) with Satterthwaite df.
    prior
        `HalfNormal(scale)` on the between-study standard deviation: Bayes by quadrature.
    moderators
        Numeric columns (k, m) beside the intercept, where no formula is given.
    level
        Of the intervals.

    Returns
    -------
    Pooled, or with `prior` a Posterior

    Raises
    ------
    InputError
        Nothing to pool, unequal lengths, a variance that is not above 0, mixed scales, rows that
        must not be pooled, options that do not go together.
    NotIdentified
        A random term with one level.

    Examples
    --------
    >>> p = pool([0.14, 0.25, 0.30], [0.05, 0.04, 0.05])
    >>> round(p.estimate, 2), p.k
    (0.23, 3)
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"lab": list("aabbcc"), "vi": [0.01, 0.02] * 3,
    ...                      "yi": [0.1, 0.3, 0.5, 0.4, -0.1, 0.2]})
    >>> pool(rows, random="(1 | lab)").sigma2.round(3).to_dict()
    {'lab': 0.049}
    """
    for name, given in (("formula", formula), ("random", random)):
        if not (given is None or isinstance(given, str)):
            raise InputError(f"{name}={given!r}; a formula is a text")
    outcome = outcome_of(formula)
    dependent = any(option is not None for option in (cluster, random, variance))
    read = entered(data, std_errors, variance, outcome=outcome, dependent=dependent)
    share(level)
    labels = labels_of(read, cluster)
    if prior is not None:
        return _bayes(read, prior, level, (formula, random, cluster, moderators, test))
    one_of(method, "method", ESTIMATORS)
    if random is not None or read.matrix is not None:
        from retrostats.models.meta.multilevel import pool_multilevel

        if moderators is not None:
            raise InputError("moderators go into formula= where random= or a matrix is given")
        return pool_multilevel(
            read, formula=formula, random=random, method=method, test="t" if test is None else test,
            cluster=labels, level=level,
        )  # fmt: skip
    how = TESTS[0] if test is None else test
    return _simple(read, formula, moderators, method, how, labels, level)


def _simple(
    read: Entered, formula: str | None, moderators: pd.DataFrame | None,
    method: str, test: str, cluster: Any, level: float,
) -> Pooled:  # fmt: skip
    one_of(test, "test", TESTS)
    if test == "kenward-roger" and method != "reml":
        raise InputError(
            f"test='kenward-roger' is defined for method='reml', found {method!r}; use REML or "
            "another test"
        )
    y, v = read.y, read.v
    if formula is not None and moderators is not None:
        raise InputError("give formula or moderators, not both")
    said = None if formula is None else read_moderators(read, formula)
    X, terms = _design(len(y), moderators) if said is None else fixed_matrix(said, len(y))
    intercept = terms == ("(Intercept)",)
    if test == "henmi-copas":
        if not intercept or cluster is not None:
            raise InputError("test='henmi-copas' is for one mean of independent estimates")
        return _henmi_copas(read, level)
    if len(y) == 1 and intercept:
        return _one(read, method, test, level)
    beta, cov, dfs, tau2 = moment(y, v, X, method, test, cluster)
    errors = np.sqrt(np.diag(cov))
    fitted = _Fitted(read, X, terms, beta, errors, dfs, tau2, said)
    return _pooled(fitted, method, test, level, cluster)


def leave_one_out(
    estimates: Any, std_errors: ArrayLike | None = None, **options: Any
) -> pd.DataFrame:
    """The pool without each estimate in turn: left_out, estimate, conf_low, conf_high, tau2."""
    import pandas as pd

    y, v = arrays(estimates, std_errors)
    rows = []
    for i in range(len(y)):
        keep = np.arange(len(y)) != i
        part = pool(y[keep], np.sqrt(v[keep]), **options)
        rows.append((i, part.estimate, part.conf_low, part.conf_high, part.tau2))
    return pd.DataFrame(rows, columns=["left_out", "estimate", "conf_low", "conf_high", "tau2"])


def _bayes(read: Entered, prior: HalfNormal, level: float, others: tuple[Any, ...]) -> Posterior:
    from retrostats.models.meta.bayes import posterior

    if any(option is not None for option in others) or read.matrix is not None:
        raise InputError(
            "prior= is for one mean of independent estimates; it takes no formula, random, "
            "cluster, moderators, test or covariance matrix"
        )
    return posterior(read.y, read.v, prior, level)


def _henmi_copas(read: Entered, level: float) -> Pooled:
    from retrostats.models.meta.henmi_copas import henmi_copas

    found = henmi_copas(read.y, read.v, level)
    ones = np.ones((len(read.y), 1))
    mean, error, df = (np.array([v]) for v in (found.estimate, found.std_error, math.inf))
    fitted = _Fitted(read, ones, ("(Intercept)",), mean, error, df, found.tau2)
    base = _pooled(fitted, "dl", "henmi-copas", level, None)
    half = found.quantile * found.std_error
    half_width = found.quantile * math.sqrt(found.tau2 + found.std_error**2)
    weights = 1 / read.v
    return replace(
        base,
        conf_low=found.estimate - half,
        conf_high=found.estimate + half,
        pred_low=found.estimate - half_width,
        pred_high=found.estimate + half_width,
        p_value=found.p_value,
        weights=tuple((100 * weights / weights.sum()).tolist()),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """Estimates (k,) with a design (k, p): coefficients, errors and df of its terms (p,), tau2."""

    read: Entered
    X: Array
    terms: tuple[str, ...]
    beta: Array
    errors: Array
    dfs: Array
    tau2: float
    moderators: Moderators | None = None


def _pooled(fitted: _Fitted, method: str, test: str, level: float, cluster: Any) -> Pooled:
    from scipy.special import chdtrc

    y, v, X, terms = fitted.read.y, fitted.read.v, fitted.X, fitted.terms
    beta, errors, dfs, tau2 = fitted.beta, fitted.errors, fitted.dfs, fitted.tau2
    estimate, error, df = float(beta[0]), float(errors[0]), float(dfs[0])
    crit = t_quantile((1 - level) / 2, df)
    _, _, q = weighted_fit(y, v, X, 0.0)
    q_df = float(len(y) - X.shape[1])
    typical = typical_variance(v, X)
    common = method == "common"
    i2 = max(0.0, 1 - q_df / q) if common and q > 0 else tau2 / (tau2 + typical)
    low, high = q_profile(y, v, X, level)
    pred = _prediction(y, v, terms, cluster, level) if not common else None
    half_width = crit * math.sqrt(tau2 + error**2)
    if pred is not None:  # a new study is no better known than the mean: never inside its interval
        pred = (min(pred[0], estimate - crit * error), max(pred[1], estimate + crit * error))
    weights = 1 / (v + tau2)
    return Pooled(
        estimate=estimate,
        std_error=error,
        df=df,
        conf_low=estimate - crit * error,
        conf_high=estimate + crit * error,
        p_value=t_p_value(estimate / error, df) if error > 0 else NAN,
        pred_low=pred[0] if pred else estimate - half_width,
        pred_high=pred[1] if pred else estimate + half_width,
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
        values=tuple(map(float, beta)),
        std_errors=tuple(map(float, errors)),
        dfs=tuple(map(float, dfs)),
        loglik=log_likelihood(y, v, X, tau2, restricted=method == "reml"),
        level=level,
        data=PoolData(y, v, X, fitted.read.labels, cluster, fitted.moderators),
    )


def _prediction(
    y: Array, v: Array, terms: tuple[str, ...], cluster: Any, level: float
) -> tuple[float, float] | None:
    """Prediction limits of one mean of few independent estimates; None for any other pool."""
    if terms != ("(Intercept)",) or cluster is not None or len(y) > FEW:
        return None
    from retrostats.models.meta.prediction import prediction_limits

    low, high = prediction_limits(y, np.sqrt(v), level=level)
    return float(low), float(high)


def _one(read: Entered, method: str, test: str, level: float) -> Pooled:
    """One study is its own pool: no between-study variance can be seen."""
    df = read.df
    value, error = float(read.y[0]), float(np.sqrt(read.v[0]))
    half = t_quantile((1 - level) / 2, df) * error
    return Pooled(
        estimate=value,
        std_error=error,
        df=df,
        conf_low=value - half,
        conf_high=value + half,
        p_value=t_p_value(value / error, df),
        pred_low=NAN,
        pred_high=NAN,
        tau2=NAN,
        tau2_low=NAN,
        tau2_high=NAN,
        i2=NAN,
        h2=NAN,
        q=0.0,
        q_df=0.0,
        q_p=NAN,
        k=1,
        method=method,
        test=test,
        weights=(100.0,),
        terms=("(Intercept)",),
        values=(value,),
        std_errors=(error,),
        dfs=(df,),
        level=level,
    )


def _design(k: int, moderators: pd.DataFrame | None) -> tuple[Array, tuple[str, ...]]:
    ones = np.ones((k, 1))
    if moderators is None:
        return ones, ("(Intercept)",)
    table = table_of(moderators, "moderators")
    if not len(table.columns):
        raise InputError("moderators: no column; give one a moderator")
    columns = np.column_stack([table_column(table, c, "moderators") for c in table.columns])
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
    return X, ("(Intercept)", *map(str, table.columns))
