"""Files of statistical packages (SPSS, Stata, SAS) and Parquet: columns that know their kind."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from retrostats.errors import InputError
from retrostats.read.files import MAX_CELLS
from retrostats.read.headers import kind_of
from retrostats.read.layout import Layout, Table

if TYPE_CHECKING:
    import pandas as pd

MAX_UNPACKED = 2**31
#: Suffix of a statistical package's file and the function of pyreadstat that reads it.
PACKAGES = {
    ".sav": "read_sav", ".zsav": "read_sav", ".por": "read_por", ".dta": "read_dta",
    ".sas7bdat": "read_sas7bdat", ".xpt": "read_xport",
}  # fmt: skip


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
    try:
        import pyreadstat
    except ImportError:
        raise InputError(
            f"{file}: this format needs pyreadstat; pip install 'retrostats[io]'"
        ) from None
    read = getattr(pyreadstat, PACKAGES[suffix])
    with tempfile.TemporaryDirectory() as folder:  # the library reads paths only
        path = Path(folder) / f"data{suffix}"
        path.write_bytes(data)
        try:
            _, meta = read(str(path), metadataonly=True)
            _refuse_large(file, meta.number_rows or 0, meta.number_columns)
            _refuse_wide_texts(file, meta.number_rows or 0, meta.variable_storage_width)
            frame, meta = read(str(path))
        except InputError:
            raise
        except Exception as error:  # a damaged file can fail anywhere inside the library
            raise InputError(f"{file}: not a readable {suffix} file ({str(error)[:120]})") from None
    for name, words in meta.variable_value_labels.items():
        if kind_of(name) == "subject":
            continue  # labels of people are names; their codes stay
        if name in frame and (labelled(name) or labelled(meta.column_names_to_labels[name] or "")):
            frame[name] = [words.get(value, value) for value in frame[name]]
    labels = {n: text for n, text in meta.column_names_to_labels.items() if text}
    table = _table(file, frame)
    return Table(file, table.columns, {}, labels)


def _refuse_large(file: str, rows: int, columns: int) -> None:
    if rows * columns > MAX_CELLS:
        raise InputError(f"{file}: {rows * columns} cells; at most {MAX_CELLS} are read")


def _refuse_wide_texts(file: str, rows: int, widths: dict[str, int]) -> None:
    """Texts are stored packed; unpacked, each takes its full width in every row."""
    size = rows * sum(widths.values())
    if size > MAX_UNPACKED:
        raise InputError(f"{file}: unpacks to {size} bytes; at most {MAX_UNPACKED} are read")


def _table(file: str, frame: pd.DataFrame) -> Table:
    import pandas as pd

    names = tuple(map(str, frame.columns))
    frame = frame.set_axis(range(len(names)), axis=1)
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return Layout(names, {}, 1, {}).table(file, frame)
