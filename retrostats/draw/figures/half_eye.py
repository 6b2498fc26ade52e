"""How the joint draws of everything not printed are spread: a half-eye of each measure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from retrostats.draw.figures import theme
from retrostats.draw.figures.axis import display_limits, set_ticks
from retrostats.draw.figures.looks import narrow, now, page_mm
from retrostats.draw.figures.panels import band_of

ROW_MM, LABEL_MM, TOP_MM, BELOW_MM = 19.0, 46.0, 2.0, 11.5
NARROW_ROW_MM = 26.0  # with the name of the measure above its eye
#: Parts of the draws that the thick and the thin line below an eye hold.
THICK, THIN = 0.66, 0.95
GRID = 160
#: What is drawn, with its colour in the look: the estimate, and both limits of its interval.
PARTS = (("estimate", "blue"), ("conf_low", "grey"), ("conf_high", "grey"))


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
        None without draws.
    """
    if draws.empty:
        return None
    measures = [part for _, part in draws.groupby("estimate_id", sort=False)]
    outer = explorations[explorations["claim_id"] == claim.claim_id].set_index("estimate_id")
    with theme.styled():
        return _figure(measures, outer, claim)


def _figure(measures: list[pd.DataFrame], outer: pd.DataFrame, claim: Any) -> Figure:
    width = page_mm()
    deep = NARROW_ROW_MM if narrow() else ROW_MM
    left = theme.EDGE_MM + (1.0 if narrow() else LABEL_MM)
    inner = width - left - theme.EDGE_MM - 2
    title = theme.wrap(claim.statement, width - 2 * theme.EDGE_MM, bold=True)
    top = theme.TOP_MM + theme.LINE_MM * len(title) + TOP_MM
    band = (
        "; shaded band: range that would make the claim true" if band_of(claim) is not None else ""
    )
    caption = theme.caption_lines(
        "Joint draws of everything not printed, even over its ranges (not a probability). "
        "Middle: estimate, outer two: lower and upper 95% limit; point: median, lines: 66% and "
        "95% of draws; "
        f"brackets: outermost limits, searched; dashed: no difference{band}.", width
    )  # fmt: skip
    unit = (claim.unit or claim.scale) + (" (log axis)" if claim.scale != "difference" else "")
    xlabel = theme.wrap(unit, inner, theme.SIZE)
    height = top + deep * len(measures) + BELOW_MM + theme.LINE_MM * (len(xlabel) - 1)
    figure = theme.new_figure(width, height + theme.LINE_MM * len(caption) + theme.EDGE_MM)
    for i, line in enumerate(title):
        theme.add_text(
            figure, theme.EDGE_MM, theme.TOP_MM + theme.LINE_MM * (i + 0.5), line, fontweight="bold"
        )
    axes = theme.add_axes(figure, left, top, inner, deep * len(measures))
    log = claim.scale != "difference"
    shown = pd.concat(measures).assign(sens_low=np.nan, sens_high=np.nan)
    ends = outer.assign(sens_low=outer["conf_low"], sens_high=outer["conf_high"])
    low, high = display_limits(
        pd.concat([shown, ends])[["estimate", "conf_low", "conf_high"]],
        claim.null_value, band_of(claim), log=log,
    )  # fmt: skip
    axes.set_xlim(low, high)
    if log:
        axes.set_xscale("log")
    set_ticks(axes, low, high, log=log, room_mm=inner)
    _background(axes, claim, (low, high))
    for i, part in enumerate(measures):
        _eyes(axes, part, i, log=log)
        _brackets(axes, outer.loc[[part["estimate_id"].iloc[0]]].iloc[0], i)
        name, drawn = part["measure"].iloc[0], f"{len(part):,} draws"
        if narrow():
            said = theme.wrap(f"{name}, {drawn}", width - 2 * theme.EDGE_MM - 2)[:2]
            theme.add_text(figure, left, top + deep * i + 4.0, "\n".join(said))
        else:
            said = [*theme.wrap(name, LABEL_MM - 3)[:2], drawn]
            theme.add_text(figure, left - 2, top + deep * (i + 0.55), "\n".join(said), ha="right")
    axes.set_ylim(len(measures), 0)
    axes.yaxis.set_major_locator(NullLocator())
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("\n".join(xlabel))
    theme.draw_caption(figure, caption)
    return figure


def _background(axes: Any, claim: Any, limits: tuple[float, float]) -> None:
    band = band_of(claim)
    if band is not None:
        start = band.low if band.low == band.low else limits[0]
        stop = band.high if band.high == band.high else limits[1]
        axes.axvspan(start, stop, facecolor=now().band, lw=0, zorder=0, gid="claim-band")
    if claim.null_value == claim.null_value:
        axes.axvline(claim.null_value, color=now().grey, lw=0.7, ls=(0, (4, 2)), gid="null")


def _eyes(axes: Any, part: pd.DataFrame, row: int, *, log: bool) -> None:
    """Densities above the row's line, quantiles on it."""
    base = row + 0.78
    for name, named in PARTS:
        colour = getattr(now(), named)
        values = np.sort(part[name].to_numpy())
        x, density = density_of(np.log(values) if log else values)
        high = base - (0.45 if narrow() else 0.66) * density
        axes.fill_between(np.exp(x) if log else x, high, base, facecolor=colour,
                          alpha=0.35, lw=0, gid=f"density-{name}")  # fmt: skip
        if name == "estimate":
            for held, thickness in ((THIN, 1.0), (THICK, 2.8)):
                ends = np.quantile(values, [(1 - held) / 2, (1 + held) / 2])
                axes.plot(ends, [base, base], color=colour, lw=thickness, gid="quantiles",
                          solid_capstyle="butt")  # fmt: skip
            axes.plot([np.median(values)], [base], "o", ms=4.0, color=colour, gid="median")


def _brackets(axes: Any, outer: Any, row: int) -> None:
    base = row + 0.9
    for end in (outer["conf_low"], outer["conf_high"]):
        axes.plot([end, end], [base - 0.06, base + 0.06], color=now().ink, lw=0.9, gid="outermost")
    axes.plot([outer["conf_low"], outer["conf_high"]], [base, base], color=now().ink, lw=0.5)


def density_of(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points and density of sorted values, highest 1; a value that never moves is a spike."""
    from scipy.stats import gaussian_kde

    spread = float(np.ptp(values))
    if len(values) < 3 or spread < 1e-9 * max(1.0, float(np.abs(values).max())):
        return np.array([values[0], values[-1]]), np.array([1.0, 1.0])
    x = np.linspace(values[0], values[-1], GRID)
    found = gaussian_kde(values)(x)
    return x, found / found.max()
