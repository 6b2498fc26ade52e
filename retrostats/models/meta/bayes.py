"""Few studies: a pool with a prior on the between-study standard deviation, by quadrature.

With a flat prior on the mean mu, y_i ~ N(mu, v_i + tau^2) and w_i = 1 / (v_i + tau^2),

    p(tau | y) ~ prior(tau) prod(w)^(1/2) (sum w)^(-1/2) exp(-sum w (y - m)^2 / 2),
    mu | tau, y ~ N(m, 1 / sum w),  m = sum(w y) / sum w,

so that every posterior is a mixture of normals over the nodes of tau (Roever 2020, Journal of
Statistical Software 93(6)).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from retrostats.common.arrays import single
from retrostats.common.errors import InputError
from retrostats.common.habits import reviewed_by
from retrostats.common.readable import as_html
from retrostats.common.values import values
from retrostats.common.verbs import Substitutes
from retrostats.models.meta.heterogeneity import Array

if TYPE_CHECKING:
    import pandas as pd

#: Panels of the quadrature, each with so many Gauss-Legendre nodes.
_PANELS = 48
_NODES = 10
#: Standard deviations of the prior beyond which it holds 1e-23.
_SCALES = 10.0


@dataclass(frozen=True, slots=True)
class HalfNormal:
    """Half-normal prior on the between-study standard deviation tau.

    Parameters
    ----------
    scale
        Standard deviation of the normal that is folded, in units of the effect; the prior's
        median is 0.674 times it.

    Examples
    --------
    >>> HalfNormal(0.5)
    HalfNormal(scale=0.5)
    """

    scale: float

    def __post_init__(self) -> None:
        if not (math.isfinite(single(self.scale, "HalfNormal, scale")) and self.scale > 0):
            raise InputError(f"HalfNormal: the scale is finite and above 0, found {self.scale!r}")

    def log_density(self, tau: Array) -> Array:
        """Up to a constant."""
        return np.asarray(-0.5 * (tau / self.scale) ** 2)

    @property
    def top(self) -> float:
        """A tau beyond which the prior is nothing."""
        return _SCALES * self.scale


@values("nodes")
@dataclass(frozen=True, slots=True, repr=False)
class Posterior(Substitutes):
    """A pooled effect under a prior on tau.

    Attributes
    ----------
    estimate, std_error, conf_low, conf_high
        Posterior median, standard deviation and equal-tailed interval of the mean.
    pred_low, pred_high
        Interval of a new study's true effect.
    k, level, prior
    nodes
        tau, its posterior weight, mean and standard deviation of mu given tau: (4, nodes).
    """

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    pred_low: float
    pred_high: float
    k: int
    level: float
    prior: HalfNormal
    nodes: Array = field(compare=False)
    method: str = "bayes"

    _instead: ClassVar[Mapping[str, str]] = reviewed_by("rs.pool(table)")

    @property
    def tau(self) -> pd.Series[float]:
        """Posterior of the between-study standard deviation: median, mean, conf_low, conf_high."""
        import pandas as pd

        tau, weight = self.nodes[0], self.nodes[1]
        edge = (1 - self.level) / 2
        low, median, high = (_tau_quantile(self.nodes, p) for p in (edge, 0.5, 1 - edge))
        values = [median, float(weight @ tau), low, high]
        return pd.Series(values, index=["median", "mean", "conf_low", "conf_high"], name="tau")

    @property
    def tau2(self) -> float:
        """Square of the posterior median of tau."""
        return float(self.tau["median"]) ** 2

    def probability(
        self, low: float = -math.inf, high: float = math.inf, *, new_study: bool = False
    ) -> float:
        """Posterior probability that the mean (or a new study's effect) lies from low to high."""
        if not single(low, "probability, low") <= single(high, "probability, high"):
            raise InputError(f"probability: low {low!r} is not below high {high!r}")
        return _cdf(self.nodes, high, new_study) - _cdf(self.nodes, low, new_study)

    def __repr__(self) -> str:
        """A few lines to read."""
        tau = self.tau
        return (
            f"Pool of {self.k} estimates (tau half-normal, scale {self.prior.scale:g}): "
            f"{self.estimate:.4g} [{self.conf_low:.4g}, {self.conf_high:.4g}] "
            f"({100 * self.level:g}%)\n"
            f"a new study: {self.pred_low:.4g} to {self.pred_high:.4g}\n"
            f"tau {tau['median']:.4g} [{tau['conf_low']:.4g}, {tau['conf_high']:.4g}]"
        )

    def _repr_html_(self) -> str:
        """The same, for notebooks."""
        return as_html(repr(self).splitlines(), ())


def posterior(y: Array, v: Array, prior: HalfNormal, level: float = 0.95) -> Posterior:
    """Pool k effects (k,) with variances (k,) under a prior on tau."""
    if not isinstance(prior, HalfNormal):
        raise InputError(
            f"prior is a {type(prior).__name__}; allowed: HalfNormal(scale), scale in units of "
            "the effect"
        )
    nodes = _nodes(y, v, prior)
    edge = (1 - level) / 2
    median, low, high = (_quantile(nodes, p, False) for p in (0.5, edge, 1 - edge))
    below, above = (_quantile(nodes, p, True) for p in (edge, 1 - edge))
    _, weight, mean, sd = nodes
    centre = float(weight @ mean)
    spread = math.sqrt(float(weight @ (sd**2 + (mean - centre) ** 2)))
    return Posterior(
        estimate=median,
        std_error=spread,
        conf_low=low,
        conf_high=high,
        pred_low=below,
        pred_high=above,
        k=len(y),
        level=level,
        prior=prior,
        nodes=nodes,
    )


def _nodes(y: Array, v: Array, prior: HalfNormal) -> Array:
    """Nodes of tau with posterior weights: panels even in log(tau + s), s below every error."""
    small = 0.2 * min(math.sqrt(float(v.min())), prior.scale)
    edges = small * np.expm1(np.linspace(0, math.log1p(prior.top / small), _PANELS + 1))
    x, share = np.polynomial.legendre.leggauss(_NODES)
    half = 0.5 * np.diff(edges)[:, None]
    tau = (edges[:-1, None] + half * (1 + x)).ravel()
    w = 1 / (v + tau[:, None] ** 2)
    total = w.sum(axis=1)
    mean = w @ y / total
    fit = (w * (y - mean[:, None]) ** 2).sum(axis=1)
    log = prior.log_density(tau) + 0.5 * (np.log(w).sum(axis=1) - np.log(total) - fit)
    weight = np.exp(log - log.max()) * (half * share).ravel()
    return np.array([tau, weight / weight.sum(), mean, 1 / np.sqrt(total)])


def _cdf(nodes: Array, x: float, new_study: bool) -> float:
    from scipy.special import ndtr

    tau, weight, mean, sd = nodes
    spread = np.hypot(sd, tau) if new_study else sd
    return float(weight @ ndtr((x - mean) / spread))


def _quantile(nodes: Array, p: float, new_study: bool) -> float:
    from scipy.optimize import brentq

    tau, _, mean, sd = nodes
    half_width = 10 * np.hypot(sd, tau if new_study else 0.0)
    low, high = float((mean - half_width).min()), float((mean + half_width).max())

    def gap(x: float) -> float:
        return _cdf(nodes, x, new_study) - p

    return float(brentq(gap, low, high, xtol=1e-12 * (high - low), rtol=1e-13))


def _tau_quantile(nodes: Array, p: float) -> float:
    """Within a panel the distribution function is integrated by the panel's own polynomial."""
    tau = nodes[0].reshape(_PANELS, _NODES)
    weight = nodes[1].reshape(_PANELS, _NODES)
    at_edges = np.concatenate([[0.0], np.cumsum(weight.sum(axis=1))])
    panel = int(np.clip(np.searchsorted(at_edges, p) - 1, 0, _PANELS - 1))
    x, share = np.polynomial.legendre.leggauss(_NODES)
    density = np.polynomial.Polynomial.fit(x, weight[panel] / share, _NODES - 1, domain=[-1, 1])
    integral = density.integ(lbnd=-1)
    from scipy.optimize import brentq

    left = p - at_edges[panel]

    def gap(u: float) -> float:
        value: Any = integral(u)
        return float(value) - float(left)

    u = 1.0 if gap(1.0) <= 0 else float(brentq(gap, -1.0, 1.0, xtol=1e-12))
    half = float(tau[panel, -1] - tau[panel, 0]) / float(x[-1] - x[0])
    return float(tau[panel, 0]) + half * (u - float(x[0]))
