"""Each estimate as a function of what was not printed, with the verdict along the axis."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator

from retrostats.draw.figures import theme
from retrostats.draw.figures.panels import band_of, upright
from retrostats.draw.figures.verdicts import LOOK

PANEL_MM, STRIP_MM = 38.0, 3.4
GUTTER_MM, RIGHT_MM = 17.0, 3.0
QUANTITY = {
    "ratio": "Ratio",
    "rate_ratio": "Rate ratio",
    "difference": "Difference",
}


def sensitivity(frame: pd.DataFrame, claims: Mapping[str, Any]) -> Figure | None:
    """One panel an estimate and unknown; None if nothing is unknown.

    Parameters
    ----------
    frame
        The sensitivity frame.
    claims
        Claims by id, for the band of the one an estimate is judged by (column `claim_id`).
    """
    if frame.empty:
        return None
    sweeps = [
        part.reset_index(drop=True)
        for _, part in frame.groupby(["estimate_id", "unknown"], sort=False)
    ]
    with mpl.rc_context(theme.STYLE):
        return _panels(sweeps, claims)


def _panels(sweeps: Sequence[pd.DataFrame], claims: Mapping[str, Any]) -> Figure:
    columns = min(3, len(sweeps))
    width = theme.SINGLE_MM if columns == 1 else theme.DOUBLE_MM
    cell = (width - 2 * theme.EDGE_MM) / columns
    titles = [theme.wrap(part["label"].iloc[0], cell - 2, bold=True) for part in sweeps]
    xlabels = [theme.wrap(part["unknown"].iloc[0], cell - GUTTER_MM) for part in sweeps]
    title_mm = theme.LINE_MM * max(map(len, titles)) + 1.5
    below = 6.5 + theme.LINE_MM * (max(map(len, xlabels)) + max(map(_extra_lines, sweeps)))
    strips = max(len(_kinds(part)) for part in sweeps) * (STRIP_MM + 0.6)
    row = title_mm + strips + PANEL_MM + below + 3
    rows = math.ceil(len(sweeps) / columns)
    caption = theme.caption_lines(_caption(sweeps, claims), width)
    total = theme.TOP_MM + rows * row + theme.LINE_MM * len(caption) + 4
    figure = theme.new_figure(width, total)
    for i, part in enumerate(sweeps):
        left = theme.EDGE_MM + (i % columns) * cell
        top = theme.TOP_MM + (i // columns) * row
        for j, line in enumerate(titles[i]):
            theme.add_text(figure, left, top + theme.LINE_MM * (j + 0.6), line, fontweight="bold")
        inner = cell - GUTTER_MM - RIGHT_MM
        start = left + GUTTER_MM
        axes = theme.add_axes(figure, start, top + title_mm + strips, inner, PANEL_MM)
        x = _draw(axes, part, _claim(part, claims))
        axes.set_xlabel("\n".join(xlabels[i]), fontsize=theme.SMALL, labelpad=2, parse_math=False)
        for k, (name, column) in enumerate(_kinds(part)):
            place = top + title_mm + k * (STRIP_MM + 0.6)
            theme.add_text(
                figure, start - 1, place + STRIP_MM / 2, name, ha="right", color=theme.GREY
            )
            strip = theme.add_axes(figure, start, place, inner, STRIP_MM)
            _draw_strip(strip, x, list(part[column]), axes.get_xlim())
    theme.draw_caption(figure, caption)
    return figure


def _words(part: pd.DataFrame) -> list[list[str]]:
    return [theme.wrap(text, 34 / len(part)) for text in part["unknown_text"]]


def _extra_lines(part: pd.DataFrame) -> int:
    """Lines that an unknown in words needs below its axis, beyond the first."""
    return 0 if part["unknown_value"].notna().all() else max(map(len, _words(part))) - 1


def _quantity(part: pd.DataFrame) -> str:
    """Label of the axis, with unit and n where the frame has them."""
    unit = str(part["unit"].iloc[0]) if "unit" in part else ""
    text = unit or QUANTITY[part["scale"].iloc[0]]
    n = part["n"].iloc[0] if "n" in part else float("nan")
    parts = [text, f"n = {n:.0f}"] if n == n else [text]
    if theme.width_mm("; ".join(parts)) <= PANEL_MM:
        return "; ".join(parts)
    return "\n".join(line for part in parts for line in theme.wrap(part, PANEL_MM))


def _caption(sweeps: Sequence[pd.DataFrame], claims: Mapping[str, Any]) -> str:
    """What the marks that are drawn mean."""
    judged = [claim for claim in (_claim(part, claims) for part in sweeps) if claim is not None]
    band = any(band_of(claim) is not None for claim in judged)
    marks = ["Line: estimate; shaded: its 95% confidence interval at each value"]
    marks += ["yellow: range that would make the claim true"] if band else []
    text = "; ".join([*marks, "dashed: no difference"]) + ". "
    if any(_kinds(part) for part in sweeps):
        text += (
            "Strips: the verdict which that value alone would give (S supported, C contradicted, "
            "U undecided where the word has no room). "
        )
    return f"{text}Sources: data/published; computed from printed numbers."


def _kinds(part: pd.DataFrame) -> list[tuple[str, str]]:
    kinds = (("direction", "verdict_direction"), ("size", "verdict_size"))
    return [(name, column) for name, column in kinds if (part[column] != "").any()]


def _claim(part: pd.DataFrame, claims: Mapping[str, Any]) -> Any:
    return claims.get(part["claim_id"].iloc[0]) if "claim_id" in part else None


def _draw(axes: Any, part: pd.DataFrame, claim: Any) -> list[float]:
    """Curve or, for an unknown in words, marks; returns where they stand."""
    scale = part["scale"].iloc[0]
    log = scale != "difference"
    null = 1.0 if log else 0.0
    upright(axes, part, claim, null, log=log)
    axes.set_ylabel(_quantity(part), labelpad=2, fontsize=theme.SMALL)
    numeric = part["unknown_value"].notna().all()
    x = [float(v) for v in (part["unknown_value"] if numeric else range(len(part)))]
    if numeric and len(x) > 1:
        axes.fill_between(x, part["conf_low"], part["conf_high"], facecolor=theme.BLUE, alpha=0.22,
                          edgecolor=theme.BLUE, lw=0.6, zorder=2, gid="confidence")  # fmt: skip
        axes.plot(x, part["estimate"], color=theme.BLUE, lw=1.4, zorder=3, gid="estimate")
        axes.set_xlim(min(x), max(x))
        axes.xaxis.set_major_locator(MaxNLocator(4))
        return x
    axes.vlines(x, part["conf_low"], part["conf_high"], color=theme.BLUE, lw=1.8, zorder=2)
    axes.plot(x, part["estimate"], "s", ms=4.6, color=theme.BLUE, zorder=3, gid="estimate")
    axes.set_xlim(min(x) - 0.6, max(x) + 0.6)
    axes.xaxis.set_major_locator(FixedLocator(x))
    words = ["\n".join(lines) for lines in _words(part)]
    axes.xaxis.set_major_formatter(FixedFormatter(words))
    return x


def _runs(
    x: Sequence[float], verdicts: Sequence[str], limits: tuple[float, float]
) -> Iterator[Any]:
    """Verdict, start and end of each stretch; a change lies midway between two values."""
    edges = [limits[0], *((a + b) / 2 for a, b in pairwise(x)), limits[1]]
    start = 0
    for verdict, group in groupby(verdicts):
        stop = start + len(list(group))
        yield verdict, edges[start], edges[stop]
        start = stop


def _draw_strip(
    axes: Any, x: Sequence[float], verdicts: Sequence[str], limits: tuple[float, float]
) -> None:
    axes.set_xlim(limits)
    axes.set_ylim(0, 1)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    room = theme.figure_mm(axes.figure)[0] * axes.get_position().width
    for verdict, start, stop in _runs(x, verdicts, limits):
        if not verdict:
            continue
        axes.axvspan(
            start, stop, facecolor=LOOK[verdict][2], edgecolor=theme.INK, lw=0.4, gid=verdict
        )
        length = (stop - start) / (limits[1] - limits[0]) * room
        word = verdict if theme.width_mm(verdict) < length - 1.5 else verdict[0].upper()
        if theme.width_mm(word) < length - 0.6:
            axes.text(
                (start + stop) / 2, 0.46, word, ha="center", va="center", fontsize=theme.SMALL
            )
