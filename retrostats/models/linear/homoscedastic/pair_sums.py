"""Sums over blocks for every pair of parameters: what Hessians and adjustments are made of.

k parameters have k^2 pairs, and an unstructured covariance of q effects has k = q (q + 1) / 2:
6,084 pairs of 12 effects. Where they are many, the sums of all pairs are products of a few
matrices: with vec Psi_i as the rows of D, tr(A Psi_i W Psi_j) of all pairs is D S D', S the sum
over blocks of the products of two elements of A and W (`many.py` does so for very many blocks).
Equation numbers refer to docs/mathematics.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from retrostats.models.linear.blocks.directions import Directions
from retrostats.models.linear.formula.columns import FloatArray

_FEWEST = 6  # parameters above which products of wide matrices are worth setting up
_WIDEST = 32  # effects of a block; products of two elements of W have the fourth power of them
_ELEMENTS = 1 << 22  # of the matrices whose product gives all Q_ij


@dataclass(frozen=True, slots=True)
class Whitened:
    """One stack at one theta: everything in the space of its random effects.

    w = Z'V^-1Z (B, q, q); g = Z'V^-1X (B, q, p); e = Z'V^-1(ybar - X beta) (B, q);
    outer = Z'V^-1 (sum over blocks of residual outer products) V^-1 Z (B, q, q);
    nn = Lambda M^-1 Lambda' (B, q, q); k = I - nn Z'Z (B, q, q).
    """

    n: FloatArray
    w: FloatArray
    g: FloatArray
    e: FloatArray
    outer: FloatArray
    nn: FloatArray
    k: FloatArray


class Pairs(Protocol):
    """Sums for parameters i, j whose derivatives of V are Z Psi_i Z' and Z Psi_j Z'."""

    @property
    def trace2(self) -> FloatArray:
        """tr(V^-1 V_i V^-1 V_j) (k, k)."""
        ...

    @property
    def fit2(self) -> FloatArray:
        """r'V^-1 V_i V^-1 V_j V^-1 r (k, k)."""
        ...

    @property
    def q(self) -> FloatArray:
        """Q_ij = X'V^-1 V_i V^-1 V_j V^-1 X (k, k, p, p)."""
        ...

    def of_x(self, c: FloatArray) -> FloatArray:
        """tr(c Q_ij) (k, k) of a symmetric c (p, p)."""
        ...


@dataclass(frozen=True, slots=True)
class SummedPairs:
    """Where the sums are there already; see `Pairs`."""

    trace2: FloatArray
    fit2: FloatArray
    q: FloatArray

    def of_x(self, c: FloatArray) -> FloatArray:
        """tr(c Q_ij) (k, k)."""
        return np.asarray(np.trace(c @ self.q, axis1=2, axis2=3))


def many_pairs(parts: list[Whitened], directions: Directions) -> bool:
    """Whether the parameters are many and the blocks narrow, so that `PairProducts` pays."""
    k = len(directions[0])
    return k >= _FEWEST and all(part.w.shape[1] <= min(k, _WIDEST) for part in parts)


@dataclass(frozen=True)
class PairProducts:
    """Where they are sums of products, taken when asked for; see `Pairs`.

    Attributes
    ----------
    parts : list of Whitened
        S stacks.
    psi : list of (k, q, q) arrays
        The directions of each.
    """

    parts: list[Whitened]
    psi: list[FloatArray]

    @cached_property
    def trace2(self) -> FloatArray:
        """tr(W Psi_i W Psi_j), as eq. 12 has it."""
        return self._between([part.n[:, None, None] * part.w for part in self.parts])

    @cached_property
    def fit2(self) -> FloatArray:
        """tr(Y Psi_i W Psi_j), as eq. 11 has it."""
        return self._between([part.outer for part in self.parts])

    def of_x(self, c: FloatArray) -> FloatArray:
        """tr(C Q_ij) of eq. 12: G C G' stands in the place of Y."""
        return self._between([products_of_x(part, c) for part in self.parts])

    def _between(self, outer: list[FloatArray]) -> FloatArray:
        """Sum over blocks of tr(A Psi_i W Psi_j) (k, k), A symmetric (B, q, q) for each stack."""
        total = np.zeros((len(self.psi[0]),) * 2)
        for a, part, psi in zip(outer, self.parts, self.psi, strict=True):
            blocks, width, _ = a.shape
            both = a.reshape(blocks, -1).T @ part.w.reshape(blocks, -1)
            # eqs. 11 and 12: A_da W_bc in rows (a, b), which meet Psi_i, and columns (c, d),
            # which meet Psi_j
            turned = both.reshape((width,) * 4).transpose(1, 2, 3, 0).reshape(both.shape)
            flat = psi.reshape(len(psi), -1)
            total += flat @ turned @ flat.T
        return total

    @cached_property
    def q(self) -> FloatArray:
        """Q_ij = sum n G'Psi_i W Psi_j G, of eqs. 12 and 15."""
        k, p = len(self.psi[0]), self.parts[0].g.shape[2]
        total = np.zeros((k * p, k * p))
        for part, psi in zip(self.parts, self.psi, strict=True):
            width = part.w.shape[1]
            step = max(1, _ELEMENTS // (k * p * width))
            for start in range(0, len(part.n), step):
                here = slice(start, start + step)
                g = part.g[here].transpose(1, 0, 2).reshape(width, -1)
                turned = (psi.reshape(-1, width) @ g).reshape(k, width, -1, p)
                # eqs. 12 and 15: Psi_i G beside W Psi_j G
                dg = turned.transpose(2, 1, 0, 3).reshape(-1, width, k * p)
                wdg = (part.n[here, None, None] * part.w[here]) @ dg
                total += dg.reshape(-1, k * p).T @ wdg.reshape(-1, k * p)
        return np.ascontiguousarray(total.reshape(k, p, k, p).transpose(0, 2, 1, 3))


def products_of_x(part: Whitened, c: FloatArray) -> FloatArray:
    """N G c G' (B, q, q) of each entry, for the n blocks behind it."""
    return np.asarray((part.n[:, None, None] * (part.g @ c)) @ np.swapaxes(part.g, 1, 2))
