"""Count models against lme4's glmer (pinned) and statsmodels, and bad input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retrostats.counts.fit import glmm
from retrostats.errors import InputError

REFERENCE = Path(__file__).parent / "reference"
CASES = json.loads((REFERENCE / "glmm.json").read_text())

#: By nodes. With quadrature both solve the same problem to glmer's stopping rule. Its Laplace
#: criterion ends its inner iterations early, so that its answer has a slightly lower likelihood
#: than ours (asserted below) and its finite-difference Hessian is rougher.
ESTIMATE_RTOL = {1: 1e-3, 9: 2e-4, 15: 2e-4}
SE_RTOL = {1: 2e-2, 9: 2e-3, 15: 2e-3}
#: How far the two Laplace log-likelihoods are apart; ours is the higher one.
LOGLIK_ATOL = 1e-3


def read(case) -> pd.DataFrame:
    frame = pd.read_csv(REFERENCE / "data" / f"{case['name']}.csv")
    for name, levels in case["levels"].items():
        frame[name] = pd.Categorical(frame[name].astype(str), levels)
    return frame


def fitted(case):
    options = {"exposure": "hours"} if case["family"] == "poisson" else {}
    formula = case["formula"].replace(" + offset(log(hours))", "")
    return glmm(formula, read(case), family=case["family"], n_agq=case["nAGQ"], **options)


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['name']}-{c['nAGQ']}")
def test_glmer(case) -> None:
    fit = fitted(case)
    table, n = fit.coefficients, case["nAGQ"]
    assert list(table["term"]) == case["terms"]
    assert table["estimate"].to_numpy() == pytest.approx(case["estimate"], rel=ESTIMATE_RTOL[n])
    assert table["std_error"].to_numpy() == pytest.approx(case["std_error"], rel=SE_RTOL[n])
    assert fit.variance_components["sdcor"].iloc[0] == pytest.approx(
        case["vc"][0]["sdcor"], rel=ESTIMATE_RTOL[n]
    )
    assert fit.converged
    assert not fit.singular
    if n == 1:  # with quadrature lme4 leaves constants out of the likelihood
        assert 0 <= fit.loglik - case["loglik"] < LOGLIK_ATOL


def test_no_variance_between_groups_is_a_glm() -> None:
    """Teams differ less than chance allows: the variance is zero and statsmodels' GLM agrees."""
    import statsmodels.api as sm

    rows = pd.DataFrame(
        {"team": np.repeat(list("abcdef"), 2), "arm": ["usual", "warm"] * 6,
         "events": [10, 5, 11, 6, 9, 4, 10, 5, 11, 4, 9, 6], "hours": [100.0] * 12}
    )  # fmt: skip
    fit = glmm("events ~ arm + (1 | team)", rows, exposure="hours")
    design = sm.add_constant((rows["arm"] == "warm").astype(float))
    glm = sm.GLM(
        rows["events"], design, family=sm.families.Poisson(), offset=np.log(rows["hours"])
    ).fit()
    assert fit.singular
    assert fit.beta == pytest.approx(glm.params.to_numpy(), rel=1e-6)
    errors = fit.coefficients["std_error"].to_numpy()
    assert errors == pytest.approx(glm.bse.to_numpy(), rel=1e-5)
    assert fit.ratios()["ratio"].iloc[0] == pytest.approx(0.5, rel=1e-6)


def test_unit_of_exposure_moves_only_the_intercept() -> None:
    case = next(c for c in CASES if c["name"] == "injuries_simulated")
    rows = read(case)
    formula = "injuries ~ direction + (1 | team)"
    hours = glmm(formula, rows, exposure="hours")
    days = glmm(formula, rows.assign(hours=rows["hours"] / 24), exposure="hours")
    assert days.beta[1] == pytest.approx(hours.beta[1], abs=1e-6)
    assert days.beta[0] == pytest.approx(hours.beta[0] + np.log(24), abs=1e-6)


def test_two_groups_by_laplace_recover_what_was_put_in() -> None:
    rng = np.random.default_rng(3)
    team, year = np.meshgrid(np.arange(30), np.arange(10))
    eta = 1.0 + rng.normal(0, 0.5, 30)[team] + rng.normal(0, 0.3, 10)[year]
    rows = pd.DataFrame(
        {"team": team.ravel().astype(str), "year": year.ravel().astype(str),
         "events": rng.poisson(np.exp(eta)).ravel()}
    )  # fmt: skip
    fit = glmm("events ~ 1 + (1 | team) + (1 | year)", rows)
    sd = fit.variance_components.set_index("group")["sdcor"]
    assert sd["team"] == pytest.approx(0.5, abs=0.2)
    assert sd["year"] == pytest.approx(0.3, abs=0.2)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"injuries": -1}, {}, "whole and not negative"),
        ({"injuries": 1.5}, {}, "whole and not negative"),
        ({"hours": 0.0}, {"exposure": "hours"}, "above 0"),
        ({}, {"exposure": "minutes"}, "minutes"),
        ({}, {"family": "gamma"}, "allowed: poisson, binomial"),
    ],
)
def test_bad_input(change, options, message) -> None:
    rows = pd.read_csv(REFERENCE / "data" / "injuries_simulated.csv").assign(**change)
    with pytest.raises(InputError, match=message):
        glmm("injuries ~ direction + (1 | team)", rows, **options)


def test_a_formula_is_never_executed() -> None:
    rows = pd.read_csv(REFERENCE / "data" / "injuries_simulated.csv")
    with pytest.raises(InputError):
        glmm("injuries ~ __import__('os').system('true') + (1 | team)", rows)
