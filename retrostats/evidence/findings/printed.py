"""Rows of results that a source printed as effects, with or without an error."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrostats.evidence.findings.results import Result
from retrostats.evidence.printed.reported import Reported
from retrostats.evidence.result.estimate import Estimate
from retrostats.evidence.result.findings import EstimateRow, Measure
from retrostats.evidence.unreported.unknowns import Unknown, Values

if TYPE_CHECKING:
    import pandas as pd

#: Columns of a printed row that the row of an estimate repeats.
MODERATORS = ("gait", "speed_m_s", "gradient_pct")


def printed_levels(printed: pd.Series) -> dict[str, Any]:
    """What a printed row says of the levels at which it was measured, by column."""
    return {name: printed[name] for name in MODERATORS}


def percentage_estimate(printed: pd.Series, unit: str) -> Estimate:
    """Ratio from a printed "x% more, SE y": delta method, SE of the log ratio = SE / ratio."""
    ratio = 1 + float(printed["mean"]) / 100
    return Estimate(
        math.log(ratio),
        float(printed["spread"]) / 100 / ratio,
        float(printed["n"]) - 1,
        "log_ratio",
        unit,
        (str(printed["row_id"]),),
    )


def no_standard_error_row(
    printed: Sequence[pd.Series], estimate: float, estimate_id: str, label: str, **extra: Any
) -> EstimateRow:
    """A printed result without what a pool needs: shown, not pooled."""
    first = printed[0]
    return EstimateRow(
        estimate_id=estimate_id,
        label=label,
        estimate=estimate,
        role="printed",
        study_id=str(first["study_id"]),
        n=float(first["n"]),
        excluded=True,
        source_rows=tuple(str(row["row_id"]) for row in printed),
        **{**printed_levels(first), **extra},
    )


def shown_only(
    cells: Sequence[tuple[pd.Series, str]],
    formula: Callable[..., Any],
    estimate_id: str,
    label: str,
    **extra: Any,
) -> Result:
    """A printed result without what a pool needs: shown over the rounding of its cells, not pooled.

    Parameters
    ----------
    cells
        Printed row and column of each number that `formula` takes, in its order.
    formula
        Vectorised, to the display scale.
    """
    printed = tuple({str(row["row_id"]): row for row, _ in cells}.values())
    value = float(formula(*(Reported(str(row[f"{column}_text"])).value for row, column in cells)))
    unknowns = tuple(
        Unknown.of_cell(f"printed number {i} ({label})", row, column)
        for i, (row, column) in enumerate(cells, start=1)
    )

    def at(level: float) -> Callable[[Values], Any]:
        return lambda v: (formula(*(v[u.name] for u in unknowns)),) * 3

    row = no_standard_error_row(printed, value, estimate_id, label, **extra)
    return Result(row, Measure(estimate_id, label, at, unknowns))
