"""Joint load, impact, heart rate and ground force: indirect contrasts, each with its space."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.audit.analysis import Context
from retrostats.evidence.findings.crossover import CrossoverStudy, crossover_study
from retrostats.evidence.printed.change import implied_error
from retrostats.evidence.printed.pair import one_row
from retrostats.evidence.printed.reported import t_from_p
from retrostats.evidence.result.estimate import Estimate
from retrostats.evidence.result.findings import Assumption, EstimateRow, Measure
from retrostats.evidence.unreported.pooled import interval_of
from retrostats.evidence.unreported.unknowns import Choice, Unknown, Values
from retrostats.io.published.published import load_published

from .names import CONDITIONS, HEART, IMPACT, LOAD, POUNDING

if TYPE_CHECKING:
    import pandas as pd

ACCELERATION_DF = "df behind the printed p, Cavagna 2012"
#: Study, row, label, and what its row says beside `LOAD`: one judges, the other is no contrast at
#: one speed.
AT_ONE_SPEED = ("roos2012", "li-roos", "Roos 2012, same speed", {"claim_id": POUNDING})
AT_OWN_SPEED = (
    "flynn1995",
    "li-flynn",
    "Flynn 1995, own speed",
    {"directness": "joint load at self-chosen speeds, not one speed"},
)


def crossover(
    context: Context, name: str, label: str, where: dict[str, str], **extra: Any
) -> CrossoverStudy:
    """Backward against forward in the rows that share the column values of `where`."""
    return crossover_study(
        context.published,
        name,
        label,
        conditions=CONDITIONS,
        where=where,
        highest_cv=context.audit.highest_cv,
        **extra,
    )


def load(
    context: Context, study_id: str, name: str, label: str, extra: dict[str, str]
) -> CrossoverStudy:
    """Peak force of the kneecap joint in one study."""
    where = {"study_id": study_id, "outcome": "patellofemoral_force_bw"}
    return crossover(context, name, label, where, **{**LOAD, **extra})


def pounding_measures(
    impact: Measure, heart: CrossoverStudy, ground: CrossoverStudy, joint: CrossoverStudy
) -> tuple[Measure, ...]:
    """Every printed measure of 'less pounding': they are judged each, and must agree."""
    return (
        impact,
        replace(heart.measure, name="heart rate", claim_id=POUNDING),
        replace(joint.measure, name="load on the kneecap joint", claim_id=POUNDING),
        replace(ground.measure, name="ground force at peak knee moment", claim_id=POUNDING),
    )


ACCELERATION_ASSUMPTION = Assumption(
    "li-acceleration-df",
    "reading",
    "the p-value of the acceleration contrast comes from a paired t-test",
    "the abstract names no test; 8 df if the nine people are the units, up to 134 if each "
    "person's fifteen speeds are",
    "cavagna2012",
    8,
    134,
)


def _acceleration_cells(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Backward and forward rows of the peak acceleration."""
    where = {"study_id": "cavagna2012", "outcome": "peak_acceleration_m_s2"}
    backward, forward = (one_row(rows, direction=c, **where) for c in CONDITIONS)
    return backward, forward


def acceleration_measure(context: Context) -> Measure:
    """Ratio of peak accelerations over rounding and what the printed p counts as a unit.

    People, or every person at each of the fifteen speeds from 3 to 17 km/h.
    """
    backward, forward = _acceleration_cells(context.published)
    df = context.audit.range_of(str(backward["row_id"]), "df", ACCELERATION_DF)
    means = [f"peak acceleration {c}, Cavagna 2012" for c in CONDITIONS]
    p = "p, Cavagna 2012"
    unknowns = (
        Unknown.of_cell(means[0], backward, "mean"),
        Unknown.of_cell(means[1], forward, "mean"),
        Unknown.of_cell(p, backward, "p_value"),
        Choice(
            ACCELERATION_DF, {"people": df.low, "people at each speed": df.high}, df.why, df.source
        ),
    )

    def at(level: float) -> Callable[[Values], Any]:
        def estimate(v: Values) -> Any:
            value = np.log(v[means[0]] / v[means[1]])
            df = v[ACCELERATION_DF]
            return interval_of(value, implied_error(value, v[p], df), df, level, log=True)

        return estimate

    return Measure("li-acceleration", "impact (peak acceleration)", at, unknowns, POUNDING)


def acceleration_row(rows: pd.DataFrame, impact: Measure) -> EstimateRow:
    """Log ratio with the standard error that the printed p implies for people as units."""
    backward, forward = _acceleration_cells(rows)
    df = float(forward["n"]) - 1
    value = math.log(backward["mean"] / forward["mean"])
    return EstimateRow.of(
        Estimate(
            value,
            value / t_from_p(float(backward["p_value"]), df),
            df,
            "log_ratio",
            "ratio backward / forward",
            (forward["row_id"], backward["row_id"]),
            ("li-acceleration-df",),
        ),
        impact.estimate_id,
        "Cavagna 2012, peak acceleration",
        quantity=IMPACT,
        role="printed",
        study_id="cavagna2012",
        n=float(forward["n"]),
        gait="run",
        directness="impact of the body, not ligament",
        claim_id=POUNDING,
    )


def heart_rate(context: Context) -> CrossoverStudy:
    """Heart rate backward / forward in running, for the 'pounding of the heart' wording."""
    return crossover_study(
        load_published("metabolic_cost", folder=context.audit.data),
        "li-heart-rate",
        "Williford 1998, heart rate, run",
        conditions=CONDITIONS,
        where={"study_id": "williford1998", "outcome": "heart_rate_bpm", "gait": "run"},
        highest_cv=context.audit.highest_cv,
        quantity=HEART,
        claim_id=POUNDING,
        directness="heart rate",
    )


def ground_force(context: Context) -> CrossoverStudy:
    """Resultant ground force at the peak knee moment; which mean is which had to be inferred."""
    return crossover(
        context,
        "li-ground-force",
        "Roos 2012, ground force",
        {"study_id": "roos2012", "outcome": "ground_force_at_peak_knee_moment_bw"},
        quantity="ground_force_ratio",
        claim_id=POUNDING,
        directness="force on the ground, not ligament",
        hollow=True,
        note="the order of the two printed means is inferred",
    )
