"""Verdict overview: claims by fidelity, direction and size; symbol, word and shade in each cell."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from retrostats.draw.figures import theme

#: Verdict -> marker, its fill style, shade of the cell, colour of the mark. Shades differ in
#: lightness, marks in shape, so the matrix reads in grey and without colour vision.
LOOK: dict[str, tuple[str, str, str, str]] = {
    "supported": ("o", "full", "#cfe3f5", theme.BLUE),
    "faithful": ("o", "full", "#cfe3f5", theme.BLUE),
    "contradicted": ("X", "full", "#f3b98f", "#8a2d00"),
    "drifted": ("X", "full", "#f3b98f", "#8a2d00"),
    "not measured by the source": ("X", "none", "#f8d9c0", "#8a2d00"),
    "undecided": ("o", "left", "#f1eee2", theme.INK),
    "unverified": ("o", "left", "#f1eee2", theme.INK),
    "no evidence": ("o", "none", "#ffffff", theme.GREY),
    "not claimed": ("_", "full", "#ffffff", theme.GREY),
}
COLUMNS = ("fidelity", "direction", "size")
HEADINGS = ("Does the post say\nwhat its source says?", "Evidence:\ndirection", "Evidence:\nsize")
CELL_MM = (34.0, 28.0, 28.0)
ROLES = MappingProxyType({"core": "The post's main claims", "audit": "Its other claims"})
CAPTION = (
    "Sources: data/claims.csv and the study rows each verdict names; computed from printed "
    "numbers. A verdict that changes anywhere inside the range of what was not printed is "
    "undecided."
)


def verdict_overview(
    verdicts: pd.DataFrame, *, roles: Mapping[str, str] = ROLES, caption: str = CAPTION
) -> Figure | None:
    """Matrix of the claims and their three verdicts; None if there are none.

    Parameters
    ----------
    verdicts
        The verdicts frame.
    roles
        Heading of the claims of each role, in drawing order.
    caption
        Below the matrix.

    Raises
    ------
    KeyError
        If a claim has a role that `roles` does not name.
    """
    if verdicts.empty:
        return None
    with mpl.rc_context(theme.STYLE):
        return _matrix(verdicts, roles, caption)


def _matrix(verdicts: pd.DataFrame, roles: Mapping[str, str], below: str) -> Figure:
    width = theme.DOUBLE_MM
    statement_mm = width - 2 * theme.EDGE_MM - sum(CELL_MM) - 3
    place = {role: i for i, role in enumerate(roles)}
    rows = sorted(verdicts.to_dict("records"), key=lambda r: place[r["role"]])
    lines = [theme.wrap(row["statement"], statement_mm - 2) for row in rows]
    heights = [max(8.6, theme.LINE_MM * len(text) + 2.6) for text in lines]
    caption = theme.caption_lines(below, width)
    headings = {row["role"] for row in rows}
    total = 11 + sum(heights) + 5.5 * len(headings) + theme.LINE_MM * len(caption) + 6
    figure = theme.new_figure(width, total)
    axes = theme.add_axes(figure, 0, 0, width, total)
    axes.set_xlim(0, width)
    axes.set_ylim(total, 0)
    axes.set_axis_off()
    lefts = [width - theme.EDGE_MM - sum(CELL_MM[i:]) for i in range(len(CELL_MM))]
    for left, heading in zip(lefts, HEADINGS, strict=True):
        theme.add_text(figure, left + 1.5, 5, heading, color=theme.GREY)
    y, role = 10.0, None
    for row, text, height in zip(rows, lines, heights, strict=True):
        if row["role"] != role:
            role = row["role"]
            theme.add_text(figure, theme.EDGE_MM, y + 2.8, roles[role], fontweight="bold")
            y += 5.5
        axes.plot([theme.EDGE_MM, width - theme.EDGE_MM], [y, y], lw=0.4, color=theme.PALE)
        theme.add_text(figure, theme.EDGE_MM, y + height / 2, "\n".join(text))
        for column, left, cell in zip(COLUMNS, lefts, CELL_MM, strict=True):
            _cell(axes, str(row[column]), left, y, cell, height)
        y += height
    theme.draw_caption(figure, caption)
    return figure


def _cell(axes: Any, verdict: str, left: float, top: float, width: float, height: float) -> None:
    marker, fill, shade, color = LOOK.get(verdict, LOOK["no evidence"])
    axes.add_patch(
        FancyBboxPatch(
            (left + 0.9, top + 0.9), width - 1.8, height - 1.8, facecolor=shade,
            boxstyle="round,pad=0,rounding_size=0.8", edgecolor=theme.PALE, lw=0.4, gid=verdict,
        )
    )  # fmt: skip
    middle = top + height / 2
    axes.plot(
        [left + 4.2], [middle], marker=marker, ms=5.2, mew=1.0, fillstyle=fill, mec=color,
        mfc=color, mfcalt="white", ls="none",
    )  # fmt: skip
    words = theme.wrap(verdict, width - 9.5)
    axes.text(
        left + 7.6, middle, "\n".join(words), fontsize=theme.SMALL, va="center", linespacing=1.15,
        color=theme.INK if verdict not in ("not claimed", "no evidence") else theme.GREY,
        parse_math=False,
    )  # fmt: skip
