"""Williford 1998, abstract: VO2 and heart rate at 80.45 and 134.08 m/min, n = 13, p < 0.05."""

from __future__ import annotations

import math

import pytest
from doors.evidence import correlation_range, crossover_study, printed_pair, ratio_estimate
from scipy import stats

from retrostats import load_published

CONDITIONS = ("backward", "forward")
VO2 = {"study_id": "williford1998", "outcome": "vo2_ml_kg_min"}


@pytest.fixture(scope="module")
def rows():
    return load_published("metabolic_cost")


@pytest.mark.parametrize(
    ("gait", "forward", "backward", "more"),
    [("walk", 12.42, 15.95, 28.4), ("run", 27.15, 31.33, 15.4)],  # percentages are ours
)
def test_printed_means_and_their_ratio(rows, gait, forward, backward, more) -> None:
    pair = printed_pair(rows, CONDITIONS, **VO2, gait=gait)
    assert (pair.n, pair.mean_2, pair.mean_1) == (13, forward, backward)
    assert round(100 * (pair.ratio - 1), 1) == more


def test_speeds_are_converted_from_metres_per_minute(rows) -> None:
    found = rows[(rows["study_id"] == "williford1998") & (rows["gait"] == "run")]
    assert found["speed_m_s"].iloc[0] == pytest.approx(134.08 / 60, rel=1e-12)


def test_printed_p_bounds_the_correlation(rows) -> None:
    """At the lowest correlation left, the paired t-test gives p = 0.05 exactly."""
    pair = printed_pair(rows, CONDITIONS, **VO2, gait="run")
    low, high = correlation_range(pair)
    variance = pair.sd_2**2 + pair.sd_1**2 - 2 * low * pair.sd_2 * pair.sd_1
    t = (pair.mean_1 - pair.mean_2) / math.sqrt(variance / pair.n)
    assert 2 * stats.t.sf(t, 12) == pytest.approx(0.05, abs=1e-9)
    assert low < 0 < high < 1


@pytest.mark.parametrize(
    ("correlation", "low", "high"),
    [(0.0, 1.9, 30.7), (0.5, 4.8, 27.1), (0.8, 7.1, 24.3)],  # worked by hand in the evidence
)
def test_interval_of_the_run_ratio_at_assumed_correlations(rows, correlation, low, high) -> None:
    pair = printed_pair(rows, CONDITIONS, **VO2, gait="run")
    shown = ratio_estimate(pair, correlation).interval()
    assert round(100 * (shown.low - 1), 1) == pytest.approx(low, abs=0.11)
    assert round(100 * (shown.high - 1), 1) == pytest.approx(high, abs=0.11)


def test_unlabelled_spread_cannot_be_a_standard_error(rows) -> None:
    """SDs 3.6 times larger leave no correlation in [-1, 1] for p < 0.05 of the running pair."""
    study = crossover_study(
        rows, "x", "run", conditions=CONDITIONS, where={**VO2, "gait": "run"}, quantity="ratio"
    )
    (spread,) = [a for a in study.assumptions if a.kind == "unlabelled spread"]
    assert "impossible" in spread.why
    pair = study.pair
    smallest = pair.sd_1 - pair.sd_2  # error of the difference at a correlation of 1
    largest_t = (pair.mean_1 - pair.mean_2) / smallest
    assert 2 * stats.t.sf(largest_t, pair.n - 1) > 0.05
