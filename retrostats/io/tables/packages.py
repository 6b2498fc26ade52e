"""Columns of files of statistical packages (SPSS, Stata, SAS); parsed by the child."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrostats.common.errors import InputError
from retrostats.io.tables.files import MAX_CELLS

MAX_UNPACKED = 2**31
#: Suffix of a statistical package's file and the function of pyreadstat that reads it.
PACKAGES = {
    ".sav": "read_sav", ".zsav": "read_sav", ".por": "read_por", ".dta": "read_dta",
    ".sas7bdat": "read_sas7bdat", ".xpt": "read_xport",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PackageColumn:
    """A column: its name, whether it holds numbers, its values (None where missing)."""

    name: str
    numeric: bool
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Package:
    """Columns, the words of codes by column, and the long names of columns."""

    columns: tuple[PackageColumn, ...]
    words: Mapping[str, tuple[tuple[Any, str], ...]]
    labels: Mapping[str, str]


def parse_package(file: str, data: bytes, suffix: str) -> Package:
    """Columns of the bytes of a file of SPSS, Stata or SAS.

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
    with _stored(data, suffix) as path:
        try:
            _, meta = read(str(path), metadataonly=True)
            _refuse_large(file, meta.number_rows or 0, meta.number_columns)
            _refuse_wide_texts(file, meta.number_rows or 0, meta.variable_storage_width)
            frame, meta = read(str(path))
        except (InputError, MemoryError):
            raise
        except Exception as error:  # a damaged file can fail anywhere inside the library
            raise InputError(f"{file}: not a readable {suffix} file ({str(error)[:120]})") from None
    columns = tuple(
        PackageColumn(str(name), frame[name].dtype.kind in "fiu", _values(frame[name]))
        for name in frame.columns
    )
    words = {str(n): tuple(w.items()) for n, w in meta.variable_value_labels.items()}
    labels = {str(n): text for n, text in meta.column_names_to_labels.items() if text}
    return Package(columns, words, labels)


@contextmanager
def _stored(data: bytes, suffix: str) -> Iterator[Path]:
    """The bytes as a file, for a library that reads paths only; gone afterwards."""
    folder = Path(tempfile.mkdtemp())
    path = folder / f"data{suffix}"
    try:
        path.write_bytes(data)
        yield path
    finally:
        path.unlink(missing_ok=True)
        folder.rmdir()


def _values(column: Any) -> tuple[Any, ...]:
    if column.dtype.kind == "M":
        return tuple(None if v is None or v != v else v.to_pydatetime() for v in column)
    return tuple(column.tolist())


def _refuse_large(file: str, rows: int, columns: int) -> None:
    if rows * columns > MAX_CELLS:
        raise InputError(f"{file}: {rows * columns} cells; at most {MAX_CELLS} are read")


def _refuse_wide_texts(file: str, rows: int, widths: dict[str, int]) -> None:
    """Texts are stored packed; unpacked, each takes its full width in every row."""
    size = rows * sum(widths.values())
    if size > MAX_UNPACKED:
        raise InputError(f"{file}: unpacks to {size} bytes; at most {MAX_UNPACKED} are read")
