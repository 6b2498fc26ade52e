"""Forest panels: one row an estimate, marks that say what kind of number it is.

Mark and fill say the same as the colour: circle printed by the source, square mixed model of
its printed numbers, diamond pool, triangle a reader's cohort; filled if it is in the pool shown,
hollow if not. A thick line is a confidence interval, a thin bracket below it the range over what
was not printed, dots the prediction interval. Panels of one unit share their axis; a pool of two,
whose interval can be wider than anything printed, ends in arrows and does not stretch it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from retrostats.common.rounding import rounded, with_limits
from retrostats.report.figures import theme
from retrostats.report.figures.axis import Span, display_limits, set_ticks
from retrostats.report.figures.keys import DIAMONDS, draw_keys, key_mm, key_rows, keys_of
from retrostats.report.figures.looks import narrow, now, page_mm
from retrostats.report.figures.marks import draw_band, draw_row, goes_beyond

ROW = 1.9  # mm around a row's text
MARK_MM = 3.7  # height of a row's marks where its words stand above them
HEADER, AXIS, LABEL, HEADING = 5.0, 11.5, 60.0, 4.4
N_COLUMN, WEIGHT_COLUMN, TEXT_COLUMN = 11.0, 12.0, 35.0
ENDS_GAP_MM = 4.0  # between what the left and what the right of an axis mean
MINUS, NBSP = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}"
WEIGHTS = " Per cent after n: weight in the pool."
#: Columns that a pool of this few estimates does not stretch the axis with.
FEW, STRETCHING = 2, ("conf_low", "conf_high", "pred_low", "pred_high", "sens_low", "sens_high")


@dataclass(frozen=True, slots=True)
class Panel:
    """One axis of a forest.

    Attributes
    ----------
    rows
        Rows of the estimates frame in drawing order; an extra column `group`, where it
        changes, adds a heading.
    xlabel
        Quantity with its unit; the panel adds n.
    null
        Value of no effect, drawn as a line.
    log
        Ratio scale.
    band
        The range that would make the claim true, on the display scale.
    title
        Heading above the panel.
    ends
        What it means to lie left and right of the null value, as ("costs less", "costs more").
    """

    rows: pd.DataFrame
    xlabel: str
    null: float
    log: bool
    band: Span | None = None
    title: str = ""
    ends: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Lead:
    """What stands above the first panel: its height in mm, and how it is drawn from a top on.

    It takes the first letter, so that the panels begin with "b".
    """

    height: float
    draw: Callable[[Figure, float], None]


@dataclass(frozen=True, slots=True)
class Line:
    """A row with its words: label, what is said below it in grey, and its height in mm."""

    row: dict[Any, Any]
    heading: str
    words: list[str]
    notes: list[str]
    height: float


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
        label_mm = min(LABEL, max(_label_width(p.rows) for p in panels) + 2)
        lines = [list(_lines(panel, label_mm, width)) for panel in panels]
        heights = [
            sum(line.height for line in found) + (0.8 if narrow() else 1.5) for found in lines
        ]
        columns = _columns(panels, label_mm, width)
        titles = _titles(panels, width, first=0 if lead is None else 1)
        weights_note = WEIGHTS if narrow() and any(_weighed(p.rows) for p in panels) else ""
        captions = theme.caption_lines(f"{caption}{weights_note}", width)
        axes = _shared_limits(panels)
        headers = [_header_mm(panel, columns) for panel in panels]
        beyond = any(goes_beyond(p.rows, ends) for p, ends in zip(panels, axes, strict=True))
        rows = pd.concat([panel.rows for panel in panels], ignore_index=True)
        band = any(panel.band is not None for panel in panels)
        keys = key_rows(keys_of(rows, band=band, beyond=beyond), width)
        above = [theme.LINE_MM * len(title) + (1.5 if title else 0.0) for title in titles]
        axis = AXIS - 3.0 if narrow() else AXIS
        below = [axis + theme.LINE_MM * (len(_xlabel(panel, width)) - 1) for panel in panels]
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
        draw_keys(figure, keys, top)
        theme.draw_caption(figure, captions)
    return figure


def _titles(panels: Sequence[Panel], width: float, first: int) -> list[list[str]]:
    """Headings, lettered where there are several panels."""
    texts = [theme.clean(panel.title) for panel in panels]
    if len(panels) + first > 1:
        letters = ascii_lowercase[first:]
        texts = [f"{letter} {text}" for letter, text in zip(letters, texts, strict=False)]
    room = width - 2 * theme.EDGE_MM
    return [theme.wrap(t, room, theme.SIZE, bold=True) if t.strip() else [] for t in texts]


def _label_width(rows: pd.DataFrame) -> float:
    """Widest label or note; labels in bold are of pools, with a line of their own below."""
    notes = [theme.width_mm(_heterogeneity(row)) for row in rows.to_dict("records")]
    labels = [
        theme.width_mm(theme.clean(text), bold=role == "pooled")
        for text, role in zip(rows["label"], rows["role"], strict=True)
    ]
    return max([*labels, *notes])


def _lines(panel: Panel, label_mm: float, width: float) -> Iterator[Line]:
    groups = list(panel.rows["group"]) if "group" in panel.rows else [""] * len(panel.rows)
    before: str | None = None
    for row, group in zip(panel.rows.to_dict("records"), groups, strict=True):
        heading = theme.clean(group) if group != before else ""
        before = group
        bold = row["role"] == "pooled"
        if narrow():
            room = width - 2 * theme.EDGE_MM - theme.width_mm(_estimate_text(row), bold=bold) - 3
            words = _hanging(f"{row['label']}{_people(row)}", room, width, bold=bold)
            notes = theme.wrap(_heterogeneity(row), room) if _heterogeneity(row) else []
            height = theme.LINE_MM * (len(words) + len(notes)) + MARK_MM + 0.2
        else:
            words = theme.wrap(row["label"], label_mm, bold=bold)
            notes = theme.wrap(_heterogeneity(row), label_mm) if _heterogeneity(row) else []
            height = theme.LINE_MM * (len(words) + len(notes)) + ROW
        yield Line(row, heading, words, notes, height + (HEADING if heading else 0.0))


def _hanging(text: str, first_mm: float, width: float, *, bold: bool) -> list[str]:
    """Lines of a label: the first beside the estimate, the others as wide as the page."""
    line = theme.wrap(text, first_mm, bold=bold)[0]
    rest = theme.clean(text)[len(line) :].strip()
    return [line, *(theme.wrap(rest, width - 2 * theme.EDGE_MM, bold=bold) if rest else [])]


def _people(row: Mapping[Any, Any]) -> str:
    """People and weight as a label ends with them where they have no columns."""
    said = [f"n = {_n_text(row['n'])}"] if row["n"] == row["n"] else []
    weight = row.get("weight", float("nan"))
    said += [f"{weight:.0f}%"] if weight == weight else []
    return f" ({', '.join(said)})".replace(" ", NBSP).replace(NBSP, " ", 1) if said else ""


def _heterogeneity(row: Mapping[Any, Any]) -> str:
    """How many estimates a pool holds, and how far they differ."""
    k, tau, i2 = (float(row.get(name, float("nan"))) for name in ("k", "tau", "i2"))
    if k != k or row["role"] != "pooled":
        return ""
    parts = [f"k = {k:.0f}"]
    parts += [f"τ = {rounded(tau)}"] if tau == tau else []
    parts += [f"I² = {i2:.0f}%"] if i2 == i2 else []
    return ", ".join(part.replace(" ", NBSP) for part in parts)


def _shared_limits(panels: Sequence[Panel]) -> list[tuple[float, float]]:
    """Ends of each panel's axis, the same for all of one unit."""
    keys = [(str(p.rows["unit"].iloc[0]) if "unit" in p.rows else "", p.log) for p in panels]
    found = {}
    for key in dict.fromkeys(keys):
        own = [panel for panel, k in zip(panels, keys, strict=True) if k == key]
        ends = [display_limits(_unstretched(p.rows), p.null, p.band, log=p.log) for p in own]
        found[key] = (min(low for low, _ in ends), max(high for _, high in ends))
    return [found[key] for key in keys]


def _unstretched(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows without the limits of pools of two, unless nothing else is shown."""
    if "k" not in rows:
        return rows
    few = rows["role"].isin(DIAMONDS) & (rows["k"] <= FEW)
    if few.all():
        return rows
    shown = [name for name in STRETCHING if name in rows]
    return rows.assign(**{name: rows[name].where(~few, np.nan) for name in shown})


def _draw_panel(
    figure: Figure, panel: Panel, lines: Sequence[Line], place: tuple[float, float],
    columns: tuple[float, float, float, float], ends: tuple[float, float],
) -> None:  # fmt: skip
    width = theme.figure_mm(figure)[0]
    top, height = place
    left, right, weights_at, n_at = columns
    axes = theme.add_axes(figure, left, top, right - left, height)
    axes.set_ylim(height, 0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    if panel.log:
        axes.set_xscale("log")
    axes.set_xlim(*ends)
    set_ticks(axes, *ends, log=panel.log, room_mm=right - left)
    axes.set_xlabel("\n".join(_xlabel(panel, width)), labelpad=2, parse_math=False)
    if not narrow():
        draw_band(axes, panel.band, panel.null, (0, height), ends)
    y = 1.0
    for line in lines:
        if line.heading:
            theme.add_text(figure, theme.EDGE_MM, top + y + 2.3, line.heading,
                           color=now().grey, fontweight="bold")  # fmt: skip
            y += HEADING
        deep = line.height - (HEADING if line.heading else 0.0)
        centre = y + deep / 2
        if narrow():
            centre = y + deep - 0.5 - MARK_MM / 2
            zone = (centre - MARK_MM / 2 + 0.5, centre + MARK_MM / 2)
            draw_band(axes, panel.band, panel.null, zone, ends)
        draw_row(axes, line.row, centre, ends)
        _words(figure, line, top + y, deep, (weights_at, n_at))
        y += deep


def _columns(
    panels: Sequence[Panel], label_mm: float, width: float
) -> tuple[float, float, float, float]:
    """Left and right end of the axis; right ends of the columns of weights and people."""
    if narrow():
        return theme.EDGE_MM + 1, width - theme.EDGE_MM - 1, np.nan, np.nan
    room = WEIGHT_COLUMN if any(_weighed(panel.rows) for panel in panels) else 0.0
    widest = max(theme.width_mm(_n_text(n)) for panel in panels for n in panel.rows["n"])
    people = max(N_COLUMN, widest + 4.5)
    n_at = theme.EDGE_MM + label_mm + people - 3
    left = theme.EDGE_MM + label_mm + people + room
    return left, width - theme.EDGE_MM - TEXT_COLUMN, n_at + room, n_at


def _weighed(rows: pd.DataFrame) -> bool:
    return "weight" in rows and bool(rows["weight"].notna().any())


def _headings(
    figure: Figure, panel: Panel, top: float, at: tuple[float, float, float, float]
) -> None:
    """Names of the columns, and what left and right of the null value mean."""
    left, right, weights_at, n_at = at
    less, more = _ends(panel, at)
    centre = top + 2.5 + theme.LINE_MM * (max(len(less), len(more), 1) - 1)
    grey = {"color": now().grey}
    if not narrow():
        theme.add_text(figure, n_at, centre, "n", ha="right", **grey)
        if _weighed(panel.rows):
            theme.add_text(figure, weights_at, centre, "weight", ha="right", **grey)
        edge = theme.figure_mm(figure)[0] - theme.EDGE_MM
        theme.add_text(figure, edge, centre, "Estimate [95% CI]", ha="right", **grey)
    for lines, place, side in ((less, left, "left"), (more, right, "right")):
        for i, line in enumerate(lines):
            low = centre - theme.LINE_MM * (len(lines) - 1 - i)
            theme.add_text(figure, place, low, line, ha=side, **grey)


def _ends(panel: Panel, at: tuple[float, float, float, float]) -> tuple[list[str], list[str]]:
    """What both sides of the null value mean, in lines that stay apart."""
    less, more = panel.ends
    if not (less and more):
        return [], []
    room = (at[1] - at[0] - ENDS_GAP_MM) / 2
    left, right = f"←{NBSP}{less}", f"{more}{NBSP}→"
    if theme.width_mm(left) + theme.width_mm(right) <= 2 * room:
        return [left], [right]
    return theme.balanced(left, room), theme.balanced(right, room)


def _header_mm(panel: Panel, at: tuple[float, float, float, float]) -> float:
    """Room above an axis: names of columns, and what its sides mean."""
    deepest = max(map(len, _ends(panel, at)))
    if narrow() and not deepest:
        return 1.0
    return HEADER + theme.LINE_MM * max(deepest - 1, 0)


def _words(
    figure: Figure, line: Line, top: float, deep: float, columns: tuple[float, float]
) -> None:
    """Label, note, people, weight and estimate of a row that begins at `top` mm."""
    row, count = line.row, len(line.words) + len(line.notes)
    weight = "bold" if row["role"] == "pooled" else "normal"
    lead = 0.5 if narrow() else (deep - theme.LINE_MM * count) / 2
    first = top + lead + theme.LINE_MM / 2
    centre = first if narrow() else top + deep / 2
    for i, text in enumerate(line.words):
        place = first + theme.LINE_MM * i
        theme.add_text(figure, theme.EDGE_MM, place, text, fontweight=weight)
    for i, text in enumerate(line.notes):
        place = first + theme.LINE_MM * (len(line.words) + i)
        theme.add_text(figure, theme.EDGE_MM, place, text, color=now().grey)
    edge = theme.figure_mm(figure)[0] - theme.EDGE_MM
    theme.add_text(figure, edge, centre, _estimate_text(row), ha="right", fontweight=weight)
    if narrow():
        return
    weights_at, n_at = columns
    theme.add_text(figure, n_at, centre, _n_text(row["n"]), ha="right")
    share = row.get("weight", float("nan"))
    if share == share:
        theme.add_text(figure, weights_at, centre, f"{share:.0f}%", ha="right")


def _n_text(n: float) -> str:
    return f"{n:,.0f}" if n == n else ""


def _xlabel(panel: Panel, width: float) -> list[str]:
    """Quantity, unit and people of an axis, in lines that fit the page; narrow rows tell n."""
    room = width - 2 * theme.EDGE_MM - (0 if narrow() else TEXT_COLUMN + 20)
    people = "" if narrow() else _n_range(panel.rows)
    return theme.wrap(f"{panel.xlabel}{people}", room, theme.SIZE)


def _n_range(rows: pd.DataFrame) -> str:
    studies = rows.loc[~rows["role"].isin(DIAMONDS), "n"].dropna()
    known = studies if len(studies) else rows["n"].dropna()
    if known.empty:
        return "; n not printed"
    low, high = _n_text(known.min()), _n_text(known.max())
    of = " a study" if len(studies) else ""
    return f"; n = {low}" if low == high else f"; n = {low} to {high}{of}"


def _estimate_text(row: Mapping[Any, Any]) -> str:
    """Estimate and limits by the one rule of rounding."""
    if row["estimate"] != row["estimate"]:
        return "printed in words"
    text = rounded(row["estimate"])
    if row["conf_low"] == row["conf_low"]:
        text, low, high = with_limits(row["estimate"], row["conf_low"], row["conf_high"])
        text = f"{text} [{low}, {high}]"
    else:
        text = f"{text} [no SE]" if narrow() else f"{text} [no SE printed]"
    return text.replace("-", MINUS)
