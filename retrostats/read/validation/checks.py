"""What a cohort must be before it is analysed: every problem in one go, with its next step."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.read.validation.people import code_problems, pairing_problems
from retrostats.read.validation.problem import Problem

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

#: Outcomes that measure the cost of moving, the first one present is used.
COST_COLUMNS = (
    *("energy_cost_j_kg_m", "metabolic_rate_w_kg", "oxygen_cost_ml_kg_m", "vo2_ml_kg_min"),
    *("metabolic_rate_w", "vo2_ml_min"),
)
NEEDED = {
    "metabolic-cost": ("subject", "direction"),
    "body-fat": ("subject", "time", "body_fat_pct"),
    "ligament-injury": ("subject", "direction", "injuries", "exposure_h"),
}


#: What tells two measurements of one person apart.
TELLING_APART = ("subject", "direction", "gait", "time", "speed_m_s", "gradient_pct")
#: Values of one column that are listed one by one; the others are counted.
LISTED = 50
SHOWN_COLUMNS = 12


def impossible_values(frame: pd.DataFrame, level: str = "error") -> list[Problem]:
    """Values outside what a living person can have."""
    from pandera.errors import SchemaErrors

    if frame.empty:
        return []
    plain = frame.reset_index(drop=True)
    try:
        possible_schema().validate(plain, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
    else:
        return []
    found = []
    for column, failed in cases.groupby("column", sort=False):
        low, high = POSSIBLE[str(column)]
        allowed = f"{low:g} to {high:g}"
        rows = failed["index"].astype(int).sort_values()
        for i in rows.iloc[:LISTED]:
            file, row = str(plain["source_file"].iat[i]), str(plain["source_row"].iat[i])
            value = f"{plain[column].iat[i]:g}"
            found.append(
                Problem(level, file, row, str(column), value, allowed,
                        "correct the value or its unit")
            )  # fmt: skip
        if len(rows) > LISTED:
            more = f"{len(rows) - LISTED} more such values"
            found.append(Problem(level, "", "", str(column), more, allowed, "correct them all"))
    return found


@cache
def possible_schema() -> Any:
    """Schema of the quantities: each column numbers within `POSSIBLE`, or missing."""
    import pandera.pandas as pa

    return pa.DataFrameSchema(
        {
            name: pa.Column(float, pa.Check.in_range(low, high), nullable=True, required=False)
            for name, (low, high) in POSSIBLE.items()
        }
    )


def analysis_of(frame: pd.DataFrame, wanted: str, file: str, problems: list[Problem]) -> str:
    """The analysis whose columns are there; "" if none is, which is an error unless told so."""
    if wanted == "none":
        if "subject" not in frame:
            problems.append(
                Problem("error", file, "", "subject", "no such column", "a column of people",
                        'name it in the spec: [columns] header = "subject"')
            )  # fmt: skip
        return ""
    if wanted and wanted not in NEEDED:
        allowed = ", ".join([*NEEDED, "none"])
        problems.append(Problem("error", "spec", "", "analysis", repr(wanted), allowed, "name one"))
        return ""
    for analysis in (wanted,) if wanted else ("ligament-injury", "body-fat", "metabolic-cost"):
        if set(NEEDED[analysis]) <= set(frame) and outcome_column(frame, analysis):
            return analysis
    have = [str(c) for c in frame if not str(c).startswith("source_")]
    more = f" and {len(have) - SHOWN_COLUMNS} more" if len(have) > SHOWN_COLUMNS else ""
    shown = ", ".join(f"{c}{_near(c)}" for c in have[:SHOWN_COLUMNS])
    unread = [c for c in have if not _known(c)]
    names = ", ".join(map(repr, unread[:SHOWN_COLUMNS]))
    hint = f"not understood: {names}; name them under [columns] in a spec, " if unread else ""
    problems.append(
        Problem("error", file, "", "", f"columns {shown or 'none that are known'}{more}",
                "; ".join(f"{k}: {', '.join(v)}" for k, v in NEEDED.items())
                + " (metabolic-cost also an oxygen uptake or energy column)",
                f"{hint}see `retrostats template ANALYSIS`; a table for `lmm` alone needs a spec "
                'with analysis = "none"')
    )  # fmt: skip
    return ""


def _known(column: str) -> bool:
    from retrostats.read.headers import kind_of

    return kind_of(column) is not None or column in POSSIBLE


def _near(column: str) -> str:
    """The known header that an unknown one is nearly."""
    from retrostats.read.headers import NAMES
    from retrostats.read.spec import suggestion

    words = (word for names in NAMES.values() for word in names)
    return "" if _known(column) else suggestion(column.lower(), words)


def design_problems(frame: pd.DataFrame, analysis: str, file: str) -> list[Problem]:
    """Too few subjects, a missing direction, a subject in two arms, repeated rows."""
    found: list[Problem] = []
    if "subject" not in frame:  # an error of its own by now
        return found

    def error(column: str, what: str, allowed: str, action: str, row: str = "") -> None:
        found.append(Problem("error", file, row, column, what, allowed, action))

    found += code_problems(frame, file)
    subjects = frame["subject"].nunique()
    if subjects < 2:
        error("subject", f"{subjects} subject", "2 or more", "a model needs several people")
    if not analysis:
        return found
    if "direction" in frame and analysis != "body-fat":
        seen = set(frame["direction"].dropna().unique())
        for name in {"forward", "backward"} - seen:
            error("direction", f"no {name} row", "both directions", f"add the {name} measurements")
        if len(seen) == 2 and analysis == "metabolic-cost":
            found += pairing_problems(frame, file)
    if "arm" in frame:
        arms = frame.groupby("subject")["arm"].nunique()
        for subject in arms.index[arms > 1]:
            error("arm", f"subject {subject!r} in {arms[subject]} arms", "one arm a subject",
                  "correct the arm or give the people different names")  # fmt: skip
    keys = [key for key in TELLING_APART if key in frame]
    if analysis in ("body-fat", "metabolic-cost"):
        again = frame.duplicated(keys, keep="first")
        for i in np.flatnonzero(again.to_numpy())[:LISTED]:
            error(" + ".join(keys), "the same measurement twice", "one row each",
                  "average repeated trials or delete one, or tell them apart by speed",
                  str(frame["source_row"].iloc[i]))  # fmt: skip
        if again.sum() > LISTED:
            error(" + ".join(keys), f"{again.sum() - LISTED} more such rows", "one row each",
                  "delete them, or tell them apart")  # fmt: skip
    outcome = outcome_column(frame, analysis)
    if outcome and frame[outcome].nunique() < 2:
        error(outcome, "all values equal", "values that differ", "check the column")
    return found


def outcome_column(frame: pd.DataFrame, analysis: str) -> str:
    """The column an analysis explains, or "" if there is none."""
    wanted = {
        "metabolic-cost": COST_COLUMNS,
        "body-fat": ("body_fat_pct",),
        "ligament-injury": ("injuries",),
    }.get(analysis, ())
    there = [name for name in wanted if name in frame]
    return next((name for name in there if frame[name].notna().any()), next(iter(there), ""))
