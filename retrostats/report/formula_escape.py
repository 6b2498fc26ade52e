"""Cells that a spreadsheet would take for a formula: written so that it shows them as text."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

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
    shown = table.copy()
    for name in shown.columns:
        if shown[name].dtype.kind not in "fiub":
            shown[name] = [_cell(v) if isinstance(v, str) else v for v in shown[name]]
    shown.to_csv(path, index=False, lineterminator="\n", float_format=DIGITS)


@lru_cache(maxsize=4096)
def _cell(text: str) -> str:
    """A text as a cell; most of them stand in many rows."""
    return escape_formula(text).replace("\r", " ")
