"""The studentized range: distribution and quantile that Tukey's comparisons rest on.

With s = sqrt(chi2_df / df) and S(w; k) the chance that the range of k independent standard normals
exceeds w,

    P(Q > q; k, df) = integral of f(s; df) S(q s; k) ds,                                     (1)
    S(w; k) = k integral of phi(z) (Phi(z)^(k-1) - (Phi(z) - Phi(z - w))^(k-1)) dz           (2)

(Tukey 1953; Copenhaver and Holland 1988, Journal of Statistical Computation and Simulation 30:1).
Both integrands are analytic and fall off fast, so that the trapezoidal rule converges
exponentially: (2) in z, (1) in u = log s. Every term is positive, hence small chances keep their
digits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, log_ndtr, ndtr

FloatArray = NDArray[np.float64]

#: Nodes of z: the density beyond them is below 1e-17; halving the step moves 100 means by 1e-10.
_STEP = 0.2
_Z = np.arange(-8.8, 9.1, _STEP)
_PHI = np.exp(-0.5 * _Z**2) / np.sqrt(2 * np.pi)
#: Logarithm of the density of u, relative to its peak, below which nothing is added.
_FLOOR = -40.0
#: Largest step of u, and the step in standard deviations of u where df is large.
_STEP_U, _STEP_SD = 0.1, 0.5
#: Beyond so many df the range is that of normal means, to 1e-7 of its quantile.
_MANY_DF = 1e7
#: First guess of a quantile; relative step of Newton's whose square is below 1e-10.
_START, _CLOSE, _MOST_STEPS = 3.5, 1e-5, 60


def studentized_range_sf(q: ArrayLike, cells: int, df: ArrayLike) -> FloatArray:
    """Chance that a studentized range of `cells` means exceeds q.

    Parameters
    ----------
    q : (n,) array-like
        Not negative; sqrt(2) |t| for a pair.
    cells : int
        2 or more.
    df : (n,) array-like
        Above 0; may be infinite.

    Examples
    --------
    >>> studentized_range_sf([3.577935], 3, [20.0]).round(6).tolist()
    [0.05]
    """
    q, df = np.broadcast_arrays(np.asarray(q, dtype=float), np.asarray(df, dtype=float))
    out = np.full(q.shape, np.nan)
    usable = np.isfinite(q) & (df > 0)
    for one in np.unique(df[usable]):
        rows = usable & (df == one)
        s, weight = _scales(float(one))
        out[rows] = _exceeds(q[rows][:, None] * s, cells) @ weight
    return np.asarray(np.where(np.isposinf(q) & (df > 0), 0.0, np.minimum(out, 1.0)))


def studentized_range_ppf(level: float, cells: int, df: ArrayLike) -> FloatArray:
    """Quantile of the studentized range of `cells` means, by Newton's method kept in a bracket.

    Examples
    --------
    >>> studentized_range_ppf(0.95, 3, [10.0, float("inf")]).round(4).tolist()
    [3.8768, 3.3145]
    """
    df = np.asarray(df, dtype=float)
    found, place = np.unique(df, return_inverse=True)
    quantiles = np.full(found.shape, np.nan)
    known: list[tuple[float, float]] = []  # 1 / df and quantile: a line through the last two
    for i in np.flatnonzero(found > 0)[::-1]:
        quantiles[i] = _quantile(level, cells, float(found[i]), _guess(known, 1 / found[i]))
        known = [*known[-1:], (1 / found[i], quantiles[i])]
    return np.asarray(quantiles[place].reshape(df.shape))


def _guess(known: list[tuple[float, float]], x: float) -> float:
    """Where the line through two known points is at x, or the last point, or a usual value."""
    if len(known) < 2:
        return known[-1][1] if known else _START
    (x0, q0), (x1, q1) = known
    return q1 + (q1 - q0) * min((x - x1) / (x1 - x0), 2.0)


def _quantile(level: float, cells: int, df: float, q: float) -> float:
    """Root of P(Q > q) = 1 - level, from a first guess of q."""
    s, weight = _scales(df)
    tail, low, high = 1.0 - level, 0.0, np.inf
    for _ in range(_MOST_STEPS):
        w = q * s
        excess = float(_exceeds(w, cells) @ weight) - tail
        low, high = (q, high) if excess > 0 else (low, q)
        slope = float((_density(w, cells) * s) @ weight)
        step = excess / slope if slope > 0 else np.inf
        following = q + step
        if not low < following < high:  # outside what is known: halve, or double
            following = 0.5 * (low + high) if np.isfinite(high) else 2.0 * q
        if abs(following - q) <= _CLOSE * q:
            return float(following)
        q = following
    return float(q)


def _scales(df: float) -> tuple[FloatArray, FloatArray]:
    """Nodes of s = exp(u) and the weights of (1), which sum to 1.

    The density of u is proportional to exp(df (u - exp(2 u) / 2)), of standard deviation near
    1 / sqrt(2 df) where df is large.
    """
    if df > _MANY_DF:
        return np.ones(1), np.ones(1)
    step = min(_STEP_U, _STEP_SD / np.sqrt(2 * df))
    # the log density df (u - exp(2u) / 2 + 1/2) is at most df (u + 1/2), and -df u^2 above 0
    u = np.arange(_FLOOR / df - 0.5, np.sqrt(-_FLOOR / df) + step, step)
    log = df * (u - 0.5 * np.exp(2 * u) + 0.5)
    keep = log > _FLOOR
    u, log = u[keep], log[keep]
    # constant of chi: f(u) = 2 (df/2)^(df/2) / Gamma(df/2) exp(df u - df exp(2u) / 2)
    constant = np.log(2.0) + 0.5 * df * np.log(0.5 * df) - gammaln(0.5 * df) - 0.5 * df
    return np.exp(u), step * np.exp(log + constant)


def _exceeds(w: FloatArray, cells: int) -> FloatArray:
    """S(w; k) of (2), any shape; 1 for w at 0."""
    log_all = (cells - 1) * log_ndtr(_Z)
    share = np.minimum(ndtr(_Z - w[..., None]) / ndtr(_Z), 1.0)
    with np.errstate(divide="ignore"):
        lost = -np.expm1((cells - 1) * np.log1p(-share))
    return np.asarray(cells * _STEP * (lost @ (_PHI * np.exp(log_all))))


def _density(w: FloatArray, cells: int) -> FloatArray:
    """-dS/dw = k (k-1) integral of phi(z) phi(z - w) (Phi(z) - Phi(z - w))^(k-2) dz."""
    z = _Z - w[..., None]
    between = np.maximum(ndtr(_Z) - ndtr(z), 0.0) ** (cells - 2)
    other = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return np.asarray(cells * (cells - 1) * _STEP * ((other * between) @ _PHI))
