"""How far people differ at most: a plus-minus that would need more is no standard error."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from shutil import copytree

import pytest
from doors.common import analyses_dir, data_dir
from doors.evidence import crossover_study, pair_source, printed_pair

import retrostats as rs
from retrostats import InputError

CONDITIONS = ("backward", "forward")
LOAD = {"study_id": "roos2012", "outcome": "patellofemoral_force_bw"}
GROUND = {"study_id": "roos2012", "outcome": "ground_force_at_peak_knee_moment_bw"}
HEART = {"study_id": "williford1998", "outcome": "heart_rate_bpm", "gait": "run"}
OWN_SPEED = {"study_id": "flynn1995", "outcome": "patellofemoral_force_bw"}
#: Percent are compared as they are said: to the nearest whole one.
PERCENT_ATOL = 0.5


@pytest.fixture(scope="module")
def audit():
    return rs.load_audit()


def pair_of(audit, where, bounds):
    return printed_pair(audit.published, CONDITIONS, highest_cv=bounds, **where)


def test_every_bounded_outcome_is_one_of_the_tables(audit) -> None:
    assert set(audit.highest_cv) <= set(audit.published["outcome"])
    assert all(0 < share < 1 for share in audit.highest_cv.values())
    table = audit.table("plausible_spread")
    assert (table["why"].str.len() > 40).all()
    assert (table["source"] != "judgement").all()


@pytest.mark.parametrize(
    ("where", "percent"), [(LOAD, (149, 184)), (GROUND, (37, 58)), (HEART, (17, 24))]
)
def test_a_reading_that_nobody_can_hold_is_refused(audit, where, percent) -> None:
    free, bound = (pair_of(audit, where, bounds) for bounds in (None, audit.highest_cv))
    assert [100 * cv for cv in free.cv_as_error] == pytest.approx(percent, abs=PERCENT_ATOL)
    assert free.may_be_error
    assert not bound.may_be_error
    readings = [u.name for u in pair_source(bound).unknowns if u.name.startswith("reading")]
    assert readings == []
    assert len(pair_source(free).unknowns) == len(pair_source(bound).unknowns) + 1


def test_the_heart_rate_refused_would_have_a_spread_of_forty_beats(audit) -> None:
    pair = pair_of(audit, HEART, audit.highest_cv)
    assert pair.sd_1 * math.sqrt(pair.n) == pytest.approx(40, abs=PERCENT_ATOL)


def test_a_reading_inside_the_bound_stays_open(audit) -> None:
    assert pair_of(audit, OWN_SPEED, audit.highest_cv).may_be_error
    assert not pair_of(audit, OWN_SPEED, {"patellofemoral_force_bw": 0.5}).may_be_error
    assert pair_of(audit, LOAD, {"another_outcome": 0.01}).may_be_error


def test_the_refusal_is_said_where_the_assumption_is_listed(audit) -> None:
    study = crossover_study(
        audit.published, "x", "Roos", conditions=CONDITIONS, where=LOAD,
        highest_cv=audit.highest_cv, quantity="ratio",
    )  # fmt: skip
    (spread,) = [a for a in study.assumptions if a.kind == "unlabelled spread"]
    assert "refused, since an SD of 149 to 184% of the mean" in spread.why
    assert "more than the 60%" in spread.why
    assert "both are carried" not in spread.statement


def test_an_audit_without_the_table_bounds_nothing(tmp_path: Path) -> None:
    assert rs.load_audit(Path(__file__).parents[1] / "examples" / "bcg.toml").highest_cv == {}


def test_an_outcome_in_two_rows_is_refused(tmp_path: Path) -> None:
    copytree(data_dir(), tmp_path / "data")
    (tmp_path / "analyses").symlink_to(analyses_dir())
    path = tmp_path / "data" / "plausible_spread.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.reader(handle))
    with path.open("a", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerow(["twice", *rows[1][1:]])
    with pytest.raises(InputError, match="vo2_ml_kg_min in two rows"):
        _ = rs.load_audit(tmp_path).highest_cv
