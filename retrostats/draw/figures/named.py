"""The named forests: cost ratio, injury rate ratios, joint load and impact, body fat."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from retrostats.draw.figures.axis import Span
from retrostats.draw.figures.forest import Panel, forest

PROGRAMMES = (
    "Programmes documented to contain backward running",
    "Programmes in which it was not verified",
    "Together",
)
BODY_FAT_GROUPS = ("Backward", "Forward, other trials", "Own cohorts, not backward")
COMPUTED = "Computed from printed numbers"
OWN = ", own cohorts from their rows"


def forest_cost(estimates: pd.DataFrame, claim: Any) -> Figure | None:
    """Backward / forward metabolic rate: running, its pool, and walking beside it.

    Parameters
    ----------
    estimates
        The estimates frame, or its rows of this analysis.
    claim
        The claim, for `range_low`, `range_high`; None draws no band.

    Returns
    -------
    Figure or None
        None if there is nothing to draw.
    """
    rows = _of(estimates, "metabolic_rate_ratio")
    if rows.empty:
        return None
    walking = rows["directness"].str.contains("walking")
    rows = rows.assign(
        group=walking.map({False: "Running", True: "Walking (never pooled with running)"})
    )
    rows = rows.sort_values("group", kind="stable")
    panel = Panel(
        rows, "Metabolic rate, backward / forward (ratio, log axis)", 1.0, True, _band(claim)
    )
    return forest([panel], _caption("data/published/metabolic_cost.csv", rows))


def joint_load_impact(estimates: pd.DataFrame) -> Figure | None:
    """Joint load and impact, backward / forward: two indirect contrasts that disagree."""
    panels = [
        _ratio_panel(estimates, "patellofemoral_force_ratio",
                     "Load on the kneecap joint (cartilage, not ligament)",
                     "Peak patellofemoral force, backward / forward (ratio, log axis)"),
        _ratio_panel(estimates, "peak_acceleration_ratio", "Impact of the body (not ligament)",
                     "Peak upward acceleration, backward / forward (ratio, log axis)"),
        _ratio_panel(estimates, "heart_rate_ratio", "Heart rate (the other reading of “pounding”)",
                     "Heart rate, backward / forward (ratio, log axis)"),
    ]  # fmt: skip
    drawn = [panel for panel in panels if panel is not None]
    return _stack(drawn, "data/published/ligament_injury.csv, metabolic_cost.csv")


def injury_rates(estimates: pd.DataFrame) -> Figure | None:
    """Injury rate ratios of warm-up programmes; none is an effect of running direction."""
    rows = _of(estimates, "injury_rate_ratio")
    if rows.empty:
        return None
    singles = ~rows["role"].isin(["pooled", "one-stage"])
    hollow = rows["hollow"].astype(bool)
    groups = pd.Series(PROGRAMMES[2], index=rows.index)
    groups[singles & ~hollow] = PROGRAMMES[0]
    groups[singles & hollow] = PROGRAMMES[1]
    rows = rows.assign(group=pd.Categorical(groups, PROGRAMMES)).sort_values("group", kind="stable")
    rows["group"] = rows["group"].astype(str)
    panels = [Panel(rows, "Injury rate ratio, programme / control (log axis)", 1.0, True)]
    own = _of(estimates, "injury_rate_ratio_by_direction")
    if len(own):
        panels.append(
            Panel(own, "Injury rate ratio, forward / backward (log axis)", 1.0, True,
                  title="Reader's own cohorts, by running direction")
        )  # fmt: skip
    note = (
        "These programmes bundle strength, jumping, balance and technique: no ratio here is an "
        "effect of running direction. "
    )
    everything = pd.concat([rows, own])
    return forest(panels, note + _caption("data/published/ligament_injury.csv", everything))


def body_fat(estimates: pd.DataFrame) -> Figure | None:
    """Change in body fat under each reading, beside forward running, and the difference."""
    change, difference = _of(estimates, "body_fat_change"), _of(estimates, "body_fat_difference")
    panels = []
    for title, rows in (
        ("Change in body fat", change),
        ("Backward minus forward", difference),
    ):
        for unit, part in rows.groupby("unit", sort=False):
            forward = part["directness"].str.contains("forward running")
            if title.startswith("Change"):
                other = part["directness"].str.contains("not backward")
                group = forward.map({False: BODY_FAT_GROUPS[0], True: BODY_FAT_GROUPS[1]})
                part = part.assign(group=group.mask(other, BODY_FAT_GROUPS[2]))
                part = part.sort_values("group", kind="stable")
            panels.append(
                Panel(part, f"{title} ({unit})", 0.0, False, title=f"{title}, read as {unit}")
            )
    return _stack(panels, "data/published/body_fat.csv")


def _of(estimates: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Rows of one quantity that have a number to draw."""
    if "quantity" not in estimates:
        return estimates.iloc[:0]
    chosen = (estimates["quantity"] == quantity) & estimates["estimate"].notna()
    return estimates[chosen].reset_index(drop=True)


def _ratio_panel(estimates: pd.DataFrame, quantity: str, title: str, xlabel: str) -> Panel | None:
    rows = _of(estimates, quantity)
    return None if rows.empty else Panel(rows, xlabel, 1.0, True, title=title)


def _stack(panels: list[Panel], source: str) -> Figure | None:
    if not panels:
        return None
    return forest(panels, _caption(source, pd.concat([p.rows for p in panels])))


def _band(claim: Any) -> Span | None:
    low = float(getattr(claim, "range_low", float("nan")))
    high = float(getattr(claim, "range_high", float("nan")))
    return None if low != low and high != high else Span(low, high)


def _caption(source: str, rows: pd.DataFrame) -> str:
    parts = (part for text in rows["unknown"] for part in str(text).split("; "))
    unknown = [part for part in dict.fromkeys(parts) if part]
    ranges = f" Thin brackets: outermost limits over {'; '.join(unknown)}." if unknown else ""
    own = OWN if (rows["role"] == "cohort").any() else ""
    return f"Sources: {source}. {COMPUTED}{own}.{ranges}"
