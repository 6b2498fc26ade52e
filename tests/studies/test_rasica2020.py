"""Rasica 2020, abstract: cost 35% higher backward, mean over six grades; no spread printed."""

from __future__ import annotations

from retrostats.evidence.printed.pair import one_row
from retrostats.io.published.published import load_published


def test_percentage_without_spread_is_never_pooled() -> None:
    row = one_row(
        load_published("metabolic_cost"),
        study_id="rasica2020",
        outcome="metabolic_cost_pct_difference",
    )
    assert (row["pct_change_text"], row["n"], row["spread_text"]) == ("35", 8, "")
    assert not row["poolable"]
