"""Which explorations measures share: those of one function over the same unknowns, at one level."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from doors.evidence import FindingsMeasure as Measure
from doors.evidence import Options, explore_measures
from scipy.stats import norm

from retrostats import Unknown

NO_DRAWS = Options(draws=0, seed=1)


def estimator(level):
    half = norm.ppf((1 + level) / 2)
    return lambda v: (v["m"], v["m"] - half, v["m"] + half)


FIXED = (Unknown("m", 1.0, 1.0 + 1e-12),)
WIDE = (Unknown("m", 0.0, 5.0),)
RANGE = Measure("row", "row", estimator, FIXED)
JUDGED = Measure("row", "row", estimator, FIXED, claim_id="claim")
AGAIN = Measure("row", "row", estimator, FIXED, claim_id="another")
OTHER = Measure("other", "other", estimator, WIDE, claim_id="claim")


@pytest.mark.parametrize("measures", list(permutations([RANGE, JUDGED, AGAIN, OTHER])))
def test_a_claim_is_judged_at_90_percent_wherever_its_measure_stands(measures) -> None:
    found = explore_measures(measures, NO_DRAWS)
    assert [e.measure for e in found] == list(measures)
    by = {(e.measure.estimate_id, e.measure.claim_id): e for e in found}
    for e in (by["row", "claim"], by["row", "another"]):
        assert e.at90.conf_high == pytest.approx(1 + norm.ppf(0.95))
        assert e.at95.conf_high == pytest.approx(1 + norm.ppf(0.975))
    assert by["row", ""].at90 is by["row", ""].at95
    assert by["row", "claim"].at90 is by["row", "another"].at90  # one search, not two
    assert by["other", "claim"].at95.conf_high == pytest.approx(5 + norm.ppf(0.975))
    assert np.isfinite(by["other", "claim"].at90.conf_low)
