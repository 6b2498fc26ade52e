"""Columns of a long text, each block put where it stays while the processor's cache holds it.

A table that Arrow makes of the whole text is copied once more to lie in one piece, and each copy is
memory that the system has to clear first. Here only a block is Arrow's. What a column holds has to
be known before: rows from the beginning, the middle and the end say it. Where a later row says
otherwise, nothing is returned, and the whole has to be read as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrostats.common.arrays import unset_array
from retrostats.io.tables.arrow_frame import Words, frame_of

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Bytes that are cut at a time; their columns and the cut stay in the cache.
BLOCK = 2**20
#: Bytes of each of the places that say what columns hold.
SAMPLE = 2**15


@dataclass(frozen=True, slots=True)
class Cut:
    """How the lines of a text are cut: cells a line, what is between them, words of no value."""

    width: int
    delimiter: str
    missing: Sequence[str]

    def options(self, types: Mapping[str, Any], block: int) -> dict[str, Any]:
        """What pyarrow has to be told; columns without a type are what their cells look like."""
        import pyarrow as pa
        from pyarrow import csv

        return {
            "read_options": csv.ReadOptions(
                column_names=[str(i) for i in range(self.width)], block_size=block
            ),
            "parse_options": csv.ParseOptions(delimiter=self.delimiter, quote_char=False),
            "convert_options": csv.ConvertOptions(
                column_types=types, null_values=list(self.missing), strings_can_be_null=True
            ),
            # others clear far more memory than a table takes
            "memory_pool": pa.system_memory_pool(),
        }


def columns_in_blocks(
    data: bytes, start: int, rows: int, cut: Cut, texts: Sequence[int]
) -> dict[int, Any] | None:
    """The columns of a text's lines from a byte on, as `frame_of` would make them.

    None where what its first, middle and last lines hold does not say what all of it holds.

    Parameters
    ----------
    rows
        Lines from there.
    texts
        Positions of columns that stay words; each of their words is kept once.

    Raises
    ------
    pyarrow.ArrowException
        A line of another width, or a cell that is not of its column's kind.

    Examples
    --------
    >>> found = columns_in_blocks(b"a,1.5\\nb,NA\\n", 0, 2, Cut(2, ",", ["NA"]), [0])
    >>> list(found[0]), found[1].tolist()
    (['a', 'b'], [1.5, nan])
    """
    import pyarrow as pa
    from pyarrow import csv

    words = pa.dictionary(pa.int32(), pa.string())
    types: dict[str, Any] = {str(i): words for i in texts}
    if len(texts) < cut.width:
        kinds = _kinds(data, start, cut, types)
        if kinds is None:
            return None
        types |= kinds
    columns = [_column(types[str(i)], rows) for i in range(cut.width)]
    at = 0
    source = pa.BufferReader(pa.py_buffer(data).slice(start))
    with csv.open_csv(source, **cut.options(types, BLOCK)) as blocks:
        for block in blocks:
            if at + len(block) > rows:
                return None
            for column, cells in zip(columns, block.columns, strict=True):
                column.put(at, cells)
            at += len(block)
    return {i: column.whole() for i, column in enumerate(columns)} if at == rows else None


def _kinds(data: bytes, start: int, cut: Cut, types: Mapping[str, Any]) -> dict[str, Any] | None:
    """What each column without a type holds; None where that takes a look at all of it."""
    import pyarrow as pa
    from pyarrow import csv

    seen: dict[str, set[Any]] = {}
    middle = (start + len(data)) // 2
    for place in (start, middle, max(len(data) - SAMPLE, start)):
        begin = place if place == start else data.find(b"\n", place) + 1
        end = data.rfind(b"\n", begin, begin + SAMPLE) + 1
        if not start <= begin < end:
            continue
        lines = pa.BufferReader(pa.py_buffer(data).slice(begin, end - begin))
        for field in csv.read_csv(lines, **cut.options(types, SAMPLE)).schema:
            seen.setdefault(field.name, set()).add(field.type)
    kinds = {name: _loosest(found) for name, found in seen.items() if name not in types}
    return kinds if kinds and None not in kinds.values() else None


def _loosest(kinds: set[Any]) -> Any:
    """The kind of a column that holds all of some kinds; None where they do not say."""
    import pyarrow as pa

    if pa.string() in kinds:
        return pa.string()
    if kinds == {pa.int64()}:
        return pa.int64()
    # a column of whole numbers with gaps becomes one of floating-point numbers too
    return pa.float64() if kinds <= {pa.int64(), pa.float64(), pa.null()} else None


def _column(kind: Any, rows: int) -> _Numbers | Words | _Texts:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return Words(rows)
    return _Texts() if pa.types.is_string(kind) else _Numbers(rows, kind.to_pandas_dtype())


class _Numbers:
    """A column of numbers; where one is missing, of floating-point numbers."""

    def __init__(self, rows: int, kind: type) -> None:
        self._values: NDArray[Any] = unset_array(rows, kind)

    def put(self, at: int, cells: Any) -> None:
        """Copy the cells of a block to their rows."""
        kind, count = self._values.dtype, len(cells)
        if not cells.null_count:
            self._values[at : at + count] = np.frombuffer(
                cells.buffers()[1], cells.type.to_pandas_dtype()
            )[cells.offset : cells.offset + count]
            return
        if kind != np.float64:
            above, self._values = self._values[:at], unset_array(len(self._values), np.float64)
            self._values[:at] = above
        self._values[at : at + count] = cells.to_numpy(zero_copy_only=False)

    def whole(self) -> NDArray[Any]:
        """All cells."""
        return self._values


class _Texts:
    """A column of words in some rows and numbers in others, as it is written."""

    def __init__(self) -> None:
        self._cells: list[Any] = []

    def put(self, at: int, cells: Any) -> None:
        """Keep the cells of a block."""
        self._cells.append(cells)

    def whole(self) -> Any:
        """All cells."""
        import pyarrow as pa

        return frame_of([pa.chunked_array(self._cells)])[0]
