"""What the generated analysis of a group of claims hands back: rows, pools and measures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from retrostats.audit.claims import Claim
from retrostats.audit.pages.claims import quantity_of, scale_of, unit_of
from retrostats.audit.pages.cohorts import cohort_effects, cohort_entry
from retrostats.audit.pages.pooling import (
    Entry,
    PooledEntries,
    entry_of,
    estimate_of,
    measure_of,
    pool_row,
    posterior,
    row_of_estimate,
)
from retrostats.audit.pages.slopes import slope_findings, slope_unit
from retrostats.evidence.pages.claim import ReadClaim, ReadRow, people_of, published_ids
from retrostats.evidence.printed.cells import Change, Summary
from retrostats.evidence.result.findings import DISPLAY, Assumption, EstimateRow, Findings, Measure
from retrostats.io.pages.page import Page

if TYPE_CHECKING:
    from retrostats.audit.analysis import Context
    from retrostats.evidence.findings.cohorts import CohortEffect

#: Of pools that rest on a part of the rows.
BY_LOT = "rows by lot or in the same people"
ALL = "all rows"


@dataclass(frozen=True, slots=True)
class Group:
    """Claims judged by one pool.

    Attributes
    ----------
    name
        Of the analysis.
    page
    claims
        Each read; all have the same rows and measure.
    """

    name: str
    page: Page
    claims: tuple[ReadClaim, ...]

    @property
    def read(self) -> ReadClaim:
        """The rows, read."""
        return self.claims[0]

    @property
    def quantity(self) -> str:
        """Name of what is pooled."""
        made = quantity_of(self.name, self.read.measure)
        return f"{made}_slope" if self.read.claim.moderator else made

    @property
    def unit(self) -> str:
        """Of the effect, or of its slope on a moderator."""
        if self.read.claim.moderator:
            return slope_unit(self.read.measure, self.read.claim.moderator)
        return unit_of(self.page, self.read.measure, printed_unit(self.read))

    @property
    def correlation(self) -> tuple[float, float] | None:
        """Prior of correlations that were not printed, as the page states it."""
        prior = self.page.open.get("correlation")
        return None if prior is None else (prior.numbers["mean"], prior.numbers["sd"])


def printed_unit(read: ReadClaim) -> str:
    """The unit of the first mean that a row prints, or of its column; empty where none does."""
    for row in read.rows:
        if row.source.left_out:
            continue
        for side in row.printed.sides():
            cell = side.after if isinstance(side, Change) else side
            if isinstance(cell, Summary) and cell.unit:
                return cell.unit
        if unit := row.row.cells.get("unit", ""):
            return unit
    return ""


def group_findings(group: Group, context: Context) -> Findings:
    """Rows of estimates, the pools, and the measures that judge the claims of a group.

    A cause rests on rows allocated by lot or within people; the pool of all rows stands beside.
    """
    read, claims = group.read, context.claims
    if read.claim.moderator:
        return slope_findings(group.page, group.claims, group.name, group.quantity)
    first = read.claim.claim_id
    entries = tuple(entry_of(r, read.measure, group.unit, _ids(r)) for r in read.pooled)
    eligible = tuple(e for e, r in zip(entries, read.pooled, strict=True) if r.supports_cause)
    effects = cohort_effects(context, group.name, read.measure, group.quantity, group.unit)
    mine = [e for e in effects if e.relevant]
    parted = read.claim.cause and 0 < len(eligible) < len(entries)
    judged = _pooled(group, eligible if parted else entries, part=parted)
    rows = [_row(group, r) for r in read.rows]
    rows += [effect.row(first) for effect in effects]
    with_own = replace(judged, entries=(*judged.entries, *_own(mine, judged)))
    rows += _pool_rows(group, with_own, first)
    if parted:
        rows += _beside(group, entries, claims[first])
    flags = _flags(group, parted=parted)
    of_mine = {"user_cohorts": bool(mine), "cohorts_randomised": all(e.randomised for e in mine)}
    measures = _measures(group, with_own, claims, {**flags, **of_mine})
    alone = _measures(group, judged, claims, flags) if mine else ()
    known = {row.estimate_id for row in rows}
    target = _judged_id(with_own)
    return Findings(
        estimates=tuple(rows),
        measures=measures,
        judged={c.claim.claim_id: target for c in group.claims if measures and target in known},
        without_cohorts=alone,
        assumptions=tuple(_assumptions(group)),
    )


def _ids(read: ReadRow) -> tuple[str, ...]:
    return tuple(i for row in read.joined for i in published_ids(row))


def _pooled(group: Group, entries: tuple[Entry, ...], *, part: bool) -> PooledEntries:
    name = f"{group.name}-pool" + ("-by-lot" if part else "")
    return PooledEntries(name, BY_LOT if part else "", group.read.measure, group.unit, entries)


def _own(effects: Sequence[CohortEffect], pooled: PooledEntries) -> tuple[Entry, ...]:
    start = len(pooled.entries) + 1
    return tuple(cohort_entry(e, pooled.measure, start + i) for i, e in enumerate(effects))


def _judged_id(pooled: PooledEntries) -> str:
    """The pool's row, or the row of the only study that has an estimate."""
    if len(pooled.estimates) > 1:
        return pooled.estimate_id
    place = next((i for i, e in enumerate(pooled.entries) if e.estimate is not None), None)
    chosen = pooled.entries[0 if place is None else place] if pooled.entries else None
    if chosen is None:
        return ""
    group = pooled.estimate_id.removesuffix("-by-lot").removesuffix("-pool")
    return f"{group}-{_row_id(chosen)}"


def _row_id(entry: Entry) -> str:
    return entry.rows[0].removesuffix("-first").removesuffix("-second") if entry.rows else ""


def _flags(group: Group, *, parted: bool) -> dict[str, Any]:
    """Whether a comparison was printed, and whether a cause may rest on it."""
    rows = group.read.pooled
    return {
        "comparison": any(r.compares for r in rows),
        "randomised": parted or all(r.supports_cause for r in rows),
    }


def _measures(
    group: Group, pooled: PooledEntries, claims: Any, flags: dict[str, Any]
) -> tuple[Measure, ...]:
    """One measure a claim, where a row is bounded on both sides."""
    if not pooled.sized:
        return ()
    one = replace(pooled, estimate_id=_judged_id(pooled))
    return tuple(
        measure_of(
            one,
            c.claim.claim_id,
            posterior(one, claims[c.claim.claim_id], c.claim.prior_scale, group.correlation),
            **flags,
        )
        for c in group.claims
    )


def _pool_rows(group: Group, pooled: PooledEntries, claim_id: str) -> list[EstimateRow]:
    made = pool_row(
        pooled, group.quantity, claim_id=claim_id, directness="direct", group="Together",
    )  # fmt: skip
    return [] if made is None else [made[0]]


def _beside(group: Group, entries: tuple[Entry, ...], claim: Claim) -> list[EstimateRow]:
    """Pool and posterior of all rows, where the claim rests on a part of them."""
    everything = replace(_pooled(group, entries, part=False), name=ALL)
    found = [
        replace(row, claim_id="", note="beside the rows that a cause may rest on")
        for row in _pool_rows(group, everything, "")
    ]
    whole = posterior(everything, claim, group.read.claim.prior_scale, group.correlation)
    if whole.synthesis is None:
        return found
    tau = float(whole.tau["median"])
    return [*found, EstimateRow(
        f"{group.name}-pool-posterior", f"Posterior, {group.read.measure.name}, {ALL}",
        group.quantity, "posterior", DISPLAY[scale_of(group.read.measure)], group.unit,
        whole.estimate, conf_low=whole.conf_low, conf_high=whole.conf_high, k=float(whole.k),
        tau=tau, n=everything.n, group="Together",
        source_rows=tuple(r for e in entries for r in e.rows),
    )]  # fmt: skip


def _row(group: Group, read: ReadRow) -> EstimateRow:
    """A row of the table as a row of estimates; one without an error is shown without limits."""
    measure, ids = group.read.measure, _ids(read)
    common: dict[str, Any] = {
        "quantity": group.quantity, "study_id": _study_id(read), "n": people_of(read),
        "directness": "direct", "group": "Studies", "note": _note(read),
    }  # fmt: skip
    estimate_id = f"{group.name}-{read.row.row_id}"
    label = _label(group, read)
    estimate = estimate_of(read, measure, group.unit, ids)
    if estimate is None:
        return EstimateRow(
            estimate_id, label, role="printed", scale=DISPLAY[scale_of(measure)], unit=group.unit,
            estimate=_bare(read, group), excluded=True, source_rows=ids, **common,
        )  # fmt: skip
    return row_of_estimate(
        estimate, measure, estimate_id, label, role="recomputed", pooled=True,
        claim_id=group.read.claim.claim_id, **common,
    )  # fmt: skip


def _study_id(read: ReadRow) -> str:
    from retrostats.io.pages.page_table import row_name

    return row_name(read.row.study)


def _label(group: Group, read: ReadRow) -> str:
    """The study; with its outcome where it has several rows."""
    twins = sum(r.row.study == read.row.study for r in group.read.rows)
    outcome = read.row.cells.get("outcome", "") or read.row.cells.get("arm", "")
    if twins < 2:
        return read.row.study
    return f"{read.row.study}, {outcome or f'row {read.row.number}'}"


def _note(read: ReadRow) -> str:
    said = [read.source.left_out, read.effect.how if read.effect else read.source.became]
    return "; ".join(filter(None, said))


def _bare(read: ReadRow, group: Group) -> float:
    """An estimate without an error, on the printed scale."""
    from retrostats.evidence.printed.quadrature import CorrelationPrior

    if read.source.nodes is None:
        return math.nan
    centre = read.source.nodes(CorrelationPrior()).centre
    return float(group.read.measure.to_printed(centre))


def _assumptions(group: Group) -> list[Assumption]:
    """Correlations and spreads that rows left open, with what stands in their place."""
    found = []
    prior = group.page.open.get("correlation")
    for read in group.read.rows:
        if read.space is None:
            continue
        for unknown in read.space.unknowns:
            kind = getattr(unknown, "kind", "")
            correlation = unknown.name in read.space.correlations
            if not (correlation or kind == "spread"):
                continue
            low, high = (getattr(unknown, end, math.nan) for end in ("low", "high"))
            why = getattr(unknown, "why", "")
            if correlation:
                why += f"; averaged over {'the page' if prior else 'a uniform'} prior" + (
                    f": {prior.why} ({prior.source})" if prior else " from -1 to 1")  # fmt: skip
            found.append(Assumption(
                f"{group.name}-{read.row.row_id}-{'r' if correlation else 'sd'}",
                "unknown correlation" if correlation else "unknown spread",
                unknown.name, why, _study_id(read),
                low if isinstance(low, float) else math.nan,
                high if isinstance(high, float) else math.nan,
            ))  # fmt: skip
    return found
