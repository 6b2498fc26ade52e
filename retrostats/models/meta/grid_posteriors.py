"""Posteriors of thousands of tables at once: what simulations ask of `grid_posterior`.

Arrays: d tables of k sources, m grid points, t nodes of tau, s priors, g sets of sources.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from retrostats.common.errors import InputError
from retrostats.models.meta.grid_convolution import log_convolved
from retrostats.models.meta.grid_density import GridDensity
from retrostats.models.meta.grid_posterior import TINY, grid_step, new_density
from retrostats.models.meta.heterogeneity import Array

#: Bytes of the sources' likelihoods that are taken at once: what a processor's cache holds.
_BYTES = 2**19


@dataclass(frozen=True, slots=True)
class GridPosteriors:
    """Posteriors of d tables under one prior: of mu, and of a new study's effect if asked for."""

    mu: GridDensity = field(compare=False)
    new_study: GridDensity | None = field(default=None, compare=False)

    def probability(
        self, low: float = -math.inf, high: float = math.inf, *, new_study: bool = False
    ) -> Array:
        """Posterior probability (d,) that mu (or a new study's effect) lies from low to high."""
        return self._density(new_study).probability(low, high)

    def quantile(self, p: float, *, new_study: bool = False) -> Array:
        """Quantile (d,) of mu, or of a new study's effect."""
        return self._density(new_study).quantile(p)

    def _density(self, new_study: bool) -> GridDensity:
        if not new_study:
            return self.mu
        if self.new_study is None:
            raise InputError("new_study: it was not computed; call posteriors(new_study=True)")
        return self.new_study


def posteriors(
    log_likelihood: Array,
    theta: Array,
    tau: Array,
    log_weights: Array,
    *,
    members: Array | None = None,
    new_study: bool = False,
) -> list[list[GridPosteriors]]:
    """Posteriors of d tables of k sources (d, k, m): for each set of sources, one for each prior.

    Parameters
    ----------
    log_likelihood
        Of the sources (d, k, m); 0 everywhere where a table has no such source.
    theta, tau
        As for `marginals`.
    log_weights
        Of each prior (s, t), from `log_weights`.
    members
        Which sources are in each set (g, k), as 0 and 1; default: one set of all.
    new_study
        Whether a new study's effect is wanted, for the first set.

    Examples
    --------
    >>> from retrostats.models.meta.grid_posterior import log_weights, tau_nodes, theta_grid
    >>> theta = theta_grid(-1, 1.5, 0.1, 0.2)
    >>> tau, wide = tau_nodes(0.2)
    >>> tables = -0.5 * ((theta - np.array([[0.2, 0.3], [0.0, 0.4]])[..., None]) / 0.1) ** 2
    >>> (both,) = posteriors(tables, theta, tau, np.array([wide, log_weights(tau, 0.05)]))
    >>> [found.probability(0).round(3).tolist() for found in both]
    [[0.97, 0.886], [0.999, 0.988]]
    """
    count, sources, m = log_likelihood.shape
    sets = np.ones((1, sources)) if members is None else np.asarray(members, dtype=np.float64)
    at_once = max(1, _BYTES // (8 * m * sources))
    mu = np.empty((len(sets), len(log_weights), count, m))
    new = np.empty((len(log_weights), count, m)) if new_study else None
    step = grid_step(theta)
    for start in range(0, count, at_once):
        rows = slice(start, start + at_once)
        joint = _log_joint(log_likelihood[rows], step, tau, sets)
        joint -= joint.max(axis=(-2, -1), keepdims=True)
        for i in range(len(sets)):
            mu[i, :, rows] = _averaged(np.exp(joint[:, i]), log_weights)
        if new is not None:
            new[:, rows] = _averaged(new_density(joint[:, 0], step, tau), log_weights)
    return [
        [
            GridPosteriors(
                GridDensity.of(theta, density),
                GridDensity.of(theta, new[j]) if i == 0 and new is not None else None,
            )
            for j, density in enumerate(of_set)
        ]
        for i, of_set in enumerate(mu)
    ]


def _log_joint(log_likelihood: Array, step: float, tau: Array, sets: Array) -> Array:
    """Log-likelihood (d, g, t, m) of mu and tau: the marginals of each set's sources, summed."""
    shape = (len(log_likelihood), len(sets), len(tau), log_likelihood.shape[-1])
    total = np.empty(shape)
    for i, width in enumerate(tau):
        total[:, :, i] = log_convolved(log_likelihood, step, float(width), members=sets)
    return total


def _averaged(density: Array, log_weights: Array) -> Array:
    """Log density (s, d, m) of mu under each prior of tau, up to a constant."""
    weighted = np.einsum("st,dtm->sdm", np.exp(log_weights), density)
    return np.asarray(np.log(np.maximum(weighted, TINY)))
