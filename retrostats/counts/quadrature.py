"""Adaptive Gauss-Hermite quadrature for one scalar random effect, with its exact gradient.

Nodes are centred at the mode of each group and scaled by the curvature there (Pinheiro and Chao
2006, Journal of Computational and Graphical Statistics 15:58); the gradient carries both along.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from retrostats.counts.family import Array, Family
from retrostats.counts.pirls import Mode, Slopes
from retrostats.counts.random_effects import Index


@cache
def nodes(n: int) -> tuple[Array, Array]:
    """Nodes and log weights for the weight exp(-x^2 / 2)."""
    x, w = np.polynomial.hermite_e.hermegauss(n)
    return x, np.log(w)


def quadrature(
    family: Family, fixed: Array, x: Array, z: Array, a: Slopes, mode: Mode, n_nodes: int
) -> tuple[float, Array, Array, float]:
    """Log-likelihood and its derivatives by theta, by the fixed effects and by the scale."""
    level, n_levels = a.pattern.first, a.pattern.n_first
    slope, u, weight = a.a1[:, 0], mode.u1[:, 0], mode.weight
    curvature = 1 + np.bincount(level, weight * slope**2, n_levels)
    spread = 1 / np.sqrt(curvature)
    grid, log_weights = nodes(n_nodes)
    points = u + spread * grid[:, None]  # (nodes, levels)
    eta = fixed + slope * points[:, level]  # (nodes, N)
    flat = _flat(level, n_levels, n_nodes)
    exponent = _by_level(flat, family.loglik(eta), points.shape)
    exponent += -0.5 * points**2 + (0.5 * grid**2 + log_weights)[:, None]
    top = exponent.max(axis=0)
    chance = np.exp(exponent - top)
    total = chance.sum(axis=0)
    value = float((top + np.log(total) + np.log(spread)).sum() - 0.5 * n_levels * np.log(2 * np.pi))
    chance /= total
    score = family.score(eta)
    pull = chance * (_by_level(flat, score * slope, points.shape) - points)
    by_mode, by_spread = pull.sum(axis=0), (pull * grid[:, None]).sum(axis=0)
    by_curvature = -0.5 * spread**3 * (by_spread + 1 / spread)
    bend = mode.third * slope
    by_mode = by_mode + by_curvature * np.bincount(level, bend * slope**2, n_levels)
    shift = (by_mode / curvature)[level]
    curve = by_curvature[level]
    at_rows = chance[:, level] * score
    local = curve * bend * slope - shift * slope * weight
    core = at_rows.sum(axis=0) + local
    inner = (at_rows * points[:, level]).sum(axis=0) + local * u[level]
    theta = float(z @ (inner + shift * mode.score + 2 * curve * weight * slope))
    scale = 0.0
    if family.scale is not None:
        _, by_score, by_weight = family.by_scale(mode.eta)
        direct = (chance[:, level] * family.by_scale(eta)[0]).sum(axis=0)
        scale = float((direct + curve * by_weight * slope**2 + shift * slope * by_score).sum())
    return value, np.array([theta]), x.T @ core, scale


def _flat(level: Index, n_levels: int, n_nodes: int) -> Index:
    """Position of every (node, row) in a flat (nodes, levels) table."""
    out: Index = (np.arange(n_nodes)[:, None] * n_levels + level).ravel()
    return out


def _by_level(flat: Index, rows: Array, shape: tuple[int, ...]) -> Array:
    sums = np.bincount(flat, rows.ravel(), shape[0] * shape[1])
    return np.asarray(sums.reshape(shape), dtype=np.float64)
