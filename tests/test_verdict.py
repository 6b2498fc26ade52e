"""Verdicts of one measure: labels by probability; the ranges are the claim's, fixed beforehand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from doors.audit import DIRECTION_ORDER, direction_of, label_shares, size_of
from hypothesis import given, settings
from hypothesis import strategies as st

from retrostats import Candidate, Estimate, Evidence, InputError, Interval, judge
from tests.judged import AT_LEAST, AT_MOST, CAUSE, NAN, at, claim, measured, over

#: Of a property whose examples take long: the others look at all of the profile's.
FEW = settings(max_examples=settings.default.max_examples // 3)
#: A probability is read off a grid.
PROBABILITY_ATOL = 2e-3


@pytest.mark.parametrize(
    ("low", "high", "direction", "size"),
    [
        (1.26, 1.34, "supported", "supported"),
        (1.02, 1.30, "supported", "unlikely"),
        (1.20, 1.40, "supported", "compatible"),
        (1.36, 1.60, "supported", "contradicted"),
        (0.70, 0.90, "contradicted", "contradicted"),
        (0.90, 1.12, "open", "contradicted"),
        (0.97, 1.16, "likely", "contradicted"),
        (0.995, 1.30, "very likely", "unlikely"),
        (0.93, 1.02, "unlikely", "contradicted"),
    ],
)
@pytest.mark.parametrize("kind", [at, measured])
def test_one_interval(kind, low: float, high: float, direction: str, size: str) -> None:
    verdict = judge(claim(), [kind(low, high)])
    assert (verdict.direction.label, verdict.size.label) == (direction, size)
    assert verdict.overturned_by == ""


def test_a_95_percent_interval_that_touches_no_difference_has_2_5_percent_beyond_it() -> None:
    verdict = judge(claim(), [measured(1.0, 1.3 * 1.3)])
    assert verdict.answer.prob_direction == pytest.approx(0.975, abs=PROBABILITY_ATOL)
    assert verdict.answer.conf_low == pytest.approx(1.0, abs=PROBABILITY_ATOL)


def test_the_reason_says_the_probability_and_the_outermost_limits() -> None:
    direction = judge(claim(), [measured(1.02, 1.30)]).direction
    assert direction.reason.startswith("99% that it is above 1")
    assert "1.02 to 1.30 if everything left open fell out the worst way at once" in direction.reason


def test_interval_labels_of_a_fall_lie_below_the_null() -> None:
    fall = claim("below", -3, -2, 0.0)
    assert direction_of(Interval(-2.4, -4.1, -0.7), fall) == "supported"
    assert direction_of(Interval(1, 0.5, 2), fall) == "contradicted"
    assert size_of(Interval(-2.4, -2.9, -2.1), fall) == "supported"


def test_candidates_are_averaged_and_the_least_of_them_keeps_it_from_support() -> None:
    both = judge(claim(), [at(1.02, 1.24, r=0.8), at(0.98, 1.31, r=0.0)]).answer
    alone = [judge(claim(), [c]).answer.prob_direction for c in (at(1.02, 1.24), at(0.98, 1.31))]
    assert both.prob_direction_min == pytest.approx(min(alone), abs=PROBABILITY_ATOL)
    assert both.prob_direction_max == pytest.approx(max(alone), abs=PROBABILITY_ATOL)
    assert both.prob_direction == pytest.approx(sum(alone) / 2, abs=PROBABILITY_ATOL)
    assert both.direction == "very likely"


def test_no_interval_is_no_evidence_and_no_claimed_size_is_not_claimed() -> None:
    nan = float("nan")
    verdict = judge(claim(low=nan, high=nan), [])
    assert verdict.direction.label == "no evidence"
    assert verdict.size.label == "not claimed"
    assert math.isnan(verdict.answer.prob_direction)


def test_disordered_interval_is_refused() -> None:
    with pytest.raises(InputError, match="not ordered"):
        judge(claim(), [Candidate(Interval(1.0, 1.2, 1.3))])


@FEW
@given(st.floats(0.8, 1.2), st.floats(0.02, 0.15), st.floats(0.0, 0.3))
def test_a_higher_interval_never_lowers_the_grade(middle, half, shift) -> None:
    """The rule before this one grew weaker when the evidence grew stronger."""
    lower, higher = (
        judge(claim(), [at(m - half, m + half)]).answer for m in (middle, middle + shift)
    )
    slack = PROBABILITY_ATOL
    assert higher.prob_direction >= lower.prob_direction - slack
    rank = {label: -i for i, label in enumerate(DIRECTION_ORDER)}
    if abs(higher.prob_direction - lower.prob_direction) > slack:
        assert rank[higher.direction] >= rank[lower.direction]


@FEW
@given(st.floats(1.0, 1.2), st.floats(0.02, 0.1))
def test_a_claim_and_its_opposite_mirror_one_another(middle, half) -> None:
    for_it = judge(claim(low=NAN, high=NAN), [at(middle - half, middle + half)]).answer
    against = judge(claim("below", NAN, NAN), [at(middle - half, middle + half)]).answer
    total = for_it.prob_direction + against.prob_direction
    assert total == pytest.approx(1.0, abs=PROBABILITY_ATOL)
    mirrored = DIRECTION_ORDER[-1 - DIRECTION_ORDER.index(for_it.direction)]
    assert against.direction == mirrored or abs(for_it.prob_direction - 0.5) > 0.49


@given(st.floats(-0.5, 0.5), st.floats(0.01, 0.3), st.floats(1.5, 200))
def test_interval_of_an_estimate(value: float, error: float, df: float) -> None:
    shown = Estimate(value, error, df, "log_ratio", "ratio").interval()
    assert shown.low < shown.estimate < shown.high
    assert math.isclose(shown.low * shown.high, shown.estimate**2, rel_tol=1e-9)


@pytest.mark.parametrize(
    ("value", "error", "df"), [(math.nan, 1, 5), (0, 0, 5), (0, -1, 5), (0, 1, 0)]
)
def test_an_estimate_without_an_error_is_refused(value: float, error: float, df: float) -> None:
    with pytest.raises(InputError):
        Estimate(value, error, df, "difference", "points")


@pytest.mark.parametrize("kind", [at, measured])
@pytest.mark.parametrize(
    ("low", "high", "label"),
    [
        (1.30, 1.50, "supported"),
        (1.00, 1.20, "contradicted"),
        (1.10, 1.30, "unlikely"),
        (1.15, 1.40, "compatible"),
    ],
)
def test_at_least_is_a_range_without_an_upper_end(kind, low, high, label) -> None:
    size = judge(AT_LEAST, [kind(low, high)]).size
    assert size.label == label
    assert "at least 1.25" in size.reason


@pytest.mark.parametrize(
    ("low", "high", "label"),
    [(0.4, 0.7, "supported"), (0.8, 0.9, "contradicted"), (0.6, 0.85, "compatible")],
)
def test_at_most_is_a_range_without_a_lower_end(low, high, label) -> None:
    size = judge(AT_MOST, [measured(low, high)]).size
    assert size.label == label
    assert "at most 0.75" in size.reason


def test_a_claim_without_either_end_claims_no_size() -> None:
    verdict = judge(claim(low=NAN, high=NAN), [measured(1.3, 1.5)])
    assert (verdict.direction.label, verdict.size.label) == ("supported", "not claimed")
    assert math.isnan(verdict.answer.prob_size)


def test_what_is_left_open_is_averaged_and_not_taken_at_its_worst() -> None:
    """Nine parts in ten lie above no difference; one corner lies far below it."""

    def answer(v):
        shift = 1.3 - 0.6 * (v["u"] > 0.97)
        return shift, shift - 0.1, shift + 0.1

    evidence = Evidence("oxygen", over(answer, u=(0.0, 1.0)))
    verdict = judge(claim(low=NAN, high=NAN), [evidence])
    assert verdict.direction.label == "very likely"
    assert "0.60 to 1.40 if everything left open" in verdict.direction.reason


def test_size_shares_are_those_of_the_90_percent_interval() -> None:
    """The draws that support a size are counted by the interval that the rule names."""

    def shifted(width: float):
        def answer(v):
            estimate = 1.25 + 0.1 * v["u"]
            return estimate, estimate - width, estimate + width

        return over(answer, u=(-1.0, 2.0))

    evidence = Evidence("oxygen", shifted(0.04), shifted(0.02))
    shares = label_shares(evidence, claim(), "size")
    assert shares["supported"] == pytest.approx(0.06 / 0.3, abs=0.01)  # of u in -1 to 2
    assert shares["contradicted"] == pytest.approx(2 * 0.06 / 0.3, abs=0.01)
    assert sum(shares.values()) == pytest.approx(1)


def test_without_draws_the_outermost_limits_are_what_is_known() -> None:
    explored = over(
        lambda v: (1.3 + 0 * v["r"], 0.9 + 0.3 * v["r"], 1.5 + 0 * v["r"]), draws=0, r=(0, 1)
    )
    direction = judge(claim(), [Evidence("oxygen", explored)]).direction
    assert direction.label == "likely"
    assert "nan" not in direction.reason


def test_a_cause_of_one_interval_is_graded_as_it_stands() -> None:
    """An interval handed in is that of an answer: nothing is added for other studies."""
    causal, descriptive = (judge(c, [measured(1.05, 1.3)]).answer for c in (CAUSE, claim()))
    assert causal.prob_direction == descriptive.prob_direction
    assert replace(causal) == causal
