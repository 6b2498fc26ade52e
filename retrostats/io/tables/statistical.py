"""Files of statistical packages (SPSS, Stata, SAS) and Parquet: columns that know their kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.common.errors import InputError
from retrostats.io.bounded.parent import parse_bounded
from retrostats.io.cohort.headers import kind_of
from retrostats.io.cohort.layout import Layout, Table
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
        frame = _frame_of(joined(found))
    except (pa.ArrowException, OSError, ValueError, LookupError) as error:  # or names are no text
        raise InputError(f"{file}: not a readable Parquet file ({str(error)[:120]})") from None
    return _table(file, frame)


def _frame_of(table: Any) -> pd.DataFrame:
    """The frame of an Arrow table; numbers without a gap stay where they are, to be written on."""
    import pandas as pd
    import pyarrow as pa

    columns: dict[int, Any] = {}
    for place, column in enumerate(table.columns):
        kind = column.type
        whole = column.num_chunks == 1 and not column.null_count
        number = pa.types.is_integer(kind) or kind in (pa.float32(), pa.float64())
        if whole and number and column.chunk(0).buffers()[1].is_mutable:
            columns[place] = np.frombuffer(column.chunk(0).buffers()[1], kind.to_pandas_dtype())
        else:
            alone = pa.Table.from_arrays([column], names=[""])
            pool = pa.system_memory_pool()  # others clear far more memory than a table takes
            columns[place] = alone.to_pandas(ignore_metadata=True, memory_pool=pool).iloc[:, 0]
    frame = pd.DataFrame(columns, copy=False)
    return frame.set_axis(table.column_names, axis=1)


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
