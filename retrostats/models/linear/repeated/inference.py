"""Small-sample errors and degrees of freedom with a covariance of repeated measurements."""

from __future__ import annotations

import numpy as np

from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.kenward_roger import KenwardRoger, inverse_information
from retrostats.models.linear.homoscedastic.satterthwaite import Satterthwaite, inverse_hessian
from retrostats.models.linear.repeated.criterion import State, part_of
from retrostats.models.linear.repeated.structures import Shape
from retrostats.models.linear.repeated.sums import Repeated


def repeated_kenward_roger(
    data: Repeated, shape: Shape, theta: FloatArray, state: State
) -> KenwardRoger:
    """Kenward and Roger (1997), eq. 5, second derivatives included where V is not linear.

    Parameters are natural (variances, covariances, correlation), as in SAS; the second-derivative
    term depends on that choice, all else does not.
    """
    # eq. 16: twice the inverse of the expected information
    unit = 1.0 / np.sqrt(np.diag(state.expected))  # parameters in comparable units
    w = inverse_information(state.expected * np.outer(unit, unit)) * np.outer(unit, unit)
    phi = np.linalg.inv(state.xvx)
    v, first, second = shape.at(theta)
    size = len(phi)
    bracket = np.zeros((size, size))
    for s in data.seen:
        inverse = np.linalg.inv(part_of(v, s.levels))
        own = part_of(first, s.levels)
        # sum of w_ij V_i W V_j, less a quarter of that of w_ij V_ij
        inner = _weighted(own, inverse, w)
        if second is not None:
            curved = part_of(second, s.levels)
            inner = inner - 0.25 * np.einsum("ij,ijab->ab", w, curved)
        around = inverse @ inner @ inverse
        bracket += np.einsum("ab,abpq->pq", around, s.cross[:, :, :size, :size])
    weighted = np.tensordot(w, state.p, 1)
    bracket -= (state.p @ phi @ weighted).sum(axis=0)
    # eq. 17
    lambda_ = phi @ (bracket + bracket.T) @ phi
    basis = data.reduced.basis
    back = np.linalg.solve(basis, np.eye(size))
    sigma2 = data.scale**2
    return KenwardRoger(
        sigma2 * back @ phi @ back.T,
        sigma2 * back @ (phi + lambda_) @ back.T,
        -(basis.T @ state.p @ basis) / sigma2,
        w,
    )


def _weighted(own: FloatArray, inverse: FloatArray, w: FloatArray) -> FloatArray:
    """Sum over i and j of w_ij V_i W V_j."""
    others = np.tensordot(w, own, 1)
    return np.asarray((own @ inverse @ others).sum(axis=0))


def repeated_satterthwaite(data: Repeated, state: State) -> Satterthwaite:
    """Satterthwaite's approximation from the observed information."""
    phi = np.linalg.inv(state.xvx)
    back = np.linalg.solve(data.reduced.basis, np.eye(len(phi)))
    sigma2 = data.scale**2
    # eq. 23
    moves = phi @ state.p @ phi
    return Satterthwaite(
        sigma2 * back @ phi @ back.T,
        sigma2 * back @ moves @ back.T,
        inverse_hessian(state.hessian),
    )
