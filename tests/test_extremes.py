"""The search for outermost limits on functions made to stop it: ridges, kinks, holes, choices.

Each has its lowest value known, or is held against a grid.
"""

from __future__ import annotations

import numpy as np
import pytest
from doors.evidence import FindingsMeasure as Measure
from doors.evidence import (
    Options,
    compass,
    explore_measures,
    fixed_points,
    lowest,
    quasi_random,
    run_search,
    run_together,
)

from retrostats import Choice, Unknown, explore

#: The limits asked for: equal to the truth to four digits.
ATOL = 1e-4
#: A grid of 1,201 points a side misses a kink by its slope over half a step.
GRID_ATOL = 5e-3
SEEDS = range(6)
#: Rounds, and steps without a gain, that no search here needs.
ENOUGH = 20_000
#: First and last step of those searches: shorter ones creep along a narrow strip for ever.
STEPS = 0.25, 1e-4


def straight(x):
    """A kink along x = y; the lowest point lies on it, inside the box."""
    return 5 * np.abs(x[:, 0] - x[:, 1]) + ((x[:, 0] + x[:, 1]) / 2 - 0.63) ** 2


def steep(x):
    """The same, a hundred times steeper and off the diagonal."""
    return 100 * np.abs(x[:, 0] - 0.4 * x[:, 1] - 0.2) + (x[:, 1] - 0.71) ** 2


def curved(x):
    """A kink along a parabola."""
    return 5 * np.abs(x[:, 1] - x[:, 0] ** 2) + (x[:, 0] - 0.63) ** 2


def valley(x):
    """A smooth valley along a parabola (Rosenbrock), lowest at (0.5, 0.25)."""
    return 100 * (x[:, 1] - x[:, 0] ** 2) ** 2 + (0.5 - x[:, 0]) ** 2


def tilted(x):
    """Five dimensions, four kinks that all run along one slanted line."""
    way = np.array([0.5, 0.8, 1.0, 0.3, 0.6])
    share = x @ way / (way @ way)
    return 3 * np.abs(x - share[:, None] * way).sum(axis=1) + (share - 0.55) ** 2


def downhill(x):
    """A ridge that falls all the way to the border, where y is 0.9."""
    return 5 * np.abs(x[:, 1] - 0.9 * x[:, 0]) - x[:, 0]


def holed(x):
    """No value in a disc over the lowest point of a bowl: the lowest lies on its rim."""
    away = np.hypot(x[:, 0] - 0.52, x[:, 1] - 0.37)
    return np.where(away < 0.2, np.nan, away + 0.1 * x[:, 0])


def rim(x):
    """No value outside a slanted strip that is narrow: a search must follow it."""
    across = np.abs(x[:, 0] + x[:, 1] - 1)
    return np.where(across > 0.02, np.nan, (x[:, 0] - 0.83) ** 2 + across)


def corner_inside(x):
    """A plain slope everywhere but at the corner where it ends, which a kink has turned over."""
    return x.sum(axis=1) - 3 * np.minimum(x[:, 0], x[:, 1]) + 2 * np.abs(x[:, 0] - x[:, 1])


CASES = {
    "straight ridge": (straight, 2, 0.0),
    "steep ridge": (steep, 2, 0.0),
    "curved ridge": (curved, 2, 0.0),
    "smooth valley": (valley, 2, 0.0),
    "five dimensions": (tilted, 5, 0.0),
    "ridge to the border": (downhill, 2, -1.0),
    "hole": (holed, 2, None),
    "narrow strip": (rim, 2, 0.0),
    "kink at a corner": (corner_inside, 2, -1.0),
}


def grid_lowest(function) -> float:
    axis = np.linspace(0, 1, 1201)
    return float(np.nanmin(function(np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2))))


def search(function, d, seed, draws=50, choices=None):
    drawn = quasi_random(d, draws, seed)
    fixed, at_fixed = fixed_points(lambda p: function(p)[:, None], d, choices or {})
    return run_search(
        lowest(fixed, at_fixed[:, 0], choices or {}, drawn, function(drawn)), function
    )


@pytest.mark.parametrize("seeds", [SEEDS[:2], pytest.param(SEEDS, marks=pytest.mark.thorough)])
@pytest.mark.parametrize("case", CASES)
def test_the_lowest_point_is_found_from_every_seed(case, seeds) -> None:
    function, d, truth = CASES[case]
    found = [search(function, d, seed) for seed in seeds]
    for end in found:
        assert end.value == pytest.approx(function(end.point[None])[0], abs=1e-12)
        assert ((end.point >= 0) & (end.point <= 1)).all()
    worst = max(end.value for end in found)
    if truth is None:
        lowest_of_grid = grid_lowest(function)
        assert worst <= lowest_of_grid + ATOL
        assert worst == pytest.approx(lowest_of_grid, abs=GRID_ATOL)
    else:
        assert worst == pytest.approx(truth, abs=ATOL)


@pytest.mark.parametrize("case", CASES)
def test_no_point_out_of_100_000_lies_below(case) -> None:
    function, d, _ = CASES[case]
    drawn = function(quasi_random(d, 100_000, 99))
    assert search(function, d, 1).value <= np.nanmin(drawn)


def searched(function, d, patience, monkeypatch):
    """Ends of ten searches along the axes, and how many calls they took."""
    monkeypatch.setattr(compass, "PATIENCE", patience)
    monkeypatch.setattr(compass, "MAX_ROUNDS", ENOUGH)
    calls = []

    def counted(points):
        calls.append(len(points))
        return np.nan_to_num(function(points), nan=np.inf)

    start = quasi_random(d, 8, 4)[[0, 1, 1, *range(2, 8)]]  # two at one point go on as one
    at_start = np.nan_to_num(function(start), nan=9.0)
    return *run_search(compass.descend(start, at_start, {}, STEPS), counted), len(calls)


@pytest.mark.parametrize("case", CASES)
def test_shorter_steps_looked_at_at_once_end_where_one_after_the_other_does(
    case, monkeypatch
) -> None:
    function, d, _ = CASES[case]
    at_once = searched(function, d, 1, monkeypatch)
    in_turn = searched(function, d, ENOUGH, monkeypatch)
    np.testing.assert_array_equal(at_once[0], in_turn[0])
    np.testing.assert_array_equal(at_once[1], in_turn[1])


def test_searches_of_one_function_share_its_calls_and_end_as_alone() -> None:
    """A search in two dimensions and a longer one, each on a column of its own."""
    functions = straight, curved
    start = quasi_random(2, 4, 4)
    calls = []

    def both(points):
        calls.append(len(points))
        return np.column_stack([function(points) for function in functions])

    def searches():
        return [compass.descend(start[:2], functions[0](start[:2]), {}),
                compass.descend(start, functions[1](start), {})]  # fmt: skip

    together = run_together(searches(), both)
    alone = [run_search(s, f) for s, f in zip(searches(), functions, strict=True)]
    for (point, value), (point_alone, value_alone) in zip(together, alone, strict=True):
        np.testing.assert_array_equal(point, point_alone)
        np.testing.assert_array_equal(value, value_alone)
    shared = len(calls)
    calls.clear()
    run_together(searches()[1:], lambda points: both(points)[:, 1:])
    assert shared == len(calls)  # the longer one's


def test_a_search_that_is_in_its_corner_ends_in_few_calls(monkeypatch) -> None:
    *_, at_once = searched(lambda x: x.sum(axis=1), 3, 1, monkeypatch)
    *_, in_turn = searched(lambda x: x.sum(axis=1), 3, ENOUGH, monkeypatch)
    assert (at_once, in_turn) == (4, 8)


def test_a_ridge_in_one_reading_only() -> None:
    """Three options; the second is lower, but only along its own ridge."""

    def low(v):
        return v["height"] + v["steep"] * np.abs(v["x"] - v["y"]) + (v["x"] + v["y"] - 1.2) ** 2

    def answer(v):
        return low(v) + 0.5, low(v), low(v) + 1

    unknowns = [
        Choice("height", {"a": 0.2, "b": 0.0, "c": 0.4}),
        Choice("steep", {"flat": 1.0, "sheer": 40.0}),
        Unknown("x", 0.0, 1.0),
        Unknown("y", 0.0, 1.0),
    ]
    for seed in SEEDS:
        found = explore(answer, unknowns, draws=40, seed=seed)
        assert found.conf_low == pytest.approx(0.0, abs=ATOL)
        assert found.at_low["height"] == "b"


def test_a_ridge_in_a_range_that_moves() -> None:
    """y runs from x^2 - 1 to 0.9 - x / 2; the ridge y = x - 0.3 bends in positions."""

    def answer(v):
        low = 8 * np.abs(v["y"] - v["x"] + 0.3) + (v["x"] - 0.47) ** 2
        return low + 0.5, low, low + 1

    y = Unknown("y", lambda v: v["x"] ** 2 - 1, lambda v: 0.9 - 0.5 * v["x"])
    for seed in SEEDS:
        found = explore(answer, [Unknown("x", 0.0, 1.0), y], draws=40, seed=seed)
        assert found.conf_low == pytest.approx(0.0, abs=ATOL)


def test_monotone_in_twelve_dimensions_takes_few_points() -> None:
    """Nothing to learn: beyond the list of corners, the corner is reached and left alone."""
    slopes = np.linspace(-1, 1, 12)

    def low(x):
        return np.exp(x @ slopes)

    found = search(low, 12, 1)
    assert found.value == pytest.approx(np.exp(slopes[slopes < 0].sum()), rel=1e-12)
    assert found.evaluations < 2**12 + 3_000
    assert found.agreeing == found.starts


def test_two_measures_on_one_function_share_limits_of_both_levels() -> None:
    """The one that judges a claim is judged at 90%, whichever stands first."""

    def bounds(level):
        return {0.95: wide, 0.90: narrow}[level]

    def wide(v):
        return v["x"], v["x"] - 2, v["x"] + 2

    def narrow(v):
        return v["x"], v["x"] - 1, v["x"] + 1

    open_ = (Unknown("x", 0.0, 1.0),)
    silent = Measure("a", "without a claim", bounds, open_)
    judged = Measure("b", "with one", bounds, open_, claim_id="claim")
    for order in ([silent, judged], [judged, silent]):
        for entry in explore_measures(order, Options(10, 1)):
            assert entry.at95.conf_low == -2
            assert entry.at90.conf_low == (-1 if entry.measure.claim_id else -2)
