"""Numbers that a row prints of its effect, on the model's scale of a measure."""

from __future__ import annotations

import math

from retrostats.common.errors import InputError
from retrostats.evidence.printed.cells import Number, number_cell
from retrostats.evidence.printed.measures import (
    CORRELATION,
    EVENT_RATIOS,
    PERCENT,
    PROPORTION,
    RATIO_OF_MEANS,
    RISK_DIFFERENCE,
    Measure,
    one_measure,
)
from retrostats.evidence.printed.rows import PrintedRow


class RowScale:
    """Numbers of one row on the model's scale.

    Raises
    ------
    InputError
        From its methods: a number that the measure cannot have.
    """

    def __init__(self, row: PrintedRow, measure: Measure) -> None:
        self.row, self.measure = row, measure
        text = str(row.cells.get("estimate", ""))
        signed = text.strip().endswith("%") and measure.name == RATIO_OF_MEANS
        own = row.measure or (PERCENT if signed else measure.name)
        self.own = PERCENT if signed and one_measure(own) == RATIO_OF_MEANS else own

    def model(self, value: float, column: str) -> float:
        """A printed number on the model's scale."""
        shown = 1 + value / 100 if self.own == PERCENT else value
        if self.measure.is_log and not shown > 0:
            what = "a percentage above -100" if self.own == PERCENT else "a ratio above 0"
            raise InputError(f"{self.row.where}: {column} is {value:g}; allowed is {what}")
        if self.measure.name == CORRELATION and not -1 < shown < 1:
            raise InputError(
                f"{self.row.where}: {column} is {value:g}; allowed is between -1 and 1"
            )
        if self.measure.name == PROPORTION and not 0 < shown < 1:
            raise InputError(
                f"{self.row.where}, column {column}: found {value:g}; a proportion is between 0 "
                "and 1, as 0.15 of 15%: give events of people in first where it is 0 or 1"
            )
        return float(self.measure.to_model(shown))

    def limit(self, column: str) -> float | None:
        """A limit of the interval."""
        found = self.row.number_of(column)
        return None if found is None else self.model(found.value, column)

    def estimate(self) -> tuple[float, float, float] | None:
        """Lowest rounding, estimate and highest rounding."""
        if "estimate" not in self.row.cells:
            return None
        found: Number = number_cell(self.row.cells["estimate"], f"{self.row.where}, estimate")
        centre = self.model(found.value, "estimate")
        low, high = found.ends
        floor = -100.0 if self.own == PERCENT else 0.0
        if self.measure.is_log and low <= floor:
            low = floor + 0.5 * (found.value - floor)
        if self.measure.name == CORRELATION:
            low, high = max(low, -0.9999), min(high, 0.9999)
        return self.model(low, "estimate"), centre, self.model(high, "estimate")

    def error(self) -> float | None:
        """Standard error: of a percentage in percent points, of other ratios of the logarithm.

        Of a proportion as printed, so that of its logit is se / (p (1 - p)) by the delta method.
        """
        found = self.row.positive("se")
        if found is not None and self.measure.name == PROPORTION:
            return found / (self.row_estimate * (1 - self.row_estimate))
        if found is None or self.own != PERCENT:
            return found
        shown = 1 + self.row_estimate / 100
        return found / 100 / shown

    @property
    def row_estimate(self) -> float:
        """The estimate as printed."""
        return number_cell(self.row.cells["estimate"], f"{self.row.where}, estimate").value

    @property
    def df(self) -> float:
        """Of the row's column, else by its people; those of events and correlations are normal."""
        printed = self.row.positive("df")
        if printed is not None:
            return printed
        if one_measure(self.own) in (
            *EVENT_RATIOS,
            RISK_DIFFERENCE,
            CORRELATION,
            PROPORTION,
        ):
            return math.inf
        return self.row.people_df

    @property
    def df_words(self) -> str:
        """Which df, and why."""
        if "df" in self.row.cells:
            return f"t with the {self.df:g} df of the row"
        return "normal" if math.isinf(self.df) and self.row.n else self.row.df_words
