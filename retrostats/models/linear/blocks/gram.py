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

from retrostats.models.linear.blocks.buckets import buckets, products, template
from retrostats.models.linear.blocks.rows import Rows, reduce_rows
from retrostats.models.linear.formula.columns import FloatArray, IntArray


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


class InBasis:
    """Crossproducts whose fixed effects stand in an orthonormal basis: what every engine asks.

    Attributes
    ----------
    basis : (p, p) array
        R of the fixed effects' design, upper triangular.
    sizes : tuple of int
        Effects of each random term.
    """

    basis: FloatArray
    sizes: tuple[int, ...]

    @cached_property
    def log_basis(self) -> float:
        """log|X'WX|, the part of the REML criterion that the basis hides."""
        return 2.0 * float(np.log(np.abs(np.diag(self.basis))).sum())

    @cached_property
    def diagonal(self) -> tuple[bool, ...]:
        """Which elements of theta are on the diagonal of a term's factor."""
        return on_diagonal(self.sizes)


def on_diagonal(sizes: tuple[int, ...]) -> tuple[bool, ...]:
    """Which elements of theta are on the diagonal of a term's factor.

    Examples
    --------
    >>> on_diagonal((2, 1))
    (True, False, True, True)
    """
    return tuple(i == j for k in sizes for j in range(k) for i in range(j, k))


@dataclass(frozen=True)
class Gram(InBasis):
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


def build_gram(data: Rows) -> Gram:
    """Reduce rows to crossproducts.

    Raises
    ------
    NotIdentified
        Columns of X depend on one another, or there are too few rows for the random effects.
    InputError
        The outcome does not vary.
    """
    reduced = reduce_rows(data)
    q, residual, weight = reduced.q, reduced.residual, reduced.weight
    weighted = residual if weight is None else weight * residual
    stacks = tuple(merge_equal(s) for s in _stacks(data, q, residual))
    sizes = tuple(len(r.effects) for r in data.random)
    return Gram(
        stacks, q.T @ weighted, reduced.yy, reduced.n_obs, reduced.basis, reduced.start, sizes
    )


def _stacks(data: Rows, q: FloatArray, residual: FloatArray) -> list[Stack]:
    return [
        _one_stack(data, q[b.rows], residual[b.rows], b.values, b.block, b.index, b.blocks, b.shape)
        for b in buckets(data)
    ]


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
    width, count = int(np.dot(shape, sizes)), len(blocks)
    zz, zx, zy = products(x, r, u, block, count, index, width)
    lam = template(shape, sizes)
    scatter = _scatter(data, u, block, index, blocks, width)
    return Stack(
        data.n[blocks].astype(float),
        zz,
        zx,
        zy,
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
