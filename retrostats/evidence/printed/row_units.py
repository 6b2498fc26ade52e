"""Units behind printed numbers: the same on both sides of a row, and in all rows of differences."""

from __future__ import annotations

import re
from collections.abc import Sequence

from retrostats.common.errors import InputError
from retrostats.common.units import parse_unit
from retrostats.evidence.printed.cells import Cell, Change, Count, Rate, Summary
from retrostats.evidence.printed.measures import (
    CORRELATION,
    DIFFERENCE,
    EVENT_RATIOS,
    PERCENT,
    RATIO_OF_MEANS,
    RISK_DIFFERENCE,
    SMD,
    Measure,
)  # fmt: skip
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
#: Numbers of an effect, and of both sides, that may be printed with a percent sign.
_EFFECT, _NUMBERS = ("estimate", "low", "high", "se"), ("mean_1", "sd_1", "mean_2", "sd_2")
#: Measures whose numbers have no unit, so that a percent sign changes what they say.
_BARE_NUMBERS = (SMD, *EVENT_RATIOS, RISK_DIFFERENCE, CORRELATION)
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
    wrong = next((unit for unit in units if not same_unit(unit, units[0])), "")
    if wrong:
        raise InputError(
            f"{row.where}, column second: found {wrong}, and first is in {units[0]}; give one "
            "unit: convert one of them"
        )
    if isinstance(first, Summary) and isinstance(second, Summary):
        _check_spreads(row, first, second)


def check_units(row: PrintedRow, measure: Measure) -> None:
    """Refuse a unit printed in a cell that is not that of the row's column unit, or the measure's.

    Raises
    ------
    InputError
        Naming the column, the unit found there and the one allowed.
    """
    own = str(row.cells.get("unit", "")).strip()
    _check_percent(row, measure, own)
    effect = any(name in row.cells for name in ("estimate", "low", "high"))
    means = measure.name in (DIFFERENCE, RATIO_OF_MEANS, SMD)
    if not own or not means or (effect and measure.name != DIFFERENCE):
        return
    for column, side in zip(("first", "second"), row.sides(), strict=True):
        units = [] if side is None else _units(side)
        wrong = next((unit for unit in units if not same_unit(unit, own)), "")
        if wrong:
            raise InputError(
                f"{row.where}, column {column}: found {wrong}, and column unit says {own}; allowed "
                f"is {own}: convert the numbers of the row, or correct its unit"
            )


def _check_percent(row: PrintedRow, measure: Measure, own: str) -> None:
    """Refuse a percent sign where the number would be taken as one of another unit."""
    signed = {
        name: text
        for name in (*_EFFECT, *_NUMBERS)
        if (text := str(row.cells.get(name, "")).strip()).endswith("%")
    }
    if not signed:
        return
    percent = bool(own) and same_unit(own, "%")
    for column, text in signed.items():
        where = f"{row.where}, column {column}: found {text}"
        if column in _NUMBERS:
            mean = str(row.cells.get(column.replace("sd", "mean"), "")).strip()
            if not percent and (own or not mean.endswith("%")):
                unit = own or "the unit of the mean"
                raise InputError(
                    f"{where}; allowed is a number in {unit}: of a coefficient of variation give "
                    "the SD, and of means in percent say % in column unit"
                )
        elif measure.name == DIFFERENCE and not percent:
            raise InputError(
                f"{where}, and the measure is {DIFFERENCE}"
                + (f" in {own}" if own else "")
                + f"; allowed is a number in {own or 'the unit of the outcome'}: a change in "
                "percent is of measure percent, and an outcome that is itself in percent says % in "
                "column unit"
            )
        elif measure.name in _BARE_NUMBERS:
            raise InputError(
                f"{where}; allowed for {measure.name} is a number without a percent sign, as 0.3"
            )
        elif measure.name == RATIO_OF_MEANS and row.measure != PERCENT and "estimate" not in signed:
            raise InputError(
                f"{where}, and the row is a {RATIO_OF_MEANS}; allowed is a ratio, as 1.04: or say "
                "percent in column measure, or give the estimate in percent too"
            )


def same_unit(one: str, other: str) -> bool:
    """Whether two texts say one unit; words behind it ("kg of lean mass") do not matter.

    Examples
    --------
    >>> same_unit("kg", "kilogram"), same_unit("kg lean mass", "kg"), same_unit("kg", "lb")
    (True, True, False)
    """
    a, b = _unit_words(one), _unit_words(other)
    return a == b or a.startswith(f"{b} ") or b.startswith(f"{a} ")


def _unit_words(text: str) -> str:
    plain = " ".join(text.lower().split())
    try:
        return parse_unit(plain).symbol.lower()
    except InputError:
        pass
    first, _, behind = plain.partition(" ")
    try:
        return f"{parse_unit(first).symbol.lower()} {behind}".strip()
    except InputError:
        return plain


def side_column(row: PrintedRow, side: str) -> str:
    """The column that holds the mean of a side: itself, or mean_1 or mean_2."""
    number = "1" if side == "first" else "2"
    return side if side in row.cells or f"mean_{number}" not in row.cells else f"mean_{number}"


def _check_spreads(row: PrintedRow, first: Summary, second: Summary) -> None:
    sides = {"first": first, "second": second}
    bare = next((name for name, side in sides.items() if not side.spread), "")
    if bare and any(side.spread for side in sides.values()):
        filled = side_column(row, bare)
        if filled != bare:
            raise InputError(
                f"{row.where}, column {filled.replace('mean', 'sd')}: empty, and {filled} is "
                f"{sides[bare].mean.text} and the other side has an SD; give it, or leave the row "
                "out where none is printed (pool = 'no: reason')"
            )
        raise InputError(
            f"{row.where}, column {bare}: found {sides[bare].mean.text} without a spread, and the "
            "other side has one; give it as '31.2 SD 5.1' (or SE, IQR, range), or leave the row "
            "out where none is printed (pool = 'no: reason')"
        )
    for name, side in sides.items():
        if side.kind in ("SD", "SE", "unlabelled") and side.spread and side.spread[0].value <= 0:
            column = side_column(row, name).replace("mean", "sd")
            raise InputError(
                f"{row.where}, column {column}: found a spread of {side.spread[0].text}; "
                "allowed is above 0: give it with more digits, or leave it empty where it is not "
                "printed"
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
        Naming both rows and units; a row whose column unit is empty beside filled ones, too.
    """
    seen: tuple[str, PrintedRow] | None = None
    bare: PrintedRow | None = None
    filled: tuple[str, PrintedRow] | None = None
    for row in rows if measure.name == DIFFERENCE else ():
        effect = any(name in row.cells for name in ("estimate", "low", "high"))
        sides = [] if effect else [side for side in row.sides() if side is not None]
        own = str(row.cells.get("unit", "")).strip()
        filled = filled or ((own, row) if own else None)
        units = [own] if own else [unit for side in sides for unit in _units(side)]
        if not units:
            number = any(c.isdigit() for c in str(row.cells.get("estimate", "")))
            bare = bare or (row if number or any(isinstance(s, Summary) for s in sides) else None)
            continue
        seen = seen or (units[0], row)
        if not same_unit(units[0], seen[0]):
            raise InputError(
                f"{row.where}: found {units[0]}, and row {seen[1].number} ({seen[1].study}) is in "
                f"{seen[0]}; a pool of differences has one unit: convert one of them"
            )
    if bare is not None and filled is not None:
        raise InputError(
            f"{bare.where}, column unit: empty, and row {filled[1].number} ({filled[1].study}) is "
            f"in {filled[0]}; a pool of differences has one unit: write this row's too"
        )
