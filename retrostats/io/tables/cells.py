"""Cells to numbers and seconds; nothing in a cell is ever evaluated."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from retrostats.io.tables.grid import Cell

MISSING = frozenset(
    {
        "",
        "-",
        "--",
        "---",
        "----",
        "–",
        "—",
        ".",
        "*",
        "na",
        "n/a",
        "nan",
        "null",
        "none",
        "#n/a",
        "n.a.",
        "n.a",
        "n. a.",
        "k.a.",
        "k. a.",
        "n.d.",
        "nd",
        "n/d",
        "#div/0!",
        "#value!",
        "#ref!",
        "#num!",
        "#name?",
        "#null!",
        "#wert!",
        "#bezug!",
        "#zahl!",
        "#valeur!",
    }
)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?", re.IGNORECASE)
_CLOCK = re.compile(r"(-?)(?:(\d{1,3}):)?(\d{1,4}):(\d{1,2}(?:[.,]\d+)?)")
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ](\d\d):(\d\d):(\d\d(?:\.\d+)?)")
_TIME_FORMAT = re.compile(r"\[?h{0,2}\]?:?(m{1,2}|min):(s{1,2}|sec)([.,][0fsmx]+)?")
_HOUR_FORMAT = re.compile(r"\[?h{1,2}\]?:m{1,2}")
_BLANKS = re.compile(r"[\s']")
_ZERO_DAYS = (dt.date(1899, 12, 30), dt.date(1899, 12, 31), dt.date(1900, 1, 1))


def is_missing(cell: Cell) -> bool:
    """Whether a cell says that there is no value."""
    if isinstance(cell, float):
        return math.isnan(cell)
    return cell is None or (isinstance(cell, str) and cell.strip().lower() in MISSING)


def is_time_format(text: str) -> bool:
    """Whether a unit cell describes clock notation, such as "h:mm:ss"."""
    plain = text.strip().lower()
    return bool(_TIME_FORMAT.fullmatch(plain) or _HOUR_FORMAT.fullmatch(plain))


def number(cell: Cell, comma: bool = False) -> float | None:
    """Value of a cell, None if it is not a finite number.

    Examples
    --------
    >>> number(" 1.234,5", comma=True), number("=1+1"), number("1e999")
    (1234.5, None, None)
    """
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int | float):
        try:
            value = float(cell)
        except OverflowError:
            return None
        return value if math.isfinite(value) else None
    if not isinstance(cell, str) or len(cell) > 60:
        return None
    text = _BLANKS.sub("", cell).replace("−", "-")
    point, group = (",", ".") if comma else (".", ",")
    if group in text:
        if not re.fullmatch(rf"[+-]?\d{{1,3}}(\{group}\d{{3}})+(\{point}\d*)?", text):
            return None
        text = text.replace(group, "")
    text = text.replace(point, ".")
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


@dataclass(frozen=True, slots=True)
class Mark:
    """Decimal mark of some cells: ".", "," or "each" where every cell shows its own.

    `guessed` if nothing proves it; `doubt` names two cells that fit together only if the mark
    separates thousands.
    """

    mark: str
    guessed: bool = False
    doubt: str = ""

    def value(self, cell: Cell) -> float | None:
        """Number of a cell under this mark."""
        comma = self.mark == "," or (self.mark == "each" and "," in str(cell))
        return number(cell, comma)


def decimal_mark(cells: Iterable[Cell]) -> Mark:
    """Decimal mark of the cells of one column.

    A mark that stands once, and not before exactly three digits, is decimal; one that repeats or
    stands before the other separates thousands. "1.200" alone proves nothing: beside 950 it is in
    doubt, beside 1.5 it is not.

    Examples
    --------
    >>> decimal_mark(["1,5", "2"]).mark, decimal_mark(["1.200", "950"]).doubt
    (',', "'1.200' beside '950'")
    """
    decimal: set[str] = set()
    thousands: set[str] = set()
    grouped: dict[str, str] = {}
    plain: list[tuple[float, str]] = []
    for cell in cells:
        text = _BLANKS.sub("", str(cell)) if cell is not None else ""
        if not re.fullmatch(r"[+-]?\d[\d.,]*|[+-]?[.,]\d+", text):
            continue
        marks = [c for c in text if c in ".,"]
        if not marks or not isinstance(cell, str):
            plain.append((abs(float(text.replace(",", ""))), text))
        elif len(set(marks)) == 2:
            decimal.add(marks[-1])
            thousands.add(marks[0])
        elif len(marks) > 1:
            thousands.add(marks[0])
        elif re.fullmatch(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", text):
            grouped.setdefault(marks[0], text)
        else:
            decimal.add(marks[0])
    for mark, text in grouped.items():
        other = "," if mark == "." else "."
        if mark in decimal | thousands or other in decimal:
            continue
        near = _nearer_as_thousands(text, plain)
        if near:
            return Mark(".", doubt=f"{text!r} beside {near!r}")
    if len(decimal) == 2:
        return Mark("each" if not thousands else ".", doubt="" if not thousands else "two marks")
    if "," in decimal or thousands == {"."}:
        return Mark(",")
    if "." in decimal or thousands:
        return Mark(".")
    return Mark(",", guessed=True) if "," in grouped else Mark(".")


def _nearer_as_thousands(text: str, plain: list[tuple[float, str]]) -> str:
    """A number without a mark that a grouped one fits only if its mark separates thousands."""
    if not plain:
        return ""
    value = abs(float(text.replace(",", ".")))
    size, shown = sorted(plain)[len(plain) // 2]
    return shown if size > value * math.sqrt(1000) else ""


def seconds(cell: Cell, unit: str, comma: bool = False) -> float | None:
    """Seconds of a time cell: spreadsheet times, clock notation, or a number in `unit`.

    `unit` is "s", "min", "h", "d", or a clock format; a plain number under a clock format is the
    fraction of a day by which spreadsheets store times.

    Examples
    --------
    >>> seconds("0:31", "min"), seconds("1:02:03", "h:mm:ss"), seconds(0.5, "min")
    (31.0, 3723.0, 30.0)
    """
    if isinstance(cell, dt.timedelta):
        return cell.total_seconds()
    if isinstance(cell, dt.datetime):
        days = 0 if cell.date() in _ZERO_DAYS[:2] else (cell.date() - _ZERO_DAYS[1]).days
        return days * 86400 + _of_day(cell.time())
    if isinstance(cell, dt.time):
        return _of_day(cell)
    if isinstance(cell, str):
        clock = _clock(cell.strip(), unit)
        if clock is not None:
            return clock
    value = number(cell, comma)
    if value is None:
        return None
    if is_time_format(unit):
        return value * 86400 if isinstance(cell, int | float) else None
    result = value * {"min": 60.0, "h": 3600.0, "d": 86400.0}.get(unit, 1.0)
    return result if math.isfinite(result) else None


def _clock(text: str, unit: str) -> float | None:
    iso = _ISO_TIME.fullmatch(text)
    if iso:
        return int(iso[1]) * 3600 + int(iso[2]) * 60 + float(iso[3])
    match = _CLOCK.fullmatch(text)
    if not match:
        return None
    sign = -1 if match[1] else 1
    first, second = int(match[3]), float(match[4].replace(",", "."))
    if match[2] is None and _HOUR_FORMAT.fullmatch(unit.strip().lower()):
        return sign * (first * 3600 + second * 60)
    return sign * (int(match[2] or 0) * 3600 + first * 60 + second)


def _of_day(time: dt.time) -> float:
    return time.hour * 3600 + time.minute * 60 + time.second + time.microsecond / 1e6
