r"""Synthesis of sources whose likelihoods have any form, by quadrature on a grid.

    theta_i ~ N(mu, tau^2),  mu flat,  tau half-normal,
    p(mu, tau | data) ~ prior(tau) prod_i integral L_i(theta) N(theta; mu, tau^2) dtheta

`marginals` gives the integrals, `grid_posterior` the posterior of one table; those of many tables
at once are in `grid_posteriors`. For normal likelihoods it is
`retrostats.models.meta.bayes.posterior`.

Arrays: m grid points (of theta and of mu), t nodes of tau, k sources; d draws stand in front.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from retrostats.common.errors import InputError
from retrostats.common.values import cached_value, values
from retrostats.models.meta.grid_convolution import log_convolved, refined
from retrostats.models.meta.grid_density import GridDensity
from retrostats.models.meta.heterogeneity import Array

if TYPE_CHECKING:
    import pandas as pd

#: Steps of the grid in the smallest standard error.
_STEPS = 3.0
#: Prior scales that the grid leaves free on both sides: a single source's mean is further from its
#: own effect with a probability of 2e-6.
_FREE = 12.0
#: tau = scale * _FIRST * sinh(u) with u at steps of _SPACING.
_SPACING = 0.18
_NODES = 43
#: Sources whose marginals are computed together: so many stay in a processor's cache.
_AT_ONCE = 64
#: The highest node, in prior scales: beyond it the prior holds 1e-23.
_TOP = 10.0
#: Steps of the grid in the posterior standard deviation of mu; fewer, and the grid is refined.
_IN_SD = 2.5
#: Sources for which the nodes of tau are dense enough: with k sources log tau has a posterior
#: standard deviation of about 1 / sqrt(2 k).
_SOURCES = 16


def theta_grid(low: float, high: float, smallest_se: float, scale: float) -> Array:
    """Grid of effects (m,), with three steps in the smallest standard error.

    Parameters
    ----------
    low, high
        Ends of what the sources' likelihoods cover (the analysis scale), some standard errors of
        each source included.
    smallest_se
        The smallest standard error of a source.
    scale
        The largest scale of the prior on tau that will be asked for.

    Raises
    ------
    InputError
        Ends out of order, a standard error or a scale that is not above 0.

    Examples
    --------
    >>> grid = theta_grid(-0.2, 0.8, 0.05, 0.2)
    >>> round(float(grid[0]), 6), len(grid)
    (-2.6, 349)
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"theta_grid: low is below high and both finite, found {low!r}, {high!r}")
    for name, value in (("smallest_se", smallest_se), ("scale", scale)):
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"theta_grid: {name} is finite and above 0, found {value!r}")
    start, end = low - _FREE * scale, high + _FREE * scale
    return np.linspace(start, end, 1 + math.ceil(_STEPS * (end - start) / smallest_se - 1e-9))


def tau_nodes(scale: float) -> tuple[Array, Array]:
    r"""Nodes of tau (t,), the first at 0, and the logs of their weights under the prior.

    tau = a sinh(u) with u at even steps: as the posterior is even in u and falls off faster than
    any power, the trapezoid rule converges geometrically. Dense near 0 and as dense relative to tau
    further up, so that `log_weights` serves smaller scales with the same nodes.

    Examples
    --------
    >>> tau, log_weight = tau_nodes(0.2)
    >>> round(float(np.exp(log_weight).sum()), 6), round(float(tau[-1]), 6)
    (1.0, 2.0)
    """
    if not (math.isfinite(scale) and scale > 0):
        raise InputError(f"tau_nodes: scale is finite and above 0, found {scale!r}")
    unit, _ = _unit_nodes()
    nodes = scale * unit
    return nodes, log_weights(nodes, scale)


def log_weights(nodes: Array, scale: float) -> Array:
    """Logs of the weights (t,) of `tau_nodes`'s nodes under a half-normal prior of another scale.

    Examples
    --------
    >>> tau, _ = tau_nodes(0.2)
    >>> round(float(np.exp(log_weights(tau, 0.05)).sum()), 6)
    1.0
    """
    unit, width = _unit_nodes()
    if not (math.isfinite(scale) and scale > 0):
        raise InputError(f"log_weights: scale is finite and above 0, found {scale!r}")
    if np.shape(nodes) != unit.shape or not np.allclose(nodes, nodes[-1] / _TOP * unit):
        raise InputError("log_weights: nodes are not those of tau_nodes; make them with tau_nodes")
    spacing = width * float(nodes[-1]) / _TOP
    prior = -0.5 * (nodes / scale) ** 2 + 0.5 * math.log(2 / math.pi) - math.log(scale)
    return np.asarray(np.log(spacing) + prior)


def _unit_nodes() -> tuple[Array, Array]:
    """Nodes for a scale of 1 and the length that each stands for."""
    u = _SPACING * np.arange(_NODES)
    first = _TOP / math.sinh(float(u[-1]))
    width = _SPACING * first * np.cosh(u)
    width[[0, -1]] /= 2
    return first * np.sinh(u), width


def marginals(log_likelihood: Array, theta: Array, tau: Array) -> Array:
    """Log-likelihood of mu and tau, mu on theta's grid: (..., k, m) to (..., k, t, m).

    A likelihood that does not fall to 0 at an edge of the grid (a result in words) goes on flat
    beyond it.

    Examples
    --------
    >>> theta = theta_grid(-1, 1, 0.1, 0.2)
    >>> normal = -0.5 * ((theta - 0.3) / 0.1) ** 2
    >>> marginals(normal[None], theta, np.array([0.0, 0.1])).shape == (1, 2, len(theta))
    True
    """
    log_likelihood = np.asarray(log_likelihood, dtype=np.float64)
    if log_likelihood.shape[-1] != len(theta):
        raise InputError(
            f"marginals: {log_likelihood.shape[-1]} values of the likelihood and {len(theta)} "
            "points of theta; give one value a point"
        )
    found = np.empty((*log_likelihood.shape[:-1], len(tau), len(theta)))
    step = grid_step(theta)
    for start in range(0, log_likelihood.shape[-2], _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        for i, width in enumerate(tau):
            found[..., part, i, :] = log_convolved(log_likelihood[..., part, :], step, float(width))
    return found


def grid_step(theta: Array) -> float:
    """Distance of two points."""
    return float(theta[-1] - theta[0]) / (len(theta) - 1)


@values("theta", "density", "tau_nodes", "tau_weights", "joint")
@dataclass(frozen=True, repr=False)
class GridPosterior:
    """Posterior of a mean effect mu and of the standard deviation tau between studies.

    Attributes
    ----------
    theta
        Grid (m,).
    density
        Posterior density of mu (m,).
    tau_nodes, tau_weights
        Nodes of tau (t,) and their posterior probabilities.
    joint
        Posterior density of mu times the probability of each node (t, m).
    level
        Of the interval.

    Examples
    --------
    >>> theta = theta_grid(-1, 1.5, 0.1, 0.2)
    >>> tau, log_weight = tau_nodes(0.2)
    >>> sources = np.array([-0.5 * ((theta - y) / 0.1) ** 2 for y in (0.2, 0.3, 0.4)])
    >>> found = grid_posterior(marginals(sources, theta, tau), theta, tau, log_weight)
    >>> round(found.estimate, 3), round(found.probability(0), 3)
    (0.3, 0.994)
    """

    theta: Array = field(compare=False)
    density: Array = field(compare=False)
    tau_nodes: Array = field(compare=False)
    tau_weights: Array = field(compare=False)
    joint: Array = field(compare=False)
    level: float = 0.95

    @property
    def estimate(self) -> float:
        """Posterior median of mu."""
        return self.quantile(0.5)

    @property
    def conf_low(self) -> float:
        """Lower end of the equal-tailed interval of mu."""
        return self.quantile((1 - self.level) / 2)

    @property
    def conf_high(self) -> float:
        """Upper end of the equal-tailed interval of mu."""
        return self.quantile((1 + self.level) / 2)

    @property
    def tau(self) -> pd.Series[float]:
        """Posterior of tau: median, conf_low, conf_high."""
        import pandas as pd

        edge = (1 - self.level) / 2
        found = [_tau_quantile(self.tau_weights, self.tau_nodes, p) for p in (0.5, edge, 1 - edge)]
        return pd.Series(found, index=["median", "conf_low", "conf_high"], name="tau")

    def quantile(self, p: float, *, new_study: bool = False) -> float:
        """Quantile of mu, or of a new study's effect."""
        return float(self._density(new_study).quantile(p))

    def probability(
        self, low: float = -math.inf, high: float = math.inf, *, new_study: bool = False
    ) -> float:
        """Posterior probability that mu (or a new study's effect) lies from low to high."""
        if not low <= high:
            raise InputError(f"probability: low {low!r} is not below high {high!r}")
        return float(self._density(new_study).probability(low, high))

    def _density(self, new_study: bool) -> GridDensity:
        return self._of_new_study if new_study else self._of_mu

    @cached_value
    def _of_mu(self) -> GridDensity:
        return GridDensity.of(self.theta, np.log(np.maximum(self.density, TINY)))

    @cached_value
    def _of_new_study(self) -> GridDensity:
        """mu given tau, convolved with N(0, tau^2)."""
        log_joint = np.log(np.maximum(self.joint, TINY))
        density = new_density(log_joint, grid_step(self.theta), self.tau_nodes).sum(axis=0)
        return GridDensity.of(self.theta, np.log(np.maximum(density, TINY)))

    def __repr__(self) -> str:
        """Estimate, interval and tau, on the analysis scale."""
        tau = self.tau
        return (
            f"mu {self.estimate:.4g} [{self.conf_low:.4g}, {self.conf_high:.4g}] "
            f"({100 * self.level:g}%); "
            f"tau {tau['median']:.4g} [{tau['conf_low']:.4g}, {tau['conf_high']:.4g}]"
        )


#: Below it a density is 0.
TINY = 1e-300


def grid_posterior(
    log_marginals: Array,
    theta: Array,
    tau: Array,
    log_weights: Array,
    *,
    level: float = 0.95,
    sources: int | None = None,
) -> GridPosterior:
    """Posterior from the sources' `marginals` (k, t, m) and the weights of `tau_nodes`.

    `sources` is k where marginals are added up already (1, t, m).

    Raises
    ------
    InputError
        Marginals of other nodes or points, or not finite anywhere.
    """
    k, t, m = log_marginals.shape
    if (t, m) != (len(tau), len(theta)):
        raise InputError(
            f"grid_posterior: marginals of {t} nodes and {m} points, tau has {len(tau)} and theta "
            f"{len(theta)}; give those that the marginals were computed for"
        )
    found = log_marginals.sum(axis=0)
    many = k if sources is None else sources
    if many > _SOURCES:
        more = math.ceil((many / _SOURCES) ** 0.5)
        tau, found, log_weights = _more_nodes(tau, found, log_weights, more)
    found = found + log_weights[:, None]
    joint = _normalised(found, theta)
    density = joint.sum(axis=0)
    parts = math.ceil(_IN_SD * grid_step(theta) / _spread(theta, density))
    if parts > 1:
        found = refined(found, parts)
        theta = np.linspace(theta[0], theta[-1], found.shape[-1])
        joint = _normalised(found, theta)
        density = joint.sum(axis=0)
    return GridPosterior(theta, density, tau, joint.sum(axis=1) * grid_step(theta), joint, level)


def _more_nodes(
    tau: Array, found: Array, log_weights: Array, parts: int
) -> tuple[Array, Array, Array]:
    """Nodes of tau between those of `tau_nodes`: everything is smooth and even in u."""
    u = _SPACING * np.arange((len(tau) - 1) * parts + 1) / parts
    finer = float(tau[-1]) * np.sinh(u) / math.sinh(float(u[-1]))
    _, width = _unit_nodes()
    prior = log_weights - np.log(width)

    def even(values: Array) -> Array:
        both = np.concatenate([values[3:0:-1], values]).T
        return refined(both, parts)[..., 3 * parts :].T

    length = np.cosh(u)
    length[[0, -1]] /= 2
    return finer, even(found), even(prior) + np.log(length)


def _spread(theta: Array, density: Array) -> float:
    """Standard deviation of mu, at least a tenth of a step."""
    weight = density / density.sum()
    mean = float((weight * theta).sum())
    variance = float((weight * (theta - mean) ** 2).sum())
    return max(math.sqrt(variance), 0.1 * grid_step(theta))


def _normalised(log_joint: Array, theta: Array) -> Array:
    """Joint density (t, m), of integral 1."""
    top = float(log_joint.max())
    if not math.isfinite(top):
        raise InputError(
            "grid_posterior: a likelihood is not finite anywhere on the grid; give numbers"
        )
    joint = np.exp(log_joint - top)
    return np.asarray(joint / (joint.sum() * grid_step(theta)))


def _tau_quantile(weights: Array, nodes: Array, p: float) -> float:
    """The distribution function is smooth in the nodes' parameter: interpolated there."""
    from scipy.interpolate import CubicSpline

    u = np.linspace(0.0, _SPACING * (_NODES - 1), len(nodes))
    density = weights.copy()
    density[[0, -1]] *= 2
    both = CubicSpline(np.concatenate([-u[:0:-1], u]), np.concatenate([density[:0:-1], density]))
    cumulative = both.antiderivative()
    zero, total = float(cumulative(0.0)), float(cumulative(u[-1]))
    fine = np.linspace(0.0, u[-1], 64 * len(nodes))
    share = np.maximum.accumulate((cumulative(fine) - zero) / (total - zero))
    first = float(nodes[-1]) / math.sinh(float(u[-1]))
    return first * math.sinh(float(np.interp(p, share, fine)))


def new_density(log_joint: Array, step: float, tau: Array) -> Array:
    """Density (..., t, m) of a new study's effect and tau, up to a constant."""
    density = np.empty_like(log_joint)
    for i, width in enumerate(tau):
        density[..., i, :] = np.exp(log_convolved(log_joint[..., i, :], step, float(width)))
    return density
