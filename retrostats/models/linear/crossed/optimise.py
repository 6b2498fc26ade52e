"""Quasi-Newton steps: the average information at each point, corrected by the last changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from retrostats.models.linear.crossed.criterion import evaluate
from retrostats.models.linear.crossed.layout import Crossed
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.criterion import Point
from retrostats.models.linear.homoscedastic.optimise import line_search, newton_step, turn_signs

_MAX_STEPS = 100
_DECREMENT = 1e-16  # relative expected fall of the deviance below which a step is rounding
_CONVERGED = 1e-12
_BOUNDARY = 1e-4  # lme4's tolerance for a singular fit
_SLACK = 1e-10
_MEMORY = 6
_HALVINGS = 20


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
    criterion = partial(evaluate, data, reml=reml)
    theta, point = start, criterion(start)
    pairs: list[tuple[FloatArray, FloatArray]] = []
    steps = 0
    while steps < _MAX_STEPS:
        step, decrement = newton_step(point.gradient, _corrected(point.hessian, pairs), theta)
        if decrement < _DECREMENT * max(1.0, abs(point.deviance)):
            break
        moved = line_search(criterion, theta, point, step, halvings=_HALVINGS)
        if moved is None:
            break
        steps += 1
        pairs = [*pairs, (moved[0] - theta, moved[1].gradient - point.gradient)][-_MEMORY:]
        theta, point = moved
    theta, point = _snap(data, theta, point, reml=reml)
    _, decrement = newton_step(point.gradient, point.hessian, theta)
    converged = bool(decrement < _CONVERGED * max(1.0, abs(point.deviance)))
    theta = turn_signs(data.sizes, theta)
    diagonal = np.array(data.diagonal)
    singular = bool((np.abs(theta[diagonal]) < _BOUNDARY).any())
    return CrossedOptimum(theta, point, singular, converged, steps)


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


def _snap(
    data: Crossed, theta: FloatArray, point: Point, *, reml: bool
) -> tuple[FloatArray, Point]:
    """Set tiny diagonals of the factor to zero where the deviance does not object."""
    slack = _SLACK * max(1.0, abs(point.deviance))
    for i in np.flatnonzero(np.array(data.diagonal) & (np.abs(theta) < 1e-3)).tolist():
        trial = theta.copy()
        trial[i] = 0.0
        candidate = evaluate(data, trial, reml=reml)
        if candidate.deviance <= point.deviance + slack:
            theta, point = trial, candidate
    return theta, point
