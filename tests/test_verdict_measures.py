"""Verdicts of several measures, and of causes."""

from __future__ import annotations

import math

import pytest
from doors.audit import answer_of
from hypothesis import given
from hypothesis import strategies as st

import retrostats as rs
from retrostats import Candidate, Evidence, InputError, Interval, judge
from tests.judged import AT_LEAST, CAUSE, NAN, at, claim, measured

COLUMNS = ("study", "design", "n", "estimate", "low", "high", "level")


def pooled(*rows: tuple[float, float, float], n: int = 20, **options):
    """A pool of ratios with their 95% intervals."""
    table = [
        dict(zip(COLUMNS, (f"s{i}", "crossover", n, *row, 95), strict=True))
        for i, row in enumerate(rows)
    ]
    columns = {name: [row[name] for row in table] for name in COLUMNS}
    return rs.pool_printed(columns, measure="ratio of means", **options)


def test_measures_on_both_sides_are_mixed_and_have_no_probability() -> None:
    verdict = judge(claim(), [measured(1.26, 1.34), measured(0.8, 0.9, "heart rate")])
    assert verdict.direction.label == "mixed"
    assert math.isnan(verdict.answer.prob_direction)
    assert "oxygen: supported" in verdict.direction.reason
    assert "heart rate: contradicted" in verdict.direction.reason
    assert [a.direction for a in verdict.answers] == ["supported", "contradicted"]


def test_measures_that_differ_and_are_not_both_likely_leave_it_open() -> None:
    verdict = judge(claim(), [measured(1.26, 1.34), measured(0.85, 1.12, "heart rate")])
    assert verdict.direction.label == "open"
    assert math.isnan(verdict.answer.prob_direction)


def test_measures_on_one_side_are_as_sure_as_the_least_sure() -> None:
    verdict = judge(claim(), [measured(1.26, 1.34), measured(0.97, 1.34, "heart rate")])
    assert verdict.direction.label == "likely"
    assert verdict.answer.measure == "heart rate"
    assert "oxygen: supported" in verdict.direction.reason


@pytest.mark.parametrize("low", [1.26, 1.1])
def test_a_cause_without_a_comparison_group_is_open_and_has_no_probability(low) -> None:
    without = judge(CAUSE, [measured(low, 2.6 - low, comparison=False)])
    beside = judge(CAUSE, [measured(low, 2.6 - low)])
    assert beside.direction.label == "supported"
    for side in ("direction", "size"):
        assert getattr(without, side).label == "open"
        assert "no result of a comparison group was printed" in getattr(without, side).reason
    assert math.isnan(without.answer.prob_direction)


def test_a_description_needs_no_comparison() -> None:
    assert judge(claim(), [measured(1.26, 1.34, comparison=False)]).size.label == "supported"


def test_people_not_allocated_by_lot_support_no_cause() -> None:
    explored = measured(1.26, 1.34).at95
    verdict = judge(CAUSE, [Evidence("two groups", explored, randomised=False)])
    assert verdict.direction.label == "open"
    assert "not allocated by lot" in verdict.direction.reason


@given(st.floats(0.5, 2), st.floats(0.001, 0.4))
def test_no_interval_says_anything_of_a_cause_without_a_comparison(centre, half) -> None:
    verdict = judge(CAUSE, [measured(centre - half, centre + half, comparison=False)])
    assert verdict.direction.label == "open"


def test_candidates_and_evidence_without_order_or_anything() -> None:
    with pytest.raises(InputError, match="not ordered"):
        judge(AT_LEAST, [at(1.3, 1.5), Candidate(Interval(1.6, 1.3, 1.5))])
    assert judge(CAUSE, []).size.label == "no evidence"


def test_one_study_answers_a_description_and_is_at_most_likely_of_a_cause() -> None:
    one = pooled((1.3, 1.2, 1.41))
    described, caused = (answer_of(c, one, "oxygen") for c in (claim(low=NAN, high=NAN), CAUSE))
    assert described.direction == "supported"
    assert described.prob_direction == described.prob_direction_min
    assert caused.direction == "likely"
    assert caused.prob_direction < described.prob_direction
    assert caused.conf_low < described.conf_low
    assert caused.overturned_by.startswith("all rests on one result (")


def test_several_studies_support_a_cause_and_say_what_could_overturn_it() -> None:
    three = pooled((1.3, 1.2, 1.41), (1.25, 1.12, 1.4), (1.35, 1.2, 1.52))
    answer = answer_of(CAUSE, three, "oxygen")
    assert answer.direction == "supported"
    assert answer.studies == 3
    assert answer.overturned_by.startswith("without s")
    assert answer.prob_direction_min <= answer.prob_direction <= answer.prob_direction_max


def test_words_alone_leave_a_claim_open() -> None:
    table = {"study": ["A", "B"], "design": ["crossover"] * 2, "n": ["9", "10"],
             "estimate": ["higher", "higher"]}  # fmt: skip
    answer = answer_of(CAUSE, rs.pool_printed(table, measure="ratio of means"), "oxygen")
    assert answer.direction == "open"
    assert answer.why_none == "words alone have signs and no size"
