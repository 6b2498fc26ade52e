"""Worksheets of a spreadsheet: stored values only, under limits; no formula runs."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass

from retrostats.errors import InputError
from retrostats.readers.files import numbered
from retrostats.readers.grid import Cell, Sheet

MAX_UNPACKED = 256 * 2**20
#: Spreadsheets of numbers shrink ten- to thirtyfold; a bomb a thousandfold.
MAX_RATIO = 200
MAX_PARTS = 5000
MAX_AREA = 20_000_000
#: Characters that cells may share: texts are stored once in the file, once a cell in memory.
MAX_TEXT = 2**30
MAX_REPEATS = 1000
#: Largest .xls: its texts are shared too, and cannot be counted before it is read.
MAX_XLS = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Workbook:
    """Sheets in order, merged ranges ("A1:B2") by sheet, and whether there were formulas."""

    sheets: tuple[Sheet, ...]
    merged: dict[str, tuple[str, ...]]
    formulas: bool


def read_workbook(file: str, data: bytes) -> Workbook:
    """Every worksheet of the bytes of a spreadsheet: .xlsx, .xlsm, .xlsb, .xls or .ods.

    Raises
    ------
    InputError
        Unsafe (expands too far, declares entities), damaged, or the library is not installed.
    """
    try:
        from python_calamine import CalamineWorkbook
    except ImportError:
        raise InputError(
            f"{file}: spreadsheets need python-calamine; pip install 'retrostats[io]'"
        ) from None
    if data.startswith(b"\xd0\xcf\x11\xe0") and len(data) > MAX_XLS:
        raise InputError(f"{file}: {len(data)} bytes of .xls; save it as .xlsx or CSV")
    sheets, merged = [], {}
    try:
        formulas = data.startswith(b"PK") and _inspect(file, data)
        with CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            for name in book.sheet_names:
                sheet = book.get_sheet_by_name(name)
                if sheet.total_height * sheet.total_width > MAX_AREA:
                    raise InputError(
                        f"{file}, sheet {name!r}: {sheet.total_height} rows by "
                        f"{sheet.total_width} columns; at most {MAX_AREA} cells are read"
                    )
                left: list[Cell] = [None] * (sheet.start[1] if sheet.start else 0)
                cells = ([*left, *(None if c == "" else c for c in r)] for r in sheet.iter_rows())
                sheets.append(Sheet(name, numbered(file, cells)))
                merged[name] = tuple(map(_range, sheet.merged_cell_ranges or ()))
    except InputError:
        raise
    except KeyboardInterrupt:
        raise
    except (
        BaseException
    ) as error:  # damaged files fail anywhere inside; a Rust panic is no Exception
        raise InputError(
            f"{file}: not a readable spreadsheet ({type(error).__name__}: {str(error)[:120]}); "
            "open it in a spreadsheet program and save it again as .xlsx"
        ) from None
    return Workbook(tuple(sheets), merged, formulas)


def _range(corners: tuple[tuple[int, int], tuple[int, int]]) -> str:
    """Corners counted from 0 as "A1:B2"."""
    return ":".join(f"{_letters(column)}{row + 1}" for row, column in corners)


def _letters(column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def refuse_entities(file: str, data: bytes) -> None:
    """Refuse XML that declares a document type or entities."""
    plain = data.replace(b"\x00", b"")  # also in UTF-16
    if b"<!DOCTYPE" in plain or b"<!ENTITY" in plain:
        raise InputError(f"{file}: the XML declares a document type or entities; refused as unsafe")


def _inspect(file: str, data: bytes) -> bool:
    """Whether there are formulas; refuses an unsafe archive before unpacking."""
    formulas, shared, longest = False, 0, 0
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
            if item.filename.startswith("xl/worksheets/"):
                formulas |= bool(re.search(rb"<f[ >/]", part))
                _refuse_area(file, part)
                shared += part.count(b't="s"')
            elif item.filename.startswith("xl/sharedStrings"):
                longest = max(map(len, part.split(b"</si>")))
            elif item.filename == "content.xml":
                formulas |= b"table:formula" in part
                _refuse_repeats(file, part)
    if shared * longest > MAX_TEXT:
        raise InputError(
            f"{file}: {shared} cells share texts of up to {longest} characters; refused as unsafe"
        )
    return formulas


def _refuse_area(file: str, sheet: bytes) -> None:
    """Refuse one far cell that would make a grid of everything before it."""
    rows = max(map(int, re.findall(rb'<row[^>]*? r="(\d{1,9})"', sheet)), default=0)
    columns = max((len(c), c) for c in {b"", *re.findall(rb'<c r="([A-Z]{1,3})\d', sheet)})[1]
    width = 0
    for letter in columns:
        width = width * 26 + letter - 64
    if rows * width > MAX_AREA:
        raise InputError(
            f"{file}: a sheet of {rows} rows by {width} columns; at most {MAX_AREA} cells are read"
        )


def _refuse_repeats(file: str, content: bytes) -> None:
    """Refuse a filled row or cell of an .ods that stands for thousands; empty ones are usual."""
    for tag in (b"table-row", b"table-cell"):
        pattern = rb"<table:" + tag + rb"[^>]*repeated=\"(\d+)\"[^>]*>(.*?)</table:" + tag
        for many, inside in re.findall(pattern, content, flags=re.DOTALL):
            if int(many[:9]) > MAX_REPEATS and (b"text:p" in inside or b"office:value" in inside):
                raise InputError(
                    f"{file}: one filled cell stands for {int(many)}; refused as unsafe"
                )
