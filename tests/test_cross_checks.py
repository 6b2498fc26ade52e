"""Independent cross-checks: NIST, statsmodels, pingouin, and closed forms of balanced designs."""

from __future__ import annotations

import warnings
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import retrostats as rs

DATA = Path(__file__).parent / "reference" / "data"

# Correct digits of the variances: what the doubles nearest to the printed values allow. One near
# 1e6 carries 1e-10, one near 1e12 1e-4, against steps of 0.1.
NIST_DIGITS = {1: 12.5, 2: 9.5, 3: 3.5}


def _nist(number: int) -> tuple[pd.DataFrame, int]:
    """SmLs01 to SmLs09, from their description."""
    n = (21, 201, 2001)[(number - 1) % 3]
    base = (Decimal(0), Decimal(10) ** 6 - 1, Decimal(10) ** 12 - 1)[(number - 1) // 3]
    values, groups = [], []
    for group in range(9):
        mean = base + (
            Decimal("1.4") if group == 0 else Decimal("1.3") + (1 - group % 2) * Decimal("0.2")
        )
        for i in range(n):
            step = Decimal(0) if i == 0 else Decimal("0.1") * (1 if i % 2 == 0 else -1)
            values.append(float(mean + step))
            groups.append(group)
    return pd.DataFrame({"y": values, "group": groups}), n


def _digits(found: float, certified: float) -> float:
    return 15.0 if found == certified else float(-np.log10(abs(found / certified - 1)))


@pytest.mark.parametrize("number", range(1, 10))
def test_nist_one_way_anova(number: int) -> None:
    data, n = _nist(number)
    fit = rs.lmm("y ~ 1 + (1 | group)", data)
    between, within = fit.variance_components["vcov"]
    need = NIST_DIGITS[(number - 1) // 3 + 1]
    assert fit.converged
    assert _digits(fit.sigma, 0.1) >= need
    assert _digits(within, 0.01) >= need
    assert _digits(between, 0.01 * (1 - 1 / n)) >= need


STATSMODELS_RTOL = 1e-4  # its optimiser stops early


@pytest.mark.parametrize(
    ("formula", "re_formula"), [("Reaction ~ Days", "~Days"), ("Reaction ~ Days", "~1")]
)
@pytest.mark.parametrize("reml", [True, False])
def test_statsmodels_on_the_same_rows(formula: str, re_formula: str, reml: bool) -> None:
    import statsmodels.formula.api as smf

    data = pd.read_csv(DATA / "sleepstudy.csv").astype({"Subject": str})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = smf.mixedlm(formula, data, groups="Subject", re_formula=re_formula).fit(reml=reml)
    fit = rs.lmm(f"{formula} + ({re_formula[1:]} | Subject)", data, reml=reml, ddf="normal")
    np.testing.assert_allclose(fit.beta, other.fe_params, rtol=1e-6)
    np.testing.assert_allclose(fit.coefficients["std_error"], other.bse_fe, rtol=STATSMODELS_RTOL)
    np.testing.assert_allclose(fit.loglik, other.llf, rtol=1e-7)
    np.testing.assert_allclose(fit.sigma**2, other.scale, rtol=STATSMODELS_RTOL)


def _crossover(r_sign: float, n: int = 12, seed: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=n)
    forward = 30 + 2 * shared + rng.normal(size=n)
    backward = 38 + r_sign * 3 * shared + 2 * rng.normal(size=n)
    return pd.DataFrame(
        {
            "subject": np.tile(np.arange(n), 2),
            "direction": np.repeat(["forward", "backward"], n),
            "y": np.concatenate([forward, backward]),
        }
    )


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_pingouin_paired_t(sign: float) -> None:
    """Two conditions under signed compound symmetry are the paired t-test, SDs equal or not."""
    import pingouin

    data = _crossover(sign)
    by = {k: g.sort_values("subject")["y"].to_numpy() for k, g in data.groupby("direction")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = pingouin.ttest(by["forward"], by["backward"], paired=True).iloc[0]
    fit = rs.lmm("y ~ direction + (1 | subject)", data, covariance="signed-cs")
    row = fit.coefficients.iloc[1]
    np.testing.assert_allclose(row["statistic"], other["T"], rtol=1e-9)
    np.testing.assert_allclose(row["df"], other["dof"], rtol=1e-9)
    p_column = "p_val" if "p_val" in other.index else "p-val"
    np.testing.assert_allclose(row["p_value"], other[p_column], rtol=1e-7)
    covariance = np.cov(by["forward"], by["backward"])[0, 1]
    np.testing.assert_allclose(fit.variance_components["vcov"][0], covariance, rtol=1e-9)
    plain = rs.lmm("y ~ direction + (1 | subject)", data)
    assert plain.singular == (sign < 0)
    if sign > 0:
        np.testing.assert_allclose(plain.beta, fit.beta, rtol=1e-12)
        np.testing.assert_allclose(plain.cov_beta, fit.cov_beta, rtol=1e-7)


def test_pingouin_mixed_anova() -> None:
    """Balanced arm by time: the mixed model's F tests are those of the split-plot ANOVA."""
    import pingouin

    data = pd.read_csv(DATA / "trial_prepost.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = pingouin.mixed_anova(
            data, dv="y", within="time", subject="subject", between="arm"
        ).set_index("Source")
    fit = rs.lmm("y ~ arm * time + (1 | subject)", data)
    tests = {
        "arm": {"armcontrol": 1.0, "armcontrol:timepre": 0.5},
        "time": {"timepre": 1.0, "armcontrol:timepre": 0.5},
        "Interaction": {"armcontrol:timepre": 1.0},
    }
    for source, weights in tests.items():
        row = fit.contrast([weights]).iloc[0]
        np.testing.assert_allclose(row["statistic"], other.loc[source, "F"], rtol=1e-8)
        np.testing.assert_allclose(row["den_df"], other.loc[source, "DF2"], rtol=1e-8)


def test_balanced_one_way_closed_form() -> None:
    data = pd.read_csv(DATA / "dyestuff.csv")
    groups = data.groupby("Batch")["Yield"]
    within = groups.var().mean()
    between = groups.mean().var() - within / 5
    fit = rs.lmm("Yield ~ 1 + (1 | Batch)", data)
    np.testing.assert_allclose(fit.variance_components["vcov"], [between, within], rtol=1e-12)
