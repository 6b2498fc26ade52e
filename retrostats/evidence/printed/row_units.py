"""Units behind printed numbers: the same on both sides of a row, and in all rows of differences."""

from __future__ import annotations

import re
from collections.abc import Sequence

from retrostats.common.errors import InputError
from retrostats.evidence.printed.cells import Cell, Change, Count, Rate, Summary
from retrostats.evidence.printed.measures import DIFFERENCE, Measure
from retrostats.evidence.printed.rows import PrintedRow
from retrostats.io.published.printed_rows import counts_people

#: Words for a unit of exposure, by how it is compared.
_EXPOSURES = {
    "h": ("h", "hr", "hrs", "hour", "hours"), "min": ("min", "minute", "minutes"),
    "day": ("d", "day", "days"), "week": ("week", "weeks"), "month": ("month", "months"),
    "year": ("y", "yr", "year", "years"), "session": ("session", "sessions"), "km": ("km",),
}  # fmt: skip
_KINDS: dict[type[Cell], str] = {
    Summary: "a mean", Change: "a change", Count: "a count", Rate: "a rate",
}  # fmt: skip
_WORDS = {word: unit for unit, words in _EXPOSURES.items() for word in words}


def exposure_unit(noun: str) -> str:
    """What an exposure is counted in; of whom or at what does not matter.

    Examples
    --------
    >>> exposure_unit("player hours"), exposure_unit("match h"), exposure_unit("players")
    ('h', 'h', 'people')
    """
    if counts_people(noun):
        return "people"
    words = re.findall(r"[a-z]+", noun.lower())
    return next((_WORDS[word] for word in words if word in _WORDS), " ".join(words))


def check_sides(row: PrintedRow, first: Cell, second: Cell) -> None:
    """Refuse sides of different kinds or units, or one without the spread of the other.

    Raises
    ------
    InputError
        Naming both columns and what stands in them.
    """
    if type(first) is not type(second):
        raise InputError(
            f"{row.where}: first is {_KINDS[type(first)]} and second {_KINDS[type(second)]}; give "
            "both alike"
        )
    if isinstance(first, Count | Rate) and isinstance(second, Count | Rate):
        one, other = (exposure_unit(side.noun) for side in (first, second))
        if one != other and "people" not in (one, other):
            raise InputError(
                f"{row.where}, column second: found {second.noun}, and first is in {first.noun}; "
                "give one unit of exposure: convert one of them"
            )
        return
    units = [unit for side in (first, second) for unit in _units(side)]
    if len({unit.lower() for unit in units}) > 1:
        raise InputError(
            f"{row.where}, column second: found {units[-1]}, and first is in {units[0]}; give one "
            "unit: convert one of them"
        )
    if isinstance(first, Summary) and isinstance(second, Summary):
        _check_spreads(row, first, second)


def _check_spreads(row: PrintedRow, first: Summary, second: Summary) -> None:
    sides = {"first": first, "second": second}
    bare = next((name for name, side in sides.items() if not side.spread), "")
    if bare and any(side.spread for side in sides.values()):
        raise InputError(
            f"{row.where}, column {bare}: found {sides[bare].mean.text} without a spread, and the "
            "other side has one; give it as '31.2 SD 5.1' (or SE, IQR, range), or leave the row "
            "out where none is printed (pool = 'no: reason')"
        )
    for name, side in sides.items():
        if side.kind in ("SD", "SE", "unlabelled") and side.spread and side.spread[0].value <= 0:
            raise InputError(
                f"{row.where}, column {name}: found a spread of {side.spread[0].text}; allowed is "
                "above 0: give it with more digits, or leave it empty where it is not printed"
            )


def _units(side: Cell) -> list[str]:
    """Units that a mean, or both means of a change, are printed in."""
    cells = (side.before, side.after) if isinstance(side, Change) else (side,)
    return [cell.unit for cell in cells if isinstance(cell, Summary) and cell.unit]


def refuse_mixed_units(rows: Sequence[PrintedRow], measure: Measure) -> None:
    """Refuse rows in different units where the effect keeps its unit: mean differences.

    Raises
    ------
    InputError
        Naming both rows and units.
    """
    seen: tuple[str, PrintedRow] | None = None
    for row in rows if measure.name == DIFFERENCE else ():
        effect = any(name in row.cells for name in ("estimate", "low", "high"))
        sides = [] if effect else [side for side in row.sides() if side is not None]
        own = str(row.cells.get("unit", "")).strip()
        units = [own] if own else [unit for side in sides for unit in _units(side)]
        if not units:
            continue
        seen = seen or (units[0], row)
        if units[0].lower() != seen[0].lower():
            raise InputError(
                f"{row.where}: found {units[0]}, and row {seen[1].number} ({seen[1].study}) is in "
                f"{seen[0]}; a pool of differences has one unit: convert one of them"
            )
