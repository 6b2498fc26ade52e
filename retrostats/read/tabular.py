"""A table from a file that may come from a stranger: read, never executed, with limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrostats.errors import InputError
from retrostats.read import cells as cell
from retrostats.read.files import read_bytes, short, shown_name
from retrostats.read.grid import Sheet
from retrostats.read.layout import Layout, Table, find_layout
from retrostats.read.merged import merged_data, one_header_row, parse_range
from retrostats.read.packages import PACKAGES
from retrostats.read.spec import Spec

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.read.workbook import Workbook

SPREADSHEETS = (".xlsx", ".xlsm")
#: Spreadsheets whose readers hung or asked for more memory than there is on damaged files.
OTHER = (".xls", ".xlsb", ".ods")
TEXTS = (".csv", ".tsv", ".txt", ".dat", ".tab", ".asc")
SUFFIXES = (*TEXTS, *SPREADSHEETS, *OTHER, ".parquet", *PACKAGES)

Says = Callable[[str], bool]


def read_table(path: Path, spec: Spec, known: Says, as_text: Says) -> tuple[Table, bytes]:
    """Table of a file by its suffix (any other is read as delimited text), and its bytes.

    Parameters
    ----------
    known
        Whether a header names something known.
    as_text
        Whether the column of a header holds words or names, even if they look like numbers.

    Raises
    ------
    InputError
        Missing, empty, too large, damaged, no table, or repeated column names.
    """
    data, suffix, file = read_bytes(path), path.suffix.lower(), shown_name(path)
    known, as_text = short(known), short(as_text)
    if suffix in OTHER:
        raise InputError(f"{file}: {suffix} is not read; open it and save it as .xlsx or CSV")
    if suffix in SPREADSHEETS:
        return _spreadsheet(file, data, spec, known, as_text), data
    if suffix == ".parquet":
        from retrostats.read.statistical import read_parquet

        return read_parquet(file, data), data
    if suffix in PACKAGES:
        from retrostats.read.statistical import read_package

        return read_package(file, data, suffix, as_text), data
    from retrostats.read.delimited import read_delimited

    delimiter, row = spec.file.get("delimiter", ""), spec.file.get("header_row", 0)
    return read_delimited(file, data, known, as_text, delimiter, row), data


def table_of_frame(frame: pd.DataFrame) -> Table:
    """Table of a DataFrame, its rows numbered as if the header were row 1."""
    import pandas as pd

    names = tuple(" ".join(str(c).split()) for c in frame.columns)
    plain = frame.set_axis(range(len(names)), axis=1)
    plain.index = pd.RangeIndex(2, len(frame) + 2)
    return Layout(names, {}, 2, {}).table("cohort", plain)


def _spreadsheet(file: str, data: bytes, spec: Spec, known: Says, as_text: Says) -> Table:
    from retrostats.read.workbook import read_workbook

    book = read_workbook(file, data)
    sheet, notes = _sheet(file, book, spec.file.get("sheet", ""), known)
    ranges = {parse_range(text): text for text in book.merged.get(sheet.name, ())}
    joined = one_header_row(sheet.rows, list(ranges))
    rows = [(row.number, row.cells) for row in joined]
    layout = find_layout(file, rows, known, spec.file.get("header_row", 0))
    header_row = layout.first_row - 1 - bool(layout.units)
    merged = [ranges[r] for r in merged_data(joined, list(ranges), header_row)]
    if merged:
        raise InputError(
            f"{file}, sheet {sheet.name!r}: merged cells at {', '.join(merged[:3])}; unmerge them, "
            "one value a cell"
        )
    if book.formulas:
        notes.append(
            "formulas: their stored values are used, none was run; one that was never calculated "
            "is an empty cell"
        )
    body = [row for row in joined if row.number >= layout.first_row]
    width = len(layout.header)
    wider = next((r for r in body if any(not cell.is_missing(c) for c in r.cells[width:])), None)
    if wider:
        raise InputError(
            f"{file}, row {wider.number}: {len(wider.cells)} cells, the header has {width}; "
            "name every column"
        )
    return layout.table(file, _columns(layout.header, body, as_text), notes)


def _sheet(file: str, book: Workbook, wanted: str, known: Says) -> tuple[Sheet, list[str]]:
    """The sheet of that name, else the one with most known names in a row."""
    names = [sheet.name for sheet in book.sheets]
    if wanted:
        if wanted not in names:
            raise InputError(f"{file}: no sheet {wanted!r}; it has {', '.join(map(repr, names))}")
        return book.sheets[names.index(wanted)], []
    filled = [sheet for sheet in book.sheets if sheet.rows]
    if not filled:
        raise InputError(f"{file}: no table found; it needs a header and at least one row")
    counts = [
        max(sum(isinstance(c, str) and known(c) for c in row.cells) for row in sheet.rows[:60])
        for sheet in filled
    ]
    best = filled[counts.index(max(counts))]
    others = [name for name in names if name != best.name]
    return best, [f"sheet {best.name!r} used, not {', '.join(others)}"] if others else []


def _columns(header: Sequence[str], body: Sequence[Any], as_text: Says) -> pd.DataFrame:
    """Cells by column: numbers where all are numbers, else text."""
    import pandas as pd

    columns = {}
    for i, name in enumerate(header):
        cells = [None if cell.is_missing(c) else c for c in (row.at(i) for row in body)]
        numeric = all(
            c is None or (isinstance(c, int | float) and not isinstance(c, bool)) for c in cells
        )
        if numeric and not as_text(name):
            columns[i] = pd.Series(cells, dtype=float)
        else:
            keep = [c if type(c) in (int, float) and not as_text(name) else _word(c) for c in cells]
            columns[i] = pd.Series(keep, dtype=object)
    frame = pd.DataFrame(columns)
    frame.index = pd.Index([row.number for row in body])
    return frame


def _word(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
