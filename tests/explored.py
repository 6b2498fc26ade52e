"""Functions of unknowns, and the shipped audit's pool, that the tests of explorations search."""

from __future__ import annotations

import numpy as np
from doors.evidence import Source, Space, pair_source, percentage_source, printed_pair

from retrostats import Choice, Reported, Unknown, load_published

#: A grid of 801 points a side misses an interior optimum by its curvature over half a step.
GRID_ATOL = 1e-4


def smooth(v):
    """Interior optimum in x, at an end of y."""
    centre = np.sin(3 * v["x"]) + v["x"] * v["y"]
    return centre, centre - 0.5 - (v["x"] - 0.4) ** 2, centre + 0.5


def kinked(v):
    """Kinks inside the box, along its diagonal and in one reading only."""
    centre = np.abs(v["x"] - v["y"]) + v["sign"] * np.abs(v["x"] - 0.37)
    return (
        centre,
        centre - np.maximum(0.1, v["y"]),
        centre + np.maximum(0.1, 0.6 - v["y"]),
    )


def falling(v):
    """A correlation that shrinks the error, in a range that another unknown moves."""
    error = np.sqrt(2 - 2 * v["y"]) * (1 + v["x"])
    return v["x"] - v["y"], v["x"] - v["y"] - error, v["x"] + error


X, Y = Unknown("x", 0.0, 1.0), Unknown("y", -1.0, 0.9)
SIGN = Choice("sign", {"plus": 1.0, "minus": -1.0})
DEPENDENT = Unknown("y", lambda v: v["x"] ** 2 - 1, lambda v: 0.9 - 0.5 * v["x"])
CASES = {
    "smooth": (smooth, [X, Y]),
    "kinked": (kinked, [X, Y, SIGN]),
    "dependent": (falling, [X, DEPENDENT]),
    "kinked, dependent": (kinked, [X, DEPENDENT, SIGN]),
}


def as_handed_over(space: Space, point: dict) -> dict[str, np.ndarray]:
    """Labels of choices replaced by what they stand for."""
    options = {u.name: u.options for u in space.unknowns if isinstance(u, Choice)}
    return {k: np.array([options[k][v] if k in options else v]) for k, v in point.items()}


def pool_sources() -> list[Source]:
    """Both printed pairs of the shipped audit's pool, and its percentage with an error."""
    rows, conditions = load_published("metabolic_cost"), ("backward", "forward")
    vo2 = {"study_id": "williford1998", "outcome": "vo2_ml_kg_min", "gait": "run"}
    cost = {"study_id": "bws_direction_abstract", "outcome": "cost_of_transport_j_kg_m"}
    return [
        pair_source(printed_pair(rows, conditions, "Williford", **vo2)),
        pair_source(printed_pair(rows, conditions, "Support", **cost)),
        percentage_source("Wright", Reported("35"), 4.0, Reported("6")),
    ]


def spread(y):
    """An answer whose three numbers move together."""
    return y, y - 1.0, y + 1.0
