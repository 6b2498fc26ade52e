"""Bending the back backward or forward: a printed difference between two groups by lot."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrostats.common.student import t_quantile
from retrostats.evidence.printed.pair import one_row
from retrostats.evidence.result.estimate import Estimate
from retrostats.evidence.result.findings import EstimateRow, Measure
from retrostats.evidence.unreported.pooled import interval_of
from retrostats.evidence.unreported.unknowns import Unknown, Values

from .names import BEND

if TYPE_CHECKING:
    import pandas as pd

PARK = "bf-park2024-back-pain-0-10-difference-flexion-vs-extension-1y"
LABEL = "Park 2024, back pain after a year"
UNIT = "points of 0 to 10"


def bending(rows: pd.DataFrame) -> tuple[EstimateRow, Measure]:
    """Pain after extension minus pain after flexion exercise, with the error of its interval.

    The source prints flexion minus extension, 1.52 (0.56 to 2.47): the sign is turned. The error is
    half the width of the interval over the quantile of t on n - 2 degrees of freedom.
    """
    printed = one_row(rows, row_id=PARK)
    df = float(printed["n"]) - 2
    cells = [
        Unknown.of_cell(f"{what} (Park 2024)", printed, column)
        for what, column in (
            ("difference", "change"),
            ("lower limit", "ci_low"),
            ("upper limit", "ci_high"),
        )
    ]
    reach = 2 * t_quantile((1 - float(printed["ci_level"]) / 100) / 2, df)

    def at(level: float) -> Callable[[Values], Any]:
        def estimate(v: Values) -> Any:
            value, low, high = (v[cell.name] for cell in cells)
            return interval_of(-value, (high - low) / reach, df, level, log=False)

        return estimate

    error = (float(printed["ci_high"]) - float(printed["ci_low"])) / reach
    row = EstimateRow.of(
        Estimate(-float(printed["change"]), error, df, "difference", UNIT, (PARK,)),
        "bf-park",
        LABEL,
        quantity="back_pain_difference",
        role="printed",
        study_id="park2024",
        n=float(printed["n"]),
        gait="none",
        directness="people with back pain, not the healthy",
        claim_id=BEND,
    )
    return row, Measure("bf-park", "average back pain after a year", at, tuple(cells), BEND)
