"""Crossproducts with X in an orthonormal basis, from sums about a rough one."""

from __future__ import annotations

from math import prod

import numpy as np

from retrostats.common.errors import InputError, NotIdentified
from retrostats.models.linear.blocks.basis import substitute
from retrostats.models.linear.crossed.cells import Cells
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.streamed.moments import StreamedMoments

_RANK = 1e-7  # R's qr() tolerance for a column that depends on those before it


def cells_of(moments: StreamedMoments, fixed: tuple[str, ...]) -> Cells:
    """X = U R with U = W A turn; r loses X's coefficients and regains what it lost to others."""
    sums, design = moments.sums, moments.design
    here = np.array([design.names.index(n) for n in fixed], dtype=np.intp)
    back = np.linalg.inv(sums.pilot.a)  # W = (W A) back
    turn, first = np.linalg.qr(back[:, here])
    others = sums.pilot.b.copy()
    others[here] = 0.0
    regained = back @ others
    ww, wr, rr = sums.total[:-1, :-1], sums.total[:-1, -1], float(sums.total[-1, -1])
    rr += float(2.0 * regained @ wr + regained @ ww @ regained)
    uu, ur = turn.T @ ww @ turn, turn.T @ (wr + ww @ regained)
    # section 1, scale and origin: X orthonormal, y its residual (eq. 6 at V = I)
    upper = _cholesky(uu, first, fixed)
    half = substitute(upper, ur, transpose=True)
    delta = substitute(upper, half)
    yy = rr - float(half @ half)
    if yy <= max((1e-13 * max(sums.largest, 1e-300)) ** 2 * sums.n_rows, 0.0):
        raise InputError(
            "the outcome does not vary beyond the fixed effects (all values equal, or fitted "
            "exactly); a mixed model has nothing to estimate"
        )
    back_upper = np.linalg.inv(upper)
    zz, zw, zr = sums.products(np.eye(len(sums.pairs)))
    zu = zw @ turn
    zr = zr + zw @ regained - zu @ delta
    zz, zx, zr = (
        _of_subjects(sums.by_subject, each)
        for each in (0.5 * (zz + zz.transpose(0, 2, 1)), zu @ back_upper, zr)
    )
    size = len(back)
    whole = np.zeros((size + 1, len(here) + 1))  # from (W A, y - W b) to (X, its residual)
    whole[:size, :-1] = turn @ back_upper
    whole[:size, -1] = regained - turn @ delta
    whole[size, -1] = 1.0
    start = sums.pilot.b[here] + np.linalg.solve(first, delta)
    return Cells(zz, zx, zr, yy, sums.n_rows, upper @ first, start, whole)


def _of_subjects(sums: FloatArray, units: FloatArray) -> FloatArray:
    """What is linear in sums (k, S) and is `units` (k, ...) of the unit ones, a subject each."""
    found = sums.T @ units.reshape(len(units), prod(units.shape[1:]))
    return np.asarray(found.reshape(sums.shape[1], *units.shape[1:]))


def _cholesky(uu: FloatArray, first: FloatArray, names: tuple[str, ...]) -> FloatArray:
    """Upper R of U'U, unless a column of X = U `first` follows from those before it."""
    size = np.sqrt(np.diag(first.T @ uu @ first))
    try:
        upper = np.linalg.cholesky(uu).T
        own = np.abs(np.diag(upper) * np.diag(first))
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(uu)
        root = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
        upper = None
        own = np.abs(np.diag(np.linalg.qr(root @ first, mode="r")))
    bad = ~(own > _RANK * size)
    if upper is None or bad.any():
        dependent = [n for n, b in zip(names, bad, strict=True) if b] or [names[-1]]
        raise NotIdentified(
            f"the columns {', '.join(dependent)} follow from the others (a cell without data, "
            "or a term that repeats another); take them out of the formula"
        )
    return upper
