"""Minimum of the profiled deviance of a model with one residual variance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from retrostats.models.linear.blocks.gram import Gram
from retrostats.models.linear.blocks.working import change_theta, working_gram
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.criterion import Point, evaluate
from retrostats.models.linear.homoscedastic.scalar import is_scalar, minimise_ratio
from retrostats.models.linear.newton import (
    along_hessian,
    descend,
    has_converged,
    newton_step,
    searched_again,
)

_RESTARTS = (0.2, 4.0)
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

    def criterion(new: FloatArray) -> Point:
        return evaluate(gram, new, reml=reml)

    found = descend(criterion, theta, along_hessian, () if gram.signed else gram.sizes)
    diagonal = np.array(gram.diagonal)
    singular = not gram.signed and bool((np.abs(found.x[diagonal]) < _BOUNDARY).any())
    return Optimum(found.x, found.point, singular, found.converged, found.steps, gram, found.x)


def _minimise_scalar(gram: Gram, *, reml: bool) -> Optimum:
    psi, point, steps = minimise_ratio(gram, reml=reml)
    theta = np.array([psi if gram.signed else np.sqrt(psi)])
    singular = not gram.signed and theta[0] < _BOUNDARY
    # On the boundary the gradient in theta is zero and the Hessian's sign tells a minimum.
    minimum = bool(point.hessian[0, 0] > 0 or (psi == 0.0 and point.hessian[0, 0] >= 0))
    fall = newton_step(point.gradient, point.hessian, theta)[1]
    converged = minimum and has_converged(fall, point.deviance)
    return Optimum(theta, point, bool(singular), converged, steps, gram, theta)
