"""Worksheets of SpreadsheetML 2003, the XML that metabolic carts export; parsed by the child."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from retrostats.common.errors import InputError
from retrostats.io.tables.files import MAX_COLUMNS, numbered
from retrostats.io.tables.grid import Cell, Sheet
from retrostats.io.tables.workbook import as_percent, is_percent, refuse_entities

_SPREADSHEET = "{urn:schemas-microsoft-com:office:spreadsheet}"


def parse_spreadsheetml(file: str, data: bytes, option: str = "") -> tuple[Sheet, ...]:
    """Worksheets of a SpreadsheetML 2003 document.

    Raises
    ------
    InputError
        Entities, damage, or no worksheet.
    """
    root = xml_root(file, data)
    percents = _percent_styles(root)
    sheets = [
        Sheet(
            str(sheet.get(f"{_SPREADSHEET}Name", "")),
            numbered(file, _xml_rows(file, sheet, percents)),
        )
        for sheet in root.iter(f"{_SPREADSHEET}Worksheet")
    ]
    if not sheets:
        raise InputError(
            f"{file}: XML without worksheets; the reader knows SpreadsheetML 2003, as MetaSoft "
            "writes it, and TCX. Export the test as xlsx or CSV"
        )
    return tuple(sheets)


def xml_root(file: str, data: bytes) -> Any:
    """The root of an XML document that declares no entities.

    Raises
    ------
    InputError
        Entities, damage, or no library that reads XML safely.
    """
    try:
        from defusedxml import DefusedXmlException
        from defusedxml.ElementTree import fromstring
    except ImportError:
        raise InputError(
            f"{file}: XML exports need defusedxml; pip install 'retrostats[io]'"
        ) from None
    refuse_entities(file, data)
    try:
        return fromstring(data, forbid_dtd=True)
    except DefusedXmlException:
        raise InputError(f"{file}: the XML declares entities; refused as unsafe") from None
    except MemoryError:
        raise
    except Exception as error:  # a damaged document can fail anywhere inside the parser
        raise InputError(f"{file}: not well-formed XML ({error}); export it again") from None


def _percent_styles(root: Any) -> frozenset[str]:
    """Identifiers of the styles whose numbers are shown as a percent."""
    found = []
    for style in root.iter(f"{_SPREADSHEET}Style"):
        shown = style.find(f"{_SPREADSHEET}NumberFormat")
        text = "" if shown is None else str(shown.get(f"{_SPREADSHEET}Format", ""))
        if text == "Percent" or is_percent(text):
            found.append(str(style.get(f"{_SPREADSHEET}ID", "")))
    return frozenset(found)


def _xml_rows(file: str, sheet: Iterable[object], percents: frozenset[str]) -> Iterator[list[Cell]]:
    number = 0
    for row in sheet.iter(f"{_SPREADSHEET}Row"):  # type: ignore[attr-defined]
        skip = _index(file, row.get(f"{_SPREADSHEET}Index"), number + 1, 1_048_576) - number - 1
        yield from ([] for _ in range(skip))
        number += skip + 1
        cells: list[Cell] = []
        for cell in row.findall(f"{_SPREADSHEET}Cell"):  # its own: rows may be nested
            at = _index(file, cell.get(f"{_SPREADSHEET}Index"), len(cells) + 1, MAX_COLUMNS)
            cells += [None] * (at - 1 - len(cells))
            data = cell.find(f"{_SPREADSHEET}Data")
            value = None if data is None else _xml_value(data)
            if isinstance(value, float) and cell.get(f"{_SPREADSHEET}StyleID") in percents:
                value = as_percent(value)
            cells.append(value)
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
