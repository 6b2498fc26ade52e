"""What results show of themselves: one look, short, and no column lost to a narrow page."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
from doors.io import templates

import retrostats as rs

#: Lines of a result that a reader takes in at once.
GLANCE = 16


def rows() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    who = np.repeat(np.arange(12), 3)
    frame = pd.DataFrame({"subject": who, "arm": np.tile(list("abc"), 12)})
    frame["y"] = 4 + rng.normal(0, 1, 12)[who] + rng.normal(0, 0.5, 36)
    return frame.assign(n=rng.poisson(3.0, 36), vi=0.2)


def results() -> list[Any]:
    table = {"study": ["a<b>", "b"], "events_1": [2, 5], "total_1": [90, 210],
             "events_2": [6, 9], "total_2": [88, 200]}  # fmt: skip
    return [
        rs.lmm("y ~ arm + (1 | subject)", rows()),
        rs.lmm("y ~ arm + (1 | subject)", rows(), variances="vi"),
        rs.glmm("n ~ arm + (1 | subject)", rows()),
        rs.pool([0.1, 0.4, 0.3], [0.1, 0.1, 0.2]),
        rs.pool([0.1, 0.4], [0.1, 0.1], prior=rs.HalfNormal(0.1)),
        rs.pool_counts(table, measure="rate_ratio"),
        rs.explore(lambda v: (v["d"], v["d"] - 1, v["d"] + 1), {"d": (0, 1)}, draws=32),
    ]


@pytest.mark.parametrize("place", range(7))
def test_a_result_is_taken_in_at_a_glance_in_text_and_html(place: int) -> None:
    result = results()[place]
    lines = repr(result).splitlines()
    assert len(lines) <= GLANCE
    assert max(map(len, lines)) <= 125
    html = result._repr_html_()
    assert html.startswith("<p>")
    assert "<pre" not in html
    assert "nan" not in html.lower()


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_no_column_of_a_test_is_cut_by_the_width(
    columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    fit, counted = results()[0], results()[2]
    tables = [
        fit.anova(),
        fit.anova(rs.lmm("y ~ 1 + (1 | subject)", rows())),
        fit.emmeans("arm").pairs(),
        counted.emmeans("arm").pairs(),
        fit.contrast({"armb": 1}),
        fit.contrast([{"armb": 1}, {"armc": 1}]),
    ]
    with pd.option_context("display.width", int(columns), "display.max_columns", 3):
        for table in tables:
            shown = repr(table)
            assert all(str(name) in shown for name in table.columns)
            assert "..." not in shown
            assert all(f"<th>{name}</th>" in table._repr_html_() for name in table.columns)
            assert "..." in repr(pd.DataFrame(table).assign(more=1, and_more=2))


def test_markup_in_a_name_is_text() -> None:
    frame = rows().rename(columns={"arm": "arm"}).assign(arm=np.tile(["<b>x", "y", "z"], 12))
    fit = rs.lmm("y ~ arm + (1 | subject)", frame)
    assert "<b>x" not in fit._repr_html_()
    assert "<b>x" not in fit.emmeans("arm").pairs()._repr_html_()


def test_a_clean_cohort_is_six_lines() -> None:
    _, text = next(iter(templates().items()))
    measured = pd.read_csv(io.StringIO(text.replace("EXAMPLE-", "p")), dtype=str)
    cohort = rs.load_cohort(measured)
    lines = repr(cohort).splitlines()
    assert len(lines) == 6
    assert max(map(len, lines)) <= 110
    assert f"{cohort.n_subjects} people" in lines[0]
    assert str(cohort.provenance["rows_used"]) in lines[0]
    assert cohort._repr_html_().count("<br>") == 5
