"""Fidelity rules, and that a printed sign alone never settles a direction."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from doors.audit import ClaimEvidence, by_signs, claim_evidence_of, fidelity_of

from retrostats import load_audit, load_claims

CLAIM = next(iter(load_claims().values()))


def claim_evidence(agrees: list[str], signs: list[tuple[str, str, str]] = ()) -> ClaimEvidence:
    """Elements of one retelling, and (bears, comparison, direct) of rows that bear on it."""
    elements = pd.DataFrame(
        {"claim_id": CLAIM.claim_id, "element": "e", "post_says": "p", "source_says": "s",
         "agrees": agrees, "source_rows": ""}
    )  # fmt: skip
    evidence = pd.DataFrame(
        [(CLAIM.claim_id, "row", sign, compared, "", direct) for sign, compared, direct in signs],
        columns=["claim_id", "row_id", "bears", "comparison", "why", "direct"],
    )
    return ClaimEvidence(elements, evidence)


@pytest.mark.parametrize(
    ("agrees", "verdict"),
    [
        (["yes", "yes"], "faithful"),
        (["yes", "unknown"], "unverified"),
        (["yes", "no", "unknown"], "drifted"),
        (["no", "not measured"], "not measured by the source"),
        ([], "unverified"),
    ],
)
def test_the_strongest_finding_decides(agrees, verdict) -> None:
    assert fidelity_of(CLAIM, claim_evidence(agrees))[0] == verdict


@pytest.mark.parametrize("signs", [["for"], ["for"] * 9, ["against"] * 9, ["for", "against"]])
def test_signs_never_settle_a_direction(signs) -> None:
    rows = [(s, "backward vs forward", "yes") for s in signs]
    label, reason = by_signs(CLAIM, claim_evidence([], rows))
    assert label == "open"
    assert f"{signs.count('for')} for" in reason


def test_signs_alone_have_a_graded_line_and_each_study_counts_once() -> None:
    rows = [("for", "a vs b", "yes")] * 4 + [("neither", "a vs b", "yes")]
    apart = by_signs(CLAIM, claim_evidence([], rows))[1]
    assert apart.startswith("likely by signs alone: ")
    assert "4 for, 0 against, 1 neither (sign test, two-sided p = 0.12)" in apart
    assert "no size" in apart
    tables = claim_evidence([], [*rows, ("against", "a vs b", "yes")])
    names = ["one 1; one 2", "one 3", "two", "three", "three 2", "four"]
    tables.evidence["row_id"] = names
    studies = {name: name.split()[0].rstrip(";") for name in ["one 1", *names[1:]]}
    together = by_signs(CLAIM, replace(tables, studies=studies))[1]
    # one, two and three are for it (a second result of three takes no side), four against
    assert together.startswith("leaning by signs alone: ")
    assert "3 for, 1 against, 0 neither" in together
    tables.evidence.loc[5, "row_id"] = "two"  # a study with results on both sides takes none
    assert "2 for, 0 against, 1 neither" in by_signs(CLAIM, replace(tables, studies=studies))[1]


def test_without_a_comparison_of_directions_there_is_no_evidence() -> None:
    label, reason = by_signs(CLAIM, claim_evidence([], [("for", "backward, one group", "no")]))
    assert label == "no evidence"
    assert "1 printed results bear on it otherwise" in reason


def test_what_compares_otherwise_is_not_counted_beside_what_compares_directly() -> None:
    rows = [("against", "backward vs forward", "yes"), *[("for", "one group", "no")] * 3]
    label, reason = by_signs(CLAIM, claim_evidence([], rows))
    assert label == "open"
    assert "0 for, 1 against, 0 neither" in reason


def test_rows_of_both_tables_are_split_at_the_semicolon() -> None:
    tables = claim_evidence(["yes"], [("for", "backward vs forward", "yes")])
    tables.fidelity["source_rows"] = "a; b"
    assert tables.row_ids == {"a", "b", "row"}


#: What a claim compares where it is not the two directions.
COMPARES = {
    "unfamiliar_effort": "before vs after practice",
    "gets_easier": "before vs after practice",
    "elliptical_knee": "on a treadmill",
    "routine_change": "varied vs constant programme",
    "bend_back": "bending back vs forward",
}


def test_every_claim_has_fidelity_elements_and_known_words() -> None:
    tables = claim_evidence_of(load_audit())
    assert set(tables.fidelity["claim_id"]) == set(load_claims())
    assert set(tables.fidelity["agrees"]) <= {"yes", "no", "unknown", "not measured"}
    assert set(tables.evidence["bears"]) <= {"for", "against", "neither"}
    direct = tables.evidence["direct"] == "yes"
    told = tables.evidence["claim_id"].map(COMPARES).fillna("backward vs forward")
    assert [t in c for t, c in zip(told, tables.evidence["comparison"], strict=True)] == [*direct]
