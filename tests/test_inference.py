"""Contrasts, marginal means, likelihood ratios, intervals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import retrostats as rs
from retrostats.errors import InputError

DATA = Path(__file__).parent / "reference" / "data"


@pytest.fixture(scope="module")
def sleep() -> pd.DataFrame:
    return pd.read_csv(DATA / "sleepstudy.csv").astype({"Subject": str})


@pytest.fixture(scope="module")
def slopes(sleep: pd.DataFrame) -> rs.LmmFit:
    return rs.lmm("Reaction ~ Days + (Days | Subject)", sleep)


@pytest.fixture(scope="module")
def trial() -> rs.LmmFit:
    return rs.lmm("y ~ arm * time + (1 | subject)", pd.read_csv(DATA / "trial_prepost.csv"))


def test_single_contrast_is_the_coefficient(trial: rs.LmmFit) -> None:
    for i, term in enumerate(trial.terms):
        by_name = trial.contrast({term: 1.0})
        by_vector = trial.contrast(np.eye(4)[i])
        for table in (by_name, by_vector):
            np.testing.assert_allclose(
                table.drop(columns="term").to_numpy(dtype=float)[0],
                trial.coefficients.drop(columns="term").to_numpy(dtype=float)[i],
                rtol=1e-10,
            )


def test_one_row_f_is_t_squared_and_rows_need_not_be_independent(trial: rs.LmmFit) -> None:
    t = trial.coefficients.iloc[3]
    f = trial.contrast(np.eye(4)[3:]).iloc[0]
    np.testing.assert_allclose(f["statistic"], t["statistic"] ** 2, rtol=1e-9)
    np.testing.assert_allclose(f["p_value"], t["p_value"], rtol=1e-9)
    assert f["num_df"] == 1
    two = trial.contrast(np.eye(4)[2:]).iloc[0]
    again = trial.contrast([[0, 0, 1, 0], [0, 0, 1, 1], [0, 0, 2, 3]]).iloc[0]
    np.testing.assert_allclose(again.to_numpy(float), two.to_numpy(float), rtol=1e-9)


@pytest.mark.parametrize("ddf", ["satterthwaite", "normal"])
def test_joint_tests_of_the_other_methods(ddf: str) -> None:
    fit = rs.lmm(
        "y ~ arm * time + (1 | subject)",
        pd.read_csv(DATA / "trial_prepost.csv"),
        ddf=ddf,  # type: ignore[arg-type]
    )
    row = fit.contrast([{"timepre": 1.0}, {"armcontrol:timepre": 1.0}]).iloc[0]
    # both are within-subject effects with 24 degrees of freedom
    assert row["den_df"] == pytest.approx(24.0 if ddf == "satterthwaite" else np.inf, rel=1e-6)
    assert 0 < row["p_value"] < 0.05


def test_null_value_and_level(trial: rs.LmmFit) -> None:
    row = trial.contrast({"timepre": 1.0}, null=float(trial.beta[2]), level=0.9).iloc[0]
    assert row["p_value"] == pytest.approx(1.0)
    wide = trial.coefficients.iloc[2]
    assert wide["conf_low"] < row["conf_low"] < row["conf_high"] < wide["conf_high"]


@pytest.mark.parametrize(
    "weights", [{"nothing": 1.0}, [1.0, 2.0], np.zeros(4), [np.nan, 0, 0, 1], {}]
)
def test_bad_contrasts_are_refused(trial: rs.LmmFit, weights: object) -> None:
    with pytest.raises(InputError):
        trial.contrast(weights)


def test_marginal_means_of_a_balanced_trial_are_cell_means(trial: rs.LmmFit) -> None:
    data = pd.read_csv(DATA / "trial_prepost.csv")
    means = trial.emmeans(["arm", "time"])
    cells = data.groupby(["arm", "time"])["y"].mean()
    np.testing.assert_allclose(means.table["estimate"], cells.to_numpy(), rtol=1e-12)
    arms = trial.emmeans("arm")
    np.testing.assert_allclose(
        arms.table["estimate"], data.groupby("arm")["y"].mean().to_numpy(), rtol=1e-12
    )
    pairs = arms.pairs("none")
    assert list(pairs["term"]) == ["backward - control"]
    row = trial.contrast({"armcontrol": -1.0, "armcontrol:timepre": -0.5}).iloc[0]
    np.testing.assert_allclose(pairs["p_value"], row["p_value"], rtol=1e-9)


def test_adjustments_are_ordered_as_they_must_be(trial: rs.LmmFit) -> None:
    means = trial.emmeans(["arm", "time"])
    none, tukey, holm, bonferroni = (
        means.pairs(a)["p_value"].to_numpy()
        for a in ("none", "tukey", "holm", "bonferroni")  # type: ignore[arg-type]
    )
    assert (none <= holm + 1e-15).all()
    assert (holm <= bonferroni + 1e-15).all()
    assert (none <= tukey + 1e-12).all()
    assert (tukey <= bonferroni + 1e-9).all()
    two = trial.emmeans("arm")
    np.testing.assert_allclose(
        two.pairs("tukey")["p_value"], two.pairs("none")["p_value"], rtol=1e-6
    )


def test_numeric_columns_stand_at_their_mean() -> None:
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"g": np.repeat(np.arange(10), 4), "x": rng.normal(3, 1, 40)})
    data["arm"] = np.where(data["g"] % 2 == 0, "a", "b")
    data["y"] = rng.normal(size=40) + data["x"] + np.repeat(rng.normal(size=10), 4)
    plain = rs.lmm("y ~ arm + x + (1 | g)", data).emmeans("arm").table
    centred = rs.lmm("y ~ arm + center(x) + (1 | g)", data).emmeans("arm").table
    scaled = rs.lmm("y ~ arm + scale(x) + (1 | g)", data).emmeans("arm").table
    for other in (centred, scaled):
        np.testing.assert_allclose(other["estimate"], plain["estimate"], rtol=1e-10)
        np.testing.assert_allclose(other["std_error"], plain["std_error"], rtol=1e-7)
    with pytest.raises(InputError, match="not a categorical"):
        rs.lmm("y ~ arm + x + (1 | g)", data).emmeans("x")


def test_likelihood_ratio_refits_by_ml(sleep: pd.DataFrame, slopes: rs.LmmFit) -> None:
    """lme4's anova() on these two models prints 1794.1, 1751.9, chi-squared 42.139, df 2."""
    small = rs.lmm("Reaction ~ Days + (1 | Subject)", sleep)
    table = slopes.compare(small)
    np.testing.assert_allclose(-2 * table["loglik"], [1794.1, 1751.9], atol=0.06)
    assert table["statistic"][1] == pytest.approx(42.139, abs=6e-4)
    assert table["df"][1] == 2
    np.testing.assert_allclose(table["p_value"][1], 7.072e-10, rtol=1e-3)
    null = rs.lmm("Reaction ~ 1 + (Days | Subject)", sleep)
    assert slopes.compare(null)["df"][1] == 1
    with pytest.raises(InputError, match="REML likelihoods"):
        slopes.compare(null, refit=False)
    with pytest.raises(InputError, match="nested"):
        slopes.compare(slopes)
    with pytest.raises(InputError, match="observations"):
        slopes.compare(rs.lmm("Reaction ~ Days + (1 | Subject)", sleep.iloc[:100]))


def test_profile_intervals_are_lme4s(slopes: rs.LmmFit) -> None:
    """confint() of lme4 prints 14.3815 37.7160; -0.4815 0.6850; 3.8012 8.7534; 22.8983 28.8580."""
    table = slopes.conf_int(which="random")
    expected = [[14.3815, 37.7160], [3.8012, 8.7534], [-0.4815, 0.6850], [22.8983, 28.8580]]
    np.testing.assert_allclose(table[["conf_low", "conf_high"]], expected, atol=2e-4)


def test_profile_interval_at_the_boundary() -> None:
    fit = rs.lmm("Yield ~ 1 + (1 | Batch)", pd.read_csv(DATA / "dyestuff2.csv"))
    table = fit.conf_int(which="random")
    assert table["conf_low"][0] == 0.0
    assert table["conf_high"][0] > 1.0
    assert table["conf_low"][1] < fit.sigma < table["conf_high"][1]


def test_bootstrap_intervals_are_near_the_profile(slopes: rs.LmmFit) -> None:
    profile, bootstrap = (
        slopes.conf_int(which="random"),
        slopes.conf_int(which="random", method="bootstrap", draws=2000, seed=3),
    )
    assert list(bootstrap["term"]) == list(profile["term"])
    # REML refits against an ML profile, and 2000 draws: a fifth of the interval's width
    for row in (0, 1, 3):
        width = profile["conf_high"][row] - profile["conf_low"][row]
        for side in ("conf_low", "conf_high"):
            assert abs(bootstrap[side][row] - profile[side][row]) < 0.2 * width
    with pytest.raises(InputError, match="method="):
        slopes.conf_int(which="random", method="wald")


def test_icc() -> None:
    fit = rs.lmm("Yield ~ 1 + (1 | Batch)", pd.read_csv(DATA / "dyestuff.csv"))
    between, within = fit.variance_components["vcov"]
    icc = fit.icc()
    assert icc.estimate == pytest.approx(between / (between + within), rel=1e-12)
    assert 0.0 <= icc.conf_low < icc.estimate < icc.conf_high < 1.0
    with pytest.raises(InputError):
        rs.lmm("Reaction ~ Days + (Days | Subject)", pd.read_csv(DATA / "sleepstudy.csv")).icc()


def test_standardised_effect(trial: rs.LmmFit) -> None:
    total = trial.standardised("timepre")
    sd = np.sqrt(trial.variance_components["vcov"].sum())
    assert total.estimate == pytest.approx(trial.beta[2] / sd, rel=1e-12)
    assert total.conf_low < total.estimate < total.conf_high
    residual = trial.standardised("timepre", by="residual")
    assert residual.estimate == pytest.approx(trial.beta[2] / trial.sigma, rel=1e-12)
    p_value = trial.coefficients["p_value"][2]
    exact = trial.standardised("timepre", level=1 - p_value)  # the interval that touches zero
    assert exact.conf_low == pytest.approx(0.0, abs=1e-6)


def test_the_table_reads(trial: rs.LmmFit) -> None:
    text = repr(trial)
    for word in ("REML", "subject 26", "armcontrol:timepre", "Residual", "kenward-roger"):
        assert word in text
    assert trial.summary() == text
