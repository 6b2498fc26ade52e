"""Numbers and links as a reader sees them; every number by the rule of `common/rounding.py`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlsplit

from retrostats.common.rounding import BOUNDS, limits, rounded, with_limits

MINUS = "\N{MINUS SIGN}"
#: Words that keep their small letter at the start of a sentence.
AS_WRITTEN = frozenset({"p", "df", "r", "n", "k", "ml", "kg", "kcal", "tau"})


def text(value: Any) -> str:
    """Text of a cell; missing values are empty."""
    return "" if value is None or value != value else str(value)


def said(value: Any) -> str:
    """A sentence with a true minus sign before numbers; words and ranges keep their hyphens.

    Examples
    --------
    >>> said("-4.38 to -0.5 (one-sided, 2001-02)")
    '−4.38 to −0.5 (one-sided, 2001-02)'
    """
    return re.sub(r"(?<![\w.)])-(?=\.?\d)", MINUS, text(value))


def number(value: Any, digits: int = 2, bounds: Iterable[float] = BOUNDS) -> str:
    """Number by the one rule of rounding, with a true minus sign; empty if missing.

    Examples
    --------
    >>> number(1.2549), number(float("nan")), number(1525.0, 0), number(1.004)
    ('1.25', '', '1,525', '1.004')
    """
    if value is None or value != value:
        return ""
    return rounded(float(value), digits, bounds).replace("-", MINUS)


def short(value: Any) -> str:
    """Number with up to four significant digits.

    Examples
    --------
    >>> short(0.00123456), short(30.0)
    ('0.001235', '30')
    """
    return "" if value is None or value != value else f"{float(value):.4g}".replace("-", MINUS)


def recomputed(check: Any) -> str:
    """A recomputed number to four digits, with the range of its rounding where it has one.

    Examples
    --------
    >>> recomputed({"recomputed": 21.21, "low": 21.1, "high": 21.4})
    '21.21 (21.1 to 21.4)'
    >>> recomputed({"recomputed": 25.0, "low": 25.0, "high": 25.0})
    '25'
    """
    low, high = short(check["low"]), short(check["high"])
    value = short(check["recomputed"])
    return value if low == high else f"{value} ({low} to {high})"


def interval(low: Any, high: Any, digits: int = 2, bounds: Iterable[float] = BOUNDS) -> str:
    """Range in words, open ends named.

    Examples
    --------
    >>> interval(1.25, 1.35), interval(float("nan"), 1.0), interval(1.00399, 1.3358)
    ('1.25 to 1.35', 'up to 1.00', '1.004 to 1.336')
    """
    start, stop = ends(low, high, digits, bounds)
    if start and stop:
        return f"{start} to {stop}"
    return f"up to {stop}" if stop else f"from {start}" if start else ""


def with_unit(number: str, unit: str) -> str:
    """A number and its unit; a per cent sign stands close.

    Examples
    --------
    >>> with_unit("4.63", "% of the body fat"), with_unit("2.40", "kg"), with_unit("1.20", "")
    ('4.63% of the body fat', '2.40 kg', '1.20')
    """
    return f"{number}{unit}" if unit.startswith("%") else f"{number} {unit}".strip()


def exact(value: Any) -> str:
    """A number that was declared, not computed: as it stands.

    Examples
    --------
    >>> exact(-3.0), exact(1.25), exact(None)
    ('−3', '1.25', '')
    """
    return "" if value is None or value != value else f"{value:g}".replace("-", MINUS)


def exact_range(low: Any, high: Any) -> str:
    """A declared range in words; an open end is named.

    Examples
    --------
    >>> exact_range(-3.0, -2.0), exact_range(None, -2.0), exact_range(1.25, None)
    ('−3 to −2', 'up to −2', 'from 1.25')
    """
    start, stop = exact(low), exact(high)
    if start and stop:
        return f"{start} to {stop}"
    return f"up to {stop}" if stop else f"from {start}" if start else ""


def capital(value: Any) -> str:
    """A sentence's first letter large, names of rows and units aside.

    Examples
    --------
    >>> capital("the impact"), capital("2.4% as points"), capital("mc-pool"), capital("df, known")
    ('The impact', '2.4% as points', 'mc-pool', 'df, known')
    """
    shown = text(value)
    first = re.match(r"[a-z]+(?= |$|,|:)", shown)
    if not first or first[0] in AS_WRITTEN:
        return shown
    return shown[0].upper() + shown[1:]


def ends(low: Any, high: Any, digits: int = 2, bounds: Iterable[float] = BOUNDS) -> tuple[str, str]:
    """Both ends of a range, told apart where they differ; a missing or infinite end is empty."""
    low, high = (math.nan if v is None else float(v) for v in (low, high))
    if math.isfinite(low) and math.isfinite(high):
        start, stop = limits(low, high, digits, bounds)
        return start.replace("-", MINUS), stop.replace("-", MINUS)
    start, stop = (number(v if math.isfinite(v) else None, digits, bounds) for v in (low, high))
    return start, stop


def estimate(row: Any, bounds: Iterable[float] = BOUNDS) -> str:
    """Estimate with its 95% confidence interval, in one form.

    Examples
    --------
    >>> estimate({"estimate": 1.154, "conf_low": 1.05, "conf_high": 1.27})
    '1.15 [1.05, 1.27]'
    >>> estimate({"estimate": 0.99, "conf_low": 0.983, "conf_high": 0.997})
    '0.990 [0.983, 0.997]'
    """
    value, low, high = three(row["estimate"], row["conf_low"], row["conf_high"], bounds=bounds)
    return f"{value} [{low}, {high}]" if value and low else value


def three(
    value: Any, low: Any, high: Any, digits: int = 2, bounds: Iterable[float] = BOUNDS
) -> tuple[str, str, str]:
    """An estimate and its limits in one form; the limits are empty where one is missing."""
    at, start, stop = (math.nan if v is None else float(v) for v in (value, low, high))
    if not all(map(math.isfinite, (at, start, stop))):
        return number(value, digits, bounds), *ends(low, high, digits, bounds)
    shown, first, last = (
        text.replace("-", MINUS) for text in with_limits(at, start, stop, digits, bounds)
    )
    return shown, first, last


def with_interval(
    value: Any, low: Any, high: Any, none: str = "", bounds: Iterable[float] = BOUNDS
) -> str:
    """Estimate with its interval in words; `none` says why there is no interval.

    Examples
    --------
    >>> with_interval(0.99, 0.983, 0.997), with_interval(2.1, None, None, "one person")
    ('0.990 (0.983 to 0.997)', '2.10 (one person)')
    """
    shown, start, stop = three(value, low, high, bounds=bounds)
    inside = f"{start} to {stop}" if start and stop else none
    return f"{shown} ({inside})" if inside else shown


def year(value: Any) -> str:
    """A year as people write it.

    Examples
    --------
    >>> year(2005.0), year("2012"), year(float("nan"))
    ('2005', '2012', '')
    """
    shown = text(value)
    return shown.removesuffix(".0") if re.fullmatch(r"\d{4}\.0", shown) else shown


def degrees(df: Any) -> str:
    """Degrees of freedom; of a normal curve they have no end.

    Examples
    --------
    >>> degrees(11.96), degrees(float("inf")), degrees(float("nan"))
    ('12.0', '∞', '')
    """
    if df is None or df != df:
        return ""
    return "\N{INFINITY}" if math.isinf(df) else number(df, 1)


def p_value(p: Any) -> str:
    """p-value: two significant digits, never zero.

    Examples
    --------
    >>> p_value(0.0312), p_value(2e-6)
    ('0.031', '< 0.001')
    """
    if p is None or p != p:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


def safe_url(value: Any) -> str:
    """The address if it is a web address, else empty.

    Examples
    --------
    >>> safe_url("https://example.org/a"), safe_url("javascript:alert(1)")
    ('https://example.org/a', '')
    """
    address = text(value).strip()
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return address if parts.scheme in ("http", "https") and parts.netloc else ""


def doi_url(value: Any) -> str:
    """Link of a DOI; empty if it is not one."""
    doi = text(value).strip()
    return (
        f"https://doi.org/{quote(doi, safe='/()._-;:')}"
        if re.match(r"10\.\d{4,}/\S+$", doi)
        else ""
    )


def anchor(value: Any) -> str:
    """Identifier for a link inside the page.

    Examples
    --------
    >>> anchor("a b<c>")
    'a-20-b-3c-c-3e-'
    """
    return re.sub(r"[^A-Za-z0-9_-]", lambda m: f"-{ord(m.group()):x}-", text(value))


def in_words(count: int) -> str:
    """A small count as a word.

    Examples
    --------
    >>> in_words(4), in_words(12)
    ('four', '12')
    """
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[count] if count < len(words) else str(count)


def split(joined: Any) -> list[str]:
    """Parts of a "; "-joined cell."""
    return [part.strip() for part in text(joined).split(";") if part.strip()]
