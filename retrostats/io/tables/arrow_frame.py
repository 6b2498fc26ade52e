"""The frame of an Arrow table: its numbers stay where they are, or are copied once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def frame_of(table: Any) -> pd.DataFrame:
    """The frame of an Arrow table, a column each; texts once are a categorical.

    Numbers without a gap are taken where they lie in one piece, else put together in memory of the
    system: pandas would ask numpy for it, in large pages, which is slow on many machines.
    """
    import pandas as pd
    import pyarrow as pa

    pool = pa.system_memory_pool()  # others clear far more memory than a table takes
    names, left = table.column_names, list(reversed(table.columns))
    del table
    columns: dict[int, Any] = {}
    while left:
        column = left.pop()
        if _is_plain(pa, column):
            whole = (
                column.combine_chunks(memory_pool=pool)
                if column.num_chunks > 1
                else column.chunk(0)
            )
            at = slice(whole.offset, whole.offset + len(whole))
            columns[len(columns)] = np.frombuffer(
                whole.buffers()[1], column.type.to_pandas_dtype()
            )[at]
        else:
            alone = pa.Table.from_arrays([column], names=[""])
            found = alone.to_pandas(ignore_metadata=True, memory_pool=pool)
            columns[len(columns)] = found.iloc[:, 0]
    return pd.DataFrame(columns, copy=False).set_axis(names, axis=1)


def _is_plain(pa: Any, column: Any) -> bool:
    """Whether a column is numbers that pandas would take as they are, to be written on."""
    kind = column.type
    if column.null_count or not len(column):
        return False
    one = column.chunk(0).buffers()[1].is_mutable or column.num_chunks > 1
    return bool(one and (pa.types.is_integer(kind) or kind in (pa.float32(), pa.float64())))
