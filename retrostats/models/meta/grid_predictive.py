r"""What a new source would make of a posterior on a grid, for any number of new sources at once.

With g(theta) the density of a new source's own effect given today's sources and g_x(theta) the part
of it with mu below x, a source with the likelihood L turns the posterior into

    P(mu < x | today, L) = integral L g_x / integral L g
    g_x(theta) = sum_t integral_{mu < x} p(mu, tau_t | today) N(theta; mu, tau_t^2) dmu

so that today's sources are convolved once, whatever is drawn beside them. `probability_below` takes
likelihoods that are wide on the grid: a standard error of two steps or more.

Arrays: m grid points, t nodes of tau, g sets of sources, s priors, e ends, d new sources.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from retrostats.models.meta.grid_convolution import lagrange
from retrostats.models.meta.grid_posterior import grid_step
from retrostats.models.meta.heterogeneity import Array

#: Least standard error of a new source, in steps of the grid.
LEAST_STEPS = 2.0
#: Points of the polynomials between grid points.
_POINTS = 8
_NEAR = np.arange(1 - _POINTS // 2, _POINTS // 2 + 1)
#: Gauss-Legendre nodes in a cell: exact for these polynomials.
_CELL_NODES = 4
#: Gauss-Hermite nodes of a normal narrower than a step, and standard deviations of a wider one.
_NARROW_NODES, _REACH = 7, 9.0
#: Points that are convolved at once: few, as their matrix stays in the cache.
_BLOCK = 64


@dataclass(frozen=True, slots=True)
class GridPredictive:
    """Densities, up to one constant a choice, of a new source's own effect.

    Attributes
    ----------
    whole
        By set and prior (g, s, m).
    below
        The part with the mean effect below each end (g, s, e, m).
    """

    whole: Array
    below: Array

    def probability_below(self, log_likelihood: Array) -> Array:
        """P(mu < end) with each new source (d, m) beside today's: (g, s, e, d).

        Examples
        --------
        >>> from retrostats.models.meta.grid_posterior import marginals, tau_nodes, theta_grid
        >>> theta = theta_grid(-1, 1.5, 0.1, 0.2)
        >>> tau, weight = tau_nodes(0.2)
        >>> two = -0.5 * ((theta - np.array([[0.2], [0.3]])) / 0.1) ** 2
        >>> held = marginals(two[:1], theta, tau)
        >>> found = predictive(held, theta, tau, weight[None], np.array([0.0]))
        >>> round(1 - float(found.probability_below(two[1:]).item()), 3)
        0.97
        """
        top = log_likelihood.max(axis=-1, keepdims=True)
        likelihood = np.exp(log_likelihood - top).T
        whole = (self.whole @ likelihood)[:, :, None]
        return np.asarray(np.clip(self.below @ likelihood / whole, 0.0, 1.0))


def predictive(
    totals: Array, theta: Array, tau: Array, log_weights: Array, ends: Array
) -> GridPredictive:
    """Densities of a new source's effect under each set of sources and each prior of tau.

    Parameters
    ----------
    totals
        Marginals of today's sources, added up by set (g, t, m); 0 everywhere without any.
    theta, tau
        As for `marginals`.
    log_weights
        Of each prior (s, t).
    ends
        Of the mean effect (e,).
    """
    step, m = grid_step(theta), len(theta)
    joint = totals[:, None] + log_weights[None, :, :, None]
    joint = np.exp(joint - joint.max(axis=(-2, -1), keepdims=True))
    weights = np.array([np.ones(m), *(_weights_below(theta, float(end)) for end in ends)])
    found = np.zeros((len(totals), len(log_weights), len(weights), m))
    for i, width in enumerate(tau):
        parts = joint[:, :, None, i] * weights
        found += convolved(parts, kernel(float(width) / step, m))
    return GridPredictive(found[:, :, 0], found[:, :, 1:])


def _weights_below(theta: Array, end: float) -> Array:
    """Weights (m,) that integrate a smooth function on the grid up to an end, in steps.

    In every cell the polynomial through the nearest eight points is integrated; away from the end
    the weights are those of the trapezoid rule.
    """
    last = len(theta) - 1
    place = min(max((end - float(theta[0])) / grid_step(theta), 0.0), float(last))
    cell = min(int(place), last - 1)
    found = np.zeros(len(theta))
    found[: max(cell + 1 - _POINTS, 0)] = 1.0
    # cells whose polynomials reach beyond the points above; their share of each point by itself
    for i in range(max(cell + 1 - 2 * _POINTS, 0), cell + 1):
        part = _cell_weights(place - cell if i == cell else 1.0)
        for at, weight in zip(np.clip(i + _NEAR, 0, last), part, strict=True):
            if at >= max(cell + 1 - _POINTS, 0):
                found[at] += weight
    return found


def _cell_weights(share: float) -> Array:
    """Integrals over a cell's first part of the polynomials of its eight points."""
    nodes, weights = np.polynomial.legendre.leggauss(_CELL_NODES)
    at = share * (nodes + 1) / 2
    return np.asarray(share / 2 * (weights @ lagrange(_NEAR.astype(np.float64), at)))


def kernel(width: float, m: int) -> Array:
    """A normal of `width` steps as weights at -r to r, of sum 1; r is below m."""
    if width >= 1:
        reach = min(math.ceil(_REACH * width), m - 1)
        density = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
        return np.asarray(density / (width * math.sqrt(2 * math.pi)))
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NARROW_NODES)
    shifts = nodes * width
    whole = np.floor(shifts).astype(int)
    taps = lagrange(_NEAR.astype(np.float64), shifts - whole)
    reach = int(np.abs(whole).max()) + _POINTS // 2
    found = np.zeros(2 * reach + 1)
    for start, tap, weight in zip(whole, taps, weights / weights.sum(), strict=True):
        found[reach + start + _NEAR] += weight * tap
    return found


def convolved(values: Array, kernel: Array) -> Array:
    """Values (..., m) convolved with a kernel of weights; nothing lies beyond the grid."""
    m, reach = values.shape[-1], len(kernel) // 2
    if reach < _POINTS * 2:
        padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(reach, reach)])
        return np.asarray(
            sum(weight * padded[..., i : i + m] for i, weight in enumerate(kernel[::-1]))
        )
    # a block of points needs those within the kernel's reach of it, by the same matrix everywhere
    blocks, width = -(-m // _BLOCK), _BLOCK + 2 * reach
    padded = np.zeros((*values.shape[:-1], blocks * _BLOCK + 2 * reach))
    padded[..., reach : reach + m] = values
    windows = np.lib.stride_tricks.sliding_window_view(padded, width, axis=-1)[..., ::_BLOCK, :]
    row = np.zeros(width + _BLOCK - 1)
    row[_BLOCK - 1 : width] = kernel
    matrix = np.lib.stride_tricks.sliding_window_view(row, _BLOCK)[:, ::-1]
    found = windows @ np.ascontiguousarray(matrix)
    return np.asarray(found.reshape(*values.shape[:-1], -1)[..., :m])
