"""Intervals of fixed effects: Wald, profile likelihood, parametric bootstrap."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from retrostats.common.arrays import check_seed, one_of, share
from retrostats.common.errors import InputError, NotConverged
from retrostats.models.counts.batch import can_batch, refit
from retrostats.models.counts.family import Array
from retrostats.models.counts.model import Maximum, Model
from retrostats.models.counts.separation import separation

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.models.counts.result import GlmmFit

METHODS = ("wald", "profile", "bootstrap")
_FARTHEST = 60.0
_FEWEST = 20


def intervals(
    fit: GlmmFit, method: str, level: float, draws: int, seed: int | np.random.Generator
) -> pd.DataFrame:
    """Table term, estimate, conf_low, conf_high; see `GlmmFit.conf_int`."""
    import pandas as pd
    from scipy import stats

    one_of(method, "conf_int method", METHODS)
    share(level)
    attrs: dict[str, int] = {}
    if method == "bootstrap":
        limits, failed = bootstrap(fit, level, draws, seed)
        attrs = {"draws": draws, "without_answer": failed}
    else:
        half = stats.norm.isf((1 - level) / 2) * np.sqrt(np.diag(fit.cov_beta))
        limits = np.array(
            [
                profile_interval(fit.model, fit.maximum, j, level)
                if method == "profile" or not math.isfinite(b)
                else (b - h, b + h)
                for j, (b, h) in enumerate(zip(fit.beta, half, strict=True))
            ]
        )
    table = pd.DataFrame(
        {"term": fit.terms, "estimate": fit.beta, "conf_low": limits[:, 0],
         "conf_high": limits[:, 1]}
    )  # fmt: skip
    table.attrs.update(attrs)
    return table


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
    from scipy import stats

    critical = float(stats.chi2.isf(1 - level, 1))
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
    step = float(np.sqrt(best.covariance[j, j])) * math.sqrt(critical)
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
            self._known[value] = 2 * (self._best.loglik - at.loglik) - self._critical
        return self._known[value]


def bracket(
    excess: Callable[[float], float], centre: float, step: float, unit: float
) -> tuple[float, float]:
    """Two values, allowed at the first and not at the second, which may be infinite."""
    inner, reach = centre, step
    while abs(reach) < max(_FARTHEST * unit, 4 * abs(step)):
        if excess(centre + reach) > 0:
            return inner, centre + reach
        inner, reach = centre + reach, 1.5 * reach
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
    fit: GlmmFit, level: float, draws: int, seed: int | np.random.Generator
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
        drawn = (model.family.with_events(y) for y in events)
        alone = np.array([separation(family, model.x).present for family in drawn])
        estimates[~alone] = refit(model, best, events[~alone])
        alone |= np.isnan(estimates).any(axis=1)
    for i in np.flatnonzero(alone):
        try:
            estimates[i] = model.drawn(events[i]).maximise(best).beta
        except NotConverged:
            continue
    return estimates
