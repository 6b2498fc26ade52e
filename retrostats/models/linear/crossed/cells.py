"""Crossed and nested groups from the sums of each combination of their levels, without the rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import block_diag
from scipy.sparse import coo_array, csc_array, csr_array

from retrostats.models.linear.blocks.working import root_of_moment
from retrostats.models.linear.crossed.cell_draws import CellDesign
from retrostats.models.linear.crossed.layout import Crossed, Group, grouped
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
    q, p = sum(g.width for g in groups), len(cells.start)
    columns = [_places(at, g) for at, g in zip(levels, groups, strict=True)]
    blocks = []
    z = np.empty((q, p + 1))
    right = np.concatenate([cells.zx, cells.zy[:, :, None]], axis=2)
    for a, (g, at, e, t) in enumerate(zip(groups, levels, effects, turn, strict=True)):
        zz = cells.zz[:, e]
        own = _by_level(zz[:, :, e], at, g)
        here = _places(np.arange(g.levels), g)
        blocks.append(_between(own, (here, here), (t, t), q))
        for b in range(a):
            some = (zz[:, :, effects[b]], (columns[a], columns[b]), (t, turn[b]))
            blocks.append(_between(*some, q))
            blocks.append(blocks[-1].T)
        z[g.columns] = (t.T @ _by_level(right[:, e], at, g)).reshape(g.width, p + 1)
    c = csr_array(_together(blocks, q))
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


def _places(levels: IntArray, group: Group) -> IntArray:
    """Where the effects (N, k) of some levels (N,) stand among all random effects."""
    places = levels[:, None] * group.k + np.arange(group.k) + group.start
    short = places.max(initial=0) <= np.iinfo(np.int32).max
    return np.asarray(places, dtype=np.int32 if short else np.int64)


def _by_level(values: FloatArray, levels: IntArray, group: Group) -> FloatArray:
    """Sums (L, ...) over the combinations (C, ...) that hold each level (C,)."""
    count = len(levels)  # each combination is a column with a one at its level
    add = csc_array(
        (np.ones(count), levels, np.arange(count + 1)), shape=(group.levels, count)
    )  # fmt: skip
    return np.asarray(add @ values.reshape(count, -1)).reshape(group.levels, *values.shape[1:])


def _between(
    zz: FloatArray,
    places: tuple[IntArray, IntArray],
    turn: tuple[FloatArray, FloatArray],
    q: int,
) -> coo_array:
    """Products of two groups' effects (C, ka, kb) at their places among q, in working coordinates.

    A'MB is M by rows times the Kronecker product of A and B: one product for all combinations.
    """
    entries = zz.reshape(len(zz), -1) @ np.kron(*turn)
    row = np.broadcast_to(places[0][:, :, None], zz.shape).ravel()
    column = np.broadcast_to(places[1][:, None, :], zz.shape).ravel()
    return coo_array((entries.ravel(), (row, column)), shape=(q, q))


def _together(blocks: list[coo_array], q: int) -> coo_array:
    """All entries of some matrices (q, q) in one."""
    data = np.concatenate([block.data for block in blocks])
    rows, columns = (np.concatenate([block.coords[i] for block in blocks]) for i in range(2))
    return coo_array((data, (rows, columns)), shape=(q, q))
