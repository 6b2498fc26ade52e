"""Figures of own rows: a line a person as long as they can be told apart, then a band of all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from doors.report import LINES, _figure, _names
from matplotlib.collections import PolyCollection


def people(number: int) -> pd.DataFrame:
    """Two conditions of each person."""
    rng = np.random.default_rng(3)
    y = rng.normal(35, 4, 2 * number)
    return pd.DataFrame(
        {
            "subject": np.repeat([f"p{i}" for i in range(number)], 2),
            "panel": "8 km/h",
            "x": ["forward", "backward"] * number,
            "y": y,
            "mean": np.tile([y[::2].mean(), y[1::2].mean()], number),
            "low": np.nan,
            "high": np.nan,
        }
    )


@pytest.mark.parametrize(("number", "banded"), [(LINES, False), (LINES + 1, True), (3000, True)])
def test_many_people_are_a_band_and_some_lines_and_the_caption_says_so(number, banded) -> None:
    drawn = people(number)
    figure = _figure("lab", drawn, "VO2", [])
    axes = figure.axes[0]
    assert len(axes.lines) == LINES + 1  # and the mean
    bands = [c for c in axes.collections if c.get_gid() == "band"]
    assert len(bands) == banded
    words = " ".join(" ".join(text.get_text() for text in figure.texts).split())
    assert ("evenly spaced in the table; band: 90% of all" in words) == banded
    if banded:
        assert f"{LINES} of {number:,} people" in words
        edges = bands[0].get_paths()[0].vertices
        low = drawn.loc[drawn["x"] == "forward", "y"].quantile(0.05)
        assert np.isclose(edges[edges[:, 0] == 0, 1].min(), low)


def arms(number: int) -> pd.DataFrame:
    """Two arms of different people."""
    y = np.random.default_rng(3).normal(35, 4, number)
    each = pd.DataFrame({"subject": [f"p{i}" for i in range(number)], "panel": "everybody",
                         "x": ["usual", "new"] * (number // 2), "y": y})  # fmt: skip
    mean = each.groupby("x")["y"].transform("mean")
    return each.assign(mean=mean, low=np.nan, high=np.nan)


def test_two_arms_are_spread_out_with_no_line_between_them() -> None:
    axes = _figure("trial", arms(40), "VO2", []).axes[0]
    people, means = (
        [line for line in axes.lines if line.get_gid() == gid] for gid in ("person", "mean")
    )
    assert {line.get_linestyle() for line in (*people, *means)} == {"None"}
    assert sum(len(line.get_xdata()) for line in people) == 40
    shapes = [c for c in axes.collections if isinstance(c, PolyCollection)]
    assert len(shapes) == 2  # a distribution an arm
    assert sorted(means[0].get_xdata()) == [0, 1]


def test_pairs_are_joined_and_the_key_says_which_is_which() -> None:
    figure = _figure("lab", people(6), "VO2", [])
    lines = [line for line in figure.axes[0].lines if line.get_gid() == "person"]
    assert len(lines) == 6
    assert {tuple(line.get_xdata()) for line in lines} == {(0, 1)}
    said = " ".join(text.get_text() for text in figure.texts)
    assert "thin lines: a person each; heavy line: mean" in " ".join(said.split())
    said = " ".join(text.get_text() for text in _figure("trial", arms(40), "VO2", []).texts)
    assert "points: the people of each group, shape: how they are spread" in " ".join(said.split())


def test_words_of_panels_are_made_once_a_condition() -> None:
    frame = pd.DataFrame(
        {
            "nominal_speed_m_s": [8 / 3.6, 10 / 3.6, np.nan, 8 / 3.6] * 50,
            "gait": ["run", "walk", None, "run"] * 50,
        }
    )
    found = list(_names(frame, ["nominal_speed_m_s"]))
    assert found[:4] == ["8 km/h, run", "10 km/h, walk", "no speed, run", "8 km/h, run"]
    assert found == found[:4] * 50
    assert _names(frame[["gait"]].assign(gait="run"), []) == "all speeds"
