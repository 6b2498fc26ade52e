"""People with an event are a risk ratio, events over time a rate ratio; a pool takes one."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from doors.evidence import Effect, Trial, TrialResult, pooled_measure, pooled_row, trial_result
from doors.report import printed

from retrostats import InputError

EFFECT = Effect("ratio", "injury rate ratio, treated / control", "t")
#: The table prints its limits with three decimals.
PRINTED = 0.0005


def arms(study: str, events: tuple[int, int], exposure: tuple[int, int], unit: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "row_id": [f"{study}-a", f"{study}-b"], "study_id": study, "outcome": "hurt",
            "arm": ["a", "b"], "events": list(map(float, events)), "n": 15.0,
            "exposure": list(map(float, exposure)), "exposure_unit": unit, "unit": "",
        }
    )  # fmt: skip


def of(rows: pd.DataFrame) -> TrialResult:
    study = str(rows["study_id"].iloc[0])
    return trial_result(
        rows, Trial(study, study, True, "direct", counts="hurt", arms=("a", "b")), EFFECT
    )


def ratio(study: str, unit: str) -> TrialResult:
    row = {
        "row_id": study, "study_id": study, "outcome": "hurt", "unit": unit, "n": 90.0,
        "mean": 0.5, "mean_text": "0.50", "ci_low": 0.3, "ci_low_text": "0.30", "ci_high": 0.9,
        "ci_high_text": "0.90", "ci_level": 95.0,
    }  # fmt: skip
    return trial_result(
        pd.DataFrame([row]), Trial(study, study, True, "direct", ratio="hurt"), EFFECT
    )


@pytest.mark.parametrize("unit", ["people", "players", "patients"])
def test_people_with_an_event_are_binomial(unit) -> None:
    found = of(arms("s", (3, 10), (15, 15), unit))
    row = found.row
    assert (row.estimate, row.conf_low, row.conf_high) == pytest.approx(
        (0.30, 0.103, 0.878), abs=PRINTED
    )
    assert row.scale == "ratio"
    assert "risk ratio" in row.unit
    assert "binomial" in found.assumptions[0].statement


@pytest.mark.parametrize("unit", ["hours", "athlete-exposures"])
def test_events_over_time_are_poisson(unit) -> None:
    row = of(arms("s", (3, 10), (15, 15), unit)).row
    error = math.sqrt(1 / 3 + 1 / 10)
    assert row.std_error == pytest.approx(error)
    assert (row.scale, row.unit) == ("rate_ratio", EFFECT.unit)


def test_arms_in_people_and_in_hours_are_refused() -> None:
    rows = arms("s", (3, 10), (15, 15), "people")
    rows.loc[1, "exposure_unit"] = "hours"
    with pytest.raises(InputError, match="exposure_unit: found 'people' and 'hours'"):
        of(rows)


def test_an_arm_without_events_is_refused() -> None:
    with pytest.raises(InputError, match="s-a, column events: found 0"):
        of(arms("s", (0, 10), (15, 15), "people"))


@pytest.mark.parametrize("other", ["odds ratio", "relative risk", "hazard ratio"])
def test_measures_are_not_pooled_together(other) -> None:
    trials = [ratio("one", "rate ratio"), ratio("two", other)]
    with pytest.raises(InputError, match=r"pool p: rows two are .* but rows one are"):
        pooled_row([t.estimate for t in trials], "p", "Pool", quantity="ratio")
    with pytest.raises(InputError, match=r"pool p: rows two are .* but rows one are rate ratio"):
        pooled_measure([t.source for t in trials], "p", "pool")


def test_counts_of_people_are_not_pooled_with_rates() -> None:
    trials = [of(arms("s", (3, 10), (15, 15), "people")), ratio("two", "rate ratio")]
    with pytest.raises(InputError, match="rows two are"):
        pooled_row([t.estimate for t in trials], "p", "Pool", quantity="ratio")


def test_one_measure_under_two_names_is_pooled() -> None:
    trials = [ratio("one", "rate ratio"), ratio("two", "incidence rate ratio")]
    row, _ = pooled_row([t.estimate for t in trials], "p", "Pool", quantity="ratio")
    assert row.estimate == pytest.approx(0.5)


def test_the_page_shows_what_was_printed() -> None:
    row = {
        "mean": 0.15, "mean_text": "0.150", "ci_low": 0.1, "ci_low_text": "0.100", "ci_high": 2.8,
        "ci_high_text": "2.8", "events": 3.0, "events_text": "3", "exposure": 1200.0,
        "exposure_text": "1200", "exposure_unit": "hours", "unit": "ml/min",
        "unit_printed": "L/min",
    }  # fmt: skip
    assert printed(row) == "0.150 L/min; 3 events in 1200 hours; CI 0.100 to 2.8"
