"""What a cohort must be before it is analysed: every problem in one go, with its next step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding: "error" stops, "repair" and "guess" are listed, "warning" is worth a look."""

    level: str
    file: str
    row: str
    column: str
    found: str
    allowed: str
    action: str

    def __str__(self) -> str:
        where = ", ".join(filter(None, (self.file, self.row and f"row {self.row}", self.column)))
        return f"{where}: found {self.found}; allowed {self.allowed}; {self.action}"


#: Smallest and largest value a living person can have.
POSSIBLE: dict[str, tuple[float, float]] = {
    "vo2_ml_kg_min": (1.0, 100.0),
    "vo2_ml_min": (50.0, 10_000.0),
    "vco2_ml_min": (30.0, 12_000.0),
    "energy_cost_j_kg_m": (0.3, 30.0),
    "oxygen_cost_ml_kg_m": (0.02, 1.5),
    "metabolic_rate_w_kg": (0.1, 60.0),
    "metabolic_rate_w": (5.0, 4000.0),
    "heart_rate_bpm": (25.0, 250.0),
    "body_fat_pct": (1.0, 75.0),
    "fat_mass_kg": (0.5, 250.0),
    "mass_kg": (15.0, 350.0),
    "height_cm": (80.0, 260.0),
    "speed_m_s": (0.05, 12.5),
    "gradient_pct": (-60.0, 100.0),
    "time_weeks": (0.0, 2000.0),
    "injuries": (0.0, 10_000.0),
    "exposure_h": (1e-6, 10_000_000.0),
    "age_y": (3.0, 110.0),
}

NEEDED = {
    "metabolic-cost": ("subject", "direction"),
    "body-fat": ("subject", "time", "body_fat_pct"),
    "ligament-injury": ("subject", "direction", "injuries", "exposure_h"),
}


def impossible_values(frame: pd.DataFrame, file: str) -> list[Problem]:
    """Values outside what a living person can have."""
    found = []
    for column, (low, high) in POSSIBLE.items():
        if column not in frame:
            continue
        values = frame[column].to_numpy(dtype=float)
        bad = np.flatnonzero(np.isfinite(values) & ((values < low) | (values > high)))
        found += [
            Problem(
                "error", file, str(frame["source_row"].iloc[i]), column, f"{values[i]:g}",
                f"{low:g} to {high:g}", "correct the value or its unit",
            )
            for i in bad
        ]  # fmt: skip
    return found


def design_problems(frame: pd.DataFrame, analysis: str, file: str) -> list[Problem]:
    """Too few subjects, a missing direction, a subject in two arms, repeated rows."""
    found: list[Problem] = []
    if not analysis:  # columns that fit no analysis are already an error, and subject may be absent
        return found

    def error(column: str, what: str, allowed: str, action: str, row: str = "") -> None:
        found.append(Problem("error", file, row, column, what, allowed, action))

    subjects = frame["subject"].nunique()
    if subjects < 2:
        error("subject", f"{subjects} subject", "2 or more", "a model needs several people")
    if "direction" in frame and analysis != "body-fat":
        seen = set(frame["direction"].dropna())
        for name in {"forward", "backward"} - seen:
            error("direction", f"no {name} row", "both directions", f"add the {name} measurements")
    if "arm" in frame:
        arms = frame.groupby("subject")["arm"].nunique()
        for subject in arms.index[arms > 1]:
            error("arm", f"subject {subject!r} in {arms[subject]} arms", "one arm a subject",
                  "correct the arm or give the people different names")  # fmt: skip
    keys = [k for k in ("subject", "direction", "time", "speed_m_s", "gradient_pct") if k in frame]
    if analysis in ("body-fat", "metabolic-cost"):
        again = frame.duplicated(keys, keep="first")
        for i in np.flatnonzero(again.to_numpy()):
            error(" + ".join(keys), "the same measurement twice", "one row each",
                  "delete one row, or tell them apart by time or speed",
                  str(frame["source_row"].iloc[i]))  # fmt: skip
    outcome = outcome_column(frame, analysis)
    if outcome and frame[outcome].nunique() < 2:
        error(outcome, "all values equal", "values that differ", "check the column")
    return found


def outcome_column(frame: pd.DataFrame, analysis: str) -> str:
    """The column an analysis explains, or "" if there is none."""
    from retrostats.cohorts import COST_COLUMNS

    wanted = {
        "metabolic-cost": COST_COLUMNS,
        "body-fat": ("body_fat_pct",),
        "ligament-injury": ("injuries",),
    }.get(analysis, ())
    return next((name for name in wanted if name in frame), "")
