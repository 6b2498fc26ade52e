"""Gilchrist 2008 as quoted by reviews: 7 and 18 ACL injuries; one table has a digit too many."""

from __future__ import annotations

import pytest

from retrostats import load_published


@pytest.fixture(scope="module")
def rows():
    return load_published("ligament_injury").set_index("row_id")


def test_printed_rate_fits_the_hours_of_the_other_table(rows) -> None:
    misprint = rows.loc["li-gilchrist2008-acl-injury-rate-per-1000-h-control"]
    hours = rows.loc["li-gilchrist2008-acl-injuries-control", "exposure"]
    assert round(1000 * misprint["events"] / hours, 3) == misprint["mean"] == 0.17
    assert round(1000 * misprint["events"] / misprint["exposure"], 3) != misprint["mean"]


def test_hours_are_two_for_each_exposure(rows) -> None:
    """The rate per exposure of a third table only fits half the hours."""
    per_exposure = rows.loc["li-gilchrist2008-noncontact-acl-injury-rate-per-1000-ae-trained"]
    counted = rows.loc["li-gilchrist2008-noncontact-acl-injury-rate-per-1000-intervention-pep"]
    assert (counted["events"], counted["exposure"]) == (2, 70440)
    assert round(1000 * 2 / (70440 / 2), 3) == per_exposure["mean"] == 0.057


def test_quoted_counts_decide_nothing(rows) -> None:
    quoted = rows[rows.index.str.match("li-gilchrist2008-.*(injuries|rate)")]
    assert len(quoted) == 10
    assert set(quoted["independence"]) == {"SECONDARY"}
    assert not quoted["poolable"].any()
