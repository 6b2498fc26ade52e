"""Values of the invented people of a template: as the page's own rows print them, else neutral."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from retrostats.common.errors import InputError
from retrostats.common.units import Unit, convert, parse_unit
from retrostats.io.cohort.meanings import unit_at_end
from retrostats.io.pages.page import TableRow

#: Where invented people lie, in standard deviations from the mean of their group.
_PLACES = (-1.0, -0.6, -0.2, 0.2, 0.6, 1.0)
#: SD where a row prints none, and the largest one, as parts of the mean: values stay above 0.
_SPREAD, _MOST = 0.1, 0.5
#: Digits of an example.
_DIGITS = 3
_NUMBER = r"[-+]?\d+(?:\.\d+)?"
#: "95.4 SD 15.2", "95.4 SD 15.2 kg", "95.4".
_MEAN = re.compile(rf"\s*({_NUMBER})(?:\s*SD\s*({_NUMBER}))?\s*([^\d\s].*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Usual:
    """A group's mean before and after, which are one where it is measured once, and its SD."""

    before: float
    after: float
    sd: float

    def value(self, person: int, *, last: bool) -> str:
        """The value of an invented person (numbered from 1), before or at last.

        Examples
        --------
        >>> Usual(95.4, 112.1, 15.2).value(1, last=False), Usual(50, 50, 5).value(6, last=True)
        ('80.2', '55.0')
        """
        mean = self.after if last else self.before
        value = mean + self.sd * _PLACES[(person - 1) % len(_PLACES)]
        digits = _DIGITS - 1 - math.floor(math.log10(min(abs(self.before), abs(self.after))))
        return f"{value:.{max(digits, 0)}f}"


#: Where no row prints a mean in the outcome's unit: nobody is better off.
NO_ROWS: Mapping[str, Usual] = MappingProxyType(
    {"first": Usual(50.0, 50.5, 5.0), "second": Usual(50.0, 50.5, 5.0)}
)


def usual_values(rows: Sequence[TableRow], outcome: str) -> Mapping[str, Usual]:
    """What the first row that prints means of both conditions says of each of them.

    Parameters
    ----------
    rows
        Of the claim.
    outcome
        Column of a cohort: values are in the unit that its name ends in.

    Examples
    --------
    >>> row = TableRow(2, "a", "A 2001", {"first": "38.5 SD 1.5 min", "second": "40 SD 2 min"})
    >>> usual_values([row], "finish_s")["first"]
    Usual(before=2310.0, after=2310.0, sd=90.0)
    """
    unit = unit_at_end(outcome)
    for row in rows:
        sides = {name: _side(row.cells.get(name, ""), unit) for name in ("first", "second")}
        found = {name: side for name, side in sides.items() if side is not None}
        if len(found) == len(sides):
            return found
    return NO_ROWS


def _side(cell: str, unit: Unit | None) -> Usual | None:
    """A cell of a mean, or of a mean before and after; None for anything else."""
    parts = cell.replace("\N{RIGHTWARDS ARROW}", "->").split("->")
    read = [_MEAN.fullmatch(part) for part in parts]
    matches = [match for match in read if match]
    if len(matches) != len(parts) or len(parts) > 2:
        return None
    written = matches[-1][3]
    means = [_in_unit(float(match[1]), written, unit) for match in matches]
    spread = matches[0][2]
    top = _in_unit(float(matches[0][1]) + float(spread), written, unit) if spread else None
    if None in means or not (means[0] and means[-1]):
        return None
    sd = abs(top - means[0]) if top is not None else _SPREAD * abs(means[0])
    return Usual(means[0], means[-1], min(sd, _MOST * abs(means[0])))


def _in_unit(value: float, written: str | None, unit: Unit | None) -> float | None:
    """A printed mean in the outcome's unit; None where what is written is no such unit."""
    if unit is None:
        return value
    try:
        said = parse_unit(written.strip()) if written else unit
        return float(convert(value, said.symbol, unit.symbol)) if said != unit else value
    except InputError:
        return None
