"""What may be declared as unknown, and what is refused in one message."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from doors.evidence import Space, pair_source, pool_estimator, printed_pair
from explored import X, spread

from retrostats import Choice, InputError, Printed, Unknown, explore, load_published


def test_a_space_that_contradicts_itself_is_refused() -> None:
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
