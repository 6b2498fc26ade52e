"""Values that no living person has: refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrostats.io.tables.passes import ends
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

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
    "rer": (0.5, 2.0),
    "vco2_ml_kg_min": (1.0, 120.0),
}
#: Columns that are derived from another one, which is then what is wrong.
_DIVIDED = {"vo2_ml_kg_min": "vo2_ml_min", "metabolic_rate_w_kg": "metabolic_rate_w"}
#: Values of one column that are listed one by one; the others are counted.
LISTED = 50
#: Columns that say where a row stands.
PLACE = ("source_file", "source_row")


def impossible_values(frame: pd.DataFrame, level: str = "error") -> list[Problem]:
    """Values outside what a living person can have.

    Only columns whose smallest or largest value is outside are looked at cell by cell.
    """
    doubtful = [name for name in POSSIBLE if name in frame and not _within(frame[name], name)]
    if frame.empty or not doubtful:
        return []
    plain = frame[[c for c in frame if c in doubtful or c in PLACE]].reset_index(drop=True)
    failing = {name: _outside(plain[name], name) for name in POSSIBLE if name in doubtful}
    found = []
    for column, failed in failing.items():
        low, high = POSSIBLE[column]
        allowed = f"{low:g} to {high:g}"
        made_of = _DIVIDED.get(column, "")  # what is wrong there is said of that one
        rows = np.setdiff1d(failed, failing[made_of]) if made_of in failing else failed
        action = "correct the value or its unit"
        if _thousands(plain[column].to_numpy(float), low, high):
            action = ('do its points separate thousands? Then write decimal = "," under [file] in '
                      f"a spec; else {action}")  # fmt: skip
        for i in rows[:LISTED]:
            file, row = str(plain["source_file"].iat[i]), str(plain["source_row"].iat[i])
            value = f"{plain[column].iat[i]:g}"
            found.append(Problem(level, file, row, column, value, allowed, action))
        if len(rows) > LISTED:
            more = f"{len(rows) - LISTED} more such values"
            found.append(Problem(level, "", "", column, more, allowed, "correct them all"))
    return found


def _thousands(values: NDArray[np.float64], low: float, high: float) -> bool:
    """Whether all values are too small by a factor of 1000 that a point of thousands makes."""
    known = values[np.isfinite(values)]
    whole = np.abs(1000 * known - np.rint(1000 * known)) < 1e-6
    return bool(len(known) and (known < low).all() and whole.all()
                and ((1000 * known >= low) & (1000 * known <= high)).all())  # fmt: skip


def _within(column: pd.Series, name: str) -> bool:
    """Whether every value of a column of numbers is possible."""
    if column.dtype != float:
        return False
    low, high = ends(column.to_numpy())
    return not (low < POSSIBLE[name][0] or high > POSSIBLE[name][1])


def _outside(column: pd.Series, name: str) -> NDArray[np.intp]:
    """Rows whose value is outside `POSSIBLE`; a missing one is not."""
    low, high = POSSIBLE[name]
    values = column.to_numpy(float)
    return np.flatnonzero((values < low) | (values > high))
