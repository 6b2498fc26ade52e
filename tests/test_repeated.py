"""Covariances of repeated measurements, beside nlme and afex (`reference/repeated.R`), pingouin,
Hotelling's test and a dense computation of Kenward and Roger's paper."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from doors.models import STRUCTURES, shape_of
from doors.models import evaluate_repeated as evaluate
from scipy.stats import f as f_distribution

import retrostats as rs
from retrostats import InputError, NotIdentified

HERE = Path(__file__).parent / "reference"
R: dict[str, Any] = json.loads((HERE / "repeated.json").read_text())
NLME = 2e-4  # nlminb stops where the likelihood changes by 1e-10: parameters to its root
LIKELIHOOD = 1e-8  # flat at the maximum: relative to about -300
EXACT = 1e-7  # the same number by another road, variances included
SECOND_ORDER = 1e-3  # what that is of a p-value of 0.03
SLOPE = 1e-5  # central differences of a deviance of about 600
MODEL = "Reaction ~ arm * day + (0 + day | Subject)"


def days(*, complete: bool) -> pd.DataFrame:
    d = pd.read_csv(HERE / "data" / "sleepstudy.csv")
    who = d["Subject"].rank(method="dense").astype(int)
    d["arm"] = [("a", "b")[i % 2] for i in who]
    d = d[d["Days"] < 4].reset_index(drop=True)
    d["day"] = d["Days"].astype(str)
    return (d if complete else d.drop(index=[2, 17, 19, 54, 55])).astype({"Subject": str})


@pytest.fixture(scope="module")
def gaps() -> pd.DataFrame:
    return days(complete=False)


@pytest.fixture(scope="module")
def whole() -> pd.DataFrame:
    return days(complete=True)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_every_structure_is_that_of_nlme(gaps: pd.DataFrame, structure: Any) -> None:
    for reml in (True, False):
        fit = rs.lmm(MODEL, gaps, covariance=structure, reml=reml)
        wanted = R["reml" if reml else "ml"][structure]
        assert fit.converged
        np.testing.assert_allclose(fit.loglik, wanted["loglik"], rtol=LIKELIHOOD)
        np.testing.assert_allclose(fit.beta, wanted["estimate"], rtol=NLME)
        np.testing.assert_allclose(fit.covariance, wanted["covariance"], rtol=10 * NLME)
        if reml:  # by maximum likelihood nlme's errors have another divisor
            errors = np.sqrt(np.diag(fit.cov_unadjusted))
            np.testing.assert_allclose(errors, wanted["std_error"], rtol=NLME)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_gradient_hessian_and_structure_are_differences(gaps: pd.DataFrame, structure: Any) -> None:
    fit = rs.lmm(MODEL, gaps, covariance=structure)
    data, shape = fit.engine.data, fit.engine.shape
    theta = fit.optimum.theta * 1.1
    for reml in (True, False):
        at = evaluate(data, shape, theta, reml=reml)
        for i in range(len(theta)):
            step = 1e-5 * np.eye(len(theta))[i]
            up, down = (evaluate(data, shape, theta + s * step, reml=reml) for s in (1, -1))
            slope = (up.deviance - down.deviance) / 2e-5
            np.testing.assert_allclose(at.gradient[i], slope, rtol=SLOPE, atol=1e-5)
            bend = (up.gradient - down.gradient) / 2e-5
            np.testing.assert_allclose(at.hessian[i], bend, rtol=SLOPE, atol=1e-4)


def test_compound_symmetry_is_a_random_intercept(gaps: pd.DataFrame) -> None:
    one = rs.lmm("Reaction ~ arm * day + (1 | Subject)", gaps)
    two = rs.lmm(MODEL, gaps, covariance="compound-symmetry")
    np.testing.assert_allclose(one.loglik, two.loglik, rtol=1e-12)
    numbers = ["estimate", "std_error", "df", "statistic"]
    np.testing.assert_allclose(two.coefficients[numbers], one.coefficients[numbers], rtol=EXACT)
    np.testing.assert_allclose(two.coefficients["df"], R["kenward_roger"]["df"], rtol=NLME)
    np.testing.assert_allclose(
        two.coefficients["std_error"], R["kenward_roger"]["std_error"], rtol=NLME
    )
    for ddf in ("satterthwaite", "kenward-roger"):
        one, two = (
            rs.lmm("Reaction ~ arm * day + (1 | Subject)", gaps, ddf=ddf, covariance=c).anova()
            for c in (None, "compound-symmetry")
        )
        np.testing.assert_allclose(two.iloc[:, 1:5], one.iloc[:, 1:5], rtol=EXACT)


def test_unstructured_of_whole_rows_is_hotelling_and_the_paired_t(whole: pd.DataFrame) -> None:
    """Kenward and Roger (1997), section 2: their F is Hotelling's where that is exact."""
    one = whole[whole["arm"] == "a"]
    wide = one.pivot(index="Subject", columns="day", values="Reaction").to_numpy()
    n, m = wide.shape
    away = wide[:, 1:] - wide[:, :1]
    mean, cov = away.mean(axis=0), np.cov(away.T)
    t2 = n * mean @ np.linalg.solve(cov, mean)
    fit = rs.lmm("Reaction ~ day + (1 | Subject)", one, covariance="unstructured")
    row = fit.anova().iloc[0]
    f = t2 * (n - m + 1) / ((n - 1) * (m - 1))
    np.testing.assert_allclose(row["statistic"], f, rtol=EXACT)
    np.testing.assert_allclose(row["den_df"], n - m + 1, rtol=EXACT)
    np.testing.assert_allclose(row["p_value"], f_distribution.sf(f, m - 1, n - m + 1), rtol=1e-6)
    first = fit.coefficients.iloc[1]
    np.testing.assert_allclose(first["std_error"], np.sqrt(cov[0, 0] / n), rtol=EXACT)
    np.testing.assert_allclose(first["df"], n - 1, rtol=EXACT)
    np.testing.assert_allclose(fit.covariance, np.cov(wide.T), rtol=EXACT)


def dense_kenward_roger(fit: Any, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Adjusted covariance and df (p,), eqs. 4 and 5 of the paper in dense matrices."""
    x, y = fit.model.rows.x, fit.model.rows.y
    shape, scale = fit.engine.shape, fit.engine.data.scale
    codes = fit.engine.data.levels.codes
    same = frame["Subject"].to_numpy()[:, None] == frame["Subject"].to_numpy()[None, :]

    def spread(m: np.ndarray) -> np.ndarray:
        return np.where(same, m[np.ix_(codes, codes)], 0.0) * scale**2

    v, first, second = shape.at(fit.optimum.theta)
    q = len(first)
    w = np.linalg.inv(spread(v))
    phi = np.linalg.inv(x.T @ w @ x)
    g = [spread(d) for d in first]
    projected = w - w @ x @ phi @ x.T @ w
    info = np.array([[0.5 * np.trace(projected @ a @ projected @ b) for b in g] for a in g])
    cov = np.linalg.inv(info)
    p = [-x.T @ w @ a @ w @ x for a in g]
    inner = np.zeros_like(phi)
    for i in range(q):
        for j in range(q):
            term = x.T @ w @ g[i] @ w @ g[j] @ w @ x - p[i] @ phi @ p[j]
            if second is not None:
                term = term - 0.25 * x.T @ w @ spread(second[i, j]) @ w @ x
            inner += cov[i, j] * term
    df = []
    for k in range(len(phi)):
        slope = np.array([-(phi @ a @ phi)[k, k] for a in p])
        df.append(2.0 * phi[k, k] ** 2 / (slope @ cov @ slope))
    assert len(y) == len(frame)
    return phi + 2.0 * phi @ inner @ phi, np.array(df)


@pytest.mark.parametrize("structure", ["unstructured", "heterogeneous-ar1", "ar1"])
def test_kenward_roger_with_gaps_is_that_of_the_paper(gaps: pd.DataFrame, structure: Any) -> None:
    fit = rs.lmm(MODEL, gaps, covariance=structure)
    cov, df = dense_kenward_roger(fit, gaps)
    np.testing.assert_allclose(fit.cov_beta, cov, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(fit.dfs(), df, rtol=1e-6)


def test_rows_their_moments_and_a_printed_matrix_are_one_fit(whole: pd.DataFrame) -> None:
    formula = "Reaction ~ arm * day + (1 | Subject)"
    rows = rs.lmm(formula, whole, covariance="unstructured")
    reduced = rs.lmm(formula, rs.moments(formula, whole), covariance="unstructured")
    cells = whole.groupby(["arm", "day"])["Reaction"].agg(["size", "mean", "std"]).reset_index()
    cells = cells.rename(columns={"size": "n", "std": "sd"})
    wide = whole.pivot(index=["arm", "Subject"], columns="day", values="Reaction")
    tables = {arm: np.corrcoef(part.to_numpy().T) for arm, part in wide.groupby(level="arm")}
    printed = rs.moments_from_summary(
        cells, correlation=tables, outcome="Reaction", subject="Subject"
    )
    taken = rs.lmm(formula, printed)
    assert "unstructured" in repr(taken)
    for other in (reduced, taken):
        np.testing.assert_allclose(other.loglik, rows.loglik, rtol=1e-11)
        np.testing.assert_allclose(other.covariance, rows.covariance, rtol=EXACT)
        numbers = ["estimate", "std_error", "df", "p_value"]
        np.testing.assert_allclose(
            other.coefficients[numbers], rows.coefficients[numbers], rtol=1e-6, atol=1e-14
        )
    with pytest.raises(NotIdentified, match="leave covariance= out"):
        rs.lmm(formula, printed, covariance="lme4")


def test_sphericity_is_that_of_afex(whole: pd.DataFrame) -> None:
    table = rs.lmm(MODEL, whole, covariance="unstructured").sphericity().set_index("term")
    found = table.loc[["day", "arm:day"]]
    np.testing.assert_allclose(found["statistic"], R["univariate"]["F"][2:], rtol=EXACT)
    np.testing.assert_allclose(found["mauchly_w"], R["mauchly"]["w"], rtol=EXACT)
    # R's second-order term has 3 m where Anderson (2003), section 10.7.4, has 3 (m - 1)
    np.testing.assert_allclose(found["p_mauchly"], R["mauchly"]["p"], rtol=SECOND_ORDER)
    for ours, theirs in (
        ("greenhouse_geisser", "gg"), ("p_greenhouse_geisser", "p_gg"),
        ("huynh_feldt", "hf"), ("p_huynh_feldt", "p_hf"),
    ):  # fmt: skip
        np.testing.assert_allclose(found[ours], R["corrections"][theirs], rtol=EXACT)


@pytest.mark.filterwarnings("ignore")
def test_sphericity_is_that_of_pingouin(whole: pd.DataFrame) -> None:
    pg = pytest.importorskip("pingouin")
    fit = rs.lmm("Reaction ~ day + (1 | Subject)", whole, covariance="unstructured")
    row = fit.sphericity().iloc[0]
    names = {"dv": "Reaction", "within": "day", "subject": "Subject"}
    for ours, theirs in (("greenhouse_geisser", "gg"), ("huynh_feldt", "hf")):
        np.testing.assert_allclose(row[ours], pg.epsilon(whole, correction=theirs, **names), EXACT)
    wide = whole.pivot(index="Subject", columns="day", values="Reaction")
    test = pg.sphericity(wide, method="mauchly")
    np.testing.assert_allclose(row["mauchly_w"], test.W, rtol=EXACT)
    table = pg.rm_anova(whole, correction=True, **names).iloc[0]
    corrected = next(c for c in table.index if "GG" in c and c.lower().startswith("p"))
    np.testing.assert_allclose(row["p_greenhouse_geisser"], table[corrected], rtol=1e-6)
    np.testing.assert_allclose(row["statistic"], table["F"], rtol=EXACT)


def test_structures_are_compared_by_their_likelihood(gaps: pd.DataFrame) -> None:
    fits = {s: rs.lmm(MODEL, gaps, covariance=s) for s in STRUCTURES}
    table = fits["ar1"].compare(fits["unstructured"])
    assert table["df"].iloc[1] == 8
    gap = fits["unstructured"].loglik - fits["ar1"].loglik
    np.testing.assert_allclose(table["statistic"].iloc[1], 2 * gap)
    with pytest.raises(InputError, match="not nested"):
        fits["ar1"].compare(fits["heterogeneous-compound-symmetry"])


def test_what_is_asked_of_rows(gaps: pd.DataFrame) -> None:
    fit = rs.lmm(MODEL, gaps, covariance="unstructured")
    means = fit.emmeans("day", by="arm").table
    at = pd.DataFrame({"arm": means["arm"], "day": means["day"]})
    shown = fit.predict(at)
    for name in ("estimate", "std_error", "df", "conf_low"):
        np.testing.assert_allclose(shown[name], means[name], rtol=1e-10)
    table = fit.residual_table
    np.testing.assert_allclose(table["fitted"] + table["response"], gaps["Reaction"])
    # whitened residuals: their squares sum to the generalised sum of squares, N at the maximum
    ml = fit.refit_ml().residual_table
    np.testing.assert_allclose((ml["scaled"] ** 2).sum(), len(gaps), rtol=1e-6)
    np.testing.assert_allclose(table["leverage"].sum(), len(fit.beta), rtol=1e-10)
    drawn = fit.simulate(4000, seed=3)
    assert drawn.equals(fit.simulate(4000, seed=3))
    first = gaps.index[(gaps["Subject"] == gaps["Subject"].iloc[-1])]
    found = np.cov(drawn.loc[first].to_numpy())
    np.testing.assert_allclose(found, fit.covariance, rtol=0.15)  # of 4000 draws: 5% at most often


@pytest.mark.parametrize(
    ("formula", "options", "message"),
    [
        ("Reaction ~ arm + (1 | Subject)", {}, r"Name it in the random term, as \(0 \+ visit"),
        ("Reaction ~ arm * day + (day | Subject)", {}, "takes one random term"),
        ("Reaction ~ arm + (0 + arm | Subject)", {}, "arm b more than once"),
        ("Reaction ~ day + (1 | Subject)", {"residual": "arm"}, "leave residual= and weights= out"),
        (
            "Reaction ~ day + (1 | Subject)",
            {"covariance": "toeplitz"},
            "allowed: lme4, signed-cs, un",
        ),
    ],
)
def test_what_cannot_be_fitted_is_said(
    gaps: pd.DataFrame, formula: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        rs.lmm(formula, gaps, **{"covariance": "unstructured", **options})


def test_too_few_subjects_are_not_identified(whole: pd.DataFrame) -> None:
    few = whole[whole["Subject"].isin(sorted(whole["Subject"].unique())[:4])]
    with pytest.raises(NotIdentified, match="4 subjects do not determine the covariance of 4"):
        rs.lmm("Reaction ~ day + (1 | Subject)", few, covariance="unstructured")
    apart = whole[~((whole["day"] == "1") & (whole["arm"] == "a"))]
    apart = apart[~((apart["day"] == "2") & (apart["arm"] == "b"))]
    with pytest.raises(NotIdentified, match="no Subject has both day 1 and 2"):
        rs.lmm("Reaction ~ day + (0 + day | Subject)", apart, covariance="unstructured")
    fit = rs.lmm("Reaction ~ day + (1 | Subject)", whole, covariance="ar1")
    with pytest.raises(InputError, match="is of random effects"):
        fit.icc()
    with pytest.raises(InputError, match="has no random effects"):
        fit.ranef()
    assert shape_of("ar1", 4).names == ("variance", "correlation")
