"""Wide tables (a column for each condition, time or speed) to one row a measurement."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from retrostats.common.errors import InputError
from retrostats.common.units import parse_unit
from retrostats.common.vocabulary import Conditions
from retrostats.io.cohort.headers import MEASURES, NAMES, kind_of, read_header, split_unit
from retrostats.io.cohort.layout import Table
from retrostats.io.cohort.own_words import own_column, own_columns
from retrostats.io.cohort.values import condition_word
from retrostats.io.tables.words import AFTER, BEFORE, WEEK, of_several_words
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

_WEEK = "|".join((*WEEK, "wk"))
_TIME = re.compile(
    rf"{'|'.join((*BEFORE, *AFTER))}|t\d|({_WEEK}|w) ?\d{{1,3}}|\d{{1,3}} ?(weeks?|wk|wo|sem)"
)
_SPEED = re.compile(r"(\d+(?:[.,]\d+)?)\s*(km/h|kmh|kph|m/s|mph|m/min)")
LEVELS = ("direction", "time", "speed", "arm", "gradient")
#: Where a level of a wide table stood.
IN_HEADERS = "in the headers"
#: Measures that an analysis explains.
EXPLAINED = frozenset({"oxygen", "energy_cost", "metabolic_rate", "body_fat_pct"})


@dataclass(frozen=True, slots=True)
class WideColumn:
    """A header that holds a measure at certain levels."""

    header: str
    measure: str
    unit: str
    levels: tuple[tuple[str, str], ...]


def to_long(
    table: Table,
    spec: Mapping[str, Mapping[str, str]],
    problems: list[Problem],
    conditions: Conditions,
) -> Table:
    """The table with one row a measurement; unchanged if it already is.

    Parameters
    ----------
    spec
        Section [wide]; where it is empty, headers such as "VO2 post (ml/kg/min)", or
        with the word of a condition, are recognised, and each is listed.
    conditions
        Whose words a header may hold.

    Raises
    ------
    InputError
        The spec names a header that is not there, or two columns for the same measurement.
    """
    wide = [_specified(table, header, entry) for header, entry in spec.items()] or _guessed(
        table, conditions, _in_title(table)
    )
    if not wide:
        return table
    for column in wide if not spec else ():
        said = ", ".join(f"{name} {value}" for name, value in column.levels)
        problems.append(
            Problem("guess", table.file, "", column.header, column.header,
                    f"{column.measure}, {said}", "read as one measurement a column")
        )  # fmt: skip
    units = _units(wide)
    return replace(
        table,
        columns=_melt(table, wide),
        units={**table.units, **units},
        melted=frozenset(units),
        origins=_origins(wide),
    )


def _origins(wide: list[WideColumn]) -> dict[str, str]:
    """The headers that each measure stood in; a level stood in all of them."""
    stood: dict[str, list[str]] = {}
    for column in wide:
        stood.setdefault(column.measure, []).append(column.header)
    levels = {level: IN_HEADERS for column in wide for level, _ in column.levels}
    return {**levels, **{name: ", ".join(headers) for name, headers in stood.items()}}


def _specified(table: Table, header: str, entry: Mapping[str, str]) -> WideColumn:
    if header not in table.columns:
        raise InputError(
            f"spec, [wide]: no column {header!r} in {table.file}; it has "
            f"{', '.join(map(repr, table.headers))}"
        )
    levels = tuple((name, entry[name]) for name in LEVELS if name in entry)
    return WideColumn(header, entry["column"], entry.get("unit", ""), levels)


def _in_title(table: Table) -> tuple[str, str]:
    """Measure and unit that a text above the header names, for columns that name none."""
    for title in table.titles:
        kind = kind_of(title)
        if kind in MEASURES and kind_has_unit(title):
            return kind, split_unit(title)[1] or ""
    return "", ""


def names_levels(header: str, conditions: Conditions) -> bool:
    """Whether a header names a condition, perhaps with a speed or a time, and no quantity.

    Examples
    --------
    >>> sides = Conditions("left", "right")
    >>> names_levels("Left 9 km/h", sides), names_levels("left VO2", sides)
    (True, False)
    """
    levels, rest = _levels(header, conditions) if len(header) <= 200 else ({}, ["long"])
    return "direction" in levels and not rest


def _levels(header: str, conditions: Conditions) -> tuple[dict[str, str], list[str]]:
    """Levels that the words of a header name, and the words left over."""
    text, levels = f" {header.replace('_', ' ')} ", {}
    speed = _SPEED.search(text.lower())
    if speed:
        levels["speed"] = f"{speed[1]} {speed[2]}"
        text = text[: speed.start()] + " " + text[speed.end() :]
    rest = []
    for word in re.split(r"[\s.\-]+", _joined(_phrases(text, conditions)).strip()):
        direction = condition_word(word.replace("~", " "), conditions)
        if direction and "direction" not in levels:
            levels["direction"] = direction
        elif _is_time(word) and "time" not in levels:
            levels["time"] = word.replace("~", " ")
        else:
            rest.append(word)
    return levels, rest


def _without_quantity(
    table: Table, conditions: Conditions, title: tuple[str, str]
) -> list[WideColumn]:
    """Columns that name conditions and no quantity: that of the title, or a question.

    Raises
    ------
    InputError
        No title says what was measured.
    """
    bare = [h for h in table.headers if names_levels(h, conditions)]
    if len(bare) < 2:
        return []
    own = own_columns()
    measure, unit = (next(iter(own)), "") if len(own) == 1 else title
    if measure:
        return [
            WideColumn(h, measure, unit, tuple(_levels(h, conditions)[0].items())) for h in bare
        ]
    lines = []
    for header in bare[:2]:
        levels = _levels(header, conditions)[0].items()
        said = ", ".join(f'{name} = "{value}"' for name, value in levels)
        lines.append(f'"{header}" = {{ column = "vo2", unit = "ml/kg/min", {said} }}')
    raise InputError(
        f"{table.file}: columns {', '.join(map(repr, bare[:4]))} name no quantity; write it with "
        "its unit above the header, or in a spec, as\n[wide]\n" + "\n".join(lines)
    )


def _guessed(
    table: Table, conditions: Conditions, title: tuple[str, str] = ("", "")
) -> list[WideColumn]:
    """Columns of one measure that differ in their levels; a single one is no wide table."""

    def read(beside: frozenset[str]) -> list[WideColumn]:
        units = table.units
        columns = (_read(h, units.get(h, ""), conditions, beside) for h in table.headers)
        return [column for column in columns if column]

    # a word may name a time and a condition, as "avant" does in French: it is the condition where
    # another column of the measure names a condition by a word that is no time
    with_direction = {c.measure for c in read(frozenset()) if "direction" in dict(c.levels)}
    found = read(frozenset(with_direction))
    groups: dict[tuple[str, tuple[str, ...]], list[WideColumn]] = {}
    for column in found:
        names = tuple(name for name, _ in column.levels)
        groups.setdefault((column.measure, names), []).append(column)
    wide = [c for group in groups.values() if len({c.levels for c in group}) > 1 for c in group]
    wide = _units_apart(_wanted(wide, {kind_of(h) for h in table.headers}))
    wide = _beside_outcomes(wide)
    return wide or _without_quantity(table, conditions, title)


def _wanted(wide: list[WideColumn], long: set[str | None]) -> list[WideColumn]:
    """The wide columns, but none beside an outcome in a column of its own that they would repeat.

    Parameters
    ----------
    long
        Kinds of the columns that name no level.
    """
    if not long & EXPLAINED or own_columns():
        return wide
    if "direction" in long and long & EXPLAINED != {"body_fat_pct"}:
        return [c for c in wide if c.measure in EXPLAINED and "direction" in dict(c.levels)]
    return wide if any(c.measure in EXPLAINED for c in wide) else []


def _units_apart(wide: list[WideColumn]) -> list[WideColumn]:
    """Grams and percent of one tissue, or two units of one gas, as two measures."""
    places = [(c.measure, c.levels) for c in wide]
    twice = {measure for measure, levels in places if places.count((measure, levels)) > 1}
    return [replace(c, measure=_column(c)) if c.measure in twice else c for c in wide]


def _beside_outcomes(wide: list[WideColumn]) -> list[WideColumn]:
    """The outcomes, and the other measures that stand at the same levels, once each, in one unit.

    What else is written for several levels (a weight before and after) is no part of the table.
    """
    counted = EXPLAINED | {"injuries", "exposure_h"} | own_columns()
    outcomes = [c for c in wide if (kind_of(c.measure) or c.measure) in counted]
    levels = {tuple(name for name, _ in c.levels) for c in outcomes}
    if not outcomes:
        return wide

    def fits(measure: str) -> bool:
        mine = [c for c in wide if c.measure == measure]
        at = [c.levels for c in mine]
        same_units = len({c.unit for c in mine if c.unit}) < 2
        known = all(tuple(name for name, _ in place) in levels for place in at)
        return known and same_units and len(set(at)) == len(at)

    others = {c.measure for c in wide if c not in outcomes}
    kept = {measure for measure in others if fits(measure)}
    return [c for c in wide if c in outcomes or c.measure in kept]


def _column(wide: WideColumn) -> str:
    """The column that a measure becomes in its unit; the measure itself where it has none."""
    try:
        meaning = read_header(NAMES[wide.measure][0], wide.unit or None)
    except InputError:
        return wide.measure
    return meaning.column if meaning else wide.measure


def _read(
    header: str, unit: str, conditions: Conditions, beside: frozenset[str] = frozenset()
) -> WideColumn | None:
    """A header as a measure at its levels; `beside` are measures whose columns name conditions."""
    if kind_of(header) is not None or own_column(header):
        return None
    bare_name, said = split_unit(header)
    text = f" {bare_name.replace('_', ' ')} "
    levels: dict[str, str] = {}
    speed = _SPEED.search(text.lower())
    if speed:
        levels["speed"] = f"{speed[1]} {speed[2]}"
        text = text[: speed.start()] + " " + text[speed.end() :]
    words = re.split(r"[\s.\-]+", _joined(_phrases(text, conditions)).strip())
    either = [w for w in words if _is_time(w) and condition_word(w, conditions)]
    sure = any(condition_word(w, conditions) for w in words if w not in either)
    rest = []
    for word in words:
        said_way = word.replace("~", " ")
        direction = condition_word(said_way, conditions) if word not in either else None
        if direction and "direction" not in levels:
            levels["direction"] = direction
        elif _is_time(word) and "time" not in levels:
            levels["time"] = word.replace("~", " ")
        else:
            rest.append(word)
    if not levels or not rest:
        return None
    name = " ".join(rest)
    bare = f"{name} ({said})" if said else name
    if own := own_column(bare) or own_column(name):
        return WideColumn(header, own, "", tuple(levels.items()))
    kind = kind_of(bare)
    if kind not in MEASURES:
        return None
    if kind in beside and not sure and levels.get("time") in either:
        word = condition_word(levels["time"], conditions) or ""
        levels = {("direction" if k == "time" else k): v for k, v in levels.items()}
        levels["direction"] = word
    said = said or unit
    meaning = read_header(bare, said or None) if said or kind_has_unit(bare) else None
    text = said or (meaning.unit.symbol if meaning and meaning.unit else split_unit(bare)[1] or "")
    return WideColumn(header, kind, text, tuple(levels.items()))


def _is_time(word: str) -> bool:
    return _TIME.fullmatch(word.lower().replace("~", " ")) is not None


def is_wide(header: str, conditions: Conditions) -> bool:
    """Whether a header names a measure at one condition, time or speed."""
    return len(header) <= 200 and _read(header, "", conditions) is not None


def measure_of(header: str, conditions: Conditions) -> str:
    """The measure that a header names at a condition, time or speed; "" if none."""
    read = _read(header, "", conditions) if len(header) <= 200 else None
    return read.measure if read else ""


def kind_has_unit(header: str) -> bool:
    """Whether a header is read without a unit from elsewhere."""
    try:
        return read_header(header) is not None
    except InputError:
        return False


def _phrases(text: str, conditions: Conditions) -> str:
    """The text with the blanks of a condition's several words closed, the longest name first."""
    spoken = tuple(w for name in conditions.compared for w in conditions.words(name))
    for pattern, closed in of_several_words(spoken):
        text = pattern.sub(closed, text)
    return text


def _joined(text: str) -> str:
    """ "week 6" as one word, so that a split at blanks keeps it."""
    text = re.sub(rf"(?i)\b({_WEEK}) (\d{{1,3}})\b", r"\1~\2", text)
    return re.sub(r"(?i)\b(\d{1,3}) (weeks?|wk)\b", r"\1~\2", text)


def _melt(table: Table, wide: list[WideColumn]) -> pd.DataFrame:
    import pandas as pd

    names = list(dict.fromkeys(name for column in wide for name, _ in column.levels))
    clash = [name for name in names if name in table.columns]
    if clash:
        raise InputError(
            f"{table.file}: {clash[0]} stands in a column and in headers such as "
            f"{wide[0].header!r}; keep one, or name the wide columns in a spec"
        )
    kept = table.columns.drop(columns=[column.header for column in wide])
    blocks: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
    for column in wide:
        block = blocks.setdefault(column.levels, {})
        if column.measure in block:
            raise InputError(
                f"{table.file}: {block[column.measure]!r} and {column.header!r} are the same "
                "measurement; keep one, or name the wide columns in a spec"
            )
        block[column.measure] = column.header
    parts = []
    for levels, block in blocks.items():
        part = kept.assign(**{m: table.columns[h] for m, h in block.items()})
        for name, value in levels:
            number = re.match(r"\s*([\d.,]+)", value) if name in ("speed", "gradient") else None
            part[name] = number[1].replace(",", ".") if number else value
        parts.append(part)
    long = pd.concat(parts)
    return long.sort_index(kind="stable")


def _units(wide: list[WideColumn]) -> dict[str, str]:
    """Unit of every measure and of a speed or gradient in the headers.

    Raises
    ------
    InputError
        One measure in two units.
    """
    units: dict[str, str] = {}
    for column in wide:
        pairs = [(column.measure, column.unit)]
        for name, value in column.levels:
            if name in ("speed", "gradient"):
                pairs.append((name, re.sub(r"^\s*[\d.,]+\s*", "", value)))
        for name, unit in pairs:
            if not unit:
                continue
            before = units.setdefault(name, unit)
            if parse_unit(before) != parse_unit(unit):
                raise InputError(
                    f"column {column.header!r}: {name} in {unit!r}, in another column in "
                    f"{before!r}; give one unit"
                )
    return units
