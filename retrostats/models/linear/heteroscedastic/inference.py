"""Kenward-Roger and Satterthwaite with residual variances as parameters."""

from __future__ import annotations

import numpy as np

from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.heteroscedastic.blocks import Strata
from retrostats.models.linear.heteroscedastic.criterion import (
    Part,
    State,
    StrataPoint,
    StrataSums,
    linear_directions,
    sum_strata,
    traces_of_pairs,
)
from retrostats.models.linear.homoscedastic.kenward_roger import KenwardRoger, inverse_information
from retrostats.models.linear.homoscedastic.satterthwaite import Satterthwaite, inverse_hessian


def strata_kenward_roger(data: Strata, state: State) -> KenwardRoger:
    """Adjusted covariance at a REML fit, over variances, covariances and residual variances.

    V is linear in all of them, so the second-derivative term of Kenward and Roger's eq. 5 is zero.
    """
    directions = linear_directions(data)
    sums = sum_strata(data, state, directions)
    p, c, size = sums.p, state.c, len(sums.trace)
    cp = c @ p
    # eq. 16 with the sums of eqs. 34-36
    information = sums.trace2 - 2.0 * sums.cq + traces_of_pairs(cp)
    # Parameters in comparable units: residual variances can differ a millionfold.
    unit = 1.0 / np.sqrt(np.diag(sums.trace2))
    information = 0.5 * (information + information.T) * np.outer(unit, unit)
    w = inverse_information(information) * np.outer(unit, unit)
    weighted = (w @ p.reshape(size, -1)).reshape(p.shape)
    # eq. 17: the bracket, and C times it
    bracket = _weighted_q(data, state, directions, sums, w)
    bracket -= cp.reshape(-1, len(c)).T @ weighted.reshape(-1, len(c))
    lambda_ = c @ (bracket + bracket.T) @ c
    back = np.linalg.solve(data.basis, np.eye(len(c)))
    s2 = data.scale**2
    return KenwardRoger(
        s2 * back @ c @ back.T,
        s2 * back @ (c + lambda_) @ back.T,
        -(data.basis.T @ p @ data.basis) / s2,
        w,
    )


def _weighted_q(
    data: Strata,
    state: State,
    directions: list[list[FloatArray]],
    sums: StrataSums,
    w: FloatArray,
) -> FloatArray:
    """Sum over i, j of w_ij Q_ij, without an array of all Q (eqs. 35-36)."""
    k = len(directions[0])
    tau = 1.0 / state.sigma2
    # eq. 35: delta_st tau_s U'V^-1 D_s V^-1 U
    out = np.einsum("s,sij->ij", tau * np.diag(w)[k:], sums.p[k:])
    for part, psi in zip(state.parts, directions, strict=True):
        out += _part_q(part, psi, w, len(state.c))
    return np.asarray(out)


def _part_q(part: Part, psi: list[FloatArray], w: FloatArray, columns: int) -> FloatArray:
    k = len(psi)
    s = part.stack
    out = np.zeros((columns, columns))
    te = part.t[:, :, None, None] * part.e[..., :columns]
    at = k + s.stratum
    pairs = w[at[:, :, None], at[:, None, :]]
    flat = (*te.shape[:2], -1)
    mixed = (pairs @ te.reshape(flat)).reshape(te.shape)
    # eq. 35: tau_s tau_t E_s'N E_t
    out -= (part.nn[:, None] @ te).reshape(-1, columns).T @ mixed.reshape(-1, columns)
    dx = [d @ part.g[:, :, :columns] for d in psi]
    for i in range(k):
        # eq. 35: K'E_s beside a random effect, both ways
        moved = np.swapaxes(part.k, 1, 2) @ np.einsum("bs,bsip->bip", w[i, at], te)
        half = dx[i].reshape(-1, columns).T @ moved.reshape(-1, columns)
        out += half + half.T
        for j in range(k):
            both = part.w @ dx[j]
            out += w[i, j] * dx[i].reshape(-1, columns).T @ both.reshape(-1, columns)
    return out


def strata_satterthwaite(data: Strata, point: StrataPoint) -> Satterthwaite:
    """Covariance of (theta, eta) and the derivative of the coefficients' covariance."""
    c = point.state.c
    back = np.linalg.solve(data.basis, np.eye(len(c)))
    k = len(point.gradient) - len(point.state.sigma2)
    unit = np.concatenate([np.ones(k), point.state.sigma2])
    # eq. 23, in theta and log sigma_s^2
    moved = back @ c @ (unit[:, None, None] * point.sums.p) @ c @ back.T
    s2 = data.scale**2
    return Satterthwaite(s2 * back @ c @ back.T, s2 * moved, inverse_hessian(point.hessian))
