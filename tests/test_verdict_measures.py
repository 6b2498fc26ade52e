"""Verdicts of several measures, of causes, and what is said to decide."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrostats.audit.verdict import (
    Candidate,
    Evidence,
    judge,
)
from retrostats.common.errors import InputError
from retrostats.evidence.result.estimate import Interval
from tests.judged import AT_LEAST, CAUSE, NAN, at, claim, measured, over


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
def test_no_interval_supports_a_cause_without_a_comparison(centre, half, claimed) -> None:
    causal = replace(claimed, kind="causal")
    verdict = judge(causal, [measured(centre - half, centre + half, comparison=False)])
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
