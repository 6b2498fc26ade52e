"""Wuhan 2004: 84.6% more oxygen at 150 m/min, no people, no error: shown, never weighed."""

from __future__ import annotations

import math

import pytest
from doors.audit import Context, load_analysis
from doors.common import analyses_dir

from retrostats import load_claims, load_published


@pytest.fixture(scope="module")
def rows():
    return load_published("metabolic_cost")


def test_printed_percentage_and_speed(rows) -> None:
    found = rows.set_index("row_id").loc["mc-wuhan2004-vo2-pct-difference-run-backward"]
    assert found["pct_change_text"] == "84.6"
    assert found["speed_m_s"] == pytest.approx(2.5, rel=1e-12)
    assert math.isnan(found["n"])


def test_no_row_can_be_pooled(rows) -> None:
    mine = rows[rows["study_id"] == "wuhan2004"]
    assert len(mine) == 5
    assert not mine["poolable"].any()


def test_the_pool_does_not_know_it(rows) -> None:
    with_it = _analyse(rows)
    shown = next(e for e in with_it.estimates if e.estimate_id == "mc-wuhan")
    assert (shown.excluded, shown.pooled) == (True, False)
    assert shown.estimate == pytest.approx(1.846, rel=1e-12)
    pool = next(e for e in with_it.estimates if e.estimate_id == "mc-pool")
    assert not set(shown.source_rows) & set(pool.source_rows)
    largest = max(e.estimate for e in with_it.estimates if e.pooled)
    assert shown.estimate - 1 > 2 * (largest - 1)  # implausible beside all that is weighed


def _analyse(rows):
    analysis = load_analysis(analyses_dir() / "metabolic_cost.py")
    return analysis.analyse(Context(rows, load_claims()))
