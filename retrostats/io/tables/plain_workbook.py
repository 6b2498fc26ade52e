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
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from retrostats.io.tables.columns import PackedSheet, packed_sheet
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
_WHOLE = re.compile(rb"\.0*</v")
_LONG = re.compile(rb"<v>(?:-?\d{16}|[-+]?(?:[nN][aA][nN]|[iI][nN][fF]))")
_EXPONENT = re.compile(rb"<v>([-+.\d]+[eE][-+]?\d+)</v>")
_ANY_EXPONENT = re.compile(rb"[eE][-+]?\d+</v")
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


#: Places in a text, or numbers.
Places = NDArray[Any]
_NONE: Places = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class PlainSheet:
    """Number and width of each row, cells without a value counted; errors by row and column."""

    numbers: Places = field(default_factory=_NONE.copy)
    widths: Places = field(default_factory=_NONE.copy)
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

    return packed_sheet(title, numbers, widths, columns())


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
    return None if rows is None else PlainSheet(*rows, errors)


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
    if body.count(b"<v>") != body.count(b"</v>") or _WHOLE.search(body) or _LONG.search(body):
        return False
    if not _ANY_EXPONENT.search(body):
        return True
    return not any(float(text).is_integer() for text in _EXPONENT.findall(body))


def _rows(body: bytes) -> tuple[Places, Places] | None:
    """Number and width of each row, where they and their cells stand in order.

    Every cell and every row has to begin as `<c r="` and `<row r="`.
    """
    text = np.frombuffer(body + b" " * 16, dtype=np.uint8)  # past the last tag there is room
    tags = np.flatnonzero(text == ord("<"))
    rows = tags[(text[tags + 1] == ord("r")) & (text[tags + 2] == ord("o"))]
    cells = tags[text[tags + 1] == ord("c")]
    numbers, ends = _digits(text, rows + len(b'<row r="'))
    columns, after = _letters(text, cells + len(b'<c r="'))
    of_row, ends_of_cells = _digits(text, after)
    row = np.searchsorted(rows, cells) - 1
    if not len(rows) or (len(row) and row[0] < 0):
        return None if len(cells) else (numbers, numbers)
    ordered = (np.diff(numbers) > 0).all() and (np.diff(columns)[np.diff(row) == 0] > 0).all()
    whole = all((text[end] == ord('"')).all() for end in (ends, ends_of_cells))
    if not (ordered and whole and (numbers > 0).all() and (columns > 0).all()
            and (of_row == numbers[row]).all()):  # fmt: skip
        return None
    widths = np.zeros(len(rows), dtype=np.int64)
    last = np.flatnonzero(np.diff(row, append=-1))  # of each row the last cell
    widths[row[last]] = columns[last]
    widest = int(widths.max())
    if widest > MAX_COLUMNS or int(numbers[-1]) * widest > MAX_GRID_CELLS:
        return None
    return numbers, widths


def _digits(text: Places, at: Places) -> tuple[Places, Places]:
    """The numbers of up to seven digits that begin at some places, and where each ends.

    0 where none begins there, or with a zero.
    """
    value, at = np.zeros(len(at), dtype=np.int64), at.copy()
    for place in range(7):
        digit = text[at].astype(np.int64) - ord("0")
        is_digit = (digit >= 0) & (digit <= 9) & ((value > 0) | ((place == 0) & (digit > 0)))
        value = np.where(is_digit, 10 * value + digit, value)
        at += is_digit
    return value, at


def _letters(text: Places, at: Places) -> tuple[Places, Places]:
    """Numbers of the columns whose up to three letters begin at some places, and where they end."""
    value, at = np.zeros(len(at), dtype=np.int64), at.copy()
    running = np.ones(len(at), dtype=bool)
    for _ in range(3):
        letter = text[at].astype(np.int64) - ord("A")
        running &= (letter >= 0) & (letter < 26)
        value = np.where(running, 26 * value + letter + 1, value)
        at += running
    return value, at
