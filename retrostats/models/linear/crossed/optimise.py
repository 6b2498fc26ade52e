"""Quasi-Newton steps: the average information at each point, corrected by the last changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrostats.models.linear.crossed.criterion import evaluate
from retrostats.models.linear.crossed.layout import Crossed
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.criterion import Point
from retrostats.models.linear.newton import descend, newton_step

_BOUNDARY = 1e-4  # lme4's tolerance for a singular fit
_MEMORY = 6
_ROUNDING = 1e-16  # an evaluation can take seconds, and 8 digits of theta suffice


@dataclass(frozen=True, slots=True)
class CrossedOptimum:
    """Where the optimiser stopped, in working coordinates."""

    theta: FloatArray
    point: Point
    singular: bool
    converged: bool
    steps: int


def minimise_crossed(data: Crossed, start: FloatArray, *, reml: bool) -> CrossedOptimum:
    """Minimise the deviance over theta, which has no bounds (docs/mathematics.md, section 3)."""

    def criterion(theta: FloatArray) -> Point:
        return evaluate(data, theta, reml=reml)

    found = descend(criterion, start, _Remembered().step, data.sizes, rounding=_ROUNDING)
    diagonal = np.array(data.diagonal)
    singular = bool((np.abs(found.x[diagonal]) < _BOUNDARY).any())
    return CrossedOptimum(found.x, found.point, singular, found.converged, found.steps)


class _Remembered:
    """Directions that remember how the gradient changed over the last steps."""

    def __init__(self) -> None:
        self.pairs: list[tuple[FloatArray, FloatArray]] = []
        self.last: tuple[FloatArray, FloatArray] | None = None

    def step(self, point: Point, theta: FloatArray) -> tuple[FloatArray, float]:
        """The step at a point, and the expected fall."""
        if self.last is not None:
            move, change = theta - self.last[0], point.gradient - self.last[1]
            self.pairs = [*self.pairs, (move, change)][-_MEMORY:]
        self.last = theta, point.gradient
        return newton_step(point.gradient, _corrected(point.hessian, self.pairs), theta)


def _corrected(hessian: FloatArray, pairs: list[tuple[FloatArray, FloatArray]]) -> FloatArray:
    """BFGS updates of the Hessian by the last steps: it maps each to its change of gradient."""
    values, vectors = np.linalg.eigh(hessian)
    values = np.maximum(np.abs(values), 1e-10 * max(float(np.abs(values).max()), 1e-2))
    h = (vectors * values) @ vectors.T
    for move, change in pairs:
        curvature = float(move @ change)
        hm = h @ move
        if curvature > 1e-8 * float(np.linalg.norm(move) * np.linalg.norm(change)):
            h = h + np.outer(change, change) / curvature - np.outer(hm, hm) / float(move @ hm)
    return np.asarray(h)


#: Standard deviations relative to the residual's between which a start is taken.
_LEAST, _MOST = 0.05, 20.0


def moment_start(data: Crossed) -> FloatArray:
    """Diagonal theta by equating sums of squares to their expectations.

    With r = My what least squares leaves, Z_g the columns of one effect of a group and B_g the
    reciprocals of the diagonal of Z_g'Z_g, r'Z_g B_g Z_g'r has the expectation
    sigma^2 (tr(B_g Z_g'MZ_g) + sum_h psi_h tr(B_g Z_g'MZ_h Z_h'MZ_g)), and r'r has
    sigma^2 (n - p + sum_h psi_h tr(Z_h'MZ_h)). Where every level meets every other equally often
    this is the analysis of variance (after Henderson 1953, Biometrics 9:226). Effects of a group
    are taken as independent: it is a start only.
    """
    diagonal, p = data.c.diagonal(), len(data.xy)
    inverse = np.divide(1.0, diagonal, out=np.zeros_like(diagonal), where=diagonal > 0)
    at = [(g, i) for g, group in enumerate(data.groups) for i in range(group.k)]
    size, of_effect = len(at), _effects(data)
    weighted = (inverse[:, None] * data.zx)[:, :, None] * of_effect[:, None, :]  # (q, p, size)
    squared = data.c.copy()
    squared.data **= 2
    left, right = np.zeros((size + 1, size + 1)), np.zeros(size + 1)
    # tr(B_g Z_g'Z_h Z_h'Z_g); what M = I - XX' takes from it, once and twice
    whole = of_effect.T @ (squared @ (inverse[:, None] * of_effect))
    met = (data.c @ weighted.reshape(len(diagonal), -1)).reshape(weighted.shape)
    once = np.einsum("qh,qp,qpg->hg", of_effect, data.zx, met, optimize=True)
    inner = np.einsum("qh,qp,qr->hpr", of_effect, data.zx, data.zx, optimize=True)
    outer = np.einsum("qp,qrg->gpr", data.zx, weighted)
    left[:size, :size] = (whole - 2.0 * once + np.einsum("hpr,gpr->hg", inner, outer)).T
    right[:size] = of_effect.T @ (inverse * data.zy**2)
    left[:size, size] = of_effect.T @ (diagonal > 0) - np.trace(outer, axis1=1, axis2=2)
    left[size, :size] = of_effect.T @ (diagonal - (data.zx**2).sum(axis=1))
    left[size, size], right[size] = data.n_obs - p, data.yy
    found = np.linalg.lstsq(left, right, rcond=None)[0]
    ratio = found[:size] / max(found[size], 1e-3 * data.yy / data.n_obs)
    spread = dict(zip(at, np.sqrt(np.clip(ratio, _LEAST**2, _MOST**2)), strict=True))
    return np.array([spread[g, i] if i == j else 0.0 for g, i, j in data.positions])


def _effects(data: Crossed) -> FloatArray:
    """Whether each random effect (q,) is one of each group's effects, a column each."""
    names = [
        first + np.tile(np.arange(g.k), g.levels)
        for first, g in zip(np.cumsum([0, *(g.k for g in data.groups)]), data.groups, strict=False)
    ]
    return np.asarray(np.eye(sum(g.k for g in data.groups))[np.concatenate(names)])
