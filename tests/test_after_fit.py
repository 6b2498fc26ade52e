"""What is asked of a fitted mixed model, against lme4, lmerTest and emmeans (`after_fit.R`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import retrostats as rs
from retrostats import InputError

REFERENCE = Path(__file__).parent / "reference"
# lme4's optimiser and ours stop near the same theta: what depends on it agrees as far.
THETA_RTOL = 5e-6  # estimates, sigma, fitted values; worst seen 1.6e-6
SPREAD_RTOL = 2e-5  # errors of the effects, leverages; worst seen 6.8e-6
ERRORS = 1e-5  # estimates that may be near 0, in standard errors; worst seen 2.3e-6
MODES_ATOL = 1e-3  # random effects and residuals that may be near 0, of a sigma of 25; 4.9e-4
KR_RTOL = 1e-4  # df, F and p with a random slope; worst seen 6.6e-5
LOGLIK_RTOL = 1e-9  # flat at the optimum; worst seen 3e-12
EXACT = 1e-8  # algebra of one fit, or a criterion with one theta; worst seen 8e-9


@pytest.fixture(scope="module")
def answers() -> Any:
    return json.loads((REFERENCE / "after_fit.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def sleep() -> pd.DataFrame:
    """The rows of `after_fit.R`."""
    rows = pd.read_csv(REFERENCE / "data" / "sleepstudy.csv")
    subject = np.unique(rows["Subject"], return_inverse=True)[1] + 1
    row = np.arange(1, len(rows) + 1)
    rows["arm"] = np.array(["a", "b", "c"])[subject % 3]
    rows["sex"] = np.array(["f", "m"])[subject % 2]
    rows["w"] = 0.5 + (row * 7 % 11) / 4
    rows["o"] = row * 5 % 13 - 6
    return rows.drop(index=[2, 16, 19, 54, 55, 89])


@pytest.fixture(scope="module")
def weighted(sleep: pd.DataFrame) -> rs.LmmFit:
    return rs.lmm("Reaction ~ Days * arm + sex + offset(o) + (Days | Subject)", sleep, weights="w")


def test_weights_and_offset(weighted: rs.LmmFit, answers: Any) -> None:
    found = answers["weighted"]
    error = weighted.coefficients["std_error"]
    assert_allclose(weighted.beta / error, found["estimate"] / error, atol=ERRORS)
    assert_allclose(weighted.loglik, found["loglik"], rtol=LOGLIK_RTOL)
    assert_allclose(weighted.sigma, found["sigma"], rtol=THETA_RTOL)


def test_random_effects_with_their_errors(weighted: rs.LmmFit, answers: Any) -> None:
    found = answers["weighted"]["modes"]
    ours = weighted.ranef()
    assert ours["level"].tolist() == found["level"]
    assert ours["term"].tolist() == found["term"]
    assert_allclose(ours["estimate"], found["estimate"], atol=MODES_ATOL)
    assert_allclose(ours["std_error"], found["std_error"], rtol=SPREAD_RTOL)


def test_fitted_values_residuals_and_leverage(
    weighted: rs.LmmFit, answers: Any, sleep: pd.DataFrame
) -> None:
    found, table = answers["weighted"], weighted.residual_table
    assert table.index.equals(sleep.index)
    assert_allclose(weighted.fitted, found["fitted"], rtol=THETA_RTOL)
    assert_allclose(table["pearson"], found["pearson"], atol=MODES_ATOL)
    assert_allclose(table["leverage"], found["leverage"], rtol=SPREAD_RTOL)
    assert_allclose(weighted.fitted + weighted.residuals, sleep["Reaction"], rtol=EXACT)
    assert_allclose(table["scaled"] * weighted.sigma, table["pearson"], rtol=EXACT)


def test_predictions_of_new_rows(weighted: rs.LmmFit, answers: Any) -> None:
    new = pd.DataFrame(
        {"Days": [2.5, 11], "arm": "b", "sex": "f", "Subject": [308, 309], "o": [1, 2]}
    )
    found = answers["weighted"]
    assert_allclose(weighted.predict(new)["estimate"], found["conditional"], rtol=THETA_RTOL)
    population = weighted.predict(new.drop(columns="Subject"), random=False)
    assert_allclose(population["estimate"], found["population"], rtol=THETA_RTOL)


def test_predictions_of_the_rows_are_the_fitted_values(
    weighted: rs.LmmFit, sleep: pd.DataFrame
) -> None:
    assert_allclose(weighted.predict()["estimate"], weighted.fitted, rtol=EXACT)
    assert_allclose(weighted.predict(sleep)["estimate"], weighted.fitted, rtol=EXACT)


def test_prediction_errors_equal_a_dense_covariance(sleep: pd.DataFrame) -> None:
    """Henderson's equations, written out with every matrix dense."""
    fit = rs.lmm("Reaction ~ Days + (Days | Subject)", sleep, ddf="normal")
    x = np.column_stack([np.ones(len(sleep)), sleep["Days"]])
    codes = np.unique(sleep["Subject"], return_inverse=True)[1]
    z = np.zeros((len(sleep), 36))
    z[np.arange(len(sleep)), 2 * codes] = 1
    z[np.arange(len(sleep)), 2 * codes + 1] = sleep["Days"]
    vc = fit.variance_components
    psi = np.diag(vc["vcov"].to_numpy()[:2])
    psi[0, 1] = psi[1, 0] = vc["vcov"].to_numpy()[2]
    ginv = np.kron(np.eye(18), np.linalg.inv(psi))
    both, s2 = np.hstack([x, z]), fit.sigma**2
    system = both.T @ both / s2
    system[2:, 2:] += ginv
    error = np.sqrt(np.einsum("ij,jk,ik->i", both, np.linalg.inv(system), both))
    assert_allclose(fit.predict()["std_error"], error, rtol=EXACT)


def test_a_new_level_has_the_effect_zero_and_its_variance(weighted: rs.LmmFit) -> None:
    new = pd.DataFrame({"Days": [1.0], "arm": "a", "sex": "m", "Subject": [999], "o": [0]})
    with pytest.raises(InputError, match=r"Subject '999' was not in the fit"):
        weighted.predict(new)
    guess = weighted.predict(new, allow_new_levels=True)
    mean = weighted.predict(new, random=False)
    assert_allclose(guess["estimate"], mean["estimate"], rtol=EXACT)
    assert_allclose(guess["pred_high"], mean["pred_high"], rtol=EXACT)
    assert (guess["std_error"] > mean["std_error"]).all()


def test_predictions_refuse_what_they_do_not_know(weighted: rs.LmmFit) -> None:
    new = pd.DataFrame({"Days": [1.0], "arm": "d", "sex": "m", "Subject": [308], "o": [0]})
    with pytest.raises(InputError, match="'arm' has d, which the fit has not seen; it has: a, b"):
        weighted.predict(new)
    with pytest.raises(InputError, match="no column 'sex'"):
        weighted.predict(new.assign(arm="a").drop(columns="sex"))
    with pytest.raises(InputError, match="random=False predicts for the population"):
        weighted.predict(new.assign(arm="a").drop(columns="Subject"))


def test_a_missing_value_predicts_nothing_and_drops_nothing(weighted: rs.LmmFit) -> None:
    new = pd.DataFrame(
        {"Days": [1.0, np.nan], "arm": "a", "sex": "m", "Subject": 308, "o": 0}, index=[7, 9]
    )
    out = weighted.predict(new)
    assert out.index.tolist() == [7, 9]
    assert out.notna().all(axis=1).tolist() == [True, False]


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("sum_coded", "Reaction ~ ns(Days, 3) + C(arm, contr.sum) + (1 | Subject)"),
        ("helmert", "Reaction ~ bs(Days, df=4) * sex + C(arm, Helmert) + (1 | Subject)"),
        ("polynomial", "Reaction ~ poly(Days, 3) + (Days | Subject)"),
    ],
)
def test_bases_and_codings(name: str, formula: str, sleep: pd.DataFrame, answers: Any) -> None:
    found = answers[name]
    fit = rs.lmm(formula, sleep)
    error = fit.coefficients["std_error"]
    assert_allclose(fit.beta / error, found["estimate"] / error, atol=ERRORS)
    assert_allclose(fit.loglik, found["loglik"], rtol=LOGLIK_RTOL)


@pytest.mark.parametrize("kind", ["I", "II", "III"])
@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("anova_slopes", "Reaction ~ Days * arm + sex + (Days | Subject)"),
        ("anova_factors", "Reaction ~ sex * arm + Days + (1 | Subject)"),
    ],
)
def test_f_tests_of_terms(
    name: str, formula: str, kind: str, sleep: pd.DataFrame, answers: Any
) -> None:
    found, ours = answers[name][kind], rs.lmm(formula, sleep).anova(kind)
    assert ours["term"].tolist() == found["term"]
    assert_allclose(ours["num_df"], found["num_df"])
    for column in ("den_df", "statistic", "p_value"):
        assert_allclose(ours[column], found[column], rtol=KR_RTOL)


def test_type_three_does_not_depend_on_the_coding(sleep: pd.DataFrame) -> None:
    plain = rs.lmm("Reaction ~ sex * arm + Days + (1 | Subject)", sleep).anova("III")
    coded = rs.lmm(
        "Reaction ~ C(sex, Sum) * C(arm, Treatment('b')) + Days + (1 | Subject)", sleep
    ).anova("III")
    assert_allclose(plain["statistic"], coded["statistic"], rtol=EXACT)


def test_means_on_the_scale_of_the_outcome(sleep: pd.DataFrame, answers: Any) -> None:
    fit = rs.lmm("log(Reaction) ~ Days * arm + sex + (1 | Subject)", sleep)
    means, found = fit.emmeans("arm", at={"Days": 3}, type="response"), answers["means_response"]
    for ours, theirs in (
        ("estimate", "response"), ("std_error", "SE"), ("df", "df"), ("conf_low", "lower.CL"),
        ("conf_high", "upper.CL"),
    ):  # fmt: skip
        assert_allclose(means.table[ours], found[theirs], rtol=EXACT)
    ratios, found = means.pairs(), answers["ratios"]
    assert ratios["term"].tolist() == found["contrast"]
    for ours, theirs in (
        ("estimate", "ratio"), ("conf_low", "lower.CL"), ("conf_high", "upper.CL"),
    ):  # fmt: skip
        assert_allclose(ratios[ours], found[theirs], rtol=EXACT)


def test_simultaneous_intervals_and_a_grid(sleep: pd.DataFrame, answers: Any) -> None:
    fit = rs.lmm("log(Reaction) ~ Days * arm + sex + (1 | Subject)", sleep)
    found = answers["sidak"]
    pairs = fit.emmeans("arm", at={"Days": [1, 7]}).pairs("sidak")
    assert_allclose(pairs["conf_low"], found["lower.CL"], rtol=EXACT)
    grid = fit.emmeans(["arm", "Days"], at={"Days": [1, 7], "arm": ["a", "c"]}).table
    ours = grid.sort_values(["arm", "Days"])
    theirs = pd.DataFrame(answers["grid"]).sort_values(["arm", "Days"])
    assert_allclose(ours["estimate"], theirs["emmean"], rtol=THETA_RTOL)
    with pytest.raises(InputError, match="needs at="):
        fit.emmeans("Days")


def test_a_reference_level_is_chosen(sleep: pd.DataFrame) -> None:
    fit = rs.lmm("Reaction ~ C(arm, Treatment('c')) + (1 | Subject)", sleep)
    assert fit.terms[1:] == ("C(arm, Treatment('c'))a", "C(arm, Treatment('c'))b")
    with pytest.raises(InputError, match="no level 'd'; 'arm' has a, b, c"):
        rs.lmm("Reaction ~ C(arm, Treatment('d')) + (1 | Subject)", sleep)


def test_r_squared_by_hand(sleep: pd.DataFrame) -> None:
    fit = rs.lmm("Reaction ~ Days + (1 | Subject)", sleep)
    fixed = np.var(fit.beta[1] * sleep["Days"], ddof=1)
    subject, residual = fit.variance_components["vcov"]
    total = fixed + subject + residual
    assert_allclose(fit.r_squared.marginal, fixed / total, rtol=EXACT)
    assert_allclose(fit.r_squared.conditional, (fixed + subject) / total, rtol=EXACT)


def test_simulated_outcomes_have_the_moments_of_the_model(weighted: rs.LmmFit) -> None:
    drawn = weighted.simulate(4000, seed=3)
    mean = weighted.predict(random=False)["estimate"]
    spread = drawn.std(axis=1)
    assert np.abs((drawn.mean(axis=1) - mean) / (spread / np.sqrt(4000))).max() < 4.5
    wide = weighted.predict(random=False)
    assert drawn.equals(weighted.simulate(4000, seed=3))
    assert wide.index.equals(drawn.index)
    again = weighted.refit(drawn["sim_1"].to_numpy())
    assert again.converged


def test_a_fit_from_moments_has_no_rows(sleep: pd.DataFrame) -> None:
    formula = "Reaction ~ Days + (1 | Subject)"
    fit = rs.lmm(formula, rs.moments(formula, sleep))
    for ask in (fit.ranef, fit.plot, fit.predict, fit.simulate):
        with pytest.raises(InputError, match="fitted to moments"):
            ask()
    assert len(fit.predict(sleep, random=False)) == len(sleep)


def test_moments_carry_an_offset(sleep: pd.DataFrame) -> None:
    formula = "Reaction ~ Days + offset(o) + (1 | Subject)"
    from_rows, reduced = rs.lmm(formula, sleep), rs.lmm(formula, rs.moments(formula, sleep))
    assert_allclose(from_rows.beta, reduced.beta, rtol=EXACT)
    without = rs.lmm("Reaction ~ Days + (1 | Subject)", sleep)
    assert abs(from_rows.beta - without.beta).max() > 1e-3


def test_residual_strata_have_effects_and_residuals(sleep: pd.DataFrame) -> None:
    """Strata weigh rows as known weights in the same proportion do."""
    fit = rs.lmm("Reaction ~ Days + (1 | Subject)", sleep, residual="sex")
    spread = sleep["sex"].map(fit.residual_sd).to_numpy()
    same = rs.lmm("Reaction ~ Days + (1 | Subject)", sleep, weights=1 / spread**2)
    assert_allclose(fit.ranef()["estimate"], same.ranef()["estimate"], atol=MODES_ATOL)
    assert_allclose(fit.residual_table["scaled"], same.residual_table["scaled"], atol=MODES_ATOL)


def test_kenward_roger_with_weights_is_that_of_the_same_model_without() -> None:
    """Rows times the roots of their weights have the same likelihood and no weights.

    pbkrtest's df of those rows are pinned; its df of the weighted fit (661 for 180 rows) take the
    residual covariance for that of unweighted rows.
    """
    reference = json.loads((REFERENCE / "kr_weights.json").read_text())
    rows = pd.read_csv(REFERENCE / "data" / "sleepstudy.csv")
    rows["w"] = np.resize(reference["weights"], len(rows))
    root = np.sqrt(rows["w"])
    plain = pd.DataFrame(
        {"y": root * rows["Reaction"], "i": root, "x": root * rows["Days"], "z": root,
         "Subject": rows["Subject"]}
    )  # fmt: skip
    ours = rs.lmm("Reaction ~ Days + (1 | Subject)", rows, weights="w").coefficients
    same = rs.lmm("y ~ 0 + i + x + (0 + z | Subject)", plain).coefficients
    for name, rtol in (("estimate", 1e-9), ("std_error", 1e-6), ("df", 1e-6)):
        assert_allclose(ours[name], same[name], rtol=rtol)
        assert_allclose(ours[name], reference[name], rtol=max(rtol, 1e-6))
    assert max(reference["df_of_pbkrtest_with_weights"]) > len(rows)


@pytest.mark.parametrize("weights", [0.0, -1.0, np.inf])
def test_weights_are_above_zero(weights: float, sleep: pd.DataFrame) -> None:
    w = np.ones(len(sleep))
    w[5] = weights
    with pytest.raises(InputError):
        rs.lmm("Reaction ~ Days + (1 | Subject)", sleep, weights=w)


def test_an_offset_is_never_left_out_without_a_word(sleep: pd.DataFrame) -> None:
    counts = sleep.assign(n=np.round(sleep["Reaction"] / 50), e=np.log(sleep["w"]))
    by_offset = rs.glmm("n ~ Days + offset(e) + (1 | Subject)", counts)
    by_exposure = rs.glmm("n ~ Days + (1 | Subject)", counts, exposure="w")
    assert_allclose(by_offset.beta, by_exposure.beta, rtol=EXACT)
    with pytest.raises(InputError, match=r"offset\(\) is not taken"):
        rs.lmm("Reaction ~ Days + offset(o) + (1 | Subject)", sleep, variances="w")
    with pytest.raises(InputError, match="stands alone"):
        rs.lmm("Reaction ~ Days:offset(o) + (1 | Subject)", sleep)


def test_the_picture_draws_every_row(weighted: rs.LmmFit, sleep: pd.DataFrame) -> None:
    a, b, c, d = weighted.plot().axes
    assert len(a.collections[0].get_offsets()) == len(sleep)
    assert_allclose(a.collections[0].get_offsets()[:, 1], weighted.residual_table["scaled"])
    assert len(b.collections[-1].get_offsets()) == len(sleep)
    assert len(c.collections[-1].get_offsets()) == 18
    assert_allclose(d.collections[0].get_offsets()[:, 0], weighted.residual_table["leverage"])


@pytest.mark.filterwarnings("ignore")  # pingouin's calls of pandas are deprecated there
def test_f_tests_and_intraclass_correlation_are_those_of_pingouin() -> None:
    import pingouin as pg

    rng = np.random.default_rng(1)
    rows = pd.DataFrame(
        [(s, a, v) for s, a in zip(range(12), "ab" * 6, strict=True) for v in ("v1", "v2", "v3")],
        columns=["subject", "arm", "visit"],
    )
    person = rng.normal(0, 2, 12)[rows["subject"]]
    rows["y"] = person + (rows["arm"] == "b") * (rows["visit"] == "v3") + rng.normal(size=36)
    theirs = pg.mixed_anova(rows, dv="y", within="visit", between="arm", subject="subject")
    ours = rs.lmm("y ~ arm * visit + (1 | subject)", rows).anova("III")
    assert_allclose(ours["statistic"], theirs["F"], rtol=1e-6)
    assert_allclose(ours["den_df"], theirs["DF2"], rtol=1e-6)
    rated = pg.intraclass_corr(rows, targets="subject", raters="visit", ratings="y")
    wanted = rated.loc[rated["Type"].isin(["ICC3", "ICC(C,1)"]), "ICC"].iloc[0]
    found = rs.lmm("y ~ visit + (1 | subject)", rows).icc()
    assert_allclose(found.estimate, wanted, rtol=1e-6)


def test_weights_together_with_residual_strata() -> None:
    """Weights that a stratum has in common go into its variance, and nothing else changes."""
    rng = np.random.default_rng(2)
    who = rng.integers(0, 30, 400)
    frame = pd.DataFrame({"subject": who, "x": rng.normal(size=400)})
    frame["arm"] = rng.choice(list("abc"), 400)
    spread = frame["arm"].map({"a": 1.0, "b": 2.0, "c": 0.6})
    frame["y"] = 5 + rng.normal(size=30)[who] + frame["x"] + spread * rng.normal(size=400)
    weight = frame["arm"].map({"a": 1.0, "b": 0.5, "c": 3.0})
    formula = "y ~ x + arm + (x | subject)"
    plain = rs.lmm(formula, frame, residual="arm")
    fit = rs.lmm(formula, frame.assign(w=weight), residual="arm", weights="w")
    assert fit.loglik == pytest.approx(plain.loglik, rel=1e-12)
    np.testing.assert_allclose(
        fit.residual_sd / plain.residual_sd, [1, 0.5**0.5, 3**0.5], rtol=1e-7
    )
    columns = ["estimate", "std_error", "df"]
    np.testing.assert_allclose(fit.coefficients[columns], plain.coefficients[columns], rtol=1e-6)
    np.testing.assert_allclose(fit.ranef()[columns[:2]], plain.ranef()[columns[:2]], rtol=1e-5)
    np.testing.assert_allclose(fit.predict().to_numpy(), plain.predict().to_numpy(), rtol=1e-5)
    one, other = fit.residual_table, plain.residual_table
    same = ["fitted", "response", "marginal", "leverage"]
    np.testing.assert_allclose(one[same], other[same], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(one["scaled"], other["scaled"], rtol=1e-4, atol=1e-5)
    drawn = [f.simulate(3, seed=4).to_numpy() for f in (fit, plain)]
    np.testing.assert_allclose(drawn[0], drawn[1], rtol=1e-5)
    assert fit.refit(frame["y"].to_numpy()).loglik == pytest.approx(fit.loglik, rel=1e-9)
