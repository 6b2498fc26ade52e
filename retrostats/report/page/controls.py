"""What an unknown is told as: in the unit of its measure, or of the cell it is the rounding of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from retrostats.report.page import format as fmt
from retrostats.report.page.amounts import AMOUNTS, RATIOS, amount
from retrostats.report.page.sentences import Row

#: Columns of the published tables whose numbers are in the unit of their row.
IN_UNIT = ("mean", "spread", "change", "change_spread")
PERCENT = "pct_change"


@dataclass(frozen=True, slots=True)
class Telling:
    """How the unknowns of one measure are told.

    Attributes
    ----------
    scale, unit
        Of the measure.
    cells
        Unit of each printed cell, as `units_of_cells` gives it.
    bounds
        What no effect may be rounded onto or across.
    words
        What amounts above and below no effect are called.
    """

    scale: str
    unit: str
    cells: Mapping[str, str]
    bounds: tuple[float, ...]
    words: tuple[str, str] = AMOUNTS

    def value(self, value: float, kind: str, cell: str, unit: str = "") -> str:
        """One value of an unknown in words.

        An effect of a ratio is a log ratio in the model and per cent here; a spread of log ratios
        is the factor by which people differ, as per cent. Others have a unit of their own, or that
        of their printed cell.

        Examples
        --------
        >>> telling = Telling("ratio", "ratio a / b", {"r1: mean": "N"}, (1.0,))
        >>> telling.value(-0.1252, "effect", ""), telling.value(0.113, "spread", "")
        ('12% lower', 'SD 12%')
        >>> telling.value(3.35, "", "r1: mean"), telling.value(-0.99, "", "")
        ('3.35 N', '−0.99')
        >>> telling.value(45, "", "", "ml/kg/min")
        '45 ml/kg/min'
        >>> Telling("difference", "kg", {}, ()).value(-0.5, "effect", "")
        '−0.5 kg'
        """
        if not math.isfinite(value):
            return ""
        ratio = self.scale in RATIOS
        if kind == "effect":
            if ratio:
                return amount(math.exp(value), self.scale, bounds=self.bounds, words=self.words)
            return fmt.with_unit(fmt.short(value), self.unit)
        if kind == "spread":
            if ratio:
                return f"SD {fmt.number(100 * math.expm1(value), 0)}%"
            return f"SD {fmt.with_unit(fmt.short(value), self.unit)}"
        return fmt.with_unit(fmt.short(value), unit or self.cells.get(cell, ""))


def units_of_cells(sources: Iterable[Row]) -> dict[str, str]:
    """Unit of every printed cell that has one, by "row_id: column".

    Examples
    --------
    >>> units_of_cells([{"row_id": "r1", "unit": "N"}])["r1: mean"]
    'N'
    """
    found: dict[str, str] = {}
    for row in sources:
        unit: Any = fmt.text(row.get("unit_printed", row.get("unit")))
        found |= {f"{row['row_id']}: {column}": unit for column in IN_UNIT}
        found[f"{row['row_id']}: {PERCENT}"] = "%"
    return found
