"""Garbage into every public function: an answer that is finite, or one refusal."""

from __future__ import annotations

from inspect import isclass

import pytest

import retrostats as rs
from benchmarks.garbage import HELD, WRONG, cases, finite, outcome
from benchmarks.garbage_calls import calls
from benchmarks.garbage_kinds import MAY, MUST

#: Classes whose objects the package makes; what users type goes into their methods.
MADE = {
    "Audit", "Candidate", "Cohort", "Evidence", "Exploration", "GlmmFit", "Interval", "LmmFit",
    "Moments", "Plan", "Pooled", "PooledCounts", "PooledPrinted", "Posterior", "Replication",
    "Verdict",
}  # fmt: skip
CALLS = [name for name, call in calls().items() if not call.slow]


def test_every_public_function_is_tried() -> None:
    errors = {
        n for n in rs.__all__ if isclass(found := getattr(rs, n)) and issubclass(found, Exception)
    }
    tried = {name.split(",")[0].split(" ")[0].split(".")[0] for name in calls()}
    assert set(rs.__all__) - {"__version__"} - errors - MADE == tried & set(rs.__all__) - MADE


@pytest.mark.parametrize("name", CALLS)
def test_what_is_right_holds(name: str) -> None:
    call = calls()[name]
    assert outcome(lambda: call.function(**call.right), MAY) == (HELD, "")


@pytest.mark.parametrize("name", CALLS)
def test_garbage_is_refused(name: str) -> None:
    wrong = []
    for _, what, call, rule in cases(only=name):
        ended, why = outcome(call, rule)
        wrong += [f"{what}: {why}"] if ended == WRONG else []
    assert wrong == []


def test_what_is_wrong_is_told() -> None:
    assert outcome(lambda: 1 / 0, MUST)[0] == WRONG
    assert outcome(lambda: 1.0, MUST)[0] == WRONG
    assert outcome(lambda: float("nan"), MAY)[0] == WRONG
    assert outcome(lambda: 1.0, MAY)[0] == HELD
    assert not finite(float("inf"))
