"""Files of statistical packages (SPSS, Stata, SAS) and Parquet: columns that know their kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from retrostats.common.errors import InputError
from retrostats.io.bounded.parent import parse_bounded
from retrostats.io.cohort.headers import kind_of
from retrostats.io.cohort.layout import Layout, Table
from retrostats.io.tables.arrow_frame import frame_of
from retrostats.io.tables.packages import Package
from retrostats.io.tables.packed import joined

if TYPE_CHECKING:
    import pandas as pd


def read_parquet(file: str, data: bytes) -> Table:
    """Table of a Parquet file, unpacked by a bounded child process.

    Raises
    ------
    InputError
        Damaged, nested, too large, or pyarrow is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError:
        raise InputError(f"{file}: Parquet needs pyarrow; pip install 'retrostats[io]'") from None
    found: list[memoryview] = parse_bounded("parquet", file, data)
    try:  # the child has read a stranger's file: what it hands over is checked whole
        table = joined(found)
        names, columns = table.column_names, table.columns
        frame = frame_of(columns).set_axis(names, axis=1)
    except (pa.ArrowException, OSError, ValueError, LookupError) as error:  # or names are no text
        raise InputError(f"{file}: not a readable Parquet file ({str(error)[:120]})") from None
    return _table(file, frame)


def read_package(file: str, data: bytes, suffix: str, labelled: Callable[[str], bool]) -> Table:
    """Table of a file of SPSS, Stata or SAS; coded words replace codes where `labelled` says so.

    Raises
    ------
    InputError
        Damaged, too large, or pyreadstat is not installed.
    """
    import pandas as pd

    found: Package = parse_bounded("package", file, data, suffix)
    columns = {
        column.name: pd.Series(column.values, dtype=float if column.numeric else object)
        for column in found.columns
    }
    for name, words in found.words.items():
        if kind_of(name) == "subject":
            continue  # labels of people are names; their codes stay
        if name in columns and (labelled(name) or labelled(found.labels.get(name, ""))):
            by_code = dict(words)
            columns[name] = pd.Series([by_code.get(v, v) for v in columns[name]], dtype=object)
    table = _table(file, pd.DataFrame(columns))
    return Table(file, table.columns, {}, dict(found.labels))


def _table(file: str, frame: pd.DataFrame) -> Table:
    import pandas as pd

    names = tuple(map(str, frame.columns))
    frame = frame.set_axis(range(len(names)), axis=1)
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return Layout(names, {}, 1, {}).table(file, frame)
