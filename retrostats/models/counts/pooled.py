"""`pool_counts`: events of several studies pooled by their own likelihood, zeros as they are."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from retrostats.common.arrays import one_of, share, table_of
from retrostats.common.errors import InputError, NotConverged
from retrostats.models.counts.intervals import root
from retrostats.models.counts.model import Maximum, Model
from retrostats.models.counts.pool_models import (
    MODELS,
    ONE_GROUP,
    TWO_ARMS,
    Counts,
    build,
    conditional,
    effective,
    exact_limit,
    informative,
    read_counts,
)
from retrostats.models.counts.pooled_result import PooledCounts

_GRADIENT_TOLERANCE = 1e-4
_NODES = 7

__all__ = ["PooledCounts", "pool_counts"]


def pool_counts(
    table: Any,
    *,
    measure: str,
    model: str = "fixed-study",
    nodes: int | None = None,
    double_zero: str = "drop",
    level: float = 0.95,
) -> PooledCounts:
    """Pool counts by maximum likelihood, without corrections for zeros.

    Parameters
    ----------
    table
        DataFrame, or what makes one, a row a study: study, events_1, total_1, events_2, total_2
        (the effect is arm 1 against arm 2), or study, events, total for single groups. Totals are
        exposure for rates and people for odds and proportions. An optional column design_effect
        divides the events and totals of a study that allocated clusters: the variance with
        clusters over that of as many independent people.
    measure
        "rate_ratio", "odds_ratio", "rate" or "proportion".
    model
        "fixed-study": a level of its own for every study; "random-study": levels drawn from a
        normal distribution; "conditional": exact given the margins of every study (binomial for
        rates, noncentral hypergeometric for odds). In all of them the effect is random across
        studies. "conditional-approximate" takes the binomial for odds too, good where events are
        rare. Single groups have one model, whatever is asked for.
    nodes
        Of the adaptive Gauss-Hermite quadrature; 7 unless given, which is exact to about 1e-4 in
        tau2. "random-study" with two arms has two random effects and takes 1, Laplace's
        approximation.
    double_zero
        "drop" leaves studies without events in either arm out of "random-study" (as metafor
        does); "keep" lets them inform the distribution of levels. The other models do not see
        such studies.
    level
        Of the interval.

    Returns
    -------
    PooledCounts

    Raises
    ------
    InputError
        A missing or impossible column, an unknown measure or model.
    NotIdentified
        No events in both arms of every study.
    NotConverged
        No stationary point was found.

    References
    ----------
    Stijnen, Hamza and Ozdemir (2010), Statistics in Medicine 29:3046; Jackson, Law, Stijnen,
    Viechtbauer and White (2018), Statistics in Medicine 37:1059; Rao and Scott (1992), Biometrics
    48:577, of design effects; docs/mathematics.md, section 13.

    Examples
    --------
    >>> table = {"study": ["a", "b", "c"], "events_1": [2, 0, 5], "total_1": [90, 40, 210],
    ...          "events_2": [6, 3, 9], "total_2": [88, 41, 200]}
    >>> pooled = pool_counts(table, measure="odds_ratio", model="conditional")
    >>> round(pooled.shown()[0], 2), pooled.events
    (0.37, (7, 18))
    """
    table = table_of(table, "pool_counts")
    counts = read_counts(table, measure)
    two = measure in TWO_ARMS
    one_of(model, "pool_counts model", MODELS)
    share(level)
    one_of(double_zero, "double_zero", ("drop", "keep"))
    laplace = two and model == "random-study"
    n_agq = 1 if laplace else _NODES if nodes is None else nodes
    whole = isinstance(n_agq, int) and not isinstance(n_agq, bool)
    if not whole or not 1 <= n_agq <= 100 or (laplace and nodes not in (None, 1)):
        raise InputError(
            f"pool_counts nodes={nodes!r}; allowed: 1 to 100, and 1 with model='random-study'"
        )
    printed, counts = counts, effective(counts, table, measure, model)
    notes = _notes(counts, measure, model)
    if counts is not printed:
        notes.append("counts are divided by the design effects given")
    used = informative(counts, measure) if double_zero == "drop" else counts
    likelihood = build(used, measure, model, n_agq)
    if not likelihood.parts:
        notes.append("one informative study: the effect is its own, heterogeneity is unknown")
    best = likelihood.maximise()
    if 2 * best.gradient > _GRADIENT_TOLERANCE:
        raise NotConverged(
            f"pool_counts: stopped with gradient {2 * best.gradient:.2g}; leave out a study that "
            "differs by orders of magnitude, or use model='conditional'"
        )
    found = _result(counts, measure, model if two else "single-group", n_agq, level, likelihood,
                    best, notes)  # fmt: skip
    return replace(found, events=printed.events, counts=counts)


def _notes(counts: Counts, measure: str, model: str) -> list[str]:
    notes = []
    names = [s for s, rows in Counter(counts.study).items() if rows > 1]
    if names:
        notes.append(f"several rows named {', '.join(sorted(names))}: each counts as a study")
    if measure in ONE_GROUP and model.startswith("conditional"):
        notes.append("single groups have no margins to condition on: the level is random")
    return notes


def _result(
    counts: Counts, measure: str, model: str, nodes: int, level: float, likelihood: Model,
    best: Maximum, notes: list[str],
) -> PooledCounts:  # fmt: skip
    from scipy.special import ndtr, ndtri

    estimate = float(best.beta[0])
    error = float(np.sqrt(best.variances[0]))
    tail = (1 - level) / 2
    z = -float(ndtri(tail))
    silent = len(counts.study) - len(informative(counts, measure).study)
    if silent:
        notes.append(
            f"{silent} of {len(counts.study)} studies have no events in either arm (or nothing "
            "else) and say nothing about the ratio itself"
        )
    low, high = estimate - z * error, estimate + z * error
    if math.isinf(estimate):
        low, high = _exact(counts, measure, likelihood, estimate, tail)
        notes.append(_extreme_note(counts, measure, level))
        tau2 = sigma2 = math.nan
    else:
        tau2 = float(best.theta[0] ** 2) if len(best.theta) else math.nan
        sigma2 = float(best.theta[1] ** 2) if len(best.theta) > 1 else math.nan
    half_width = z * math.sqrt(tau2 + error**2) if math.isfinite(tau2) else math.nan
    shift = math.isfinite(estimate)
    return PooledCounts(
        estimate=estimate,
        std_error=error,
        conf_low=low,
        conf_high=high,
        p_value=2 * float(ndtr(-abs(estimate) / error))
        if shift and measure in TWO_ARMS
        else math.nan,
        pred_low=estimate - half_width if shift else math.nan,
        pred_high=estimate + half_width if shift else math.nan,
        tau2=tau2,
        sigma2=sigma2,
        loglik=best.loglik,
        k=len(counts.study),
        k_informative=len(counts.study) - silent,
        events=counts.events,
        measure=measure,
        model=model,
        nodes=nodes,
        level=level,
        notes=tuple(notes),
        likelihood=likelihood,
        maximum=best,
    )


def _exact(
    counts: Counts, measure: str, likelihood: Model, estimate: float, tail: float
) -> tuple[float, float]:
    """The one finite limit of an effect that is common to all studies."""
    family, offset = likelihood.family, likelihood.offset
    if measure in TWO_ARMS:
        family, offset = conditional(informative(counts, measure), measure)
    limit = exact_limit(family, offset, math.copysign(1.0, estimate), tail, root)
    return (-math.inf, limit) if estimate < 0 else (limit, math.inf)


def _extreme_note(counts: Counts, measure: str, level: float) -> str:
    if measure in TWO_ARMS:
        what = f"events in the two arms are {counts.events[0]} and {counts.events[1]}"
    else:
        what = f"{counts.events[0]} events in all studies"
    return (
        f"{what}: separated in every study, so no estimate is finite and heterogeneity cannot be "
        f"seen; the limit is exact for an effect common to all studies ({level:.0%}, its tail "
        f"{(1 - level) / 2:.1%})"
    )
