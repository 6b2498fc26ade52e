"""Ordway 2016, abstract: economy better by 1.19 (1.26) ml/kg/min, n = 8, p = 0.032."""

from __future__ import annotations

from doors.evidence import one_row, paired_p

from retrostats import load_published


def test_printed_p_follows_from_printed_change_and_spread() -> None:
    row = one_row(
        load_published("body_fat"),
        study_id="ordway2016",
        outcome="forward_running_economy_ml_kg_min",
    )
    assert (row["change_text"], row["change_spread_text"], row["n"]) == ("-1.19", "1.26", 8)
    found = paired_p("-1.19", "1.26", 8)
    assert found.agrees("0.032")
    assert round(found.value, 3) == 0.032


def test_a_wrong_p_is_noticed() -> None:
    assert not paired_p("-1.19", "1.26", 8).agrees("0.052")
