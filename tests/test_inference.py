"""Contrasts, marginal means, likelihood ratios, intervals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import chdtri

import retrostats as rs
from retrostats import InputError

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


def test_profile_intervals_of_coefficients_are_lme4s(slopes: rs.LmmFit) -> None:
    """confint() of lme4 prints 237.6807 265.1295 and 7.3587 13.5759."""
    table = slopes.conf_int(method="profile")
    assert table["estimate"].to_numpy() == pytest.approx(slopes.beta)
    expected = [[237.6807, 265.1295], [7.3587, 13.5759]]
    np.testing.assert_allclose(table[["conf_low", "conf_high"]], expected, atol=2e-4)
    both = slopes.conf_int(which="all", method="profile")
    assert list(both["term"][:2]) == list(table["term"])


def test_a_coefficient_at_its_profile_limit_has_lost_the_quantile() -> None:
    """By an own fit without the coefficient, its part taken from the outcome."""
    rows = _steep(1.0)
    fit = rs.lmm("y ~ time + (time | subject)", rows)
    best = fit.refit_ml().loglik
    for term, rest in (("time", "1"), ("(Intercept)", "0 + time")):
        low, high = fit.conf_int(method="profile").set_index("term").loc[term].iloc[-2:]
        column = rows["time"] if term == "time" else 1.0
        for end in (low, high):
            held = rs.lmm(
                f"y ~ {rest} + (time | subject)", rows.assign(y=rows["y"] - end * column),
                reml=False,
            )  # fmt: skip
            assert 2 * (best - held.loglik) == pytest.approx(chdtri(1, 0.05), abs=1e-4)


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


#: A minimum over three spreads by the simplex, in units of the deviance.
SIMPLEX = 1e-4


def _steep(sign: float) -> pd.DataFrame:
    """Twenty subjects whose slopes and starts have a correlation of 0.95 or -0.95."""
    rng, time = np.random.default_rng(6), np.arange(6.0)
    starts = rng.multivariate_normal([0, 0], [[4.0, sign * 1.9], [sign * 1.9, 1.0]], size=20)
    y = 10 + starts[:, :1] + (2 + starts[:, 1:]) * time + rng.normal(size=(20, 6))
    who = np.repeat(np.arange(20), 6)
    return pd.DataFrame({"y": y.ravel(), "time": np.tile(time, 20), "subject": who})


def _deviance_at(rows: pd.DataFrame, correlation: float) -> float:
    """ML deviance with a correlation given, the spreads by a search of their own."""
    y, x = rows["y"].to_numpy().reshape(20, 6), np.vander(np.arange(6.0), 2, increasing=True)

    def deviance(logs: np.ndarray) -> float:
        a, b, s = np.exp(logs)
        psi = np.array([[a * a, correlation * a * b], [correlation * a * b, b * b]])
        v = x @ psi @ x.T + s * s * np.eye(6)
        away = y - x @ np.linalg.solve(x.T @ np.linalg.solve(v, x), x.T) @ np.linalg.solve(
            v, y.mean(axis=0)
        )
        rss = float((away * np.linalg.solve(v, away.T).T).sum())
        return 20 * float(np.linalg.slogdet(2 * np.pi * v)[1]) + rss

    options = {"xatol": 1e-7, "fatol": 1e-8, "maxiter": 4000}
    found = minimize(deviance, np.log([2.0, 1.0, 1.0]), method="Nelder-Mead", options=options)
    return float(found.fun)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_profile_of_a_strong_correlation(sign: float) -> None:
    """A sign of the factor once turned that of the correlation: every interval was [-1, 1].

    For the weights of chicks that R ships, `weight ~ Time * Diet + (Time | Chick)`, lme4 prints
    [-1, -0.9013].
    """
    rows = _steep(sign)
    fit = rs.lmm("y ~ time + (time | subject)", rows)
    low, high = fit.conf_int(which="random").loc[2, ["conf_low", "conf_high"]]
    best = -2 * fit.refit_ml().loglik
    assert low * high > 0
    for end in (low, high):
        if abs(end) < 1:
            assert _deviance_at(rows, end) - best == pytest.approx(chdtri(1, 0.05), abs=SIMPLEX)
        else:
            assert _deviance_at(rows, 0.999999 * end) - best < chdtri(1, 0.05)


@pytest.fixture(scope="module")
def several() -> pd.DataFrame:
    rng, n = np.random.default_rng(1), 160
    rows = pd.DataFrame({"g": np.repeat(np.arange(20), 8), "f": np.tile(list("aabbccdd"), 20)})
    rows["h"], rows["w"] = rng.integers(0, 12, n), rng.uniform(0.5, 2, n)
    rows["x"], rows["z"] = rng.normal(size=n), rng.normal(size=n)
    level = rng.normal(size=20)[rows["g"]] + 0.5 * rng.normal(size=20)[rows["g"]] * rows["x"]
    return rows.assign(y=rows["x"] + level + rng.normal(size=12)[rows["h"]] + rng.normal(size=n))


@pytest.mark.parametrize(
    ("one", "two", "df"),
    [
        ("y ~ x + (x||g)", "y ~ x + (x|g)", 1),
        ("y ~ 1 + (1|g) + (1|g:f)", "y ~ 1 + (0+f|g)", 8),
        ("y ~ x + (1|g)", "y ~ poly(x,3) + (1|g)", 2),
        ("y ~ center(x) + (1|g)", "y ~ x + z + (1|g)", 1),
        ("y ~ 0 + f + (1|g)", "y ~ f*x + (1|g)", 4),
        ("y ~ offset(x) + (1|g)", "y ~ x + (1|g)", 1),
        ("y ~ x + (1|h)", "y ~ x + (1|g/f) + (1|h)", 2),
    ],
)
def test_models_of_other_words_may_be_nested(several, one: str, two: str, df: int) -> None:
    for first, second in ((one, two), (two, one)):
        table = rs.lmm(first, several).compare(rs.lmm(second, several))
        assert table["df"][1] == df
        assert table["formula"].tolist() == [one, two]


@pytest.mark.parametrize(
    ("one", "two", "says"),
    [
        ("y ~ z + (1|g)", "y ~ x + f + (1|g)", "not the fixed effect z"),
        ("y ~ x + (1|g)", "y ~ 0 + x + z + (x|g)", None),
        ("y ~ x + (1|g)", "y ~ x*z + (1|h)", "not the random effects of g"),
        ("y ~ x + (1|h)", "y ~ x + (x|g)", "not the random effects of h"),
        ("y ~ 1 + (1|g:f)", "y ~ 1 + (x|g)", "not the random effects of g:f"),
        ("y ~ x + (1|g)", "y ~ x + (0+x|g) + (0+z|g)", "not the random effects of g"),
        ("y ~ offset(z) + (1|g)", "y ~ x + f + (1|g)", "outcomes of the models differ"),
    ],
)
def test_models_that_are_not_nested_are_refused(several, one: str, two: str, says) -> None:
    """The statistic was cut at 0 and p was 1; a positive one meant nothing either."""
    fits = [rs.lmm(one, several), rs.lmm(two, several)]
    for first, second in (fits, fits[::-1]):
        with pytest.raises(InputError, match=says or "not the fixed effect"):
            first.compare(second)


def test_fits_to_other_numbers_are_not_compared(several: pd.DataFrame) -> None:
    large = rs.lmm("y ~ x + z + (1|g)", several)
    with pytest.raises(InputError, match="outcomes of the models differ"):
        rs.lmm("y ~ x + (1|g)", several.assign(y=several["y"].to_numpy()[::-1])).anova(large)
    with pytest.raises(InputError, match="weights= differ"):
        rs.lmm("y ~ x + (1|g)", several, weights="w").anova(large)
    with pytest.raises(InputError, match="not the fixed effect z"):
        rs.lmm("y ~ x + (1|g)", several, residual="f").anova(large)
    assert large.anova(rs.lmm("y ~ x + z + (1|g)", several, residual="f"))["df"][1] == 3
    held = rs.moments("y ~ f + (1 | g)", several)
    fits = [rs.lmm(f"y ~ {right} + (1 | g)", held) for right in ("1", "f")]
    assert fits[0].anova(fits[1])["df"][1] == 3
