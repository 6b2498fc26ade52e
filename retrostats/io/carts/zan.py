"""ZAN: INI text; [parameter] names columns with their divisors, [Data] holds integers."""

from __future__ import annotations

import re

from retrostats.common.errors import InputError
from retrostats.io.carts.base import Reader, Source
from retrostats.io.carts.names import fold
from retrostats.io.tables import cells as cell
from retrostats.io.tables.grid import Cell, Row, Sheet

#: Unit of a parameter after division.
UNITS = {
    "zeit": "s", "vo2": "L/min", "vco2": "L/min", "last": "W", "hr": "bpm", "geschw": "km/h",
    "steig": "%",
}  # fmt: skip
_PARAMETER = re.compile(r"P\s*=\s*\d+\s*,\s*([\d.]+)\s*,(.*)", re.IGNORECASE)
_BREATH = re.compile(r"B\d+\s*=\s*(.*)", re.IGNORECASE)
_PHASES = ("rest", "warmup", "load", "recovery")


def _sniff(source: Source) -> bool:
    text = source.text.lower()
    return "[parameter]" in text and "[data]" in text


def _sheets(source: Source) -> tuple[Sheet, ...]:
    """The breaths as a grid with names and units, values divided."""
    lines = source.text.splitlines()
    divisors: list[float] = []
    names: list[str] = []
    for number, line in enumerate(lines, start=1):
        match = _PARAMETER.fullmatch(line.strip())
        if match:
            divisor = cell.number(match[1])
            if not divisor:
                raise InputError(
                    f"{source.file}, row {number}: divisor {match[1]!r}; allowed is a number above "
                    "zero. Export the test again"
                )
            divisors.append(divisor)
            names.append(match[2].strip())
    if not names:
        raise InputError(
            f"{source.file}: no line P=code,divisor,name under [parameter]; export the test again"
        )
    ventilation = _breath_columns(names)
    phases = _phases(lines)
    rows: list[Row] = []
    for number, line in enumerate(lines, start=1):
        match = _BREATH.fullmatch(line.strip())
        if match:
            texts = match[1].split(",")[1:]
            cells = tuple(_divided(t, d) for t, d in zip(texts, divisors, strict=False))
            if len(texts) < len(names):  # cut short in the middle of a number
                cells = (f"cut after {len(texts)} of {len(names)} values",)
            extra = (_ventilation(cells, ventilation), _phase(cells, names, phases))
            rows.append(Row(number, (*cells, *extra)))
        elif line.strip().lower() == "[data]":
            said = tuple(f"{n} ({UNITS[fold(n)]})" if fold(n) in UNITS else n for n in names)
            rows.append(Row(number, (*said, "VE (L/min)" if ventilation else "", "Phase")))
        elif line.strip():
            rows.append(Row(number, (line.strip(),)))
    return (Sheet("Data", tuple(rows)),)


def _divided(text: str, divisor: float) -> Cell:
    value = cell.number(text)
    return text.strip() if value is None else value / divisor


def _breath_columns(names: list[str]) -> tuple[int, int, int] | None:
    """Columns of expired volume and the durations of out- and inspiration, if all are there."""
    wanted = ("Vex", "tex", "tin")
    return (
        (names.index("Vex"), names.index("tex"), names.index("tin"))
        if set(wanted) <= set(names)
        else None
    )


def _ventilation(cells: tuple[Cell, ...], columns: tuple[int, int, int] | None) -> Cell:
    """Litres a minute of a breath: expired volume over its duration; ZAN prints no more."""
    if columns is None or len(cells) <= max(columns):
        return None
    volume, out, into = (cells[i] for i in columns)
    if not all(isinstance(v, float) for v in (volume, out, into)) or out + into <= 0:
        return None
    return volume / (out + into) * 60


def _phases(lines: list[str]) -> list[tuple[float, str]]:
    """Seconds at which each phase begins."""
    found = []
    for line in lines:
        name, _, value = line.partition("=")
        start = cell.number(value)
        if name.strip().lower() in _PHASES and start is not None:
            found.append((start, name.strip()))
    return sorted(found)


def _phase(cells: tuple[Cell, ...], names: list[str], phases: list[tuple[float, str]]) -> Cell:
    time = cells[names.index("Zeit")] if "Zeit" in names and len(cells) == len(names) else None
    if not isinstance(time, float):
        return None
    return next((name for start, name in reversed(phases) if start <= time), None)


READER = Reader(
    device="ZAN",
    looks_for="the INI sections [parameter] and [Data]",
    sniff=_sniff,
    sheets=_sheets,
)
