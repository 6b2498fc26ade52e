"""The deviance of many studies with residual strata, its exact gradient and Hessian.

As `criterion`, with V of each block written out. X is turned at each point so that X'V^-1X = I in
the columns of each component and in the common ones: what all pairs of studies share is then in
products of few columns. Equation numbers refer to docs/mathematics.md, section 14.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import log, pi

import numpy as np
from numpy.linalg import LinAlgError

from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.heteroscedastic.bordered import Bordered
from retrostats.models.linear.heteroscedastic.study_rows import Studies, Units


@dataclass(frozen=True, slots=True)
class Whitened:
    """Units at one point, rows divided by their residual standard deviation.

    z (B, m, q); w (B, m, m): V^-1; wx (B, m, s + c), wy (B, m, k): V^-1 times X and y.
    """

    units: Units
    z: FloatArray
    w: FloatArray
    wx: FloatArray
    wy: FloatArray


@dataclass(frozen=True)
class Turn:
    """What makes X'V^-1X the identity, and the coefficients.

    Attributes
    ----------
    own : (U, s, s) array
        Lower-triangular root of X'V^-1X among a component's own columns.
    beside : (U, s, c) array
        Its inverse times X'V^-1X between own and common columns.
    common : (c, c) array
        Root of what is left of the common columns (eq. 36b).
    delta_own, delta_common : (U, s, 1), (c, 1) arrays
        Coefficients in the orthonormal basis, in units of the scale.
    """

    own: FloatArray
    beside: FloatArray
    common: FloatArray
    delta_own: FloatArray
    delta_common: FloatArray

    @cached_property
    def matrix(self) -> FloatArray:
        """G (U, s + c, s + c): X G has the identity."""
        s, c = self.beside.shape[1:]
        upper = np.swapaxes(np.linalg.inv(self.own), 1, 2)
        right = np.linalg.inv(self.common).T
        out = np.zeros((len(upper), s + c, s + c))
        out[:, :s, :s] = upper
        out[:, :s, s:] = -upper @ self.beside @ right
        out[:, s:, s:] = right
        return out


def summed(values: FloatArray, units: Units, count: int) -> FloatArray:
    """Sums (U, ...) of values (B, ...) by component."""
    if len(values) == count and np.array_equal(units.component, np.arange(count)):
        return values
    out = np.zeros((count, *values.shape[1:]))
    np.add.at(out, units.component, values)
    return out


def whiten(units: Units, theta: FloatArray, eta: FloatArray) -> tuple[Whitened, float]:
    """V^-1 of each block, and log|V| less the logarithms of the residual variances."""
    root = np.exp(-0.5 * eta)[units.stratum][:, :, None]
    z = root * units.z
    moved = z @ units.factor(theta)
    v = moved @ np.swapaxes(moved, 1, 2)
    at = np.arange(v.shape[1])
    v[:, at, at] += 1.0
    chol = np.linalg.cholesky(v)
    log_det = 2.0 * float(units.n @ np.log(np.diagonal(chol, axis1=1, axis2=2)).sum(1))
    half = np.linalg.inv(chol)
    w = np.swapaxes(half, 1, 2) @ half
    return Whitened(units, z, w, w @ (root * units.x), w @ (root * units.y)), log_det


def solve_studies(
    data: Studies, theta: FloatArray, eta: FloatArray, *, reml: bool
) -> tuple[float, Turn, list[Whitened]]:
    """Deviance, coefficients and whitened units at one point (eqs. 31, 32, 36b)."""
    found, s = data.components, data.components.own.shape[1]
    count, p = found.count, s + len(found.common)
    xvx, xvy, yvy = np.zeros((count, p, p)), np.zeros((count, p, 1)), 0.0
    deviance = float(data.count @ eta)
    parts = []
    for units in data.units:
        part, log_det = whiten(units, theta, eta)
        root = np.exp(-0.5 * eta)[units.stratum][:, :, None]
        turned = np.swapaxes(root * units.x, 1, 2)
        xvx += summed(turned @ part.wx, units, count)
        xvy += summed(turned @ part.wy[..., :1], units, count)
        yvy += float(np.vdot(root * units.y, part.wy))
        deviance += log_det
        parts.append(part)
    # eq. 36b: own columns first, then what they leave of the common ones
    at = np.arange(s)
    xvx[:, at, at] += found.own < 0
    own = np.linalg.cholesky(xvx[:, :s, :s])
    solved = np.linalg.solve(own, np.concatenate([xvx[:, :s, s:], xvy[:, :s]], axis=2))
    beside, first = solved[..., :-1], solved[..., -1:]
    left = xvx[:, s:, s:].sum(0) - np.tensordot(beside, beside, axes=([0, 1], [0, 1]))
    common = np.linalg.cholesky(left)
    rest = xvy[:, s:].sum(0) - np.tensordot(beside, first, axes=([0, 1], [0, 1]))
    second = np.linalg.solve(common, rest)
    rss = yvy - float((first**2).sum() + (second**2).sum())
    if not (rss > 0.0 and np.isfinite(deviance)):
        raise LinAlgError("a residual variance vanished")
    delta = np.linalg.solve(common.T, second)
    delta_own = np.linalg.solve(np.swapaxes(own, 1, 2), first - beside @ delta)
    nu = data.n_obs - len(data.start) if reml else data.n_obs
    deviance += rss + nu * (log(2.0 * pi) + 2.0 * log(data.scale))
    if reml:
        roots = np.log(np.diagonal(own, axis1=1, axis2=2)).sum() + np.log(np.diag(common)).sum()
        deviance += 2.0 * float(roots) + data.basis.log
    return deviance, Turn(own, beside, common, delta_own, delta), parts


@dataclass(frozen=True, slots=True)
class StudySums:
    """Sums for the g border parameters and l own ones of each of U components.

    Parameters are in units in which V_i of a stratum is sigma_s^2 D_s, X is turned.

    Attributes
    ----------
    trace : (U, g + l) array
        tr(V^-1 V_i).
    trace2, cq, fit2 : (U, g + l, g + l) arrays
        tr(V^-1 V_i V^-1 V_j), tr(Q_ij), r'V^-1 V_i V^-1 V_j V^-1 r.
    p : (U, g + l, s + c, s + c) array
        P_i.
    fit : (U, g + l) array
        r'V^-1 V_i V^-1 r.
    cross : (U, g + l, s + c) array
        X'V^-1 V_i V^-1 r.
    """

    trace: FloatArray
    trace2: FloatArray
    p: FloatArray
    cq: FloatArray
    fit: FloatArray
    fit2: FloatArray
    cross: FloatArray


@dataclass(frozen=True, slots=True)
class Moved:
    """One stack of units with V_i on it: v (B, n, m, m); x (B, m, s + c): V^-1 X, turned;
    r (B, m, k): V^-1 r; u (B, n, m, s + c): V_i V^-1 X; wu: V^-1 V_i V^-1 X.
    """

    part: Whitened
    v: FloatArray
    x: FloatArray
    r: FloatArray
    u: FloatArray
    wu: FloatArray


def move(turn: Turn, part: Whitened, psi: list[FloatArray]) -> Moved:
    """V_i V^-1 [X r] of one stack; `psi` are the derivatives of Psi."""
    units = part.units
    b, m, _ = part.wx.shape
    k = len(psi)
    v = np.zeros((b, k + units.kind.shape[1], m, m))
    for i, d in enumerate(psi):
        v[:, i] = part.z @ d @ np.swapaxes(part.z, 1, 2)
    at = np.arange(m)
    v[:, k:, at, at] = units.kind
    x = part.wx @ turn.matrix[units.component]
    delta = _both(turn.delta_own[units.component], turn.delta_common)
    r = part.wy.copy()
    r[..., :1] -= part.wx @ delta
    u = v @ x[:, None]
    return Moved(part, v, x, r, u, part.w[:, None] @ u)


def _both(own: FloatArray, common: FloatArray) -> FloatArray:
    return np.concatenate([own, np.broadcast_to(common, (len(own), *common.shape))], axis=1)


def sum_studies(data: Studies, moved: list[Moved], k: int) -> StudySums:
    """Sums over the blocks of each component (eqs. 9 and 14, V written out)."""
    count = data.components.count
    parts = [_sums(one) for one in moved]
    total = [
        np.sum([summed(p[i], m.part.units, count) for p, m in zip(parts, moved, strict=True)], 0)
        for i in range(7)
    ]
    out = StudySums(*total)
    # the rows of zeros, of which V^-1 V_s is 1
    out.trace[:, k:] += data.hidden
    at = np.arange(k, out.trace.shape[1])
    out.trace2[:, at, at] += data.hidden
    return out


def _sums(moved: Moved) -> tuple[FloatArray, ...]:
    part, v, n = moved.part, moved.v, moved.part.units.n
    b, size = v.shape[:2]
    wv = part.w[:, None] @ v
    trace = n[:, None] * np.trace(wv, axis1=2, axis2=3)
    flat, turned = wv.reshape(b, size, -1), np.swapaxes(wv, 2, 3).reshape(b, size, -1)
    trace2 = n[:, None, None] * (flat @ np.swapaxes(turned, 1, 2))
    p = np.swapaxes(moved.x, 1, 2)[:, None] @ moved.u
    cq = moved.u.reshape(b, size, -1) @ np.swapaxes(moved.wu.reshape(b, size, -1), 1, 2)
    s = v @ moved.r[:, None]
    ws = part.w[:, None] @ s
    fit = (moved.r[:, None] * s).sum((2, 3))
    fit2 = s.reshape(b, size, -1) @ np.swapaxes(ws.reshape(b, size, -1), 1, 2)
    cross = (np.swapaxes(moved.x, 1, 2)[:, None] @ s[..., :1])[..., 0]
    return trace, trace2, p, cq, fit, fit2, cross


def own_pairs(p: FloatArray, s: int) -> FloatArray:
    """tr(P_i P_j) (U, n, n) by what is of a component alone: its own columns (eq. 36d)."""
    count, size = p.shape[:2]
    own = p[..., :s, :s].reshape(count, size, -1)
    beside = p[..., :s, s:].reshape(count, size, -1)
    return np.asarray(own @ np.swapaxes(own, 1, 2) + 2.0 * beside @ np.swapaxes(beside, 1, 2))


def common_products(p: FloatArray, s: int) -> FloatArray:
    """P_i among common columns (U, n, c (c + 1) / 2), whose products are traces of pairs."""
    rows, cols = np.triu_indices(p.shape[2] - s)
    return np.asarray(p[..., s + rows, s + cols] * np.where(rows == cols, 1.0, np.sqrt(2.0)))


@dataclass(frozen=True, slots=True)
class StudyPoint:
    """The criterion with its derivatives in (theta, eta)."""

    deviance: float
    gradient: FloatArray
    curve: Bordered
    turn: Turn
    sums: StudySums


def evaluate_studies(
    data: Studies, theta: FloatArray, eta: FloatArray, *, reml: bool
) -> StudyPoint:
    """Deviance with gradient and Hessian in (theta, eta) (eqs. 36d, 37, 38)."""
    deviance, turn, parts = solve_studies(data, theta, eta, reml=reml)
    k, s = len(theta), data.components.own.shape[1]
    units = np.eye(k)
    factors = [[part.units.factor(unit) for unit in units] for part in parts]
    first = [
        [unit @ part.units.factor(theta).T for unit in each]
        for part, each in zip(parts, factors, strict=True)
    ]
    moved = [
        move(turn, part, [h + h.T for h in each]) for part, each in zip(parts, first, strict=True)
    ]
    sums = sum_studies(data, moved, k)
    slope = sums.trace - sums.fit
    own, common = sums.cross[..., :s], [np.sqrt(2.0) * sums.cross[..., s:]]
    curve = 2.0 * sums.fit2 - sums.trace2 - 2.0 * own @ np.swapaxes(own, 1, 2)
    if reml:
        slope = slope - np.trace(sums.p, axis1=2, axis2=3)
        curve += 2.0 * sums.cq - own_pairs(sums.p, s)
        common.append(common_products(sums.p, s))
    # eq. 38, second line: V is not linear in theta, and exponential in eta
    at = np.arange(k, curve.shape[1])
    curve[:, at, at] += slope[:, k:]
    for one, each in zip(moved, factors, strict=True):
        whole = _second(one, reml=reml)
        for i in range(k):
            for j in range(k):
                curve[0, i, j] += float(np.vdot(whole, each[i] @ each[j].T + each[j] @ each[i].T))
    border = len(data.order.border)
    gradient = data.order.joined(slope[:, :border].sum(0), slope[:, border:])
    products = np.concatenate(common, axis=2)
    return StudyPoint(deviance, gradient, Bordered(data.order, curve, products, -1.0), turn, sums)


def _second(moved: Moved, *, reml: bool) -> FloatArray:
    """Z'V^-1Z less what coefficients and residual take, summed over blocks (q, q)."""
    part = moved.part
    z = np.swapaxes(part.z, 1, 2)
    whole = np.tensordot(part.units.n, z @ part.w @ part.z, axes=1)
    r = z @ moved.r
    whole -= (r @ np.swapaxes(r, 1, 2)).sum(0)
    if reml:
        x = z @ moved.x
        whole -= (x @ np.swapaxes(x, 1, 2)).sum(0)
    return np.asarray(whole)
