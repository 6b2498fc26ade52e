"""Heath 2001: oxygen uptake in litres a minute, under a name that does not say millilitres."""

from __future__ import annotations

import pytest

from retrostats import load_published


def test_uptake_is_printed_in_litres_and_read_in_millilitres() -> None:
    rows = load_published("body_fat")
    mine = rows[(rows["study_id"] == "heath2001") & (rows["outcome"] == "oxygen_uptake")]
    assert sorted(mine["mean_text"]) == ["1.66", "2.05"]
    assert set(mine["unit"]) == {"ml/min"}
    assert sorted(mine["mean"]) == pytest.approx([1660, 2050], rel=1e-12)
