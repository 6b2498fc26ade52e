"""Which unknown moves an answer: shares of its variance, and the reach of each alone."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from retrostats.draw.figures import theme
from retrostats.draw.figures.looks import narrow, now, page_mm

ROW_MM, LABEL_MM, REACH_MM, TOP_MM, BELOW_MM = 7.6, 74.0, 34.0, 9.0, 11.5
NARROW_ROW_MM = 12.0  # with the name of the unknown above its bar
#: Unknowns that are drawn, the most influential; the caption says how many are left out.
MOST = 8
#: A total share below this is no bar that could be seen.
VISIBLE = 0.005


def influence_bars(unknowns: pd.DataFrame, title: str) -> Figure | None:
    """Total and first-order share of variance of each unknown, and limits when it alone moves.

    Parameters
    ----------
    unknowns
        Rows of `Replication.unknowns`, of one measure and one claim.
    title
        Above the bars.

    Returns
    -------
    Figure or None
        None where nothing was left open.
    """
    rows = unknowns[unknowns["total"] > VISIBLE].sort_values("total", ascending=False)
    if rows.empty:
        return None
    with theme.styled():
        return _figure(rows.head(MOST), len(unknowns), title)


def _figure(rows: pd.DataFrame, count: int, title: str) -> Figure:
    width = page_mm()
    deep = NARROW_ROW_MM if narrow() else ROW_MM
    left = theme.EDGE_MM + (3.0 if narrow() else LABEL_MM)
    inner = width - left - REACH_MM - theme.EDGE_MM
    heads = theme.wrap(title, width - 2 * theme.EDGE_MM, bold=True)
    top = theme.TOP_MM + theme.LINE_MM * len(heads) + TOP_MM
    rest = count - len(rows)
    more = f"; {rest} more move it less" if rest else ""
    caption = theme.caption_lines(
        "Bars: share of the variance of estimate and limits that goes with an unknown, alone (dark"
        f" part) and together with others (whole bar){more}. Right: 95% limits when it alone "
        "moves.", width
    )  # fmt: skip
    height = top + deep * len(rows) + BELOW_MM
    figure = theme.new_figure(width, height + theme.LINE_MM * len(caption) + theme.EDGE_MM)
    for i, line in enumerate(heads):
        theme.add_text(
            figure, theme.EDGE_MM, theme.TOP_MM + theme.LINE_MM * (i + 0.5), line, fontweight="bold"
        )
    theme.add_text(figure, left + inner + 4, top - 3.5, "limits, it alone", color=now().grey)
    axes = theme.add_axes(figure, left, top, inner, deep * len(rows))
    for i, row in enumerate(rows.to_dict("records")):
        place, thick = (i + 0.27, 0.3) if narrow() else (float(i), 0.62)
        axes.barh(place, row["total"], thick, color=now().pale, gid="total")
        alone = min(row["first_order"], row["total"])
        axes.barh(place, alone, thick, color=now().blue, gid="first")
        middle = top + deep * (place + 0.5)
        if narrow():
            said = theme.wrap(row["unknown"], width - 2 * theme.EDGE_MM)[:2]
            theme.add_text(figure, theme.EDGE_MM, top + deep * (i + 0.32), "\n".join(said))
        else:
            lines = theme.wrap(row["unknown"], LABEL_MM - 3)[:2]
            theme.add_text(figure, left - 2, middle, "\n".join(lines), ha="right")
        if math.isfinite(row["low"]) and math.isfinite(row["high"]):
            reach = f"{row['low']:.3g} to {row['high']:.3g}"
            theme.add_text(figure, left + inner + 4, middle, reach)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0, max(1.0, float(rows["total"].max()) * 1.02))
    axes.yaxis.set_major_locator(NullLocator())
    axes.set_xlabel("Share of variance")
    theme.draw_caption(figure, caption)
    return figure
