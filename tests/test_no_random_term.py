"""Residual variances that differ and no random term: R nlme's gls with varIdent, and Welch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from doors.evidence import difference_of_trials, welch_df

import retrostats as rs
from retrostats import Estimate, InputError

#: nlme 3.1-162, gls(y ~ x, weights = varIdent(form = ~ 1 | study)) on the rows below.
NLME = {
    "estimate": [-1.7675071807496, 0.0536544112414],
    "std_error": [0.390676743656, 0.203486863264],
    "sd": [2.80774244969, 0.92086101197, 2.64796959169],
    "loglik": -71.320365797691,
}
#: Where nlme's optimiser stops.
NLME_RTOL = 2e-6
SAME_RTOL = 1e-9


def _rows() -> pd.DataFrame:
    parts = []
    for study, n, mean, sd in (("a", 13, -2.4, 2.8), ("b", 15, -1.75, 0.9), ("c", 8, 0.4, 1.7)):
        i = np.arange(1, n + 1)
        z = i**1.5
        y = mean + sd * (z - z.mean()) / z.std(ddof=1)
        parts.append(pd.DataFrame({"study": study, "x": i % 4, "y": y}))
    return pd.concat(parts, ignore_index=True)


def test_gls_of_nlme() -> None:
    fit = rs.lmm("y ~ x", _rows(), residual="study", ddf="satterthwaite")
    np.testing.assert_allclose(fit.coefficients["estimate"], NLME["estimate"], rtol=NLME_RTOL)
    np.testing.assert_allclose(fit.coefficients["std_error"], NLME["std_error"], rtol=NLME_RTOL)
    np.testing.assert_allclose(fit.residual_sd, NLME["sd"], rtol=NLME_RTOL)
    assert fit.loglik == pytest.approx(NLME["loglik"], rel=SAME_RTOL)
    assert list(fit.variance_components["group"]) == ["Residual"] * 3
    expected = fit.beta[0] + fit.beta[1] * _rows()["x"]
    np.testing.assert_allclose(fit.predict()["estimate"], expected, rtol=SAME_RTOL)
    with pytest.raises(InputError, match="no random effects"):
        fit.ranef()


def test_printed_arms_give_welch_whatever_the_df() -> None:
    first = Estimate(-2.4, 0.7766, 12, "difference", "points", ("a",))
    second = Estimate(-1.75, 0.2324, 14, "difference", "points", ("b",))
    found = difference_of_trials(first, 13, second, 15)
    v1, v2 = first.std_error**2, second.std_error**2
    assert found.value == pytest.approx(-0.65, rel=SAME_RTOL)
    assert found.std_error == pytest.approx(np.sqrt(v1 + v2), rel=SAME_RTOL)
    assert found.df == pytest.approx(float(welch_df(v1, 12, v2, 14)), rel=1e-6)
    table = pd.DataFrame({"study": ["a", "b"], "arm": [1, 0], "n": [13, 15], "mean": [-2.4, -1.75],
                          "sd": [2.8, 0.9]})  # fmt: skip
    df = [rs.lmm("y ~ arm", rs.moments_arms(table), residual="study", ddf=d).coefficients["df"][1]
          for d in ("kenward-roger", "satterthwaite")]  # fmt: skip
    assert df[0] == pytest.approx(df[1], rel=1e-6)


def test_without_residual_a_random_term_is_asked_for() -> None:
    with pytest.raises(InputError, match="residual="):
        rs.lmm("y ~ x", _rows())


def test_the_body_fat_comparison_is_one_model(whole) -> None:
    found = whole.estimates.set_index("estimate_id")
    row = found.loc["bf-more-points"]
    assert row["note"].startswith("one model of both trials")
    assert row["estimate"] == pytest.approx(-0.65, abs=0.05)


def test_one_residual_variance_is_a_table_of_one() -> None:
    rows = _rows()
    one = rs.lmm("y ~ x + (1 | study)", rows)
    assert one.engine.name == "homoscedastic"
    np.testing.assert_allclose(one.residual_sd, [one.sigma], rtol=SAME_RTOL)
    strata = rs.lmm("y ~ x", rows, residual="study")
    assert strata.engine.name == "heteroscedastic"
    assert strata.residual_sd.index.tolist() == ["a", "b", "c"]
    # Three residual variances where the other has one, and a variance of studies less.
    assert strata.n_parameters == one.n_parameters + 3 - 1 - 1
    residual = strata.variance_components.query("group == 'Residual'")
    np.testing.assert_allclose(residual["sdcor"], strata.residual_sd, rtol=SAME_RTOL)


def test_a_variance_and_a_mean_for_each_of_many_arms() -> None:
    """Means and residual variances are those printed, whatever number of strata."""
    k = 12
    rng = np.random.default_rng(2)
    table = pd.DataFrame({
        "study": np.repeat([f"s{i:02d}" for i in range(k)], 2), "arm": np.tile([0, 1], k),
        "n": rng.integers(5, 20, 2 * k), "mean": rng.normal(5, 1, 2 * k),
        "sd": rng.uniform(0.5, 2, 2 * k),
    })  # fmt: skip
    fit = rs.lmm("y ~ arm * study", rs.moments_arms(table), residual="study:arm")
    np.testing.assert_allclose(fit.residual_sd, table["sd"], rtol=SAME_RTOL)
    row = fit.coefficients.set_index("term").loc["arm"]
    v = table["sd"] ** 2 / table["n"]
    assert row["std_error"] == pytest.approx(float(np.sqrt(v[0] + v[1])), rel=SAME_RTOL)
    n1, n2 = (int(n) for n in table["n"][:2])
    welch = float(welch_df(v[0], n1 - 1, v[1], n2 - 1))
    assert row["df"] == pytest.approx(welch, rel=1e-6)
