"""Across studies: two-stage, one-stage, heterogeneity."""
