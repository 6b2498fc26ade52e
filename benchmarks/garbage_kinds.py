"""Kinds of garbage: what is no array, number, count, share, word, formula, table or path."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

#: Garbage whose refusal is not asked for: an answer is right if it is finite.
MAY = "may"
MUST = "must"

Garbage = tuple[str, Any, str]
THING = object()
HUGE = 10**400


def no_array(k: int, *, missing: str = MUST) -> list[Garbage]:
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
        ("ragged", [[1.0], [1.0, 2.0]], MUST), ("objects", [THING] * k, MUST), ("a set", {1.0},
            MUST),
        ("a mapping", {"a": 1.0}, MUST), ("whole numbers without end", [HUGE] * k, MUST),
        ("Decimal", [Decimal("0.5") + i for i in range(k)], MAY),
        ("Fraction", [Fraction(1, 2) + i for i in range(k)], MAY),
        ("categories", pd.Categorical(["a"] * k), MUST), ("a function", len, MUST),
        ("records", np.zeros(k, dtype=[("a", float)]), MUST),
        ("nullable", pd.array([None] + [1.0] * (k - 1), dtype="Float64"), MUST),
    ]  # fmt: skip


def gaps(k: int) -> list[Garbage]:
    """As `_array`, where a missing number leaves its row out, and None is the default."""
    may = ("NaN", "one None", "pd.NA", "nullable")
    return [(n, v, MAY if n in may else r) for n, v, r in no_array(k, missing=MAY) if n != "None"]


def no_number(*, below: bool = True, at_zero: str = MUST) -> list[Garbage]:
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


def open_end() -> list[Garbage]:
    """As `_number`, where what is not finite or below 0 leaves an end open."""
    may = ("NaN", "inf", "-inf", "0")
    return [(n, v, MAY if n in may else r) for n, v, r in no_number(below=False)]


def no_count(least: int = 1) -> list[Garbage]:
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
    ("a folder", str(Path(__file__).parent), MUST), ("a device", "/dev/null", MUST),
    ("bytes", b"/nowhere", MUST), ("null byte", "a\0b", MUST), ("object", THING, MUST),
    ("list", ["/nowhere"], MUST), ("long", "x" * 5000, MUST),
]  # fmt: skip


def spoilt(table: pd.DataFrame, columns: Mapping[str, str]) -> list[Garbage]:
    """A table with one of its columns spoilt; `columns` says whether NaN in it must be refused."""
    k, out = len(table), []
    for name, missing in columns.items():
        days = pd.to_datetime(np.arange(k).astype("M8[D]"))
        values = table[name].astype(object)
        for what, column, rule in (
            ("words", pd.Series(["a"] * k), MUST), ("dates", pd.Series(days), MUST),
            ("dates of Python", pd.Series([dt.date(2020, 1, 1)] * k, dtype=object), MUST),
            ("durations", pd.Series(days - days[0]), MUST), ("complex", pd.Series([1 + 1j] * k),
                MUST),
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


@dataclass(frozen=True)
class Call:
    """A right call: the function, its arguments, and the garbage for each that is tried."""

    function: Callable[..., Any]
    right: Mapping[str, Any]
    garbage: Mapping[str, list[Garbage]]
    slow: bool = False
