"""Readings, unknowns and claims by name, and a measure of a difference over what it rests on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.evidence.printed.change import (
    between_group_change,
    within_group_change,
)
from retrostats.evidence.result.findings import Measure
from retrostats.evidence.unreported.pooled import interval_of
from retrostats.evidence.unreported.sources import Effects, Source
from retrostats.evidence.unreported.unknowns import Choice, Unknown, Values

if TYPE_CHECKING:
    pass

NAME = "body-fat"
UNIT = {"points": "percentage points of body mass", "relative": "% of the body fat"}
READ_AS = {"points": "points of body mass", "relative": "% of the fat"}
IN_ITS_READING = "change, in the unit of its reading"
READING, TESTED = "reading of 2.4%", "what p = 0.01 tests"
CHANGE, P = "change, Terblanche 2005", "p, Terblanche 2005"
BOTH_CHANGES = "correlation of fat and lean changes, Hazell 2014"
WITHIN, AGAINST = "within the training group", "against the control"
P_TESTS = {
    WITHIN: "if p tests the change of those who trained",
    AGAINST: "if p tests the difference from the control group",
}
MODELS = {WITHIN: within_group_change, AGAINST: between_group_change}
LOST, CAUSE, MORE = "body_fat_6wk", "body_fat_cause", "more_than_forward"
BEND = "bend_back"
ORDWAY = "bf-ordway2016-body-fat-pct-backward-run-treadmill"
TRAINED = ("bf-unit", "bf-test", "bf-rounding")
#: Headings of the forest of changes.
BACKWARD, FORWARD, NEITHER = "Backward", "Forward, other trials", "Own cohorts, not backward"
Parts = tuple[Any, Any, Any]  # change, standard error and df, arrays


def measure_of(
    estimate_id: str,
    name: str,
    parts: Callable[[Values], Parts],
    unknowns: Sequence[Unknown | Choice],
    claim_id: str = "",
    follow: tuple[str, ...] = (),
    n: float = np.nan,
    unit: str = "",
) -> Measure:
    """A difference of n people with its error and df, over the unknowns it rests on."""

    def at(level: float) -> Callable[[Values], Any]:
        return lambda v: interval_of(*parts(v), level, log=False)

    def effects(v: Values) -> Effects:
        value, error, _ = parts(v)
        return Effects(value, error**2)

    source = Source(name, n, tuple(unknowns), effects)
    return Measure(
        estimate_id,
        name,
        at,
        tuple(unknowns),
        claim_id,
        follow=follow,
        sources=(source,),
        unit=unit,
        unit_choice=READING if unit == IN_ITS_READING else "",
    )
