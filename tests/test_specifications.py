"""Tables behind pictures: every combination of choices, every draw, each with its own labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from doors.audit import direction_of, labels, size_of
from doors.evidence import specifications
from hypothesis import given
from hypothesis import strategies as st

from retrostats import Interval, explore, load_claims

CLAIM = load_claims()["energy_30"]
DRAWS = 256  # of the shared replication


@pytest.fixture(scope="module")
def replication(whole):
    return whole


def test_every_combination_once_and_all_else_at_its_middle() -> None:
    def answer(v):
        centre = v["a"] + 10 * v["b"] + 100 * v["x"]
        return centre, centre - 1, centre + 1

    space = {
        "a": {"one": 1.0, "two": 2.0, "three": 3.0},
        "x": (0.0, 1.0),
        "b": {"p": 1.0, "q": 2.0},
    }
    found = specifications(explore(answer, space, draws=8))
    assert found["estimate"].tolist() == [61.0, 62.0, 63.0, 71.0, 72.0, 73.0]
    assert found[["a", "b"]].to_numpy().tolist()[3] == ["one", "q"]


def test_a_combination_without_an_answer_is_left_out_and_no_choice_is_one_row() -> None:
    def answer(v):
        centre = np.where(v["a"] > 1, np.nan, v["a"])
        return centre, centre - 1, centre + 1

    assert specifications(explore(answer, {"a": {"s": 1.0, "t": 2.0}}))["a"].tolist() == ["s"]
    assert len(specifications(explore(answer, {"a": (0.0, 1.0)}))) == 1


def test_labels_are_those_of_the_row_alone(replication) -> None:
    """Against the scalar rules, row by row."""
    for frame in (replication.specifications, replication.draws):
        rows = frame[frame["claim_id"] == CLAIM.claim_id]
        assert len(rows) > 1
        for row in rows.to_dict("records"):
            wide = Interval(row["estimate"], row["conf_low"], row["conf_high"])
            narrow = Interval(row["estimate"], row["narrow_low"], row["narrow_high"])
            assert row["conf_low"] < row["narrow_low"] < row["narrow_high"] < row["conf_high"]
            assert row["direction"] == direction_of(wide, CLAIM)
            assert row["size"] == size_of(wide, CLAIM, narrow)


def test_the_curve_of_the_pool_lists_sources_by_estimator(replication) -> None:
    rows = replication.specifications.query("estimate_id == 'mc-pool'")
    counts = {c.split("; ")[1] for c in rows["options"]}
    sets = {c.split("; ")[0] for c in rows["options"]}
    assert len(rows) == len(sets) * len(counts) == 9  # nested: an error, bare, words
    assert rows["specification"].tolist() == list(range(1, len(rows) + 1))
    assert rows["estimate"].is_monotonic_increasing
    # at the middle reading it is the pool of the table of estimates
    at = rows.set_index("options").loc["those that print an error; REML"]
    pool = replication.estimates.set_index("estimate_id").loc["mc-pool"]
    assert at["conf_low"] == pytest.approx(pool["conf_low"], rel=1e-6)


def test_no_draw_is_outside_the_outermost_limits(replication) -> None:
    outer = replication.explorations.set_index("measure")
    for name, part in replication.draws.groupby("measure"):
        judged = outer.loc[[name]].query("claim_id != ''").iloc[0]
        assert len(part) >= 0.95 * DRAWS
        assert part["conf_low"].min() >= judged["conf_low"] - 1e-12
        assert part["conf_high"].max() <= judged["conf_high"] + 1e-12


def test_only_measures_that_judge_are_listed_and_files_are_written(replication, tmp_path) -> None:
    assert set(replication.draws["claim_id"]) == set(replication.specifications["claim_id"])
    assert "" not in set(replication.draws["claim_id"])
    replace(replication, drawings={}).save(tmp_path / "out", formats=("svg",), tables=("csv",))
    for name in ("specifications", "draws"):
        written = pd.read_csv(tmp_path / "out" / "tables" / f"{name}.csv", keep_default_na=False)
        assert list(written.columns) == list(getattr(replication, name).columns)


@given(st.lists(st.tuples(st.floats(0.5, 2), st.floats(0.0, 1), st.floats(0, 1)), min_size=1))
def test_arrays_and_single_intervals_have_one_rule(points) -> None:
    """Limits and the share of the half width that the narrow interval takes."""
    centre, half, part = np.array(points).T
    wide, narrow = (centre - half, centre + half), (centre - part * half, centre + part * half)
    directions = labels(CLAIM, "direction", *wide, *narrow)
    sizes = labels(CLAIM, "size", *wide, *narrow)
    for i, m in enumerate(centre):
        outer = Interval(m, wide[0][i], wide[1][i])
        inner = Interval(m, narrow[0][i], narrow[1][i])
        assert directions[i] == direction_of(outer, CLAIM)
        assert sizes[i] == size_of(outer, CLAIM, inner)
