"""A plan: power and precision by the number of people."""

from __future__ import annotations

import math
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from retrostats.draw.figures import theme
from retrostats.draw.figures.panels import band_of, upright

PANEL_MM, LEFT_MM, GAP_MM, ABOVE_MM, BELOW_MM = 52.0, 14.0, 20.0, 8.0, 11.0
#: Line style and colour of each side; they differ in both.
SIDES: dict[str, tuple[Any, str]] = {"direction": ((0, (4, 1.5)), theme.ORANGE),
                                     "size": ("-", theme.BLUE)}  # fmt: skip
#: Multiples of a power of ten at which an axis of people has a tick.
STEPS = (1, 2, 5)


def planned(plan: Any) -> Figure:
    """Power of each side, and the limits that such a study would end with.

    Parameters
    ----------
    plan
        A `Plan`: its `curve`, `needed`, `claim`, `truth`, `power`.
    """
    with mpl.rc_context(theme.STYLE):
        return _panels(plan)


def _panels(plan: Any) -> Figure:
    width = theme.DOUBLE_MM
    inner = (width - 2 * theme.EDGE_MM - 2 * LEFT_MM - GAP_MM + LEFT_MM) / 2
    caption = theme.caption_lines(_caption(plan), width)
    title = theme.wrap(plan.claim.statement, width - 2 * theme.EDGE_MM, bold=True)
    top = theme.TOP_MM + theme.LINE_MM * len(title) + ABOVE_MM
    figure = theme.new_figure(
        width, top + PANEL_MM + BELOW_MM + theme.LINE_MM * len(caption) + theme.EDGE_MM + 2
    )
    for i, line in enumerate(title):
        theme.add_text(
            figure, theme.EDGE_MM, theme.TOP_MM + theme.LINE_MM * (i + 0.5), line, fontweight="bold"
        )
    first = theme.EDGE_MM + LEFT_MM
    _power(theme.add_axes(figure, first, top, inner, PANEL_MM), plan)
    _precision(theme.add_axes(figure, first + inner + GAP_MM, top, inner, PANEL_MM), plan)
    theme.draw_caption(figure, caption)
    return figure


def _power(axes: Any, plan: Any) -> None:
    axes.axhline(plan.power, color=theme.GREY, lw=0.7, ls=(0, (1, 2)), gid="target")
    needed = plan.needed.set_index("side")
    for side, part in plan.curve.dropna(subset=["power"]).groupby("side", sort=False):
        style, colour = SIDES[str(side)]
        axes.fill_between(part["people"], part["power"] - 2 * part["mc_error"],
                          part["power"] + 2 * part["mc_error"], facecolor=colour, alpha=0.25,
                          lw=0, gid="error")  # fmt: skip
        axes.plot(part["people"], part["power"], c=colour, ls=style, lw=1.4, gid=f"power-{side}",
                  label=f"{side}: {needed.at[side, 'settles']}")  # fmt: skip
        people = needed.at[side, "people"]
        if not math.isnan(people):
            axes.plot([people], [plan.power], "o", ms=4.5, color=colour, gid=f"needed-{side}")
            axes.annotate(
                f"{people:,.0f}", (people, plan.power), (-3, 3), textcoords="offset points",
                va="bottom", ha="right", color=colour, fontsize=theme.SMALL,
            )  # fmt: skip
    axes.set_ylim(0, 1.02)
    axes.set_ylabel("Share of studies that settle it")
    _people(axes, plan.curve)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, borderpad=0.1)


def _precision(axes: Any, plan: Any) -> None:
    rows = plan.curve.drop_duplicates("people")
    # the smallest studies have limits that would hide all others
    wide = rows[rows["people"] >= rows["people"].max() / 30]
    claim, shown = plan.claim, wide.assign(estimate=plan.truth)
    low, high = upright(axes, shown, claim, claim.null_value, log=claim.scale != "difference")
    axes.axhline(plan.truth, color=theme.BLUE, lw=1.0, zorder=2, gid="truth")
    axes.fill_between(rows["people"], rows["conf_low"].clip(low, high),
                      rows["conf_high"].clip(low, high), facecolor=theme.BLUE, alpha=0.22,
                      edgecolor=theme.BLUE, lw=0.6, zorder=2, gid="precision")  # fmt: skip
    lines = theme.wrap(plan.claim.unit or plan.claim.scale, PANEL_MM)
    axes.set_ylabel("\n".join(lines), fontsize=theme.SMALL)
    _people(axes, rows)


def _people(axes: Any, rows: pd.DataFrame) -> None:
    axes.set_xscale("log")
    low, high = float(rows["people"].min()), float(rows["people"].max())
    if low < high:
        axes.set_xlim(low, high)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [s * 10**d for d in decades for s in STEPS if low <= s * 10**d <= high]
    if len(ticks) > 7:
        ticks = [t for t in ticks if str(t)[0] == "1"]
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{t:,}" for t in ticks]))
    axes.set_xlabel("People in all (log axis)")


def _caption(plan: Any) -> str:
    marks = [
        "Left: share of studies of that many people that end with the right label, with twice "
        f"its Monte Carlo error; dotted: {plan.power:.0%}; dots: people needed",
        "right: median 95% limits of such a study; line: what is taken as true; "
        "dashed: no difference",
    ]
    if band_of(plan.claim) is not None:
        marks.append("yellow: range that would make the claim true")
    return "; ".join(marks) + f". {plan.assumed[:1].upper()}{plan.assumed[1:]}. Simulated studies."
