"""The bare pool: a variance between studies, weighted means, and the test that was asked for."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from retrostats.models.meta.heterogeneity import ESTIMATORS, Array, kenward_roger, weighted_fit


def moment(
    y: Array, v: Array, X: Array, method: str, test: str, cluster: ArrayLike | None
) -> tuple[Array, Array, Array, float]:
    """Coefficients (p,), their covariance (p, p) and df (p,), and tau2."""
    tau2 = ESTIMATORS[method](y, v, X)
    beta, unscaled, residual = weighted_fit(y, v, X, tau2)
    df = float(len(y) - X.shape[1])
    dfs = np.full(len(beta), math.inf if test == "z" else df)
    cov = unscaled
    if test.startswith("knapp-hartung"):
        scale = residual / df
        cov = unscaled * (max(1.0, scale) if test.endswith("adhoc") else scale)
    elif test == "kenward-roger":
        cov, dfs = kenward_roger(v, X, tau2)
    if cluster is not None:
        from retrostats.models.linear.known_variance.covariance import independent
        from retrostats.models.linear.known_variance.sandwich import cluster_robust

        cov, dfs = cluster_robust(y, independent(v + tau2), X, np.asarray(cluster))
    return beta, cov, dfs, tau2
