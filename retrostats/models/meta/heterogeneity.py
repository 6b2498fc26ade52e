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
_SCAN = 60


def weighted_fit(y: Array, v: Array, X: Array, tau2: float) -> tuple[Array, Array, float]:
    """Weighted least squares: beta (p,), (X'WX)^-1 (p, p), and the residual sum y'Py."""
    # section 11: X and y by the roots of their weights, then QR
    root = 1 / np.sqrt(v + tau2)
    q, r = np.linalg.qr(X * root[:, None])
    z = y * root
    inverse = np.linalg.inv(r)
    beta = inverse @ (q.T @ z)
    residual = z - q @ (q.T @ z)
    return beta, inverse @ inverse.T, float(residual @ residual)


def _trace(v: Array, X: Array) -> float:
    """tr(P) at tau2 = 0: tr(W) - tr((X'WX)^-1 X'W^2 X), without the (k, k) matrix."""
    w = 1 / v
    wx = X * w[:, None]
    return float(w.sum() - np.trace(np.linalg.solve(X.T @ wx, wx.T @ wx)))


def dersimonian_laird(y: Array, v: Array, X: Array) -> float:
    """DerSimonian and Laird (1986), Controlled Clinical Trials 7:177, for moderators too."""
    _, _, q = weighted_fit(y, v, X, 0.0)
    # eq. P0a
    return float(max(0.0, (q - (len(y) - X.shape[1])) / _trace(v, X)))


def hedges(y: Array, v: Array, X: Array) -> float:
    """Hedges and Olkin (1985): unweighted residual variance less the mean sampling variance."""
    q, _ = np.linalg.qr(X)
    residual = y - q @ (q.T @ y)
    leverage = 1 - np.einsum("ij,ij->i", q, q)
    return float(max(0.0, (residual @ residual - leverage @ v) / (len(y) - X.shape[1])))


def paule_mandel(y: Array, v: Array, X: Array) -> float:
    """Paule and Mandel (1982): the tau2 at which y'Py equals its degrees of freedom."""
    return _q_equals(y, v, X, float(len(y) - X.shape[1]))


def maximum_likelihood(y: Array, v: Array, X: Array, *, restricted: bool) -> float:
    """(Restricted) maximum likelihood, global over tau2 >= 0.

    The deviance is scanned on a grid, because it can have several minima, and the score
    tr(P) - y'PPy (REML) or tr(W) - y'PPy (ML) is solved in the best cell.
    """
    if len(y) <= X.shape[1]:
        return 0.0
    from scipy.optimize import brentq

    def score(tau2: float) -> float:
        # eq. P0: P y and tr(P), or tr(W), without a (k, k) matrix
        w = 1 / (v + tau2)
        wx = X * w[:, None]
        cross = X.T @ wx
        solved = np.linalg.solve(cross, np.column_stack([wx.T @ wx, wx.T @ y]))
        py = w * (y - X @ solved[:, -1])
        trace = float(w.sum()) - (float(np.trace(solved[:, :-1])) if restricted else 0.0)
        return trace - float(py @ py)

    # In log(tau2 + smallest variance) every weight is a logistic curve of unit width.
    least = float(v.min())
    top = least + 10 * (float(np.ptp(y)) ** 2 + float(v.max()))
    grid = np.geomspace(least, top, _SCAN + 1) - least
    grid[0] = 0.0
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
    found = np.empty(len(tau2))
    for i, one in enumerate(tau2):  # a row at a time: (g, k) weights of many studies are large
        w = 1 / (v + one)
        wx = X * w[:, None]
        cross = X.T @ wx
        # eq. P1 without its constants, V diagonal
        residual = y - X @ np.linalg.solve(cross, wx.T @ y)
        logdet = float(np.linalg.slogdet(cross)[1]) if restricted else 0.0
        found[i] = logdet - float(np.log(w).sum()) + float(w @ residual**2)
    return found


def log_likelihood(y: Array, v: Array, X: Array, tau2: float, *, restricted: bool) -> float:
    """(Restricted) log-likelihood; the restricted one with the constant log|X'X| / 2."""
    value = float(_deviance(y, v, X, np.array([tau2]), restricted=restricted)[0])
    free = len(y) - (X.shape[1] if restricted else 0)
    if restricted:
        value -= float(np.linalg.slogdet(X.T @ X)[1])
    return -0.5 * (value + free * float(np.log(2 * np.pi)))


def kenward_roger(v: Array, X: Array, tau2: float) -> tuple[Array, Array]:
    """Adjusted covariance (p, p) and df (p,) with tau2 estimated by REML.

    Kenward and Roger (1997), Biometrics 53:983, for V = diag(v) + tau2 I: with A_m = X'W^m X and
    C = A_1^-1, their P is -A_2, their Q is A_3, and the information on tau2 is
    (tr W^2 - 2 tr(C A_3) + tr(C A_2 C A_2)) / 2.
    """
    w = 1 / (v + tau2)
    phi = weighted_fit(np.zeros_like(v), v, X, tau2)[1]
    a2, a3 = (X.T @ (X * (w**m)[:, None]) for m in (2, 3))
    turned = phi @ a2
    # eq. 16, then eq. 17 and the degrees of freedom of eq. 21 for one parameter
    information = 0.5 * float(w @ w - 2 * np.trace(phi @ a3) + np.trace(turned @ turned))
    adjusted = phi + 2 / information * phi @ (a3 - a2 @ turned) @ phi
    slope = np.diag(turned @ phi) / np.diag(phi)
    return adjusted, 2 * information / slope**2


def q_profile(y: Array, v: Array, X: Array, level: float) -> tuple[float, float]:
    """Interval of tau2 by inverting Q (Viechtbauer 2007, Statistics in Medicine 26:37)."""
    from scipy.special import chdtri, gammaincinv

    df = len(y) - X.shape[1]
    return (
        _q_equals(y, v, X, float(chdtri(df, (1 - level) / 2))),
        _q_equals(y, v, X, 2 * float(gammaincinv(df / 2, (1 - level) / 2))),
    )


def typical_variance(v: Array, X: Array) -> float:
    """Higgins and Thompson's typical sampling variance, (k - p) / tr(P) at tau2 = 0."""
    return float((len(v) - X.shape[1]) / _trace(v, X))


def _q_equals(y: Array, v: Array, X: Array, target: float) -> float:
    from scipy.optimize import brentq

    alone = X.shape[1] == 1 and bool((X == 1).all())

    def gap(tau2: float) -> float:
        if not alone:
            return weighted_fit(y, v, X, tau2)[2] - target
        # eq. P0b
        w = 1 / (v + tau2)
        return float(w @ (y - (w @ y) / w.sum()) ** 2) - target

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
