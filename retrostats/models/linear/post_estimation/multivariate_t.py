"""The largest of several correlated t statistics: its tail and its quantile.

For estimates with correlation C = LL' of rank r, z = q L u with u uniform on the sphere and q^2
chi-squared with r degrees of freedom. Given u, the largest |t| exceeds c where q^2 / s^2 exceeds
c^2 / M(u)^2, M the largest |L u|: an F tail. Only the direction u is integrated numerically, over a
lattice that is the same on every machine.
"""

from __future__ import annotations

import numpy as np
from scipy.special import chdtrc, fdtrc, ndtri

from retrostats.common.lower_factor import lower_factor
from retrostats.models.linear.formula.columns import FloatArray

_POINTS = 2**16
_INSIDE = 1e-15  # normal quantiles are finite from here
_ROWS = 64  # contrasts looked at together
_NEGLIGIBLE = 1e-10  # share of a variance, given the others, below which a contrast follows
_HALVINGS = 44


def max_t_sf(t: FloatArray, correlation: FloatArray, df: FloatArray) -> FloatArray:
    """Probability that the largest |t| of several contrasts exceeds each |t|.

    Parameters
    ----------
    t : (c,) array
    correlation : (c, c) array
        Of the contrasts; it may be singular, as of all pairs.
    df : (c,) array
        Each probability is taken at its own degrees of freedom, which may be infinite.

    References
    ----------
    Genz and Bretz (2009), Computation of Multivariate Normal and t Probabilities, Springer,
    section 4.1 (spherical-radial transformation).

    Examples
    --------
    >>> one = max_t_sf(np.array([2.0]), np.eye(1), np.array([10.0]))
    >>> round(float(one[0]), 4)  # Student's own, two-sided
    0.0734
    """
    largest, rank = _directions(correlation)
    return np.array([_tail(abs(a), largest, rank, v) for a, v in zip(t, df, strict=True)])


def max_t_ppf(level: float, correlation: FloatArray, df: FloatArray) -> FloatArray:
    """The value (c,) that the largest |t| stays below with probability `level`.

    Examples
    --------
    >>> round(float(max_t_ppf(0.95, np.eye(1), np.array([10.0]))[0]), 3)
    2.228
    """
    largest, rank = _directions(correlation)
    found = {v: _quantile(1.0 - level, largest, rank, v) for v in set(np.asarray(df).tolist())}
    return np.array([found[v] for v in np.asarray(df).tolist()])


def _directions(correlation: FloatArray) -> tuple[FloatArray, int]:
    """Largest |L u| (points,) over a lattice of directions u, and the rank."""
    lower, kept = lower_factor(correlation[None], tolerance=_NEGLIGIBLE)
    root = lower[0][:, kept[0]]
    rank = root.shape[1]
    at = (np.arange(1, _POINTS + 1)[:, None] - 0.5) * _generator(rank) % 1.0
    normal = ndtri(np.clip(1.0 - np.abs(2.0 * at - 1.0), _INSIDE, 1.0 - _INSIDE))
    largest = np.zeros(_POINTS)
    for rows in range(0, len(root), _ROWS):
        found = np.abs(normal @ root[rows : rows + _ROWS].T).max(axis=1)
        largest = np.maximum(largest, found)
    return largest / np.sqrt(np.einsum("ij,ij->i", normal, normal)), rank


def _generator(rank: int) -> FloatArray:
    """Powers of the root above 1 of x^(rank + 1) = x + 1, whose multiples fill the cube evenly."""
    root = 2.0
    for _ in range(_HALVINGS):
        root = (1.0 + root) ** (1.0 / (rank + 1))
    return np.asarray(root ** -np.arange(1.0, rank + 1.0))


def _tail(t: float, largest: FloatArray, rank: int, df: float) -> float:
    if not np.isfinite(t):
        return float("nan") if np.isnan(t) else 0.0
    away = (t / largest) ** 2
    tails = chdtrc(rank, away) if np.isinf(df) else fdtrc(rank, df, away / rank)
    return float(np.mean(tails))


def _quantile(tail: float, largest: FloatArray, rank: int, df: float) -> float:
    """By halving: the tail falls with t, and at the upper end it is below Bonferroni's."""
    low, high = 0.0, 1.0
    while _tail(high, largest, rank, df) > tail:
        low, high = high, 2.0 * high
    for _ in range(_HALVINGS):
        centre = 0.5 * (low + high)
        low, high = (centre, high) if _tail(centre, largest, rank, df) > tail else (low, centre)
    return 0.5 * (low + high)
