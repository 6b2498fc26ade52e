"""Rows that count: people with an event among people, or events over an exposure."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from retrostats.common.errors import InputError
from retrostats.evidence.printed.cells import Cell, Count, Rate
from retrostats.evidence.printed.likelihoods import (
    odds_log_likelihood,
    proportion_log_likelihood,
    rates_log_likelihood,
    risks_log_likelihood,
)
from retrostats.evidence.printed.measures import (
    ODDS_RATIO,
    PROPORTION,
    RATE_RATIO,
    RISK_DIFFERENCE,
    RISK_RATIO,
    Measure,
)
from retrostats.evidence.printed.row_effects import nothing_source, two_means_source
from retrostats.evidence.printed.rows import PrintedRow
from retrostats.evidence.printed.sources import SPREAD, PrintedSource

Array = NDArray[np.float64]


def counts_source(row: PrintedRow, measure: Measure, first: Count, second: Count) -> PrintedSource:
    """Counts as the ratio (or difference) that they give exactly.

    Raises
    ------
    InputError
        People against time, or counts that do not give the pool's measure.
    """
    if first.of_people != second.of_people:
        raise InputError(
            f"{row.where}: first counts {first.noun or 'people'} and second "
            f"{second.noun or 'people'}; give both in people or both in time"
        )
    mixes = (measure.name, *measure.mixed)
    allowed = (RISK_RATIO, ODDS_RATIO, RISK_DIFFERENCE) if first.of_people else (RATE_RATIO,)
    own = row.measure if row.measure in allowed else ""
    kind = own or next((name for name in mixes if name in allowed), "")
    if not kind:
        what = "people with an event" if first.of_people else "events over time"
        raise InputError(
            f"{row.where}: {what} give {' or '.join(allowed)}, and the pool is of "
            f"{measure.name}; ask for one of them, or mix it in: measure=[{measure.name!r}, "
            f"{allowed[0]!r}]"
        )
    y, total = (first.events, second.events), (first.total, second.total)
    about, error = _roughly(y, total, kind)
    words = {
        RISK_RATIO: "people with an event, two binomials over their common level",
        RISK_DIFFERENCE: "people with an event, two binomials over their common level",
        ODDS_RATIO: "people with an event, noncentral hypergeometric given the margins",
        RATE_RATIO: "events over time, binomial given their sum",
    }[kind]
    empty = kind == ODDS_RATIO and all(n == e for n, e in zip(total, y, strict=True))
    why = "" if sum(y) > 0 and not empty else "no events (or no one without) say nothing of a ratio"
    rates = (y[0] / total[0], y[1] / total[1])
    full = kind == ODDS_RATIO and any(e == n for e, n in zip(y, total, strict=True))
    return PrintedSource(
        row.study, row.number, SPREAD,
        words, curve=_count_curve(kind, y, total),
        left_out=why if kind != RISK_DIFFERENCE else "",
        bounded=kind == RISK_DIFFERENCE or (min(y) > 0 and not full),
        sign=int(np.sign(rates[0] - rates[1])), about=about, error=error,
    )  # fmt: skip


def proportion_source(row: PrintedRow, first: Cell | None, second: Cell | None) -> PrintedSource:
    """People with an event in one group, as the logit of their share.

    Raises
    ------
    InputError
        Two groups, or a first that is no count of people.
    """
    if second is not None:
        raise InputError(
            f"{row.where}, column second: found {row.cells.get('second', 'a mean')!r}; a "
            f"{PROPORTION} is of one group: leave second empty, or claim a {RISK_RATIO}, "
            f"{ODDS_RATIO} or {RISK_DIFFERENCE} of both"
        )
    if first is None:
        return nothing_source(row, "it prints no proportion: first and estimate are empty")
    if not isinstance(first, Count) or not first.of_people:
        raise InputError(
            f"{row.where}, column first: found {row.cells.get('first', 'a mean')!r}; a "
            f"{PROPORTION} is people with an event among people, as '12 / 80', or a number from 0 "
            "to 1 in estimate"
        )
    y, n = first.events, first.total
    a, b = y + 0.5, n - y + 0.5  # half a person is added for the grid alone
    return PrintedSource(
        row.study, row.number, SPREAD, "people with an event in one group, binomial",
        curve=lambda theta: proportion_log_likelihood(theta, y, n), bounded=0 < y < n,
        about=math.log(a / b), error=math.sqrt(1 / a + 1 / b),
    )  # fmt: skip


def rates_source(row: PrintedRow, measure: Measure, first: Rate, second: Rate) -> PrintedSource:
    """Two rates without their events: their ratio alone.

    Raises
    ------
    InputError
        In a pool of another measure.
    """
    if RATE_RATIO not in (measure.name, *measure.mixed):
        raise InputError(
            f"{row.where}: two rates give a {RATE_RATIO}, and the pool is of {measure.name}; "
            "leave it out (pool = 'no: reason')"
        )
    return two_means_source(row, measure, (first.value, second.value))


def _count_curve(
    kind: str, y: tuple[float, float], total: tuple[float, float]
) -> Callable[[Array], Array]:
    if kind == RATE_RATIO:
        return lambda theta: rates_log_likelihood(theta, y, total)
    if kind == ODDS_RATIO:
        events, people = (int(y[0]), int(y[1])), (int(total[0]), int(total[1]))
        return lambda theta: odds_log_likelihood(theta, events, people)
    return lambda theta: risks_log_likelihood(theta, y, total, log=kind == RISK_RATIO)


def _roughly(y: tuple[float, float], total: tuple[float, float], kind: str) -> tuple[float, float]:
    """Effect and error with half an event added, for the grid alone."""
    a, b = (e + 0.5 for e in y)
    n, m = (t + 1.0 for t in total)
    if kind == RATE_RATIO:
        return math.log(a / n / (b / m)), math.sqrt(1 / a + 1 / b)
    if kind == ODDS_RATIO:
        c, d = max(n - a, 0.5), max(m - b, 0.5)
        return math.log(a * d / (b * c)), math.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    p, q = a / n, b / m
    if kind == RISK_DIFFERENCE:
        return p - q, math.sqrt(p * (1 - p) / n + q * (1 - q) / m)
    return math.log(p / q), math.sqrt((1 - p) / a + (1 - q) / b)
