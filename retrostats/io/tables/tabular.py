"""A table from a file that may come from a stranger: read, never executed, with limits."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from retrostats.common.errors import InputError
from retrostats.io.cohort.layout import Layout, Says, Table, unique_names
from retrostats.io.cohort.spec import Spec
from retrostats.io.tables.files import read_bytes, short, shown_name
from retrostats.io.tables.packages import PACKAGES

if TYPE_CHECKING:
    import pandas as pd

SPREADSHEETS = (".xlsx", ".xlsm")
#: Spreadsheets whose readers hung or asked for more memory than there is on damaged files.
OTHER = (".xls", ".xlsb", ".ods")
TEXTS = (".csv", ".tsv", ".txt", ".dat", ".tab", ".asc")
SUFFIXES = (*TEXTS, *SPREADSHEETS, *OTHER, ".parquet", *PACKAGES)


def read_table(path: Path, spec: Spec, known: Says, as_text: Says) -> tuple[Table, bytes]:
    """Table of a file by its suffix (any other is read as delimited text), and its bytes.

    Of several sheets it is the one with most known names.

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
    tables, data = read_tables(path, spec, known, as_text)
    return tables[0], data


def read_tables(path: Path, spec: Spec, known: Says, as_text: Says) -> tuple[list[Table], bytes]:
    """Every table of a file, the one with most known names first; arguments as of `read_table`.

    Only a spreadsheet has several, one a sheet.
    """
    data, suffix, file = read_bytes(path), path.suffix.lower(), shown_name(path)
    known, as_text = cache(short(known)), short(as_text)
    if suffix in OTHER:
        raise InputError(f"{file}: {suffix} is not read; open it and save it as .xlsx or CSV")
    if suffix in SPREADSHEETS:
        from retrostats.io.tables.sheets import spreadsheet_tables

        return spreadsheet_tables(file, data, spec, known, as_text), data
    if suffix == ".parquet":
        from retrostats.io.tables.statistical import read_parquet

        return [read_parquet(file, data)], data
    if suffix in PACKAGES:
        from retrostats.io.tables.statistical import read_package

        return [read_package(file, data, suffix, as_text)], data
    from retrostats.io.tables.delimited import read_delimited

    delimiter, row = spec.file.get("delimiter", ""), spec.file.get("header_row", 0)
    return [read_delimited(file, data, known, as_text, delimiter, row)], data


def table_of_frame(frame: pd.DataFrame) -> Table:
    """Table of a DataFrame, its rows numbered as if the header were row 1."""
    import pandas as pd

    said = [" ".join(str(c).split()) for c in frame.columns]
    names = tuple(unique_names(said))
    plain = frame.set_axis(range(len(names)), axis=1)
    plain.index = pd.RangeIndex(2, len(frame) + 2)
    repeated = tuple(new for new, old in zip(names, said, strict=True) if new != old)
    return Layout(names, {}, 2, {}, repeated=repeated).table("cohort", plain)
