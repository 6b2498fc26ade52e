"""Marks of one forest row: its estimate, its interval, its range, and the claim's band."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.patches import Polygon, Rectangle

from retrostats.report.figures.axis import Span
from retrostats.report.figures.keys import DIAMONDS, MARKERS
from retrostats.report.figures.looks import narrow, now

#: Sides of marks in points: without a weight, of the heaviest, and the least that is seen.
MARK_PT, HEAVIEST_PT, LIGHTEST_PT = 4.6, 6.4, 1.8
GAP = 1.35  # mm of the bracket below its line
HALF = 1.5  # mm of a diamond above and below its line
PAIRS = (("conf_low", "conf_high"), ("pred_low", "pred_high"), ("sens_low", "sens_high"))
Ends = tuple[float, float]


def goes_beyond(rows: pd.DataFrame, ends: Ends) -> bool:
    """Whether any interval of the rows leaves the axis."""
    low, high = ends
    return any(
        bool(((rows[first] < low) | (rows[last] > high)).any())
        for first, last in PAIRS
        if first in rows
    )


def draw_band(axes: Any, band: Span | None, null: float, zone: Ends, ends: Ends) -> None:
    """The claim's range and the null value, within a zone of the panel's height.

    In one column, where words stand over the line of the null value, it is pale; `draw_null` draws
    it darker beside the marks.
    """
    top, bottom = zone
    if band is not None:
        start = max(band.low, ends[0]) if band.low == band.low else ends[0]
        stop = min(band.high, ends[1]) if band.high == band.high else ends[1]
        axes.add_patch(Rectangle((start, top), stop - start, bottom - top, facecolor=now().band,
                                 edgecolor="none", zorder=0, gid="claim-band"))  # fmt: skip
        for edge in (band.low, band.high):
            if edge == edge:
                axes.plot([edge, edge], zone, color=now().band_edge, lw=0.3 if narrow() else 0.5,
                          ls=(0, (4, 2)), zorder=0.5)  # fmt: skip
    if null == null:
        colour, thick = (now().pale, 0.5) if narrow() else (now().grey, 0.7)
        axes.plot([null, null], zone, color=colour, zorder=1, gid="null", lw=thick)


def draw_null(axes: Any, null: float, zones: Sequence[Ends]) -> None:
    """The line of the null value again, beside marks, where no word stands over it."""
    if null == null and zones:
        axes.vlines([null] * len(zones), *zip(*zones, strict=True), color=now().grey, lw=0.5,
                    zorder=1.1, gid="null-at-marks")  # fmt: skip


def mark_size(weight: float, heaviest: float) -> float:
    """Side of a mark in points: its area is in proportion to its weight, down to a dot.

    Examples
    --------
    >>> mark_size(25, 100) / mark_size(100, 100), mark_size(float("nan"), 100)
    (0.5, 4.6)
    """
    if not (weight == weight and heaviest > 0):
        return MARK_PT
    return max(HEAVIEST_PT * math.sqrt(weight / heaviest), LIGHTEST_PT)


def draw_row(axes: Any, row: Mapping[Any, Any], y: float, ends: Ends, heaviest: float) -> None:
    """Mark, interval and bracket of an estimate at the height `y`."""
    estimate, low, high = row["estimate"], row["conf_low"], row["conf_high"]
    size = mark_size(float(row.get("weight", math.nan)), heaviest)
    _fitted(axes, row, y)
    if row["role"] in DIAMONDS and low == low:
        _diamond(axes, row, y, ends)
    else:
        color = now().orange if row["role"] == "cohort" else now().blue
        _interval(axes, low, high, y, ends, lw=1.8, color=color, gid="confidence")
        axes.plot(
            [estimate], [y], marker=MARKERS.get(row["role"], "D"), ms=size, mew=1.0, ls="none",
            mec=color, mfc=color if row["pooled"] else "none", zorder=5, gid="estimate",
        )  # fmt: skip
        if not row["pooled"] and low == low:  # a hollow mark must not be crossed by its own line
            axes.lines[-1].set_markerfacecolor(now().paper)
    _bracket(axes, row["sens_low"], row["sens_high"], y + GAP, ends)


def _fitted(axes: Any, row: Mapping[Any, Any], y: float) -> None:
    """A pale diamond behind a study: what a model with moderators expects there."""
    low, at, high = (row.get(name, math.nan) for name in ("fit_low", "fit", "fit_high"))
    if low == low:
        corners = [(low, y), (at, y - HALF), (high, y), (at, y + HALF)]
        axes.add_patch(Polygon(corners, facecolor=now().pale, edgecolor="none", zorder=2,
                               gid="fitted"))  # fmt: skip


def _diamond(axes: Any, row: Mapping[Any, Any], y: float, ends: Ends) -> None:
    estimate, low, high = row["estimate"], row["conf_low"], row["conf_high"]
    _interval(axes, row["pred_low"], row["pred_high"], y, ends, lw=1.0, ls=(0, (1, 1.2)),
              color=now().ink, gid="prediction")  # fmt: skip
    open_mark = row["role"] == "one-stage" or bool(row["excluded"])
    color = now().grey if row["role"] == "few-studies" else now().ink
    left, at, right = (min(max(x, ends[0]), ends[1]) for x in (low, estimate, high))
    axes.add_patch(
        Polygon(
            [(left, y), (at, y - HALF), (right, y), (at, y + HALF)],
            facecolor=now().paper if open_mark else color, edgecolor=color, lw=0.9, zorder=4,
            gid="diamond",
        )
    )  # fmt: skip
    _arrows(axes, low, high, y, ends, color)


def _interval(axes: Any, low: float, high: float, y: float, ends: Ends, **style: Any) -> None:
    """Line from low to high; an arrow head where it leaves the axis."""
    if not low < high:
        return
    axes.plot([low, high], [y, y], solid_capstyle="butt", zorder=3, **style)
    _arrows(axes, low, high, y, ends, style["color"])


def _arrows(axes: Any, low: float, high: float, y: float, ends: Ends, color: str) -> None:
    for outside, edge, marker in ((low < ends[0], ends[0], "<"), (high > ends[1], ends[1], ">")):
        if outside:
            axes.plot([edge], [y], marker=marker, ms=4, mew=0, color=color, zorder=6,
                      clip_on=False, gid="beyond")  # fmt: skip


def _bracket(axes: Any, low: float, high: float, y: float, ends: Ends) -> None:
    if not low <= high:
        return
    shown = [end for end in (low, high) if ends[0] <= end <= ends[1]]
    x, at = [low, high], [y, y]
    for end in shown:  # one line with gaps is drawn, recorded and written once
        x += [math.nan, end, end]
        at += [math.nan, y - 0.55, y + 0.55]
    axes.plot(x, at, lw=0.6, color=now().grey, zorder=2, gid="range")
    _arrows(axes, low, high, y, ends, now().grey)
