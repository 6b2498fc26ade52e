"""Everything that was not printed at once: limits, draws, shares of variance, and refusals."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from retrostats.common.errors import InputError
from retrostats.evidence.printed.pair import PrintedPair, printed_pair
from retrostats.evidence.printed.reported import Reported
from retrostats.evidence.unreported.exploration import CHUNK, explore, outermost
from retrostats.evidence.unreported.pooled import (
    method_choice,
    pool_estimator,
    pool_unknowns,
    source_choice,
)
from retrostats.evidence.unreported.sources import Source, pair_source, percentage_source
from retrostats.evidence.unreported.unknowns import Choice, Printed, Space, Unknown
from retrostats.io.published.published import load_published

#: A grid of 801 points a side misses an interior optimum by its curvature over half a step.
GRID_ATOL = 1e-4
POINTS = 801
#: Limits of the real pool are known to four digits.
POOL_ATOL = 1e-3
#: Limits that must not depend on draws or seed: the searches from fixed points are the same ones.
SAME_LIMIT = 1e-9
#: Limits with and without further options: a ridge is followed to steps of this size.
SAME_RIDGE = 1e-7
#: The search stops at steps of 1e-6 of the box.
BEYOND = 1e-6
#: Shares of variance from 512 quasi-random draws of each sample.
ADDITIVE_ATOL, ISHIGAMI_ATOL = 0.02, 0.05


def smooth(v):
    """Interior optimum in x, at an end of y."""
    centre = np.sin(3 * v["x"]) + v["x"] * v["y"]
    return centre, centre - 0.5 - (v["x"] - 0.4) ** 2, centre + 0.5


def kinked(v):
    """Kinks inside the box, along its diagonal and in one reading only."""
    centre = np.abs(v["x"] - v["y"]) + v["sign"] * np.abs(v["x"] - 0.37)
    return centre, centre - np.maximum(0.1, v["y"]), centre + np.maximum(0.1, 0.6 - v["y"])


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


def as_handed_over(space: Space, point: dict) -> dict[str, np.ndarray]:
    """Labels of choices replaced by what they stand for."""
    options = {u.name: u.options for u in space.unknowns if isinstance(u, Choice)}
    return {k: np.array([options[k][v] if k in options else v]) for k, v in point.items()}


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
def sources():
    """Both printed pairs of the shipped audit's pool, and its percentage with an error."""
    rows, conditions = load_published("metabolic_cost"), ("backward", "forward")
    vo2 = {"study_id": "williford1998", "outcome": "vo2_ml_kg_min", "gait": "run"}
    cost = {"study_id": "bws_direction_abstract", "outcome": "cost_of_transport_j_kg_m"}
    return [
        pair_source(printed_pair(rows, conditions, "Williford", **vo2)),
        pair_source(printed_pair(rows, conditions, "Support", **cost)),
        percentage_source("Wright", Reported("35"), 4.0, Reported("6")),
    ]


def test_no_draw_of_the_real_pool_lies_outside_its_limits(sources) -> None:
    plain = pool_estimator(sources, test="knapp-hartung")
    found = explore(plain, pool_unknowns(sources), draws=100_000, seed=8)
    assert found.space.size == 12
    assert len(found.draws) == 100_000
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


@pytest.mark.parametrize("seed", [0, 1, 2])
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


def spread(y):
    """An answer whose three numbers move together."""
    return y, y - 1.0, y + 1.0


def test_shares_of_an_additive_function() -> None:
    """Var(a) = 1/12 and Var(2 b) = 4/12 of uniform a and b."""
    unknowns = [Unknown("a", 0.0, 1.0), Unknown("b", 0.0, 1.0), Unknown("idle", 0.0, 1.0)]
    found = explore(lambda v: spread(v["a"] + 2 * v["b"]), unknowns, draws=10)
    table = found.influence.set_index("unknown")
    assert list(table.index) == ["b", "a", "idle"]
    for column in ("first_order", "total"):
        expected = {"a": 0.2, "b": 0.8, "idle": 0.0}
        assert table[column].to_dict() == pytest.approx(expected, abs=ADDITIVE_ATOL)
    assert tuple(table.loc["b", ["low", "high"]]) == pytest.approx((-0.5, 3.5))
    assert tuple(table.loc["idle", ["low", "high"]]) == pytest.approx((0.5, 2.5))


def test_indices_of_the_ishigami_function() -> None:
    """Ishigami and Homma (1990) at a = 7, b = 0.1; the third acts only with the first."""
    unknowns = [Unknown(f"x{i}", -np.pi, np.pi) for i in (1, 2, 3)]

    def ishigami(v):
        wave = np.sin(v["x1"]) * (1 + 0.1 * v["x3"] ** 4)
        return spread(wave + 7 * np.sin(v["x2"]) ** 2)

    pi4 = np.pi**4
    one, two, both = (1 + pi4 / 50) ** 2 / 2, 49 / 8, pi4**2 * (1 / 18 - 1 / 50) / 100
    first = np.array([one, two, 0]) / (one + two + both)
    total = np.array([one + both, two, both]) / (one + two + both)
    table = outermost(ishigami, unknowns, draws=0).influence.set_index("unknown").sort_index()
    assert table["first_order"].to_numpy() == pytest.approx(first, abs=ISHIGAMI_ATOL)
    assert table["total"].to_numpy() == pytest.approx(total, abs=ISHIGAMI_ATOL)


def test_shares_of_the_limits_count_as_much_as_those_of_the_estimate() -> None:
    """The estimate stands still; the limits have variances 1/12 and 4/12."""
    unknowns = {"a": (0, 1), "b": (0, 1)}
    found = outermost(lambda v: (0.0, v["a"] - 2, 2 + 2 * v["b"]), unknowns, draws=0)
    table = found.influence.set_index("unknown")
    assert table["total"].to_dict() == pytest.approx({"a": 0.2, "b": 0.8}, abs=ADDITIVE_ATOL)


def test_a_choice_has_its_share_and_nothing_has_none() -> None:
    unknowns = [Choice("c", {"low": 0.0, "high": 1.0}), Unknown("x", 0.0, 1.0)]
    table = explore(lambda v: spread(v["c"] + v["x"]), unknowns).influence.set_index("unknown")
    assert table["total"].to_dict() == pytest.approx({"c": 0.75, "x": 0.25}, abs=ADDITIVE_ATOL)
    still = explore(lambda v: spread(0 * v["x"]), unknowns[1:], draws=5).influence
    assert still["total"].tolist() == [0.0]


@pytest.mark.parametrize("real", [False, True])
def test_the_same_seed_gives_the_same_bytes_whoever_evaluates(real, sources) -> None:
    """Draws of two chunks, so that two threads have something to share."""
    function, unknowns = CASES["kinked, dependent"]
    if real:
        function, unknowns = pool_estimator(sources), pool_unknowns(sources)
    one, two, other = (
        explore(function, unknowns, draws=CHUNK + 900, seed=seed, jobs=jobs)
        for seed, jobs in ((5, 1), (5, 2), (6, 1))
    )
    for frame in ("draws", "search_diagnostics", "influence"):
        assert getattr(one, frame).to_csv() == getattr(two, frame).to_csv()
    numbers = ["estimate", "conf_low", "conf_high"]
    assert one.draws[numbers].to_numpy().tobytes() == two.draws[numbers].to_numpy().tobytes()
    assert (one.conf_low, one.conf_high) == (two.conf_low, two.conf_high)
    assert (one.at_low, one.at_high) == (two.at_low, two.at_high)
    assert one.draws.to_csv() != other.draws.to_csv()


def test_draws_cover_every_range_and_every_reading() -> None:
    function, unknowns = CASES["kinked, dependent"]
    draws = explore(function, unknowns, draws=1024).draws
    assert list(draws) == ["x", "y", "sign", "estimate", "conf_low", "conf_high"]
    assert np.histogram(draws["x"], 8, (0, 1))[0] == pytest.approx(128, abs=2)
    assert draws["sign"].value_counts().to_dict() == pytest.approx(
        {"plus": 512, "minus": 512}, abs=2
    )
    assert (draws["y"] >= draws["x"] ** 2 - 1).all()
    assert (draws["y"] <= 0.9 - 0.5 * draws["x"]).all()
    again = function({"x": draws["x"], "y": draws["y"],
                      "sign": draws["sign"].map(SIGN.options)})[0]  # fmt: skip
    assert draws["estimate"].to_numpy() == pytest.approx(again.to_numpy(), rel=1e-12)


def test_share_of_the_draws_for_which_a_rule_holds() -> None:
    found = explore(lambda v: spread(v["x"]), [X], draws=4096)
    assert found.share(lambda estimate, *_: estimate < 0.3) == pytest.approx(0.3, abs=0.001)
    assert found.share(lambda _, low, high: (low < -0.5) & (high < 1.25)) == pytest.approx(
        0.25, abs=0.001
    )
    assert found.share(lambda estimate, low, high: (low < estimate) & (estimate < high)) == 1


def test_along_moves_one_and_keeps_the_others_at_the_middle() -> None:
    function, unknowns = CASES["kinked, dependent"]
    found = outermost(function, unknowns, draws=0)
    line = found.along("x")
    y = (line["x"] ** 2 - 1 + 0.9 - 0.5 * line["x"]) / 2  # the middle of a range that moves
    expected = function({"x": line["x"], "y": y, "sign": 1.0})
    assert (line["x"].min(), line["x"].max()) == (0, 1)
    for name, column in zip(("estimate", "conf_low", "conf_high"), expected, strict=True):
        assert line[name].to_numpy() == pytest.approx(column.to_numpy(), rel=1e-12)
    assert found.along("sign")["sign"].tolist() == ["plus", "minus"]
    assert found.along("sign")["estimate"][0] == found.estimate


def test_impossible_draws_are_counted_and_left_out() -> None:
    """The range of y is empty above x = 0.75: a quarter of the draws contradict themselves."""
    narrow = Unknown("y", lambda v: v["x"], lambda v: np.full_like(v["x"], 0.75))
    found = explore(lambda v: spread(v["x"] + v["y"]), [X, narrow], draws=4096)
    assert found.impossible == pytest.approx(0.25, abs=0.002)
    assert len(found.draws) == round(4096 * (1 - found.impossible))
    assert found.draws["x"].max() <= 0.75
    assert found.draws.notna().all(axis=None)
    assert (found.conf_low, found.conf_high) == pytest.approx((-1.0, 2.5), abs=GRID_ATOL)


def test_an_extreme_beside_the_impossible_is_found() -> None:
    """No answer where x + y > 1; the highest limit lies on that edge, away from every corner."""

    def answer(v):
        value = v["x"] * v["y"]
        return tuple(np.where(v["x"] + v["y"] <= 1, part, np.nan) for part in spread(value))

    found = explore(answer, {"x": (0, 1), "y": (0, 1)}, draws=1000)
    assert found.impossible == pytest.approx(0.5, abs=0.01)
    assert found.conf_high == pytest.approx(1.25, abs=GRID_ATOL)


def test_a_space_that_contradicts_itself_is_refused(sources) -> None:
    empty = Unknown("y", lambda v: v["x"] + 1, lambda v: v["x"])
    with pytest.raises(InputError, match="no values of x, y give an answer"):
        explore(lambda v: spread(v["y"]), [X, empty], draws=50)
    with pytest.raises(InputError, match="no values of x give an answer"):
        explore(lambda v: spread(v["x"] * np.nan), [X], draws=50)
    with pytest.raises(InputError, match="no values of the unknowns give an answer"):
        explore(lambda v: (np.nan, np.nan, np.nan), [], draws=50)


def test_a_printed_p_that_no_correlation_gives_is_refused() -> None:
    rows, conditions = load_published("metabolic_cost"), ("backward", "forward")
    where = {"study_id": "williford1998", "outcome": "vo2_ml_kg_min", "gait": "run"}
    pair = printed_pair(rows, conditions, "W", **where)
    source = pair_source(replace(pair, p_text="0.9", p_operator="="))
    with pytest.raises(InputError, match="contradict one another"):
        explore(pool_estimator([source]), source.unknowns, draws=50)


def test_nothing_unknown_is_one_point() -> None:
    found = explore(lambda v: (1.0, 0.5, 1.5), [], draws=100)
    assert (found.estimate, found.conf_low, found.conf_high) == (1.0, 0.5, 1.5)
    assert (len(found.draws), found.at_low, found.impossible) == (1, {}, 0)


def test_nothing_unknown_moves_nothing() -> None:
    found = outermost(lambda v: (1.0, 0.5, 1.5), [], draws=0)
    assert list(found.influence) == ["unknown", "first_order", "total", "low", "high"]
    assert found.influence.empty


def test_what_an_unknown_may_be_declared_as() -> None:
    space = Space.of(
        {"r": (-0.5, 0.5), "m": Printed("12.30"), "c": {"a": 1, "b": 2}, "u": Unknown("u", 0, 1)}
    )
    values, labels = space.values(space.reference_point), space.labels(space.reference_point)
    assert [values[name][0] for name in space.names] == pytest.approx([0.0, 12.3, 1, 0.5])
    assert labels["c"][0] == "a"
    ends = list(product([0.0, 1.0], repeat=4))
    printed = space.values(np.array(ends))["m"]
    assert (printed.min(), printed.max()) == (12.295, 12.305)


@pytest.mark.parametrize(
    ("unknowns", "message"),
    [
        ([X, Unknown("x", 2.0, 3.0)], "x declared twice"),
        ([X, Choice("x", {"a": 1})], "x declared twice"),
        ([(0, 1)], "give Unknown"),
        ({"x": "0 to 1"}, "unknown 'x'"),
        ({"x": (1, 2, 3)}, "unknown 'x'"),
        ({"x": (1, 0)}, "the lower one first"),
    ],
)
def test_unusable_unknowns_are_refused(unknowns, message) -> None:
    with pytest.raises(InputError, match=message):
        explore(lambda v: spread(v["x"]), unknowns)


@pytest.mark.parametrize("ends", [(1.0, 0.0), (np.nan, 1.0), (0.0, np.inf), (-np.inf, 0.0)])
def test_a_range_without_order_or_end_is_refused(ends) -> None:
    with pytest.raises(InputError, match="give two finite numbers, the lower one first"):
        Unknown("r", *ends)


def test_a_choice_without_options_is_refused() -> None:
    with pytest.raises(InputError, match="no option"):
        Choice("c", {})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"draws": -1}, "draws must be 1 or more"),
        ({"draws": 0}, "draws must be 1 or more"),
        ({"jobs": 0}, "jobs must be 1 or more"),
    ],
)
def test_counts_below_their_least_are_refused(options, message) -> None:
    with pytest.raises(InputError, match=message):
        explore(lambda v: spread(v["x"]), [X], **options)


def test_a_function_must_return_an_estimate_and_both_limits() -> None:
    with pytest.raises(InputError, match="returned 2 arrays"):
        explore(lambda v: (v["x"], v["x"]), [X], draws=5)
    as_table = explore(lambda v: np.column_stack(spread(v["x"])), [X], draws=5)
    names = ("conf_high", "estimate", "conf_low")
    by_name = explore(
        lambda v: dict(zip(names, (v["x"] + 1, v["x"], v["x"] - 1), strict=True)), [X], draws=5
    )
    assert as_table.draws.to_csv() == by_name.draws.to_csv()
    assert (by_name.conf_low, by_name.conf_high) == (-1, 2)


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
