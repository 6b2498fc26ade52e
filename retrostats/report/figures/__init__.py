"""Draw: functions from tidy frames to figures; nothing is computed here."""

from retrostats.report.figures.drawing import Drawing
from retrostats.report.figures.drawings import (
    Forest,
    forest_drawing,
    retelling_drawing,
    sensitivity_drawing,
)
from retrostats.report.figures.forest import Panel, forest
from retrostats.report.figures.half_eye import half_eyes
from retrostats.report.figures.influence import influence_bars
from retrostats.report.figures.panels import (
    band_of,
    caption_of,
    origin_of,
    panel_of,
    rows_of,
    stack,
)
from retrostats.report.figures.retelling import Column, retelling_chain
from retrostats.report.figures.sensitivity import sensitivity
from retrostats.report.figures.specification import specification_curve
from retrostats.report.figures.verdicts import verdict_overview

__all__ = [
    "Column",
    "Drawing",
    "Forest",
    "Panel",
    "band_of",
    "caption_of",
    "forest",
    "forest_drawing",
    "half_eyes",
    "influence_bars",
    "origin_of",
    "panel_of",
    "retelling_chain",
    "retelling_drawing",
    "rows_of",
    "sensitivity",
    "sensitivity_drawing",
    "specification_curve",
    "stack",
    "verdict_overview",
]
