"""Least squares of many studies, and of each residual stratum, without all columns at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.linalg import LinAlgError
from numpy.typing import NDArray

from retrostats.models.linear.formula.columns import FloatArray, IntArray
from retrostats.models.linear.heteroscedastic.blocks import Stratified, residual_variance
from retrostats.models.linear.heteroscedastic.components import Components

BoolArray = NDArray[np.bool_]

_HEALTHY = 1e-4  # smallest pivot of normed columns, of what Cholesky may decompose
_RANK = 1e-10  # relative singular value of a stratum's X that counts as zero


@dataclass(frozen=True, slots=True)
class Basis:
    """The orthonormal columns: X of a component = Q_own root, X in common = Q_own share + Q root.

    root (U, s, s), share (U, s, c), common (c, c).
    """

    root: FloatArray
    share: FloatArray
    common: FloatArray

    @property
    def log(self) -> float:
        """log|X'X|."""
        own = np.log(np.abs(np.diagonal(self.root, axis1=1, axis2=2))).sum()
        return 2.0 * float(own + np.log(np.abs(np.diag(self.common))).sum())

    def coefficients(self, own: FloatArray, common: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Coefficients of X's own columns, from those (U, s, k) and (c, k) of the basis."""
        beta = np.linalg.solve(self.common, common)
        return np.linalg.solve(self.root, own - self.share @ beta), beta


def padded(owner: IntArray, count: int) -> tuple[IntArray, BoolArray]:
    """Index (count, most) of each owner's rows, and where they stand; -1 where there are fewer."""
    order = np.argsort(owner, kind="stable")
    sorted_ = owner[order]
    place = np.arange(len(owner)) - np.searchsorted(sorted_, sorted_)
    out = np.full((count, int(place.max(initial=0)) + 1), -1)
    out[sorted_, place] = order
    return out, out < 0


def taken(values: FloatArray, index: IntArray, missing: BoolArray) -> FloatArray:
    """Rows of values by a padded index, zero where one is missing."""
    out = values[index]
    out[missing] = 0.0
    return out


def least_squares(
    x: FloatArray, y: FloatArray, found: Components
) -> tuple[Basis, FloatArray, FloatArray, FloatArray] | None:
    """Basis, Q (U, M, s + c), residual (U, M, k) and coefficients; None where X is nearly singular.

    Rows (U, M, ...) of each component, zero where it has fewer.
    """
    s = found.own.shape[1]
    own = _orthonormal(x[..., :s], found.own < 0)
    if own is None:
        return None
    q, root = own
    # twice, as in `orthonormal`: the second pass removes what rounding left of the first
    common = x[..., s:]
    share, part = np.zeros((len(x), s, common.shape[2])), np.zeros((len(x), s, 1))
    for _ in range(2):
        along = np.swapaxes(q, 1, 2) @ common
        common, share = common - q @ along, share + along
    flat = common.reshape(1, -1, common.shape[2])
    rest = _orthonormal(flat, np.zeros((1, common.shape[2]), dtype=bool))
    if rest is None:
        return None
    basis = Basis(root, share, rest[1][0])
    both = rest[0].reshape(common.shape)
    mean, whole = y[..., :1], np.zeros((common.shape[2], 1))
    for _ in range(2):
        along, by = np.swapaxes(q, 1, 2) @ mean, np.tensordot(both, mean, axes=([0, 1], [0, 1]))
        mean = mean - q @ along - both @ by
        part, whole = part + along, whole + by
    own_beta, common_beta = basis.coefficients(part, whole)
    start = np.zeros(int((found.own >= 0).sum()) + len(found.common))
    start[found.own[found.own >= 0]] = own_beta[found.own >= 0, 0]
    start[found.common] = common_beta[:, 0]
    return basis, np.concatenate([q, both], 2), np.concatenate([mean, y[..., 1:]], 2), start


def _orthonormal(x: FloatArray, padding: BoolArray) -> tuple[FloatArray, FloatArray] | None:
    """Q and R of stacked columns (U, M, s) by Cholesky twice; padded columns stay zero."""
    norm = np.sqrt((x**2).sum(1))
    norm[norm == 0.0] = 1.0
    unit = np.eye(x.shape[2]) * padding[:, None, :]
    q, root = x / norm[:, None, :], np.eye(x.shape[2]) * norm[:, None, :]
    for _ in range(2):
        try:
            lower = np.linalg.cholesky(np.swapaxes(q, 1, 2) @ q + unit)
        except LinAlgError:
            return None
        if np.diagonal(lower, axis1=1, axis2=2).min(initial=1.0) < _HEALTHY:
            return None
        q = np.swapaxes(np.linalg.solve(lower, np.swapaxes(q, 1, 2)), 1, 2)
        root = np.swapaxes(lower, 1, 2) @ root
    return q, root


def alone_variances(
    data: Stratified,
    found: Components,
    rows: tuple[FloatArray, FloatArray, IntArray, IntArray],
    scale: float,
) -> FloatArray:
    """Residual variance (T,) of each stratum's own rows about the fixed effects.

    Raises
    ------
    NotIdentified
        As `residual_variance`.
    """
    x, y, stratum, component = rows
    s, total = found.own.shape[1], len(data.count)
    index, missing = padded(stratum, total)
    shared = np.zeros(total, dtype=bool)
    shared[found.shared] = True
    rank, spread = np.zeros(total, dtype=int), np.zeros(total)
    some = np.flatnonzero(~shared)
    if len(some):
        most = int((~missing[some]).sum(1).max())
        first = index[some, :most], missing[some, :most]
        basis, rank[some] = _span(taken(x, *first))
        own = taken(y, *first)
        own[..., :1] -= basis @ (np.swapaxes(basis, 1, 2) @ own[..., :1])
        spread[some] = (own**2).sum((1, 2))
    for t in found.shared.tolist():
        at = np.flatnonzero(stratum == t)
        by, gone = padded(component[at], found.count)
        held, out = taken(x[at], by, gone), taken(y[at], by, gone)
        basis, ranks = _span(held[..., :s])
        both = np.concatenate([held[..., s:], out[..., :1]], axis=2)
        both = (both - basis @ (np.swapaxes(basis, 1, 2) @ both)).reshape(-1, both.shape[2])
        common, more = _span(both[None, :, :-1])
        mean = both[:, -1] - common[0] @ (common[0].T @ both[:, -1])
        rank[t] = ranks.sum() + more[0]
        spread[t] = float(mean @ mean) + float(np.vdot(out[..., 1:], out[..., 1:]))
    return np.array([
        residual_variance(
            (data.name, data.labels[t]), float(data.count[t]), int(rank[t]), float(spread[t]), scale
        )
        for t in range(total)
    ])  # fmt: skip


def _span(x: FloatArray) -> tuple[FloatArray, IntArray]:
    """Orthonormal basis of stacked columns, zero beyond the rank, and the rank of each."""
    left, values, _ = np.linalg.svd(x, full_matrices=False)
    most = values[:, :1] if values.shape[1] else np.ones((len(x), 1))
    kept = values > _RANK * np.maximum(most, 1e-300)
    return left * kept[:, None, :], kept.sum(1)
