"""Every source of a topic that bears on its claim is used, bounded, or left out with a reason."""

from __future__ import annotations

import pytest

import retrostats as rs

#: What bears on a claim: topic, words of the gait and of the outcome, where a backward condition
#: was measured.
RELEVANT = {
    "energy_30": [("metabolic_cost", "run", "vo2|metabolic|cost_of_transport|energy|efficiency")],
    "pounding": [
        ("metabolic_cost", "run", "heart_rate|hrmax"),
        ("ligament_injury", "", "force|load|impact|acceleration|moment"),
    ],
    "ligament_tears": [("ligament_injury", "", "injury_rate|injuries|injured")],
    "body_fat_6wk": [("body_fat", "", "fat_mass|body_fat|body_comp")],
    "strengthens_muscles": [
        ("ligament_injury", "", "strength|torque|jump|power"),
        ("body_fat", "", "strength|torque|jump|power"),
    ],
    "improves_forward": [
        ("body_fat", "", "economy|sprint|run_5km|agility|performance|direction_speed|velocity")
    ],
    "balance": [("body_fat", "", "balance")],
    "walk_energy": [
        ("metabolic_cost", "walk", "vo2|metabolic|cost_of_transport|energy|efficiency")
    ],
    "gets_easier": [("body_fat", "walk", "oxygen_uptake|submaximal_vo2|rpe|walking_velocity")],
    "calf": [
        ("ligament_injury", "", "emg.*(?:gastrocnemius|soleus|calf)"),
        ("body_fat", "", "heel_rise"),
    ],
    "unused_muscles": [
        ("ligament_injury", "", "emg"),
        ("metabolic_cost", "run", "active_muscle"),
    ],
    "leg_pain": [("ligament_injury", "", "soreness|tenderness")],
    "best_weight_loss": [("body_fat", "", "body_mass|bmi")],
    "elliptical_reverse": [
        ("ligament_injury", "elliptical", "emg|knee|hip"),
        ("metabolic_cost", "elliptical", "vo2|energy"),
    ],
}
#: Claims without a pattern of their own, and what they rest on instead.
ELSEWHERE = {
    "body_fat_cause": "body_fat_6wk",
    "more_than_forward": "body_fat_6wk",
    "avoid_injury": "ligament_tears",
    "acl_easier": "pounding",
    "fat_by_energy": "",  # an inference, not a measured contrast
    "unfamiliar_effort": "gets_easier",
    "acl_pain": "leg_pain",
    "fall_risk": "ligament_tears",
    "track_safe": "ligament_tears",
    "neck_strain": "",  # nobody measured it
    "no_problems": "",  # a search, not a measurement
    "elliptical_knee": "",  # two machines, no direction
    "routine_change": "",  # two programmes, no direction
    "bend_back": "",  # two exercises of the back, no running
    "other_hand": "",  # outside the subject
}
BACKWARD = ("backward", "backward vs forward", "several", "mixed")
#: Bounded and judged for another claim, with a reason why not for this one.
JUDGED_ELSEWHERE = [("body_fat_6wk", "ordway2016")]


@pytest.fixture(scope="module")
def audit():
    return rs.load_audit()


@pytest.fixture(scope="module")
def used(audit, whole) -> set[str]:
    """Printed rows behind an estimate, a range, or a result that bears by sign."""
    estimates = whole.estimates["source_rows"]
    evidence = audit.table("claim_evidence")["row_id"]
    bounded = audit.table("unprinted")["row_id"]
    cells = [*estimates, *evidence, *bounded]
    return {row.strip() for cell in cells for row in str(cell).split(";")}


def claim_evidence(audit, claim: str) -> dict[str, set[str]]:
    """Rows by study: a source's own results on the outcomes of a claim."""
    rows = audit.published
    found: dict[str, set[str]] = {}
    for topic, gait, words in RELEVANT[claim]:
        own = rows[
            (rows["topic"] == topic)
            & (rows["independence"] == "independent")
            & rows["direction"].isin(BACKWARD)
            & rows["gait"].str.contains(gait)
            & rows["outcome"].str.contains(words)
        ]
        for study, part in own.groupby("study_id"):
            found.setdefault(str(study), set()).update(part["row_id"])
    return found


def silent(audit, used, claim: str) -> set[str]:
    """Studies that bear on a claim of which no row on its outcomes is used.

    A study counts as used where another row of it gives the same result.
    """
    rows = audit.published.groupby("study_id")["row_id"].agg(set)
    signs = audit.table("claim_evidence").query("claim_id == @claim")["row_id"]
    named = {row.strip() for cell in signs for row in cell.split(";")}
    return {
        study for study, own in claim_evidence(audit, claim).items()
        if not own & used and not rows[study] & named
    }  # fmt: skip


@pytest.fixture(scope="module")
def unused(audit, used) -> dict[str, set[str]]:
    """Studies by claim that bear on it and are not used."""
    return {claim: silent(audit, used, claim) for claim in RELEVANT}


def test_every_claim_has_a_pattern_or_the_one_of_another(audit) -> None:
    assert set(audit.claims) == set(RELEVANT) | set(ELSEWHERE)
    assert set(ELSEWHERE.values()) - {""} <= set(RELEVANT)


@pytest.mark.parametrize("claim", RELEVANT)
def test_no_source_is_left_out_without_a_reason(audit, unused, claim) -> None:
    assert len(claim_evidence(audit, claim)) >= 2
    table = audit.table("left_out")
    assert unused[claim] - set(table[table["claim_id"] == claim]["study_id"]) == set()


def test_reasons_are_of_sources_that_bear_and_are_not_used(audit, unused) -> None:
    """A reason that has outlived its source is a claim that is no longer true."""
    table = audit.table("left_out")
    assert (table["why"].str.len() > 20).all()
    for claim, study in zip(table["claim_id"], table["study_id"], strict=True):
        if (claim, study) not in JUDGED_ELSEWHERE:
            assert study in unused[claim]
    assert set(JUDGED_ELSEWHERE) <= set(zip(table["claim_id"], table["study_id"], strict=True))


@pytest.mark.parametrize(
    ("claim", "source"), [("energy_30", "Reilly 1984"), ("energy_30", "Flynn 1994"),
                          ("energy_30", "Paes 2016"), ("energy_30", "Rasica 2020"),
                          ("body_fat_cause", "Ordway 2016"), ("more_than_forward", "Ordway 2016")],
)  # fmt: skip
def test_a_source_with_words_or_no_error_moves_the_claim_it_bears_on(whole, claim, source) -> None:
    unknowns = whole.unknowns[whole.unknowns["claim_id"] == claim]
    its = unknowns[unknowns["unknown"].str.contains(source)]
    assert (its["total"] > 0).any()
    assert (its["why"] != "").all()
