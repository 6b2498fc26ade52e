"""The ML deviance of crossed fits by all their parameters, shares of variance, and sigma exactly.

Parameters are theta in working coordinates and the logarithm of sigma squared, whose deviance has
an exact gradient on the sparse factorisation (docs/mathematics.md, section 18).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import log, pi
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from retrostats.common.errors import InputError
from retrostats.common.workers import linear_algebra_threads
from retrostats.models.linear.blocks.profiled import Held, Profiled
from retrostats.models.linear.crossed.criterion import FLOOR, along, evaluate, sensitivity, solve
from retrostats.models.linear.crossed.factor import by_level, times_blocks
from retrostats.models.linear.homoscedastic.criterion import variance_of
from retrostats.models.linear.post_estimation.shares import share_of

if TYPE_CHECKING:
    from retrostats.models.linear.crossed.layout import Crossed
    from retrostats.models.linear.estimates import Estimates
    from retrostats.models.linear.formula.columns import FloatArray
    from retrostats.models.linear.post_estimation.tables import Effect

_RANK_TOL = 1e-9
_WIDEST = 4000  # eigenvalues of the dense rest: about a minute on two cores


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
    gradient[np.array(data.diagonal) & (np.abs(theta) < FLOOR)] = 0.0
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


def crossed_within(data: Crossed) -> tuple[float, int]:
    """Residual sum of squares of the outcome on [X Z], and its degrees of freedom.

    The widest group is swept out level by level, then the rest and X by one eigendecomposition.

    Raises
    ------
    InputError
        More effects beside the widest group than an eigendecomposition affords.
    """
    first = data.groups[0]
    width, rest = first.width, data.c.shape[0] - first.width
    if rest > _WIDEST:
        raise InputError(
            f"sigma exactly: {rest} random effects beside {first.name!r} have to be swept out by "
            f"eigenvalues (at most {_WIDEST}); use conf_int(which='random'), which "
            f"differs little with {data.n_obs} observations"
        )
    values, vectors = np.linalg.eigh(data.own[0])
    kept = values > _RANK_TOL * np.maximum(values[:, -1:], 1e-300)
    inverse = vectors * np.where(kept, 1.0 / np.where(kept, values, 1.0), 0.0)[:, None, :]
    inverse = inverse @ np.swapaxes(vectors, 1, 2)
    z = np.column_stack([data.zx, data.zy])
    swept = by_level(inverse, z[:width])
    later = csr_array(data.c[width:, :width])
    corner = (data.c[width:, width:] - times_blocks(later, inverse) @ later.T).toarray()
    side = z[width:] - later @ swept
    p = len(data.xy)
    own = np.block([[np.eye(p), data.xy[:, None]], [data.xy[None, :], np.array([[data.yy]])]])
    own = own - z[:width].T @ swept
    scale = np.sqrt(np.append(np.asarray(data.c.diagonal())[width:], np.ones(p)))
    scale[scale == 0.0] = 1.0
    whole = np.block([[corner, side[:, :p]], [side[:, :p].T, own[:p, :p]]]) / np.outer(scale, scale)
    target = np.append(side[:, p], own[:p, p]) / scale
    found, axes = np.linalg.eigh(0.5 * (whole + whole.T))
    good = found > _RANK_TOL
    along: FloatArray = axes[:, good].T @ target
    rss = float(own[p, p]) - float((along**2 / found[good]).sum())
    return max(rss, 0.0), data.n_obs - int(kept.sum()) - int(good.sum())
