"""Moments of rows that were read in pieces: crossproducts of each subject for one design."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from retrostats.errors import InputError, NotIdentified
from retrostats.mixed.basis import substitute
from retrostats.mixed.buckets import template
from retrostats.mixed.columns import Column, FloatArray, IntArray
from retrostats.mixed.crossed.cells import Cells, crossed_of_cells
from retrostats.mixed.crossed.layout import Crossed
from retrostats.mixed.design import RandomDesign, fixed_design, shown_level
from retrostats.mixed.formula import Formula
from retrostats.mixed.gram import Gram, Stack, merge_equal
from retrostats.mixed.moments import Moments
from retrostats.mixed.rows import Rows, check_identified
from retrostats.mixed.strata.blocks import Strata
from retrostats.mixed.strata.cells import StrataSums, strata_of_cells
from retrostats.mixed.streamed.piece import (
    Design,
    Needs,
    design_of,
    find_levels,
    needs_of,
    one_row,
    random_names,
    read_piece,
)
from retrostats.mixed.streamed.source import Source
from retrostats.mixed.streamed.sums import Sums, empty_sums, pilot_of

_RANK = 1e-7  # R's qr() tolerance for a column that depends on those before it


@dataclass(frozen=True, slots=True, eq=False)
class StreamedMoments(Moments):
    """Crossproducts of each subject, for the columns of one formula.

    They fit that formula and any other with the same outcome and group whose columns of X and Z
    are among these; they do not merge and are not written to a file, because a number in them may
    belong to a single person.

    Attributes
    ----------
    sums : Sums
    design : Design
    """

    sums: Any = None
    design: Any = None

    @property
    def n_obs(self) -> int:
        """Observations."""
        return int(self.sums.n_rows)

    @property
    def n_subjects(self) -> int:
        """Independent blocks."""
        return int(self.sums.coder.count)

    def _label(self) -> str:
        return (
            f"Moments of {self.outcome}: {self.n_subjects} {self.subject}(s), {self.n_obs} "
            f"observations, crossproducts of {', '.join(self.design.fixed)}"
        )

    def __repr__(self) -> str:
        return self._label()

    def save(self, path: str | os.PathLike[str], *, min_cell: int = 5) -> None:
        """Refuse: the sums are of single subjects.

        Raises
        ------
        InputError
        """
        raise InputError(
            f"{path}: these moments hold sums of each single {self.subject}, so they are not "
            "written to a file; reduce a DataFrame of the rows that may leave instead"
        )

    def disclosure(self, *, min_cell: int = 5) -> pd.DataFrame:
        """Refuse, as `save`.

        Raises
        ------
        InputError
        """
        raise InputError(f"these moments hold sums of each single {self.subject}: all of them")

    def __add__(self, other: Moments) -> Moments:
        """Refuse: give all files at once.

        Raises
        ------
        InputError
        """
        raise InputError(
            "moments of rows read in pieces do not merge; give all files at once, as a glob or a "
            "Dataset"
        )


class _Unused(Exception):
    """Levels that no complete row has; the design must do without them."""

    def __init__(self, levels: dict[str, tuple[Any, ...]]) -> None:
        self.levels = levels


def streamed_moments(
    formula: Formula,
    source: Source,
    weight: str | None = None,
    residual: tuple[str, ...] = (),
) -> StreamedMoments:
    """Reduce a source to the crossproducts of one formula, in one pass.

    Raises
    ------
    InputError
        As `lmm`; levels must be known but the source can be read only once.
    """
    needs = needs_of(formula, source, weight, residual)
    if source.parts:
        from retrostats.mixed.streamed.dask import dask_levels, dask_sums

        levels = dask_levels(needs, source)
        take: Any = dask_sums
    else:
        take = _sums_of
        if source.again or not needs.factors:
            levels = find_levels(needs, source)
        else:
            levels, source = _levels_of_first(needs, source)
    design = design_of(formula, needs, levels, strict=not source.again)
    try:
        sums, lost = _quietly(take, design, source)
        sums = checked(sums, lost, design.levels)
    except _Unused as fewer:
        if not source.again:
            raise InputError(
                f"{source.name} can be read only once, and levels of its categorical columns do "
                "not occur; give the Dataset or the files it reads"
            ) from None
        design = design_of(formula, needs, fewer.levels, strict=False)
        sums, lost = _quietly(take, design, source)
        sums = checked(sums, lost, design.levels)
    names = (*needs.numbers, *needs.factors)
    return StreamedMoments(
        outcome=formula.outcome,
        subject=needs.groups[0] if len(needs.groups) == 1 else ":".join(needs.groups),
        columns=names,
        levels=tuple(design.levels.get(n) for n in names),
        ordered=(False,) * len(names),
        groups=(),
        patterns=(),
        n_dropped=sums.n_dropped,
        raw=None,
        sums=sums,
        design=design,
    )


def _quietly(take: Any, design: Design, source: Source) -> tuple[Sums | None, int]:
    """`take` with one thread of linear algebra: products of a few columns gain nothing by two.

    On a busy machine the two wait for one another in a loop, which doubled the processor time.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        found: tuple[Sums | None, int] = take(design, source)
    return found


def _levels_of_first(needs: Needs, source: Source) -> tuple[dict[str, tuple[Any, ...]], Source]:
    """Levels from the dictionaries of the first piece of a source that is read only once."""
    text = [n for n in needs.factors if "string" in str(source.types[n]).split("<")[0]]
    if text:
        raise InputError(
            f"{source.name} can be read only once, but the levels of {', '.join(text)} have to be "
            "found first; give the Dataset or the files it reads"
        )
    pieces = source.pieces(needs.columns)
    first = next(pieces, None)
    if first is None:
        raise InputError("the data have no rows")
    head = replace(source, pieces=lambda columns: iter([first.select(list(columns))]))
    return find_levels(needs, head), replace(source, pieces=lambda columns: chain([first], pieces))


def _sums_of(design: Design, source: Source) -> tuple[Sums | None, int]:
    sums, lost = None, 0
    for table in source.pieces(design.needs.columns):
        piece = read_piece(table, design, source.name)
        if piece is None:
            lost += table.num_rows
            continue
        sums = sums or empty_sums(pilot_of(piece, design.of_fixed), design)
        sums.add(piece)
    return sums, lost


def checked(sums: Sums | None, lost: int, levels: dict[str, tuple[Any, ...]]) -> Sums:
    """The sums, unless there are none or a level does not occur; `lost` rows came to nothing."""
    if sums is None:
        raise InputError(
            "no row has a value in every column the formula uses"
            if lost
            else "the data have no rows"
        )
    sums.n_dropped += lost
    if not all(used.all() for used in sums.used.values()):
        left = {
            n: tuple(v for v, u in zip(values, sums.used[n], strict=True) if u)
            for n, values in levels.items()
        }
        raise _Unused(left)
    return sums


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
        Another outcome or offset than the moments', or residual strata of several groups.
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
    reduced = _reduced(moments, fixed)
    chosen = [np.array([design.effects.index(n) for n in t], dtype=np.intp) for t in terms]
    one_group = len({t.factors for t in formula.random}) == 1
    if residual:
        if not one_group:
            raise InputError(
                "residual= with rows that are streamed takes one group; read the columns into a "
                "DataFrame for nested or crossed ones"
            )
        strata = _strata(moments, reduced, random[0].levels, chosen, residual)
        return Streamed(strata.frame_gram(), rows, columns, strata=strata)
    if one_group:
        subjects = reduced.merged(random[0].levels)
        return Streamed(_gram(subjects, chosen), rows, columns)
    crossed = crossed_of_cells(random, chosen, reduced)
    return Streamed(crossed.frame_gram(), rows, columns, crossed)


def _strata(
    moments: StreamedMoments,
    cells: Cells,
    block: IntArray,
    chosen: list[IntArray],
    residual: tuple[str, ...],
) -> Strata:
    """Sums of each block and stratum; levels that do not meet are no stratum."""
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
    return strata_of_cells(cells, chosen, block, stratum, of)


def _held(formula: Formula, moments: StreamedMoments, columns: dict[str, Column]) -> None:
    from retrostats.mixed.expressions import columns_of
    from retrostats.mixed.formula import all_terms

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
        found, levels = np.unique(levels, return_inverse=True)
        none = np.empty((0, len(names)))
        out.append(
            RandomDesign(term.group, term.factors, names, none, levels, len(found), len(found))
        )
    return tuple(out)


def _reduced(moments: StreamedMoments, fixed: tuple[str, ...]) -> Cells:
    """X = U R with U = W A turn; r loses X's coefficients and regains what it lost to others."""
    sums, design = moments.sums, moments.design
    here = np.array([design.names.index(n) for n in fixed], dtype=np.intp)
    back = np.linalg.inv(sums.pilot.a)  # W = (W A) back
    turn, first = np.linalg.qr(back[:, here])
    others = sums.pilot.b.copy()
    others[here] = 0.0
    regained = back @ others
    ww, wr, rr = sums.total[:-1, :-1], sums.total[:-1, -1], float(sums.total[-1, -1])
    rr += float(2.0 * regained @ wr + regained @ ww @ regained)
    uu, ur = turn.T @ ww @ turn, turn.T @ (wr + ww @ regained)
    upper = _cholesky(uu, first, fixed)
    half = substitute(upper, ur, transpose=True)
    delta = substitute(upper, half)
    yy = rr - float(half @ half)
    if yy <= max((1e-13 * max(sums.largest, 1e-300)) ** 2 * sums.n_rows, 0.0):
        raise InputError(
            "the outcome does not vary beyond the fixed effects (all values equal, or fitted "
            "exactly); a mixed model has nothing to estimate"
        )
    zz, zw, zr = sums.products()
    zu = zw @ turn
    zr = zr + zw @ regained - zu @ delta
    back_upper = np.linalg.inv(upper)
    zx = zu @ back_upper
    size = len(back)
    whole = np.zeros((size + 1, len(here) + 1))  # from (W A, y - W b) to (X, its residual)
    whole[:size, :-1] = turn @ back_upper
    whole[:size, -1] = regained - turn @ delta
    whole[size, -1] = 1.0
    start = sums.pilot.b[here] + np.linalg.solve(first, delta)
    return Cells(zz, zx, zr, yy, sums.n_rows, upper @ first, start, whole)


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


def _cholesky(uu: FloatArray, first: FloatArray, names: tuple[str, ...]) -> FloatArray:
    """Upper R of U'U, unless a column of X = U `first` follows from those before it."""
    size = np.sqrt(np.diag(first.T @ uu @ first))
    try:
        upper = np.linalg.cholesky(uu).T
        own = np.abs(np.diag(upper) * np.diag(first))
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(uu)
        root = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
        upper = None
        own = np.abs(np.diag(np.linalg.qr(root @ first, mode="r")))
    bad = ~(own > _RANK * size)
    if upper is None or bad.any():
        dependent = [n for n, b in zip(names, bad, strict=True) if b] or [names[-1]]
        raise NotIdentified(
            f"the columns {', '.join(dependent)} follow from the others (a cell without data, "
            "or a term that repeats another); take them out of the formula"
        )
    return upper
