"""A forest plot of printed rows: sources, the mean over studies, a new study."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from retrostats.common.ticks import ratio_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from retrostats.evidence.printed.pooled_printed import PooledPrinted

#: Millimetres: width, height of a row, and what the axis needs.
_WIDTH, _ROW, _AXIS = 180.0, 7.0, 22.0
_INCH = 25.4
#: Labels that a wide axis has room for.
_TICKS = 13
_SOURCE, _MEAN = "0.35", "C0"


def forest(pooled: PooledPrinted) -> Figure:
    """Sources from the top, the pooled mean and a new study below; a log axis for ratios."""
    from matplotlib.figure import Figure

    rows = _rows(pooled)
    height = _AXIS + _ROW * len(rows)
    figure = Figure(figsize=(_WIDTH / _INCH, height / _INCH), layout="constrained")
    axes = figure.subplots()
    for y, (_, numbers, color, line) in enumerate(rows):
        _interval(axes, y, numbers, color, line)
    axes.axvline(pooled.null, color="0.6", linewidth=0.8, zorder=0)
    if pooled.claimed is not None:
        axes.axvspan(*pooled.claimed, color="0.92", zorder=-1)
    axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axes.invert_yaxis()
    if pooled.measure.is_log:
        from matplotlib.ticker import NullLocator

        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
        ticks, labels = ratio_ticks(*axes.get_xlim(), lambda found: len(found) <= _TICKS)
        axes.set_xticks(ticks, labels)
    axes.set_xlabel(f"{pooled.measure.name} (95% intervals)")
    axes.spines[["top", "right", "left"]].set_visible(False)
    return figure


def _rows(
    pooled: PooledPrinted,
) -> list[tuple[str, tuple[float, float, float], str, str]]:
    table = pooled.sources
    rows = []
    for row in table[table["pooled"]].to_dict("records"):
        low, centre, high = (float(row[c]) for c in ("conf_low", "estimate", "conf_high"))
        name = str(row["study"])
        if not math.isfinite(low):  # words, which have no interval of their own
            name += f": {str(row['became']).split(':')[0]}"
        rows.append((name, (centre, low, high), _SOURCE, "-"))
    found = pooled.posterior
    if found is None:
        return rows
    mean = (pooled.estimate, pooled.conf_low, pooled.conf_high)
    new = tuple(
        float(pooled.measure.to_printed(found.quantile(p, new_study=True)))
        for p in (0.5, 0.025, 0.975)
    )
    return [
        *rows,
        ("mean over studies", mean, _MEAN, "-"),
        ("a new study", (new[0], new[1], new[2]), _MEAN, ":"),
    ]


def _interval(
    axes: Axes, y: int, numbers: tuple[float, float, float], color: str, line: str
) -> None:
    estimate, low, high = numbers
    axes.plot([low, high], [y, y], color=color, linestyle=line, solid_capstyle="butt")
    axes.plot([estimate], [y], marker="o", markersize=4, color=color)
