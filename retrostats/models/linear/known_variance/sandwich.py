"""Cluster-robust (CR2) covariance of a weighted fit, with Satterthwaite degrees of freedom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrostats.common.errors import InputError
from retrostats.models.linear.known_variance.covariance import (
    Array,
    Covariance,
    Index,
    packed_rows,
)


@dataclass(frozen=True, slots=True)
class _Clusters:
    """Clusters of like size: y (b, m), X and V^-1 X (b, m, p), V (b, m, m), zero on padding."""

    y: Array
    x: Array
    v: Array
    wx: Array
    real: NDArray[np.bool_]


def cluster_robust(
    y: Array, covariance: Covariance, X: Array, cluster: NDArray[np.generic]
) -> tuple[Array, Array]:
    """Bias-reduced covariance of generalised least squares and the df of its coefficients.

    Pustejovsky and Tipton (2018, Journal of Business and Economic Statistics 36:672), with the
    working covariance V as target and its inverse as weights. The adjustment of cluster j is
    D_j' B_j^(-1/2) D_j with V_jj = D_j'D_j and B_j = D_j (V_jj - X_j M X_j') D_j',
    M = (X'V^-1 X)^-1 (their eq. 7).

    Parameters
    ----------
    y : (n,) array
    covariance : Covariance
        V, zero between rows of different clusters.
    X : (n, p) array
    cluster : (n,) labels

    Returns
    -------
    tuple
        Covariance (p, p) and df (p,).

    Raises
    ------
    InputError
        Fewer than two clusters, or V links two clusters.
    """
    code = _codes(cluster, covariance)
    stacks = [_clusters(y, covariance, X, rows) for rows in packed_rows(code)]
    bread = np.linalg.inv(sum(np.einsum("bmp,bmr->pr", s.x, s.wx) for s in stacks))
    beta = bread @ sum(np.einsum("bmp,bm->p", s.wx, s.y) for s in stacks)
    scores, own, shared = [], [], []
    for s in stacks:
        adjusted = _adjusted(s, bread)
        scores.append(np.einsum("bmp,bm->bp", adjusted, s.y - s.x @ beta))
        own.append(np.einsum("bmp,bmk,bkp->bp", adjusted, s.v, adjusted, optimize=True))
        shared.append(np.einsum("bmp,bmr->pbr", adjusted, s.x))
    score = np.concatenate(scores)
    return score.T @ score, _df(np.concatenate(own), np.concatenate(shared, axis=1), bread)


def _clusters(y: Array, covariance: Covariance, X: Array, rows: Index) -> _Clusters:
    real, at = rows >= 0, np.maximum(rows, 0)
    x = np.where(real[..., None], X[at], 0.0)
    v = covariance.stack(rows)
    return _Clusters(np.where(real, y[at], 0.0), x, v, np.asarray(np.linalg.solve(v, x)), real)


def _adjusted(s: _Clusters, bread: Array) -> Array:
    """Adjusted rows of each cluster (b, m, p) (eq. P2a)."""
    factor = np.linalg.cholesky(s.v)
    turned = np.swapaxes(factor, 1, 2)
    both = s.real[:, :, None] & s.real[:, None, :]
    left = np.where(both, s.v - s.x @ bread @ np.swapaxes(s.x, 1, 2), 0.0)
    # eq. P2a: B_j, its root, and the adjusted rows
    root = _inverse_root(turned @ left @ factor)
    return np.asarray(factor @ root @ turned @ s.wx @ bread)


def _df(own: Array, shared: Array, bread: Array) -> Array:
    """Satterthwaite's df of a sum of squares: eq. 23 with the working V.

    V (I - H)' = V - X M X', so the covariance of the scores a and b of coefficient p is
    own_a [a = b] - e_a M e_b', e (c, p) its rows of `shared`: no (c, c) matrix is needed.
    """
    turned = shared @ bread
    lost = np.einsum("pcr,pcr->cp", turned, shared)
    inner = np.einsum("pcr,pcs->prs", turned, shared)
    trace = (own - lost).sum(axis=0)
    square = (own**2 - 2 * own * lost).sum(axis=0) + np.einsum("prs,psr->p", inner, inner)
    return np.asarray(trace**2 / square)


def _codes(cluster: NDArray[np.generic], covariance: Covariance) -> Index:
    labels, code = np.unique(cluster, return_inverse=True)
    if len(labels) < 2 or len(cluster) != len(covariance):
        raise InputError(
            f"cluster: {len(cluster)} labels, {len(labels)} different, for {len(covariance)} "
            "estimates; give one label an estimate and at least two clusters"
        )
    pairs = covariance.between.tocoo()
    apart = np.flatnonzero((code[pairs.row] != code[pairs.col]) & (pairs.data != 0))
    if apart.size:
        a, b = int(pairs.row[apart[0]]), int(pairs.col[apart[0]])
        raise InputError(
            f"cluster: estimates {a} and {b} lie in clusters {cluster[a]!r} and {cluster[b]!r} but "
            "the model lets them covary; take the outermost group as cluster"
        )
    return np.asarray(code, dtype=np.intp)


def _inverse_root(matrix: Array) -> Array:
    """Symmetric inverse square roots (b, m, m); directions the fit has used up are left out."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-10 * values.max(axis=1, keepdims=True)
    scale = np.where(kept, 1 / np.sqrt(np.where(kept, values, 1.0)), 0.0)
    return np.asarray((vectors * scale[:, None, :]) @ np.swapaxes(vectors, 1, 2))
