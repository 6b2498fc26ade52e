"""One scalar effect a block, the commonest model: every matrix of a block is a number.

The ratio psi of the effect's variance to the residual's solves t(psi) rss(psi) / f(psi) = nu, where
t and f are the derivatives of the log-determinants and of -rss. The left side is linear in psi for
balanced data, so that Newton's method on it needs one step there and three or four elsewhere
(docs/mathematics.md, section 3).
"""

from __future__ import annotations

from math import log, pi

import numpy as np
from numpy.linalg import LinAlgError
from scipy.linalg.lapack import dpotrf, dpotri

from retrostats.models.linear.blocks.gram import Gram
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.criterion import Point

_MAX_STEPS = 100
_DECREMENT = 1e-24  # relative expected fall of the deviance below which a step is rounding


def is_scalar(gram: Gram) -> bool:
    """Whether the model has one scalar random effect a block."""
    return gram.sizes == (1,) and len(gram.stacks) == 1 and gram.stacks[0].zz.shape[1] == 1


def evaluate_ratio(gram: Gram, psi: float, *, reml: bool) -> tuple[Point, float, float]:
    """The criterion at a variance ratio, its derivative, and the Newton step towards a zero of it.

    Raises
    ------
    LinAlgError
        psi is so negative that V is not positive definite, or the residual variance vanishes.
    """
    s, p = gram.stacks[0], len(gram.xy)
    n, a, zx, zy = s.n, s.zz[:, 0, 0], s.zx[:, 0, :], s.zy[:, 0]
    # eq. 2: V^-1 of one effect a block, N = psi / m
    m = 1.0 + psi * a
    if m.min() <= 0.0:
        raise LinAlgError("the covariance matrix is not positive definite")
    weighted = (psi * n / m)[:, None] * zx
    # eqs. 3-5
    xvx = -(zx.T @ weighted)
    xvx.ravel()[:: p + 1] += 1.0
    xvy = gram.xy - zy @ weighted
    yvy = gram.yy - psi * float((n * zy / m) @ zy)
    if s.scatter is not None:
        yvy -= psi * float((s.scatter[:, 0, 0] / m).sum())
    c, log_xvx = _inverse(xvx)
    # eqs. 6-8
    delta = c @ xvy
    rss = yvy - float(delta @ xvy)
    if not rss > 1e-14 * gram.yy:
        raise LinAlgError("the residual variance vanished")
    nu = gram.n_obs - p if reml else gram.n_obs
    deviance = float(n @ np.log(m)) + nu * (1.0 + log(2.0 * pi * rss / nu))
    # eq. 9 in numbers: W, G, g and Y, and their derivatives by psi
    w, g = a / m, zx / m[:, None]
    e = zy / m - g @ delta
    outer = n * e * e
    if s.scatter is not None:
        outer += s.scatter[:, 0, 0] / (m * m)
    nw, ng = n * w, n[:, None] * g
    cross = e @ ng
    fit, fit_1 = float(outer.sum()), -2.0 * (float(outer @ w) - float(cross @ c @ cross))
    trace, trace_1 = float(nw.sum()), -float(nw @ w)
    if reml:
        deviance += log_xvx + gram.log_basis
        cp = c @ (g.T @ ng)
        trace -= float(cp.trace())
        trace_1 += 2.0 * float(np.vdot(c, g.T @ (w[:, None] * ng))) - float(np.vdot(cp.T, cp))
    # eqs. 10 and 12 by psi
    slope = trace - nu * fit / rss
    curve = trace_1 - nu * (fit_1 / rss + (fit / rss) ** 2)
    # eq. 13: a Newton step towards t rss / f = nu
    step = _step(trace * rss, trace_1 * rss - trace * fit, fit, fit_1, nu, slope, psi)
    root = float(np.sqrt(max(psi, 0.0)))
    # By theta, psi = theta^2.
    gradient, hessian = slope, curve
    if not gram.signed:
        gradient, hessian = 2.0 * root * slope, 4.0 * psi * curve + 2.0 * slope
    point = Point(deviance, np.array([gradient]), np.array([[hessian]]), delta, xvx, rss, rss / nu)
    return point, slope, step


def _step(
    top: float, top_1: float, fit: float, fit_1: float, nu: float, slope: float, psi: float
) -> float:
    """Newton step for top / fit = nu, or a bound towards lower deviance where that misleads."""
    value, tangent = top - nu * fit, top_1 * fit - top * fit_1
    step = -value * fit / tangent if tangent > 0.0 else 0.0
    if step * slope < 0.0:
        return step
    return -float(np.sign(slope)) * (abs(psi) + 0.1)


def _inverse(xvx: FloatArray) -> tuple[FloatArray, float]:
    """Inverse (needed whole; X is orthonormal) and log-determinant by one Cholesky factor."""
    factor, info = dpotrf(xvx)
    if info:
        raise LinAlgError("X'V^-1X is not positive definite")
    log_det = 2.0 * float(np.log(factor.diagonal()).sum())
    upper, _ = dpotri(factor, overwrite_c=1)  # its lower triangle is zero already
    full = upper + upper.T
    full.ravel()[:: len(full) + 1] *= 0.5
    return full, log_det


def minimise_ratio(gram: Gram, *, reml: bool) -> tuple[float, Point, int]:
    """Variance ratio, criterion there and steps taken; zero where the boundary is a minimum."""
    lowest = -np.inf if gram.signed else 0.0
    psi = 0.0 if gram.signed else 1.0 / float(gram.stacks[0].zz[:, 0, 0].mean())
    point, slope, step = evaluate_ratio(gram, psi, reml=reml)
    steps = 0
    while steps < _MAX_STEPS and abs(slope * step) > _DECREMENT * max(1.0, abs(point.deviance)):
        steps += 1
        moved = _search(gram, psi, step, lowest, point, slope, reml=reml)
        if moved is None:
            break
        psi, point, slope, step = moved
        if psi == lowest and slope >= 0.0:
            break
    return psi, point, steps


def _search(
    gram: Gram, psi: float, step: float, lowest: float, point: Point, slope: float, *, reml: bool
) -> tuple[float, Point, float, float] | None:
    """The first of shortened steps that lowers the deviance, or the slope where only that shows."""
    rounding = 1e-13 * max(1.0, abs(point.deviance))
    for shorten in range(40):
        new = max(lowest, psi + step * 0.3**shorten)
        try:
            candidate, new_slope, new_step = evaluate_ratio(gram, new, reml=reml)
        except LinAlgError:
            continue
        change = candidate.deviance - point.deviance
        if change < -rounding or (change <= rounding and abs(new_slope) < 0.5 * abs(slope)):
            return new, candidate, new_slope, new_step
        if change <= rounding:
            return None
    return None
