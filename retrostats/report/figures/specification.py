"""Specification curve: the answer at every combination of choices, and which choices made it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from retrostats.report.figures import theme
from retrostats.report.figures.looks import BAND, narrow, now, page_mm
from retrostats.report.figures.panels import PRINTED, band_of, upright
from retrostats.report.figures.verdicts import LOOK, Mark

UNJUDGED = Mark("o", "full", "ink")
CURVE_MM, OPTION_MM, LEFT_MM, HEAD_MM = 42.0, 4.2, 62.0, 5.0
NARROW_LEFT_MM = 34.0


def specification_curve(
    rows: pd.DataFrame, claim: Any, side: str = "", origin: str = PRINTED
) -> Figure | None:
    """Estimates with 95% limits, sorted, above a grid of the options behind each.

    Parameters
    ----------
    rows
        Of `Replication.specifications`, of one measure.
    claim
        The claim it judges, for the range and the null value.
    side
        "direction" or "size": whose label the marks show; the size where one is claimed if "".
    origin
        What it is computed from, as `origin_of` says it.

    Returns
    -------
    Figure or None
        None where there was one combination, so that nothing was chosen.
    """
    if len(rows) < 2:
        return None
    rows = rows.sort_values("specification").reset_index(drop=True)
    shown = side or ("size" if claim.has_size else "direction")
    with theme.styled():
        return _figure(rows, claim, shown, origin)


def _figure(rows: pd.DataFrame, claim: Any, side: str, origin: str) -> Figure:
    width = page_mm()
    names, options = _options(rows)
    left_mm = _left_mm(options[name] for name in names)
    grid = _lines(names, options, left_mm)
    caption = theme.caption_lines(_caption(rows, claim, side, origin), width)
    title = theme.wrap(f"{claim.statement} ({rows['measure'].iloc[0]})",
                       width - 2 * theme.EDGE_MM, bold=True)  # fmt: skip
    top = theme.TOP_MM + theme.LINE_MM * len(title) + HEAD_MM
    below = top + CURVE_MM + 3
    height = below + sum(line.height for line in grid)
    figure = theme.new_figure(width, height + theme.LINE_MM * len(caption) + theme.EDGE_MM + 2)
    for i, line in enumerate(title):
        theme.add_text(
            figure, theme.EDGE_MM, theme.TOP_MM + theme.LINE_MM * (i + 0.5), line, fontweight="bold"
        )
    left, inner = theme.EDGE_MM + left_mm, width - 2 * theme.EDGE_MM - left_mm
    _curve(theme.add_axes(figure, left, top, inner, CURVE_MM), rows, claim, side)
    _grid(figure, below, (left, inner), grid, len(rows))
    theme.draw_caption(figure, caption)
    return figure


class Line(NamedTuple):
    """A line of the grid: a choice, or (with where it is taken) one of its options."""

    words: list[str]
    height: float
    taken: np.ndarray | None


def _left_mm(options: Iterable[Sequence[str]]) -> float:
    """Width of the column of options: what they need, up to its limit; longer ones are wrapped."""
    widest = max(theme.width_mm(theme.clean(option)) for found in options for option in found)
    least, most = (18.0, NARROW_LEFT_MM) if narrow() else (24.0, LEFT_MM)
    return min(max(widest + 4.5, least), most)


def _lines(
    names: Sequence[str], options: Mapping[str, Sequence[str]], left_mm: float
) -> list[Line]:
    """Each choice with its options below it."""
    found = []
    for name in names:
        words = theme.wrap(name, page_mm() - 2 * theme.EDGE_MM, bold=True)
        found.append(Line(words, _high(words), None))
        for option in dict.fromkeys(options[name]):
            words = theme.wrap(option, left_mm - 4)
            found.append(Line(words, _high(words), np.array([o == option for o in options[name]])))
    return found


def _high(words: Sequence[str]) -> float:
    return max(OPTION_MM, theme.LINE_MM * len(words) + 0.6)


def _options(rows: pd.DataFrame) -> tuple[list[str], dict[str, list[str]]]:
    """Choices that differ between rows, and their option in each row."""
    names = str(rows["choices"].iloc[0]).split("; ")
    cells = [str(joined).split("; ") for joined in rows["options"]]
    options = {name: [row[i] for row in cells] for i, name in enumerate(names)}
    return [n for n in names if len(set(options[n])) > 1], options


def _curve(axes: Any, rows: pd.DataFrame, claim: Any, side: str) -> None:
    upright(axes, rows, claim, claim.null_value, log=claim.scale != "difference")
    axes.vlines(rows["specification"], rows["conf_low"], rows["conf_high"], color=now().grey,
                lw=1.0, zorder=2, gid="confidence")  # fmt: skip
    for label, part in rows.groupby(side, sort=False):
        mark, fill, named = LOOK.get(str(label), UNJUDGED)
        colour = getattr(now(), named)
        axes.plot(part["specification"], part["estimate"], marker=mark, fillstyle=fill, ms=4.2,
                  mec=colour, mfc=colour, mfcalt=now().paper, mew=0.8, ls="none", zorder=3,
                  gid=f"estimate-{label}", label=str(label))  # fmt: skip
    if (rows[side] != "").any():
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderpad=0.1,
                    handletextpad=0.2)  # fmt: skip
    axes.set_xlim(0.4, len(rows) + 0.6)
    axes.xaxis.set_major_locator(NullLocator())
    axes.spines["bottom"].set_visible(False)
    lines = theme.wrap(claim.unit or claim.scale, CURVE_MM)
    axes.set_ylabel("\n".join(lines), fontsize=theme.SMALL)


def _grid(
    figure: Figure, top: float, place: tuple[float, float], lines: Sequence[Line], count: int
) -> None:
    """A row an option, under the name of its choice; a mark where a combination takes it."""
    left, inner = place
    deep = sum(line.height for line in lines)
    axes = theme.add_axes(figure, left, top, inner, deep)
    axes.set_xlim(0.4, count + 0.6)
    axes.set_ylim(top + deep, top)  # in mm from the top of the figure
    axes.set_axis_off()
    for line in lines:
        centre, text = top + line.height / 2, "\n".join(line.words)
        if line.taken is None:
            theme.add_text(figure, theme.EDGE_MM, centre, text, fontweight="bold")
        else:
            theme.add_text(figure, left - 3, centre, text, ha="right")
            taken = np.flatnonzero(line.taken) + 1
            axes.axhline(centre, color=now().pale, lw=0.6, zorder=0)
            axes.plot(taken, np.full(len(taken), centre), "s", ms=3.2, color=now().ink,
                      gid="option")  # fmt: skip
        top += line.height


def _caption(rows: pd.DataFrame, claim: Any, side: str, origin: str) -> str:
    parts = [
        f"Each of {len(rows)} combinations of choices, sorted by its estimate, everything else "
        "that was not printed at its middle; lines: 95% limits"
    ]
    if (rows[side] != "").any():
        parts.append(f"marks: what its 95% limits alone say of the {side}")
    if band_of(claim) is not None:
        parts.append(BAND)
    return "; ".join(parts) + f". Computed from {origin}."
