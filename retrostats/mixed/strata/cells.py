"""Residual strata from sums of each block and stratum, without the rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrostats.mixed.buckets import template
from retrostats.mixed.columns import FloatArray, IntArray
from retrostats.mixed.crossed.cells import Cells
from retrostats.mixed.strata.blocks import Strata, StrataStack, residual_variance

_RANK = 1e-10  # eigenvalue of a stratum's X'X, of its largest, that counts as zero


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
    cells: Cells, chosen: list[IntArray], block: IntArray, stratum: IntArray, sums: StrataSums
) -> Strata:
    """What `blocks.build_strata` makes of rows.

    Parameters
    ----------
    cells : Cells
        Of the C combinations of block and stratum that occur.
    chosen : list of (k,) arrays
        Which effects each random term has.
    block, stratum : (C,) int arrays
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
    return Strata(
        stacks=(_stack(cells, chosen, block, stratum, scale),),
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
