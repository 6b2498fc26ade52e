"""Delimited text to columns, whatever its delimiter and encoding; every record checked first.

The columns are parsed by pandas, those of long plain texts by pyarrow; what pandas would pass over
in silence (records of another width, quotes that never close) is found before, by one scan over
the bytes.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.common.errors import InputError
from retrostats.io.cohort.layout import Table, below_table, find_layout
from retrostats.io.tables.arrow_text import plain_columns
from retrostats.io.tables.cells import MISSING
from retrostats.io.tables.files import MAX_CELLS, MAX_RECORD, decode, long_record, refuse_long_lines

if TYPE_CHECKING:
    Numbers = np.ndarray[Any, np.dtype[np.int64]]

DELIMITERS = ";\t,|"
SAMPLE = 2**16
#: Records by which the delimiter is found.
SCORED = 60
CHUNK = 2**25
#: Bytes in which line breaks are counted at a time.
COUNTED = 2**20
#: Lines whose places are kept, blank ones too: some thirty bytes each.
MAX_LINES = 20_000_000
#: Below this size every cell is read as text, so that 1.200 is not yet 1.2.
AS_TEXT = 32 * 2**20
#: From this size on, text without quotes or gaps is read in several threads.
PLAIN_FROM = 2**20
SHOWN = 5


def read_delimited(
    file: str,
    data: bytes,
    known: Callable[[str], bool],
    as_text: Callable[[str], bool],
    delimiter: str = "",
    header_row: int = 0,
) -> Table:
    """Table of the bytes of a delimited text.

    Parameters
    ----------
    known
        Whether a header names something known; finds the header row and the delimiter.
    as_text
        Whether the column of a header stays text even if it looks like numbers.
    delimiter, header_row
        Override what is found; a row is counted from 1.

    Raises
    ------
    InputError
        Not text, an open quote, one column only, or records of unequal width.
    """
    import pandas as pd

    refuse_long_lines(file, data)
    data = _as_utf8(file, data)
    lines = _breaks(data)
    if lines > MAX_LINES:
        raise InputError(f"{file}: {lines} lines; at most {MAX_LINES} are read")
    data, delimiter = _delimited(file, data, delimiter, known)
    if len(data) >= PLAIN_FROM:
        records = lines + (not data.endswith(b"\n"))
        table = _plain(file, data, records, known, as_text, delimiter, header_row)
        if table is not None:
            return table
    starts, widths, blank = scan(file, data, delimiter)
    layout = find_layout(file, _sample(data, delimiter), known, header_row)
    width = len(layout.header)
    first = layout.first_row - 1  # records are counted from 0 here
    kept = np.flatnonzero(~blank[first:]) + first
    kept, below = _above_notes(kept, widths[kept], width)
    if below:
        data = data[: starts[below[0] - 1]]
    _refuse_unequal(file, widths[kept], kept + 1, width)
    if len(kept) * width > MAX_CELLS:
        raise InputError(f"{file}: {len(kept) * width} cells; at most {MAX_CELLS} are read")
    if not len(kept):
        raise InputError(f"{file}: a header and no row below it; it needs at least one row")
    source = io.BytesIO(data)
    source.seek(int(starts[first]))
    texts = [i for i, name in enumerate(layout.header) if as_text(name)]
    try:
        frame = pd.read_csv(
            source, sep=delimiter, header=None, names=list(range(width)), index_col=False,
            dtype=str if len(data) < AS_TEXT else dict.fromkeys(texts, str),
            keep_default_na=False, na_values=_missing_words(), skipinitialspace=True,
            low_memory=False, encoding="utf-8",
        )  # fmt: skip
    except (ValueError, OverflowError, pd.errors.ParserError) as error:
        raise InputError(f"{file}: not a delimited table ({error}); save it as CSV") from None
    if len(frame) != len(kept):
        raise InputError(
            f"{file}: not a delimited table (a quote inside a cell is not doubled); save it as CSV"
        )
    frame.index = pd.Index(kept + 1)
    table = layout.table(file, frame)
    return replace(table, explained=below_table(table.explained, below), delimiter=delimiter)


def _plain(
    file: str,
    data: bytes,
    records: int,
    known: Callable[[str], bool],
    as_text: Callable[[str], bool],
    delimiter: str,
    header_row: int,
) -> Table | None:
    """The table of a long text without quotes or gaps; None where it takes a closer look."""
    import pandas as pd

    layout = find_layout(file, _sample(data, delimiter), known, header_row)
    start, width = 0, len(layout.header)
    for _ in range(layout.first_row - 1):
        start = data.find(b"\n", start) + 1
        if not start:
            return None
    if len(data) < AS_TEXT:
        texts = list(range(width))
    else:
        texts = [i for i, name in enumerate(layout.header) if as_text(name)]
    rows = records - (layout.first_row - 1)
    frame = plain_columns(data, start, rows, width, texts, delimiter, _missing_words())
    if frame is None or frame.empty or frame.size > MAX_CELLS:
        return None
    frame.index = pd.RangeIndex(layout.first_row, layout.first_row + len(frame))
    return replace(layout.table(file, frame), delimiter=delimiter)


def _breaks(data: bytes) -> int:
    """How many lines end; numpy counts them in half the time."""
    marks = np.frombuffer(data, np.uint8)
    parts = (marks[start : start + COUNTED] for start in range(0, len(marks), COUNTED))
    return sum(int(np.count_nonzero(part == ord("\n"))) for part in parts)


def scan(
    file: str, data: bytes, delimiter: str
) -> tuple[Numbers, Numbers, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Start, width and blankness of every record; line breaks inside quotes do not end one.

    Raises
    ------
    InputError
        A quote is never closed, or a record is longer than any table has.
    """
    ends: list[Numbers] = []
    counts: list[Numbers] = []
    seen, open_quote = 0, False
    for offset in range(0, len(data), CHUNK):
        part = np.frombuffer(data, np.uint8, min(CHUNK, len(data) - offset), offset)
        quoted = np.bitwise_xor.accumulate(part == ord('"')) ^ open_quote
        open_quote = bool(quoted[-1])
        breaks = np.flatnonzero((part == ord("\n")) & ~quoted)
        marks = np.flatnonzero((part == ord(delimiter)) & ~quoted)
        ends.append(breaks + offset)
        counts.append(np.searchsorted(marks, breaks) + seen)
        seen += len(marks)
    if open_quote:
        raise InputError(f"{file}: not a delimited table (a quote is never closed); save it as CSV")
    if not data.endswith(b"\n"):
        ends.append(np.array([len(data)]))
        counts.append(np.array([seen]))
    end = np.concatenate(ends)
    starts = np.concatenate([[0], end[:-1] + 1])
    long = np.flatnonzero(end - starts > MAX_RECORD)
    if len(long):
        raise InputError(long_record(file, int(long[0]) + 1))
    widths = np.diff(np.concatenate([[0], np.concatenate(counts)])) + 1
    blank = np.array(
        [n < 200 and not data[s : s + n].strip() for s, n in zip(starts, end - starts, strict=True)]
        if len(end) < 10_000
        else _blank(data, starts, end)
    )
    return starts, widths, blank


def _blank(data: bytes, starts: Numbers, ends: Numbers) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether records are empty; only short ones are looked at."""
    blank = np.zeros(len(starts), dtype=bool)
    for i in np.flatnonzero(ends - starts < 8):
        blank[i] = not data[starts[i] : ends[i]].strip()
    return blank


def _as_utf8(file: str, data: bytes) -> bytes:
    """Bytes in UTF-8 without a mark, lines ended by a line feed."""
    if not (data.isascii() and b"\x00" not in data[:1000]):
        text, encoding = decode(file, data)
        if encoding != "utf-8-sig":
            data = text.encode("utf-8")
        elif data.startswith(b"\xef\xbb\xbf"):
            data = data[3:]
    else:
        decode(file, data[:1000])
    if not (data.endswith(b"\n") and data[-2:-1] not in b"\x1a\x00 \t\r\n"):
        data = data.rstrip(b"\x1a\x00 \t\r\n")
    return data if b"\n" in data else data.replace(b"\r", b"\n")


def _delimited(
    file: str, data: bytes, delimiter: str, known: Callable[[str], bool]
) -> tuple[bytes, str]:
    """The text and its delimiter; columns set by blanks become columns set by tabs."""
    declared = re.match(rb"sep=(.)\r?\n", data)  # how spreadsheet programs write it down
    if declared:
        data = b"\n" + data[declared.end() :]
        delimiter = delimiter or declared[1].decode("utf-8", "replace")
    if delimiter:
        if len(delimiter) != 1 or ord(delimiter) > 127:
            raise InputError(f"delimiter {delimiter!r}: allowed is one plain character")
        return data, delimiter
    scores = {mark: _score(_sample(data, mark, SCORED), known) for mark in DELIMITERS}
    best = max(DELIMITERS, key=lambda mark: scores[mark])
    if scores[best][0] > 0 or scores[best][2] > 1:
        return data, best
    for blanks in (rb"[ \t]{2,}", rb"[ \t]+"):
        spaced = re.sub(blanks, b"\t", _trimmed(data[:SAMPLE]))
        score = _score(_sample(spaced, "\t", SCORED), known)
        if score[0] > 1:
            return re.sub(blanks, b"\t", _trimmed(data)), "\t"
    first = data[:200].split(b"\n")[0].decode("utf-8", "replace").strip()
    raise InputError(
        f"{file}: one column only ({first[:40]!r}); separate columns by comma, semicolon or tab"
    )


def _trimmed(data: bytes) -> bytes:
    """Every line without blanks at its ends."""
    return b"\n".join(line.strip(b" \t") for line in data.split(b"\n"))


def _score(rows: list[tuple[int, list[str]]], known: Callable[[str], bool]) -> tuple[int, int, int]:
    """Known names in the best row, rows of the usual width, that width."""
    filled = [row for _, row in rows if any(cell.strip() for cell in row)]
    widths = [len(row) for row in filled if len(row) > 1]
    if not widths:
        return (0, 0, 1)
    usual = max(set(widths), key=widths.count)
    named = max(sum(known(cell) for cell in row) for row in filled if len(row) > 1)
    return (named, widths.count(usual), usual)


def _sample(data: bytes, delimiter: str, most: int | None = None) -> list[tuple[int, list[str]]]:
    """First records with their numbers from 1."""
    text = data[:SAMPLE].decode("utf-8", "replace")
    if len(data) > SAMPLE:
        text = text[: text.rfind("\n") + 1] or text
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        return list(islice(enumerate(reader, start=1), most))
    except csv.Error:
        return []


def _above_notes(kept: Numbers, widths: Numbers, width: int) -> tuple[Numbers, tuple[int, ...]]:
    """Records of the table, and the numbers of those below it: notes, or a table of another width.

    Notes stand in one cell at the end; another table stands under a blank line.
    """
    odd = np.flatnonzero(widths != width)
    if not len(odd) or not odd[0]:
        return kept, ()
    first = int(odd[0])
    after_blank = kept[first] - kept[first - 1] > 1
    notes = bool((widths[first:] == 1).all())
    if not (after_blank or notes):
        return kept, ()
    return kept[:first], tuple(int(row) + 1 for row in kept[first:])


def _refuse_unequal(file: str, widths: Numbers, rows: Numbers, width: int) -> None:
    odd = np.flatnonzero(widths != width)
    if len(odd):
        shown = "; ".join(
            f"{file}, row {rows[i]}: {widths[i]} cells, the header has {width}" for i in odd[:SHOWN]
        )
        more = f"; and {len(odd) - SHOWN} more rows" if len(odd) > SHOWN else ""
        raise InputError(f"{shown}{more}; check the delimiter and the quotes of these rows")


def _missing_words() -> list[str]:
    return sorted({form for w in MISSING for form in (w, w.upper(), w.capitalize())})
