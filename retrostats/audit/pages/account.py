"""What each row of a table became, line by line, before anything is computed from it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from retrostats.audit.pages.findings import Group
from retrostats.audit.pages.flow import flow_words
from retrostats.audit.pages.page_audit import ReadPage, page_tables, read_audit_page
from retrostats.audit.pages.pooling import prior_in_use
from retrostats.audit.pages.sides import claim_words, sign_words
from retrostats.common.rounding import with_limits
from retrostats.common.student import t_quantile
from retrostats.evidence.pages.claim import ReadRow, prior_of_row
from retrostats.evidence.pages.spaces import spread_range
from retrostats.evidence.printed.measures import Measure
from retrostats.evidence.printed.row_effects import spread_prior
from retrostats.evidence.printed.sources import BARE
from retrostats.evidence.unreported.sources import CORRELATION as OPEN_CORRELATION
from retrostats.evidence.unreported.unknowns import Unknown
from retrostats.io.pages.judgements import domain_name
from retrostats.io.pages.page import CORRELATION, RISK_OF_BIAS

_UNIFORM = (
    "uniform from -1 to 1, for want of a reason for another (state one in [open.correlation])"
)


def account_of_page(path: str | Path) -> str:
    """What every row became, what is left open and with which prior, and what is pooled.

    Raises
    ------
    InputError
        One message with everything that is wrong in page and table.
    """
    read = read_audit_page(path)
    page_tables(read)
    page = read.page
    head = f"{page.file.name}, {page.table.name}: {page.title}"
    first, second = page.conditions.first, page.conditions.second
    compared = f"compared: {first} against {second}" if second else f"of {first}"
    lines = [head, f"{compared}; {_many(len(page.rows), 'row')}, "
             f"{_many(len(page.claims), 'claim')}"]  # fmt: skip
    for group in read.groups.values():
        lines += _group(read, group)
    used = {row.number for claim in read.claims for r in claim.rows for row in r.joined}
    unused = [row for row in page.rows if row.number not in used]
    lines += [f"row {row.number} ({row.study}): bears on no claim" for row in unused]
    return "\n".join([*lines, "", "Nothing was computed. Run it with: retrostats replicate "
                      f"--audit {page.file}"])  # fmt: skip


def _many(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def _group(read: ReadPage, group: Group) -> Iterator[str]:
    """Claims that share a pool, then their rows."""
    yield ""
    for claim in group.claims:
        kind = "a cause" if claim.claim.cause else "what was seen"
        yield f"[{claim.claim.claim_id}] {claim.claim.says} ({kind})"
        for words in claim_words(group, claim):
            yield f"  {words}"
    measure = group.read.measure
    mixed = f", mixed with {', '.join(measure.mixed)}" if measure.mixed else ""
    yield f"  {measure.name}{mixed}: {flow_words(group)}"
    for row in group.read.rows if not group.read.claim.moderator else ():
        yield from _row(group, row)
    yield from _pool(group)


def _row(group: Group, read: ReadRow) -> Iterator[str]:
    numbers = ", ".join(str(row.number) for row in read.joined)
    many = len(read.joined) > 1
    name = f"  row{'s' * many} {numbers}, {read.row.study}"
    if read.source.left_out:
        yield f"{name}: left out: {read.source.left_out}"
        return
    yield f"{name}: {read.source.became}{_shown(group.read.measure, read)}"
    for line in _open(group, read):
        yield f"    open: {line}"
    if many:
        yield "    arms that share a control, combined into one group"
    if not read.supports_cause and group.read.claim.cause:
        yield "    not by lot and not the same people: stands beside, no cause rests on it"
    biased = ", ".join(f"{domain_name(k)} {v}" for k, v in read.row.named(RISK_OF_BIAS).items())
    if biased:
        yield f"    risk of bias: {biased}"


def _shown(measure: Measure, read: ReadRow) -> str:
    """The row's own estimate and 95% interval."""
    effect = read.effect
    if effect is None:
        return ""
    half = t_quantile(0.025, effect.df) * effect.std_error
    ends = (effect.value, effect.value - half, effect.value + half)
    at, start, stop = (float(measure.to_printed(end)) for end in ends)
    value, low, high = with_limits(at, start, stop)
    return f" -> {value} [{low}, {high}]"


def _open(group: Group, read: ReadRow) -> Iterator[str]:
    """What a row left open, with its range and prior."""
    own = prior_of_row(group.page, read.row)
    stated = group.page.open.get(CORRELATION)
    space = read.space
    for unknown in space.unknowns if space is not None else ():
        if not isinstance(unknown, Unknown) or not unknown.name.startswith(OPEN_CORRELATION):
            continue
        where = unknown.name.split(" (")[0]
        span = _span(unknown)
        prior = own if own is not None and "mean" in own.numbers else stated
        prior_words = _UNIFORM if prior is None else (
            f"Fisher's z normal, mean {prior.numbers['mean']:g}, SD {prior.numbers['sd']:g} "
            f"({prior.why}; {prior.source})")  # fmt: skip
        at = "" if read.effect is None or math.isnan(read.effect.correlation) else (
            f"; {read.effect.correlation:.2f} in the classical pool")  # fmt: skip
        yield f"{where}{span}; prior {prior_words}{at}"
    prior_of_sd = spread_prior(read.printed, group.read.measure)
    if read.source.kind == BARE and prior_of_sd is not None:
        low, high = spread_range(prior_of_sd)
        why = f" ({own.why}; {own.source})" if own is not None else ""
        yield (
            f"standard deviation between people, from {low:.2g} to {high:.2g}; prior lognormal, "
            f"median {prior_of_sd.median:g}, log SD {prior_of_sd.log_sd:g}{why}"
        )


def _span(unknown: Unknown) -> str:
    if callable(unknown.low) or callable(unknown.high):
        return f", {unknown.why}"
    return f", from {unknown.low:.2f} to {unknown.high:.2f} ({unknown.why})"


def _pool(group: Group) -> Iterator[str]:
    """What will be pooled and with which prior of the variance between studies."""
    read = group.read
    if read.claim.moderator:
        yield f"  slope on {read.claim.moderator} over {len(read.pooled)} studies"
        return
    if not any(r.source.bounded for r in read.pooled):
        yield "  no row is bounded on both sides: signs alone, no size"
        return
    if len(read.pooled) < 2:
        yield "  one study: its own likelihood, and what it says of other studies"
        return
    scale, why = prior_in_use(read)
    yield f"  prior of the SD between studies: half-normal, scale {scale:.3g} ({why})"
    for words in sign_words(read.pooled, read):
        yield f"  {words}"
    lot = [r for r in read.pooled if r.supports_cause]
    if read.claim.cause and len(lot) < len(read.pooled):
        yield (
            f"  the cause rests on {len(lot)} of {len(read.pooled)}: rows allocated by lot, or in "
            "the same people"
        )
    none = [r.row.study for r in read.pooled if r.effect is None]
    if none:
        yield f"  without an error, so not in the classical pool: {', '.join(none)}"
