"""`fit.check()` beside performance (R), statsmodels and deletion by hand; broken data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doors.models import (
    cook_of_groups,
    heteroscedasticity,
    inflations,
    normality,
    simulated_residuals,
)
from scipy.stats import kstest

import retrostats as rs
from retrostats import InputError

HERE = Path(__file__).parent / "reference"
FIT = 1e-4  # lme4 stops short of the maximum
EXACT = 1e-8  # the same number by another road


@pytest.fixture(scope="module")
def sleep() -> pd.DataFrame:
    d = pd.read_csv(HERE / "data" / "sleepstudy.csv")
    who = d["Subject"].rank(method="dense").astype(int)
    d["arm"] = [("a", "b", "c")[i % 3] for i in who]
    d["x"] = d["Days"] + ((np.arange(1, len(d) + 1) * 7) % 11) / 3
    return d.astype({"Subject": str})


def said(check: object, name: str) -> pd.Series:
    table = check.table.set_index("check")  # type: ignore[attr-defined]
    return table.loc[name]


def test_inflation_is_that_of_performance(sleep: pd.DataFrame) -> None:
    wanted = json.loads((HERE / "checks.json").read_text())
    fit = rs.lmm("Reaction ~ arm + Days + x + (1 | Subject)", sleep)
    found = inflations(fit)
    assert list(found.index) == wanted["term"]
    # performance gives a term of two columns the square of what is comparable with one
    columns = np.array([2, 1, 1])
    np.testing.assert_allclose(found, np.array(wanted["vif"]) ** (1 / columns), rtol=FIT)
    row = said(fit.check(), "collinearity")
    assert row["verdict"] == ("look" if found.max() >= 5 else "fine")
    twice = sleep.assign(again=sleep["Days"] + 0.01 * sleep["x"])
    row = said(rs.lmm("Reaction ~ Days + again + (1 | Subject)", twice).check(), "collinearity")
    assert row["verdict"] == "look"
    assert "hardly tell it from the other terms" in row["sentence"]


@pytest.mark.parametrize(
    ("formula", "options"),
    [
        ("Reaction ~ Days * arm + (Days | Subject)", {}),
        ("Reaction ~ Days + arm + (1 | Subject)", {"residual": "arm"}),
        ("Reaction ~ Days + arm + (1 | Subject)", {"weights": "x"}),
        ("Reaction ~ Days + arm + (0 + day | Subject)", {"covariance": "ar1"}),
    ],
)
def test_influence_is_that_of_leaving_a_group_out(
    sleep: pd.DataFrame, formula: str, options: dict[str, str]
) -> None:
    rows = sleep.assign(day=sleep["Days"].astype(str), x=sleep["x"] + 1).iloc[3:]
    fit = rs.lmm(formula, rows, **options)  # type: ignore[call-overload]
    found = cook_of_groups(fit)
    drawn = fit.simulate(1, seed=1)  # the covariance of y, independent of how it is computed here
    assert len(drawn) == len(rows)
    x = fit.model.rows.x
    y = fit.model.rows.y
    v = dense_covariance(fit)
    w = np.linalg.inv(v)
    beta = np.linalg.solve(x.T @ w @ x, x.T @ w @ y)
    np.testing.assert_allclose(beta, fit.beta, rtol=1e-6)
    for subject in ("308", "335"):
        keep = (rows["Subject"] != subject).to_numpy()
        part = np.linalg.inv(v[np.ix_(keep, keep)])
        away = beta - np.linalg.solve(x[keep].T @ part @ x[keep], x[keep].T @ part @ y[keep])
        wanted = away @ (x.T @ w @ x) @ away / len(beta)
        np.testing.assert_allclose(found[subject], wanted, rtol=1e-6)


def dense_covariance(fit: rs.LmmFit) -> np.ndarray:
    """V (N, N) of the rows as fitted, from the table of variance components alone."""
    frame, n = fit.model.frame, fit.n_obs
    assert frame is not None
    same = frame["Subject"].to_numpy()[:, None] == frame["Subject"].to_numpy()[None, :]
    if hasattr(fit, "covariance"):
        codes = frame["day"].astype(int).to_numpy()
        return np.where(same, fit.covariance.to_numpy()[np.ix_(codes, codes)], 0.0)
    table = fit.variance_components.set_index(["group", "term", "term2"])["vcov"]
    z = np.ones((n, 1))
    psi = np.array([[table["Subject", "(Intercept)", ""]]])
    if ("Subject", "Days", "") in table.index:
        z = np.column_stack([np.ones(n), frame["Days"]])
        c = table["Subject", "(Intercept)", "Days"]
        psi = np.array([[psi[0, 0], c], [c, table["Subject", "Days", ""]]])
    noise = np.full(n, fit.sigma**2)
    if fit.model.labelled is not None:
        noise = fit.residual_sd.to_numpy()[fit.model.labelled.codes] ** 2
    if fit.model.precision is not None:
        noise = noise / fit.model.precision
    v = np.where(same, z @ psi @ z.T, 0.0) + np.diag(noise)
    root = np.ones(n) if fit.model.precision is None else np.sqrt(fit.model.precision)
    return v * np.outer(root, root)


def test_heteroscedasticity_is_that_of_statsmodels(sleep: pd.DataFrame) -> None:
    stats = pytest.importorskip("statsmodels.stats.diagnostic")
    table = rs.lmm("Reaction ~ Days + (1 | Subject)", sleep).residual_table
    found = heteroscedasticity(table["fitted"].to_numpy(), table["scaled"].to_numpy())
    design = np.column_stack([np.ones(len(table)), table["fitted"]])
    wanted = stats.het_breuschpagan(table["scaled"], design, robust=False)
    np.testing.assert_allclose([found.value, found.p_value], wanted[:2], rtol=EXACT)


def test_each_check_of_a_mixed_model_finds_what_it_looks_for() -> None:
    rng = np.random.default_rng(5)
    rows = pd.DataFrame(
        {"g": np.repeat(np.arange(30), 10).astype(str), "x": np.tile(range(10), 30)}
    )
    person = rng.normal(0, 1, 30)[np.repeat(np.arange(30), 10)]
    noise = rng.normal(0, 1, 300)
    rows["good"] = rows["x"] + person + noise
    rows["skewed"] = rows["x"] + person + np.exp(noise)
    rows["fan"] = rows["x"] + person + noise * (1 + rows["x"])
    rows["typed"] = rows["good"].where(rows.index != 17, 170.0)
    rows["one"] = rows["good"] + np.where(rows["g"] == "3", 8.0 * rows["x"], 0.0)
    checks = {n: rs.lmm(f"{n} ~ x + (1 | g)", rows).check() for n in ("good", "skewed", "fan")}
    checks |= {n: rs.lmm(f"{n} ~ x + (1 | g)", rows).check() for n in ("typed", "one")}
    fine = checks["good"].table.set_index("check")["verdict"].drop("influence")  # of 30 some lean
    assert (fine == "fine").all(), checks["good"]
    assert said(checks["skewed"], "residual normality")["verdict"] == "look"
    fan = said(checks["fan"], "heteroscedasticity")
    assert fan["verdict"] == "look"
    assert "residuals grow with the fitted value" in fan["sentence"]
    assert "row 17 is" in said(checks["typed"], "outliers")["sentence"]
    assert "g above 4 / n = 0.13: 3 (" in said(checks["one"], "influence")["sentence"]
    assert "residual normality" in repr(checks["good"])
    titles = [ax.get_title(loc="left") for ax in checks["fan"].plot().axes]
    assert "Spread: look" in titles
    assert f"Influence: {said(checks['fan'], 'influence')['verdict']}" in titles


def test_simulated_residuals_are_uniform_where_the_model_is_true() -> None:
    rng = np.random.default_rng(2)
    drawn = rng.poisson(0.7, (251, 4000))
    quantiles = simulated_residuals(drawn[0], drawn[1:], rng)
    assert kstest(quantiles, "uniform").pvalue > 0.01  # one seed, not chosen
    assert quantiles.min() > 0
    assert quantiles.max() < 1


def test_each_check_of_counts_finds_what_it_looks_for() -> None:
    rng = np.random.default_rng(7)
    rows = pd.DataFrame(
        {"g": np.repeat(np.arange(40), 10).astype(str), "x": np.tile(range(10), 40)}
    )
    mean = np.exp(1.0 + 0.05 * rows["x"] + rng.normal(0, 0.3, 40)[np.repeat(np.arange(40), 10)])
    rows["good"] = rng.poisson(mean)
    rows["wide"] = rng.poisson(mean * rng.gamma(0.7, 1 / 0.7, 400))
    rows["zeros"] = np.where(rng.random(400) < 0.3, 0, rng.poisson(mean * 3))
    rows["bent"] = rng.poisson(mean * np.exp(0.12 * (rows["x"] - 4.5) ** 2))
    rows["typed"] = rows["good"].where(rows.index != 17, 170)
    checks = {
        n: rs.glmm(f"{n} ~ x + (1 | g)", rows).check(seed=3)
        for n in ("good", "wide", "zeros", "bent", "typed")
    }
    good = checks["good"].table.set_index("check")["verdict"].drop("influence")
    assert (good == "fine").all(), checks["good"]
    for name in ("dispersion", "dispersion in groups", "simulated residuals"):
        assert said(checks["wide"], name)["verdict"] == "look"
    assert "negative-binomial" in said(checks["wide"], "dispersion")["sentence"]
    assert said(checks["zeros"], "zeros")["verdict"] == "look"
    assert said(checks["bent"], "simulated residuals")["verdict"] == "look"
    assert "row 17" in said(checks["typed"], "outliers")["sentence"]
    again = rs.glmm("wide ~ x + (1 | g)", rows, family="negative-binomial").check(seed=3)
    assert said(again, "dispersion")["verdict"] == "fine"
    assert checks["wide"].table.equals(rs.glmm("wide ~ x + (1 | g)", rows).check(seed=3).table)
    assert len(checks["wide"].plot().axes) == 6
    with pytest.raises(InputError, match="draws"):
        rs.glmm("good ~ x + (1 | g)", rows).check(draws=10)


def test_influence_on_counts_is_that_of_a_fit_without_the_group() -> None:
    rows = pd.read_csv(HERE / "data" / "injuries_simulated.csv")
    fit = rs.glmm("injuries ~ direction + (1 | team)", rows, exposure="hours")
    table = fit.check().drawn["influence"]
    rest = rs.glmm(
        "injuries ~ direction + (1 | team)", rows[rows["team"] != "t5"], exposure="hours"
    )
    away = fit.beta - rest.model.holding(fit.theta, None).maximise().beta
    distance = away @ np.linalg.inv(fit.cov_beta) @ away / len(away)
    assert table["t5"] == pytest.approx(distance, rel=1e-4)  # two searches for one maximum


def test_moments_have_no_residuals_to_check(sleep: pd.DataFrame) -> None:
    formula = "Reaction ~ Days + (1 | Subject)"
    with pytest.raises(InputError, match="residuals"):
        rs.lmm(formula, rs.moments(formula, sleep)).check()


def test_effects_that_a_variance_of_0_leaves_equal_tell_nothing_of_normality() -> None:
    found = normality("random effects", "random effects", np.array([1.0, -2.0, 0.5]) * 1e-21)
    assert (found.verdict, bool(np.isnan(found.p_value))) == ("not known", True)
