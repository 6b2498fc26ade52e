"""Newton's method on the deviance of many studies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrostats.models.linear.blocks.working import change_theta
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.heteroscedastic.criterion import evaluate_strata
from retrostats.models.linear.heteroscedastic.optimise import (
    RESTARTS,
    StrataOptimum,
    on_boundary,
    working_strata,
)
from retrostats.models.linear.heteroscedastic.studies.criterion import StudyPoint, evaluate_studies
from retrostats.models.linear.heteroscedastic.studies.rows import Studies
from retrostats.models.linear.newton import bounded_step, descend, searched_again


@dataclass(frozen=True, slots=True)
class StudyOptimum:
    """Where the optimiser stopped; as `StrataOptimum`, theta and sigma2 in the units of the data.

    `working` (k + T,) are the parameters (theta, eta) in which `point` has its derivatives.
    """

    theta: FloatArray
    sigma2: FloatArray
    point: StudyPoint
    data: Studies
    working: FloatArray
    singular: bool
    converged: bool
    steps: int


def minimise_studies(data: Studies, *, reml: bool) -> StudyOptimum:
    """Minimise the deviance over the covariance factor and the residual variances.

    Raises
    ------
    LinAlgError
        The criterion cannot be evaluated where it starts.
    """
    diagonal = np.array(data.diagonal, dtype=float)
    eta = np.log(data.alone)

    def search(size: float) -> StudyOptimum:
        return _descended(data, np.concatenate([size * diagonal, eta]), reml=reml)

    return searched_again(search(0.5), search, RESTARTS)


def direction(point: StudyPoint, x: FloatArray) -> tuple[FloatArray, float]:
    """Newton's step downhill and the expected fall, as `newton_step` gives it."""
    solve = point.curve.solve if point.curve.positive() else point.curve.upward
    return bounded_step(-solve(point.gradient), point.gradient, x)


def _descended(data: Studies, start: FloatArray, *, reml: bool) -> StudyOptimum:
    k = len(data.diagonal)

    def criterion(new: FloatArray) -> StudyPoint:
        return evaluate_studies(data, new[:k], new[k:], reml=reml)

    found = descend(criterion, start, direction, data.sizes)
    sigma2 = np.exp(found.x[k:])
    singular = on_boundary(found.x[:k], sigma2, data.diagonal)
    theta = data.scale * change_theta(data.sizes, found.x[:k], data.roots, to_working=False)
    return StudyOptimum(
        theta, data.scale**2 * sigma2, found.point, data, found.x, singular, found.converged,
        found.steps,
    )  # fmt: skip


def dense_optimum(best: StudyOptimum, *, reml: bool) -> StrataOptimum:
    """The same optimum with products of all columns of X."""
    k = len(best.data.diagonal)
    work, _ = working_strata(best.data.dense)
    point = evaluate_strata(work, best.working[:k], best.working[k:], reml=reml)
    return StrataOptimum(
        best.theta, best.sigma2, point, work, best.working, best.singular, best.converged,
        best.steps,
    )  # fmt: skip
