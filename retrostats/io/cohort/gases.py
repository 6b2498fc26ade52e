"""Metabolic rate of a table that holds both gases, by a named equation, doubtful rows flagged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrostats.common.errors import InputError
from retrostats.io.energy import EQUATIONS, metabolic_rate_w, outside_validity
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

USUAL_EQUATION = "brockway"
LISTED = 50


def with_metabolic_rate(
    frame: pd.DataFrame, equation: str, file: str, problems: list[Problem]
) -> pd.DataFrame:
    """The frame with rer and metabolic rate, in W or W/kg as the gases are, where they allow it.

    A metabolic rate that the table holds itself is kept. Rows whose respiratory exchange ratio
    is outside the equation's validity are flagged, not dropped.

    Raises
    ------
    InputError
        An equation that is not known, or one that is asked for without both gases.
    """
    if equation and equation not in EQUATIONS:
        raise InputError(f"spec, [energy] equation = {equation!r}; allowed: {', '.join(EQUATIONS)}")
    gases = _gases(frame)
    if gases is None:
        if equation:
            raise InputError(f"{file}: [energy] needs VO2 and VCO2 columns in one kind of unit")
        return frame
    if {"metabolic_rate_w", "metabolic_rate_w_kg"} & set(frame):
        return frame
    vo2, vco2, unit = gases
    chosen = equation or USUAL_EQUATION
    rate = metabolic_rate_w(frame[vo2], frame[vco2], equation=chosen)
    with np.errstate(divide="ignore", invalid="ignore"):
        rer = (frame[vco2] / frame[vo2]).to_numpy(dtype=float)
    name = "metabolic_rate_w_kg" if unit == "W/kg" else "metabolic_rate_w"
    cited = EQUATIONS[chosen]
    problems.append(
        Problem("guess" if not equation else "repair", file, "", name, f"{vo2} and {vco2}",
                ", ".join(EQUATIONS), f"metabolic rate by {cited.citation}")
    )  # fmt: skip
    doubtful = np.flatnonzero(outside_validity(rer, equation=chosen))
    for i in doubtful[:LISTED]:
        problems.append(
            Problem("warning", file, str(frame["source_row"].iat[i]), "rer", f"{rer[i]:.3f}",
                    f"{cited.rer_low:g} to {cited.rer_high:g}",
                    "kept; the metabolic rate does not hold there")
        )  # fmt: skip
    if len(doubtful) > LISTED:
        problems.append(
            Problem(
                "warning", file, "", "rer", f"{len(doubtful) - LISTED} more such rows", "", "kept"
            )
        )
    return frame.assign(**({} if "rer" in frame else {"rer": rer}), **{name: rate})


def _gases(frame: pd.DataFrame) -> tuple[str, str, str] | None:
    """Columns of both gases in one kind of unit, and the unit of the rate they give."""
    for tail, unit in (("ml_min", "W"), ("ml_kg_min", "W/kg")):
        vo2, vco2 = f"vo2_{tail}", f"vco2_{tail}"
        if {vo2, vco2} <= set(frame):
            return vo2, vco2, unit
    return None
