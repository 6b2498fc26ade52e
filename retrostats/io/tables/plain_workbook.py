"""Worksheets of which calamine gives the same cells as openpyxl, in a twentieth of the time.

openpyxl stays what says how a cell is read. Where a workbook holds anything that the two read
apart (`PlainParts` looks for each), it is read by openpyxl; so are merged cells, formats of numbers
that are shown, and percents, which calamine does not give.
"""

from __future__ import annotations

import datetime as dt
import io
import posixpath
import re
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any
from xml.etree import ElementTree

from retrostats.io.tables.columns import PackedSheet, packed_sheet
from retrostats.io.tables.grid import Cell
from retrostats.io.tables.sheet_layout import PlainSheet, plain_strings, sheet_layout

#: What XML parsers may read apart: comments, raw text, line ends of other systems.
_UNUSUAL = (b"<!--", b"<![CDATA[", b"\r", b"&#13;", b"&#x")
#: Formats that both take for a number, or for a time; others may be either.
_NUMBER = re.compile(r"(?:General|[-0#?.,;()_ ])*")
_TIME = re.compile(
    r"(?:AM/PM|\\[-/ .,:]|[-yYdDhHmMsS:/., ])*;?@?|\[hh?\]:mm(?::ss)?", re.IGNORECASE
)
#: Formats by number: of a language or a percent, and those that are times.
_FOREIGN = frozenset({*range(5, 11), *range(23, 37), *range(41, 45), *range(50, 164)})
_TIMES = frozenset({*range(14, 23), *range(45, 48)})
#: A sheet counts a 29 February 1900; and no days beyond those of the year 9999.
_LEAP, _LAST = dt.datetime(1900, 3, 1), 2_958_465
_LINKED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


class PlainParts:
    """Looks at the parts of a workbook; `fits` while calamine reads them as openpyxl does.

    None fits where calamine is not installed. `timed`: whether any cell may be a time.
    """

    def __init__(self) -> None:
        self.fits = find_spec("python_calamine") is not None
        self._sheets: dict[str, PlainSheet] = {}
        self.timed = self._negative = False
        self._book = self._links = b""

    def see(self, name: str, part: bytes) -> None:
        """One part, by its name in the archive."""
        try:
            self._see(name, part)
        except (ValueError, ElementTree.ParseError):  # openpyxl says what is wrong
            self.fits = False

    def _see(self, name: str, part: bytes) -> None:
        if not self.fits:
            return
        if name == "xl/workbook.xml":
            self._book = part
            self.fits = not re.search(rb"date1904=[\"'](1|true)", part)
        elif name == "xl/_rels/workbook.xml.rels":
            self._links = part
        elif name == "xl/styles.xml":
            self.fits, self.timed = _formats(part)
        elif name.startswith("xl/sharedStrings"):
            self.fits = _plain_text(part) and plain_strings(part)
        elif name.startswith("xl/worksheets/") and name.endswith(".xml"):
            sheet = sheet_layout(part) if _plain_text(part) else None
            self.fits = sheet is not None
            self._sheets[name] = sheet or PlainSheet()
            self._negative |= b"<v>-" in part

    def outside(self, part: bytes) -> bytes:
        """A part without the rows of a sheet that fits, which name no other sheet."""
        start, end = part.find(b"<sheetData>"), part.rfind(b"</sheetData>")
        return part[:start] + part[end:] if self.fits and 0 <= start < end else part

    def sheets(self) -> list[tuple[str, PlainSheet]]:
        """Title and layout of each worksheet, in the order of the workbook.

        Raises
        ------
        ValueError
            Numbers below zero, which may be times: the two count those apart.
        """
        if self.timed and self._negative:
            raise ValueError("times below zero")
        links = {
            link.get("Id"): posixpath.normpath(posixpath.join("/xl", link.get("Target", "")))[1:]
            for link in ElementTree.fromstring(self._links)
        }
        named = [e for e in ElementTree.fromstring(self._book).iter() if e.tag.endswith("}sheet")]
        found = [(e.get("name", ""), links.get(e.get(_LINKED), "")) for e in named]
        return [(title, self._sheets[part]) for title, part in found]


def plain_sheets(data: bytes, parts: PlainParts) -> list[PackedSheet]:
    """Each worksheet by columns: the values openpyxl gives.

    Raises
    ------
    Exception
        Whatever calamine says of a file that it cannot read; openpyxl may read it or say why.
    """
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    sheets = parts.sheets()
    if [title for title, _ in sheets] != book.sheet_names:
        raise ValueError("sheets by other names")
    return [
        _packed(title, sheet, book.get_sheet_by_name(title).to_python(skip_empty_area=False),
                parts.timed)
        for title, sheet in sheets
    ]  # fmt: skip


def _packed(title: str, sheet: PlainSheet, grid: list[list[Any]], timed: bool) -> PackedSheet:
    """A sheet of the values of calamine, from the first row and column.

    Raises
    ------
    ValueError
        Times that the two round or count apart.
    """
    errors: dict[int, list[tuple[int, str]]] = {}
    for row, column, text in sheet.errors:
        errors.setdefault(column - 1, []).append((row - 1, text))
    there = sheet.numbers <= len(grid)
    numbers, widths = sheet.numbers[there], sheet.widths[there]
    every = len(numbers) == len(grid)  # and in order: each row of the grid is one of the sheet

    def columns() -> Iterator[Sequence[Cell]]:
        for at, cells in enumerate(zip(*grid, strict=True)):
            if timed and any(map(_apart, cells)):
                raise ValueError("times that the two round or count apart")
            values = _cells(cells, errors.get(at, []))
            yield values if every else [values[number - 1] for number in numbers]

    return packed_sheet(title, numbers.tolist(), widths.tolist(), columns())


def _cells(values: Sequence[Any], errors: Sequence[tuple[int, str]]) -> Sequence[Cell]:
    """Cells of a column: no cell as None, a date as its midnight, errors in their places."""
    if errors:
        values = list(values)
        for place, text in errors:
            values[place] = text
    kinds = set(map(type, values))
    if dt.date in kinds:
        values = [dt.datetime(v.year, v.month, v.day) if v.__class__ is dt.date else v
                  for v in values]  # fmt: skip
    return [None if v == "" else v for v in values] if str in kinds and "" in values else values


def _apart(value: Any) -> bool:
    """Whether a cell may be a time that the two read apart: early, late, or of split seconds."""
    kind = value.__class__
    if kind is float:
        return bool(value >= _LAST)
    if kind is dt.time:
        return bool(value == dt.time() or value.microsecond)
    if kind is dt.timedelta:
        return bool(value.microseconds)
    if kind is dt.datetime:
        return bool(value < _LEAP or value.microsecond)
    return bool(kind is dt.date and value < _LEAP.date())


def _plain_text(part: bytes) -> bool:
    """Whether a part is UTF-8 without what parsers may read apart."""
    head = part[: part.find(b"?>") + 4] if part.startswith(b"<?xml") else b""
    named = re.search(rb"encoding=[\"']([^\"']+)", head)
    if part[:2] in (b"\xff\xfe", b"\xfe\xff") or (named and named[1].lower() != b"utf-8"):
        return False
    rare = b"!" in part or b"&" in part or b"\r" in part  # one letter is found at once
    return not (rare and any(part.find(mark, len(head)) >= 0 for mark in _UNUSUAL))


def _formats(styles: bytes) -> tuple[bool, bool]:
    """Whether both read every format alike and none is a percent; whether any may be a time."""
    if not _plain_text(styles):
        return False, False
    root = ElementTree.fromstring(styles)
    made = {e.get("numFmtId"): e.get("formatCode", "") for e in _children(root, "numFmts")}
    used = {e.get("numFmtId", "0") for e in _children(root, "cellXfs")}
    known = {n for n in used if n not in made and n.isdigit() and int(n) not in _FOREIGN}
    numbers = {n for n in used if n in made and _NUMBER.fullmatch(made[n])}
    times = {n for n in used - numbers if n in made and _TIME.fullmatch(made[n])}
    times |= {n for n in known if int(n) in _TIMES}
    return used == known | numbers | times, bool(times)


def _children(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    """Elements within those of a name, one level below the root."""
    return [e for outer in root if outer.tag.rpartition("}")[2] == name for e in outer]
