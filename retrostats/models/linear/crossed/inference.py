"""Kenward-Roger and Satterthwaite for crossed factors, in bounded memory.

Kenward-Roger needs sums over all pairs of levels of squares of A^-1, Satterthwaite a Hessian that
does too. Where one group is eliminated they come from `pairs`; else the columns of A^-1 are made
some at a time and let go, and the Hessian is a central difference of the exact gradient, at the
cost of a few more fits. See docs/mathematics.md, section 18.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrostats.models.linear.crossed.criterion import (
    Sensitivity,
    Solved,
    along,
    psi_directions,
    second_directions,
    sensitivity,
    solve,
    whitened,
)
from retrostats.models.linear.crossed.factor import Factor
from retrostats.models.linear.crossed.layout import Crossed
from retrostats.models.linear.crossed.pairs import PairSums, pair_sums
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.kenward_roger import KenwardRoger, adjusted
from retrostats.models.linear.homoscedastic.satterthwaite import Satterthwaite, inverse_hessian

#: Multiplications that Kenward-Roger may cost: about 20 seconds on two cores.
MOST_PRODUCTS = 2e11
_FLOOR = 1e-4  # diagonal of a factor below which inference is that at this, where nothing cancels
#: Mean eigenvalue of a group's M = I - A^-1, whose square has half of its digits as differences.
_DIGITS = 1e-3
_CHUNK = 256
_STEP = 1e-4


def products(data: Crossed) -> float:
    """Multiplications that Kenward-Roger costs."""
    q = sum(g.width for g in data.groups)
    return float(q) * (float(data.dense) ** 2 + 4.0 * int(data.c.nnz))


@dataclass(frozen=True, slots=True)
class InverseSums:
    """Sums over A^-1 and M = I - A^-1, whose blocks are M_lm for levels l, m of two groups.

    square : ||A^-1||^2; own[a] : sum over l of (A^-1 - A^-2)_ll (k, k);
    pairs[a][b] : sum over l, m of M_lm[c, d] M_lm[e, f] (ka, kb, ka, kb).
    """

    square: float
    own: list[FloatArray]
    pairs: list[list[FloatArray]]


def sum_inverse(data: Crossed, factor: Factor) -> InverseSums:
    """Make the columns of A^-1 some at a time, and sum."""
    groups = data.groups
    q = sum(g.width for g in groups)
    own: list[FloatArray] = [np.zeros((g.k, g.k)) for g in groups]
    pairs: list[list[FloatArray]] = [
        [np.zeros((a.k, b.k, a.k, b.k)) for b in groups] for a in groups
    ]
    square = 0.0
    for b, group in enumerate(groups):
        levels = max(1, _CHUNK // group.k)
        for first in range(0, group.levels, levels):
            count = min(levels, group.levels - first)
            at = group.start + first * group.k + np.arange(count * group.k)
            rhs = np.zeros((q, len(at)))
            rhs[at, np.arange(len(at))] = 1.0
            columns = factor.solve(rhs)
            # eq. 49a: ||A^-1||^2
            square += float(np.vdot(columns, columns))
            blocks = columns.reshape(q, count, group.k)
            place = at.reshape(count, group.k)
            here = blocks[place, np.arange(count)[:, None]]  # (count, k, k)
            # eq. 49b: A^-1 - A^-2, block by block
            own[b] += here.sum(axis=0) - np.einsum("qci,qcj->ij", blocks, blocks)
            columns = rhs - columns
            # eq. 16: tr(W E_i W E_j) over all pairs of levels, W from I - A^-1
            for a, other in enumerate(groups):
                m = columns[other.columns].reshape(other.levels, other.k, count, group.k)
                flat = np.ascontiguousarray(m.transpose(1, 3, 0, 2)).reshape(other.k * group.k, -1)
                pairs[a][b] += (flat @ flat.T).reshape(other.k, group.k, other.k, group.k)
    return InverseSums(square, own, pairs)


def inverse_by_pairs(data: Crossed, sums: PairSums) -> InverseSums:
    """The same from sums over pairs of levels: A^-1 is I - M."""
    total, own = 0.0, []
    for a, (group, inverse) in enumerate(zip(data.groups, sums.own, strict=True)):
        # eq. 49b: A^-1 - A^-2 = M - M^2
        both = sum(np.einsum("cfdf->cd", pairs) for pairs in sums.pairs[a])
        own.append(group.levels * np.eye(group.k) - inverse - both)
        # eq. 49a: ||I - M||^2
        total += float(2.0 * np.trace(inverse) - group.width + np.trace(both))
    return InverseSums(total, own, sums.pairs)


def _inverse_sums(data: Crossed, factor: Factor) -> InverseSums:
    """The way that is shorter, unless a sum of squares of M would be rounding."""
    sums = pair_sums(data, factor)
    if sums is not None:
        kept = [
            group.levels * np.eye(group.k) - inverse
            for group, inverse in zip(data.groups, sums.own, strict=True)
        ]
        least = [
            np.linalg.eigvalsh(m)[0] / group.levels
            for m, group in zip(kept, data.groups, strict=True)
        ]
        if min(least) > _DIGITS:
            return inverse_by_pairs(data, sums)
    return sum_inverse(data, factor)


def crossed_kenward_roger(data: Crossed, theta: FloatArray) -> KenwardRoger:
    """Adjusted covariance at a REML fit (Kenward and Roger 1997), as `kenward_roger` gives it."""
    at = solve(data, theta, reml=True, floor=_FLOOR)
    sums = _inverse_sums(data, at.factor)
    columns, k = len(at.xvx), len(data.positions)
    p = np.zeros((k + 1, columns, columns))
    q = np.zeros((k + 1, k + 1, columns, columns))
    trace2 = np.zeros((k + 1, k + 1))
    back = [np.linalg.inv(lam) for lam in at.lams]
    h = whitened(data, at.lams, at.factor, at.g)[1]  # Z'V^-2 X
    units, moved = [], []
    for g, i, j in data.positions:
        unit = np.zeros((data.groups[g].k,) * 2)
        unit[i, j] = unit[j, i] = 1.0
        units.append(unit)
        moved.append(_along_group(data, g, unit, at.g))
    wmoved = [whitened(data, at.lams, at.factor, data.c @ m)[1] for m in moved]
    for i, (a, _, _) in enumerate(data.positions):
        # eqs. 15 and 18 of a random effect, alone and with the residual
        left = back[a] @ units[i] @ back[a].T
        p[i] = at.g.T @ moved[i]
        q[i, k] = moved[i].T @ h
        q[k, i] = q[i, k].T
        trace2[i, k] = trace2[k, i] = float(np.vdot(left, sums.own[a]))
        for j, (b, _, _) in enumerate(data.positions):
            # eq. 15: Q_ij
            q[i, j] = moved[i].T @ wmoved[j]
            right = back[b] @ units[j] @ back[b].T
            # tr(M_lm R M_lm' L), summed over levels l and m
            trace2[i, j] = np.einsum("cdef,ce,df->", sums.pairs[a][b], left, right, optimize=True)
    carried = _carried(data, at)
    # eq. 18: X'V^-2 X and X'V^-3 X; eq. 49a: tr V^-2
    lost = at.g.T @ carried
    width = sum(group.width for group in data.groups)
    p[k] = at.xvx - lost
    q[k, k] = p[k] - h.T @ carried
    trace2[k, k] = data.n_obs - width + sums.square
    return adjusted(data.basis, at.sigma2, at.xvx, p, q, trace2)


def _carried(data: Crossed, at: Solved) -> FloatArray:
    """Lambda A^-1 Lambda' Z'X (q, p)."""
    out = np.empty_like(at.u)
    for group, lam in zip(data.groups, at.lams, strict=True):
        rows = at.u[group.columns].reshape(group.levels, group.k, -1)
        out[group.columns] = (lam @ rows).reshape(group.width, -1)
    return out


def _along_group(data: Crossed, g: int, unit: FloatArray, v: FloatArray) -> FloatArray:
    """A direction of one group's Psi times v (q, p)."""
    group = data.groups[g]
    out = np.zeros_like(v)
    rows = v[group.columns].reshape(group.levels, group.k, -1)
    out[group.columns] = (unit @ rows).reshape(group.width, -1)
    return out


def exact_hessian(
    data: Crossed, at: Solved, here: Sensitivity, sums: PairSums, *, reml: bool
) -> FloatArray:
    """Second derivatives (k, k) of the deviance by theta, sigma held (eq. 22)."""
    # eq. 49c: tr(V^-1 V_i V^-1 V_j) from sums over pairs of levels
    back = [np.linalg.inv(lam) for lam in at.lams]
    turned, moved = [], []
    for g, i, j in data.positions:
        unit = np.zeros((data.groups[g].k,) * 2)
        unit[i, j] = 1.0
        half = unit @ at.lams[g].T
        turned.append(back[g] @ (half + half.T) @ back[g].T)
        moved.append(_along_group(data, g, half + half.T, at.g))
    v = psi_directions(data, at.lams, at.e)
    _, wv = whitened(data, at.lams, at.factor, data.c @ v)
    cross = v.T @ at.g
    out = 2.0 / at.sigma2 * (v.T @ wv - cross @ at.c @ cross.T)
    for i, (a, _, _) in enumerate(data.positions):
        for j, (b, _, _) in enumerate(data.positions):
            pairs = sums.pairs[a][b]
            out[i, j] -= np.einsum("cdef,ce,df->", pairs, turned[i], turned[j], optimize=True)
    if reml:
        wmoved = [whitened(data, at.lams, at.factor, data.c @ m)[1] for m in moved]
        p = [at.c @ (at.g.T @ m) for m in moved]
        for i, one in enumerate(moved):
            for j, other in enumerate(wmoved):
                # eq. 49c: 2 tr(C Q_ij) - tr(C P_i C P_j)
                out[i, j] += 2.0 * float(np.vdot(one @ at.c, other)) - float(np.vdot(p[i].T, p[j]))
    pairs_of_m = zip(here.logdet, here.fit, strict=True)
    out += second_directions(data, [a - b / at.sigma2 for a, b in pairs_of_m])
    return np.asarray(0.5 * (out + out.T))


def _by_differences(data: Crossed, theta: FloatArray, sigma2: float, *, reml: bool) -> FloatArray:
    """The same by central differences of eq. 48."""
    diagonal = np.array(data.diagonal)

    def gradient(point: FloatArray) -> FloatArray:
        moved = solve(data, point, reml=reml, floor=0.0)
        parts = sensitivity(data, moved, reml=reml)
        pairs = zip(parts.logdet, parts.fit, strict=True)
        return along(data, moved.lams, [a - b / sigma2 for a, b in pairs])

    out = np.zeros((len(theta), len(theta)))
    for i in range(len(theta)):
        size = _STEP * max(abs(theta[i]), 1.0) if not diagonal[i] else _STEP * abs(theta[i])
        step = np.zeros(len(theta))
        step[i] = size
        out[i] = (gradient(theta + step) - gradient(theta - step)) / (2.0 * size)
    return 0.5 * (out + out.T)


def crossed_satterthwaite(data: Crossed, theta: FloatArray, *, reml: bool) -> Satterthwaite:
    """Covariance of (theta, sigma) and the derivative of the coefficients' covariance."""
    k = len(theta)
    diagonal = np.array(data.diagonal)
    theta = np.where(diagonal & (np.abs(theta) < _FLOOR), _FLOOR, theta)
    at = solve(data, theta, reml=reml, floor=0.0)
    sigma2, sigma = at.sigma2, float(np.sqrt(at.sigma2))
    sums = pair_sums(data, at.factor)
    here = sensitivity(data, at, reml=reml, sums=None if sums is None else sums.own)
    hessian = np.zeros((k + 1, k + 1))
    if sums is None:
        hessian[:k, :k] = _by_differences(data, theta, sigma2, reml=reml)
    else:
        hessian[:k, :k] = exact_hessian(data, at, here, sums, reml=reml)
    hessian[:k, k] = hessian[k, :k] = 2.0 * along(data, at.lams, here.fit) / sigma**3
    hessian[k, k] = 4.0 * at.nu / sigma2
    back = np.linalg.solve(data.basis, np.eye(len(at.c)))
    half = back @ at.c
    moved = []
    for g, i, j in data.positions:
        unit = np.zeros((data.groups[g].k,) * 2)
        unit[i, j] = 1.0
        direction = unit @ at.lams[g].T
        along_v = _along_group(data, g, direction + direction.T, at.g)
        # eq. 23
        moved.append(sigma2 * half @ (at.g.T @ along_v) @ half.T)
    covariance = half @ back.T
    moved.append(2.0 * sigma * covariance)
    return Satterthwaite(sigma2 * covariance, np.stack(moved), inverse_hessian(hessian))
