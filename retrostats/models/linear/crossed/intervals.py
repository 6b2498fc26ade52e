"""Profile intervals of crossed fits: spreads, correlations, sigma and shares of variance.

Parameters are theta in working coordinates and the logarithm of sigma squared, whose deviance has
an exact gradient on the sparse factorisation (docs/mathematics.md, section 18).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi
from typing import TYPE_CHECKING

import numpy as np

from retrostats.models.linear.blocks.working import packed, triangles
from retrostats.models.linear.crossed.criterion import FLOOR, along, evaluate, sensitivity, solve
from retrostats.models.linear.post_estimation.components import component_table, unique_groups
from retrostats.models.linear.post_estimation.deviance_limits import Function, region_of
from retrostats.models.linear.post_estimation.shares import share_of

if TYPE_CHECKING:
    from retrostats.models.linear.crossed.layout import Crossed
    from retrostats.models.linear.estimates import Estimates
    from retrostats.models.linear.formula.columns import FloatArray
    from retrostats.models.linear.post_estimation.tables import Effect

_ZERO = 1e-4  # diagonal of a factor in a singular fit
_NONE = 1e-7  # share of the estimate (or of sigma) below which a lower limit is zero


def ml_deviance(data: Crossed, eta: FloatArray) -> tuple[float, FloatArray]:
    """ML deviance and gradient at (theta, log sigma^2), the coefficients profiled out."""
    theta, sigma2 = eta[:-1], float(np.exp(eta[-1]))
    at = solve(data, theta, reml=False)
    parts = sensitivity(data, at, reml=False)
    m = [a - b / sigma2 for a, b in zip(parts.logdet, parts.fit, strict=True)]
    gradient = along(data, at.lams, m)
    gradient[[abs(t) < FLOOR for t in theta]] = 0.0
    ratio = at.rss / sigma2
    value = at.factor.logdet + data.n_obs * (log(2.0 * pi) + float(eta[-1])) + ratio
    return float(value), np.append(gradient, data.n_obs - ratio)


def profile_intervals(fit: Estimates, data: Crossed, level: float) -> list[tuple[float, float]]:
    """Profile intervals in the order of the component table."""
    ml = fit.refit_ml()
    theta = ml.optimum.working
    eta = np.append(theta, 2.0 * log(ml.sigma))
    flat = np.append(np.array(data.diagonal) & (np.abs(theta) < _ZERO), False).astype(float)
    region = region_of(lambda x: ml_deviance(data, x), eta, flat, level)
    names, ends = unique_groups(fit), {}
    for t, (_, effects) in enumerate(fit.model.groups):
        for a, effect in enumerate(effects):
            spread = Covariance(data, t, a, a)
            scale = max(spread.variance(eta)[0], 1e-6 * ml.sigma**2)
            low = region.limit(spread.variance, -1)
            if spread.variance(eta)[0] > 1e-8 * ml.sigma**2:
                high = float(np.exp(region.limit(spread.logarithm, 1)))
            else:
                high = region.limit(spread.variance, 1)
            ends[names[t], effect, ""] = (
                float(np.sqrt(low)) if low > _NONE * scale else 0.0,
                float(np.sqrt(high)),
            )
            for b in range(a + 1, len(effects)):
                r = Covariance(data, t, a, b)
                defined = min(r.diagonal(eta)) > 0
                limits = [region.limit(r.correlation, s) for s in (-1, 1)] if defined else [-1, 1]
                low_r, high_r = (float(np.clip(x, -1.0, 1.0)) for x in limits)
                ends[names[t], effect, effects[b]] = (low_r, high_r)
    last = np.zeros(len(eta))
    last[-1] = 0.5
    sigma: Function = lambda x: (0.5 * float(x[-1]), last)  # noqa: E731
    low, high = (float(np.exp(region.limit(sigma, s))) for s in (-1, 1))
    ends["Residual", "", ""] = low, high
    table = component_table(fit)
    return [ends[str(r.group), str(r.term), str(r.term2)] for r in table.itertuples()]


@dataclass(frozen=True)
class Covariance:
    """The covariance of effects a and b of a term in the data's units, with its gradient."""

    data: Crossed
    term: int
    a: int
    b: int

    def _rows(self, eta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """R^-1 and its product with Lambda, rows a and b."""
        lower = triangles(self.data.sizes, eta[:-1])[self.term]
        back = np.linalg.inv(self.data.roots[self.term])
        ra, rb = back[self.a], back[self.b]
        return ra, rb, ra @ lower, rb @ lower

    def _wide(self, own: FloatArray, last: float) -> FloatArray:
        """A gradient by this term's triangle (k, k) among all parameters."""
        sizes = self.data.sizes
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


def crossed_icc(fit: Estimates, data: Crossed, group: str | None, level: float) -> Effect:
    """Share of one group in the variance of an observation; see `shares.share_of`."""

    def deviance(theta: FloatArray) -> tuple[float, FloatArray]:
        point = evaluate(data, theta, reml=fit.reml)
        return point.deviance, point.gradient

    return share_of(fit, group, deviance, data.roots, level)
