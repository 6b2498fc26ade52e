"""Residuals of repeated measurements that have a covariance of their own."""
