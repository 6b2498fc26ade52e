"""Files of statistical packages (SPSS, Stata, SAS) and Parquet: columns that know their kind."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from retrostats.errors import InputError
from retrostats.read.bounded.parent import parse_bounded
from retrostats.read.headers import kind_of
from retrostats.read.layout import Layout, Table
from retrostats.read.packages import Package

if TYPE_CHECKING:
    import pandas as pd

#: Cells that a Parquet file may hold: they are packed, and take eight bytes each unpacked.
MAX_PARQUET_CELLS = 40_000_000


def read_parquet(file: str, data: bytes) -> Table:
    """Table of a Parquet file; its size is known before it is unpacked.

    Raises
    ------
    InputError
        Damaged, too large, or pyarrow is not installed.
    """
    try:
        import pyarrow.parquet as pq
    except ImportError:
        raise InputError(f"{file}: Parquet needs pyarrow; pip install 'retrostats[io]'") from None
    try:
        schema = pq.read_schema(io.BytesIO(data))
        nested = [field.name for field in schema if field.type.num_fields]
        if nested:
            raise InputError(
                f"{file}: column {nested[0][:40]!r} holds lists or records; write one value a cell"
            )
        # one long text repeated a million times stays one text
        texts = [field.name for field in schema if str(field.type) in ("string", "large_string")]
        source = pq.ParquetFile(io.BytesIO(data), read_dictionary=texts)
        _refuse_large(file, source.metadata.num_rows, source.metadata.num_columns)
        frame = source.read().to_pandas(ignore_metadata=True)
    except InputError:
        raise
    except Exception as error:  # a damaged file can fail anywhere inside the library
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


def _refuse_large(file: str, rows: int, columns: int) -> None:
    if rows * columns > MAX_PARQUET_CELLS:
        raise InputError(
            f"{file}: {rows * columns} cells; at most {MAX_PARQUET_CELLS} are read from Parquet"
        )


def _table(file: str, frame: pd.DataFrame) -> Table:
    import pandas as pd

    names = tuple(map(str, frame.columns))
    frame = frame.set_axis(range(len(names)), axis=1)
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return Layout(names, {}, 1, {}).table(file, frame)
