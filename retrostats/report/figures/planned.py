"""A plan: power and precision by the number of people."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from retrostats.audit.claims import null_words
from retrostats.report.figures import theme
from retrostats.report.figures.looks import BAND, narrow, now, page_mm
from retrostats.report.figures.panels import band_of, upright

PANEL_MM, NARROW_PANEL_MM = 52.0, 38.0
LEFT_MM, GAP_MM, ABOVE_MM, BELOW_MM = 14.0, 4.0, 8.0, 11.0
#: Line style of each side, and which colour of the look; they differ in both.
SIDES: dict[str, tuple[Any, str]] = {"direction": ((0, (4, 1.5)), "orange"), "size": ("-", "blue")}
#: How many times smaller than the largest study the smallest one of the second panel may be.
WIDEST = 30
#: Multiples of a power of ten at which an axis of people has a tick.
STEPS = (1, 2, 5)


def planned(plan: Any) -> Figure:
    """Power of each side, and the limits that such a study would end with.

    Parameters
    ----------
    plan
        A `Plan`: its `curve`, `needed`, `claim`, `truth`, `power`.
    """
    with theme.styled():
        return _panels(plan)


def _panels(plan: Any) -> Figure:
    width = page_mm()
    across = 1 if narrow() else 2
    inner = (width - 2 * theme.EDGE_MM - across * LEFT_MM - (across - 1) * GAP_MM - 2) / across
    caption = theme.caption_lines(_caption(plan), width)
    title = theme.wrap(plan.claim.statement, width - 2 * theme.EDGE_MM, bold=True)
    top = theme.TOP_MM + theme.LINE_MM * len(title) + ABOVE_MM
    high = NARROW_PANEL_MM if narrow() else PANEL_MM
    deep = high + BELOW_MM + (high + BELOW_MM + ABOVE_MM if narrow() else 0.0)
    figure = theme.new_figure(width, top + deep + theme.LINE_MM * len(caption) + theme.EDGE_MM + 2)
    for i, line in enumerate(title):
        theme.add_text(
            figure, theme.EDGE_MM, theme.TOP_MM + theme.LINE_MM * (i + 0.5), line, fontweight="bold"
        )
    left, second = theme.EDGE_MM + LEFT_MM, top
    _power(theme.add_axes(figure, left, top, inner, high), plan)
    theme.add_text(figure, theme.EDGE_MM, top - 4, "a", fontweight="bold")
    if narrow():
        second = top + high + BELOW_MM + ABOVE_MM
    else:
        left += inner + GAP_MM + LEFT_MM
    _precision(theme.add_axes(figure, left, second, inner, high), plan)
    theme.add_text(figure, left - LEFT_MM, second - 4, "b", fontweight="bold")
    theme.draw_caption(figure, caption)
    return figure


def _power(axes: Any, plan: Any) -> None:
    axes.axhline(plan.power, color=now().grey, lw=0.7, ls=(0, (1, 2)), gid="target")
    needed = plan.needed.set_index("side")
    for side, part in plan.curve.dropna(subset=["power"]).groupby("side", sort=False):
        style, named = SIDES[str(side)]
        colour = getattr(now(), named)
        axes.fill_between(part["people"], (part["power"] - 2 * part["mc_error"]).clip(0, 1),
                          (part["power"] + 2 * part["mc_error"]).clip(0, 1), facecolor=colour,
                          alpha=0.35, lw=0, gid="error")  # fmt: skip
        axes.plot(part["people"], part["power"], c=colour, ls=style, lw=0.7, gid=f"power-{side}",
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
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, borderpad=0.1,
                handlelength=1.8, columnspacing=1.2)  # fmt: skip


def _precision(axes: Any, plan: Any) -> None:
    rows = plan.curve.drop_duplicates("people")
    # the smallest studies have limits that would hide all others, and are left out
    shown = rows[rows["people"] >= rows["people"].max() / WIDEST].assign(estimate=plan.truth)
    claim = plan.claim
    upright(axes, shown, claim, claim.null_value, log=claim.scale != "difference")
    axes.axhline(plan.truth, color=now().blue, lw=1.0, zorder=2, gid="truth")
    axes.vlines(shown["people"], shown["conf_low"], shown["conf_high"], color=now().wash, lw=0.5,
                zorder=1.5)  # fmt: skip
    for name in ("conf_low", "conf_high"):
        axes.plot(shown["people"], shown[name], color=now().blue, lw=1.2, zorder=2,
                  gid="precision")  # fmt: skip
    lines = theme.wrap(
        plan.claim.unit or plan.claim.scale, NARROW_PANEL_MM if narrow() else PANEL_MM
    )
    axes.set_ylabel("\n".join(lines), fontsize=theme.SMALL)
    _people(axes, shown)


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


def describe(plan: Any) -> str:
    """What the figure shows, in words."""
    needed = [
        f"the {row['side']} would be {row['settles']} in {plan.power:.0%} of studies of "
        + (plan.size_text(row["people"]) if row["people"] == row["people"] else "no size tried")
        for row in plan.needed.to_dict("records")
    ]
    return f"Study that would settle “{plan.claim.statement}”: {'; '.join(needed)}"


def _caption(plan: Any) -> str:
    error = 100 * float(plan.curve["mc_error"].max())
    line = null_words(plan.claim.null_value, plan.claim.scale, plan.claim.unit)
    marks = [
        "a: share of studies of that many people that end with the right label; its tint: twice "
        f"Monte Carlo error (at most {error:.1f} points); dotted: {plan.power:.0%}; dots: people "
        "needed",
        "b: median 95% limits of such a study; level line: what is taken as true"
        + (f"; dashed: {line}" if line else ""),
    ]
    if band_of(plan.claim) is not None:
        marks.append(BAND)
    return "; ".join(marks) + f". {plan.assumed[:1].upper()}{plan.assumed[1:]}. Simulated studies."
