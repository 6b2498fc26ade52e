"""The profiled deviance, its exact gradient and Hessian, from crossproducts.

Equation numbers refer to docs/mathematics.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi

import numpy as np
from numpy.linalg import LinAlgError
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.sparse import csr_array

from retrostats.mixed.columns import FloatArray
from retrostats.mixed.directions import (
    WIDE,
    Directions,
    SecondDirections,
    applied,
    inner,
    relative_factor,
    scattered,
    theta_directions,
    times,
)
from retrostats.mixed.gram import Gram, Stack


@dataclass(frozen=True, slots=True)
class Point:
    """The criterion at one theta.

    Attributes
    ----------
    deviance : float
        Minus twice the profiled (restricted) log-likelihood.
    gradient : (k,) array
    hessian : (k, k) array
    delta : (p,) array
        Coefficients in the orthonormal basis.
    xvx : (p, p) array
        X'V^-1X in that basis, V in units of the residual variance.
    rss : float
        Generalised residual sum of squares.
    sigma2 : float
    """

    deviance: float
    gradient: FloatArray
    hessian: FloatArray
    delta: FloatArray
    xvx: FloatArray
    rss: float
    sigma2: float


@dataclass(frozen=True, slots=True)
class Whitened:
    """One stack at one theta: everything in the space of its random effects.

    w = Z'V^-1Z (B, q, q); g = Z'V^-1X (B, q, p); e = Z'V^-1(ybar - X beta) (B, q);
    outer = Z'V^-1 (sum over blocks of residual outer products) V^-1 Z (B, q, q);
    nn = Lambda M^-1 Lambda' (B, q, q); k = I - nn Z'Z (B, q, q).
    """

    n: FloatArray
    w: FloatArray
    g: FloatArray
    e: FloatArray
    outer: FloatArray
    nn: FloatArray
    k: FloatArray


Solution = tuple[float, FloatArray, FloatArray, float, float, list[Whitened]]
"""Deviance, delta, X'V^-1X, rss, sigma2, whitened stacks."""


def solve(gram: Gram, theta: FloatArray, *, reml: bool) -> Solution:
    """Deviance, delta, X'V^-1X, rss, sigma2 and the whitened stacks at theta (eqs. 3-8)."""
    p = len(gram.xy)
    xvx = np.eye(p)
    xvy = gram.xy.copy()
    yvy = gram.yy
    logdet = 0.0
    parts = []
    for s in gram.stacks:
        log_v, nn = _precision(s, theta, signed=gram.signed)
        logdet += float(s.n @ log_v)
        nzx = nn @ s.zx
        weighted = s.n[:, None, None] * nzx
        xvx -= flat_product(s.zx, weighted)
        xvy -= s.zy.ravel() @ weighted.reshape(-1, p)
        nzy = (nn @ s.zy[:, :, None])[:, :, 0]
        yvy -= float(np.einsum("b,bi,bi->", s.n, s.zy, nzy))
        if s.scatter is not None:
            yvy -= float(np.vdot(nn, s.scatter))
        parts.append((s, nn, nzx, nzy))
    factor = np.linalg.cholesky(xvx)
    delta = np.linalg.solve(xvx, xvy)
    rss = yvy - float(delta @ xvy)
    nu = gram.n_obs - p if reml else gram.n_obs
    if not rss > 1e-14 * gram.yy:
        raise LinAlgError("the residual variance vanished")
    deviance = logdet + nu * (1.0 + log(2.0 * pi * rss / nu))
    if reml:
        deviance += 2.0 * float(np.log(np.diag(factor)).sum())
        deviance += gram.log_basis
    whitened = [_whiten(s, nn, nzx, nzy, delta) for s, nn, nzx, nzy in parts]
    return deviance, delta, xvx, rss, rss / nu, whitened


def flat_product(a: FloatArray, b: FloatArray) -> FloatArray:
    """Sum over blocks of a'b for a, b of shape (B, q, p)."""
    p = a.shape[-1]
    return np.asarray(a.reshape(-1, p).T @ b.reshape(-1, p))


def _precision(s: Stack, theta: FloatArray, *, signed: bool) -> tuple[FloatArray, FloatArray]:
    """log|V| (B,) and N = Psi (I + Z'Z Psi)^-1 (B, q, q), so that V^-1 = I - Z N Z' (eq. 2)."""
    if s.zz.shape[1] == 1:
        psi = theta[0] if signed else float(theta[s.theta] @ theta[s.theta])
        m = 1.0 + psi * s.zz
        if m.min() <= 0.0:
            raise LinAlgError("the covariance matrix is not positive definite")
        return np.log(m[:, 0, 0]), psi / m
    if signed:
        psi_matrix = np.zeros(s.zz.shape[1:])
        psi_matrix[s.rows, s.cols] = theta[s.theta]
        m = np.eye(len(psi_matrix)) + psi_matrix @ s.zz
        sign, log_v = np.linalg.slogdet(m)
        if (sign <= 0).any():
            raise LinAlgError("the covariance matrix is not positive definite")
        return log_v, np.linalg.solve(m, np.broadcast_to(psi_matrix, m.shape))
    if s.zz.shape[1] > WIDE and len(s.n) == 1:
        return _wide_precision(s, theta)
    lam = relative_factor(s, theta)
    m = lam.T @ s.zz @ lam + np.eye(len(lam))
    chol = np.linalg.cholesky(m)
    log_v = 2.0 * np.log(np.diagonal(chol, axis1=1, axis2=2)).sum(1)
    return log_v, lam @ np.linalg.solve(m, np.broadcast_to(lam.T, m.shape))


def _wide_precision(s: Stack, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The same for one wide block: a sparse factor, and one dense Cholesky inverse."""
    lam = scattered(s, theta[s.theta])
    m = (lam.T @ s.zz[0]) @ lam
    m[np.diag_indices(len(m))] += 1.0
    factor, info = dpotrf(m, overwrite_a=1)
    if info:
        raise LinAlgError("the covariance matrix is not positive definite")
    log_v = 2.0 * np.log(factor.diagonal()).sum(keepdims=True)
    upper, _ = dpotri(factor, overwrite_c=1)
    upper += np.triu(upper, 1).T
    return log_v, ((lam @ upper) @ lam.T)[None]


def _whiten(
    s: Stack, nn: FloatArray, nzx: FloatArray, nzy: FloatArray, delta: FloatArray
) -> Whitened:
    if nn.shape[1] > WIDE and len(nn) == 1:
        zz = csr_array(s.zz[0])
        k = -np.ascontiguousarray((zz @ nn[0]).T)[None]
        k[0][np.diag_indices(nn.shape[1])] += 1.0
        w = (zz @ k[0])[None]
    else:
        k = np.eye(nn.shape[1]) - nn @ s.zz
        w = s.zz @ k
    g = s.zx - s.zz @ nzx
    e = s.zy - (s.zz @ nzy[:, :, None])[:, :, 0] - g @ delta
    outer = s.n[:, None, None] * e[:, :, None] * e[:, None, :]
    if s.scatter is not None:
        outer += np.swapaxes(k, 1, 2) @ s.scatter @ k
    return Whitened(s.n, w, g, e, outer, nn, k)


def evaluate(gram: Gram, theta: FloatArray, *, reml: bool) -> Point:
    """Deviance with gradient and Hessian in theta (eqs. 9-12)."""
    deviance, delta, xvx, rss, sigma2, parts = solve(gram, theta, reml=reml)
    c = np.linalg.inv(xvx)  # X is orthonormal: well conditioned, and needed whole
    first, second = theta_directions(gram, theta)
    sums = Sums.over(parts, first, len(delta))
    nu = gram.n_obs - len(delta) if reml else gram.n_obs
    gradient, hessian = sums.derivatives(parts, second, c, reml=reml)
    rss_1 = -sums.fit
    gradient = gradient + nu * rss_1 / rss
    rss_2 = sums.rss_hessian(parts, second, c)
    hessian = hessian + nu * (rss_2 / rss - np.outer(rss_1, rss_1) / rss**2)
    return Point(deviance, gradient, hessian, delta, xvx, rss, sigma2)


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over blocks for parameters i, j whose derivative of V is Z Psi_i Z' (k of them).

    trace (k,): tr(V^-1 V_i); trace2 (k, k): tr(V^-1 V_i V^-1 V_j); p (k, P, P): X'V^-1 V_i V^-1 X;
    q (k, k, P, P): X'V^-1 V_i V^-1 V_j V^-1 X; fit (k,): r'V^-1 V_i V^-1 r;
    fit2 (k, k): r'V^-1 V_i V^-1 V_j V^-1 r; cross (k, P): X'V^-1 V_i V^-1 r. P columns of X.
    """

    trace: FloatArray
    trace2: FloatArray
    p: FloatArray
    q: FloatArray
    fit: FloatArray
    fit2: FloatArray
    cross: FloatArray

    @classmethod
    def over(cls, parts: list[Whitened], directions: Directions, columns: int) -> Sums:
        """Sum the products of every pair of parameters over all stacks."""
        k = len(directions[0])
        out = cls(
            np.zeros(k), np.zeros((k, k)), np.zeros((k, columns, columns)),
            np.zeros((k, k, columns, columns)), np.zeros(k), np.zeros((k, k)),
            np.zeros((k, columns)),
        )  # fmt: skip
        for part, psi in zip(parts, directions, strict=True):
            n = part.n[:, None, None]
            wpsi = [times(part.w, d) for d in psi]
            dg = [applied(d, part.g) for d in psi]
            total = part.outer.sum(0)
            ng = n * part.g
            wdg = [n * (part.w @ x) for x in dg]
            ne = part.n[:, None] * part.e
            for i in range(k):
                out.trace[i] += part.n @ np.trace(wpsi[i], axis1=1, axis2=2)
                out.p[i] += flat_product(ng, dg[i])
                out.fit[i] += inner(total, psi[i])
                out.cross[i] += ne.ravel() @ dg[i].reshape(-1, columns)
                left = times(part.outer, psi[i])
                nw = n * wpsi[i]
                for j in range(i, k):
                    out.trace2[i, j] += np.vdot(nw, np.swapaxes(wpsi[j], 1, 2))
                    out.q[i, j] += flat_product(dg[i], wdg[j])
                    out.fit2[i, j] += np.vdot(np.swapaxes(left, 1, 2), wpsi[j])
        for i in range(k):
            for j in range(i):
                out.trace2[i, j] = out.trace2[j, i]
                out.q[i, j] = out.q[j, i].T
                out.fit2[i, j] = out.fit2[j, i]
        return out

    def derivatives(
        self,
        parts: list[Whitened],
        second: SecondDirections,
        c: FloatArray,
        *,
        reml: bool,
    ) -> tuple[FloatArray, FloatArray]:
        """Gradient and Hessian of the log-determinants; c is (X'V^-1X)^-1."""
        k = len(self.trace)
        gradient, hessian = self.trace.copy(), -self.trace2
        for part, psi in zip(parts, second, strict=True):
            total = np.tensordot(part.n, part.w, axes=1)
            for i in range(k):
                for j in range(k):
                    hessian[i, j] += inner(total, psi[i][j])
        if reml:
            cp = c @ self.p
            cq = c @ self.q
            gradient -= np.trace(cp, axis1=1, axis2=2)
            hessian += 2.0 * np.trace(cq, axis1=2, axis2=3)
            hessian -= np.einsum("iab,jba->ij", cp, cp)
            for part, psi in zip(parts, second, strict=True):
                gc = part.n[:, None, None] * (part.g @ c)
                total = np.einsum("bip,bjp->ij", gc, part.g)
                for i in range(k):
                    for j in range(k):
                        hessian[i, j] -= inner(total, psi[i][j])
        return gradient, hessian

    def rss_hessian(
        self, parts: list[Whitened], second: SecondDirections, c: FloatArray
    ) -> FloatArray:
        """Second derivative of the profiled residual sum of squares."""
        out = 2.0 * self.fit2 - 2.0 * self.cross @ c @ self.cross.T
        k = len(self.trace)
        for part, psi in zip(parts, second, strict=True):
            total = part.outer.sum(0)
            for i in range(k):
                for j in range(k):
                    out[i, j] -= inner(total, psi[i][j])
        return out
