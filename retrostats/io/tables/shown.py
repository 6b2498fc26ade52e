"""Cells of a spreadsheet as it shows them: a printed number is known to the digits it has."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from retrostats.common.errors import InputError

#: Digits that a cell of no format shows at most: a sheet keeps 15.
_DIGITS = 15
_DECIMALS = re.compile(r"[0#?](?:\.([0?]+))?")
#: Parts of a format that are no digits: colours, quoted text, locales, escaped characters.
_BESIDE = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')


def as_shown(file: str, cells: Iterable[Any]) -> tuple[str, ...]:
    """Texts of a row of cells.

    Raises
    ------
    InputError
        A date where a number or text was typed: what was typed is lost.
    """
    return tuple(_text(file, cell) for cell in cells)


def _text(file: str, cell: Any) -> str:
    value = getattr(cell, "value", None)
    if value is None:
        return ""
    if isinstance(value, dt.datetime | dt.date | dt.time | dt.timedelta):
        raise InputError(
            f"{file}, cell {cell.coordinate}: found the date {value}; allowed is text as printed: "
            "format the column as text and type the cell anew ('13 / 12' turns into a date else)"
        )
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return number_as_shown(value, str(cell.number_format))


def number_as_shown(value: float, number_format: str) -> str:
    """A number with the digits of a number format; all that it has where there is none.

    Examples
    --------
    >>> number_as_shown(0.5, "0.00"), number_as_shown(0.293, "General"), number_as_shown(0.05, "0%")
    ('0.50', '0.293', '5%')
    """
    first = _BESIDE.sub("", number_format.split(";")[0])
    number = Decimal(repr(value)) if isinstance(value, int) else Decimal(f"{value:.{_DIGITS}g}")
    if "e" in first.lower() and "general" not in first.lower():
        return f"{value:.{_DIGITS}g}"
    percent = "%" in first
    number = number * 100 if percent else number
    found = _DECIMALS.search(first)
    if found:
        places = Decimal(1).scaleb(-len(found[1] or ""))
        return f"{number.quantize(places, ROUND_HALF_EVEN):f}" + "%" * percent
    whole = number == number.to_integral_value()
    return f"{number.quantize(Decimal(1)) if whole else number.normalize():f}"
