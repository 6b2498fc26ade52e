"""Cluster-robust covariance of a pool: the sandwich of the mixed models."""

from __future__ import annotations

from retrostats.models.linear.known_variance.sandwich import cluster_robust, cluster_robust_matrix

__all__ = ["cluster_robust", "cluster_robust_matrix"]
