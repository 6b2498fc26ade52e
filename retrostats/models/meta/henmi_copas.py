"""Henmi and Copas (2010), Statistics in Medicine 29:2969: an interval about the common-effect mean.

Weights w = 1 / v give more to large studies than random-effects weights do, so that small-study
bias moves the estimate less; its variance and the pivot's distribution allow for heterogeneity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from retrostats.common.errors import InputError
from retrostats.models.meta.heterogeneity import Array

#: Nodes of the integral over the mean's error, and how far it goes in standard deviations.
_NODES = 200
_SDS = 12.0


@dataclass(frozen=True, slots=True)
class HenmiCopas:
    """Estimate, standard error, tau2 (DerSimonian-Laird), quantile of |U| and p-value."""

    estimate: float
    std_error: float
    tau2: float
    quantile: float
    p_value: float


def henmi_copas(y: Array, v: Array, level: float = 0.95) -> HenmiCopas:
    """The pivot U = R / sqrt(1 + W2 tau2_DL), R = sqrt(W1) (estimate - mean), W_m = sum w^m / W1.

    R is normal with variance 1 + W2 tau2. Given R = r, Q is taken as gamma with its exact
    conditional mean and variance, those of a quadratic form in normals; |U| exceeds t where
    |R| > t and Q falls short of the value that makes tau2_DL large enough (the paper's section 3).

    Raises
    ------
    InputError
        Fewer than two studies.
    """
    if len(y) < 2:
        raise InputError("test='henmi-copas' needs at least two estimates")
    from scipy.optimize import brentq

    k, w = len(y), 1 / v
    w1 = float(w.sum())
    w2 = float((w**2).sum()) / w1
    estimate = float(w @ y) / w1
    q = float(w @ (y - estimate) ** 2)
    # eq. P0a, and the variance of R
    tau2 = max(0.0, (q - (k - 1)) / (w1 - w2))
    variance = 1 + w2 * tau2
    moments = _conditional_q(v, w, tau2)

    def exceeds(t: float) -> float:
        return _exceeds(t, k, w1 / w2 - 1, variance, moments)

    alpha = 1 - level
    high = 2.0
    while exceeds(high) > alpha:
        high *= 2
    quantile = float(brentq(lambda t: exceeds(t) - alpha, 1e-8, high, xtol=1e-12))
    std_error = math.sqrt(variance / w1)
    return HenmiCopas(estimate, std_error, tau2, quantile, exceeds(abs(estimate) / std_error))


def _conditional_q(v: Array, w: Array, tau2: float) -> tuple[float, float, float, float]:
    """Mean a + b r^2 and variance c + d r^2 of Q given R = r."""
    w1 = float(w.sum())
    spread = v + tau2
    form = np.diag(w) - np.outer(w, w) / w1
    cross = spread * w / math.sqrt(w1)  # covariance of the errors with R
    total = float(cross @ w) / math.sqrt(w1)
    slope = cross / total
    # section 11.3: the quadratic form Q, given R = r, is one in normals of covariance V - cc'/s
    left = form @ (np.diag(spread) - np.outer(cross, cross) / total)
    return (
        float(np.trace(left)),
        float(slope @ form @ slope),
        2 * float(np.einsum("ij,ji->", left, left)),
        4 * float(slope @ left @ form @ slope),
    )


@lru_cache(maxsize=1)
def _rule() -> tuple[Array, Array]:
    x, share = np.polynomial.legendre.leggauss(_NODES)
    return x, share


def _exceeds(
    t: float, k: int, ratio: float, variance: float, moments: tuple[float, float, float, float]
) -> float:
    """P(|U| > t): the integral over r > t of P(Q < needed | r), twice."""
    from scipy.special import gammainc

    sd = math.sqrt(variance)
    x, share = _rule()
    span = _SDS * sd
    r = t + 0.5 * span * (1 + x)
    mean, spread = moments[0] + moments[1] * r**2, moments[2] + moments[3] * r**2
    # at t = 0 the square must not overflow; whatever is this far is exceeded anyway
    needed = (k - 1) + ratio * ((r / max(t, 1e-100 * span)) ** 2 - 1)
    # eq. P4: the gamma with this mean and variance, then the integral over r
    below = gammainc(mean**2 / spread, needed * mean / spread)
    density = np.exp(-0.5 * (r / sd) ** 2) / (sd * math.sqrt(2 * math.pi))
    return float(2 * 0.5 * span * (share @ (below * density)))
