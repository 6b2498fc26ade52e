"""Macpherson 2011, abstract: fat mass 13.9 to 13.1 kg (endurance) and 13.7 to 12.0 (sprints)."""

from __future__ import annotations

import pytest
from doors.evidence import percent_change

from retrostats import load_published


@pytest.mark.parametrize(
    ("arm", "before", "after", "printed"),
    [("endurance", "13.9", "13.1", "-5.8"), ("sprint", "13.7", "12.0", "-12.4")],
)
def test_printed_percentages(arm, before, after, printed) -> None:
    rows = load_published("body_fat")
    mine = rows[
        (rows["study_id"] == "macpherson2011")
        & (rows["outcome"] == "fat_mass_kg")
        & rows["arm"].str.contains(arm)
    ].set_index("time")
    assert (mine.at["pre", "mean_text"], mine.at["post", "mean_text"]) == (before, after)
    assert set(mine["spread_type"]) == {"SE"}
    assert percent_change(before, after).agrees(printed)
