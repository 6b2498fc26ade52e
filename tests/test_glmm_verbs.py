"""Models of counts answer to the verbs of mixed models; beside lme4 and car (`glmm_verbs.R`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import retrostats as rs
from retrostats import InputError

HERE = Path(__file__).parent / "reference"
R: dict[str, Any] = json.loads((HERE / "glmm_verbs.json").read_text())
WALD = 3e-4  # glmer's covariance is a Hessian by differences, with noise (2% at its default)
PROFILE = 2e-3  # lme4 interpolates its profile
EXACT = 1e-6


@pytest.fixture(scope="module")
def herds() -> pd.DataFrame:
    rows = pd.read_csv(HERE / "data" / "cbpp.csv").astype({"period": str, "herd": str})
    order = {name: i + 1 for i, name in enumerate(sorted(rows["herd"].unique(), key=int))}
    rows["half"] = ["x" if order[h] % 2 == 0 else "y" for h in rows["herd"]]
    return rows


@pytest.fixture(scope="module")
def full(herds: pd.DataFrame) -> rs.GlmmFit:
    text = "cbind(incidence, size - incidence) ~ period * half + (1 | herd)"
    return rs.glmm(text, herds, family="binomial")


@pytest.fixture(scope="module")
def small(herds: pd.DataFrame) -> rs.GlmmFit:
    text = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    return rs.glmm(text, herds, family="binomial")


@pytest.fixture(scope="module")
def injuries() -> rs.GlmmFit:
    rows = pd.read_csv(HERE / "data" / "injuries_simulated.csv")
    return rs.glmm("injuries ~ direction + (1 | team)", rows, exposure="hours")


def test_terms_are_tested_as_by_car(full: rs.GlmmFit) -> None:
    for kind, skipped in (("III", 1), ("II", 0)):
        table, wanted = full.anova(kind), R[kind]
        assert table["term"].tolist() == wanted["term"][skipped:]
        np.testing.assert_allclose(table["statistic"], wanted["chisq"][skipped:], rtol=WALD)
        np.testing.assert_allclose(table["p_value"], wanted["p"][skipped:], rtol=5 * WALD)
    with pytest.raises(InputError, match="allowed for counts: II, III"):
        full.anova("I")


def test_models_are_compared_by_likelihood(full: rs.GlmmFit, small: rs.GlmmFit) -> None:
    for table in (full.anova(small), small.compare(full)):
        row = table.iloc[1]
        np.testing.assert_allclose(row["statistic"], R["lr"]["statistic"], rtol=1e-4)
        np.testing.assert_allclose(row["p_value"], R["lr"]["p"], rtol=1e-4)
        assert row["df"] == R["lr"]["df"]


def test_profiles_of_spread_and_effects_are_lme4s(small: rs.GlmmFit, injuries: rs.GlmmFit) -> None:
    for fit, name in ((small, "profile_binomial"), (injuries, "profile_poisson")):
        table = fit.conf_int(which="all", method="profile")
        spread = table[table["term"].str.startswith("sd_")]
        fixed = table[~table["term"].str.startswith("sd_")]
        found = pd.concat([spread, fixed])
        for ours, theirs in (("conf_low", "low"), ("conf_high", "high")):
            wanted = np.array(R[name][theirs])
            np.testing.assert_allclose(found[ours], wanted, rtol=PROFILE, atol=PROFILE)


def test_contrasts_are_walds(full: rs.GlmmFit) -> None:
    z = full.coefficients.iloc[2]
    row = full.contrast({full.terms[2]: 1.0}).iloc[0]
    for name in ("estimate", "std_error", "statistic", "p_value", "conf_low"):
        assert row[name] == pytest.approx(z[name], rel=EXACT)
    joint = full.contrast(np.eye(8)[5:]).iloc[0]
    last = full.anova("III").iloc[2]
    assert joint["statistic"] == pytest.approx(last["statistic"], rel=EXACT)


def test_the_profile_is_taken_where_wald_fails(small: rs.GlmmFit) -> None:
    plain = small.conf_int()
    assert set(plain.attrs["method"]) == {"wald"}
    assert plain.equals(small.conf_int(method="wald"))
    rows = pd.DataFrame(
        {"g": list("aabbccddee"), "arm": [0, 1] * 5, "y": [9, 0, 7, 1, 12, 0, 8, 0, 10, 0]}
    )
    fit = rs.glmm("y ~ arm + (1 | g)", rows)
    table = fit.conf_int()
    assert table.attrs["method"][1] == "profile"
    np.testing.assert_allclose(
        table.iloc[1, 2:].astype(float), fit.conf_int(method="profile").iloc[1, 2:].astype(float)
    )
    wald = fit.conf_int(method="wald").iloc[1]
    assert table["conf_low"].iloc[1] < wald["conf_low"] - 0.5  # the likelihood falls slowly there


def test_shares_of_variance_on_the_link(small: rs.GlmmFit, injuries: rs.GlmmFit) -> None:
    tau2 = float(small.theta[0]) ** 2
    part = small.icc()
    assert part.estimate == pytest.approx(tau2 / (tau2 + np.pi**2 / 3), rel=EXACT)
    assert part.estimate == pytest.approx(R["icc_binomial"], rel=1e-4)
    low, high = small.conf_int(which="random")[["conf_low", "conf_high"]].iloc[0]
    assert part.conf_high == pytest.approx(high**2 / (high**2 + np.pi**2 / 3), rel=EXACT)
    assert part.conf_low == pytest.approx(low**2 / (low**2 + np.pi**2 / 3), rel=EXACT)
    found = small.r_squared
    # performance takes the variance of the fixed part over N, here over N - 1 as MuMIn does
    np.testing.assert_allclose([found.marginal, found.conditional], R["r2_binomial"], rtol=0.02)
    tau2 = float(injuries.theta[0]) ** 2
    mean = np.exp(np.mean(injuries.model.offset + injuries.model.x @ injuries.beta) + tau2 / 2)
    wanted = tau2 / (tau2 + np.log1p(1 / mean))
    assert injuries.icc(group="team").estimate == pytest.approx(wanted, rel=EXACT)


def test_refits_and_bootstrap(injuries: rs.GlmmFit) -> None:
    again = injuries.refit(injuries.model.family.y)
    np.testing.assert_allclose(again.beta, injuries.beta, rtol=1e-5)
    table = injuries.bootstrap(60, seed=4)
    assert table.equals(injuries.bootstrap(60, seed=4))
    assert list(table.columns) == [*injuries.terms, "sd_team_(Intercept)"]
    # 60 draws: a standard deviation is within 30% of the error with 99.9% chance
    np.testing.assert_allclose(
        table[list(injuries.terms)].std(), np.sqrt(np.diag(injuries.cov_beta)), rtol=0.35
    )
    row = injuries.conf_int(which="random", method="bootstrap", draws=60, seed=4).iloc[0]
    assert row["conf_high"] == pytest.approx(np.nanpercentile(table["sd_team_(Intercept)"], 97.5))
    assert len(injuries.plot().axes) == 6


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda f, o: f.compare(o), "different counts"),
        (lambda f, o: f.compare(3), "compared with another, found int"),
        (lambda f, o: f.conf_int(which="random", method="wald"), "no symmetric interval"),
        (lambda f, o: f.refit([1.0, 2.0]), "need 56 whole numbers"),
        (lambda f, o: f.refit(np.full(56, 99.0)), "more than the trials"),
        (lambda f, o: f.icc(group="cow"), "the model has: herd"),
        (lambda f, o: f.bootstrap(3), "draws"),
        (lambda f, o: f.contrast({"x": 1.0}), "no coefficient 'x'"),
    ],
)
def test_what_cannot_be_asked_is_said(
    small: rs.GlmmFit, injuries: rs.GlmmFit, ask: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        ask(small, injuries)


def test_a_model_is_nested_in_its_family_and_trials_too(herds: pd.DataFrame) -> None:
    """A negative binomial has one parameter more than Poisson, whatever its other terms."""
    rows = pd.read_csv(HERE / "data" / "injuries_simulated.csv")
    wide = rs.glmm("injuries ~ direction * team", rows, exposure="hours")
    narrow = rs.glmm("injuries ~ 1", rows, exposure="hours", family="negative-binomial")
    with pytest.raises(InputError, match="not nested"):
        wide.compare(narrow)
    with_alpha = rs.glmm("injuries ~ direction", rows, exposure="hours", family="negative-binomial")
    without = rs.glmm("injuries ~ direction", rows, exposure="hours")
    assert with_alpha.compare(without)["df"].iloc[1] == 1
    one, two = (
        rs.glmm(f"cbind(incidence, rest) ~ {x}", herds.assign(rest=herds["size"] + more),
                family="binomial")
        for x, more in (("period", 1), ("1", 2))
    )  # fmt: skip
    with pytest.raises(InputError, match="different counts"):
        one.compare(two)


def test_type_two_leaves_products_with_numbers_out_as_car() -> None:
    frame = pd.DataFrame({"y": [3, 5, 2, 8, 6, 9, 4, 12], "arm": list("abababab"),
                          "x": [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0]})  # fmt: skip
    fit = rs.glmm("y ~ arm * x", frame)
    table = fit.anova("II").set_index("term")
    both, above = fit.contrast(np.eye(4)[[1, 3]]), fit.contrast(np.eye(4)[[3]])
    difference = both["statistic"].iloc[0] - above["statistic"].iloc[0]
    assert table.loc["arm", "statistic"] == pytest.approx(difference, rel=EXACT)
