"""docs/unprinted.md is what the shipped audit gives; `python -m benchmarks.unprinted` renews it."""

from __future__ import annotations

from pathlib import Path

import pytest

import retrostats as rs

unprinted = pytest.importorskip("benchmarks.unprinted")
PAGE = Path(__file__).resolve().parent.parent / unprinted.PAGE


@pytest.fixture(scope="module")
def found(whole):
    return whole


@pytest.mark.thorough
def test_the_page_shows_what_the_audit_gives() -> None:
    """By as many draws as the page is made with."""
    found = rs.replicate(draws=unprinted.DRAWS)
    assert unprinted.claims_table(found) in PAGE.read_text(encoding="utf-8")


def test_the_page_shows_every_measure_that_judges_a_claim(found) -> None:
    page = PAGE.read_text(encoding="utf-8")
    judged = found.explorations[found.explorations["claim_id"] != ""]
    assert set(judged["claim_id"]) == set(found.draws["claim_id"])
    for name in judged["measure"]:
        assert f"| {name} |" in page


def test_every_judging_measure_has_its_frames_for_pictures(found) -> None:
    """Specifications, draws and influence, measure by measure."""
    judged = found.explorations[found.explorations["claim_id"] != ""]
    for row in judged.itertuples():
        mine = "claim_id == @row.claim_id and estimate_id == @row.estimate_id"
        assert len(found.draws.query(mine)) >= 0.95 * found.provenance["draws"]
        assert len(found.specifications.query(mine)) >= 1
        unknowns = found.unknowns.query(mine)
        assert (unknowns["total"] >= 0).all()
        assert len(unknowns) >= row.unknowns


def test_draws_never_reach_beyond_the_search(found) -> None:
    outer = found.explorations.query("claim_id != ''").set_index(["claim_id", "estimate_id"])
    for key, part in found.draws.groupby(["claim_id", "estimate_id"]):
        assert part["conf_low"].min() >= outer.at[key, "conf_low"] - 1e-12
        assert part["conf_high"].max() <= outer.at[key, "conf_high"] + 1e-12
