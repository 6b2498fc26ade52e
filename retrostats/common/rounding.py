"""One rule for every number a reader sees, wherever it is shown.

Two decimals (whole per cent), more where fewer would put the number on or across a boundary that it
keeps clear of, or leave nothing of it: 1.004 is not 1, and 0.0051 is not 0.01. An interval and its
estimate have one form, with decimals by the interval's width: 0.990 [0.983, 0.997].
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
#: Digits that the width of an interval keeps, and those that it needs no more than.
WIDTH_DIGITS, WIDTH_ENOUGH = 2, 4
#: An interval that spans this factor is read by its ratio: its ends need not share decimals.
WIDE = 100.0
#: What rounding may change of a number in an interval of positive numbers.
TENTH = 0.1


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
    return _clear(value, least, bounds)


def _clear(value: float, least: int, bounds: Iterable[float]) -> int:
    """Decimals, `least` or more, that show a number on its own side of every boundary."""
    if not math.isfinite(value):
        return least
    bounds = tuple(bounds)
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
    return _written(value, decimals(value, digits, bounds) if math.isfinite(value) else digits)


def _written(value: float, places: int) -> str:
    """The number with so many decimals; those too small or large for any in powers of ten."""
    if not math.isfinite(value):
        return "" if math.isnan(value) else "no limit"
    if value and not 10.0**-MOST < abs(value) < 10.0**MOST:
        return f"{value:.2g}"
    text = f"{value:,.{places}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text


def limits(
    low: float, high: float, digits: int = DIGITS, bounds: Iterable[float] = BOUNDS
) -> tuple[str, str]:
    """Both ends of a range in one form, told apart wherever they differ.

    Examples
    --------
    >>> limits(1.00399, 1.3358), limits(0.0102, 0.0098)
    (('1.004', '1.336'), ('0.01020', '0.00980'))
    >>> limits(0.98271, 0.99731), limits(0.0051, 24.0)
    (('0.983', '0.997'), ('0.005', '24.00'))
    """
    start, stop = in_one_form((low, high), low, high, digits, bounds)
    return start, stop


def with_limits(
    value: float,
    low: float,
    high: float,
    digits: int = DIGITS,
    bounds: Iterable[float] = BOUNDS,
) -> tuple[str, str, str]:
    """An estimate and both ends of its interval in one form.

    Examples
    --------
    >>> with_limits(0.99, 0.98271, 0.99731), with_limits(1.264, 1.13, 1.4301)
    (('0.990', '0.983', '0.997'), ('1.26', '1.13', '1.43'))
    >>> with_limits(1525.3, 1312.2, 1700.1)
    ('1,525.3', '1,312.2', '1,700.1')
    """
    shown, start, stop = in_one_form((value, low, high), low, high, digits, bounds)
    return shown, start, stop


def in_one_form(
    values: Iterable[float],
    low: float,
    high: float,
    digits: int = DIGITS,
    bounds: Iterable[float] = BOUNDS,
) -> list[str]:
    """Numbers with the decimals that the interval from `low` to `high` can bear.

    Its width keeps two digits, and needs no more than four. Where all is positive, no number is
    changed by more than a tenth. A number that one decimal more keeps so, or on its own side of a
    boundary, gives that decimal to all; one that needs still more has it alone.

    Examples
    --------
    >>> in_one_form((2.56, 1.9, 3.2), 1.9, 3.2, 0, (0.0, 3.0))
    ['2.6', '1.9', '3.2']
    >>> in_one_form((0.128, 0.0172, 0.98), 0.0172, 0.98)
    ['0.128', '0.017', '0.980']
    """
    values, bounds = list(values), tuple(bounds)
    width = abs(high - low)
    if not (math.isfinite(width) and width):
        return [rounded(value, digits, bounds) for value in values]
    first = math.floor(math.log10(width * (1 + ON)))
    enough = max(WIDTH_ENOUGH - 1 - first, 0)
    places = min(max(WIDTH_DIGITS - 1 - first, min(digits, enough)), MOST)
    positive = min(low, high) > 0
    need = [_clear(v, _within_tenth(v, places) if positive else places, bounds) for v in values]
    wide = positive and max(low, high) >= WIDE * min(low, high)
    shared = places if wide else max((n for n in need if n <= places + 1), default=places)
    return [_written(v, max(n, shared)) for v, n in zip(values, need, strict=True)]


def _within_tenth(value: float, least: int) -> int:
    """Decimals, `least` or more, that change a number by a tenth of it at most."""
    near = (n for n in range(least, MOST) if abs(round(value, n) - value) <= TENTH * abs(value))
    return next(near, MOST) if math.isfinite(value) else least


def _side(value: float, bound: float) -> int:
    if abs(value - bound) <= ON * max(1.0, abs(bound)):
        return 0
    return 1 if value > bound else -1
