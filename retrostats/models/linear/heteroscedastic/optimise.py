"""Newton's method on the deviance with residual strata, in working coordinates."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from retrostats.models.linear.blocks.working import change_theta, inverse_theta, roots_of
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.heteroscedastic.blocks import Strata, StrataStack
from retrostats.models.linear.heteroscedastic.criterion import (
    StrataPoint,
    evaluate_strata,
    factor_of,
)
from retrostats.models.linear.newton import along_hessian, descend, searched_again

BOUNDARY = 1e-4  # an effect's SD in units of the residual SD, below which a fit is singular
RESTARTS = (0.05, 2.0)


@dataclass(frozen=True, slots=True)
class StrataOptimum:
    """Where the optimiser stopped.

    Attributes
    ----------
    theta : (k,) array
        Covariance factor in the units of the data, lower triangles by column.
    sigma2 : (T,) array
        Residual variances.
    point : StrataPoint
        In working coordinates.
    data : Strata
        In working coordinates.
    working : (k + T,) array
        The parameters (theta, eta) there.
    singular, converged : bool
    steps : int
    """

    theta: FloatArray
    sigma2: FloatArray
    point: StrataPoint
    data: Strata
    working: FloatArray
    singular: bool
    converged: bool
    steps: int


def minimise_strata(data: Strata, *, reml: bool) -> StrataOptimum:
    """Minimise the deviance over the covariance factor and the residual variances.

    Raises
    ------
    LinAlgError
        The criterion cannot be evaluated where it starts.
    """
    work, roots = working_strata(data)
    diagonal = np.array(data.diagonal, dtype=float)
    eta = np.log(data.alone)

    def descend(size: float) -> StrataOptimum:
        return _descend(work, np.concatenate([size * diagonal, eta]), reml=reml)

    best = searched_again(descend(0.5), descend, RESTARTS)
    k = len(diagonal)
    theta = change_theta(data.sizes, best.working[:k], roots, to_working=False)
    return replace(best, theta=data.scale * theta, sigma2=data.scale**2 * best.sigma2)


def working_strata(data: Strata) -> tuple[Strata, list[FloatArray]]:
    """Each term's covariates made orthonormal on average, as in `working.working_gram`."""
    moment = np.zeros(len(data.diagonal))
    for s in data.stacks:
        total = np.tensordot(s.n, s.zz.sum(1), axes=1)
        np.add.at(moment, s.theta, total[s.rows, s.cols])
    roots = roots_of(data.sizes, moment / data.n_obs)
    values = inverse_theta(roots)
    return replace(data, stacks=tuple(_changed(s, values) for s in data.stacks)), roots


def _changed(s: StrataStack, values: FloatArray) -> StrataStack:
    turn = factor_of(s, values)  # T', lower triangular like the factor
    design = None if s.design is None else s.design.turned(turn)
    return replace(s, zz=turn @ s.zz @ turn.T, zx=turn @ s.zx, zy=turn @ s.zy, design=design)


def _descend(data: Strata, start: FloatArray, *, reml: bool) -> StrataOptimum:
    k = len(data.diagonal)

    def criterion(new: FloatArray) -> StrataPoint:
        return evaluate_strata(data, new[:k], new[k:], reml=reml)

    found = descend(criterion, start, along_hessian, data.sizes)
    sigma2 = found.point.state.sigma2
    singular = on_boundary(found.x[:k], sigma2, data.diagonal)
    return StrataOptimum(
        found.x[:k], sigma2, found.point, data, found.x, singular, found.converged, found.steps
    )


def on_boundary(theta: FloatArray, sigma2: FloatArray, diagonal: tuple[bool, ...]) -> bool:
    """Whether an effect's SD is below `BOUNDARY` of the smallest residual SD."""
    smallest = BOUNDARY * float(np.sqrt(sigma2.min()))
    return bool((np.abs(theta[np.array(diagonal, dtype=bool)]) < smallest).any())
