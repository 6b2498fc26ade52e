"""The ML deviance of crossed fits by all their parameters, and shares of variance.

Parameters are theta in working coordinates and the logarithm of sigma squared, whose deviance has
an exact gradient on the sparse factorisation (docs/mathematics.md, section 18).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import log, pi
from typing import TYPE_CHECKING

import numpy as np

from retrostats.common.workers import linear_algebra_threads
from retrostats.models.linear.blocks.profiled import Held, Profiled
from retrostats.models.linear.crossed.criterion import FLOOR, along, evaluate, sensitivity, solve
from retrostats.models.linear.homoscedastic.criterion import variance_of
from retrostats.models.linear.post_estimation.shares import share_of

if TYPE_CHECKING:
    from retrostats.models.linear.crossed.layout import Crossed
    from retrostats.models.linear.estimates import Estimates
    from retrostats.models.linear.formula.columns import FloatArray
    from retrostats.models.linear.post_estimation.tables import Effect


def ml_deviance(
    data: Crossed, eta: FloatArray, held: Held | None = None
) -> tuple[float, FloatArray]:
    """ML deviance and gradient at (theta, log sigma^2), the coefficients profiled out.

    With a combination held, at (theta, log sigma^2, u); see `Held`.
    """
    k = len(data.positions)
    theta, sigma2 = eta[:k], variance_of(float(eta[k]))
    at = solve(data, theta, reml=False)
    rss, by_u = at.rss, 0.0
    if held is not None:
        moved, more, by_u = held.moved(at.c, at.delta, float(eta[-1]))
        at, rss = replace(at, e=at.e - at.g @ moved), rss + more
    parts = sensitivity(data, at, reml=False)
    m = [a - b / sigma2 for a, b in zip(parts.logdet, parts.fit, strict=True)]
    gradient = along(data, at.lams, m)
    gradient[[abs(t) < FLOOR for t in theta]] = 0.0
    value = at.factor.logdet + data.n_obs * (log(2.0 * pi) + float(eta[k])) + rss / sigma2
    gradient = np.append(gradient, data.n_obs - rss / sigma2)
    return float(value), gradient if held is None else np.append(gradient, by_u / sigma2)


def profiled(data: Crossed) -> Profiled:
    """What profile limits need."""
    threads = partial(linear_algebra_threads, data.dense)
    return Profiled(partial(ml_deviance, data), data.sizes, data.roots, data.basis, threads)


def crossed_icc(fit: Estimates, data: Crossed, group: str | None, level: float) -> Effect:
    """Share of one group in the variance of an observation; see `shares.share_of`."""

    def deviance(theta: FloatArray) -> tuple[float, FloatArray]:
        point = evaluate(data, theta, reml=fit.reml)
        return point.deviance, point.gradient

    return share_of(fit, group, deviance, data.roots, level)
