"""Where the measured table of a grid begins and ends: header, unit rows, rows, summary."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

from retrostats.common.errors import InputError
from retrostats.common.units import parse_unit
from retrostats.io.carts.base import Column, Table
from retrostats.io.carts.names import (
    DEGREES,
    GASES,
    SHORT_PER_KG,
    TARGETS,
    fold,
    quantity,
    read_name,
)
from retrostats.io.carts.second_oxygen import per_kilogram
from retrostats.io.tables import cells as cell
from retrostats.io.tables.grid import Row, Sheet

HEADER_WITHIN = 2000
#: Rows of conditions, units and rules that may stand between the names and the first numbers.
HEADER_ROWS = 8
#: First words of what carts print after the table.
AFTER = frozenset(
    {"events", "event", "summary", "max vo2", "vo2 max", "vo2max", "vo2peak", "zusammenfassung",
     "ereignisse", "ergebnisse", "resume", "resumen", "riepilogo", "sommario", "eventi", "eventos",
     "evenements", "sammanfattning", "sammendrag", "oppsummering", "results", "resultados",
     "risultati", "resultats", "resultat", "resultater", "exercise time"}
)  # fmt: skip
#: Unit of a kind that writes none, where only one is usual; using it is listed as a guess.
USUAL = {"ventilation": "l/min", "heart_rate": "bpm", "gradient": "%", "power": "W"}
#: Seconds between rows of a cart: no breath is shorter, no mean of a cart is over more.
SHORTEST_S, LONGEST_S = 0.5, 600.0
#: Days since 1900 that are a date of our time.
DATES = 20_000

Named = dict[int, tuple[str, str, str]]
Finding = tuple[str, str, str, str, str, str]


def header_of(sheet: Sheet) -> tuple[int, Named] | None:
    """Position and named columns of the row that names most of what a cart measures."""
    best: tuple[int, Named] | None = None
    most = 0
    for position, row in enumerate(sheet.rows[:HEADER_WITHIN]):
        named = _named(row)
        kinds = {kind for kind, _, _ in named.values()}
        if "time" in kinds and kinds & GASES and len(kinds) > most:
            best, most = (position, named), len(kinds)
    return best


def read_sheet(file: str, sheet: Sheet, position: int, named: Named) -> Table:
    """The table under a header, with every row of the sheet used or explained.

    Raises
    ------
    InputError
        No row of numbers under the header, or a gas column whose unit is not known.
    """
    named = _one_time(sheet.rows[position], named)
    time = next(i for i, (kind, _, _) in named.items() if kind == "time")
    start = _first_measured(sheet, position, time)
    nothing = InputError(
        f"{file}, row {sheet.rows[position].number}: a header, but no row with a time and "
        "values under it; export the test with its breaths or intervals"
    )
    if start is None:
        raise nothing
    body = sheet.rows[start:]
    texts = (row.at(i) for row in body for i in named)
    mark = cell.decimal_mark(texts)
    comma, guessed = mark.mark == ",", mark.guessed
    findings: list[Finding] = []
    if guessed:
        findings.append(_guess("", "numbers such as 1,234", "comma read as the decimal mark"))
    heads = sheet.rows[position + 1 : start]
    columns = _columns(file, sheet.rows[position], named, heads, body, comma, findings)
    findings += _unused(sheet.rows[position], named, body)
    used, explained = _body(body, columns, comma)
    if not used:
        raise nothing
    explained = {
        "before the table": [row.number for row in sheet.rows[:position]],
        "header and units": [row.number for row in sheet.rows[position:start]],
        **explained,
    }
    left = min(named)
    person = (
        *sheet.rows[:position],
        *(Row(r.number, r.cells[:left]) for r in sheet.rows[position:] if left),
    )
    return Table(
        sheet.name,
        sheet.rows[position].number,
        columns,
        used,
        {reason: rows for reason, rows in explained.items() if rows},
        person,
        comma,
        tuple(findings),
    )


def _unused(header: Row, named: Named, body: tuple[Row, ...]) -> list[Finding]:
    """Columns with a header and values that name nothing a cart frame holds, in one line."""
    some = body[:400]
    names = [
        " ".join(str(c).split())[:40]
        for i, c in enumerate(header.cells)
        if i >= min(named) and i not in named and isinstance(c, str) and not cell.is_missing(c)
        and any(not cell.is_missing(row.at(i)) for row in some)
    ]  # fmt: skip
    if not names:
        return []
    unused = ", ".join(names)
    return [("guess", "", unused, f"{len(names)} more columns", "columns of a cart", "not used")]


def _one_time(header: Row, named: Named) -> Named:
    """The columns with one time: elapsed before the time of day, one with a unit before others."""
    times = [i for i, (kind, _, _) in named.items() if kind == "time"]
    if len(times) < 2:
        return named

    def rank(index: int) -> tuple[bool, bool, int]:
        words = fold(str(header.at(index)))
        of_day = any(word in words for word in ("stamp", "clock", "uhr", "day", "heure", "hora"))
        return of_day, quantity(named[index][1]) != "time", index

    kept = min(times, key=rank)
    return {i: name for i, name in named.items() if i == kept or i not in times}


def _named(row: Row) -> Named:
    names = {i: read_name(c) for i, c in enumerate(row.cells) if isinstance(c, str)}
    return {i: name for i, name in names.items() if name}


def _is_time(value: object) -> bool:
    clock = isinstance(value, dt.time | dt.datetime | dt.timedelta)
    return clock or cell.seconds(value, "s") is not None or cell.number(value, True) is not None


def _first_measured(sheet: Sheet, position: int, time: int) -> int | None:
    end = position + 1 + HEADER_ROWS
    for at, row in enumerate(sheet.rows[position + 1 : end], start=position + 1):
        if _is_time(row.at(time)):
            return at
    # text in the left margin, such as the person beside the table, is no header row
    for at, row in enumerate(sheet.rows[end:], start=end):
        if _is_time(row.at(time)):
            return at
        if any(not cell.is_missing(c) for c in row.cells[time:]):
            return None
    return None


def _columns(
    file: str,
    header: Row,
    named: Named,
    heads: tuple[Row, ...],
    body: tuple[Row, ...],
    comma: bool,
    findings: list[Finding],
) -> tuple[Column, ...]:
    """One column a target; a second column for the same one is listed, not used."""
    chosen: dict[str, Column] = {}
    conditions: dict[str, str] = {}
    gas_unit = ""
    for index, (kind, unit, condition) in named.items():
        below = [str(c).strip() for c in (r.at(index) for r in heads) if isinstance(c, str)]
        condition = condition or next((b.lower() for b in below if _is_condition(b)), "")
        label = " ".join(str(header.at(index)).split())
        values = [row.at(index) for row in body[:400]]
        column = _column(index, label, kind, [unit, *below], values, comma, gas_unit, findings)
        if column is None:
            continue
        if kind == "oxygen" and column.target == "vo2_ml_min":
            gas_unit = column.unit
        earlier = chosen.get(column.target)
        if earlier and not (condition == "btps" and conditions[column.target] != "btps"):
            findings.append(_second(label, earlier.header))
            continue
        if earlier:  # ventilation is reported at body conditions
            findings.append(_second(earlier.header, label))
        chosen[column.target], conditions[column.target] = column, condition
    if "vo2_ml_min" in chosen and "vo2_ml_kg_min" not in chosen:
        others = {i: " ".join(str(header.at(i)).split()) for i, (kind, unit, _) in named.items()
                  if kind == "oxygen" and not unit}  # fmt: skip
        second = per_kilogram(others, chosen["vo2_ml_min"], body, comma, findings)
        chosen |= {second.target: second} if second else {}
    if conditions.get("ve_l_min") == "stpd":
        findings.append(
            ("warning", "", "ve_l_min", "ventilation at STPD", "BTPS is usual", "kept as printed")
        )
    if not {"vo2_ml_min", "vo2_ml_kg_min", "vco2_ml_min", "ve_l_min"} & set(chosen):
        raise InputError(
            f"{file}, row {header.number}: no gas column with a known unit; write mL/min, L/min or "
            "mL/kg/min with VO2, in its name or in the row below"
        )
    return tuple(chosen.values())


def _column(
    index: int,
    label: str,
    kind: str,
    texts: list[str],
    values: list[object],
    comma: bool,
    gas_unit: str,
    findings: list[Finding],
) -> Column | None:
    """What one column is, None if its unit rules it out; guesses and refusals are listed."""
    if kind in ("phase", "marker"):
        return Column(index, label, kind, "", "")
    if kind == "rer":
        return Column(index, label, "rer", "", "")
    if kind == "time":
        return _time_column(index, label, texts, values, comma, findings)
    if kind == "gradient" and any(fold(t) in DEGREES or t == "°" for t in texts):
        return Column(index, label, "gradient_pct", "°", "%")
    if kind == "oxygen_kg":
        texts = [SHORT_PER_KG.get(t.lower(), t) for t in texts] or ["ml/kg/min"]
    for text in texts:
        measured = quantity(text) if text else None
        if measured in TARGETS[kind]:
            target, to = TARGETS[kind][measured]
            return Column(index, label, target, text, to)
    said = [t for t in texts if t and not cell.is_missing(t) and not _is_condition(t)]
    said = [t for t in said if not set(t) <= set("-=_. ")]
    allowed = ", ".join(to for _, to in TARGETS[kind].values())
    if said:
        findings.append(
            ("warning", "", label, f"unit {said[0][:40]!r}", allowed, "column left missing")
        )
        return None
    unit = _usual(kind, values, comma, gas_unit)
    if not unit:
        findings.append(("warning", "", label, "no unit", allowed, "column left missing"))
        return None
    findings.append(_guess(label, "no unit", f"read as {unit}"))
    target, to = TARGETS[kind][quantity(unit) or ""]
    return Column(index, label, target, unit, to, "no unit given")


def _usual(kind: str, values: list[object], comma: bool, gas_unit: str) -> str:
    """The unit that only fits, where none is written; nothing where two could."""
    if kind in USUAL:
        return USUAL[kind]
    if kind == "oxygen_kg":
        return "ml/kg/min"
    if kind == "carbon_dioxide" and gas_unit:
        return gas_unit
    numbers = sorted(n for n in (cell.number(v, comma) for v in values) if n)
    if kind not in ("oxygen", "carbon_dioxide") or not numbers:
        return ""
    median = numbers[len(numbers) // 2]
    if 0.05 <= median < 8:
        return "l/min"
    return "ml/min" if 120 <= median < 8000 else ""


def _time_column(
    index: int,
    label: str,
    texts: list[str],
    values: list[object],
    comma: bool,
    findings: list[Finding],
) -> Column | None:
    for text in texts:
        if cell.is_time_format(text):
            unit = "d" if _of_a_day(values, comma, 1.0) else text
            return Column(index, label, "time_s", unit, "s")
        if text and quantity(text) == "time":
            unit = {60.0: "min", 3600.0: "h"}.get(parse_unit(text).factor, "s")
            if _of_a_day(values, comma, parse_unit(text).factor):
                found = f"steps far below half a second as {text}"
                findings.append(_guess(label, found, "read as fractions of a day"))
                unit = "d"
            return Column(index, label, "time_s", unit, "s")
    if any(cell.number(v, comma) is None and _is_time(v) for v in values):
        return Column(index, label, "time_s", "hh:mm:ss", "s")
    step = _step(values, comma)
    if _of_a_day(values, comma, 60.0):
        findings.append(_guess(label, f"no unit, steps of {step:g}", "read as fractions of a day"))
        return Column(index, label, "time_s", "d", "s", "no unit given")
    # nobody breathes twice a second, no cart averages over more than minutes
    unit = "s" if step >= 1.5 else "min" if 0 < step <= 0.5 else ""
    if not unit:
        raise InputError(
            f"column {label!r}: times without a unit; write s, min or hh:mm:ss in its name or in "
            "the row below"
        )
    findings.append(_guess(label, f"no unit, steps of {step:g}", f"read as {unit}"))
    return Column(index, label, "time_s", unit, "s", "no unit given")


def _step(values: list[object], comma: bool) -> float:
    """Median step between times that grow; 0 without one."""
    numbers = [n for n in (cell.number(v, comma) for v in values) if n is not None]
    steps = sorted(b - a for a, b in pairwise(numbers) if b > a)
    return steps[len(steps) // 2] if steps else 0.0


def _of_a_day(values: list[object], comma: bool, factor: float) -> bool:
    """Whether numbers are the fractions of a day by which spreadsheets store times.

    As times of a unit (`factor` seconds) they would step by less than anybody breathes, as days
    by what carts step, and no test lasts a day.
    """
    numbers = [n for n in (cell.number(v, comma) for v in values) if n is not None]
    step = _step(values, comma)
    return (
        bool(numbers)
        and step * factor < SHORTEST_S <= step * 86400 <= LONGEST_S
        and min(numbers) >= 0
        and max(numbers) - min(numbers) < 1
        and (max(numbers) < 1 or min(numbers) > DATES)
    )


def _body(
    body: tuple[Row, ...], columns: tuple[Column, ...], comma: bool
) -> tuple[tuple[Row, ...], dict[str, list[int]]]:
    """Rows with a time and a value; all others by the reason for which they are not used."""
    time = next(c for c in columns if c.target == "time_s")
    values = [c.index for c in columns if c.target not in ("time_s", "phase", "marker")]
    used: list[Row] = []
    why: dict[str, list[int]] = {"after the table": []}
    for at, row in enumerate(body):
        first = next((c for c in row.cells if not cell.is_missing(c)), None)
        if used and (_ends(first) or _header_like(row)):
            why["after the table"] += [r.number for r in body[at:]]
            break
        stamp = row.at(time.index)
        filled = [row.at(i) for i in values if not cell.is_missing(row.at(i))]
        numeric = any(cell.number(c, comma) is not None for c in filled)
        if cell.seconds(stamp, time.unit, comma) is not None and numeric:
            used.append(row)
        elif cell.is_missing(stamp):
            why.setdefault("no time" if filled else "nothing measured", []).append(row.number)
        elif cell.seconds(stamp, time.unit, comma) is None:
            why.setdefault("no time could be read", []).append(row.number)
        else:
            why.setdefault("a time without values", []).append(row.number)
    return tuple(used), why


def _header_like(row: Row) -> bool:
    """Whether a row is the header of a further table."""
    kinds = {kind for kind, _, _ in _named(row).values()}
    return "time" in kinds and bool(kinds & GASES)


def _ends(first: object) -> bool:
    return isinstance(first, str) and fold(first) in AFTER


def _is_condition(text: str) -> bool:
    return text.strip().lower() in ("stpd", "btps", "atps")


def _guess(column: str, found: str, action: str) -> Finding:
    return ("guess", "", column, found, "a unit or mark that says it", action)


def _second(column: str, other: str) -> Finding:
    return ("warning", "", column, f"a second column beside {other!r}", "one", "not used")
