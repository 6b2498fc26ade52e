"""Counts with exposure: rates, rate ratios and generalised mixed models."""
