"""How the joint draws of everything not printed are spread: a half-eye of each measure."""

from __future__ import annotations

from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from retrostats.audit.claims import null_words
from retrostats.report.figures import theme
from retrostats.report.figures.axis import display_limits, set_ticks
from retrostats.report.figures.keys import draw_handles, in_lines, key_mm
from retrostats.report.figures.looks import narrow, now, page_mm
from retrostats.report.figures.panels import band_of

LABEL_MM, TOP_MM, BELOW_MM = 46.0, 2.0, 11.5
AXIS_MM = 13.0  # of a density, with its numbers and its name
EYE_MM, NARROW_EYE_MM, GAP_MM = 18.0, 14.0, 2.5  # of the eye, and above it
FOOT_MM, BRACKET_MM = 4.3, 2.3  # below an eye, and where its bracket stands in that
#: Parts of the draws that the thick and the thin line below an eye hold.
THICK, THIN = 0.66, 0.95
BINS = 24  # of a density, over all that the draws hold: none is smoothed beyond their ends
ALPHA = 0.35  # of a density, through which another is seen
STILL = 1e-9  # part of its size by which a value that moves differs
#: What is drawn, with its colour in the look: the estimate, and both limits of its interval.
PARTS = (("estimate", "blue"), ("conf_low", "grey"), ("conf_high", "grey"))


class Eye(NamedTuple):
    """A measure with the lines of its name, and where its row and its eye begin and end, in mm."""

    part: pd.DataFrame
    words: list[str]
    start: float
    top: float
    base: float
    stop: float


def moving(draws: pd.DataFrame) -> pd.DataFrame:
    """The draws of the measures that move at all: one that nothing moves has no spread to show."""
    if draws.empty:
        return draws
    names = [name for name, _ in PARTS]
    spread = draws.groupby("estimate_id", sort=False)[names].nunique().max(axis=1)
    return draws[draws["estimate_id"].map(spread) > 1]


def half_eyes(draws: pd.DataFrame, explorations: pd.DataFrame, claim: Any) -> Figure | None:
    """Spread of the estimate and of both 95% limits over the draws, a row a measure.

    Parameters
    ----------
    draws
        Rows of `Replication.draws`, of one claim.
    explorations
        `Replication.explorations`, for the outermost limits.
    claim
        The claim, for its range and null value.

    Returns
    -------
    Figure or None
        None without draws, or where they are all the same.
    """
    shown = moving(draws)
    if shown.empty:
        return None
    measures = [part for _, part in shown.groupby("estimate_id", sort=False)]
    outer = explorations[explorations["claim_id"] == claim.claim_id].set_index("estimate_id")
    with theme.styled():
        return _figure(measures, outer.loc[[p["estimate_id"].iloc[0] for p in measures]], claim)


def _rows(measures: list[pd.DataFrame], width: float) -> list[Eye]:
    """One row under another: in one column with the name above its eye, else beside it."""
    lines = []
    for part in measures:
        name, drawn = part["measure"].iloc[0], f"{len(part):,} draws"
        if narrow():
            lines.append(theme.wrap(f"{name}, {drawn}", width - 2 * theme.EDGE_MM - 2))
        else:
            lines.append([*theme.wrap(name, LABEL_MM - 3), drawn])
    above = [theme.LINE_MM * len(said) + 0.6 if narrow() else 0.0 for said in lines]
    eye = NARROW_EYE_MM if narrow() else EYE_MM
    deep = [
        max(mm + GAP_MM + eye + FOOT_MM, theme.LINE_MM * len(said) + 1)
        for mm, said in zip(above, lines, strict=True)
    ]
    starts = [0.0, *accumulate(deep)]
    return [
        Eye(part, said, at, at + mm + GAP_MM, at + high - FOOT_MM, at + high)
        for part, said, at, mm, high in zip(measures, lines, starts, above, deep, strict=False)
    ]


def _figure(measures: list[pd.DataFrame], outer: pd.DataFrame, claim: Any) -> Figure:
    width = page_mm()
    rows = _rows(measures, width)
    deep = rows[-1].stop
    label = 0.0 if narrow() else theme.widest_mm(row.words for row in rows) + 3
    left = theme.EDGE_MM + AXIS_MM + label
    inner = width - left - theme.EDGE_MM - 2
    words = claim.statement
    title = theme.wrap(words, width - 2 * theme.EDGE_MM, bold=True) if words else []
    top = theme.TOP_MM + theme.LINE_MM * len(title) + TOP_MM
    caption = theme.caption_lines(
        "Joint draws of everything not printed, even over its ranges (not a probability).", width
    )
    key = in_lines([(each, each[1]) for each in _key(claim)], width)
    log = claim.scale != "difference"
    unit = (claim.unit or claim.scale) + (" (log axis)" if log else "")
    xlabel = theme.wrap(unit, inner, theme.SIZE)
    height = top + deep + BELOW_MM + theme.LINE_MM * (len(xlabel) - 1)
    below = key_mm() * len(key) + theme.LINE_MM * len(caption) + theme.EDGE_MM + 1
    figure = theme.new_figure(width, height + below)
    for i, line in enumerate(title):
        theme.add_text(
            figure, theme.EDGE_MM, theme.TOP_MM + theme.LINE_MM * (i + 0.5), line, fontweight="bold"
        )
    low, high = display_limits(
        pd.concat([*measures, outer])[["estimate", "conf_low", "conf_high"]],
        claim.null_value, band_of(claim), log=log,
    )  # fmt: skip
    for row in rows:
        axes = theme.add_axes(figure, left, top + row.top, inner, row.stop - row.top)
        axes.set_xlim(low, high)
        if log:
            axes.set_xscale("log")
        _eye(axes, row, log=log)
        axes.set_xlim(low, high)
        set_ticks(axes, low, high, log=log, room_mm=inner)  # a density sets its own
        _background(axes, claim, (low, high))
        _brackets(axes, outer.loc[row.part["estimate_id"].iloc[0]])
        text, centre = "\n".join(row.words), top + (row.top + row.base) / 2
        if narrow():
            centre = top + row.start + 0.6 + theme.LINE_MM * len(row.words) / 2
            theme.add_text(figure, theme.EDGE_MM, centre, text)
        else:
            theme.add_text(figure, theme.EDGE_MM, centre, text)
        last = row is rows[-1]
        axes.tick_params(labelbottom=last, bottom=last)
        axes.spines["bottom"].set_visible(last)
        axes.set_xlabel("\n".join(xlabel) if last else "")
    draw_handles(figure, key, height)
    theme.draw_caption(figure, caption)
    return figure


def _key(claim: Any) -> list[tuple[Any, str]]:
    """What is drawn, each with its words."""
    look = now()
    median = Line2D([], [], color=look.blue, marker="o", ms=4.0, lw=2.8)
    found: list[tuple[Any, str]] = [
        (Patch(facecolor=look.blue, alpha=ALPHA), "estimate"),
        (Patch(facecolor=look.grey, alpha=ALPHA), "its 95% limits"),
        (median, "median, and what holds 66% and 95% of the draws"),
        (Line2D([], [], lw=0.5, marker="|", ms=5, color=look.ink), "outermost limits, searched"),
    ]
    line = null_words(claim.null_value, claim.scale, claim.unit)
    if line:
        found.append((Line2D([], [], lw=0.7, ls=(0, (4, 2)), color=look.grey), line))
    if band_of(claim) is not None:
        found.append((Patch(facecolor=look.band), "range that would make the claim true"))
    return found


def _background(axes: Any, claim: Any, limits: tuple[float, float]) -> None:
    """The claim's range and the null value, over the whole height of an eye."""
    band = band_of(claim)
    if band is not None:
        start = band.low if band.low == band.low else limits[0]
        stop = band.high if band.high == band.high else limits[1]
        axes.axvspan(start, stop, facecolor=now().band, lw=0, zorder=0, gid="claim-band")
    if claim.null_value == claim.null_value:
        axes.axvline(claim.null_value, color=now().grey, lw=0.7, ls=(0, (4, 2)), zorder=1,
                     gid="null")  # fmt: skip


def _eye(axes: Any, row: Eye, *, log: bool) -> None:
    """Densities above the row's line with their axis, quantiles on the line."""
    for name, named in PARTS:
        values = np.sort(row.part[name].to_numpy())
        _density(axes, values, getattr(now(), named), f"density-{name}", log=log)
        if name == "estimate":
            for held, thickness in ((THIN, 1.0), (THICK, 2.8)):
                ends = np.quantile(values, [(1 - held) / 2, (1 + held) / 2])
                axes.plot(ends, [0, 0], color=now().blue, lw=thickness, gid="quantiles",
                          solid_capstyle="butt")  # fmt: skip
            axes.plot([np.median(values)], [0], "o", ms=4.0, color=now().blue, gid="median")
    highest = max(axes.dataLim.y1, 1e-9)
    axes.set_ylim(-highest * FOOT_MM / (row.base - row.top), highest * 1.02)
    axes.yaxis.set_major_locator(MaxNLocator(2))
    axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= highest])
    axes.spines["left"].set_bounds(0, highest)
    axes.set_ylabel("density", fontsize=theme.SMALL)


def _density(axes: Any, values: np.ndarray, colour: str, gid: str, *, log: bool) -> None:
    """Histogram of sorted values; of a value that never moves an upright line."""
    spread = float(np.ptp(values))
    if len(values) < 3 or spread < STILL * max(1.0, float(np.abs(values).max())):
        axes.axvline(values[0], ymin=0.0, color=colour, lw=1.0, alpha=0.6, gid=gid)
        return
    heights, ends = np.histogram(np.log10(values) if log else values, BINS, density=True)
    ends = np.concatenate([values[:1], 10 ** ends[1:-1] if log else ends[1:-1], values[-1:]])
    axes.stairs(heights, ends, fill=True, color=colour, alpha=ALPHA, lw=0, gid=gid)


def _brackets(axes: Any, outer: Any) -> None:
    """Outermost limits below the line of an eye."""
    foot = axes.get_ylim()[0]
    base, half = foot * BRACKET_MM / FOOT_MM, -foot * 1.1 / FOOT_MM
    for end in (outer["conf_low"], outer["conf_high"]):
        axes.plot([end, end], [base - half, base + half], color=now().ink, lw=0.9, gid="outermost")
    axes.plot([outer["conf_low"], outer["conf_high"]], [base, base], color=now().ink, lw=0.5)
