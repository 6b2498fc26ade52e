"""Results are values: what a caller does with a table or an array never reaches the result."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from doors.common import records_of

import retrostats as rs


def rows() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    who = np.repeat(np.arange(10), 4)
    frame = pd.DataFrame({"subject": who, "time": np.tile([0.0, 1.0, 2.0, 3.0], 10)})
    frame["arm"] = np.where(frame["time"] % 2, "a", "b")
    frame["y"] = 4 + rng.normal(0, 1, 10)[who] + rng.normal(0, 0.5, 40)
    return frame.assign(n=rng.poisson(3.0, 40), vi=0.2)


def explored() -> rs.Exploration:
    return rs.explore(lambda v: (v["d"], v["d"] - 1, v["d"] + 1), {"d": (0, 1)}, draws=32)


def printed() -> rs.PooledPrinted:
    table = {"study": ["a", "b"], "estimate": [0.2, 0.3], "se": [0.1, 0.1]}
    return rs.pool_printed(table, measure="mean difference", prior=rs.HalfNormal(0.2))


RESULTS: dict[str, Callable[[], Any]] = {
    "lmm": lambda: rs.lmm("y ~ time + (1 | subject)", rows()),
    "strata": lambda: rs.lmm("y ~ time + (1 | subject)", rows(), residual="arm"),
    "known": lambda: rs.lmm("y ~ time + (1 | subject)", rows(), variances="vi"),
    "glmm": lambda: rs.glmm("n ~ time + (1 | subject)", rows()),
    "means": lambda: rs.lmm("y ~ arm + (1 | subject)", rows()).emmeans("arm"),
    "rates": lambda: rs.glmm("n ~ arm + (1 | subject)", rows()).emmeans("arm"),
    "pool": lambda: rs.pool([0.1, 0.4, 0.3], [0.1, 0.1, 0.2]),
    "posterior": lambda: rs.pool([0.1, 0.4], [0.1, 0.1], prior=rs.HalfNormal(0.1)),
    "exploration": explored,
    "printed": printed,
    "plan": lambda: rs.plan("energy_30", spread=0.09, people=[30], draws=128),
}


def handed_out(result: Any) -> dict[str, Any]:
    """Every table, series and array that a result's public attributes give."""
    kinds = (pd.DataFrame, pd.Series, np.ndarray)
    left = {"modes", "model", "r_squared", "certificate", "middle"}  # the last two: old names warn
    names = [n for n in dir(result) if not n.startswith("_")]
    found = {n: getattr(result, n) for n in names if n not in left}
    return {n: v for n, v in found.items() if isinstance(v, kinds)}


@pytest.mark.parametrize("name", RESULTS)
def test_nothing_that_is_done_to_what_is_handed_out_reaches_the_result(name: str) -> None:
    result = RESULTS[name]()
    given = handed_out(result)
    assert given or name == "posterior"
    for attribute, value in given.items():
        if isinstance(value, np.ndarray):
            with pytest.raises(ValueError, match="read-only"):
                value.flat[0] = 99.0
            continue
        before = value.copy(deep=True)
        if isinstance(value, pd.DataFrame):
            for column in value.columns:
                value[column] = 0
            value["mine"] = 1
        else:
            value.iloc[:] = 99.0
        again = getattr(result, attribute)
        pd.testing.assert_frame_equal(pd.DataFrame(again), pd.DataFrame(before))


@pytest.mark.parametrize("name", ["lmm", "glmm", "means", "exploration", "plan"])
def test_a_field_cannot_be_replaced(name: str) -> None:
    result = RESULTS[name]()
    for field in fields(result):
        with pytest.raises(AttributeError):
            setattr(result, field.name, None)
    if name == "lmm":
        with pytest.raises(AttributeError):
            result.coefficients = None


def test_a_run_of_the_path_hands_out_copies(whole) -> None:
    found = whole
    verdicts, estimates = found.verdicts, found.estimates
    verdicts["direction"] = "supported"
    estimates.loc[:, "estimate"] = 0.0
    assert (found.verdicts["direction"] != "supported").any()
    assert (found.estimates["estimate"] != 0).any()
    narrowed = replace(found, draws=found.draws.head(3))
    assert len(narrowed.draws) == 3


def test_values_survive_pickling_and_replacement() -> None:
    made = RESULTS["glmm"]()
    again = pickle.loads(pickle.dumps(made))  # noqa: S301 - our own bytes
    np.testing.assert_array_equal(again.beta, made.beta)
    assert replace(made, n_obs=7).n_obs == 7


def test_rows_as_dictionaries_are_those_of_pandas() -> None:
    frame = pd.DataFrame(
        {
            "text": ["a", None, ""],
            "number": [1.5, np.nan, 2.0],
            "count": [1, 2, 3],
            "holds": [True, False, True],
            "mixed": [np.float64(1.5), "b", None],
            "may be": pd.array([1, None, 3], dtype="Int64"),
            "level": pd.Categorical(["x", "y", "x"]),
            7: pd.to_datetime(["2020-01-01"] * 3),
        }
    )
    usual = [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]
    assert repr(records_of(frame)) == repr(usual)
    assert records_of(frame.iloc[:0]) == []
