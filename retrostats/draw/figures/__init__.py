"""Draw: functions from tidy frames to figures; nothing is computed here."""

from retrostats.draw.figures.drawing import Drawing
from retrostats.draw.figures.forest import Panel, forest
from retrostats.draw.figures.panels import band_of, caption_of, panel_of, rows_of, stack
from retrostats.draw.figures.retelling import Column, retelling_chain
from retrostats.draw.figures.sensitivity import sensitivity
from retrostats.draw.figures.verdicts import verdict_overview

__all__ = [
    "Column",
    "Drawing",
    "Panel",
    "band_of",
    "caption_of",
    "forest",
    "panel_of",
    "retelling_chain",
    "rows_of",
    "sensitivity",
    "stack",
    "verdict_overview",
]
