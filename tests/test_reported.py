"""Printed numbers: rounding intervals and what follows exactly from p, t, SD and n."""

from __future__ import annotations

import math

import pytest
from doors.evidence import Recomputed, difference_of_trials, t_from_p
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from retrostats import Estimate, InputError, Reported, r_bounds_from_p, se_from_p

ROUND_TRIP = 1e-9  # two inverse formulas in double precision
REFERENCE = 1e-12  # a quotient and the ends of its interval, each rounded once

sds = st.floats(0.5, 20)
correlations = st.floats(-0.95, 0.95)


def sd_of_change(sd1: float, sd2: float, r: float) -> float:
    """Cochrane Handbook, section 6.5.2.8."""
    return math.sqrt(sd1**2 + sd2**2 - 2 * r * sd1 * sd2)


@pytest.mark.parametrize(
    ("text", "value", "decimals", "interval"),
    [
        ("12.30", 12.3, 2, (12.295, 12.305)),
        ("12.3", 12.3, 1, (12.25, 12.35)),
        ("35", 35, 0, (34.5, 35.5)),
        ("1.9e-6", 1.9e-6, 7, (1.85e-6, 1.95e-6)),
        ("1e3", 1000, -3, (500, 1500)),
        (".858", 0.858, 3, (0.8575, 0.8585)),
        ("−19.7 %", -19.7, 1, (-19.75, -19.65)),
        ("–0.55", -0.55, 2, (-0.555, -0.545)),
        ("0.00", 0, 2, (-0.005, 0.005)),
    ],
)
def test_printed_text_keeps_its_precision(text, value, decimals, interval):
    reported = Reported(text)
    assert (reported.value, reported.decimals, reported.interval) == (value, decimals, interval)


@pytest.mark.parametrize(
    "text", ["", "NS", "3.2-3.7", "12,3", "35,226", "1.2.3", "nan", "inf", "=1", "1e", "5 kg"]
)
def test_anything_but_one_number_is_refused(text):
    with pytest.raises(InputError, match="printed number"):
        Reported(text)


@given(st.floats(-1e4, 1e4), st.integers(0, 6))
def test_a_number_agrees_with_its_own_rounding_and_not_with_the_next(x, decimals):
    text = f"{x:.{decimals}f}"
    assert Reported(text).agrees(x)
    assert not Reported(text).agrees(x + 1.5 * 10.0**-decimals)


def test_recomputed_ratio_of_williford_walking():
    assert Reported("1.284").agrees(15.95 / 12.42)  # the paper prints no ratio


@given(st.floats(1e-6, 0.999), st.floats(1, 200), st.floats(-50, 50).filter(lambda x: abs(x) > 0.1))
def test_standard_error_gives_back_p(p, df, change):
    t = abs(change) / se_from_p(change, p, df)
    assert math.isclose(2 * stats.t.sf(t, df), p, rel_tol=1e-7)  # quantile solved numerically
    assert math.isclose(t, t_from_p(p, df), rel_tol=ROUND_TRIP)


@given(sds, sds, st.integers(3, 40), correlations, st.floats(0.2, 10))
def test_bounds_hold_every_correlation_that_prints_this_p(sd1, sd2, n, r, diff):
    p = 2 * stats.t.sf(diff / (sd_of_change(sd1, sd2, r) / math.sqrt(n)), n - 1)
    if not 1e-9 < p < 0.999:
        return
    for operator, threshold in (("=", p), ("<", min(1.0, p * 1.01)), (">", p * 0.99)):
        low, high = r_bounds_from_p(sd1, sd2, n, diff, threshold, operator)
        assert low - 1e-6 <= r <= high + 1e-6
        assert -1 <= low <= high <= 1


@given(sds, sds, st.integers(3, 40), correlations, st.floats(0.5, 10))
def test_bounds_over_rounding_hold_the_unrounded_correlation(sd1, sd2, n, r, diff):
    p = 2 * stats.t.sf(diff / (sd_of_change(sd1, sd2, r) / math.sqrt(n)), n - 1)
    if not 0.001 < p < 0.99:
        return
    printed = Reported(f"{sd1:.1f}"), Reported(f"{sd2:.1f}")
    p_text = Reported(f"{p:.4f}")
    low, high = r_bounds_from_p(*printed, n, (diff - 0.05, diff + 0.05), p_text, "=")
    assert low - 1e-9 <= r <= high + 1e-9


def test_a_p_that_no_correlation_gives_is_refused():
    with pytest.raises(InputError, match="none between -1 and 1"):
        r_bounds_from_p(1.0, 9.0, 5, 0.1, 0.001, "<")
    with pytest.raises(InputError, match="NS"):
        r_bounds_from_p(1.0, 1.0, 5, 0.1, 0.05, "NS")


@pytest.mark.parametrize("p", [0.0, -0.1, 1.5, math.nan])
def test_impossible_p_is_refused(p):
    with pytest.raises(InputError, match="p-value"):
        t_from_p(p, 10)


def test_a_large_recomputed_number_has_a_slack_in_proportion() -> None:
    """Decimal text is not exact in binary: at 1e8 one unit of rounding is far above 1e-9."""
    edge = 123456789.05
    found = Recomputed(edge, edge + 5e-8, edge + 1.0)
    assert found.agrees("123456789.0")
    assert not Recomputed(edge, edge + 1.0, edge + 2.0).agrees("123456789.0")


def test_the_difference_of_two_trials_is_that_of_their_means_with_both_errors() -> None:
    first = Estimate(-2.4, 0.8, 12, "difference", "points", ("a",))
    second = Estimate(-1.7, 0.4, 14, "difference", "points", ("b",))
    found = difference_of_trials(first, 13, second, 15)
    assert found.value == pytest.approx(-0.7)
    assert found.std_error == pytest.approx((0.8**2 + 0.4**2) ** 0.5)
    assert found.source == ("a", "b")
