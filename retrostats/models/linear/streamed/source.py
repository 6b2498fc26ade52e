"""Where rows may come from without being in memory: files, Arrow, DuckDB, Dask.

Whatever it is becomes a `Source`: the types of its columns and a way to read some of them in
pieces, as often as needed (a reader that can be read only once says so).
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from retrostats.common.errors import InputError
from retrostats.models.linear.streamed.prefetch import prefetched

ROWS = 1 << 18  # of one piece: its columns and products stay in the processor's cache
#: Bytes that the texts of one column may take in one piece.
MAX_TEXTS = 1 << 30
_BLOCK = 1 << 20  # bytes of CSV at once; Arrow reads dozens of them ahead
_LOOKED_AT = 1 << 24  # bytes of CSV that tell the types of its columns
_PARQUET, _CSV = (".parquet", ".pq"), (".csv", ".csv.gz", ".tsv")
ALLOWED = (
    "a path or glob of .parquet or .csv files, a DuckDB relation, a pyarrow Table, Dataset or "
    "RecordBatchReader, or a Dask DataFrame"
)


@dataclass(frozen=True, slots=True)
class Source:
    """Rows that are read in pieces.

    Attributes
    ----------
    name : str
        As messages call it.
    types : dict of str to pyarrow.DataType
        Of each column.
    pieces : function of column names
        Iterator over pyarrow Tables of about `ROWS` rows with these columns.
    again : bool
        Whether it can be read more than once.
    parts : tuple
        Dask partitions, where the rows are spread over workers; else empty.
    """

    name: str
    types: dict[str, Any]
    pieces: Callable[[tuple[str, ...]], Iterator[Any]]
    again: bool = True
    parts: tuple[Any, ...] = ()


def open_source(data: object) -> Source | None:
    """The source behind `data`; None where it is nothing of the kind.

    Raises
    ------
    InputError
        Files are missing, mixed or unreadable, or the library that reads them is not installed.
    """
    if isinstance(data, str | os.PathLike):
        return _files(os.fspath(data))
    home = type(data).__module__.split(".")[0].lstrip("_")
    if home == "pyarrow":
        return _arrow(data)
    if home == "duckdb":
        return _duckdb(data)
    if home.startswith("dask") and hasattr(data, "to_delayed"):
        return _dask(data)
    return None


def _needs(module: str) -> Any:
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError:
        raise InputError(
            f"reading these data needs {module.split('.')[0]}; install it with: "
            "pip install 'retrostats[scale]'"
        ) from None


def _files(path: str) -> Source:
    found = sorted(glob.glob(path, recursive=True)) if glob.has_magic(path) else [path]
    if len(found) == 1 and os.path.isdir(found[0]):
        found = sorted(str(p) for p in Path(found[0]).iterdir() if _kind(str(p)))
    if not found or not all(os.path.isfile(p) for p in found):
        raise InputError(f"{path}: no such file; allowed as data: {ALLOWED}")
    kinds = {_kind(p) for p in found}
    if len(kinds) > 1 or None in kinds:
        raise InputError(f"{path}: neither all Parquet nor all CSV; allowed as data: {ALLOWED}")
    dataset = _needs("pyarrow.dataset")
    try:
        kind = kinds.pop() or ""
        schema = dataset.dataset(found, format=_format(kind, found[0], _LOOKED_AT)).schema
        made = dataset.dataset(found, schema=schema, format=_format(kind, found[0]))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({_first(error)})") from None
    return _dataset(made, path)


def _kind(path: str) -> str | None:
    lower = path.lower()
    return "parquet" if lower.endswith(_PARQUET) else "csv" if lower.endswith(_CSV) else None


def _format(kind: str, first: str, block: int = _BLOCK) -> Any:
    dataset, csv = _needs("pyarrow.dataset"), _needs("pyarrow.csv")
    if kind == "parquet":
        # pre-buffering keeps what was read of a file until its end: 3.4 GiB for 1e8 rows
        options = dataset.ParquetFragmentScanOptions(pre_buffer=False)
        return dataset.ParquetFileFormat(default_fragment_scan_options=options)
    return dataset.CsvFileFormat(
        parse_options=csv.ParseOptions(delimiter="\t" if first.lower().endswith(".tsv") else ","),
        convert_options=csv.ConvertOptions(strings_can_be_null=True),
        read_options=csv.ReadOptions(block_size=block),
    )


def _dataset(made: Any, name: str) -> Source:
    arrow = _needs("pyarrow")
    schema = made.schema
    if type(getattr(made, "format", None)).__name__ == "CsvFileFormat":
        # an integer in the first block may be a fraction in a later one
        fields = [
            arrow.field(f.name, arrow.float64() if arrow.types.is_null(f.type) else f.type)
            for f in schema
        ]
        made = made.replace_schema(arrow.schema(fields))
        schema = made.schema

    # Arrow's own threads read row groups of Parquet ahead without bound: 0.9 GiB of 1e8 rows
    packed = type(getattr(made, "format", None)).__name__ == "ParquetFileFormat"

    def pieces(columns: tuple[str, ...]) -> Iterator[Any]:
        options = {"batch_readahead": 2, "fragment_readahead": 1, "use_threads": not packed}
        texts = _texts(schema, columns) if packed and bool(getattr(made, "files", None)) else []
        source = _texts_once(made, texts) if texts else made
        read = partial(source.to_batches, columns=list(columns), batch_size=ROWS, **options)
        return prefetched(lambda: gathered(_unpacked(_named(read(), name), texts, name)))

    return Source(name, _types(schema, name), pieces)


def _texts(schema: Any, columns: tuple[str, ...]) -> list[str]:
    """Columns of texts among some columns."""
    arrow = _needs("pyarrow")
    return [c for c in columns if arrow.types.is_string(schema.field(c).type)]


def _texts_once(made: Any, texts: list[str]) -> Any:
    """The same Parquet files, texts read as codes: one in a million rows is one text."""
    arrow, dataset = _needs("pyarrow"), _needs("pyarrow.dataset")
    codes = arrow.dictionary(arrow.int32(), arrow.string())
    form = dataset.ParquetFileFormat(
        read_options=dataset.ParquetReadOptions(dictionary_columns=texts),
        default_fragment_scan_options=made.format.default_fragment_scan_options,
    )
    fields = [f.with_type(codes) if f.name in texts else f for f in made.schema]
    return dataset.dataset(
        made.files, schema=arrow.schema(fields), format=form, filesystem=made.filesystem
    )


def _unpacked(batches: Iterator[Any], texts: list[str], name: str) -> Iterator[Any]:
    """Batches with codes turned into their texts again, unless those would take too much memory.

    A dictionary that the file itself calls one stays: its order is the order of the levels.
    """
    arrow, compute = _needs("pyarrow"), _needs("pyarrow.compute")
    for batch in batches:
        columns = list(batch.columns)
        for place, column in enumerate(columns):
            if not arrow.types.is_dictionary(column.type):
                continue
            longest = _longest(column.dictionary, compute)
            if longest * len(column) > MAX_TEXTS:
                raise InputError(
                    f"{name}: column {batch.schema.names[place][:40]!r} holds texts of {longest} "
                    "bytes; names of groups and levels are short, shorten them"
                )
            if batch.schema.names[place] in texts:
                columns[place] = column.cast(column.type.value_type)
        yield arrow.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _longest(texts: Any, compute: Any) -> int:
    """Bytes of the longest of some texts; 0 where they are none."""
    if "string" not in str(texts.type) and "binary" not in str(texts.type):
        return 0
    return int(compute.max(compute.binary_length(texts)).as_py() or 0)


def _types(schema: Any, name: str) -> dict[str, Any]:
    names = list(schema.names)
    double = sorted({n for n in names if names.count(n) > 1})
    if double:
        raise InputError(f"{name}: column {double[0]!r} appears {names.count(double[0])} times")
    return dict(zip(names, schema.types, strict=True))


def _named(batches: Iterator[Any], name: str) -> Iterator[Any]:
    """The same, with what goes wrong inside a file as one message."""
    try:
        yield from batches
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: {_first(error)}") from None


def _first(error: Exception) -> str:
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__


def gathered(batches: Iterator[Any]) -> Iterator[Any]:
    """Tables of at least `ROWS` rows from batches of any size; the last may be smaller."""
    arrow = _needs("pyarrow")
    waiting: list[Any] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= ROWS:
            yield arrow.Table.from_batches(waiting)
            waiting, rows = [], 0
    if rows:
        yield arrow.Table.from_batches(waiting)


def batches_of(table: Any) -> Iterator[Any]:
    """A Table in batches of at most `ROWS` rows."""
    return iter(table.to_batches(ROWS))


def _arrow(data: Any) -> Source:
    kind, name = type(data).__name__, f"pyarrow {type(data).__name__}"
    if kind == "RecordBatch":
        data, kind = _needs("pyarrow").Table.from_batches([data]), "Table"
    if kind == "Table":
        return Source(
            name,
            _types(data.schema, name),
            lambda columns: gathered(batches_of(data.select(list(columns)))),
        )
    if kind == "RecordBatchReader":
        return Source(
            name,
            _types(data.schema, name),
            lambda columns: gathered(b.select(list(columns)) for b in _named(iter(data), name)),
            again=False,
        )
    if hasattr(data, "to_batches") and hasattr(data, "schema"):
        return _dataset(data, name)
    raise InputError(f"data is a {name}; allowed: {ALLOWED}")


def _duckdb(data: Any) -> Source:
    if not hasattr(data, "project"):
        raise InputError(
            "data is a DuckDB connection; give a relation, as con.table('rows') or con.sql(...)"
        )

    def reader(columns: tuple[str, ...], rows: int) -> Any:
        quoted = ", ".join('"' + c.replace('"', '""') + '"' for c in columns)
        chosen = data.project(quoted)
        make = getattr(chosen, "to_arrow_reader", None) or chosen.fetch_record_batch
        return make(rows)

    name = "DuckDB relation"
    schema = reader(tuple(data.columns), 1).schema
    return Source(
        name,
        _types(schema, name),
        lambda columns: gathered(_named(reader(columns, ROWS), name)),
    )


def _dask(data: Any) -> Source:
    """A Dask DataFrame as a source; nothing is computed yet."""
    import pandas as pd

    pa = _needs("pyarrow")
    empty = pd.DataFrame({c: pd.Series(dtype=t) for c, t in data.dtypes.items()})
    types = {f.name: f.type for f in pa.Schema.from_pandas(empty, preserve_index=False)}
    types = {n: pa.string() if pa.types.is_null(t) else t for n, t in types.items()}
    return Source("Dask DataFrame", types, _no_pieces, parts=tuple(data.to_delayed()))


def _no_pieces(columns: tuple[str, ...]) -> Iterator[Any]:
    raise NotImplementedError("a Dask DataFrame is read by its partitions")
