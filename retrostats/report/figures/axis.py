"""Limits and ticks of estimate axes, on a ratio or a difference scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from retrostats.common.ticks import MANY, ratio_ticks
from retrostats.report.figures import theme

APART_MM = 2.9  # between two numbers of an upright axis, whose letters are 2.5 mm high
WIDEST_RATIO = 40.0  # an axis spans no more than this factor to each side of the estimates


class Span(NamedTuple):
    """A range on the display scale; NaN for an open end."""

    low: float
    high: float


def display_limits(
    rows: pd.DataFrame, null: float, band: Span | None, *, log: bool
) -> tuple[float, float]:
    """Axis limits that hold the estimates and the intervals of pools, and, unless absurdly wide,
    every other interval."""
    columns = [
        "estimate",
        "conf_low",
        "conf_high",
        "pred_low",
        "pred_high",
        "sens_low",
        "sens_high",
    ]
    values = [float(v) for c in columns if c in rows for v in rows[c]]
    known = [null] if math.isfinite(null) else []
    values += [*known, *(band or ())]
    good = [v for v in values if math.isfinite(v) and (v > 0 or not log)]
    low, high = min(good), max(good)
    centres = [float(v) for v in rows["estimate"] if math.isfinite(v) and (v > 0 or not log)]
    if log and centres:
        low = max(low, min([*centres, *known]) / WIDEST_RATIO)
        high = min(high, max([*centres, *known]) * WIDEST_RATIO)
        pools = rows[rows["role"] == "pooled"] if "role" in rows else rows.iloc[:0]
        whole = [float(v) for name in ("conf_low", "conf_high") for v in pools[name]]
        kept = [v for v in whole if math.isfinite(v) and v > 0]
        low, high = min([low, *kept]), max([high, *kept])
    if log:
        margin = max(math.log(high / low), 0.1) * 0.05
        return low / math.exp(margin), high * math.exp(margin)
    margin = max(high - low, 1e-9) * 0.05
    return low - margin, high + margin


def set_upright_ticks(axes: Any, low: float, high: float) -> None:
    """Two to seven ticks of an upright ratio axis, none of which touch."""
    room = theme.figure_mm(axes.figure)[1] * axes.get_position().height

    def fits(ticks: Sequence[float]) -> bool:
        gaps = (math.log(b / a) / math.log(high / low) * room for a, b in pairwise(ticks))
        return len(ticks) <= MANY and min(gaps, default=room) >= APART_MM

    _fix(axes.yaxis, *ratio_ticks(low, high, fits))


def set_ticks(axes: Any, low: float, high: float, *, log: bool, room_mm: float) -> None:
    """Ticks that a reader would choose, none of which touch."""
    if log:
        _fix(axes.xaxis, *ratio_ticks(low, high, lambda ticks: _fits(ticks, low, high, room_mm)))
        return
    axes.locator_params(axis="x", nbins=max(3, int(room_mm / 11)))


def _fix(axis: Any, ticks: list[float], labels: list[str]) -> None:
    axis.set_minor_locator(NullLocator())
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FixedFormatter(labels))
    axis.reset_ticks()  # what was labelled before by another rule is no text of the figure


def _fits(ticks: Sequence[float], low: float, high: float, room_mm: float) -> bool:
    place = [math.log(t / low) / math.log(high / low) * room_mm for t in ticks]
    widths = [theme.width_mm(f"{t:g}") for t in ticks]
    return all(
        b - a > (wa + wb) / 2 + 2
        for a, b, wa, wb in zip(place, place[1:], widths, widths[1:], strict=False)
    )
