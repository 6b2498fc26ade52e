"""Silvers-Granelli 2015, abstract: 285 injuries in 35,226 and 665 in 44,212 athlete-exposures."""

from __future__ import annotations

import math

import pytest
from doors.evidence import Effect, Trial, one_row, trial_result

from retrostats import load_published

RATES = Effect("injury_rate_ratio", "programme / usual training", "li")
TRIAL = Trial(
    "silversgranelli2015", "11+", True, "direct", counts="injury_rate_per_1000_ae",
    arms=("intervention 11+", "control"), clusters="injuries_per_team",
)  # fmt: skip


@pytest.fixture(scope="module")
def rows():
    return load_published("ligament_injury")


@pytest.mark.parametrize(
    ("arm", "events", "exposure", "printed"),
    [("intervention 11+", 285, 35226, "8.09"), ("control", 665, 44212, "15.04")],
)
def test_printed_rates_follow_from_printed_counts(rows, arm, events, exposure, printed) -> None:
    row = one_row(rows, study_id=TRIAL.study_id, outcome=TRIAL.counts, arm=arm)
    assert (row["events"], row["exposure"], row["mean_text"]) == (events, exposure, printed)
    assert f"{1000 * events / exposure:.2f}" == printed


def test_games_and_practices_add_up(rows) -> None:
    for direction, total in (("mixed", 35226), ("usual training", 44212)):
        parts = [
            one_row(rows, study_id=TRIAL.study_id, outcome=o, direction=direction)["exposure"]
            for o in ("exposure_games", "exposure_practice")
        ]
        assert sum(parts) == total


def test_team_means_are_counts_over_teams_and_widen_the_interval(rows) -> None:
    assert round(665 / 34, 2) == 19.56
    assert round(285 / 27, 2) == 10.56
    trial = trial_result(rows, TRIAL, RATES)
    assert math.exp(trial.estimate.value) == pytest.approx(8.0906 / 15.0412, rel=1e-4)
    poisson = math.sqrt(1 / 285 + 1 / 665)
    teams = math.sqrt(3.64**2 / (27 * 10.56**2) + 11.01**2 / (34 * 19.56**2))
    assert trial.estimate.std_error == pytest.approx(teams, rel=1e-9)
    assert teams > 1.6 * poisson


def test_days_lost_of_the_review_table_differ_from_the_conference_abstract() -> None:
    rows = load_published("ligament_injury").set_index("row_id")
    quoted = rows.loc["li-silversgranelli2015-days-lost-per-injury-intervention-11"]
    days, injuries = (
        rows.loc["li-silversgranelli2015-days-lost-mixed", "mean"],
        rows.loc["li-silversgranelli2015-injury-rate-per-1000-ae-mixed", "events"],
    )
    assert quoted["mean_text"] == "10.08"
    assert round(days / injuries, 2) == 9.91  # neither 10.08 nor the abstract's 9.94
    assert not quoted["poolable"]
