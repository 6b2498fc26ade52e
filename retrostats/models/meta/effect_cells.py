"""Cells of an audit's table, text as printed, as the columns that an effect size needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from retrostats.common.errors import InputError
from retrostats.models.meta.effect_columns import row_names

if TYPE_CHECKING:
    import pandas as pd

_DASH = str.maketrans(dict.fromkeys("‐‑‒–−", "-"))
_N = r"(-?\d+\.?\d*|-?\.\d+)"
_MEAN = re.compile(rf"{_N}\s*\(?(SD|SE|SEM)\s*{_N}\)?\s*(.*)", re.IGNORECASE)
_MEDIAN = re.compile(rf"{_N}\s*\(?(IQR|range)\s*{_N}\s*(?:to|-)\s*{_N}\)?\s*(.*)", re.IGNORECASE)
_COUNT = re.compile(rf"{_N}\s*(?:/|of)\s*{_N}\s*(.*)", re.IGNORECASE)
_ARMS = re.compile(r"(\d+)\s*/\s*(\d+)")
_ALLOWED = (
    "'38.35 SD 1.53 min' (or SE, IQR 30 to 41, range 20 to 60), '27.1 SD 3.0 -> 24.7 SD 2.9', "
    "'15 / 461 players' or '15 / 461 h'"
)
_TIMES = "h hour hours d day days week weeks month months year years min s exposures sessions"
TIME_UNITS = frozenset(_TIMES.split())

Found = dict[str, float | str]


def is_time(noun: str) -> bool:
    """Whether what events are divided by is exposure: its last word is a unit of time.

    Examples
    --------
    >>> is_time("player hours"), is_time("person-years"), is_time("players")
    (True, True, False)
    """
    words = re.split(r"[\s-]+", noun.strip().lower())
    return words[-1] in TIME_UNITS


def with_printed_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with columns of numbers made of its cells `first`, `second` and `n`.

    Columns that are there already are kept. Events get a column `counted_in` beside them.

    Raises
    ------
    InputError
        A cell that is not understood, two units in a row, a plus-minus that is neither SD nor SE.
    """
    if not {"first", "second"} <= set(frame.columns):
        return frame
    names = row_names(frame)
    rows = [_row(frame.iloc[i], names[i]) for i in range(len(frame))]
    made = frame.copy()
    for column in dict.fromkeys(name for row in rows for name in row):
        if column == "n" or column not in frame.columns:
            made[column] = [row.get(column, np.nan) for row in rows]
    if "mean_1" in made.columns:  # pairs have n, two groups one of each
        made = made.assign(**{c: np.nan for c in ("n_1", "n_2") if c not in made.columns})
    if "n" in made.columns and "n" not in {name for row in rows for name in row}:
        made = made.drop(columns="n")  # every number of people was one for each arm
    return made


def _row(row: pd.Series, name: str) -> Found:
    found: Found = {}
    size = _text(row.get("n"))
    arms = _ARMS.fullmatch(size)
    if arms:
        found |= {"n_1": float(arms[1]), "n_2": float(arms[2])}
        if arms[1] == arms[2]:
            found["n"] = float(arms[1])
    elif size:
        found["n"] = _number(size, name, "n")
    if _text(row.get("estimate")) and any(_text(row.get(name)) for name in ("low", "se", "p")):
        return found  # a printed effect wins over its cells
    units = set()
    for column, arm in (("first", "_1"), ("second", "_2")):
        text = _text(row.get(column))
        if not text:
            continue
        people = found.get(f"n{arm}", found.get("n", np.nan))
        cell, unit = _cell(text, arm, float(people), f"escalc: {name}, column {column!r}")
        found |= cell
        units.add(unit)
    if len(units) > 1:
        raise InputError(
            f"escalc: {name}: first is in {min(units)!r} and second in {max(units)!r}; print both "
            "in one unit"
        )
    if "events_1" in found or "events_2" in found:
        found["counted_in"] = units.pop()
    return found


def _cell(text: str, arm: str, n: float, where: str) -> tuple[Found, str]:
    before, arrow, after = text.replace("→", "->").partition("->")
    if arrow:
        one, unit_1 = _mean(before.strip(), f"_pre{arm}", n, where)
        two, unit = _mean(after.strip(), f"_post{arm}", n, where)
        if unit_1 and unit_1 != unit:
            raise InputError(f"{where}: found two units, {unit_1!r} and {unit!r}; print one")
        return one | two, unit
    count = _COUNT.fullmatch(text)
    if count:
        return {f"events{arm}": float(count[1]), f"total{arm}": float(count[2])}, count[3].strip()
    median = _MEDIAN.fullmatch(text)
    if median:
        ends = ("q1", "q3") if median[2].lower() == "iqr" else ("min", "max")
        low, high = (f"{end}{arm}" for end in ends)
        numbers = {f"median{arm}": float(median[1]), low: float(median[3]), high: float(median[4])}
        return dict(numbers), median[5].strip()
    return _mean(text, arm, n, where)


def _mean(text: str, ending: str, n: float, where: str) -> tuple[Found, str]:
    found = _MEAN.fullmatch(text)
    if not found:
        _refuse(text, where)
    spread = float(found[3])
    if found[2].upper() != "SD":
        if np.isnan(n):
            raise InputError(f"{where}: an SE needs the number of people; fill in column n")
        spread *= float(np.sqrt(n))
    return {f"mean{ending}": float(found[1]), f"sd{ending}": spread}, found[4].strip()


def _refuse(text: str, where: str) -> NoReturn:
    why = ""
    if "±" in text or "+-" in text or "+/-" in text:
        why = " Say whether the number after the plus-minus is an SD or an SE."
    elif " per " in text:
        why = " A rate without its events has no error here; give estimate with low and high."
    raise InputError(f"{where}: found {text!r}; allowed: {_ALLOWED}.{why}")


def _text(value: object) -> str:
    if value is None or value != value or str(value) in ("<NA>", "NaT"):
        return ""
    return str(value).translate(_DASH).strip()


def _number(text: str, name: str, column: str) -> float:
    if not re.fullmatch(_N, text):
        raise InputError(
            f"escalc: {name}, column {column!r}: found {text!r}; allowed: '13', or '13 / 12' for "
            "two groups"
        )
    return float(text)
