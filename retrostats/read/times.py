"""The order of the times of a cohort: real dates, real numbers, known words, or as they appear."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from retrostats.read.words import AFTER, BEFORE

#: Words that begin and end a study, beside those of the columns.
FIRST = (*BEFORE, "initial", "screening", "untrained", "intake", "admission", "start")
LAST = (*AFTER, "end", "final", "completion", "trained", "discharge", "exit")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ t].*)?")
_DAY = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")
_MONTH = re.compile(r"(?:\d{1,2}\.? )?(" + "|".join(_MONTHS) + r")[a-z]*\.?,?(?: \d{1,2},?)?(?: (\d{4}))?")
_NUMBER = re.compile(r"[a-z ]*?([-\u2212]?\d+(?:\.\d+)?) ?[a-z]*( before| prior| after| post)?")
_UNIT_DAYS = {"d": 1.0, "w": 7.0, "m": 30.4375, "y": 365.25}


def ordered_times(labels: Sequence[str]) -> tuple[list[str], str]:
    """Labels in their order, and what the order rests on; `labels` come as they appear.

    Examples
    --------
    >>> ordered_times(["1/31/2024", "12/20/2023"])[0]
    ['12/20/2023', '1/31/2024']
    >>> ordered_times(["6 weeks after", "6 weeks before"])[0]
    ['6 weeks before', '6 weeks after']
    >>> ordered_times(["week 0", "week -2"])[0]
    ['week -2', 'week 0']
    >>> ordered_times(["wizyta B", "wizyta A"])
    (['wizyta B', 'wizyta A'], 'first appearance')
    """
    plain = [" ".join(label.lower().split()) for label in labels]
    for keys, basis in (
        (_dates(plain), "dates"),
        ([_number(p) for p in plain], "numbers"),
        ([_word(p) for p in plain], "known words"),
    ):
        if all(key is not None for key in keys) and len(set(keys)) == len(keys):
            known = {label: key for label, key in zip(labels, keys, strict=True) if key is not None}
            return sorted(labels, key=lambda label: known[label]), basis
    return list(labels), "first appearance"


def _dates(labels: Sequence[str]) -> list[float | None]:
    """Days of dates of one format; a day and month that can be swapped are no dates."""
    iso = [_ISO.fullmatch(label) for label in labels]
    if all(iso):
        return [_day(int(m[1]), int(m[2]), int(m[3])) for m in iso if m]
    days = [(int(m[1]), int(m[2]), int(m[3])) for label in labels if (m := _DAY.fullmatch(label))]
    if len(days) == len(labels):
        month_first = [_day(y, a, b) for a, b, y in days]
        day_first = [_day(y, b, a) for a, b, y in days]
        return month_first if None in day_first else day_first if None in month_first else [None]
    months = [m for label in labels if (m := _MONTH.fullmatch(label))]
    if len(months) == len(labels) and all(m[2] for m in months):
        return [int(m[2]) * 12.0 + _MONTHS.index(m[1]) for m in months]
    return [None]


def _day(year: int, month: int, day: int) -> float | None:
    try:
        return float(date(year, month, day).toordinal())
    except ValueError:
        return None


def _number(label: str) -> float | None:
    """A number with its unit; before and prior are negative."""
    found = _NUMBER.fullmatch(label)
    if not found:
        return None
    unit = re.search(r"\b(day|week|wk|month|year)|\b([dwmy])\d|\d([dwmy])\b", label)
    days = _UNIT_DAYS[next(filter(None, unit.groups()))[0]] if unit else 1.0
    sign = -1.0 if (found[2] or "").strip() in ("before", "prior") else 1.0
    return sign * days * float(found[1].replace("\u2212", "-"))


def _word(label: str) -> float | None:
    """Before, a number between, after."""
    if label.startswith(FIRST):
        return float("-inf")
    return float("inf") if label.startswith(LAST) else _number(label)
