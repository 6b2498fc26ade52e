"""Algebra of many small matrices at once, the replicates on the last axis, element by element.

For a matrix of two or three rows this is far cheaper than a call of LAPACK for each replicate.
"""

from __future__ import annotations

import numpy as np

from retrostats.models.linear.formula.columns import FloatArray


def product(a: FloatArray, b: FloatArray) -> FloatArray:
    """Matrix product over the two leading axes."""
    total: FloatArray = a[:, 0, None] * b[None, 0]
    for j in range(1, len(b)):
        total = total + a[:, j, None] * b[None, j]
    return total


def cholesky(matrix: FloatArray) -> FloatArray:
    """Lower factor of (p, p, R), elementwise; NaN where it does not exist."""
    p = len(matrix)
    lower = np.zeros_like(matrix)
    with np.errstate(invalid="ignore", divide="ignore"):
        for j in range(p):
            rest = matrix[j:, j] - np.einsum("akr,kr->ar", lower[j:, :j], lower[j, :j])
            lower[j, j] = np.sqrt(rest[0])
            lower[j + 1 :, j] = rest[1:] / lower[j, j]
    return lower


def forward(lower: FloatArray, right: FloatArray) -> FloatArray:
    """Solve L x = b, b (p, ..., R)."""
    out = np.empty(np.broadcast_shapes(right.shape, (*right.shape[:-1], lower.shape[-1])))
    for i in range(len(lower)):
        total = right[i]
        for j in range(i):
            total = total - lower[i, j] * out[j]
        out[i] = total / lower[i, i]
    return out


def backward(lower: FloatArray, right: FloatArray) -> FloatArray:
    """Solve L'x = b, b (p, R)."""
    out = np.empty_like(right)
    for i in reversed(range(len(lower))):
        total = right[i]
        for j in range(i + 1, len(lower)):
            total = total - lower[j, i] * out[j]
        out[i] = total / lower[i, i]
    return out
