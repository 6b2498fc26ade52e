"""Fidelity rules, and that a printed sign alone never settles a direction."""

from __future__ import annotations

import pandas as pd
import pytest

from retrostats.judge.claims import load_claims
from retrostats.judge.fidelity import Audit, audit_reason, fidelity_of, load_audit

CLAIM = next(iter(load_claims().values()))


def audit(agrees: list[str], comparisons: list[tuple[str, str]] = ()) -> Audit:
    elements = pd.DataFrame(
        {"claim_id": CLAIM.claim_id, "element": "e", "post_says": "p", "source_says": "s",
         "agrees": agrees, "source_rows": ""}
    )  # fmt: skip
    evidence = pd.DataFrame(
        [(CLAIM.claim_id, "row", bears, comparison, "") for bears, comparison in comparisons],
        columns=["claim_id", "row_id", "bears", "comparison", "why"],
    )
    return Audit(elements, evidence)


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
    assert fidelity_of(CLAIM, audit(agrees))[0] == verdict


@pytest.mark.parametrize("signs", [["for"], ["for"] * 9, ["against"] * 9, ["for", "against"]])
def test_signs_never_settle_a_direction(signs) -> None:
    label, reason = audit_reason(CLAIM, audit([], [(s, "backward vs forward") for s in signs]))
    assert label == "undecided"
    assert f"{signs.count('for')} for" in reason


def test_without_a_comparison_of_directions_there_is_no_evidence() -> None:
    label, _ = audit_reason(CLAIM, audit([], [("for", "backward, one group")]))
    assert label == "no evidence"


def test_every_claim_has_fidelity_elements_and_known_words() -> None:
    tables = load_audit()
    assert set(tables.fidelity["claim_id"]) == set(load_claims())
    assert set(tables.fidelity["agrees"]) <= {"yes", "no", "unknown", "not measured"}
    assert set(tables.evidence["bears"]) <= {"for", "against", "neither"}
