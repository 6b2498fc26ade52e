"""Shares of variance with one residual variance: the intraclass correlation, tr(V) / N."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.linalg import LinAlgError
from scipy.optimize import brentq
from scipy.special import chdtri

from retrostats.common.arrays import share
from retrostats.common.errors import InputError
from retrostats.models.linear.blocks.directions import relative_factor
from retrostats.models.linear.blocks.working import working_gram
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.criterion import evaluate, level_at
from retrostats.models.linear.post_estimation.shares import share_of
from retrostats.models.linear.post_estimation.tables import Effect

if TYPE_CHECKING:
    from retrostats.models.linear.estimates import Estimates


def _bounds(
    profile: Callable[[float], float],
    estimate: float,
    best: float,
    level: float,
    low: float,
    high: float,
) -> tuple[float, float]:
    """Where the profile crosses the quantile on both sides of the estimate, within [low, high]."""
    target = best + float(chdtri(1, 1.0 - level))

    def excess(value: float) -> float:
        return profile(value) - target

    scale = max(abs(estimate), 1e-3)
    if np.isfinite(high):
        upper = high - 1e-6
    else:
        upper = estimate + scale
        while excess(upper) < 0 and upper < 1e12 * scale:
            upper = estimate + 2.0 * (upper - estimate)
    floor = low + 1e-6 * (1.0 if np.isfinite(high) else scale)
    conf_low, conf_high = low, high
    if estimate > floor and excess(floor) > 0:
        conf_low = brentq(excess, floor, estimate, xtol=1e-7, rtol=1e-7)
    if excess(upper) > 0:
        conf_high = brentq(excess, max(estimate, floor), upper, xtol=1e-7, rtol=1e-7)
    return float(conf_low), float(conf_high)


def icc(fit: Estimates, *, group: str | None = None, level: float = 0.95) -> Effect:
    """Intraclass correlation, with a profile interval: the share of one random intercept.

    The criterion of the fit itself (REML or ML) is profiled. With one random intercept the
    correlation is a monotone function of the ratio of the variances; with several, `group` says
    whose share of the whole variance is meant.

    Raises
    ------
    InputError
        A random term is no intercept, or the group is unknown or left open among several.
    """
    share(level)
    gram = fit.model.gram
    if gram.sizes != (1,) or fit.model.groups[0][1] != ("(Intercept)",):
        return _shares(fit, group, level)
    if group not in (None, fit.model.groups[0][0]):
        raise InputError(f"group={group!r}; allowed: {fit.model.groups[0][0]}")
    psi = float(fit.theta[0]) if gram.signed else float(fit.theta[0]) ** 2

    def profile(ratio: float) -> float:
        value = ratio if gram.signed else np.sqrt(max(ratio, 0.0))
        try:
            return level_at(gram, np.array([value]), reml=fit.reml)[0]
        except LinAlgError:
            return 1e12

    widest = max(float(s.zz.max()) for s in gram.stacks)
    lowest = -1.0 / widest if gram.signed else 0.0
    low, high = _bounds(profile, psi, fit.optimum.point.deviance, level, lowest, np.inf)
    return Effect(_ratio(psi), _ratio(low), _ratio(high), level, "profile likelihood")


def _shares(fit: Estimates, group: str | None, level: float) -> Effect:
    def deviance(theta: FloatArray) -> tuple[float, FloatArray]:
        point = evaluate(fit.optimum.gram, theta, reml=fit.reml)
        return point.deviance, point.gradient

    return share_of(fit, group, deviance, working_gram(fit.model.gram)[1], level)


def _ratio(psi: float) -> float:
    return psi / (1.0 + psi)


def total_variance(fit: Estimates) -> float:
    """Mean variance of an observation, tr(V) / N, from the crossproducts of blocks."""
    gram = fit.model.gram
    extra = 0.0
    for s in gram.stacks:
        if gram.signed:
            psi = np.zeros(s.zz.shape[1:])
            psi[s.rows, s.cols] = fit.theta[s.theta]
        else:
            lam = relative_factor(s, fit.theta)
            psi = lam @ lam.T
        extra += float(np.tensordot(s.n, s.zz @ psi, axes=1).trace())
    return fit.optimum.point.sigma2 * (1.0 + extra / gram.n_obs)
