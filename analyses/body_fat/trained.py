"""The trial of backward training: its change under every reading of its abstract."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from retrostats.evidence.printed.change import (
    implied_error,
)
from retrostats.evidence.result.estimate import Estimate
from retrostats.evidence.result.findings import EstimateRow
from retrostats.evidence.unreported.unknowns import Choice, Unknown, Values

from .names import (
    AGAINST,
    BACKWARD,
    CHANGE,
    LOST,
    MODELS,
    P_TESTS,
    TESTED,
    TRAINED,
    UNIT,
    WITHIN,
    P,
    Parts,
)

if TYPE_CHECKING:
    import pandas as pd


def trained_space(
    printed: pd.Series, tested: str = ""
) -> tuple[Callable[[Values], Parts], list[Unknown | Choice]]:
    """The trial's change over the rounding of both numbers and what its p tests.

    The closed form of the arm by time model: n - 1 df within the group, 2 n - 2 against a control
    group of the same size.
    """
    n = float(printed["n"])
    dfs = {WITHIN: n - 1, AGAINST: 2 * n - 2}
    unknowns: list[Unknown | Choice] = [
        Unknown.of_cell(CHANGE, printed, "change"),
        Unknown.of_cell(P, printed, "p_value"),
        Choice(TESTED, {tested: dfs[tested]} if tested else dfs, "the abstract does not say"),
    ]

    def parts(v: Values) -> Parts:
        return v[CHANGE], implied_error(v[CHANGE], v[P], v[TESTED]), v[TESTED]

    return parts, unknowns


def trained_estimate(printed: pd.Series, reading: str, tested: str) -> Estimate:
    """The trial's change under one choice of readings, by the mixed model."""
    return MODELS[tested](
        float(printed["change"]),
        float(printed["p_value"]),
        int(printed["n"]),
        UNIT[reading],
        (printed["row_id"],),
        TRAINED,
    )


def trained_rows(printed: pd.Series) -> list[EstimateRow]:
    """One row a reading; its range runs over the rounding of both numbers."""
    return [
        EstimateRow.of(
            trained_estimate(printed, reading, tested),
            f"bf-{reading}-{tested.split()[0]}",
            f"Terblanche 2005, backward, {P_TESTS[tested]}",
            quantity="body_fat_change",
            role="model",
            claim_id=LOST,
            study_id="terblanche2005",
            n=float(printed["n"]) * (1 if tested == WITHIN else 2),
            directness="direct",
            group=BACKWARD,
            reading=f"2.4% as {UNIT[reading]}; {P_TESTS[tested]}",
        )
        for reading in UNIT
        for tested in MODELS
    ]
