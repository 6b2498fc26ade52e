"""Parquet unpacked: columns of one value a cell, texts kept once; parsed by the child.

A few hundred bytes of Parquet can stand for gigabytes, and what its metadata say of sizes was
written by whoever made the file: the bound is the memory of the child.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from retrostats.common.errors import InputError
from retrostats.io.tables.files import MAX_COLUMNS

#: Cells that a Parquet file may hold: they are packed, and take eight bytes each unpacked.
MAX_PARQUET_CELLS = 40_000_000
#: Cells that are handed over together: of the whole, a few are held at a time.
CELLS_A_PART = 2**22
_TEXTS = ("string", "large_string", "binary", "large_binary")


def parse_parquet(file: str, data: bytes, option: str = "") -> Iterator[memoryview]:
    """The rows of a Parquet file as Arrow streams of some of them, with every text once in each.

    Raises
    ------
    InputError
        Damaged, nested, too many columns or cells, or bytes that are no text.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    pa.set_memory_pool(pa.system_memory_pool())  # others set space aside that is not theirs here
    pa.set_cpu_count(1)
    try:
        schema = pq.read_schema(io.BytesIO(data))
        _refuse_shape(file, schema)
        texts = [field.name for field in schema if str(field.type) in _TEXTS]
        # one long text repeated a million times stays one text
        source = pq.ParquetFile(io.BytesIO(data), read_dictionary=texts)
        _refuse_large(file, source.metadata.num_rows, source.metadata.num_columns)
        rows = 0
        for table in _tables(source):
            rows += table.num_rows
            yield memoryview(_stream(_as_text(file, table)))
        if rows != source.metadata.num_rows:
            raise InputError(f"{file}: not the rows it says it holds; write the file anew")
    except (InputError, MemoryError):
        raise
    except Exception as error:  # a damaged file can fail anywhere inside the library
        raise InputError(f"{file}: not a readable Parquet file ({str(error)[:120]})") from None


def _tables(source: Any) -> Iterator[Any]:
    """Tables of some rows each; one without rows where there are none."""
    import pyarrow as pa

    kept = max(CELLS_A_PART // max(source.metadata.num_columns, 1), 1)
    batches = source.iter_batches(batch_size=kept, use_threads=False)
    yield from (pa.Table.from_batches([batch]) for batch in batches)
    if not source.metadata.num_rows:
        yield source.schema_arrow.empty_table()


def _stream(table: Any) -> Any:
    """The bytes of an Arrow stream of a table."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


def _refuse_shape(file: str, schema: Any) -> None:
    nested = [field.name for field in schema if field.type.num_fields]
    if nested:
        raise InputError(
            f"{file}: column {nested[0][:40]!r} holds lists or records; write one value a cell"
        )
    if len(schema) > MAX_COLUMNS:
        raise InputError(f"{file}: {len(schema)} columns; at most {MAX_COLUMNS} are read")


def _refuse_large(file: str, rows: int, columns: int) -> None:
    if rows * columns > MAX_PARQUET_CELLS:
        raise InputError(
            f"{file}: {rows * columns} cells; at most {MAX_PARQUET_CELLS} are read from Parquet"
        )


def _as_text(file: str, table: Any) -> Any:
    """Bytes without a type, as old programs write texts, as the texts they are."""
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        if not str(getattr(field.type, "value_type", field.type)).endswith("binary"):
            continue
        if not pa.types.is_dictionary(field.type):
            raise InputError(
                f"{file}: column {field.name[:40]!r} holds bytes; write text or numbers"
            )
        kind = pa.dictionary(field.type.index_type, pa.string())
        try:
            chunks = [
                pa.DictionaryArray.from_arrays(c.indices, c.dictionary.cast(pa.string()))
                for c in table.column(place).chunks
            ]
        except pa.ArrowInvalid:
            raise InputError(
                f"{file}: column {field.name[:40]!r} holds bytes that are no text; write text or "
                "numbers"
            ) from None
        table = table.set_column(place, field.name, pa.chunked_array(chunks, type=kind))
    return table
