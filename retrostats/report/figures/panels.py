"""From rows of the estimates frame to forest panels, their band and their caption."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from retrostats.report.figures.axis import Span, display_limits, set_upright_ticks
from retrostats.report.figures.forest import Panel, forest
from retrostats.report.figures.looks import narrow, now

#: What an audit without own data is computed from.
PRINTED = "printed numbers"


def rows_of(estimates: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Rows of one quantity with a number or a range, group by group as groups first come.

    Examples
    --------
    >>> rows = [("q", 1.0, 0.5, "b"), ("q", 2.0, 1.0, "a"), ("q", 3.0, 2.0, "b")]
    >>> frame = pd.DataFrame(rows, columns=["quantity", "estimate", "sens_low", "group"])
    >>> list(rows_of(frame, "q")["estimate"])
    [1.0, 3.0, 2.0]
    """
    if "quantity" not in estimates:
        return estimates.iloc[:0]
    known = estimates[["estimate", "sens_low"]].notna().any(axis=1)
    chosen = (estimates["quantity"] == quantity) & known
    rows = estimates[chosen].reset_index(drop=True)
    if "group" not in rows:
        return rows
    place = {group: i for i, group in enumerate(dict.fromkeys(rows["group"]))}
    order = rows["group"].map(place).sort_values(kind="stable").index
    return rows.loc[order].reset_index(drop=True)


def band_of(claim: Any) -> Span | None:
    """The range that would make a claim true; None without a claim or a range."""
    low = float(getattr(claim, "range_low", float("nan")))
    high = float(getattr(claim, "range_high", float("nan")))
    return None if low != low and high != high else Span(low, high)


def upright(axes: Any, rows: pd.DataFrame, claim: Any, null: float, *, log: bool) -> Span:
    """An upright axis of estimates with the claim's band and the null value; returns its ends."""
    band = band_of(claim)
    low, high = display_limits(rows, null, band, log=log)
    axes.set_ylim(low, high)
    if log:
        axes.set_yscale("log")
        set_upright_ticks(axes, low, high)
    else:
        axes.yaxis.set_major_locator(MaxNLocator(5))
    if band is not None:
        bottom = band.low if band.low == band.low else low
        top = band.high if band.high == band.high else high
        axes.axhspan(
            bottom, top, facecolor=now().band, edgecolor="none", zorder=0, gid="claim-band"
        )
    if null == null:
        axes.axhline(null, color=now().grey, lw=0.7, ls=(0, (4, 2)), zorder=1, gid="null")
    return Span(low, high)


def panel_of(
    rows: pd.DataFrame,
    xlabel: str,
    *,
    title: str = "",
    band: Span | None = None,
    ends: tuple[str, str] = ("", ""),
) -> Panel | None:
    """One panel of rows that share a scale, which decides the axis; None without rows.

    `ends` says what it means to lie left and right of the null value.
    """
    if rows.empty:
        return None
    log = rows["scale"].iloc[0] != "difference"
    return Panel(rows, xlabel, 1.0 if log else 0.0, log, band, title, ends)


def stack(panels: Iterable[Panel | None], sources: str, note: str = "") -> Figure | None:
    """Forest of the panels that hold something, captioned; None if none does.

    Parameters
    ----------
    panels
        In drawing order.
    sources
        Tables that the numbers come from.
    note
        A sentence that the caption begins with.
    """
    drawn = [panel for panel in panels if panel is not None]
    if not drawn:
        return None
    caption = caption_of(sources, pd.concat([panel.rows for panel in drawn]))
    return forest(drawn, f"{note} {caption}".strip())


def caption_of(sources: str, rows: pd.DataFrame) -> str:
    """Where the numbers come from, and what the thin brackets run over."""
    own = ", own cohorts from their rows" if (rows["role"] == "cohort").any() else ""
    said = f"Sources: {sources}. Computed from printed numbers{own}."
    ranged = rows[rows["unknown"].astype(str) != ""]
    first = pd.concat([ranged[ranged["role"] == "pooled"], ranged])[["label", "unknown"]].head(1)
    if narrow() and len(first):
        return f"{said} Thin brackets: outermost limits, all that was not printed moving at once."
    ranges = "".join(
        " Thin brackets: outermost limits when everything not printed moves at once; most for "
        f"{label}: {_joined(unknown)}."
        for label, unknown in first.itertuples(index=False)
    )
    return f"{said}{ranges}"


def origin_of(estimates: pd.DataFrame) -> str:
    """What the rows of an analysis are computed from, in words.

    Examples
    --------
    >>> origin_of(pd.DataFrame({"role": ["model", "cohort"]}))
    'printed numbers and own data'
    """
    own = len(estimates) and (estimates["role"] == "cohort").any()
    return "printed numbers and own data" if own else PRINTED


def _joined(unknown: str) -> str:
    """Unknowns of a row in a sentence; their last part may count the rest."""
    *parts, last = str(unknown).split("; ")
    return f"{', '.join(parts)} and {last}" if parts else last
