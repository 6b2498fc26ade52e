"""Where the header of a table stands, whether a row of units follows, and what lies above."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from retrostats.errors import InputError
from retrostats.read import cells as cell
from retrostats.read.files import MAX_HEADER
from retrostats.units import parse_unit

if TYPE_CHECKING:
    import pandas as pd

#: Rows in which a header is looked for.
HEADER_WITHIN = 60


@dataclass(frozen=True, slots=True)
class Table:
    """Columns by header, the row number in the file as index, and what surrounds them.

    `units` come from a row of their own, `labels` are the long names of statistical packages,
    `explained` names the rows that are not measurements, by reason.
    """

    file: str
    columns: pd.DataFrame
    units: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    explained: dict[str, tuple[int, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    delimiter: str = ""

    @property
    def headers(self) -> list[str]:
        """Names of the columns, in order."""
        return [str(name) for name in self.columns]


@dataclass(frozen=True, slots=True)
class Layout:
    """Header texts (blank ones for columns to drop), units, and the number of the first row."""

    header: tuple[str, ...]
    units: dict[str, str]
    first_row: int
    explained: dict[str, tuple[int, ...]]

    def table(self, file: str, frame: pd.DataFrame, notes: Sequence[str] = ()) -> Table:
        """The table of a frame whose columns stand in the order of the header.

        Raises
        ------
        InputError
            Two columns of one name.
        """
        missing = frame.isna()
        empty = missing.all(axis=1)
        frame = frame[~empty]
        if frame.empty:
            raise InputError(f"{file}: a header and no filled row; it needs at least one row")
        used = [i for i, name in enumerate(self.header) if name or not missing.iloc[:, i].all()]
        names = [self.header[i] or f"column {i + 1}" for i in used]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"{file}: column {twice[0]!r} occurs twice; rename one of them")
        if len(names) < 2:
            raise InputError(
                f"{file}: one column only ({names[0][:40]!r}); separate columns by comma, "
                "semicolon or tab"
            )
        columns = frame.iloc[:, used]
        columns.columns = names
        return Table(file, columns, self.units, {}, self.explained, tuple(notes))


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
    filled = [(n, row) for n, row in rows if any(not cell.is_missing(c) for c in row)]
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
        if max(counts) > max(1, counts[0]):
            at = counts.index(max(counts))
    number, header = filled[at]
    names = tuple("" if c is None else " ".join(str(c).split()) for c in header)
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
    return Layout(names, units, first, explained)


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
