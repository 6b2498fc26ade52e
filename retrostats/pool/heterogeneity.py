"""Between-study variance: estimators of tau2, its Q-profile interval, I2 and H2.

Notation: y (k,) effects, v (k,) their variances, X (k, p) moderators with the intercept first.
P = W - W X (X'WX)^-1 X'W with W = diag(1 / (v + tau2)).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Grid on which the likelihood is scanned before its best cell is refined.
_SCAN = 80


def weighted_fit(y: Array, v: Array, X: Array, tau2: float) -> tuple[Array, Array, float]:
    """Weighted least squares: beta (p,), (X'WX)^-1 (p, p), and the residual sum y'Py."""
    root = 1 / np.sqrt(v + tau2)
    q, r = np.linalg.qr(X * root[:, None])
    z = y * root
    inverse = np.linalg.inv(r)
    beta = inverse @ (q.T @ z)
    residual = z - q @ (q.T @ z)
    return beta, inverse @ inverse.T, float(residual @ residual)


def _projection(v: Array, X: Array, tau2: float) -> Array:
    w = 1 / (v + tau2)
    _, unscaled, _ = weighted_fit(np.zeros_like(v), v, X, tau2)
    wx = X * w[:, None]
    return np.diag(w) - wx @ unscaled @ wx.T


def dersimonian_laird(y: Array, v: Array, X: Array) -> float:
    """DerSimonian and Laird (1986), Controlled Clinical Trials 7:177, for moderators too."""
    _, _, q = weighted_fit(y, v, X, 0.0)
    return max(0.0, (q - (len(y) - X.shape[1])) / float(np.trace(_projection(v, X, 0.0))))


def hedges(y: Array, v: Array, X: Array) -> float:
    """Hedges and Olkin (1985): unweighted residual variance less the mean sampling variance."""
    q, _ = np.linalg.qr(X)
    residual = y - q @ (q.T @ y)
    leverage = 1 - np.einsum("ij,ij->i", q, q)
    return max(0.0, (float(residual @ residual) - float(leverage @ v)) / (len(y) - X.shape[1]))


def paule_mandel(y: Array, v: Array, X: Array) -> float:
    """Paule and Mandel (1982): the tau2 at which y'Py equals its degrees of freedom."""
    return _q_equals(y, v, X, float(len(y) - X.shape[1]))


def maximum_likelihood(y: Array, v: Array, X: Array, *, restricted: bool) -> float:
    """(Restricted) maximum likelihood, global over tau2 >= 0.

    The deviance is scanned on a grid, because it can have several minima, and the score
    tr(P) - y'PPy (REML) or tr(W) - y'PPy (ML) is solved in the best cell.
    """
    from scipy.optimize import brentq

    def score(tau2: float) -> float:
        w = 1 / (v + tau2)
        wx = X * w[:, None]
        cross = X.T @ wx
        solved = np.linalg.solve(cross, np.column_stack([wx.T @ wx, wx.T @ y]))
        py = w * (y - X @ solved[:, -1])
        trace = float(w.sum()) - (float(np.trace(solved[:, :-1])) if restricted else 0.0)
        return trace - float(py @ py)

    top = 10 * (float(np.ptp(y)) ** 2 + float(v.max()))
    grid = np.concatenate([[0.0], np.geomspace(1e-9 * top, top, _SCAN)])
    values = _deviance(y, v, X, grid, restricted=restricted)
    best = int(np.argmin(values))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, _SCAN)]
    if score(low) * score(high) > 0:
        return 0.0 if best <= 1 else float(grid[best])
    root = float(brentq(score, low, high, xtol=1e-14 * top, rtol=1e-14))
    lowest = _deviance(y, v, X, np.array([root]), restricted=restricted)[0]
    return root if lowest <= values[0] else 0.0


def _deviance(y: Array, v: Array, X: Array, tau2: Array, *, restricted: bool) -> Array:
    """Minus twice the (restricted) log-likelihood up to a constant, at each tau2 (g,)."""
    w = 1 / (v + tau2[:, None])
    cross = np.einsum("gk,kp,kq->gpq", w, X, X)
    right = np.einsum("gk,kp,k->gp", w, X, y)
    beta = np.linalg.solve(cross, right[..., None])[..., 0]
    residual = (w * (y - beta @ X.T) ** 2).sum(axis=1)
    logdet = np.linalg.slogdet(cross)[1] if restricted else 0.0
    return np.asarray(-np.log(w).sum(axis=1) + logdet + residual)


def q_profile(y: Array, v: Array, X: Array, level: float) -> tuple[float, float]:
    """Interval of tau2 by inverting Q (Viechtbauer 2007, Statistics in Medicine 26:37)."""
    from scipy import stats

    df = len(y) - X.shape[1]
    return (
        _q_equals(y, v, X, float(stats.chi2.isf((1 - level) / 2, df))),
        _q_equals(y, v, X, float(stats.chi2.ppf((1 - level) / 2, df))),
    )


def typical_variance(v: Array, X: Array) -> float:
    """Higgins and Thompson's typical sampling variance, (k - p) / tr(P) at tau2 = 0."""
    return (len(v) - X.shape[1]) / float(np.trace(_projection(v, X, 0.0)))


def _q_equals(y: Array, v: Array, X: Array, target: float) -> float:
    from scipy.optimize import brentq

    def gap(tau2: float) -> float:
        return weighted_fit(y, v, X, tau2)[2] - target

    if gap(0.0) <= 0:
        return 0.0
    top = float(v.max()) + float(np.ptp(y)) ** 2
    while gap(top) > 0:
        top *= 10
    return float(brentq(gap, 0.0, top, xtol=1e-14 * top, rtol=1e-14))


ESTIMATORS: dict[str, Callable[[Array, Array, Array], float]] = {
    "common": lambda y, v, X: 0.0,
    "dl": dersimonian_laird,
    "he": hedges,
    "pm": paule_mandel,
    "ml": lambda y, v, X: maximum_likelihood(y, v, X, restricted=False),
    "reml": lambda y, v, X: maximum_likelihood(y, v, X, restricted=True),
}
