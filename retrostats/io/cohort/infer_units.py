"""Units that no header says, settled by what the other columns of a row prove.

VCO2 over VO2 is the exchange ratio, and VO2 a minute over body mass is VO2 per kilogram: a column
whose unit is open has the one unit under which it agrees. Nothing is settled by size alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrostats.common.errors import InputError
from retrostats.common.units import convert, parse_unit
from retrostats.io.cohort.headers import kind_of, read_header, split_unit, without_number
from retrostats.io.cohort.layout import Table
from retrostats.io.cohort.spec import Spec
from retrostats.io.tables import cells as cell
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

Numbers = NDArray[np.float64]
GASES = ("oxygen", "carbon_dioxide")
#: Unit: where the median of people at rest to running lies.
UNITS = {"ml/min": (150.0, 8000.0), "l/min": (0.15, 8.0), "ml/kg/min": (2.5, 95.0)}
#: Largest relative difference of a median ratio that still agrees.
AGREE = 0.08
#: Rows that are looked at.
ROWS = 2000


def infer_units(table: Table, spec: Spec, problems: list[Problem]) -> dict[str, str]:
    """Unit of each gas column without one that another column proves; each is listed."""
    open_, known = _gases(table, spec)
    if not open_:
        return {}
    rer, mass = _of_kind(table, "rer"), _of_kind(table, "mass_kg")
    choices = [list(_possible(header, table)) for header in open_]
    found = [
        dict(zip(open_, units, strict=True))
        for units in product(*choices)
        if _proved({**known, **dict(zip(open_, units, strict=True))}, set(open_), table, rer, mass)
    ]
    if len(found) != 1:
        return {}
    for header, unit in found[0].items():
        problems.append(
            Problem("guess", table.file, "", header, "no unit", "a unit with the name",
                    f"taken as {unit}, as the other columns of each row prove")
        )  # fmt: skip
    return found[0]


def _gases(table: Table, spec: Spec) -> tuple[list[str], dict[str, str]]:
    """Gas columns whose unit is open, and those whose unit is said."""
    open_, known = [], {}
    for header in table.headers:
        name = spec.columns.get(header, without_number(header))
        if kind_of(name) not in GASES:
            continue
        said = spec.units.get(header) or split_unit(name)[1] or table.units.get(header)
        try:
            meaning = read_header(name, said)
        except InputError:
            if not said:
                open_.append(header)
            continue
        if meaning and meaning.unit:
            known[header] = meaning.unit.symbol
    return open_, known


def _possible(header: str, table: Table) -> Iterator[str]:
    """Units under which the median of a column is that of people."""
    values = cell_numbers(table.columns[header])
    median = float(np.nanmedian(values)) if np.isfinite(values).any() else np.nan
    for unit, (low, high) in UNITS.items():
        if low <= median <= high:
            yield unit


def _proved(
    units: Mapping[str, str], open_: set[str], table: Table, rer: Numbers | None,
    mass: Numbers | None,
) -> bool:  # fmt: skip
    """Whether these units agree with the exchange ratio and the mass, and each is proved by one."""
    proved: set[str] = set()
    oxygen = [h for h in units if kind_of(without_number(h)) == "oxygen"]
    others = [h for h in units if h not in oxygen]
    for vo2, vco2 in product(oxygen, others):
        same = parse_unit(units[vo2]).quantity == parse_unit(units[vco2]).quantity
        if rer is None or not same:
            continue
        ratio = _standard(table, vco2, units) / _standard(table, vo2, units)
        if not _near(ratio, rer):
            return False
        proved |= {vo2, vco2}
    absolute = [h for h in oxygen if parse_unit(units[h]).absolute]
    for one, other in product(absolute, [h for h in oxygen if h not in absolute]):
        if mass is None:
            continue
        if not _near(_standard(table, one, units) / _standard(table, other, units), mass):
            return False
        proved |= {one, other}
    return open_ <= proved


def _standard(table: Table, header: str, units: Mapping[str, str]) -> Numbers:
    to = "ml/min" if parse_unit(units[header]).absolute else "ml/kg/min"
    return convert(cell_numbers(table.columns[header]), units[header], to)


def _near(ratio: Numbers, wanted: Numbers) -> bool:
    both = ratio / wanted
    both = both[np.isfinite(both)]
    return bool(len(both)) and abs(float(np.median(both)) - 1) <= AGREE


def _of_kind(table: Table, kind: str) -> Numbers | None:
    headers = [h for h in table.headers if kind_of(h) == kind]
    if len(headers) != 1:
        return None
    unit = split_unit(headers[0])[1] or table.units.get(headers[0])
    values = cell_numbers(table.columns[headers[0]])
    return convert(values, unit, "kg") if unit and kind == "mass_kg" else values


def cell_numbers(column: pd.Series) -> Numbers:
    """Values of the first rows of a column, NaN for what is no number."""
    some: Any = column.iloc[:ROWS]
    mark = cell.decimal_mark(some)
    with np.errstate(all="ignore"):
        read = [np.nan if (v := mark.value(c)) is None else v for c in some]
    return np.array(read, dtype=float)
