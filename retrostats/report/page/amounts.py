"""Effects in words: per cent of a ratio, a number with its unit; an interval has one form."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from retrostats.common.rounding import BOUNDS, in_one_form, rounded
from retrostats.report.page import format as fmt

#: What amounts above and below no effect are called.
AMOUNTS = ("higher", "lower")
#: A ratio of this or more is told as a factor, below it in per cent.
TIMES, AS_HIGH = 2.0, " times as high"
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
    low, high = (claim.get(name) for name in ("range_low", "range_high"))
    low, high = (None if missing(end) else end for end in (low, high))
    known = high if low is None else low
    if known is None:
        return ""
    if scale in RATIOS:
        if low is None and high is not None and high < 1:
            return f"at least {_joined([_declared(high)])}"
        if low is not None and high is not None:
            return _joined([_declared(low), _declared(high)])
        start = "up to" if low is None else "from"
        return f"{start} {_joined([_declared(known)])}"
    unit = fmt.text(claim.get("unit"))
    ends = fmt.exact_range(low, high)
    what, _, compared = unit.partition(", ")
    if " minus " in compared:  # what is set against what, behind the unit of a difference
        return f"{ends} {what} ({compared})"
    return f"{ends}{'; ' if compared else ' '}{unit}".strip(" ;")


def claimed_between(claim: Mapping[str, Any], unit: str = "") -> str:
    """The same range by its two numbers alone; empty without both, or where a side must be told.

    Examples
    --------
    >>> claimed_between({"range_low": 1.25, "range_high": 1.35, "scale": "ratio"})
    '25% to 35%'
    >>> claimed_between({"range_low": -3, "range_high": -2, "scale": "difference"}, "%")
    '2% to 3%'
    >>> claimed_between({"range_low": -1, "range_high": 2, "scale": "difference"}, "%")
    ''
    """
    low, high = claim.get("range_low"), claim.get("range_high")
    if low is None or high is None or missing(low) or missing(high):
        return ""
    if fmt.text(claim.get("scale")) in RATIOS:
        if max(low, high) >= TIMES:
            return ""
        low, high, unit = round(100 * (low - 1), 9), round(100 * (high - 1), 9), "%"
    if low < 0 < high:
        return ""
    least, most = sorted((abs(low), abs(high)))
    ends = (fmt.with_unit(fmt.exact(v), unit) for v in (least, most))
    return "{} to {}".format(*ends)


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
    return _joined([_percent(value, bounds, words)])


def amount_and_span(
    value: float,
    low: float,
    high: float,
    scale: str,
    unit: str = "",
    bounds: Iterable[float] = BOUNDS,
    words: tuple[str, str] = AMOUNTS,
) -> tuple[str, str]:
    """An effect and the range around it, in one form and with decimals by the width of the range.

    Examples
    --------
    >>> amount_and_span(0.99, 0.983, 0.997, "ratio"), amount_and_span(1.6, 1.2, 2.1, "ratio")
    (('1.0% lower', '0.3% to 1.7% lower'), ('1.60 times as high', '1.20 to 2.10 times as high'))
    """  # fmt: skip
    if scale not in RATIOS:
        shown, start, stop = fmt.three(value, low, high, bounds=bounds)
        return fmt.with_unit(shown, unit), fmt.with_unit(f"{start} to {stop}", unit)
    values = (value, low, high)
    if max(values) >= TIMES or not all(map(math.isfinite, values)):
        parts = [(text, AS_HIGH) for text in fmt.three(*values, bounds=bounds)]
    else:
        percents = [100 * (v - 1) for v in values]
        texts = in_one_form(percents, percents[1], percents[2], 0, _percent_bounds(bounds))
        parts = [_signed(text, words) for text in texts]
    return _joined(parts[:1]), _joined(parts[1:])


def sided(
    value: float,
    low: float | None,
    high: float | None,
    unit: str,
    words: tuple[str, str],
    bounds: Iterable[float] = BOUNDS,
) -> tuple[str, str]:
    """A difference and the range around it, without signs; no range where it has no ends.

    Examples
    --------
    >>> sided(-2.4, -4.19, -0.61, "%", ("gained", "lost"))
    ('2.4% lost', '0.6% to 4.2% lost')
    >>> sided(-0.65, -2.5, 1.2, "kg", ("more", "less")), sided(1.2, None, None, "kg", ("more", ""))
    (('0.7 kg less', '2.5 kg less to 1.2 kg more'), ('1.2 kg more', ''))
    """
    if low is None or high is None or missing(low) or missing(high):
        texts = [rounded(value, 1, bounds)]
    else:
        texts = in_one_form((value, low, high), low, high, 1, bounds)
    behind = unit if unit.startswith("%") else f" {unit}".rstrip()
    parts = []
    for text in texts:
        number = text.lstrip("-")
        parts.append((number, f"{behind} {words[1] if number != text else words[0]}"))
    return _joined(parts[:1]), _joined(parts[1:]) if len(parts) > 1 else ""


def _percent(value: Any, bounds: Iterable[float], words: tuple[str, str]) -> tuple[str, str]:
    """A ratio as a number and what stands behind it."""
    if value >= TIMES:
        return fmt.number(value, bounds=bounds), AS_HIGH
    return _signed(fmt.number(100 * (value - 1), 0, _percent_bounds(bounds)), words)


def _declared(value: float) -> tuple[str, str]:
    """A ratio that was declared, not computed: as it stands."""
    percent = round(100 * (value - 1), 9)
    return (fmt.exact(value), AS_HIGH) if value >= TIMES else _signed(fmt.exact(percent))


def _percent_bounds(bounds: Iterable[float]) -> list[float]:
    return [0.0, -100.0, *(100 * (bound - 1) for bound in bounds)]


def _signed(percent: str, words: tuple[str, str] = AMOUNTS) -> tuple[str, str]:
    """A signed percentage as a number and which way it lies."""
    number = percent.lstrip(f"-{fmt.MINUS}")
    if not number.strip("0."):
        return "no difference", ""
    return number, f"% {words[1] if number != percent else words[0]}"


def _joined(parts: Sequence[tuple[str, str]]) -> str:
    """One amount, or both ends of a range; what both share is said once, the smaller one first."""
    if len(parts) == 1:
        return "".join(parts[0])
    first, last = parts
    if first[1] == last[1]:
        first, last = sorted((first, last), key=lambda part: float(part[0].replace(",", "")))
        mark = "%" if first[1].startswith("%") else ""
        return f"{first[0]}{mark} to {last[0]}{last[1]}"
    return f"{''.join(first)} to {''.join(last)}"


def ends_of(claim: Mapping[str, Any]) -> tuple[float, ...]:
    """Every boundary of a claim: no difference, its null value, the ends of its range."""
    given: list[Any] = [claim.get(name) for name in ("null_value", "range_low", "range_high")]
    return tuple(dict.fromkeys((*BOUNDS, *(float(v) for v in given if not missing(v)))))


def missing(value: Any) -> bool:
    """Whether a cell holds nothing."""
    return value is None or value != value
