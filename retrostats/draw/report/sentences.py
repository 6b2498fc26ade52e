"""One plain sentence a claim, written by rules from its verdict: answer, number, uncertainty.

A supported direction never reads as a supported size: the two stand in two clauses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retrostats.draw.report import format as fmt

#: Symbol of each verdict; it says the same as its word and its shade.
SYMBOLS = {
    "supported": "\N{CHECK MARK}",
    "faithful": "\N{CHECK MARK}",
    "compatible": "\N{ALMOST EQUAL TO}",
    "contradicted": "\N{MULTIPLICATION SIGN}",
    "drifted": "\N{MULTIPLICATION SIGN}",
    "not measured by the source": "\N{MULTIPLICATION SIGN}",
    "undecided": "?",
    "unverified": "?",
}
#: What is said of the size, after a supported direction.
SIZES = {
    "supported": "the size claimed is supported too",
    "compatible": "the size claimed fits but is not shown",
    "undecided": "the size claimed is not settled",
    "contradicted": "the size claimed is wrong",
}
RATIOS = ("ratio", "rate_ratio", "odds_ratio", "risk_ratio")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reader sees first of a claim.

    Attributes
    ----------
    direction, symbol, mark
        The verdict on the direction, its symbol, and its word on the mark: where a size is claimed
        that is not supported as well, the mark says that it is the direction only.
    sentence
        The answer in words, of direction and of size apart.
    numbers
        Estimate, interval and the range over what was not printed; empty without an estimate.
    turns_on
        What would change it; empty if nothing was named.
    """

    direction: str
    symbol: str
    mark: str
    sentence: str
    numbers: str
    turns_on: str


def answer(verdict: Mapping[str, Any], estimate: Mapping[str, Any] | None = None) -> Answer:
    """The answer to one claim.

    Parameters
    ----------
    verdict
        A row of the verdicts frame.
    estimate
        The row of the estimates frame it rests on, for the range over what was not printed.

    Examples
    --------
    >>> row = {"direction": "supported", "size": "undecided", "scale": "ratio", "unit": "a / b",
    ...        "estimate": 1.26, "conf_low": 1.04, "conf_high": 1.54, "decided_by": ""}
    >>> told = answer(row)
    >>> told.sentence
    'The direction is supported; the size claimed is not settled.'
    >>> told.numbers
    'Best estimate 26% higher (95% interval 4% higher to 54% higher).'
    """
    label = fmt.text(verdict["direction"])
    return Answer(
        label,
        SYMBOLS.get(label, "\N{EN DASH}"),
        _mark(label, fmt.text(verdict["size"])),
        _sentence(verdict),
        _numbers(verdict, estimate or {}),
        fmt.text(verdict.get("decided_by")),
    )


def claimed(verdict: Mapping[str, Any]) -> str:
    """The range that would make a claim true, in the words of its estimate; empty without one.

    Examples
    --------
    >>> claimed({"range_low": 1.25, "range_high": 1.35, "scale": "ratio"})
    '25% higher to 35% higher'
    >>> claimed({"range_low": float("nan"), "range_high": -2.0, "scale": "difference"})
    'up to −2.0'
    """
    scale = fmt.text(verdict.get("scale"))
    low, high = verdict.get("range_low"), verdict.get("range_high")
    start, stop = ("" if v is None or v != v else amount(v, scale) for v in (low, high))
    if scale in RATIOS and not start and stop.endswith(" lower"):
        return f"at least {stop}"
    if start and stop:
        return f"{start} to {stop}"
    return f"from {start}" if start else f"up to {stop}" if stop else ""


def amount(value: float, scale: str, unit: str = "") -> str:
    """An effect in words: per cent for a ratio, else the number with its unit.

    Examples
    --------
    >>> amount(1.264, "ratio"), amount(0.79, "ratio"), amount(7.9, "ratio"), amount(1.0, "ratio")
    ('26% higher', '21% lower', '7.9 times as high', 'no difference')
    >>> amount(-2.4, "difference", "percentage points")
    '−2.4 percentage points'
    """
    if scale not in RATIOS:
        told = fmt.number(value, 1) if value == 0 or abs(value) >= 0.05 else fmt.number(value, 3)
        return f"{told} {unit}".strip()
    if value >= 2:
        return f"{fmt.number(value, 1)} times as high"
    percent = round(100 * (value - 1))
    if percent == 0:
        return "no difference"
    return f"{abs(percent)}% {'higher' if percent > 0 else 'lower'}"


def _mark(direction: str, size: str) -> str:
    plain = direction not in ("supported", "contradicted") or size in ("supported", "not claimed")
    return direction if plain else f"direction {direction}"


def _sentence(verdict: Mapping[str, Any]) -> str:
    direction, size = fmt.text(verdict["direction"]), fmt.text(verdict["size"])
    reason = fmt.text(verdict.get("direction_reason"))
    if direction == "supported":
        known = SIZES.get(size)
        return f"The direction is supported{f'; {known}' if known else ''}."
    if direction == "contradicted":
        return "Contradicted: the evidence points the other way."
    if direction == "no evidence":
        return f"No evidence: {reason}." if reason else "No evidence."
    if direction == "undecided":
        told = fmt.text(verdict.get("decided_by"))
        return "Not decided" + (f": it turns on {told}." if told else ".")
    return "Nothing that can be measured is claimed."


def _numbers(verdict: Mapping[str, Any], estimate: Mapping[str, Any]) -> str:
    value = verdict.get("estimate")
    if value is None or value != value:
        return ""
    scale, unit = fmt.text(verdict.get("scale")), fmt.text(verdict.get("unit"))
    told = f"Best estimate {amount(value, scale, unit)}"
    rest = "over all that is not printed"
    if reading := fmt.text(estimate.get("reading")):
        # the range of the verdict covers the other readings too, in units of their own
        told = f"Under one reading ({reading}): b{told[1:]}"
        rest = "over all else that is not printed"
    spans = ((verdict, "conf", "95% interval"), (estimate, "sens", rest))
    parts = [f"{name} {span}" for row, stem, name in spans if (span := _span(row, stem, scale))]
    return f"{told} ({'; '.join(parts)})." if parts else f"{told}."


def _span(row: Mapping[str, Any], stem: str, scale: str) -> str:
    low, high = row.get(f"{stem}_low"), row.get(f"{stem}_high")
    if low is None or high is None or low != low or high != high:
        return ""
    return f"{amount(low, scale)} to {amount(high, scale)}"
