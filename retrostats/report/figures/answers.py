"""Half-eyes of an answer: the posterior with the claimed range, each source beneath it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from retrostats.common.errors import InputError
from retrostats.common.rounding import limits, rounded
from retrostats.evidence.printed.measures import Measure
from retrostats.evidence.printed.pooled_printed import PooledPrinted
from retrostats.evidence.unreported.exploration import Exploration
from retrostats.models.meta.grid_density import GridDensity
from retrostats.report.figures import theme as page
from retrostats.report.figures.axis import Span, display_limits, set_ticks
from retrostats.report.figures.half_eye import half_eyes
from retrostats.report.figures.looks import drawn_in, narrow, now, page_mm

NAN = math.nan
ANSWER_MM, SOURCE_MM, GAP_MM = 26.0, 9.0, 2.2  # heights of the posterior and of a source
FOOT_MM, HEAD_MM = 2.6, 9.0  # below a curve for its interval; above the posterior for its words
LEFT = 0.30  # part of the width that names have; in one column of a journal more
NARROW_LEFT = 0.42
AXIS_MM = 12.0
#: Part of a likelihood's highest value below which its curve is not drawn.
FAINT = 1e-3
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a picture of draws asks of a claim, where there is none: its scale and its range."""

    claim_id: str
    statement: str
    scale: str
    unit: str
    null_value: float
    range_low: float
    range_high: float


def half_eye(
    result: Any,
    *,
    band: tuple[float | None, float | None] | None = None,
    xlabel: str = "",
    theme: str = "light",
    width_mm: float | None = None,
) -> Figure:
    """Draw what is known of an effect as densities.

    Parameters
    ----------
    result
        `rs.pool_printed`: the posterior of the mean over studies with the claimed range shaded and
        its probability, the likelihood of each source beneath, scaled to one height each.
        `rs.explore`: how the estimate and both limits are spread over the draws, which are no
        probabilities, with the outermost limits as brackets.
    band
        Range to shade, None for an open end; that of the claim unless given.
    xlabel
        What is estimated, with its unit.
    theme, width_mm
        "light", "dark" or "slide"; 85 for one column of a journal, 180 for two, or between.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    InputError
        Another kind of result, one without a size, draws that do not move, an unknown theme.

    References
    ----------
    Kay (2024), IEEE Transactions on Visualization and Computer Graphics 30:414 (half-eyes).

    Examples
    --------
    >>> import retrostats as rs
    >>> rows = {"study": ["A", "B"], "n": [12, 20], "first": ["31.0 SD 3.1", "33.0 SD 4.0"],
    ...         "second": ["26.0 SD 2.9", "27.1 SD 3.0"], "design": ["crossover"] * 2}
    >>> pooled = rs.pool_printed(rows, measure="ratio of means", claimed=(1.1, 1.3))
    >>> len(rs.half_eye(pooled).axes)  # the axis, the posterior and two sources
    4
    """
    from retrostats.report.figures.results import span_of

    asked = span_of("half_eye", band)
    with drawn_in(theme, width_mm):
        if isinstance(result, PooledPrinted):
            return _answer(result, asked, xlabel)
        if isinstance(result, Exploration):
            return _explored(result, asked, xlabel)
    raise InputError(
        f"half_eye: found {type(result).__name__}; allowed: what rs.pool_printed or rs.explore "
        "returns. rs.forest draws pools and fits"
    )


def _explored(found: Exploration, band: Span | None, xlabel: str) -> Figure:
    low, high = band or Span(NAN, NAN)
    claim = Asked("", "", "difference", xlabel or "estimate", NAN, low, high)
    draws = found.draws.assign(estimate_id="all", measure="estimate and limits")
    row = {"claim_id": "", "estimate_id": "all", "estimate": found.estimate}
    row |= {"conf_low": found.conf_low, "conf_high": found.conf_high}
    figure = half_eyes(draws, pd.DataFrame([row]), claim)
    if figure is None:
        raise InputError("half_eye: nothing moves over these draws; their .estimate is the answer")
    return figure


class Curve(NamedTuple):
    """A density on the printed scale, its highest 1, with the words beside it."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    name: str
    estimate: float
    low: float
    high: float
    bounded: bool


def _curve(density: GridDensity, measure: Measure, name: str, numbers: Any, bounded: bool) -> Curve:
    y = np.exp(density.log_density - density.log_density.max())
    seen = y > FAINT
    x = np.asarray(measure.to_printed(density.theta), dtype=float)
    estimate, low, high = (getattr(numbers, n) for n in ("estimate", "conf_low", "conf_high"))
    return Curve(x[seen], y[seen], name, estimate, low, high, bounded)


def _answer(pooled: PooledPrinted, band: Span | None, xlabel: str) -> Figure:
    density = pooled.density
    if density is None:
        raise InputError("half_eye: no source is bounded on both sides, so there is no density")
    if band is None and pooled.claimed is not None:
        band = Span(*(NAN if math.isinf(end) else float(end) for end in pooled.claimed))
    measure = pooled.measure
    curves = [_curve(density, measure, "Mean over studies", pooled, True)]
    for source, own in zip(pooled.pooled, pooled.likelihoods, strict=True):
        curves.append(_curve(own.density, measure, source.study, own, source.bounded))
    with page.styled():
        return _stacked(curves, pooled, band, xlabel or _axis_name(measure))


def _axis_name(measure: Measure) -> str:
    log = " (log axis)" if measure.is_log else ""
    return f"{measure.name[:1].upper()}{measure.name[1:]}{log}"


def _stacked(curves: list[Curve], pooled: PooledPrinted, band: Span | None, axis: str) -> Figure:
    width = page_mm()
    left = width * (NARROW_LEFT if narrow() else LEFT)
    words = [_words(curve, left - page.EDGE_MM - 3) for curve in curves]
    heights = [ANSWER_MM, *(max(SOURCE_MM, page.LINE_MM * len(w)) for w in words[1:])]
    caption = page.caption_lines(_caption(pooled, band), width)
    inner = width - left - page.EDGE_MM - 2
    top = page.TOP_MM + HEAD_MM
    total = top + sum(heights) + (FOOT_MM + GAP_MM) * len(curves) + AXIS_MM
    figure = page.new_figure(width, total + page.LINE_MM * len(caption) + page.EDGE_MM)
    bounded = pd.DataFrame([{"estimate": c.estimate, "conf_low": c.low, "conf_high": c.high}
                            for c in curves if c.bounded])  # fmt: skip
    ends = display_limits(bounded, pooled.null, band, log=pooled.measure.is_log)
    deep = sum(heights) + (FOOT_MM + GAP_MM) * len(curves)
    _ground(figure, (left, top, inner, deep), (pooled, band), (axis, ends))
    at = top
    for i, (curve, said, high) in enumerate(zip(curves, words, heights, strict=True)):
        axes = page.add_axes(figure, left, at, inner, high + FOOT_MM)
        axes.set_xlim(*ends)
        if pooled.measure.is_log:
            axes.set_xscale("log")
        axes.set_ylim(-FOOT_MM / high, 1.02)
        axes.set_axis_off()
        _draw(axes, curve, band if i == 0 else None, answer=i == 0)
        for j, (text, face) in enumerate(said):
            middle = at + high / 2 + page.LINE_MM * (j + 0.5 - len(said) / 2)
            page.add_text(figure, page.EDGE_MM, middle, text, fontweight=face)
        at += high + FOOT_MM + GAP_MM
    _probabilities(figure, pooled, band, (left, inner))
    page.draw_caption(figure, caption)
    return figure


def _words(curve: Curve, room: float) -> list[tuple[str, str]]:
    """Name of a curve, and its median with its interval."""
    face = "bold" if curve.name == "Mean over studies" else "normal"
    said = page.wrap(curve.name, room, bold=face == "bold")
    if curve.bounded:
        low, high = limits(curve.low, curve.high)
        text = f"{rounded(curve.estimate)} [{low}, {high}]".replace("-", MINUS)
        said += page.wrap(text, room, bold=face == "bold")
    else:
        said += page.wrap("bounded on one side", room)
    return [(text, face) for text in said]


def _ground(
    figure: Figure, place: tuple[float, float, float, float], asked: tuple[PooledPrinted, Any],
    axis: tuple[str, tuple[float, float]],
) -> None:  # fmt: skip
    """Claimed range and no effect in one piece behind every curve, and the axis below them."""
    (left, top, inner, deep), (pooled, band), (name, ends) = place, asked, axis
    axes = page.add_axes(figure, left, top, inner, deep)
    axes.set_xlim(*ends)
    if pooled.measure.is_log:
        axes.set_xscale("log")
    set_ticks(axes, *ends, log=pooled.measure.is_log, room_mm=inner)
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    room = 2 * min(inner / 2, page.figure_mm(figure)[0] - page.EDGE_MM - left - inner / 2)
    axes.set_xlabel("\n".join(page.wrap(name, room, page.SIZE)))
    if band is not None:
        low, high = _inside(band, ends)
        axes.axvspan(low, high, facecolor=now().band, lw=0, zorder=0, gid="claim-band")
    if not math.isnan(pooled.null):
        axes.axvline(pooled.null, color=now().grey, lw=0.7, zorder=1, gid="null")


def _inside(band: Span, ends: tuple[float, float]) -> tuple[float, float]:
    low = ends[0] if band.low != band.low else band.low
    high = ends[1] if band.high != band.high else band.high
    return low, high


def _draw(axes: Any, curve: Curve, band: Span | None, *, answer: bool) -> None:
    """A filled curve with its median and 95% interval; the claimed part of an answer darker."""
    colour = now().blue if answer else now().grey
    gid = "posterior" if answer else "likelihood"
    axes.fill_between(curve.x, 0, curve.y, facecolor=colour, alpha=0.35, lw=0, gid=gid)
    axes.plot(curve.x, curve.y, color=colour, lw=0.8, zorder=3)
    if band is not None:
        low, high = _inside(band, (curve.x[0], curve.x[-1]))
        at = np.unique([*np.clip([low, high], curve.x[0], curve.x[-1]), *curve.x])
        at = at[(at >= low) & (at <= high)]
        axes.fill_between(at, 0, np.interp(at, curve.x, curve.y), facecolor=colour, alpha=0.6,
                          lw=0, zorder=2, gid="claimed")  # fmt: skip
    if curve.bounded:
        axes.plot([curve.low, curve.high], [0, 0], color=colour, lw=2.4, gid="interval",
                  solid_capstyle="butt", zorder=4)  # fmt: skip
        axes.plot([curve.estimate], [0], "o", ms=4.4, color=colour, gid="median", zorder=5)


def _probabilities(
    figure: Figure, pooled: PooledPrinted, band: Span | None, place: tuple[float, float]
) -> None:
    """Probabilities in words above the posterior: of both sides, and of the claimed range."""
    left, inner = place
    first = page.TOP_MM + 2.0
    if not math.isnan(pooled.null):
        null, above = f"{pooled.null:g}", pooled.prob_above()
        grey = {"color": now().grey}
        page.add_text(figure, left, first, f"← {_percent(1 - above)} below {null}", **grey)
        page.add_text(figure, left + inner, first, f"{_percent(above)} above {null} →", ha="right",
                      **grey)  # fmt: skip
    if band is not None:
        ends = (-math.inf if band.low != band.low else band.low,
                math.inf if band.high != band.high else band.high)  # fmt: skip
        held = _percent(pooled.probability(*ends))
        page.add_text(figure, left + inner / 2, first + page.LINE_MM + 0.6,
                      f"{held} in {'' if narrow() else 'the claimed range, '}{_range(band)}",
                      ha="center",
                      fontweight="bold")  # fmt: skip


def _range(band: Span) -> str:
    if band.low != band.low:
        return f"below {band.high:g}".replace("-", MINUS)
    if band.high != band.high:
        return f"above {band.low:g}".replace("-", MINUS)
    return f"{band.low:g} to {band.high:g}".replace("-", MINUS)


def _percent(p: float) -> str:
    """A probability in percent, never rounded to 0 or 100."""
    if p < 0.001 or p > 0.999:
        return "< 0.1%" if p < 0.5 else "> 99.9%"
    return f"{100 * p:.1f}%" if p < 0.01 or p > 0.99 else f"{100 * p:.0f}%"


def _caption(pooled: PooledPrinted, band: Span | None) -> str:
    parts = [
        "Top: posterior of the mean over studies; beneath: the likelihood of each source, scaled "
        "to one height; point and line: median and 95% credible interval"
    ]
    parts += ["shaded: the claimed range, its part of the posterior darker"] if band else []
    known = not math.isnan(pooled.null)
    parts += [f"upright line: no effect ({pooled.null:g})"] if known else []
    return "; ".join(parts) + "."
