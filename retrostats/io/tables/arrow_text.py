"""Plain delimited text to columns by pyarrow: several threads, words kept once.

Taken where it must give what the careful reader gives, with nothing left to find beside it: no
quotes, no blanks that a cell would lose, one record a line, each of the header's width. Anything
else, and a machine without pyarrow, is the careful reader's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrostats.io.tables.arrow_blocks import Cut, columns_in_blocks
from retrostats.io.tables.arrow_frame import frame_of
from retrostats.io.tables.passes import ends

if TYPE_CHECKING:
    import pandas as pd

#: Bytes that one thread reads at a time.
BLOCK = 2**22
#: Bytes that stay in the processor's cache while several marks are looked for.
PART = 2**18
#: From here on a number may not show the digits that were written.
HUGE = 1e15


def plain_columns(
    data: bytes,
    start: int,
    rows: int,
    width: int,
    texts: Sequence[int],
    delimiter: str,
    missing: Sequence[str],
) -> pd.DataFrame | None:
    """Columns of the lines from byte `start`; None where the text is not plain.

    Parameters
    ----------
    rows, width
        Lines from there, each of which has to be a record; cells of every record.
    texts
        Positions of columns that stay words, whatever they look like; the others are numbers
        where every cell is one.
    missing
        Cells that say there is no value.

    Examples
    --------
    >>> frame = plain_columns(b"a,1.5\\nb,NA", 0, 2, 2, [0], ",", ["NA"])
    >>> frame.values.tolist(), plain_columns(b"a, 1", 0, 1, 2, [0], ",", []) is None
    ([['a', 1.5], ['b', nan]], True)
    """
    try:
        import pyarrow as pa
    except ImportError:
        return None
    if not _is_plain(data, start, delimiter, numbers=len(texts) < width):
        return None
    cut = Cut(width, delimiter, missing)
    frame = _in_blocks(data, start, rows, cut, texts)
    if frame is None:
        try:
            frame = _as_one(data, start, rows, cut, texts)
        except pa.ArrowException:  # another width, a line that is no text: told elsewhere
            return None
    if frame is None:
        return None
    floats = frame.select_dtypes("float")
    if any(max(map(abs, ends(floats[name].to_numpy()))) >= HUGE for name in floats):
        return None  # inf, or digits that a number has lost: a message shows what was written
    return frame


def _in_blocks(
    data: bytes, start: int, rows: int, cut: Cut, texts: Sequence[int]
) -> pd.DataFrame | None:
    """The frame, where some lines say what all hold."""
    import pandas as pd
    import pyarrow as pa

    try:
        columns = columns_in_blocks(data, start, rows, cut, texts)
    except pa.ArrowException:  # a cell that no line looked at holds another kind
        return None
    return None if columns is None else pd.DataFrame(columns, copy=False)


def _as_one(
    data: bytes, start: int, rows: int, cut: Cut, texts: Sequence[int]
) -> pd.DataFrame | None:
    """The frame, of what all lines look like; None where one is no record, or of another kind."""
    import pyarrow as pa
    from pyarrow import csv

    words = pa.dictionary(pa.int32(), pa.string())
    types = {str(i): words for i in texts}

    def read() -> Any:
        source = pa.BufferReader(pa.py_buffer(data).slice(start))
        return csv.read_csv(source, **cut.options(types, BLOCK))

    table = read()
    timed = [f.name for f in table.schema if pa.types.is_temporal(f.type)]
    if timed:  # dates stay as they are written
        types.update(dict.fromkeys(timed, words))
        table = read()
    kinds = [field.type for field in table.schema]
    if table.num_rows != rows or not all(_is_known(pa.types, kind) for kind in kinds):
        return None
    for i in (i for i, kind in enumerate(kinds) if pa.types.is_null(kind)):
        table = table.set_column(i, str(i), table.column(i).cast(pa.float64()))
    columns = table.columns
    del table
    return frame_of(columns)


def _is_plain(data: bytes, start: int, delimiter: str, numbers: bool) -> bool:
    """Whether no byte asks for more than cutting at delimiters and line feeds."""
    if b"\x00" in data[:start]:
        return False
    held = _marks(data, start, (b'"', b"\x00", b"\t", b" ", b"x", b"X"))
    if held & {b'"', b"\x00"} or (delimiter != "\t" and b"\t" in held):
        return False
    if numbers and any(data.find(b"0" + x, start) >= 0 for x in held & {b"x", b"X"}):
        return False  # 0x1A is no number of a table
    if b" " not in held:
        return True
    marks = (delimiter.encode() + b" ", b"\n ")
    return data[start : start + 1] != b" " and all(data.find(mark, start) < 0 for mark in marks)


def _marks(data: bytes, start: int, marks: Sequence[bytes]) -> set[bytes]:
    """Which of some single bytes stand anywhere from `start`; each part is fetched once for all."""
    held: set[bytes] = set()
    for at in range(start, len(data), PART):
        held.update(m for m in marks if m not in held and data.find(m, at, at + PART) >= 0)
    return held


def _is_known(types: Any, kind: Any) -> bool:
    return bool(
        types.is_int64(kind) or types.is_float64(kind) or types.is_string(kind)
        or types.is_null(kind) or types.is_dictionary(kind)
    )  # fmt: skip
