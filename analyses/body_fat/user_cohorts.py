"""A reader's own cohorts: their changes, averaged with the literature on each claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.audit.analysis import Context
from retrostats.evidence.findings.averaged import AVERAGE_ID, Literature, averaged
from retrostats.evidence.findings.changes import cohort_changes, cohort_differences
from retrostats.evidence.findings.cohorts import (
    CohortEffect,
    compared,
)
from retrostats.evidence.result.findings import Assumption, EstimateRow, Measure
from retrostats.evidence.unreported.unknowns import Choice, Values

from .difference import more_space
from .forward import people_of
from .names import BACKWARD, CAUSE, IN_ITS_READING, LOST, MORE, NAME, READ_AS, READING, UNIT
from .trained import trained_space

if TYPE_CHECKING:
    import pandas as pd


#: Row that shows the literature on a claim at the middle of what it left open.
SHOWN = {LOST: "bf-points-within", MORE: "bf-more-points"}


def user_cohort_effects(context: Context) -> dict[str, list[CohortEffect]]:
    """Effects of a reader's own cohorts: every change (""), and those that bear on each claim."""
    points, cohorts = "percentage points of body mass", context.cohorts
    change, effect, more = (
        compared(context.audit, NAME, quantity, points)
        for quantity in ("body_fat_change", "body_fat_against_control", "body_fat_difference")
    )
    changes = cohort_changes(cohorts, change)
    return {
        "": changes,
        LOST: [c for c in changes if c.relevant],
        CAUSE: cohort_differences(cohorts, effect, effect.control),
        MORE: cohort_differences(cohorts, more),
    }


def joined_measures(
    user_cohorts: Mapping[str, Sequence[CohortEffect]], rows: pd.DataFrame, printed: pd.Series
) -> dict[str, tuple[Measure, EstimateRow | None]]:
    """Each claim on which own cohorts bear, as one average with the literature on it.

    Of the cause only controlled cohorts tell; without one, what was lost is all there is, and it
    has no comparison.
    """
    trained, unknowns = trained_space(printed)
    readings = {READ_AS[name]: name for name in UNIT}
    reading = Choice(READING, readings, "the abstract does not say")
    change = Literature(trained, (*unknowns, reading), float(printed["n"]), SHOWN[LOST])
    found: dict[str, tuple[Measure, EstimateRow | None]] = {}
    if user_cohorts[LOST]:
        row = partial(EstimateRow.of, quantity="body_fat_change", group=BACKWARD)
        lost = averaged(user_cohorts[LOST], change, row, "bf-own-lost", LOST, _in_reading)
        measure, shown = found[LOST] = _by_reading(*lost)
        found[CAUSE] = replace(measure, claim_id=CAUSE, comparison=False), shown
    if user_cohorts[CAUSE]:
        row = partial(EstimateRow.of, quantity="body_fat_against_control")
        found[CAUSE] = averaged(user_cohorts[CAUSE], None, row, "bf-own-cause", CAUSE)
    if user_cohorts[MORE]:
        parts, more = more_space(rows, printed)
        row = partial(EstimateRow.of, quantity="body_fat_difference")
        people = float(printed["n"]) + people_of(rows)
        literature = Literature(parts, tuple(more), people, SHOWN[MORE])
        differ = averaged(user_cohorts[MORE], literature, row, "bf-own-more", MORE, _in_reading)
        found[MORE] = _by_reading(*differ)
    return found


def _by_reading(measure: Measure, row: EstimateRow | None) -> tuple[Measure, EstimateRow | None]:
    """An average whose unit is that of the reading."""
    return replace(measure, unit=IN_ITS_READING, unit_choice=READING), row


def _in_reading(cohort: CohortEffect, v: Values) -> Any:
    """Factor from percentage points to the unit of each reading, by the cohort's mean before."""
    return np.where(v[READING] == "relative", 100 / cohort.baseline, 1.0)


AVERAGE = Assumption(
    AVERAGE_ID,
    "estimand",
    "own cohorts and the literature are averaged by precision, without a variance between them",
    "two trials tell nothing of one; the average stands for these trials, not for others",
)
