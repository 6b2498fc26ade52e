"""What a row left open, as the space that an exploration searches: its outermost limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrostats.common.student import t_quantile
from retrostats.evidence.pages.effects import (
    Effect,
    both_sides,
    change_limits,
    change_of,
    change_sides,
    is_reported,
    pair_limits,
    pair_sides,
    row_people,
    standardised,
)
from retrostats.evidence.printed.cells import Change, Number, Summary
from retrostats.evidence.printed.measures import (
    PERCENT,
    PROPORTION,
    RATIO_OF_MEANS,
    SMD,
    Measure,
    one_measure,
)
from retrostats.evidence.printed.pair import PrintedPair
from retrostats.evidence.printed.quadrature import SpreadPrior
from retrostats.evidence.printed.row_effects import spread_prior
from retrostats.evidence.printed.rows import PARALLEL, PrintedRow
from retrostats.evidence.printed.sources import BARE, PrintedSource
from retrostats.evidence.unreported.sources import CORRELATION, Effects, Source, pair_source
from retrostats.evidence.unreported.unknowns import Unknown, Values

Array = NDArray[np.float64]
#: Standard deviations of the logarithm of a spread that its range holds: 95% of a normal.
_HELD = 1.96
_SPREADS = ("SD", "SE", "unlabelled")


def row_space(
    row: PrintedRow, measure: Measure, source: PrintedSource, effect: Effect | None,
    ids: tuple[str, ...],
) -> Source | None:  # fmt: skip
    """A row as a function of what it left open; None where it bounds nothing by itself.

    Parameters
    ----------
    effect
        Its estimate with everything at its middle; None of a row without an error.
    ids
        Of its printed cells.

    Results in words are no part of it: they bound an effect on one side at most, and stand in the
    posterior alone.
    """
    if source.left_out or (effect is None and source.kind != BARE):
        return None
    if effect is None:
        return _bare(row, measure, source, ids)
    pair = _printed_pair(row, measure, ids)
    if pair is not None:
        return pair_source(pair, log=measure.is_log)
    changes = _changes(row, measure, ids) if measure.name != SMD else _smd(row, ids)
    if changes is not None:
        return changes
    if is_reported(row):
        return _reported(row, measure, effect, ids)
    found = Effects(np.array([effect.value]), np.array([effect.std_error**2]))
    people = row_people(row)
    return Source(row.study, people, (), lambda v: found, ids, effect.df, measure=measure.name)


def _printed_pair(row: PrintedRow, measure: Measure, ids: tuple[str, ...]) -> PrintedPair | None:
    """Both conditions of the same people with spreads of one kind."""
    first, second = both_sides(row)
    both = isinstance(first, Summary) and isinstance(second, Summary)
    if not both or is_reported(row) or row.design in ("", PARALLEL) or measure.name == SMD:
        return None
    assert isinstance(first, Summary)
    assert isinstance(second, Summary)
    thinned = row.positive("design_effect") not in (None, 1.0)
    if first.kind != second.kind or first.kind not in _SPREADS or thinned:
        return None
    known = row.number_of("r")
    return PrintedPair(
        study_id=ids[0],
        name=row.study,
        n=row.n[0],
        texts=(first.mean.text, second.mean.text, first.spread[0].text, second.spread[0].text),
        spread_type=first.kind,
        p_text="" if row.p is None else row.p.text,
        p_operator=row.operator,
        rows=(ids[0], ids[-1]),
        correlation=None if known is None else known.value,
        highest_cv=row.positive("cv_high") or 0.0,
    )


def _changes(row: PrintedRow, measure: Measure, ids: tuple[str, ...]) -> Source | None:
    """Changes of two groups over the correlation of before and after."""
    first, second = row.sides()
    if is_reported(row) or not (isinstance(first, Change) and isinstance(second, Change)):
        return None
    sides = change_sides(row, first, second)
    if sides is None:
        return None
    low, high = change_limits(row, sides, log=measure.is_log)
    name = f"{CORRELATION} ({row.study}, before and after)"
    p = f"what p {row.operator} {row.p.text} leaves" if row.p else "not printed"
    unknowns = () if low == high else (Unknown(name, low, high, p, ids[0]),)
    zero, one = ([change_of(*pair, r, log=measure.is_log) for pair in sides] for r in (0.0, 1.0))
    value = zero[0].mean - zero[1].mean
    a, b = (sum(side.sd**2 / side.n for side in at) for at in (zero, one))
    factor = row.positive("design_effect") or 1.0

    def effects(v: Values) -> Effects:
        r = v.get(name, np.array([low]))
        return Effects(np.full(r.shape, value), factor * (a + (b - a) * r))

    df = float(sum(row.n) - 2)
    return Source(row.study, float(sum(row.n)), unknowns, effects, ids, df, measure=measure.name)


def _smd(row: PrintedRow, ids: tuple[str, ...]) -> Source | None:
    """An SMD of a pair or of changes over the correlation; None of two groups or medians."""
    first, second = row.sides()
    if is_reported(row):
        return None
    sides: Any = None
    if isinstance(first, Change) and isinstance(second, Change):
        sides = change_sides(row, first, second)
        limits = None if sides is None else change_limits(row, sides, log=False)
    elif row.paired:
        sides = pair_sides(row)
        limits = None if sides is None else pair_limits(row, sides)
    if sides is None or limits is None:
        return None
    low, high = limits
    name = f"{CORRELATION} ({row.study})"
    p = f"what p {row.operator} {row.p.text} leaves" if row.p else "not printed"
    unknowns = () if low == high else (Unknown(name, low, high, p, ids[0]),)
    factor = row.positive("design_effect") or 1.0

    def effects(v: Values) -> Effects:
        value, variance = standardised(row, sides, v.get(name, np.array([low])))
        return Effects(value, factor * variance)

    people, df = float(sum(row.n)), float(row.people_df)
    return Source(row.study, people, unknowns, effects, ids, df, measure=SMD)


def _bare(
    row: PrintedRow, measure: Measure, source: PrintedSource, ids: tuple[str, ...]
) -> Source | None:
    """An estimate alone, over the standard deviation between people."""
    prior = spread_prior(row, measure)
    if prior is None or not row.n or source.nodes is None:
        return None
    from retrostats.evidence.printed.quadrature import CorrelationPrior

    centre = source.nodes(CorrelationPrior()).centre
    low, high = spread_range(prior)
    name = f"standard deviation between people ({row.study})"
    spread = Unknown(name, low, high, "its prior's range", kind="spread")
    root = row.root_n / math.sqrt(row.positive("design_effect") or 1.0)

    def effects(v: Values) -> Effects:
        return Effects(np.full(v[name].shape, centre), (v[name] / root) ** 2)

    return Source(
        row.study, float(sum(row.n)), (spread,), effects, ids, math.inf, measure=measure.name
    )


def spread_range(prior: SpreadPrior) -> tuple[float, float]:
    """Where 95% of a prior of a standard deviation lies, within its ends."""
    reach = math.exp(_HELD * prior.log_sd)
    return max(prior.low, prior.median / reach), min(prior.high, prior.median * reach)


def _reported(row: PrintedRow, measure: Measure, effect: Effect, ids: tuple[str, ...]) -> Source:
    """A printed effect inside the rounding of its numbers."""
    printed: dict[str, Number] = {}
    for name in ("estimate", "low", "high", "se"):
        found = row.number_of(name)
        if found is not None:
            printed[name] = found
    if row.p is not None and row.operator == "=" and not {"low", "high", "se"} & set(printed):
        printed["p"] = row.p
    keys = {name: f"{name} ({row.study})" for name in printed}
    percent = _is_percent(row, measure)
    unknowns = tuple(
        Unknown(
            keys[name], *_inside(number, name, measure, percent=percent),
            f"rounding of the printed {number.text}", ids[0], f"{ids[0]}: {name}",
        )
        for name, number in printed.items()
        if number.half > 0
    )  # fmt: skip
    exact = {name: number.value for name, number in printed.items()}
    level = row.positive("level") or 95.0
    t = t_quantile((1 - level / 100) / 2, effect.df)
    factor = row.positive("design_effect") or 1.0

    def effects(v: Values) -> Effects:
        cells = {name: np.asarray(v.get(keys[name], exact[name])) for name in printed}
        model = {
            name: measure.to_model(1 + cell / 100 if percent else cell)
            for name, cell in cells.items()
            if name in ("estimate", "low", "high")
        }
        value = model["estimate"] if "estimate" in model else 0.5 * (model["low"] + model["high"])
        error = _error(cells, model, t, effect.df, measure, percent=percent)
        error = effect.std_error / math.sqrt(factor) if error is None else error
        return Effects(np.atleast_1d(value), np.atleast_1d(factor * error**2))

    return Source(
        row.study, row_people(row), unknowns, effects, ids, effect.df, measure=measure.name
    )


def _error(
    cells: Mapping[str, Array],
    model: Mapping[str, Array],
    t: float,
    df: float,
    measure: Measure,
    *,
    percent: bool,
) -> Any:
    """Standard error from limits, an SE or an exact p, whichever is printed; else None."""
    if "low" in model and "high" in model:
        return (model["high"] - model["low"]) / (2 * t)
    for name in ("low", "high"):
        if name in model:
            return np.abs(model["estimate"] - model[name]) / t
    if "se" in cells and measure.name == PROPORTION:
        return cells["se"] / (cells["estimate"] * (1 - cells["estimate"]))
    if "se" in cells:
        return cells["se"] / 100 / (1 + cells["estimate"] / 100) if percent else cells["se"]
    if "p" in cells:
        from scipy.special import ndtri, stdtrit

        half = cells["p"] / 2
        quantile = ndtri(half) if math.isinf(df) else stdtrit(df, half)
        return np.abs(model["estimate"]) / -quantile
    return None


def _is_percent(row: PrintedRow, measure: Measure) -> bool:
    signed = str(row.cells.get("estimate", "")).strip().endswith("%")
    own = row.measure or measure.name
    return own == PERCENT or (signed and one_measure(own) == RATIO_OF_MEANS)


def _inside(number: Number, name: str, measure: Measure, *, percent: bool) -> tuple[float, float]:
    """Ends of a number's rounding that the measure allows."""
    low, high = number.ends
    if name in ("se", "p"):
        low = max(low, 0.1 * number.value)
        return low, min(high, 1 - 1e-9) if name == "p" else high
    floor = -100.0 if percent else 0.0
    if measure.is_log and low <= floor:
        low = floor + 0.5 * (number.value - floor)
    return low, high
