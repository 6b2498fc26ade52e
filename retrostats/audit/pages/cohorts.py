"""Own cohorts in the pool of a page: their mixed models as entries beside printed rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrostats.audit.pages.pooling import Entry
from retrostats.evidence.findings.changes import cohort_changes, cohort_differences
from retrostats.evidence.findings.cohorts import (
    CohortEffect,
    Compared,
    cohort_rates,
    cohort_ratios,
    compared,
)
from retrostats.evidence.printed.measures import EVENT_RATIOS, RATIO_OF_MEANS, Measure
from retrostats.evidence.unreported.likelihood import printed_source

if TYPE_CHECKING:
    from retrostats.audit.analysis import Context


def cohort_effects(
    context: Context, analysis: str, measure: Measure, quantity: str, unit: str
) -> list[CohortEffect]:
    """Effects of the cohorts of an analysis in the measure of its pool.

    Counts over an exposure give rate ratios, people in both conditions ratios, arms at two times
    the difference of their changes, or the change itself where there is one arm.
    """
    cohorts: Sequence[Any] = context.cohorts
    topic = context.audit.topic_of(analysis)
    if topic is None or not cohorts:
        return []
    by: Compared = compared(context.audit, analysis, quantity, unit)
    if topic.counted:
        return cohort_rates(cohorts, by) if measure.name in EVENT_RATIOS else []
    if topic.compares == "direction":
        return cohort_ratios(cohorts, by) if measure.name == RATIO_OF_MEANS else []
    if measure.is_log:
        return []
    return cohort_differences(cohorts, by) or cohort_changes(cohorts, by)


def cohort_entry(effect: CohortEffect, measure: Measure, place: int) -> Entry:
    """An effect of an own cohort as an entry of the pool; nothing of it is open."""
    source = effect.source
    likelihood = printed_source(source, place, measure)
    return Entry(effect.label, likelihood, effect.estimate, source, float(effect.n))
