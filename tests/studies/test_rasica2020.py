"""Rasica 2020, abstract: cost 35% higher backward, mean over six grades; no spread printed."""

from __future__ import annotations

from retrostats.read.published import load_published
from retrostats.reduce.pair import one_row


def test_percentage_without_spread_is_never_pooled() -> None:
    row = one_row(
        load_published("metabolic_cost"),
        study_id="rasica2020",
        outcome="metabolic_cost_pct_difference",
    )
    assert (row["pct_change_text"], row["n"], row["spread_text"]) == ("35", 8, "")
    assert not row["poolable"]
