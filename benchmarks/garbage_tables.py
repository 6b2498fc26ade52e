"""Small tables that are right, and what is fitted from them: what garbage is put into."""

from __future__ import annotations

import datetime as dt
import math
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

import retrostats as rs
from benchmarks.garbage_kinds import HUGE, MAY, MUST, NO_TABLE, THING, Garbage, spoilt

ROWS = pd.DataFrame(
    {
        "g": list("aabbccddee"), "x": [0.0, 1.0] * 5, "k": [3, 5, 2, 8, 1, 4, 2, 6, 3, 7],
        "y": [5.0, 6.0, 4.0, 5.5, 6.0, 6.2, 5.1, 5.9, 4.4, 5.6], "w": [1.0, 2.0] * 5,
        "size": [9] * 10,
    }
)  # fmt: skip
CELLS = pd.DataFrame(
    {"time": ["post", "pre"], "n": [10, 10], "mean": [21.0, 23.0], "sd": [3.0, 3.2]}
)
PREPOST = pd.DataFrame(
    {"study": ["A", "A", "B", "B"], "arm": [0, 1, 0, 1], "n": [20, 21, 15, 14],
     "mean_pre": [30.0, 31.0, 28.0, 29.5], "sd_pre": [5.0, 6.0, 4.0, 5.5],
     "mean_post": [29.0, 22.0, 28.5, 24.0], "sd_post": [6.0, 5.0, 5.0, 4.5], "correlation": 0.6}
)  # fmt: skip
ARMS = pd.DataFrame(
    {"study": ["A", "A", "B", "B"], "arm": [0, 1, 0, 1], "n": [20, 21, 15, 14],
     "mean": [29.0, 22.0, 28.5, 24.0], "sd": [6.0, 5.0, 5.0, 4.5]}
)  # fmt: skip
COUNTS = pd.DataFrame(
    {"study": ["a", "b", "c"], "events_1": [2, 1, 5], "total_1": [90, 40, 210],
     "events_2": [6, 3, 9], "total_2": [88, 41, 200]}
)  # fmt: skip
CROSSOVERS = pd.DataFrame(
    {"study": ["A", "B"], "n": ["13", "10"], "mean_1": ["31.3", "40.5"], "sd_1": ["5.8", "4.0"],
     "mean_2": ["27.2", "30.0"], "sd_2": ["2.5", "3.5"], "p": ["0.01", ""], "r": ["", "0.9"]}
)  # fmt: skip
PRINTED = pd.DataFrame(
    {"study": ["A", "B"], "design": "crossover", "n": ["13", "12"], "first": ["31.3 SD 5.8", ""],
     "second": ["27.2 SD 2.5", ""], "r": ["0.5", ""], "estimate": ["", "1.28"],
     "low": ["", "1.10"], "high": ["", "1.49"], "level": ["", "95"], "se": "", "df": "", "p": ""}
)  # fmt: skip
EFFECTS = pd.DataFrame({"estimate": [0.14, 0.25, 0.3, 0.2], "std_error": [0.05, 0.04, 0.05, 0.1]})
MEDIANS = pd.DataFrame(
    {"n": [40, 25, 31], "q1": [4.0, 3.5, 4.1], "median": [5.0, 5.2, 4.9], "q3": [6.0, 6.1, 7.0]}
)  # fmt: skip
DESIGN = pd.DataFrame({"direction": ["backward", "forward"]})
TRIALS = pd.DataFrame(
    {"row_id": ["a", "b"], "study_id": "s", "outcome": "rating", "n": [8, 8], "mean": [12.75,
        12.71],
     "spread": [1.58, 1.58], "mean_text": ["12.75", "12.71"], "spread_text": ["1.58", "1.58"]}
)  # fmt: skip


def printed_cells() -> list[Garbage]:
    """Cells of printed rows that are none, each in the row that is read by its column."""
    out: list[Garbage] = []
    places = {"design": 0, "n": 0, "first": 0, "second": 0, "r": 0, "p": 0, "estimate": 1,
              "low": 1, "high": 1, "level": 1, "df": 1}  # fmt: skip
    for name, place in places.items():
        for what in ("abc", "1e999", 1j, dt.date(2020, 1, 1), [1.0], THING, math.inf, True, HUGE):
            values: list[Any] = PRINTED[name].tolist()
            values[place] = what
            spoiled = PRINTED.assign(**{name: pd.Series(values, dtype=object)})
            out.append((f"{name}: {what!r}"[:30], spoiled, MUST))
    twice = pd.concat([PRINTED, PRINTED[["n"]]], axis=1)
    return [*out, ("n: twice", twice, MUST), ("one study", PRINTED.assign(study="A"), MUST)]


def new_rows() -> list[Garbage]:
    """Rows to predict: where x is not known, the answer is not known, and says so by NaN."""
    found = [*NO_TABLE, *spoilt(ROWS, {"x": MAY})]
    return [(n, v, MAY if n == "x: NaN" else r) for n, v, r in found if n != "None"]


@cache
def fit() -> Any:
    return rs.lmm("y ~ x + (1 | g)", ROWS)


@cache
def counts_fit() -> Any:
    return rs.glmm("k ~ x + (1 | g)", ROWS)


@cache
def pooled() -> Any:
    return rs.pool(EFFECTS)


@cache
def bayes() -> Any:
    return rs.pool(EFFECTS, prior=rs.HalfNormal(0.3))


@cache
def pooled_counts() -> Any:
    return rs.pool_counts(COUNTS, measure="rate_ratio")


@cache
def pooled_printed() -> Any:
    return rs.pool_printed(PRINTED, measure="ratio of means")


@cache
def claim() -> Any:
    return next(iter(rs.load_claims().values()))


@cache
def explored() -> Any:
    return rs.explore(answer, {"r": (0.0, 1.0)}, draws=8)


def answer(v: Any) -> Any:
    return v["r"], v["r"] - 1.0, v["r"] + 1.0


@cache
def scratch() -> Path:
    return Path(tempfile.mkdtemp(prefix="garbage-"))


def breaths() -> Path:
    path = scratch() / "lab.txt"
    path.write_text("t;VO2;VCO2\ns;mL/min;mL/min\n0;800;700\n10;1200;1000\n", encoding="utf-8")
    return path


def saved() -> Path:
    path = scratch() / "saved.json"
    rs.moments_arms(ARMS).save(path)
    return path


def of(fit: Callable[[], Any], method: str) -> Callable[..., Any]:
    return lambda **given: getattr(fit(), method)(**given)
