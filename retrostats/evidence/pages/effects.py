"""A printed row as one estimate with its error: what a classical pool and a forest take.

What the row left open stands at its middle: a correlation at the middle of what the printed p
leaves possible, with 0.99 as the upper end. Pairs and changes go through the mixed model of their
printed moments.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrostats.common.errors import InputError
from retrostats.common.student import t_quantile
from retrostats.evidence.printed.cells import Cell, Change, Count, Summary, number_cell
from retrostats.evidence.printed.measures import (
    ODDS_RATIO,
    PERCENT,
    PROPORTION,
    RATE_RATIO,
    RATIO_OF_MEANS,
    RISK_DIFFERENCE,
    RISK_RATIO,
    SMD,
    Measure,
    one_measure,
)  # fmt: skip
from retrostats.evidence.printed.pair import HIGHEST_CORRELATION, correlation_limits
from retrostats.evidence.printed.pool_printed import row_source
from retrostats.evidence.printed.quadrature import CorrelationPrior
from retrostats.evidence.printed.row_smd import changes_smd, paired_smd
from retrostats.evidence.printed.rows import BEFORE_AFTER, PARALLEL, PrintedRow, printed_row
from retrostats.evidence.printed.sources import SPREAD, PrintedSource
from retrostats.models.meta.effect_sizes import escalc

Array = NDArray[np.float64]
#: Columns of a printed effect that are numbers.
REPORTED = ("estimate", "low", "high", "level", "se", "df")
#: metafor's code of each measure of counts.
_CODES = {RISK_RATIO: "RR", ODDS_RATIO: "OR", RISK_DIFFERENCE: "RD", RATE_RATIO: "IRR"}
_FACTOR = {"SD": 0.0, "SE": 0.5, "unlabelled": 0.0}


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect on the model's scale.

    Attributes
    ----------
    value, std_error, df
    how
        What gave it, in words.
    correlation
        At which it stands, where that was open; else NaN.
    """

    value: float
    std_error: float
    df: float
    how: str
    correlation: float = math.nan


@dataclass(frozen=True, slots=True)
class Side:
    """Mean and standard deviation of one side."""

    mean: float
    sd: float
    n: int


def row_effect(row: PrintedRow, measure: Measure, source: PrintedSource) -> Effect | None:
    """The effect of a row with its error; None where the row prints no error or is left out.

    Parameters
    ----------
    source
        The row as its likelihood, of the pool's measure.
    """
    if source.left_out or source.kind != SPREAD:
        return None
    deff = row.positive("design_effect") or 1.0
    found = _reported(row, measure) if is_reported(row) else _sides(row, measure, source)
    if deff == 1.0 or is_reported(row):
        return found
    return Effect(
        found.value, found.std_error * math.sqrt(deff), found.df, found.how, found.correlation
    )


def is_reported(row: PrintedRow) -> bool:
    """Whether a row prints an effect, which wins over both sides."""
    return any(name in row.cells for name in ("estimate", "low", "high"))


def _reported(row: PrintedRow, measure: Measure) -> Effect:
    """A printed effect at its printed numbers, as if they were exact."""
    cells: dict[str, Any] = {k: v for k, v in row.cells.items() if k not in ("first", "second")}
    if str(cells.get("estimate", "")).strip().endswith("%") and measure.name == RATIO_OF_MEANS:
        cells["measure"] = PERCENT
    for name in REPORTED:
        if name in cells:
            cells[name] = number_cell(cells[name], f"{row.where}, {name}").value
    if row.p is not None and row.operator == "=":
        cells["p"] = row.p.value
    exact = row_source(printed_row(cells, row.number), measure)
    return _of_source(exact)


def _of_source(source: PrintedSource) -> Effect:
    """The middle of a likelihood."""
    if source.nodes is None:
        return Effect(source.about, source.error, math.inf, source.became)
    nodes = source.nodes(CorrelationPrior())
    df = float(nodes.df.min())
    return Effect(nodes.centre, nodes.error_at(0.5), df, source.became)


def _sides(row: PrintedRow, measure: Measure, source: PrintedSource) -> Effect:
    first, second = both_sides(row)
    if measure.name == PROPORTION:
        assert isinstance(first, Count)
        return _proportion(first)
    if isinstance(first, Count) and isinstance(second, Count):
        return _counts(row, measure, first, second)
    if isinstance(first, Change) and isinstance(second, Change):
        return _changes(row, measure, first, second)
    assert isinstance(first, Summary)
    assert isinstance(second, Summary)
    sides = _known_sides((first, second), row.n)
    if sides is None:  # medians: the likelihood has converted them
        return _of_source(source)
    if row.design != PARALLEL:
        return _pair(row, measure, sides)
    if measure.name == SMD:
        return _smd(sides)
    return _groups(sides, log=measure.is_log)


def both_sides(row: PrintedRow) -> tuple[Cell | None, Cell | None]:
    """First and second; of a change alone after and before."""
    first, second = row.sides()
    if isinstance(first, Change) and second is None:
        return first.after, first.before
    return first, second


def pair_sides(row: PrintedRow) -> tuple[Side, Side] | None:
    """Both sides of the same people; None where a spread is no SD and no SE."""
    first, second = both_sides(row)
    if not (isinstance(first, Summary) and isinstance(second, Summary)):
        return None
    return _known_sides((first, second), row.n)


def row_people(row: PrintedRow) -> float:
    """People of a row; of counts of people where n is empty, their totals; NaN if not printed."""
    if row.n:
        return float(sum(row.n))
    sides = [side for side in row.sides() if side is not None]
    totals = [c.total for c in sides if isinstance(c, Count) and c.of_people]
    return float(sum(totals)) if totals and len(totals) == len(sides) else math.nan


def _counts(row: PrintedRow, measure: Measure, first: Count, second: Count) -> Effect:
    """metafor's estimate and variance of counts; half an event is added where there is none."""
    allowed = (RISK_RATIO, ODDS_RATIO, RISK_DIFFERENCE) if first.of_people else (RATE_RATIO,)
    mixes = (one_measure(row.measure) if row.measure else "", measure.name, *measure.mixed)
    kind = next(name for name in mixes if name in allowed)
    cells = {
        "events_1": [first.events], "total_1": [first.total],
        "events_2": [second.events], "total_2": [second.total],
    }  # fmt: skip
    made = escalc(cells, measure=_CODES[kind])
    value, variance = float(made["yi"].iloc[0]), float(made["vi"].iloc[0])
    return Effect(value, math.sqrt(variance), math.inf, f"{kind} of the counts, normal")


def _proportion(first: Count) -> Effect:
    """metafor's logit of a proportion; half a person is added where none or all have the event."""
    made = escalc({"events": [first.events], "total": [first.total]}, measure="PLO")
    value, variance = float(made["yi"].iloc[0]), float(made["vi"].iloc[0])
    return Effect(value, math.sqrt(variance), math.inf, "PLO of the count, normal")


def _smd(sides: Sequence[Side]) -> Effect:
    """Hedges' g and its variance, as metafor's."""
    cells = {f"{name}_{i}": [getattr(side, name)] for i, side in enumerate(sides, 1)
             for name in ("n", "mean", "sd")}  # fmt: skip
    made = escalc(cells, measure="SMD")
    value, variance = float(made["yi"].iloc[0]), float(made["vi"].iloc[0])
    df = float(sum(side.n for side in sides) - 2)
    return Effect(value, math.sqrt(variance), df, "Hedges' g of two groups")


def _known_sides(cells: Sequence[Summary], n: Sequence[int]) -> tuple[Side, Side] | None:
    """Means and SDs of both sides; None where a spread is no SD and no SE."""
    if any(cell.kind not in _FACTOR for cell in cells):
        return None
    people = (n[0], n[-1])
    one, two = (
        Side(cell.mean.value, cell.spread[0].value * m ** _FACTOR[cell.kind], m)
        for cell, m in zip(cells, people, strict=True)
    )
    return one, two


def _logged(side: Side) -> Side:
    """Mean and SD of the logarithm by the delta method."""
    return Side(math.log(side.mean), side.sd / side.mean, side.n)


def _pair(row: PrintedRow, measure: Measure, sides: tuple[Side, Side]) -> Effect:
    """Both conditions of the same people: condition fixed, people random."""
    low, high = pair_limits(row, sides)
    r = 0.5 * (low + high)
    if measure.name == SMD:
        return _standardised(row, sides, r)
    one, two = (_logged(s) if measure.is_log else s for s in sides)
    fit = paired_fit(one, two, r)
    how = f"mixed model of a pair, {'printed' if 'r' in row.cells else 'middle'} correlation"
    return Effect(*fit, f"{how} {r:.2f}", math.nan if "r" in row.cells else r)


def pair_limits(row: PrintedRow, sides: tuple[Side, Side]) -> tuple[float, float]:
    """Correlations that a pair leaves possible: the printed one, or those that p allows."""
    known = row.number_of("r")
    if known is not None:
        return known.value, known.value
    a, b = sides
    p = math.nan if row.p is None else row.p.value
    found = correlation_limits(a.mean, b.mean, a.sd, b.sd, a.n, p, row.operator)
    low, high = (float(end) for end in found)
    return (low, high) if low <= high else (high, high)  # p and rounding meet at one point


def paired_fit(first: Side, second: Side, correlation: float) -> tuple[float, float, float]:
    """First less second, its standard error and df, from the mixed model of printed moments.

    The model is outcome ~ condition + (1 | subject) by REML with Kenward-Roger's table, with a
    covariance of either sign. Two conditions in everybody are balanced, so that its solution is a
    formula, the paired t-test: nothing is searched.
    """
    variance = first.sd**2 + second.sd**2 - 2 * correlation * first.sd * second.sd
    return first.mean - second.mean, math.sqrt(variance / first.n), first.n - 1.0


def _groups(sides: Sequence[Side], *, log: bool) -> Effect:
    """Two groups of different people, each with a variance of its own."""
    one, two = (_logged(s) if log else s for s in sides)
    return Effect(*two_groups_fit(one, two), "model of two groups, a variance each")


def two_groups_fit(first: Side, second: Side) -> tuple[float, float, float]:
    """First less second from the model of two groups with a residual variance each.

    y ~ arm by REML with Kenward-Roger's table; its solution is Welch's (1947), Biometrika 34:28.
    """
    parts = [side.sd**2 / side.n for side in (first, second)]
    variance = sum(parts)
    df = variance**2 / sum(v**2 / (s.n - 1) for v, s in zip(parts, (first, second), strict=True))
    return first.mean - second.mean, math.sqrt(variance), df


def _changes(row: PrintedRow, measure: Measure, first: Change, second: Change) -> Effect:
    """Changes of two groups, the same correlation of before and after in both."""
    sides = change_sides(row, first, second)
    if sides is None:
        raise InputError(f"{row.where}: changes with medians have no error of their own; give an "
                         "estimate with low and high")  # fmt: skip
    low, high = change_limits(row, sides, log=measure.is_log)
    r = 0.5 * (low + high)
    if measure.name == SMD:
        return _standardised(row, sides, r)
    one, two = (change_of(*pair, r, log=measure.is_log) for pair in sides)
    known = "r" in row.cells
    how = f"model of changes of two groups, {'printed' if known else 'middle'} correlation {r:.2f}"
    return Effect(*two_groups_fit(one, two), how, math.nan if known else r)


def _standardised(row: PrintedRow, sides: tuple[Side, Side] | Pairs, r: float) -> Effect:
    """An SMD of a pair, or of changes, at one correlation."""
    value, variance = standardised(row, sides, np.array([r]))
    known = "r" in row.cells
    how = f"metafor's {'SMCR' if _by_before(row) else 'SMCRP'}, {'printed' if known else 'middle'}"
    return Effect(
        float(value[0]), math.sqrt(float(variance[0])), float(row.people_df),
        f"{how} correlation {r:.2f}", math.nan if known else r,
    )  # fmt: skip


def _by_before(row: PrintedRow) -> bool:
    """Whether a change is standardised, by the SD before it."""
    return row.design == BEFORE_AFTER or isinstance(row.sides()[0], Change)


def standardised(
    row: PrintedRow, sides: tuple[Side, Side] | Pairs, r: Array
) -> tuple[Array, Array]:
    """SMD of a pair, or of changes of two groups, and its variance at correlations r (m,)."""
    one, two = sides
    if isinstance(one, Side) and isinstance(two, Side):
        means, sds = (one.mean, two.mean), (one.sd, two.sd)
        return paired_smd(means, sds, one.n, r, by_second=_by_before(row))
    groups = [
        ((after.mean, before.mean), (after.sd, before.sd), after.n)
        for after, before in (pair for pair in sides if not isinstance(pair, Side))
    ]
    return changes_smd(groups, r)


Pairs = tuple[tuple[Side, Side], tuple[Side, Side]]


def change_sides(row: PrintedRow, first: Change, second: Change) -> Pairs | None:
    """After and before of both groups; None where a spread is no SD and no SE."""
    found = [
        _known_sides((change.after, change.before), (m,))
        for change, m in zip((first, second), row.n, strict=True)
    ]
    return None if found[0] is None or found[1] is None else (found[0], found[1])


def change_of(after: Side, before: Side, r: float, *, log: bool) -> Side:
    """Mean and SD of the change of one group at a correlation of before and after."""
    a, b = (_logged(s) if log else s for s in (after, before))
    variance = a.sd**2 + b.sd**2 - 2 * r * a.sd * b.sd
    return Side(a.mean - b.mean, math.sqrt(max(variance, 0.0)), after.n)


def change_limits(row: PrintedRow, sides: Pairs, *, log: bool) -> tuple[float, float]:
    """Correlations of before and after that the printed r or p leaves possible.

    The squared error of the difference of changes is a - b r, so an exact p gives one correlation.
    """
    known = row.number_of("r")
    if known is not None:
        return known.value, known.value
    top = HIGHEST_CORRELATION
    if row.p is None:
        return -top, top
    zero, one = (
        sum(change_of(*pair, r, log=log).sd ** 2 / pair[0].n for pair in sides) for r in (0.0, 1.0)
    )
    gaps = [change_of(*pair, 0.0, log=log).mean for pair in sides]
    error = abs(gaps[0] - gaps[1]) / t_quantile(row.p.value / 2, row.people_df)
    exact = min(max((zero - error**2) / (zero - one), -top), top)
    return {"=": (exact, exact), "<": (exact, top), ">": (-top, exact)}[row.operator]
