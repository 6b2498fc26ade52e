"""Body fat: what six weeks of backward training took off, and whether forward takes off less."""

from __future__ import annotations

from dataclasses import replace

from retrostats.audit.analysis import Context
from retrostats.evidence.printed.pair import one_row
from retrostats.evidence.result.findings import Findings

from .bending import bending
from .checks import ASSUMPTIONS, checks_of
from .difference import difference_rows, more_space, ranges
from .drawing import draw
from .forward import forward_estimate, forward_rows, people_of, printed_only_rows
from .names import (
    BACKWARD,
    BEND,
    CAUSE,
    IN_ITS_READING,
    LOST,
    MORE,
    NAME,
    NEITHER,
    READING,
    TESTED,
    UNIT,
    measure_of,
)
from .trained import trained_rows, trained_space
from .user_cohorts import AVERAGE, SHOWN, joined_measures, user_cohort_effects
from .words import trained_men_rows

__all__ = ["METHODS", "NAME", "QUESTION", "TITLE", "TOPIC", "analyse", "draw"]

TITLE = "Body fat in six weeks"
TOPIC = "body_fat"
QUESTION = (
    "Did backward training take off almost 2.5% body fat, and more than forward running does?"
)
METHODS = (
    "The trial (Terblanche 2005) prints a change of 2.4%, its p-value and the group sizes; no "
    "baseline, no spread, nothing of the control group. Two things are not said: whether 2.4% "
    "are percentage points or a share of the fat, and whether p tests the change within the "
    "training group or against the control group. All four readings are carried through.",
    "Under each reading the SD of change is recovered from p and the arm by time mixed model is "
    "fitted to pre and post moments with that SD; baseline level and spread cancel.",
    "No forward-running group existed in that trial. The comparison is indirect: minus the "
    "change of the women who ran forward for six weeks in Hazell 2014, computed from printed fat "
    "and fat-free mass; the correlation of those two changes is not printed and runs from -1 "
    "to 1. Both trials stand in one model of their changes, arm fixed, with a residual variance "
    "each (the space is explored in its closed form); how far two trials differ for reasons other "
    "than direction is not identified with one each. Trials that compared directions head to head "
    "print no size and are listed.",
    "Eight trained men ran backward for five weeks without a significant change (Ordway 2016): "
    "every change that a test would not call so, over a range of spreads, is judged beside the "
    "trial for the cause and against forward running; own cohorts of a claim take its place.",
    "Own cohorts are averaged with the literature by precision, each in the unit of the reading (a "
    "cohort's change as a share of its mean before). The change is that within the backward arm, "
    "whatever the other arm; the change against a control arm is a row of its own, and the only "
    "one that bears on the cause. Two trials tell nothing of a variance between trials, so the "
    "average stands for these trials and has none.",
    "Bending the back (a reader's claim): the printed difference in pain between two groups by "
    "lot, with the error of its printed interval; people with back pain.",
)


def analyse(context: Context) -> Findings:
    """The change under every reading, and minus that of forward running."""
    rows = context.published
    printed = one_row(rows, study_id="terblanche2005", outcome="body_fat_pct")
    forward = {reading: forward_estimate(rows, reading) for reading in UNIT}
    own = user_cohort_effects(context)
    n = float(printed["n"])
    lost = measure_of(
        SHOWN[LOST],
        "Terblanche 2005",
        *trained_space(printed),
        LOST,
        n=n,
        follow=(TESTED,),
        unit=IN_ITS_READING,
    )
    more = measure_of(
        SHOWN[MORE],
        "indirect, two trials",
        *more_space(rows, printed),
        MORE,
        n=n + people_of(rows),
        follow=(READING,),
        unit=IN_ITS_READING,
    )
    alone = {
        LOST: lost,
        CAUSE: replace(lost, claim_id=CAUSE, comparison=False, follow=()),
        MORE: more,
    }
    joined = joined_measures(own, rows, printed)
    printed_only = printed_only_rows(rows)
    trained_men = trained_men_rows(context)
    bend_row, bend_measure = bending(rows)
    averaged = {SHOWN[claim] for claim in SHOWN if claim in joined}
    literature = (
        *trained_rows(printed),
        *forward_rows(rows, forward),
        *difference_rows(rows, printed, forward),
    )
    return Findings(
        estimates=(
            *(replace(row, pooled=row.estimate_id in averaged) for row in literature),
            *(shown.row for shown in printed_only),
            *(row for row, _ in trained_men.values()),
            bend_row,
            *(c.row(LOST, BACKWARD if c.relevant else NEITHER) for c in own[""]),
            *(c.row(CAUSE) for c in own[CAUSE]),
            *(c.row(MORE) for c in own[MORE]),
            *{row.estimate_id: row for _, row in joined.values() if row}.values(),
        ),
        measures=(
            *(joined[claim][0] if claim in joined else alone[claim] for claim in alone),
            *(
                replace(measure, claim_id="" if claim in joined else claim)
                for claim, (_, measure) in trained_men.items()
            ),
            *ranges(rows, printed),
            bend_measure,
            *(shown.measure for shown in printed_only),
        ),
        without_cohorts=(
            *(alone[claim] for claim in joined),
            *(measure for claim, (_, measure) in trained_men.items() if claim in joined),
        ),
        judged={
            **SHOWN, CAUSE: SHOWN[LOST], BEND: bend_row.estimate_id,
            **{claim: measure.estimate_id for claim, (measure, _) in joined.items()},
        },
        assumptions=(*ASSUMPTIONS, *((AVERAGE,) if joined else ())),
        checks=checks_of(rows),
    )  # fmt: skip
