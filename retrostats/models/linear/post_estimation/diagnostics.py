"""One picture of whether a mixed model fits: residuals, quantiles, random effects, leverages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaincinv, ndtri

from retrostats.common.errors import InputError
from retrostats.common.page import MM_PER_INCH, page_width, panels_beside
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.post_estimation.modes import ranef
from retrostats.models.linear.post_estimation.residuals import residual_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from retrostats.models.linear.estimates import Estimates

_MOST_LEVELS = 60  # random effects drawn with their intervals; the outermost and a sample else
_PANEL_MM = 75.0  # height of a panel
_INK, _BLUE, _PALE = "#1a1a1a", "#0b5394", "#d9d9d9"


def envelope(n: int, level: float = 0.95) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Middle and pointwise limits of the ordered values of n standard normals.

    Parameters
    ----------
    n : int
    level : float

    Returns
    -------
    expected, low, high : (n,) arrays

    References
    ----------
    The k-th of n uniforms in order is Beta(k, n + 1 - k): David and Nagaraja (2003), Order
    Statistics, section 2.1.

    Examples
    --------
    >>> [round(float(v[0]), 3) for v in envelope(10)]
    [-1.499, -2.803, -0.5]
    """
    k = np.arange(1, n + 1)
    tail = (1.0 - level) / 2.0
    return tuple(ndtri(betaincinv(k, n + 1 - k, q)) for q in (0.5, tail, 1.0 - tail))


def plot(fit: Estimates, width_mm: float | None = None) -> Figure:
    """Four panels: scaled residuals over fitted values, their quantiles with an envelope, random
    effects with intervals, leverage.

    Parameters
    ----------
    fit : Estimates
        From rows.
    width_mm : float, optional
        Of the figure; 85 for one column of a journal, in which panels stand below one another.

    Returns
    -------
    matplotlib Figure, 180 mm wide unless `width_mm` says otherwise

    Raises
    ------
    InputError
        The data were moments: there are no residuals to draw; a width that cannot be drawn.
    """
    from matplotlib.figure import Figure

    table = residual_table(fit)
    width = page_width(width_mm)
    beside = panels_beside(width, 2)
    rows = 4 // beside
    size = (width / MM_PER_INCH, rows * _PANEL_MM / MM_PER_INCH)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, beside).ravel()
    _residuals(axes[0], table["fitted"].to_numpy(), table["scaled"].to_numpy())
    _quantiles(axes[1], np.sort(table["scaled"].to_numpy()))
    _random_effects(axes[2], fit)
    _leverage(axes[3], table["leverage"].to_numpy(), table["scaled"].to_numpy())
    for ax, letter in zip(axes, "ABCD", strict=True):
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=7)
        ax.set_title(letter, loc="left", fontsize=8, fontweight="bold")
    return figure


def _residuals(ax: Axes, fitted: FloatArray, scaled: FloatArray) -> None:
    ax.axhline(0, color=_INK, linewidth=0.6)
    ax.scatter(fitted, scaled, s=7, color=_BLUE, alpha=0.6, linewidths=0)
    _words(ax, "fitted", "residual (in residual SD)")


def _quantiles(ax: Axes, ordered: FloatArray) -> None:
    spread = ordered.std(ddof=1)
    if not spread > 0:
        raise InputError("the residuals do not vary; there is nothing to draw")
    expected, low, high = envelope(len(ordered))
    ax.fill_between(expected, low, high, color=_PALE, linewidth=0, label="95% of normal samples")
    ax.plot(expected, expected, color=_INK, linewidth=0.6)
    ax.scatter(expected, (ordered - ordered.mean()) / spread, s=7, color=_BLUE, linewidths=0)
    ax.legend(fontsize=7, frameon=False, loc="upper left")
    _words(ax, "normal quantile", "residual, standardised")


def _random_effects(ax: Axes, fit: Estimates) -> None:
    effects = ranef(fit)
    first = effects[["group", "term"]].iloc[0]
    mine = effects[(effects["group"] == first["group"]) & (effects["term"] == first["term"])]
    mine = mine.sort_values("estimate", kind="stable").reset_index(drop=True)
    if len(mine) > _MOST_LEVELS:
        places = np.unique(np.linspace(0, len(mine) - 1, _MOST_LEVELS).round().astype(int))
        mine = mine.iloc[places].reset_index(drop=True)
    ax.axvline(0, color=_INK, linewidth=0.6)
    ax.hlines(mine.index, mine["conf_low"], mine["conf_high"], color=_BLUE, linewidth=0.8)
    ax.scatter(mine["estimate"], mine.index, s=7, color=_BLUE, linewidths=0)
    step = max(1, len(mine) // 20)
    ax.set_yticks(mine.index[::step], mine["level"].iloc[::step].tolist())
    _words(ax, f"{first['term']} by {first['group']}, 95% interval", "")


def _leverage(ax: Axes, leverage: FloatArray, scaled: FloatArray) -> None:
    ax.axhline(0, color=_INK, linewidth=0.6)
    ax.scatter(leverage, scaled, s=7, color=_BLUE, alpha=0.6, linewidths=0)
    _words(ax, "leverage", "residual (in residual SD)")


def _words(ax: Axes, x: str, y: str) -> None:
    ax.set_xlabel(x, fontsize=8)
    ax.set_ylabel(y, fontsize=8)
