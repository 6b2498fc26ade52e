"""The chain of retellings: what each one said, and what it changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from retrostats.draw.figures import theme

STEP_MM = 4.0  # indent of a retelling under the one it retells
TREE_MM = 50.0
STATED = ("stated", "documented", "printed", "verified", "root", "")


class Column(NamedTuple):
    """A column of the frame beside the tree: its name, its heading, its width in mm."""

    name: str
    heading: str
    width: float


#: What the last column holds in every audit.
CHANGED = Column("changed", "What this step changed", 36.0)


def retelling_chain(
    retellings: pd.DataFrame, columns: Sequence[Column] = (), *, sources: str, note: str = ""
) -> Figure | None:
    """Tree of retellings from the first source down, one row each; None if there are none.

    Parameters
    ----------
    retellings
        Columns order, source, year, parent, parent_status, changed, and those of `columns`.
    columns
        What each retelling says, shown before what it changed; they share 86 mm.
    sources
        Table that the retellings come from.
    note
        Words that the caption ends with.
    """
    if retellings.empty:
        return None
    caption = (
        "Filled diamond: the step changed something; hollow circle: it did not. Solid line: the "
        f"retelling names its source; dashed: the link is inferred. Source: {sources} (one "
        f"retelling a row; n = {len(retellings)} retellings)" + (f"; {note}." if note else ".")
    )
    rows = _in_tree_order(retellings.sort_values("order").to_dict("records"))
    with mpl.rc_context(theme.STYLE):
        return _tree(rows, (*columns, CHANGED), caption)


def _in_tree_order(rows: list[dict[Any, Any]]) -> list[dict[Any, Any]]:
    """Depth-first, children under their parent, each with its `depth`; cycles are cut."""
    names = {str(row["source"]) for row in rows}
    placed: list[dict[Any, Any]] = []
    seen: set[str] = set()

    def place(row: dict[Any, Any], depth: int) -> None:
        name = str(row["source"])
        if name in seen:
            return
        seen.add(name)
        placed.append({**row, "depth": depth})
        for child in rows:
            if str(child["parent"]) == name:
                place(child, depth + 1)

    for row in rows:
        if str(row["parent"]) not in names or row["parent"] == row["source"]:
            place(row, 0)
    for row in rows:
        place(row, 0)
    return placed


def _text(value: Any) -> str:
    """Blank stays blank; "not given" and the like are kept as words."""
    if value is None or value != value:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)  # a year among blanks


def _tree(rows: list[dict[Any, Any]], columns: Sequence[Column], text: str) -> Figure:
    width = theme.DOUBLE_MM
    names = [
        theme.wrap(
            f"{_text(row['source'])} ({_text(row['year'])})" if _text(row["year"])[:1].isdigit()
            else _text(row["source"]),
            TREE_MM - 6 - STEP_MM * min(row["depth"], 4),
        )
        for row in rows
    ]  # fmt: skip
    cells = [{c: theme.wrap(_text(row[c]), w - 2) for c, _, w in columns} for row in rows]
    heights = [
        theme.LINE_MM * max(len(name), *map(len, cell.values())) + 3
        for name, cell in zip(names, cells, strict=True)
    ]
    caption = theme.caption_lines(text, width)
    total = 9 + sum(heights) + theme.LINE_MM * len(caption) + 6
    figure = theme.new_figure(width, total)
    axes = theme.add_axes(figure, 0, 0, width, total)
    axes.set_xlim(0, width)
    axes.set_ylim(total, 0)
    axes.set_axis_off()
    lefts = [
        theme.EDGE_MM + TREE_MM + sum(w for _, _, w in columns[:i]) for i in range(len(columns))
    ]
    theme.add_text(figure, theme.EDGE_MM, 5, "Retelling (year)", color=theme.GREY)
    for left, (_, heading, _) in zip(lefts, columns, strict=True):
        theme.add_text(figure, left, 5, heading, color=theme.GREY)
    at: dict[str, tuple[float, float]] = {}
    y = 8.0
    for row, name, cell, height in zip(rows, names, cells, heights, strict=True):
        axes.plot([theme.EDGE_MM, width - theme.EDGE_MM], [y, y], lw=0.4, color=theme.PALE)
        x = theme.EDGE_MM + 2 + STEP_MM * min(row["depth"], 4)
        first = y + 1.5 + theme.LINE_MM / 2
        at[str(row["source"])] = (x, first)
        _link(axes, at.get(str(row["parent"])), (x, first), _text(row["parent_status"]))
        changed = bool(_text(row["changed"]).strip(" -"))
        axes.plot(
            [x], [first], marker="D" if changed else "o", ms=4.4, mew=0.9, ls="none", zorder=3,
            mec=theme.ORANGE if changed else theme.BLUE, mfc=theme.ORANGE if changed else "white",
            gid="changed" if changed else "kept",
        )  # fmt: skip
        _lines(figure, x + 3, y, name)
        for left, (column, _, _) in zip(lefts, columns, strict=True):
            _lines(figure, left, y, cell[column],
                   color="#8a2d00" if column == "changed" and changed else theme.INK)  # fmt: skip
        y += height
    theme.draw_caption(figure, caption)
    return figure


def _lines(figure: Figure, left: float, top: float, lines: list[str], **style: Any) -> None:
    theme.add_text(figure, left, top + 1.5, "\n".join(lines), va="top", **style)


def _link(
    axes: Any, start: tuple[float, float] | None, end: tuple[float, float], status: str
) -> None:
    """Elbow from the parent's mark down and across to the child's."""
    if start is None or start == end:
        return
    style = "-" if status in STATED else (0, (2.5, 1.8))
    axes.plot([start[0], start[0], end[0]], [start[1], end[1], end[1]], lw=0.8, ls=style,
              color=theme.GREY, zorder=2, gid="link")  # fmt: skip
