"""Rows of results that a source printed as effects, with or without an error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrostats.reduce.pair import one_row
from retrostats.result.estimate import Estimate
from retrostats.result.findings import EstimateRow

if TYPE_CHECKING:
    import pandas as pd

#: Columns of a printed row that the row of an estimate repeats.
MODERATORS = ("gait", "speed_m_s", "gradient_pct")


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


def hollow_row(
    printed: Sequence[pd.Series], estimate: float, estimate_id: str, label: str, **extra: Any
) -> EstimateRow:
    """A printed result without what a pool needs: shown hollow."""
    first = printed[0]
    return EstimateRow(
        estimate_id=estimate_id,
        label=label,
        estimate=estimate,
        role="printed",
        study_id=str(first["study_id"]),
        n=float(first["n"]),
        hollow=True,
        source_rows=tuple(str(row["row_id"]) for row in printed),
        **{name: first[name] for name in MODERATORS},
        **extra,
    )


def words_row(printed: pd.Series, estimate_id: str, label: str, **extra: Any) -> EstimateRow:
    """A result printed in words alone: no estimate, only the range that the words leave."""
    return hollow_row([printed], math.nan, estimate_id, label, **extra)


def hollow_ratio(
    published: pd.DataFrame,
    estimate_id: str,
    label: str,
    *,
    conditions: tuple[str, str],
    where: dict[str, Any],
    **extra: Any,
) -> EstimateRow:
    """First / second condition of two printed means that came without spread."""
    first, second = (one_row(published, direction=c, **where) for c in conditions)
    return hollow_row(
        [second, first],
        float(first["mean"]) / float(second["mean"]),
        estimate_id,
        label,
        scale="ratio",
        unit=f"ratio {conditions[0]} / {conditions[1]}",
        **extra,
    )
