"""Thousands of refits of one design at once: the criterion with its replicates on the last axis.

A replicate is its crossproducts (Z'y, scatter, X'y, y'y); the design's (Z'Z, Z'X) are shared. With
the replicates contiguous every matrix of a block, which is small, is a handful of elementwise
operations on long vectors, so that no loop runs over replicates. Equation numbers refer to
docs/mathematics.md; the criterion is the one of `criterion.py`, and its minimum the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi
from typing import NamedTuple

import numpy as np

from retrostats.models.linear.batch.design import Block, Design, Draws
from retrostats.models.linear.blocks.gram import Stack
from retrostats.models.linear.formula.columns import FloatArray


@dataclass(frozen=True, slots=True)
class Part:
    """One stack at each replicate's parameters, whitened (notation of `criterion.Whitened`).

    nn (q, q, B, R); k = I - Z'Z nn (q, q, B, R), transposed to criterion's; w (q, q, B, R);
    g = Z'V^-1X L^-T (q, p, B, R) with L L' = X'V^-1X; e (q, B, R); outer (q, q, B, R).
    """

    nn: FloatArray
    k: FloatArray
    w: FloatArray
    g: FloatArray
    e: FloatArray
    outer: FloatArray


@dataclass(frozen=True, slots=True)
class State:
    """The criterion at each replicate's parameters.

    Attributes
    ----------
    deviance : (R,) array
        Infinity where V is not positive definite or the residual variance vanishes.
    gradient : (k, R) array
    hessian : (k, k, R) array
    slope, fit : (k, R) arrays
        Derivatives of the log-determinants and of -rss with respect to covariance parameters.
    curve, rss_curve : (k, k, R) arrays
        Second derivatives of the log-determinants and of rss with respect to the same.
    p : (k, P, P, R) array
        L^-1 X'V^-1 V_i V^-1 X L^-T.
    factor : (P, P, R) array
        L, the Cholesky factor of X'V^-1X.
    delta : (P, R) array
        Coefficients in the orthonormal basis.
    rss : (R,) array
    parts : tuple of Part
    """

    deviance: FloatArray
    gradient: FloatArray
    hessian: FloatArray
    slope: FloatArray
    fit: FloatArray
    curve: FloatArray
    rss_curve: FloatArray
    p: FloatArray
    factor: FloatArray
    delta: FloatArray
    rss: FloatArray
    parts: tuple[Part, ...]


def evaluate(design: Design, draws: Draws, parameters: FloatArray, *, reml: bool) -> State:
    """Deviance, gradient and Hessian of every replicate (eqs. 2-12).

    Parameters
    ----------
    design : Design
    draws : Draws
    parameters : (k, R) array
        theta, or psi where ``design.direct``.
    reml : bool
    """
    gram = design.gram
    p, count = len(gram.xy), len(draws.yy)
    xvx = np.repeat(np.eye(p)[:, :, None], count, axis=2)
    xvy, yvy, logdet = draws.xy.copy(), draws.yy.copy(), np.zeros(count)
    held = []
    # eqs. 2-5 of every replicate
    for block, zy, scatter in zip(design.blocks, draws.zy, draws.scatter, strict=True):
        log_v, nn = _precision(block, parameters, direct=design.direct)
        logdet += np.einsum("br,b->r", log_v, block.n[:, 0])
        nzx = block.n * product(nn, block.zx)
        xvx -= np.einsum("axb,aybr->xyr", block.zx[..., 0], nzx)
        xvy -= np.einsum("axbr,abr->xr", nzx, zy)
        nzy = np.einsum("abcr,bcr->acr", nn, zy)
        yvy -= np.einsum("abr,abr,b->r", zy, nzy, block.n[:, 0])
        if scatter is not None:
            yvy -= np.einsum("abcr,abcr->r", nn, scatter)
        held.append((block, nn, zy, scatter))
    # eqs. 6-8
    factor = cholesky(xvx)
    white = forward(factor, xvy)
    rss = yvy - np.einsum("xr,xr->r", white, white)
    nu = gram.n_obs - p if reml else gram.n_obs
    bad = ~(rss > 1e-14 * draws.yy) | ~np.isfinite(logdet)
    rss = np.where(bad, draws.yy, rss)
    deviance = logdet + nu * (1.0 + log(2.0 * pi / nu) + np.log(rss))
    if reml:
        deviance += 2.0 * np.log(np.einsum("xxr->xr", factor)).sum(0) + gram.log_basis
    deviance[bad] = np.inf
    parts = tuple(_part(*h, factor, white) for h in held)
    delta = backward(factor, white)
    solved = Solved(deviance, factor, delta, rss)
    return _derivatives(design, parameters, solved, parts, nu, reml=reml)


def _precision(
    block: Block, parameters: FloatArray, *, direct: bool
) -> tuple[FloatArray, FloatArray]:
    """log|V| (B, R) and N = Psi (I + Z'Z Psi)^-1 (q, q, B, R)."""
    h = block.zz
    if len(h) == 1:
        psi = parameters[0] if direct else np.einsum("tr,tr->r", parameters, parameters)
        m = 1.0 + psi * h[0, 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(m.min(0) > 0, np.log(m), np.nan), (psi / m)[None, None]
    lam = relative_factors(block.stack, parameters)
    psi = np.einsum("ajr,bjr->abr", lam, lam)[:, :, None]
    if len(h) == 2:
        # (Psi^-1 + H)^-1 by its adjugate, which needs no inverse of a singular Psi
        det_psi = (lam[0, 0] * lam[1, 1] - lam[0, 1] * lam[1, 0]) ** 2
        det_h = h[0, 0] * h[1, 1] - h[0, 1] ** 2
        trace = h[0, 0] * psi[0, 0] + 2.0 * h[0, 1] * psi[0, 1] + h[1, 1] * psi[1, 1]
        det = 1.0 + trace + det_h * det_psi
        adjugate = np.stack([np.stack([h[1, 1], -h[0, 1]]), np.stack([-h[0, 1], h[0, 0]])])
        return np.log(det), (psi + det_psi * adjugate) / det
    lower = np.moveaxis(lam, -1, 0)[None]  # (1, R, q, q)
    m = np.swapaxes(lower, -1, -2) @ block.stack.zz[:, None] @ lower + np.eye(len(h))
    chol = np.linalg.cholesky(m)
    log_v = 2.0 * np.log(np.diagonal(chol, axis1=-2, axis2=-1)).sum(-1)
    half = np.linalg.solve(chol, np.broadcast_to(np.swapaxes(lower, -1, -2), m.shape))
    nn = np.swapaxes(half, -1, -2) @ half
    return log_v, np.ascontiguousarray(np.moveaxis(nn, (0, 1), (-2, -1)))


def relative_factors(stack: Stack, theta: FloatArray) -> FloatArray:
    """Lambda (q, q, R) of one block at theta (k, R)."""
    q = stack.zz.shape[1]
    lam = np.zeros((q, q, theta.shape[1]))
    lam[stack.rows, stack.cols] = theta[stack.theta]
    return lam


def _part(
    block: Block,
    nn: FloatArray,
    zy: FloatArray,
    scatter: FloatArray | None,
    factor: FloatArray,
    white: FloatArray,
) -> Part:
    # eq. 9: K', W, G L^-T, g and Y
    q = len(nn)
    k = -product(block.zz, nn)
    for a in range(q):
        k[a, a] += 1.0
    w = product(k, block.zz)
    g = np.swapaxes(forward(factor, np.swapaxes(product(k, block.zx), 0, 1)), 0, 1)
    e = np.einsum("abcr,bcr->acr", k, zy) - np.einsum("axbr,xr->abr", g, white)
    outer = (block.n * e)[:, None] * e[None]
    if scatter is not None:
        outer += np.einsum("abir,bcir,dcir->adir", k, scatter, k, optimize=q > 1)
    return Part(nn, k, w, g, e, outer)


class Solved(NamedTuple):
    """What is known before any derivative: (R,), the factor of X'VX, delta (p, R), rss (R,)."""

    deviance: FloatArray
    factor: FloatArray
    delta: FloatArray
    rss: FloatArray


def _derivatives(
    design: Design,
    parameters: FloatArray,
    solved: Solved,
    parts: tuple[Part, ...],
    nu: int,
    *,
    reml: bool,
) -> State:
    rss = solved.rss
    k, p, count = design.k, len(solved.delta), len(rss)
    slope, fit, cross = np.zeros((k, count)), np.zeros((k, count)), np.zeros((k, p, count))
    curve, rss_curve = np.zeros((k, k, count)), np.zeros((k, k, count))
    pp = np.zeros((k, p, p, count))
    for block, part in zip(design.blocks, parts, strict=True):
        information = block.n * part.w
        second = -information
        if reml:
            u = block.n * np.einsum("axir,bxir->abir", part.g, part.g)
            information -= u
            second += 2.0 * u
        ng = block.n * part.g
        for i, here in enumerate(block.pairs):
            for a, b in here:
                # eqs. 10 and 11: tr((nW - GCG') D_i), tr(Y D_i), c_i and P_i
                slope[i] += information[a, b].sum(0)
                fit[i] += part.outer[a, b].sum(0)
                cross[i] += np.einsum("xbr,br->xr", ng[a], part.e[b])
                pp[i] += np.einsum("xbr,ybr->xyr", ng[a], part.g[b])
        for i in range(k):
            for j in range(i, k):
                # eq. 12: the traces of log-determinants; eq. 11: tr(Y D_i W D_j)
                curve[i, j] += trace_of(block.pairs[i], part.w, block.pairs[j], second)
                outer = trace_of(block.pairs[i], part.w, block.pairs[j], part.outer)
                rss_curve[i, j] += 2.0 * outer
    # eq. 11: 2 c_i'C c_j; eq. 12: tr(C P_i C P_j)
    rss_curve -= 2.0 * np.einsum("ixr,jxr->ijr", cross, cross)
    if reml:
        curve -= np.einsum("ixyr,jxyr->ijr", pp, pp)
    for i in range(k):
        for j in range(i):
            curve[i, j], rss_curve[i, j] = curve[j, i], rss_curve[j, i]
    # eqs. 10 and 12 by covariance parameters
    gradient: FloatArray = slope - nu * fit / rss
    hessian: FloatArray = curve + nu * (rss_curve - fit[:, None] * fit[None] / rss) / rss
    if not design.direct:
        gradient, hessian = chain_rule(design, parameters, gradient, hessian)
    return State(
        deviance=solved.deviance,
        gradient=gradient,
        hessian=hessian,
        slope=slope,
        fit=fit,
        curve=curve,
        rss_curve=rss_curve,
        p=pp,
        factor=solved.factor,
        delta=solved.delta,
        rss=rss,
        parts=parts,
    )


def trace_of(
    first: tuple[tuple[int, int], ...],
    left: FloatArray,
    second: tuple[tuple[int, int], ...],
    right: FloatArray,
) -> FloatArray:
    """tr(D_i A D_j B) (R,) summed over blocks, D the 0-1 matrices whose ones are listed."""
    total = np.zeros(left.shape[-1])
    for a, b in first:
        for c, d in second:
            total += np.einsum("br,br->r", left[b, c], right[d, a])
    return total


def jacobian(design: Design, theta: FloatArray) -> FloatArray:
    """d psi_i / d theta_t (k, k, R)."""
    out = np.zeros((design.k, *theta.shape))
    for i, t, s in design.first:
        out[i, t] += theta[s]
    return out


def chain_rule(
    design: Design, theta: FloatArray, gradient: FloatArray, hessian: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """From derivatives in the covariance parameters to those in theta."""
    j = jacobian(design, theta)
    out = np.einsum("itr,ijr,jur->tur", j, hessian, j, optimize=True)
    for i, t, s in design.first:
        out[t, s] += gradient[i]
    return np.einsum("itr,ir->tr", j, gradient), out


def whiten(state: State, vectors: FloatArray) -> FloatArray:
    """L^-1 v (p, T, R) of fixed vectors (p, T)."""
    return forward(state.factor, vectors[:, :, None])


# Algebra of small matrices, replicates last: far cheaper than a call of LAPACK for each replicate.


def product(a: FloatArray, b: FloatArray) -> FloatArray:
    """Matrix product over the two leading axes."""
    total: FloatArray = a[:, 0, None] * b[None, 0]
    for j in range(1, len(b)):
        total = total + a[:, j, None] * b[None, j]
    return total


def cholesky(matrix: FloatArray) -> FloatArray:
    """Lower factor of (p, p, R), elementwise; NaN where it does not exist."""
    p = len(matrix)
    lower = np.zeros_like(matrix)
    with np.errstate(invalid="ignore", divide="ignore"):
        for j in range(p):
            rest = matrix[j:, j] - np.einsum("akr,kr->ar", lower[j:, :j], lower[j, :j])
            lower[j, j] = np.sqrt(rest[0])
            lower[j + 1 :, j] = rest[1:] / lower[j, j]
    return lower


def forward(lower: FloatArray, right: FloatArray) -> FloatArray:
    """Solve L x = b, b (p, ..., R)."""
    out = np.empty(np.broadcast_shapes(right.shape, (*right.shape[:-1], lower.shape[-1])))
    for i in range(len(lower)):
        total = right[i]
        for j in range(i):
            total = total - lower[i, j] * out[j]
        out[i] = total / lower[i, i]
    return out


def backward(lower: FloatArray, right: FloatArray) -> FloatArray:
    """Solve L'x = b, b (p, R)."""
    out = np.empty_like(right)
    for i in reversed(range(len(lower))):
        total = right[i]
        for j in range(i + 1, len(lower)):
            total = total - lower[j, i] * out[j]
        out[i] = total / lower[i, i]
    return out
