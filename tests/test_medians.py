"""Medians as means: metafor's `conv.fivenum` (pinned), and errors that simulated trials have."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

import retrostats as rs
from retrostats import InputError

PINNED = json.loads((Path(__file__).parent / "reference" / "escalc.json").read_text())
#: The reference prints 15 digits of closed forms.
EXACT = 1e-12
#: The spread of 20,000 simulated values is known to 0.5%; three times that.
SIMULATED = 0.015
#: g's variance is that of large samples; with 40 people an arm its own error is about 3%.
LARGE_SAMPLES = 0.06


def five() -> pd.DataFrame:
    return pd.DataFrame(PINNED["data"]["five"], dtype=float)


@pytest.mark.parametrize("how", ["wan", "shi"])
def test_means_and_sds_against_metafor(how: str) -> None:
    found = rs.means_from_medians(five(), sd=how)
    for column in ("mean", "sd"):
        np.testing.assert_allclose(found[column], PINNED["fivenum"][how][column], rtol=EXACT)


def test_skewness_against_metafor() -> None:
    assert rs.means_from_medians(five())["skewed"].tolist() == PINNED["skewed"]


def test_equation_11_of_luo_and_16_of_wan_by_hand() -> None:
    found = rs.means_from_medians({"n": [25], "median": [10.0], "q1": [8.0], "q3": [13.0]}).iloc[0]
    weight = 0.7 + 0.39 / 25
    assert found["mean"] == pytest.approx(weight * 10.5 + (1 - weight) * 10)
    score = NormalDist().inv_cdf((0.75 * 25 - 0.125) / 25.25)
    assert found["sd"] == pytest.approx(5 / (2 * score))


def _drawn(n: int, worlds: int, seed: int, kind: str) -> pd.DataFrame:
    """Medians, quartiles and ranges of simulated groups from a normal distribution."""
    rng = np.random.default_rng(seed)
    points = np.quantile(rng.normal(size=(worlds, n)), [0, 0.25, 0.5, 0.75, 1], axis=1)
    table = pd.DataFrame(points.T, columns=["min", "q1", "median", "q3", "max"]).assign(n=n)
    dropped = {"range": ["q1", "q3"], "quartiles": ["min", "max"], "both": []}[kind]
    return table.drop(columns=dropped)


@pytest.mark.parametrize("kind", ["range", "quartiles", "both"])
@pytest.mark.parametrize("n", [9, pytest.param(40, marks=pytest.mark.thorough)])
def test_standard_errors_are_those_of_simulated_groups(kind: str, n: int) -> None:
    found = rs.means_from_medians(_drawn(n, 20_000, n, kind))
    for value in ("mean", "sd"):
        relative = (found[f"{value}_se"] / found["sd"]).iloc[0]
        assert relative == pytest.approx(found[value].std(), rel=SIMULATED)


def test_a_converted_mean_is_less_certain_than_a_printed_one() -> None:
    rows = {"n_1": [40], "median_1": [5.0], "q1_1": [4.0], "q3_1": [6.0],
            "n_2": [40], "mean_2": [4.0], "sd_2": [1.5]}  # fmt: skip
    found = rs.escalc(rows, "MD", convert_medians=True).iloc[0]
    one = rs.means_from_medians(rows).iloc[0]
    assert found["yi"] == pytest.approx(one["mean_1"] - 4)
    assert found["vi"] == pytest.approx(one["mean_se_1"] ** 2 + 1.5**2 / 40)
    assert one["mean_se_1"] > one["sd_1"] / np.sqrt(40)
    assert list(found.index) == [*rows, "yi", "vi"]


@pytest.mark.parametrize("measure", ["MD", "SMD", "ROM"])
def test_variances_of_effects_from_medians_are_those_of_simulated_trials(measure: str) -> None:
    arms = [_drawn(40, 10_000, seed, "quartiles") for seed in (1, 2)]
    level, sd = (10.0, 9.0), 2.0
    columns: dict[str, object] = {"n_1": 40, "n_2": 40}
    for i, (arm, mean) in enumerate(zip(arms, level, strict=True), 1):
        columns |= {f"{name}_{i}": mean + sd * arm[name] for name in ("q1", "median", "q3")}
    found = rs.escalc(pd.DataFrame(columns), measure, convert_medians=True)
    assert found["vi"].mean() == pytest.approx(found["yi"].var(), rel=LARGE_SAMPLES)


def test_a_design_effect_widens_a_converted_mean() -> None:
    rows = {"n": [40], "median": [5.0], "q1": [4.0], "q3": [6.0]}
    plain = rs.escalc(rows, "MN", convert_medians=True)["vi"].iloc[0]
    clustered = rs.escalc(rows | {"design_effect": [1.5]}, "MN", convert_medians=True)
    assert clustered["vi"].iloc[0] == pytest.approx(1.5 * plain)


def test_a_cell_of_an_audit_may_hold_a_median() -> None:
    cells = {"first": ["12 IQR 10 to 14 s"], "second": ["11 (range 6 to 17) s"], "n": ["30 / 28"]}
    with pytest.raises(InputError, match="convert_medians=True"):
        rs.escalc(cells, "MD")
    found = rs.escalc(cells, "MD", convert_medians=True)
    numbers = {"n_1": [30], "median_1": [12], "q1_1": [10], "q3_1": [14],
               "n_2": [28], "median_2": [11], "min_2": [6], "max_2": [17]}  # fmt: skip
    wanted = rs.escalc(numbers, "MD", convert_medians=True)
    pd.testing.assert_series_equal(found["vi"], wanted["vi"])


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ({"n": [40], "mean": [5.0]}, "no column median"),
        ({"n": [40], "median": [5.0]}, "row 1: median stands alone; give q1 and q3"),
        ({"n": [4], "median": [5.0], "q1": [4], "q3": [6]}, "4 people .* 5 or more"),
        ({"median": [5.0], "q1": [4], "q3": [6]}, "no number of people"),
        ({"n": [40], "median": [7.0], "q1": [4], "q3": [6]}, "not in order of size"),
        ({"n": [40], "median": [5.0], "q1": [5], "q3": [5]}, "or all one"),
        ({"n": [40, 9], "median": [5.0, None], "q1": [4, 4], "q3": [6, 6]}, "row 2: quartiles"),
        ({"n": [40], "median": ["5-6"], "q1": [5], "q3": [5]}, "row 1, column 'median'"),
    ],
)
def test_what_cannot_be_converted_is_refused(rows, says: str) -> None:
    with pytest.raises(InputError, match=says):
        rs.means_from_medians(rows)


def test_measures_whose_variance_is_not_known_are_refused() -> None:
    rows = {"n": [40], "median_1": [5.0], "q1_1": [4.0], "q3_1": [6.0], "r": [0.5]}
    with pytest.raises(InputError, match="allowed: MD, SMD, ROM"):
        rs.escalc(rows, "MC", convert_medians=True)
