"""A = Lambda'Z'Z Lambda + I factorised by blocks: a chain of block-diagonal steps, a dense end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError
from scipy.linalg.blas import dsyrk
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs
from scipy.sparse import block_diag, csc_array, csr_array, diags_array, eye_array, kron

from retrostats.models.linear.crossed.dense_stage import DenseStage, dense_stage
from retrostats.models.linear.crossed.layout import Crossed, own_blocks
from retrostats.models.linear.formula.columns import FloatArray

_SPARSE_COST = 60.0  # dense multiplications that cost as much as one of a sparse product
_CHUNK = 512


@dataclass(frozen=True, slots=True)
class Stage:
    """One group eliminated: D^-1 (L, k, k), B (rest, width) and H = B D^-1."""

    k: int
    inverse: FloatArray
    b: csr_array
    h: csr_array

    def times(self, v: FloatArray) -> FloatArray:
        """B v (rest, c) for v (width, c)."""
        return np.asarray(self.b @ v)

    def turned(self, x: FloatArray) -> FloatArray:
        """H'x (width, c) for x (rest, c)."""
        return np.asarray(self.h.T @ x)


@dataclass(frozen=True, slots=True)
class Factor:
    """A factorised; `lower` (m, m) is the Cholesky factor of the dense rest."""

    stages: tuple[Stage | DenseStage, ...]
    lower: FloatArray
    logdet: float

    def solve(self, rhs: FloatArray) -> FloatArray:
        """A^-1 times (q, c)."""
        parts, rest = [], rhs
        for stage in self.stages:
            width = stage.inverse.shape[0] * stage.inverse.shape[1]
            first = by_level(stage.inverse, rest[:width])
            rest = rest[width:] - stage.times(first)
            parts.append(first)
        x = dpotrs(self.lower, rest, lower=1)[0] if len(self.lower) else rest
        for stage, first in zip(self.stages[::-1], parts[::-1], strict=True):
            x = np.concatenate([first - stage.turned(x), x])
        return np.asarray(x)

    def inverse_rest(self) -> FloatArray:
        """Inverse (m, m) of the dense rest, which is A^-1 there."""
        if not len(self.lower):
            return np.zeros((0, 0))
        found, _ = dpotri(self.lower, lower=1)
        return mirrored(found)


def factorise(data: Crossed, lams: list[FloatArray]) -> Factor:
    """Eliminate the chain, then factorise what is left.

    Parameters
    ----------
    lams : list of (k, k) arrays
        Lambda of one level, a group each.

    Raises
    ------
    LinAlgError
        A is not positive definite in double precision.
    """
    if data.filled is not None:
        return _factorised_densely(data, data.filled, lams)
    stages, logdet = [], 0.0
    scale = [_wide(g.levels, lam) for g, lam in zip(data.groups, lams, strict=True)]
    rest: Any = None
    for position, group in enumerate(data.groups[: data.chain]):
        k, width = group.k, group.width
        if rest is None:
            own: FloatArray = lams[0].T @ data.own[0] @ lams[0] + np.eye(k)
            later = data.c[width:, :width]
            right = _diagonal(scale[1:])
            b = _sided(right, later, scale[0]) if later.shape[0] else csr_array(later)
            rest = _sided(right, data.c[width:, width:], right) if later.shape[0] else later[:, :0]
            if rest.shape[0]:
                rest = rest + eye_array(rest.shape[0], format="csr")
        else:
            own = own_blocks(rest[:width, :width], k)
            b = csr_array(rest[width:, :width])
            rest = rest[width:, width:]
        # eq. 45: log|D_l|, D^-1 and H = B D^-1 of one group
        root = np.linalg.cholesky(own)
        logdet += 2.0 * float(np.log(np.diagonal(root, axis1=1, axis2=2)).sum())
        half = np.linalg.inv(root)
        inverse = np.swapaxes(half, 1, 2) @ half
        h = times_blocks(b, inverse)
        stages.append(Stage(k, inverse, b, h))
        if not rest.shape[0]:
            continue
        # eq. 45: S, sparse as long as groups are eliminated, dense at the last
        if position + 1 < data.chain:
            rest = csr_array(rest - h @ b.T)
        else:
            whitened = times_blocks(b, np.swapaxes(half, 1, 2))
            rest = rest.toarray(order="F")
            subtract_outer(rest, whitened)
    if not rest.shape[0]:
        return Factor(tuple(stages), np.zeros((0, 0)), logdet)
    lower, of_rest = _cholesky(rest)
    return Factor(tuple(stages), lower, logdet + of_rest)


def _factorised_densely(data: Crossed, between: FloatArray, lams: list[FloatArray]) -> Factor:
    """The first group eliminated by dense products, `between` as `Crossed.filled` is."""
    first, width = lams[0], data.groups[0].width
    # eq. 45: |D|, and S of the rest
    own = first.T @ data.own[0] @ first + np.eye(len(first))
    later = list(zip(data.groups[1:], lams[1:], strict=True))
    stage, logdet = dense_stage(between, own, first, later)
    right = _diagonal([_wide(group.levels, lam) for group, lam in later])
    rest = _sided(right, data.c[width:, width:], right).toarray(order="F")
    rest[np.diag_indices_from(rest)] += 1.0
    stage.subtract(rest)
    lower, of_rest = _cholesky(rest)
    return Factor((stage,), lower, logdet + of_rest)


def _cholesky(rest: FloatArray) -> tuple[FloatArray, float]:
    """The lower factor of a matrix (Fortran order) that is written over, and its determinant."""
    lower, info = dpotrf(rest, lower=1, overwrite_a=1, clean=0)
    if info:
        raise LinAlgError("the covariance matrix is not positive definite")
    return lower, 2.0 * float(np.log(lower.diagonal()).sum())


def mirrored(lower: FloatArray) -> FloatArray:
    """The symmetric matrix whose lower triangle this is (Fortran order), in place.

    A block of columns at a time, which is three times faster than `numpy.tril` of a large matrix.
    """
    for at in range(0, len(lower), _CHUNK):
        end = at + _CHUNK
        corner = np.tril(lower[at:end, at:end])
        lower[at:end, at:end] = corner + np.tril(corner, -1).T
        lower[at:end, end:] = lower[end:, at:end].T
    return lower


def _wide(levels: int, lam: FloatArray) -> Any:
    if len(lam) == 1:
        return diags_array(np.full(levels, lam[0, 0]))
    return kron(eye_array(levels), lam, format="csr")


def _diagonal(parts: list[Any]) -> Any:
    return block_diag(parts, format="csr") if parts else None


def _sided(left: Any, matrix: csr_array, right: Any) -> csr_array:
    """left' matrix right."""
    return csr_array(left.T.tocsr() @ matrix @ right.tocsr())


def times_blocks(b: csr_array, blocks: FloatArray) -> csr_array:
    """B times a block-diagonal matrix."""
    levels, k, _ = blocks.shape
    if k == 1:
        return csr_array((b.data * blocks[b.indices, 0, 0], b.indices, b.indptr), shape=b.shape)
    rows = np.repeat(np.arange(levels * k), k)
    columns = (np.arange(levels)[:, None, None] * k + np.arange(k)).repeat(k, axis=1)
    wide = csr_array((blocks.ravel(), (rows, columns.ravel())), shape=(levels * k,) * 2)
    return csr_array(b @ wide)


def by_level(blocks: FloatArray, rhs: FloatArray) -> FloatArray:
    """Each level's block times its rows of (L k, c)."""
    levels, k, _ = blocks.shape
    if k == 1:
        return np.asarray(blocks[:, 0] * rhs)
    return np.asarray((blocks @ rhs.reshape(levels, k, -1)).reshape(rhs.shape))


def sparse_pays(g: csr_array) -> bool:
    """Whether G G' costs less as a sparse product than as dense ones of slices."""
    count = np.bincount(g.indices, minlength=g.shape[1]).astype(float)
    return bool(float(_SPARSE_COST * (count**2).sum()) < float(g.shape[0]) ** 2 * g.shape[1])


def _full(product: csr_array) -> bool:
    """Whether a product is handled faster as a dense array than by its places."""
    return bool(8 * product.nnz > product.shape[0] * product.shape[1])


def subtract_outer(target: FloatArray, g: csr_array) -> None:
    """Subtract G G' from the lower triangle of `target` (Fortran order), in place."""
    if sparse_pays(g):
        product = g @ csr_array(g.T)
        if _full(product):
            target.T[:] -= product.toarray()  # symmetric, and both in C order
            return
        row, col = product.tocoo().coords
        target[row, col] -= product.data  # a product has each place once
        return
    for part in slices(g):
        dsyrk(-1.0, part, beta=1.0, c=target, lower=1, overwrite_c=1)


def inner_outer(inverse: FloatArray, h: csr_array, k: int) -> FloatArray:
    """Sum over levels of H_l' S^-1 H_l (k, k), H_l the k columns of a level."""
    out = np.empty((k, k))
    columns = csc_array(h) if k > 1 else h
    pieces = [csr_array(columns[:, i::k]) for i in range(k)] if k > 1 else [h]
    for i in range(k):
        for j in range(i + 1):
            out[i, j] = out[j, i] = _trace(inverse, pieces[i], pieces[j])
    return out


def _trace(inverse: FloatArray, a: csr_array, b: csr_array) -> float:
    """tr(S^-1 A B')."""
    if sparse_pays(a):
        product = a @ csr_array(b.T)
        if _full(product):
            return float(np.vdot(inverse.T, product.toarray()))
        row, col = product.tocoo().coords
        return float(inverse[row, col] @ product.data)
    if a is b:
        return sum(float(np.vdot(x, inverse @ x)) for x in slices(a))
    pairs = zip(slices(a), slices(b), strict=True)
    return sum(float(np.vdot(x, inverse @ y)) for x, y in pairs)


def slices(g: csr_array) -> Any:
    """Dense columns, some at a time."""
    by_column = csc_array(g)
    for at in range(0, g.shape[1], _CHUNK):
        yield by_column[:, at : at + _CHUNK].toarray(order="F")
