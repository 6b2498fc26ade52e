"""Every source of a topic that bears on its claim is used, bounded, or left out with a reason."""

from __future__ import annotations

import pytest

import retrostats as rs

#: What bears on a claim: topic, and words of the outcome, where a backward condition was measured.
BEARS = {
    "metabolic_cost": ("run", "vo2|metabolic|cost_of_transport|energy|efficiency"),
    "body_fat": ("", "fat_mass|body_fat"),
    "ligament_injury": ("", "force|load|impact|acceleration|moment|injury_rate|injuries"),
}
BACKWARD = ("backward", "backward vs forward", "several", "mixed")


@pytest.fixture(scope="module")
def audit():
    return rs.load_audit()


@pytest.fixture(scope="module")
def used(audit) -> set[str]:
    """Printed rows behind an estimate, a range, or a result that bears by sign."""
    estimates = rs.replicate(audit=audit, draws=16).estimates["source_rows"]
    evidence = audit.table("claim_evidence")["row_id"]
    bounded = audit.table("unprinted")["row_id"]
    cells = [*estimates, *evidence, *bounded]
    return {row.strip() for cell in cells for row in str(cell).split(";")}


def bearing(audit, topic: str) -> dict[str, set[str]]:
    """Rows by study: a source's own results on the outcomes of the topic's claim."""
    rows, (gait, words) = audit.published, BEARS[topic]
    own = rows[
        (rows["topic"] == topic)
        & (rows["independence"] == "independent")
        & rows["direction"].isin(BACKWARD)
        & rows["gait"].str.contains(gait)
        & rows["outcome"].str.contains(words)
    ]
    return {str(study): set(part["row_id"]) for study, part in own.groupby("study_id")}


@pytest.mark.parametrize("topic", BEARS)
def test_no_source_is_left_out_without_a_reason(audit, used, topic) -> None:
    found = bearing(audit, topic)
    assert len(found) >= 2
    reasons = set(audit.table("left_out")["study_id"])
    silent = {study for study, rows in found.items() if not rows & used and study not in reasons}
    assert silent == set()


def test_reasons_are_of_sources_that_bear_and_are_not_used(audit, used) -> None:
    """A reason that has outlived its source is a claim that is no longer true."""
    unused = {
        study for topic in BEARS for study, rows in bearing(audit, topic).items() if not rows & used
    }
    table = audit.table("left_out")
    assert set(table["study_id"]) == unused
    assert (table["why"].str.len() > 20).all()
