"""Body fat: what six weeks of backward training took off, and whether forward takes off less."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.analysis import Context
from retrostats.cohorts import cohort_changes, cohort_differences
from retrostats.judge.claims import Claim
from retrostats.judge.verdict import Candidate
from retrostats.reduce.change import (
    between_group_change,
    candidate,
    combine,
    difference,
    p_readings,
    percent_fat_change,
    within_group_change,
)
from retrostats.reduce.pair import one_row
from retrostats.reduce.recompute import paired_p, percent_change
from retrostats.result.estimate import Estimate
from retrostats.result.findings import Assumption, Check, EstimateRow, Findings, Sweep
from retrostats.study import hollow_row

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NAME = "body-fat"
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
    "to 1. Trials that compared directions head to head print no size and are listed.",
)
UNIT = {"points": "percentage points of body mass", "relative": "% of the body fat"}
READING, TESTED, ROUNDED = "reading of 2.4%", "what p = 0.01 tests", "rounding of p"
BOTH_CHANGES = "correlation of fat and lean changes, Hazell 2014"
MODELS = {
    "within the training group": within_group_change,
    "against the control": between_group_change,
}
LOST, MORE = "body_fat_6wk", "more_than_forward"


def analyse(context: Context) -> Findings:
    """The change under every reading, and minus that of forward running."""
    rows = context.published
    printed = one_row(rows, study_id="terblanche2005", outcome="body_fat_pct")
    axes = combine(
        {READING: {name: name for name in UNIT}},
        {TESTED: dict(MODELS)},
        {ROUNDED: p_readings(printed["p_value_text"])},
    )
    trained = [(chosen, _trained(printed, chosen)) for chosen in axes]
    forward = {
        (reading, float(rho)): _forward(rows, reading, float(rho))
        for reading in UNIT
        for rho in np.linspace(-1, 1, 5)
    }
    lost = tuple(candidate(estimate, chosen) for chosen, estimate in trained)
    more = tuple(
        Candidate(
            difference(estimate, forward[reading, rho]).interval(),
            {**candidate(estimate, chosen).unknowns, BOTH_CHANGES: rho},
        )
        for chosen, estimate in trained
        for reading, rho in forward
        if reading == chosen[READING][0]
    )
    cohorts, direct = cohort_changes(context.cohorts), cohort_differences(context.cohorts)
    own_lost = tuple(cohort.candidate for cohort in cohorts if cohort.bears)
    own_more = tuple(cohort.candidate for cohort in direct)
    return Findings(
        estimates=(
            *_trained_rows(printed, trained, lost),
            *_forward_rows(rows, forward),
            *_difference_rows(trained, forward, more, float(printed["n"]) + _people(rows)),
            *_printed_only(rows),
            *(cohort.row(LOST) for cohort in cohorts),
            *(cohort.row(MORE) for cohort in direct),
        ),
        candidates={LOST: (*lost, *own_lost), MORE: (*more, *own_more)},
        without_cohorts={
            **({LOST: lost} if own_lost else {}),
            **({MORE: more} if own_more else {}),
        },
        judged={LOST: "bf-points-within", MORE: "bf-more-points"},
        assumptions=ASSUMPTIONS,
        checks=_checks(rows),
        sweeps=tuple(
            Sweep(
                f"bf-more-{reading}",
                f"Backward minus forward, {reading}",
                "difference",
                tuple(
                    Candidate(c.interval, {BOTH_CHANGES: c.unknowns[BOTH_CHANGES]})
                    for c in more
                    if c.unknowns[READING] == reading
                    and c.unknowns[ROUNDED] == "as printed"
                    and c.unknowns[TESTED] == "within the training group"
                ),
                MORE,
                UNIT[reading],
                _people(rows) + float(printed["n"]),
            )
            for reading in UNIT
        ),
    )


def _trained(printed: pd.Series, chosen: Mapping[str, tuple[str, Any]]) -> Estimate:
    """The trial's change under one choice of readings."""
    model, p = chosen[TESTED][1], chosen[ROUNDED][1]
    return model(
        float(printed["change"]),
        p,
        int(printed["n"]),
        UNIT[chosen[READING][0]],
        (printed["row_id"],),
        ("bf-unit", "bf-test", "bf-rounding"),
    )


def _trained_rows(printed, trained, lost) -> list[EstimateRow]:  # type: ignore[no-untyped-def]
    """One row a reading; the sensitivity range runs over the rounding of p."""
    rows = []
    for chosen, estimate in trained:
        reading, tested = chosen[READING][0], chosen[TESTED][0]
        if chosen[ROUNDED][0] != "as printed":
            continue
        same = [c for c in lost if c.unknowns[READING] == reading and c.unknowns[TESTED] == tested]
        rows.append(
            EstimateRow.of(
                estimate,
                f"bf-{reading}-{tested.split()[0]}",
                f"Terblanche 2005, backward, p {tested}",
                quantity="body_fat_change",
                role="model",
                claim_id=LOST,
                study_id="terblanche2005",
                n=float(printed["n"]) * (1 if tested.startswith("within") else 2),
                directness="direct",
                reading=f"2.4% as {UNIT[reading]}; p {tested}",
            ).over(same, ROUNDED)
        )
    return rows


def _forward(rows: pd.DataFrame, reading: str, rho: float) -> Estimate:
    """Hazell 2014: change of percent fat with six weeks of forward sprint running."""
    fat, lean = _pre_post(rows, "fat_mass_kg"), _pre_post(rows, "fat_free_mass_kg")
    before, change, std_error = percent_fat_change(
        (fat[0]["mean"], fat[1]["mean"]),
        (lean[0]["mean"], lean[1]["mean"]),
        fat[1]["p_value"],
        lean[1]["p_value"],
        int(fat[1]["n"]),
        rho,
    )
    per = 1.0 if reading == "points" else 100 / before
    return Estimate(
        change * per,
        std_error * per,
        fat[1]["n"] - 1,
        "difference",
        UNIT[reading],
        tuple(row["row_id"] for row in (*fat, *lean)),
        ("bf-hazell",),
    )


def _pre_post(rows: pd.DataFrame, outcome: str) -> tuple[pd.Series, pd.Series]:
    where = {"study_id": "hazell2014", "outcome": outcome}
    return one_row(rows, time="pre", **where), one_row(rows, time="post", **where)


def _people(rows: pd.DataFrame) -> float:
    """People of Hazell 2014 with both measurements; counted, not recovered from the df of a fit."""
    return float(_pre_post(rows, "fat_mass_kg")[1]["n"])


def _forward_rows(rows, forward) -> list[EstimateRow]:  # type: ignore[no-untyped-def]
    return [
        EstimateRow.of(
            forward[reading, 0.0],
            f"bf-hazell-{reading}",
            "Hazell 2014, forward sprints",
            quantity="body_fat_change",
            role="recomputed",
            study_id="hazell2014",
            n=_people(rows),
            directness="forward running, other trial",
            reading=UNIT[reading],
        ).over(
            [Candidate(e.interval()) for (r, _), e in forward.items() if r == reading], BOTH_CHANGES
        )
        for reading in UNIT
    ]


def _difference_rows(trained, forward, more, people: float) -> list[EstimateRow]:  # type: ignore[no-untyped-def]
    """Backward minus forward, indirect, for the reading in which p tests the training group."""
    found = []
    for chosen, estimate in trained:
        reading, tested, rounded = (chosen[name][0] for name in (READING, TESTED, ROUNDED))
        if rounded == "as printed" and tested == "within the training group":
            found.append(
                EstimateRow.of(
                    difference(estimate, forward[reading, 0.0]),
                    f"bf-more-{reading}",
                    "Backward minus forward, indirect",
                    quantity="body_fat_difference",
                    role="model",
                    claim_id=MORE,
                    directness="indirect, two trials",
                    n=people,
                    reading=f"2.4% as {UNIT[reading]}",
                ).over(
                    [c for c in more if c.unknowns[READING] == reading],
                    f"{TESTED}; {ROUNDED}; {BOTH_CHANGES}",
                )
            )
    return found


def _macpherson(rows: pd.DataFrame, outcome: str, word: str, time: str) -> pd.Series:
    """Row of the arm whose name contains `word`."""
    arm = rows["arm"].str.contains(word)
    return one_row(rows[arm], study_id="macpherson2011", outcome=outcome, time=time)


def _printed_only(rows: pd.DataFrame) -> list[EstimateRow]:
    """Fat-mass changes of forward running printed with p < 0.05 only: no standard error."""
    arms = {"endurance": "steady running", "sprint": "sprints"}
    found = []
    for word, label in arms.items():
        post = _macpherson(rows, "fat_mass_kg", word, "post")
        found.append(
            hollow_row(
                [post],
                float(post["pct_change"]),
                f"bf-macpherson-{word}",
                f"Macpherson 2011, {label}, fat mass",
                quantity="body_fat_change",
                scale="difference",
                unit=UNIT["relative"],
                reading="fat mass, % of baseline",
                directness="forward running, other trial",
            )
        )
    return found


def _checks(rows: pd.DataFrame) -> tuple[Check, ...]:
    """Printed percentages and a printed p from the means, SDs and n beside them."""
    found = []
    for outcome in (
        "fat_mass_kg",
        "waist_circumference_cm",
        "fat_free_mass_kg",
        "vo2max_ml_kg_min",
        "peak_running_speed_km_h",
    ):
        pre, post = _pre_post(rows, outcome)
        found.append(_percent("hazell2014", outcome, pre, post))
    for word in ("endurance", "sprint"):
        for outcome in ("fat_mass_kg", "vo2max_ml_kg_min"):
            pre, post = (_macpherson(rows, outcome, word, time) for time in ("pre", "post"))
            found.append(_percent("macpherson2011", f"{outcome}-{word}", pre, post))
    economy = one_row(rows, study_id="ordway2016", outcome="forward_running_economy_ml_kg_min")
    found.append(
        paired_p(
            "ordway-economy-p",
            "ordway2016",
            "p of the change in forward running economy",
            economy["p_value_text"],
            economy["change_text"],
            economy["change_spread_text"],
            int(economy["n"]),
            [economy["row_id"]],
        )
    )
    return tuple(found)


def _percent(study: str, outcome: str, pre: pd.Series, post: pd.Series) -> Check:
    return percent_change(
        f"{study}-{outcome}",
        study,
        f"{outcome}, % change",
        post["pct_change_text"],
        pre["mean_text"],
        post["mean_text"],
        [pre["row_id"], post["row_id"]],
    )


ASSUMPTIONS = (
    Assumption(
        "bf-unit",
        "reading",
        "2.4% is a change in percentage points, or a share of the fat",
        "the abstract does not say; both readings are carried",
        "terblanche2005",
    ),
    Assumption(
        "bf-test",
        "reading",
        "p = 0.01 tests the training group's change, or arm by time",
        "the abstract does not say; both readings are carried",
        "terblanche2005",
    ),
    Assumption(
        "bf-rounding",
        "rounding",
        "p = 0.01 is rounded",
        "any p that rounds to 0.01",
        "terblanche2005",
        0.005,
        0.015,
    ),
    Assumption(
        "bf-hazell",
        "unknown correlation",
        "correlation of fat and lean mass changes",
        "not printed, so every correlation is possible",
        "hazell2014",
        -1.0,
        1.0,
    ),
)


def draw(
    frames: Mapping[str, pd.DataFrame], claims: Mapping[str, Claim]
) -> dict[str, Figure | None]:
    """Change under each reading beside forward running, and its sensitivity."""
    from retrostats.draw.figures import body_fat, sensitivity

    return {
        "body_fat_change": body_fat(frames["estimates"]),
        "body_fat_sensitivity": sensitivity(frames["sensitivity"], claims),
    }
