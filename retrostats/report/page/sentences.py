"""What a reader is told of a claim, in plain sentences written from its verdict by rules.

First yes, no or open, with how sure that is in words and then as a probability; then the number
with one interval; then the size that was claimed. A supported direction never reads as a supported
size. Where readings of the same words disagree, every one is told. No number is rounded onto or
across a boundary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from retrostats.audit.answer import percent
from retrostats.audit.grades import DIRECTION_ORDER, adverb
from retrostats.common.rounding import BOUNDS
from retrostats.report.page import format as fmt
from retrostats.report.page.effect_words import (
    amount,
    amount_and_span,
    claimed,
    ends_of,
    missing,
    span,
)

Row = Mapping[str, Any]
Stance = Literal["for", "against", "open"]

#: Symbol of each verdict; it says the same as its word and its shade.
SYMBOLS = {
    "supported": "\N{CHECK MARK}",
    "faithful": "\N{CHECK MARK}",
    "very likely": "\N{CHECK MARK}",
    "likely": "\N{CHECK MARK}",
    "compatible": "\N{ALMOST EQUAL TO}",
    "leaning": "?",
    "leaning against": "?",
    "unlikely": "\N{MULTIPLICATION SIGN}",
    "very unlikely": "\N{MULTIPLICATION SIGN}",
    "contradicted": "\N{MULTIPLICATION SIGN}",
    "drifted": "\N{MULTIPLICATION SIGN}",
    "not measured by the source": "\N{MULTIPLICATION SIGN}",
    "mixed": "\N{PLUS-MINUS SIGN}",
    "open": "?",
    "undecided": "?",
    "unverified": "?",
}
STANCES = {
    "for": "for the claim",
    "against": "against the claim",
    "open": "for or against the claim",
}
#: Places of two labels, from the claimed side to the other.
_LIKELY, _OPEN = DIRECTION_ORDER.index("likely"), DIRECTION_ORDER.index("open")
#: The range over everything that the sources leave open.
OPEN = "over all that was not printed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reader sees first of a claim.

    Attributes
    ----------
    sentence
        The answer with its numbers, of direction and of size apart.
    readings
        One sentence a reading of the same words, where they disagree; else none.
    shown
        The rows of estimates told, the one judged first.
    """

    sentence: str
    readings: tuple[str, ...]
    shown: tuple[Row, ...]


def answer(
    verdict: Row,
    estimates: Sequence[Row] = (),
    claim: Row | None = None,
    outer_bounds: Row | None = None,
) -> Answer:
    """The answer to one claim.

    Parameters
    ----------
    verdict
        A row of the verdicts frame.
    estimates
        Rows of the estimates frame; the one it rests on and other readings of it are looked up.
    claim
        Its row of the claims table, for the direction claimed.
    reach
        The outermost limits over everything that was not printed (`conf_low`, `conf_high`).

    Examples
    --------
    >>> row = {"claim_id": "c", "direction": "supported", "size": "compatible", "scale": "ratio",
    ...        "unit": "a / b", "estimate": 1.26, "conf_low": 1.13, "conf_high": 1.43,
    ...        "estimate_id": "e", "prob_direction": 0.999, "prob_direction_min": 0.989,
    ...        "prob_size": 0.46, "prob_below": 0.45, "prob_above": 0.09,
    ...        "range_low": 1.25, "range_high": 1.35}
    >>> print(answer(row).sentence)
    Yes, almost certainly (99.9%; 99% at the least, however what was not printed is taken). Best \
estimate 26% higher (95% interval 13% to 43% higher). As much as claimed, 25% to 35% higher? \
Possible (46%).
    """
    merged = {**(claim or {}), **verdict}
    if missing(verdict.get("estimate")):
        shown = [e for e in estimates if _judges(e, verdict)]
        return Answer(_unmeasured(verdict), (), tuple(shown))
    judged = next((e for e in estimates if e["estimate_id"] == verdict.get("estimate_id")), verdict)
    rows = readings_of(merged, judged, estimates)
    if disagree(rows, merged):
        parts = tuple(_reading(row, merged) for row in rows)
        first = direction_words(merged)
        said = " ".join(filter(None, (first, "It depends on how the source is read.")))
        return Answer(said, parts, tuple(rows))
    return Answer(_measured(merged, judged, rows, outer_bounds), (), (judged,))


def readings_of(claim: Row, judged: Row, estimates: Sequence[Row]) -> list[Row]:
    """The judged row, then other readings of the same words: same claim and quantity."""
    same = ("claim_id", "quantity", "role")
    others = [
        row
        for row in estimates
        if row["estimate_id"] != judged.get("estimate_id")
        and fmt.text(row.get("reading"))
        and fmt.text(judged.get("reading"))
        and all(row.get(name) == judged.get(name) for name in same)
        and not missing(row["estimate"])
    ]
    return [judged, *others]


def disagree(rows: Sequence[Row], claim: Row) -> bool:
    """Whether readings lie on different sides, or their intervals say different things."""
    null = claim.get("null_value")
    if missing(null) or len(rows) < 2:
        return False
    sides = {row["estimate"] > null for row in rows}
    return len(sides) > 1 or len({stance(row, claim) for row in rows}) > 1


def stance(row: Row, claim: Row, stem: str = "conf") -> Stance:
    """What an interval says of the direction claimed.

    Examples
    --------
    >>> less = {"null_value": 0.0, "claimed_direction": "below"}
    >>> stance({"conf_low": -2.5, "conf_high": 1.2}, less)
    'open'
    >>> stance({"conf_low": 0.8, "conf_high": 8.4}, less)
    'against'
    """
    null, low, high = claim["null_value"], row[f"{stem}_low"], row[f"{stem}_high"]
    if missing(low) or missing(high) or low <= null <= high:
        return "open"
    return "for" if (low > null) == (claim.get("claimed_direction") == "above") else "against"


def finding(drawing: Any, estimates: Sequence[Row], bounds: Iterable[float] = BOUNDS) -> str:
    """What a figure shows, and the numbers of the results it is about.

    Parameters
    ----------
    drawing
        Its words (`alt`) and the `estimate_id` of what it `shows`.
    """
    rows = {row["estimate_id"]: row for row in estimates}
    parts = []
    for row in (rows[name] for name in drawing.shows if name in rows):
        reading = fmt.text(row.get("reading"))
        name = f"{row['label']} ({reading})" if reading else row["label"]
        number = fmt.with_unit(fmt.estimate(row, bounds), fmt.text(row.get("unit")))
        parts.append(f"{name}: {number}")
        if outer := fmt.interval(row.get("sens_low"), row.get("sens_high"), bounds=bounds):
            parts[-1] += f", {OPEN} {outer}"
    return f"{drawing.alt}. {'; '.join(parts)}." if parts else f"{drawing.alt}."


def _judges(row: Row, verdict: Row) -> bool:
    """Whether a row is one of the measures of a claim that point to different sides."""
    wanted = fmt.text(verdict.get("estimate_id"))
    return bool(wanted) and row["estimate_id"] == wanted


def _unmeasured(verdict: Row) -> str:
    """The answer where no probability can be given."""
    reason = fmt.text(verdict.get("direction_reason"))
    label = verdict["direction"]
    if label == "not claimed":
        return "Nothing is claimed that can be measured by itself."
    if not reason:
        return {"no evidence": "Nobody measured it."}.get(label, "Open.")
    start = {"no evidence": "Nobody measured it: ", "mixed": "Yes by some measures, no by others: "}
    begin = start.get(label, "Open: ")
    return f"{begin}{reason[0].lower()}{reason[1:]}."


def direction_words(verdict: Row) -> str:
    """Yes, no or open, how sure that is, and the lowest probability over the declared choices.

    Examples
    --------
    >>> direction_words({"direction": "likely", "prob_direction": 0.91, "prob_direction_min": 0.91})
    'Yes, likely (91%).'
    >>> direction_words({"direction": "unlikely", "prob_direction": 0.13,
    ...                  "prob_direction_max": 0.13})
    'No, likely not (87% against it).'
    >>> direction_words({"direction": "open", "prob_direction": 0.35})
    'Open: 35% for it, 65% against it.'
    """
    p: Any = verdict.get("prob_direction")
    if missing(p) or verdict["direction"] in ("not claimed", "no evidence", "mixed"):
        return ""
    place = DIRECTION_ORDER.index(verdict["direction"])
    word = "yes" if place <= _LIKELY else "no" if place >= 2 * _OPEN - _LIKELY else ""
    if not word:
        return f"Open: {percent(p)} for it, {percent(1 - p)} against it."
    sure = adverb(p)
    if verdict["direction"] in ("likely", "unlikely"):  # one study says no more of others
        sure = "likely" if word == "yes" else "likely not"
    end: Any = verdict.get("prob_direction_min" if word == "yes" else "prob_direction_max")
    shown, least = (percent(x if word == "yes" else 1 - x) for x in (p, p if missing(end) else end))
    over = "" if least == shown else (
        f"; {least} at the least, however what was not printed is taken")  # fmt: skip
    against = "" if word == "yes" else " against it"
    return f"{word.capitalize()}, {sure} ({shown}{against}{over})."


def size_words(verdict: Row) -> str:
    """Whether it is as much as claimed, with the probability; empty where no size is claimed.

    Examples
    --------
    >>> size_words({"size": "unlikely", "prob_size": 0.1, "prob_below": 0.88, "prob_above": 0.02,
    ...             "scale": "ratio", "range_low": 1.25, "range_high": 1.35})
    'As much as claimed, 25% to 35% higher? Unlikely (10%): below it is likelier (88%).'
    """
    label, p = verdict.get("size"), verdict.get("prob_size")
    if label in (None, "not claimed", "no evidence") or missing(p):
        return ""
    inside: Any = p
    asked = f"As much as claimed, {claimed(verdict)}?"
    word = {"supported": "Yes", "compatible": "Possible", "open": "Open",
            "unlikely": "Unlikely", "contradicted": "No"}.get(str(label), "Open")  # fmt: skip
    said = f"{asked} {word} ({percent(inside)})"
    if label not in ("unlikely", "contradicted"):
        return f"{said}."
    below, above = (float(verdict.get(n) or 0.0) for n in ("prob_below", "prob_above"))
    side, share = ("below", below) if below >= above else ("above", above)
    return f"{said}: {side} it is likelier ({percent(share)})."


def _measured(claim: Row, judged: Row, rows: Sequence[Row], reach: Row | None) -> str:
    """Yes, no or open; the best estimate with its interval; the size that was claimed."""
    scale, unit, bounds = fmt.text(claim["scale"]), fmt.text(claim.get("unit")), ends_of(claim)
    number, inside = _with_interval(claim, scale, unit, bounds)
    best = f"Best estimate {number}" + (f" ({inside})." if inside else ".")
    return " ".join(filter(None, (direction_words(claim), best, size_words(claim))))


def _reading(row: Row, claim: Row) -> str:
    """One reading of the same words: its number, and what it would say."""
    scale, unit, bounds = fmt.text(claim["scale"]), fmt.text(row.get("unit")), ends_of(claim)
    number, interval = _with_interval(row, scale, unit, bounds)
    outer = _span(row, "sens", scale, bounds, "over all else not printed")
    inside = "; ".join(filter(None, (interval, outer)))
    says = STANCES[stance(row, claim)]
    if not missing(row.get("sens_low")) and stance(row, claim, "sens") != stance(row, claim):
        says += ", though not over all else not printed"
    return f"{fmt.capital(row['reading'])}: {number} ({inside}), {says}."


def _with_interval(row: Row, scale: str, unit: str, bounds: Iterable[float]) -> tuple[str, str]:
    """The estimate and its interval in words; no interval where a limit is missing."""
    value, low, high = (row.get(name) for name in ("estimate", "conf_low", "conf_high"))
    if value is None or low is None or high is None or low != low or high != high:
        return amount(value, scale, unit, bounds), ""
    number = amount_and_span(value, low, high, scale, unit, bounds)[0]
    return number, f"95% interval {amount_and_span(value, low, high, scale, bounds=bounds)[1]}"


def _span(row: Row, stem: str, scale: str, bounds: Iterable[float], name: str) -> str:
    low: Any = row.get(f"{stem}_low")
    high: Any = row.get(f"{stem}_high")
    if missing(low) or missing(high):
        return ""
    return f"{name} {span(low, high, scale, bounds=bounds)}"
