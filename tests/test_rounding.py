"""Small effects can be read: digits by an interval's width, one form, ticks around no change."""

from __future__ import annotations

import math
import re

import example_frames as ex
import numpy as np
import pytest
from doors.common import limits, ratio_ticks, with_limits
from doors.report import Panel, amount_and_span, claimed, forest, print_user_cohorts
from doors.report import format as fmt

#: Widest share of an interval by which rounding may move an end of it: half a place of two digits.
MOVED = 0.05


def places(text: str) -> int:
    return len(text.partition(".")[2])


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        ((0.98996, 0.98271, 0.99731), ("0.990", "0.983", "0.997")),
        ((1.26, 1.1302, 1.4299), ("1.26", "1.13", "1.43")),
        ((-0.0123, -0.0301, 0.0057), ("-0.012", "-0.030", "0.006")),
        ((0.9996, 0.82, 1.21), ("0.9996", "0.82", "1.21")),
        ((1.15, 1.004, 1.3358), ("1.150", "1.004", "1.336")),
        ((15250.0, 12000.0, 18500.0), ("15,250", "12,000", "18,500")),
    ],
)
def test_digits_follow_the_width_of_the_interval(numbers, shown) -> None:
    assert with_limits(*numbers) == shown


def test_an_interval_has_one_form_and_rounding_moves_it_little() -> None:
    rng = np.random.default_rng(11)
    for _ in range(3000):
        middle, half = rng.normal(0, 1), 10 ** rng.uniform(-6, 3)
        low, high = middle - half, middle + half * rng.uniform(0.5, 2)
        shown = [text.replace(",", "") for text in limits(low, high, bounds=())]
        assert places(shown[0]) == places(shown[1]) or 0 < low <= high / 100
        for text, end in zip(shown, (low, high), strict=True):
            assert abs(float(text) - end) <= MOVED * (high - low)


@pytest.mark.parametrize("ratio", [(0.9744, 0.968, 0.981), (1.0256, 1.019, 1.032)])
def test_a_size_near_the_claimed_one_is_not_rounded_onto_it(ratio) -> None:
    bounds = (1.0, 0.97, 1.03)
    number, span = amount_and_span(*ratio, "ratio", bounds=bounds)
    assert number.startswith("2.6%")
    assert re.match(r"1\.9% to 3\.2%", span)


def test_an_estimate_and_its_interval_are_both_per_cent_or_both_factors() -> None:
    number, span = amount_and_span(1.6, 0.7, 3.66, "ratio")
    assert (number, span) == ("1.60 times as high", "0.70 to 3.66 times as high")
    assert amount_and_span(0.99, 0.983, 0.997, "ratio") == ("1.0% lower", "0.3% to 1.7% lower")


def test_a_declared_range_stands_as_it_was_declared() -> None:
    def said(low: float, high: float) -> str:
        return claimed({"range_low": low, "range_high": high, "scale": "ratio"})

    assert said(1.02, 1.05) == "2% to 5% higher"
    assert said(0.9744, 0.98) == "2% to 2.56% lower"
    assert said(0.45, 0.55) == "45% to 55% lower"
    assert said(2.0, 3.0) == "2 to 3 times as high"


@pytest.mark.parametrize("half", [0.6, 0.2, 0.05, 0.012, 0.003, 0.0008])
@pytest.mark.parametrize("lean", [0.15, 0.5, 0.85])
def test_a_ratio_axis_has_1_among_a_few_short_ticks(half, lean) -> None:
    low, high = math.exp(-2 * half * lean), math.exp(2 * half * (1 - lean))
    ticks, labels = ratio_ticks(low, high, lambda found: len(found) <= 9)
    assert 1.0 in ticks
    assert 3 <= len(ticks) <= 9
    assert all(low <= t <= high for t in ticks)
    assert [float(label) for label in labels] == ticks
    assert all(places(label) <= max(2, math.ceil(-math.log10(half)) + 1) for label in labels)


@pytest.mark.parametrize("ends", [(0.06, 8.5), (0.84, 1.95), (0.6, 2.5), (0.0072, 30.0)])
def test_an_axis_with_room_for_all_numbers_has_few_and_round_ones(ends) -> None:
    ticks, labels = ratio_ticks(*ends)
    assert 1.0 in ticks
    assert len(ticks) < 9
    assert all(len(label.replace(".", "").strip("0")) <= 2 for label in labels)


@pytest.mark.parametrize("decades", [12, 24, 48])
def test_a_ratio_axis_of_many_decades_has_1_and_even_steps(decades) -> None:
    low, high = 0.3 * 10.0 ** (-decades / 2), 3.0 * 10.0 ** (decades / 2)
    ticks, _ = ratio_ticks(low, high, lambda found: len(found) <= 9)
    assert 1.0 in ticks
    assert 3 <= len(ticks) <= 9
    steps = np.diff(np.log10(ticks))
    assert np.ptp(steps) == pytest.approx(0.0, abs=1e-9)  # powers of ten are exact to 1e-15


def test_a_forest_of_small_effects_can_be_read() -> None:
    rows = ex.estimates().head(2).assign(
        estimate=[0.99, 1.002], conf_low=[0.983, 0.997], conf_high=[0.997, 1.007],
        sens_low=np.nan, sens_high=np.nan, pred_low=np.nan, pred_high=np.nan,
    )  # fmt: skip
    figure = forest([Panel(rows, "time", 1.0, log=True)], "")
    texts = [t.get_text() for t in figure.findobj(match=lambda a: hasattr(a, "get_text"))]
    assert {"0.990", "[0.983, 0.997]"} <= set(texts)
    ticks = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert ticks == ["0.98", "0.99", "1.00", "1.01"]


def test_page_tables_and_terminal_share_the_form(capsys) -> None:
    import pandas as pd

    row = {"estimate": 0.99, "conf_low": 0.983, "conf_high": 0.997}
    assert fmt.estimate(row) == "0.990 [0.983, 0.997]"
    assert fmt.with_interval(0.99, 0.983, 0.997) == "0.990 (0.983 to 0.997)"
    own = pd.DataFrame([{**row, "cohort": "mine", "what": "all", "unit": "ratio", "n": 9,
                         "events": np.nan, "exposure_h": np.nan}])  # fmt: skip
    none = pd.DataFrame(columns=["claim_id", "side", "label", "without", "with_", "statement"])
    print_user_cohorts(own, none, none)
    assert "0.990 [0.983, 0.997] ratio" in capsys.readouterr().out
