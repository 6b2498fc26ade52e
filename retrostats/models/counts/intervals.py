"""Intervals of fixed effects: Wald, profile likelihood, parametric bootstrap."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np

from retrostats.common.arrays import check_seed
from retrostats.common.errors import InputError, NotConverged
from retrostats.common.verbs import Verbs, Which, check_interval, intervals_of
from retrostats.models.counts.batch import can_batch, refit
from retrostats.models.counts.family import Array
from retrostats.models.counts.model import Maximum, Model
from retrostats.models.counts.separation import separation

if TYPE_CHECKING:
    import pandas as pd

METHODS = ("wald", "profile", "bootstrap")
_FARTHEST = 60.0
_FEWEST = 20
_OFF = 2.0  # by which a p-value at a Wald limit may differ from what it should be


class Intervals(Verbs):
    """Intervals of what models of counts estimate: of a fit's effects, or of a pooled one."""

    __slots__ = ()

    #: What is taken where no method is named.
    _usual: ClassVar[str] = "wald"

    def conf_int(
        self,
        *,
        level: float | None = None,
        which: Which = "fixed",
        method: Literal["wald", "profile", "bootstrap"] | None = None,
        draws: int = 1000,
        seed: int | np.random.Generator = 1,
    ) -> pd.DataFrame:
        """Intervals on the model's scale (logarithm or logit): term, estimate, conf_low, conf_high.

        Parameters
        ----------
        level
            Confidence level; where it is not given that of a pool, and 0.95 of a fit.
        which
            "fixed", or of a fit "random": standard deviations by "profile" (of one scalar term) or
            "bootstrap".
        method
            "wald", "profile" (inverts the likelihood-ratio test) or "bootstrap" (parametric,
            percentiles; `attrs` of a fit's table count the refits and those without an answer). By
            default Wald's, and of a fit the profile's where Wald's fails: the likelihood-ratio test
            has at one of its limits less than half, or more than twice, the p-value that it should
            (`attrs["method"]` tells which). An infinite estimate of a pool has its exact interval
            whatever the method.
        draws, seed
            Of the bootstrap: refits, and a seed or Generator.

        Raises
        ------
        InputError
            An unknown method, a level outside 0 to 1, fewer than 20 draws, random terms.

        Examples
        --------
        >>> table = {"study": ["a", "b", "c"], "events_1": [2, 0, 5], "total_1": [90, 40, 210],
        ...          "events_2": [6, 3, 9], "total_2": [88, 41, 200]}
        >>> from retrostats.models.counts.pooled import pool_counts
        >>> pooled = pool_counts(table, measure="rate_ratio")
        >>> pooled.conf_int(method="profile")[["conf_low", "conf_high"]].round(2).values.tolist()
        [[-2.16, -0.13]]
        """
        how = "wald" if method is None else method
        check_interval(how, METHODS, 0.95 if level is None else level, which)
        attrs: dict[Any, Any] = {}

        def fixed() -> pd.DataFrame:
            table = self._fixed(self._usual if method is None else how, level, draws, seed)
            attrs.update(table.attrs)
            return table

        def random() -> pd.DataFrame:
            return self._random("profile" if method is None else how, level, draws, seed)

        found = intervals_of(which, fixed, random)
        found.attrs.update(attrs)
        return found

    def _random(
        self, method: str, level: float | None, draws: int, seed: int | np.random.Generator
    ) -> pd.DataFrame:
        """The table of random terms."""
        return no_random()

    def _fixed(
        self, method: str, level: float | None, draws: int, seed: int | np.random.Generator
    ) -> pd.DataFrame:
        """The table of fixed effects, the method being one of `METHODS`."""
        raise NotImplementedError


class Estimated(Protocol):
    """What is needed of a fit."""

    @property
    def formula(self) -> str:
        """As given."""

    @property
    def beta(self) -> Array:
        """Fixed effects (p,)."""

    @property
    def cov_beta(self) -> Array:
        """Their covariance (p, p)."""

    @property
    def model(self) -> Model:
        """The likelihood."""

    @property
    def maximum(self) -> Maximum:
        """Where it is largest."""

    @property
    def separated(self) -> tuple[str, ...]:
        """Terms without a finite estimate."""


def limits(
    fit: Estimated, method: str, level: float, draws: int, seed: int | np.random.Generator
) -> tuple[Array, dict[str, Any]]:
    """Limits (p, 2) of the fixed effects, and what a bootstrap counts; see `conf_int`."""
    from scipy.special import ndtri

    if method == "bootstrap":
        found, failed = bootstrap(fit, level, draws, seed)
        return found, {"draws": draws, "without_answer": failed}
    half = -ndtri((1 - level) / 2) * np.sqrt(np.diag(fit.cov_beta))
    ends, how = [], []
    for j, (b, h) in enumerate(zip(fit.beta, half, strict=True)):
        profile = method == "profile" or not math.isfinite(b)
        profile = profile or (method == "checked" and _wald_fails(fit, j, float(h), level))
        how.append("profile" if profile else "wald")
        ends.append(
            profile_interval(fit.model, fit.maximum, j, level) if profile else (b - h, b + h)
        )
    return np.array(ends), {"method": tuple(how)} if method == "checked" else {}


def _wald_fails(fit: Estimated, j: int, half: float, level: float) -> bool:
    """Whether the likelihood-ratio test disagrees with Wald's at one of its limits.

    Hauck and Donner (1977), Journal of the American Statistical Association 72:851: far from 0 the
    curvature at the maximum says little of the likelihood.
    """
    from scipy.special import chdtrc

    if not (math.isfinite(half) and half > 0):
        return True
    at = _Excess(fit.model, fit.maximum, j, 0.0)
    for end in (fit.beta[j] - half, fit.beta[j] + half):
        p = float(chdtrc(1, max(at(float(end)), 0.0))) / (1 - level)
        if not 1 / _OFF < p < _OFF:
            return True
    return False


def no_random() -> pd.DataFrame:
    """Refuse intervals of variances, which models of counts do not have."""
    raise InputError(
        "conf_int which='random': a model of counts has no intervals of its variances; use "
        "which='fixed', and variance_components (or tau2) for their estimates"
    )


def profile_interval(
    model: Model, best: Maximum, j: int, level: float = 0.95
) -> tuple[float, float]:
    """Values of fixed effect j that the likelihood-ratio test does not reject.

    A limit is infinite where no value is rejected: on the open side of a separated effect, or
    farther away than 60 on the model scale. A separated effect is profiled with the variances
    held: free ones could explain any number of rows without events.
    """
    from scipy.special import chdtri

    critical = float(chdtri(1, 1 - level))
    b = float(best.beta[j])
    unit = 1 / max(float(np.abs(model.x[:, j]).max()), 1e-300)
    if math.isnan(b):
        return -math.inf, math.inf
    if math.isinf(b):
        held = model.holding(best.theta, best.scale)
        excess = _Excess(held, held.maximise(), j, critical)
        inner, outer = _one_sided(excess, unit if b < 0 else -unit)
        edge = outer if math.isinf(outer) else root(excess, inner, outer, 1e-6 * unit)
        return (-math.inf, edge) if b < 0 else (edge, math.inf)
    step = float(np.sqrt(best.variances[j])) * math.sqrt(critical)
    step = step if math.isfinite(step) and step > 0 else unit
    limits = []
    for sign in (-1.0, 1.0):
        excess = _Excess(model, best, j, critical)
        inner, outer = bracket(excess, b, sign * step, unit)
        limits.append(outer if math.isinf(outer) else root(excess, inner, outer, 1e-5 * step))
    return limits[0], limits[1]


class _Excess:
    """Rise of the deviance above what the level allows, with effect j held at a value.

    Each fit starts at the last; a value has one answer, so that a bracket stays one.
    """

    def __init__(self, model: Model, best: Maximum, j: int, critical: float) -> None:
        self._model, self._best, self._j, self._critical = model, best, j, critical
        self._known = {float(best.beta[j]): -critical}
        self._near = replace(best, beta=np.delete(best.beta, j))

    def __call__(self, value: float) -> float:
        """Twice the drop of the log-likelihood, less the quantile."""
        if value not in self._known:
            fixed = self._model.fixing(self._j, value)
            try:
                at = fixed.maximise(self._near)
            except NotConverged:
                at = fixed.maximise()
            if np.isfinite(at.beta).all():
                self._near = at
            # eq. 28
            self._known[value] = 2 * (self._best.loglik - at.loglik) - self._critical
        return self._known[value]


def bracket(
    excess: Callable[[float], float], centre: float, step: float, unit: float
) -> tuple[float, float]:
    """Two values, allowed at the first and not at the second, which may be infinite."""
    inner, distance = centre, step
    while abs(distance) < max(_FARTHEST * unit, 4 * abs(step)):
        if excess(centre + distance) > 0:
            return inner, centre + distance
        inner, distance = centre + distance, 1.5 * distance
    return inner, math.copysign(math.inf, step)


def _one_sided(excess: Callable[[float], float], away: float) -> tuple[float, float]:
    """The same for an effect that diverges: walk from 0 until the sign changes."""
    here = 0.0
    allowed = excess(here) <= 0
    step = away if allowed else -away
    while abs(here) < _FARTHEST * abs(away):
        there = here + step
        if (excess(there) <= 0) != allowed:
            return (here, there) if allowed else (there, here)
        here, step = there, 1.5 * step
    return here, math.copysign(math.inf, away)


def root(f: Callable[[float], float], inner: float, outer: float, tolerance: float) -> float:
    """Where f crosses zero between two values."""
    from scipy.optimize import brentq

    return float(brentq(f, inner, outer, xtol=max(tolerance, 1e-12), rtol=1e-10))


def bootstrap(
    fit: Estimated, level: float, draws: int, seed: int | np.random.Generator
) -> tuple[Array, int]:
    """Percentile limits (p, 2) of a fit, and how many refits had no answer."""
    if not np.isfinite(fit.beta).all():
        raise InputError(
            f"{fit.formula!r}: {', '.join(fit.separated)} has no finite estimate to draw from; "
            "use method='profile'"
        )
    return bootstrap_limits(fit.model, fit.maximum, level, draws, seed)


def bootstrap_limits(
    model: Model, best: Maximum, level: float, draws: int, seed: int | np.random.Generator
) -> tuple[Array, int]:
    """Percentile limits (p, 2) of refits to events drawn at `best`, and how many failed.

    Efron and Tibshirani (1993), An Introduction to the Bootstrap, section 13.3.
    """
    check_seed(seed)
    if not isinstance(draws, int) or draws < _FEWEST:
        raise InputError(f"draws={draws!r}; a bootstrap needs at least {_FEWEST}, better 1000")
    rng = np.random.default_rng(seed)
    estimates = _refits(model, best, model.draw(best, draws, rng))
    failed = np.isnan(estimates).any(axis=1)
    tail = (1 - level) / 2
    # A separated refit counts as infinite: "lower" and "higher" never average two infinities.
    low = np.quantile(estimates[~failed], tail, axis=0, method="lower")
    high = np.quantile(estimates[~failed], 1 - tail, axis=0, method="higher")
    return np.stack([low, high], axis=1), int(failed.sum())


def _refits(model: Model, best: Maximum, events: Array) -> Array:
    """Fixed effects (B, p) of each row of events (B, N): stacked where that is possible."""
    estimates = np.full((len(events), len(best.beta)), np.nan)
    alone = np.ones(len(events), bool)
    if can_batch(model):
        design = model.design()
        drawn = (model.family.with_events(y) for y in events)
        alone = np.array([separation(family, design).present for family in drawn])
        estimates[~alone] = refit(model, best, events[~alone])
        alone |= np.isnan(estimates).any(axis=1)
    for i in np.flatnonzero(alone):
        try:
            estimates[i] = model.drawn(events[i]).maximise(best).beta
        except NotConverged:
            continue
    return estimates
