"""Own cohorts in the pool of a page: their mixed models as entries beside printed rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from retrostats.audit.pages.pooling import Entry
from retrostats.common.errors import InputError
from retrostats.evidence.findings.changes import cohort_changes, cohort_differences
from retrostats.evidence.findings.cohorts import (
    CohortEffect,
    Compared,
    cohort_rates,
    cohort_ratios,
    compared,
)
from retrostats.evidence.findings.groups import GROUP_MEASURES, group_effect
from retrostats.evidence.printed.measures import (
    DIFFERENCE,
    EVENT_RATIOS,
    RATIO_OF_MEANS,
    Measure,
)
from retrostats.evidence.unreported.likelihood import printed_source
from retrostats.io.validation.reading import between_people

if TYPE_CHECKING:
    from retrostats.audit.analysis import Context
    from retrostats.common.vocabulary import Topic

#: What measures take which cohorts.
_TAKEN = (
    "counts with an exposure for rate, risk, odds and hazard ratios, and measured values in both "
    "conditions for mean differences, ratios of means and SMDs"
)


def cohort_effects(
    context: Context, analysis: str, measure: Measure, quantity: str, unit: str
) -> list[CohortEffect]:
    """Effects of the cohorts of an analysis in the measure of its pool.

    Counts over an exposure give rate ratios; people in both conditions their own ratios or
    differences; groups of other people what their means and spreads give; arms at two times the
    difference of their changes, or the change itself where there is one arm.

    Raises
    ------
    InputError
        A cohort that gives no effect in this measure.
    """
    cohorts: Sequence[Any] = context.cohorts
    topic = context.audit.topic_of(analysis)
    if topic is None or not cohorts:
        return []
    by = replace(compared(context.audit, analysis, quantity, unit), log=measure.is_log)
    return [effect for cohort in cohorts
            for effect in effects_of(cohort, topic.fitting(cohort.frame), by, measure)]  # fmt: skip


def effects_of(cohort: Any, topic: Topic, by: Compared, measure: Measure) -> list[CohortEffect]:
    """Effects of one cohort, see `cohort_effects`; `topic` is the one that its columns fit."""
    if topic.counted:
        if measure.name in EVENT_RATIOS:
            return cohort_rates([cohort], by)
    elif measure.name in (RATIO_OF_MEANS, DIFFERENCE):
        if topic.compares == "arm":
            return _of_arms(cohort, topic, by)
        if not between_people(cohort.frame, "direction"):
            return cohort_ratios([cohort], by)
    if topic.compares == "direction" and not topic.counted and measure.name in GROUP_MEASURES:
        return [group_effect(cohort, by, GROUP_MEASURES[measure.name])]
    raise InputError(
        f"cohort {cohort.provenance['name']}: a claim on {measure.name} takes no cohort of this "
        f"shape; allowed are {_TAKEN}; change the claim's measure, or leave the cohort out"
    )


def _of_arms(cohort: Any, topic: Topic, by: Compared) -> list[CohortEffect]:
    """The difference of the changes of both arms; of one arm only where rows print no other."""
    found = cohort_differences([cohort], by)
    if found or not topic.both_arms:
        return found or cohort_changes([cohort], by)
    raise InputError(
        f"cohort {cohort.provenance['name']}: found no people in both arms; allowed are people in "
        f"{by.first} and in {by.second}, which the claim compares; say under [levels] in a spec "
        "which arm is which"
    )


def cohort_entry(effect: CohortEffect, measure: Measure, place: int) -> Entry:
    """An effect of an own cohort as an entry of the pool; nothing of it is open."""
    source = effect.source
    likelihood = printed_source(source, place, measure)
    return Entry(effect.label, likelihood, effect.estimate, source, float(effect.n))
