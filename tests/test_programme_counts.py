"""The model of all printed counts of warm-up programmes: study effects and design effects."""

from __future__ import annotations

import math

import numpy as np
import pytest

import retrostats as rs
from retrostats.errors import InputError
from retrostats.findings.trials import Effect, Trial, design_effect, trial_result
from retrostats.read.published import load_published

RATES = Effect("injury_rate_ratio", "programme / usual training", "li")


@pytest.fixture(scope="module")
def rows():
    return load_published("ligament_injury")


def _trial(study: str, counts: str, arms: tuple[str, str], **extra: str) -> Trial:
    return Trial(study, study, False, "indirect", counts=counts, arms=arms, **extra)


def test_the_design_effect_of_a_printed_adjusted_interval(rows) -> None:
    olsen = _trial("olsen2005", "players_injured", ("intervention warm-up", "control"),
                   adjusted="players_injured_relative_risk")  # fmt: skip
    error = math.log(0.81 / 0.35) / (2 * 1.959964)
    assert design_effect(rows, olsen) == pytest.approx(error**2 / (1 / 46 + 1 / 76), rel=1e-6)
    arms = ("intervention Knee Control", "control")
    walden = _trial("walden2012", "players_with_acl_injury", arms, adjusted="acl_injury_rate_ratio")
    assert design_effect(rows, walden) == 1.0  # the printed interval is narrower than Poisson's
    silent = _trial("sportsmetrics2015", "noncontact_acl_injury_rate_per_1000_ae",
                    ("trained female athletes 13-18 y", "control"))  # fmt: skip
    assert math.isnan(design_effect(rows, silent))


def test_a_rate_and_its_exposure_give_the_one_whole_number_that_fits(rows) -> None:
    arms = ("intervention neuromuscular warm-up", "control")
    name = "acute_noncontact_lower_extremity_injuries_rate_per_1000_ae"
    found = trial_result(rows, _trial("labella2011", name, arms), RATES)
    assert [c["events"] for c in found.counts] == [20, 37]
    wide = rows.assign(exposure=rows["exposure"] * 100)
    with pytest.raises(InputError, match="whole numbers fit"):
        trial_result(wide, _trial("labella2011", name, arms), RATES)


def test_all_counts_stand_in_one_model_with_their_clusters() -> None:
    found = rs.replicate(["ligament-injury"], draws=0)
    rows = found.estimates.set_index("estimate_id")
    row = rows.loc["li-counts"]
    assert row["note"].startswith("7 trials, each with a level and an effect of its own")
    assert row["df"] == 6
    listed = found.assumptions.set_index("assumption_id").loc["li-counts-clusters"]
    assert listed["low"] == 1.0
    assert listed["high"] == pytest.approx(2.737, abs=5e-4)
    # 428 and 778 events of independent people would give an error of 0.060
    independent = math.sqrt(1 / 428 + 1 / 778)
    assert row["std_error"] > 1.3 * independent
    assert np.log(row["conf_high"] / row["conf_low"]) > 2 * 2.4 * row["std_error"]
