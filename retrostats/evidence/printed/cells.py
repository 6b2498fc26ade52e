"""Cells of a printed table as text: means with spreads, changes, counts, numbers of people, p."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from retrostats.common.errors import InputError
from retrostats.evidence.printed.reported import Reported
from retrostats.io.published.printed_rows import counts_people

_NUMBER = r"[-+‐‑‒–−]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?"
#: A unit begins with a letter or a sign, never as a second number or a range would.
_UNIT = r"(?:[^\W\d_]|[%°‰$€£]|/(?=[^\W\d_]))\S*"
_MEAN = re.compile(
    rf"\s*(?P<mean>{_NUMBER})\s*(?P<unit>{_UNIT}(?:\s+(?!SDs?\b|SEM?\b|IQR\b|range\b)\S+)*?)?"
    rf"\s*\(?\s*(?P<kind>SD|SEM?|IQR|range|±|\+/?-)\s*(?P<spread>{_NUMBER})"
    rf"(?:\s*(?:to|-|–|,|;)\s*(?P<until>{_NUMBER}))?\s*\)?\s*(?P<after>\D\S*(?:\s+\S+)*)?\s*",
    re.IGNORECASE,
)
_ALONE = re.compile(rf"\s*(?P<mean>{_NUMBER})\s*(?P<unit>{_UNIT}(?:\s+\S+)*)?\s*")
#: Beyond it squares overflow.
_LARGEST = 1e150
#: A word for a spread with no number behind it.
_HALF = re.compile(r"(?:SDs?|SEM?|IQR|range)\b|±|\+", re.IGNORECASE)
#: A mean with a spread in brackets that has no name; a mean with a name of a spread and no number.
_NAKED = re.compile(rf"\s*(?P<mean>{_NUMBER})\s*\S*\s*\((?P<spread>{_NUMBER})\)\s*(?:\D.*)?")
_CUT = re.compile(
    rf"\s*(?P<mean>{_NUMBER})\s*(?:{_UNIT}\s+)?\(?(?P<kind>SD|SEM?|IQR|range|±)\s*\)?"
    r"(?:\s+[^\W\d_]\S*)?\s*",
    re.IGNORECASE,
)
_RANGE = re.compile(rf"{_NUMBER}\s*(?:to|[-–,;])\s*{_NUMBER}\s*\S*", re.IGNORECASE)
#: Where the two numbers of a range go, by the column it was found in.
_RANGE_HINTS = {
    "estimate": "its ends go into the columns low and high, beside level",
    "n": "people of two groups are written '13 / 12'",
    "low": "its ends go into the columns low and high",
    "high": "its ends go into the columns low and high",
}
_COUNT = re.compile(
    r"\s*(?P<events>\d+(?:\.\d+)?)\s*(?:/|of|in)\s*(?P<total>\d+(?:\.\d+)?)\s*(?P<noun>\D*)",
    re.IGNORECASE,
)
_RATE = re.compile(
    r"\s*(?P<rate>\d+(?:\.\d+)?)\s*per\s*(?P<of>\d+(?:\.\d+)?)\s*(?P<noun>\D+)", re.IGNORECASE
)
_TIME = re.compile(
    r"(?:(?:person|player|athlete|training|match|game|exposure)[ -])?"
    r"(?:h|hr|hrs|hours?|min|minutes?|days?|d|weeks?|months?|years?|yr|y|sessions?|km)\b.*",
    re.IGNORECASE,
)
_P = re.compile(r"(?:p\s*)?(<=|>=|[=<>≤≥])?\s*(\d*\.?\d+(?:e-?\d+)?)", re.IGNORECASE)
_NOT_SIGNIFICANT = {"ns", "n.s.", "n.s", "not significant", "nonsignificant", "non-significant"}
_KINDS = {"sd": "SD", "se": "SE", "sem": "SE", "iqr": "IQR", "range": "range"}
#: A reader's words for an effect that has no number.
WORDS = {
    "higher": 1, "lower": -1, "more": 1, "less": -1, "greater": 1, "smaller": -1, "increased": 1,
    "decreased": -1, "significantly higher": 1, "significantly lower": -1, "not significant": 0,
    "no difference": 0, "ns": 0, "n.s.": 0, "no significant difference": 0,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a cell, exact or printed: only a printed one is known to its rounding."""

    text: str
    printed: bool = True

    @property
    def value(self) -> float:
        """The number itself."""
        return Reported(self.text).value

    @property
    def half(self) -> float:
        """Half a unit of the last printed digit; 0 where it is exact."""
        low, high = self.ends
        return 0.5 * (high - low)

    @property
    def ends(self) -> tuple[float, float]:
        """Lowest and highest unrounded number."""
        return Reported(self.text).interval if self.printed else (self.value, self.value)


@dataclass(frozen=True, slots=True)
class Summary:
    """A mean with its spread.

    Attributes
    ----------
    mean, spread
        As printed; `spread` holds both limits of an IQR or a range; empty where none is printed.
    kind
        "SD", "SE", "IQR", "range", "unlabelled" or "".
    unit
        What stands behind, if anything.
    """

    mean: Number
    spread: tuple[Number, ...] = ()
    kind: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """Before and after of one group."""

    before: Summary
    after: Summary


@dataclass(frozen=True, slots=True)
class Count:
    """Events among people, or over an exposure."""

    events: float
    total: float
    noun: str
    of_people: bool


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate whose events are not printed."""

    value: Number
    noun: str


Cell = Summary | Change | Count | Rate


def is_empty(value: Any) -> bool:
    """Whether a cell holds nothing.

    Examples
    --------
    >>> is_empty(" "), is_empty(float("nan")), is_empty(None), is_empty(0)
    (True, True, True, False)
    """
    import pandas as pd

    if isinstance(value, str):
        return not value.strip()
    return bool(pd.isna(value))


def number_cell(value: Any, where: str) -> Number:
    """A number as printed, or an exact one.

    Raises
    ------
    InputError
        What is neither, naming its place.
    """
    if isinstance(value, str):
        try:
            return _bounded(Reported(value.strip()).text.strip(), where)
        except InputError as error:
            column = where.rpartition(", ")[2]
            hint = _RANGE_HINTS.get(column, "one number") if _RANGE.fullmatch(value.strip()) else ""
            said = str(error).replace("Split ranges into two.", f"Of a range: {hint}." * bool(hint))
            raise InputError(f"{where}: {said.strip()}") from None
    exact = math.nan
    if not isinstance(value, bool):
        try:
            exact = float(value)
        except (TypeError, ValueError, OverflowError):
            exact = math.nan
    if not abs(exact) < _LARGEST:
        raise InputError(
            f"{where}: found {value!r}; allowed is a number below {_LARGEST:g}, or it as printed"
        )
    return Number(repr(exact), printed=False)


def people_cell(value: Any, where: str) -> tuple[int, ...]:
    """People of a row: "13", or "13 / 12" of two groups.

    Examples
    --------
    >>> people_cell("13 / 12", "row 1"), people_cell(13.0, "row 1")
    ((13, 12), (13,))
    """
    parts = [p.strip() for p in re.split(r"[/;+]|\band\b", value)] if isinstance(value, str) else [
        value]  # fmt: skip
    found = [number_cell(part, where).value for part in parts]
    if len(found) > 2 or any(n < 2 or n % 1 for n in found):
        raise InputError(
            f"{where}: found {value!r}; allowed is a whole number of 2 or more, or two of them as "
            "'13 / 12'"
        )
    return tuple(int(n) for n in found)


def p_cell(value: Any, where: str) -> tuple[Number | None, str]:
    """A p-value and what stands before it; "ns" is above 0.05, an empty cell (None, "").

    Examples
    --------
    >>> p_cell("<0.05", "row 1"), p_cell("ns", "row 1")[1]
    ((Number(text='0.05', printed=False), '<'), '>')
    """
    if is_empty(value):
        return None, ""
    text = str(value).strip()
    if text.lower() in _NOT_SIGNIFICANT:
        return Number("0.05", printed=False), ">"
    found = _P.fullmatch(text)
    if found is None or not 0 < float(found[2]) <= 1:
        raise InputError(
            f"{where}: found {value!r}; allowed is above 0 and up to 1, as '<0.05', '= 0.03', "
            "'> 0.1', or 'ns'; leave it empty where none is printed"
        )
    operator = {"≤": "<", "<=": "<", "≥": ">", ">=": ">"}.get(found[1] or "=", found[1] or "=")
    # a threshold is not rounded
    return Number(found[2], printed=isinstance(value, str) and operator == "="), operator


def parse_cell(value: Any, where: str) -> Cell:
    """What a cell of `first` or `second` says.

    Raises
    ------
    InputError
        Text of no known form, naming its place and the forms.

    Examples
    --------
    >>> parse_cell("15 / 461 players", "row 1").of_people
    True
    >>> parse_cell("38.35 SD 1.53 min", "row 1").kind
    'SD'
    """
    if not isinstance(value, str):
        return Summary(number_cell(value, where))
    text = value.strip()
    sides = re.split(r"->|→", text)
    if len(sides) == 2:
        before, after = (_summary(side, where, text) for side in sides)
        return Change(before, after)
    if count := _COUNT.fullmatch(text):
        events, total, noun = float(count["events"]), float(count["total"]), count["noun"].strip()
        people = not _TIME.fullmatch(noun)
        _check_count(text, where, events, total, people=people)
        return Count(events, total, noun, people or counts_people(noun))
    if rate := _RATE.fullmatch(text):
        per = Number(repr(float(rate["rate"]) / float(rate["of"])), printed=False)
        return Rate(per, rate["noun"].strip())
    return _summary(text, where, text)


def _check_count(text: str, where: str, events: float, total: float, *, people: bool) -> None:
    said = ""
    if events % 1:
        said = "events are whole numbers; a rate is written '15.5 per 1000 h'"
    elif total <= 0:
        said = "people, or an exposure, are above 0"
    elif people and events > total:
        said = "events are at most the people they befall"
    elif people and total % 1:
        said = "people are a whole number; an exposure has its unit, as '15 / 46.5 h'"
    if said:
        raise InputError(f"{where}: found {text!r}; {said}")


def _summary(text: str, where: str, whole: str) -> Summary:
    found = _MEAN.fullmatch(text)
    if found is None:
        _refuse_half(text, where, whole)
        alone = _ALONE.fullmatch(text)
        if alone is None or _HALF.match(alone["unit"] or ""):
            raise InputError(
                f"{where}: found {whole!r}; allowed: '38.35 SD 1.53 min' (or SE, IQR, range, ±), "
                "'27.1 SD 3.0 -> 24.7 SD 2.9', '15 / 461 players', '15 / 461 h', '15 per 1000 h'"
            )
        return Summary(_bounded(alone["mean"], where), unit=(alone["unit"] or "").strip())
    kind = _KINDS.get(found["kind"].lower(), "unlabelled")
    spread = [_bounded(found["spread"], where)]
    if found["until"] and kind not in ("IQR", "range"):
        raise InputError(f"{where}: found {whole!r}; an {kind} is one number: give one, or an IQR "
                         "or range by its name")  # fmt: skip
    if kind in ("IQR", "range"):
        if not found["until"]:
            raise InputError(f"{where}: found {whole!r}; an {kind} needs both limits, as 'IQR 4-6'")
        spread.append(Number(found["until"].lstrip("-–")))
    unit, after = ((found[name] or "").strip() for name in ("unit", "after"))
    if unit and after and after.lower() != unit.lower():
        raise InputError(
            f"{where}: found {whole!r}, a mean in {unit} and a spread in {after}; allowed is one "
            "unit for both, as '38.35 SD 1.53 min'"
        )
    unit = unit or after
    return Summary(_bounded(found["mean"], where), tuple(spread), kind, unit)


def _refuse_half(text: str, where: str, whole: str) -> None:
    """Say what is missing of a spread: its number, or whether it is an SD or an SE."""
    if bare := _NAKED.fullmatch(text):
        mean, spread = bare["mean"], bare["spread"]
        raise InputError(
            f"{where}: found {whole!r}; {spread} in brackets may be an SD or an SE: write "
            f"'{mean} SD {spread}' or '{mean} SE {spread}', as the source says"
        )
    if half := _CUT.fullmatch(text):
        kind = half["kind"]
        raise InputError(
            f"{where}: found {whole!r}; the {kind} behind {half['mean']} is missing: write its "
            f"number, as '38.35 SD 1.53 min', or leave out {kind} where none is printed"
        )


def _bounded(text: str, where: str) -> Number:
    """A number whose square can still be held."""
    number = Number(text)
    if not abs(number.value) < _LARGEST:
        raise InputError(f"{where}: found {text}; allowed is a number below {_LARGEST:g}")
    return number
