"""The profiled deviance, its exact gradient and Hessian, from crossproducts.

Equation numbers refer to docs/mathematics.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, pi

import numpy as np
from numpy.linalg import LinAlgError
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.sparse import csr_array

from retrostats.models.linear.blocks.directions import (
    WIDE,
    Directions,
    relative_factor,
    scattered,
    theta_directions,
)
from retrostats.models.linear.blocks.gram import Gram, Stack
from retrostats.models.linear.blocks.profiled import Held
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.block_sums import Sums, flat_product
from retrostats.models.linear.homoscedastic.many import is_many, sweep, sweep_level
from retrostats.models.linear.homoscedastic.pair_sums import Whitened

_FARTHEST = 600.0  # logarithm of a variance, its reciprocal and their products still numbers


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


def variance_of(logarithm: float) -> float:
    """Of a trial step, which may be far off.

    Raises
    ------
    LinAlgError
        No finite number above 0.
    """
    if not abs(logarithm) < _FARTHEST:
        raise LinAlgError("the residual variance left the range of numbers")
    return exp(logarithm)


_Level = tuple[float, FloatArray, FloatArray, float, float]
Solution = tuple[float, FloatArray, FloatArray, float, float, list[Whitened]]
"""Deviance, delta, X'V^-1X, rss, sigma2 (`_Level`), whitened stacks."""


def solve(gram: Gram, theta: FloatArray, *, reml: bool) -> Solution:
    """Deviance, delta, X'V^-1X, rss, sigma2 and the whitened stacks at theta (eqs. 3-8)."""
    p = len(gram.xy)
    # eqs. 3-5 begin at X'X = I, X'r and r'r; each stack takes away what its effects explain.
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
        # eq. 3: A = I - sum n X'Z N Z'X
        xvx -= flat_product(s.zx, weighted)
        # eq. 4: X'V^-1 r
        xvy -= s.zy.ravel() @ weighted.reshape(-1, p)
        # eq. 5: r'V^-1 r, with what the scatter of blocks measured alike adds
        nzy = (nn @ s.zy[:, :, None])[:, :, 0]
        yvy -= float(np.einsum("b,bi,bi->", s.n, s.zy, nzy))
        if s.scatter is not None:
            yvy -= float(np.vdot(nn, s.scatter))
        parts.append((s, nn, nzx, nzy))
    level = _profiled(gram, xvx, xvy, yvy, logdet, reml=reml)
    return *level, [_whiten(s, nn, nzx, nzy, level[1]) for s, nn, nzx, nzy in parts]


def level_at(gram: Gram, theta: FloatArray, *, reml: bool) -> tuple[float, float]:
    """Deviance and rss at theta."""
    if not is_many(gram):
        solved = solve(gram, theta, reml=reml)
        return solved[0], solved[3]
    log_v, lost = sweep_level(gram, theta)
    found = _of_swept(gram, log_v, lost, reml=reml)
    return found[0], found[3]


def _of_swept(gram: Gram, log_v: float, lost: FloatArray, *, reml: bool) -> _Level:
    xvx = np.eye(len(gram.xy)) - lost[:-1, :-1]
    yvy = gram.yy - float(lost[-1, -1])
    return _profiled(gram, xvx, gram.xy - lost[:-1, -1], yvy, log_v, reml=reml)


def _profiled(
    gram: Gram, xvx: FloatArray, xvy: FloatArray, yvy: float, logdet: float, *, reml: bool
) -> _Level:
    """Deviance, delta, X'V^-1X, rss and sigma2 from X'V^-1[X y], y'V^-1y and log|V|."""
    # eq. 6: delta by generalised least squares, rss, sigma^2 = rss / nu
    factor = np.linalg.cholesky(xvx)
    delta = np.linalg.solve(xvx, xvy)
    rss = yvy - float(delta @ xvy)
    nu = gram.n_obs - len(xvx) if reml else gram.n_obs
    if not rss > 1e-14 * gram.yy:
        raise LinAlgError("the residual variance vanished")
    # eqs. 7 and 8: log|V|, the profiled residual, and REML's log|A| with 2 log|R|
    deviance = logdet + nu * (1.0 + log(2.0 * pi * rss / nu))
    if reml:
        deviance += 2.0 * float(np.log(np.diag(factor)).sum())
        deviance += gram.log_basis
    return deviance, delta, xvx, rss, rss / nu


def _precision(s: Stack, theta: FloatArray, *, signed: bool) -> tuple[FloatArray, FloatArray]:
    """log|V| (B,) and N = Psi (I + Z'Z Psi)^-1 (B, q, q), so that V^-1 = I - Z N Z' (eq. 2)."""
    if s.zz.shape[1] == 1:
        # eq. 2 for one effect a block: numbers in place of matrices
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
    # eq. 2: Lambda'Z'Z Lambda + I, its log-determinant, and N by one solution
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
    # eq. 9: K = I - N Z'Z, W = Z'Z K, G = Z'V^-1 X, g = Z'V^-1 (r - X delta), Y
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
    first, second = theta_directions(gram, theta)
    (deviance, delta, xvx, rss, sigma2), sums = _level_and_sums(gram, theta, first, reml=reml)
    c = np.linalg.inv(xvx)  # X is orthonormal: well conditioned, and needed whole
    nu = gram.n_obs - len(delta) if reml else gram.n_obs
    # eqs. 10 and 12: of the log-determinants, then of rss; rss_i = -tr(Y Psi_i)
    gradient, hessian = sums.derivatives(second, c, reml=reml)
    rss_1 = -sums.fit
    gradient = gradient + nu * rss_1 / rss
    # eq. 11
    rss_2 = sums.rss_hessian(second, c)
    hessian = hessian + nu * (rss_2 / rss - np.outer(rss_1, rss_1) / rss**2)
    return Point(deviance, gradient, hessian, delta, xvx, rss, sigma2)


def ml_deviance(gram: Gram, eta: FloatArray, held: Held | None) -> tuple[float, FloatArray]:
    """ML deviance and gradient at (theta, log sigma^2), the coefficients profiled out.

    With a combination held, at (theta, log sigma^2, u); see `Held`.
    """
    k, n = len(gram.diagonal), gram.n_obs
    theta, sigma2 = eta[:k], variance_of(float(eta[k]))
    first, _ = theta_directions(gram, theta)
    (deviance, delta, xvx, rss, _), sums = _level_and_sums(gram, theta, first, reml=False)
    logdet = deviance - n * (1.0 + log(2.0 * pi * rss / n))  # eq. 7
    fit, by_u = sums.fit, 0.0
    if held is not None:
        moved, more, by_u = held.moved(np.linalg.inv(xvx), delta, float(eta[-1]))
        # eq. 10 with the residual at the moved coefficients
        fit = fit - 2.0 * sums.cross @ moved + moved @ sums.p @ moved
        rss += more
    value = logdet + n * (log(2.0 * pi) + float(eta[k])) + rss / sigma2
    gradient = np.append(sums.trace - fit / sigma2, n - rss / sigma2)
    return float(value), gradient if held is None else np.append(gradient, by_u / sigma2)


def _level_and_sums(
    gram: Gram, theta: FloatArray, directions: Directions, *, reml: bool
) -> tuple[_Level, Sums]:
    if is_many(gram):
        return _swept(gram, theta, directions, reml=reml)
    deviance, delta, xvx, rss, sigma2, parts = solve(gram, theta, reml=reml)
    return (deviance, delta, xvx, rss, sigma2), Sums.over(parts, directions, len(delta))


def sums_at(
    gram: Gram, theta: FloatArray, directions: Directions, *, reml: bool
) -> tuple[Sums, list[Whitened]]:
    """Sums for the directions at theta; the whitened stacks, none where blocks are many."""
    if is_many(gram):
        return _swept(gram, theta, directions, reml=reml)[1], []
    parts = solve(gram, theta, reml=reml)[5]
    return Sums.over(parts, directions, len(gram.xy)), parts


def _swept(
    gram: Gram, theta: FloatArray, directions: Directions, *, reml: bool
) -> tuple[_Level, Sums]:
    """What `solve` and `Sums.over` give, in one pass over many small blocks."""
    found = [sweep(s, theta, d) for s, d in zip(gram.stacks, directions, strict=True)]
    lost = np.sum([f.lost for f in found], axis=0)
    level = _of_swept(gram, sum(f.log_v for f in found), lost, reml=reml)
    return level, Sums.of_swept(found, directions, level[1])
