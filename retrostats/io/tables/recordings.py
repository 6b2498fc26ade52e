"""Recordings of sport watches and their apps, TCX and FIT: a row a moment; parsed by the child.

Garmin, Training Center Database v2 and Flexible and Interoperable Data Transfer: neither format
defines gases; who records them writes elements (TCX) or developer fields (FIT) with names and
units of their own, which are read as the header of a column.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from retrostats.common.errors import InputError
from retrostats.io.tables.files import numbered
from retrostats.io.tables.grid import Cell, Row, Sheet
from retrostats.io.tables.spreadsheetml import xml_root

#: What a TCX file says in one of its first bytes, and a FIT file from its ninth.
TCX, FIT = b"TrainingCenterDatabase", b".FIT"
#: Names of both formats: header of the column, with the unit that the format gives it.
_HEADERS = {
    "heartratebpm": "heart rate (bpm)", "heart_rate": "heart rate (bpm)",
    "speed": "speed (m/s)", "enhanced_speed": "speed (m/s)",
    "watts": "power (W)", "power": "power (W)",
}  # fmt: skip
_UNIT = ("unit", "units", "uom")


def is_fit(data: bytes) -> bool:
    """Whether bytes are a FIT file."""
    return data[8:12] == FIT


def parse_tcx(file: str, data: bytes, option: str = "") -> tuple[Sheet, ...]:
    """The track points of a TCX document.

    Raises
    ------
    InputError
        Entities, damage, or no track point.
    """
    moments = []
    for point in xml_root(file, data).iter():
        if _tag(point) == "Trackpoint":
            moments.append(dict(_leaves(point)))
    return _sheet(file, "TCX", moments)


def _leaves(element: Any) -> Iterator[tuple[str, Cell]]:
    """Each element that holds a text: its header (unit from an attribute), and the text."""
    for child in element:
        text = (child.text or "").strip()
        if len(child):
            inner = list(_leaves(child))
            one = [value for name, value in inner if name == "Value"]
            yield from [(_header(_tag(child)), one[0])] if one else inner
        elif text:
            unit = next((str(child.get(name)) for name in _UNIT if child.get(name)), "")
            name = _tag(child)
            said = _moment(text) if name == "Time" else text
            yield name if name == "Value" else _header(name, unit), said


def parse_fit(file: str, data: bytes, option: str = "") -> tuple[Sheet, ...]:
    """The messages `record` of a FIT file, developer fields by their own names and units.

    Raises
    ------
    InputError
        No library that reads FIT, damage, or no record.
    """
    try:
        from fitdecode import FitDataMessage, FitReader
        from fitdecode.exceptions import FitError
    except ImportError:
        raise InputError(
            f"{file}: FIT files need fitdecode; pip install 'retrostats[fit]', or export the "
            "recording as TCX or CSV"
        ) from None
    moments = []
    try:
        with FitReader(io.BytesIO(data)) as reader:
            for message in reader:
                if isinstance(message, FitDataMessage) and message.name == "record":
                    moments.append(dict(_fields(message.fields)))
    except MemoryError:
        raise
    except (FitError, ValueError, KeyError, TypeError, IndexError, ArithmeticError) as error:
        raise InputError(
            f"{file}: a damaged FIT file ({str(error)[:200]}); export it again, or as TCX or CSV"
        ) from None
    return _sheet(file, "FIT", moments)


def _fields(fields: Iterable[Any]) -> Iterator[tuple[str, Cell]]:
    """Header and value of each field that holds a number; a moment in seconds."""
    for field in fields:
        value = field.value
        if isinstance(value, datetime):
            value = value.timestamp()
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield _header(str(field.name), str(field.units or "")), float(value)


def _header(name: str, unit: str = "") -> str:
    if name.lower() in ("time", "timestamp"):
        return "time (s)"
    return _HEADERS.get(name.lower(), f"{name} ({unit})" if unit else name)


def _tag(element: Any) -> str:
    """Name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _moment(text: str) -> Cell:
    """Seconds of a moment as ISO 8601 writes it; the text where it is none."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return text


def _sheet(file: str, kind: str, moments: list[dict[str, Cell]]) -> tuple[Sheet, ...]:
    """A header and one row a moment, times from the first one on."""
    if not moments:
        raise InputError(f"{file}: a {kind} file without a moment of a recording; export the test "
                         "with its breaths or seconds, as CSV")  # fmt: skip
    headers = list(dict.fromkeys(name for moment in moments for name in moment))
    times = [moment.get("time (s)") for moment in moments]
    start = next((time for time in times if isinstance(time, float)), 0.0)
    for moment, time in zip(moments, times, strict=True):
        if isinstance(time, float):
            moment["time (s)"] = time - start
    rows: list[list[Cell]] = [[*headers], *([m.get(h) for h in headers] for m in moments)]
    found: tuple[Row, ...] = numbered(file, rows)
    return (Sheet(kind, found),)
