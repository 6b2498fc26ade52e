"""A group of claims pooled: the classical pool, the posterior, and the measure that judges each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from retrostats.audit.claims import Claim
from retrostats.audit.pages.claims import scale_of
from retrostats.audit.verdict import claimed_range
from retrostats.evidence.pages.claim import ReadClaim, ReadRow, people_of
from retrostats.evidence.printed.measures import Measure as PrintedMeasure
from retrostats.evidence.printed.measures import usual_scale
from retrostats.evidence.printed.pool_printed import pool_sources
from retrostats.evidence.printed.pooled_printed import PooledPrinted
from retrostats.evidence.printed.sources import PrintedSource
from retrostats.evidence.result.estimate import Estimate
from retrostats.evidence.result.findings import DISPLAY, EstimateRow, Measure
from retrostats.evidence.unreported.pooled import TEST, pool_estimator, pool_unknowns
from retrostats.evidence.unreported.sources import Source
from retrostats.models.meta.bayes import HalfNormal
from retrostats.models.meta.two_stage import Pooled, pool

#: Fewest effects of which there is a mean.
LEAST = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """One study, or one own cohort, of a pool.

    Attributes
    ----------
    label, source
        Its name; its likelihood.
    estimate, space
        With everything open at its middle, and over what it left open; None where it has none.
    n, rows
        People; ids of its printed cells.
    """

    label: str
    source: PrintedSource
    estimate: Estimate | None
    space: Source | None
    n: float = math.nan
    rows: tuple[str, ...] = ()


def entry_of(read: ReadRow, measure: PrintedMeasure, unit: str, ids: tuple[str, ...]) -> Entry:
    """A row of the table as an entry of its pool."""
    estimate = estimate_of(read, measure, unit, ids)
    return Entry(read.row.study, read.source, estimate, read.space, people_of(read), ids)


def estimate_of(
    read: ReadRow, measure: PrintedMeasure, unit: str, ids: tuple[str, ...]
) -> Estimate | None:
    """The effect of a row on the model's scale; None where it prints no error."""
    effect = read.effect
    if effect is None:
        return None
    return Estimate(effect.value, effect.std_error, effect.df, scale_of(measure), unit, ids)


@dataclass(frozen=True, slots=True)
class PooledEntries:
    """Entries that are pooled together, and what the pool is called.

    Attributes
    ----------
    estimate_id, name
        Of the pool, or of the only study.
    """

    estimate_id: str
    name: str
    measure: PrintedMeasure
    unit: str
    entries: tuple[Entry, ...]

    @property
    def estimates(self) -> list[Estimate]:
        """Of the entries that have one."""
        return [e.estimate for e in self.entries if e.estimate is not None]

    @property
    def n(self) -> float:
        """People of all entries; NaN where one does not say."""
        return float(sum(e.n for e in self.entries))

    @property
    def sized(self) -> bool:
        """Whether one entry or more is bounded on both sides."""
        return any(e.source.bounded and e.source.kept for e in self.entries)


def pool_row(
    pooled: PooledEntries, quantity: str, **extra: Any
) -> tuple[EstimateRow, Pooled] | None:
    """Random-effects pool by REML with Knapp-Hartung limits that never narrow; None below two."""
    if len(pooled.estimates) < LEAST:
        return None
    found = pool(pooled.estimates, test=TEST)
    show = pooled.measure.to_printed
    values: dict[str, Any] = {
        name: float(show(getattr(found, name)))
        for name in ("estimate", "conf_low", "conf_high", "pred_low", "pred_high")
    }
    row = EstimateRow(
        estimate_id=pooled.estimate_id,
        label=f"Pool of {found.k} studies" + (f", {pooled.name}" if pooled.name else ""),
        quantity=quantity,
        role="pooled",
        scale=DISPLAY[scale_of(pooled.measure)],
        unit=pooled.unit,
        std_error=found.std_error,
        df=found.df,
        n=pooled.n,
        k=found.k,
        tau=math.sqrt(found.tau2),
        i2=found.i2,
        source_rows=tuple(r for e in pooled.entries if e.estimate is not None for r in e.rows),
        **values,
        **extra,
    )
    return row, found


def row_of_estimate(
    estimate: Estimate, measure: PrintedMeasure, estimate_id: str, label: str, **extra: Any
) -> EstimateRow:
    """A row of one estimate; a correlation is shown as one and not as Fisher's z."""
    row = EstimateRow.of(estimate, estimate_id, label, **extra)
    if measure.is_log:
        return row
    ends: dict[str, Any] = {name: float(measure.to_printed(getattr(row, name)))
            for name in ("estimate", "conf_low", "conf_high")}  # fmt: skip
    return replace(row, **ends)


def prior_in_use(read: ReadClaim) -> tuple[float, str]:
    """Scale of the half-normal prior of the SD between studies, and why; NaN where none is asked.

    On the model's scale: the unit of a difference, logarithms of ratios.
    """
    bounded = [r.source.sd for r in read.pooled if r.source.bounded]
    if len(read.pooled) < LEAST or not bounded:
        return math.nan, ""
    if read.claim.prior_scale > 0:
        return read.claim.prior_scale, read.claim.prior_because
    return usual_scale(read.measure, bounded), "the usual one of the measure"


def posterior(
    pooled: PooledEntries,
    claim: Claim,
    prior_scale: float,
    correlation: tuple[float, float] | None,
) -> PooledPrinted:
    """The posterior of a claim over the likelihoods of its rows, as `pool_printed` gives it."""
    live = [replace(e.source, row=i) for i, e in enumerate(pooled.entries, 1)]
    found = pool_sources(
        live,
        pooled.measure,
        null=claim.null_value,
        claimed=claimed_range(claim) if claim.has_size else None,
        prior=None if math.isnan(prior_scale) else HalfNormal(prior_scale),
        correlation=correlation,
    )
    # with their functions: a plan adds one more study to them
    return replace(found, pooled=tuple(source for source in live if source.kept))


def measure_of(
    pooled: PooledEntries,
    claim_id: str,
    found: PooledPrinted | None,
    **extra: Any,
) -> Measure:
    """The pool as a function of everything its rows left open, with its posterior."""
    spaces = tuple(e.space for e in pooled.entries if e.space is not None)
    return Measure(
        pooled.estimate_id,
        f"{pooled.measure.name}{f', {pooled.name}' if pooled.name else ''}",
        _shown(pooled.measure, spaces),
        pool_unknowns(spaces),
        claim_id,
        sources=spaces,
        posterior=found,
        follow=tuple(name for space in spaces for name in space.correlations),
        **extra,
    )


def _shown(measure: PrintedMeasure, spaces: Sequence[Source]) -> Any:
    """The pool's estimator on the printed scale."""

    def at(level: float) -> Any:
        plain = pool_estimator(spaces, log=measure.is_log, level=level)
        if measure.is_log:
            return plain
        return lambda v: tuple(np.asarray(measure.to_printed(part)) for part in plain(v))

    return at


def reading(claim: ReadClaim) -> str:
    """How many rows there are, how many are pooled, and how many stand aside, in a sentence."""
    rows = sum(len(row.joined) for row in claim.rows)
    return (
        f"{rows} row{'s' * (rows != 1)} found, {len(claim.left_out)} left out, "
        f"{len(claim.pooled)} pooled"
    )
