"""Every case of R's answers: lme4 1.1-31, lmerTest, pbkrtest (tests/reference/lmm.json)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import retrostats as rs

REFERENCE = Path(__file__).parent / "reference"
CASES = json.loads((REFERENCE / "lmm.json").read_text())

ESTIMATE_RTOL = 1e-7  # lme4 stops its optimiser early; estimates hardly depend on theta
LOGLIK_RTOL = 1e-7  # flat at the optimum: the same to 1e-15 in practice
SE_RTOL = 1e-5  # depends on theta: lme4's stopping rule leaves 1e-7
DF_RTOL = 1e-3  # lmerTest differentiates numerically
VC_RTOL = 1e-4  # square of theta, at lme4's stopping rule


def _case_id(case: dict) -> str:
    return f"{case['name']}-{'reml' if case['reml'] else 'ml'}-{case['formula']}-{case['n']}"


def _data(case: dict) -> pd.DataFrame:
    data = pd.read_csv(REFERENCE / "data" / f"{case['name']}.csv")
    if "drop_rows_1based" in case:
        data = data.drop(index=[i - 1 for i in case["drop_rows_1based"]])
    for column, levels in case["levels"].items():
        data[column] = pd.Categorical(data[column].astype(str), categories=levels)
    return data


def _listed(value: object) -> list:
    return value if isinstance(value, list) else [value]


@pytest.fixture(params=CASES, ids=_case_id)
def case(request: pytest.FixtureRequest) -> dict:
    return request.param


def test_the_grid_is_complete() -> None:
    assert len(CASES) == 7
    assert {c["name"] for c in CASES} == {"sleepstudy", "dyestuff", "dyestuff2", "trial_prepost"}


def test_estimates_and_likelihood(case: dict) -> None:
    fit = rs.lmm(case["formula"], _data(case), reml=case["reml"])
    assert fit.converged
    assert fit.n_obs == case["n"]
    assert list(fit.terms) == _listed(case["terms"])
    np.testing.assert_allclose(fit.beta, _listed(case["estimate"]), rtol=ESTIMATE_RTOL)
    np.testing.assert_allclose(fit.loglik, case["loglik"], rtol=LOGLIK_RTOL)
    np.testing.assert_allclose(fit.sigma, case["sigma"], rtol=VC_RTOL)


def test_satterthwaite(case: dict) -> None:
    table = rs.lmm(
        case["formula"], _data(case), reml=case["reml"], ddf="satterthwaite"
    ).coefficients
    np.testing.assert_allclose(table["std_error"], _listed(case["std_error"]), rtol=SE_RTOL)
    np.testing.assert_allclose(table["df"], _listed(case["df_satterthwaite"]), rtol=DF_RTOL)
    np.testing.assert_allclose(table["p_value"], _listed(case["p_satterthwaite"]), rtol=DF_RTOL)


def test_kenward_roger(case: dict) -> None:
    fit = rs.lmm(case["formula"], _data(case), reml=case["reml"])
    if not case["reml"]:
        assert case["df_kr"] == {}
        assert fit.ddf == "satterthwaite"
        return
    table = fit.coefficients
    np.testing.assert_allclose(table["std_error"], _listed(case["std_error_kr"]), rtol=SE_RTOL)
    np.testing.assert_allclose(table["df"], _listed(case["df_kr"]), rtol=DF_RTOL)
    np.testing.assert_allclose(table["p_value"], _listed(case["p_kr"]), rtol=DF_RTOL)


def test_variance_components(case: dict) -> None:
    table = rs.lmm(case["formula"], _data(case), reml=case["reml"]).variance_components
    assert len(table) == len(case["vc"])
    for row, expected in zip(table.itertuples(), case["vc"], strict=True):
        assert row.group == expected["grp"]
        assert row.term == expected.get("var1", "")
        assert row.term2 == expected.get("var2", "")
        np.testing.assert_allclose(row.vcov, expected["vcov"], rtol=VC_RTOL, atol=1e-9)
        np.testing.assert_allclose(row.sdcor, expected["sdcor"], rtol=VC_RTOL, atol=1e-9)


def test_boundary_is_exact_and_said(case: dict) -> None:
    fit = rs.lmm(case["formula"], _data(case), reml=case["reml"])
    assert fit.singular == (case["name"] == "dyestuff2")
    if fit.singular:
        assert fit.theta[0] == 0.0


def test_moments_give_the_fit_of_the_rows(case: dict) -> None:
    data = _data(case)
    fit = rs.lmm(case["formula"], data, reml=case["reml"])
    reduced = rs.lmm(case["formula"], rs.moments(case["formula"], data), reml=case["reml"])
    pd.testing.assert_frame_equal(
        fit.coefficients, reduced.coefficients, check_exact=False, rtol=1e-9
    )
    np.testing.assert_allclose(reduced.loglik, fit.loglik, rtol=1e-11)
    assert reduced.n_groups == fit.n_groups
