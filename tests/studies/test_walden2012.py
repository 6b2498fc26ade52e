"""Walden 2012, abstract: adjusted rate ratio of ACL injury 0.36 (0.15 to 0.85), 4564 players."""

from __future__ import annotations

import math

import pytest
from doors.audit import Context
from doors.evidence import Builders, Effect

from retrostats import load_claims, load_published

#: Limits are printed in two digits, so limits recomputed from them differ in the third.
TWO_DIGITS = 0.01


@pytest.fixture(scope="module")
def rows():
    return load_published("ligament_injury")


@pytest.fixture(scope="module")
def trial(rows):
    build = Builders.of(Context(rows, load_claims()), "ligament_injury")
    rates = Effect("injury_rate_ratio", "injury rate ratio, programme / usual training", "li")
    return build.trial("li-walden2012", rates)


def test_printed_adjusted_ratio_is_used(trial) -> None:
    interval = trial.estimate.interval()
    assert trial.estimate.source == ("li-walden2012-acl-injury-rate-ratio",)
    assert math.exp(trial.estimate.value) == pytest.approx(0.36, rel=1e-12)
    assert (interval.low, interval.high) == pytest.approx((0.15, 0.85), abs=TWO_DIGITS)
    assert trial.row.role == "printed"
    assert not trial.assumptions  # nothing is assumed of the spread between clubs


def test_ratio_of_raw_counts_is_another_number(trial) -> None:
    """7 in 149,214 h against 14 in 129,084 h, as reviews quote them for the model of counts."""
    treated, control = trial.counts
    crude = treated["events"] / treated["exposure"] / (control["events"] / control["exposure"])
    assert round(crude, 2) == 0.43


def test_hours_of_the_review_tables_stay_out_of_pools(rows) -> None:
    hours = rows[(rows["study_id"] == "walden2012") & (rows["exposure_unit"] == "hours")]
    assert set(hours["exposure"]) == {149214, 129084}
    assert not hours["poolable"].any()
