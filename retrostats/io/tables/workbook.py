"""Worksheets of an .xlsx file: stored values only, under limits; no formula runs."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from retrostats.common.errors import InputError
from retrostats.io.bounded.parent import parse_bounded
from retrostats.io.tables.columns import PackedSheet
from retrostats.io.tables.files import numbered
from retrostats.io.tables.grid import Cell, Sheet, column_number
from retrostats.io.tables.plain_workbook import PlainParts, plain_sheets
from retrostats.io.tables.shown import as_shown

MAX_UNPACKED = 256 * 2**20
#: Spreadsheets of numbers shrink ten- to thirtyfold; a bomb a thousandfold.
MAX_RATIO = 200
MAX_PARTS = 5000
MAX_AREA = 20_000_000
#: Characters that cells may share: texts are stored once in the file, once a cell in memory.
MAX_TEXT = 2**30
#: How a compound file begins: an old workbook, or a new one behind a password.
COMPOUND = b"\xd0\xcf\x11\xe0"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_SHEET_PARTS = re.compile(r"xl/(work|chart|dialog|macro)sheets/[^/]+\.xml", re.IGNORECASE)


AnySheet: TypeAlias = Sheet | PackedSheet


@dataclass(frozen=True, slots=True)
class Workbook:
    """Sheets in order, merged ranges ("A1:B2") by sheet, and whether there were formulas.

    `percent`: cells shown as a percent, whose value is what is shown (5 for 5%, stored as 0.05).
    """

    sheets: tuple[AnySheet, ...]
    merged: dict[str, tuple[str, ...]]
    formulas: bool
    percent: int = 0


#: Option of the parser: numbers as the sheet shows them.
PRINTED = "printed"


def read_workbook(file: str, data: bytes, *, printed: bool = False) -> Workbook:
    """Every worksheet of the bytes of an .xlsx file, parsed by a bounded child process.

    With `printed` every cell is a text, a number with the digits that its format shows.

    Raises
    ------
    InputError
        Behind a password, unsafe (expands too far, declares entities), damaged, or openpyxl is
        not installed.
    """
    if data.startswith(COMPOUND):
        raise InputError(old_workbook(file, data))
    book: Workbook = parse_bounded("workbook", file, data, PRINTED if printed else "")
    return book


def parse_workbook(file: str, data: bytes, option: str = "") -> Workbook:
    """The work of `read_workbook`, within this process."""
    try:
        import openpyxl  # noqa: F401
    except ImportError:
        raise InputError(
            f"{file}: spreadsheets need openpyxl; pip install 'retrostats[io]'"
        ) from None
    shown = Percents()
    try:
        inside = _inspect(file, data)
        plain = None if option == PRINTED or inside.merges else _plain(data, inside.plain)
        sheets, merged = (
            (plain, {})
            if plain is not None
            else _by_openpyxl(file, data, option, inside.merges, shown)
        )
    except (InputError, MemoryError):
        raise
    except Exception as error:  # a damaged archive can fail anywhere inside the library
        raise InputError(
            f"{file}: not a readable spreadsheet ({type(error).__name__}: {str(error)[:120]}); "
            "open it in a spreadsheet program and save it again as .xlsx"
        ) from None
    return Workbook(tuple(sheets), merged, inside.formulas, shown.count)


def _plain(data: bytes, parts: PlainParts) -> list[AnySheet] | None:
    """Sheets by calamine, where it gives the same cells and is installed; else None."""
    if not parts.fits:
        return None
    try:
        return list(plain_sheets(data, parts))
    except MemoryError:
        raise
    except Exception:  # what it cannot read is left to openpyxl, which says what is wrong
        return None


def _by_openpyxl(
    file: str, data: bytes, option: str, merges: bool, shown: Percents
) -> tuple[list[AnySheet], dict[str, tuple[str, ...]]]:
    """Sheets and merged ranges by openpyxl, which knows formats and merged cells."""
    import openpyxl

    sheets: list[AnySheet] = []
    merged = {}
    percents = _formats_percent(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # styles and extensions that hold no data
        # only a whole load knows where cells are merged
        book = openpyxl.load_workbook(
            io.BytesIO(data), read_only=not merges, data_only=True, keep_links=False
        )
        for sheet in book.worksheets:
            if merges:
                merged[sheet.title] = tuple(map(str, sheet.merged_cells.ranges))
            else:
                sheet.reset_dimensions()  # a false dimension would pad or cut every row
            if option == PRINTED:
                made: Iterable[Any] = (as_shown(file, row) for row in sheet.iter_rows())
            elif percents:
                made = map(shown.row, sheet.iter_rows())
            else:
                made = sheet.iter_rows(values_only=True)
            sheets.append(Sheet(sheet.title, numbered(file, made)))
        book.close()
    return sheets, merged


class Percents:
    """Values of cells, in percent where they are shown so; `count` of those."""

    def __init__(self) -> None:
        self.count = 0

    def row(self, cells: Iterable[Any]) -> tuple[Cell, ...]:
        """Values of a row of cells."""
        return tuple(map(self._value, cells))

    def _value(self, cell: Any) -> Cell:
        value: Cell = cell.value
        if type(value) not in (int, float) or not is_percent(cell.number_format):
            return value
        self.count += 1
        return as_percent(value)


def is_percent(number_format: str) -> bool:
    """Whether a number format multiplies by a hundred: a percent sign that is no literal.

    Examples
    --------
    >>> is_percent("0.0%"), is_percent("0%;[Red]-0%"), is_percent('0.0"%"'), is_percent("General")
    (True, True, False, False)
    """
    return "%" in re.sub(r'"[^"]*"|\\.', "", number_format)


def as_percent(value: float) -> float:
    """A hundred times a number, without a digit that it does not have.

    Examples
    --------
    >>> as_percent(0.07)
    7.0
    """
    return float(Decimal(repr(value)) * 100)


def _formats_percent(data: bytes) -> bool:
    """Whether any style of a workbook may be a percent; else cells need no closer look."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if name.endswith("styles.xml")]
        styles = b"".join(map(archive.read, names))
    return b"%" in styles or bool(re.search(rb"numFmtId=[\"'](9|10)[\"']", styles))


def old_workbook(file: str, data: bytes) -> str:
    """What is said of a compound file: behind a password, or of a program's older format."""
    if _ENCRYPTED in data:
        return (
            f"{file}: a workbook behind a password, which is not asked for; open it, take the "
            "password away (save as, without encryption) and try again"
        )
    return f"{file}: an old .xls workbook; save it as .xlsx or CSV and try again"


def refuse_entities(file: str, data: bytes) -> None:
    """Refuse XML that declares a document type or entities."""
    if b"!" not in data:  # one letter is found at once
        return
    plain = data.replace(b"\x00", b"")  # also in UTF-16
    if b"<!DOCTYPE" in plain or b"<!ENTITY" in plain:
        raise InputError(f"{file}: the XML declares a document type or entities; refused as unsafe")


@dataclass(frozen=True, slots=True)
class _Inside:
    """What the parts of a workbook hold."""

    formulas: bool
    merges: bool
    plain: PlainParts


def _inspect(file: str, data: bytes) -> _Inside:
    """Whether there are formulas and merged cells; refuses what would unfold too far."""
    plain = PlainParts()
    formulas, merges, shared, longest, named = False, False, 0, 0, 0
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        items = archive.infolist()
        total = sum(item.file_size for item in items)
        most = min(MAX_UNPACKED, MAX_RATIO * max(len(data), 50_000))
        if total > most or len(items) > MAX_PARTS:
            raise InputError(
                f"{file}: unpacks from {len(data)} to {total} bytes in {len(items)} parts; "
                f"refused as unsafe (at most {MAX_UNPACKED} bytes, {MAX_RATIO} times its size)"
            )
        for item in items:
            if not item.filename.endswith((".xml", ".rels")):
                continue
            part = archive.read(item)
            refuse_entities(file, part)
            plain.see(item.filename, part)
            named = max(named, len(re.findall(rb"<(?:\w+:)?sheet[\s/>]", plain.outside(part))))
            if item.filename.startswith("xl/worksheets/"):
                formulas |= bool(re.search(rb"<f[> /]", part)) if b"<f" in part else False
                merges |= b"<mergeCell " in part
                if not plain.fits:  # else its rows are known, and fewer
                    _refuse_area(file, part)
                shared += part.count(b't="s"')
            elif item.filename.startswith("xl/sharedStrings"):
                longest = max(map(len, part.split(b"</si>")))
    sheets = sum(bool(_SHEET_PARTS.fullmatch(item.filename)) for item in items)
    if named > sheets:
        raise InputError(
            f"{file}: the workbook names {named} sheets and holds {sheets}; refused as unsafe, "
            "save the table alone, as CSV or a new workbook"
        )
    if shared * longest > MAX_TEXT:
        raise InputError(
            f"{file}: {shared} cells share texts of up to {longest} characters; refused as unsafe"
        )
    return _Inside(formulas, merges, plain)


def _refuse_area(file: str, sheet: bytes) -> None:
    """Refuse one far cell that would make a grid of everything before it."""
    rows = max(map(int, re.findall(rb'<row[^>]*? r="(\d{1,9})"', sheet)), default=0)
    columns = set(re.findall(rb'<c r="([A-Z]{1,3})\d', sheet))
    width = max((column_number(letters.decode()) for letters in columns), default=0)
    if rows * width > MAX_AREA:
        raise InputError(
            f"{file}: a sheet of {rows} rows by {width} columns; at most {MAX_AREA} cells are read"
        )
