"""How the limits of many pools move with each effect and variance: exact derivatives.

Notation as in `batch`: w = 1 / (v + tau2), S_m = sum of w^m, mu = sum(w y) / S_1, r = y - mu,
Q = sum(w r^2). Everything depends on v and tau2 by their sums v_i + tau2 alone, so that a
derivative in tau2 is the sum of those in v_i; tau2 moves as the root of its own equation does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrostats.models.meta.batch import BatchPool

Array = NDArray[np.float64]
#: Tests whose errors have a derivative here: their degrees of freedom do not move.
SLOPED_TESTS = ("z", "t", "knapp-hartung", "knapp-hartung-adhoc")


class Moves(NamedTuple):
    """Derivatives by each effect y and each variance v, (n, k) both."""

    y: Array
    v: Array


def limit_slopes(
    y: Array, v: Array, pools: BatchPool, t: Array, *, method: str, test: str
) -> tuple[Moves, Moves]:
    """Derivatives of both limits, mean minus and plus t standard errors.

    Parameters
    ----------
    y, v
        Effects and variances (n, k), all of which count.
    pools
        `random_effects_batch` of them by this `method` and `test`, one of `SLOPED_TESTS`.
    t
        Quantile (n,) of the limits.

    Returns
    -------
    tuple of Moves
        Of the lower and of the upper limit. Where tau2 is 0 it stays there; at a jump of tau2 they
        are those of the side that was taken.

    Examples
    --------
    >>> from retrostats.models.meta.batch import random_effects_batch
    >>> y, v = np.array([[0.1, 0.3, 0.2]]), np.array([[0.01, 0.02, 0.01]])
    >>> pools = random_effects_batch(y, v, test="z")
    >>> low, _ = limit_slopes(y, v, pools, np.array([1.96]), method="reml", test="z")
    >>> low.y.round(2).tolist()  # tau2 is 0: the weights
    [[0.4, 0.2, 0.4]]
    """
    w = 1 / (v + pools.tau2[:, None])
    s1 = w.sum(axis=1, keepdims=True)
    r = y - pools.estimate[:, None]
    mean = Moves(w / s1, -(w**2) * r / s1)
    tau2 = _of_tau2(y, v, pools, method)
    variance = _of_variance(w, r, test)
    half = (t / (2 * pools.std_error))[:, None]
    limits = []
    for sign in (-1.0, 1.0):
        by_y = mean.y + sign * half * variance.y
        by_v = mean.v + sign * half * variance.v
        # eq. 42b
        by_tau2 = by_v.sum(axis=1, keepdims=True)
        limits.append(Moves(by_y + by_tau2 * tau2.y, by_v + by_tau2 * tau2.v))
    return limits[0], limits[1]


def _of_variance(w: Array, r: Array, test: str) -> Moves:
    """Of the squared standard error, at a fixed tau2."""
    s1 = w.sum(axis=1, keepdims=True)
    plain = Moves(np.zeros_like(w), w**2 / s1**2)
    if not test.startswith("knapp-hartung"):
        return plain
    df = w.shape[1] - 1
    q = (w * r**2).sum(axis=1, keepdims=True)
    found = Moves(2 * w * r / (df * s1), (q / s1 - r**2) * w**2 / (df * s1))
    if not test.endswith("adhoc"):
        return found
    narrow = q < df
    return Moves(*(np.where(narrow, a, b) for a, b in zip(plain, found, strict=True)))


def _of_tau2(y: Array, v: Array, pools: BatchPool, method: str) -> Moves:
    """Of the variance between studies; 0 where it is 0."""
    n, k = y.shape
    zero = Moves(np.zeros((n, k)), np.zeros((n, k)))
    if method == "common":
        return zero
    if method == "he":
        centred = y - y.mean(axis=1, keepdims=True)
        found = Moves(2 * centred / (k - 1), np.full((n, k), -1.0 / k))
    elif method == "dl":
        found = _of_explicit(y, v, pools.tau2[:, None])
    else:
        by = _of_equation(y, v, pools, method)
        with np.errstate(divide="ignore", invalid="ignore"):
            down = -by.v.sum(axis=1, keepdims=True)
            found = Moves(by.y / down, by.v / down)
    inside = (pools.tau2 > 0)[:, None]
    return Moves(*(np.where(inside, part, 0.0) for part in found))


def _of_explicit(y: Array, v: Array, tau2: Array) -> Moves:
    """Of DerSimonian and Laird's tau2 = (Q - (k - 1)) / C with C = S_1 - S_2 / S_1 at tau2 = 0."""
    w = 1 / v
    s1, s2 = (np.sum(w**m, axis=1, keepdims=True) for m in (1, 2))
    r = y - (w * y).sum(axis=1, keepdims=True) / s1
    c = s1 - s2 / s1
    by_c = -(w**2) * (1 - 2 * w / s1 + s2 / s1**2)
    return Moves(2 * w * r / c, (-(w**2) * r**2 - tau2 * by_c) / c)


def _of_equation(y: Array, v: Array, pools: BatchPool, method: str) -> Moves:
    """Of the left side of the equation whose root tau2 is."""
    w = 1 / (v + pools.tau2[:, None])
    s1 = w.sum(axis=1, keepdims=True)
    r = y - pools.estimate[:, None]
    if method == "pm":  # Q = k - 1
        return Moves(2 * w * r, -(w**2) * r**2)
    # S_1 - S_2 / S_1 (REML's alone) = sum of (w r)^2; mu moves the latter by -2 m
    m = (w**2 * r).sum(axis=1, keepdims=True) / s1
    by_y = -2 * w * (w * r - m)
    by_v = -(w**2) * (1 - 2 * w * r**2 + 2 * r * m)
    if method == "reml":
        s2 = (w**2).sum(axis=1, keepdims=True)
        by_v = by_v - w**2 * (s2 / s1**2 - 2 * w / s1)
    return Moves(by_y, by_v)
