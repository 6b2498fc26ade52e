"""Outcomes drawn for crossed fits of which only the sums of each combination of levels are known.

A refit asks of an outcome its products with Z, with X and with itself. For noise of N rows these
have a known joint law: within a combination the products with its effects are L n, LL' = Z'Z there
and n standard normal; products with X are carried along by regression on n, with a remainder of p
numbers; and what is left of the sum of squares is chi-squared.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from retrostats.common.lower_factor import forward, lower_factor
from retrostats.models.linear.formula.columns import FloatArray, IntArray

_RANK = 1e-12  # share of a variance, given those before it, that counts as zero


@dataclass(frozen=True)
class CellDesign:
    """The design as sums of C combinations of levels, e effects each.

    Attributes
    ----------
    zz : (C, e, e), zx : (C, e, p) arrays
        As in `cells.Cells`.
    columns : list of (C, k) int arrays
        Where the effects of each group stand among the q random effects.
    effects : list of (k,) int arrays
        Which of the e effects each group has.
    turn : list of (k, k) arrays
        From these to working coordinates.
    width, n_obs : int
        Random effects q; observations.
    """

    zz: FloatArray
    zx: FloatArray
    columns: list[IntArray]
    effects: list[IntArray]
    turn: list[FloatArray]
    width: int
    n_obs: int

    @cached_property
    def _roots(self) -> tuple[FloatArray, NDArray[np.bool_], FloatArray, FloatArray]:
        """L (C, e, e), which of its columns are any (C, e), X carried (C, e, p), rest (p, p)."""
        half, some = lower_factor(self.zz, tolerance=_RANK)
        carried = forward(half, some, self.zx)
        p = self.zx.shape[2]
        flat = carried.reshape(-1, p)
        rest, _ = lower_factor((np.eye(p) - flat.T @ flat)[None], least=_RANK)
        return half, some, carried, rest[0]

    @property
    def normals(self) -> tuple[int, int, int]:
        """Normal numbers behind the products: C by e, and p."""
        cells, e, p = self.zx.shape
        return cells, e, p

    def noise(self, n: FloatArray, m: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        """Products with Z (q,), with X (p,), and the sum of squares they explain.

        n (C, e) and m (p,) are standard normal.
        """
        half, some, carried, rest = self._roots
        n = n * some
        with_z = np.einsum("cij,cj->ci", half, n)
        out = np.zeros(self.width)
        for at, chosen, turn in zip(self.columns, self.effects, self.turn, strict=True):
            np.add.at(out, at, with_z[:, chosen] @ turn)
        used = m * (np.abs(rest).sum(axis=0) > 0)
        with_x = n.reshape(-1) @ carried.reshape(-1, len(m)) + rest @ used
        return out, with_x, float(np.vdot(n, n) + used @ used)

    def free(self) -> int:
        """Degrees of freedom of the sum of squares that is left."""
        _, some, _, rest = self._roots
        return self.n_obs - int(some.sum()) - int((np.abs(rest).sum(axis=0) > 0).sum())


Outcome = tuple[FloatArray, FloatArray, FloatArray, float]
"""Z'r (q,), X'r (p,), X'y (p,) and r'r of an outcome y, r its residual of least squares."""


def drawn_from_cells(
    design: CellDesign, c: csr_array, zx: FloatArray, effects: FloatArray, rng: np.random.Generator
) -> Outcome:
    """An outcome Z effects + noise of variance one; c is Z'Z, zx is Z'X."""
    cells, e, p = design.normals
    with_z, with_x, square = design.noise(rng.standard_normal((cells, e)), rng.standard_normal(p))
    square += rng.chisquare(design.free())
    fitted = c @ effects
    xy = zx.T @ effects + with_x
    yy = float(effects @ fitted + 2.0 * effects @ with_z + square)
    return fitted + with_z - zx @ xy, np.zeros(p), xy, yy - float(xy @ xy)
