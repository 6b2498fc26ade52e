"""Quasi-Newton steps: the average information at each point, corrected by the last changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.linalg import LinAlgError

from retrostats.mixed.columns import FloatArray
from retrostats.mixed.criterion import Point
from retrostats.mixed.crossed.criterion import evaluate
from retrostats.mixed.crossed.layout import Crossed
from retrostats.mixed.optimise import column_spans, newton_step

_MAX_STEPS = 100
_DECREMENT = 1e-16  # relative expected fall of the deviance below which a step is rounding
_CONVERGED = 1e-12
_BOUNDARY = 1e-4  # lme4's tolerance for a singular fit
_SLACK = 1e-10
_MEMORY = 6


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
    theta, point = start, evaluate(data, start, reml=reml)
    pairs: list[tuple[FloatArray, FloatArray]] = []
    steps = 0
    while steps < _MAX_STEPS:
        step, decrement = newton_step(point.gradient, _corrected(point.hessian, pairs), theta)
        if decrement < _DECREMENT * max(1.0, abs(point.deviance)):
            break
        moved = _line_search(data, theta, point, step, reml=reml)
        if moved is None:
            break
        steps += 1
        pairs = [*pairs, (moved[0] - theta, moved[1].gradient - point.gradient)][-_MEMORY:]
        theta, point = moved
    theta, point = _snap(data, theta, point, reml=reml)
    _, decrement = newton_step(point.gradient, point.hessian, theta)
    converged = bool(decrement < _CONVERGED * max(1.0, abs(point.deviance)))
    for begin, stop in column_spans(data.sizes):
        if theta[begin] < 0:
            theta[begin:stop] *= -1.0
    diagonal = np.array(data.diagonal)
    singular = bool((np.abs(theta[diagonal]) < _BOUNDARY).any())
    return CrossedOptimum(theta + 0.0, point, singular, converged, steps)


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


def _line_search(
    data: Crossed, theta: FloatArray, point: Point, step: FloatArray, *, reml: bool
) -> tuple[FloatArray, Point] | None:
    """The first of halved steps that lowers the deviance (or the gradient, close to the end)."""
    rounding = 1e-13 * max(1.0, abs(point.deviance))
    for halving in range(20):
        new = theta + step * 0.5**halving
        try:
            candidate = evaluate(data, new, reml=reml)
        except LinAlgError:
            continue
        if candidate.deviance < point.deviance - rounding:
            return new, candidate
        if candidate.deviance <= point.deviance + rounding:
            smaller = np.abs(candidate.gradient).max() < 0.5 * np.abs(point.gradient).max()
            return (new, candidate) if smaller else None
    return None


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
