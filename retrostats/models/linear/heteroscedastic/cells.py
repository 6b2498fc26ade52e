"""Residual strata from sums of each block and stratum, without the rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from retrostats.models.linear.blocks.buckets import buckets, template
from retrostats.models.linear.blocks.rows import Rows
from retrostats.models.linear.crossed.cells import Cells
from retrostats.models.linear.formula.columns import FloatArray, IntArray
from retrostats.models.linear.formula.design import RandomDesign
from retrostats.models.linear.formula.linked import connected
from retrostats.models.linear.heteroscedastic.blocks import (
    Strata,
    StrataStack,
    Stratified,
    residual_variance,
    stack_of,
)

_RANK = 1e-10  # eigenvalue of a stratum's X'X, of its largest, that counts as zero
_ZERO = 1e-14  # the same of a cell's Z'Z: a single row has one direction


@dataclass(frozen=True, slots=True)
class StrataSums:
    """Sums over the rows of each of T strata.

    Attributes
    ----------
    count : (T,) array
        Observations.
    products : (T, p + 1, p + 1) array
        Of X in the orthonormal basis and the residual of least squares, that last.
    labels : tuple of str
    name : str
    """

    count: FloatArray
    products: FloatArray
    labels: tuple[str, ...]
    name: str


def strata_of_cells(
    cells: Cells,
    chosen: list[IntArray],
    random: tuple[RandomDesign, ...],
    stratum: IntArray,
    sums: StrataSums,
) -> Strata:
    """What `blocks.build_strata` makes of rows.

    Parameters
    ----------
    cells : Cells
        Of the C combinations of levels and stratum that occur.
    chosen : list of (k,) arrays
        Which effects each random term has.
    random : tuple of RandomDesign
        With the level (C,) of each combination.
    stratum : (C,) int array
    sums : StrataSums

    Raises
    ------
    NotIdentified
        A stratum has too few observations for a variance of its own, or does not vary.
    """
    p = len(cells.start)
    scale = float(np.sqrt(cells.yy / cells.n_obs))
    products = sums.products.copy()
    products[:, p, :] /= scale
    products[:, :, p] /= scale
    alone = np.empty(len(sums.count))
    for s, own in enumerate(products):
        values, vectors = np.linalg.eigh(own[:p, :p])
        kept = values > _RANK * max(float(values[-1]), 1e-300)
        along = vectors[:, kept].T @ own[:p, p]
        spread = float(own[p, p] - (along**2 / values[kept]).sum())
        count = float(sums.count[s])
        alone[s] = residual_variance(
            (sums.name, sums.labels[s]), count, int(kept.sum()), spread, scale
        )
    if len({term.factors for term in random}) == 1:
        stacks: tuple[StrataStack, ...] = (_stack(cells, chosen, random[0].levels, stratum, scale),)
    else:
        stacks = _linked_stacks(cells, chosen, random, stratum, sums, scale)
    return Strata(
        stacks=stacks,
        count=sums.count,
        xx=products[:, :p, :p],
        xy=products[:, :p, p],
        yy=products[:, p, p],
        alone=alone,
        labels=sums.labels,
        name=sums.name,
        basis=cells.basis,
        start=cells.start,
        sizes=tuple(map(len, chosen)),
        scale=scale,
    )


def _stack(
    cells: Cells, chosen: list[IntArray], block: IntArray, stratum: IntArray, scale: float
) -> StrataStack:
    """Cells laid out block by block."""
    order = np.lexsort((stratum, block))
    owner, stratum = block[order], stratum[order]
    place = np.arange(len(owner)) - np.searchsorted(owner, owner)
    blocks, depth = int(owner[-1]) + 1, int(place.max()) + 1
    sizes = [len(c) for c in chosen]
    wanted = np.concatenate([np.empty(0, dtype=np.intp), *chosen]).astype(np.intp)
    width, p = len(wanted), len(cells.start)
    zz, zx = np.zeros((blocks, depth, width, width)), np.zeros((blocks, depth, width, p))
    zy, where = np.zeros((blocks, depth, width, 1)), np.zeros((blocks, depth), dtype=np.intp)
    where[owner, place] = stratum
    zz[owner, place] = cells.zz[order][:, wanted[:, None], wanted]
    zx[owner, place] = cells.zx[order][:, wanted]
    zy[owner, place, :, 0] = cells.zy[order][:, wanted] / scale
    shape = np.ones(len(sizes), dtype=np.intp)
    return StrataStack(np.ones(blocks), where, zz, zx, zy, *template(shape, sizes))


def _linked_stacks(
    cells: Cells,
    chosen: list[IntArray],
    random: tuple[RandomDesign, ...],
    stratum: IntArray,
    sums: StrataSums,
    scale: float,
) -> tuple[StrataStack, ...]:
    """Blocks of nested and crossed levels: each cell stands as up to e rows with its products."""
    values, vectors = np.linalg.eigh(cells.zz)
    some = values > _ZERO * values[:, -1:]
    size = np.sqrt(np.where(some, values, 1.0))
    back = np.swapaxes(vectors, 1, 2)
    kept = some.ravel()
    z = (back * size[:, :, None]).reshape(len(kept), -1)[kept]
    x = (back @ cells.zx / size[:, :, None]).reshape(len(kept), -1)[kept]
    y = ((back @ cells.zy[:, :, None])[:, :, 0] / size).ravel()[kept]
    cell = np.repeat(np.arange(len(values)), some.sum(axis=1))
    first = {term.factors: term for term in random}
    block, count = connected(
        [(term.levels[cell], term.n_levels) for term in first.values()], len(cell)
    )
    terms = tuple(
        replace(term, values=z[:, at], levels=term.levels[cell])
        for term, at in zip(random, chosen, strict=True)
    )
    rows = Rows(x, (), y, terms, block, np.ones(count), {})
    data = Stratified(rows, stratum[cell], sums.count, sums.labels, sums.name)
    return tuple(stack_of(b, data, x, y[:, None] / scale) for b in buckets(rows))
