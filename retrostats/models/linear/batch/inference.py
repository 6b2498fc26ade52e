"""Standard errors and degrees of freedom of every replicate's coefficients at once.

For a single coefficient Kenward and Roger's F scaling is one and their degrees of freedom are
2 / a, a the squared relative standard error of the coefficient's variance (their eqs. 8-11 with
one row), so that both methods differ only in the information and in the adjusted covariance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrostats.models.linear.batch.criterion import chain_rule, jacobian, trace_of, whiten
from retrostats.models.linear.batch.newton import BatchFit
from retrostats.models.linear.formula.columns import FloatArray

_SATTERTHWAITE_TOL = 1e-8  # as in satterthwaite.py
_INFORMATION_TOL = 1e-10  # as in kenward_roger.py


@dataclass(frozen=True, slots=True)
class BatchInference:
    """Of every coefficient of every replicate.

    Attributes
    ----------
    std_error : (p, R) array
    df : (p, R) array
    """

    std_error: FloatArray
    df: FloatArray


def _coefficients(fit: BatchFit) -> FloatArray:
    """Each coefficient as a vector g (p, p, R) of the whitened basis: its variance is g'g."""
    basis = fit.design.gram.basis
    return whiten(fit.state, np.linalg.solve(basis.T, np.eye(len(basis))))


def normal(fit: BatchFit) -> BatchInference:
    """Unadjusted standard errors and infinite degrees of freedom."""
    g = _coefficients(fit)
    std_error = np.sqrt(fit.sigma2 * np.einsum("xtr,xtr->tr", g, g))
    return BatchInference(std_error, np.full_like(std_error, np.inf))


def satterthwaite(fit: BatchFit) -> BatchInference:
    """Satterthwaite's degrees of freedom from the exact Hessian in (theta, sigma)."""
    g = _coefficients(fit)
    state, gram = fit.state, fit.design.gram
    k = fit.design.k
    nu = gram.n_obs - len(gram.xy) if fit.reml else gram.n_obs
    first: FloatArray = state.fit
    curve: FloatArray = state.curve + state.rss_curve / fit.sigma2
    turn: FloatArray = np.ones((1, 1, len(fit.sigma2)))
    if not gram.signed:
        turn = jacobian(fit.design, fit.theta)
        slope = state.slope - state.fit / fit.sigma2
        _, curve = chain_rule(fit.design, fit.theta, slope, curve)
        first = np.einsum("itr,ir->tr", turn, state.fit)
    # the scale of sigma is taken out: the parameter is log sigma
    # eq. 22
    hessian = np.empty((k + 1, k + 1, len(fit.sigma2)))
    hessian[:k, :k] = curve
    hessian[:k, k] = hessian[k, :k] = 2.0 * first / fit.sigma2
    hessian[k, k] = 4.0 * nu
    values, vectors = np.linalg.eigh(np.moveaxis(hessian, -1, 0))
    kept = values > _SATTERTHWAITE_TOL * values.max(1, keepdims=True)
    variance = np.einsum("xtr,xtr->tr", g, g)
    # eq. 23
    change = np.einsum("xtr,ixyr,ytr->itr", g, state.p, g, optimize=True)
    gradient = np.concatenate(
        [np.einsum("ijr,itr->jtr", turn, change), 2.0 * variance[None]], axis=0
    )
    along = np.einsum("rji,jtr->itr", vectors, gradient)
    inverse = np.where(kept, 2.0 / np.where(kept, values, 1.0), 0.0).T
    spread = np.einsum("itr,itr,ir->tr", along, along, inverse)
    with np.errstate(divide="ignore"):
        df = np.where(spread > 0, 2.0 * variance**2 / spread, np.inf)
    return BatchInference(np.sqrt(fit.sigma2 * variance), df)


def kenward_roger(fit: BatchFit) -> BatchInference:
    """Kenward and Roger's adjusted standard errors and degrees of freedom (1997).

    Parameters
    ----------
    fit : BatchFit
        By REML.
    """
    g = _coefficients(fit)
    state, design = fit.state, fit.design
    k, (p, _, count) = design.k, g.shape
    # the residual variance is the last parameter (V_i = I); whitened X'V^-2X and X'V^-3X
    # eqs. 15, 16 and 18, whitened
    xv2x = np.repeat(np.eye(p)[:, :, None], count, axis=2)
    xv3x = np.zeros((p, p, count))
    trace = np.zeros((k + 1, k + 1, count))
    inner = np.zeros((k + 1, k + 1, p, count))  # g'Q_ij g
    trace[k, k] = design.gram.n_obs
    for block, part in zip(design.blocks, state.parts, strict=True):
        n = block.n
        k_w, u = _multiply(part.k, part.w), np.einsum("axbr,cxbr->acbr", part.g, part.g)
        wu = n * (part.w - 2.0 * u)
        white_zx = np.swapaxes(_whitened_zx(fit, block.zx), 0, 1)
        lost = n * _multiply(part.nn, white_zx)
        xv2x -= np.einsum("axbr,aybr->xyr", part.g, lost)
        xv3x -= np.einsum("axbr,aybr->xyr", _multiply(part.k, part.g), lost)
        y = np.einsum("axbr,xtr->atbr", part.g, g)
        ny, ky = n * y, _multiply(part.k, y)
        squared = np.einsum("abcr,bacr->cr", part.k, part.k) - len(part.k)
        trace[k, k] += (n * squared).sum(0)
        ku = _multiply(part.k, u)
        for i, here in enumerate(block.pairs):
            for a, b in here:
                trace[i, k] += (n * (k_w[b, a] - 2.0 * ku[b, a])).sum(0)
                inner[i, k] += np.einsum("tbr,tbr->tr", ny[a], ky[b])
            for j in range(i, k):
                trace[i, j] += trace_of(here, part.w, block.pairs[j], wu)
                for a, b in here:
                    for c, d in block.pairs[j]:
                        inner[i, j] += np.einsum("tbr,br,tbr->tr", ny[a], part.w[b, c], y[d])
    xv3x += xv2x
    trace[k, k] -= 2.0 * np.einsum("xxr->r", xv3x)
    inner[k, k] = np.einsum("xtr,xyr,ytr->tr", g, xv3x, g, optimize=True)
    pp = np.concatenate([state.p, xv2x[None]], axis=0)
    for i in range(k + 1):
        for j in range(i):
            trace[i, j], inner[i, j] = trace[j, i], inner[j, i]
    information = trace + np.einsum("ixyr,jxyr->ijr", pp, pp)
    w = _twice_inverse(information)
    pg = np.einsum("ixyr,ytr->ixtr", pp, g)
    change = np.einsum("xtr,ixtr->itr", g, pg)
    variance = np.einsum("xtr,xtr->tr", g, g)
    bracket = inner - np.einsum("ixtr,jxtr->ijtr", pg, pg)
    adjusted = variance + 2.0 * np.einsum("ijr,ijtr->tr", w, bracket)
    spread = np.einsum("itr,ijr,jtr->tr", change, w, change, optimize=True)
    with np.errstate(divide="ignore"):
        df = np.where(spread > 0, 2.0 * variance**2 / spread, np.inf)
    return BatchInference(np.sqrt(fit.sigma2 * adjusted), df)


def _whitened_zx(fit: BatchFit, zx: FloatArray) -> FloatArray:
    """Z'X L^-T with the columns of X first (p, q, B, R)."""
    p, (q, blocks) = zx.shape[1], (zx.shape[0], zx.shape[2])
    flat = np.swapaxes(zx, 0, 1).reshape(p, q * blocks)
    return whiten(fit.state, flat).reshape(p, q, blocks, -1)


def _multiply(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("aibr,ixbr->axbr", a, b))


def _twice_inverse(information: FloatArray) -> FloatArray:
    """2 I^-1 of each replicate; the pseudo-inverse where a parameter is not determined."""
    matrices = np.moveaxis(information, -1, 0)
    values, vectors = np.linalg.eigh(0.5 * (matrices + np.swapaxes(matrices, 1, 2)))
    size = np.abs(values)
    firm = size.min(1, keepdims=True) > _INFORMATION_TOL
    kept = firm | (size > 1e-8 * size.max(1, keepdims=True))
    inverse = np.where(kept, 2.0 / np.where(kept, values, 1.0), 0.0)
    return np.asarray(np.einsum("rai,ri,rbi->abr", vectors, inverse, vectors, optimize=True))
