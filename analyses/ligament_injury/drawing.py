"""Pictures: load and impact, programmes, and what the load turns on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from retrostats.audit.claims import Claim

from .names import HEART, IMPACT, LOAD

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from retrostats.report.figures import Drawing


def draw(frames: Mapping[str, pd.DataFrame], claims: Mapping[str, Claim]) -> dict[str, Drawing]:
    """Joint load and impact, programme rate ratios, and the dependence on correlations."""
    from retrostats.report.figures import Drawing, origin_of, sensitivity

    return {
        "joint_load_impact": Drawing(
            _indirect(frames["estimates"]),
            "Joint load, impact and heart rate, backward / forward",
            shows=("li-roos", "li-acceleration", "li-heart-rate"),
        ),
        "injury_rate_ratios": Drawing(
            _injury_rates(frames["estimates"]),
            "Injury rate ratios of warm-up programmes",
            shows=("li-programme-pool", "li-counts"),
        ),
        "joint_load_sensitivity": Drawing(
            sensitivity(frames["sensitivity"], claims, origin_of(frames["estimates"])),
            "Joint load ratio as a function of the unprinted correlation",
            shows=("li-roos",),
        ),
    }


def _indirect(estimates: pd.DataFrame) -> Figure | None:
    """Joint load, impact and heart rate: indirect contrasts that disagree."""
    from retrostats.report.figures import panel_of, rows_of, stack

    panels = (
        (
            LOAD["quantity"],
            "Load on the kneecap joint (cartilage, not ligament)",
            "Peak patellofemoral force, backward / forward (ratio, log axis)",
            ("less load backward", "more load backward"),
        ),
        (
            IMPACT,
            "Impact of the body (not ligament)",
            "Peak upward acceleration, backward / forward (ratio, log axis)",
            ("softer backward", "harder backward"),
        ),
        (
            HEART,
            "Heart rate (the other reading of “pounding”)",
            "Heart rate, backward / forward (ratio, log axis)",
            ("slower backward", "faster backward"),
        ),
    )
    return stack(
        [
            panel_of(rows_of(estimates, name), label, title=title, ends=ends)
            for name, title, label, ends in panels
        ],
        "data/published/ligament_injury.csv, metabolic_cost.csv",
    )


def _injury_rates(estimates: pd.DataFrame) -> Figure | None:
    """Rate ratios of programmes, none an effect of running direction, and own cohorts by it."""
    from retrostats.report.figures import panel_of, rows_of, stack

    return stack(
        [
            panel_of(
                rows_of(estimates, "injury_rate_ratio"),
                "Injury rate ratio, programme / control (log axis)",
                ends=("fewer injuries with it", "more injuries with it"),
            ),
            panel_of(
                rows_of(estimates, "ligament_injury_rate_ratio"),
                "Ligament injury rate ratio, forward / backward (log axis)",
                title="Own cohorts: ligament injuries by running direction",
                ends=("fewer forward", "more forward"),
            ),
            panel_of(
                rows_of(estimates, "any_injury_rate_ratio"),
                "Injury rate ratio, backward / forward (log axis)",
                title="Own cohorts: injuries of any kind by running direction",
                ends=("fewer backward", "more backward"),
            ),
        ],
        "data/published/ligament_injury.csv",
        "These programmes bundle strength, jumping, balance and technique: no ratio here is an "
        "effect of running direction.",
    )
