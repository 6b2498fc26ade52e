"""The first group eliminated where most of its levels meet most of the rest: dense products.

Places of single entries cost more there than the entries, and what is whitened once serves the
solutions, the dense rest and the gradient. Equation numbers refer to docs/mathematics.md, section
18.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg.blas import dsyrk, dtrsm

from retrostats.models.linear.crossed.layout import Group
from retrostats.models.linear.formula.columns import FloatArray

_CHUNK = 4096  # rows that are solved for together: no second matrix of the size of `whitened`


@dataclass(frozen=True, slots=True)
class DenseStage:
    """One group eliminated, of D = R R' (L, k, k) and B (rest, width).

    Attributes
    ----------
    inverse, root, half : (L, k, k) arrays
        D^-1, R and R^-1 of each level.
    whitened : (width, rest) array
        W = R^-1 B', so that B = W'R' and H = B D^-1 = W'R^-1.
    """

    inverse: FloatArray
    root: FloatArray
    half: FloatArray
    whitened: FloatArray

    def times(self, v: FloatArray) -> FloatArray:
        """B v (rest, c) for v (width, c)."""
        return np.asarray(self.whitened.T @ _each(np.swapaxes(self.root, 1, 2), v))

    def turned(self, x: FloatArray) -> FloatArray:
        """H'x (width, c) for x (rest, c)."""
        return _each(np.swapaxes(self.half, 1, 2), self.whitened @ x)

    def subtract(self, rest: FloatArray) -> None:
        """Take B D^-1 B' from the lower triangle of `rest` (Fortran order), in place (eq. 45)."""
        dsyrk(-1.0, self.whitened.T, beta=1.0, c=rest, lower=1, overwrite_c=1)

    def inner(self, lower: FloatArray) -> FloatArray:
        """Sum over levels of H_l'S^-1 H_l (k, k), `lower` the Cholesky factor of S."""
        total = self.grams(lower).sum(0)
        return np.asarray(0.5 * (total + total.T))

    def grams(self, lower: FloatArray) -> FloatArray:
        """H_l'S^-1 H_l (L, k, k) of each level.

        With Y = L^-1 W' it is R_l^-T (Y_l'Y_l) R_l^-1: one triangular solution, where products with
        the whole inverse take twice the multiplications.
        """
        k = self.half.shape[1]
        out = np.empty_like(self.half)
        step = max(1, _CHUNK // k)
        for at in range(0, len(self.half), step):
            half = self.half[at : at + step]
            rows = self.whitened[at * k : (at + step) * k]
            y = dtrsm(1.0, lower, rows.T, lower=1).T.reshape(len(half), k, -1)
            gram = np.empty((len(half), k, k))
            for i in range(k):
                for j in range(i + 1):
                    gram[:, i, j] = gram[:, j, i] = np.einsum("lm,lm->l", y[:, i], y[:, j])
            out[at : at + step] = np.swapaxes(half, 1, 2) @ gram @ half
        return out

    def outer(self) -> list[list[FloatArray]]:
        """Sum over levels of the products of columns c and e of H (rest, rest), k by k of them."""
        k, width = self.half.shape[1], self.whitened.shape[1]
        out: list[list[FloatArray]] = [[np.zeros((width, width))] * k for _ in range(k)]
        step = max(1, _CHUNK // k)
        for at in range(0, len(self.half), step):
            half = np.swapaxes(self.half[at : at + step], 1, 2)
            rows = self.whitened[at * k : (at + step) * k].reshape(len(half), k, width)
            h = half @ rows
            for c in range(k):
                for e in range(c + 1):
                    out[c][e] = out[c][e] + h[:, c].T @ h[:, e]
        for c in range(k):
            for e in range(c):
                out[e][c] = out[c][e].T
        return out


def dense_stage(
    between: FloatArray, own: FloatArray, lam: FloatArray, rest: list[tuple[Group, FloatArray]]
) -> tuple[DenseStage, float]:
    """The stage, and log|D|.

    Parameters
    ----------
    between : (L, k, m) array
        Z'Z between each level's effects and those of the rest.
    own : (L, k, k) array
        D.
    lam : (k, k) array
        Lambda of a level.
    rest : list of (Group, (k, k) array)
        The groups of the rest, and Lambda of one of their levels.
    """
    root = np.linalg.cholesky(own)
    half = np.linalg.inv(root)
    whitened = (half @ lam.T) @ between
    levels, k, width = whitened.shape
    first = rest[0][0].start if rest else 0
    for group, by in rest:
        at = slice(group.start - first, group.start - first + group.width)
        if group.k == 1:
            whitened[..., at] *= by[0, 0]
        else:
            part = whitened[..., at].reshape(levels, k, group.levels, group.k)
            whitened[..., at] = (part @ by).reshape(levels, k, -1)
    logdet = 2.0 * float(np.log(np.diagonal(root, axis1=1, axis2=2)).sum())
    inverse = np.swapaxes(half, 1, 2) @ half
    return DenseStage(inverse, root, half, whitened.reshape(levels * k, width)), logdet


def _each(blocks: FloatArray, rhs: FloatArray) -> FloatArray:
    """Each level's block times its rows of (L k, c)."""
    levels, k, _ = blocks.shape
    return np.asarray((blocks @ rhs.reshape(levels, k, -1)).reshape(rhs.shape))
