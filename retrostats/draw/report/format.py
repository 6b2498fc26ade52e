"""Numbers and links as a reader sees them; the only place where anything is rounded."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlsplit

MINUS = "\N{MINUS SIGN}"


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


def number(value: Any, digits: int = 2) -> str:
    """Rounded number with a true minus sign; empty if missing.

    Examples
    --------
    >>> number(1.2549), number(float("nan")), number(1525.0, 0)
    ('1.25', '', '1,525')
    """
    if value is None or value != value:
        return ""
    rounded = f"{float(value):,.{digits}f}"
    if float(rounded.replace(",", "")) == 0:
        rounded = rounded.removeprefix("-")
    return rounded.replace("-", MINUS)


def short(value: Any) -> str:
    """Number with up to four significant digits.

    Examples
    --------
    >>> short(0.00123456), short(30.0)
    ('0.001235', '30')
    """
    return "" if value is None or value != value else f"{float(value):.4g}".replace("-", MINUS)


def interval(low: Any, high: Any, digits: int = 2) -> str:
    """Range in words, open ends named.

    Examples
    --------
    >>> interval(1.25, 1.35), interval(float("nan"), 1.0)
    ('1.25 to 1.35', 'up to 1.00')
    """
    start, stop = number(low, digits), number(high, digits)
    if start and stop:
        return f"{start} to {stop}"
    return f"up to {stop}" if stop else f"from {start}" if start else ""


def estimate(row: Any) -> str:
    """Estimate with its 95% confidence interval.

    Examples
    --------
    >>> estimate({"estimate": 1.154, "conf_low": 1.05, "conf_high": 1.27})
    '1.15 [1.05, 1.27]'
    """
    value = number(row["estimate"])
    low, high = number(row["conf_low"]), number(row["conf_high"])
    return f"{value} [{low}, {high}]" if value and low else value


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


def split(joined: Any) -> list[str]:
    """Parts of a "; "-joined cell."""
    return [part.strip() for part in text(joined).split(";") if part.strip()]
