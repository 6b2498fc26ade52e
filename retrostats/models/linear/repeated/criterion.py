"""The deviance of repeated measurements with its gradient, Hessian and expected information.

With W = V^-1 of the subjects that have the same levels, S their crossproducts and G_i = W V_i W,
every term is a trace of matrices of as many rows as levels (equations of docs/mathematics.md,
section 14, with one stratum a pattern of levels).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi

import numpy as np

from retrostats.models.linear.formula.columns import FloatArray, IntArray
from retrostats.models.linear.repeated.structures import Shape
from retrostats.models.linear.repeated.sums import Repeated


@dataclass(frozen=True, eq=False)
class State:
    """The criterion at one set of parameters.

    Attributes
    ----------
    deviance : float
        Minus twice the (restricted) log-likelihood.
    gradient, hessian : (q,), (q, q) arrays
    expected : (q, q) array
        The Hessian's expectation.
    delta : (p,) array
        Coefficients in the orthonormal basis.
    xvx : (p, p) array
        X'V^-1X there.
    p : (q, p, p) array
        X'W V_i W X.
    v : (m, m) array
    """

    deviance: float
    gradient: FloatArray
    hessian: FloatArray
    expected: FloatArray
    delta: FloatArray
    xvx: FloatArray
    p: FloatArray
    v: FloatArray


def evaluate(data: Repeated, shape: Shape, theta: FloatArray, *, reml: bool) -> State:
    """Deviance and derivatives at the natural parameters of a structure.

    Raises
    ------
    LinAlgError
        The parameters give no covariance.
    """
    v, first, second = shape.at(theta)
    np.linalg.cholesky(v)  # refuses what is no covariance
    size = data.reduced.q.shape[1]
    total = np.zeros((size + 1, size + 1))
    log_det, inverse = 0.0, []
    for s in data.seen:
        own = v[np.ix_(s.levels, s.levels)]
        w = np.linalg.inv(own)
        # eq. 31: U'V^-1U and log|V|, a pattern of levels at a time
        log_det += s.count * float(np.linalg.slogdet(own)[1])
        total += np.einsum("ab,abpq->pq", w, s.cross)
        inverse.append(w)
    xvx, xvy = total[:size, :size], total[:size, size]
    phi = np.linalg.inv(xvx)
    delta = phi @ xvy
    # eq. 6 with the residual variances in V
    rss = float(total[size, size] - xvy @ delta)
    n_obs = data.reduced.n_obs
    nu = n_obs - size if reml else n_obs
    # y was divided by the scale, X stands in its orthonormal basis
    # eq. 32
    deviance = log_det + rss + nu * (log(2.0 * pi) + 2.0 * log(data.scale))
    if reml:
        basis = float(np.log(np.abs(np.diag(data.reduced.basis))).sum())
        deviance += float(np.linalg.slogdet(xvx)[1]) + 2.0 * basis
    parts = _derivatives(data, (first, second), inverse, phi, delta, reml)
    return State(deviance, *parts[:3], delta, xvx, parts[3], v)


def _derivatives(
    data: Repeated,
    derivatives: tuple[FloatArray, FloatArray | None],
    inverse: list[FloatArray],
    phi: FloatArray,
    delta: FloatArray,
    reml: bool,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Gradient, Hessian, expected Hessian and X'W V_i W X, summed over patterns of levels."""
    first, second = derivatives
    q, size = len(first), len(phi)
    away = np.append(-delta, 1.0)
    gradient, trace, fit = np.zeros(q), np.zeros((q, q)), np.zeros((q, q))
    p, c = np.zeros((q, size, size)), np.zeros((q, size))
    for s, w in zip(data.seen, inverse, strict=True):
        own = part_of(first, s.levels)
        # eqs. 37 and 38: V^-1 V_i, V^-1 V_i V^-1, and S of residuals and of C
        product = w @ own  # W V_i
        g = product @ w
        residual = np.einsum("abpq,p,q->ab", s.cross, away, away)
        lost = np.einsum("abpq,pq->ab", s.cross[:, :, :size, :size], phi)
        cross = np.einsum("abpq,q->abp", s.cross[:, :, :size, :], away)
        kept = s.count * w - (w @ lost @ w if reml else 0.0)  # of the traces of P V_i
        outer = w @ residual @ w
        # eq. 37
        gradient += np.einsum("iab,ba->i", own, kept - outer)
        # eq. 38, first line: the traces, and of u V_i V^-1 V_j u
        trace += np.einsum("iab,jba->ij", s.count * product, product)
        if reml:
            trace -= 2.0 * _between(own, w, w @ lost @ w)
        fit += _between(own, w, outer)
        p += np.einsum("iab,abpq->ipq", g, s.cross[:, :, :size, :size])
        c += np.einsum("iab,abp->ip", g, cross)
        # eq. 38, second line: V_ij of what is not linear in its parameters
        if second is not None:
            curved = part_of(second, s.levels)
            fit += 0.5 * np.einsum("ijab,ba->ij", curved, kept - outer)
    if reml:
        half = phi @ p
        trace += np.einsum("iab,jba->ij", half, half)
    # eq. 38: -2 c_i C c_j
    fit -= c @ phi @ c.T
    return gradient, 2.0 * fit - trace, trace, p


def part_of(matrices: FloatArray, levels: IntArray) -> FloatArray:
    """Rows and columns of some levels of matrices (..., m, m)."""
    return np.asarray(matrices[..., levels[:, None], levels[None, :]])


def _between(own: FloatArray, w: FloatArray, m: FloatArray) -> FloatArray:
    """tr(V_i W V_j M) (q, q), symmetric."""
    left, right = own @ w, own @ m
    found = np.einsum("iab,jba->ij", left, right)
    return np.asarray(0.5 * (found + found.T))
