"""The picture of `fit.check()`: a panel a check."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import betaincinv

from retrostats.common.page import MM_PER_INCH, page_width, panels_beside
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.post_estimation.diagnostics import envelope

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_INK, _BLUE, _PALE, _ORANGE = "#1a1a1a", "#0b5394", "#d9d9d9", "#b45f06"
_MOST_NAMES = 8  # groups named in the panel of influence
_SHARES = 10  # parts of the predictions whose quartiles are drawn
_PANEL_MM = 58.0  # height of a panel


def draw(table: pd.DataFrame, drawn: dict[str, Any], width_mm: float | None = None) -> Figure:
    """All panels, three in a row or as many as fit, each with its verdict in the title.

    Returns
    -------
    matplotlib Figure, 180 mm wide unless `width_mm` says otherwise

    Raises
    ------
    InputError
        A width that no figure can be drawn at.
    """
    from matplotlib.figure import Figure

    panels = [(name, data) for name, data in drawn.items() if name in _PANELS]
    panels = [(name, data) for name, data in panels if not getattr(data, "empty", False)]
    width = page_width(width_mm)
    beside = panels_beside(width, 3)
    rows = -(-len(panels) // beside)
    size = (width / MM_PER_INCH, rows * _PANEL_MM / MM_PER_INCH)
    figure = Figure(figsize=size, layout="constrained")
    axes = np.atleast_1d(figure.subplots(rows, beside, squeeze=False)).ravel()
    verdicts = dict(zip(table["check"], table["verdict"], strict=True))
    for ax, (name, data) in zip(axes, panels, strict=False):
        title, of, paint = _PANELS[name]
        paint(ax, data)
        found = [v for k, v in verdicts.items() if k.startswith(of)]
        verdict = "look" if "look" in found else next(iter(found), "")
        ax.set_title(f"{title}: {verdict}", loc="left", fontsize=8, fontweight="bold")
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=7)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    return figure


def _inflation(ax: Axes, data: Any) -> None:
    ax.barh(range(len(data)), data.to_numpy(), color=_BLUE, height=0.6)
    ax.set_yticks(range(len(data)), list(data.index))
    ax.axvline(5.0, color=_ORANGE, linewidth=0.8)
    ax.set_xlabel("variance inflation (line at 5)", fontsize=7)


def _influence(ax: Axes, data: Any) -> None:
    shown = data.replace(np.inf, np.nan).sort_values(ascending=False)
    ax.vlines(range(len(shown)), 0.0, shown.to_numpy(), color=_BLUE, linewidth=1.0)
    ax.axhline(4.0 / len(shown), color=_ORANGE, linewidth=0.8)
    few = min(len(shown), _MOST_NAMES)
    ax.set_xticks(range(few), [str(v) for v in shown.index[:few]], rotation=90)
    ax.set_ylabel("Cook's distance (line at 4 / n)", fontsize=7)


def _quantiles(ax: Axes, data: FloatArray) -> None:
    ordered = np.sort(data)
    expected, low, high = envelope(len(ordered))
    ax.fill_between(expected, low, high, color=_PALE, linewidth=0)
    ax.plot(expected, expected, color=_INK, linewidth=0.6)
    away = (ordered - ordered.mean()) / (ordered.std(ddof=1) or 1.0)
    ax.scatter(expected, away, s=6, color=_BLUE, linewidths=0)
    ax.set_xlabel("normal quantile (band: 95% of samples)", fontsize=7)
    ax.set_ylabel("residual, standardised", fontsize=7)


def _spread(ax: Axes, data: tuple[FloatArray, FloatArray]) -> None:
    fitted, scaled = data
    ax.scatter(fitted, np.sqrt(np.abs(scaled)), s=6, color=_BLUE, alpha=0.6, linewidths=0)
    _shares(ax, fitted, np.sqrt(np.abs(scaled)), (0.5,))
    ax.set_xlabel("fitted (line: median of a tenth)", fontsize=7)
    ax.set_ylabel("root of |residual| in SD", fontsize=7)


def _shares(ax: Axes, x: FloatArray, y: FloatArray, levels: tuple[float, ...]) -> None:
    """Quantiles of y in parts of x of the same size."""
    parts = np.array_split(np.argsort(x, kind="stable"), min(_SHARES, max(len(x) // 5, 1)))
    for level in levels:
        heights = [float(np.quantile(y[at], level)) for at in parts]
        ax.plot([float(x[at].mean()) for at in parts], heights, color=_ORANGE, linewidth=1.0)


def _random(ax: Axes, effects: Any) -> None:
    first = effects[["group", "term"]].iloc[0]
    mine = effects[(effects["group"] == first["group"]) & (effects["term"] == first["term"])]
    if len(mine) > 2 and mine["estimate"].std() > 0:
        _quantiles(ax, mine["estimate"].to_numpy())
    ax.set_ylabel(f"{first['term']} by {first['group']}, standardised", fontsize=7)


def _uniform(ax: Axes, data: FloatArray) -> None:
    n = len(data)
    k = np.arange(1, n + 1)
    low, middle, high = (betaincinv(k, n + 1 - k, q) for q in (0.025, 0.5, 0.975))
    ax.fill_between(middle, low, high, color=_PALE, linewidth=0)
    ax.plot([0, 1], [0, 1], color=_INK, linewidth=0.6)
    ax.scatter(middle, np.sort(data), s=6, color=_BLUE, linewidths=0)
    ax.set_xlabel("uniform quantile (band: 95% of samples)", fontsize=7)
    ax.set_ylabel("simulated residual", fontsize=7)


def _prediction(ax: Axes, data: tuple[FloatArray, FloatArray]) -> None:
    expected, quantiles = data
    rank = np.argsort(np.argsort(expected, kind="stable"), kind="stable") / max(
        len(expected) - 1, 1
    )
    ax.scatter(rank, quantiles, s=6, color=_BLUE, alpha=0.6, linewidths=0)
    _shares(ax, rank, quantiles, (0.25, 0.5, 0.75))
    ax.set_xlabel("rank of the prediction (lines: quartiles)", fontsize=7)
    ax.set_ylabel("simulated residual", fontsize=7)


def _simulated(ax: Axes, data: tuple[float, FloatArray], what: str) -> None:
    found, drawn = data
    ax.hist(drawn, bins=min(25, max(len(np.unique(drawn)), 1)), color=_PALE)
    ax.axvline(found, color=_ORANGE, linewidth=1.2)
    ax.set_xlabel(f"{what} (bars: simulated; line: seen)", fontsize=7)
    ax.set_yticks([])


_Paint = Callable[[Any, Any], None]
#: Title, the check whose verdict stands in it, and the drawing.
_PANELS: dict[str, tuple[str, str, _Paint]] = {
    "quantiles": ("Residuals", "residual normality", _quantiles),
    "spread": ("Spread", "heteroscedasticity", _spread),
    "uniform": ("Residuals", "simulated residuals", _uniform),
    "prediction": ("Against prediction", "residuals and prediction", _prediction),
    "dispersion": ("Dispersion", "dispersion", lambda ax, d: _simulated(ax, d, "variance")),
    "zeros": ("Zeros", "zeros", lambda ax, d: _simulated(ax, d, "zeros")),
    "inflation": ("Collinearity", "collinearity", _inflation),
    "influence": ("Influence", "influence", _influence),
    "random": ("Random effects", "random effects", _random),
}
