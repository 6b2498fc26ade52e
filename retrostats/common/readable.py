"""Tables of numbers as a person reads them: few digits, and a p-value that is never 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

SMALLEST_P = 1e-4
_DIGITS = 4  # significant ones of a column's typical value
_MOST = 6  # decimals
#: Rows of a table that `print` shows of a result.
SHORT = 10


def p_text(p: float) -> str:
    """A p-value with four decimals, or that it is below the smallest shown.

    Examples
    --------
    >>> p_text(0.0312), p_text(1e-30), p_text(float("nan"))
    ('0.0312', '<0.0001', '')
    """
    if np.isnan(p):
        return ""
    return f"<{SMALLEST_P:.4f}" if p < SMALLEST_P else f"{p:.4f}"


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The table with every number as text: one number of decimals a column.

    Parameters
    ----------
    table : DataFrame
        Columns ending in p_value are p-values, those ending in df have one decimal, others four
        significant digits of their median. Missing values are empty.

    Examples
    --------
    >>> import pandas as pd
    >>> readable(pd.DataFrame({"estimate": [12.3456, 0.5], "p_value": [0.0, 0.04]}))
      estimate  p_value
    0   12.346  <0.0001
    1    0.500   0.0400
    """
    out = table.astype(object).copy()
    for name in table.columns:
        column = table[name]
        if column.dtype.kind == "f":
            out[name] = _texts(str(name), column.to_numpy())
    return out


def _texts(name: str, values: np.ndarray[Any, Any]) -> list[str]:
    if name.endswith("p_value"):
        return [p_text(float(v)) for v in values]
    size = np.abs(values[np.isfinite(values) & (values != 0)])
    typical = float(np.median(size)) if len(size) else 1.0
    decimals = int(np.clip(_DIGITS - 1 - np.floor(np.log10(typical)), 0, _MOST))
    decimals = 1 if name.endswith("df") else decimals
    return ["" if np.isnan(v) else f"{v:.{decimals}f}" for v in values]


def as_text(head: Sequence[str], tables: Sequence[pd.DataFrame], notes: Sequence[str] = ()) -> str:
    """What `print` shows of every result: a few lines, tables of at most ten rows, notes."""
    parts = ["\n".join(head)]
    for table in tables:
        more = len(table) - SHORT
        text = wrapped(table.head(SHORT))
        parts.append(f"{text}\n... {more} more rows" if more > 0 else text)
    return "\n\n".join([*parts, *(["\n".join(f"note: {n}" for n in notes)] if notes else [])])


def as_html(head: Sequence[str], tables: Sequence[pd.DataFrame], notes: Sequence[str] = ()) -> str:
    """The same for a notebook; nothing in it is taken for markup."""
    from html import escape

    lines = "<br>".join(escape(line) for line in head)
    shown = "".join(readable(table).to_html(index=False, border=0) for table in tables)
    return f"<p>{lines}</p>{shown}" + "".join(f"<p>note: {escape(n)}</p>" for n in notes)


def wrapped(table: pd.DataFrame) -> str:
    """The table with all its columns; those that do not fit a line stand below it."""
    from shutil import get_terminal_size

    return readable(table).to_string(index=False, line_width=max(80, get_terminal_size().columns))
