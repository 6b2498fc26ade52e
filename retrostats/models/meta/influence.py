"""What one estimate does to a pool: leave it out and compare.

Viechtbauer and Cheung (2010), Research Synthesis Methods 1:112: hat values, externally
standardised residuals, DFFITS, Cook's distance and the ratio of covariance determinants.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.linalg import LinAlgError
from numpy.typing import ArrayLike

from retrostats.common.arrays import label_array
from retrostats.common.errors import InputError, RetrostatsError
from retrostats.common.student import t_quantile
from retrostats.models.meta.heterogeneity import Array

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.models.meta.result import PoolData, Pooled

NAN = float("nan")
COLUMNS = [
    "left_out", "estimate", "conf_low", "conf_high", "tau2", "weight", "hat", "rstudent",
    "dffits", "cook", "cov_ratio",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Fit:
    """Coefficients, covariance, df and V (k, k) of a pool."""

    beta: Array
    cov: Array
    df: float
    tau2: float
    v: Array


def influence(pooled: Pooled, by: ArrayLike | None = None) -> pd.DataFrame:
    """See `Pooled.influence`."""
    import pandas as pd

    data = pooled.data
    if data is None or pooled.k < 2 or pooled.test == "henmi-copas":
        raise InputError("influence needs a random-effects pool of two estimates or more")
    labels = np.arange(pooled.k) if by is None else label_array(by, "influence", pooled.k)
    whole = _fit(pooled, data, np.arange(0))
    inverse = np.linalg.inv(whole.v)
    wx = inverse @ data.x
    hat = np.diag(data.x @ np.linalg.solve(data.x.T @ wx, wx.T))
    weights = np.array(pooled.weights)
    rows = []
    for label in dict.fromkeys(labels.tolist()):
        out = np.flatnonzero(labels == label)
        name = data.labels[int(label)] if by is None else label
        rows.append((name, *_row(pooled, data, whole, hat, weights, out)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(
    pooled: Pooled, data: PoolData, whole: _Fit, hat: Array, weights: Array, out: Any
) -> tuple[float, ...]:
    share, own = float(weights[out].sum()), float(hat[out].sum())
    try:
        part = _fit(pooled, data, out)
    except (RetrostatsError, LinAlgError):
        return (NAN, NAN, NAN, NAN, share, own, NAN, NAN, NAN, NAN)
    moved = whole.beta - part.beta
    half = t_quantile((1 - pooled.level) / 2, part.df) * float(np.sqrt(part.cov[0, 0]))
    first = float(part.beta[0])
    rstudent = dffits = NAN
    if len(out) == 1:  # residuals and fits of one estimate
        i = int(out[0])
        x = data.x[i]
        spread = float(_own_variance(pooled, data, part, i))
        gap = float(data.y[i] - x @ part.beta)
        rstudent = gap / float(np.sqrt(spread + x @ part.cov @ x))
        dffits = float(x @ moved) / float(np.sqrt(hat[i] * spread))
    cook = float(moved @ np.linalg.solve(whole.cov, moved))
    ratio = float(np.linalg.det(part.cov) / np.linalg.det(whole.cov))
    return (first, first - half, first + half, part.tau2, share, own, rstudent, dffits, cook, ratio)


def _own_variance(pooled: Pooled, data: PoolData, part: _Fit, i: int) -> float:
    """Marginal variance of estimate i with the variances estimated without it."""
    if pooled.fit is None:
        return float(data.v[i]) + part.tau2
    return float(part.v[i, i])


def _fit(pooled: Pooled, data: PoolData, out: Any) -> _Fit:
    keep = np.setdiff1d(np.arange(len(data.y)), out)
    x = data.x[keep]
    if len(keep) <= x.shape[1] - 1 or np.linalg.matrix_rank(x) < x.shape[1]:
        raise InputError("what is left does not determine the coefficients")
    cluster = None if data.cluster is None else np.asarray(data.cluster)[keep]
    if pooled.fit is not None:
        return _fit_mixed(pooled, out, cluster)
    from retrostats.models.meta.moment import moment

    if len(keep) == x.shape[1]:
        raise InputError("what is left has no residual")
    beta, cov, dfs, tau2 = moment(
        data.y[keep], data.v[keep], x, pooled.method, pooled.test, cluster
    )
    return _Fit(beta, cov, float(dfs[0]), tau2, np.diag(data.v + tau2))


def _fit_mixed(pooled: Pooled, out: Any, cluster: Any) -> _Fit:
    from retrostats.models.linear.known_variance.components import working_covariance
    from retrostats.models.linear.known_variance.fit import fit_known
    from retrostats.models.linear.known_variance.model import without

    fit = pooled.fit
    assert fit is not None
    part = fit
    if len(out):
        part = fit_known(without(fit.model, out), reml=fit.reml, ddf=fit.ddf)
    cov, df = np.asarray(part.cov_beta, dtype=float), float(part.dfs()[0])
    if cluster is not None:
        cov, dfs = part.clustered(cluster)
        df = float(dfs[0])
    gamma = part.optimum.gamma
    intercepts = all(term.effects == ("(Intercept)",) for term in fit.model.random)
    tau2 = float(gamma.sum()) if intercepts else NAN
    return _Fit(
        np.asarray(part.beta, dtype=float),
        cov,
        df,
        tau2,
        working_covariance(fit.model, gamma).matrix(),
    )
