"""Newton's method on the profiled deviance, with the boundary found exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeVar

import numpy as np
from numpy.linalg import LinAlgError
from numpy.typing import NDArray

from retrostats.models.linear.blocks.gram import Gram
from retrostats.models.linear.blocks.working import change_theta, working_gram
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.criterion import Point, evaluate
from retrostats.models.linear.homoscedastic.scalar import is_scalar, minimise_ratio

_MAX_STEPS = 200
_DECREMENT = 1e-26  # relative expected fall of the deviance below which a Newton step is rounding
_CONVERGED = 1e-12  # the same, above which a fit is reported as not converged
_SLACK = 1e-10  # relative fall of the deviance that counts as one
_RESTARTS = (0.2, 4.0)
_BOUNDARY = 1e-4  # lme4's tolerance for a singular fit


class _Sloped(Protocol):
    """A criterion's value and slope at one place."""

    @property
    def deviance(self) -> float: ...

    @property
    def gradient(self) -> FloatArray: ...


P = TypeVar("P", bound=_Sloped)


class _Minimum(Protocol):
    """Where a search ended."""

    @property
    def point(self) -> _Sloped: ...

    @property
    def singular(self) -> bool: ...


O = TypeVar("O", bound=_Minimum)  # noqa: E741


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
    gram : Gram
        The crossproducts in the coordinates the optimiser worked in.
    working : (k,) array
        Theta in those coordinates, in which `point` has its gradient and Hessian.
    """

    theta: FloatArray
    point: Point
    singular: bool
    converged: bool
    steps: int
    gram: Gram
    working: FloatArray


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
    if gram.signed:
        return _descend(gram, np.zeros(1), reml=reml)
    work, roots = working_gram(gram)
    first = diagonal.astype(float)
    if start is not None:
        first = change_theta(gram.sizes, np.asarray(start), roots, to_working=True)
    best = _descend(work, first, reml=reml)
    if start is None:
        best = searched_again(best, lambda by: _descend(work, by * diagonal, reml=reml), _RESTARTS)
    theta = change_theta(gram.sizes, best.theta, roots, to_working=False)
    return replace(best, theta=theta)


def _descend(gram: Gram, theta: FloatArray, *, reml: bool) -> Optimum:
    """Newton's method from one start."""
    diagonal = np.array(gram.diagonal)
    point = evaluate(gram, theta, reml=reml)
    steps = 0
    while steps < _MAX_STEPS:
        step, decrement = newton_step(point.gradient, point.hessian, theta)
        if decrement < _DECREMENT * max(1.0, abs(point.deviance)):
            break
        steps += 1
        moved = line_search(partial(evaluate, gram, reml=reml), theta, point, step)
        if moved is None:
            break
        theta, point = moved
    if not gram.signed:
        theta, point = _snap(gram, theta, point, diagonal, reml=reml)
        theta = turn_signs(gram.sizes, theta)
    _, decrement = newton_step(point.gradient, point.hessian, theta)
    converged = bool(decrement < _CONVERGED * max(1.0, abs(point.deviance)) and steps < _MAX_STEPS)
    singular = not gram.signed and bool((np.abs(theta[diagonal]) < _BOUNDARY).any())
    return Optimum(theta, point, singular, converged, steps, gram, theta)


def _minimise_scalar(gram: Gram, *, reml: bool) -> Optimum:
    psi, point, steps = minimise_ratio(gram, reml=reml)
    theta = np.array([psi if gram.signed else np.sqrt(psi)])
    singular = not gram.signed and theta[0] < _BOUNDARY
    # On the boundary the gradient in theta is zero and the Hessian's sign tells a minimum.
    _, decrement = newton_step(point.gradient, point.hessian, theta)
    minimum = bool(point.hessian[0, 0] > 0 or (psi == 0.0 and point.hessian[0, 0] >= 0))
    converged = minimum and decrement < _CONVERGED * max(1.0, abs(point.deviance))
    return Optimum(theta, point, bool(singular), converged, steps, gram, theta)


def newton_step(
    gradient: FloatArray, hessian: FloatArray, theta: FloatArray
) -> tuple[FloatArray, float]:
    """Step downhill: the Hessian's eigenvalues are taken positive, and the step is bounded."""
    if len(theta) == 1:
        curve = max(abs(float(hessian[0, 0])), 1e-12)
        step = -gradient / curve
    else:
        values, vectors = np.linalg.eigh(hessian)
        values = np.maximum(np.abs(values), 1e-10 * max(np.abs(values).max(), 1e-2))
        step = -vectors @ ((vectors.T @ gradient) / values)
    decrement = -0.5 * float(step @ gradient)
    longest = float(np.abs(step).max())
    limit = max(0.5, 1.5 * float(np.abs(theta).max()))
    return (step * (limit / longest) if longest > limit else step), decrement


def searched_again(best: O, descend: Callable[[float], O], sizes: tuple[float, ...]) -> O:
    """The lowest minimum found, from other starts too where `best` is on the boundary.

    The criterion can have a second minimum inside.
    """
    for size in sizes if best.singular else ():
        again = descend(size)
        if again.point.deviance < best.point.deviance - _SLACK * abs(best.point.deviance):
            best = again
    return best


def line_search(
    criterion: Callable[[FloatArray], P],
    theta: FloatArray,
    point: P,
    step: FloatArray,
    *,
    halvings: int = 30,
) -> tuple[FloatArray, P] | None:
    """The first of halved steps that lowers the deviance (or the gradient, close to the end)."""
    rounding = 1e-13 * max(1.0, abs(point.deviance))
    for halving in range(halvings):
        new = theta + step * 0.5**halving
        try:
            candidate = criterion(new)
        except LinAlgError:
            continue
        if candidate.deviance < point.deviance - rounding:
            return new, candidate
        if candidate.deviance <= point.deviance + rounding:
            smaller = np.abs(candidate.gradient).max() < 0.5 * np.abs(point.gradient).max()
            return (new, candidate) if smaller else None
    return None


def _snap(
    gram: Gram, theta: FloatArray, point: Point, diagonal: NDArray[np.bool_], *, reml: bool
) -> tuple[FloatArray, Point]:
    """Set tiny diagonals of the factor to zero where the deviance does not object."""
    slack = _SLACK * max(1.0, abs(point.deviance))
    for i in np.flatnonzero(diagonal & (np.abs(theta) < 1e-2) & (theta != 0.0)).tolist():
        trial = theta.copy()
        trial[i] = 0.0
        if abs(theta[i]) >= 1e-5 and not _column_empty(gram, trial, i):
            continue
        candidate = evaluate(gram, trial, reml=reml)
        if candidate.deviance <= point.deviance + slack:
            theta, point = trial, candidate
    return theta, point


def _column_empty(gram: Gram, theta: FloatArray, i: int) -> bool:
    for start, stop in column_spans(gram.sizes):
        if start <= i < stop:
            return not theta[start:stop].any()
    return False


def column_spans(sizes: tuple[int, ...]) -> list[tuple[int, int]]:
    """Index ranges of theta that form one column of a factor."""
    spans, at = [], 0
    for k in sizes:
        for j in range(k):
            spans.append((at, at + k - j))
            at += k - j
    return spans


def turn_signs(sizes: tuple[int, ...], theta: FloatArray) -> FloatArray:
    """Each column of a factor turned so that its diagonal is not negative; -0 becomes 0.

    What stands behind the factor in `theta` stays as it is.
    """
    out = theta.copy()
    for start, stop in column_spans(sizes):
        if out[start] < 0:
            out[start:stop] *= -1
    return out + 0.0
