"""Forest panels: one row an estimate, marks that say what kind of number it is.

Mark and fill say the same as the colour: circle printed by the source, square mixed model of
its printed numbers, diamond pool, triangle a reader's cohort; filled if it is in the pool shown,
hollow if not; as large as the weight in it, where that is known. A thick line is a confidence
interval, a thin bracket below it the range over what was not printed, dots the prediction interval.
Panels of one unit share their axis unless that leaves a third of one empty; an axis always holds
the whole interval of a pool. At least half of the width is the picture: labels are wrapped beside
it. In one column of a journal all of it is: a row's words stand above its mark, over the band
and the line of no effect, which go on behind them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from retrostats.report.figures import theme
from retrostats.report.figures.axis import Span, display_limits, set_ticks
from retrostats.report.figures.forest_rows import (
    NBSP,
    NO_VALUES,
    Line,
    Values,
    counted,
    heading_mm,
    label_width,
    lines_of,
    n_text,
    people_range,
    values_of,
    weighed,
)
from retrostats.report.figures.keys import (
    DIAMONDS,
    Words,
    draw_keys,
    filled,
    key_mm,
    key_rows,
    keys_of,
)
from retrostats.report.figures.looks import narrow, now, page_mm
from retrostats.report.figures.marks import draw_band, draw_null, draw_row, goes_beyond

HEADER, NARROW_HEADER, AXIS, NARROW_AXIS = 5.0, 4.2, 10.5, 8.2
APART_MM = 3.0  # between the title of an axis and the next panel
AROUND_MM, TITLE_GAP_MM = 1.5, 1.5  # of rows above and below them; below a title
N_COLUMN, WEIGHT_COLUMN, GUTTER_MM = 11.0, 12.0, 3.0
INSET_MM = 1.0  # of an axis that is as wide as the figure, for its arrows
PICTURE = 0.5  # least part of the width that the axis has
ENDS_GAP_MM = 4.0  # between what the left and what the right of an axis mean
FILLED = 2 / 3  # least part of a shared axis that each of its panels uses
#: Columns that a pool of this few estimates does not stretch the axis with.
FEW, STRETCHING = 2, ("pred_low", "pred_high", "sens_low", "sens_high")


@dataclass(frozen=True, slots=True)
class Panel:
    """One axis of a forest.

    Attributes
    ----------
    rows
        Rows of the estimates frame in drawing order; an extra column `group`, where it
        changes, adds a heading. Without a column `n` nothing is said of people.
    xlabel
        Quantity with its unit; the panel adds n.
    null
        Value of no effect, drawn as a line; NaN where there is none.
    log
        Ratio scale.
    band
        The range that would make the claim true, on the display scale.
    title
        Heading above the panel.
    ends
        What it means to lie left and right of the null value, as ("costs less", "costs more").
    words
        What its intervals are called.
    """

    rows: pd.DataFrame
    xlabel: str
    null: float
    log: bool
    band: Span | None = None
    title: str = ""
    ends: tuple[str, str] = ("", "")
    words: Words = field(default_factory=Words)


@dataclass(frozen=True, slots=True)
class Lead:
    """What stands above the first panel: its height in mm, and how it is drawn from a top on.

    It takes the first letter, so that the panels begin with "b".
    """

    height: float
    draw: Callable[[Figure, float], None]


@dataclass(frozen=True, slots=True)
class Columns:
    """Where things stand in mm from the left: ends of the axis; right ends of two columns.

    `values` says where in the column at the right edge an estimate and its interval stand.
    """

    left: float
    right: float
    weights_at: float
    n_at: float
    values: Values = NO_VALUES


def forest(
    panels: Sequence[Panel],
    caption: str,
    width_mm: float | None = None,
    lead: Lead | None = None,
) -> Figure:
    """Stack of forest panels, below a lead if there is one, with one key and one caption.

    Raises
    ------
    ValueError
        If there is no panel.
    """
    if not panels:
        raise ValueError("a forest needs at least one panel")
    width = page_mm() if width_mm is None else width_mm
    with theme.styled():
        columns, label_mm = _columns(panels, width)
        room = label_mm if narrow() else columns.left - theme.EDGE_MM - 1
        lines = [list(lines_of(panel.rows, label_mm, room)) for panel in panels]
        heights = [sum(line.height for line in found) + _gap(AROUND_MM) for found in lines]
        titles = _titles(panels, width, first=0 if lead is None else 1)
        captions = theme.caption_lines(caption, width) if caption else []
        axes = _shared_limits(panels)
        headers = [_header_mm(panel, columns) for panel in panels]
        keys = _keys(panels, axes, width)
        above = [
            theme.LINE_MM * len(title) + (_gap(TITLE_GAP_MM) if title else 0.0) for title in titles
        ]
        axis = NARROW_AXIS if narrow() else AXIS
        below = [
            axis + theme.LINE_MM * (len(_xlabel(panel, columns, width)) - 1) for panel in panels
        ]
        below[:-1] = [mm + APART_MM for mm in below[:-1]]
        bottom = len(keys) * key_mm() + len(captions) * theme.LINE_MM + 2 * theme.EDGE_MM + 1
        total = theme.TOP_MM + sum(heights) + sum(above) + sum(below) + sum(headers)
        led = 0.0 if lead is None else lead.height
        figure = theme.new_figure(width, total + bottom + led)
        if lead is not None:
            lead.draw(figure, theme.TOP_MM)
        top = theme.TOP_MM + led
        for i, panel in enumerate(panels):
            for j, line in enumerate(titles[i]):
                theme.add_text(figure, theme.EDGE_MM, top + 2 + theme.LINE_MM * j, line,
                               fontweight="bold", fontsize=theme.SIZE)  # fmt: skip
            _headings(figure, panel, top + above[i], columns)
            place = (top + above[i] + headers[i], heights[i])
            _draw_panel(figure, panel, lines[i], place, columns, axes[i])
            top += above[i] + headers[i] + heights[i] + below[i]
        solid = any(filled(panel.rows) for panel in panels)
        draw_keys(figure, keys, top, panels[0].words, solid=solid)
        theme.draw_caption(figure, captions)
    return figure


def _gap(mm: float) -> float:
    """A gap, a third of it in one column."""
    return mm / 3 if narrow() else mm


def _keys(
    panels: Sequence[Panel], ends: Sequence[tuple[float, float]], width: float
) -> list[list[str]]:
    """The key of what these panels show, in lines."""
    beyond = any(goes_beyond(p.rows, limits) for p, limits in zip(panels, ends, strict=True))
    rows = pd.concat([panel.rows for panel in panels], ignore_index=True)
    band = any(panel.band is not None for panel in panels)
    found = keys_of(rows, band=band, beyond=beyond)
    return key_rows(found, width, panels[0].words)


def _titles(panels: Sequence[Panel], width: float, first: int) -> list[list[str]]:
    """Headings, lettered where there are several panels."""
    texts = [theme.clean(panel.title) for panel in panels]
    if len(panels) + first > 1:
        letters = ascii_lowercase[first:]
        texts = [f"{letter} {text}" for letter, text in zip(letters, texts, strict=False)]
    room = width - 2 * theme.EDGE_MM
    return [theme.wrap(t, room, theme.SIZE, bold=True) if t.strip() else [] for t in texts]


def _shared_limits(panels: Sequence[Panel]) -> list[tuple[float, float]]:
    """Ends of each panel's axis: the same for all of one unit, unless that leaves one empty."""
    keys = [(str(p.rows["unit"].iloc[0]) if "unit" in p.rows else "", p.log) for p in panels]
    found = {}
    for key in dict.fromkeys(keys):
        own = [panel for panel, k in zip(panels, keys, strict=True) if k == key]
        ends = [display_limits(_unstretched(p.rows), p.null, p.band, log=p.log) for p in own]
        whole = (min(low for low, _ in ends), max(high for _, high in ends))
        least = min(_length(each, key[1]) for each in ends)
        shared = least >= FILLED * _length(whole, key[1])
        found[key] = iter([whole if shared else each for each in ends])
    return [next(found[key]) for key in keys]


def _length(ends: tuple[float, float], log: bool) -> float:
    low, high = ends
    return math.log(high / low) if log else high - low


def _unstretched(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows without what pools of two predict, unless nothing else is shown."""
    if "k" not in rows:
        return rows
    few = rows["role"].isin(DIAMONDS) & (rows["k"] <= FEW)
    if few.all():
        return rows
    shown = [name for name in STRETCHING if name in rows]
    return rows.assign(**{name: rows[name].where(~few, np.nan) for name in shown})


def _draw_panel(
    figure: Figure, panel: Panel, lines: Sequence[Line], place: tuple[float, float],
    columns: Columns, ends: tuple[float, float],
) -> None:  # fmt: skip
    width = theme.figure_mm(figure)[0]
    top, height = place
    inner = columns.right - columns.left
    axes = theme.add_axes(figure, columns.left, top, inner, height)
    axes.set_ylim(height, 0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    if panel.log:
        axes.set_xscale("log")
    axes.set_xlim(*ends)
    set_ticks(axes, *ends, log=panel.log, room_mm=inner)
    axes.set_xlabel("\n".join(_xlabel(panel, columns, width)), labelpad=2, parse_math=False)
    draw_band(axes, panel.band, panel.null, (0, height), ends)
    heaviest = float(panel.rows["weight"].max()) if weighed(panel.rows) else float("nan")
    y = 0.0 if narrow() else 1.0
    beside: list[tuple[float, float]] = []
    for line in lines:
        for i, text in enumerate(line.heading):
            theme.add_text(figure, theme.EDGE_MM, top + y + 2.3 + theme.LINE_MM * i, text,
                           color=now().grey, fontweight="bold")  # fmt: skip
        y += heading_mm(line.heading)
        deep = line.height - heading_mm(line.heading)
        draw_row(axes, line.row, y + (line.mark_mm if narrow() else deep / 2), ends, heaviest)
        _words(figure, line, top + y, deep, columns)
        beside.append((y + theme.LINE_MM * line.said, y + deep))
        y += deep
    if narrow():
        draw_null(axes, panel.null, beside)


def _columns(panels: Sequence[Panel], width: float) -> tuple[Columns, float]:
    """Places of the columns, and the room of labels: what the picture's half leaves them."""
    rows = [panel.rows for panel in panels]
    if narrow():
        left, right = theme.EDGE_MM + INSET_MM, width - theme.EDGE_MM - INSET_MM
        return Columns(left, right, np.nan, np.nan), width - 2 * theme.EDGE_MM
    wanted = max(map(label_width, rows)) + 1
    values = values_of(rows, max(theme.width_mm(panel.words.heading) for panel in panels))
    weights = WEIGHT_COLUMN if any(map(weighed, rows)) else 0.0
    people = 0.0
    if any(map(counted, rows)):
        widest = max(theme.width_mm(n_text(n)) for part in rows for n in part.get("n", ()))
        people = max(N_COLUMN, widest + 4.5)
    right = width - theme.EDGE_MM - values.width - GUTTER_MM
    room = right - width * PICTURE - theme.EDGE_MM - people - weights - GUTTER_MM
    label_mm = min(wanted, room)
    n_at = theme.EDGE_MM + label_mm + people
    left = n_at + weights + GUTTER_MM
    return Columns(left, right, n_at + weights, n_at, values), label_mm


def _headings(figure: Figure, panel: Panel, top: float, at: Columns) -> None:
    """Names of the columns, and what left and right of the null value mean."""
    less, more = _ends(panel, at)
    centre = top + 2.5 + theme.LINE_MM * (max(len(less), len(more), 1) - 1)
    grey = {"color": now().grey}
    if not narrow():
        if counted(panel.rows):
            theme.add_text(figure, at.n_at, centre, "n", ha="right", **grey)
        if weighed(panel.rows):
            theme.add_text(figure, at.weights_at, centre, "weight", ha="right", **grey)
        edge = theme.figure_mm(figure)[0] - theme.EDGE_MM
        theme.add_text(figure, edge - at.values.width, centre, panel.words.heading, **grey)
    for lines, place, side in ((less, at.left, "left"), (more, at.right, "right")):
        for i, line in enumerate(lines):
            low = centre - theme.LINE_MM * (len(lines) - 1 - i)
            theme.add_text(figure, place, low, line, ha=side, **grey)


def _ends(panel: Panel, at: Columns) -> tuple[list[str], list[str]]:
    """What both sides of the null value mean, in lines that stay apart."""
    less, more = panel.ends
    if not (less and more):
        return [], []
    room = (at.right - at.left - ENDS_GAP_MM) / 2
    left, right = f"←{NBSP}{less}", f"{more}{NBSP}→"
    if theme.width_mm(left) + theme.width_mm(right) <= 2 * room:
        return [left], [right]
    return theme.balanced(left, room), theme.balanced(right, room)


def _header_mm(panel: Panel, at: Columns) -> float:
    """Room above an axis: names of columns, and what its sides mean."""
    deepest = max(map(len, _ends(panel, at)))
    if narrow() and not deepest:
        return 1.0
    return (NARROW_HEADER if narrow() else HEADER) + theme.LINE_MM * max(deepest - 1, 0)


def _words(figure: Figure, line: Line, top: float, deep: float, columns: Columns) -> None:
    """Label, note, people, weight and estimate of a row that begins at `top` mm."""
    row = line.row
    weight = "bold" if row["role"] == "pooled" else "normal"
    said = [(text, now().ink, weight) for text in line.words]
    said += [(text, now().grey, "normal") for text in line.notes]
    first = theme.LINE_MM / 2 + top
    first += 0.0 if narrow() else (deep - theme.LINE_MM * len(said)) / 2
    for i, (text, colour, face) in enumerate(said):
        place = first + theme.LINE_MM * i
        theme.add_text(figure, theme.EDGE_MM, place, text, color=colour, fontweight=face)
    edge = theme.figure_mm(figure)[0] - theme.EDGE_MM
    if narrow():
        place = first + theme.LINE_MM * line.values_at
        theme.add_text(figure, edge, place, line.values, ha="right", fontweight=weight)
        return
    centre = top + deep / 2
    start = edge - columns.values.width
    for text, at in columns.values.placed(row):
        theme.add_text(figure, start + at, centre, text, fontweight=weight)
    if "n" in row:
        theme.add_text(figure, columns.n_at, centre, n_text(row["n"]), ha="right")
    share = row.get("weight", float("nan"))
    if share == share:
        theme.add_text(figure, columns.weights_at, centre, f"{share:.0f}%", ha="right")


def _xlabel(panel: Panel, at: Columns, width: float) -> list[str]:
    """Quantity, unit and people of an axis, in lines that fit below it; narrow rows tell n."""
    centre = (at.left + at.right) / 2
    room = 2 * min(centre - theme.EDGE_MM, width - theme.EDGE_MM - centre)
    people = "" if narrow() else people_range(panel.rows, (*DIAMONDS, "posterior"))
    return theme.wrap(f"{panel.xlabel}{people}", room, theme.SIZE)
