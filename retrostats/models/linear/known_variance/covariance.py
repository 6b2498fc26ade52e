"""The known covariance of n estimates: their variances, and the few covariances that are not 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import block_diag, coo_matrix, csr_matrix

from retrostats.common.arrays import real_array, table_column
from retrostats.common.errors import InputError

Array = NDArray[np.float64]
Index = NDArray[np.intp]

#: A matrix of variances may be asymmetric by rounding of what was printed or read.
_ASYMMETRY = 1e-8
#: Numbers of all blocks, padding included, that share one stack whatever their sizes.
_SMALL = 20_000


@dataclass(frozen=True, slots=True)
class Covariance:
    """A symmetric matrix (n, n), mostly zeros.

    Attributes
    ----------
    variance : (n,) array
    between : (n, n) sparse array
        Covariances of different rows; its diagonal is empty.
    """

    variance: Array
    between: Any

    def __len__(self) -> int:
        """Rows."""
        return len(self.variance)

    def of_rows(self, rows: Index) -> Covariance:
        """Of some of the rows (positions)."""
        return Covariance(self.variance[rows], self.between[rows][:, rows])

    def times(self, values: Array) -> Array:
        """Its product with a vector (n,)."""
        return np.asarray(self.variance * values + self.between @ values)

    def matrix(self) -> Array:
        """All of it (n, n)."""
        out = np.asarray(self.between.toarray())
        out[np.diag_indices(len(self))] = self.variance
        return out

    def stack(self, rows: Index) -> Array:
        """Blocks (b, m, m) of rows (b, m) that covary with no others; the identity where -1."""
        b, m = rows.shape
        out = np.zeros((b, m, m))
        out[:, np.arange(m), np.arange(m)] = np.where(rows >= 0, self.variance[rows], 1.0)
        if self.between.nnz:
            block, place = np.full(len(self), -1), np.zeros(len(self), dtype=np.intp)
            at = np.nonzero(rows >= 0)
            block[rows[at]], place[rows[at]] = at
            pairs = self.between.tocoo()
            here = block[pairs.row] >= 0
            i, j = pairs.row[here], pairs.col[here]
            out[block[i], place[i], place[j]] = pairs.data[here]
        return out


def packed_rows(label: Index) -> list[Index]:
    """Rows (b, m) of blocks 0 to b - 1 (n,), in stacks of like size; -1 fills shorter blocks.

    Sizes that need as many binary digits share a stack: padding at most doubles a block. Few rows
    go into one stack, where the time is that of calls, not of numbers.
    """
    order = np.argsort(label, kind="stable")
    counts = np.bincount(label)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    classes = np.frexp(counts - 0.5)[1]
    if len(counts) * int(counts.max()) ** 2 <= _SMALL:
        classes = np.zeros_like(classes)
    stacks = []
    for kind in np.unique(classes):
        blocks = np.flatnonzero(classes == kind)
        size = int(counts[blocks].max())
        real = np.arange(size) < counts[blocks, None]
        position = starts[blocks, None] + np.arange(size)
        stacks.append(np.where(real, order[np.where(real, position, 0)], -1))
    return stacks


def independent(variance: Array) -> Covariance:
    """Of estimates that do not covary, variances (n,)."""
    return Covariance(variance, csr_matrix((len(variance), len(variance))))


def of_stacks(n: int, stacks: Sequence[tuple[Index, Array]]) -> Covariance:
    """The matrix (n, n) with these blocks: rows (b, m), -1 on padding, and values (b, m, m)."""
    variance = np.zeros(n)
    first, second, value = [], [], []
    for rows, blocks in stacks:
        real = rows >= 0
        variance[rows[real]] = np.einsum("bmm->bm", blocks)[real]
        at = np.nonzero(real[:, :, None] & real[:, None, :] & (blocks != 0))
        first.append(rows[at[0], at[1]])
        second.append(rows[at[0], at[2]])
        value.append(blocks[at])
    return _of_pairs(variance, np.concatenate(value), np.concatenate(first), np.concatenate(second))


def read_covariance(variances: object, frame: pd.DataFrame) -> Covariance:
    """From a column, variances (n,), a matrix (n, n) or its diagonal blocks, in order of the rows.

    Raises
    ------
    InputError
        No such column, or another number of rows.
    """
    if isinstance(variances, str):
        if variances not in frame.columns:
            found = ", ".join(map(str, frame.columns[:30]))
            raise InputError(f"variances: no column {variances!r}; the data have: {found}")
        variances = table_column(frame, variances, "variances")
    if isinstance(variances, list | tuple) and any(np.ndim(part) == 2 for part in variances):
        found_rows, matrix = _of_blocks(variances)
    else:
        values = real_array(variances, "variances", missing=True)
        found_rows, matrix = values.shape, values
    n = len(frame)
    if found_rows not in ((n,), (n, n)):
        raise InputError(
            f"variances: shape {found_rows} for {n} rows; give a column, {n} variances, or a "
            f"{n} x {n} matrix in the order of the rows"
        )
    if len(found_rows) == 1:
        return independent(np.asarray(matrix, dtype=float))
    pairs = coo_matrix(matrix)
    return _of_pairs(matrix.diagonal(), pairs.data, pairs.row, pairs.col)


def _of_pairs(variance: Array, value: Array, first: Index, second: Index) -> Covariance:
    off, n = first != second, len(variance)
    between = csr_matrix((value[off], (first[off], second[off])), shape=(n, n))
    return Covariance(np.asarray(variance, dtype=float), between)


def _of_blocks(parts: Sequence[Any]) -> tuple[tuple[int, ...], Any]:
    blocks = [np.atleast_2d(real_array(part, "variances", missing=True)) for part in parts]
    if any(block.shape[0] != block.shape[1] for block in blocks):
        i = next(i for i, block in enumerate(blocks) if block.shape[0] != block.shape[1])
        raise InputError(
            f"variances[{i}]: shape {blocks[i].shape}; a diagonal block is a square matrix"
        )
    matrix = block_diag(blocks, format="csr")
    return matrix.shape, matrix


def check_covariance(covariance: Covariance, rows: Index) -> None:
    """Refuse variances that are not above 0 and covariances that are not symmetric.

    Parameters
    ----------
    rows : (n,) int array
        Rows of the data, for messages.
    """
    bad = np.flatnonzero(~(np.isfinite(covariance.variance) & (covariance.variance > 0)))
    if bad.size:
        raise InputError(
            f"variances, data row {int(rows[bad[0]])}: {float(covariance.variance[bad[0]])!r}; a "
            "known variance is finite and above 0. Leave out what has none."
        )
    pairs = covariance.between.tocoo()
    other = (covariance.between - covariance.between.T).tocoo()
    error = np.sqrt(covariance.variance)
    scale = error[other.row] * error[other.col]
    if not np.isfinite(pairs.data).all() or (np.abs(other.data) > _ASYMMETRY * scale).any():
        raise InputError("variances: the matrix must be finite and symmetric; check its blocks")
