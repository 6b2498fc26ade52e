"""Blocks sorted by shape, and the crossproducts of the rows of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from retrostats.models.linear.blocks.rows import Rows
from retrostats.models.linear.formula.columns import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Bucket:
    """Rows of the blocks of one shape.

    Attributes
    ----------
    rows : (R,) int array or slice
        Which rows of the data.
    values : (R, c) array
        Their random covariates, all terms side by side.
    block : (R,) int array
        Block of each row, from 0 in this bucket.
    index : list of (R,) int array or int
        Place of each column of `values` in the Z of its row's block.
    blocks : (B,) int array
        The blocks' numbers in the data.
    shape : (T,) int array
        Levels of each random term in a block.
    """

    rows: Any
    values: FloatArray
    block: IntArray
    index: list[Any]
    blocks: IntArray
    shape: IntArray


def buckets(data: Rows) -> list[Bucket]:
    """The blocks sorted by shape."""
    random = data.random
    u = np.hstack([r.values for r in random]) if len(random) > 1 else random[0].values
    term = np.repeat(np.arange(len(random)), [len(r.effects) for r in random])
    if all(r.factors == random[0].factors for r in random) and _one_level(data):
        shapes = np.ones((1, len(random)), dtype=np.intp)
        local = [np.zeros(1, dtype=np.intp)] * len(random)
        members = [(shapes[0], np.arange(len(data.n)))]
    else:
        local, counts = _local_levels(data)
        members = _buckets(counts)
    position = np.empty(len(data.n), dtype=np.intp)
    bucket = np.zeros(len(data.n), dtype=np.intp)
    for b, (_, blocks) in enumerate(members):
        position[blocks] = np.arange(len(blocks))
        bucket[blocks] = b
    out = []
    for b, (shape, blocks) in enumerate(members):
        rows = slice(None) if len(members) == 1 else np.flatnonzero(bucket[data.block] == b)
        row_block = position[data.block[rows]]
        k = np.array([len(r.effects) for r in random])
        offset = np.concatenate([[0], np.cumsum(shape * k)])
        within = np.concatenate([np.arange(s) for s in k])
        index = [
            offset[t] + (local[t][rows] if len(local[t]) > 1 else 0) * k[t] + a
            for t, a in zip(term, within, strict=True)
        ]
        out.append(Bucket(rows, u[rows], row_block, index, blocks, shape))
    return out


def _one_level(data: Rows) -> bool:
    """Whether each block is one level of the (only) group."""
    return data.random[0].n_levels == len(data.n)


def products(
    x: FloatArray,
    r: FloatArray,
    u: FloatArray,
    cell: IntArray,
    count: int,
    index: list[Any],
    width: int,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Z'Z (count, width, width), Z'X and Z'r of each cell of rows.

    `index[c]` is the place of column c of u in the Z of its cell.
    """
    p = x.shape[1]
    zz = np.zeros(count * width * width)
    zx = np.zeros((p, count * width))
    zy = np.zeros(count * width)
    for c, i in enumerate(index):
        at = cell * width + i
        column = u[:, c]
        zy += np.bincount(at, column * r, len(zy))
        for j in range(p):
            zx[j] += np.bincount(at, column * x[:, j], len(zy))
        for d in range(c + 1):
            product = np.bincount(at * width + index[d], column * u[:, d], len(zz))
            zz += product
            if d < c:
                swapped = product.reshape(count, width, width).swapaxes(1, 2)
                zz += swapped.ravel()
    flat = zx.T if count * width == 1 else np.ascontiguousarray(zx.T)
    return (
        zz.reshape(count, width, width),
        flat.reshape(count, width, p),
        zy.reshape(count, width),
    )


def template(shape: IntArray, sizes: list[int]) -> tuple[IntArray, IntArray, IntArray]:
    """Where each element of theta stands in Lambda: lower triangles by column, as in lme4."""
    rows, cols, theta = [], [], []
    corner, used = 0, 0
    for levels, k in zip(shape, sizes, strict=True):
        lower = [(i, j) for j in range(k) for i in range(j, k)]
        for _ in range(int(levels)):
            for t, (i, j) in enumerate(lower):
                rows.append(corner + i)
                cols.append(corner + j)
                theta.append(used + t)
            corner += k
        used += len(lower)
    kind = np.intp  # no effects leave nothing to tell it from
    return np.array(rows, kind), np.array(cols, kind), np.array(theta, kind)


def _local_levels(data: Rows) -> tuple[list[IntArray], IntArray]:
    """Levels of each term renumbered within their block, and how many a block has."""
    local, counts = [], []
    for term in data.random:
        pair = data.block * term.n_levels + term.levels
        used, inverse = np.unique(pair, return_inverse=True)
        owner = used // term.n_levels
        count = np.bincount(owner, minlength=len(data.n))
        first = np.concatenate([[0], np.cumsum(count)[:-1]])
        local.append((np.arange(len(used)) - first[owner])[inverse])
        counts.append(count)
    return local, np.column_stack(counts)


def _buckets(counts: IntArray) -> list[tuple[IntArray, IntArray]]:
    """Blocks of one padded shape; shapes are rounded up when there are many."""
    shapes = np.unique(counts, axis=0)
    if len(shapes) > 6:
        counts = 2 ** np.ceil(np.log2(counts)).astype(np.intp)
        shapes = np.unique(counts, axis=0)
    return [(shape, np.flatnonzero((counts == shape).all(axis=1))) for shape in shapes]
