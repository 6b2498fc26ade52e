"""Limits and ticks of estimate axes, on a ratio or a difference scale."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from retrostats.report.figures import theme

#: Tick values of a ratio axis, from coarse to fine; the finest set that fits is used.
RATIO_TICKS: tuple[tuple[float, ...], ...] = (
    (0.01, 0.1, 1, 10, 100),
    (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100),
    (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100),
    (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10),
    (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10),
    (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2, 2.5, 3),
)
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
    """Two to seven ticks of an upright ratio axis."""
    sets = [[t for t in ticks if low <= t <= high] for ticks in reversed(RATIO_TICKS)]
    ticks = next((s for s in sets if 2 <= len(s) <= 7), sets[0])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FixedFormatter([f"{t:g}" for t in ticks]))


def set_ticks(axes: Any, low: float, high: float, *, log: bool, room_mm: float) -> None:
    """Ticks that a reader would choose, none of which touch."""
    if log:
        ticks = next(
            (chosen for chosen
             in map(_inside(low, high), (*reversed(RATIO_TICKS), _powers(low, high)))
             if len(chosen) > 1 and _fits(chosen, low, high, room_mm)),
            _near(low, high),
        )  # fmt: skip
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_major_formatter(FixedFormatter([f"{t:g}" for t in ticks]))
        return
    axes.locator_params(axis="x", nbins=max(3, int(room_mm / 11)))


def _powers(low: float, high: float) -> list[float]:
    """Ticks of an axis over many powers of ten, at least a thousand apart: 1 and even steps."""
    first, last = math.log10(low), math.log10(high)
    step = max(math.ceil((last - first) / 5), 3)
    return [10.0**p for p in range(-300, 301) if p % step == 0 and first <= p <= last]


def _near(low: float, high: float) -> list[float]:
    """Round ticks of a short or far ratio axis: even steps, as few as a linear axis has."""
    return [float(t) for t in MaxNLocator(4).tick_values(low, high) if low <= t <= high]


def _inside(low: float, high: float) -> Any:
    return lambda ticks: [t for t in ticks if low <= t <= high]


def _fits(ticks: list[float], low: float, high: float, room_mm: float) -> bool:
    place = [math.log(t / low) / math.log(high / low) * room_mm for t in ticks]
    widths = [theme.width_mm(f"{t:g}") for t in ticks]
    return all(
        b - a > (wa + wb) / 2 + 2
        for a, b, wa, wb in zip(place, place[1:], widths, widths[1:], strict=False)
    )
