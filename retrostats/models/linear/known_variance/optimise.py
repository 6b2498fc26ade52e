"""Minimum of the deviance of a model whose residual variances are known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrostats.common.errors import NotConverged
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.known_variance.covariance import Array
from retrostats.models.linear.known_variance.criterion import (
    State,
    by_theta,
    deviance,
    evaluate,
    pairs_of,
    to_gamma,
)
from retrostats.models.linear.known_variance.model import KnownModel
from retrostats.models.linear.newton import descend, searched_again

_MAX_STEPS = 100
#: A random effect whose standard deviation is this share of the unit is none.
_BOUNDARY = 1e-6


@dataclass(frozen=True, slots=True)
class Optimum:
    """Where the deviance is lowest.

    Attributes
    ----------
    theta, gamma : (q,) arrays
    point : State
        The criterion there, by gamma.
    singular : bool
        A variance is zero, or a correlation one in absolute value.
    """

    theta: Array
    gamma: Array
    point: State
    singular: bool


def minimise(
    model: KnownModel,
    *,
    reml: bool,
    start: Array | None = None,
    fixed: NDArray[np.bool_] | None = None,
) -> Optimum:
    """Lowest deviance over theta: Newton from the best of several starts.

    Parameters
    ----------
    start : (q,) array
        Where to begin, for a profile; by default the lowest of a small design of starts, and
        the runner-up too where the first ends at a boundary.
    fixed : (q,) bool array
        Parameters held at `start`.

    Raises
    ------
    NotConverged
        Newton's steps did not reach a stationary point.
    """
    sizes = model.sizes
    pairs = pairs_of(sizes)
    if not pairs:
        nothing = np.zeros(0)
        return Optimum(nothing, nothing, evaluate(model, nothing, reml=reml), False)
    unit = _unit(model)
    free = np.ones(len(pairs), dtype=bool) if fixed is None else ~fixed
    if start is not None:
        return _descend(model, start, free, unit, reml=reml)
    starts = _starts(model, unit)
    values = [deviance(model, to_gamma(sizes, theta), reml=reml) for theta in starts]
    first, *others = [starts[i] for i in np.argsort(values, kind="stable")]

    def search(theta: Array) -> Optimum:
        return _descend(model, theta, free, unit, reml=reml)

    return searched_again(search(first), search, others[:1])


def _unit(model: KnownModel) -> float:
    """A standard deviation of the size of what is to be explained."""
    residual = model.y - model.x @ np.linalg.lstsq(model.x, model.y, rcond=None)[0]
    spread = float(residual @ residual) / max(1, len(residual) - model.x.shape[1])
    return math.sqrt(max(spread, 0.01 * float(model.r.variance.mean())))


def _starts(model: KnownModel, unit: float) -> list[Array]:
    """Diagonal factors: all terms alike, and each larger than the others in turn."""
    pairs = pairs_of(model.sizes)
    scales = [
        1 / max(1e-150, math.sqrt(float(np.mean(term.values[:, a] ** 2))))
        for term in model.random
        for a in range(term.values.shape[1])
    ]
    diagonal = [i for i, (_, a, b) in enumerate(pairs) if a == b]
    owner = np.array([pairs[i][0] for i in diagonal])
    shapes = [np.full(len(diagonal), share) for share in (0.2, 0.7)]
    if len(model.sizes) > 1:
        shapes += [np.where(owner == t, 0.8, 0.15) for t in range(len(model.sizes))]
    out = []
    for shape in shapes:
        theta = np.zeros(len(pairs))
        theta[diagonal] = unit * shape * np.array(scales)
        out.append(theta)
    return out


class _Point(NamedTuple):
    """The criterion by theta; nothing is known of parameters that are held."""

    deviance: float
    gradient: Array
    hessian: Array
    state: State


def _descend(
    model: KnownModel, theta: Array, free: NDArray[np.bool_], unit: float, *, reml: bool
) -> Optimum:
    """Newton's method from one start; parameters that are not free stay there."""
    sizes = model.sizes
    if not free.any():
        gamma = to_gamma(sizes, theta)
        return Optimum(theta, gamma, evaluate(model, gamma, reml=reml), False)

    def criterion(new: FloatArray) -> _Point:
        theta = np.asarray(new, dtype=np.float64)
        state = evaluate(model, to_gamma(sizes, theta), reml=reml)
        gradient, hessian = by_theta(sizes, theta, state)
        return _Point(state.deviance, np.where(free, gradient, 0.0), hessian, state)

    def direction(point: _Point, _: FloatArray) -> tuple[FloatArray, float]:
        step = np.zeros(len(free))
        step[free], fall = _step(point.gradient[free], point.hessian[np.ix_(free, free)], unit)
        return step, fall

    terms = sizes if free.all() else ()  # what is held neither turns nor becomes zero
    found = descend(criterion, theta, direction, terms, unit=unit, most=_MAX_STEPS)
    if found.exhausted:
        raise NotConverged(
            f"{model.formula.text!r}: no minimum of the deviance after {_MAX_STEPS} steps; "
            "simplify the random effects or rescale covariates"
        )
    best = np.asarray(found.x, dtype=np.float64)
    diagonal = np.array([a == b for _, a, b in pairs_of(sizes)])
    singular = bool((np.abs(best[diagonal & free]) < _BOUNDARY * unit).any())
    return Optimum(best, to_gamma(sizes, best), found.point.state, singular)


def _step(gradient: Array, hessian: Array, unit: float) -> tuple[Array, float]:
    """Step downhill with the curvatures taken positive, and how far the deviance should fall."""
    values, vectors = np.linalg.eigh(hessian)
    size = np.maximum(np.abs(values), 1e-8 * max(float(np.abs(values).max()), 1e-300))
    turned = vectors.T @ gradient
    # On a saddle (a standard deviation of 0 that should not be) the gradient vanishes: leave it.
    stuck = (values < -1e-4 * size.max()) & (np.abs(turned) < 1e-9 * size * unit)
    turned = np.where(stuck, -0.1 * unit * size, turned)
    step = -vectors @ (turned / size)
    fall = 0.5 * float(turned @ (turned / size))
    longest = float(np.abs(step).max()) if len(step) else 0.0
    return (step * (2 * unit / longest) if longest > 2 * unit else step), fall
