"""A printed row in words, as its source prints it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retrostats.report.page import format as fmt

Row = Mapping[str, Any]


def printed(row: Row) -> str:
    """Everything that a row of the published tables prints, each number with its unit.

    Examples
    --------
    >>> printed({"mean_text": "12.42", "spread_text": "2.29", "spread_type": "SD",
    ...          "unit": "ml/kg/min", "p_value_text": "0.05", "p_operator": "<"})
    '12.42 ± 2.29 (SD) ml/kg/min; p < 0.05'
    >>> printed({"mean_text": "0.150", "ci_low_text": "0.10", "ci_high_text": "2.8"})
    '0.150; CI 0.10 to 2.8'
    >>> printed({"pct_change_text": "-8.0", "unit": "%"}), printed({"statistic": "ES in words"})
    ('−8.0%', 'ES in words')
    """
    unit = fmt.text(row.get("unit_printed", row.get("unit")))
    parts = [
        _amount(row, "mean_text", "spread", unit),
        _amount(row, "change_text", "change_spread", unit, "change "),
        _percent(row),
        _events(row),
    ]
    low, high = (fmt.text(row.get(f"ci_{end}_text")) for end in ("low", "high"))
    if low and high:
        parts.append(f"CI {low} to {high}")
    elif low or high:
        parts.append(f"CI {'from' if low else 'up to'} {low or high}")
    if p := fmt.text(row.get("p_value_text")):
        parts.append(f"p {fmt.text(row.get('p_operator'))} {p}".replace("  ", " "))
    shown = "; ".join(fmt.said(part) for part in parts if part)
    return shown or fmt.said(row.get("statistic")) or "in words only"


def circumstances(row: Row) -> str:
    """Who did what: gait, condition compared, arm and time."""
    names = ("gait", "direction", "arm", "time", "condition")
    return ", ".join(filter(None, (fmt.text(row.get(name)) for name in names)))


def outcome(row: Row) -> str:
    """What was measured, in the source's words.

    Examples
    --------
    >>> outcome({"outcome_printed": "efficiency_of_work"}), outcome({"outcome_printed": "VO2"})
    ('efficiency of work', 'VO2')
    """
    return fmt.text(row.get("outcome_printed")).replace("_", " ")


def _amount(row: Row, name: str, spread: str, unit: str, before: str = "") -> str:
    value = fmt.text(row.get(name))
    if not value:
        return ""
    shown = f"{before}{value}"
    if error := fmt.text(row.get(f"{spread}_text")):
        kind = fmt.text(row.get(f"{spread}_type"))
        shown += f" ± {error} ({kind})" if kind else f" ± {error}"
    return fmt.with_unit(shown, unit)


def _percent(row: Row) -> str:
    """A printed percentage, unless it is the number already told."""
    percent = fmt.text(row.get("pct_change_text"))
    if not percent or percent == fmt.text(row.get("mean_text")):
        return ""
    return f"{percent}%"


def _events(row: Row) -> str:
    events = fmt.text(row.get("events_text"))
    if not events:
        return ""
    exposure = fmt.text(row.get("exposure_text"))
    within = f" in {exposure} {fmt.text(row.get('exposure_unit'))}" if exposure else ""
    return f"{events} events{within}".rstrip()
