"""Gas columns that a program made unique, without units, or that contradict one another."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import retrostats as rs

ROWS = [(f"p{i}", way, 60.0 + 3 * i, (1800 + 70 * i) * f, 0.85 + 0.01 * i)
        for i in range(6) for way, f in (("forward", 1.0), ("backward", 1.25))]  # fmt: skip
BASE = pd.DataFrame(ROWS, columns=["subject", "direction", "mass (kg)", "vo2", "RER"])


def table(**columns) -> pd.DataFrame:
    return BASE.drop(columns="vo2").assign(**columns)


def numbered(one: str, other: str, scale: float = 1.0) -> pd.DataFrame:
    relative = BASE["vo2"] / BASE["mass (kg)"]
    return table(**{one: BASE["vo2"] * scale, other: relative,
                    "vco2_abs": BASE["vo2"] * BASE["RER"] * scale})  # fmt: skip


@pytest.mark.parametrize("names", [("VO2...4", "VO2...5"), ("vo2", "vo2.1"), ("VO2_1", "VO2_2")])
@pytest.mark.parametrize("scale", [1.0, 0.001], ids=["ml", "l"])
def test_columns_that_a_program_made_unique_are_used(names, scale) -> None:
    """Found in use: they were lost without a word. RER and body mass prove their units."""
    cohort = rs.load_cohort(numbered(*names, scale=scale))
    frame = cohort.frame
    np.testing.assert_allclose(frame["vo2_ml_min"], BASE["vo2"], rtol=1e-12)
    np.testing.assert_allclose(frame["vo2_ml_kg_min"], BASE["vo2"] / BASE["mass (kg)"], rtol=1e-12)
    np.testing.assert_allclose(frame["vco2_ml_min"] / frame["vo2_ml_min"], BASE["RER"], rtol=1e-9)
    said = cohort.problems["action"].str.contains("other columns of each row prove")
    assert said.sum() == 3


def test_size_alone_settles_no_unit() -> None:
    with pytest.raises(rs.InputError, match="no unit"):
        rs.load_cohort(BASE.drop(columns=["RER", "mass (kg)"]))


def test_gases_that_contradict_the_exchange_ratio_are_refused_and_one_row_is_said() -> None:
    gases = table(**{"VO2 (ml/min)": BASE["vo2"], "VCO2 (ml/min)": BASE["vo2"] * BASE["RER"]})
    rs.load_cohort(gases)
    wrong = gases.assign(**{"VCO2 (ml/min)": BASE["vo2"] * 0.6})
    with pytest.raises(rs.InputError, match="times the exchange ratio"):
        rs.load_cohort(wrong)
    gases.loc[3, "RER"] = 0.58
    problems = rs.load_cohort(gases).problems
    assert problems.loc[problems["row"] == "5", "action"].str.contains("mistyped").any()


def test_every_column_is_used_or_listed() -> None:
    frame = numbered("VO2...4", "VO2...5").assign(shoes="new", lactate=2.0)
    cohort = rs.load_cohort(frame)
    listed = set(cohort.problems["column"]) | set(cohort.spec)
    assert set(frame.columns) <= listed
    assert set(cohort.problems.loc[cohort.problems["action"].str.contains("not used"), "column"]) \
        == {"shoes", "lactate"}  # fmt: skip


def test_a_further_outcome_of_the_file_is_told_and_a_derived_one_is_not() -> None:
    gases = table(**{"VO2 (ml/min)": BASE["vo2"], "metabolic rate (W)": BASE["vo2"] / 3})
    problems = rs.load_cohort(gases).problems
    further = problems.loc[problems["found"] == "a further outcome", "column"]
    assert set(further) == {"vo2_ml_min"}


def test_every_column_of_a_cart_export_is_used_or_listed(tmp_path) -> None:
    path = tmp_path / "cart.csv"
    path.write_text(
        "t;VO2...2;VO2...3;vco2_abs;VT;HF\ns;mL/min;mL/min/kg;mL/min;L;1/min\n"
        + "".join(f"{10 * i};2000;28.6;1800;2.1;150\n" for i in range(9))
    )
    cart = rs.read_cart(path)
    assert cart["vo2_ml_min"].iloc[0] == 2000
    assert cart["vo2_ml_kg_min"].iloc[0] == 28.6
    assert cart["vco2_ml_min"].iloc[0] == 1800
    assert any(p["column"] == "VT" and "not used" in p["action"] for p in cart.attrs["problems"])


def recording(times: list[str], second: np.ndarray, flow: np.ndarray) -> str:
    breaths = zip(times, second, flow, strict=True)
    return "time,vo2,vo2_abs,vco2\n" + "".join(
        f"{t},{kg:.1f},{one:.0f},{0.9 * one:.0f}\n" for t, kg, one in breaths
    )


def test_a_second_oxygen_uptake_over_one_body_mass_is_per_kilogram(tmp_path) -> None:
    flow = 900.0 + 37.0 * np.arange(40)
    times = [f"0:{5 + i}" if i < 55 else "" for i in range(40)]
    path = tmp_path / "test.csv"
    path.write_text(recording(times, flow / 71.3, flow))
    cart = rs.read_cart(path)
    np.testing.assert_allclose(cart["vo2_ml_kg_min"], np.round(flow / 71.3, 1), atol=0.051)
    assert any("over one body mass" in p["found"] for p in cart.attrs["problems"])
    noise = np.random.default_rng(3).uniform(0.7, 1.3, 40)  # of another test: no share of the first
    path.write_text(recording(times, noise * flow / 71.3, flow))
    cart = rs.read_cart(path)
    assert cart["vo2_ml_kg_min"].isna().all()


def test_times_with_a_date_and_a_blank_are_read(tmp_path) -> None:
    flow = 900.0 + 37.0 * np.arange(40)
    times = [f"2024-03-01 10:00:{10 + i:02d}" for i in range(40)]
    path = tmp_path / "test.csv"
    path.write_text(recording(times, flow / 71.3, flow))
    cart = rs.read_cart(path)
    assert list(np.diff(cart["time_s"])) == [1.0] * 39
