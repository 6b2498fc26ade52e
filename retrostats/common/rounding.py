"""One rule for every number a reader sees, wherever it is shown.

Two decimals (whole per cent), more where fewer would put the number on or across a boundary that it
keeps clear of, or leave nothing of it: 1.004 is not 1, and 0.0051 is not 0.01.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

#: Boundaries of every number: no difference, and no change of a ratio.
BOUNDS = (0.0, 1.0)
DIGITS = 2
#: Relative distance below which a number counts as lying on a boundary.
ON = 1e-9
MOST = 12


def decimals(value: float, digits: int = DIGITS, bounds: Iterable[float] = BOUNDS) -> int:
    """Decimals that show a finite number on its own side of every boundary.

    Examples
    --------
    >>> decimals(1.264), decimals(1.004), decimals(1.0), decimals(0.0051), decimals(0.3499, 0)
    (2, 3, 2, 4, 1)
    >>> decimals(1.3496, bounds=(1.35,))
    4
    """
    least = digits
    if value and abs(value) < 10.0**-1:
        first = -math.floor(math.log10(abs(value)))  # the place of the first digit
        least = max(digits, first + (digits > 0))
    for places in range(min(least, MOST), MOST + 1):
        shown = round(value, places)
        if all(_side(shown, bound) == _side(value, bound) for bound in bounds):
            return places
    return MOST


def rounded(value: float, digits: int = DIGITS, bounds: Iterable[float] = BOUNDS) -> str:
    """The number by the rule; a negative zero has no sign.

    Examples
    --------
    >>> rounded(1.26423), rounded(-0.49899), rounded(1.00399), rounded(0.0512), rounded(7.9017)
    ('1.26', '-0.50', '1.004', '0.051', '7.90')
    >>> rounded(1e300), rounded(1e-300), rounded(float("inf"))
    ('1e+300', '1e-300', 'no limit')
    """
    if not math.isfinite(value):
        return "" if math.isnan(value) else "no limit"
    if value and not 10.0**-MOST < abs(value) < 10.0**MOST:
        return f"{value:.2g}"
    text = f"{value:,.{decimals(value, digits, bounds)}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text


def limits(
    low: float, high: float, digits: int = DIGITS, bounds: Iterable[float] = BOUNDS
) -> tuple[str, str]:
    """Both ends of a range, told apart wherever they differ.

    Examples
    --------
    >>> limits(1.00399, 1.3358), limits(0.0102, 0.0098)
    (('1.004', '1.34'), ('0.010', '0.0098'))
    >>> limits(2.3012, 2.3041)
    ('2.301', '2.304')
    """
    bounds = tuple(bounds)
    for places in range(digits, MOST):
        start, stop = rounded(low, places, bounds), rounded(high, places, bounds)
        if start != stop or low == high or not (math.isfinite(low) and math.isfinite(high)):
            return start, stop
    return start, stop


def _side(value: float, bound: float) -> int:
    if abs(value - bound) <= ON * max(1.0, abs(bound)):
        return 0
    return 1 if value > bound else -1
