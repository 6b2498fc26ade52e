"""Merged cells of a spreadsheet: headers of two rows joined, who and when filled down."""

from __future__ import annotations

import re
from collections.abc import Sequence

from retrostats.io.tables import cells as cell
from retrostats.io.tables.grid import Cell, Row, column_number

#: First row, first column, last row, last column, counted from 1.
Range = tuple[int, int, int, int]


def parse_range(text: str) -> Range:
    """Corners of a range.

    Examples
    --------
    >>> parse_range("B1:C2")
    (1, 2, 2, 3)
    """
    corners = re.findall(r"([A-Z]+)(\d+)", text)
    (left, top), (right, bottom) = corners[0], corners[-1]
    return int(top), column_number(left), int(bottom), column_number(right)


def one_header_row(rows: Sequence[Row], merged: Sequence[Range]) -> tuple[Row, ...]:
    """The rows with a header of two or three rows joined in the lowest one ("VO2" over "pre").

    A row with cells merged across columns is the upper half of a header if it names more than
    one thing (else it is a title) and the row below holds words only.
    """
    if not merged:
        return tuple(rows)
    out, started = list(rows), False
    for at in range(len(out) - 1):
        row = out[at]
        across = [r for r in merged if r[0] == r[2] == row.number and r[3] > r[1]]
        things = sum(not cell.is_missing(c) for c in row.cells)
        over = _joins(out, at, merged) if across and things == 1 else False
        if not across or (things < 2 and not over and not started):
            if started:
                break
            continue
        below = out[at + 1]
        said = [c for c in below.cells if not cell.is_missing(c)]
        words = all(isinstance(c, str) and cell.number(c) is None for c in said)
        if below.number == row.number + 1 and words:
            top = _filled(row, across)
            width = max(len(top), len(below.cells))
            joined = tuple(_joined(_at(top, i), below.at(i)) for i in range(width))
            out[at + 1], started = Row(below.number, joined), True
        elif started:
            break
    return tuple(out)


def _joins(rows: Sequence[Row], at: int, merged: Sequence[Range]) -> bool:
    """Whether a merged row that names one thing stands over another merged row: no title."""
    below = rows[at + 1]
    return below.number == rows[at].number + 1 and any(
        r[0] == r[2] == below.number and r[3] > r[1] for r in merged
    )


def merged_data(rows: Sequence[Row], merged: Sequence[Range], header_row: int) -> list[Range]:
    """Merged ranges that touch the header or the data; a note of one cell below is none."""
    if not merged:
        return []
    filled = {row.number: sum(not cell.is_missing(c) for c in row.cells) for row in rows}
    last = max((number for number, count in filled.items() if count > 1), default=0)
    return [
        r for r in merged
        if r[0] <= last and (r[2] > header_row or (r[0] == header_row and r[3] > r[1]))
    ]  # fmt: skip


def filled_rows(
    rows: Sequence[Row], merged: Sequence[Range], fills: Sequence[bool]
) -> tuple[tuple[Row, ...], list[Range]]:
    """Rows with the value of cells merged downwards in each of them, and the ranges so filled.

    Parameters
    ----------
    fills
        Of each column, whether a value written once for several rows holds for all of them.
    """
    down = [r for r in merged if r[1] == r[3] <= len(fills) and fills[r[1] - 1]]
    if not down:
        return tuple(rows), down
    at = {row.number: list(row.cells) for row in rows}
    for top, column, bottom, _ in down:
        value = next((row.at(column - 1) for row in rows if row.number == top), None)
        for number in range(top, bottom + 1):
            if number in at:
                cells = at[number]
                cells += [None] * (column - len(cells))
                cells[column - 1] = value
    return tuple(Row(row.number, tuple(at[row.number])) for row in rows), down


def _filled(row: Row, across: Sequence[Range]) -> list[Cell]:
    cells = list(row.cells)
    for _, first, _, last in across:
        cells += [None] * (last - len(cells))
        cells[first - 1 : last] = [row.at(first - 1)] * (last - first + 1)
    return cells


def _at(cells: Sequence[Cell], index: int) -> Cell:
    return cells[index] if index < len(cells) else None


def _joined(top: Cell, below: Cell) -> Cell:
    """Both names in one; a unit in brackets after the upper one moves to the end."""
    if cell.is_missing(below):
        return top
    if cell.is_missing(top):
        return below
    unit = re.fullmatch(r"(.*?)\s*([\[(].+[\])])\s*", str(top))
    return f"{unit[1]} {below} {unit[2]}" if unit else f"{top} {below}"
