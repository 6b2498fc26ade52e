"""The model of all printed counts of warm-up programmes: study effects and design effects."""

from __future__ import annotations

import math

import numpy as np
import pytest
from doors.evidence import Effect, Trial, design_effect, trial_result
from doors.io import counts_people

from retrostats import InputError, load_published

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
    walden = _trial("walden2012", "acl_injury_rate_per_1000_h", arms,
                    adjusted="acl_injury_rate_ratio")  # fmt: skip
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


def test_all_counts_over_time_stand_in_one_model_with_their_clusters(whole) -> None:
    rows = whole.estimates.set_index("estimate_id")
    row = rows.loc["li-counts"]
    assert row["note"].startswith("6 trials, each with a level and an effect of its own")
    assert row["df"] == 5
    listed = whole.assumptions.set_index("assumption_id").loc["li-counts-clusters"]
    assert listed["low"] == 1.0
    assert listed["high"] == pytest.approx(3.052, abs=5e-4)
    # as many events that are independent would give a much smaller error
    independent = math.sqrt(1 / 581 + 1 / 1078)
    assert row["std_error"] > 1.3 * independent
    assert np.log(row["conf_high"] / row["conf_low"]) > 2 * 2.3 * row["std_error"]


def test_an_exposure_that_was_not_printed_follows_from_events_and_rate(rows) -> None:
    arms = ("CORE neuromuscular", "SHAM resisted running with elastic bands")
    trial = _trial("schoolnmt2018", "injury_rate_per_1000_ae", arms)
    found = trial_result(rows, trial, RATES)
    assert [c["exposure"] for c in found.counts] == pytest.approx([20037.5, 15690.9], abs=0.1)
    assert math.exp(found.estimate.value) == pytest.approx(5.34 / 8.54)
    with pytest.raises(InputError, match="no exposure, and no events with a rate"):
        trial_result(rows.assign(mean=math.nan), trial, RATES)


#: Independent counts by arm that are no programme against another training.
NOT_A_CONTRAST = {
    "bathacademy2025": "a new programme against one with backward sprints, both by design",
    "kerr2016": "men and women under surveillance",
    "noncontactacl_pmc6604059": "men and women",
}


def test_no_trial_with_counts_by_arm_is_left_out_in_silence(rows, whole) -> None:
    own = rows[(rows["independence"] == "independent") & (rows["events"] > 0)]
    rate = own["exposure"].notna() | (own["mean"].notna() & own["unit"].str.contains("per 1000"))
    arms = own[rate].groupby(["study_id", "outcome"])["arm"].nunique()
    with_counts = set(arms[arms > 1].reset_index()["study_id"])
    used = whole.estimates.set_index("estimate_id")
    studies = rows.set_index("row_id")["study_id"]
    counted = set(studies[used.at["li-counts", "source_rows"].split("; ")])
    quoted, named = (
        used.at["li-counts", "note"].split("for teams; ")[1].split(" as quoted by reviews; ")
    )
    assert quoted == "Soligard 2008, 11+, Walden 2012, ACL"
    assert (
        named
        == "Hewett 1999, serious knee, Olsen 2005, knee and ankle count people and are left out"
    )
    assert with_counts - set(NOT_A_CONTRAST) - {"hewett1999", "olsen2005"} <= counted
    assert len(counted) == 6


def test_people_are_never_put_into_the_model_of_events_over_time(rows, whole) -> None:
    """A risk ratio and a rate ratio are two measures: no arm of the model counts people."""
    used = whole.estimates.set_index("estimate_id")
    listed = used.at["li-counts", "source_rows"].split("; ")
    units = rows.set_index("row_id").loc[listed, "exposure_unit"].dropna()
    assert len(units) >= 6
    assert not [unit for unit in units if counts_people(unit)]
