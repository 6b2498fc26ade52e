"""What was compared in a reader's own cohort, in one line: arms, times, periods, people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.evidence.findings.cohorts import Compared


def ratio_contrast(rows: pd.DataFrame, by: Compared, *, period: bool) -> str:
    """What was divided by what, or less what, of whom, and at how many levels.

    Parameters
    ----------
    rows
        A row a measurement: subject, direction, condition (the speed and slope).
    period
        Whether the effect of the period was taken out.
    """
    ways = rows.groupby("subject", observed=True)["direction"].nunique()
    both, people, levels = int((ways == 2).sum()), len(ways), rows["condition"].nunique()
    of = f"{both} people in both" if both == people else f"{people} people, {both} of them in both"
    what = "speeds or slopes" if by.gait else "conditions"
    at = f" at each of {levels} {what}" if levels > 1 else ""
    out = ", the effect of the period taken out" if period else ""
    sign = "less" if by.log is False else "/"
    return f"{by.first} {sign} {by.second}{at}, {of}{out}"


def rate_contrast(rows: pd.DataFrame, other: str, against: str, exposure: str) -> str:
    """Whose rate of events was divided by whose; `exposure` is the column of what was at risk."""
    people = rows.groupby("direction", observed=True)["subject"].nunique()
    per = "an hour" if exposure.endswith("_h") else f"for each {exposure}"
    return f"events {per}, {other} ({people[other]} people) / {against} ({people[against]})"


def times_contrast(rows: pd.DataFrame) -> str:
    """The times of a change in words; those between enter nothing."""
    times = rows["time"].cat.categories
    between = f" (not {', '.join(map(str, times[1:-1]))})" if len(times) > 2 else ""
    return f"change {times[0]} to {times[-1]}{between}"
