"""Cluster-robust (CR2) covariance of a weighted fit, with Satterthwaite degrees of freedom."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrostats.common.errors import InputError

Array = NDArray[np.float64]


def cluster_robust(
    y: Array, variance: Array, X: Array, cluster: NDArray[np.generic]
) -> tuple[Array, Array]:
    """Bias-reduced covariance of WLS coefficients and their df.

    Pustejovsky and Tipton (2018, Journal of Business and Economic Statistics 36:672), with the
    working variances Phi as target and their inverse as weights. With rows scaled by 1 / sd and
    H their hat matrix, the adjustment of cluster j is B_j^(-1/2) Phi_j, where
    B_j = Phi_j (I - H)_jj Phi_j (their eq. 7 for a diagonal target).

    Parameters
    ----------
    y, variance
        Effects and working variances (k,).
    X
        Design (k, p).
    cluster
        Labels (k,).

    Returns
    -------
    tuple
        Covariance (p, p) and df (p,).
    """
    labels = _labels(cluster, len(y))
    root = 1 / np.sqrt(variance)
    x, z = X * root[:, None], y * root
    bread = np.linalg.inv(x.T @ x)
    hat = x @ bread @ x.T
    maker = np.eye(len(y)) - hat
    residual = maker @ z
    scores, influence = [], []
    for label in labels:
        rows = np.flatnonzero(cluster == label)
        phi = variance[rows]
        target = phi[:, None] * maker[np.ix_(rows, rows)] * phi
        adjusted = phi[:, None] * _inverse_root(target) @ x[rows] @ bread
        scores.append(adjusted.T @ residual[rows])
        influence.append(maker[rows].T @ adjusted)
    stacked = np.array(scores)
    G = np.array(influence)  # (clusters, k, p): coefficient p as a form in the standardised errors
    inner = np.einsum("akp,bkp->pab", G, G)
    trace = np.einsum("paa->p", inner)
    return stacked.T @ stacked, trace**2 / np.einsum("pab,pab->p", inner, inner)


def cluster_robust_matrix(
    y: Array, v: Array, X: Array, cluster: NDArray[np.generic]
) -> tuple[Array, Array]:
    """The same for generalised least squares with working covariance V, weights its inverse.

    The adjustment of cluster j is D_j' B_j^(-1/2) D_j with V_jj = D_j'D_j and
    B_j = D_j (V_jj - X_j M X_j') D_j', M = (X'V^-1 X)^-1 (Pustejovsky and Tipton 2018, eq. 7).

    Parameters
    ----------
    y : (k,) array
    v : (k, k) array
        Zero between rows of different clusters.
    X : (k, p) array
    cluster : (k,) labels

    Returns
    -------
    tuple
        Covariance (p, p) and df (p,).

    Raises
    ------
    InputError
        Fewer than two clusters, or V links two clusters.
    """
    labels = _labels(cluster, len(y))
    apart = cluster[:, None] != cluster[None, :]
    if (apart & (v != 0)).any():
        a, b = np.argwhere(apart & (v != 0))[0]
        raise InputError(
            f"cluster: estimates {a} and {b} lie in clusters {cluster[a]!r} and {cluster[b]!r} but "
            "the model lets them covary; take the outermost group as cluster"
        )
    inverse = np.linalg.inv(v)
    wx = inverse @ X
    bread = np.linalg.inv(X.T @ wx)
    residual = y - X @ (bread @ (wx.T @ y))
    # eq. P2a: B_j, its root, and the adjusted rows
    lost = X @ bread @ X.T
    maker = np.eye(len(y)) - X @ bread @ wx.T  # I - H
    scores, influence = [], []
    for label in labels:
        rows = np.flatnonzero(cluster == label)
        block = np.ix_(rows, rows)
        factor = np.linalg.cholesky(v[block]).T
        target = factor @ (v[block] - lost[block]) @ factor.T
        adjusted = factor.T @ _inverse_root(target) @ factor @ wx[rows] @ bread
        scores.append(adjusted.T @ residual[rows])
        influence.append(maker[rows].T @ adjusted)
    stacked = np.array(scores)
    G = np.array(influence)
    # Satterthwaite's df of a sum of squares: eq. 23 with the working V
    inner = np.einsum("akp,kl,blp->pab", G, v, G, optimize=True)
    trace = np.einsum("paa->p", inner)
    return stacked.T @ stacked, trace**2 / np.einsum("pab,pab->p", inner, inner)


def _labels(cluster: NDArray[np.generic], k: int) -> NDArray[np.generic]:
    labels = np.unique(cluster)
    if len(labels) < 2 or len(cluster) != k:
        raise InputError(
            f"cluster: {len(cluster)} labels, {len(labels)} different, for {k} estimates; "
            "give one label an estimate and at least two clusters"
        )
    return labels


def _inverse_root(matrix: Array) -> Array:
    """Symmetric inverse square root; directions the fit has used up are left out."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-10 * float(values.max())
    return np.asarray((vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T)
