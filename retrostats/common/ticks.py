"""Tick values of a ratio axis: no change is among them, and few digits tell them apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

#: Tick values, from coarse to fine; the finest set that fits is used.
RATIO_TICKS: tuple[tuple[float, ...], ...] = (
    *(tuple(10.0**power for power in range(-30, 31, step)) for step in (10, 5, 3, 2, 1)),
    (0.01, 0.1, 1, 10, 100),
    (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100),
    (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100),
    (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10),
    (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10),
    (0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.6, 1.8, 2),
    tuple(tenths / 10 for tenths in range(5, 21)),
)
#: Ticks that an axis needs to be read, and those that it holds at most where it is narrow.
NEEDED, MANY = 3, 7
#: From so many on an axis is full of numbers, and a coarser set is as easy to read from.
FULL = 9
STEPS = (1.0, 2.0, 2.5, 5.0)
#: Share of an axis, on its log scale, that may lie beyond its first and last tick.
EMPTY = 0.5
#: Ticks of a narrow axis are even steps from 1; below the finest, both ends are told instead.
COARSEST, FINEST = -1, -6


def ratio_ticks(
    low: float, high: float, fits: Callable[[Sequence[float]], bool] = lambda ticks: True
) -> tuple[list[float], list[str]]:
    """Ticks between two ratios and their labels, in one form where they are even steps.

    Parameters
    ----------
    low, high
        Ends of the axis, above 0.
    fits
        Whether labels of these values have room beside one another.

    Examples
    --------
    >>> ratio_ticks(0.4, 2.2)[1][:4], ratio_ticks(0.978, 1.004)[1]
    (['0.4', '0.5', '0.6', '0.8'], ['0.98', '0.99', '1.00'])
    """
    chosen = [[t for t in ticks if low <= t <= high] for ticks in reversed(RATIO_TICKS)]
    for ticks in chosen:
        if NEEDED <= len(ticks) < FULL and _covers(ticks, low, high) and fits(ticks):
            return ticks, [f"{t:g}" for t in ticks]
    for ticks, places in _even(low, high):
        if _covers(ticks, low, high) and fits(ticks):
            return ticks, [f"{t:.{places}f}" for t in ticks]
    few = next((t for t in chosen if len(t) > 1 and fits(t)), [low, high])
    return few, [f"{t:.4g}" for t in few]


def _even(low: float, high: float) -> Iterator[tuple[list[float], int]]:
    """Even steps from 1 with their decimals: the fewest decimals, then the finest steps, first."""
    steps = [m * 10.0**e for e in range(FINEST, COARSEST + 1) for m in STEPS]
    for places, step in sorted((_decimals(step), step) for step in steps):
        first, last = math.ceil((low - 1) / step - 1e-9), math.floor((high - 1) / step + 1e-9)
        if NEEDED <= last - first + 1 <= MANY:
            yield [round(1 + step * i, places) for i in range(first, last + 1)], places


def _decimals(step: float) -> int:
    return next(n for n in range(9) if math.isclose(step, round(step, n), rel_tol=1e-9))


def _covers(ticks: Sequence[float], low: float, high: float) -> bool:
    """Whether ticks stand along the axis, not only at one end of it."""
    return math.log(ticks[-1] / ticks[0]) >= (1 - EMPTY) * math.log(high / low)
