"""The limits that unknowns leave: against grids, corners and draws, whatever is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from doors.evidence import (
    PrintedPair,
    Source,
    method_choice,
    outermost,
    pair_source,
    percentage_source,
    pool_estimator,
    pool_unknowns,
    source_choice,
)
from explored import CASES, GRID_ATOL, as_handed_over, pool_sources, spread

from retrostats import Choice, Reported, Unknown, explore

POINTS = 801
#: Limits of the real pool are known to four digits.
POOL_ATOL = 1e-3
#: Limits that must not depend on draws or seed: the searches from fixed points are the same ones.
SAME_LIMIT = 1e-9
#: Limits with and without further options: a ridge is followed to steps of this size.
SAME_RIDGE = 1e-7
#: The search stops at steps of 1e-6 of the box.
BEYOND = 1e-6


def brute_force(function, unknowns) -> tuple[float, float]:
    """Outermost limits on a grid in the unknowns themselves, not in positions."""
    x, share = np.meshgrid(np.linspace(0, 1, POINTS), np.linspace(0, 1, POINTS))
    low = unknowns[1].low({"x": x}) if callable(unknowns[1].low) else unknowns[1].low
    high = unknowns[1].high({"x": x}) if callable(unknowns[1].high) else unknowns[1].high
    y = (1 - share) * low + share * high
    found = [function({"x": x, "y": y, "sign": sign}) for sign in (1.0, -1.0)[: len(unknowns) - 1]]
    return min(f[1].min() for f in found), max(f[2].max() for f in found)


@pytest.mark.parametrize("case", CASES)
def test_limits_equal_a_fine_grid(case) -> None:
    function, unknowns = CASES[case]
    found = explore(function, unknowns, draws=200, seed=3)
    low, high = brute_force(function, unknowns)
    assert found.conf_low == pytest.approx(low, abs=GRID_ATOL)
    assert found.conf_high == pytest.approx(high, abs=GRID_ATOL)
    assert found.conf_low <= low + BEYOND  # and never inside what a grid reaches
    assert found.conf_high >= high - BEYOND


@pytest.mark.parametrize("case", CASES)
def test_limits_do_not_rest_on_the_draws(case) -> None:
    function, unknowns = CASES[case]
    few, many = (outermost(function, unknowns, draws=n, seed=n) for n in (0, 500))
    assert few.draws.empty
    assert np.isnan(few.share(lambda estimate, *_: estimate > 0))
    assert few.conf_low == pytest.approx(many.conf_low, abs=GRID_ATOL)
    assert few.conf_high == pytest.approx(many.conf_high, abs=GRID_ATOL)
    assert many.conf_low < many.draws["conf_low"].min()


@pytest.mark.parametrize("case", CASES)
def test_where_the_limits_are_they_are_found_again(case) -> None:
    function, unknowns = CASES[case]
    found = explore(function, unknowns, draws=100)
    at_low = function(as_handed_over(found.space, found.at_low))[1]
    at_high = function(as_handed_over(found.space, found.at_high))[2]
    assert at_low[0] == pytest.approx(found.conf_low, rel=1e-12)
    assert at_high[0] == pytest.approx(found.conf_high, rel=1e-12)
    assert 0 <= found.at_low["x"] <= 1


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    return pool_sources()


def test_no_draw_of_the_real_pool_lies_outside_its_limits(sources) -> None:
    plain = pool_estimator(sources, test="knapp-hartung")
    found = explore(plain, pool_unknowns(sources), draws=20_000, seed=8)
    assert found.space.size == 12
    assert len(found.draws) == 20_000
    assert found.impossible == 0
    assert found.conf_low == pytest.approx(1.0094, abs=POOL_ATOL)
    assert found.conf_high == pytest.approx(1.5795, abs=POOL_ATOL)
    assert found.draws["conf_low"].min() >= found.conf_low
    assert found.draws["conf_high"].max() <= found.conf_high
    assert found.conf_low < found.estimate < found.conf_high
    search_diagnostics = found.search_diagnostics.set_index("limit")
    assert (search_diagnostics["agreeing"] > search_diagnostics["starts"] / 2).all()
    at = plain(as_handed_over(found.space, found.at_low))
    assert at[1][0] == pytest.approx(found.conf_low, rel=1e-12)


def test_a_choice_of_estimator_can_only_widen_the_real_pool(sources) -> None:
    alone = explore(pool_estimator(sources), pool_unknowns(sources), draws=200)
    chosen = pool_unknowns(sources, [method_choice()])
    found = explore(pool_estimator(sources), chosen, draws=200)
    assert found.conf_low < alone.conf_low - POOL_ATOL
    assert found.conf_high >= alone.conf_high - BEYOND
    assert found.at_low["estimator of the variance between studies"] != "REML"
    assert found.estimate == pytest.approx(alone.estimate, rel=1e-12)  # REML is the main reading


def many_pairs(count: int, seed: int) -> list[Source]:
    """Invented pairs of five open numbers each, and a percentage with an open spread."""
    g = np.random.default_rng(seed)
    made = []
    for i in range(count):
        second, spread = g.uniform(20, 40), g.uniform(1.5, 6)
        first = second * np.exp(0.1 + 0.1 * g.standard_normal())
        texts = (f"{first:.0f}", f"{second:.0f}", f"{spread:.1f}", f"{1.1 * spread:.1f}")
        p = ("0.05", ">") if i % 2 else ("", "")
        n = int(g.integers(5, 20))
        made.append(pair_source(PrintedPair(f"s{i}", f"S{i}", n, texts, p_text=p[0],
                                            p_operator=p[1])))  # fmt: skip
    sd = Unknown("standard deviation (W)", 0.05, 0.3)
    return [*made, percentage_source("W", Reported("35"), 4.0, sd)]


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in (1, 2))]
)
def test_limits_of_many_unknowns_are_the_same_whatever_is_drawn(seed) -> None:
    """39 unknowns, too many corners to list; interior readings of the middle may have no answer."""
    sources = many_pairs(7, seed)
    unknowns = pool_unknowns(sources, [method_choice(), without_one(len(sources))])
    assert len(unknowns) == 39
    found = [
        outermost(pool_estimator(sources), unknowns, draws=draws, seed=of)
        for draws, of in ((0, 1), (64, 1), (1000, 2))
    ]
    for other in found[1:]:
        assert other.conf_low == pytest.approx(found[0].conf_low, abs=SAME_LIMIT)
        assert other.conf_high == pytest.approx(found[0].conf_high, abs=SAME_LIMIT)


def without_one(count: int) -> Choice:
    """All sources, or all but one."""
    masks = {"all": [True] * count}
    for i in range(count):
        masks[f"without {i}"] = [j != i for j in range(count)]
    return source_choice(masks, "any may be left out")


def test_the_known_corner_of_39_unknowns_is_found_without_a_draw() -> None:
    """A pool with fixed weights is monotone in each value: its limits are at known ends."""
    weights = np.linspace(-1, 2, 39)
    names = [f"x{i}" for i in range(39)]

    def answer(v):
        value = sum(w * v[name] for w, name in zip(weights, names, strict=True))
        return spread(value)

    found = outermost(answer, dict.fromkeys(names, (0.0, 1.0)), draws=0)
    assert found.conf_low == pytest.approx(weights[weights < 0].sum() - 1, abs=SAME_LIMIT)
    assert found.conf_high == pytest.approx(weights[weights > 0].sum() + 1, abs=SAME_LIMIT)
    assert (found.search_diagnostics["agreeing"] == found.search_diagnostics["starts"]).all()


def test_an_extreme_inside_39_unknowns_is_found_whatever_is_drawn() -> None:
    """Every other unknown has its lowest value inside, at a place of its own."""
    names = [f"x{i}" for i in range(39)]
    at = np.linspace(0.1, 0.9, 39)

    def answer(v):
        x = np.column_stack([v[name] for name in names])
        return spread((2 * (x - at)[:, ::2] ** 2).sum(axis=1) + x[:, 1::2].sum(axis=1))

    for draws, seed in ((0, 1), (64, 2), (1000, 3)):
        found = outermost(answer, dict.fromkeys(names, (0.0, 1.0)), draws=draws, seed=seed)
        assert found.conf_low == pytest.approx(-1.0, abs=SAME_LIMIT)


def test_a_corner_that_every_single_and_double_step_leads_up_from_is_left() -> None:
    """Four of 20 unknowns must move together; no start is near the place."""
    names = [f"x{i}" for i in range(20)]
    trap = np.array([3, 7, 11, 18])

    def answer(v):
        x = np.column_stack([v[name] for name in names])
        together = np.clip(4 * x[:, trap].min(axis=1) - 3, 0, 1)
        return spread(x.sum(axis=1) - 6 * together)

    found = outermost(answer, dict.fromkeys(names, (0.0, 1.0)), draws=0)
    assert found.conf_low == pytest.approx(4 - 6 - 1, abs=SAME_LIMIT)


def test_an_option_more_never_narrows_the_limits() -> None:
    """Each option of a choice alone, and all of them: the limits of all are those of the widest."""
    sources = many_pairs(3, 4)
    every = without_one(len(sources))
    estimator = pool_estimator(sources)

    def limits(options) -> tuple[float, float]:
        choice = Choice(every.name, options, every.why)
        found = explore(estimator, pool_unknowns(sources, [choice]), draws=64)
        return found.conf_low, found.conf_high

    alone = [limits({label: mask}) for label, mask in every.options.items()]
    low, high = limits(every.options)
    assert low == pytest.approx(min(a for a, _ in alone), abs=SAME_RIDGE)
    assert high == pytest.approx(max(b for _, b in alone), abs=SAME_RIDGE)


def test_where_the_middle_has_no_answer_no_draw_is_needed() -> None:
    """Only a twentieth of the space has an answer, away from its middle and its corners."""

    def answer(v):
        held = (np.abs(v["x"] - 0.3) < 0.11) & (np.abs(v["y"] - 0.8) < 0.11)
        return tuple(np.where(held, part, np.nan) for part in spread(v["x"]))

    found = outermost(answer, {"x": (0.0, 1.0), "y": (0.0, 1.0)}, draws=0)
    assert found.conf_low == pytest.approx(0.19 - 1, abs=BEYOND)
    assert found.conf_high == pytest.approx(0.41 + 1, abs=BEYOND)


@pytest.mark.parametrize("choices", [3, 12])
def test_every_pair_of_choices_is_searched(choices) -> None:
    """Two readings that each alone lead inwards lead outwards together; 2^12 cannot be listed."""
    unknowns = [Choice(f"c{i}", {"a": 0.0, "b": 1.0}) for i in range(choices)]
    unknowns += [Unknown(f"x{i}", 0.0, 1.0) for i in range(3)]

    def answer(v):
        first, last = v["c1"], v[f"c{choices - 1}"]
        cost = sum(v[f"c{i}"] for i in range(choices))
        inside = sum((v[f"x{i}"] - 0.3) ** 2 for i in range(3))
        return spread(cost + inside - 5 * first * last)

    found = outermost(answer, unknowns, draws=0)
    assert found.conf_low == pytest.approx(2 - 5 - 1, abs=SAME_LIMIT)


def test_an_extreme_beside_the_impossible_is_found() -> None:
    """No answer where x + y > 1; the highest limit lies on that edge, away from every corner."""

    def answer(v):
        value = v["x"] * v["y"]
        return tuple(np.where(v["x"] + v["y"] <= 1, part, np.nan) for part in spread(value))

    found = explore(answer, {"x": (0, 1), "y": (0, 1)}, draws=1000)
    assert found.impossible == pytest.approx(0.5, abs=0.01)
    assert found.conf_high == pytest.approx(1.25, abs=GRID_ATOL)


def test_an_extreme_on_a_ridge_between_the_axes_is_found() -> None:
    """A kink along x = y with its lowest point, 0, inside the box: no step along an axis helps."""

    def ridge(v):
        low = 5 * np.abs(v["x"] - v["y"]) + ((v["x"] + v["y"]) / 2 - 0.63) ** 2
        return low + 0.5, low, low + 1

    ends = [
        explore(ridge, {"x": (0, 1), "y": (0, 1)}, draws=50, seed=seed).conf_low
        for seed in range(10)
    ]
    assert max(ends) == pytest.approx(0, abs=GRID_ATOL)
