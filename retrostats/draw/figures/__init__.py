"""Draw: functions from tidy frames to figures; nothing is computed here."""

from retrostats.draw.figures.named import body_fat, forest_cost, injury_rates, joint_load_impact
from retrostats.draw.figures.retelling import retelling_chain
from retrostats.draw.figures.sensitivity import sensitivity
from retrostats.draw.figures.verdicts import verdict_overview

__all__ = [
    "body_fat",
    "forest_cost",
    "injury_rates",
    "joint_load_impact",
    "retelling_chain",
    "sensitivity",
    "verdict_overview",
]
