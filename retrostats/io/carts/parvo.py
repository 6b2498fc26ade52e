"""Parvo Medics TrueOne 2400: CSV or xlsx; four header rows, times in minutes, Events after."""

from __future__ import annotations

from dataclasses import replace

from retrostats.io.carts.base import Reader, Source
from retrostats.io.carts.names import fold
from retrostats.io.carts.table import header_of
from retrostats.io.tables import cells as cell
from retrostats.io.tables.grid import Row, Sheet

_OWN = ("parvo", "trueone", "selected flowmeter", "stpd to btps", "base values for sampling")


def _sniff(source: Source) -> bool:
    words = source.words()
    return any(word in words for word in _OWN)


def _sheets(source: Source) -> tuple[Sheet, ...]:
    return tuple(_with_events(sheet) for sheet in source.sheets)


def _with_events(sheet: Sheet) -> Sheet:
    """The list of events that follows the table, as a marker on the row each event falls in."""
    found = header_of(sheet)
    after = [i for i, row in enumerate(sheet.rows) if fold(str(row.at(0))) == "events"]
    if found is None or not after:
        return sheet
    position, named = found
    time = next(i for i, (kind, _, _) in named.items() if kind == "time")
    events = []
    for row in sheet.rows[after[0] + 1 :]:
        minutes = cell.number(row.at(0))
        if minutes is None:
            break
        events.append((minutes * 60, str(row.at(1) or "").strip()))
    width = max(len(row.cells) for row in sheet.rows)
    rows = list(sheet.rows)
    rows[position] = _add(rows[position], width, "Marker")
    for at in range(position + 1, after[0]):
        stamp = cell.seconds(rows[at].at(time), "min")
        if stamp is None:
            continue
        due = [label for when, label in events if when <= stamp]
        events = [event for event in events if event[0] > stamp]
        if due:
            rows[at] = _add(rows[at], width, "; ".join(due))
    return replace(sheet, rows=tuple(rows))


def _add(row: Row, width: int, text: str) -> Row:
    blank = (None,) * (width - len(row.cells))
    return replace(row, cells=(*row.cells, *blank, text))


READER = Reader(
    device="Parvo Medics",
    looks_for="its lines Selected Flowmeter, STPD to BTPS, Base Values for Sampling",
    sniff=_sniff,
    sheets=_sheets,
)
