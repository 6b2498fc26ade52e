"""Recompute what a source prints from what else it prints, within the rounding of both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

from retrostats.reduce.reported import Reported
from retrostats.result.findings import Check


def recomputed(
    check_id: str,
    study_id: str,
    quantity: str,
    printed: str,
    value: float,
    span: tuple[float, float],
    rows: Sequence[str],
    note: str = "",
) -> Check:
    """A check that agrees when the recomputed span meets the rounding interval of `printed`.

    `span` is the range of the recomputed value over the rounding of its inputs.
    """
    low, high = min(span), max(span)
    printed_low, printed_high = Reported(printed).interval
    slack = 1e-9 * max(1.0, abs(value))  # decimal text is not exact in binary
    agrees = low <= printed_high + slack and high >= printed_low - slack
    return Check(check_id, study_id, quantity, printed, value, low, high, agrees, tuple(rows), note)


def percent_change(
    check_id: str,
    study_id: str,
    quantity: str,
    printed: str,
    before: str,
    after: str,
    rows: Sequence[str],
    note: str = "",
) -> Check:
    """100 (after / before - 1) from two printed means against the printed percentage."""
    return recomputed(
        check_id,
        study_id,
        quantity,
        printed,
        100 * (Reported(after).value / Reported(before).value - 1),
        _span(lambda a, b: 100 * (a / b - 1), after, before),
        rows,
        note,
    )


def rate(
    check_id: str,
    study_id: str,
    quantity: str,
    printed: str,
    events: float,
    exposure: float,
    per: float,
    rows: Sequence[str],
    note: str = "",
) -> Check:
    """`per` x events / exposure from printed counts against the printed rate."""
    value = per * events / exposure
    return recomputed(check_id, study_id, quantity, printed, value, (value, value), rows, note)


def paired_p(
    check_id: str,
    study_id: str,
    quantity: str,
    printed: str,
    change: str,
    sd_change: str,
    n: int,
    rows: Sequence[str],
    note: str = "",
) -> Check:
    """Two-sided paired t-test from a printed change and its SD against the printed p."""
    import numpy as np

    from retrostats.reduce.forensics.pvalues import p_of_change
    from retrostats.student import t_p_value

    mean, sd = Reported(change), Reported(sd_change)
    value = t_p_value(mean.value / (sd.value / math.sqrt(n)), n - 1)
    ends = [np.array([end]) for x in (mean, sd) for end in x.interval]
    box = (ends[0], ends[1]), (ends[2], ends[3])
    low, high = p_of_change(*box, np.array([float(n)]), np.ones(1))
    return recomputed(
        check_id, study_id, quantity, printed, value, (float(low[0]), float(high[0])), rows, note
    )


def _span(formula, first: str, second: str) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Range of a monotone `formula` over the rounding intervals of two printed numbers."""
    values = [
        formula(a, b) for a, b in product(Reported(first).interval, Reported(second).interval)
    ]
    return min(values), max(values)
