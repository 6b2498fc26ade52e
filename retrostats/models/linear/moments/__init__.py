"""Sufficient statistics of people and studies, from rows, print and files."""
