"""Draws of an exploration: what they cover, shares of variance, and lines through the middle."""

from __future__ import annotations

import numpy as np
import pytest
from doors.evidence import CHUNK, Source, outermost, pool_estimator, pool_unknowns
from explored import CASES, GRID_ATOL, SIGN, X, pool_sources, spread

from retrostats import Choice, Unknown, explore

#: Shares of variance from 512 quasi-random draws of each sample.
ADDITIVE_ATOL, ISHIGAMI_ATOL = 0.02, 0.05


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


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    return pool_sources()


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


def test_nothing_unknown_is_one_point() -> None:
    found = explore(lambda v: (1.0, 0.5, 1.5), [], draws=100)
    assert (found.estimate, found.conf_low, found.conf_high) == (1.0, 0.5, 1.5)
    assert (len(found.draws), found.at_low, found.impossible) == (1, {}, 0)


def test_nothing_unknown_moves_nothing() -> None:
    found = outermost(lambda v: (1.0, 0.5, 1.5), [], draws=0)
    assert list(found.influence) == ["unknown", "first_order", "total", "low", "high"]
    assert found.influence.empty
