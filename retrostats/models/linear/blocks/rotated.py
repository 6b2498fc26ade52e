"""Rows that stand for the people of a cell: a root of the crossproducts of (1, variables).

An orthogonal rotation of the n rows of a cell leaves at most 1 + v of them different from zero; the
others count, and nothing else (docs/mathematics.md, section 15).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from retrostats.common.errors import InputError, NotIdentified
from retrostats.models.linear.blocks.rows import Rows
from retrostats.models.linear.formula.columns import Column, Factor, FloatArray, IntArray, numeric
from retrostats.models.linear.formula.design import factorised, fixed_design, random_design
from retrostats.models.linear.formula.expressions import FUNCTIONS, columns_of, evaluate
from retrostats.models.linear.formula.formula import Formula, all_terms
from retrostats.models.linear.moments.cells import study_means
from retrostats.models.linear.moments.moments import CellMoments

_LINEAR = 1e-9  # relative distance from a plane that is rounding


@dataclass(frozen=True, slots=True)
class CellRows:
    """What a formula makes of cells.

    Attributes
    ----------
    rows : Rows
        1 + v rotated rows a cell.
    columns : dict
        Columns of the cells; a variable at its mean.
    cell : (R,) int array
        Cell of each row.
    n : (C,) array
    """

    rows: Rows
    columns: dict[str, Column]
    cell: IntArray
    n: FloatArray


def cell_rows(moments: CellMoments, formula: Formula, block: Any) -> CellRows:
    """Rotated rows of every cell for one formula.

    Parameters
    ----------
    moments : CellMoments
    formula : Formula
    block : callable
        (formula, columns, count) -> (block of each cell, number of blocks).

    Raises
    ------
    NotIdentified
        The formula uses a column that is not held, or is not linear in a variable: printed moments
        do not determine its crossproducts.
    """
    used = _used(moments, formula)
    columns = _cell_columns(moments, formula)
    count = len(moments.patterns)
    n = np.array([p.n for p in moments.patterns])
    means, roots = _roots(moments, used)
    stacked, point = _probe(columns, used, count)
    total = count * (len(used) + 2)
    y = evaluate(formula.outcome, numeric(stacked))[:, None]
    random = [random_design(term, stacked, total) for term in formula.random]
    width = len(used) + 1
    rotate = _Rotation(used, count, point, n, means, roots)
    named = {c for term in formula.fixed for c in term}
    moving = bool(set(used) & named.union(*map(columns_of, named)))
    if moving:
        x, names = fixed_design(formula, stacked, total)
        out_x = rotate(x, names)
    else:  # no probe of columns that are the same at each, of which factors have many
        x, names = fixed_design(formula, columns, count)
        out_x = rotate.constant(x)
    out_y = rotate(y, (formula.outcome,))[:, 0]
    cell = np.repeat(np.arange(count), width)
    designs = tuple(
        replace(r, values=rotate(r.values, r.effects), levels=r.levels[:count][cell])
        for r in random
    )
    ones = np.zeros((count, width))
    ones[:, 0] = np.sqrt(n)
    blocks, n_blocks = block(formula, columns, count)
    rows = Rows(
        out_x, names, out_y, designs, blocks[cell], np.ones(n_blocks), {},
        hidden=round(float(n.sum())) - len(cell), rotated=ones.ravel(),
    )  # fmt: skip
    at_mean = {name: means[:, k] for k, name in enumerate(used)}
    return CellRows(rows, {**columns, **at_mean}, cell, n)


def _used(moments: CellMoments, formula: Formula) -> tuple[str, ...]:
    """Variables the formula uses; refuses what the moments do not hold."""
    components = {c for term in all_terms(formula) for c in term} | {formula.outcome}
    every = (*moments.variables, *(name for name, _ in moments.centred))
    wanted: dict[str, None] = {}
    for component in sorted(components):
        if component in every:
            wanted[component] = None
            continue
        names = columns_of(component)
        wanted.update(dict.fromkeys(names))
        touched = [name for name in names if name in every]
        called = component.partition("(")[0]
        if touched and called in FUNCTIONS and called != "I":
            raise NotIdentified(
                f"{component}: the moments hold means and crossproducts of {', '.join(touched)}, "
                f"which do not determine {called}(); transform the rows before reducing"
            )
    wanted.update(dict.fromkeys(formula.grouping_columns))
    missing = sorted(set(wanted) - set(moments.names))
    if missing:
        why = ""
        if "arm_c" in missing and "arm" in moments.columns:
            why = " (arm_c needs an arm coded 0 and 1)"
        raise NotIdentified(
            f"the moments hold {', '.join(moments.names)}; missing: {', '.join(missing)}{why}. Add "
            "it before reducing or merging"
        )
    outcome = [name for name in columns_of(formula.outcome) if name in every]
    if not outcome and formula.outcome not in every:
        raise InputError(
            f"formula {formula.text!r}: the outcome {formula.outcome!r} does not vary between the "
            f"people of a cell; allowed: {', '.join(every)}"
        )
    for name in formula.grouping_columns:
        if name in every:
            raise InputError(
                f"formula {formula.text!r}: {name!r} is a measured variable, not a group"
            )
    return tuple(name for name in wanted if name in every)


def _cell_columns(moments: CellMoments, formula: Formula) -> dict[str, Column]:
    design = np.vstack([p.design for p in moments.patterns])
    columns: dict[str, Column] = {}
    for c, (name, levels) in enumerate(zip(moments.columns, moments.levels, strict=True)):
        if levels is None:
            columns[name] = design[:, c]
        else:
            columns[name] = Factor(design[:, c].astype(np.intp), levels).take(slice(None))
    for name, source in moments.coded:
        columns[name] = design[:, moments.columns.index(source)] - 0.5
    categorical = {f"{call}({name})" for call in ("C", "factor") for name in columns}
    for component in {c for term in all_terms(formula) for c in term} & categorical:
        name = component.partition("(")[2][:-1]
        column = columns[name]
        if not isinstance(column, Factor):
            columns[name] = factorised(column)
    return columns


def _roots(moments: CellMoments, used: tuple[str, ...]) -> tuple[FloatArray, FloatArray]:
    """Means (C, v) and roots (C, v, v) of the scatters, R'R, of the used variables."""
    centred = dict(moments.centred)
    index = [moments.variables.index(centred.get(name, name)) for name in used]
    means = np.stack([p.mean[index] for p in moments.patterns])
    for k, name in enumerate(used):
        if name in centred:
            means[:, k] -= study_means(moments, centred[name])
    size = (len(used), len(used))
    scatter = np.stack(
        [
            np.zeros(size) if p.scatter is None else p.scatter[np.ix_(index, index)]
            for p in moments.patterns
        ]
    )
    sd = np.sqrt(np.diagonal(scatter, axis1=1, axis2=2))
    unit = np.where(sd > 0, sd, 1.0)
    values, vectors = np.linalg.eigh(scatter / unit[:, :, None] / unit[:, None, :])
    root = np.sqrt(np.maximum(values, 0.0))[:, :, None] * np.swapaxes(vectors, 1, 2)
    return means, root * unit[:, None, :]


def _probe(
    columns: dict[str, Column], used: tuple[str, ...], count: int
) -> tuple[dict[str, Column], FloatArray]:
    """The cells stacked with all variables 0, with each at 1 in turn, and at a point that tests."""
    copies = len(used) + 2
    point = 0.5 + 0.37 * np.arange(1, len(used) + 1)
    out: dict[str, Column] = {}
    for name, column in columns.items():
        if isinstance(column, Factor):
            out[name] = Factor(np.tile(column.codes, copies), column.levels, column.ordered)
        else:
            out[name] = np.tile(column, copies)
    for k, name in enumerate(used):
        value = np.zeros((copies, count))
        value[1 + k] = 1.0
        value[-1] = point[k]
        out[name] = value.ravel()
    return out, point


@dataclass(frozen=True, slots=True)
class _Rotation:
    """Rotated rows of columns that are linear in the variables, from their probed values."""

    used: tuple[str, ...]
    count: int
    point: FloatArray
    n: FloatArray
    means: FloatArray
    roots: FloatArray

    def __call__(self, probed: FloatArray, names: Iterable[str]) -> FloatArray:
        values = probed.reshape(len(self.used) + 2, self.count, probed.shape[1])
        out = np.zeros((self.count, len(self.used) + 1, probed.shape[1]))
        out[:, 0] = np.sqrt(self.n)[:, None] * values[0]
        # columns of factors, which can be many, are the same at every probe
        moving = np.flatnonzero([(one != values[0]).any(axis=0) for one in values[1:]])
        if len(moving):
            moving = np.unique(moving % probed.shape[1])
            called = list(names)
            out[..., moving] = self._moving(values[..., moving], [called[c] for c in moving])
        return out.reshape(self.count * (len(self.used) + 1), probed.shape[1])

    def constant(self, base: FloatArray) -> FloatArray:
        """Columns that depend on no variable, given once (C, p)."""
        out = np.zeros((self.count, len(self.used) + 1, base.shape[1]))
        out[:, 0] = np.sqrt(self.n)[:, None] * base
        return out.reshape(-1, base.shape[1])

    def _moving(self, values: FloatArray, names: list[str]) -> FloatArray:
        """Columns that depend on a variable."""
        base = values[0]
        slope = values[1:-1] - base
        expected = base + np.tensordot(self.point, slope, axes=1)
        off = np.abs(values[-1] - expected) > _LINEAR * (1.0 + np.abs(expected))
        if off.any():
            bad = [name for name, wrong in zip(names, off.any(axis=0), strict=True) if wrong]
            raise NotIdentified(
                f"{', '.join(bad)}: not linear in {', '.join(self.used)}, so its crossproducts do "
                "not follow from means, SDs and correlations; take the column before reducing rows"
            )
        out = np.empty((self.count, len(self.used) + 1, base.shape[1]))
        out[:, 0] = np.sqrt(self.n)[:, None] * (base + np.einsum("ck,kcp->cp", self.means, slope))
        out[:, 1:] = np.einsum("cjk,kcp->cjp", self.roots, slope)
        return out
