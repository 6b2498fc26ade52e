"""Verdict rules of one measure; the ranges are the claim's, fixed before any result."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrostats.audit.verdict import (
    COMPATIBLE_SHARE,
    Candidate,
    Evidence,
    deciding_choices,
    direction_of,
    judge,
    label_shares,
    size_of,
)
from retrostats.common.errors import InputError
from retrostats.evidence.result.estimate import Estimate, Interval
from tests.judged import AT_LEAST, AT_MOST, NAN, at, claim, measured, over


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
        weaker = {"supported": "compatible"}.get(before, before)
        assert after in (before, weaker, "undecided")


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
        (1.25, 99.0, "supported"),  # the open end has no other side
        (1.00, 1.20, "contradicted"),
        (1.00, 1.40, "undecided"),  # its middle, 1.2, is not in the range
    ],
)
def test_at_least_is_a_range_without_an_upper_end(kind, low, high, label) -> None:
    size = judge(AT_LEAST, [kind(low, high)]).size
    assert size.label == label
    assert "at least 1.25" in size.reason


@pytest.mark.parametrize(
    ("low", "high", "label"),
    [(0.4, 0.7, "supported"), (0.8, 0.9, "contradicted"), (0.7, 0.9, "undecided")],
)
def test_at_most_is_a_range_without_a_lower_end(low, high, label) -> None:
    size = judge(AT_MOST, [measured(low, high)]).size
    assert size.label == label
    assert "at most 0.75" in size.reason


def test_a_claim_without_either_end_claims_no_size() -> None:
    verdict = judge(claim(low=NAN, high=NAN), [measured(1.3, 1.5)])
    assert (verdict.direction.label, verdict.size.label) == ("supported", "not claimed")


def test_size_is_supported_by_the_narrower_interval_and_contradicted_by_the_wider() -> None:
    """Two one-sided tests at 5% need the 90% interval; that both exclude it needs the 95% one."""
    assert judge(claim(), [measured(1.24, 1.36, narrow=(1.26, 1.34))]).size.label == "supported"
    assert judge(claim(), [measured(1.24, 1.36)]).size.label != "supported"
    assert judge(claim(), [measured(1.36, 1.50, narrow=(1.37, 1.49))]).size.label == "contradicted"
    wide = judge(claim(), [measured(1.34, 1.50, narrow=(1.36, 1.48))])
    assert wide.size.label == "undecided"


def inside(share: float):
    """An estimate in the claimed range in this share of its unknown, its interval in none."""

    def answer(v):
        estimate = 1.25 + 0.1 * v["u"] / share
        return estimate, estimate - 0.2, estimate + 0.2

    return Evidence("oxygen", over(answer, u=(0.0, 1.0)))


@pytest.mark.parametrize(
    ("share", "label"),
    [(1.0, "compatible"), (COMPATIBLE_SHARE + 0.01, "compatible"),
     (COMPATIBLE_SHARE - 0.01, "undecided"), (0.6, "undecided")],
)  # fmt: skip
def test_compatible_is_an_estimate_inside_in_nearly_all_draws(share, label) -> None:
    size = judge(claim(), [inside(share)]).size
    assert size.label == label
    assert ("with the estimate inside" in size.reason) == (label == "compatible")


@pytest.mark.parametrize("centre", [1.5, NAN])
def test_compatible_asks_the_draws_not_the_middle(centre) -> None:
    """A middle that lies elsewhere, or contradicts itself, is one point among all draws."""

    def answer(v):
        estimate = np.where(np.abs(v["u"] - 0.5) < 0.001, centre, 1.3)
        return estimate, estimate - 0.3, estimate + 0.3

    evidence = Evidence("oxygen", over(answer, u=(0, 1)))
    assert evidence.at95.estimate != 1.3
    assert judge(claim(), [evidence]).size.label == "compatible"


@pytest.mark.parametrize("kind", [at, measured])
def test_one_interval_with_its_estimate_inside_is_compatible_however_it_is_given(kind) -> None:
    size = judge(claim(), [kind(1.20, 1.40)]).size
    assert (size.label, size.decided_by) == ("compatible", "")
    assert "with the estimate inside 1.25 to 1.35" in size.reason
    assert judge(claim(), [kind(1.05, 1.40)]).size.label == "undecided"


@pytest.mark.parametrize(("outside", "label"), [(0, "compatible"), (1, "compatible"),
                                                (2, "undecided")])  # fmt: skip
def test_compatible_of_choices_counts_their_estimates(outside, label) -> None:
    """One in twenty may lie outside, two may not."""
    choices = [at(1.2, 1.4, r=float(i)) for i in range(20 - outside)]
    choices += [at(1.0, 1.2, r=100.0 + i) for i in range(outside)]
    size = judge(claim(), choices).size
    assert size.label == label
    supported = [at(1.26, 1.34, r=0.0), at(1.2, 1.4, r=1.0)]
    assert judge(claim(), supported).size.label == "compatible"


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


def test_without_draws_the_outermost_limits_judge_and_no_share_is_told() -> None:
    explored = over(
        lambda v: (1.3 + 0 * v["r"], 0.9 + 0.3 * v["r"], 1.5 + 0 * v["r"]), draws=0, r=(0, 1)
    )
    direction = judge(claim(), [Evidence("oxygen", explored)]).direction
    assert (direction.label, direction.decided_by) == ("undecided", "r")
    assert "nan" not in direction.reason
    assert "of the draws" not in direction.reason
