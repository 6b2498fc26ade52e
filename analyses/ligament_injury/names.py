"""Conditions, quantities and claims by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass

NAME = "ligament-injury"
CONDITIONS = ("backward", "forward")
LOAD = {"quantity": "patellofemoral_force_ratio", "directness": "joint load, not ligament"}
IMPACT, HEART = "peak_acceleration_ratio", "heart_rate_ratio"
ELLIPTICAL = "elliptical_knee"
TEARS, POUNDING, AVOID = "ligament_tears", "pounding", "avoid_injury"
#: Claim: column of a reader's own cohort that counts it, its quantity and unit, and the reference.
USER_COHORT = {
    TEARS: (
        "ligament_injuries",
        "ligament_injury_rate_ratio",
        "ligament injury rate ratio forward / backward",
        "backward",
    ),
    AVOID: (
        "injuries",
        "any_injury_rate_ratio",
        "injury rate ratio backward / forward, any injury",
        "forward",
    ),
}
