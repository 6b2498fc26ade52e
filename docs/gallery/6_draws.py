"""Draws of what was not printed: how the estimate and both limits are spread over them."""

import numpy as np

import retrostats as rs


def change(unknown):
    """Mean change of 14 people by the correlation of before and after, which nobody printed."""
    correlation, before = unknown["correlation"], unknown["before"]
    half = 2.16 * np.sqrt(2 * 4.1**2 * (1 - correlation) / 14)
    return 31.2 - before, 31.2 - before - half, 31.2 - before + half


explored = rs.explore(change, {"correlation": (0.4, 0.95), "before": (32.85, 34.95)}, draws=1024)
figure = explored.plot(band=(None, -1), xlabel="Change in body fat (%)", width_mm=120)
