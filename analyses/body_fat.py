"""Body fat: what six weeks of backward training took off, and whether forward takes off less."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.audit.analysis import Context
from retrostats.audit.claims import Claim
from retrostats.evidence.findings.builders import Builders
from retrostats.evidence.findings.cohorts import CohortEffect
from retrostats.evidence.findings.open_effects import OpenEffect, ShareChange, of_source
from retrostats.evidence.findings.results import Result, findings_of, methods_of
from retrostats.evidence.result.findings import EstimateRow, Findings
from retrostats.evidence.unreported.unknowns import Choice, Values

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.report.figures import Drawing

NAME = "body-fat"
TITLE = "Body fat in six weeks"
TOPIC = "body_fat"
QUESTION = (
    "Did backward training take off almost 2.5% body fat, and more than forward running does?"
)
LOST, CAUSE, MORE, BEND = "body_fat_6wk", "body_fat_cause", "more_than_forward", "bend_back"
READING, TESTED = "reading of 2.4%", "what p = 0.01 tests"
UNIT = {"unit": "change, in the unit of its reading", "unit_choice": READING}
BY_READING = {"follow": (READING,), **UNIT}
OPTIONS = {"points of body mass": "points", "% of the fat": "relative"}
READ_AS = Choice(READING, OPTIONS, "the abstract does not say")
#: Arms of the model by what p may test.
TESTS = {"within the training group": 1, "against the control": 2}


def analyse(context: Context) -> Findings:
    """The trial (Terblanche 2005) prints a change of 2.4%, its p-value and the group sizes; no
    baseline, no spread, nothing of the control group. Two things are not said: whether 2.4%
    are percentage points or a share of the fat, and whether p tests the change within the
    training group or against the control group. All four readings are carried through.
    """
    build = Builders.of(context, TOPIC)
    change, trained = build.open_change("bf-points-within", TESTED, TESTS), readings(build)
    hazell, more, forward, differences = minus_forward(build, change, trained)
    lost = change.result("bf-points-within", "Terblanche 2005", LOST, follow=(TESTED,), **UNIT)
    alone = {
        LOST: lost,
        CAUSE: lost.judging(CAUSE, comparison=False, follow=()),
        MORE: more.result(
            "bf-more-points", "indirect, two trials", MORE, follow=(READING,), **UNIT
        ),
    }
    joined, rows = user_cohorts(build, change, more)
    judged = [result.joined_by(joined.get(claim)) for claim, result in alone.items()]
    averaged = {alone[c].estimate_id for c in joined if c != CAUSE}
    literature = [r.pooled_in(averaged) for r in (*trained, *forward, *differences)]
    men = trained_men(build, hazell)
    fat_mass = ("bf-macpherson-endurance", "bf-macpherson-sprint")
    economy = {"study_id": "ordway2016", "outcome": "forward_running_economy_ml_kg_min"}
    return findings_of(
        [
            [result.only_measure() for result in judged], literature,
            [build.shown(name, lambda percent: percent) for name in fat_mass],
            [r.only_shown() if claim in joined else r for claim, r in men.items()],
            bending(build), rows, judged, build.assumptions(), build.percent_checks(),
            build.paired_p_check("ordway-economy-p", "p of the change in forward running economy",
                                 **economy),
        ],
        judged={result.claim_id: result.estimate_id for result in judged}
        | {BEND: "bf-park"},
    )  # fmt: skip


def readings(build: Builders) -> list[Result]:
    """Under each reading the SD of change is recovered from p and the arm by time mixed model is
    fitted to pre and post moments with that SD; baseline level and spread cancel.
    """
    assumed = ("bf-unit", "bf-test", "bf-rounding")
    return [build.tested_change(x, TESTED, TESTS, assumed) for x in build.of_kind("trained")]


def minus_forward(
    build: Builders, change: OpenEffect, trained: Sequence[Result]
) -> tuple[ShareChange, OpenEffect, list[Result], list[Result]]:
    """No forward-running group existed in that trial. The comparison is indirect: minus the
    change of the women who ran forward for six weeks in Hazell 2014, computed from printed fat
    and fat-free mass; the correlation of those two changes is not printed and runs from -1
    to 1. Both trials stand in one model of their changes, arm fixed, with a residual variance
    each (the space is explored in its closed form); how far two trials differ for reasons other
    than direction is not identified with one each. Trials that compared directions head to head
    print no size and are listed.
    """
    hazell = build.share_change("bf-hazell-points", ("fat mass", "lean mass"))
    forward, differences = [], []
    for reading, within in zip(READ_AS.options.values(), trained[::2], strict=True):
        name, relative = f"bf-hazell-{reading}", reading == "relative"
        estimate = hazell.at_printed(build.entry(name).unit, ("bf-hazell",), relative=relative)
        forward.append(build.estimated(name, estimate, hazell.change(relative=relative)))
        one = Choice(READING, {reading: reading}, READ_AS.why)
        effect, follow = change.minus(hazell.by(one, "relative")), (hazell.correlation,)
        found = build.minus(f"bf-more-{reading}", within, forward[-1], effect, follow=follow)
        differences.append(found)
    return hazell, change.minus(hazell.by(READ_AS, "relative")), forward, differences


def trained_men(build: Builders, forward: ShareChange) -> dict[str, Result]:
    """Eight trained men ran backward for five weeks without a significant change (Ordway 2016):
    every change that a test would not call so, over a range of spreads, is judged beside the
    trial for the cause and against forward running; own cohorts of a claim take its place.
    """
    men = build.in_words("bf-ordway", "not significant")
    less = of_source(men).minus(forward.effect)
    rows = [build.printed("bf-ordway"), *forward.rows]
    return {
        CAUSE: men.judging(CAUSE, comparison=False),
        MORE: build.open_effect("bf-more-ordway", less, rows, claim_id=MORE),
    }


def user_cohorts(
    build: Builders, change: OpenEffect, more: OpenEffect
) -> tuple[dict[str, Result], list[EstimateRow]]:
    """Own cohorts are averaged with the literature by precision, each in the unit of the reading (a
    cohort's change as a share of its mean before). The change is that within the backward arm,
    whatever the other arm; the change against a control arm is a row of its own, and the only
    one that bears on the cause. Two trials tell nothing of a variance between trials, so the
    average stands for these trials and has none.
    """
    changes = build.cohort_changes("bf-own-lost")
    lost = [cohort for cohort in changes if cohort.relevant]
    cause = build.cohort_differences("bf-own-cause", control=True)
    differ = build.cohort_differences("bf-own-more")

    def in_reading(cohort: CohortEffect, v: Values) -> Any:
        return np.where(v[READING] == "relative", 100 / cohort.baseline, 1.0)

    joined: dict[str, Result] = {}
    if lost:
        joined[LOST] = build.average("bf-own-lost", lost, change.also(READ_AS), in_reading, **UNIT)
        joined[CAUSE] = joined[LOST].judging(CAUSE, comparison=False)
    if cause:
        joined[CAUSE] = build.average("bf-own-cause", cause)
    if differ:
        joined[MORE] = build.average("bf-own-more", differ, more, in_reading, **UNIT)
    shown = {"bf-own-lost": changes, "bf-own-cause": cause, "bf-own-more": differ}
    return joined, [row for name in shown for row in build.cohort_rows(name, shown[name])]


def bending(build: Builders) -> Result:
    """Bending the back (a reader's claim): the printed difference in pain between two groups by
    lot, with the error of its printed interval; people with back pain.
    """
    return build.difference("bf-park", turned=True)


METHODS = methods_of(analyse, readings, minus_forward, trained_men, user_cohorts, bending)


def draw(frames: Mapping[str, pd.DataFrame], claims: Mapping[str, Claim]) -> dict[str, Drawing]:
    """Change under each reading beside forward running, its sensitivity, and who retold it how."""
    from retrostats.report import figures

    more, change = ("backward loses more", "backward loses less"), "Change ({unit})"
    forests = [
        figures.Forest("body_fat_change", change, "Change in body fat, read as {unit}",
                       ("fat lost", "fat gained"), LOST),
        figures.Forest("body_fat_against_control", change,
                       "Backward minus control, read as {unit}", more),
        figures.Forest("body_fat_difference", change,
                       "Backward minus forward, read as {unit}", more),
    ]  # fmt: skip
    retold = frames["retellings"]
    bare = ~retold["minutes"].str[:1].str.isdigit()
    often = retold["frequency"] + ", " + retold["minutes"].where(bare, retold["minutes"] + " min")
    columns = [
        figures.Column("lost", "Lost", 15.0), figures.Column("what_lost", "Of what", 20.0),
        figures.Column("often", "How often", 24.0), figures.Column("comparator", "Against", 27.0),
    ]  # fmt: skip
    lost = retold["figure_text"].where(retold["figure_text"] == "", retold["figure_text"] + "%")
    readings = ("bf-more-points", "bf-more-relative")
    return {
        "body_fat_change": figures.forest_drawing(
            frames, claims, forests, "data/published/body_fat.csv",
            "Change in body fat under each reading, beside forward running",
            ("bf-points-within", *readings),
        ),
        "body_fat_sensitivity": figures.sensitivity_drawing(
            frames, claims, "Body fat difference as a function of what was not printed", readings
        ),
        "retelling_chain": figures.retelling_drawing(
            retold.assign(often=often.str.strip(", "), lost=lost),
            "Chain of retellings of the six-week study and what each changed", columns,
            "data/claim_drift.csv", "the other figures show what is computed from printed numbers",
        ),
    }  # fmt: skip
