"""The table of claims: what a claim may be, and what is refused with a word."""

from __future__ import annotations

import pytest
from doors.audit import KINDS, by_signs, claim_evidence_of, claims_from_frame, fidelity_of
from doors.io import load_claims_table, load_table

import retrostats as rs
from retrostats import Candidate, InputError, Interval, judge


def test_a_kind_that_no_rule_knows_is_named() -> None:
    table = load_claims_table()
    assert set(table["kind"]) <= set(KINDS)
    table.loc[2, "kind"] = "rumour"
    with pytest.raises(InputError, match="kind: found 'rumour'; allowed: "):
        claims_from_frame(table)


def test_ends_in_the_wrong_order_are_named() -> None:
    table = load_claims_table()
    table.loc[0, ["range_low", "range_high"]] = [2.0, 1.0]
    with pytest.raises(InputError, match=r"range_low 2\.0 is above range_high 1\.0"):
        claims_from_frame(table)


def test_a_lone_interval_has_one_probability_and_several_have_a_range() -> None:
    claim = claims_from_frame(load_claims_table())["energy_30"]
    one = Candidate(Interval(1.3, 1.1, 1.5))
    other = Candidate(Interval(1.2, 0.98, 1.4))
    assert "over the declared choices" not in judge(claim, [one]).direction.reason
    assert "over the declared choices" in judge(claim, [one, other]).direction.reason


def test_every_claim_says_who_makes_it_and_what_its_source_says() -> None:
    claims = load_claims_table().set_index("claim_id")
    assert set(claims["said_by"]) == {"the post", "a commenter"}
    elements = load_table("claim_fidelity")
    assert set(elements["claim_id"]) == set(claims.index)


def test_claims_that_nobody_measured_say_so_and_one_outside_the_subject_too() -> None:
    audit = rs.load_audit()
    elements = load_table("claim_fidelity").set_index("claim_id")
    for claim in ("acl_pain", "fall_risk", "track_safe", "neck_strain"):
        assert "nothing was found that measured it" in elements.loc[claim, "source_says"]
        assert (
            fidelity_of(audit.claims[claim], claim_evidence_of(audit))[0]
            == "not measured by the source"
        )
        assert by_signs(audit.claims[claim], claim_evidence_of(audit))[0] == "no evidence"
    assert elements.loc["other_hand", "source_says"].startswith("outside the subject")
    assert "outside the subject" in audit.claims["other_hand"].attributed_to


def test_claims_of_the_third_pass_name_no_size() -> None:
    claims = load_claims_table().set_index("claim_id")
    sized = claims[claims["range_low"].notna()]
    assert set(sized.index) == {"energy_30", "body_fat_6wk"}
    assert len(claims) == 29


def test_what_the_column_did_not_say_is_not_attributed_to_it() -> None:
    claims = load_claims_table().set_index("claim_id")
    for claim in ("avoid_injury", "balance"):
        assert "the post added walking" in claims.loc[claim, "attributed_to"]
    assert "the post's own" in claims.loc["improves_forward", "attributed_to"]
