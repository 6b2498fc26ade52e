"""Rows of one study in one pool: arms that share a control are combined, others as the page says.

Combining groups: Cochrane Handbook for Systematic Reviews of Interventions, section 6.5.2.10, and
23.3.4 on arms that share a control. The mean of several effects of the same people: Borenstein and
others (2009), Introduction to Meta-Analysis, chapter 24.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrostats.common.errors import InputError
from retrostats.evidence.pages.effects import Effect
from retrostats.evidence.printed.cells import Count, Summary, parse_cell, people_cell
from retrostats.evidence.printed.quadrature import CorrelationPrior, log_total
from retrostats.evidence.printed.sources import Nodes, PrintedSource
from retrostats.evidence.unreported.sources import Effects, Source
from retrostats.evidence.unreported.unknowns import Values, distinct

Array = NDArray[np.float64]
Cells = dict[str, Any]
#: Points to which each of several mixtures is thinned before they are crossed.
_THINNED = 12


def combined_arms(rows: Sequence[tuple[str, Cells]]) -> Cells:
    """Cells of rows that share a control, as one row: their first sides are one group.

    Parameters
    ----------
    rows
        Place for messages, and filled cells by column, of each row.

    Raises
    ------
    InputError
        Effects that were computed already (both contain the control), another control or design,
        or sides that are neither counts nor means with SD or SE.
    """
    (where, cells), *others = rows
    for place, other in rows:
        if any(name in other for name in ("estimate", "low", "high")):
            raise InputError(
                f"{place}, column arm: a reported effect cannot share its control with another "
                "row, which would count twice; give the groups in first and second, or leave all "
                "but one out (pool = 'no: reason')"
            )
    for place, other in others:
        if other.get("second") != cells.get("second"):
            raise InputError(
                f"{place}, column second: found {other.get('second', '')!r}; rows of one arm share "
                f"their control, which is {cells.get('second', '')!r} in {where}"
            )
    firsts = [parse_cell(other.get("first", ""), f"{at}, column first") for at, other in rows]
    if all(isinstance(first, Count) and first.of_people == firsts[0].of_people  # type: ignore[union-attr]
           for first in firsts):  # fmt: skip
        return _counts(cells, firsts)
    if all(isinstance(first, Summary) and first.kind in ("SD", "SE") for first in firsts):
        return _means(rows, firsts)
    raise InputError(
        f"{where}, column first: rows of one arm hold {' and '.join(_shown(rows))}; allowed are "
        "counts alike, or means with SD or SE: give the combined group as one row"
    )


def _shown(rows: Sequence[tuple[str, Cells]]) -> list[str]:
    return [repr(str(cells.get("first", ""))) for _, cells in rows]


def _counts(cells: Cells, firsts: Sequence[Any]) -> Cells:
    events, total = (sum(getattr(f, name) for f in firsts) for name in ("events", "total"))
    made = {**cells, "first": f"{events:.0f} / {total:g} {firsts[0].noun}".strip()}
    made.pop("n", None)
    return made


def _means(rows: Sequence[tuple[str, Cells]], firsts: Sequence[Any]) -> Cells:
    """Mean and SD of the joined group, n and the control beside them."""
    cells = rows[0][1]
    people = [people_cell(c.get("n", ""), f"{at}, column n") for at, c in rows if c.get("n")]
    if len(people) != len(rows) or any(len(n) != 2 for n in people):
        raise InputError(f"{rows[0][0]}, column n: rows of one arm need both numbers, as '13 / 12'")
    n, mean, square = 0.0, 0.0, 0.0
    for first, (m, _) in zip(firsts, people, strict=True):
        sd = first.spread[0].value * (math.sqrt(m) if first.kind == "SE" else 1.0)
        gap, total = first.mean.value - mean, n + m
        square += (m - 1) * sd**2 + gap**2 * n * m / total
        mean, n = mean + gap * m / total, total
    second = parse_cell(cells["second"], f"{rows[0][0]}, column second")
    if not (isinstance(second, Summary) and second.kind in ("SD", "SE")):
        raise InputError(f"{rows[0][0]}, column second: found {cells['second']!r}; allowed is a "
                         "mean with SD or SE")  # fmt: skip
    control = people[0][1]
    spread = second.spread[0].value * (math.sqrt(control) if second.kind == "SE" else 1.0)
    made = {k: v for k, v in cells.items() if k not in ("first", "second")}
    return made | {
        "n": f"{n:.0f} / {control}", "mean_1": mean, "sd_1": math.sqrt(square / (n - 1)),
        "mean_2": second.mean.value, "sd_2": spread,
    }  # fmt: skip


def averaged_source(sources: Sequence[PrintedSource], r: float) -> PrintedSource:
    """The mean effect of several rows of the same people as one likelihood.

    Errors of any two rows correlate by `r`: the variance of the mean of m is (sum of v_i + sum of
    r sqrt(v_i v_j)) / m^2. Counts have no error of their own: their log-likelihoods are added and
    divided by 1 + (m - 1) r, which is the same where errors are equal.
    """
    first = sources[0]
    m = len(sources)
    if any(s.nodes is None or s.kind != first.kind for s in sources):
        return _tempered(sources, r)
    parts = [s.nodes for s in sources if s.nodes is not None]

    def nodes(prior: CorrelationPrior) -> Nodes:
        found = _thinned(parts[0](prior))
        estimates, errors = [found.estimate], [found.std_error]
        df, log = found.df, found.log_weight
        for part in parts[1:]:
            other = _thinned(part(prior))
            shape = (len(log), len(other.log_weight))
            estimates = [_crossed(x, shape) for x in estimates]
            errors = [_crossed(x, shape) for x in errors]
            estimates.append(np.tile(other.estimate, shape[0]))
            errors.append(np.tile(other.std_error, shape[0]))
            df = np.minimum(_crossed(df, shape), np.tile(other.df, shape[0]))
            log = _crossed(log, shape) + np.tile(other.log_weight, shape[0])
        return Nodes(np.mean(estimates, axis=0), np.sqrt(_of_mean(errors, r)), df, log)

    typical = nodes(CorrelationPrior())
    return replace(
        first,
        became=f"mean of {m} rows of the same people, correlation {r:g}: {first.became}",
        nodes=nodes,
        sign=int(np.sign(typical.centre)),
        sd=float(np.mean([s.sd for s in sources])),
        depends_on_correlation=any(s.depends_on_correlation for s in sources),
    )


def _crossed(values: Array, shape: tuple[int, int]) -> Array:
    return np.repeat(values, shape[1])


def _thinned(nodes: Nodes) -> Nodes:
    """A mixture of at most a dozen points with the same weights of their errors' order."""
    q = nodes.log_weight.shape
    arrays = [np.broadcast_to(x, q) for x in (nodes.estimate, nodes.std_error, nodes.df)]
    if q[0] <= _THINNED:
        return Nodes(arrays[0], arrays[1], arrays[2], nodes.log_weight)
    order = np.argsort(arrays[1], kind="stable")
    weight = np.exp(nodes.log_weight[order])
    bins = np.minimum((np.cumsum(weight) - 0.5 * weight) * _THINNED, _THINNED - 1).astype(int)
    made = [np.bincount(bins, weight * x[order], _THINNED) for x in arrays[:2]]
    total = np.bincount(bins, weight, _THINNED)
    kept = total > 0
    df = np.full(int(kept.sum()), float(arrays[2].min()))
    log = np.log(total[kept])
    return Nodes(made[0][kept] / total[kept], made[1][kept] / total[kept], df, log - log_total(log))


def _of_mean(errors: Sequence[Any], r: float) -> Any:
    """Squared error of the mean of m effects whose errors correlate by r."""
    m = len(errors)
    squares = sum(error**2 for error in errors)
    crossed = sum(errors) ** 2 - squares
    return (squares + r * crossed) / m**2


def _tempered(sources: Sequence[PrintedSource], r: float) -> PrintedSource:
    first, m = sources[0], len(sources)
    share = 1 / (1 + (m - 1) * r)
    about, errors = ([getattr(s, name) for s in sources] for name in ("about", "error"))

    def curve(theta: Array) -> Array:
        prior = CorrelationPrior()
        return np.asarray(share * sum(s.log_likelihood(theta, prior) for s in sources))

    return replace(
        first,
        became=f"{m} rows of the same people, correlation {r:g}: {first.became}",
        nodes=None,
        curve=curve,
        about=float(np.nanmean(about)),
        error=float(np.sqrt(_of_mean(errors, r))),
        bounded=any(s.bounded for s in sources),
    )


def averaged_effect(effects: Sequence[Effect], r: float) -> Effect:
    """The mean of several effects of the same people, with its error.

    Examples
    --------
    >>> one, two = (Effect(x, 0.2, 12.0, "pair") for x in (0.1, 0.3))
    >>> both = averaged_effect([one, two], 0.5)
    >>> round(both.value, 3), round(both.std_error, 4)
    (0.2, 0.1732)
    """
    value = float(np.mean([e.value for e in effects]))
    error = math.sqrt(_of_mean([e.std_error for e in effects], r))
    how = f"mean of {len(effects)} rows of the same people, correlation {r:g}"
    return Effect(value, error, min(e.df for e in effects), how)


def averaged_space(spaces: Sequence[Source], r: float) -> Source:
    """The mean of several rows of the same people over everything they left open."""

    def effects(v: Values) -> Effects:
        found = [space.effects(v) for space in spaces]
        value = sum(np.asarray(f.value) for f in found) / len(found)
        variance = _of_mean([np.sqrt(np.asarray(f.variance)) for f in found], r)
        return Effects(np.asarray(value), np.asarray(variance))

    unknowns = distinct([u for space in spaces for u in space.unknowns])
    rows = tuple(dict.fromkeys(row for space in spaces for row in space.rows))
    return replace(
        spaces[0], unknowns=unknowns, effects=effects, pair=None, rows=rows,
        known_df=min(space.df for space in spaces),
    )  # fmt: skip


def by_study(names: Mapping[int, str]) -> dict[str, list[int]]:
    """Places by study, in order."""
    found: dict[str, list[int]] = {}
    for place, name in names.items():
        found.setdefault(name, []).append(place)
    return found
