"""Bytes of a file that may come from a stranger, under limits; and the text they spell."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from retrostats.common.errors import InputError, plain
from retrostats.io.tables.grid import Cell, Row

MAX_BYTES = 1024 * 2**20
#: A grid of Python cells needs some hundred bytes a cell; columns of numbers eight.
MAX_GRID_CELLS = 10_000_000
MAX_CELLS = 200_000_000
MAX_COLUMNS = 4096
#: Bytes of one record of a text: every cell of the widest table, with room for notes.
MAX_RECORD = 4 * 2**20
#: A name that a person wrote; what recognises names looks at no more.
MAX_HEADER = 400
#: How files begin that bear the suffix of a table and are none.
FOREIGN = {
    b"%pdf": "a PDF", b"<html": "a web page", b"<!doctype html": "a web page",
    b"<table": "a web page", b"{": "JSON", b"[{": "JSON", b"{\\rtf": "a text document",
}  # fmt: skip


def shown_name(path: Path) -> str:
    """Name of a file for messages and results, also where it is no text in any encoding."""
    return plain(os.fsencode(path.name).decode("utf-8", "backslashreplace"))


def read_bytes(path: Path) -> bytes:
    """Content of a file.

    Raises
    ------
    InputError
        Missing, a folder, empty, unreadable or too large.
    """
    try:
        if not path.is_file():
            raise InputError(f"{path}: no such file; check the path")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(f"{shown_name(path)}: {size} bytes; at most {MAX_BYTES} are read")
        data = path.read_bytes()
    except InputError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{str(path)[:200]}: cannot be read ({reason}); check the path") from None
    head = data[:4096].lstrip(b"\xef\xbb\xbf \r\n\t")
    head = head if len(head) >= 20 else data.lstrip(b"\xef\xbb\xbf \r\n\t")
    for start, what in FOREIGN.items():
        if head[:20].lower().startswith(start):
            raise InputError(
                f"{shown_name(path)}: this is {what}, no table; save it as .xlsx or CSV"
            )
    blanks = b"\x00\x1a \r\n\t"
    if not (data[:4096].strip(blanks) or data.strip(blanks)):
        raise InputError(f"{shown_name(path)}: the file is empty; it needs a header and rows")
    return data


def refuse_long_lines(file: str, data: bytes) -> None:
    """Refuse a text with a line longer than a record is: no table has it, and parsers choke on it.

    Raises
    ------
    InputError
        Names the row.
    """
    start = 0
    while len(data) - start > MAX_RECORD:
        last = data.rfind(b"\n", start, start + MAX_RECORD)
        last = last if last >= 0 else data.rfind(b"\r", start, start + MAX_RECORD)
        if last < 0:
            row = data.count(b"\n", 0, start) + 1
            raise InputError(long_record(file, row))
        start = last + 1


def long_record(file: str, row: int) -> str:
    """What is said of a record that is longer than `MAX_RECORD`."""
    return (
        f"{file}, row {row}: more than {MAX_RECORD} bytes; a record holds at most that many. "
        "Shorten the long cell, or close the quote that was left open"
    )


def short(says: Callable[[str], bool]) -> Callable[[str], bool]:
    """A question about headers that is not asked of texts too long to be one."""
    return lambda header: len(header) <= MAX_HEADER and says(header)


def decode(file: str, data: bytes) -> tuple[str, str]:
    """Text and the name of its encoding: UTF-8, UTF-16, else Western European.

    Raises
    ------
    InputError
        The bytes are not text.
    """
    for encoding in _encodings(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        text = text.rstrip("\x1a\x00")  # the end mark of old programs
        head = text[:100_000]
        odd = len(re.findall(r"[\x00-\x08\x0b\x0e-\x19\x1b-\x1f]", head))
        if odd <= len(head) // 200 and "\x00" not in head:
            return text, encoding
        break
    raise InputError(f"{file}: this is not a text table; save it as CSV in UTF-8")


def _encodings(data: bytes) -> tuple[str, ...]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    head = data[:1000]
    if head.count(0) > len(head) // 3:  # Latin letters in two bytes each, without a mark
        return ("utf-16-le",) if head[1:2] == b"\x00" else ("utf-16-be",)
    return ("utf-8-sig", "cp1252", "latin-1")


def comma_records(file: str, text: str) -> list[tuple[int, list[str]]]:
    """Records of text with commas that hold anything, each with the line on which it starts.

    Lines end as any system ends them; a quoted cell may hold several.

    Raises
    ------
    InputError
        A quote that is not closed or not doubled, or a cell longer than any table has.

    Examples
    --------
    >>> comma_records("a.csv", 'study,n\\r"Doe, 2001",12\\r')
    [(1, ['study', 'n']), (2, ['Doe, 2001', '12'])]
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((start, cells))
            start = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{file}, row {start}: {error}; close the quote that was left open, and double a quote "
            "inside a quoted cell"
        ) from None
    return found


def numbered(file: str, rows: Iterable[Iterable[Cell]]) -> tuple[Row, ...]:
    """Rows that hold anything, with their numbers from 1, up to the limit of cells.

    Raises
    ------
    InputError
        More cells or columns than a table has.
    """
    kept, cells = [], 0
    for number, cells_of_row in enumerate(rows, start=1):
        row = tuple(cells_of_row)
        cells += len(row)
        if cells > MAX_GRID_CELLS or len(row) > MAX_COLUMNS:
            raise InputError(
                f"{file}, row {number}: more than {MAX_GRID_CELLS} cells or {MAX_COLUMNS} columns; "
                "save the table alone, as CSV"
            )
        if any(c is not None and str(c).strip(" \t\x1a") for c in row):
            kept.append(Row(number, row))
    return tuple(kept)
