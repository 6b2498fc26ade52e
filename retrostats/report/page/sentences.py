"""What a reader is told of a claim, in plain sentences written from its verdict by rules.

First yes, no or open, with how sure that is in words and then as a probability; then the number
with one interval; then the size that was claimed. A supported direction never reads as a supported
size. Where readings of the same words disagree, every one is told. No number is rounded onto or
across a boundary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from retrostats.audit.plain_words import NO_WORDS, PlainWords
from retrostats.common.rounding import BOUNDS
from retrostats.report.page import format as fmt
from retrostats.report.page.amounts import RATIOS, amount, amount_and_span, ends_of, missing, sided
from retrostats.report.page.verdict_words import (
    chance_words,
    in_hundred,
    size_question,
    size_words,
    verdict_words,
)

Row = Mapping[str, Any]
Stance = Literal["for", "against", "open"]

STANCES = {
    "for": "for the claim",
    "against": "against the claim",
    "open": "for or against the claim",
}
#: The range over everything that the sources leave open.
OPEN = "over all that was not printed"


#: What a range of 95% is called, in the words of `grades.adverb`.
LIKELY_RANGE = "very likely"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reader sees first of a claim.

    Attributes
    ----------
    verdict
        Yes, no, not known or never measured, and how sure: a few words.
    amount
        The amount with its range, in a sentence; or why there is none.
    chance
        The probability behind the words, in a clause; empty without one, and where readings
        disagree: the amount tells it then, behind what it depends on.
    size_asks, size
        What is asked of the claimed size, and whether it is as much; empty where no size is.
    readings
        One sentence a reading of the same words, where they disagree; else none.
    shown
        The rows of estimates told, the one judged first.
    measured
        Whether the amount is a number with its range, and not why there is none.
    """

    verdict: str
    amount: str
    chance: str
    size_asks: str
    size: str
    readings: tuple[str, ...]
    shown: tuple[Row, ...]
    measured: bool = False

    @property
    def sentence(self) -> str:
        """All of it but the readings, in running text."""
        first = f"{self.verdict} ({self.chance})" if self.chance else self.verdict
        joint = ": " if self.amount[:1].islower() else ". "
        said = joint.join(filter(None, (first, self.amount)))
        return " ".join(filter(None, (f"{said.rstrip('.')}.", self.size_asks, self.size)))


def answer(
    verdict: Row,
    estimates: Sequence[Row] = (),
    claim: Row | None = None,
    words: PlainWords = NO_WORDS,
) -> Answer:
    """The answer to one claim.

    Parameters
    ----------
    verdict
        A row of the verdicts frame.
    estimates
        Rows of the estimates frame; the one it rests on and other readings of it are looked up.
    claim
        Its row of the claims table, for the side claimed.
    words
        What the audit calls its amounts, in plain words.

    Examples
    --------
    >>> row = {"claim_id": "c", "direction": "supported", "size": "compatible", "scale": "ratio",
    ...        "unit": "a / b", "estimate": 1.26, "conf_low": 1.13, "conf_high": 1.43,
    ...        "estimate_id": "e", "prob_direction": 0.999, "prob_direction_min": 0.989,
    ...        "prob_size": 0.46, "prob_below": 0.45, "prob_above": 0.09,
    ...        "range_low": 1.25, "range_high": 1.35}
    >>> print(answer(row, words=PlainWords(more="more", where="at the same speed")).sentence)
    Yes, almost certainly (999 chances in 1,000). About 26% more at the same speed, very likely \
13% to 43%. As much as claimed, 25% to 35% higher? It may be: even odds.
    """
    merged = {**(claim or {}), **verdict}
    if missing(verdict.get("estimate")):
        shown = tuple(e for e in estimates if _judges(e, verdict))
        return Answer(verdict_words(merged), _unmeasured(verdict, words), "", "", "", (), shown)
    judged = next((e for e in estimates if e["estimate_id"] == verdict.get("estimate_id")), verdict)
    rows = readings_of(merged, judged, estimates)
    first = verdict_words(merged)
    size = size_question(merged, words), size_words(merged, words)
    if disagree(rows, merged):
        parts = tuple(_reading(row, merged, words) for row in rows)
        depends = words.depends or "it depends on how the source is read"
        chance = chance_words(merged, words.holds or "it is so", words.otherwise)
        depends = ": ".join(filter(None, (depends, chance)))  # of a guess, not of it
        return Answer(first, depends, "", *size, parts, tuple(rows))
    said = _measured(merged, words)
    return Answer(first, said, chance_words(merged), *size, (), (judged,), measured=True)


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


def _unmeasured(verdict: Row, words: PlainWords) -> str:
    """Why no probability can be given."""
    reason = fmt.text(verdict.get("direction_reason"))
    label = verdict["direction"]
    if label == "not claimed":
        return "nothing is claimed that can be measured by itself"
    if label == "no evidence" and words.missing:
        return words.missing
    return f"{reason[0].lower()}{reason[1:]}" if reason else ""


def _measured(claim: Row, words: PlainWords) -> str:
    """The best estimate and the range it very likely lies in."""
    at = f" {words.where}" if words.where else ""
    first, inside = number_words(claim, claim, words)
    return f"About {first}{at}{_range(first, inside, words)}."


def _range(first: str, inside: str, words: PlainWords) -> str:
    """The range behind a number, empty without one; the word of a side that both have, once.

    Examples
    --------
    >>> _range("26% more", "13% to 40% more", PlainWords(more="more"))
    ', very likely 13% to 40%'
    >>> _range("2% more", "13% less to 40% more", PlainWords(more="more", less="less"))
    ', very likely 13% less to 40% more'
    """
    for side, other in (words.amounts, words.amounts[::-1]):
        if first.endswith(f" {side}") and f" {other} to" not in inside:
            inside = inside.removesuffix(f" {side}")
    return f", {LIKELY_RANGE} {inside}" if inside else ""


def number_words(row: Row, claim: Row, words: PlainWords) -> tuple[str, str]:
    """A number and its 95% interval, one form for both; the interval is empty without one."""
    scale, bounds = fmt.text(claim["scale"]), ends_of(claim)
    value: Any = row["estimate"]
    low: Any = row.get("conf_low")
    high: Any = row.get("conf_high")
    if scale not in RATIOS and words.unit:
        return sided(value, low, high, words.unit, words.amounts, bounds)
    unit = fmt.text(row.get("unit"))
    if missing(low) or missing(high):
        return amount(value, scale, unit, bounds, words.amounts), ""
    first, inside = amount_and_span(value, low, high, scale, "", bounds, words.amounts)
    return first if scale in RATIOS else fmt.with_unit(first, unit), inside


def _reading(row: Row, claim: Row, words: PlainWords) -> str:
    """One reading of the same words: its number, and what it would say."""
    first, inside = number_words(row, claim, replace(words, unit=""))  # each reading has its own
    ends = f", {LIKELY_RANGE} {inside}" if inside else ""
    if words.less and fmt.text(claim["scale"]) == "difference":
        ends += f" (below 0 is {words.less})"
    says = STANCES[stance(row, claim)]
    if not missing(row.get("sens_low")) and stance(row, claim, "sens") != stance(row, claim):
        says += ", though not in the worst case of what was not printed"
    return f"{fmt.capital(row['reading'])}: {first}{ends}; {says}."


def measure_words(row: Row, claim: Row, words: PlainWords = NO_WORDS) -> str:
    """What one measure of a claim says: how sure, over which choices, the amount, the worst case.

    Parameters
    ----------
    row
        Of the frame of answers, with its unit.
    claim
        Its row of the claims table or of the verdicts.

    Examples
    --------
    >>> row = {"measure": "strength", "direction": "unlikely", "prob_direction": 0.13,
    ...        "prob_direction_min": 0.01, "prob_direction_max": 0.13, "estimate": 1.19,
    ...        "conf_low": 0.77, "conf_high": 1.84, "unit": "ratio"}
    >>> print(measure_words(row, {"scale": "ratio"}))
    Strength: no, likely not (13 chances in 100 that it is so, from 1 in 100 to 13 in 100 over the \
choices there are). 19% higher, very likely 23% lower to 84% higher.
    """
    name = fmt.capital(row["measure"])
    if missing(row.get("estimate")):
        why = fmt.text(row.get("why_none"))
        return f"{name}: {why}." if why else f"{name}: {verdict_words(row).lower()}."
    chance = chance_words(row)
    low, high = row.get("prob_direction_min"), row.get("prob_direction_max")
    if chance and not missing(low) and not missing(high):
        ends = (in_hundred(float(low or 0)), in_hundred(float(high or 0)))
        if len({*ends}) > 1:
            chance += f", from {ends[0]} to {ends[1]} over the choices there are"
    first = f"{name}: {verdict_words(row).lower()}" + (f" ({chance})" if chance else "")
    amount_, inside = number_words(row, {**claim, **row, "scale": claim["scale"]}, words)
    ends_ = _range(amount_, inside, words)
    limits = {"conf_low": row.get("outermost_low"), "conf_high": row.get("outermost_high")}
    worst = worst_words({**claim, "unit": row.get("unit")}, limits, words)
    return " ".join(filter(None, (f"{first}. {fmt.capital(amount_)}{ends_}.", worst)))


def worst_words(verdict: Row, limits: Row, words: PlainWords = NO_WORDS) -> str:
    """The outermost limits over everything that was not printed, in a sentence; or nothing.

    Examples
    --------
    >>> worst_words({"scale": "ratio"}, {"conf_low": 0.89, "conf_high": 1.92})[-45:]
    'how studies differ): 11% lower to 92% higher.'
    """
    low, high = limits.get("conf_low"), limits.get("conf_high")
    if missing(low) or missing(high):
        return ""
    row = {**limits, "estimate": low, "unit": verdict.get("unit")}
    _, ends = number_words(row, verdict, words)
    if fmt.text(verdict["scale"]) not in RATIOS and not words.unit:
        ends = fmt.with_unit(ends, fmt.text(verdict.get("unit")))
    return (
        "If everything that was not printed fell out the worst way at once (limits of the "
        f"classical estimate, which has no prior on how studies differ): {ends}."
    )
