"""The frame of an Arrow table: its numbers stay where they are, or are copied once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


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
