"""Crossed and nested factors of many levels: a blocked factorisation on the sparsity there is."""
