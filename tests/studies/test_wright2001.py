"""Wright and Weyand 2001, abstract: metabolic rate 35 +/- 6% (SE) above forward, N = 4."""

from __future__ import annotations

import pytest
from doors.evidence import one_row, percentage_estimate

from retrostats import load_published


def test_percentage_with_its_standard_error() -> None:
    row = one_row(
        load_published("metabolic_cost"),
        study_id="wright2001",
        outcome="metabolic_rate_pct_difference_measured",
    )
    assert (row["mean_text"], row["spread_text"], row["spread_type"], row["n"]) == (
        "35",
        "6",
        "SE",
        4,
    )
    estimate = percentage_estimate(row, "ratio backward / forward")
    shown = estimate.interval()
    assert estimate.df == 3
    assert shown.estimate == pytest.approx(1.35, rel=1e-12)
    # 16 to 54% on the percentage scale, worked by hand; the log scale is a little less symmetric.
    assert 100 * (shown.low - 1) == pytest.approx(16, abs=2)
    assert 100 * (shown.high - 1) == pytest.approx(55, abs=2)


def test_the_press_figure_is_secondary_and_never_pooled() -> None:
    rows = load_published("metabolic_cost")
    press = rows[rows["outcome"] == "energy_pct_difference_press"]
    assert set(press["independence"]) == {"SECONDARY"}
    assert not press["poolable"].any()
