"""Menezes 2023: balance +2 of 56 points (1.5 to 2.2), children with cerebral palsy, walking."""

from __future__ import annotations

from doors.audit import by_signs, claim_evidence_of

from retrostats import load_audit, load_claims, load_published

ROW = "bf-menezes2023-pediatric-balance-scale-backward-walking-training-v-forward-walking-training"


def test_balance_effect_as_printed_and_never_pooled() -> None:
    row = load_published("body_fat").set_index("row_id").loc[ROW]
    assert (row["change"], row["ci_low"], row["ci_high"], row["ci_level"]) == (2, 1.5, 2.2, 95)
    assert row["independence"] == "SECONDARY"
    assert not row["poolable"]


def test_it_bears_on_balance_without_settling_it() -> None:
    evidence = claim_evidence_of(load_audit()).evidence
    assert set(evidence.loc[evidence["row_id"] == ROW, "claim_id"]) == {"balance"}
    assert by_signs(load_claims()["balance"], claim_evidence_of(load_audit()))[0] == "open"
