"""Grids of cells, as spreadsheets and delimited text hold them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: A number, a text, a time of a spreadsheet, or None.
Cell = Any


@dataclass(frozen=True, slots=True)
class Row:
    """Cells of one line or spreadsheet row, with its number in the file (from 1)."""

    number: int
    cells: tuple[Cell, ...]

    def at(self, index: int) -> Cell:
        """The cell, None beyond the end of the row."""
        return self.cells[index] if index < len(self.cells) else None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A grid: a worksheet, or a text file cut at one delimiter; blank rows left out."""

    name: str
    rows: tuple[Row, ...]

    def head(self, count: int) -> tuple[Row, ...]:
        """So many rows from the top."""
        return self.rows[:count]


def column_number(letters: str) -> int:
    """Number of a spreadsheet column, from 1; 0 without letters.

    Examples
    --------
    >>> column_number("A"), column_number("AA"), column_number("XFD")
    (1, 27, 16384)
    """
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
