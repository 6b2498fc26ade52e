"""The tables of a spreadsheet, one a sheet, the one with most known names first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.common.errors import InputError
from retrostats.io.cohort.headers import MEASURES, kind_of
from retrostats.io.cohort.layout import HEADER_WITHIN, Layout, Says, Table, find_layout
from retrostats.io.cohort.spec import Spec
from retrostats.io.tables import cells as cell
from retrostats.io.tables.columns import Column, PackedSheet
from retrostats.io.tables.grid import Row, Sheet
from retrostats.io.tables.merged import filled_rows, merged_data, one_header_row, parse_range

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.io.tables.workbook import AnySheet, Workbook

#: Known names that a sheet needs to be a table beside another one.
NAMES = 2
#: Measurements beside those that an analysis explains: a merged cell is that of its first row.
BESIDE = frozenset({"heart_rate_bpm", "rer", "window_start_s", "window_end_s"})

_NUMBERS = frozenset({int, float, type(None)})


def spreadsheet_tables(
    file: str, data: bytes, spec: Spec, known: Says, as_text: Says
) -> list[Table]:
    """Every sheet with a table; a spec can name the only one.

    Raises
    ------
    InputError
        No table, or the sheet with most known names has none that can be read.
    """
    from retrostats.io.tables.workbook import read_workbook

    book = read_workbook(file, data)
    wanted, row = spec.file.get("sheet", ""), spec.file.get("header_row", 0)
    names = [sheet.name for sheet in book.sheets]
    if wanted and wanted not in names:
        raise InputError(f"{file}: no sheet {wanted!r}; it has {', '.join(map(repr, names))}")
    filled = [s for s in book.sheets if s.head(1) and wanted in ("", s.name)]
    if not filled:
        raise InputError(f"{file}: no table found; it needs a header and at least one row")
    many = len(names) > 1
    scored = sorted(((_known(s, known), s) for s in filled), key=lambda pair: -pair[0])
    found: list[Table] = []
    for count, sheet in scored:
        where = f"{file}, sheet {sheet.name!r}" if many else file
        if found and count < NAMES and not _names_people(sheet):
            continue
        try:
            found.append(_table(where, sheet, book, row, known, as_text))
        except InputError:
            if sheet is scored[0][1]:
                raise
    read = [table.sheet for table in found]
    unread = [name for name in names if name not in read]
    if unread and not wanted:
        note = f"sheet {', '.join(map(repr, read))} used, not {', '.join(unread)}"
        found[0] = replace(found[0], notes=(note, *found[0].notes))
    return found


def _known(sheet: AnySheet, known: Says) -> int:
    """Most known names in one row of a sheet."""
    return max(
        sum(isinstance(c, str) and known(c) for c in row.cells) for row in sheet.head(HEADER_WITHIN)
    )


def _names_people(sheet: AnySheet) -> bool:
    """Whether a sheet has a column of people: a list of events may have no other known name."""
    return any(
        kind_of(c) == "subject"
        for row in sheet.head(HEADER_WITHIN)
        for c in row.cells
        if isinstance(c, str)
    )


def _table(
    where: str, sheet: AnySheet, book: Workbook, header_row: int, known: Says, as_text: Says
) -> Table:
    """Table of one sheet; `where` names it in messages.

    Raises
    ------
    InputError
        No table, merged cells in it, or cells beside it.
    """
    if isinstance(sheet, PackedSheet):  # without merged cells
        head, notes = _head(sheet, header_row), list[str]()
        layout = find_layout(where, [(r.number, r.cells) for r in head], known, header_row)
        start = int(np.searchsorted(sheet.row_numbers(), layout.first_row))
        body = sheet.part(start, len(sheet.row_numbers()))
    else:
        layout, rows, notes = _joined(where, sheet, book, header_row, known)
        body = _by_columns([row for row in rows if row.number >= layout.first_row])
    if book.formulas:
        notes.append(
            "formulas: their stored values are used, none was run; one that was never calculated "
            "is an empty cell"
        )
    if book.percent:
        notes.append(
            f"{book.percent} cells shown as a percent: read as shown, 5% is 5 (stored as 0.05)"
        )
    _refuse_wider(where, body, len(layout.header))
    table = layout.table(where, _columns(layout.header, body, as_text), notes)
    return replace(table, sheet=sheet.name)


def _head(sheet: PackedSheet, header_row: int) -> tuple[Row, ...]:
    """Rows in which a header is looked for, and one below it; all where few hold anything."""
    rows = sheet.head(4 * HEADER_WITHIN + header_row)
    filled = sum(any(not cell.is_missing(c) for c in row.cells) for row in rows)
    return rows if filled > HEADER_WITHIN + 1 else sheet.rows


def _joined(
    where: str, sheet: Sheet, book: Workbook, header_row: int, known: Says
) -> tuple[Layout, Sequence[Row], list[str]]:
    """Layout, rows with what is merged in them filled in, and what is said of that.

    Raises
    ------
    InputError
        No table, or merged cells in it.
    """
    notes: list[str] = []
    ranges = {parse_range(text): text for text in book.merged.get(sheet.name, ())}
    joined = one_header_row(sheet.rows, list(ranges))
    rows = [(row.number, row.cells) for row in joined]
    layout = find_layout(where, rows, known, header_row)
    header_row = layout.first_row - 1 - bool(layout.units)
    data = merged_data(joined, list(ranges), header_row)
    below = [r for r in data if r[0] > header_row]
    roles = [_when_merged(name, known) for name in layout.header]
    joined, filled = filled_rows(joined, below, [role == "fill" for role in roles])
    free = [r for r in below if not {"fill", "refuse"} & set(roles[r[1] - 1 : r[3]])]
    merged = [ranges[r] for r in data if r not in filled and r not in free]
    if merged:
        raise InputError(
            f"{where}: merged cells at {', '.join(merged[:3])}; unmerge them, one value a cell"
        )
    if filled:
        shown = ", ".join(ranges[r] for r in filled[:3]) + (" ..." if len(filled) > 3 else "")
        notes.append(f"cells merged at {shown}: their value taken in every row of them")
    return layout, joined, notes


def _by_columns(body: Sequence[Row]) -> PackedSheet:
    """Rows by columns, each cell as it is."""
    widest = max((len(row.cells) for row in body), default=0)
    cut = [row.cells + (None,) * (widest - len(row.cells)) for row in body]
    numbers, widths = ([r.number for r in body], [len(r.cells) for r in body])
    return PackedSheet(
        "",
        np.array(numbers, dtype="<i4").tobytes(),
        np.array(widths, dtype="<i4").tobytes(),
        tuple(Column(cells=cells) for cells in zip(*cut, strict=True)),
    )


def _refuse_wider(where: str, body: PackedSheet, width: int) -> None:
    """Refuse a row with cells beyond the header."""
    beyond = [
        next((i for i, c in enumerate(column.unpacked()) if not cell.is_missing(c)), -1)
        for column in body.columns[width:]
    ]
    first = min((place for place in beyond if place >= 0), default=-1)
    if first >= 0:
        raise InputError(
            f"{where}, row {body.row_numbers()[first]}: {body.row_widths()[first]} cells, the "
            f"header has {width}; name every column"
        )


def _when_merged(header: str, known: Says) -> str:
    """What a merged cell of a column means: one value for all rows, nothing, or a question."""
    kind = kind_of(header)
    if kind is None:
        return "refuse" if known(header) else "free"
    if kind not in MEASURES or kind in ("mass_kg", "height_cm"):
        return "fill"
    return "free" if kind in BESIDE else "refuse"


def _columns(header: Sequence[str], body: PackedSheet, as_text: Says) -> pd.DataFrame:
    """Cells by column: numbers where all are numbers, else text."""
    import pandas as pd

    numbers = body.row_numbers().astype(np.int64)
    none = Column(cells=(None,) * len(numbers))
    columns = [*body.columns[: len(header)], *[none] * (len(header) - len(body.columns))]
    frame = pd.DataFrame({i: _read(column, as_text(header[i])) for i, column in enumerate(columns)})
    frame.index = pd.Index(numbers)
    return frame


def _read(column: Column, text: bool) -> pd.Series:
    """As `_column`, without making cells of numbers and of each text that repeats."""
    import pandas as pd

    if column.numbers and not column.others and not text:
        return pd.Series(column.values().astype(float))
    if column.codes:
        words = [None if cell.is_missing(word) else word for word in column.texts]
        codes = np.frombuffer(column.codes, dtype="<i4")
        if text or any(words[code] is not None for code in np.unique(codes[codes >= 0])):
            return pd.Series(np.array([*words, None], dtype=object)[codes], dtype=object)
    return _column(column.unpacked(), text)


def _column(cells: Sequence[Any], text: bool) -> pd.Series:
    """Numbers where all cells are numbers or missing, and `text` does not say otherwise."""
    import pandas as pd

    if not text and set(map(type, cells)) <= _NUMBERS:
        return pd.Series(cells, dtype=float)
    missing = {c for c in set(cells) if cell.is_missing(c)}  # each word is looked at once
    found = [None if c in missing else c for c in cells]
    if not text and set(map(type, found)) <= _NUMBERS:
        return pd.Series(found, dtype=float)
    return pd.Series(
        [c if type(c) in (int, float) and not text else _word(c) for c in found], dtype=object
    )


def _word(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
