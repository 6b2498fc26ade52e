"""A root of covariance matrices that does not depend on the kernel of linear algebra."""

from __future__ import annotations

import numpy as np

from retrostats.mixed.formula.columns import FloatArray

_RANK_TOL = 1e-9  # share of a variance, given those before it, that counts as zero


def lower_factor(matrices: FloatArray) -> tuple[FloatArray, np.ndarray]:
    """L (B, q, q) with LL' the matrices, and which of its columns (B, q) are not zero.

    Unlike eigenvectors, whose signs and bases are the kernel's choice, L is unique: the same random
    numbers give the same draws on every processor. Singular matrices leave columns of zeros.
    """
    lower = np.zeros_like(matrices)
    kept = np.zeros(matrices.shape[:2], dtype=bool)
    for j in range(matrices.shape[1]):
        inner = np.einsum("bik,bk->bi", lower[:, j:, :j], lower[:, j, :j])
        rest = matrices[:, j:, j] - inner
        kept[:, j] = rest[:, 0] > _RANK_TOL * np.maximum(matrices[:, j, j], 1e-300)
        size = np.sqrt(np.where(kept[:, j], rest[:, 0], 1.0))
        lower[:, j:, j] = np.where(kept[:, j, None], rest / size[:, None], 0.0)
    return lower, kept
