"""Cells that a spreadsheet would take for a formula: written so that it shows them as text."""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

#: What begins a formula, also in the full width that some languages of spreadsheets take alike.
_FORMULA = re.compile(r"[\s\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
#: A number with words after it; one that is reckoned with begins a formula as well.
_NUMBER = re.compile(
    r"[+\-\u2212]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?(?=[\s%]|$)"
    r"[\s%]*(?![\s%+\-*/^&<>:,;~])[^=|!@]*$"
)
#: Ten significant digits: what other processors and kernels of the same libraries repeat.
DIGITS = "%.10g"


def escape_formula(text: str) -> str:
    """A text that no spreadsheet runs: an apostrophe before what looks like a formula.

    Examples
    --------
    >>> [escape_formula(text) for text in ("=cmd|' /C calc'!A0", "-2.4 (rounded)", "Lab 3")]
    ["'=cmd|' /C calc'!A0", '-2.4 (rounded)', 'Lab 3']
    """
    if not _FORMULA.match(text) or _NUMBER.match(text):
        return text
    return f"'{text}"


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table that people open in spreadsheets: no formulas, ten significant digits.

    `provenance.json` holds names exactly as they were given.
    """
    columns = [_cells(column) for _, column in table.items()]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows(zip(*columns, strict=True))


def _cells(column: pd.Series[Any]) -> list[Any]:
    """The cells of a column; what is missing is empty."""
    kind = column.dtype.kind if isinstance(column.dtype, np.dtype) else "O"
    if kind in "iub":
        return column.tolist()
    if kind == "f":
        return ["" if value != value else DIGITS % value for value in column.tolist()]
    values, missing = column.to_numpy(dtype=object).tolist(), column.isna().tolist()
    return ["" if gone else _cell(value) for value, gone in zip(values, missing, strict=True)]


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    return DIGITS % value if isinstance(value, float) else value


@lru_cache(maxsize=4096)
def _text(text: str) -> str:
    """A text as a cell; most of them stand in many rows."""
    return escape_formula(text).replace("\r", " ")
