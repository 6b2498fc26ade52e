"""Cavagna 2011, the paper the post cites: its abstract says more energy and a soft landing."""

from __future__ import annotations

import pytest
from doors.audit import claim_evidence_of, fidelity_of
from doors.io import load_studies

from retrostats import load_audit, load_claims, load_published


def _elements(claim: str):
    fidelity = claim_evidence_of(load_audit()).fidelity
    return fidelity[fidelity["claim_id"] == claim].set_index("element")


def test_its_rows_are_signs_without_a_number() -> None:
    rows = load_published()
    mine = rows[(rows["study_id"] == "cavagna2011") & (rows["independence"] == "independent")]
    assert set(mine["outcome"]) == {
        "efficiency_of_positive_work",
        "force_after_landing_to_before_takeoff",
    }
    assert mine[["mean", "pct_change", "spread"]].isna().all(axis=None)
    assert not mine["poolable"].any()


def test_more_energy_is_said_but_not_thirty_percent() -> None:
    energy = _elements("energy_30")["agrees"]
    assert energy["the direction"] == "yes"
    assert energy["the figure"] == "unknown"
    assert energy["where the figure was printed first"] == "no"
    assert fidelity_of(load_claims()["energy_30"], claim_evidence_of(load_audit()))[0] == "drifted"


def test_softer_impact_has_a_basis_the_heart_has_none() -> None:
    pounding = _elements("pounding")
    assert pounding.loc["the impact", "agrees"] == "yes"
    assert "cavagna2011" in pounding.loc["the impact", "source_rows"]
    assert pounding.loc["the organ", "agrees"] == "no"
    assert not pounding["source_rows"].str.contains("cavagna2012").any()


@pytest.mark.parametrize("sign", ["for", "against"])
def test_printed_signs_on_pounding_point_both_ways(sign) -> None:
    evidence = claim_evidence_of(load_audit()).evidence
    assert sign in set(evidence.loc[evidence["claim_id"] == "pounding", "bears"])


def test_doi_of_its_companion() -> None:
    assert load_studies().set_index("study_id").loc["cavagna2012", "doi"] == "10.1242/jeb.057562"
