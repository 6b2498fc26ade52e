"""Cavagna 2012, abstract: peak upward acceleration 13.2 forward, 15.7 backward m/s2, P = 1.9e-6."""

from __future__ import annotations

import pytest
from doors.evidence import one_row, t_from_p
from scipy import stats

from retrostats import load_published

WHERE = {"study_id": "cavagna2012", "outcome": "peak_acceleration_m_s2"}


def test_printed_means_and_what_the_p_implies() -> None:
    rows = load_published("ligament_injury")
    forward, backward = (one_row(rows, direction=d, **WHERE) for d in ("forward", "backward"))
    assert (forward["mean"], backward["mean"], forward["n"]) == (13.2, 15.7, 9)
    assert backward["p_value_text"] == "1.9e-6"
    for df in (8, 134):
        t = t_from_p(backward["p_value"], df)
        assert 2 * stats.t.sf(t, df) == pytest.approx(1.9e-6, rel=1e-9)


def test_impact_is_larger_backward_so_the_means_have_no_spread_to_pool() -> None:
    rows = load_published("ligament_injury")
    row = one_row(rows, direction="backward", **WHERE)
    assert row["spread_text"] == ""
