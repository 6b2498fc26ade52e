"""Body fat: what six weeks of backward training took off, and whether forward takes off less."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.analysis import Context
from retrostats.findings.averaged import AVERAGE_ID, Literature, averaged
from retrostats.findings.cohorts import (
    CohortEffect,
    cohort_changes,
    cohort_differences,
    compared,
)
from retrostats.findings.pooled import pooled_measure
from retrostats.findings.printed import Shown, hollow_row, shown_only, words_row
from retrostats.judge.claims import Claim
from retrostats.reduce.change import (
    between_group_change,
    difference_of_trials,
    implied_error,
    percent_fat_change,
    welch_df,
    within_group_change,
)
from retrostats.reduce.pair import one_row
from retrostats.reduce.recompute import paired_p, percent_change
from retrostats.result.estimate import Estimate
from retrostats.result.findings import Assumption, Check, EstimateRow, Findings, Measure
from retrostats.unprinted.pooled import interval_of
from retrostats.unprinted.sources import Effects, Source, not_significant_source
from retrostats.unprinted.unknowns import Choice, Unknown, Values

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from retrostats.draw.figures import Drawing

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
)
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
ORDWAY = "bf-ordway2016-body-fat-pct-backward-run-treadmill"
TRAINED = ("bf-unit", "bf-test", "bf-rounding")
#: Headings of the forest of changes.
BACKWARD, FORWARD, NEITHER = "Backward", "Forward, other trials", "Own cohorts, not backward"
Parts = tuple[Any, Any, Any]  # change, standard error and df, arrays


def analyse(context: Context) -> Findings:
    """The change under every reading, and minus that of forward running."""
    rows = context.published
    printed = one_row(rows, study_id="terblanche2005", outcome="body_fat_pct")
    forward = {reading: _forward(rows, reading) for reading in UNIT}
    own = _own_cohorts(context)
    n = float(printed["n"])
    lost = _measure(
        "bf-points-within",
        "Terblanche 2005",
        *_trained_space(printed),
        LOST,
        n=n,
        follow=(TESTED,),
        unit=IN_ITS_READING,
    )
    more = _measure(
        "bf-more-points",
        "indirect, two trials",
        *_more_space(rows, printed),
        MORE,
        n=n + _people(rows),
        follow=(READING,),
        unit=IN_ITS_READING,
    )
    alone = {
        LOST: lost,
        CAUSE: replace(lost, claim_id=CAUSE, comparison=False, follow=()),
        MORE: more,
    }
    joined = _joined(own, rows, printed)
    printed_only = _printed_only(rows)
    trained_men = _trained_men(context)
    return Findings(
        estimates=(
            *_trained_rows(printed),
            *_forward_rows(rows, forward),
            *_difference_rows(rows, printed, forward),
            *(shown.row for shown in printed_only),
            *(row for row, _ in trained_men.values()),
            *(c.row(LOST, BACKWARD if c.bears else NEITHER) for c in own[""]),
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
            *_ranges(rows, printed),
            *(shown.measure for shown in printed_only),
        ),
        without_cohorts=(
            *(alone[claim] for claim in joined),
            *(measure for claim, (_, measure) in trained_men.items() if claim in joined),
        ),
        judged={
            LOST: "bf-points-within", CAUSE: "bf-points-within", MORE: "bf-more-points",
            **{claim: measure.estimate_id for claim, (measure, _) in joined.items()},
        },
        assumptions=(*ASSUMPTIONS, *((AVERAGE,) if joined else ())),
        checks=_checks(rows),
    )  # fmt: skip


def _own_cohorts(context: Context) -> dict[str, list[CohortEffect]]:
    """Effects of a reader's own cohorts: every change (""), and those that bear on each claim."""
    points, cohorts = "percentage points of body mass", context.cohorts
    change, effect, more = (
        compared(context.audit, NAME, quantity, points)
        for quantity in ("body_fat_change", "body_fat_against_control", "body_fat_difference")
    )
    changes = cohort_changes(cohorts, change)
    return {
        "": changes,
        LOST: [c for c in changes if c.bears],
        CAUSE: cohort_differences(cohorts, effect, effect.control),
        MORE: cohort_differences(cohorts, more),
    }


def _joined(
    own: Mapping[str, Sequence[CohortEffect]], rows: pd.DataFrame, printed: pd.Series
) -> dict[str, tuple[Measure, EstimateRow | None]]:
    """Each claim on which own cohorts bear, as one average with the literature on it.

    Of the cause only controlled cohorts tell; without one, what was lost is all there is, and it
    has no comparison.
    """
    trained, unknowns = _trained_space(printed)
    readings = {READ_AS[name]: name for name in UNIT}
    reading = Choice(READING, readings, "the abstract does not say")
    change = Literature(trained, (*unknowns, reading))
    found: dict[str, tuple[Measure, EstimateRow | None]] = {}
    if own[LOST]:
        row = partial(EstimateRow.of, quantity="body_fat_change", group=BACKWARD)
        found[LOST] = averaged(own[LOST], change, row, "bf-own-lost", LOST, _in_reading)
        measure, shown = found[LOST]
        found[CAUSE] = replace(measure, claim_id=CAUSE, comparison=False), shown
    if own[CAUSE]:
        row = partial(EstimateRow.of, quantity="body_fat_against_control")
        found[CAUSE] = averaged(own[CAUSE], None, row, "bf-own-cause", CAUSE)
    if own[MORE]:
        parts, more = _more_space(rows, printed)
        row = partial(EstimateRow.of, quantity="body_fat_difference")
        literature = Literature(parts, tuple(more))
        found[MORE] = averaged(own[MORE], literature, row, "bf-own-more", MORE, _in_reading)
    return found


def _in_reading(cohort: CohortEffect, v: Values) -> Any:
    """Factor from percentage points to the unit of each reading, by the cohort's mean before."""
    return np.where(v[READING] == "relative", 100 / cohort.baseline, 1.0)


def _measure(
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
    )


def _trained_space(
    printed: pd.Series, tested: str = ""
) -> tuple[Callable[[Values], Parts], list[Unknown | Choice]]:
    """The trial's change over the rounding of both numbers and what its p tests.

    The closed form of the arm by time model: n - 1 df within the group, 2 n - 2 against a control
    group of the same size.
    """
    n = float(printed["n"])
    dfs = {WITHIN: n - 1, AGAINST: 2 * n - 2}
    unknowns: list[Unknown | Choice] = [
        Unknown.of_cell(CHANGE, printed, "change"),
        Unknown.of_cell(P, printed, "p_value"),
        Choice(TESTED, {tested: dfs[tested]} if tested else dfs, "the abstract does not say"),
    ]

    def parts(v: Values) -> Parts:
        return v[CHANGE], implied_error(v[CHANGE], v[P], v[TESTED]), v[TESTED]

    return parts, unknowns


def _forward_space(rows: pd.DataFrame) -> tuple[Callable[[Values], Parts], list[Unknown | Choice]]:
    """Forward running: percent fat from printed masses over their rounding and the correlation.

    Returns change in points, its error and the baseline percentage.
    """
    fat, lean = _pre_post(rows, "fat_mass_kg"), _pre_post(rows, "fat_free_mass_kg")
    cells = {
        f"{what} {when}, Hazell 2014": (row, "mean")
        for what, pair in (("fat mass", fat), ("lean mass", lean))
        for when, row in zip(("before", "after"), pair, strict=True)
    }
    ps = {f"p of {what}, Hazell 2014": (pair[1], "p_value")
          for what, pair in (("fat mass", fat), ("lean mass", lean))}  # fmt: skip
    unknowns: list[Unknown | Choice] = [
        Unknown.of_cell(name, *cell) for name, cell in {**cells, **ps}.items()
    ]
    unknowns.append(Unknown(BOTH_CHANGES, -1.0, 1.0, "not printed", "hazell2014"))
    f0, f1, l0, l1 = cells
    p_fat, p_lean = ps
    people = int(_people(rows))

    def parts(v: Values) -> Parts:
        before, change, error = percent_fat_change(
            (v[f0], v[f1]), (v[l0], v[l1]), (v[p_fat], v[p_lean]), people,
            v[BOTH_CHANGES],
        )  # fmt: skip
        return change, error, before

    return parts, unknowns


def _more_space(
    rows: pd.DataFrame, printed: pd.Series, reading: str = "", tested: str = ""
) -> tuple[Callable[[Values], Parts], list[Unknown | Choice]]:
    """Backward minus forward, two trials, under every reading unless one is given."""
    trained, first = _trained_space(printed, tested)
    forward, second = _forward_space(rows)
    readings = {reading: reading} if reading else {READ_AS[name]: name for name in UNIT}
    df_forward = _people(rows) - 1

    def parts(v: Values) -> Parts:
        change, error, df = trained(v)
        other, other_error, before = forward(v)
        per = np.where(v[READING] == "relative", 100 / before, 1.0)
        other, other_error = other * per, other_error * per
        total = np.hypot(error, other_error)
        return change - other, total, welch_df(error**2, df, other_error**2, df_forward)

    return parts, [*first, *second, Choice(READING, readings, "the abstract does not say")]


def _ranges(rows: pd.DataFrame, printed: pd.Series) -> list[Measure]:
    """How far each row moves under its own reading; they judge nothing by themselves."""
    found = []
    for reading in UNIT:
        for tested in MODELS:
            name = f"bf-{reading}-{tested.split()[0]}"
            found.append(_measure(name, tested, *_trained_space(printed, tested)))
        forward, unknowns = _forward_space(rows)
        found.append(
            _measure(
                f"bf-hazell-{reading}",
                "Hazell 2014",
                partial(_scaled, forward, reading, _people(rows) - 1),
                unknowns,
            )
        )
        found.append(
            _measure(
                f"bf-more-{reading}",
                reading,
                *_more_space(rows, printed, reading),
                follow=(BOTH_CHANGES,),
            )
        )
    return found


def _scaled(forward: Callable[[Values], Parts], reading: str, df: float, v: Values) -> Parts:
    change, error, before = forward(v)
    per = 100 / before if reading == "relative" else 1.0
    return change * per, error * per, df


def _trained(printed: pd.Series, reading: str, tested: str) -> Estimate:
    """The trial's change under one choice of readings, by the mixed model."""
    return MODELS[tested](
        float(printed["change"]),
        float(printed["p_value"]),
        int(printed["n"]),
        UNIT[reading],
        (printed["row_id"],),
        TRAINED,
    )


def _trained_rows(printed: pd.Series) -> list[EstimateRow]:
    """One row a reading; its range runs over the rounding of both numbers."""
    return [
        EstimateRow.of(
            _trained(printed, reading, tested),
            f"bf-{reading}-{tested.split()[0]}",
            f"Terblanche 2005, backward, {P_TESTS[tested]}",
            quantity="body_fat_change",
            role="model",
            claim_id=LOST,
            study_id="terblanche2005",
            n=float(printed["n"]) * (1 if tested == WITHIN else 2),
            directness="direct",
            group=BACKWARD,
            reading=f"2.4% as {UNIT[reading]}; {P_TESTS[tested]}",
        )
        for reading in UNIT
        for tested in MODELS
    ]


def _forward(rows: pd.DataFrame, reading: str) -> Estimate:
    """Hazell 2014: change of percent fat with six weeks of forward sprint running."""
    fat, lean = _pre_post(rows, "fat_mass_kg"), _pre_post(rows, "fat_free_mass_kg")
    before, change, std_error = percent_fat_change(
        (fat[0]["mean"], fat[1]["mean"]),
        (lean[0]["mean"], lean[1]["mean"]),
        (fat[1]["p_value"], lean[1]["p_value"]),
        int(fat[1]["n"]),
        0.0,
    )
    per = 1.0 if reading == "points" else 100 / float(before)
    return Estimate(
        float(change) * per,
        float(std_error) * per,
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


def _forward_rows(rows: pd.DataFrame, forward: Mapping[str, Estimate]) -> list[EstimateRow]:
    return [
        EstimateRow.of(
            estimate,
            f"bf-hazell-{reading}",
            "Hazell 2014, forward sprints",
            quantity="body_fat_change",
            role="recomputed",
            study_id="hazell2014",
            n=_people(rows),
            directness="forward running, other trial",
            group=FORWARD,
            reading=UNIT[reading],
        )
        for reading, estimate in forward.items()
    ]


def _difference_rows(
    rows: pd.DataFrame, printed: pd.Series, forward: Mapping[str, Estimate]
) -> list[EstimateRow]:
    """Backward minus forward, indirect, for the reading in which p tests the training group."""
    return [
        EstimateRow.of(
            difference_of_trials(
                _trained(printed, reading, WITHIN), float(printed["n"]), estimate, _people(rows)
            ),
            f"bf-more-{reading}",
            "Backward minus forward, indirect",
            quantity="body_fat_difference",
            role="model",
            claim_id=MORE,
            directness="indirect, two trials",
            n=float(printed["n"]) + _people(rows),
            reading=f"2.4% as {UNIT[reading]}",
            note="one model of both trials, residual variance by trial; with one trial a direction "
            "the variance between trials is not identified and is not in the interval",
        )
        for reading, estimate in forward.items()
    ]


def _macpherson(rows: pd.DataFrame, outcome: str, word: str, time: str) -> pd.Series:
    """Row of the arm whose name contains `word`."""
    arm = rows["arm"].str.contains(word)
    return one_row(rows[arm], study_id="macpherson2011", outcome=outcome, time=time)


def _printed_only(rows: pd.DataFrame) -> list[Shown]:
    """Fat-mass changes of forward running printed with p < 0.05 only: no standard error."""
    arms = {"endurance": "steady running", "sprint": "sprints"}
    found = []
    for word, label in arms.items():
        post = _macpherson(rows, "fat_mass_kg", word, "post")
        found.append(
            shown_only(
                [(post, "pct_change")],
                lambda change: change,
                f"bf-macpherson-{word}",
                f"Macpherson 2011, {label}, fat mass",
                quantity="body_fat_change",
                scale="difference",
                unit=UNIT["relative"],
                reading="fat mass, % of baseline",
                directness="forward running, other trial",
                group=FORWARD,
            )
        )
    return found


def _trained_men(context: Context) -> dict[str, tuple[EstimateRow, Measure]]:
    """Ordway 2016, by claim: eight men of whom only "no significant change" is printed.

    Their change is every one that a paired test would not call significant, over a range of spreads
    that is judgement. Alone it has no comparison; minus Hazell 2014 it is a second indirect one.
    """
    rows = context.published
    printed = one_row(rows, row_id=ORDWAY)
    label, points = "Ordway 2016, backward, “no change”", UNIT["points"]
    spread = context.audit.range_of(ORDWAY, "sd_change", "how far changes differ (Ordway 2016)")
    source = not_significant_source("Ordway 2016", int(printed["n"]), spread, rows=(ORDWAY,))
    alone = pooled_measure(
        [source], "bf-ordway", "Ordway 2016", log=False, claim_id=CAUSE, comparison=False
    )
    forward, unknowns = _forward_space(rows)
    df = _people(rows) - 1

    def parts(v: Values) -> Parts:
        change, variance = source.effects(v)
        other, error, _ = forward(v)
        return (
            change - other,
            np.sqrt(variance + error**2),
            welch_df(variance, source.df, error**2, df),
        )

    more = _measure(
        "bf-more-ordway", "indirect, Ordway 2016", parts, [*source.unknowns, *unknowns], MORE,
        n=source.n + _people(rows),
    )  # fmt: skip
    shown = {
        "scale": "difference", "unit": points, "reading": points,
        "note": "printed in words; the range is every interval that the words leave",
    }  # fmt: skip
    return {
        CAUSE: (
            words_row(
                printed, alone.estimate_id, label, quantity="body_fat_change", directness="direct",
                claim_id=CAUSE, group=BACKWARD, **shown,
            ),
            alone,
        ),
        MORE: (
            hollow_row(
                [printed, *_pre_post(rows, "fat_mass_kg"), *_pre_post(rows, "fat_free_mass_kg")],
                np.nan, more.estimate_id, "Ordway 2016 minus forward, indirect",
                quantity="body_fat_difference", directness="indirect, two trials", claim_id=MORE,
                **shown,
            ),
            more,
        ),
    }  # fmt: skip


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
            found.append(_percent("macpherson2011", f"{outcome}-{word}", pre, post, word))
    economy = one_row(rows, study_id="ordway2016", outcome="forward_running_economy_ml_kg_min")
    found.append(
        paired_p(economy["change_text"], economy["change_spread_text"], int(economy["n"])).against(
            economy["p_value_text"],
            check_id="ordway-economy-p",
            study_id="ordway2016",
            quantity="p of the change in forward running economy",
            rows=[economy["row_id"]],
        )
    )
    return tuple(found)


def _percent(study: str, outcome: str, pre: pd.Series, post: pd.Series, arm: str = "") -> Check:
    return percent_change(pre["mean_text"], post["mean_text"]).against(
        post["pct_change_text"],
        check_id=f"{study}-{outcome}",
        study_id=study,
        quantity=f"{post['outcome_printed']}{f', {arm}' if arm else ''}, % change",
        rows=[pre["row_id"], post["row_id"]],
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


AVERAGE = Assumption(
    AVERAGE_ID,
    "estimand",
    "own cohorts and the literature are averaged by precision, without a variance between them",
    "two trials tell nothing of one; the average stands for these trials, not for others",
)


def _told(retellings: pd.DataFrame) -> str:
    """What the chain of retellings comes to."""
    changed = int((retellings["changed"] != "").sum())
    return (
        "Chain of retellings of the six-week study and what each changed: "
        f"{changed} of {len(retellings) - 1} retellings changed something"
    )


def draw(frames: Mapping[str, pd.DataFrame], claims: Mapping[str, Claim]) -> dict[str, Drawing]:
    """Change under each reading beside forward running, its sensitivity, and who retold it how."""
    from retrostats.draw.figures import Drawing, sensitivity

    return {
        "body_fat_change": Drawing(
            _changes(frames["estimates"], claims),
            "Change in body fat under each reading, beside forward running",
            shows=("bf-points-within", "bf-more-points", "bf-more-relative"),
        ),
        "body_fat_sensitivity": Drawing(
            sensitivity(frames["sensitivity"], claims),
            "Body fat difference as a function of what was not printed",
            shows=("bf-more-points", "bf-more-relative"),
        ),
        "retelling_chain": Drawing(
            _chain(frames["retellings"]),
            _told(frames["retellings"]),
        ),
    }


def _changes(estimates: pd.DataFrame, claims: Mapping[str, Claim]) -> Figure | None:
    """Forest of the changes, and of backward minus forward, one panel a unit."""
    from retrostats.draw.figures import band_of, panel_of, rows_of, stack

    band = band_of(claims.get(LOST))
    more = ("backward loses more", "backward loses less")
    titles = {
        "body_fat_change": ("Change in body fat", band, ("fat lost", "fat gained")),
        "body_fat_against_control": ("Backward minus control", None, more),
        "body_fat_difference": ("Backward minus forward", None, more),
    }
    return stack(
        [
            panel_of(
                rows, f"{title} ({unit})", title=f"{title}, read as {unit}", band=claimed, ends=ends
            )
            for quantity, (title, claimed, ends) in titles.items()
            for unit, rows in rows_of(estimates, quantity).groupby("unit", sort=False)
        ],
        "data/published/body_fat.csv",
    )


def _chain(retellings: pd.DataFrame) -> Figure | None:
    """The retellings of the trial, each under the one it retells."""
    from retrostats.draw.figures import Column, retelling_chain

    minutes = retellings["minutes"].where(
        ~retellings["minutes"].str[:1].str.isdigit(), retellings["minutes"] + " min"
    )
    often = (retellings["frequency"] + ", " + minutes).str.strip(", ")
    return retelling_chain(
        retellings.assign(often=often),
        (
            Column("figure_text", "figure", 15.0),
            Column("what_lost", "of what", 20.0),
            Column("often", "how often", 24.0),
            Column("comparator", "compared with", 27.0),
        ),
        sources="data/claim_drift.csv",
        note="the other figures show what is computed from printed numbers",
    )
