"""Rows that print both sides: pairs, two groups, changes of two groups."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from retrostats.common.errors import InputError
from retrostats.common.student import t_quantile
from retrostats.evidence.printed.cells import Cell, Change, Count, Rate, Summary
from retrostats.evidence.printed.likelihoods import groups_effect, pair_effect
from retrostats.evidence.printed.measures import DIFFERENCE, RATIO_OF_MEANS, SMD, Measure
from retrostats.evidence.printed.quadrature import (
    CORRELATION_NODES,
    HIGHEST,
    CorrelationPrior,
    rounding_points,
)
from retrostats.evidence.printed.reported import Reported, r_bounds_from_p
from retrostats.evidence.printed.row_counts import counts_source, rates_source
from retrostats.evidence.printed.row_effects import nothing_source, two_means_source
from retrostats.evidence.printed.row_smd import (
    changes_smd,
    groups_smd_source,
    paired_smd,
    smd_source,
)
from retrostats.evidence.printed.row_units import check_sides, side_column
from retrostats.evidence.printed.rows import BEFORE_AFTER, PARALLEL, PrintedRow
from retrostats.evidence.printed.sources import SPREAD, Nodes, PrintedSource

Array = NDArray[np.float64]
#: Rounding counts where half a digit moves a mean by this share of the error, or an SD by that.
_MEAN_ROUNDING, _SD_ROUNDING = 0.05, 0.02
#: Nodes within the rounding of a printed correlation.
_KNOWN_NODES = 3


def sides_source(row: PrintedRow, measure: Measure) -> PrintedSource:
    """A row with `first` and `second`.

    Raises
    ------
    InputError
        Sides that do not go together, that this measure cannot be made from, or that contradict
        the row's p or r.
    """
    first, second = row.sides()
    if isinstance(first, Change) and second is None and row.paired:
        change = first
        first, second = change.after, change.before
    if first is None or second is None:
        return _one_side(row, first, second)
    check_sides(row, first, second)
    if isinstance(first, Count) and isinstance(second, Count):
        return counts_source(row, measure, first, second)
    if isinstance(first, Rate) and isinstance(second, Rate):
        return rates_source(row, measure, first, second)
    if measure.name not in (DIFFERENCE, RATIO_OF_MEANS, SMD):
        raise InputError(
            f"{row.where}: first and second are means, which give no {measure.name}; "
            f"give an estimate, or measure {DIFFERENCE}, {RATIO_OF_MEANS} or {SMD}"
        )
    if not row.design:
        raise InputError(
            f"{row.where}: design is empty; allowed: crossover, parallel, before-after"
        )
    if isinstance(first, Change) and isinstance(second, Change):
        return _changes(row, measure, first, second)
    assert isinstance(first, Summary)
    assert isinstance(second, Summary)
    if not (first.spread and second.spread):
        return two_means_source(row, measure, (first.mean, second.mean))
    if row.design == PARALLEL:
        return _groups(row, measure, first, second)
    return _pair(row, measure, first, second)


@dataclass(frozen=True, slots=True)
class _Side:
    """Mean and SD of one side, with half their last printed digit."""

    mean: float
    sd: float
    mean_half: float
    sd_half: float


def _side(row: PrintedRow, cell: Summary, n: int, *, as_error: bool = False) -> _Side:
    """Mean and SD: an SE times sqrt(n); IQR, range: Wan et al. (2014), BMC Med Res Meth 14:135."""
    mean, half = cell.mean.value, cell.mean.half
    if cell.kind in ("IQR", "range"):
        low, high = (x.value for x in cell.spread)
        if not low <= mean <= high:
            raise InputError(
                f"{row.where}: {cell.kind} {low:g} to {high:g} does not hold {mean:g}; correct it"
            )
        if cell.kind == "IQR":
            factor = 1 / (2 * ndtri((0.75 * n - 0.125) / (n + 0.25)))
            mean = (low + mean + high) / 3
        else:
            factor = 1 / (2 * ndtri((n - 0.375) / (n + 0.25)))
            mean = (low + 2 * mean + high) / 4
        spread, rounding = high - low, cell.spread[0].half + cell.spread[1].half
    else:
        factor = math.sqrt(n) if cell.kind == "SE" or as_error else 1.0
        spread, rounding = cell.spread[0].value, cell.spread[0].half
    if not spread > 0:
        raise InputError(f"{row.where}: a spread is {spread:g}; allowed is above 0")
    return _Side(mean, spread * factor, half, rounding * factor)


def _readings(row: PrintedRow, cells: tuple[Summary, Summary], n: tuple[int, int]) -> list[bool]:
    """Whether spreads are read as standard errors: one reading, or both of an unlabelled one.

    As an error only where the row bounds the coefficient of variation (cv_high) and the implied
    one, spread sqrt(n) / mean, keeps within.
    """
    if all(cell.kind != "unlabelled" for cell in cells):
        return [False]
    bound = row.positive("cv_high")
    if bound is None:
        return [False]
    implied = max(
        cell.spread[0].value * math.sqrt(m) / abs(cell.mean.value) if cell.mean.value else math.inf
        for cell, m in zip(cells, n, strict=True)
    )
    return [False, True] if implied <= bound else [False]


def _reading_words(cells: tuple[Summary, Summary], readings: list[bool]) -> str:
    if all(cell.kind != "unlabelled" for cell in cells):
        return ""
    return ", unlabelled spread read as SD" + " or SE" * (len(readings) > 1)


def _pair(row: PrintedRow, measure: Measure, first: Summary, second: Summary) -> PrintedSource:
    if len(row.n) != 1:
        raise InputError(f"{row.where}: n is empty; a pair needs the number of people")
    n, cells = row.n[0], (first, second)
    if measure.name == SMD:
        return _pair_smd(row, _side(row, first, n), _side(row, second, n), n)
    readings = _readings(row, cells, (n, n))
    made: list[Callable[[CorrelationPrior], Nodes]] = []
    refusal: InputError | None = None
    for as_error in readings:
        sides = [
            _side(row, cell, n, as_error=as_error and cell.kind == "unlabelled") for cell in cells
        ]
        try:
            limits = _correlation_limits(row, sides[0], sides[1])
        except InputError as error:
            refusal = error
            continue
        made.append(_pair_nodes(row, sides[0], sides[1], limits, log=measure.is_log))
    if not made:
        assert refusal is not None
        raise refusal
    known = "r" in row.cells
    cut = f", correlation cut by p {row.operator} {row.p.text}" if row.p and not known else ""
    words = f"pair, t with {n - 1} df, " + ("r as printed" if known else "over the correlation")

    @cache
    def nodes(prior: CorrelationPrior) -> Nodes:
        return made[0](prior) if len(made) == 1 else made[0](prior).joined(made[1](prior))

    typical = nodes(CorrelationPrior())
    return PrintedSource(
        study=row.study,
        row=row.number,
        kind=SPREAD,
        became=words + cut + _reading_words(cells, readings),
        nodes=nodes,
        sign=int(np.sign(first.mean.value - second.mean.value)),
        sd=typical.error_at(0.5) * math.sqrt(n),
        depends_on_correlation=not known,
    )


def _pair_smd(row: PrintedRow, first: _Side, second: _Side, n: int) -> PrintedSource:
    """A change by the SD before, both conditions of a crossover by that of both."""
    by_second = row.design == BEFORE_AFTER
    means, sds = (first.mean, second.mean), (first.sd, second.sd)
    return smd_source(
        row, lambda r: paired_smd(means, sds, n, r, by_second=by_second),
        _correlation_limits(row, first, second),
        "change by the SD before" if by_second else "pair by the SD of both",
    )  # fmt: skip


def _correlation_limits(row: PrintedRow, first: _Side, second: _Side) -> tuple[float, float]:
    """Correlations that the printed r, or else the printed p, leaves possible."""
    by_p = (-1.0, 1.0)
    if row.p is not None:
        gap = first.mean - second.mean
        slack = first.mean_half + second.mean_half
        reach = (max(abs(gap) - slack, 0.0), abs(gap) + slack)
        p = Reported(row.p.text) if row.p.printed else row.p.value
        try:
            by_p = r_bounds_from_p(first.sd, second.sd, row.n[0], reach, p, row.operator)
        except InputError as error:
            raise InputError(f"{row.where}: {error}") from None
        if by_p[0] > HIGHEST or by_p[1] < -HIGHEST:
            raise InputError(
                f"{row.where}: p {row.operator} {row.p.text} needs a correlation beyond "
                f"{HIGHEST:g}; check whether the spreads are standard errors"
            )
    r = row.number_of("r")
    if r is None:
        return by_p
    low, high = max(r.ends[0], -1.0), min(r.ends[1], 1.0)
    if not -1 < r.value < 1:
        raise InputError(f"{row.where}: r is {r.text}; allowed is between -1 and 1")
    if high < by_p[0] or low > by_p[1]:
        raise InputError(
            f"{row.where}: r {r.text} contradicts p, which needs a correlation from "
            f"{by_p[0]:.3g} to {by_p[1]:.3g}; correct or leave out one of them"
        )
    return low, high


def _pair_nodes(
    row: PrintedRow, first: _Side, second: _Side, limits: tuple[float, float], *, log: bool
) -> Callable[[CorrelationPrior], Nodes]:
    n = row.n[0]
    numbers = _rounded(row, (first, second), n, log=log)
    known = "r" in row.cells

    def nodes(prior: CorrelationPrior) -> Nodes:
        uniform = CorrelationPrior()
        r, log_weight = (uniform if known else prior).nodes(
            *limits, count=_KNOWN_NODES if known else CORRELATION_NODES
        )
        m1, m2, s1, s2 = (numbers[:, i, None] for i in range(4))
        effect, error = pair_effect((m1, m2), (s1, s2), n, r, log=log)
        shape = error.shape
        if not (error > 0).all():
            raise InputError(
                f"{row.where}: these spreads leave no error at a correlation of 1; give r or p"
            )
        return Nodes(
            np.broadcast_to(effect, shape).ravel(),
            error.ravel(),
            np.full(error.size, n - 1.0),
            (np.broadcast_to(log_weight, shape) - math.log(shape[0])).ravel(),
        )

    return nodes


def _rounded(row: PrintedRow, sides: tuple[_Side, _Side], n: float, *, log: bool) -> Array:
    """Means and SDs (points, 4) over their rounding, in one point where that hardly moves them."""
    a, b = sides
    centre = np.array([a.mean, b.mean, a.sd, b.sd])
    if log and min(a.mean - a.mean_half, b.mean - b.mean_half) <= 0:
        raise InputError(
            f"{row.where}: a mean is not above 0 within its rounding, so it has no log ratio; use "
            "measure 'mean difference'"
        )
    halves = np.array([a.mean_half, b.mean_half, a.sd_half, b.sd_half])
    typical = max(a.sd, b.sd) / math.sqrt(n)
    small = max(halves[:2]) < _MEAN_ROUNDING * typical
    if small and max(halves[2:] / centre[2:]) < _SD_ROUNDING:
        return centre[None, :]
    points = centre + rounding_points(halves)
    points[:, 2:] = np.maximum(points[:, 2:], 0.1 * centre[2:])
    return points


def _groups(row: PrintedRow, measure: Measure, first: Summary, second: Summary) -> PrintedSource:
    """Two groups of different people: Welch's t; an SMD by the noncentral t of the pooled test."""
    n = _two(row)
    cells = (first, second)
    readings = _readings(row, cells, n)
    sides_of = [
        tuple(
            _side(row, cell, m, as_error=as_error and cell.kind == "unlabelled")
            for cell, m in zip(cells, n, strict=True)
        )
        for as_error in readings
    ]
    if measure.name == SMD:
        a, b = sides_of[0]
        return groups_smd_source(row, (a.mean, b.mean), (a.sd, b.sd), n)
    all_nodes = []
    for a, b in sides_of:
        numbers = _rounded(row, (a, b), min(n), log=measure.is_log)
        effect, error, df = groups_effect(
            (numbers[:, 0], numbers[:, 1]), (numbers[:, 2], numbers[:, 3]), n, log=measure.is_log
        )
        even = np.full(len(effect), -math.log(len(effect)))
        all_nodes.append(Nodes(effect, error, df, even))
    found = all_nodes[0] if len(all_nodes) == 1 else all_nodes[0].joined(all_nodes[1])
    words = f"two groups, Welch's t with {float(found.df[0]):.3g} df"
    return _fixed(row, found, words + _reading_words(cells, readings), first, second)


def _fixed(
    row: PrintedRow, nodes: Nodes, words: str, first: Summary, second: Summary
) -> PrintedSource:
    return PrintedSource(
        row.study, row.number, SPREAD, words, nodes=lambda _: nodes,
        sign=int(np.sign(nodes.centre)), sd=nodes.error_at(0.5) * row.root_n,
    )  # fmt: skip


def _changes(row: PrintedRow, measure: Measure, first: Change, second: Change) -> PrintedSource:
    """Change of two groups: r of before and after open in both alike, or given."""
    n = _two(row)
    sides = []
    for change, m in zip((first, second), n, strict=True):
        if not (change.before.spread and change.after.spread):
            return nothing_source(row, "its error is open: a mean has no spread; give it")
        sides.append((_side(row, change.after, m), _side(row, change.before, m)))
    low, high, df, cut = -1.0, 1.0, float(sum(n) - 2), ""
    known = row.number_of("r")
    if known is not None:
        low, high = known.ends
    elif row.p is not None:
        low, high = _change_limits(row, sides, n)
        cut = f", correlation cut by p {row.operator} {row.p.text}"

    if measure.name == SMD:
        groups = [((a.mean, b.mean), (a.sd, b.sd), m) for (a, b), m in zip(sides, n, strict=True)]
        words = "changes of two groups, each by its SD before"
        return smd_source(row, lambda r: changes_smd(groups, r), (low, high), words)

    @cache
    def nodes(prior: CorrelationPrior) -> Nodes:
        r, log_weight = (prior if known is None else CorrelationPrior()).nodes(low, high)
        parts = [
            pair_effect((a.mean, b.mean), (a.sd, b.sd), m, r, log=measure.is_log)
            for (a, b), m in zip(sides, n, strict=True)
        ]
        (d1, e1), (d2, e2) = parts
        v1, v2 = e1**2, e2**2
        welch = (v1 + v2) ** 2 / (v1**2 / (n[0] - 1) + v2**2 / (n[1] - 1))
        return Nodes(np.full(r.shape, float(d1 - d2)), np.sqrt(v1 + v2), welch, log_weight)

    typical = nodes(CorrelationPrior())
    return PrintedSource(
        row.study, row.number, SPREAD,
        "changes of two groups, Welch's t (at most " f"{df:g} df), over the correlation{cut}",
        nodes=nodes, sign=int(np.sign(typical.centre)), sd=typical.error_at(0.5) * row.root_n,
        depends_on_correlation=known is None,
    )  # fmt: skip


def _change_limits(
    row: PrintedRow, sides: list[tuple[_Side, _Side]], n: tuple[int, int]
) -> tuple[float, float]:
    """Correlations at which the test of both changes gives what p says: se^2 = A - B r."""
    assert row.p is not None
    gap = abs((sides[0][0].mean - sides[0][1].mean) - (sides[1][0].mean - sides[1][1].mean))
    a = sum((x.sd**2 + y.sd**2) / m for (x, y), m in zip(sides, n, strict=True))
    b = sum(2 * x.sd * y.sd / m for (x, y), m in zip(sides, n, strict=True))
    slack = sum(x.mean_half + y.mean_half for x, y in sides)
    found = []
    for p, distance in zip(row.p.ends, (gap + slack, max(gap - slack, 0.0)), strict=True):
        if not 0 < p < 1:
            return -1.0, 1.0
        error = distance / t_quantile(p / 2, sum(n) - 2)
        found.append((a - error**2) / b)
    lowest, highest = min(found), max(found)
    low, high = {"=": (lowest, highest), "<": (lowest, 1.0), ">": (-1.0, highest)}[row.operator[0]]
    low, high = max(low, -1.0), min(high, 1.0)
    if low > high or low > HIGHEST or high < -HIGHEST:
        raise InputError(
            f"{row.where}: no correlation of before and after gives p {row.operator} {row.p.text} "
            "with these means and spreads; check whether the spreads are standard errors"
        )
    return low, high


def _two(row: PrintedRow) -> tuple[int, int]:
    if len(row.n) != 2:
        found = str(row.n[0]) if row.n else "empty"
        raise InputError(f"{row.where}: n is {found}; two groups need both numbers, as '13 / 12'")
    return row.n[0], row.n[1]


def _one_side(row: PrintedRow, first: Cell | None, second: Cell | None) -> PrintedSource:
    """A row without an effect is listed; one with half of it is a slip."""
    if first is None and second is None:
        return nothing_source(row, "it prints no effect: estimate, or first and second, are empty")
    empty, filled = ("second", "first") if second is None else ("first", "second")
    column = side_column(row, filled)
    if column != filled:
        empty, filled = f"mean_{'2' if empty == 'second' else '1'}", column
    raise InputError(
        f"{row.where}, column {empty}: empty, and {filled} is not; give both sides, or an "
        "estimate, or leave the row out (pool = 'no: reason')"
    )
