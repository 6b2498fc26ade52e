"""Backward minus forward, two trials: under every reading, and how far each row moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from retrostats.evidence.printed.change import (
    difference_of_trials,
    welch_df,
)
from retrostats.evidence.result.estimate import Estimate
from retrostats.evidence.result.findings import EstimateRow, Measure
from retrostats.evidence.unreported.unknowns import Choice, Unknown, Values

from .forward import forward_space, people_of, scaled
from .names import BOTH_CHANGES, MODELS, MORE, READ_AS, READING, UNIT, WITHIN, Parts, measure_of
from .trained import trained_estimate, trained_space

if TYPE_CHECKING:
    import pandas as pd


def more_space(
    rows: pd.DataFrame, printed: pd.Series, reading: str = "", tested: str = ""
) -> tuple[Callable[[Values], Parts], list[Unknown | Choice]]:
    """Backward minus forward, two trials, under every reading unless one is given."""
    trained, first = trained_space(printed, tested)
    forward, second = forward_space(rows)
    readings = {reading: reading} if reading else {READ_AS[name]: name for name in UNIT}
    df_forward = people_of(rows) - 1

    def parts(v: Values) -> Parts:
        change, error, df = trained(v)
        other, other_error, before = forward(v)
        per = np.where(v[READING] == "relative", 100 / before, 1.0)
        other, other_error = other * per, other_error * per
        total = np.hypot(error, other_error)
        return change - other, total, welch_df(error**2, df, other_error**2, df_forward)

    return parts, [*first, *second, Choice(READING, readings, "the abstract does not say")]


def ranges(rows: pd.DataFrame, printed: pd.Series) -> list[Measure]:
    """How far each row moves under its own reading; they judge nothing by themselves."""
    found = []
    for reading in UNIT:
        for tested in MODELS:
            name = f"bf-{reading}-{tested.split()[0]}"
            found.append(measure_of(name, tested, *trained_space(printed, tested)))
        forward, unknowns = forward_space(rows)
        found.append(
            measure_of(
                f"bf-hazell-{reading}",
                "Hazell 2014",
                partial(scaled, forward, reading, people_of(rows) - 1),
                unknowns,
            )
        )
        found.append(
            measure_of(
                f"bf-more-{reading}",
                reading,
                *more_space(rows, printed, reading),
                follow=(BOTH_CHANGES,),
            )
        )
    return found


def difference_rows(
    rows: pd.DataFrame, printed: pd.Series, forward: Mapping[str, Estimate]
) -> list[EstimateRow]:
    """Backward minus forward, indirect, for the reading in which p tests the training group."""
    return [
        EstimateRow.of(
            difference_of_trials(
                trained_estimate(printed, reading, WITHIN),
                float(printed["n"]),
                estimate,
                people_of(rows),
            ),
            f"bf-more-{reading}",
            "Backward minus forward, indirect",
            quantity="body_fat_difference",
            role="model",
            claim_id=MORE,
            directness="indirect, two trials",
            n=float(printed["n"]) + people_of(rows),
            reading=f"2.4% as {UNIT[reading]}",
            note="one model of both trials, residual variance by trial; with one trial a direction "
            "the variance between trials is not identified and is not in the interval",
        )
        for reading, estimate in forward.items()
    ]
