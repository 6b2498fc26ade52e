"""What a measure's sources say today, on a grid that holds one more study beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrostats.audit.answer import NO_COMPARISON, NOT_RANDOMISED, answer_of
from retrostats.audit.claims import Claim
from retrostats.audit.verdict import claimed_range
from retrostats.evidence.printed.measures import Measure as EffectMeasure
from retrostats.evidence.printed.printed_choices import (
    STATED,
    Choice,
    Synthesis,
    choices,
    correlation_priors,
    grid_of,
    nested_sets,
    synthesis,
)
from retrostats.evidence.printed.quadrature import CorrelationPrior
from retrostats.evidence.printed.sources import SPREAD, PrintedSource
from retrostats.evidence.unreported.likelihood import posterior_of, scale_of
from retrostats.models.meta.grid_posterior import log_weights, tau_nodes
from retrostats.models.meta.grid_predictive import GridPredictive, predictive

if TYPE_CHECKING:
    from retrostats.planning.assumed import Assumed

Array = NDArray[np.float64]
NEW = "the planned study"
#: No more people than this are looked for: what is left then is how far studies differ.
POOLED_MOST = 100_000
#: Smallest error of the planned study that the grid holds, as a share of the prior's scale.
_SHARP = 1 / 16
#: Standard deviations of the planned study's estimate that the grid holds on both sides.
_HELD = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Today:
    """Today's sources, added up under every declared choice; functions of none of them are kept.

    Attributes
    ----------
    theta
        Grid (m,).
    predicted
        What each declared choice expects of a new study, and the part of it with the mean effect
        below no effect and below the ends of the claimed range (g sets and priors of correlations,
        s scales, 3, m).
    choices
        The declared choices (g s,), by set and then by scale; the first is the main one.
    bounded
        Whether a source of each choice is bounded on both sides without the planned study (g s,).
    study_tau
        Standard deviation by which the planned study's own effect varies: today's posterior median,
        or the prior's where no source is pooled.
    k
        Sources that bear on the claim today.
    direction, size
        Labels of the claim today.
    why_none
        Why today's sources say nothing of the claim, where they do not.
    """

    theta: Array
    predicted: GridPredictive
    choices: tuple[Choice, ...]
    bounded: tuple[bool, ...]
    study_tau: float
    k: int
    direction: str
    size: str
    why_none: str


def today_of(given: Assumed) -> Today | None:
    """What the sources of the measure say today; None where no study can be pooled with another.

    That is so where nothing was measured, and where the measure is a pool or a model of several
    studies as printed, of which no source is known.

    Sources without a comparison, or between people not allocated by lot, say nothing of a claimed
    cause (docs/verdicts.md): the planned study then stands alone.
    """
    measure, claim = given.measure, given.claim
    row = given.row
    if measure is None or not (measure.sources or (row is not None and row.study_id)):
        return None
    pooled = posterior_of(
        measure, claim.scale, null=claim.null_value, correlation=given.correlation,
        df=row.df if row is not None and row.df > 0 else math.inf, quantity=claim.quantity,
    )  # fmt: skip
    why = ""
    if claim.kind == "causal" and not (measure.comparison and measure.randomised):
        why = NOT_RANDOMISED if measure.comparison else NO_COMPARISON
    label = answer_of(claim, pooled, measure.name, why_none=why)
    sources = () if why else pooled.pooled
    kind, priors = pooled.measure, correlation_priors(given.correlation)
    planned = _planned(given, given.model_truth, 1.0)
    scale = scale_of([*pooled.pooled, planned], kind)
    tau = float(pooled.tau["median"]) if sources and pooled.posterior else _prior_tau(scale)
    theta = _grid(given, sources, priors[STATED], scale, tau)
    declared = _counted(sources, planned, list(priors), scale)
    held = synthesis(sources, priors, scale, theta) if sources else None
    predicted, ordered = _predicted(declared, held, theta, scale, ends_of(claim, kind))
    return Today(
        theta=theta,
        predicted=predicted,
        choices=ordered,
        bounded=tuple(
            any(s.bounded for s, counts in zip(sources, c.members[:-1], strict=True) if counts)
            for c in ordered
        ),
        study_tau=tau,
        k=len(sources),
        direction=label.direction,
        size=label.size,
        why_none=why,
    )


def ends_of(claim: Claim, measure: EffectMeasure) -> Array:
    """No effect and both ends of the claimed range (3,), on the model's scale.

    Where the measure has no value of no effect, and so no direction is asked for, the lower end
    stands in its place.
    """
    low, high = claimed_range(claim)
    null = low if math.isnan(claim.null_value) else claim.null_value
    return measure.to_model([null, low, high])


def _predicted(
    declared: Sequence[Choice], held: Synthesis | None, theta: Array, scale: float, ends: Array
) -> tuple[GridPredictive, tuple[Choice, ...]]:
    """What each choice expects, and the choices in that order: by sources and prior, by scale."""
    tau, _ = tau_nodes(scale)
    groups = list(dict.fromkeys((c.members, c.correlation) for c in declared))
    scales = list(dict.fromkeys(c.tau_scale for c in declared))
    totals = np.zeros((len(groups), len(tau), len(theta)))
    if held is not None:
        for i, (members, prior) in enumerate(groups):
            totals[i] = held.total(members[:-1], prior)
    weights = np.array([log_weights(tau, s) for s in scales])
    by_name = {(c.members, c.correlation, c.tau_scale): c for c in declared}
    ordered = tuple(by_name[(*group, s)] for group in groups for s in scales)
    return predictive(totals, theta, tau, weights, ends), ordered


def _planned(given: Assumed, about: float, error: float) -> PrintedSource:
    """The planned study as a source, to choose sets, a scale and a grid by; it is never pooled."""
    sample = given.spread_sample
    spread = math.nan if sample is None else float(np.median(sample))
    return PrintedSource(NEW, 0, SPREAD, NEW, about=about, error=error, sd=spread)


def _counted(
    sources: tuple[PrintedSource, ...], planned: PrintedSource, priors: list[str], scale: float
) -> list[Choice]:
    """Declared choices that lowest and highest look at, the main one first, without repetitions."""
    open_ = any(source.depends_on_correlation for source in sources)
    found = choices(nested_sets([*sources, planned], None), priors if open_ else priors[:1], scale)
    return [choice for choice in found if choice.counted]


def _grid(
    given: Assumed,
    sources: tuple[PrintedSource, ...],
    stated: CorrelationPrior,
    scale: float,
    tau: float,
) -> Array:
    """Grid of effects (m,) for today's sources and every drawn study."""
    study, truth = given.study, given.model_truth
    widest = math.hypot(tau, study.typical_error(study.smallest, truth))
    sharp = max(study.typical_error(POOLED_MOST, truth), _SHARP * scale)
    ends = (truth - _HELD * widest, truth + _HELD * widest)
    beside = [_planned(given, end, sharp) for end in ends]
    k = 1 + sum(source.bounded for source in sources)
    return grid_of([*sources, *beside], stated, scale, k)


def _prior_tau(scale: float) -> float:
    """Median of a half-normal."""
    from scipy.special import ndtri

    return scale * float(ndtri(0.75))
