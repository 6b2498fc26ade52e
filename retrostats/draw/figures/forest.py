"""Forest panels: one row an estimate, marks that say what kind of number it is.

Mark and fill say the same as the colour: circle printed by the source, square mixed model of
its printed numbers, diamond pool, triangle a reader's cohort; filled if it is in the pool shown,
hollow if not. A thick line is a confidence interval, a thin bracket below it the range over what
was not printed, dots the prediction interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon

from retrostats.draw.figures import theme
from retrostats.draw.figures.axis import Span, display_limits, set_ticks

MARKERS = {"printed": "o", "recomputed": "o", "model": "s", "cohort": "^"}
DIAMONDS = ("pooled", "one-stage", "few-studies")
KEYS = {
    "printed": "printed by the source, or arithmetic on its print",
    "model": "mixed model of printed numbers",
    "cohort": "reader's own cohort",
    "hollow": "hollow: not pooled",
    "pooled": "pool",
    "one-stage": "one model of the people of its studies",
    "few-studies": "pool by a method for few studies",
    "interval": "95% confidence interval",
    "prediction": "95% prediction interval",
    "range": "range over what was not printed",
    "band": "range that would make the claim true",
}
ROW, GAP = 1.9, 1.35  # mm around a row's text; mm of the bracket below its line
HEADER, AXIS, LABEL, LINE_ABOVE = 5.0, 11.5, 66.0, 5.0
N_COLUMN, TEXT_COLUMN = 11.0, 35.0


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
    """

    rows: pd.DataFrame
    xlabel: str
    null: float
    log: bool
    band: Span | None = None
    title: str = ""


def forest(panels: Sequence[Panel], caption: str, width_mm: float = theme.DOUBLE_MM) -> Figure:
    """Stack of forest panels with one key and one caption.

    Raises
    ------
    ValueError
        If there is no panel.
    """
    if not panels:
        raise ValueError("a forest needs at least one panel")
    with mpl.rc_context(theme.STYLE):
        label_mm = min(LABEL, max(_label_width(p.rows) for p in panels) + 2)
        lines = [_wrapped(panel, label_mm) for panel in panels]
        heights = [_height(panel, wrapped) for panel, wrapped in zip(panels, lines, strict=True)]
        titles = [LINE_ABOVE if panel.title else 0.0 for panel in panels]
        captions = theme.caption_lines(caption, width_mm)
        keys = _keys(panels)
        key_rows = _key_rows(keys, width_mm)
        bottom = len(key_rows) * 4.2 + len(captions) * theme.LINE_MM + 2 * theme.EDGE_MM + 1
        total = theme.TOP_MM + sum(heights) + sum(titles) + len(panels) * (HEADER + AXIS) + bottom
        figure = theme.new_figure(width_mm, total)
        top = theme.TOP_MM
        for panel, wrapped, height, title in zip(panels, lines, heights, titles, strict=True):
            if panel.title:
                theme.add_text(
                    figure, theme.EDGE_MM, top + 2, theme.clean(panel.title),
                    fontweight="bold", fontsize=theme.SIZE,
                )  # fmt: skip
            _draw_panel(figure, panel, wrapped, top + title, height, label_mm)
            top += title + HEADER + height + AXIS
        _draw_keys(figure, key_rows, top)
        theme.draw_caption(figure, captions)
    return figure


def _label_width(rows: pd.DataFrame) -> float:
    return max(theme.width_mm(theme.clean(label)) for label in rows["label"])


def _wrapped(panel: Panel, label_mm: float) -> list[list[str]]:
    return [theme.wrap(label, label_mm) for label in panel.rows["label"]]


def _headings(rows: pd.DataFrame) -> list[str]:
    """Heading above each row, "" for none."""
    groups = list(rows["group"]) if "group" in rows else [""] * len(rows)
    return [g if i == 0 or g != groups[i - 1] else "" for i, g in enumerate(groups)]


def _row_mm(lines: Sequence[str]) -> float:
    return theme.LINE_MM * len(lines) + ROW


def _height(panel: Panel, wrapped: Sequence[Sequence[str]]) -> float:
    headings = sum(4.4 for heading in _headings(panel.rows) if heading)
    return sum(_row_mm(lines) for lines in wrapped) + headings + 1.5


def _draw_panel(
    figure: Figure,
    panel: Panel,
    wrapped: Sequence[Sequence[str]],
    top: float,
    height: float,
    label_mm: float,
) -> None:
    width = theme.figure_mm(figure)[0]
    texts = width > theme.SINGLE_MM
    n_at = theme.EDGE_MM + label_mm + N_COLUMN - 3
    left = theme.EDGE_MM + label_mm + N_COLUMN
    right = width - theme.EDGE_MM - (TEXT_COLUMN if texts else 1)
    axes = theme.add_axes(figure, left, top + HEADER, right - left, height)
    axes.set_ylim(height, 0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    low, high = display_limits(panel.rows, panel.null, panel.band, log=panel.log)
    if panel.log:
        axes.set_xscale("log")
    axes.set_xlim(low, high)
    set_ticks(axes, low, high, log=panel.log, room_mm=right - left)
    if panel.band is not None:
        _draw_band(axes, panel.band, low, high)
    axes.axvline(panel.null, color=theme.GREY, lw=0.7, zorder=1, gid="null")
    axes.set_xlabel(f"{panel.xlabel}{_n_range(panel.rows)}", labelpad=2, parse_math=False)
    for at, heading in ((n_at, "n"), (width - theme.EDGE_MM, "Estimate [95% CI]")):
        if heading == "n" or texts:
            theme.add_text(figure, at, top + 2.5, heading, ha="right", color=theme.GREY)
    y = 1.0
    records = panel.rows.to_dict("records")
    for row, lines, heading in zip(records, wrapped, _headings(panel.rows), strict=True):
        if heading:
            theme.add_text(figure, theme.EDGE_MM, top + HEADER + y + 2.3, theme.clean(heading),
                           fontstyle="normal", color=theme.GREY, fontweight="bold")  # fmt: skip
            y += 4.4
        middle = y + _row_mm(lines) / 2
        _draw_row(axes, row, middle, (low, high))
        at = top + HEADER + middle
        weight = "bold" if row["role"] == "pooled" else "normal"
        theme.add_text(figure, theme.EDGE_MM, at, "\n".join(lines), fontweight=weight)
        theme.add_text(figure, n_at, at, _n_text(row["n"]), ha="right")
        if texts:
            theme.add_text(figure, width - theme.EDGE_MM, at, _estimate_text(row), ha="right",
                           fontweight=weight)  # fmt: skip
        y += _row_mm(lines)


def _draw_band(axes: Any, band: Span, low: float, high: float) -> None:
    start = band.low if band.low == band.low else low
    stop = band.high if band.high == band.high else high
    axes.axvspan(start, stop, facecolor=theme.BAND, edgecolor="none", zorder=0, gid="claim-band")
    for edge in (band.low, band.high):
        if edge == edge:
            axes.axvline(edge, color="#b8902b", lw=0.5, ls=(0, (4, 2)), zorder=0.5)


def _draw_row(axes: Any, row: dict[Any, Any], y: float, limits: tuple[float, float]) -> None:
    estimate, low, high = row["estimate"], row["conf_low"], row["conf_high"]
    if row["role"] in DIAMONDS and low == low:
        _interval(axes, row["pred_low"], row["pred_high"], y, limits, lw=1.0, ls=(0, (1, 1.2)),
                  color=theme.INK, gid="prediction")  # fmt: skip
        hollow = row["role"] == "one-stage" or bool(row["hollow"])
        color = theme.GREY if row["role"] == "few-studies" else theme.INK
        axes.add_patch(
            Polygon(
                [(low, y), (estimate, y - 1.5), (high, y), (estimate, y + 1.5)],
                facecolor="white" if hollow else color,
                edgecolor=color,
                lw=0.9,
                zorder=4,
                gid="diamond",
            )
        )
    else:
        color = _color(row)
        _interval(axes, low, high, y, limits, lw=1.8, color=color, gid="confidence")
        axes.plot(
            [estimate], [y], marker=MARKERS.get(row["role"], "D"), ms=4.6, mew=1.0, ls="none",
            mec=color, mfc=color if row["pooled"] else "none", zorder=5, gid="estimate",
        )  # fmt: skip
        if not row["pooled"] and low == low:  # a hollow mark must not be crossed by its own line
            axes.lines[-1].set_markerfacecolor("white")
    _bracket(axes, row["sens_low"], row["sens_high"], y + GAP, limits)


def _color(row: dict[Any, Any]) -> str:
    return theme.ORANGE if row["role"] == "cohort" else theme.BLUE


def _interval(
    axes: Any, low: float, high: float, y: float, limits: tuple[float, float], **style: Any
) -> None:
    """Line from low to high; an arrow head where it leaves the axis."""
    if not low < high:
        return
    axes.plot([low, high], [y, y], solid_capstyle="butt", zorder=3, **style)
    for end, edge, marker in ((low, limits[0], "<"), (high, limits[1], ">")):
        if (end < edge) if marker == "<" else (end > edge):
            axes.plot([edge], [y], marker=marker, ms=4, mew=0, color=style["color"], zorder=4,
                      clip_on=False, gid="beyond")  # fmt: skip


def _bracket(axes: Any, low: float, high: float, y: float, limits: tuple[float, float]) -> None:
    if not low <= high:
        return
    axes.plot([low, high], [y, y], lw=0.6, color=theme.GREY, zorder=2, gid="range")
    for end in (low, high):
        if limits[0] <= end <= limits[1]:
            axes.plot([end, end], [y - 0.55, y + 0.55], lw=0.6, color=theme.GREY, zorder=2)


def _n_text(n: float) -> str:
    return f"{n:,.0f}" if n == n else ""


def _n_range(rows: pd.DataFrame) -> str:
    known = rows.loc[~rows["role"].isin(DIAMONDS), "n"].dropna()
    if known.empty:
        return "; n of each study above"
    low, high = _n_text(known.min()), _n_text(known.max())
    return f"; n = {low}" if low == high else f"; n = {low} to {high} a study"


def _estimate_text(row: dict[Any, Any]) -> str:
    def number(value: float) -> str:
        return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")

    text = number(row["estimate"]) if row["estimate"] == row["estimate"] else "printed in words"
    if row["conf_low"] == row["conf_low"]:
        return f"{text} [{number(row['conf_low'])}, {number(row['conf_high'])}]"
    return f"{text} [no SE printed]" if text != "printed in words" else text


def _keys(panels: Sequence[Panel]) -> list[str]:
    """Keys that these panels need, in the order of KEYS."""
    rows = pd.concat([panel.rows for panel in panels], ignore_index=True)
    role = rows["role"].replace({"recomputed": "printed"})
    used = set(role)
    marks = ~role.isin(DIAMONDS)
    if (~rows["pooled"].astype(bool) & marks & rows["estimate"].notna()).any():
        used.add("hollow")
    for key, column in (
        ("interval", "conf_low"),
        ("prediction", "pred_low"),
        ("range", "sens_low"),
    ):
        if rows[column].notna().any():
            used.add(key)
    if any(panel.band is not None for panel in panels):
        used.add("band")
    return [key for key in KEYS if key in used]


def _handle(key: str) -> Any:
    mark: dict[str, Any] = {"ls": "none", "color": theme.BLUE, "ms": 4.6}
    line: dict[str, Any] = {"color": theme.INK}
    handles: dict[str, Any] = {
        "printed": Line2D([], [], marker="o", **mark),
        "model": Line2D([], [], marker="s", **mark),
        "cohort": Line2D([], [], marker="^", **mark | {"color": theme.ORANGE}),
        "hollow": Line2D([], [], marker="o", mfc="none", **mark),
        "pooled": Line2D([], [], marker="D", **mark | line),
        "one-stage": Line2D([], [], marker="D", mfc="white", **mark | line),
        "few-studies": Line2D([], [], marker="D", **mark | {"color": theme.GREY}),
        "interval": Line2D([], [], lw=1.8, color=theme.BLUE),
        "prediction": Line2D([], [], lw=1.0, ls=(0, (1, 1.2)), **line),
        "range": Line2D([], [], lw=0.6, marker="|", ms=4, color=theme.GREY),
        "band": Patch(facecolor=theme.BAND, edgecolor="#b8902b", lw=0.5, ls="--"),
    }
    return handles[key]


def _key_rows(keys: Sequence[str], width_mm: float) -> list[list[str]]:
    """Keys in lines that fit the figure's width."""
    rows: list[list[str]] = [[]]
    used = 0.0
    for key in keys:
        needed = 11 + theme.width_mm(KEYS[key])
        if rows[-1] and used + needed > width_mm - 2 * theme.EDGE_MM:
            rows.append([])
            used = 0.0
        rows[-1].append(key)
        used += needed
    return rows


def _draw_keys(figure: Figure, rows: Sequence[Sequence[str]], top: float) -> None:
    width, height = theme.figure_mm(figure)
    for i, keys in enumerate(rows):
        legend = figure.legend(
            [_handle(k) for k in keys], [KEYS[k] for k in keys], ncols=len(keys),
            loc="center left", bbox_to_anchor=(0, 1 - (top + 2 + 4.2 * i) / height),
            borderpad=0, borderaxespad=0, handlelength=1.8, handletextpad=0.5, columnspacing=1.4,
        )  # fmt: skip
        legend.set_in_layout(False)
        legend.set_bbox_to_anchor((theme.EDGE_MM / width, 1 - (top + 2 + 4.2 * i) / height))
