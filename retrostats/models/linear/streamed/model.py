"""What a model needs of rows that were read in pieces, for one formula."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrostats.common.errors import InputError, NotIdentified
from retrostats.models.linear.blocks.buckets import template
from retrostats.models.linear.blocks.gram import Gram, Stack, merge_equal
from retrostats.models.linear.blocks.rows import Rows, check_identified
from retrostats.models.linear.crossed.cells import Cells, crossed_of_cells
from retrostats.models.linear.crossed.layout import Crossed
from retrostats.models.linear.formula.columns import Column, IntArray
from retrostats.models.linear.formula.design import RandomDesign, fixed_design, shown_level
from retrostats.models.linear.formula.formula import Formula
from retrostats.models.linear.heteroscedastic.blocks import Strata
from retrostats.models.linear.heteroscedastic.cells import StrataSums, strata_of_cells
from retrostats.models.linear.streamed.crossproducts import cells_of
from retrostats.models.linear.streamed.moments import StreamedMoments
from retrostats.models.linear.streamed.piece import one_row, random_names


@dataclass(frozen=True, slots=True)
class Streamed:
    """What a model needs of rows that were read in pieces.

    Attributes
    ----------
    gram : Gram
    rows : Rows
        An empty design: names and counts.
    columns : dict
        One row: the mean of each numeric column, the first level of each categorical one.
    crossed : Crossed or None
        Where groups are nested or crossed.
    strata : Strata or None
        Where residual variances differ.
    """

    gram: Gram
    rows: Rows
    columns: dict[str, Column]
    crossed: Crossed | None = None
    strata: Strata | None = None


def streamed_model(
    formula: Formula, moments: StreamedMoments, residual: tuple[str, ...] = ()
) -> Streamed:
    """Crossproducts and an empty design for one formula; `residual` names residual strata.

    Raises
    ------
    InputError
        Another outcome or offset than the moments'.
    NotIdentified
        The formula uses what the moments do not hold, or the data do not determine it.
    """
    sums, design = moments.sums, moments.design
    if formula.outcome != moments.outcome or formula.offsets != design.formula.offsets:
        raise InputError(
            f"formula {formula.text!r} models {formula.outcome!r} with the offsets "
            f"({', '.join(formula.offsets)}), the moments are of {moments.outcome!r} with "
            f"({', '.join(design.formula.offsets)}); reduce the rows again"
        )
    columns = one_row(design.needs.numbers, design.levels)
    for name in design.needs.numbers:
        columns[name] = np.array([sums.totals[name] / sums.n_rows])
    _held(formula, moments, columns)
    fixed = fixed_design(formula, columns, 1)[1]
    terms = random_names(formula, columns)
    absent = [n for n in fixed if n not in design.names]
    absent += [n for t in terms for n in t if n not in design.effects]
    if absent:
        raise NotIdentified(
            f"the moments of {moments.outcome!r} were taken without {', '.join(absent)} (they "
            f"hold: {', '.join(design.names)}); reduce the rows again with this formula"
        )
    random = _placed(formula, terms, moments)
    none = np.empty(0, dtype=np.intp)
    rows = Rows(np.empty((0, len(fixed))), fixed, np.empty(0), random, none, np.empty(0), {})
    check_identified(rows, moments.n_obs)
    reduced = cells_of(moments, fixed)
    chosen = [np.array([design.effects.index(n) for n in t], dtype=np.intp) for t in terms]
    one_group = len({t.factors for t in formula.random}) == 1
    if residual:
        strata = _strata(moments, reduced, random, chosen, residual)
        return Streamed(strata.frame_gram(), rows, columns, strata=strata)
    if one_group:
        subjects = reduced.merged(random[0].levels)
        return Streamed(_gram(subjects, chosen), rows, columns)
    crossed = crossed_of_cells(random, chosen, reduced)
    return Streamed(crossed.frame_gram(), rows, columns, crossed)


def _strata(
    moments: StreamedMoments,
    cells: Cells,
    random: tuple[RandomDesign, ...],
    chosen: list[IntArray],
    residual: tuple[str, ...],
) -> Strata:
    """Sums of each combination and stratum; levels that do not meet are no stratum."""
    sums, design = moments.sums, moments.design
    if residual != design.needs.residual:
        raise NotIdentified(
            f"the moments of {moments.outcome!r} were taken with residual="
            f"{':'.join(design.needs.residual)!r}, not {':'.join(residual)!r}; reduce the rows "
            "again"
        )
    met = np.flatnonzero(sums.of_stratum)
    parts = np.unravel_index(met, [len(design.levels[n]) for n in residual])
    shown = [
        [shown_level(design.levels[n][i]) for i in at]
        for n, at in zip(residual, parts, strict=True)
    ]
    labels = tuple(":".join(label) for label in zip(*shown, strict=True))
    if len(labels) < 2:
        raise InputError(
            f"residual={':'.join(residual)!r} has one level only ({labels[0]}); leave residual= out"
        )
    turn = cells.turn
    products = turn.T @ sums.by_stratum[met] @ turn
    stratum = np.searchsorted(met, sums.coder.labels[-1].astype(np.intp))
    of = StrataSums(sums.of_stratum[met], products, labels, ":".join(residual))
    return strata_of_cells(cells, chosen, random, stratum, of)


def _held(formula: Formula, moments: StreamedMoments, columns: dict[str, Column]) -> None:
    from retrostats.models.linear.formula.expressions import columns_of
    from retrostats.models.linear.formula.formula import all_terms

    wanted = {n for term in all_terms(formula) for c in term for n in columns_of(c)}
    missing = sorted(wanted - set(columns))
    missing += sorted(set(formula.grouping_columns) - set(moments.design.needs.groups))
    if missing:
        raise NotIdentified(
            f"the moments of {moments.outcome!r} were taken without {', '.join(missing)} (they "
            f"hold: {', '.join([moments.subject, *columns])}); reduce the rows again"
        )


def _placed(
    formula: Formula, terms: tuple[tuple[str, ...], ...], moments: StreamedMoments
) -> tuple[RandomDesign, ...]:
    """Each random term with the level of every subject, and no rows."""
    groups = moments.design.needs.groups
    parts = dict(zip(groups, moments.sums.coder.parts[: len(groups)], strict=True))
    out = []
    for term, names in zip(formula.random, terms, strict=True):
        levels = parts[term.factors[0]]
        for factor in term.factors[1:]:
            both = levels * (int(parts[factor].max()) + 1) + parts[factor]
            levels = np.unique(both, return_inverse=True)[1]
        there = np.bincount(levels) > 0
        if not there.all():
            levels = (np.cumsum(there) - 1)[levels]
        none, found = np.empty((0, len(names))), int(there.sum())
        out.append(RandomDesign(term.group, term.factors, names, none, levels, found, found))
    return tuple(out)


def _gram(cells: Cells, chosen: list[IntArray]) -> Gram:
    """One block a subject."""
    sizes, all_of = tuple(map(len, chosen)), np.concatenate(chosen)
    place = template(np.ones(len(sizes), dtype=np.intp), list(sizes))
    zz = cells.zz[:, all_of[:, None], all_of]
    stack = Stack(np.ones(len(zz)), zz, cells.zx[:, all_of], cells.zy[:, all_of], None, *place)
    nothing = np.zeros(len(cells.start))
    return Gram(
        (merge_equal(stack),), nothing, cells.yy, cells.n_obs, cells.basis, cells.start, sizes
    )
