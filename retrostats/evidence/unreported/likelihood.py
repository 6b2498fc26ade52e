"""The likelihood of a source, averaged over what it left open, and the posterior of several.

An exploration moves what was not printed to its worst; here the same declared space is averaged
over: rounding and readings evenly, a correlation by its stated prior within what a printed p leaves
of it, a spread between people by its own (docs/mathematics.md, section 19).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retrostats.common.student import t_quantile
from retrostats.evidence.printed.likelihoods import averaged, between_log_likelihood
from retrostats.evidence.printed.measures import (
    DIFFERENCE,
    EVENT_RATIOS,
    RATE_RATIO,
    RATIO_OF_MEANS,
    Measure,
    usual_scale,
)  # fmt: skip
from retrostats.evidence.printed.pooled_printed import PooledPrinted
from retrostats.evidence.printed.printed_choices import (
    STATED,
    choices,
    correlation_priors,
    nested_sets,
    synthesis,
)  # fmt: skip
from retrostats.evidence.printed.quadrature import (
    LOG_RATIO_SPREAD,
    CorrelationPrior,
    interval_points,
    log_total,
)  # fmt: skip
from retrostats.evidence.printed.sources import BARE, SPREAD, WORDS, Nodes, PrintedSource
from retrostats.evidence.unreported.influence import quasi_random
from retrostats.evidence.unreported.sources import Source, Words
from retrostats.evidence.unreported.unknowns import Space, Unknown, Values

if TYPE_CHECKING:
    from retrostats.evidence.result.findings import Measure as FoundMeasure

Array = NDArray[np.float64]
#: Points of the space of a source; twice as many move no probability of the audit by 0.002.
POINTS = 512
#: Points of a range of people, and of a spread that has no prior.
_FEW_POINTS = 5
#: Names of the scale of a claim as the field's measures.
MEASURES = {"ratio": RATIO_OF_MEANS, "rate_ratio": RATE_RATIO, "difference": DIFFERENCE}
#: An interval whose df are not known is read as normal: then 2.5% lie beyond each of its limits.
_LEVEL = 0.95


def printed_source(source: Source, row: int, measure: Measure) -> PrintedSource:
    """A source with an effect and an error as a mixture of t; one in words by its test.

    Parameters
    ----------
    source
        On the model's scale of `measure`.
    row
        Its place among the sources, from 1.
    """
    if source.words is not None:
        return _words(source, source.words, row, measure)
    points = _points(source.unknowns)
    values = Space.of(source.unknowns).values(points)
    effects = source.effects(values)
    count = len(points)
    estimate = np.broadcast_to(np.asarray(effects.value, dtype=float), count)
    variance = np.broadcast_to(np.asarray(effects.variance, dtype=float), count)
    possible = np.isfinite(estimate) & np.isfinite(variance) & (variance > 0)
    spreads = _spread_weights(source.unknowns, values, measure, count)

    def nodes(prior: CorrelationPrior) -> Nodes:
        log = spreads + _correlation_weights(source, values, prior, count)
        log = np.where(possible & np.isfinite(log), log, -np.inf)[possible]
        log = log - log_total(log)
        df = np.full(len(log), source.df if source.df > 0 else math.inf)
        # eq. 50
        return Nodes(estimate[possible], np.sqrt(variance[possible]), df, log)

    kinds = {getattr(unknown, "kind", "") for unknown in source.unknowns}
    kind = WORDS if "effect" in kinds else BARE if "spread" in kinds else SPREAD
    error = float(np.sqrt(np.median(variance[possible]))) if possible.any() else math.nan
    centre = float(np.median(estimate[possible])) if possible.any() else math.nan
    return PrintedSource(
        study=source.name, row=row, kind=kind, became=_became(source, kind), nodes=nodes,
        left_out="" if possible.any() else "its numbers contradict one another",
        bounded=kind != WORDS, sign=int(np.sign(centre)) if kind != WORDS else 0,
        about=centre, error=error, sd=error * math.sqrt(source.n) if source.n > 0 else math.nan,
        depends_on_correlation=bool(source.correlations),
    )  # fmt: skip


def interval_source(
    name: str, low: ArrayLike, high: ArrayLike, df: float, measure: Measure
) -> PrintedSource:
    """Something of which only 95% intervals are known, each as probable as the others.

    Parameters
    ----------
    low, high
        Arrays (q,) on the printed scale: the interval at each point of what was left open, read as
        even about its middle on the model's scale.
    df
        Of t; infinite where it is not known, so that 2.5% lie beyond each limit.
    """
    start, stop = (measure.to_model(np.atleast_1d(np.asarray(x, dtype=float))) for x in (low, high))
    possible = np.isfinite(start) & np.isfinite(stop) & (stop > start)
    half = t_quantile((1 - _LEVEL) / 2, df)
    at = 0.5 * (start + stop)[possible]
    error = (stop - start)[possible] / (2 * half)
    log = np.full(len(at), -math.log(max(len(at), 1)))

    def nodes(prior: CorrelationPrior) -> Nodes:
        return Nodes(at, error, np.full(len(at), df), log)

    centre, typical = (float(np.median(x)) if len(x) else math.nan for x in (at, error))
    return PrintedSource(
        study=name,
        row=1,
        kind=SPREAD,
        became="an interval",
        nodes=nodes,
        left_out="" if len(at) else "its numbers contradict one another",
        sign=int(np.sign(centre)) if len(at) else 0,
        about=centre,
        error=typical,
    )


def interval_posterior(
    name: str, scale: str, null: float, low: ArrayLike, high: ArrayLike
) -> PooledPrinted:
    """The posterior of 95% intervals (q,) on the printed scale, each as probable as the others."""
    measure = Measure(MEASURES[scale])
    source = interval_source(name, low, high, math.inf, measure)
    return pooled_of([source], measure, null=null, claimed=None, correlation=None)


def posterior_of(
    found: FoundMeasure,
    scale: str,
    *,
    null: float,
    claimed: tuple[float, float] | None = None,
    correlation: tuple[float, float] | None = None,
    df: float = math.inf,
    quantity: str = "",
) -> PooledPrinted:
    """The posterior of a measure: its own, of its sources, or of its interval without any.

    Parameters
    ----------
    scale
        "ratio", "rate_ratio" or "difference", as of the claim.
    quantity
        Of the claim; "risk_ratio" says that a ratio is one of events.
    correlation
        Mean and SD of the normal prior of Fisher's z of correlations that were not printed.
    df
        Degrees of freedom of an interval without sources.
    """
    if isinstance(found.posterior, PooledPrinted):
        return found.posterior
    sources = list(found.sources)
    measure = measure_of(sources, scale, quantity)
    if sources:
        read = [printed_source(source, i, measure) for i, source in enumerate(sources, start=1)]
    else:
        points = _points(found.unknowns)
        _, low, high = found.estimator(_LEVEL)(Space.of(found.unknowns).values(points))
        low, high = (np.broadcast_to(np.asarray(x, dtype=float), len(points)) for x in (low, high))
        read = [interval_source(found.name, low, high, df, measure)]
    return pooled_of(read, measure, null=null, claimed=claimed, correlation=correlation)


def measure_of(sources: Sequence[Source], scale: str, quantity: str = "") -> Measure:
    """What is pooled: a ratio of events where its sources or the claim's quantity say so.

    How far studies are expected to differ hangs on it (`PRIOR_SCALES`); a ratio of means else.
    """
    if scale == "difference":
        return Measure(DIFFERENCE)
    named = list(dict.fromkeys(source.measure for source in sources))
    if named and all(name in EVENT_RATIOS for name in named):
        return Measure(named[0], tuple(named[1:]))
    plain = quantity.replace("_", " ")
    return Measure(plain if plain in EVENT_RATIOS else MEASURES[scale])


def pooled_of(
    read: Sequence[PrintedSource],
    measure: Measure,
    *,
    null: float,
    claimed: tuple[float, float] | None,
    correlation: tuple[float, float] | None,
) -> PooledPrinted:
    """The pool of sources that have been read."""
    pooled = tuple(source for source in read if source.kept)
    priors = correlation_priors(correlation)
    stated = priors[STATED]
    words = "uniform on -1 to 1" if stated.mean is None else (
        f"with Fisher's z normal, mean {stated.mean:g}, SD {stated.sd:g}")  # fmt: skip
    if not any(source.bounded for source in pooled):
        return PooledPrinted(
            measure,
            null,
            claimed,
            math.nan,
            words,
            tuple(read),
            pooled,
            declared=(),
            synthesis=None,
        )
    width = scale_of(pooled, measure)
    sets = nested_sets(pooled, None)
    return PooledPrinted(
        measure, null, claimed, width, words, tuple(read), pooled,
        declared=tuple(choices(sets, list(priors), width)),
        synthesis=synthesis(pooled, priors, width),
    )  # fmt: skip


def scale_of(sources: Sequence[PrintedSource], measure: Measure) -> float:
    """Scale of the prior on tau of sources of which one or more are bounded on both sides."""
    return usual_scale(measure, [s.sd if s.sd > 0 else s.error for s in sources if s.bounded])


def _words(source: Source, words: Words, row: int, measure: Measure) -> PrintedSource:
    """P(test | theta) averaged over the spread between people, and over their number if open."""
    spread, weight = _spread_nodes(words.spread, measure)
    people = _people(words.people)

    def curve(theta: Array) -> Array:
        logs = []
        for n in people:
            t = t_quantile(words.alpha / 2, n - 1)
            low, high = {1: (t, math.inf), -1: (-math.inf, -t), 0: (-t, t)}[words.sign]
            # eq. 52
            ncp = theta * math.sqrt(n) / spread[:, None]
            found = np.stack([between_log_likelihood(row_, low, high, n - 1) for row_ in ncp])
            logs.append(averaged(found, weight))
        even = np.full(len(people), -math.log(len(people)))
        return averaged(np.stack(logs), even)

    said = {1: "higher", -1: "lower", 0: "not significant"}[words.sign]
    return PrintedSource(
        study=source.name, row=row, kind=WORDS, became=f"words: {said}, p at {words.alpha:g}",
        curve=curve, bounded=False, sign=words.sign,
    )  # fmt: skip


def _people(people: int | Unknown) -> Array:
    """Numbers of people, evenly over their range where they were not printed."""
    if not isinstance(people, Unknown):
        return np.array([float(people)])
    low, high = (float(end) for end in (people.low, people.high) if not callable(end))
    return np.unique(np.round(np.linspace(low, high, _FEW_POINTS)))


def _points(unknowns: Sequence[Any]) -> Array:
    """Positions of the unknowns (n, d): the same for every run."""
    if not unknowns:
        return np.zeros((1, 0))
    return np.asarray(quasi_random(len(unknowns), POINTS, 0))


def _spread_nodes(spread: Unknown, measure: Measure) -> tuple[Array, Array]:
    """Standard deviations between people and their log weights, within the declared range."""
    low, high = (float(end) for end in (spread.low, spread.high) if not callable(end))
    if measure.is_log:
        return LOG_RATIO_SPREAD.nodes(low, high)
    at, share = interval_points(low, high, _FEW_POINTS)
    return at, np.log(share)


def _spread_weights(unknowns: Sequence[Any], values: Values, measure: Measure, count: int) -> Array:
    """Log weight of each point for spreads whose prior is not even."""
    log = np.zeros(count)
    for unknown in unknowns if measure.is_log else ():
        if getattr(unknown, "kind", "") == "spread":
            sd, prior = values[unknown.name], LOG_RATIO_SPREAD
            z = (np.log(sd) - math.log(prior.median)) / prior.log_sd
            log = log - 0.5 * z**2 - np.log(sd)
    return log


def _correlation_weights(
    source: Source, values: Values, prior: CorrelationPrior, count: int
) -> Array:
    """Log of prior density times length of the range: what p leaves of it counts by its prior."""
    log = np.zeros(count)
    for unknown in source.unknowns:
        if not isinstance(unknown, Unknown) or unknown.name not in source.correlations:
            continue
        low, high = (
            np.broadcast_to(np.asarray(end(values) if callable(end) else end, dtype=float), count)
            for end in (unknown.low, unknown.high)
        )
        r = np.clip(np.broadcast_to(values[unknown.name], count), -0.999999, 0.999999)
        with np.errstate(divide="ignore", invalid="ignore"):
            length = np.log(high - low)
            # a density of z has the density / (1 - r^2) in r
            log = log + length + prior.log_density(np.arctanh(r)) - np.log1p(-(r**2))
    return log


def _became(source: Source, kind: str) -> str:
    if source.user_cohort:
        return "an own cohort's mixed model"
    if source.correlations:
        return "a pair of the same people"
    return {BARE: "an estimate without its error", WORDS: "words"}.get(
        kind, "an estimate with its error"
    )
