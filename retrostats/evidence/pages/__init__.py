"""Rows of an audit's table reduced: each to its likelihood, its estimate, and what it left open."""
