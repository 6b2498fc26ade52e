"""Terblanche 2005, abstract: body fat 2.4% lower, p = 0.01, 13 trained and 13 control."""

from __future__ import annotations

import numpy as np
import pytest
from doors.evidence import between_group_change, implied_error, one_row, within_group_change

from retrostats import Printed, Unknown, load_published


@pytest.fixture(scope="module")
def printed():
    return one_row(load_published("body_fat"), study_id="terblanche2005", outcome="body_fat_pct")


def test_as_printed(printed) -> None:
    assert (printed["change_text"], printed["p_value_text"], printed["n"]) == ("-2.4", "0.01", 13)
    assert printed["weeks"] == 6


def test_within_the_training_group_df_12(printed) -> None:
    """Worked by hand: SE 0.79, interval -4.1 to -0.7."""
    estimate = within_group_change(printed["change"], 0.01, 13, "points", (), ())
    shown = estimate.interval()
    assert estimate.std_error == pytest.approx(0.79, abs=0.005)
    assert estimate.df == pytest.approx(12, rel=1e-6)
    assert (round(shown.low, 1), round(shown.high, 1)) == (-4.1, -0.7)


def test_against_the_control_df_24(printed) -> None:
    """Worked by hand: SE 0.86, interval -4.2 to -0.6."""
    estimate = between_group_change(printed["change"], 0.01, 13, "points", (), ())
    shown = estimate.interval()
    assert estimate.std_error == pytest.approx(0.86, abs=0.005)
    assert estimate.df == pytest.approx(24, rel=1e-6)
    assert (round(shown.low, 1), round(shown.high, 1)) == (-4.2, -0.6)


def test_p_is_carried_over_its_rounding(printed) -> None:
    p = Unknown.rounding("p", Printed(printed["p_value_text"]))
    assert (p.low, p.high) == pytest.approx((0.005, 0.015))
    readings = [p.at(np.array([position]), {})[0] for position in (0.5, 0.0, 1.0)]
    assert readings == pytest.approx([0.01, 0.005, 0.015])
    errors = implied_error(printed["change"], readings, 12)
    for reading, error in zip(readings, errors, strict=True):
        model = within_group_change(printed["change"], reading, 13, "points", (), ())
        assert error == pytest.approx(model.std_error, rel=1e-9)
