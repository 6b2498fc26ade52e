"""Validation of a reader's own cohorts, and templates that pass it."""
