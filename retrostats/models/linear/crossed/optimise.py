"""Quasi-Newton steps: the average information at each point, corrected by the last changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrostats.models.linear.crossed.criterion import evaluate
from retrostats.models.linear.crossed.factor import by_level, times_blocks
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

    With r = My what least squares leaves and B_g = (Z_g'Z_g)^- by levels, r'Z_g B_g Z_g'r has the
    expectation sigma^2 (tr(B_g Z_g'MZ_g) + sum_h psi_h tr(B_g Z_g'MZ_h Z_h'MZ_g)), and r'r has
    sigma^2 (n - p + sum_h psi_h tr(Z_h'MZ_h)). Where every level meets every other equally often
    this is the analysis of variance (after Henderson 1953, Biometrics 9:226). A group of several
    effects gets one variance for all: it is a start only.
    """
    groups = data.groups
    size = len(groups)
    left, right = np.zeros((size + 1, size + 1)), np.zeros(size + 1)
    for a, g in enumerate(groups):
        inverse = np.linalg.pinv(data.own[a], hermitian=True)
        sums, x = data.zy[g.columns, None], data.zx[g.columns]
        weighted = by_level(inverse, x)
        right[a] = float((sums * by_level(inverse, sums)).sum())
        left[a, size] = np.einsum("lij,lji->", inverse, data.own[a]) - float((x * weighted).sum())
        for b, h in enumerate(groups):
            between, other = data.c[h.columns, g.columns], data.zx[h.columns]
            whole = float(times_blocks(between, inverse).multiply(between).sum())
            shared = float((other * (between @ weighted)).sum())
            left[a, b] = whole - 2 * shared + float(((other.T @ other) * (x.T @ weighted)).sum())
        left[size, a] = np.einsum("lii->", data.own[a]) - float((x**2).sum())
    left[size, size], right[size] = data.n_obs - len(data.xy), data.yy
    found = np.linalg.lstsq(left, right, rcond=None)[0]
    ratio = found[:size] / max(found[size], 1e-3 * data.yy / data.n_obs)
    spread = np.sqrt(np.clip(ratio, _LEAST**2, _MOST**2))
    return np.array([spread[g] if i == j else 0.0 for g, i, j in data.positions])
