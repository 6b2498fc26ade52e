"""Thousands of refits of one design at once."""
