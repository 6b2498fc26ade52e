"""The frame of an Arrow table: its numbers stay where they are, or are copied once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrostats.common.arrays import unset_array

if TYPE_CHECKING:
    import pandas as pd

#: Codes of fewer values than this take a byte each, then two, as pandas has it.
_SMALL = ((2**7 - 1, np.int8), (2**15 - 1, np.int16))


def frame_of(columns: list[Any]) -> pd.DataFrame:
    """The frame of Arrow columns, numbered from 0; texts kept once are a categorical.

    Numbers without a gap are taken where they lie in one piece, else put together in memory of the
    system: pandas would ask numpy for it, see `unset_array`. Each column is given back once it is
    taken: `columns` is empty then.

    Examples
    --------
    >>> import pyarrow as pa
    >>> frame_of([pa.chunked_array([[1, 2], [3]]), pa.chunked_array([["a", None], ["b"]])])[0].sum()
    np.int64(6)
    """
    import pandas as pd
    import pyarrow as pa

    pool = pa.system_memory_pool()  # others clear far more memory than a table takes
    found: dict[int, Any] = {}
    columns.reverse()
    while columns:
        column = columns.pop()
        if _is_plain(pa, column):
            one = column.num_chunks == 1
            whole = column.chunk(0) if one else column.combine_chunks(memory_pool=pool)
            kind = column.type.to_pandas_dtype()
            values = np.frombuffer(whole.buffers()[1], kind)
            found[len(found)] = values[whole.offset : whole.offset + len(whole)]
        elif _is_words(pa, column):
            words = Words(len(column))
            for chunk in column.chunks:
                words.put(0, chunk)
            found[len(found)] = words.whole()
        else:
            alone = pa.Table.from_arrays([column], names=[""])
            made = alone.to_pandas(ignore_metadata=True, memory_pool=pool)
            found[len(found)] = made.iloc[:, 0]
    return pd.DataFrame(found, copy=False)


def _is_plain(pa: Any, column: Any) -> bool:
    """Whether a column is numbers that pandas would take as they are, to be written on."""
    kind = column.type
    if column.null_count or not len(column):
        return False
    one = column.chunk(0).buffers()[1].is_mutable or column.num_chunks > 1
    return bool(one and (pa.types.is_integer(kind) or kind in (pa.float32(), pa.float64())))


def _is_words(pa: Any, column: Any) -> bool:
    """Whether a column is texts of which each is kept once, in no order."""
    kind = column.type
    return bool(
        len(column)
        and pa.types.is_dictionary(kind)
        and not kind.ordered
        and (kind.index_type, kind.value_type) == (pa.int32(), pa.string())
        and not any(chunk.dictionary.null_count for chunk in column.chunks)
    )


class Words:
    """A column of words: each word once, and its number a row."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._codes: list[NDArray[Any]] = []
        self._words: list[Any] = []

    def put(self, at: int, cells: Any) -> None:
        """Keep the numbers of a block, and the words that they are numbers of."""
        numbers = cells.indices
        codes = numbers.fill_null(-1).to_numpy() if cells.null_count else numbers.to_numpy()
        self._codes.append(codes.astype(_codes_of(len(cells.dictionary))))
        self._words.append(cells.dictionary)

    def whole(self) -> Any:
        """A categorical of all cells."""
        import pandas as pd
        import pyarrow as pa

        every = [
            pa.DictionaryArray.from_arrays(pa.array(np.arange(len(words), dtype=np.int32)), words)
            for words in self._words
        ]
        kind = pa.dictionary(pa.int32(), pa.string())
        together = pa.chunked_array(every, type=kind).unify_dictionaries()
        words = together.chunk(0).dictionary
        codes = unset_array(self._rows, _codes_of(len(words)))
        at = 0
        for part, numbers in zip(self._codes, together.chunks, strict=True):
            _renumber(part, numbers.indices.to_numpy(), codes[at : at + len(part)])
            at += len(part)
        self._codes.clear()
        return pd.Categorical.from_codes(codes, pd.Index(words.to_pandas()), validate=False)


def _renumber(codes: NDArray[Any], to: NDArray[Any], found: NDArray[Any]) -> None:
    """Write to `found` the new number of each code, -1 for -1."""
    if not len(codes):
        return
    to = np.append(to, -1).astype(found.dtype)
    shift = to[:-1] - np.arange(len(to) - 1)
    if len(shift) and (shift == shift[0]).all() and codes.min() >= 0:  # as in a sorted column
        np.add(codes, shift[0].astype(found.dtype), out=found, casting="unsafe")
    else:
        np.take(to, codes, out=found, mode="wrap")


def _codes_of(words: int) -> type:
    """The smallest kind of number for so many codes and -1, as pandas chooses it."""
    return next((kind for most, kind in _SMALL if words < most), np.int32)
