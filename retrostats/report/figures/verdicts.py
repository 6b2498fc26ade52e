"""Verdict overview: claims by fidelity, direction and size; symbol, word and shade in each cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from retrostats.report.figures import theme
from retrostats.report.figures.looks import narrow, now, page_mm


class Mark(NamedTuple):
    """Symbol of a verdict: matplotlib marker, how it is filled ("dot": a ring with a dot), and
    which colour of the look."""

    marker: str
    fill: str
    colour: str


#: One symbol one verdict, so that the matrix reads in grey and without colour vision: round for
#: the evidence, with corners for what the post made of its source, a cross for what is refuted.
LOOK: Mapping[str, Mark] = MappingProxyType({
    "supported": Mark("o", "full", "blue"),
    "very likely": Mark("^", "full", "blue"),
    "likely": Mark("^", "none", "blue"),
    "compatible": Mark("o", "dot", "blue"),
    "leaning": Mark(">", "none", "ink"),
    "open": Mark("o", "left", "ink"),
    "mixed": Mark("P", "full", "ink"),
    "leaning against": Mark("<", "none", "ink"),
    "unlikely": Mark("v", "none", "red"),
    "very unlikely": Mark("v", "full", "red"),
    "contradicted": Mark("X", "full", "red"),
    "no evidence": Mark("o", "none", "grey"),
    "not claimed": Mark("_", "full", "grey"),
    "faithful": Mark("s", "full", "blue"),
    "drifted": Mark("D", "full", "red"),
    "not measured by the source": Mark("D", "none", "red"),
    "unverified": Mark("s", "dot", "ink"),
})  # fmt: skip
UNKNOWN = Mark("$?$", "full", "ink")
COLUMNS = ("fidelity", "direction", "size")
HEADINGS = (
    "Does the {} say\nwhat its source says?",
    "Evidence:\nthat way?",
    "Evidence:\nthat much?",
)
CELL_MM = (34.0, 28.0, 28.0)
ROLES = MappingProxyType({"core": "The {}'s main claims", "audit": "Other claims"})
CLAIMS = "the table of claims"


def caption_of_claims(files: str = CLAIMS, *, own: bool = False) -> str:
    """What stands below the overview: where the claims come from, and how a word is earned."""
    numbers = "printed numbers and own data" if own else "printed numbers"
    return (
        f"Sources: {files} and the study rows each verdict names; computed from {numbers}. "
        "Drifted: something else than the source says. Supported: 97.5% or more, whichever of the "
        "declared choices is made; likely: 80% or more; compatible: it may well be as much."
    )


def shade_of(verdict: str) -> str:
    """Background of a verdict's cell in the look of the moment."""
    return now().shades.get(verdict, now().paper)


def verdict_overview(
    verdicts: pd.DataFrame,
    *,
    roles: Mapping[str, str] = ROLES,
    caption: str = "",
    source: str = "post",
) -> Figure | None:
    """Matrix of the claims and their three verdicts; None if there are none.

    Parameters
    ----------
    verdicts
        The verdicts frame.
    roles
        Heading of the claims of each role, in drawing order; {} stands for `source`.
    caption
        Below the matrix.
    source
        What kind of source makes the claims, as the audit names it.

    Raises
    ------
    KeyError
        If a claim has a role that `roles` does not name.
    """
    if verdicts.empty:
        return None
    said = {role: heading.format(source) for role, heading in roles.items()}
    tops = (HEADINGS[0].format(source), *HEADINGS[1:])
    with theme.styled():
        return _matrix(verdicts, said, tops, caption or caption_of_claims())


def _cells(width: float) -> tuple[list[float], list[float]]:
    """Left edges and widths of the three cells, in mm."""
    room = width - 2 * theme.EDGE_MM
    widths = [room * part for part in (0.36, 0.32, 0.32)] if narrow() else list(CELL_MM)
    return [width - theme.EDGE_MM - sum(widths[i:]) for i in range(3)], widths


def _matrix(
    verdicts: pd.DataFrame, roles: Mapping[str, str], tops: Sequence[str], below: str
) -> Figure:
    width = page_mm()
    lefts, widths = _cells(width)
    statement_mm = width - 2 * theme.EDGE_MM - (0 if narrow() else sum(widths) + 3)
    place = {role: i for i, role in enumerate(roles)}
    rows = sorted(verdicts.to_dict("records"), key=lambda r: place[r["role"]])
    lines = [theme.wrap(row["statement"], statement_mm - 2) for row in rows]
    words = [_words(row, widths) for row in rows]
    cells = [max(6.6, theme.LINE_MM * max(map(len, said)) + 2.6) for said in words]
    texts = [theme.LINE_MM * len(text) + 2.6 for text in lines]
    heights = [
        text + cell if narrow() else max(8.6, text, cell)
        for text, cell in zip(texts, cells, strict=True)
    ]
    caption = theme.caption_lines(below, width)
    headings = {row["role"] for row in rows}
    total = 11 + sum(heights) + 5.5 * len(headings) + theme.LINE_MM * len(caption) + 6
    figure = theme.new_figure(width, total)
    axes = theme.add_axes(figure, 0, 0, width, total)
    axes.set_xlim(0, width)
    axes.set_ylim(total, 0)
    axes.set_axis_off()
    for left, heading, room in zip(lefts, tops, widths, strict=True):
        said = "\n".join(theme.wrap(heading, room - 1.5)) if narrow() else heading
        theme.add_text(figure, left + 1.5, 5, said, color=now().grey)
    y, role = 10.0, None
    for row, text, found, height, cell in zip(rows, lines, words, heights, cells, strict=True):
        if row["role"] != role:
            role = row["role"]
            theme.add_text(figure, theme.EDGE_MM, y + 2.8, roles[role], fontweight="bold")
            y += 5.5
        axes.plot([theme.EDGE_MM, width - theme.EDGE_MM], [y, y], lw=0.4, color=now().pale)
        centre = y + (height - cell) / 2 if narrow() else y + height / 2
        theme.add_text(figure, theme.EDGE_MM, centre, "\n".join(text))
        top, deep = (y + height - cell, cell) if narrow() else (y, height)
        for column, left, room, verdict in zip(COLUMNS, lefts, widths, found, strict=True):
            _cell(axes, str(row[column]), verdict, (left, top, room, deep))
        y += height
    theme.draw_caption(figure, caption)
    return figure


def _words(row: Mapping[Any, Any], widths: list[float]) -> list[list[str]]:
    return [
        theme.wrap(row[column], room - 9.5)
        for column, room in zip(COLUMNS, widths, strict=True)
    ]  # fmt: skip


def _cell(
    axes: Any, verdict: str, words: list[str], place: tuple[float, float, float, float]
) -> None:
    left, top, width, height = place
    axes.add_patch(
        FancyBboxPatch(
            (left + 0.9, top + 0.9), width - 1.8, height - 1.8, facecolor=shade_of(verdict),
            boxstyle="round,pad=0,rounding_size=0.8", edgecolor=now().pale, lw=0.4, gid=verdict,
        )
    )  # fmt: skip
    centre = top + height / 2
    draw_mark(axes, verdict, left + 4.2, centre)
    axes.text(
        left + 7.6, centre, "\n".join(words), fontsize=theme.SMALL, va="center_baseline",
        linespacing=1.15, parse_math=False,
        color=now().ink if verdict not in ("not claimed", "no evidence") else now().grey,
    )  # fmt: skip


def draw_mark(axes: Any, verdict: str, x: float, y: float) -> None:
    """The symbol of a verdict."""
    marker, fill, named = LOOK.get(verdict, UNKNOWN)
    colour = getattr(now(), named)
    style: dict[str, Any] = {"ls": "none", "mec": colour, "mfc": colour, "mfcalt": now().paper}
    kind = "none" if fill == "dot" else fill
    size = 4.4 if marker in "sD" else 5.2
    axes.plot([x], [y], marker=marker, ms=size, mew=1.0, fillstyle=kind, gid=f"mark-{verdict}",
              **style)  # fmt: skip
    if fill == "dot":
        axes.plot([x], [y], marker="o", ms=1.6, mew=0, **style)
