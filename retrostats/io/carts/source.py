"""A file to grids of cells, whatever its suffix: workbook, SpreadsheetML 2003, delimited text."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path

from retrostats.common.errors import InputError
from retrostats.io.bounded.parent import parse_bounded
from retrostats.io.carts.base import Source
from retrostats.io.carts.names import GASES, read_name
from retrostats.io.tables.files import (
    MAX_COLUMNS,
    decode,
    numbered,
    read_bytes,
    refuse_long_lines,
    shown_name,
)
from retrostats.io.tables.grid import Cell, Sheet
from retrostats.io.tables.recordings import TCX, is_fit
from retrostats.io.tables.workbook import COMPOUND, old_workbook, read_workbook

MAX_BYTES = 64 * 2**20
DELIMITERS = "\t;,|"
#: First bytes of a document in which its kind is looked for.
SNIFFED = 4096


def load(path: Path) -> Source:
    """Grids of a file, whatever its suffix says.

    Raises
    ------
    InputError
        Missing, empty, too large, binary, unsafe or damaged.
    """
    return parse(shown_name(path), read_bytes(path))


def parse(file: str, data: bytes) -> Source:
    """Grids of the bytes of a file; see `load`."""
    if len(data) > MAX_BYTES:
        raise InputError(f"{file}: {len(data)} bytes; at most {MAX_BYTES} of a cart export")
    digest = hashlib.sha256(data).hexdigest()
    if data.startswith(COMPOUND):
        raise InputError(old_workbook(file, data))
    if data.startswith(b"PK"):
        book = read_workbook(file, data)
        notes = ["formulas: their stored values are used, none was run"] * book.formulas
        if book.percent:
            notes.append(f"{book.percent} cells shown as a percent: read as shown, 5% is 5")
        sheets = tuple(Sheet(sheet.name, sheet.rows) for sheet in book.sheets)
        return Source(file, digest, "xlsx", "", sheets, tuple(notes))
    if is_fit(data):
        return Source(file, digest, "fit", "", parse_bounded("fit", file, data))
    text, _ = decode(file, data)
    if text.lstrip().startswith("<") and TCX in data[:SNIFFED]:
        return Source(file, digest, "tcx", "", parse_bounded("tcx", file, data))
    if text.lstrip().startswith("<"):
        return Source(file, digest, "xml", "", parse_bounded("spreadsheetml", file, data))
    refuse_long_lines(file, data)
    return Source(file, digest, "text", text, tuple(_text_grids(file, text)))


def _text_grids(file: str, text: str) -> Iterator[Sheet]:
    """The text cut at each delimiter that cuts a header of gases and time into cells."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for delimiter in DELIMITERS:
        if any(delimiter in line and _gas_header(line, delimiter) for line in lines[:2000]):
            rows = _cut(file, lines, delimiter)
            yield Sheet({"\t": "tab"}.get(delimiter, delimiter), numbered(file, rows))


def _gas_header(line: str, delimiter: str) -> bool:
    names = {read_name(cell.strip(' "')) for cell in line.split(delimiter)[:MAX_COLUMNS]}
    kinds = {name[0] for name in names if name}
    return "time" in kinds and bool(kinds & GASES)


def _cut(file: str, lines: list[str], delimiter: str) -> Iterator[list[Cell]]:
    """Cells of every line; a quote may stay open over two more lines, not to the end of a file."""
    number = 0
    while number < len(lines):
        many = 1
        if lines[number].count('"') % 2:
            joined = (lines[number : number + n] for n in (2, 3))
            many = next((len(j) for j in joined if sum(x.count('"') for x in j) % 2 == 0), 1)
        line = " ".join(lines[number : number + many])
        number += many
        try:
            yield next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
        except csv.Error as error:
            raise InputError(f"{file}, row {number}: not delimited text ({error})") from None
        yield from ([] for _ in range(many - 1))
