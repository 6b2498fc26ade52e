"""Verdict rules on constructed cases; the ranges are the claim's, fixed before any result."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrostats.errors import InputError
from retrostats.judge.claims import Claim
from retrostats.judge.verdict import Candidate, deciding_choices, direction_of, judge, size_of
from retrostats.result.estimate import Estimate, Interval


def claim(
    direction: str = "above", low: float = 1.25, high: float = 1.35, null: float = 1.0
) -> Claim:
    return Claim(
        "c",
        "statement",
        "post",
        "core",
        "metabolic-cost",
        "study",
        "quantity",
        "ratio",
        "ratio",
        null,
        direction,
        low,
        high,
        "basis",
        "",
    )


def at(low: float, high: float, **unknowns: float | str) -> Candidate:
    return Candidate(Interval((low + high) / 2, low, high), unknowns)


@pytest.mark.parametrize(
    ("low", "high", "direction", "size"),
    [
        (1.26, 1.34, "supported", "supported"),
        (1.25, 1.35, "supported", "supported"),  # the ends belong to the claimed range
        (1.02, 1.24, "supported", "contradicted"),
        (1.02, 1.30, "supported", "undecided"),
        (1.36, 1.60, "supported", "contradicted"),
        (0.70, 0.90, "contradicted", "contradicted"),
        (0.90, 1.10, "undecided", "contradicted"),
        (1.00, 1.30, "undecided", "undecided"),  # touching the null value decides nothing
    ],
)
def test_one_interval(low: float, high: float, direction: str, size: str) -> None:
    verdict = judge(claim(), [at(low, high)])
    assert (verdict.direction.label, verdict.size.label) == (direction, size)
    assert verdict.decided_by == ""


def test_a_claim_of_a_fall_is_supported_below_the_null() -> None:
    fall = claim("below", -3, -2, 0.0)
    assert direction_of(Interval(-2.4, -4.1, -0.7), fall) == "supported"
    assert direction_of(Interval(1, 0.5, 2), fall) == "contradicted"
    assert size_of(Interval(-2.4, -2.9, -2.1), fall) == "supported"


def test_a_verdict_that_flips_inside_an_unknowns_range_is_undecided_and_names_it() -> None:
    candidates = [at(1.02, 1.24, r=0.8, p="within"), at(1.02, 1.31, r=0.0, p="within")]
    verdict = judge(claim(), candidates)
    assert verdict.size.label == "undecided"
    assert verdict.size.decided_by == "r"
    assert verdict.direction.label == "supported"
    assert verdict.direction.decided_by == ""


def test_only_the_unknown_that_changes_the_label_decides() -> None:
    candidates = [
        at(1 + 0.1 * (reading == "a"), 1.5, r=r, reading=reading)
        for r in (0.0, 0.5)
        for reading in ("a", "b")
    ]
    labels = [direction_of(c.interval, claim()) for c in candidates]
    assert deciding_choices(candidates, labels) == ["reading"]


def test_unknowns_that_decide_only_together_still_leave_it_undecided() -> None:
    candidates = [at(1.1, 1.2, r=0.0, s=0.0), at(0.8, 0.9, r=1.0, s=1.0)]
    verdict = judge(claim(), candidates)
    assert verdict.direction.label == "undecided"
    assert verdict.direction.decided_by == "what was not printed"


def test_no_interval_is_no_evidence_and_no_claimed_size_is_not_claimed() -> None:
    nan = float("nan")
    verdict = judge(claim(low=nan, high=nan), [])
    assert verdict.direction.label == "no evidence"
    assert verdict.size.label == "not claimed"


def test_disordered_interval_is_refused() -> None:
    with pytest.raises(InputError, match="not ordered"):
        judge(claim(), [Candidate(Interval(1.0, 1.2, 1.3))])


@given(
    st.lists(
        st.tuples(st.floats(0.5, 2), st.floats(0.001, 0.5), st.floats(-1, 1)),
        min_size=1,
        max_size=8,
    )
)
def test_adding_candidates_never_turns_undecided_into_a_decision(points) -> None:
    """More that was not printed can only take certainty away."""
    candidates = [at(m - h, m + h, r=r) for m, h, r in points]
    few, all_of_them = judge(claim(), candidates[:1]), judge(claim(), candidates)
    for side in ("direction", "size"):
        before, after = getattr(few, side).label, getattr(all_of_them, side).label
        assert after in (before, "undecided")


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
