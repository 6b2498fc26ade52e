"""Where the header of a table stands, whether a row of units follows, and what lies above."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.common.errors import InputError
from retrostats.common.units import parse_unit
from retrostats.io.tables import cells as cell
from retrostats.io.tables.files import MAX_HEADER
from retrostats.io.tables.passes import gaps_of

if TYPE_CHECKING:
    import pandas as pd

#: What a reader asks of a header.
Says = Callable[[str], bool]
#: Rows that are no part of the table, by reason.
BELOW = "below the table"
#: Rows at the end that may be notes, and blank rows at which a second table is looked for.
NOTES = 50
GAPS = 20
#: Rows in which a header is looked for.
HEADER_WITHIN = 60


@dataclass(frozen=True, slots=True)
class Table:
    """Columns by header, the row number in the file as index, and what surrounds them.

    `units` come from a row of their own, `labels` are the long names of statistical packages,
    `explained` names the rows that are not measurements, by reason, `titles` are the texts above
    the header, `melted` the measures that stood in a column for each level: their units are those
    of the headers, whatever the name of the measure says; `origins` are the headers of each.
    """

    file: str
    columns: pd.DataFrame
    units: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    explained: dict[str, tuple[int, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    delimiter: str = ""
    sheet: str = ""
    titles: tuple[str, ...] = ()
    melted: frozenset[str] = frozenset()
    origins: dict[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> list[str]:
        """Names of the columns, in order."""
        return [str(name) for name in self.columns]


@dataclass(frozen=True, slots=True)
class Layout:
    """Header texts (blank ones for columns to drop), units, and the number of the first row.

    `repeated` are the header texts that got a number because they had occurred before.
    """

    header: tuple[str, ...]
    units: dict[str, str]
    first_row: int
    explained: dict[str, tuple[int, ...]]
    titles: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()

    def table(self, file: str, frame: pd.DataFrame, notes: Sequence[str] = ()) -> Table:
        """The table of a frame whose columns stand in the order of the header.

        Raises
        ------
        InputError
            No filled row, or one column only.
        """
        frame, below = without_block_below(_filled_rows(frame), self.header)
        if frame.empty:
            raise InputError(f"{file}: a header and no filled row; it needs at least one row")
        used = [
            i for i, name in enumerate(self.header) if name or not frame.iloc[:, i].isna().all()
        ]
        names = [self.header[i] or f"column {i + 1}" for i in used]
        names = unique_names(names)
        if self.repeated:
            notes = (*notes, f"names that occur again: {', '.join(self.repeated)}")
        if len(names) < 2:
            raise InputError(
                f"{file}: one column only ({names[0][:40]!r}); separate columns by comma, "
                "semicolon or tab"
            )
        columns = frame.iloc[:, used]
        columns.columns = names
        explained = below_table(self.explained, below)
        return Table(file, columns, self.units, {}, explained, tuple(notes), titles=self.titles)


def unique_names(names: Sequence[str]) -> list[str]:
    """Names of columns that differ: one that occurs again gets a number; blank ones stay.

    Examples
    --------
    >>> unique_names(["id", "remark", "remark", "", ""])
    ['id', 'remark', 'remark...2', '', '']
    """
    unique: list[str] = []
    for name in names:
        new, count = name, 1
        while new and (new in unique or (count > 1 and new in names)):
            count += 1
            new = f"{name}...{count}"
        unique.append(new)
    return unique


def _filled_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows that hold anything; column by column, as one without gaps settles it."""
    empty = np.ones(len(frame), dtype=bool)
    for i in range(frame.shape[1]):
        gaps = gaps_of(frame.iloc[:, i])
        if gaps is None:
            return frame
        empty &= gaps
        if not empty.any():
            return frame
    return frame[~empty]


def below_table(
    explained: dict[str, tuple[int, ...]], rows: tuple[int, ...]
) -> dict[str, tuple[int, ...]]:
    """The account of rows with those below the table."""
    if not rows:
        return explained
    return {**explained, BELOW: tuple(sorted({*explained.get(BELOW, ()), *rows}))}


def without_block_below(
    frame: pd.DataFrame, header: Sequence[str]
) -> tuple[pd.DataFrame, tuple[int, ...]]:
    """The rows above a second block of a sheet, and the row numbers of that block.

    A block stands under a blank row and, in one of its first rows, repeats names of the header or
    holds words in two columns that hold numbers above. One cell in a row at the end is a note.
    """
    import pandas as pd

    rows, cut = frame.index, len(frame)
    while frame.shape[1] > 2 and cut > 1 and len(frame) - cut < NOTES:
        said = frame.iloc[cut - 1].dropna()
        if len(said) != 1 or not _is_note(said.iloc[0]):
            break
        cut -= 1
    regular = isinstance(rows, pd.RangeIndex)
    gaps = () if regular else np.flatnonzero(np.diff(rows.to_numpy()) > 1)[:GAPS] + 1
    for gap in gaps:
        if gap < cut and any(
            _is_other(frame, header, int(gap), at) for at in range(gap, min(gap + 3, len(frame)))
        ):
            cut = int(gap)
            break
    return frame.iloc[:cut], tuple(int(row) for row in rows[cut:])


def _is_note(value: object) -> bool:
    """Whether a text is a remark, not the code of a person."""
    text = str(value).strip()
    return text.startswith(("*", "†", "‡", "#")) or (" " in text and len(text) >= 8)


def _is_other(frame: pd.DataFrame, header: Sequence[str], gap: int, at: int) -> bool:
    """Whether a row below a gap belongs to another table than the rows above it."""
    said = {i: c for i, c in enumerate(frame.iloc[at]) if not cell.is_missing(c)}
    names = {name.lower() for name in header if name}
    again = sum(str(c).strip().lower() in names for c in said.values())
    words = [i for i, c in said.items() if isinstance(c, str) and cell.number(c, "," in c) is None]
    numeric = [i for i in words if _holds_numbers(frame.iloc[:gap, i])]
    return again > 1 or len(numeric) > 1 or (len(numeric) == 1 and again == 1)


def _holds_numbers(column: pd.Series) -> bool:
    some = [c for c in column.iloc[:100] if not cell.is_missing(c)]
    return bool(some) and all(cell.number(c, "," in str(c)) is not None for c in some)


def find_layout(
    file: str,
    rows: Sequence[tuple[int, Sequence[Any]]],
    known: Callable[[str], bool],
    header_row: int = 0,
) -> Layout:
    """Layout of numbered rows: the row with the most known names, and the unit row below it.

    Raises
    ------
    InputError
        No row, or no row `header_row`.
    """
    held = ((n, row) for n, row in rows if any(not cell.is_missing(c) for c in row))
    filled = list(held if header_row else islice(held, HEADER_WITHIN + 1))
    if not filled:
        raise InputError(f"{file}: no table found; it needs a header and at least one row")
    at = 0
    if header_row:
        at = next((i for i, (n, _) in enumerate(filled) if n == header_row), -1)
        if at < 0:
            raise InputError(f"{file}: no filled row {header_row}; check header_row in the spec")
    else:
        counts = [
            sum(isinstance(c, str) and known(c) for c in row) for _, row in filled[:HEADER_WITHIN]
        ]
        most = counts.index(max(counts))
        if counts[most] > max(1, counts[0]) or (counts[most] and _is_title(filled, most)):
            at = most
    number, header = filled[at]
    said = tuple("" if c is None else " ".join(str(c).split()) for c in header)
    names = tuple(unique_names(said))
    long = next((name for name in names if len(name) > MAX_HEADER), "")
    if long:
        raise InputError(
            f"{file}, row {number}: a header of {len(long)} characters ({long[:40]}...); at most "
            f"{MAX_HEADER}. Shorten it, or say in a spec which row is the header"
        )
    explained = {"above the header": tuple(n for n, _ in filled[:at])} if at else {}
    first = number + 1
    units: dict[str, str] = {}
    if at + 1 < len(filled) and _is_unit_row(filled[at + 1][1]):
        below, row = filled[at + 1]
        units = {name: str(c).strip() for name, c in zip(names, row, strict=False) if _is_unit(c)}
        explained["units"] = (below,)
        first = below + 1
    above = (c for _, row in filled[:at] for c in row if isinstance(c, str) and c.strip())
    repeated = tuple(new for new, old in zip(names, said, strict=True) if new != old)
    return Layout(names, units, first, explained, tuple(above), repeated)


def _is_title(filled: Sequence[tuple[int, Sequence[Any]]], below: int) -> bool:
    """Whether the first row names less than half of what a row of words right below it names."""
    if below != 1:
        return False
    top, names = ([c for c in row if not cell.is_missing(c)] for _, row in filled[:2])
    words = all(isinstance(c, str) and cell.number(c) is None for c in names)
    return words and 2 * len(top) < len(names)


def _is_unit_row(row: Sequence[Any]) -> bool:
    """Whether every filled cell is a unit, or dashes for none, and at least one is a unit."""
    said = [c for c in row if not cell.is_missing(c)]
    return any(map(_is_unit, said)) and all(
        isinstance(c, str) and (_is_unit(c) or not any(x.isalnum() for x in c)) for c in said
    )


def _is_unit(value: object) -> bool:
    if not isinstance(value, str) or len(value) > 40 or cell.number(value) is not None:
        return False
    try:
        parse_unit(value)
    except InputError:
        return False
    return True
