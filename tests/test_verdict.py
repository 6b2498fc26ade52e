"""Verdict rules on constructed cases; the ranges are the claim's, fixed before any result."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrostats.errors import InputError
from retrostats.judge.claims import Claim
from retrostats.judge.verdict import (
    COMPATIBLE_SHARE,
    Candidate,
    Evidence,
    deciding_choices,
    direction_of,
    judge,
    label_shares,
    size_of,
)
from retrostats.result.estimate import Estimate, Interval
from retrostats.unprinted.exploration import explore
from retrostats.unprinted.unknowns import Unknown

NAN = float("nan")
DRAWS = 1000


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


def over(function, draws: int = DRAWS, **ranges: tuple[float, float]):
    """An exploration of a function of unknowns in these ranges."""
    unknowns = [Unknown(name, *ends) for name, ends in ranges.items()]
    return explore(function, unknowns, draws=draws, seed=11)


def measured(
    low: float, high: float, measure: str = "oxygen", *, comparison: bool = True,
    narrow: tuple[float, float] | None = None,
) -> Evidence:  # fmt: skip
    """Evidence that leaves nothing open, and if given its 90% interval."""

    def still(ends):
        return over(lambda v: (sum(ends) / 2, *ends))

    at90 = still(narrow) if narrow else None
    return Evidence(measure, still((low, high)), at90, comparison)


AT_LEAST, AT_MOST = claim(low=1.25, high=NAN), claim("below", low=NAN, high=0.75)


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


@pytest.mark.parametrize("middle", [1.5, NAN])
def test_compatible_asks_the_draws_not_the_middle(middle) -> None:
    """A middle that lies elsewhere, or contradicts itself, is one point among all draws."""

    def answer(v):
        estimate = np.where(np.abs(v["u"] - 0.5) < 0.001, middle, 1.3)
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
    explored = over(lambda v: (1.3 + 0 * v["r"], 0.9 + v["r"], 1.5 + 0 * v["r"]), draws=0, r=(0, 1))
    direction = judge(claim(), [Evidence("oxygen", explored)]).direction
    assert (direction.label, direction.decided_by) == ("undecided", "r")
    assert "nan" not in direction.reason
    assert "of the draws" not in direction.reason


def test_measures_without_a_comparison_cannot_hide_behind_one_that_has_it() -> None:
    both = [measured(1.26, 1.34), measured(1.26, 1.34, "before and after", comparison=False)]
    for judged in (judge(CAUSE, both).direction, judge(CAUSE, both).size):
        assert (judged.label, judged.decided_by) == ("undecided", "what is measured")
        assert "before and after: undecided (a cause is claimed" in judged.reason


def test_compatible_is_said_of_a_size_never_of_a_direction() -> None:
    verdict = judge(claim(), [measured(0.9, 1.7)])  # 1.3 in the middle, spanning no difference
    assert (verdict.direction.label, verdict.size.label) == ("undecided", "compatible")


def test_measures_that_disagree_are_undecided_and_each_is_named() -> None:
    verdict = judge(claim(), [measured(1.26, 1.34), measured(0.8, 0.9, "heart rate")])
    for judged in (verdict.direction, verdict.size):
        assert (judged.label, judged.decided_by) == ("undecided", "what is measured")
        assert "oxygen: supported" in judged.reason
        assert "heart rate: contradicted" in judged.reason


def test_one_measure_without_a_decision_leaves_the_others_undecided() -> None:
    verdict = judge(claim(), [measured(1.26, 1.34), measured(0.9, 1.34, "heart rate")])
    assert (verdict.direction.label, verdict.direction.decided_by) == (
        "undecided", "what is measured",
    )  # fmt: skip


def test_measures_that_agree_keep_their_label_and_each_its_interval() -> None:
    direction = judge(claim(), [measured(1.1, 1.2), measured(1.4, 1.5, "heart rate")]).direction
    assert (direction.label, direction.decided_by) == ("supported", "")
    assert "oxygen: supported (1.10 to 1.20" in direction.reason
    assert "heart rate: supported (1.40 to 1.50" in direction.reason


CAUSE = replace(claim(), kind="causal")


@pytest.mark.parametrize("low", [1.26, 1.1])  # a size supported, and one compatible
def test_a_cause_without_a_comparison_group_is_never_supported(low) -> None:
    without = judge(CAUSE, [measured(low, 2.6 - low, comparison=False)])
    beside = judge(CAUSE, [measured(low, 2.6 - low)])
    for side in ("direction", "size"):
        assert getattr(beside, side).label in ("supported", "compatible")
        judged = getattr(without, side)
        assert (judged.label, judged.decided_by) == ("undecided", "the comparison group")
        assert f"by itself: {getattr(beside, side).label}" in judged.reason


def test_a_cause_can_be_contradicted_without_a_comparison_and_a_description_supported() -> None:
    assert judge(CAUSE, [measured(0.8, 0.9, comparison=False)]).direction.label == "contradicted"
    assert judge(claim(), [measured(1.26, 1.34, comparison=False)]).size.label == "supported"


@given(st.floats(0.5, 2), st.floats(0.001, 0.5), st.sampled_from([claim(), AT_LEAST]))
def test_no_interval_supports_a_cause_without_a_comparison(middle, half, claimed) -> None:
    causal = replace(claimed, kind="causal")
    verdict = judge(causal, [measured(middle - half, middle + half, comparison=False)])
    for judged in (verdict.direction, verdict.size):
        assert judged.label not in ("supported", "compatible")


def two_unknowns(strong: float, weak: float, width: float = 0.1):
    """An estimate about 1.1 that two unknowns move by so much either way."""

    def answer(v):
        estimate = 1.1 + strong * v["strong"] + weak * v["weak"]
        return estimate, estimate - width, estimate + width

    return Evidence("oxygen", over(answer, weak=(-1, 1), strong=(-1, 1)))


@pytest.mark.parametrize(
    ("strong", "weak", "deciders"),
    [(0.3, 0.01, "strong"), (0.3, 0.25, "strong, weak"), (0.01, 0.3, "weak")],
)
def test_a_label_that_changes_names_the_unknowns_that_move_the_answer(
    strong, weak, deciders
) -> None:
    direction = judge(claim(), [two_unknowns(strong, weak)]).direction
    assert direction.label == "undecided"
    assert direction.decided_by == deciders
    for word in ("supported", "contradicted", "undecided"):
        assert f"{word} in " in direction.reason


def test_what_is_undecided_everywhere_is_decided_by_nothing() -> None:
    direction = judge(claim(), [two_unknowns(0.02, 0.01, width=0.5)]).direction
    assert (direction.label, direction.decided_by) == ("undecided", "")
    assert "of the draws" not in direction.reason


def test_the_outermost_limits_judge_not_the_draws() -> None:
    """Every draw supports; the corner that none of them reaches does not."""

    def answer(v):
        low = 1.05 - 0.1 * (v["a"] > 0.9999) * (v["b"] > 0.9999)
        return 0 * v["a"] + 1.3, low, 0 * v["a"] + 1.5

    explored = over(answer, a=(0, 1), b=(0, 1))
    assert explored.share(lambda _, low, high: low > 1) == 1
    direction = judge(claim(), [Evidence("oxygen", explored)]).direction
    assert direction.label == "undecided"
    assert "0.95 to 1.50 (over everything not printed)" in direction.reason


def test_an_exploration_throughout_on_one_side_is_decided() -> None:
    direction = judge(claim(), [two_unknowns(0.001, 0.001, width=0.05)]).direction
    assert (direction.label, direction.decided_by) == ("supported", "")
    below = judge(claim("below", NAN, NAN), [two_unknowns(0.001, 0.001, width=0.05)]).direction
    assert below.label == "contradicted"


def test_candidates_and_evidence_without_order_or_anything() -> None:
    with pytest.raises(InputError, match="not ordered"):
        judge(AT_LEAST, [at(1.3, 1.5), Candidate(Interval(1.6, 1.3, 1.5))])
    assert judge(CAUSE, []).size.label == "no evidence"


def test_a_middle_that_contradicts_itself_still_leaves_names_of_what_decides() -> None:
    def answer(v):
        estimate = np.where(np.abs(v["strong"]) < 0.2, np.nan, 1.1 + 0.5 * v["strong"])
        return estimate + 0.01 * v["weak"], estimate - 0.1, estimate + 0.1

    evidence = Evidence("oxygen", over(answer, weak=(-1, 1), strong=(-1, 1)))
    direction = judge(claim(), [evidence]).direction
    assert (direction.label, direction.decided_by) == ("undecided", "strong")
