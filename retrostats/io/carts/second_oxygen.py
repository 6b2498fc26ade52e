"""A second oxygen uptake without a unit: per kilogram, where it is the first over one body mass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retrostats.common.units import parse_unit
from retrostats.io.carts.base import Column
from retrostats.io.tables import cells as cell
from retrostats.io.tables.grid import Row

#: Body masses in kg that people have.
MASSES = (20.0, 250.0)
#: What one printed decimal leaves open, in ml/kg/min, and the share of rows that must agree:
#: breaths near zero are cut by some carts.
ROUNDED, MOST = 0.06, 0.95
_PER_KG = "ml/kg/min"


def per_kilogram(
    others: Mapping[int, str],
    absolute: Column,
    body: Sequence[Row],
    comma: bool,
    findings: list[tuple[str, str, str, str, str, str]],
) -> Column | None:
    """The column per kilogram beside an absolute one; None where none was left for want of a unit.

    Parameters
    ----------
    others
        Index and header of the oxygen uptakes that say no unit.
    absolute
        The column in ml/min or l/min.
    findings
        The warning that the column was left out becomes a guess.
    """
    factor = parse_unit(absolute.unit).factor
    flow = [cell.number(row.at(absolute.index), comma) for row in body]
    for index, label in others.items():
        left = next(
            (f for f in findings if f[0] == "warning" and f[2:4] == (label, "no unit")), None
        )
        if left is None or index == absolute.index:
            continue
        per_kg = [cell.number(row.at(index), comma) for row in body]
        pairs = [(n, a * factor) for n, a in zip(per_kg, flow, strict=True) if n and a]
        masses = sorted(a / n for n, a in pairs)
        mass = masses[len(masses) // 2] if masses else 0.0
        near = sum(abs(a - mass * n) <= ROUNDED * mass for n, a in pairs)
        if MASSES[0] <= mass <= MASSES[1] and near >= MOST * len(pairs):
            findings[findings.index(left)] = (
                "guess", "", label, f"no unit; it is {absolute.header!r} over one body mass",
                "a unit or mark that says it", f"read as {_PER_KG}",
            )  # fmt: skip
            return Column(index, label, "vo2_ml_kg_min", _PER_KG, _PER_KG, "no unit given")
    return None
