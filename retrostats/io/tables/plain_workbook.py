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
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

from retrostats.io.tables.files import MAX_COLUMNS, MAX_GRID_CELLS
from retrostats.io.tables.grid import Cell, column_number

#: What XML parsers may read apart: comments, raw text, line ends of other systems.
_UNUSUAL = (b"<!--", b"<![CDATA[", b"\r", b"&#13;", b"&#x")
#: Texts that are empty, escaped (_x000D_), or with readings beside them (<rPh>).
_TEXTS = (b"<si/>", b"<si></si>", b"<t></t>", b'preserve"></t>', b"<rPh", b"_x")
_KEPT = b'<t xml:space="preserve">'
#: calamine takes blanks away that nobody asked to keep.
_BLANKS = re.compile(rb"<t>(?:\s|[^<]*\s</t>)")
#: Types of cells that both read alike, and of formulas, whose attribute has the same name.
_TYPES = (b"s", b"n", b"b", b"str", b"shared", b"array", b"dataTable")
#: openpyxl tells 5 from 5.0, and whole numbers beyond those of a float, by how they are written.
_WHOLE = re.compile(rb"\.0*\n")
_LONG = re.compile(rb"\n(?:-?\d{16}|[-+]?(?:[nN][aA][nN]|[iI][nN][fF]))")
_EXPONENT = re.compile(rb"\n([-+.\d]+[eE][-+]?\d+)(?=\n)")
_ERROR = re.compile(
    rb'<c r="([A-Z]{1,3})(\d{1,7})"(?: s="\d+")? t="e">'
    rb"(?:<f[^>]*/>|<f[^>]*>[^<]*</f>)?<v>([#A-Z/0!?]+)</v></c>"
)
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


@dataclass(frozen=True, slots=True)
class PlainSheet:
    """Number and width of each row, cells without a value counted; errors by row and column."""

    rows: tuple[tuple[int, int], ...] = ()
    errors: tuple[tuple[int, int, str], ...] = ()


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
            self.fits = _plain_text(part) and _plain_strings(part)
        elif name.startswith("xl/worksheets/") and name.endswith(".xml"):
            sheet = _sheet(part) if _plain_text(part) else None
            self.fits = sheet is not None
            self._sheets[name] = sheet or PlainSheet()
            self._negative |= b"<v>-" in part

    def outside(self, part: bytes) -> bytes:
        """A part without the rows of a sheet that fits, which name no other sheet."""
        start, end = part.find(b"<sheetData>"), part.find(b"</sheetData>")
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


def plain_rows(data: bytes, parts: PlainParts) -> list[tuple[str, Iterator[tuple[Cell, ...]]]]:
    """Title and rows of each worksheet, row by row from the first; the values openpyxl gives.

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
    grids = [book.get_sheet_by_name(title).to_python(skip_empty_area=False) for title, _ in sheets]
    if parts.timed and any(_apart(v) for grid in grids for row in grid for v in row):
        raise ValueError("times that the two round or count apart")
    return [
        (title, _cells(grid, sheet)) for (title, sheet), grid in zip(sheets, grids, strict=True)
    ]


def _cells(grid: list[list[Any]], sheet: PlainSheet) -> Iterator[tuple[Cell, ...]]:
    """Each row to its own width; numbers without a fraction as integers, no cell as None."""
    for row_number, column, text in sheet.errors:
        grid[row_number - 1][column - 1] = text
    last = 0
    for number, width in sheet.rows:
        for _ in range(last + 1, number):
            yield ()
        last = number
        values = grid[number - 1][:width] if number <= len(grid) else []
        row = tuple([
            v if (kind := v.__class__) is str and v
            else (int(v) if v.is_integer() else v) if kind is float
            else None if kind is str
            else dt.datetime(v.year, v.month, v.day) if kind is dt.date
            else v
            for v in values
        ])  # fmt: skip
        yield row + (None,) * (width - len(row))


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
    return not any(part.find(mark, len(head)) >= 0 for mark in _UNUSUAL)


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


def _sheet(sheet: bytes) -> PlainSheet | None:
    """Layout of a sheet; None where it is not written in the common way."""
    start, end = sheet.find(b"<sheetData>"), sheet.find(b"</sheetData>")
    if start < 0 or end < 0:
        alone = sheet.count(b"<sheetData") == sheet.count(b"<sheetData/>") == 1
        return PlainSheet() if alone else None
    body = sheet[start + 11 : end]
    errors = tuple(
        (int(row), column_number(letters.decode()), text.decode())
        for letters, row, text in _ERROR.findall(body)
    )
    types = sum(body.count(b' t="%s"' % kind) for kind in _TYPES)
    inline = body.count(b' t="inlineStr"')
    common = (
        body.count(b"<c") == body.count(b'<c r="')
        and body.count(b"<row") == body.count(b'<row r="')
        and body.count(b' t="') == types + inline + len(errors)
        and (not inline or _plain_strings(body))
        and b"<sheet" not in body
        and b":sheet" not in body
        and _plain_numbers(body)
    )
    rows = _rows(body) if common else None
    return None if rows is None else PlainSheet(rows, errors)


def _plain_strings(part: bytes) -> bool:
    """Whether both read the same texts."""
    if part.count(b"<t") != part.count(b"<t>") + part.count(_KEPT) + part.count(b"<tableParts"):
        return False
    if any(mark in part for mark in _TEXTS):
        return False
    edges = [b"<t>%c" % c for c in b" \t\n"] + [b"%c</t>" % c for c in b" \t\n"]
    return not any(edge in part for edge in edges) or not _BLANKS.search(part)


def _plain_numbers(body: bytes) -> bool:
    """Whether whole numbers are written as such, and no others."""
    values = [piece[: piece.find(b"<")] for piece in body.split(b"<v>")[1:]]
    written = b"\n" + b"\n".join(values) + b"\n"
    if _WHOLE.search(written) or _LONG.search(written):
        return False
    if b"e" not in written and b"E" not in written:
        return True
    return not any(float(text).is_integer() for text in _EXPONENT.findall(written))


def _rows(body: bytes) -> tuple[tuple[int, int], ...] | None:
    """Number and width of each row, where they and their cells stand in order."""
    rows: list[tuple[int, int]] = []
    widths: dict[bytes, int] = {b"": 0}
    for written in body.split(b'<row r="')[1:]:
        number, _, cells = written.partition(b'"')
        key = b"".join([c[: c.find(b'"')] + b" " for c in cells.split(b'<c r="')[1:]])
        key = key.replace(number + b" ", b" ")
        if key not in widths:
            widths[key] = _width(key)
        if not number.isdigit() or len(number) > 7 or widths[key] < 0:
            return None
        rows.append((int(number), widths[key]))
    widest = max(widths.values())
    if any(a >= b for (a, _), (b, _) in pairwise(rows)) or widest > MAX_COLUMNS:
        return None
    return tuple(rows) if not rows or rows[-1][0] * widest <= MAX_GRID_CELLS else None


def _width(letters: bytes) -> int:
    """Width of a row from the letters of its cells; -1 if they are no columns in order."""
    columns = [column_number(name) for name in letters.decode("latin-1").split()]
    ordered = all(a < b for a, b in pairwise([0, *columns]))
    return columns[-1] if ordered and re.fullmatch(rb"(?:[A-Z]{1,3} )+", letters) else -1
