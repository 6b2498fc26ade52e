"""Residual variances that are known: meta-analysis on the same engine."""
