"""Kenward-Roger and Satterthwaite with residual variances as parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
)
from retrostats.models.linear.heteroscedastic.low_rank import StratumRows
from retrostats.models.linear.homoscedastic.kenward_roger import (
    KenwardRoger,
    f_df,
    inverse_information,
)
from retrostats.models.linear.homoscedastic.satterthwaite import Satterthwaite, inverse_hessian


@dataclass(frozen=True, slots=True)
class RowsKenwardRoger(KenwardRoger):
    """The same with the products of residual variances as rows; p has the random parameters alone.

    Attributes
    ----------
    rows : StratumRows
        Of V^-1 X, X in its own columns.
    """

    rows: StratumRows

    def term_dfs(self) -> FloatArray:
        """Degrees of freedom (p,) of each coefficient: `test` of each unit vector at once."""
        random = ((self.p @ self.phi) * self.phi).sum(axis=1)
        weight = np.vstack([random, -self.rows.summed((self.rows.f @ self.phi) ** 2)])
        weight /= np.diag(self.phi)
        spread = ((self.w @ weight) * weight).sum(axis=0)
        return np.array([f_df(a, a, 1)[0] for a in spread.tolist()])  # with one row A1 = A2

    def test(self, contrast: FloatArray) -> tuple[float, float]:
        """Denominator degrees of freedom and F scaling of the rows of a contrast."""
        # eq. 19 in the space of the contrast: R (L Phi L') R' = 1, and tr(R L Phi P_i Phi L'R')
        moved = contrast @ self.phi
        root = np.linalg.inv(np.linalg.cholesky(moved @ contrast.T))
        turn = (root @ moved).T
        u = np.concatenate([turn.T @ self.p @ turn, -self.rows.dense(turn)])
        traces = np.trace(u, axis1=1, axis2=2)
        flat = u.reshape(len(u), -1)
        a1, a2 = float(traces @ self.w @ traces), float(np.vdot(self.w @ flat, flat))
        return f_df(a1, a2, len(contrast))


def strata_kenward_roger(data: Strata, state: State) -> KenwardRoger:
    """Adjusted covariance at a REML fit, over variances, covariances and residual variances.

    V is linear in all of them, so the second-derivative term of Kenward and Roger's eq. 5 is zero.
    """
    directions = linear_directions(data)
    sums = sum_strata(data, state, directions)
    c = state.c
    # eq. 16 with the sums of eqs. 34-36
    information = sums.trace2 - 2.0 * sums.cq + sums.pairs(c)
    # Parameters in comparable units: residual variances can differ a millionfold.
    unit = 1.0 / np.sqrt(np.diag(sums.trace2))
    information = 0.5 * (information + information.T) * np.outer(unit, unit)
    w = inverse_information(information) * np.outer(unit, unit)
    # eq. 17: the bracket, and C times it
    bracket = _weighted_q(data, state, directions, sums, w) - _weighted_products(sums, w, c)
    lambda_ = c @ (bracket + bracket.T) @ c
    back = np.linalg.solve(data.basis, np.eye(len(c)))
    s2 = data.scale**2
    phi, both = s2 * back @ c @ back.T, s2 * back @ (c + lambda_) @ back.T
    own = -(data.basis.T @ sums.p @ data.basis) / s2
    if sums.rows is None:
        return KenwardRoger(phi, both, own, w)
    rows = replace(sums.rows, f=sums.rows.f @ data.basis / data.scale)
    return RowsKenwardRoger(phi, both, own, w, rows)


def _weighted_products(sums: StrataSums, w: FloatArray, c: FloatArray) -> FloatArray:
    """Sum over i, j of w_ij P_i C P_j."""
    p, k = sums.p, len(sums.p)
    weighted = (w[:k, :k] @ p.reshape(k, len(c) ** 2)).reshape(p.shape)
    out = (c @ p).reshape(-1, len(c)).T @ weighted.reshape(-1, len(c))
    if sums.rows is None:
        return np.asarray(out)
    for i, one in enumerate(p):
        half = one @ c @ sums.rows.weighted(w[i, k:])
        out = out + half + half.T
    return np.asarray(out + sums.rows.weighted_pairs(w[k:, k:], c))


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
    own = tau * np.diag(w)[k:]
    out = np.einsum("s,sij->ij", own, sums.p[k:]) if sums.rows is None else sums.rows.weighted(own)
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
    moved = unit[:, None, None] * point.sums.dense(c @ back.T)
    s2 = data.scale**2
    return Satterthwaite(s2 * back @ c @ back.T, s2 * moved, inverse_hessian(point.hessian))
