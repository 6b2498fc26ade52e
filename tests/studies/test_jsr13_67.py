"""J Sport Rehabil 13:67, ten women at self-selected intensity: no extra oxygen backward."""

from __future__ import annotations

import pytest
from doors.audit import Context, load_analysis
from doors.common import analyses_dir

from retrostats import load_claims, load_published


@pytest.mark.parametrize(
    ("outcome", "backward", "forward", "percent"),
    [("vo2_ml_kg_min", 24.24, 25.19, -3.8), ("heart_rate_bpm", 145, 142, 2.1)],
)
def test_means_and_their_percentages(outcome, backward, forward, percent) -> None:
    rows = load_published("metabolic_cost")
    mine = rows[(rows["study_id"] == "jsr13_67") & (rows["outcome"] == outcome)]
    means = mine.set_index("direction")["mean"]
    assert (means["backward"], means["forward"]) == (backward, forward)
    assert round(100 * (means["backward"] / means["forward"] - 1), 1) == percent
    assert set(mine["n"]) == {10}
    assert mine["speed_m_s"].isna().all()  # matched effort, not matched speed


def test_it_is_shown_beside_the_pool_and_judges_nothing() -> None:
    found = _analyse(load_published("metabolic_cost"))
    shown = next(e for e in found.estimates if e.estimate_id == "mc-effort")
    assert (shown.excluded, shown.pooled, shown.claim_id) == (True, False, "")
    assert "not one speed" in shown.directness


def _analyse(rows):
    analysis = load_analysis(analyses_dir() / "metabolic_cost.py")
    return analysis.analyse(Context(rows, load_claims()))
