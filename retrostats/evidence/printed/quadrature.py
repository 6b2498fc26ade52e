"""Quadrature of what a printed row leaves open: correlation, spread between people, rounding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retrostats.common.errors import InputError

Array = NDArray[np.float64]
#: Nodes of a correlation and of a spread: 12 of the first move no probability by 1e-4.
CORRELATION_NODES = 16
SPREAD_NODES = 12
#: A correlation of 1 leaves no error at all; the range ends just below it.
HIGHEST = 0.99
#: Standard deviations of a normal prior of Fisher's z that are covered.
_COVERED = 5.0


@dataclass(frozen=True, slots=True)
class CorrelationPrior:
    """Prior of a correlation that was not printed: Fisher's z normal, or uniform on -1 to 1.

    Attributes
    ----------
    mean, sd
        Of Fisher's z; both None for the uniform prior, whose z has density sech^2(z) / 2.
    """

    mean: float | None = None
    sd: float | None = None

    def log_density(self, z: Array) -> Array:
        """Of Fisher's z, up to a constant."""
        if self.mean is None or self.sd is None:
            return np.asarray(-2.0 * np.logaddexp(z, -z))
        return np.asarray(-0.5 * ((z - self.mean) / self.sd) ** 2)

    def nodes(
        self, low: ArrayLike = -1.0, high: ArrayLike = 1.0, count: int = CORRELATION_NODES
    ) -> tuple[Array, Array]:
        """Correlations and log weights, (..., count) each, within limits `low` and `high` (...,).

        Gauss-Legendre in z between the limits, and no further than five standard deviations from
        the mean unless the limits lie there.
        """
        bottom = np.arctanh(np.clip(low, -HIGHEST, HIGHEST))
        top = np.arctanh(np.clip(high, -HIGHEST, HIGHEST))
        if self.mean is not None and self.sd is not None:
            reach = _COVERED * self.sd
            inner_low = np.maximum(bottom, self.mean - reach)
            inner_high = np.minimum(top, self.mean + reach)
            inside = inner_low < inner_high
            bottom = np.where(inside, inner_low, bottom)
            top = np.where(inside, inner_high, top)
        x, share = _legendre(count)
        half = 0.5 * (top - bottom)[..., None]
        z = bottom[..., None] + half * (1 + x)
        log = self.log_density(z) + np.log(share)
        return np.tanh(z), log - log_total(log)


@dataclass(frozen=True, slots=True)
class SpreadPrior:
    """Lognormal prior, truncated, of the standard deviation of an effect between people.

    Attributes
    ----------
    median, log_sd, low, high
        Median, standard deviation of the logarithm, and where it is cut off, in units of the
        effect.
    """

    median: float
    log_sd: float = 0.5
    low: float = 0.0
    high: float = math.inf

    def __post_init__(self) -> None:
        if not (self.median > 0 and self.log_sd > 0 and self.low < self.high):
            raise InputError(
                f"prior of a standard deviation: median {self.median:g}, log SD {self.log_sd:g}, "
                f"from {self.low:g} to {self.high:g}; allowed: above 0, the lower limit first"
            )

    def nodes(
        self, low: float = 0.0, high: float = math.inf, count: int = SPREAD_NODES
    ) -> tuple[Array, Array]:
        """Standard deviations and log weights, (count,) each, cut to `low` and `high` further.

        Where the cut leaves nothing of the prior, the prior gives way and the cut holds.
        """
        reach = _COVERED * self.log_sd
        bottom = max(math.log(self.median) - reach, _log(self.low), _log(low))
        top = min(math.log(self.median) + reach, _log(self.high), _log(high))
        if bottom >= top:
            bottom, top = (_log(low), _log(low) + self.log_sd) if low > self.median else (
                _log(high) - self.log_sd, _log(high))  # fmt: skip
        x, share = _legendre(count)
        log_sd = bottom + 0.5 * (top - bottom) * (1 + x)
        log = -0.5 * ((log_sd - math.log(self.median)) / self.log_sd) ** 2 + np.log(share)
        return np.exp(log_sd), log - log_total(log)


#: Between people, of log ratios of oxygen cost and its like: section 19 of docs/mathematics.md.
LOG_RATIO_SPREAD = SpreadPrior(0.12, 0.5, 0.05, 0.3)


def rounding_points(halves: ArrayLike) -> Array:
    """Offsets (2 d, d) of equal weight for d numbers that are uniform within plus and minus half.

    Stroud's rule of degree 3: plus and minus sqrt(d) standard deviations along each axis.

    Examples
    --------
    >>> rounding_points([0.5]).round(3).tolist()
    [[0.289], [-0.289]]
    """
    half = np.asarray(halves, dtype=float)
    axes = np.diag(half / math.sqrt(3) * math.sqrt(len(half)))
    return np.vstack([axes, -axes])


def interval_points(low: float, high: float, count: int = 5) -> tuple[Array, Array]:
    """Gauss-Legendre points and weights (that sum to 1) of a uniform number from low to high."""
    x, share = _legendre(count)
    return low + 0.5 * (high - low) * (1 + x), share / 2


@cache
def chi_nodes(df: float, count: int = 32) -> tuple[Array, Array]:
    """Points and weights of s = sqrt(chi2 / df), for integrals over a standard deviation.

    Gauss-Legendre between quantiles 1e-13 and 1 - 1e-13; an infinite df gives s = 1.
    """
    if math.isinf(df):
        return np.ones(1), np.ones(1)
    from scipy.special import chdtri

    low, high = (math.sqrt(float(chdtri(df, p)) / df) for p in (1 - 1e-13, 1e-13))
    x, share = _legendre(count)
    s = low + 0.5 * (high - low) * (1 + x)
    log = (df - 1) * np.log(s) - 0.5 * df * s**2 + np.log(share)
    weight = np.exp(log - log.max())
    return s, weight / weight.sum()


def log_total(log: Array) -> Array:
    """Logarithm of the sum of exponentials along the last axis, which is kept."""
    top = log.max(axis=-1, keepdims=True)
    return np.asarray(top + np.log(np.exp(log - top).sum(axis=-1, keepdims=True)))


@cache
def _legendre(count: int) -> tuple[Array, Array]:
    x, share = np.polynomial.legendre.leggauss(count)
    return x, share


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf
