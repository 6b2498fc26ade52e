"""On which side of no effect a claim and its rows lie, in words, before anything is computed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from retrostats.audit.pages.findings import Group, printed_unit
from retrostats.evidence.pages.claim import ReadClaim, ReadRow
from retrostats.evidence.printed.measures import (
    CORRELATION,
    DIFFERENCE,
    PERCENT,
    PROPORTION,
    Measure,
    measure_name,
)  # fmt: skip
from retrostats.io.pages.page import BETTER, PageClaim


def claim_words(group: Group, claim: ReadClaim) -> Iterator[str]:
    """What makes a claim true, in words, and whether the page calls that side worse."""
    first, second = group.page.conditions.first, group.page.conditions.second
    if claim.claim.moderator or claim.measure.name == CORRELATION:
        ends = range_words(claim.claim.true_if.low, claim.claim.true_if.high)
        what = f"the slope on {claim.claim.moderator}" if claim.claim.moderator else CORRELATION
        yield f"true if {what} is {ends}"
        return
    if claim.measure.name == PROPORTION:
        ends = range_words(claim.claim.true_if.low, claim.claim.true_if.high)
        yield f"true if the proportion of {first} is {ends}"
        return
    difference = claim.measure.name == DIFFERENCE
    unit = printed_unit(claim) if difference else ""
    low, high, none = true_range(claim.claim, claim.measure)
    yield f"true if {first} is {effect_words(claim.claim, claim.measure, unit)} {second}"
    side = 1 if low >= none else -1 if high <= none else 0
    wanted = {BETTER[0]: -1, BETTER[1]: 1}.get(claim.claim.better, 0)
    if side and wanted and side != wanted:
        yield (
            f"look again: better = {claim.claim.better!r}, and true_if lies on the other side: as "
            f"written the claim is that {first} makes it worse; if it is not, turn true_if, or "
            "the order of compared"
        )


def true_range(claim: PageClaim, measure: Measure) -> tuple[float, float, float]:
    """Ends of the range of true_if, and no effect, all as the page writes them."""
    percent = measure_name(claim.measure, claim.claim_id) == PERCENT
    return claim.true_if.low, claim.true_if.high, 0.0 if percent else measure.null


def effect_words(claim: PageClaim, measure: Measure, unit: str = "") -> str:
    """How the first condition compares with the second where the claim is true.

    Differences and percentages are told as higher or lower, ratios as times.
    """
    low, high, none = true_range(claim, measure)
    percent = measure_name(claim.measure, claim.claim_id) == PERCENT
    if measure.is_log and not percent:
        return f"{range_words(low, high)} times ({measure.name})"
    shown = "%" if percent else f" {unit}" if unit else f" ({measure.name})"
    ends = (low, high)
    if high <= none:
        ends = (-high, -low)
    word = "higher" if low >= none else "lower"
    if low < none < high:
        return f"{range_words(low, high)}{shown} (below 0 is lower) against"
    if ends == (0.0, math.inf):
        return f"{word} than"
    return f"{range_words(ends[0] + 0.0, ends[1] + 0.0)}{shown} {word} than"


def range_words(low: float, high: float) -> str:
    """Both ends, or the one there is.

    Examples
    --------
    >>> range_words(4, 6), range_words(5, math.inf), range_words(-math.inf, 1)
    ('4 to 6', '5 or more', '1 or less')
    """
    if math.isinf(high):
        return f"{low:g} or more"
    return f"{high:g} or less" if math.isinf(low) else f"{low:g} to {high:g}"


def sign_words(pooled: Sequence[ReadRow], claim: ReadClaim) -> Iterator[str]:
    """Rows on the other side of no effect than most, or all on the side that is not claimed."""
    if claim.measure.name == PROPORTION:  # no side of no effect
        return
    signs = {1: _of_sign(pooled, 1), -1: _of_sign(pooled, -1)}
    fewer, more = sorted(signs.values(), key=len)
    if fewer:
        yield (
            f"opposite sign: {_named(fewer)}, against {_named(more)}; look whether the source "
            "compares in the same order"
        )
    elif more:
        low, high, none = true_range(claim.claim, claim.measure)
        side = 1 if low >= none else -1 if high <= none else 0
        if side and not signs[side]:
            yield (
                f"every pooled row ({_named(more)}) lies on the side that is not claimed; look "
                "whether true_if and compared are in the order that is meant"
            )


def _of_sign(pooled: Sequence[ReadRow], sign: int) -> list[ReadRow]:
    return [row for row in pooled if row.source.sign == sign]


def _named(rows: Sequence[ReadRow]) -> str:
    return ", ".join(f"row {row.row.number} ({row.row.study})" for row in rows)
