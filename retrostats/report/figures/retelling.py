"""The chain of retellings: what each one said, and what it changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from retrostats.report.figures import theme
from retrostats.report.figures.looks import narrow, now, page_mm

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
    rows = _in_tree_order(retellings.sort_values("order").to_dict("records"))
    retellings_shown = len(rows) - 1
    caption = (
        "Filled diamond: the step changed something; hollow circle: it did not, compared with the "
        "one its line comes from, or with the first source where no line is drawn. Solid line: the "
        f"retelling names its source; dashed: the link is inferred. Source: {sources} (the first "
        f"source and n = {retellings_shown} retelling{'s' if retellings_shown != 1 else ''})"
        + (f"; {note}." if note else ".")
    )
    with theme.styled():
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


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of text at one place of a row."""

    left: float
    lines: list[str]
    changed: bool = False


def _tree(rows: list[dict[Any, Any]], columns: Sequence[Column], text: str) -> Figure:
    width = page_mm()
    blocks = [_stacked(row, columns) if narrow() else _beside(row, columns) for row in rows]
    heights = [theme.LINE_MM * _depth(found) + (2.0 if narrow() else 3.0) for found in blocks]
    caption = theme.caption_lines(text, width)
    head = 3.0 if narrow() else 8.0
    figure = theme.new_figure(
        width, head + sum(heights) + theme.LINE_MM * len(caption) + (5 if narrow() else 7)
    )
    axes = theme.add_axes(figure, 0, 0, width, theme.figure_mm(figure)[1])
    axes.set_xlim(0, width)
    axes.set_ylim(theme.figure_mm(figure)[1], 0)
    axes.set_axis_off()
    if not narrow():
        theme.add_text(figure, theme.EDGE_MM, 5, "Retelling (year)", color=now().grey)
        for left, column in zip(_lefts(columns), columns, strict=True):
            theme.add_text(figure, left, 5, column.heading, color=now().grey)
    at: dict[str, tuple[float, float]] = {}
    y = head
    for row, found, height in zip(rows, blocks, heights, strict=True):
        axes.plot([theme.EDGE_MM, width - theme.EDGE_MM], [y, y], lw=0.4, color=now().pale)
        x = theme.EDGE_MM + 2 + STEP_MM * min(row["depth"], 4)
        first = y + 1.5 + theme.LINE_MM / 2
        at[str(row["source"])] = (x, first)
        _link(axes, at.get(str(row["parent"])), (x, first), _text(row["parent_status"]))
        changed = _changed(row)
        axes.plot(
            [x], [first], marker="D" if changed else "o", ms=4.4, mew=0.9, ls="none", zorder=3,
            mec=now().orange if changed else now().blue,
            mfc=now().orange if changed else now().paper, gid="changed" if changed else "kept",
        )  # fmt: skip
        below: dict[float, int] = {}
        for block in found:  # one under another where they stand at one place
            line = below.get(block.left, 0)
            _lines(figure, block.left, y + theme.LINE_MM * line, block.lines,
                   color=now().red if block.changed else now().ink)  # fmt: skip
            below[block.left] = line + len(block.lines)
        y += height
    theme.draw_caption(figure, caption)
    return figure


def _changed(row: Mapping[Any, Any]) -> bool:
    return bool(_text(row["changed"]).strip(" -"))


def _depth(blocks: Sequence[Block]) -> int:
    """Lines of the longest of the columns."""
    lines: dict[float, int] = {}
    for block in blocks:
        lines[block.left] = lines.get(block.left, 0) + len(block.lines)
    return max(lines.values())


def _name(row: Mapping[Any, Any]) -> str:
    """A source and its year, once."""
    source, year = _text(row["source"]), _text(row["year"])
    return f"{source} ({year})" if year[:1].isdigit() and year not in source else source


def _indent(row: Mapping[Any, Any]) -> float:
    """Where the words of a retelling begin."""
    return theme.EDGE_MM + 5 + STEP_MM * float(min(row["depth"], 4))


def _lefts(columns: Sequence[Column]) -> list[float]:
    return [
        theme.EDGE_MM + TREE_MM + sum(c.width for c in columns[:i]) for i in range(len(columns))
    ]  # fmt: skip


def _beside(row: Mapping[Any, Any], columns: Sequence[Column]) -> list[Block]:
    """The name, and a column for each thing said."""
    left = _indent(row)
    name = theme.wrap(_name(row), theme.EDGE_MM + TREE_MM - left - 1)
    cells = [
        Block(place, theme.wrap(_text(row[c.name]), c.width - 2), c == CHANGED and _changed(row))
        for place, c in zip(_lefts(columns), columns, strict=True)
    ]
    return [Block(left, name), *cells]


def _stacked(row: Mapping[Any, Any], columns: Sequence[Column]) -> list[Block]:
    """The name, what is said, and what it changed, one under another."""
    left = _indent(row)
    room = page_mm() - theme.EDGE_MM - left
    said = [f"{c.heading}: {_text(row[c.name])}" for c in columns
            if c != CHANGED and _text(row[c.name])]  # fmt: skip
    found = [Block(left, theme.wrap(_name(row), room, bold=True))]
    found += [Block(left, theme.wrap("; ".join(said), room))] if said else []
    if _changed(row):
        found.append(Block(left, theme.wrap(f"Changed: {_text(row['changed'])}", room), True))
    return found


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
              color=now().grey, zorder=2, gid="link")  # fmt: skip
