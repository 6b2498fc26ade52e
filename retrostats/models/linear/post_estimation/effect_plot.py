"""A picture of marginal means or effects: points with intervals, or lines with bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from retrostats.common.errors import InputError
from retrostats.common.page import MM_PER_INCH, page_width
from retrostats.models.linear.formula.design import shown_level
from retrostats.models.linear.formula.expressions import columns_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_WIDTH_MM, _HEIGHT_MM = 120.0, 80.0
_SHIFT = 0.12  # between the points of neighbouring groups
_COLOURS = ("#0b5394", "#b45f06", "#38761d", "#741b47", "#666666", "#134f5c", "#7f6000", "#1a1a1a")
_DASHES = ("-", "--", "-.", ":")


def draw(means: Any, width_mm: float | None = None) -> Figure:
    """Means over the first factor that is not in `by`, a colour and a dash for each group.

    Returns
    -------
    matplotlib Figure, 120 mm wide unless `width_mm` says otherwise

    Raises
    ------
    InputError
        More groups than there are colours and dashes; a width that no figure can be drawn at.
    """
    from matplotlib.figure import Figure

    table = means.table
    free = [name for name in means.factors if name not in means.by]
    over = free[-1] if free else means.factors[-1]
    groups = [name for name in means.factors if name != over]
    parts = (
        [
            (" ".join(map(shown_level, _tuple(key))), part)
            for key, part in table.groupby(groups, sort=False)
        ]
        if groups
        else [("", table)]
    )
    if len(parts) > len(_COLOURS):
        raise InputError(
            f"{len(parts)} groups of {', '.join(groups)} cannot be told apart in one picture (at "
            f"most {len(_COLOURS)}); take fewer levels with at="
        )
    size = (page_width(width_mm, _WIDTH_MM) / MM_PER_INCH, _HEIGHT_MM / MM_PER_INCH)
    figure = Figure(figsize=size, layout="constrained")
    ax = figure.subplots()
    numeric = pd.api.types.is_float_dtype(table[over])
    for i, (label, part) in enumerate(parts):
        (_band if numeric else _points)(ax, part, over, label, i, len(parts))
    if not numeric:
        levels = list(dict.fromkeys(map(shown_level, table[over])))
        ax.set_xticks(range(len(levels)), levels)
    if groups:
        ax.legend(title=" ".join(groups), fontsize=7, title_fontsize=7, frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=7)
    ax.set_xlabel(over, fontsize=8)
    slope = next((line for line in means.said if line.startswith("slopes of")), "")
    what = slope.replace("slopes", "slope") or _outcome(means)
    ax.set_ylabel(f"{what} ({100 * means.level:g}% interval)", fontsize=8)
    return figure


def _tuple(key: object) -> tuple[object, ...]:
    return key if isinstance(key, tuple) else (key,)


def _outcome(means: Any) -> str:
    """What the axis shows: the outcome itself where it was transformed back."""
    formula = means.fit.model.formula
    if not means.asymptotic:
        return str(" ".join(columns_of(formula.outcome)) if means.scale.back else formula.outcome)
    return "rate or probability" if means.scale.back else "linear predictor"


def _band(ax: Axes, part: pd.DataFrame, over: str, label: str, i: int, _: int) -> None:
    x = part[over].to_numpy(dtype=float)
    low, high = (part[name].to_numpy(dtype=float) for name in ("conf_low", "conf_high"))
    ax.fill_between(x, low, high, color=_COLOURS[i], alpha=0.15, linewidth=0)
    ax.plot(x, part["estimate"], color=_COLOURS[i], linestyle=_DASHES[i % 4], label=label)


def _points(ax: Axes, part: pd.DataFrame, over: str, label: str, i: int, count: int) -> None:
    x = np.arange(len(part)) + _SHIFT * (i - (count - 1) / 2)
    ax.vlines(x, part["conf_low"], part["conf_high"], color=_COLOURS[i], linewidth=1.0)
    ax.plot(
        x, part["estimate"], color=_COLOURS[i], linestyle=_DASHES[i % 4], linewidth=0.8,
        marker="os^Dv<>P"[i], markersize=4, label=label,
    )  # fmt: skip
