"""Profile limits of a fit: spreads, correlations, sigma, and single coefficients.

The deviance is a function of theta in working coordinates, the logarithm of sigma squared and,
where a coefficient is profiled, that coefficient; engines give it with its exact gradient
(docs/mathematics.md, sections 4 and 18).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

import numpy as np

from retrostats.common.errors import NotConverged
from retrostats.models.linear.blocks.profiled import Held, Profiled, Terms
from retrostats.models.linear.blocks.working import packed, triangles
from retrostats.models.linear.post_estimation.components import component_table, unique_groups
from retrostats.models.linear.post_estimation.deviance_limits import (
    Function,
    Region,
    region_of,
    with_one_more,
)

if TYPE_CHECKING:
    from retrostats.models.linear.estimates import Estimates
    from retrostats.models.linear.formula.columns import FloatArray

_ZERO = 1e-4  # diagonal of a factor in a singular fit
_NONE = 1e-7  # share of the estimate (or of sigma) below which a lower limit is zero

_WHOLE = 1e-9  # distance from 1 at which a correlation counts as 1


def spread_limits(ml: Estimates, profiled: Profiled, level: float) -> list[tuple[float, float]]:
    """Limits of the random terms' spreads and correlations, in the order of the component table.

    Parameters
    ----------
    ml : Estimates
        The fit by maximum likelihood.
    profiled : Profiled
    level : float

    Raises
    ------
    NotConverged
        A limit is not found.
    """
    with profiled.threads():
        ends = _ends(ml, profiled, level)
    return [ends[str(r.group), str(r.term), str(r.term2)] for r in component_table(ml).itertuples()]


def _ends(
    ml: Estimates, profiled: Profiled, level: float
) -> dict[tuple[str, str, str], tuple[float, float]]:
    """The same by group and effects."""
    region = _region(ml, profiled, level)
    names = unique_groups(ml)
    ends: dict[tuple[str, str, str], tuple[float, float]] = {}
    for t, (_, effects) in enumerate(ml.model.groups):
        for a, effect in enumerate(effects):
            ends[names[t], effect, ""] = _spread(region, Covariance(profiled, t, a, a), ml.sigma)
            for b in range(a + 1, len(effects)):
                pair = Covariance(profiled, t, a, b)
                low, high = _correlation(region, pair)
                ends[names[t], effect, effects[b]] = (low, high)
    last = np.zeros(len(region.at))
    last[-1] = 0.5
    low, high = (float(np.exp(region.limit(lambda x: (0.5 * x[-1], last), s))) for s in (-1, 1))
    ends["Residual", "", ""] = low, high
    return ends


def _spread(region: Region, spread: Covariance, sigma: float) -> tuple[float, float]:
    """Limits of a standard deviation."""
    variance = spread.variance(region.at)[0]
    low = region.limit(spread.variance, -1)
    if variance > 1e-8 * sigma**2:
        high = float(np.exp(region.limit(spread.logarithm, 1)))
    else:
        high = region.limit(spread.variance, 1)
    none = _NONE * max(variance, 1e-6 * sigma**2)
    return float(np.sqrt(low)) if low > none else 0.0, float(np.sqrt(high))


def _correlation(region: Region, pair: Covariance) -> tuple[float, float]:
    """Limits of a correlation, which is flat where it ends.

    Where the estimate is 1 in absolute value to rounding (a covariate far from 0, little
    information), no step changes it in a way that can be measured: anything is possible then.
    """
    defined = min(pair.diagonal(region.at)) > 0
    estimate = pair.correlation(region.at)[0]
    ends = []
    for sign in (-1.0, 1.0):
        try:
            end = region.limit(pair.correlation, int(sign)) if defined else sign
        except NotConverged:
            if abs(estimate) < 1.0 - _WHOLE:
                raise
            end = sign
        ends.append(float(np.sign(end)) if abs(end) > 1.0 - _WHOLE else end)
    return ends[0], ends[1]


def coefficient_limits(ml: Estimates, profiled: Profiled, level: float) -> FloatArray:
    """Limits (p, 2) of each coefficient, everything else profiled out.

    Raises
    ------
    NotConverged
        A limit is not found.
    """
    rows = np.linalg.solve(profiled.basis.T, np.eye(len(ml.beta))).T  # of the inverse basis
    errors = np.sqrt(np.diag(ml.cov_unadjusted))
    out = np.empty((len(ml.beta), 2))
    with profiled.threads():
        shared = _region(ml, profiled, level)
        last = np.append(np.zeros(len(shared.at)), 1.0)
        for j, error in enumerate(errors):
            held = Held(rows[j], float(rows[j] @ ml.optimum.point.delta), float(error))
            region = with_one_more(shared, _holding(profiled, held))
            ends = [region.limit(lambda x: (float(x[-1]), last), s) for s in (-1, 1)]
            out[j] = ml.beta[j] + error * np.array(ends)
    return out


def _holding(profiled: Profiled, held: Held | None) -> Function:
    """The deviance with a combination held, or none."""
    return lambda x: profiled.deviance(x, held)


def _region(ml: Estimates, profiled: Profiled, level: float) -> Region:
    """Over theta in working coordinates and the logarithm of sigma squared."""
    eta = np.append(ml.optimum.working, 2.0 * log(ml.sigma))
    flat = np.zeros(len(eta))
    diagonal = [i == j for k in profiled.sizes for j in range(k) for i in range(j, k)]
    flat[: len(diagonal)] = np.array(diagonal) & (np.abs(eta[: len(diagonal)]) < _ZERO)
    return region_of(_holding(profiled, None), eta, flat, level)


@dataclass(frozen=True)
class Covariance:
    """The covariance of effects a and b of a term in the data's units, with its gradient."""

    terms: Terms
    term: int
    a: int
    b: int

    def _rows(self, eta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """R^-1 and its product with Lambda, rows a and b."""
        lower = triangles(self.terms.sizes, eta[:-1])[self.term]
        back = np.linalg.inv(self.terms.roots[self.term])
        ra, rb = back[self.a], back[self.b]
        return ra, rb, ra @ lower, rb @ lower

    def _wide(self, own: FloatArray, last: float) -> FloatArray:
        """A gradient by this term's triangle (k, k) among all parameters."""
        sizes = self.terms.sizes
        firsts = np.concatenate([[0], np.cumsum([k * (k + 1) // 2 for k in sizes])])
        out = np.zeros(int(firsts[-1]) + 1)
        out[firsts[self.term] : firsts[self.term + 1]] = packed(np.tril(own))
        out[-1] = last
        return out

    def variance(self, eta: FloatArray) -> tuple[float, FloatArray]:
        """The covariance of a and b (their variance where they are one)."""
        ra, rb, va, vb = self._rows(eta)
        sigma2 = float(np.exp(eta[-1]))
        value = sigma2 * float(va @ vb)
        return value, self._wide(sigma2 * (np.outer(ra, vb) + np.outer(rb, va)), value)

    def logarithm(self, eta: FloatArray) -> tuple[float, FloatArray]:
        """Of the variance."""
        value, gradient = self.variance(eta)
        value = max(value, 1e-300)
        return log(value), gradient / value

    def diagonal(self, eta: FloatArray) -> tuple[float, float]:
        """Both variances."""
        _, _, va, vb = self._rows(eta)
        return float(va @ va), float(vb @ vb)

    def correlation(self, eta: FloatArray) -> tuple[float, FloatArray]:
        """The correlation of a and b."""
        ra, rb, va, vb = self._rows(eta)
        aa, bb, ab = float(va @ va), float(vb @ vb), float(va @ vb)
        scale = float(np.sqrt(aa * bb))
        if scale == 0.0:
            return 0.0, np.zeros(len(eta))
        r = ab / scale
        own = np.outer(ra, vb / scale - r * va / aa) + np.outer(rb, va / scale - r * vb / bb)
        return r, self._wide(own, 0.0)
