"""Likelihood of a generalised mixed model: Laplace, or adaptive Gauss-Hermite for one group.

With b = Lambda(theta) u and u standard normal, the integrand in u is expanded about its mode
(Bates, Maechler, Bolker and Walker 2015, section 5; Pinheiro and Chao 2006, Journal of
Computational and Graphical Statistics 15:58).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from retrostats.counts.family import Array, Family
from retrostats.errors import NotConverged

_MODE_STEPS = 100
_MODE_TOLERANCE = 1e-11


@dataclass(frozen=True, slots=True)
class RandomPart:
    """One random term: covariates (N, k) of its effects and the level (N,) of each row."""

    group: str
    effects: tuple[str, ...]
    values: Array
    levels: NDArray[np.intp]
    n_levels: int

    @property
    def n_theta(self) -> int:
        """Entries of the lower triangle of the relative covariance factor."""
        k = len(self.effects)
        return k * (k + 1) // 2

    def factor(self, theta: Array) -> Array:
        """Lower triangle (k, k) filled by column, as in lme4."""
        k = len(self.effects)
        out = np.zeros((k, k))
        out.T[np.triu_indices(k)] = theta
        return out

    def columns(self, theta: Array) -> Array:
        """Z Lambda of this term, dense (N, k x levels)."""
        n, k = self.values.shape
        out = np.zeros((n, self.n_levels, k))
        out[np.arange(n), self.levels] = self.values @ self.factor(theta)
        return out.reshape(n, -1)


def split(theta: Array, parts: tuple[RandomPart, ...]) -> list[Array]:
    """Theta cut into the pieces of its terms."""
    ends = np.cumsum([part.n_theta for part in parts])
    return np.split(theta, ends[:-1])


def laplace(family: Family, fixed: Array, parts: tuple[RandomPart, ...], theta: Array) -> float:
    """Laplace log-likelihood at the fixed part `fixed` (N,) of eta."""
    pieces = split(theta, parts)
    z = np.hstack([part.columns(t) for part, t in zip(parts, pieces, strict=True)])
    u, logdet = _mode(family, fixed, z)
    return float(family.loglik(fixed + z @ u).sum() - 0.5 * (u @ u) - 0.5 * logdet)


def gauss_hermite(
    family: Family, fixed: Array, part: RandomPart, theta: Array, n_nodes: int
) -> float:
    """Adaptive Gauss-Hermite log-likelihood for one scalar random effect."""
    z = part.columns(theta)
    slope = part.values[:, 0] * theta[0]
    u, _ = _mode(family, fixed, z)
    _, weight = family.moments(fixed + z @ u)
    spread = 1 / np.sqrt(1 + np.bincount(part.levels, weight * slope**2, part.n_levels))
    nodes, weights = np.polynomial.hermite_e.hermegauss(n_nodes)
    points = u[:, None] + spread[:, None] * nodes  # (levels, nodes)
    eta = fixed[:, None] + slope[:, None] * points[part.levels]
    rows = np.stack([family.loglik(column) for column in eta.T], axis=1)
    totals = np.zeros(points.shape)
    np.add.at(totals, part.levels, rows)
    exponent = totals - 0.5 * points**2 + 0.5 * nodes**2 + np.log(weights)
    top = exponent.max(axis=1)
    inner = np.exp(exponent - top[:, None]).sum(axis=1)
    return float((top + np.log(inner) + np.log(spread) - 0.5 * np.log(2 * np.pi)).sum())


def _mode(family: Family, fixed: Array, z: Array) -> tuple[Array, float]:
    """Mode of u by Newton with step halving, and log |Z'WZ + I| there."""
    u = np.zeros(z.shape[1])
    value = float(family.loglik(fixed).sum())
    for _ in range(_MODE_STEPS):
        mu, weight = family.moments(fixed + z @ u)
        factor = cho_factor(z.T @ (weight[:, None] * z) + np.eye(len(u)), lower=True)
        step = cho_solve(factor, z.T @ (family.y - mu) - u)
        size = 1.0
        while size > 1e-10:
            trial = u + size * step
            new = float(family.loglik(fixed + z @ trial).sum() - 0.5 * (trial @ trial))
            if np.isfinite(new) and new >= value - 1e-12 * abs(value):
                break
            size /= 2
        u, value = u + size * step, new
        if float(np.abs(step).max(initial=0.0)) < _MODE_TOLERANCE:
            break
    else:
        raise NotConverged("glmm: the mode of the random effects was not found; rescale covariates")
    _, weight = family.moments(fixed + z @ u)
    lower = np.linalg.cholesky(z.T @ (weight[:, None] * z) + np.eye(len(u)))
    return u, 2 * float(np.log(np.diag(lower)).sum())
