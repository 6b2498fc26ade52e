"""A root of covariance matrices that does not depend on the kernel of linear algebra.

Random numbers must not meet eigenvectors: their signs, and their bases where eigenvalues repeat,
are the kernel's choice, so that one seed gives other draws on another processor.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
_RANK_TOL = 1e-9


def lower_factor(
    matrices: FloatArray, *, tolerance: float = _RANK_TOL, least: float = 0.0
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """L (B, q, q) with LL' the matrices, and which of its columns (B, q) are not zero.

    Parameters
    ----------
    matrices : (B, q, q) array
        Positive semidefinite; a column that follows from those before it becomes zero.
    tolerance : float
        Share of a variance, given those before it, that counts as zero.
    least : float
        Variance that counts as zero whatever its share.
    """
    lower = np.zeros_like(matrices)
    kept = np.zeros(matrices.shape[:2], dtype=bool)
    for j in range(matrices.shape[1]):
        inner = np.einsum("bik,bk->bi", lower[:, j:, :j], lower[:, j, :j])
        rest = matrices[:, j:, j] - inner
        kept[:, j] = rest[:, 0] > np.maximum(tolerance * matrices[:, j, j], least)
        size = np.sqrt(np.where(kept[:, j], rest[:, 0], 1.0))
        lower[:, j:, j] = np.where(kept[:, j, None], rest / size[:, None], 0.0)
    return lower, kept


def forward(lower: FloatArray, kept: NDArray[np.bool_], b: FloatArray) -> FloatArray:
    """L^+ b (B, q, p) of a `lower_factor` and b in its span; zero where a column is."""
    out = np.zeros_like(b)
    for j in range(b.shape[1]):
        rest = b[:, j] - np.einsum("bk,bkp->bp", lower[:, j, :j], out[:, :j])
        size = np.where(kept[:, j], lower[:, j, j], 1.0)
        out[:, j] = np.where(kept[:, j, None], rest / size[:, None], 0.0)
    return out
