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
