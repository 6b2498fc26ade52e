"""Adaptive Gauss-Hermite quadrature for one scalar random effect, with its exact gradient.

Nodes are centred at the mode of each group and scaled by the curvature there (Pinheiro and Chao
2006, Journal of Computational and Graphical Statistics 15:58); the gradient carries both along.
One node is Laplace's approximation. Replicates may lead every array: (..., N) rows, (..., L)
levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from retrostats.models.counts.family import Array, Family
from retrostats.models.counts.random_effects import Index


@cache
def nodes(n: int) -> tuple[Array, Array]:
    """Nodes and log weights for the weight exp(-x^2 / 2)."""
    x, w = np.polynomial.hermite_e.hermegauss(n)
    return x, np.log(w)


@dataclass
class Groups:
    """Level (N,) of each row, of `n` levels, and the covariate z (N,) of the random effect."""

    level: Index
    n: int
    z: Array

    def __post_init__(self) -> None:
        self._flat = self.level

    def sum(self, rows: Array) -> Array:
        """Sums (..., L) of rows (..., N) by level."""
        lead = rows.shape[:-1]
        count = int(np.prod(lead))
        if len(self._flat) < rows.size:
            self._flat = (np.arange(count)[:, None] * self.n + self.level).ravel()
        sums = np.bincount(self._flat[: rows.size], rows.ravel(), count * self.n)
        return np.asarray(sums.reshape(*lead, self.n), dtype=np.float64)


def quadrature(
    family: Family, fixed: Array, groups: Groups, theta: Array, u: Array, n_nodes: int
) -> tuple[Array, Array, Array, Array]:
    """Log-likelihood and its derivatives.

    Parameters
    ----------
    fixed
        Fixed part (..., N) of eta.
    theta
        Standard deviation (..., 1) of the random effect.
    u
        Modes (..., L) of the standardised effects.

    Returns
    -------
    value : (...)
    theta : (...)
    row : (..., N)
        Derivative by the fixed part of eta.
    scale : (...)
        Derivative by the dispersion scale; 0 without one.
    """
    level, z = groups.level, groups.z
    slope = theta * z
    at_mode = fixed + slope * u[..., level]
    first, weight, third = family.derivatives(at_mode)
    # eq. 27: sigma = H^-1/2 and the nodes
    curvature = 1 + groups.sum(weight * slope**2)
    spread = 1 / np.sqrt(curvature)
    grid, log_weights = nodes(n_nodes)
    column = grid.reshape(-1, *[1] * u.ndim)
    points = u + spread * column  # (nodes, ..., L)
    at_rows = points[..., level]
    eta = fixed + slope * at_rows  # (nodes, ..., N)
    # eq. 27: the bracket, each node's share taken relative to the largest
    loglik, score = family.loglik_and_score(eta)
    exponent = groups.sum(loglik) - 0.5 * points**2 + 0.5 * column**2
    exponent += log_weights.reshape(column.shape)
    top = exponent.max(axis=0)
    chance = np.exp(exponent - top)
    total = chance.sum(axis=0)
    value = (top + np.log(total) + np.log(spread)).sum(axis=-1) - 0.5 * groups.n * np.log(2 * np.pi)
    chance /= total
    pull = chance * (groups.sum(score * slope) - points)
    # eq. 27a: df by u and by sigma, and d sigma = -sigma^3 dH / 2
    by_mode, by_spread = pull.sum(axis=0), (pull * column).sum(axis=0)
    by_curvature = -0.5 * spread**3 * (by_spread + 1 / spread)
    bend = third * slope
    by_mode = by_mode + by_curvature * groups.sum(bend * slope**2)
    # eq. 24b: du, carried to the rows
    shift = (by_mode / curvature)[..., level]
    curve = by_curvature[..., level]
    share = chance[..., level]
    weighted = share * score
    local = curve * bend * slope - shift * slope * weight
    inner = (weighted * at_rows).sum(axis=0) + local * u[..., level]
    # eq. 27a by theta; by_scale by the dispersion
    by_theta = (inner + shift * first + 2 * curve * weight * slope) @ z
    by_scale = np.zeros(value.shape)
    if family.scale is not None:
        _, by_score, by_weight = family.by_scale(at_mode)
        direct = (share * family.by_scale(eta)[0]).sum(axis=0)
        by_scale = (direct + curve * by_weight * slope**2 + shift * slope * by_score).sum(axis=-1)
    return value, by_theta, weighted.sum(axis=0) + local, by_scale
