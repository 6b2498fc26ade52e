"""Products X'V^-1 D_s V^-1 X of many strata, held as the few rows that they have.

One stage of k studies has about as many columns of X as residual variances: the products are then
T matrices of p by p, and pairs of them take T^2 p^2 operations. A stratum of a printed arm is one
row behind them: with F_s its rows of V^-1 X the product is F_s'F_s, and with G = F C F' the pair is
tr(C P_s C P_t) = sum of the squares of G over the rows of s and t (docs/mathematics.md, eq. 36a).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from retrostats.models.linear.formula.columns import FloatArray, IntArray

#: Numbers of a design above which equal rows are not looked for.
_MOST = 4_000_000
#: Fewest strata for which rows are held.
_FEWEST = 8
#: Decimals of an orthonormal basis to which rows count as equal.
_DECIMALS = 12


@dataclass(frozen=True, slots=True)
class DesignRows:
    """Rows of Z and X, those that are equal in one block and stratum as one times a root.

    z (M, q), x (M, p), and block and stratum (M,) of each.
    """

    z: FloatArray
    x: FloatArray
    block: IntArray
    stratum: IntArray

    def turned(self, turn: FloatArray) -> DesignRows:
        """The rows with Z in other coordinates, as Z T'."""
        return DesignRows(self.z @ turn.T, self.x, self.block, self.stratum)


def squares(design: Sequence[DesignRows], tau: FloatArray) -> FloatArray:
    """X'R^-1 X (p, p) of the rows of all stacks."""
    each = [rows.x.T @ (tau[rows.stratum, None] * rows.x) for rows in design]
    return np.asarray(sum(each[1:], start=each[0]))


def fitted(design: Sequence[DesignRows], delta: FloatArray, total: int) -> FloatArray:
    """X_s'X_s delta (T, p)."""
    out = np.zeros((total, len(delta)))
    for rows in design:
        np.add.at(out, rows.stratum, rows.x * (rows.x @ delta)[:, None])
    return out


def design_rows(
    z: FloatArray, x: FloatArray, block: IntArray, stratum: IntArray
) -> DesignRows | None:
    """Rows that are not zero, each kind once; None where there are too many to look for equals."""
    if z.size + x.size > _MOST:
        return None
    some = np.flatnonzero((z != 0).any(axis=1) | (x != 0).any(axis=1))
    key = np.column_stack([block[some], stratum[some], z[some], x[some]]).round(_DECIMALS)
    _, first, count = np.unique(key, axis=0, return_index=True, return_counts=True)
    at, root = some[first], np.sqrt(count)[:, None]
    return DesignRows(root * z[at], root * x[at], block[at], stratum[at])


def few_enough(rows: int, strata: int, columns: int) -> bool:
    """Whether products of rows take fewer operations than those of matrices."""
    return strata >= _FEWEST and rows * (rows + columns) < strata**2 * columns


@dataclass(frozen=True, slots=True)
class StratumRows:
    """F (M, p), the rows of V^-1 X, and the stratum (M,) of each, of `total`."""

    f: FloatArray
    stratum: IntArray
    total: int

    @classmethod
    def of(
        cls, parts: Sequence[tuple[DesignRows, FloatArray, FloatArray]], total: int
    ) -> StratumRows:
        """From the rows of each stack, 1 / sigma^2 by stratum and H of each of its blocks."""
        # eq. 36a
        f = [
            tau[rows.stratum, None] * (rows.x - (rows.z[:, None] @ h[rows.block])[:, 0])
            for rows, tau, h in parts
        ]
        stratum = np.concatenate([rows.stratum for rows, _, _ in parts])
        order = np.argsort(stratum, kind="stable")
        return cls(np.concatenate(f)[order], stratum[order], total)

    def traces(self, c: FloatArray) -> FloatArray:
        """tr(C P_s) (T,)."""
        return self._summed(((self.f @ c) * self.f).sum(axis=1))

    def pairs(self, c: FloatArray) -> FloatArray:
        """tr(C P_s C P_t) (T, T)."""
        # eq. 36a
        square = (self.f @ c @ self.f.T) ** 2
        first = np.searchsorted(self.stratum, np.arange(self.total))
        held = np.flatnonzero(np.bincount(self.stratum, minlength=self.total))
        out = np.zeros((self.total, self.total))
        some = np.add.reduceat(np.add.reduceat(square, first[held], 0), first[held], 1)
        out[np.ix_(held, held)] = some
        return out

    def beside(self, matrices: FloatArray, c: FloatArray) -> FloatArray:
        """tr(C A_i C P_s) (k, T) of k other matrices A_i (k, p, p)."""
        # eq. 36a, with one product that is no square
        turned = self.f @ c
        each = [self._summed(((turned @ a) * turned).sum(axis=1)) for a in matrices]
        return np.array(each).reshape(len(matrices), self.total)

    def weighted(self, w: FloatArray) -> FloatArray:
        """Sum of w_s P_s (p, p)."""
        return np.asarray(self.f.T @ (w[self.stratum, None] * self.f))

    def weighted_pairs(self, w: FloatArray, c: FloatArray) -> FloatArray:
        """Sum of w_st P_s C P_t (p, p)."""
        mixed = (self.f @ c @ self.f.T) * w[np.ix_(self.stratum, self.stratum)]
        return np.asarray(self.f.T @ mixed @ self.f)

    def dense(self, turn: FloatArray) -> FloatArray:
        """B'P_s B (T, p, p)."""
        f = self.f @ turn
        ends = np.searchsorted(self.stratum, np.arange(self.total + 1))
        return np.stack([f[a:b].T @ f[a:b] for a, b in pairwise(ends)])

    def summed(self, rows: FloatArray) -> FloatArray:
        """Sums (T, c) of rows (M, c) by stratum."""
        out = np.zeros((self.total, rows.shape[1]))
        np.add.at(out, self.stratum, rows)
        return out

    def _summed(self, rows: FloatArray) -> FloatArray:
        return np.bincount(self.stratum, rows, self.total).astype(float)
