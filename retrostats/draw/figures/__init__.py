"""Draw: functions from tidy frames to figures; nothing is computed here."""

from retrostats.draw.figures.drawing import Drawing
from retrostats.draw.figures.forest import Panel, forest
from retrostats.draw.figures.half_eye import half_eyes
from retrostats.draw.figures.influence import influence_bars
from retrostats.draw.figures.panels import band_of, caption_of, origin_of, panel_of, rows_of, stack
from retrostats.draw.figures.retelling import Column, retelling_chain
from retrostats.draw.figures.sensitivity import sensitivity
from retrostats.draw.figures.specification import specification_curve
from retrostats.draw.figures.verdicts import verdict_overview

__all__ = [
    "Column",
    "Drawing",
    "Panel",
    "band_of",
    "caption_of",
    "forest",
    "half_eyes",
    "influence_bars",
    "origin_of",
    "panel_of",
    "retelling_chain",
    "rows_of",
    "sensitivity",
    "specification_curve",
    "stack",
    "verdict_overview",
]
