"""The sufficient statistics of one formula: crossproducts of each block, centred and stacked.

Blocks (sets of rows that share no random effect with any other row) of equal shape are stacked on
a leading axis, so that ten thousand subjects cost one call; blocks with equal crossproducts become
one entry with a count. The outcome enters as its residual from ordinary least squares and X as an
orthonormal basis, so that neither a large mean of y nor collinear columns of X cost digits.
See docs/mathematics.md, section 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from retrostats.errors import InputError, NotIdentified
from retrostats.mixed.basis import least_squares, orthonormal
from retrostats.mixed.columns import FloatArray, IntArray
from retrostats.mixed.design import RandomDesign


@dataclass(frozen=True, slots=True)
class Stack:
    """B blocks (or patterns of equal blocks) with q random-effect columns each.

    Attributes
    ----------
    n : (B,) array
        Blocks behind each entry.
    zz : (B, q, q) array
        Z'Z of one block.
    zx : (B, q, p) array
        Z'X of one block, X in the orthonormal basis.
    zy : (B, q) array
        Z'r of the mean residual of the entry's blocks.
    scatter : (B, q, q) array or None
        Z'SZ, S the scatter of the entry's blocks about their mean; None where all n are 1.
    rows, cols, theta : (L,) int arrays
        The relative factor Lambda (q, q) has ``Lambda[rows, cols] = theta_vector[theta]``.
    """

    n: FloatArray
    zz: FloatArray
    zx: FloatArray
    zy: FloatArray
    scatter: FloatArray | None
    rows: IntArray
    cols: IntArray
    theta: IntArray


@dataclass(frozen=True)
class Gram:
    """Everything the likelihood of a formula needs.

    Attributes
    ----------
    stacks : tuple of Stack
    xy : (p,) array
        X'r in the orthonormal basis (zero up to rounding; kept for data added later).
    yy : float
        r'r plus the traces of all scatters.
    n_obs : int
    basis : (p, p) array
        Upper-triangular R of the weighted X: the basis is X R^-1.
    start : (p,) array
        Ordinary least-squares coefficients, to which the mixed model's are a correction.
    sizes : tuple of int
        k of each random term.
    signed : bool
        The only element of theta is the covariance itself in units of the residual variance
        (signed compound symmetry), not its square root.
    """

    stacks: tuple[Stack, ...]
    xy: FloatArray
    yy: float
    n_obs: int
    basis: FloatArray
    start: FloatArray
    sizes: tuple[int, ...]
    signed: bool = False

    @cached_property
    def log_basis(self) -> float:
        """log|X'WX|, the part of the REML criterion that the basis hides."""
        return 2.0 * float(np.log(np.abs(np.diag(self.basis))).sum())

    @cached_property
    def diagonal(self) -> tuple[bool, ...]:
        """Which elements of theta are on the diagonal of a term's factor."""
        return tuple(i == j for k in self.sizes for j in range(k) for i in range(j, k))


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of all patterns under one another.

    Attributes
    ----------
    x : (R, p) array
    names : tuple of str
        Of the p columns.
    y : (R,) array
        Means of the outcome over the pattern's blocks (the outcome itself for a raw block).
    random : tuple of RandomDesign
    block : (R,) int array
        Pattern of each row.
    n : (P,) array
        Blocks behind each pattern.
    scatter : dict of int to (m, m) array
        Scatter of the patterns that have one, rows in the order of the data.
    """

    x: FloatArray
    names: tuple[str, ...]
    y: FloatArray
    random: tuple[RandomDesign, ...]
    block: IntArray
    n: FloatArray
    scatter: dict[int, FloatArray]


def build_gram(data: Rows) -> Gram:
    """Reduce rows to crossproducts.

    Raises
    ------
    NotIdentified
        Columns of X depend on one another, or there are too few rows for the random effects.
    InputError
        The outcome does not vary.
    """
    weight = data.n[data.block] if data.scatter or (data.n != 1).any() else None
    n_obs = len(data.y) if weight is None else round(float(weight.sum()))
    check_identified(data, n_obs)
    basis, q = orthonormal(data.x, weight, data.names)
    start, residual = least_squares(
        data.y, basis, q, weight, intercept=data.names[0] == "(Intercept)"
    )
    yy = residual @ residual if weight is None else residual @ (weight * residual)
    yy += sum(float(np.trace(s)) for s in data.scatter.values())
    total = np.abs(data.y).max()
    if yy <= (1e-13 * max(total, 1e-300)) ** 2 * n_obs or yy == 0.0:
        raise InputError(
            "the outcome does not vary beyond the fixed effects (all values equal, or fitted "
            "exactly); a mixed model has nothing to estimate"
        )
    weighted = residual if weight is None else weight * residual
    stacks = tuple(merge_equal(s) for s in _stacks(data, q, residual))
    sizes = tuple(len(r.effects) for r in data.random)
    return Gram(stacks, q.T @ weighted, float(yy), n_obs, basis, start, sizes)


def check_identified(data: Rows, n_obs: int) -> None:
    """Refuse what no number of iterations can estimate, as lme4 does, naming what is missing."""
    if n_obs <= data.x.shape[1]:
        raise NotIdentified(
            f"{n_obs} observations do not determine {data.x.shape[1]} fixed effects and a residual "
            "variance; more subjects or fewer terms are needed"
        )
    for term in data.random:
        count = _level_count(data, term)
        if count < 2:
            raise NotIdentified(
                f"group {term.group!r} has one level only: the variance between its levels is not "
                "identified; at least two are needed"
            )
        if n_obs <= count * len(term.effects):
            what = " + ".join(term.effects)
            raise NotIdentified(
                f"({what} | {term.group}): {count} levels with {len(term.effects)} effects each "
                f"against {n_obs} observations; the residual variance is not identified. Needed: "
                "repeated measurements of each level (replicates within condition)"
            )


def _level_count(data: Rows, term: RandomDesign) -> int:
    if (data.n == 1).all():
        return term.n_levels
    _, first = np.unique(term.levels, return_index=True)
    return round(float(data.n[data.block[first]].sum()))


def _stacks(data: Rows, q: FloatArray, residual: FloatArray) -> list[Stack]:
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
    stacks = []
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
        stacks.append(
            _one_stack(data, q[rows], residual[rows], u[rows], row_block, index, blocks, shape)
        )
    return stacks


def _one_level(data: Rows) -> bool:
    """Whether each block is one level of the (only) group."""
    return data.random[0].n_levels == len(data.n)


def _one_stack(
    data: Rows,
    x: FloatArray,
    r: FloatArray,
    u: FloatArray,
    block: IntArray,
    index: list[Any],
    blocks: IntArray,
    shape: IntArray,
) -> Stack:
    """Sum products of columns into padded blocks; `index[c]` is the place of column c of u."""
    sizes = [len(term.effects) for term in data.random]
    width, count, p = int(np.dot(shape, sizes)), len(blocks), x.shape[1]
    zz = np.zeros(count * width * width)
    zx = np.zeros((p, count * width))
    zy = np.zeros(count * width)
    for c, i in enumerate(index):
        at = block * width + i
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
    lam = _template(shape, sizes)
    scatter = _scatter(data, u, block, index, blocks, width)
    return Stack(
        data.n[blocks].astype(float),
        zz.reshape(count, width, width),
        zx.T.reshape(count, width, p)
        if count * width == 1
        else np.ascontiguousarray(zx.T).reshape(count, width, p),
        zy.reshape(count, width),
        scatter,
        *lam,
    )


def _scatter(
    data: Rows,
    u: FloatArray,
    block: IntArray,
    index: list[Any],
    blocks: IntArray,
    width: int,
) -> FloatArray | None:
    if not data.scatter:
        return None
    out = np.zeros((len(blocks), width, width))
    for b, pattern in enumerate(blocks):
        if pattern in data.scatter:
            rows = np.flatnonzero(block == b)
            z = np.zeros((len(rows), width))
            for c, i in enumerate(index):
                z[np.arange(len(rows)), i[rows] if np.ndim(i) else i] += u[rows, c]
            out[b] = z.T @ data.scatter[int(pattern)] @ z
    return out


def _template(shape: IntArray, sizes: list[int]) -> tuple[IntArray, IntArray, IntArray]:
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
    return np.array(rows), np.array(cols), np.array(theta)


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


def merge_equal(stack: Stack) -> Stack:
    """One entry for all blocks with equal Z'Z and Z'X: pairwise-merged means and scatters."""
    count, width = stack.zy.shape
    if count < 2:
        return stack
    key = np.ascontiguousarray(
        np.hstack([stack.zz.reshape(count, -1), stack.zx.reshape(count, -1)]) + 0.0
    )
    raw = key.view(np.dtype((np.void, key.dtype.itemsize * key.shape[1]))).ravel()
    if count > 256 and len(np.unique(raw[:256])) > 200:
        return stack
    _, first, group = np.unique(raw, return_index=True, return_inverse=True)
    if len(first) > 0.7 * count:
        return stack
    n = np.bincount(group, stack.n).astype(float)
    mean = np.zeros((len(first), width))
    np.add.at(mean, group, stack.n[:, None] * stack.zy)
    mean /= n[:, None]
    away = stack.zy - mean[group]
    scatter = np.zeros((len(first), width, width))
    outer = stack.n[:, None, None] * away[:, :, None] * away[:, None, :]
    np.add.at(scatter, group, outer if stack.scatter is None else outer + stack.scatter)
    return Stack(
        n, stack.zz[first], stack.zx[first], mean, scatter, stack.rows, stack.cols, stack.theta
    )
