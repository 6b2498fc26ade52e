"""What replicates of one design share, and the crossproducts in which they differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrostats.models.linear.blocks.gram import Gram, Stack
from retrostats.models.linear.formula.columns import FloatArray, IntArray

_MAX_EFFECTS = 8  # of a block; beyond, single fits are as fast
_MAX_ELEMENTS = 500_000  # of the largest array of a chunk
_MAX_CHUNK = 5000
_SINGLE_CHUNK = 50  # of refits that are made one by one


@dataclass(frozen=True, slots=True)
class Block:
    """One stack of the design, axes of the block's matrices first.

    Attributes
    ----------
    n : (B, 1) array
    zz : (q, q, B, 1) array
    zx : (q, p, B, 1) array
    pairs : tuple of tuple of (int, int)
        Elements of Psi, the relative covariance, that equal each covariance parameter.
    stack : Stack
    """

    n: FloatArray
    zz: FloatArray
    zx: FloatArray
    pairs: tuple[tuple[tuple[int, int], ...], ...]
    stack: Stack


@dataclass(frozen=True, slots=True)
class Design:
    """What replicates share.

    Attributes
    ----------
    gram : Gram
        Its outcome is not used.
    blocks : tuple of Block
    first : tuple of (i, t, s)
        d psi_i / d theta_t has the summand theta_s.
    direct : bool
        The only parameter is the ratio of variances psi itself, not its root theta.
    """

    gram: Gram
    blocks: tuple[Block, ...]
    first: tuple[tuple[int, int, int], ...]
    direct: bool

    @property
    def k(self) -> int:
        """Covariance parameters."""
        return len(self.gram.diagonal)

    @property
    def narrow(self) -> bool:
        """Whether blocks are small enough for a batch to pay (not so with crossed groups)."""
        return max(len(block.zz) for block in self.blocks) <= _MAX_EFFECTS

    @property
    def chunk(self) -> int:
        """Replicates that are fitted together; a property of the design, so that draws are too."""
        if not self.narrow:
            return _SINGLE_CHUNK
        sizes = [len(b.zz) * max(b.zz.shape[0], b.zx.shape[1]) * len(b.n) for b in self.blocks]
        return max(8, min(_MAX_CHUNK, _MAX_ELEMENTS // int(max(sizes))))


@dataclass(frozen=True, slots=True)
class Draws:
    """R replicates of the outcome's crossproducts.

    Attributes
    ----------
    zy : tuple of (q, B, R) array
        Z'y of each stack, y the mean of the entry's blocks.
    scatter : tuple of (q, q, B, R) array or None
        Z'SZ of each stack.
    xy : (p, R) array
    yy : (R,) array
    """

    zy: tuple[FloatArray, ...]
    scatter: tuple[FloatArray | None, ...]
    xy: FloatArray
    yy: FloatArray

    def take(self, index: IntArray) -> Draws:
        """The chosen replicates."""
        if len(index) == len(self.yy):
            return self
        return Draws(
            tuple(z[..., index] for z in self.zy),
            tuple(None if s is None else s[..., index] for s in self.scatter),
            self.xy[:, index],
            self.yy[index],
        )


def batch_design(gram: Gram) -> Design:
    """The part of a reduction that replicates share."""
    k = len(gram.diagonal)
    blocks = []
    for s in gram.stacks:
        pairs: list[list[tuple[int, int]]] = [[] for _ in range(k)]
        for row, col, t in zip(s.rows.tolist(), s.cols.tolist(), s.theta.tolist(), strict=True):
            pairs[t] += [(row, col)] if row == col else [(row, col), (col, row)]
        blocks.append(
            Block(
                s.n[:, None],
                np.ascontiguousarray(s.zz.transpose(1, 2, 0))[..., None],
                np.ascontiguousarray(s.zx.transpose(1, 2, 0))[..., None],
                tuple(tuple(entries) for entries in pairs),
                s,
            )
        )
    return Design(gram, tuple(blocks), _chain(gram.sizes), k == 1)


def _chain(sizes: tuple[int, ...]) -> tuple[tuple[int, int, int], ...]:
    """Where theta stands in the derivative of Psi = Lambda Lambda', element by element."""
    first, used = [], 0
    for m in sizes:
        lower = [(i, j) for j in range(m) for i in range(j, m)]
        at = {place: used + t for t, place in enumerate(lower)}
        for a, b in lower:
            for j in range(b + 1):  # psi_ab is the sum over j of lambda_aj lambda_bj
                first.append((at[a, b], at[a, j], at[b, j]))
                first.append((at[a, b], at[b, j], at[a, j]))
        used += len(lower)
    return tuple(first)
