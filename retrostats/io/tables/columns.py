"""Sheets by columns: numbers as numbers, each text once; rows only where they are asked for.

A million cells as Python objects take longer to hand from one process to another, and to put into
columns, than to read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrostats.io.tables.grid import Cell, Row, Sheet

#: What a cell holds that holds nothing.
BLANK = " \t\x1a"
#: Share of cells that are no number up to which a column is one of numbers.
FEW = 0.1


@dataclass(frozen=True, slots=True)
class Column:
    """Cells of one column, in one of three ways.

    Attributes
    ----------
    numbers
        Float64, NaN where there is none; whole ones stand for integers.
    others
        Place and cell of what is no number in them.
    codes, texts
        Int32 numbers of texts, -1 for no cell; empty for a column of numbers or of `cells`.
    cells
        Anything, where neither fits.
    """

    numbers: bytes = b""
    others: tuple[tuple[int, Cell], ...] = ()
    codes: bytes = b""
    texts: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = ()

    def values(self) -> NDArray[np.float64]:
        """The numbers; none for a column of other things."""
        return np.frombuffer(self.numbers, dtype="<f8")

    def unpacked(self) -> list[Cell]:
        """Every cell as it is in a row."""
        if self.cells:
            return list(self.cells)
        if self.codes:
            texts = (*self.texts, None)
            return [texts[code] for code in np.frombuffer(self.codes, dtype="<i4").tolist()]
        found: list[Cell] = [_whole(v) if v == v else None for v in self.values().tolist()]
        for place, value in self.others:
            found[place] = value
        return found


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class PackedSheet:
    """A sheet by columns, with number and width of each row that holds anything (int32)."""

    name: str
    numbers: bytes
    widths: bytes
    columns: tuple[Column, ...]

    def __repr__(self) -> str:
        return repr(self.unpacked())

    def row_numbers(self) -> NDArray[np.int32]:
        """Number of each row in the file, from 1."""
        return np.frombuffer(self.numbers, dtype="<i4")

    def row_widths(self) -> NDArray[np.int32]:
        """Cells of each row."""
        return np.frombuffer(self.widths, dtype="<i4")

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows, made anew."""
        numbers, widths = self.row_numbers().tolist(), self.row_widths().tolist()
        cells = (
            zip(*(c.unpacked() for c in self.columns), strict=True) if self.columns else repeat(())
        )
        return tuple(
            Row(number, row[:width] + (None,) * (width - len(row)))
            for number, width, row in zip(numbers, widths, cells, strict=False)
        )

    def unpacked(self) -> Sheet:
        """The same by rows."""
        return Sheet(self.name, self.rows)

    def head(self, count: int) -> tuple[Row, ...]:
        """So many rows from the top."""
        return self.part(0, count).rows

    def part(self, start: int, stop: int) -> PackedSheet:
        """Rows from one place to before another."""
        at = slice(4 * start, 4 * stop)
        return PackedSheet(
            self.name, self.numbers[at], self.widths[at],
            tuple(_part(column, start, stop) for column in self.columns),
        )  # fmt: skip


def _part(column: Column, start: int, stop: int) -> Column:
    return Column(
        column.numbers[8 * start : 8 * stop],
        tuple((place - start, v) for place, v in column.others if start <= place < stop),
        column.codes[4 * start : 4 * stop],
        column.texts,
        column.cells[start:stop],
    )


def packed_sheet(
    name: str, numbers: Sequence[int], widths: Sequence[int], columns: Iterator[Sequence[Cell]]
) -> PackedSheet:
    """Rows that hold anything, by columns.

    Parameters
    ----------
    numbers, widths
        Number and width of each row.
    columns
        Cells of each column, a row each: None, floats, texts or any.

    Examples
    --------
    >>> sheet = packed_sheet("a", [1, 2, 4], [2, 2, 2], iter([("x", 1.0, " "), ("y", None, None)]))
    >>> [row.cells for row in sheet.rows]
    [('x', 'y'), (1, None)]
    """
    made = [packed(cells) for cells in columns]
    held = np.zeros(len(numbers), dtype=bool)
    for column in made:
        held |= _held(column, len(numbers))
    at = np.flatnonzero(held)
    rows = [np.asarray(each, dtype="<i4")[at].tobytes() for each in (numbers, widths)]
    kept = made if held.all() else [_taken(column, at) for column in made]
    return PackedSheet(name, rows[0], rows[1], tuple(kept))


def packed(cells: Sequence[Cell]) -> Column:
    """A column in the shortest of its ways; whole numbers come back as integers.

    Examples
    --------
    >>> packed(["HR", 90.0, None]).unpacked(), packed(["a", "b", "a"]).texts
    (['HR', 90, None], ('a', 'b'))
    >>> packed(["x", 5.0, "y", True]).cells
    ('x', 5, 'y', True)
    """
    if set(map(type, cells)) <= {str, type(None)}:
        texts = [text for text in dict.fromkeys(cells) if text is not None]
        places: dict[Cell, int] = {text: i for i, text in enumerate(texts)} | {None: -1}
        codes = np.fromiter(map(places.__getitem__, cells), dtype="<i4", count=len(cells))
        return Column(codes=codes.tobytes(), texts=tuple(texts))
    odd = [i for i, v in enumerate(cells) if v.__class__ is not float]
    others = tuple((i, cells[i]) for i in odd if cells[i] is not None)
    if len(others) > FEW * len(cells) + 1 or len(odd) == len(cells):
        return Column(cells=tuple(_whole(v) if v.__class__ is float else v for v in cells))
    values = list(cells)
    for i in odd:
        values[i] = np.nan
    return Column(numbers=np.array(values, dtype="<f8").tobytes(), others=others)


def _whole(value: float) -> float:
    """A number, as an integer where it is one."""
    return int(value) if value.is_integer() else value


def _held(column: Column, count: int) -> NDArray[np.bool_]:
    """Whether each cell of a column holds anything."""
    if column.codes:
        texts = np.array([*(bool(text.strip(BLANK)) for text in column.texts), False])
        return np.asarray(texts[np.frombuffer(column.codes, dtype="<i4")])
    if column.cells:
        return np.array([v is not None and bool(str(v).strip(BLANK)) for v in column.cells])
    held: Any = ~np.isnan(column.values()) if column.numbers else np.zeros(count, dtype=bool)
    for place, value in column.others:
        held[place] = bool(str(value).strip(BLANK))
    return np.asarray(held)


def _taken(column: Column, at: NDArray[np.intp]) -> Column:
    """The cells at some places."""
    if column.cells:
        return Column(cells=tuple(column.cells[i] for i in at))
    if column.codes:
        codes = np.frombuffer(column.codes, dtype="<i4")[at]
        return Column(codes=codes.tobytes(), texts=column.texts)
    place = {int(old): new for new, old in enumerate(at)}
    others = tuple((place[old], value) for old, value in column.others if old in place)
    return Column(numbers=column.values()[at].tobytes(), others=others)
