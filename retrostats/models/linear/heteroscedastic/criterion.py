"""The deviance with residual strata, its exact gradient and Hessian.

Parameters are the elements of the covariance factor Lambda (absolute, not relative) and eta_s, the
logarithms of the residual variances. Equation numbers refer to docs/mathematics.md, section 14.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi

import numpy as np
from numpy.linalg import LinAlgError

from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.heteroscedastic.blocks import Strata, StrataStack
from retrostats.models.linear.heteroscedastic.low_rank import StratumRows, fitted, squares

_AT_ONCE = 2_000_000  # numbers in the products of all cells, above which strata are taken in turn


@dataclass(frozen=True, slots=True)
class Part:
    """One stack at one point: everything in the space of its random effects.

    t (B, S): 1 / sigma^2 of each cell; nn = Lambda M^-1 Lambda' (B, q, q); k = I - nn A (B, q, q),
    A = Z'R^-1Z; w = Z'V^-1Z (B, q, q); g = Z'V^-1[X r] (B, q, p + c); h = nn Z'R^-1[X r];
    e = Z_s'(V^-1[X r])_s (B, S, q, p + c).
    """

    stack: StrataStack
    t: FloatArray
    nn: FloatArray
    k: FloatArray
    w: FloatArray
    g: FloatArray
    h: FloatArray
    zu: FloatArray
    e: FloatArray


@dataclass(frozen=True, slots=True)
class State:
    """The solution at one point.

    Attributes
    ----------
    deviance : float
    delta : (p,) array
        Coefficients in the orthonormal basis, in units of the scale.
    xvx : (p, p) array
        X'V^-1X.
    c : (p, p) array
        Its inverse.
    sigma2 : (T,) array
    parts : list of Part
    """

    deviance: float
    delta: FloatArray
    xvx: FloatArray
    c: FloatArray
    sigma2: FloatArray
    parts: list[Part]


def factor_of(s: StrataStack, theta: FloatArray) -> FloatArray:
    """Lambda (q, q) of one block."""
    lam = np.zeros(s.zz.shape[2:])
    lam[s.rows, s.cols] = theta[s.theta]
    return lam


def _in_blocks(t: FloatArray, a: FloatArray) -> FloatArray:
    """Sum of the cells of each block, weighted by t."""
    b, s, q, c = a.shape
    return (t[:, None, :] @ a.reshape(b, s, q * c)).reshape(b, q, c)


def solve_strata(data: Strata, theta: FloatArray, eta: FloatArray, *, reml: bool) -> State:
    """Deviance, coefficients and the whitened stacks at one point (eqs. 30-32)."""
    # eq. 31 begins at the sums over strata; each block takes away what its effects explain.
    tau = np.exp(-eta)
    p = data.xy.shape[1]
    design = data.design
    xvx = np.tensordot(tau, data.xx, axes=1) if design is None else squares(design, tau)
    xvy = tau @ data.xy
    yvy = float(tau @ data.yy)
    deviance = float(data.count @ eta)
    prepared = []
    for s in data.stacks:
        t = tau[s.stratum]
        azz, azx, azy = _in_blocks(t, s.zz), _in_blocks(t, s.zx), _in_blocks(t, s.zy)
        # eq. 31: log|Lambda'A Lambda + I|, and N of eq. 30
        lam = factor_of(s, theta)
        m = lam.T @ azz @ lam + np.eye(len(lam))
        chol = np.linalg.cholesky(m)
        deviance += 2.0 * float(s.n @ np.log(np.diagonal(chol, axis1=1, axis2=2)).sum(1))
        nn = lam @ np.linalg.solve(m, np.broadcast_to(lam.T, m.shape))
        hx, hy = nn @ azx, nn @ azy
        flat = azx.reshape(-1, p)
        xvx -= flat.T @ hx.reshape(-1, p)
        xvy -= flat.T @ hy[:, :, 0].ravel()
        yvy -= float(np.vdot(azy, hy))
        prepared.append((s, t, azz, nn))
    # eq. 32
    factor = np.linalg.cholesky(xvx)
    c = np.linalg.inv(xvx)  # X is orthonormal; needed whole
    delta = np.linalg.solve(xvx, xvy)
    rss = yvy - float(delta @ xvy)
    if not (rss > 0.0 and np.isfinite(deviance)):
        raise LinAlgError("a residual variance vanished")
    nu = data.n_obs - p if reml else data.n_obs
    deviance += rss + nu * (log(2.0 * pi) + 2.0 * log(data.scale))
    if reml:
        deviance += 2.0 * float(np.log(np.diag(factor)).sum()) + data.log_basis
    parts = [_part(s, t, azz, nn, delta) for s, t, azz, nn in prepared]
    return State(deviance, delta, xvx, c, 1.0 / tau, parts)


def _part(
    s: StrataStack, t: FloatArray, azz: FloatArray, nn: FloatArray, delta: FloatArray
) -> Part:
    # eq. 34: H = N Z'R^-1 U, K = I - N A and E_s, U = [X r]
    zu = np.concatenate([s.zx, s.zy], axis=-1)
    zu[..., len(delta)] -= s.zx @ delta
    au = _in_blocks(t, zu)
    h = nn @ au
    k = np.eye(nn.shape[1]) - nn @ azz
    e = t[:, :, None, None] * (zu - s.zz @ h[:, None])
    return Part(stack=s, t=t, nn=nn, k=k, w=azz @ k, g=au - azz @ h, h=h, zu=zu, e=e)


@dataclass(frozen=True, slots=True)
class StrataSums:
    """Sums over blocks for k random and T residual parameters, V_i the derivative of V.

    trace (k + T,): tr(V^-1 V_i); trace2: tr(V^-1 V_i V^-1 V_j); p (k + T, P, P):
    X'V^-1 V_i V^-1 X; cq: tr(C X'V^-1 V_i V^-1 V_j V^-1 X); fit (k + T,): r'V^-1 V_i V^-1 r;
    fit2: r'V^-1 V_i V^-1 V_j V^-1 r; cross (k + T, P): X'V^-1 V_i V^-1 r. The residual parameters
    are the variances sigma_s^2. Where `rows` are held, p has the k random parameters alone.
    """

    trace: FloatArray
    trace2: FloatArray
    p: FloatArray
    cq: FloatArray
    fit: FloatArray
    fit2: FloatArray
    cross: FloatArray
    rows: StratumRows | None = None

    def traces(self, c: FloatArray) -> FloatArray:
        """tr(C P_i) (k + T,)."""
        dense: FloatArray = self.p.reshape(len(self.p), c.size) @ c.ravel()
        return dense if self.rows is None else np.concatenate([dense, self.rows.traces(c)])

    def pairs(self, c: FloatArray) -> FloatArray:
        """tr(C P_i C P_j) (k + T, k + T), eq. 36a."""
        dense = traces_of_pairs(c @ self.p)
        if self.rows is None:
            return dense
        beside = self.rows.beside(self.p, c)
        return np.block([[dense, beside], [beside.T, self.rows.pairs(c)]])

    def dense(self, turn: FloatArray) -> FloatArray:
        """B'P_i B (k + T, p, p)."""
        first = np.asarray(turn.T @ self.p @ turn)
        return first if self.rows is None else np.concatenate([first, self.rows.dense(turn)])


def sum_strata(data: Strata, state: State, directions: list[list[FloatArray]]) -> StrataSums:
    """Sum the products of every pair of parameters; `directions` are those of Psi, per stack."""
    k, total, columns = len(directions[0]), len(data.count), len(state.delta)
    size = k + total
    tau = 1.0 / state.sigma2
    rows = stratum_rows(state, tau, total)
    out = StrataSums(
        np.zeros(size), np.zeros((size, size)),
        np.zeros((size if rows is None else k, columns, columns)),
        np.zeros((size, size)), np.zeros(size), np.zeros((size, size)), np.zeros((size, columns)),
        rows,
    )  # fmt: skip
    # eq. 34: the strata's own products, tau_s^2 U_s'U_s
    out.trace[k:] = tau * data.count
    design = data.design
    moved = data.xx @ state.delta if design is None else fitted(design, state.delta, total)
    square = tau**2
    if rows is None:
        out.p[k:] = square[:, None, None] * data.xx
    out.cross[k:] = square[:, None] * (data.xy - moved)
    out.fit[k:] = square * (data.yy - 2.0 * data.xy @ state.delta + moved @ state.delta)
    diagonal = square * data.count
    for part, psi in zip(state.parts, directions, strict=True):
        _add_random(out, part, psi, state.c)
        diagonal -= _add_residual(out, part, k, columns)
    # eq. 35: delta_st tau_s U'V^-1 D_s V^-1 U, which needs the finished sums of all blocks
    at = np.arange(k, size)
    out.trace2[at, at] += diagonal
    out.cq[at, at] += tau * out.traces(state.c)[k:]
    out.fit2[at, at] += tau * out.fit[k:]
    for part, psi in zip(state.parts, directions, strict=True):
        _add_pairs(out, part, psi, state.c, k)
    for a in (out.trace2, out.cq, out.fit2):
        a[k:, :k] = a[:k, k:].T
    return out


def stratum_rows(state: State, tau: FloatArray, total: int) -> StratumRows | None:
    """Rows of V^-1 X, where every stack holds those of its design."""
    columns = len(state.delta)
    held = [
        (part.stack.design, tau, part.h[..., :columns])
        for part in state.parts
        if part.stack.design is not None
    ]
    return StratumRows.of(held, total) if held and len(held) == len(state.parts) else None


def _add_random(out: StrataSums, part: Part, psi: list[FloatArray], c: FloatArray) -> None:
    """Random parameters among themselves."""
    columns = len(c)
    x, r = part.g[:, :, :columns], part.g[:, :, columns:]
    n = part.stack.n[:, None, None]
    # eqs. 37 and 38 with V_i = Z Psi_i Z': as eqs. 10-12, R^-1 in place of I
    wpsi = [part.w @ d for d in psi]
    dx, dr = [d @ x for d in psi], [d @ r for d in psi]
    xc = x @ c
    for i in range(len(psi)):
        out.trace[i] += float(part.stack.n @ np.trace(wpsi[i], axis1=1, axis2=2))
        out.p[i] += x.reshape(-1, columns).T @ dx[i].reshape(-1, columns)
        out.fit[i] += float(np.vdot(r, dr[i]))
        out.cross[i] += r[:, :, 0].ravel() @ dx[i].reshape(-1, columns)
        for j in range(len(psi)):
            out.trace2[i, j] += float(np.vdot(n * wpsi[i], np.swapaxes(wpsi[j], 1, 2)))
            out.cq[i, j] += float(np.vdot(psi[i] @ xc, part.w @ dx[j]))
            out.fit2[i, j] += float(np.vdot(dr[i], part.w @ dr[j]))


def _add_residual(out: StrataSums, part: Part, k: int, columns: int) -> FloatArray:
    """What random effects take from each stratum's own products; returns that of trace2."""
    s, t, total = part.stack, part.t, len(out.trace) - k
    h, zu, e = part.h[:, None], part.zu, part.e
    flat, square = s.stratum.ravel(), t**2
    # eq. 36, what stands in the bracket
    lost = _traces(part.nn[:, None], s.zz)
    out.trace[k:] -= np.bincount(flat, (s.n[:, None] * square * lost).ravel(), total)
    hx, hr = h[..., :columns], h[..., columns:]
    # (V^-1 U)_s'(V^-1 U)_s = t^2 U_s'U_s - H'(t E + t^2 Z_s'U_s) + the like, cell by cell: eq. 34.
    te = t[:, :, None, None] * e
    wz = square[:, :, None, None] * zu
    fit = ((te[..., columns:] + wz[..., columns:]) * hr).sum((2, 3))
    out.fit[k:] -= np.bincount(flat, fit.ravel(), total)
    cross = te[:, :, None, :, columns] @ hx + hr[:, :, None, :, 0] @ wz[..., :columns]
    np.add.at(out.cross, k + flat, -cross.reshape(-1, columns))
    if out.rows is None:
        _take_products(out, s, k, (hx, te[..., :columns], wz[..., :columns]))
    return 1.0 * np.bincount(flat, (2.0 * s.n[:, None] * t * square * lost).ravel(), total)


def _take_products(
    out: StrataSums, s: StrataStack, k: int, parts: tuple[FloatArray, FloatArray, FloatArray]
) -> None:
    """What random effects take from each stratum's X'X, by H, t E and t^2 Z_s'X_s (eq. 34)."""
    hx, tex, wzx = parts
    flat, columns = s.stratum.ravel(), hx.shape[-1]
    if len(flat) * columns**2 <= _AT_ONCE:
        wide = np.broadcast_to(hx, tex.shape)
        lost_p = np.swapaxes(np.concatenate([wide, wzx], axis=2), 2, 3) @ np.concatenate(
            [tex, wide], axis=2
        )
        np.subtract.at(out.p, k + flat, lost_p.reshape(-1, columns, columns))
    else:
        wide = np.broadcast_to(hx, tex.shape)
        for stratum in np.unique(flat):
            here = s.stratum == stratum
            a = wide[here].reshape(-1, columns)
            out.p[k + stratum] -= a.T @ tex[here].reshape(-1, columns)
            out.p[k + stratum] -= wzx[here].reshape(-1, columns).T @ a


def traces_of_pairs(a: FloatArray) -> FloatArray:
    """tr(A_i A_j) (k, k) of every pair of k matrices (k, p, p)."""
    flat = (len(a), a.shape[1] * a.shape[2])
    return np.asarray(a.reshape(flat) @ np.swapaxes(a, 1, 2).reshape(flat).T)


def _traces(a: FloatArray, b: FloatArray) -> FloatArray:
    """tr(AB) of stacked matrices."""
    return np.asarray((a * np.swapaxes(b, -1, -2)).sum((-2, -1)))


def _add_pairs(out: StrataSums, part: Part, psi: list[FloatArray], c: FloatArray, k: int) -> None:
    """Pairs of strata within a block, and of a random and a residual parameter (eqs. 35-36)."""
    s, t, columns = part.stack, part.t, len(c)
    nc = part.nn[:, None] @ s.zz
    weight = t[:, :, None] * t[:, None, :]
    ex, er = part.e[..., :columns], part.e[..., columns:]
    nn = part.nn[:, None]
    rows, cols = np.broadcast_arrays(s.stratum[:, :, None], s.stratum[:, None, :])
    where = (k + rows.ravel(), k + cols.ravel())
    depth = nc.shape[1]
    flat = (len(nc), depth, -1)
    turned = np.swapaxes(nc, 2, 3).reshape(flat)
    # eq. 36: tr(N Z_s'Z_s N Z_t'Z_t) of two strata
    pairs: FloatArray = (
        s.n[:, None, None] * weight**2 * (nc.reshape(flat) @ np.swapaxes(turned, 1, 2))
    )
    np.add.at(out.trace2, where, pairs.ravel())
    # eq. 35: E_s'N E_t, of X and of the residual
    right = (nn @ ex).reshape(flat)
    pairs = weight * ((ex @ c).reshape(flat) @ np.swapaxes(right, 1, 2))
    np.add.at(out.cq, where, -pairs.ravel())
    right = (nn @ er).reshape(flat)
    pairs = weight * (er.reshape(flat) @ np.swapaxes(right, 1, 2))
    np.add.at(out.fit2, where, -pairs.ravel())
    k_turned = np.swapaxes(part.k, 1, 2)[:, None]
    # eq. 35: Z'V^-1 D_s V^-1 U = tau_s K'E_s meets a random effect
    ckc = k_turned @ s.zz @ part.k[:, None]
    ke = t[:, :, None, None] * (k_turned @ part.e)
    x, r = part.g[:, :, :columns] @ c, part.g[:, :, columns:]
    total, cells = len(out.trace) - k, s.stratum.ravel()
    for i, d in enumerate(psi):
        pair = s.n[:, None] * t**2 * _traces(ckc, d)
        out.trace2[i, k:] += np.bincount(cells, pair.ravel(), total)
        pair = ((d @ x)[:, None] * ke[..., :columns]).sum((2, 3))
        out.cq[i, k:] += np.bincount(cells, pair.ravel(), total)
        pair = ((d @ r)[:, None] * ke[..., columns:]).sum((2, 3))
        out.fit2[i, k:] += np.bincount(cells, pair.ravel(), total)


def factor_directions(
    data: Strata, theta: FloatArray
) -> tuple[list[list[FloatArray]], list[list[list[FloatArray]]]]:
    """First and second derivatives of Psi = Lambda Lambda' in theta, per stack."""
    first: list[list[FloatArray]] = []
    second: list[list[list[FloatArray]]] = []
    for s in data.stacks:
        lam = factor_of(s, theta)
        units = [factor_of(s, unit) for unit in np.eye(len(theta))]
        half = [unit @ lam.T for unit in units]
        first.append([h + h.T for h in half])
        second.append([[a @ b.T + b @ a.T for b in units] for a in units])
    return first, second


def linear_directions(data: Strata) -> list[list[FloatArray]]:
    """Derivatives of Psi in each variance and covariance of each term, per stack."""
    out = []
    for s in data.stacks:
        units = [factor_of(s, unit) for unit in np.eye(len(data.diagonal))]
        out.append([u if d else u + u.T for u, d in zip(units, data.diagonal, strict=True)])
    return out


@dataclass(frozen=True, slots=True)
class StrataPoint:
    """The criterion with its derivatives in (theta, eta)."""

    state: State
    sums: StrataSums
    gradient: FloatArray
    hessian: FloatArray

    @property
    def deviance(self) -> float:
        """Minus twice the (restricted) log-likelihood."""
        return self.state.deviance


def evaluate_strata(data: Strata, theta: FloatArray, eta: FloatArray, *, reml: bool) -> StrataPoint:
    """Deviance with gradient and Hessian in (theta, eta) (eqs. 37-38)."""
    state = solve_strata(data, theta, eta, reml=reml)
    first, second = factor_directions(data, theta)
    sums = sum_strata(data, state, first)
    k, c = len(theta), state.c
    # eqs. 37 and 38, first line
    gradient = sums.trace - sums.fit
    hessian = 2.0 * sums.fit2 - sums.trace2 - 2.0 * sums.cross @ c @ sums.cross.T
    if reml:
        gradient = gradient - sums.traces(c)
        hessian += 2.0 * sums.cq - sums.pairs(c)
    # eq. 38, second line: where V is not linear, in theta
    for part, psi in zip(state.parts, second, strict=True):
        x, r = part.g[:, :, : len(c)], part.g[:, :, len(c) :]
        whole = np.tensordot(part.stack.n, part.w, axes=1)
        whole -= (r @ np.swapaxes(r, 1, 2)).sum(0)
        if reml:
            whole -= ((x @ c) @ np.swapaxes(x, 1, 2)).sum(0)
        for i in range(k):
            for j in range(k):
                hessian[i, j] += float(np.vdot(whole, psi[i][j]))
    # From variances to their logarithms: one factor a derivative, and the gradient once more.
    unit = np.concatenate([np.ones(k), state.sigma2])
    gradient = gradient * unit
    hessian = hessian * np.outer(unit, unit)
    at = np.arange(k, len(unit))
    hessian[at, at] += gradient[k:]
    return StrataPoint(state, sums, gradient, 0.5 * (hessian + hessian.T))
