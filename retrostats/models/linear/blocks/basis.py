"""An orthonormal basis of the fixed effects, and least squares in it."""

from __future__ import annotations

import numpy as np
from scipy.linalg.blas import dtrsm
from scipy.linalg.lapack import dtrtrs

from retrostats.common.errors import NotIdentified
from retrostats.models.linear.formula.columns import FloatArray

_RANK_TOL = 1e-7  # R's qr() tolerance for a column that depends on those before it


def orthonormal(
    x: FloatArray, weight: FloatArray | None, names: tuple[str, ...]
) -> tuple[FloatArray, FloatArray]:
    """R (p, p) and Q = X R^-1 (R, p) with Q'WQ = I.

    Cholesky twice, with Householder's R for the first where X is nearly singular.

    Raises
    ------
    NotIdentified
        A column depends on the others; the message names it.
    """
    scaled = x if weight is None else np.sqrt(weight)[:, None] * x
    gram = scaled.T @ scaled
    norm = np.sqrt(np.diag(gram))
    norm[norm == 0] = 1.0
    gram = gram / norm / norm[:, None]
    try:
        first = np.linalg.cholesky(gram).T
        healthy = np.abs(np.diag(first)).min() > 1e-4
    except np.linalg.LinAlgError:
        healthy = False
    if not healthy:
        first = np.asarray(np.linalg.qr(scaled / norm, mode="r"))
        bad = np.abs(np.diag(first)) < _RANK_TOL
        if len(first) < len(norm) or bad.any():
            dependent = [n for n, b in zip(names, bad, strict=False) if b] or list(names[-1:])
            raise NotIdentified(
                f"the columns {', '.join(dependent)} follow from the others (a cell without data, "
                "or a term that repeats another); take them out of the formula"
            )
    q = substitute(first * norm, x.T, transpose=True).T
    again = q if weight is None else np.sqrt(weight)[:, None] * q
    second = np.linalg.cholesky(again.T @ again).T
    q = substitute(second, q.T, transpose=True).T
    return second @ (first * norm), np.ascontiguousarray(q)


def substitute(upper: FloatArray, b: FloatArray, *, transpose: bool = False) -> FloatArray:
    """Solve R x = b, or R'x = b, for an upper-triangular R known to be regular.

    For several columns LAPACK's own routine starts threads however small R is, which cost 10 ms
    each time on a busy machine; BLAS's does the same operations without.
    """
    trans = 1 if transpose else 0
    if b.ndim == 2 and b.shape[1] > 1 and len(upper):
        return np.asarray(dtrsm(1.0, upper, b, trans_a=trans))
    solution, _ = dtrtrs(upper, b, trans=trans)
    return np.asarray(solution)


def least_squares(
    y: FloatArray,
    basis: FloatArray,
    q: FloatArray,
    weight: FloatArray | None,
    ones: FloatArray | None = None,
    *,
    intercept: bool,
) -> tuple[FloatArray, FloatArray]:
    """OLS coefficients (p,) and residuals (R,), Q and R those of `orthonormal`.

    With an intercept a representative value is taken out of y first, which is exact; ``ones`` is
    the intercept's column where rotated rows made it something else.
    """
    shift = 0.0
    if intercept:
        shift = float(y[0]) if ones is None else float(y[0] / ones[0])
        y = y - (shift if ones is None else shift * ones)
    projection = np.zeros(q.shape[1])
    for _ in range(2):  # the second pass removes what rounding left of the first
        part = q.T @ (y if weight is None else weight * y)
        projection += part
        y = y - q @ part
    start = substitute(basis, projection)
    start[0] += shift
    return start, y
