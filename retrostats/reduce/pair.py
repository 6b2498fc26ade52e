"""Reduce and estimate: a printed crossover (two conditions, same people) and what r leaves open.

A paper that prints a mean and SD for each direction but no correlation does not settle the
standard error of the difference. The p-value it prints bounds the correlation; the rest is a
range, and every verdict must hold over all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from retrostats.errors import InputError
from retrostats.result.estimate import Estimate

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.mixed.fit import LmmFit
    from retrostats.mixed.moments import Moments

#: A correlation of exactly 1 leaves no residual to estimate; the range ends just below it.
HIGHEST_CORRELATION = 0.99
#: Points at which a range of correlations is examined; the ends are always among them.
GRID_POINTS = 9


@dataclass(frozen=True, slots=True)
class PrintedPair:
    """Forward and backward as printed: means and SDs in `unit`, the p-value that bounds r."""

    study_id: str
    n: int
    forward: float
    backward: float
    sd_forward: float
    sd_backward: float
    p_value: float
    p_operator: str
    unit: str
    rows: tuple[str, ...]
    spread_type: str
    name: str

    @property
    def ratio(self) -> float:
        """Backward / forward."""
        return self.backward / self.forward


def one_row(frame: pd.DataFrame, **where: object) -> pd.Series:
    """The single row of `frame` with these column values.

    Raises
    ------
    InputError
        If none or several match; the message names the conditions.
    """
    found = frame
    for column, value in where.items():
        found = found[found[column] == value]
    if len(found) != 1:
        asked = ", ".join(f"{k}={v!r}" for k, v in where.items())
        raise InputError(
            f"published rows: {len(found)} rows match {asked}, exactly one is needed; "
            f"found {', '.join(found['row_id']) or 'none'}. Narrow the conditions."
        )
    return found.iloc[0]


def printed_pair(frame: pd.DataFrame, name: str = "", **where: object) -> PrintedPair:
    """Forward and backward rows that share every condition in `where`; `name` is for readers."""
    forward = one_row(frame, direction="forward", **where)
    backward = one_row(frame, direction="backward", **where)
    return PrintedPair(
        study_id=str(forward["study_id"]),
        n=int(forward["n"]),
        forward=float(forward["mean"]),
        backward=float(backward["mean"]),
        sd_forward=_standard_deviation(forward),
        sd_backward=_standard_deviation(backward),
        p_value=float(backward["p_value"]),
        p_operator=str(backward["p_operator"]),
        unit=str(forward["unit"]),
        rows=(str(forward["row_id"]), str(backward["row_id"])),
        spread_type=str(forward["spread_type"]),
        name=name or str(forward["study_id"]),
    )


def _standard_deviation(row: pd.Series) -> float:
    """Printed spread as an SD: a labelled SE times the root of n; unlabelled is taken as SD."""
    spread = float(row["spread"])
    return spread * float(row["n"]) ** 0.5 if row["spread_type"] == "SE" else spread


def correlation_range(pair: PrintedPair) -> tuple[float, float]:
    """Correlations that the printed p-value, read as a paired t-test, leaves possible."""
    from retrostats.reduce.reported import r_bounds_from_p

    if not np.isfinite(pair.p_value):
        return -HIGHEST_CORRELATION, HIGHEST_CORRELATION
    low, high = r_bounds_from_p(
        pair.sd_forward,
        pair.sd_backward,
        pair.n,
        pair.backward - pair.forward,
        pair.p_value,
        pair.p_operator,
    )
    return max(low, -HIGHEST_CORRELATION), min(high, HIGHEST_CORRELATION)


def correlation_grid(bounds: tuple[float, float]) -> np.ndarray:
    """Evenly spaced correlations over `bounds`, ends included; shape (GRID_POINTS,)."""
    return np.linspace(*bounds, GRID_POINTS)


def log_cells(pair: PrintedPair) -> pd.DataFrame:
    """Cells of the pair on the log scale: log mean and, by the delta method, SD / mean.

    The difference of the two cells is then the log ratio of means, and its variance that of
    Lajeunesse (2011, Ecology 92:2049, eq. 4) for a correlated pair.
    """
    import pandas as pd

    means = np.array([pair.forward, pair.backward])
    return pd.DataFrame(
        {
            "direction": pd.Categorical(["forward", "backward"], ["forward", "backward"]),
            "n": pair.n,
            "mean": np.log(means),
            "sd": np.array([pair.sd_forward, pair.sd_backward]) / means,
        }
    )


def pair_moments(pair: PrintedPair, correlation: float) -> Moments:
    """Moments of the pair on the log scale at one correlation."""
    from retrostats.mixed.summary import moments_from_summary

    return moments_from_summary(
        log_cells(pair),
        correlation=correlation,
        within="direction",
        outcome="log_outcome",
        subject="subject",
    )


@cache
def fit_pair(pair: PrintedPair, correlation: float) -> LmmFit:
    """Mixed model of the pair: direction fixed, people random, covariance of either sign."""
    from retrostats.mixed.fit import lmm

    return lmm(
        "log_outcome ~ direction + (1 | subject)",
        pair_moments(pair, correlation),
        covariance="signed-cs",
    )


def ratio_estimate(
    pair: PrintedPair, correlation: float, assumptions: Sequence[str] = ()
) -> Estimate:
    """Backward / forward from the mixed model, at one correlation."""
    return Estimate.of_term(
        fit_pair(pair, correlation),
        "directionbackward",
        "log_ratio",
        "ratio backward / forward",
        pair.rows,
        tuple(assumptions),
    )
