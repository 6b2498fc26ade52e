"""A file to grids of cells, whatever its suffix: workbook, SpreadsheetML 2003, delimited text."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from retrostats.errors import InputError
from retrostats.read.carts.base import Source
from retrostats.read.carts.names import GASES, read_name
from retrostats.read.files import MAX_COLUMNS, decode, numbered, read_bytes
from retrostats.read.grid import Cell, Sheet
from retrostats.read.workbook import read_workbook, refuse_entities

MAX_BYTES = 64 * 2**20
DELIMITERS = "\t;,|"
_SPREADSHEET = "{urn:schemas-microsoft-com:office:spreadsheet}"


def load(path: Path) -> Source:
    """Grids of a file, whatever its suffix says.

    Raises
    ------
    InputError
        Missing, empty, too large, binary, unsafe or damaged.
    """
    return parse(path.name, read_bytes(path))


def parse(file: str, data: bytes) -> Source:
    """Grids of the bytes of a file; see `load`."""
    if len(data) > MAX_BYTES:
        raise InputError(f"{file}: {len(data)} bytes; at most {MAX_BYTES} of a cart export")
    digest = hashlib.sha256(data).hexdigest()
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise InputError(f"{file}: an old .xls workbook; save it as .xlsx or CSV and try again")
    if data.startswith(b"PK"):
        book = read_workbook(file, data)
        notes = ("formulas: their stored values are used, none was run",) if book.formulas else ()
        return Source(file, digest, "xlsx", "", book.sheets, notes)
    text, _ = decode(file, data)
    if text.lstrip().startswith("<"):
        return Source(file, digest, "xml", "", _xml(file, data))
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


def _xml(file: str, data: bytes) -> tuple[Sheet, ...]:
    """Worksheets of a SpreadsheetML 2003 document."""
    try:
        from defusedxml import DefusedXmlException
        from defusedxml.ElementTree import fromstring
    except ImportError:
        raise InputError(
            f"{file}: XML exports need defusedxml; pip install 'retrostats[io]'"
        ) from None
    refuse_entities(file, data)
    try:
        root = fromstring(data, forbid_dtd=True)
    except DefusedXmlException:
        raise InputError(f"{file}: the XML declares entities; refused as unsafe") from None
    except Exception as error:  # a damaged document can fail anywhere inside the parser
        raise InputError(f"{file}: not well-formed XML ({error}); export it again") from None
    sheets = [
        Sheet(str(sheet.get(f"{_SPREADSHEET}Name", "")), numbered(file, _xml_rows(file, sheet)))
        for sheet in root.iter(f"{_SPREADSHEET}Worksheet")
    ]
    if not sheets:
        raise InputError(
            f"{file}: XML without worksheets; the reader knows SpreadsheetML 2003, as MetaSoft "
            "writes it. Export the test as xlsx or CSV"
        )
    return tuple(sheets)


def _xml_rows(file: str, sheet: Iterable[object]) -> Iterator[list[Cell]]:
    number = 0
    for row in sheet.iter(f"{_SPREADSHEET}Row"):  # type: ignore[attr-defined]
        skip = _index(file, row.get(f"{_SPREADSHEET}Index"), number + 1, 1_048_576) - number - 1
        yield from ([] for _ in range(skip))
        number += skip + 1
        cells: list[Cell] = []
        for cell in row.iter(f"{_SPREADSHEET}Cell"):
            at = _index(file, cell.get(f"{_SPREADSHEET}Index"), len(cells) + 1, MAX_COLUMNS)
            cells += [None] * (at - 1 - len(cells))
            data = cell.find(f"{_SPREADSHEET}Data")
            cells.append(None if data is None else _xml_value(data))
            over = _index(file, cell.get(f"{_SPREADSHEET}MergeAcross"), 0, MAX_COLUMNS)
            cells += [None] * over
        yield cells


def _xml_value(data: object) -> Cell:
    text = "".join(data.itertext())  # type: ignore[attr-defined]
    kind = data.get(f"{_SPREADSHEET}Type")  # type: ignore[attr-defined]
    if kind == "Number" and re.fullmatch(r"[+-]?[\d.]+([eE][+-]?\d{1,3})?", text.strip()):
        try:
            return float(text)
        except ValueError:
            return text
    return text


def _index(file: str, text: str | None, usual: int, most: int) -> int:
    if text is None:
        return usual
    if not re.fullmatch(r"\d{1,7}", text) or not usual <= int(text) <= most:
        raise InputError(
            f"{file}: cell or row index {text[:20]!r} of the XML; allowed {usual} to {most}"
        )
    return int(text)
