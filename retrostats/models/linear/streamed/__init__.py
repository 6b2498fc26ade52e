"""Rows that do not fit in memory: read once in pieces, reduced to crossproducts of each subject."""
