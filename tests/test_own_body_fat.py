"""Own body-fat trials: they carry their weight, and arms are what their names say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from doors.app import evidence_by_claim
from doors.audit import Context, claim_evidence_of, select, verdict_on
from doors.evidence import (
    EstimateRow,
    Findings,
    Options,
    explore_measures,
    frame_of,
    weighted_average,
)

import retrostats as rs
from retrostats import Verdict


def trial(n: int, arms: dict[str, float], seed: int = 5, sd: float = 2.0) -> pd.DataFrame:
    """`n` people an arm; body fat before and after, the mean change of each arm given."""
    rng = np.random.default_rng(seed)
    rows = []
    for arm, change in arms.items():
        for i in range(n):
            before = rng.normal(26, 4)
            after = before + change + rng.normal(0, sd)
            rows += [(f"p{i} {arm}", arm, "pre", before), (f"p{i} {arm}", arm, "post", after)]
    return pd.DataFrame(rows, columns=["subject", "arm", "time", "body fat (%)"])


AUDIT = rs.load_audit()
(ANALYSIS,) = select(["body-fat"], AUDIT)
ROWS = AUDIT.published[AUDIT.published["topic"] == ANALYSIS.topic].reset_index(drop=True)


def load(frame: pd.DataFrame, spec: dict | None = None) -> rs.Cohort:
    return rs.load_cohort(frame, spec={"name": "lab", "allocation": "by lot", **(spec or {})})


def found_in(frame: pd.DataFrame, spec: dict | None = None) -> Findings:
    """What the analysis itself finds, nothing explored or judged."""
    return ANALYSIS.analyse(Context(ROWS, AUDIT.claims, AUDIT, (load(frame, spec),)))


def rows_of(found: Findings) -> pd.DataFrame:
    return frame_of(found.estimates, EstimateRow).set_index("estimate_id")


def verdict(found: Findings, claim: str) -> Verdict:
    """As a run judges, of one claim alone: nothing else is explored, nothing is drawn."""
    mine = [m for m in found.measures if m.claim_id == claim]
    everything = Context(AUDIT.published, AUDIT.claims, AUDIT)
    explored = {ANALYSIS.name: explore_measures(mine, Options(0, 1))}
    evidence = evidence_by_claim(explored, everything, {ANALYSIS.name: found})
    return verdict_on(AUDIT.claims[claim], evidence[claim], claim_evidence_of(AUDIT))


def test_a_trial_of_200_people_decides_what_the_literature_leaves_open() -> None:
    """Found in use: it was one more point in a list, and the claim stayed open."""
    cohort = load(trial(100, {"backward": -2.5, "forward": -0.5}))
    found = rs.replicate(["body-fat"], cohorts=[cohort], draws=0)
    verdict = found.verdicts.set_index("claim_id").loc["more_than_forward"]
    assert verdict["direction"] == "supported"
    assert verdict["prob_direction_min"] > 0.99
    assert verdict["estimate_id"] == "bf-own-more"
    row = found.estimates.set_index("estimate_id").loc["bf-own-more"]
    own = found.estimates.set_index("estimate_id").loc["cohort-lab-body_fat_difference"]
    assert row["std_error"] < own["std_error"]  # the literature adds what it has
    assert abs(row["estimate"] - own["estimate"]) < own["std_error"]


def test_a_small_trial_against_the_literature_does_not_decide() -> None:
    found = found_in(trial(4, {"backward": -0.5, "forward": -0.5}))
    assert verdict(found, "more_than_forward").direction.label in (
        "leaning",
        "open",
        "leaning against",
    )


@pytest.mark.parametrize("other", ["control", "forward", "yoga"])
def test_the_change_is_that_of_the_backward_arm_whatever_the_other_arm(other) -> None:
    """Found in use: `control` gave the difference from control, `FR` the arm's own change."""
    frame = trial(12, {"backward": -2.0, other: -1.0})
    found = rows_of(found_in(frame))
    wide = frame[frame["arm"] == "backward"].pivot(
        index="subject", columns="time", values="body fat (%)"
    )
    row = found.loc["cohort-lab-body_fat_change"]
    assert row["estimate"] == pytest.approx((wide["post"] - wide["pre"]).mean(), rel=1e-9)
    assert row["n"] == 12
    against = "cohort-lab-body_fat_against_control"
    assert (against in found.index) == (other == "control")
    if other == "control":  # another estimand: a row and an axis of its own
        assert found.at[against, "claim_id"] == "body_fat_cause"
        assert found.at[against, "quantity"] != row["quantity"]


@pytest.mark.parametrize("names", [("Intervention", "Control"), ("1", "0")])
def test_arms_of_unknown_kind_are_never_averaged(names) -> None:
    frame = trial(12, dict(zip(names, (-3.0, 0.0), strict=True)))
    found = rows_of(found_in(frame))
    own = found[found["role"] == "cohort"]
    change = frame.pivot(index=["arm", "subject"], columns="time", values="body fat (%)")
    wanted = (change["post"] - change["pre"]).groupby("arm").mean()
    assert own["excluded"].all()
    assert sorted(own["estimate"]) == pytest.approx(sorted(wanted), rel=1e-9)
    assert (own["claim_id"] == "").all()
    assert not (found["role"] == "pooled").any()
    problems = rs.load_cohort(frame).problems
    assert problems["action"].str.contains(f'"{names[0]}" = "backward"').any()
    mapped = found_in(frame, {"levels": {names[0]: "backward", names[1]: "control"}})
    assert "body_fat_6wk" in {
        measure.claim_id for measure in mapped.measures if measure.user_cohorts
    }


def test_a_cause_needs_a_control_arm() -> None:
    alone = found_in(trial(60, {"backward": -2.5}))
    assert verdict(alone, "body_fat_cause").direction.label == "open"
    both = found_in(trial(60, {"backward": -2.5, "control": 0.0}))
    assert verdict(both, "body_fat_cause").direction.label in ("supported", "likely")
    assert rows_of(both).at[both.judged["body_fat_cause"], "estimate"] > -3.5


@pytest.mark.parametrize(("n", "sds"), [((5, 12), (1.0, 1.5)), ((8, 8), (1.0, 1.0))])
def test_the_average_covers_what_it_states(n, sds) -> None:
    """20,000 pairs of trials with estimated errors; simulation error of 95% is 0.15 points."""
    from scipy import stats

    rng = np.random.default_rng(1)
    parts = []
    for people, sd in zip(n, sds, strict=True):
        mean = rng.normal(0, sd / np.sqrt(people), 20_000)
        error = sd * np.sqrt(rng.chisquare(people - 1, 20_000) / (people - 1) / people)
        parts.append((mean, error, people - 1.0))
    found = weighted_average(parts)
    inside = np.abs(found.estimate) < stats.t.ppf(0.975, found.df) * found.std_error
    assert inside.mean() > 0.945


def test_the_average_counts_the_people_of_both_and_marks_what_is_in_it() -> None:
    """Found in a figure: n of the own cohort alone, and the trial in the average drawn hollow."""
    rows = rows_of(found_in(trial(4, {"backward": -2.5, "forward": -0.5})))
    lost, more = (
        rows[rows["label"].eq("Average, own cohorts and literature") & rows["claim_id"].eq(claim)]
        for claim in ("body_fat_6wk", "more_than_forward")
    )
    women, runners = rows.at["bf-points-within", "n"], rows.at["bf-hazell-points", "n"]
    assert lost["n"].item() == 4 + women
    assert more["n"].item() == 8 + women + runners
    filled = rows.index[rows["pooled"] & ~rows.index.str.startswith("cohort")]
    assert set(filled) == {"bf-points-within", "bf-more-points"}
    without = ANALYSIS.analyse(Context(ROWS, AUDIT.claims, AUDIT, ()))
    assert not rows_of(without).loc[["bf-points-within", "bf-more-points"], "pooled"].any()
