"""Small studies beside large ones: funnel, radial plot, tests, trim and fill, cumulation.

None of these tells a study that was never published from other reasons for which small studies
differ (another population, another dose, chance); with fewer than ten estimates the tests find
little. Fail-safe numbers (how many studies of no effect would make the pool "not significant")
are left out on purpose: they suppose an effect of exactly zero in all that is missing, leave out
how studies differ, and their answer is about significance and not about size (Becker 2005, in
Publication Bias in Meta-Analysis, chapter 7; Cochrane Handbook, 10.4.4).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from retrostats.common.arrays import label_array, one_of
from retrostats.common.errors import InputError
from retrostats.common.readable import as_html, as_text
from retrostats.common.student import t_p_value, t_quantile
from retrostats.models.meta.heterogeneity import Array
from retrostats.models.meta.moment import moment

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.models.meta.result import PoolData, Pooled

PREDICTORS = ("std_error", "variance")
MODELS = ("multiplicative", "random-effects")
ESTIMATORS = ("L0", "R0", "Q0")
_MOST_STEPS = 100


@dataclass(frozen=True, slots=True)
class _Mean:
    """A mean of estimates by a pool's method and test."""

    estimate: float
    std_error: float
    df: float
    conf_low: float
    conf_high: float
    p_value: float
    tau2: float


@dataclass(frozen=True, slots=True, repr=False)
class TrimAndFill:
    """What trim and fill gives.

    Attributes
    ----------
    missing, missing_se
        Estimated number of studies that are missing, and its standard error.
    side
        "left" or "right" of the funnel.
    estimate, std_error, df, conf_low, conf_high, p_value, tau2
        The mean with the mirrored estimates, by the pool's method and test.
    filled
        DataFrame for `pool`: label, estimate, std_error, filled (whether a row is a mirrored one).
    """

    missing: int
    missing_se: float
    side: str
    estimate: float
    std_error: float
    df: float
    conf_low: float
    conf_high: float
    p_value: float
    tau2: float
    filled: pd.DataFrame = field(compare=False)

    def _header(self) -> list[str]:
        return [
            f"Trim and fill: {self.missing} missing on the {self.side} (se {self.missing_se:.3g})",
            f"mean with them {self.estimate:.4g} [{self.conf_low:.4g}, {self.conf_high:.4g}], "
            f"tau2 {self.tau2:.4g}",
        ]

    def __repr__(self) -> str:
        """The number missing, and the mean with them."""
        return as_text(self._header(), ())

    def _repr_html_(self) -> str:
        """The same with the estimates, for notebooks."""
        return as_html(self._header(), (self.filled,))


def _mean(pooled: Pooled, y: Array, v: Array) -> _Mean:
    """The mean of some estimates as the pool takes it; of one estimate, that estimate."""
    if len(y) == 1:
        estimate, error, df, tau2 = float(y[0]), math.sqrt(v[0]), math.inf, 0.0
    else:
        ones = np.ones((len(y), 1))
        beta, cov, dfs, tau2 = moment(y, v, ones, pooled.method, pooled.test, None)
        estimate, error, df = float(beta[0]), math.sqrt(cov[0, 0]), float(dfs[0])
    half = t_quantile((1 - pooled.level) / 2, df) * error
    p = t_p_value(estimate / error, df) if error > 0 else math.nan
    return _Mean(estimate, error, df, estimate - half, estimate + half, p, float(tau2))


def _simple(pooled: Pooled, verb: str, least: int) -> PoolData:
    """The data of a pool of independent estimates around one mean."""
    data = pooled.data
    if pooled.fit is not None or pooled.terms != ("(Intercept)",):
        raise InputError(
            f"{verb} is for one mean of independent estimates; pool without formula=, moderators= "
            "and random="
        )
    if data is None or pooled.k < least:
        raise InputError(f"{verb} needs {least} estimates or more, found {pooled.k}")
    if data.cluster is not None:
        raise InputError(f"{verb} takes estimates as independent; pool one a cluster first")
    return data


def _refuse_henmi_copas(pooled: Pooled, verb: str) -> None:
    if pooled.test == "henmi-copas":
        raise InputError(f"{verb} pools again; give the pool another test than henmi-copas")


def funnel(pooled: Pooled) -> pd.DataFrame:
    """See `Pooled.funnel`."""
    import pandas as pd

    data = _simple(pooled, "funnel", 2)
    errors = np.sqrt(data.v)
    half = t_quantile((1 - pooled.level) / 2, math.inf) * errors
    low, high = pooled.estimate - half, pooled.estimate + half
    return pd.DataFrame(
        {
            "label": data.labels,
            "estimate": data.y,
            "std_error": errors,
            "expected_low": low,
            "expected_high": high,
            "inside": (low <= data.y) & (data.y <= high),
        }
    )


def radial(pooled: Pooled) -> pd.DataFrame:
    """See `Pooled.radial`."""
    import pandas as pd

    data = _simple(pooled, "radial", 2)
    precision = 1 / np.sqrt(data.v + (pooled.tau2 if np.isfinite(pooled.tau2) else 0.0))
    half = t_quantile((1 - pooled.level) / 2, math.inf)
    centre = pooled.estimate * precision
    return pd.DataFrame(
        {
            "label": data.labels,
            "precision": precision,
            "standardised": data.y * precision,
            "expected_low": centre - half,
            "expected_high": centre + half,
        }
    )


def egger(pooled: Pooled, *, model: str, predictor: str) -> pd.DataFrame:
    """See `Pooled.egger`."""
    import pandas as pd

    one_of(model, "egger model", MODELS)
    one_of(predictor, "egger predictor", PREDICTORS)
    data = _simple(pooled, "egger", 3)
    size = np.sqrt(data.v) if predictor == "std_error" else data.v
    if np.ptp(size) <= 1e-12 * size.max():
        raise InputError(
            "egger: all estimates have the same standard error, so that none is of a small study; "
            "there is nothing to test"
        )
    X = np.column_stack([np.ones_like(size), size])
    if model == "multiplicative":  # weighted least squares: Knapp and Hartung's errors at tau2 = 0
        method, test = "common", "knapp-hartung"
    else:
        method = pooled.method
        test = "z" if pooled.test == "henmi-copas" else pooled.test
    beta, cov, dfs, _ = moment(data.y, data.v, X, method, test, None)
    errors, df = np.sqrt(np.diag(cov)), float(dfs[1])
    half = t_quantile((1 - pooled.level) / 2, float(dfs[0])) * errors[0]
    row = {
        "model": model,
        "predictor": predictor,
        "estimate": beta[1],
        "std_error": errors[1],
        "statistic": beta[1] / errors[1],
        "df": df,
        "p_value": t_p_value(float(beta[1] / errors[1]), df),
        "limit": beta[0],
        "limit_low": beta[0] - half,
        "limit_high": beta[0] + half,
    }
    return pd.DataFrame([row])


def rank_test(pooled: Pooled) -> pd.DataFrame:
    """See `Pooled.rank_test`."""
    import pandas as pd
    from scipy.stats import kendalltau

    data = _simple(pooled, "rank_test", 3)
    w = 1 / data.v
    mean = float(w @ data.y / w.sum())
    away = (data.y - mean) / np.sqrt(data.v - 1 / w.sum())
    ties = len(np.unique(away)) < pooled.k or len(np.unique(data.v)) < pooled.k
    found = kendalltau(away, data.v, method="asymptotic" if ties else "exact")
    how = "normal, ties" if ties else "exact"
    return pd.DataFrame([{"tau": found.statistic, "p_value": found.pvalue, "p_from": how}])


def trim_and_fill(pooled: Pooled, *, estimator: str, side: str | None) -> TrimAndFill:
    """See `Pooled.trim_and_fill`."""
    import pandas as pd

    one_of(estimator, "trim_and_fill estimator", ESTIMATORS)
    if side is not None:
        one_of(side, "trim_and_fill side", ("left", "right"))
    data = _simple(pooled, "trim_and_fill", 3)
    _refuse_henmi_copas(pooled, "trim_and_fill")
    errors = np.sqrt(data.v)
    if side is None:
        X = np.column_stack([np.ones_like(errors), errors])
        slope = float(moment(data.y, data.v, X, pooled.method, "z", None)[0][1])
        side = "left" if slope > 0 else "right"
    sign = 1.0 if side == "left" else -1.0
    order = np.argsort(sign * data.y, kind="stable")
    y, v = sign * data.y[order], data.v[order]
    missing, error, centre = _trimmed(y, v, pooled.method, estimator)
    outer = np.arange(len(y) - missing, len(y))
    mirrored = sign * (2 * centre - y[outer])
    labels = [data.labels[i] for i in order[outer]]
    filled = pd.DataFrame(
        {
            "label": [*data.labels, *(f"filled: {label}" for label in labels)],
            "estimate": np.r_[data.y, mirrored],
            "std_error": np.r_[errors, np.sqrt(v[outer])],
            "filled": np.r_[np.zeros(len(y), dtype=bool), np.ones(missing, dtype=bool)],
        }
    )
    mean = _mean(pooled, filled["estimate"].to_numpy(), filled["std_error"].to_numpy() ** 2)
    return TrimAndFill(missing, error, side, **asdict(mean), filled=filled)


def _trimmed(y: Array, v: Array, method: str, estimator: str) -> tuple[int, float, float]:
    """Number missing at the low end of sorted estimates, its standard error, the centre."""
    k = len(y)
    ones = np.ones((k, 1))
    missing, before, error, centre = 0, -1, 0.0, 0.0
    for _ in range(_MOST_STEPS):
        if missing == before:
            break
        before, kept = missing, k - missing
        centre = float(moment(y[:kept], v[:kept], ones[:kept], method, "z", None)[0][0])
        away = y - centre
        ranks = np.empty(k)
        ranks[np.argsort(np.abs(away), kind="stable")] = np.arange(1, k + 1)
        number, error = _missing(np.sign(away) * ranks, estimator)
        missing = min(max(0, round(number)), k - 1)
    return missing, error, centre


def _missing(signed: Array, estimator: str) -> tuple[float, float]:
    """Duval and Tweedie's (2000) estimators of the number missing, from signed ranks (k,)."""
    k = len(signed)
    if estimator == "R0":
        low = -signed[signed < 0]
        number = k - float(low.max() if low.size else 0) - 1
        return number, math.sqrt(2 * max(0.0, number) + 2)
    total = float(signed[signed > 0].sum())
    if estimator == "L0":
        number = (4 * total - k * (k + 1)) / (2 * k - 1)
    else:
        number = k - 0.5 - math.sqrt(max(0.0, 2 * k**2 - 4 * total + 0.25))
    n = number
    variance = (
        k * (k + 1) * (2 * k + 1) + 10 * n**3 + 27 * n**2 + 17 * n
        - 18 * k * n**2 - 18 * k * n + 6 * k**2 * n
    ) / 24  # fmt: skip
    root = math.sqrt(max(0.0, variance))
    if estimator == "L0":
        return number, 4 * root / (2 * k - 1)
    below = (k - 0.5) ** 2 - n * (2 * k - n - 1)
    return number, 2 * root / math.sqrt(below) if below > 0 else math.nan


def cumulative(pooled: Pooled, by: ArrayLike | None) -> pd.DataFrame:
    """See `Pooled.cumulative`."""
    import pandas as pd

    data = _simple(pooled, "cumulative", 2)
    _refuse_henmi_copas(pooled, "cumulative")
    order = np.arange(pooled.k)
    if by is not None:
        keys: Any = label_array(by, "cumulative", pooled.k)
        try:
            order = np.argsort(keys, kind="stable")
        except TypeError:
            raise InputError(
                "cumulative: by= holds numbers and text; give one kind, as years"
            ) from None
    rows = [
        {"added": data.labels[order[n - 1]], "k": n}
        | asdict(_mean(pooled, data.y[order[:n]], data.v[order[:n]]))
        for n in range(1, pooled.k + 1)
    ]
    return pd.DataFrame(rows)
