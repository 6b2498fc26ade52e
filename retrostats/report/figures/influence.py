"""Which unknown moves an answer: shares of its variance, and the reach of each alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from retrostats.common.rounding import limits
from retrostats.report.figures import theme
from retrostats.report.figures.looks import narrow, now, page_mm

ROW_MM, LABEL_MM, BOUNDS_MM, TOP_MM, BELOW_MM = 7.6, 74.0, 34.0, 9.0, 11.5
BAR_MM, NARROW_BAR_MM = 4.6, 3.2  # in one column the name stands above its bar
#: Unknowns that are drawn, the most influential; the caption says how many are left out.
MOST = 8
#: A total share below this is no bar that could be seen.
VISIBLE = 0.005
MINUS = "\N{MINUS SIGN}"


def influence_bars(unknowns: pd.DataFrame, title: str, unit: str = "") -> Figure | None:
    """Total and first-order share of variance of each unknown, and limits when it alone moves.

    Parameters
    ----------
    unknowns
        Rows of `Replication.unknowns`, of one measure and one claim.
    title
        Above the bars.
    unit
        Of the limits.

    Returns
    -------
    Figure or None
        None where nothing was left open.
    """
    rows = unknowns[unknowns["total"] > VISIBLE].sort_values("total", ascending=False)
    if rows.empty:
        return None
    with theme.styled():
        return _figure(rows.head(MOST), len(unknowns), title, unit)


def _figure(rows: pd.DataFrame, count: int, title: str, unit: str) -> Figure:
    width = page_mm()
    room = width - 2 * theme.EDGE_MM if narrow() else LABEL_MM - 3
    names = [theme.wrap(name, room) for name in rows["unknown"]]
    left = theme.EDGE_MM + (0.5 if narrow() else theme.widest_mm(names) + 3)
    inner = width - left - BOUNDS_MM - theme.EDGE_MM
    words = [theme.LINE_MM * len(lines) for lines in names]
    deep = [mm + NARROW_BAR_MM + 2.6 if narrow() else max(ROW_MM, mm + 1.2) for mm in words]
    heads = theme.wrap(title, width - 2 * theme.EDGE_MM, bold=True)
    top = theme.TOP_MM + theme.LINE_MM * len(heads) + TOP_MM
    rest = count - len(rows)
    more = f"; {rest} more move it less" if rest else ""
    of = f" ({unit})" if unit else ""
    caption = theme.caption_lines(
        "Bars: share of the variance of estimate and limits that goes with an unknown, alone "
        f"(coloured part) and together with others (whole bar){more}. Right: 95% limits when it "
        f"alone moves{of}.", width
    )  # fmt: skip
    height = top + sum(deep) + BELOW_MM
    figure = theme.new_figure(width, height + theme.LINE_MM * len(caption) + theme.EDGE_MM)
    for i, line in enumerate(heads):
        theme.add_text(
            figure, theme.EDGE_MM, theme.TOP_MM + theme.LINE_MM * (i + 0.5), line, fontweight="bold"
        )
    theme.add_text(figure, left + inner + 4, top - 3.5, "limits, it alone", color=now().grey)
    axes = theme.add_axes(figure, left, top, inner, sum(deep))
    starts = [0.0, *accumulate(deep)]
    thick = NARROW_BAR_MM if narrow() else BAR_MM
    for row, lines, start, high in zip(rows.to_dict("records"), names, starts, deep, strict=False):
        place = start + (high - 0.6 - thick / 2 if narrow() else high / 2)
        axes.barh(place, row["total"], thick, color=now().pale, gid="total")
        alone = min(row["first_order"], row["total"])
        axes.barh(place, alone, thick, color=now().blue, gid="first")
        if narrow():
            centre = top + start + 1.4 + theme.LINE_MM * len(lines) / 2
            theme.add_text(figure, theme.EDGE_MM, centre, "\n".join(lines))
        else:
            theme.add_text(figure, left - 2, top + place, "\n".join(lines), ha="right")
        theme.add_text(figure, left + inner + 4, top + place, bounds_of(row))
    axes.set_ylim(sum(deep), 0)
    axes.set_xlim(0, max(1.0, float(rows["total"].max()) * 1.02))
    axes.yaxis.set_major_locator(NullLocator())
    axes.spines["left"].set_visible(not narrow())
    axes.set_xlabel("Share of variance")
    theme.draw_caption(figure, caption)
    return figure


def bounds_of(row: Mapping[Any, Any]) -> str:
    """Limits when an unknown alone moves, by the one rule of rounding; empty without them.

    Examples
    --------
    >>> bounds_of({"low": -4.2437, "high": -0.5561})
    '−4.24 to −0.56'
    """
    if not (math.isfinite(row["low"]) and math.isfinite(row["high"])):
        return ""
    return " to ".join(limits(row["low"], row["high"])).replace("-", MINUS)
