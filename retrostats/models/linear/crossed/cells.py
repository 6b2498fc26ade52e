"""Crossed and nested groups from the sums of each combination of their levels, without the rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import block_diag
from scipy.sparse import coo_array, csr_array

from retrostats.models.linear.blocks.working import root_of_moment
from retrostats.models.linear.crossed.cell_draws import CellDesign
from retrostats.models.linear.crossed.layout import Crossed, grouped
from retrostats.models.linear.formula.columns import FloatArray, IntArray
from retrostats.models.linear.formula.design import RandomDesign


@dataclass(frozen=True, slots=True)
class Cells:
    """Sums over the rows of each of C combinations of levels.

    Attributes
    ----------
    zz : (C, e, e), zx : (C, e, p), zy : (C, e) arrays
        Products of the e effects with one another, with X in the orthonormal basis and with the
        residual of least squares.
    yy, n_obs, basis, start
        As in `gram.Gram`.
    turn : (P + 1, p + 1) array
        From what was summed of all rows to X in the orthonormal basis and the residual.
    """

    zz: FloatArray
    zx: FloatArray
    zy: FloatArray
    yy: float
    n_obs: int
    basis: FloatArray
    start: FloatArray
    turn: FloatArray

    def merged(self, levels: IntArray) -> Cells:
        """The sums of each of L levels (C,)."""
        count = int(levels.max()) + 1
        if count == len(levels):
            return self
        add = csr_array((np.ones(len(levels)), (levels, np.arange(len(levels)))))

        def sums(values: FloatArray) -> FloatArray:
            shape = (count, *values.shape[1:])
            return np.asarray(add @ values.reshape(len(levels), -1)).reshape(shape)

        return replace(self, zz=sums(self.zz), zx=sums(self.zx), zy=sums(self.zy))


def crossed_of_cells(
    random: tuple[RandomDesign, ...], chosen: list[IntArray], cells: Cells
) -> Crossed:
    """Sparse crossproducts of groups that are nested or crossed.

    Parameters
    ----------
    random : tuple of RandomDesign
        With the level (C,) of each combination.
    chosen : list of (k,) arrays
        Which of the e effects each term has.
    cells : Cells

    Raises
    ------
    NotIdentified
        More crossed levels than memory holds.
    """
    groups, chain = grouped(random)
    total = cells.zz.sum(axis=0)
    roots = [root_of_moment(np.tril(total[np.ix_(at, at)] / cells.n_obs)) for at in chosen]
    back = [np.linalg.inv(root) for root in roots]
    effects = [np.concatenate([chosen[t] for t in g.terms]) for g in groups]
    turn = [np.atleast_2d(block_diag(*(back[t] for t in g.terms))) for g in groups]
    levels = [random[g.terms[0]].levels for g in groups]
    columns = [
        at[:, None] * g.k + np.arange(g.k) + g.start for at, g in zip(levels, groups, strict=True)
    ]
    q, p = sum(g.width for g in groups), len(cells.start)
    c = csr_array((q, q))
    for a in range(len(groups)):
        for b in range(len(groups)):
            zz = cells.zz[:, effects[a]][:, :, effects[b]]
            entries = turn[a].T @ zz @ turn[b]
            row = np.broadcast_to(columns[a][:, :, None], entries.shape).ravel()
            column = np.broadcast_to(columns[b][:, None, :], entries.shape).ravel()
            c = c + csr_array(coo_array((entries.ravel(), (row, column)), shape=(q, q)))
    c.sort_indices()
    z = np.empty((q, p + 1))
    right = np.concatenate([cells.zx, cells.zy[:, :, None]], axis=2)
    for g, at, e, t in zip(groups, levels, effects, turn, strict=True):
        ones, here = np.ones(len(at)), np.arange(len(at))
        add = csr_array((ones, (at, here)), shape=(g.levels, len(at)))
        z[g.columns] = (add @ (t.T @ right[:, e]).reshape(len(at), -1)).reshape(g.width, p + 1)
    return Crossed(
        groups=groups,
        chain=chain,
        c=c,
        zx=z[:, :p],
        zy=z[:, p],
        xy=np.zeros(p),
        yy=cells.yy,
        n_obs=cells.n_obs,
        basis=cells.basis,
        start=cells.start,
        sizes=tuple(map(len, chosen)),
        roots=roots,
        cells=CellDesign(cells.zz, cells.zx, columns, effects, turn, q, cells.n_obs),
    )
