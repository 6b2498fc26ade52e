"""Soligard 2008, abstract: rate ratio of all injuries 0.68 (0.48 to 0.98), 1,892 players."""

from __future__ import annotations

import math

import pytest
from doors.evidence import Effect, Trial, trial_result

from retrostats import load_published


def test_standard_error_from_the_printed_interval() -> None:
    programme = Trial("soligard2008", "11+", True, "direct", ratio="all_injuries_rate_ratio")
    rates = Effect("injury_rate_ratio", "programme / usual training", "li")
    trial = trial_result(load_published("ligament_injury"), programme, rates)
    shown = trial.estimate.interval()
    assert shown.estimate == pytest.approx(0.68)
    assert (shown.low, shown.high) == pytest.approx((0.48, 0.98), abs=0.01)
    assert trial.estimate.std_error == pytest.approx(math.log(0.98 / 0.48) / 3.92, rel=1e-3)
