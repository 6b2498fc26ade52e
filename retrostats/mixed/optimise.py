"""Newton's method on the profiled deviance, with the boundary found exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.linalg import LinAlgError

from retrostats.mixed.columns import FloatArray
from retrostats.mixed.criterion import Point, evaluate
from retrostats.mixed.gram import Gram
from retrostats.mixed.scalar import is_scalar, minimise_ratio

_MAX_STEPS = 200
_DECREMENT = 1e-26  # relative expected fall of the deviance below which a Newton step is rounding
_CONVERGED = 1e-12  # the same, above which a fit is reported as not converged
_BOUNDARY = 1e-4  # lme4's tolerance for a singular fit


@dataclass(frozen=True, slots=True)
class Optimum:
    """Where the optimiser stopped.

    Attributes
    ----------
    theta : (k,) array
    point : Point
    singular : bool
        A variance is zero or a correlation is one in absolute value.
    converged : bool
        The gradient vanishes relative to the curvature.
    steps : int
    """

    theta: FloatArray
    point: Point
    singular: bool
    converged: bool
    steps: int


def minimise(gram: Gram, *, reml: bool, start: FloatArray | None = None) -> Optimum:
    """Minimise the deviance over theta.

    The deviance is smooth in every real theta and even in each column of a factor, so there are
    no bounds: a minimum on lme4's boundary is an ordinary stationary point here. Signs are turned
    at the end so that diagonals are not negative.

    Raises
    ------
    LinAlgError
        The residual variance vanishes.
    """
    if is_scalar(gram):
        return _minimise_scalar(gram, reml=reml)
    diagonal = np.array(gram.diagonal)
    if start is not None:
        theta = np.array(start, dtype=float)
    else:
        theta = np.zeros(1) if gram.signed else diagonal.astype(float)
    point = evaluate(gram, theta, reml=reml)
    steps = 0
    for steps in range(1, _MAX_STEPS + 1):
        step, decrement = _newton_step(point, theta)
        if decrement < _DECREMENT * max(1.0, abs(point.deviance)):
            break
        moved = _line_search(gram, theta, point, step, decrement, reml=reml)
        if moved is None:
            break
        theta, point = moved
    if not gram.signed:
        theta, point = _snap(gram, theta, point, diagonal, reml=reml)
        theta = _turn_signs(gram, theta)
    _, decrement = _newton_step(point, theta)
    converged = bool(decrement < _CONVERGED * max(1.0, abs(point.deviance)) and steps < _MAX_STEPS)
    singular = not gram.signed and bool((np.abs(theta[diagonal]) < _BOUNDARY).any())
    return Optimum(theta, point, singular, converged, steps)


def _minimise_scalar(gram: Gram, *, reml: bool) -> Optimum:
    psi, point, steps = minimise_ratio(gram, reml=reml)
    theta = np.array([psi if gram.signed else np.sqrt(psi)])
    singular = not gram.signed and theta[0] < _BOUNDARY
    # On the boundary the gradient in theta is zero and the Hessian's sign tells a minimum.
    _, decrement = _newton_step(point, theta)
    minimum = bool(point.hessian[0, 0] > 0 or (psi == 0.0 and point.hessian[0, 0] >= 0))
    converged = minimum and decrement < _CONVERGED * max(1.0, abs(point.deviance))
    return Optimum(theta, point, bool(singular), converged, steps)


def _newton_step(point: Point, theta: FloatArray) -> tuple[FloatArray, float]:
    """Step downhill: the Hessian's eigenvalues are taken positive, and the step is bounded."""
    if len(theta) == 1:
        curve = max(abs(float(point.hessian[0, 0])), 1e-12)
        step = -point.gradient / curve
    else:
        values, vectors = np.linalg.eigh(point.hessian)
        values = np.maximum(np.abs(values), 1e-10 * max(np.abs(values).max(), 1e-2))
        step = -vectors @ ((vectors.T @ point.gradient) / values)
    decrement = -0.5 * float(step @ point.gradient)
    longest = float(np.abs(step).max())
    limit = max(0.5, 1.5 * float(np.abs(theta).max()))
    return (step * (limit / longest) if longest > limit else step), decrement


def _line_search(
    gram: Gram, theta: FloatArray, point: Point, step: FloatArray, decrement: float, *, reml: bool
) -> tuple[FloatArray, Point] | None:
    """The first of halved steps that lowers the deviance (or the gradient, close to the end)."""
    rounding = 1e-13 * max(1.0, abs(point.deviance))
    for halving in range(30):
        new = theta + step * 0.5**halving
        try:
            candidate = evaluate(gram, new, reml=reml)
        except LinAlgError:
            continue
        if candidate.deviance < point.deviance - rounding:
            return new, candidate
        if candidate.deviance <= point.deviance + rounding:
            smaller = np.abs(candidate.gradient).max() < 0.5 * np.abs(point.gradient).max()
            return (new, candidate) if smaller else None
    return None


def _snap(
    gram: Gram, theta: FloatArray, point: Point, diagonal: FloatArray, *, reml: bool
) -> tuple[FloatArray, Point]:
    """Set tiny diagonals of the factor to zero where the deviance does not object."""
    slack = 1e-10 * max(1.0, abs(point.deviance))
    for i in np.flatnonzero(diagonal & (np.abs(theta) < 1e-2) & (theta != 0.0)):
        trial = theta.copy()
        trial[i] = 0.0
        if gram.sizes == (1,) * len(gram.sizes) or _column_empty(gram, trial, int(i)):
            candidate = evaluate(gram, trial, reml=reml)
            if candidate.deviance <= point.deviance + slack:
                theta, point = trial, candidate
        elif abs(theta[i]) < 1e-5:
            candidate = evaluate(gram, trial, reml=reml)
            if candidate.deviance <= point.deviance + slack:
                theta, point = trial, candidate
    return theta, point


def _column_empty(gram: Gram, theta: FloatArray, i: int) -> bool:
    for start, stop in _columns(gram):
        if start <= i < stop:
            return not theta[start:stop].any()
    return False


def _columns(gram: Gram) -> list[tuple[int, int]]:
    """Index ranges of theta that form one column of a factor."""
    spans, at = [], 0
    for k in gram.sizes:
        for j in range(k):
            spans.append((at, at + k - j))
            at += k - j
    return spans


def _turn_signs(gram: Gram, theta: FloatArray) -> FloatArray:
    out = theta.copy()
    for start, stop in _columns(gram):
        if out[start] < 0:
            out[start:stop] *= -1
    return out + 0.0
