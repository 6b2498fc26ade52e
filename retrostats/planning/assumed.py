"""What a plan takes for granted: from the claim, the evidence, and what the caller gives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrostats.audit.analysis import Context, analysed, select
from retrostats.audit.audit import Audit, load_audit
from retrostats.audit.claims import Claim
from retrostats.audit.verdict import claimed_range
from retrostats.common.arrays import instances_of, one_of, real_number
from retrostats.common.errors import InputError
from retrostats.common.nearest import suggestion
from retrostats.evidence.printed.measures import CORRELATION, PROPORTION, measure_of_pool
from retrostats.evidence.printed.measures import Measure as EffectMeasure
from retrostats.evidence.printed.pooled_printed import PooledPrinted
from retrostats.evidence.result.findings import EstimateRow, Measure
from retrostats.evidence.unreported.likelihood import measure_of
from retrostats.evidence.unreported.unknowns import Space
from retrostats.io.pages.topics import in_same_people
from retrostats.planning.deciding import deciding
from retrostats.planning.designs import Counted, Measured, arms_of
from retrostats.planning.one_group import Correlated, Proportioned
from retrostats.planning.spreads import DRAWS, mixed, spreads_frame, spreads_of

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
#: Designs of a comparison, and those of one group whose error follows from its people.
COMPARED = ("paired", "two-arm", "counts", "two-arm-counts")
ONE_GROUP = (CORRELATION, PROPORTION)
DESIGNS = (*COMPARED, *ONE_GROUP)
#: Rates are given per so many units of exposure.
PER = 1000.0


@dataclass(frozen=True, slots=True, eq=False)
class Assumed:
    """Everything a plan rests on.

    Attributes
    ----------
    study
        What draws studies of a size.
    measured
        What is measured, with its scale in a model: a logarithm, Fisher's z, a logit, or as it is.
    model_truth
        `truth` on that scale.
    measure, row
        What judges the claim today, if anything does, and its row of the estimates.
    correlation
        Prior of correlations that the audit states for the claim (mean and SD of Fisher's z).
    words
        For the reader.
    planned_on
        Of a claim of several measures: the one that is planned on and why, in words.
    """

    claim: Claim
    design: str
    study: Measured | Counted | Correlated | Proportioned
    measured: EffectMeasure
    truth: float
    model_truth: float
    spreads: pd.DataFrame
    spread_sample: Array | None
    measure: Measure | None
    row: EstimateRow | None
    correlation: tuple[float, float] | None
    exposure: float
    words: str
    planned_on: str = ""


def assume(
    claim: str | Claim,
    audit: Audit | str | Path | None,
    truth: float | None,
    spread: float | tuple[float, float] | None,
    design: str | None,
    rate: float | tuple[float, float] | None,
    exposure: float | None,
    seed: int,
) -> Assumed:
    """Everything a plan rests on; parameters as of `retrostats.planning.plan.plan`."""
    for name, value in (("truth", truth), ("exposure", exposure)):
        if value is not None:
            real_number(value, name)
    about = audit if isinstance(audit, Audit) else load_audit(audit)
    parsed = _claim(claim, about)
    measure, row, which = (
        (None, None, "") if isinstance(claim, Claim) else _measure(parsed, about, seed)
    )
    measured = _measured(parsed, about, measure, given=spread is not None)
    chosen = _chosen(design, parsed, about, measured)
    true = _truth(parsed, truth, measure, measured)
    built = partial(
        Assumed, claim=parsed, design=chosen, measured=measured, truth=true,
        model_truth=float(measured.to_model(true)), measure=measure, row=row, planned_on=which,
        correlation=about.correlation_prior(parsed.claim_id) if measure is not None else None,
    )  # fmt: skip
    if chosen in ("counts", "two-arm-counts"):
        study, words = _counted(parsed, rate, exposure, arms_of(chosen), log=measured.is_log)
        return built(study=study, spreads=spreads_frame({}), spread_sample=None,
                     exposure=study.exposure, words=f"{_said(parsed, true)}; {words}")  # fmt: skip
    if rate is not None or exposure is not None:
        raise InputError(f"rate and exposure are of counts, but the design is {chosen}; leave them")
    if chosen in ONE_GROUP:
        if spread is not None:
            raise InputError(
                f"spread {spread!r}: the error of a {chosen} follows from the people; leave spread"
            )
        one = Correlated() if chosen == CORRELATION else Proportioned()
        return built(study=one, spreads=spreads_frame({}), spread_sample=None, exposure=math.nan,
                     words=f"{_said(parsed, true)}; a {chosen} in one group")  # fmt: skip
    by_source = {} if spread is not None or measure is None else spreads_of(measure.sources, seed)
    # one group printed, two planned: half of the people in each doubles the error of a difference
    single = chosen == "two-arm" and measure is not None and not measure.comparison
    sample = _sample(parsed, spread, by_source, 2.0 if single else 1.0)
    groups = 2 if chosen == "two-arm" else 1
    between = f"spread {sample[0]:.3g} to {sample[-1]:.3g}, middle {np.median(sample):.3g}"
    said = (_said(parsed, true), chosen, between + (" (log scale)" if measured.is_log else ""))
    return built(study=Measured(sample, groups), spreads=spreads_frame(by_source),
                 spread_sample=sample, exposure=math.nan, words="; ".join(said))  # fmt: skip


def _measured(claim: Claim, audit: Audit, measure: Measure | None, *, given: bool) -> EffectMeasure:
    """What is measured: as the pool has it, else as the page says, else by the claim's scale.

    Raises
    ------
    InputError
        A slope on a moderator, of which no source says how far people differ, unless that is
        `given`.
    """
    page = () if audit.page is None else audit.page.claims
    said = next((c for c in page if c.claim_id == claim.claim_id), None)
    if said is not None and said.moderator and given:
        return measure_of((), claim.scale)
    if said is not None and said.moderator:
        raise InputError(
            f"claim {claim.claim_id}: it is on the slope on {said.moderator} between studies, "
            "which no source's people tell; plan a claim on the effect, or give spread "
            "(--spread), the SD of one person's contribution to the slope"
        )
    if measure is not None and isinstance(measure.posterior, PooledPrinted):
        return measure.posterior.measure
    if said is not None:
        return measure_of_pool(said.measure, [])
    return measure_of(() if measure is None else measure.sources, claim.scale, claim.quantity)


def _chosen(design: str | None, claim: Claim, audit: Audit, measured: EffectMeasure) -> str:
    """The design as asked for, else by the claim; one group has its own and no other."""
    wanted = _design(claim, audit, measured) if design is None else design
    one_of(wanted, "design", DESIGNS)
    alone = measured.name if measured.name in ONE_GROUP else ""
    if wanted != alone and (alone or wanted in ONE_GROUP):
        kinds = (alone,) if alone else COMPARED
        raise InputError(
            f"design {wanted!r}: claim {claim.claim_id} is on a {measured.name}; allowed: "
            f"{', '.join(kinds)}"
        )
    return "two-arm-counts" if wanted == "counts" and _in_arms(claim, audit) else wanted


def _claim(claim: str | Claim, audit: Audit) -> Claim:
    instances_of([claim], "claim", str, Claim)
    claims = audit.claims
    if isinstance(claim, str) and claim not in claims:
        raise InputError(
            f"claim {claim!r}: not in this audit{suggestion(claim, list(claims))}; choose from "
            f"{', '.join(claims)}"
        )
    parsed = claims[claim] if isinstance(claim, str) else claim
    if not (parsed.has_direction or parsed.has_size):
        raise InputError(
            f"claim {parsed.claim_id}: it names neither a direction nor a size, so no study of "
            "people settles it by itself"
        )
    return parsed


def _design(claim: Claim, audit: Audit, measured: EffectMeasure) -> str:
    """Rates are counted; one group is enough for a description, and where people are in both."""
    if measured.name in ONE_GROUP:
        return measured.name
    if claim.scale == "rate_ratio":
        return "counts"
    return "two-arm" if _in_arms(claim, audit) and claim.kind == "causal" else "paired"


def _in_arms(claim: Claim, audit: Audit) -> bool:
    """Whether each person is in one arm, in the topic of a claim or in most rows of its page."""
    page = audit.page
    said = None if page is None else next(
        (c for c in page.claims if c.claim_id == claim.claim_id), None
    )  # fmt: skip
    if page is not None and said is not None:
        return not in_same_people(page.rows_of(said))
    topic = audit.topic_of(claim.analysis)
    return topic is not None and topic.compares == "arm"


def _measure(
    claim: Claim, audit: Audit, seed: int
) -> tuple[Measure | None, EstimateRow | None, str]:
    """The measure that decides the claim, its row, and in words which of several it is."""
    if claim.analysis not in audit.analyses:
        return None, None, ""
    (analysis,) = select([claim.analysis], audit)
    rows = audit.published
    rows = rows[rows["topic"] == analysis.topic].reset_index(drop=True)
    found = analysed(analysis, Context(rows, audit.claims, audit, (), seed))
    by_id = {row.estimate_id: row for row in found.estimates}
    mine = [m for m in found.measures if m.claim_id == claim.claim_id]
    if not mine:
        return None, None, ""
    chosen, words = deciding(claim, mine, by_id, audit.correlation_prior(claim.claim_id))
    return chosen, by_id.get(chosen.estimate_id), words


def _truth(
    claim: Claim, truth: float | None, measure: Measure | None, measured: EffectMeasure
) -> float:
    """As given; else the middle of the claimed range, else today's estimate."""
    if truth is not None:
        if not math.isfinite(measured.to_model(truth)):
            raise InputError(f"truth {truth}: give a finite number{_ALLOWED[_kind(measured)]}")
        return float(truth)
    low, high = claimed_range(claim)
    if math.isfinite(low) and math.isfinite(high):
        return (low + high) / 2
    if measure is None:
        raise InputError(
            f"claim {claim.claim_id}: nothing was measured to take its truth from; give truth "
            "(--truth), the effect that the study should be able to show"
        )
    space = Space.of(measure.unknowns)
    return float(np.ravel(measure.estimator(0.95)(space.values(space.reference_point))[0])[0])


#: What a truth may be, by how it is modelled.
_ALLOWED = {
    "log": " above 0, as 1.3", CORRELATION: " between -1 and 1, as 0.3",
    PROPORTION: " between 0 and 1, as 0.2", "": "",
}  # fmt: skip


def _kind(measured: EffectMeasure) -> str:
    return "log" if measured.is_log else measured.name if measured.name in ONE_GROUP else ""


def _range(name: str, given: Any) -> tuple[float, float]:
    """One number, or the two ends of a range, above 0."""
    pair = given if isinstance(given, list | tuple) else (given, given)
    ends = tuple(real_number(end, name) for end in pair)
    if len(ends) != 2 or not all(math.isfinite(x) for x in ends) or not 0 < ends[0] <= ends[1]:
        raise InputError(
            f"{name} {given!r}: give a number above 0, or the two ends of a range, the lower first"
        )
    return float(ends[0]), float(ends[1])


def _sample(claim: Claim, spread: Any, by_source: dict[str, Array], factor: float) -> Array:
    """Spreads, sorted, even in share."""
    if spread is not None:
        return np.linspace(*_range("spread", spread), DRAWS)
    if not by_source:
        raise InputError(
            f"claim {claim.claim_id}: the evidence leaves no spread between people to plan with; "
            "give spread (--spread), the SD of one person's contribution"
            + (" on the log scale" if claim.scale != "difference" else "")
        )
    return mixed(by_source, factor)


def _counted(
    claim: Claim, rate: Any, exposure: Any, arms: int, *, log: bool
) -> tuple[Counted, str]:
    if not log:
        raise InputError(f"claim {claim.claim_id}: counts give a ratio, it is about a difference")
    missing = [name for name, value in (("rate", rate), ("exposure", exposure)) if value is None]
    if missing:
        raise InputError(
            f"claim {claim.claim_id}: counts need {' and '.join(missing)}; give rate (--rate), "
            f"events per {PER:.0f} units of exposure under the second condition, and exposure "
            "(--exposure), units of one person under each"
        )
    if not (math.isfinite(exposure) and exposure > 0):
        raise InputError(f"exposure {exposure}: give a number above 0, as 100")
    low, high = _range("rate", rate)
    each = "a person, in one arm" if arms == 2 else "a person and condition"
    words = f"counts; {low:g} to {high:g} events per {PER:.0f}, {exposure:g} {each}"
    return Counted(np.linspace(low / PER, high / PER, DRAWS), float(exposure), arms), words


def _said(claim: Claim, truth: float) -> str:
    return f"truth taken as {truth:.4g} ({claim.unit or claim.scale})"
