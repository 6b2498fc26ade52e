"""A claim band: estimate, interval, range over what was not printed, and where the claim lies."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from markupsafe import Markup, escape

from retrostats.common.rounding import BOUNDS
from retrostats.report.page import format as fmt

Ends = tuple[Any, Any]
HEIGHT, CENTRE = 50, 27
#: Part of the width kept free at both ends.
MARGIN = 0.06
#: Share of the width below which a label at an end is set from that end.
EDGE = 18.0


def band(
    value: float,
    conf: Ends,
    outer: Ends,
    claimed: Ends | None,
    *,
    null: Any,
    log: bool = False,
    label: str = "",
    bounds: Iterable[float] = BOUNDS,
) -> Markup:
    """An inline SVG as wide as its place; its colours are those of the page, its words are text.

    Parameters
    ----------
    value, conf, outer
        Estimate, 95% limits, limits over everything that was not printed (NaN or None: none).
    claimed, null
        What is claimed, as `claimed_zone` makes it (None: nothing), and the value of no difference.
    label
        The unit, below the band.

    Examples
    --------
    >>> drawn = band(1.26, (1.04, 1.54), (0.79, 1.66), (1.25, 1.35), null=1.0, log=True)
    >>> 'aria-label="Estimate 1.26, 95% interval 1.04 to 1.54' in drawn
    True
    """
    known = [v for v in (value, *conf, *outer, *(claimed or ()), null) if not _missing(v)]
    place = _scale(known, log)
    parts = [Markup('<line class="b-axis" x1="0" x2="100%" y1="{0}" y2="{0}"/>').format(CENTRE)]
    if claimed:
        start, stop = (
            e if _missing(v) else place(v) for v, e in zip(claimed, (0, 100), strict=True)
        )
        parts.insert(0, _rect("b-claim", start, stop - start, 14, 26))
        parts.append(_text("b-word", (start + stop) / 2, 10, "claimed"))
    if not _missing(null):
        at = place(null)
        parts.append(
            Markup('<line class="b-null" x1="{0:.2f}%" x2="{0:.2f}%" y1="14" y2="40"/>').format(at)
        )
        parts.append(_text("b-word", at, 49, "no difference"))
    for name, (low, high) in (("b-outer", outer), ("b-conf", conf)):
        if not (_missing(low) or _missing(high)):
            parts.append(
                Markup('<line class="{}" x1="{:.2f}%" x2="{:.2f}%" y1="{}" y2="{}"/>').format(
                    name, place(low), place(high), CENTRE, CENTRE
                )
            )
    parts.append(
        Markup('<circle class="b-dot" cx="{:.2f}%" cy="{}" r="5"/>').format(place(value), CENTRE)
    )
    said = _said(value, conf, outer, claimed, null, label, tuple(bounds))
    return Markup(
        '<svg class="band" width="100%" height="{}" role="img" aria-label="{}">{}</svg>'
    ).format(HEIGHT, said, Markup("").join(parts))


def _scale(known: list[float], log: bool) -> Any:
    """From a value to per cent of the width."""
    move = math.log if log else float
    low, high = min(map(move, known)), max(map(move, known))
    room = (high - low or 1.0) * MARGIN
    low, high = low - room, high + room
    return lambda v: 100 * (move(v) - low) / (high - low)


def claimed_zone(claimed: Ends, null: Any, direction: str) -> Ends | None:
    """The ends of what is claimed, None for an open one; None if nothing is.

    Parameters
    ----------
    claimed
        The claimed range; an end that is missing is open.
    null, direction
        Where no range is claimed: the value of no difference and the side of it that is claimed
        ("above", "below").
    """
    low, high = (None if _missing(v) else v for v in claimed)
    if low is not None or high is not None:
        return low, high
    if _missing(null) or direction not in ("above", "below"):
        return None
    return (null, None) if direction == "above" else (None, null)


def _rect(name: str, x: float, width: float, y: int, height: int) -> Markup:
    return Markup('<rect class="{}" x="{:.2f}%" width="{:.2f}%" y="{}" height="{}"/>').format(
        name, x, max(width, 0.4), y, height
    )


def _text(name: str, x: float, y: int, words: str) -> Markup:
    anchor = "start" if x < EDGE else "end" if x > 100 - EDGE else "middle"
    return Markup('<text class="{}" x="{:.2f}%" y="{}" text-anchor="{}">{}</text>').format(
        name, x, y, anchor, escape(words)
    )


def _said(
    value: float, conf: Ends, outer: Ends, claimed: Ends | None, null: Any, unit: str, bounds: Any
) -> str:
    """The picture in words."""
    shown, low, high = fmt.three(value, *conf, bounds=bounds)
    parts = [f"Estimate {shown}"]
    if low and high:
        parts.append(f"95% interval {low} to {high}")
    if shown := fmt.interval(*outer, bounds=bounds):
        parts.append(f"over all that was not printed {shown}")
    if shown := fmt.exact_range(*(None if _missing(v) else v for v in claimed or (None, None))):
        parts.append(f"claimed {shown}")
    if not _missing(null):
        parts.append(f"no difference at {fmt.exact(null)}")
    return f"{', '.join(parts)}{f'; {unit}' if unit else ''}"


def _missing(value: Any) -> bool:
    return value is None or value != value
