"""Effects in words: one amount, and a range of them, in the same form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from retrostats.common.rounding import BOUNDS
from retrostats.report.page import format as fmt

#: What amounts above and below no effect are called.
AMOUNTS = ("higher", "lower")
RATIOS = ("ratio", "rate_ratio", "odds_ratio", "risk_ratio")


def claimed(claim: Mapping[str, Any]) -> str:
    """The range that would make a claim true, in the words of its estimate; empty without one.

    Examples
    --------
    >>> claimed({"range_low": 1.25, "range_high": 1.35, "scale": "ratio"})
    '25% to 35% higher'
    >>> claimed({"range_low": -3.0, "range_high": -2.0, "scale": "difference", "unit": "points"})
    '−3 to −2 points'
    """
    scale = fmt.text(claim.get("scale"))
    low, high = (None if missing(claim.get(n)) else claim[n] for n in ("range_low", "range_high"))
    if low is None and high is None:
        return ""
    if scale in RATIOS:
        if low is None and high is not None and high < 1:
            return f"at least {amount(high, scale)}"
        if low is not None and high is not None:
            return span(low, high, scale)
        return f"from {amount(low, scale)}" if low is not None else f"up to {amount(high, scale)}"
    unit = fmt.text(claim.get("unit"))
    ends = fmt.exact_range(low, high)
    comma = "; " if "," in unit else " "
    return f"{ends}{comma}{unit}".strip(" ;")


def amount(
    value: Any,
    scale: str,
    unit: str = "",
    bounds: Iterable[float] = BOUNDS,
    words: tuple[str, str] = AMOUNTS,
) -> str:
    """An effect in words: per cent for a ratio, else the number with its unit.

    Examples
    --------
    >>> amount(1.264, "ratio"), amount(0.79, "ratio"), amount(7.9, "ratio"), amount(1.0, "ratio")
    ('26% higher', '21% lower', '7.90 times as high', 'no difference')
    >>> amount(1.00399, "ratio", words=("more", "less")), amount(-2.4, "difference", "points")
    ('0.4% more', '−2.40 points')
    """
    if scale not in RATIOS:
        return fmt.with_unit(fmt.number(value, bounds=bounds), unit)
    return "".join(_percent(value, bounds, words))


def span(
    low: float,
    high: float,
    scale: str,
    unit: str = "",
    bounds: Iterable[float] = BOUNDS,
    words: tuple[str, str] = AMOUNTS,
) -> str:
    """A range of effects in words.

    Examples
    --------
    >>> span(1.038, 1.539, "ratio"), span(0.79, 1.66, "ratio"), span(0.5, 0.7, "ratio")
    ('4% to 54% higher', '21% lower to 66% higher', '30% to 50% lower')
    """
    if scale not in RATIOS:
        return fmt.with_unit(fmt.interval(low, high, bounds=bounds), unit)
    return _joined(*(_percent(value, bounds, words) for value in (low, high)))


def sided(value: float, unit: str, words: tuple[str, str], bounds: Iterable[float] = BOUNDS) -> str:
    """A difference without a sign, and which way it goes.

    Examples
    --------
    >>> sided(-2.4, "%", ("gained", "lost")), sided(1.2, "kg", ("more", "less"))
    ('2.4% lost', '1.2 kg more')
    """
    return "".join(_difference(value, unit, words, bounds))


def sided_span(
    low: float, high: float, unit: str, words: tuple[str, str], bounds: Iterable[float] = BOUNDS
) -> str:
    """A range of differences without signs.

    Examples
    --------
    >>> words = ("gained", "lost")
    >>> sided_span(-4.19, -0.61, "%", words), sided_span(-2.5, 1.2, "kg", words)
    ('0.6% to 4.2% lost', '2.5 kg lost to 1.2 kg gained')
    """
    return _joined(*(_difference(value, unit, words, bounds) for value in (low, high)))


def _difference(
    value: float, unit: str, words: tuple[str, str], bounds: Iterable[float]
) -> tuple[str, str]:
    number = fmt.number(abs(value), 1, [abs(b) for b in bounds])
    behind = unit if unit.startswith("%") else f" {unit}".rstrip()
    return number, f"{behind} {words[0] if value > 0 else words[1]}"


def _joined(first: tuple[str, str], last: tuple[str, str]) -> str:
    """Two amounts as a range; what stands behind both is said once, the smaller one first."""
    if first[1] != last[1]:
        return f"{first[0]}{first[1]} to {last[0]}{last[1]}"
    sizes = [float(number.replace(",", "").lstrip(fmt.MINUS) or 0) for number, _ in (first, last)]
    if sizes[0] > sizes[1]:
        first, last = last, first
    mark = "%" if first[1].startswith("%") else ""
    return f"{first[0]}{mark} to {last[0]}{last[1]}"


def _percent(value: Any, bounds: Iterable[float], words: tuple[str, str]) -> tuple[str, str]:
    """A ratio as a number and what stands behind it."""
    if value >= 2:
        return fmt.number(value, bounds=bounds), " times as high"
    percents = [0.0, -100.0, *(100 * (bound - 1) for bound in bounds)]
    percent = 100 * (value - 1)
    shown = fmt.number(percent, 0, percents).lstrip(fmt.MINUS)
    if shown == "0":
        return "no difference", ""
    return shown, f"% {words[0] if percent > 0 else words[1]}"


def missing(value: Any) -> bool:
    """Whether a cell is empty."""
    return value is None or value != value
