"""Scales of the prior on the differences between studies that a reader may set on the page."""

from __future__ import annotations

from dataclasses import dataclass

from retrostats.report.page import format as fmt

#: Scales of the half-normal prior that a reader may set, of log ratios.
WIDTHS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0)
#: The usual scale of log ratios: the widths of a difference are to its scale as WIDTHS to this.
USUAL = 0.2


@dataclass(frozen=True, slots=True)
class Widths:
    """Scales of the prior that a reader may set, where they start, and what they mean."""

    values: tuple[float, ...]
    start: int
    why: str


def widths_of(log: bool, scale: float) -> Widths | None:
    """Widths on the scale of the measure, beginning at the scale in use where it is known.

    Of differences they are multiples of the scale in use, from a tenth to five times; None where
    nothing says it.
    """
    known = scale > 0
    use = f"; the answer takes {fmt.short(scale)}" if known else ""
    if log:
        start = min(range(len(WIDTHS)), key=lambda i: abs(WIDTHS[i] - (scale if known else 0.1)))
        why = "at 0.1 a new study is expected within some 20% of the mean, at 0.5 within a factor "
        return Widths(WIDTHS, start, f"{why}of some 2.5{use}")
    if not known:
        return None
    values = tuple(width / USUAL * scale for width in WIDTHS)
    near = f"{fmt.short(scale)} a new study is expected within some {fmt.short(2 * scale)} of the"
    return Widths(values, WIDTHS.index(USUAL), f"in the unit of the effect: at {near} mean{use}")
