"""Minimum of a smooth function with exact gradient: BFGS, then Newton on differenced gradients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from retrostats.common.errors import NotConverged
from retrostats.models.counts.family import Array

Objective = Callable[[Array], tuple[float, Array]]
_MAX_STEPS = 150
_STEP = 1e-4
_NEWTON_STEPS = 8
_FINE = 1e-7
#: Share of a value by which rounding may raise it.
_ROUNDING = 1e-12
#: Largest change of a parameter after which the Hessian is that of the answer.
_NEAR = 1e-7


def minimise(f: Objective, start: Array, longest: Array) -> Array:
    """Minimum by BFGS with backtracking (Nocedal and Wright 2006, algorithm 6.1).

    The first metric is a differenced Hessian: with large counts the information without random
    effects, which scales the parameters, can be hundreds of times that with them.

    Parameters
    ----------
    f
        Value and gradient.
    longest
        Largest change of each parameter in one step, (m,).
    """
    x = start.copy()
    value, gradient = f(x)
    if not np.isfinite(value):
        raise NotConverged("glmm: the likelihood is not finite at the start; rescale covariates")
    if not len(x):
        return x
    inverse = _inverse(_forward(f, x, gradient))
    h = inverse.copy()
    for _ in range(_MAX_STEPS):
        if np.abs(gradient).max(initial=0.0) < _FINE:
            return x
        if not np.isfinite(h).all():
            return x
        step = -h @ gradient
        slope = float(gradient @ step)
        if slope >= 0:
            h, step = inverse.copy(), -inverse @ gradient
            slope = float(gradient @ step)
        size = min(1.0, 1 / float((np.abs(step) / longest).max()))
        while True:
            trial = x + size * step
            new, new_gradient = _tried(f, trial)
            if new <= value + 1e-4 * size * slope + _ROUNDING * (1 + abs(value)):
                break
            size *= 0.3
            if size < 1e-10:
                return x
        move, change = trial - x, new_gradient - gradient
        x, value, gradient = trial, new, new_gradient
        curvature = float(move @ change)
        if curvature > 1e-12 * float(np.sqrt((move @ move) * (change @ change))):
            hy = h @ change
            h = (
                h
                + (1 + change @ hy / curvature) / curvature * np.outer(move, move)
                - (np.outer(hy, move) + np.outer(move, hy)) / curvature
            )
    return x


def _tried(f: Objective, x: Array) -> tuple[float, Array]:
    """Value and gradient; infinite where the inner problem has no answer."""
    try:
        value, gradient = f(x)
    except NotConverged:
        return np.inf, np.zeros_like(x)
    return (value if np.isfinite(value) else np.inf), gradient


def _forward(f: Objective, x: Array, gradient: Array) -> Array:
    """Forward differences of the gradient, symmetric (m, m)."""
    rows = np.array(
        [(_tried(f, x + step)[1] - gradient) / _STEP for step in _STEP * np.eye(len(x))]
    )
    out: Array = 0.5 * (rows + rows.T)
    return out


def _inverse(h: Array) -> Array:
    """Inverse with every curvature made positive."""
    roots, vectors = np.linalg.eigh(h)
    size = np.maximum(np.abs(roots), 1e-6 * max(float(np.abs(roots).max()), 1e-300))
    out: Array = (vectors / size) @ vectors.T
    return out


def hessian(f: Objective, x: Array) -> Array:
    """Central differences of the gradient, symmetric (m, m)."""
    m = len(x)
    rows = np.empty((m, m))
    for i in range(m):
        step = np.zeros(m)
        step[i] = _STEP
        rows[i] = (f(x + step)[1] - f(x - step)[1]) / (2 * _STEP)
    out: Array = 0.5 * (rows + rows.T)
    return out


def polish(f: Objective, x: Array, longest: Array) -> tuple[Array, Array, float]:
    """Newton steps to a stationary point: the point, the Hessian there, the gradient left.

    What comes of the Hessian, as standard errors, moves in proportion to the distance from where it
    was taken: after any step that is more than rounding it is taken again.
    """
    h, at = hessian(f, x), x
    value, gradient = f(x)
    for _ in range(_NEWTON_STEPS):
        if np.abs(gradient).max(initial=0.0) < _FINE:
            break
        step = -_inverse(h) @ gradient
        step *= min(1.0, 1 / float((np.abs(step) / longest).max()))
        new, new_gradient = _tried(f, x + step)
        if not (new <= value + 1e-9 * (1 + abs(value))):
            break
        x, value, gradient = x + step, new, new_gradient
        if np.abs(step).max() > 1e-2:
            h, at = hessian(f, x), x
    if np.abs(x - at).max(initial=0.0) > _NEAR:
        h = hessian(f, x)
    return x, h, float(np.abs(gradient).max(initial=0.0))
