"""A claim's picture: estimate, range, a dot a study, what is claimed, an axis with numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from retrostats.common.rounding import BOUNDS
from retrostats.report.page import format as fmt
from retrostats.report.page.amounts import missing

Ends = tuple[Any, Any]
#: Rows of the picture from above: word of the claim, estimate, studies, axis, numbers; and its
#: height without and with a note beneath.
WORD, CENTRE, DOTS, AXIS, NUMBERS, HEIGHT, NOTED = 10, 22, 43, 49, 64, 70, 84
#: Dots nearer than this, in per cent of the width, are stacked by so much.
NEAR, STACK = 2.5, 7
#: Part of the width kept free at both ends.
MARGIN = 0.06
#: Share of the width below which a label at an end is set from that end.
EDGE = 18.0
#: Most numbers along an axis.
MOST_TICKS = 6
#: Steps of an axis in per cent, and the factors of one that spans many times as much.
PERCENTS = (1, 5, 10, 25, 50, 100, 200, 500)
FACTORS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
#: From which ratio of its ends an axis goes in factors.
WIDE = 6.0


class NullLine(NamedTuple):
    """Where the broken line of a picture stands (None or NaN: there is none), and what it is."""

    at: Any
    words: str = "no difference"


class Studies(NamedTuple):
    """What each study says, drawn as a dot, and how many there are, with those without a number."""

    values: Sequence[float] = ()
    counted: int = 0


NO_STUDIES = Studies()


def band(
    value: float,
    conf: Ends,
    claimed: Ends | None,
    *,
    null: Any,
    log: bool = False,
    label: str = "",
    bounds: Iterable[float] = BOUNDS,
    studies: Studies = NO_STUDIES,
) -> Markup:
    """An inline SVG as wide as its place; its colours are those of the page, its words are text.

    Parameters
    ----------
    value, conf
        Estimate and 95% limits (NaN or None: none).
    claimed, null
        What is claimed, as `claimed_zone` makes it (None: nothing), and the value of no difference,
        or a `NullLine` that says what it is; where it is something else numbers have no plus.
    label
        The unit of the axis; that of a ratio is per cent.
    studies
        An estimate each, drawn as dots; where some print none, a note says so.

    Examples
    --------
    >>> drawn = band(1.26, (1.04, 1.54), (1.25, 1.35), null=1.0, log=True)
    >>> 'aria-label="Estimate 1.26, 95% interval 1.04 to 1.54' in drawn
    True
    >>> ">+50%</text>" in drawn
    True
    >>> one = band(1.26, (1.04, 1.54), None, null=1.0, log=True, studies=Studies([1.2], 2))
    >>> "a dot a study; 1 of 2 print no number" in one
    True
    """
    null, line = null if isinstance(null, NullLine) else NullLine(null)
    dots = [s for s in studies.values if not missing(s)]
    known = [v for v in (value, *conf, *(claimed or ()), null, *dots) if not missing(v)]
    numbers = ticks(min(known), max(known), log, label, signed=line == "no difference")
    place = _scale([*known, *(at for at, _ in numbers)], log)
    parts = [_line("b-axis", "0", "100%", AXIS)]
    if claimed:
        start, stop = (
            e if missing(v) else place(v) for v, e in zip(claimed, (0, 100), strict=True)
        )
        parts.insert(0, _rect("b-claim", start, stop - start, 14, AXIS - 14))
        parts.append(_text("b-word", (start + stop) / 2, WORD, "claimed"))
    for tick, number in numbers:
        parts.append(_text("b-number", place(tick), NUMBERS, number))
        parts.append(_upright("b-tick", place(tick), AXIS, AXIS + 4))
    if not missing(null):
        parts.append(_upright("b-null", place(null), 14, AXIS))
    if not (missing(conf[0]) or missing(conf[1])):
        low, high = (f"{place(end):.2f}%" for end in conf)
        parts.append(_line("b-conf", low, high, CENTRE))
    parts += [_circle("b-study", x, y, 3) for x, y in _stacked([place(s) for s in dots])]
    parts.append(_circle("b-dot", place(value), CENTRE, 5))
    said = _said(value, conf, claimed, null, line, label, tuple(bounds), dots)
    noted = 0 < len(dots) < studies.counted
    if noted:
        note = f"a dot a study; {studies.counted - len(dots)} of {studies.counted} print no number"
        parts.append(_text("b-note", 0, NOTED - 4, note))
    return Markup(
        '<svg class="band" width="100%" height="{}" role="img" aria-label="{}">{}</svg>'
    ).format(NOTED if noted else HEIGHT, said, Markup("").join(parts))


def ticks(
    low: float, high: float, log: bool, unit: str = "", *, signed: bool = True
) -> list[tuple[float, str]]:
    """Round numbers along an axis and just beyond its ends, each with its words.

    Numbers of what is no difference (`signed` False) have no plus.

    Examples
    --------
    >>> [number for _, number in ticks(1.0, 1.42, True)]
    ['0', '+25%', '+50%']
    >>> [number for _, number in ticks(-4.2, 0.0, False, "%")]
    ['−5%', '−4%', '−3%', '−2%', '−1%', '0']
    >>> [number for _, number in ticks(0.4, 6.0, True)]
    ['×0.5', '0', '×2', '×5']
    """
    if log and high / low > WIDE:
        found = [f for f in FACTORS if low <= f <= high]
        if len(found) > MOST_TICKS:
            found = [f for f in found if math.log10(f).is_integer()]
        return [(f, "0" if f == 1 else f"×{f:g}") for f in found]
    ends = (100 * (low - 1), 100 * (high - 1)) if log else (low, high)
    step = _step(ends[1] - ends[0], log)
    first, last = math.floor(ends[0] / step + 1e-9), math.ceil(ends[1] / step - 1e-9)
    numbers = [i * step for i in range(first, last + 1) if not log or i * step > -100]
    sign = "%" if log or unit.startswith("%") else ""
    return [(1 + n / 100 if log else n, _signed(n, sign, signed)) for n in numbers]


def _step(width: float, log: bool) -> float:
    """The smallest round step that leaves few numbers."""
    if log:
        return next((s for s in PERCENTS if width / s <= MOST_TICKS / 2), PERCENTS[-1])
    power = 10.0 ** math.floor(math.log10(width or 1.0))
    steps = (s * power for s in (0.1, 0.2, 0.5, 1, 2, 5, 10))
    return next(step for step in steps if width / step < MOST_TICKS - 1)


def _signed(number: float, sign: str, plus: bool) -> str:
    if not number:
        return "0"
    before = fmt.MINUS if number < 0 else "+" if plus else ""
    return f"{before}{abs(number):.6g}{sign}"


def legend(drawn: Iterable[Markup], lines: Iterable[str]) -> str:
    """How to read pictures: what stands in one of them, and what their broken lines are.

    Examples
    --------
    >>> legend([], ["no difference", "", "no difference"]).partition(". ")[2]
    'Broken line: no difference.'
    """
    pictures = "".join(drawn)
    said = ["Ring and thick line: the best estimate and where it very likely lies"]
    said += ["Small dots: the studies that print a number"] if "b-study" in pictures else []
    said += ["Shaded: what is claimed"] if "b-claim" in pictures else []
    meant = " or ".join(dict.fromkeys(filter(None, lines)))
    said += [f"Broken line: {meant}"] if meant else []
    return f"{'. '.join(said)}."


def _scale(known: list[float], log: bool) -> Callable[[float], float]:
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
    low, high = (None if missing(v) else v for v in claimed)
    if low is not None or high is not None:
        return low, high
    if missing(null) or direction not in ("above", "below"):
        return None
    return (null, None) if direction == "above" else (None, null)


def _stacked(places: Sequence[float]) -> list[tuple[float, int]]:
    """Each dot with its row: those that would hide one another stand above it."""
    found: list[tuple[float, int]] = []
    for x in sorted(places):
        row = DOTS
        while any(abs(x - other) < NEAR and row == y for other, y in found):
            row -= STACK
        found.append((x, row))
    return found


def _line(name: str, start: str, stop: str, y: int) -> Markup:
    return Markup('<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
        name, start, stop, y, y
    )


def _upright(name: str, x: float, top: int, foot: int) -> Markup:
    return Markup('<line class="{0}" x1="{1:.2f}%" x2="{1:.2f}%" y1="{2}" y2="{3}"/>').format(
        name, x, top, foot
    )


def _circle(name: str, x: float, y: int, radius: int) -> Markup:
    return Markup('<circle class="{}" cx="{:.2f}%" cy="{}" r="{}"/>').format(name, x, y, radius)


def _rect(name: str, x: float, width: float, y: int, height: int) -> Markup:
    return Markup('<rect class="{}" x="{:.2f}%" width="{:.2f}%" y="{}" height="{}"/>').format(
        name, x, max(width, 0.4), y, height
    )


def _text(name: str, x: float, y: int, words: str) -> Markup:
    # a number stands under its tick, but for the very ends
    edge = EDGE if name == "b-word" else 4.0
    anchor = "start" if x < edge else "end" if x > 100 - edge else "middle"
    return Markup('<text class="{}" x="{:.2f}%" y="{}" text-anchor="{}">{}</text>').format(
        name, x, y, anchor, escape(words)
    )


def _said(
    value: float,
    conf: Ends,
    claimed: Ends | None,
    null: Any,
    line: str,
    unit: str,
    bounds: tuple[float, ...],
    studies: Sequence[float],
) -> str:
    """The picture in words."""
    shown, low, high = fmt.three(value, *conf, bounds=bounds)
    parts = [f"Estimate {shown}"]
    if low and high:
        parts.append(f"95% interval {low} to {high}")
    if shown := fmt.exact_range(*(None if missing(v) else v for v in claimed or (None, None))):
        parts.append(f"claimed {shown}")
    if not missing(null):
        parts.append(f"{line} at {fmt.exact(null)}")
    if studies:
        shown = ", ".join(fmt.number(s, bounds=bounds) for s in studies)
        parts.append(f"{len(studies)} studies that print a number: {shown}")
    return f"{', '.join(parts)}{f'; {unit}' if unit else ''}"
