"""Garbage into every public function: python -m benchmarks.garbage [--all].

Each line of `CALLS` is a call that is right and, for each of its arguments, what kind of thing it
takes; each kind has its garbage. One argument is replaced at a time. A call *holds* (a finite
answer), is *refused* (an error of retrostats) or is *wrong*: another exception, a warning, an
answer that is not finite, or an answer where garbage must be refused.
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import retrostats as rs

HELD, REFUSED, WRONG = "held", "refused", "wrong"
#: Garbage whose refusal is not asked for: an answer is right if it is finite.
MAY = "may"
MUST = "must"

Garbage = tuple[str, Any, str]
THING = object()
HUGE = 10**400


def _array(k: int, *, missing: str = MUST) -> list[Garbage]:
    """What stands for k numbers and is none; whether NaN is garbage is for the call to say."""
    ones = np.linspace(0.5, 1.0, k)
    days = np.arange(k).astype("M8[D]")
    masked = np.ma.masked_array(ones, [True] + [False] * (k - 1))
    return [
        ("None", None, MUST), ("text", "abc", MUST), ("texts", [f"{v}" for v in ones], MUST),
        ("words", ["a"] * k, MUST), ("bytes", [b"1"] * k, MUST), ("dates", days, MUST),
        ("dates of Python", [dt.date(2020, 1, i + 1) for i in range(k)], MUST),
        ("durations", days - days[0], MUST), ("Timestamps", list(pd.to_datetime(days)), MUST),
        ("dates of pandas", pd.Series(pd.to_datetime(days)), MUST),
        ("complex", ones + 1j, MUST), ("complex without imaginary part", ones + 0j, MUST),
        ("masked", masked, MUST), ("masked scalar", [np.ma.masked] + [1.0] * (k - 1), MUST),
        ("truth values", np.ones(k, bool), MUST), ("Nones", [None] * k, MUST),
        ("one None", [None] + [1.0] * (k - 1), MUST), ("pd.NA", [pd.NA] + [1.0] * (k - 1), MUST),
        ("NaT", [pd.NaT] + [1.0] * (k - 1), MUST), ("NaN", [math.nan] + [1.0] * (k - 1), missing),
        ("inf", [math.inf] + [1.0] * (k - 1), MUST), ("-inf", [-math.inf] + [1.0] * (k - 1), MUST),
        ("ragged", [[1.0], [1.0, 2.0]], MUST), ("objects", [THING] * k, MUST), ("a set", {1.0}, MUST),
        ("a mapping", {"a": 1.0}, MUST), ("whole numbers without end", [HUGE] * k, MUST),
        ("Decimal", [Decimal("0.5") + i for i in range(k)], MAY),
        ("Fraction", [Fraction(1, 2) + i for i in range(k)], MAY),
        ("categories", pd.Categorical(["a"] * k), MUST), ("a function", len, MUST),
        ("records", np.zeros(k, dtype=[("a", float)]), MUST),
        ("nullable", pd.array([None] + [1.0] * (k - 1), dtype="Float64"), MUST),
    ]  # fmt: skip


def _gaps(k: int) -> list[Garbage]:
    """As `_array`, where a missing number leaves its row out, and None is the default."""
    may = ("NaN", "one None", "pd.NA", "nullable")
    return [(n, v, MAY if n in may else r) for n, v, r in _array(k, missing=MAY) if n != "None"]


def _number(*, below: bool = True, at_zero: str = MUST) -> list[Garbage]:
    """What is no finite real number; with `below` negative numbers are garbage too."""
    more: list[Garbage] = [("-1", -1.0, MUST)] if below else []
    return [
        ("text", "abc", MUST), ("a number as text", "1", MUST), ("NaN", math.nan, MUST),
        ("inf", math.inf, MUST), ("-inf", -math.inf, MUST), ("complex", 1 + 1j, MUST),
        ("list", [1.0, 2.0], MUST), ("empty list", [], MUST), ("object", THING, MUST),
        ("date", dt.date(2020, 1, 1), MUST), ("date of numpy", np.datetime64("2020-01-01"), MUST),
        ("masked", np.ma.masked, MUST), ("pd.NA", pd.NA, MUST), ("NaT", pd.NaT, MUST),
        ("whole number without end", HUGE, MUST), ("mapping", {}, MUST), ("bytes", b"1", MUST),
        ("0", 0.0, at_zero), *more,
    ]  # fmt: skip


def _open() -> list[Garbage]:
    """As `_number`, where what is not finite or below 0 leaves an end open."""
    may = ("NaN", "inf", "-inf", "0")
    return [(n, v, MAY if n in may else r) for n, v, r in _number(below=False)]


def _count(least: int = 1) -> list[Garbage]:
    """What is no whole number from `least` on."""
    return [
        ("below the least", least - 1, MUST), ("-5", -5, MUST), ("1.5", 1.5, MUST),
        ("NaN", math.nan, MUST), ("inf", math.inf, MUST), ("text", "3", MUST),
        ("list", [1.5], MUST), ("object", THING, MUST), ("complex", 2 + 0j, MUST),
        ("True", True, MUST), ("None", None, MUST), ("date", dt.date(2020, 1, 1), MUST),
    ]  # fmt: skip


#: A level or a share between 0 and 1.
SHARE: list[Garbage] = [
    ("0", 0.0, MUST), ("1", 1.0, MUST), ("95", 95, MUST), ("-1", -1.0, MUST),
    ("NaN", math.nan, MUST), ("text", "0.95", MUST), ("None", None, MUST), ("list", [0.9], MUST),
    ("complex", 0.5 + 0j, MUST), ("object", THING, MUST), ("True", True, MUST),
]  # fmt: skip
#: A word out of a list.
WORD: list[Garbage] = [
    ("another word", "nonsense", MUST), ("number", 3, MUST), ("empty", "", MUST),
    ("list", ["reml"], MUST), ("mapping", {}, MUST), ("object", THING, MUST),
    ("bytes", b"reml", MUST), ("NaN", math.nan, MUST),
]  # fmt: skip
#: A name, of which any may be right.
NAME: list[Garbage] = [
    ("number", 3, MAY), ("empty", "", MAY), ("list", ["x"], MAY), ("object", THING, MAY),
    ("not there", "nowhere", MAY), ("bytes", b"x", MAY),
]  # fmt: skip
FORMULA: list[Garbage] = [
    ("None", None, MUST), ("number", 3, MUST), ("empty", "", MUST), ("~", "~", MUST),
    ("half", "y ~ (", MUST), ("bytes", b"y ~ x", MUST), ("list", ["y ~ x"], MUST),
    ("not there", "nowhere ~ nothing + (1 | g)", MUST), ("object", THING, MUST),
    ("control", "y ~ x\x00 + (1 | g)", MUST), ("deep", "y ~ " + "(" * 5000, MUST),
    ("Python", "y ~ __import__('os') + (1 | g)", MUST),
]  # fmt: skip
NO_TABLE: list[Garbage] = [
    ("None", None, MUST), ("number", 3, MUST), ("text", "abc", MUST), ("list", [1, 2], MUST),
    ("object", THING, MUST), ("empty", pd.DataFrame(), MUST), ("Series", pd.Series([1.0]), MUST),
    ("other columns", pd.DataFrame({"other": [1.0, 2.0]}), MUST),
    ("array", np.ones((2, 2)), MUST), ("bytes", b"abc", MUST), ("a set", {1}, MUST),
]  # fmt: skip
PATH: list[Garbage] = [
    ("number", 3, MUST), ("empty", "", MUST), ("not there", "/nowhere/at/all", MUST),
    ("a folder", tempfile.gettempdir(), MUST), ("a device", "/dev/null", MUST),
    ("bytes", b"/nowhere", MUST), ("null byte", "a\0b", MUST), ("object", THING, MUST),
    ("list", ["/nowhere"], MUST), ("long", "x" * 5000, MUST),
]  # fmt: skip


def _spoilt(table: pd.DataFrame, columns: Mapping[str, str]) -> list[Garbage]:
    """A table with one of its columns spoilt; `columns` says whether NaN in it must be refused."""
    k, out = len(table), []
    for name, missing in columns.items():
        days = pd.to_datetime(np.arange(k).astype("M8[D]"))
        values = table[name].astype(object)
        for what, column, rule in (
            ("words", pd.Series(["a"] * k), MUST), ("dates", pd.Series(days), MUST),
            ("dates of Python", pd.Series([dt.date(2020, 1, 1)] * k, dtype=object), MUST),
            ("durations", pd.Series(days - days[0]), MUST), ("complex", pd.Series([1 + 1j] * k), MUST),
            ("complex objects", pd.Series([1 + 1j] * k, dtype=object), MUST),
            ("inf", pd.Series([math.inf] * k), MUST), ("NaN", pd.Series([math.nan] * k), MUST),
            ("objects", pd.Series([THING] * k), MUST), ("lists", pd.Series([[1.0]] * k), MUST),
            ("one word", pd.Series(["a", *values[1:]], dtype=object), MUST),
            ("one NaN", pd.Series([math.nan, *table[name].astype(float)[1:]]), missing),
            ("one inf", pd.Series([math.inf, *table[name].astype(float)[1:]]), MUST),
            ("truth values", pd.Series([True] * k), MUST), ("1e300", pd.Series([1e300] * k), MAY),
            ("huge", pd.Series([HUGE] * k, dtype=object), MUST),
            ("negative", pd.Series([-1.0] * k), MAY),
        ):  # fmt: skip
            out.append(
                (f"{name}: {what}", table.assign(**{name: column.set_axis(table.index)}), rule)
            )
        out.append((f"{name}: not there", table.drop(columns=name), MUST))
        out.append((f"{name}: twice", pd.concat([table, table[[name]]], axis=1), MUST))
    return out


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
EFFECTS = pd.DataFrame({"estimate": [0.14, 0.25, 0.3, 0.2], "std_error": [0.05, 0.04, 0.05, 0.1]})
DESIGN = pd.DataFrame({"direction": ["backward", "forward"]})
TRIALS = pd.DataFrame(
    {"row_id": ["a", "b"], "study_id": "s", "outcome": "rating", "n": [8, 8], "mean": [12.75, 12.71],
     "spread": [1.58, 1.58], "mean_text": ["12.75", "12.71"], "spread_text": ["1.58", "1.58"]}
)  # fmt: skip


def _new_rows() -> list[Garbage]:
    """Rows to predict: where x is not known, the answer is not known, and says so by NaN."""
    found = [*NO_TABLE, *_spoilt(ROWS, {"x": MAY})]
    return [(n, v, MAY if n == "x: NaN" else r) for n, v, r in found if n != "None"]


@cache
def _fit() -> Any:
    return rs.lmm("y ~ x + (1 | g)", ROWS)


@cache
def _counts_fit() -> Any:
    return rs.glmm("k ~ x + (1 | g)", ROWS)


@cache
def _pooled() -> Any:
    return rs.pool(EFFECTS)


@cache
def _bayes() -> Any:
    return rs.pool(EFFECTS, prior=rs.HalfNormal(0.3))


@cache
def _pooled_counts() -> Any:
    return rs.pool_counts(COUNTS, measure="rate_ratio")


@cache
def _claim() -> Any:
    return next(iter(rs.load_claims().values()))


@cache
def _explored() -> Any:
    return rs.explore(_answer, {"r": (0.0, 1.0)}, draws=8)


def _answer(v: Any) -> Any:
    return v["r"], v["r"] - 1.0, v["r"] + 1.0


@cache
def _scratch() -> Path:
    return Path(tempfile.mkdtemp(prefix="garbage-"))


@dataclass(frozen=True)
class Call:
    """A right call: the function, its arguments, and the garbage for each that is tried."""

    function: Callable[..., Any]
    right: Mapping[str, Any]
    garbage: Mapping[str, list[Garbage]]
    slow: bool = False


def _of(fit: Callable[[], Any], method: str) -> Callable[..., Any]:
    return lambda **given: getattr(fit(), method)(**given)


def calls() -> dict[str, Call]:
    """Every public function, and the methods that take what users type."""
    v3 = dict.fromkeys(("n", "mean", "sd"), MUST)
    optional = [g for g in WORD if g[0] != "None"]
    unknown = [("None", None, MUST), ("text", "abc", MUST), ("reversed", {"r": (1, 0)}, MUST),
               ("NaN", {"r": (math.nan, 1)}, MUST), ("words", {"r": ("a", "b")}, MUST),
               ("complex", {"r": (0j, 1j)}, MUST), ("number", 3, MUST), ("three", {"r": (0, 1, 2)}, MUST),
               ("dates", {"r": (dt.date(2020, 1, 1), dt.date(2021, 1, 1))}, MUST)]  # fmt: skip
    answers = [("None", None, MUST), ("text", "abc", MUST), ("NaN", lambda v: (math.nan,) * 3, MUST),
               ("reversed", lambda v: (0.0, 1.0, -1.0), MUST), ("one", lambda v: 1.0, MUST),
               ("nothing", lambda v: None, MUST), ("text of it", lambda v: "abc", MUST),
               ("complex of it", lambda v: (1j, 1j, 1j), MUST),
               ("dates of it", lambda v: (np.datetime64("2020-01-01"),) * 3, MUST)]  # fmt: skip
    numbers = _number(below=False, at_zero=MAY)
    return {
        "load_audit": Call(rs.load_audit, {}, {"path": PATH}),
        "load_published": Call(rs.load_published, {}, {"topic": optional, "folder": PATH}),
        "load_claims": Call(rs.load_claims, {}, {}),
        "load_cohort": Call(
            rs.load_cohort, {"path_or_frame": pd.DataFrame({
                "subject": [1, 1, 2, 2, 3, 3], "direction": ["forward", "backward"] * 3,
                "vo2_ml_kg_min": [30.0, 40, 31, 42, 29, 37], "speed_m_s": 2.0})},
            {"path_or_frame": [*PATH, *NO_TABLE], "spec": [g for g in PATH if g[0] not in ("empty", "a device")],
             "audit": PATH}),
        "read_cart": Call(rs.read_cart, {}, {"path": PATH}),
        "load_moments": Call(rs.load_moments, {}, {"path": PATH}),
        "steady_state": Call(
            rs.steady_state, {"cart": pd.DataFrame({
                "time_s": np.arange(0.0, 600, 10), "vo2_ml_min": 1000.0 + np.arange(60) % 3,
                "vco2_ml_min": 850.0})},
            {"cart": NO_TABLE, "window_s": _number(), "max_change_pct": _number(),
             "start_s": _open(), "end_s": _open(), "speed_m_s": _open()}),
        "metabolic_rate_w": Call(
            rs.metabolic_rate_w, {"vo2_ml_min": [1000.0, 1100.0], "vco2_ml_min": [850.0, 900.0]},
            {"vo2_ml_min": _array(2, missing=MAY), "vco2_ml_min": _array(2, missing=MAY),
             "equation": WORD}),
        "Reported": Call(rs.Reported, {"text": "1.20"}, {"text": [
            (repr(v)[:12], v, MUST) for v in
            (None, 3, 1.5, "", "abc", "1e999", "-1e999", "nan", "inf", "1..2", b"1", [], THING, "1 to 2",
             "1,5", "0x10", "1_000", "--1", "1e", " ")]}),
        "Printed": Call(rs.Printed, {"text": "1.20"}, {"text": [
            (repr(v)[:12], v, MUST) for v in (None, 3, "", "abc", "1e999", b"1", [], THING)]}),
        "se_from_p": Call(rs.se_from_p, {"change": -2.4, "p": 0.01, "df": 12}, {
            "change": _number(below=False), "p": _number(), "df": [
                g for g in _number() if g[0] != "inf"]}),
        "r_bounds_from_p": Call(
            rs.r_bounds_from_p,
            {"sd1": 5.8, "sd2": 2.5, "n": 13, "diff": 4.1, "p": 0.01},
            {"sd1": _number(), "sd2": _number(), "n": _count(2), "diff": numbers,
             "p": _number(at_zero=MAY), "operator": WORD}),
        "forensics": Call(rs.forensics, {"table": TRIALS}, {
            "table": [*NO_TABLE, *((n, t, MAY) for n, t, _ in _spoilt(TRIALS, dict.fromkeys(("n", "mean", "spread"), MAY)))],
            "integers": [("number", 3, MUST), ("not there", ["nowhere"], MUST), ("text", {"rating": "x"}, MUST),
                         ("NaN", {"rating": math.nan}, MUST), ("parts", {"rating": 1.5}, MUST)],
            "binary": [("number", 3, MUST), ("not there", ["nowhere"], MUST)]}),
        "moments": Call(rs.moments, {"formula": "y ~ x + (1 | g)", "data": ROWS}, {
            "formula": FORMULA, "data": [*NO_TABLE, *_spoilt(ROWS, {"y": MAY})], "residual": NAME}),
        "moments_from_summary": Call(
            rs.moments_from_summary, {"cells": CELLS, "correlation": 0.9}, {
                "cells": [*NO_TABLE, *_spoilt(CELLS, v3)],
                "correlation": [
                    *_number(below=False, at_zero=MAY), ("2", 2.0, MUST), *_array(3)],
                "within": NAME, "between": NAME}),
        "moments_prepost": Call(rs.moments_prepost, {"table": PREPOST}, {
            "table": [*NO_TABLE, *_spoilt(PREPOST, dict.fromkeys(PREPOST.columns[2:], MUST))]}),
        "moments_arms": Call(rs.moments_arms, {"table": ARMS}, {
            "table": [*NO_TABLE, *_spoilt(ARMS, v3)]}),
        "Moments.save": Call(
            lambda **g: rs.moments_arms(ARMS).save(**g), {"path": _scratch() / "m.json"},
            {"path": [g for g in PATH if g[0] != "a device"], "min_cell": _count(1)}),
        "Estimate": Call(
            rs.Estimate, {"value": 0.3, "std_error": 0.1, "df": 3.0, "scale": "difference", "unit": "kg"},
            {"value": numbers, "std_error": _number(), "df": [g for g in _number() if g[0] != "inf"],
             "scale": WORD}),
        "Estimate.interval": Call(
            rs.Estimate(0.3, 0.1, 3.0, "difference", "kg").interval, {}, {"level": SHARE}),
        "lmm": Call(rs.lmm, {"formula": "y ~ x + (1 | g)", "data": ROWS}, {
            "formula": FORMULA, "data": [*NO_TABLE, *_spoilt(ROWS, {"y": MAY})],
            "ddf": WORD, "covariance": WORD, "residual": NAME,
            "weights": _gaps(10), "variances": _gaps(10)}),
        "lmm.predict": Call(_of(_fit, "predict"), {"newdata": ROWS}, {
            "newdata": _new_rows(),
            "level": SHARE}),
        "lmm.emmeans": Call(_of(_fit, "emmeans"), {"factors": []}, {
            "factors": [g for g in NAME if g[0] != "empty"],
            "at": [("number", 3, MUST), ("words", {"x": "a"}, MUST), ("not there", {"q": 1}, MUST),
                   ("NaN", {"x": math.nan}, MUST), ("complex", {"x": 1j}, MUST),
                   ("None in it", {"x": None}, MUST)],
            "type": WORD, "level": SHARE}),
        "lmm.contrast": Call(_of(_fit, "contrast"), {"weights": {"x": 1.0}}, {
            "weights": [*_array(2), ("not there", {"q": 1.0}, MUST), ("complex in it", {"x": 1j}, MUST),
                        ("NaN in it", {"x": math.nan}, MUST), ("words in it", {"x": "a"}, MUST)],
            "null": numbers, "level": SHARE}),
        "lmm.confint": Call(_of(_fit, "confint"), {"n": 40}, {
            "method": WORD, "level": SHARE, "n": [], "seed": []}),
        "lmm.bootstrap": Call(_of(_fit, "bootstrap"), {"n": 20, "seed": 1}, {
            "n": _count(1), "seed": _count(0), "jobs": _count(1)}),
        "lmm.simulate": Call(_of(_fit, "simulate"), {"n": 2}, {"n": _count(1), "seed": _count(0)}),
        "lmm.refit": Call(_of(_fit, "refit"), {"data": ROWS["y"].to_numpy()}, {
            "data": [*_array(10), *(g for g in NO_TABLE if g[0] not in ("None", "text", "a set"))]}),
        "lmm.compare": Call(_of(_fit, "compare"), {"other": rs.lmm("y ~ 1 + (1 | g)", ROWS)}, {
            "other": NO_TABLE}),
        "lmm.anova": Call(_of(_fit, "anova"), {}, {"other": NO_TABLE}),
        "lmm.standardised": Call(_of(_fit, "standardised"), {"term": "x"}, {
            "term": [(n, g, MUST) for n, g, _ in NAME], "by": WORD, "level": SHARE}),
        "lmm.icc": Call(_of(_fit, "icc"), {}, {"group": [(n, g, MUST) for n, g, _ in NAME], "level": SHARE}),
        "lmm.ranef": Call(_of(_fit, "ranef"), {}, {"level": SHARE}),
        "glmm": Call(rs.glmm, {"formula": "k ~ x + (1 | g)", "data": ROWS}, {
            "formula": [(n, v.replace("y", "k") if isinstance(v, str) else v, r) for n, v, r in FORMULA],
            "data": [*NO_TABLE, *_spoilt(ROWS, {"k": MAY})], "family": WORD, "exposure": NAME,
            "trials": NAME, "n_agq": _count(1), "overdispersion": WORD, "penalty": WORD}),
        "glmm, exposure": Call(
            rs.glmm, {"formula": "k ~ x + (1 | g)", "data": ROWS, "exposure": "w"},
            {"data": _spoilt(ROWS, {"w": MAY})}),
        "glmm, trials": Call(
            rs.glmm, {"formula": "k ~ x + (1 | g)", "data": ROWS, "trials": "size", "family": "binomial"},
            {"data": _spoilt(ROWS, {"size": MAY})}),
        "glmm.predict": Call(_of(_counts_fit, "predict"), {"newdata": ROWS}, {
            "newdata": _new_rows(),
            "type": WORD, "level": SHARE}),
        "glmm.confint": Call(_of(_counts_fit, "confint"), {}, {"method": WORD, "level": SHARE}),
        "glmm.emmeans": Call(_of(_counts_fit, "emmeans"), {"factors": []}, {
            "factors": [g for g in NAME if g[0] != "empty"], "type": WORD, "level": SHARE}),
        "glmm.residuals": Call(_of(_counts_fit, "residuals"), {}, {"type": WORD}),
        "glmm.simulate": Call(_of(_counts_fit, "simulate"), {}, {"n": _count(1), "seed": _count(0)}),
        "power": Call(
            rs.power, {
                "formula": "z ~ direction + (1 | subject)", "design": DESIGN, "n": 6, "n_sim": 20,
                "effects": {"directionforward": -0.1},
                "variance_components": {"subject": 0.01, "Residual": 0.005}},
            {"formula": FORMULA, "design": NO_TABLE, "n": [g for g in _count(2)],
             "effects": [("None", None, MUST), ("number", 3, MUST), ("NaN", {"directionforward": math.nan}, MUST),
                         ("words", {"directionforward": "a"}, MUST), ("not there", {"q": 1.0}, MUST),
                         ("truth", {"directionforward": True}, MUST), ("text", {"directionforward": "1"}, MUST),
                         ("complex", {"directionforward": 1j}, MUST), ("list", [1.0], MUST),
                         ("date", {"directionforward": np.datetime64("2020-01-01")}, MUST)],
             "variance_components": [
                 ("None", None, MUST), ("number", 3, MUST), ("list", [1.0], MUST),
                 *((n, {"subject": g, "Residual": 0.005}, r) for n, g, r in _number(at_zero=MAY)),
                 *((n, {"subject": 0.01, "Residual": g}, r) for n, g, r in _number())],
             "term": NAME, "alpha": SHARE, "test": WORD, "n_sim": _count(1), "seed": _count(0),
             "jobs": _count(1)}),
        "type_one_error": Call(
            rs.type_one_error, {
                "formula": "z ~ direction + (1 | subject)", "design": DESIGN, "n": 6, "n_sim": 20,
                "term": "directionforward", "variance_components": {"subject": 0.01, "Residual": 0.005}},
            {"term": [(n, g, MUST) for n, g, _ in NAME], "alpha": SHARE, "n": _count(2)}),
        "pool": Call(
            rs.pool,
            {"data": [0.14, 0.25, 0.3, 0.2], "std_errors": [0.05, 0.04, 0.05, 0.1]}, {
                "data": _array(4), "std_errors": _array(4), "method": WORD, "test": WORD,
                "cluster": [g for g in _array(4) if g[0] in (
                    "text", "masked", "masked scalar", "Nones", "one None", "pd.NA", "NaT", "NaN", "ragged",
                    "a set", "a mapping", "a function")],
                "prior": [("number", 3, MUST), ("text", "half", MUST), ("object", THING, MUST)],
                "moderators": [*(g for g in NO_TABLE if g[0] != "None"),
                               *_spoilt(pd.DataFrame({"m": [1.0, 2.0, 4.0, 3.0]}), {"m": MUST})],
                "random": NAME, "formula": NAME, "level": SHARE}),
        "pool, variance": Call(
            rs.pool,
            {"data": [0.14, 0.25, 0.3, 0.2], "variance": [0.05, 0.04, 0.05, 0.1]}, {
                "variance": [*_array(4), ("not symmetric", np.triu(np.ones((4, 4))), MUST),
                             ("singular", np.ones((4, 4)), MAY), ("negative", -np.eye(4), MUST)]}),
        "pool of a table": Call(rs.pool, {"data": EFFECTS}, {
            "data": [*NO_TABLE, *_spoilt(EFFECTS, {"estimate": MUST, "std_error": MUST})]}),
        "pool, formula": Call(
            rs.pool, {
                "data": EFFECTS.assign(m=[1.0, 2.0, 4.0, 3.0]), "formula": "~ m"},
            {"data": _spoilt(EFFECTS.assign(m=[1.0, 2.0, 4.0, 3.0]), {"m": MUST})}),
        "Pooled.influence": Call(_of(_pooled, "influence"), {}, {
            "by": [g for g in _array(4) if g[0] in ("ragged", "NaN", "Nones", "masked", "a set", "text")]}),
        "Pooled.confint": Call(_of(_pooled, "confint"), {}, {"method": WORD}),
        "HalfNormal": Call(rs.HalfNormal, {"scale": 0.3}, {"scale": _number()}),
        "Posterior.probability": Call(_of(_bayes, "probability"), {"low": 0.0}, {
            "low": [g for g in numbers if "inf" not in g[0]],
            "high": [g for g in numbers if "inf" not in g[0]]}),
        "random_effects_batch": Call(
            rs.random_effects_batch, {"y": [[0.1, 0.2, 0.3]], "v": [[0.1, 0.1, 0.2]]}, {
                "y": _array(3), "v": _array(3), "method": WORD, "test": WORD,
                "mask": [("none", [[False] * 3], MUST), ("numbers", [[1.0] * 3], MUST), ("text", "abc", MUST),
                         ("ragged", [[True], [True, False]], MUST), ("shape", [True] * 4, MUST),
                         ("masked", np.ma.masked_array([True] * 3, [True, False, False]), MUST)]}),
        "pool_counts": Call(
            rs.pool_counts, {"table": COUNTS, "measure": "odds_ratio"}, {
                "table": [*NO_TABLE, *_spoilt(COUNTS, dict.fromkeys(COUNTS.columns[1:], MUST)),
                          ("more events than people", COUNTS.assign(events_1=500), MUST),
                          ("parts of events", COUNTS.assign(events_1=1.5), MUST)],
                "measure": WORD, "model": WORD, "nodes": [g for g in _count(1) if g[0] != "None"],
                "double_zero": WORD, "level": SHARE}),
        "PooledCounts.confint": Call(_of(_pooled_counts, "confint"), {}, {
            "method": WORD, "level": [g for g in SHARE if g[0] != "None"]}),
        "PooledCounts.confint, bootstrap": Call(
            _of(_pooled_counts, "confint"), {"method": "bootstrap", "draws": 20},
            {"draws": _count(20), "seed": _count(0)}, slow=True),
        "pool_crossovers": Call(
            rs.pool_crossovers, {"table": CROSSOVERS, "draws": 8}, {
                "table": [*NO_TABLE, *_crossovers()], "measure": WORD, "method": WORD,
                "test": WORD, "level": SHARE, "draws": _count(0), "seed": _count(0), "jobs": _count(1)}),
        "Unknown": Call(rs.Unknown, {"name": "r", "low": 0.0, "high": 1.0}, {
            "low": [g for g in numbers if g[0] != "0"], "high": [g for g in numbers if g[0] != "0"],
            "name": [(n, g, MUST) for n, g, _ in NAME if n not in ("not there",)]}),
        "Choice": Call(rs.Choice, {"name": "c", "options": {"a": 1, "b": 2}}, {
            "options": [("None", None, MUST), ("empty", {}, MUST), ("number", 3, MUST), ("list", [1, 2], MUST),
                        ("text", "abc", MUST)]}),
        "explore": Call(
            rs.explore,
            {"estimate": _answer, "unknowns": {"r": (0.0, 1.0)}, "draws": 8},
            {"estimate": answers, "unknowns": unknown, "draws": _count(1), "seed": _count(0), "jobs": _count(1)}),
        "Exploration.along": Call(_of(_explored, "along"), {"name": "r"}, {
            "name": [(n, g, MUST) for n, g, _ in NAME]}),
        "Claim": Call(_claimed, {}, {
            "null_value": [g for g in numbers if g[0] != "NaN"], "range_low": [g for g in numbers if g[0] not in ("NaN", "inf", "-inf")],
            "range_high": [g for g in numbers if g[0] not in ("NaN", "inf", "-inf", "0")],
            "kind": WORD}),
        "judge": Call(lambda **g: rs.judge(**{"claim": _claim(), "evidence": []} | g), {}, {
            "claim": NO_TABLE, "evidence": [g for g in NO_TABLE if g[0] not in ("empty",)],
            "fidelity": WORD}),
        "plan": Call(
            lambda **g: rs.plan(**{"claim": _planned(), "sims": 64, "truth": 1.3, "spread": 0.2} | g), {}, {
                "claim": [g for g in NO_TABLE], "audit": [g for g in PATH], "truth": _number(),
                "spread": _number(), "design": WORD, "rate": _number(), "exposure": _number(),
                "people": [("number", 3, MUST), ("words", ["a"], MUST), ("one", [1], MAY), ("NaN", [math.nan], MUST),
                           ("negative", [-3], MUST), ("parts", [3.5], MUST), ("empty", [], MUST)],
                "power": SHARE, "sims": _count(1), "seed": _count(0), "jobs": _count(1)}, slow=True),
        "replicate": Call(
            lambda **g: rs.replicate(**{"draws": 0, "analyses": ["body-fat"]} | g), {}, {
                "analyses": [("number", 3, MUST), ("not there", ["nowhere"], MUST), ("object", THING, MUST),
                             ("empty", [], MUST), ("numbers", [3], MUST)],
                "audit": PATH, "cohorts": [("number", 3, MUST), ("not there", ["/nowhere"], MUST),
                                           ("object", [THING], MUST), ("None in it", [None], MUST)],
                "draws": _count(0), "seed": _count(0), "jobs": _count(1),
                "formats": [("another", ["docx"], MUST), ("number", 3, MUST), ("numbers", [3], MUST)],
                "tables": [("another", ["docx"], MUST), ("number", 3, MUST)],
                "themes": [("another", ["neon"], MUST), ("number", 3, MUST)], "claim_figures": WORD}, slow=True),
        "cite": Call(rs.cite, {}, {}),
    }  # fmt: skip


def _planned() -> str:
    return next(c.claim_id for c in rs.load_claims().values() if c.scale == "ratio")


def _claimed(**given: Any) -> Any:
    right = {f: getattr(_claim(), f) for f in _claim().__dataclass_fields__}
    return rs.Claim(**(right | given))


def _crossovers() -> list[Garbage]:
    """Printed cells of crossovers that are none; `p` and `r` may be left empty."""
    out: list[Garbage] = []
    for name in ("n", "mean_1", "sd_1", "mean_2", "sd_2", "p", "r"):
        for what in (
            "abc",
            "1e999",
            1j,
            dt.date(2020, 1, 1),
            [1.0],
            THING,
            -5.0,
            math.inf,
            True,
            pd.NaT,
        ):
            values = CROSSOVERS[name].astype(object).tolist()
            rule = MAY if what is pd.NaT or (what == -5.0 and name.startswith("mean")) else MUST
            out.append(
                (
                    f"{name}: {what!r}"[:30],
                    CROSSOVERS.assign(**{name: pd.Series([what, *values[1:]], dtype=object)}),
                    rule,
                )
            )
    contradicted = CROSSOVERS.assign(p=["<0.0001", ""], r=["-0.9", "0.9"])
    out.append(("r against p", contradicted, MUST))
    return out


def cases(*, slow: bool = True) -> Iterator[tuple[str, str, Callable[[], Any], str]]:
    """Function, what was put where, the call, and whether it must be refused."""
    for name, call in calls().items():
        if call.slow and not slow:
            continue
        for argument, garbage in call.garbage.items():
            for what, value, rule in garbage:
                given = {**call.right, argument: value}
                yield name, f"{argument}={what}", (lambda c=call, g=given: c.function(**g)), rule


def outcome(call: Callable[[], Any], rule: str) -> tuple[str, str]:
    """How a call ended, and why where it is wrong."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = call()
        except rs.RetrostatsError as error:
            return REFUSED, str(error)
        except Exception as error:
            return WRONG, f"{type(error).__name__}: {error}"
    if rule == MUST:
        return WRONG, f"took it: {found!r:.80}"
    return (HELD, "") if finite(found) else (WRONG, f"not finite: {found!r:.80}")


def finite(found: Any) -> bool:
    """Whether the headline of an answer is finite; a table's columns may lack what is not there."""
    for name in ("estimate", "std_error"):
        value = getattr(found, name, None)
        if isinstance(value, float | np.ndarray) and not np.isfinite(value).all():
            return False
    if hasattr(found, "beta"):
        return bool(np.isfinite(found.beta).all())
    if isinstance(found, float):
        return math.isfinite(found)
    if isinstance(found, np.ndarray):
        return found.dtype.kind != "f" or not np.isinf(found).any()
    return not is_dataclass(found) or True


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.garbage")
    parser.add_argument("--all", action="store_true", help="every call, also those that simulate")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    for name, what, call, rule in cases(slow=options.all):
        ended, why = outcome(call, rule)
        counts[ended] += 1
        if ended == WRONG:
            print(f"{name}({what}): {' '.join(why.split())[:160]}")
    print(
        f"{counts.total()} calls: " + ", ".join(f"{counts[e]} {e}" for e in (HELD, REFUSED, WRONG))
    )
    return 1 if counts[WRONG] else 0


if __name__ == "__main__":
    raise SystemExit(main())
