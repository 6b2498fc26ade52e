"""Parquet unpacked: columns of one value a cell, texts kept once; parsed by the child.

A few hundred bytes of Parquet can stand for gigabytes, and what its metadata say of sizes was
written by whoever made the file: the bound is the memory of the child.

Numbers are handed over as they lie in memory, one column after the other, so that `joined` copies
none; other columns as Arrow streams of some rows each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from retrostats.common.errors import InputError
from retrostats.io.bounded.wire import More
from retrostats.io.tables.files import MAX_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

#: Cells that a Parquet file may hold: they are packed, and take eight bytes each unpacked.
MAX_PARQUET_CELLS = 40_000_000
#: Cells that are handed over together: of the whole, a few are held at a time.
CELLS_A_PART = 2**22
#: Numbers that are unpacked together: they stay in the processor's cache.
NUMBERS_A_BLOCK = 2**16
_TEXTS = ("string", "large_string", "binary", "large_binary")
#: In the metadata of the last part: rows; of each column, the streams it comes in, or, of one of
#: numbers, whether a part follows that tells which of them are there.
_ROWS, _STREAMS, _GAPS = b"rows", b"streams", b"gaps"


def parse_parquet(file: str, data: bytes, option: str = "") -> Iterator[memoryview | More]:
    """The columns of a Parquet file in parts, of which `joined` makes a table.

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
        schema = pq.read_schema(pa.BufferReader(data))
        _refuse_shape(file, schema)
        texts = [field.name for field in schema if str(field.type) in _TEXTS]
        # one long text repeated a million times stays one text
        source = pq.ParquetFile(pa.BufferReader(data), read_dictionary=texts)
        _refuse_large(file, source.metadata.num_rows, source.metadata.num_columns)
        fields = []
        for place, name in _asked(source.schema_arrow.names):
            field = source.schema_arrow.field(place)
            if name is not None and _is_plain(pa.types, field.type):
                gaps = yield from _numbers(file, source, field)
                fields.append(field.with_metadata({_GAPS: str(len(gaps))}))
                yield from gaps
            else:
                streams = yield from _streams(file, source, name)
                fields.append(field.with_metadata({_STREAMS: str(streams)}))
        rows = {_ROWS: str(source.metadata.num_rows)}
        yield memoryview(pa.schema(fields, metadata=rows).serialize())
    except (InputError, MemoryError):
        raise
    except Exception as error:  # a damaged file can fail anywhere inside the library
        raise InputError(f"{file}: not a readable Parquet file ({str(error)[:120]})") from None


def joined(parts: Sequence[memoryview]) -> Any:
    """The Arrow table of what `parse_parquet` handed over, checked whole; numbers are not copied.

    Raises
    ------
    pyarrow.ArrowException, OSError, ValueError, LookupError
        The parts are none of a table.
    """
    import pyarrow as pa

    *left, described = parts
    left.reverse()
    schema = pa.ipc.read_schema(pa.py_buffer(described))
    rows = int((schema.metadata or {})[_ROWS])
    columns: list[Any] = []
    names: list[str] = []
    for field in schema:
        said = field.metadata or {}
        if _STREAMS in said:
            found = [pa.ipc.open_stream(left.pop()).read_all() for _ in range(int(said[_STREAMS]))]
            table = pa.concat_tables(found)
            columns += table.columns
            names += table.column_names
        else:
            values = pa.py_buffer(left.pop())
            there = pa.py_buffer(left.pop()) if int(said[_GAPS]) else None
            array = pa.Array.from_buffers(field.type, rows, [there, values])
            columns.append(pa.chunked_array([array]))
            names.append(field.name)
    table = pa.Table.from_arrays(columns, names=names)
    table.validate(full=True)
    return table


def _asked(names: Sequence[str]) -> list[tuple[int, str | None]]:
    """Place and name of each column to ask for; None for all together, where two have one name.

    Examples
    --------
    >>> _asked(["a", "a.b"]), _asked(["a", "a"])
    ([(0, 'a'), (1, 'a.b')], [(0, None)])
    """
    return list(enumerate(names)) if len(set(names)) == len(names) else [(0, None)]


def _is_plain(types: Any, kind: Any) -> bool:
    """Whether values of a kind are whole bytes side by side."""
    return bool(types.is_primitive(kind) and kind.bit_width in (8, 16, 32, 64))


def _numbers(
    file: str, source: Any, field: Any
) -> Generator[memoryview | More, None, list[memoryview]]:
    """Hands over the values of a column; returns the part that tells which are there, if any."""
    import pyarrow as pa

    width = field.type.bit_width // 8
    there, rows, whole = [], 0, True
    yield memoryview(b"")
    for batch in source.iter_batches(NUMBERS_A_BLOCK, columns=[field.name], use_threads=False):
        array = batch.column(0)
        if array.type != field.type:
            raise ValueError(f"{array.type} where {field.type} was announced")
        yield More(memoryview(array.buffers()[1].slice(array.offset * width, len(array) * width)))
        rows += len(array)
        there.append(_there(array))
        whole = whole and not array.null_count
    _refuse_rows(file, source, rows)
    return [] if whole else [memoryview(pa.concat_arrays(there).buffers()[1])]


def _there(array: Any) -> Any:
    """Whether each value is there, of its bits: Arrow's functions of values start numpy."""
    import pyarrow as pa

    bits, start = array.buffers()[0], array.offset
    if not array.null_count:
        bits, start = pa.py_buffer(b"\xff" * (-(-len(array) // 8))), 0
    return pa.Array.from_buffers(pa.bool_(), len(array), [None, bits], offset=start)


def _streams(file: str, source: Any, name: str | None) -> Generator[memoryview, None, int]:
    """Hands over a column, or all, as Arrow streams of some of their rows; returns how many."""
    rows = count = 0
    for table in _tables(source, name):
        rows, count = rows + table.num_rows, count + 1
        yield memoryview(_stream(_as_text(file, table)))
    _refuse_rows(file, source, rows)
    return count


def _tables(source: Any, name: str | None) -> Iterator[Any]:
    """Tables of some rows each; one without rows where there are none."""
    import pyarrow as pa

    kept = max(CELLS_A_PART // max(source.metadata.num_columns, 1), 1)
    columns = None if name is None else [name]
    batches = source.iter_batches(kept, columns=columns, use_threads=False)
    yield from (pa.Table.from_batches([batch]) for batch in batches)
    if not source.metadata.num_rows:
        empty = source.schema_arrow.empty_table()
        yield empty if columns is None else empty.select(columns)


def _stream(table: Any) -> Any:
    """The bytes of an Arrow stream of a table."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


def _refuse_rows(file: str, source: Any, rows: int) -> None:
    if rows != source.metadata.num_rows:
        raise InputError(f"{file}: not the rows it says it holds; write the file anew")


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
