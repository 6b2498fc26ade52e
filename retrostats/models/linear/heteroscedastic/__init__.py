"""Residual variances that differ between strata: crossproducts, criterion, inference."""
