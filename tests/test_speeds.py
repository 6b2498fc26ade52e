"""Measured speeds and the nominal ones behind them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from analysed_cohort import rows_of_cohort

import retrostats as rs


def belt(noise: float, seed: int = 2) -> pd.DataFrame:
    """Ten people at 6 and 8 km/h each way on a belt whose speed scatters by `noise` km/h."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(10):
        level, ratio = rng.normal(0, 0.08), rng.normal(0.24, 0.04)
        for way, backward in (("forward", 0), ("backward", 1)):
            for speed in (6, 8):
                said = round(speed + rng.normal(0, noise), 2)
                log = 3.0 + level + 0.1 * speed + backward * ratio + rng.normal(0, 0.05)
                rows.append((f"p{i}", way, said, np.exp(log)))
    columns = ["subject", "direction", "speed (km/h)", "VO2 (ml/kg/min)"]
    return pd.DataFrame(rows, columns=columns)


def ratio(frame: pd.DataFrame, spec: dict | None = None) -> pd.Series:
    return rows_of_cohort(rs.load_cohort(frame, spec=spec)).iloc[0]


def test_measured_speeds_are_the_levels_the_belt_was_set_to() -> None:
    """Found in use: each measured speed was a level of its own, and the interval a half wider."""
    noisy, nominal = ratio(belt(0.04)), ratio(belt(0.0))
    np.testing.assert_allclose(
        noisy[["estimate", "conf_low", "conf_high"]].astype(float),
        nominal[["estimate", "conf_low", "conf_high"]].astype(float),
        rtol=1e-9,
    )


def test_the_levels_are_said_and_can_be_set() -> None:
    cohort = rs.load_cohort(belt(0.04))
    assert sorted(set(np.round(cohort.frame["nominal_speed_m_s"] * 3.6))) == [6, 8]
    said = cohort.problems[cohort.problems["column"] == "speed_m_s"]["action"]
    assert said.str.contains("km/h (20 rows", regex=False).any()
    assert said.str.contains("speeds = [", regex=False).any()
    set_to = rs.load_cohort(belt(0.04), spec={"speeds": ["6 km/h", "8 km/h"]})
    assert set(np.round(set_to.frame["nominal_speed_m_s"] * 3.6, 9)) == {6, 8}
    with pytest.raises(rs.InputError, match="speeds"):
        rs.load_cohort(belt(0.04), spec={"speeds": ["fast"]})


def test_speeds_of_a_protocol_stay_apart_however_near() -> None:
    frame = belt(0.0).replace({"speed (km/h)": {8: 6.2}})
    assert rs.load_cohort(frame).frame["nominal_speed_m_s"].nunique() == 2


def test_speeds_that_people_chose_are_said_to_be_chosen() -> None:
    frame = belt(0.0)
    frame = frame[frame["speed (km/h)"] == 6]
    frame["speed (km/h)"] = frame["subject"].str[1:].astype(int) * 0.2 + 6
    problems = rs.load_cohort(frame).problems
    assert problems["action"].str.contains("chosen by each person").any()
