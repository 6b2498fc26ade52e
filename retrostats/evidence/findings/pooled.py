"""Pools as rows, and the same pools as functions of everything their sources left open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrostats.common.errors import InputError
from retrostats.evidence.result.estimate import Estimate
from retrostats.evidence.result.findings import DISPLAY, EstimateRow, Measure
from retrostats.evidence.unreported.pooled import TEST, pool_estimator, pool_unknowns
from retrostats.models.meta.two_stage import Pooled, pool

if TYPE_CHECKING:
    from retrostats.evidence.unreported.sources import Source
    from retrostats.evidence.unreported.unknowns import Choice


def pooled_row(
    estimates: Sequence[Estimate], estimate_id: str, label: str, **extra: Any
) -> tuple[EstimateRow, Pooled]:
    """Random-effects pool as a row, with its prediction interval."""
    _one_measure([(e.scale, e.unit, ", ".join(e.source) or e.unit) for e in estimates], estimate_id)
    pooled = pool(list(estimates), test=TEST)
    scale = DISPLAY[estimates[0].scale]
    show = float if scale == "difference" else math.exp
    row = EstimateRow(
        estimate_id=estimate_id,
        label=label,
        role="pooled",
        scale=scale,
        unit=estimates[0].unit,
        estimate=show(pooled.estimate),
        std_error=pooled.std_error,
        df=pooled.df,
        conf_low=show(pooled.conf_low),
        conf_high=show(pooled.conf_high),
        pred_low=show(pooled.pred_low),
        pred_high=show(pooled.pred_high),
        k=pooled.k,
        tau=math.sqrt(pooled.tau2),
        i2=pooled.i2,
        assumptions=tuple(dict.fromkeys(a for e in estimates for a in e.assumptions)),
        source_rows=tuple(dict.fromkeys(s for e in estimates for s in e.source)),
        **extra,
    )
    return row, pooled


def _one_measure(stated: Sequence[tuple[str, str, str]], estimate_id: str) -> None:
    """Refuse what differs in scale or unit (with the rows it comes from): no mean is of both."""
    for scale, unit, rows in stated[1:]:
        if (scale, unit) != stated[0][:2]:
            first_scale, first_unit, first_rows = stated[0]
            raise InputError(
                f"pool {estimate_id}: rows {rows} are {unit or scale} ({scale or 'measure'}), but "
                f"rows {first_rows} are {first_unit or first_scale} ({first_scale or 'measure'}); "
                "a pool takes one measure in one unit: leave some out, or pool each by itself"
            )


def pooled_measure(
    sources: Sequence[Source],
    estimate_id: str,
    name: str,
    choices: Sequence[Choice] = (),
    *,
    log: bool = True,
    **extra: Any,
) -> Measure:
    """The pool of the sources over everything they left open and the choices of the pool."""
    stated = [("", s.measure, ", ".join(s.rows) or s.name) for s in sources if s.measure]
    _one_measure(stated, estimate_id)
    return Measure(
        estimate_id,
        name,
        lambda level: pool_estimator(sources, log=log, level=level),
        pool_unknowns(sources, choices),
        sources=tuple(sources),
        **extra,
    )
