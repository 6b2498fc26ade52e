"""Mandelbaum 2005 as quoted: 6 of 135,720 h against 67 of 274,896 h; two reviews agree."""

from __future__ import annotations

import pytest

from retrostats import load_published

STEM = "li-mandelbaum2005-acl-injury-rate-per-1000"


@pytest.mark.parametrize(
    ("hours", "occurrences"), [("h-intervention-pep", "trained"), ("h-control", "control")]
)
def test_rates_of_two_reviews_differ_by_the_hours_an_exposure(hours, occurrences) -> None:
    rows = load_published("ligament_injury").set_index("row_id")
    counted, other = rows.loc[f"{STEM}-{hours}"], rows.loc[f"{STEM}-occurrences-{occurrences}"]
    assert round(1000 * counted["events"] / counted["exposure"], 3) == counted["mean"]
    assert round(1000 * counted["events"] / (counted["exposure"] / 2), 2) == other["mean"]
    assert not counted["poolable"]
    assert not other["poolable"]
