"""Cluster-robust (CR2) covariance of a weighted fit, with Satterthwaite degrees of freedom."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrostats.errors import InputError

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
    labels = np.unique(cluster)
    if len(labels) < 2 or len(cluster) != len(y):
        raise InputError(
            f"cluster: {len(cluster)} labels, {len(labels)} different, for {len(y)} estimates; "
            "give one label an estimate and at least two clusters"
        )
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


def _inverse_root(matrix: Array) -> Array:
    """Symmetric inverse square root; directions the fit has used up are left out."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-10 * float(values.max())
    return (vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T
