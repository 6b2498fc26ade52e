"""Rows, claims, conditions and headings by name."""

from __future__ import annotations

NAME = "metabolic-cost"
CLAIM, WALK_CLAIM = "energy_30", "walk_energy"
CONDITIONS = ("backward", "forward")
UNIT = "ratio backward / forward"
QUANTITY = "metabolic_rate_ratio"
#: Headings of the forest.
RUN, WALK = "Running", "Walking (never pooled with running)"
SELF_CHOSEN = "Running at self-chosen effort, not one speed"
RATIO = {"quantity": QUANTITY, "claim_id": CLAIM, "directness": "direct", "group": RUN}
WALKING = {
    "quantity": QUANTITY,
    "claim_id": WALK_CLAIM,
    "directness": "direct",
    "group": WALK,
}
EFFORT = {
    "quantity": QUANTITY,
    "directness": "self-selected effort, not one speed",
    "group": SELF_CHOSEN,
}
RASICA = "mc-rasica2020-metabolic-cost-pct-difference-run-backward"
PAES = "mc-paes2016-vo2-run-bw-vs-fw"
REILLY = "mc-reilly1984-energy-expenditure-run-backward"
FLYNN = "mc-flynn1994-vo2-run-backward"
FLYNN_SHARE = "mc-flynn1994-pct-of-forward-vo2peak-run-backward"
RASICA_LEVEL = "mc-rasica2020-metabolic-cost-run-bw-vs-fw-level"
