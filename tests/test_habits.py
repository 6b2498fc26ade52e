"""Calls as R, metafor and statsmodels have them end in one message with the right call."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from doors.common import FUNCTIONS, REVIEWS

import retrostats as rs
from retrostats import InputError

ROWS = pd.DataFrame({
    "subject": list("aabbccdd"), "arm": list("xyxyxyxy"),
    "y": [5.0, 6.0, 4.0, 5.5, 6.0, 6.2, 5.1, 5.9], "n": [3, 4, 1, 7, 2, 5, 3, 8],
})  # fmt: skip
FORMULA = "y ~ arm + (1 | subject)"


def scalar(v: Any) -> tuple[float, float, float]:
    error = math.sqrt(v["r"])
    return 0.0, -error, error


def branching(v: Any) -> tuple[Any, Any, Any]:
    return (1, 0, 2) if v["r"] > 0.5 else (0, -1, 1)


CALLS: list[tuple[Callable[[], Any], str]] = [
    (lambda: rs.lmm(ROWS, FORMULA), r"formula comes first.*write lmm\(\"y ~ arm"),
    (lambda: rs.lmm(ROWS, formula=FORMULA), r"formula comes first.*write lmm"),
    (lambda: rs.lmm(ROWS), "formula comes first"),
    (lambda: rs.lmm(FORMULA), "needs a formula and data"),
    (lambda: rs.lmm(data=ROWS), "needs a formula and data"),
    (lambda: rs.glmm(ROWS, "n ~ arm + (1 | subject)"), r"write glmm\("),
    (lambda: rs.moments(ROWS, FORMULA), r"write moments\("),
    (lambda: rs.lmm(FORMULA, ROWS, REML=False), "use reml=True or reml=False"),
    (lambda: rs.lmm("y ~ arm", ROWS, groups="subject"), r"\(1 \| subject\)"),
    (lambda: rs.lmm(FORMULA, ROWS, method="ML"), "reml=False"),
    (lambda: rs.lmm("n ~ arm", ROWS, family="poisson"), "rs.glmm"),
    (lambda: rs.glmm("n ~ arm", ROWS, nAGQ=3), "n_agq="),
    (lambda: rs.glmm("n ~ arm", ROWS, offset="y"), "exposure="),
    (lambda: rs.pool(yi=[0.1], vi=[0.1]), "no yi=: use data="),
    (lambda: rs.pool([0.1, 0.2], sei=[0.1, 0.1]), "std_errors="),
    (lambda: rs.pool([0.1, 0.2], [0.1, 0.1], mods="~ year"), "formula="),
    (lambda: rs.explore({"r": (0, 1)}, scalar), "function comes first"),
    (lambda: rs.explore(scalar, {"r": (0, 1)}, draws=8), "np.sqrt for math.sqrt"),
    (lambda: rs.explore(branching, {"r": (0, 1)}, draws=8), "np.where for if"),
    (lambda: rs.explore(lambda v: v["r"], {"r": (0, 1)}, draws=8), "returned one array"),
    (lambda: rs.explore(lambda v: 3.0, {"r": (0, 1)}, draws=8), "returned one number"),
    (lambda: rs.explore(lambda v: (v["r"], 1), {"r": (0, 1)}, draws=8), "returned 2 arrays"),
]


@pytest.mark.parametrize(("call", "says"), CALLS)
def test_a_foreign_call_names_the_right_one(call: Callable[[], Any], says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        call()
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_foreign_function_names_ours(name: str) -> None:
    with pytest.raises(AttributeError, match=f"no {name}: use .+"):
        getattr(rs, name)


POOLS: list[tuple[Callable[[], Any], str]] = [
    (lambda: rs.pool([0.1, 0.3, 0.2], [0.1, 0.1, 0.1]), r"\.influence\(\)"),
    (lambda: rs.pool([0.1, 0.3], [0.1, 0.1], prior=rs.HalfNormal(0.2)), r"rs\.pool\(table\)"),
    (lambda: rs.pool_printed({"study": ["A", "B"], "first": ["2 / 9", "3 / 9"]},
                             measure="proportion"), r"\.leave_one_out\(\)"),
    (lambda: rs.pool_counts({"study": ["A", "B"], "events": [2, 3], "total": [9, 9]},
                            measure="proportion"), r"rs\.pool\(rs\.escalc"),
]  # fmt: skip


@pytest.mark.parametrize(("pooled", "leaves_one_out"), POOLS)
def test_what_metafor_does_with_a_pool_names_our_call(
    pooled: Callable[[], Any], leaves_one_out: str
) -> None:
    found = pooled()
    for name in REVIEWS:
        assert not hasattr(type(found), name) or name == "leave_one_out"
        if not hasattr(type(found), name):
            with pytest.raises(AttributeError, match=f"no {name}: use .+"):
                getattr(found, name)
        with pytest.raises(AttributeError, match=f"no {name}: use .+"):
            getattr(rs, name)
    with pytest.raises(AttributeError, match=f"no leave1out: use {leaves_one_out}"):
        found.leave1out  # noqa: B018
    assert pickle.loads(pickle.dumps(found)) is not None  # noqa: S301
    with pytest.raises(AttributeError, match="has no attribute 'flavour'"):
        found.flavour  # noqa: B018


def test_a_name_of_nobody_is_plainly_absent() -> None:
    with pytest.raises(AttributeError, match="module 'retrostats' has no attribute 'flavour'"):
        rs.flavour  # type: ignore[attr-defined] # noqa: B018


def test_data_may_be_named_first_and_errors_of_a_function_are_its_own() -> None:
    fit = rs.lmm(data=ROWS, formula=FORMULA)
    np.testing.assert_array_equal(fit.beta, rs.lmm(FORMULA, ROWS).beta)

    def broken(v: Any) -> Any:
        raise ValueError("a matrix is singular")

    with pytest.raises(ValueError, match="singular"):
        rs.explore(broken, {"r": (0, 1)}, draws=8)


MISSING: list[tuple[Callable[[pd.DataFrame], Any], str, str]] = [
    (lambda t: rs.lmm("y ~ arm + (1 | subject)", t), "subject", "subjct"),
    (lambda t: rs.pool_counts(t, measure="odds_ratio"), "events_1", "evnts_1"),
    (lambda t: rs.moments_prepost(t), "mean_pre", "mean_pr"),
    (lambda t: rs.pool_crossovers(t), "mean_1", "men_1"),
]


@pytest.mark.parametrize(("call", "column", "slip"), MISSING)
def test_a_slip_in_a_column_is_named(
    call: Callable[[pd.DataFrame], Any], column: str, slip: str
) -> None:
    columns = [
        "study", "arm", "n", "y", "subject", "events_1", "total_1", "events_2", "total_2", "r",
        "mean_pre", "sd_pre", "mean_post", "sd_post", "correlation", "mean_1", "sd_1", "mean_2",
        "sd_2",
    ]  # fmt: skip
    table = pd.DataFrame({slip if c == column else c: [1.0, 2.0] for c in columns})
    with pytest.raises(InputError, match=f"{column}'? .did you mean '{slip}'"):
        call(table)
