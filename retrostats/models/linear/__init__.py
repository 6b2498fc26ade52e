"""Gaussian mixed models from moments: patterns, criterion, fit, inference, simulation."""
