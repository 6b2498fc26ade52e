"""Rasica 2020, abstract: cost 35% higher backward, mean over six grades; no spread printed."""

from __future__ import annotations

from doors.evidence import one_row

from retrostats import load_published


def test_percentage_without_spread_is_never_pooled() -> None:
    row = one_row(
        load_published("metabolic_cost"),
        study_id="rasica2020",
        outcome="metabolic_cost_pct_difference",
    )
    assert (row["pct_change_text"], row["n"], row["spread_text"]) == ("35", 8, "")
    assert not row["poolable"]


def test_higher_on_the_level_is_a_result_of_its_own_and_in_no_pool(whole) -> None:
    level = "mc-rasica2020-metabolic-cost-run-bw-vs-fw-level"
    row = load_published("metabolic_cost").set_index("row_id").loc[level]
    assert (row["gradient_printed"], row["poolable"]) == ("0", False)
    rows = whole.estimates.set_index("estimate_id")
    assert rows.loc["mc-rasica-level", "source_rows"] == level
    others = rows.drop(index="mc-rasica-level")
    assert not others["source_rows"].str.contains(level).any()
    assert rows.loc["mc-rasica-level", ["estimate", "sens_low", "sens_high"]].isna().all()
