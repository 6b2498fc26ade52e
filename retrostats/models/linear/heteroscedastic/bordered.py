"""Symmetric matrices that are blocks, a border and a few products: the Hessian of many studies.

H = [[A, E'], [E, D]] + sign F F', D block-diagonal with a block for each component. Borders are
few, so that solving takes time in proportion to the components (docs/mathematics.md, eq. 36c).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from retrostats.models.linear.formula.columns import FloatArray, IntArray

#: Smallest eigenvalue, of a matrix of unit diagonal, of what is clearly positive definite.
_CLEARLY = 1e-8


@dataclass(frozen=True, slots=True)
class Order:
    """Where the parameters of U components stand in one vector of n.

    border (g,) and own (U, l) int arrays; -1 where a component has fewer.
    """

    border: IntArray
    own: IntArray
    size: int

    def split(self, vector: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Border (g, ...) and own (U, l, ...) parts of a vector (n, ...); padding is zero."""
        own = vector[self.own]
        own[self.own < 0] = 0.0
        return vector[self.border], own

    def joined(self, border: FloatArray, own: FloatArray) -> FloatArray:
        """The vector (n, ...) of both parts."""
        out = np.zeros((self.size, *border.shape[1:]))
        held = self.own >= 0
        out[self.own[held]] = own[held]
        out[self.border] = border
        return out


class Bordered:
    """H and its inverse.

    Parameters
    ----------
    order : Order
    parts : (U, g + l, g + l) array
        What each component adds to A, E and its block of D.
    products : (U, g + l, r) array
        What each adds to F.
    sign : {-1, 1}
    """

    def __init__(self, order: Order, parts: FloatArray, products: FloatArray, sign: float) -> None:
        g = len(order.border)
        self.order, self.sign, self.g = order, sign, g
        padded = order.own < 0
        self.corner = parts[:, :g, :g].sum(0)
        self.edge = parts[:, g:, :g]
        self.own = parts[:, g:, g:].copy()
        self.f_border, self.f_own = products[:, :g].sum(0), products[:, g:]
        at = np.arange(padded.shape[1])
        self.own[:, at, at] += padded

    def shifted(self, scale: FloatArray, shift: float) -> Bordered:
        """scale H scale - shift I, for a vector (n,) of scales."""
        border, own = self.order.split(scale)
        own[self.order.own < 0] = 1.0
        out = object.__new__(Bordered)
        out.order, out.sign, out.g = self.order, self.sign, self.g
        out.corner = self.corner * np.outer(border, border) - shift * np.eye(self.g)
        out.edge = self.edge * own[:, :, None] * border
        out.own = self.own * own[:, :, None] * own[:, None, :] - shift * np.eye(own.shape[1])
        out.f_border, out.f_own = self.f_border * border[:, None], self.f_own * own[:, :, None]
        return out

    @property
    def diagonal(self) -> FloatArray:
        """The diagonal (n,)."""
        own = np.diagonal(self.own, axis1=1, axis2=2) + self.sign * (self.f_own**2).sum(2)
        border = np.diag(self.corner) + self.sign * (self.f_border**2).sum(1)
        return self.order.joined(border, own)

    @cached_property
    def _solved(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """D^-1, D^-1 [E F] and the Schur complement of the border."""
        # eq. 36c: H is what is left of [[A E' F], [E D F], [F' F' -sign I]] without its last rows
        r = self.f_border.shape[1]
        edge = np.concatenate([self.edge, self.f_own], axis=2)
        inverse = np.linalg.inv(self.own)
        moved = inverse @ edge
        schur = np.block([
            [self.corner, self.f_border], [self.f_border.T, -self.sign * np.eye(r)]
        ])  # fmt: skip
        schur -= edge.reshape(-1, edge.shape[2]).T @ moved.reshape(-1, edge.shape[2])
        return inverse, moved, 0.5 * (schur + schur.T)

    def positive(self, least: float = _CLEARLY) -> bool:
        """Whether every eigenvalue, once the diagonal is 1, is above `least`.

        The signs of eigenvalues are those of D and of the Schur complement (Haynsworth 1968), of
        which the r products have theirs.
        """
        diagonal = self.diagonal
        if not (np.isfinite(diagonal).all() and (diagonal > 0.0).all()):
            return False
        unit = self.shifted(1.0 / np.sqrt(diagonal), least)
        own = np.linalg.eigvalsh(unit.own)
        if np.abs(own).min() < 1e-14:
            return False
        products = self.f_border.shape[1] if self.sign > 0 else 0
        schur = np.linalg.eigvalsh(unit._solved[2])
        return int((own < 0.0).sum() + (schur < 0.0).sum()) == products

    def solve(self, vector: FloatArray) -> FloatArray:
        """H^-1 times a vector (n,) or columns (n, c)."""
        columns = vector[:, None] if vector.ndim == 1 else vector
        inverse, moved, schur = self._solved
        border, own = self.order.split(columns)
        # eq. 36c
        alone = inverse @ own
        right = -np.tensordot(moved, own, axes=([0, 1], [0, 1]))
        right[: self.g] += border
        both = np.linalg.solve(schur, right)
        out = self.order.joined(both[: self.g], alone - moved @ both)
        return out[:, 0] if vector.ndim == 1 else out

    def upward(self, vector: FloatArray) -> FloatArray:
        """H^-1 times a vector (n,), with what curves downwards of H turned upwards.

        As `newton_step` does with the eigenvalues of the whole: here those of each block of D, then
        those of the Schur complement, once the diagonal is 1 in absolute value. For `sign` -1.
        """
        size = np.abs(self.diagonal)
        scale = 1.0 / np.sqrt(np.maximum(size, 1e-12 * max(float(size.max()), 1e-300)))
        unit = self.shifted(scale, 0.0)
        unit.own = _turned(unit.own)
        inverse, moved, schur = unit._solved
        unit.__dict__["_solved"] = inverse, moved, _turned(schur)
        return np.asarray(scale * unit.solve(scale * vector))

    @cached_property
    def inverse(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """D^-1 (U, l, l), the rows a (U, g + l, g + r) and S^-1, of which H^-1 consists.

        H^-1 of two parameters is a S^-1 a', with that of D^-1 more where both are of one component.
        """
        inverse, moved, schur = self._solved
        count, _, width = moved.shape
        unit = np.broadcast_to(np.eye(self.g, width), (count, self.g, width))
        rows = np.concatenate([unit, -moved], axis=1)
        turned = np.linalg.inv(schur)
        return inverse, rows, 0.5 * (turned + turned.T)

    def inverse_parts(self) -> FloatArray:
        """H^-1 among the border and each component's own parameters (U, g + l, g + l)."""
        inverse, rows, schur = self.inverse
        out = rows @ schur @ np.swapaxes(rows, 1, 2)
        out[:, self.g :, self.g :] += inverse
        return np.asarray(out)


def _turned(a: FloatArray) -> FloatArray:
    """Stacked symmetric matrices with the absolute values of their eigenvalues."""
    values, vectors = np.linalg.eigh(a)
    values = np.maximum(np.abs(values), _CLEARLY)
    return np.asarray((vectors * values[..., None, :]) @ np.swapaxes(vectors, -1, -2))
