"""Bootstrap, power and type-I error: reproducible, calibrated, and strict about their input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from doors.models import bootstrap
from scipy import stats

import retrostats as rs
from retrostats import InputError, NotIdentified, power, type_one_error

PARALLEL = pd.DataFrame({"subject": [0, 0, 1, 1], "arm": [0, 0, 1, 1], "time": [0, 1, 0, 1]})
TRIAL = "y ~ arm * time + (1 | subject)"
SPREAD = {"subject": 1.0, "Residual": 1.0}
#: Refits of more than one chunk.
MORE = 6_000


def trial() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    subject = np.repeat(np.arange(26), 2)
    y = 10 + rng.normal(size=26)[subject] + rng.normal(size=52)
    return pd.DataFrame(
        {"subject": subject, "time": np.tile([0, 1], 26), "arm": subject % 2, "y": y}
    )


def crossed() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    rater, item = np.repeat(np.arange(8), 6), np.tile(np.arange(6), 8)
    y = 3 + rng.normal(size=8)[rater] + rng.normal(size=6)[item] + rng.normal(size=48)
    return pd.DataFrame({"rater": rater, "item": item, "y": y})


def test_bootstrap_is_one_row_a_refit_and_unbiased() -> None:
    fit = rs.lmm(TRIAL, trial())
    draws = fit.bootstrap(4000, seed=3)
    assert list(draws.columns) == [
        "replicate",
        *fit.terms,
        *(f"se_{t}" for t in fit.terms),
        "sigma",
        "sd_subject_(Intercept)",
        "loglik",
        "singular",
        "converged",
    ]
    assert len(draws) == 4000
    assert draws["converged"].all()
    spread = np.sqrt(np.diag(fit.cov_unadjusted))
    for term, beta, se in zip(fit.terms, fit.beta, spread, strict=True):
        assert draws[term].mean() == pytest.approx(beta, abs=5 * se / np.sqrt(4000))
        assert draws[term].std() == pytest.approx(se, rel=0.06)  # 5 x its MC error of 1.1%


def test_sigma_of_the_balanced_trial_is_chi_squared() -> None:
    """Where the subject variance stays off its boundary sigma^2 has exactly 24 df."""
    frame = trial()
    frame["y"] += 10.0 * np.random.default_rng(9).normal(size=26)[frame["subject"]]
    fit = rs.lmm(TRIAL, frame)
    draws = fit.bootstrap(4000, seed=4)
    assert not draws["singular"].any()
    assert stats.kstest(24 * (draws["sigma"] / fit.sigma) ** 2, stats.chi2(24).cdf).pvalue > 1e-3


def test_same_seed_same_bytes_whatever_jobs() -> None:
    fit = rs.lmm(TRIAL, trial())
    one, two = fit.bootstrap(MORE, seed=5), fit.bootstrap(MORE, seed=5, jobs=2)
    assert one.to_csv().encode() == two.to_csv().encode()
    assert not np.allclose(one["sigma"], fit.bootstrap(MORE, seed=6)["sigma"])
    plan = {"effects": {"arm:time": 1}, "variance_components": SPREAD, "draws": MORE}
    table = power(TRIAL, PARALLEL, n=[8, 12], **plan)
    again = power(TRIAL, PARALLEL, n=[12], jobs=2, **plan)
    pd.testing.assert_frame_equal(table.iloc[1:].reset_index(drop=True), again)


def test_crossed_models_are_refitted_one_by_one() -> None:
    fit = rs.lmm("y ~ 1 + (1 | rater) + (1 | item)", crossed())
    draws = fit.bootstrap(300, seed=7, jobs=2)
    assert draws["converged"].all()
    variance = draws["sigma"] ** 2
    error = fit.sigma**2 * np.sqrt(2 / 35 / 300)  # 35 residual df
    assert variance.mean() == pytest.approx(fit.sigma**2, abs=5 * error)
    items = fit.variance_components.set_index("group")["vcov"]["item"]
    assert (draws["sd_item_(Intercept)"] ** 2).mean() == pytest.approx(items, rel=0.25)


def test_random_slopes_have_correlations() -> None:
    rng = np.random.default_rng(8)
    subject, direction = np.repeat(np.arange(10), 8), np.tile(np.repeat([0, 1], 4), 10)
    y = rng.normal(size=10)[subject] + rng.normal(size=10)[subject] * direction
    frame = pd.DataFrame({"s": subject, "d": direction, "y": y + rng.normal(size=80)})
    draws = rs.lmm("y ~ d + (d | s)", frame).bootstrap(500, seed=1)
    correlation = draws["cor_s_(Intercept)_d"].dropna()
    assert correlation.between(-1, 1).all()
    at_edge = draws["singular"] & (draws["sd_s_d"] > 0) & (draws["sd_s_(Intercept)"] > 0)
    np.testing.assert_allclose(draws.loc[at_edge, "cor_s_(Intercept)_d"].abs(), 1.0, atol=1e-6)


@pytest.mark.parametrize("moments", ["rows", "summary"])
def test_moments_and_rows_bootstrap_alike(moments: str) -> None:
    fit = rs.lmm(TRIAL, trial())
    other = rs.lmm(TRIAL, rs.moments(TRIAL, trial()) if moments == "summary" else trial())
    a, b = fit.bootstrap(2000, seed=1), other.bootstrap(2000, seed=1)
    assert a["arm:time"].std() == pytest.approx(b["arm:time"].std(), rel=0.1)
    assert a["sigma"].mean() == pytest.approx(b["sigma"].mean(), rel=0.02)


def test_type_one_error_and_coverage_of_the_small_trial() -> None:
    def rate(test: Any) -> pd.Series:
        table = type_one_error(
            TRIAL, PARALLEL, term="arm:time", n=13, variance_components=SPREAD, ddf=test
        )
        return table.iloc[0]

    exact, z = rate("kenward-roger"), rate("normal")
    assert 0.04 < exact["type_one_error"] < 0.06
    assert exact["coverage"] == pytest.approx(1 - exact["type_one_error"])
    assert z["type_one_error"] > exact["type_one_error"] + 3 * exact["mc_error"]
    assert exact["n_subjects"] == 26
    assert exact["failed"] == 0


def test_power_of_a_crossover_is_that_of_the_paired_t_test() -> None:
    table = power(
        "cost ~ direction + (1 | subject)",
        pd.DataFrame({"direction": ["forward", "backward"]}),
        effects={"directionforward": -1.0},
        variance_components={"subject": 4.0, "Residual": 1.0},
        n=[5, 8, 12],
        draws=8_000,
    )
    assert table["power"].is_monotonic_increasing
    for row in table.itertuples():
        df, shift = row.n - 1, np.sqrt(row.n / 2.0)
        t = stats.t.isf(0.025, df)
        exact = stats.nct.sf(t, df, shift) + stats.nct.cdf(-t, df, shift)
        # the fit is the t-test where r >= 0; with r = 0.8 almost always
        assert row.power == pytest.approx(exact, abs=5 * row.mc_error + 0.01)
        assert row.conf_low < row.power < row.conf_high


def test_power_with_random_slopes() -> None:
    design = pd.DataFrame({"d": [0, 0, 0, 1, 1, 1]})
    table = power(
        "log(y) ~ d + (d | s)",
        design,
        effects={"d": 0.8},
        variance_components={"s": [[1.0, 0.2], [0.2, 0.5]], "Residual": 0.25},
        n=10,
        draws=2000,
    )
    # the mean within-subject difference has variance 0.5 + 2/3 * 0.25 over 10 subjects
    shift = 0.8 / np.sqrt((0.5 + 0.25 * 2 / 3) / 10)
    t = stats.t.isf(0.025, 9)
    exact = stats.nct.sf(t, 9, shift) + stats.nct.cdf(-t, 9, shift)
    assert table["power"][0] == pytest.approx(exact, abs=5 * table["mc_error"][0])


PLAN: dict[str, Any] = {
    "formula": TRIAL,
    "design": PARALLEL,
    "effects": {"arm:time": 1.0},
    "variance_components": SPREAD,
    "n": 10,
    "draws": 10,
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"design": PARALLEL.iloc[:0]}, "a row for each measurement"),
        ({"design": PARALLEL.drop(columns="arm")}, "no column 'arm'"),
        ({"design": PARALLEL.assign(subject=[0, 0, 1, None])}, "missing label in row 3"),
        ({"formula": "y ~ arm + time"}, "names 0 groups"),
        ({"formula": "y ~ arm + (1 | a) + (1 | b)"}, "names 2 groups"),
        ({"effects": {"arm:tine": 1.0}}, "no term 'arm:tine'"),
        ({"effects": {"arm:time": float("nan")}}, "finite"),
        ({"effects": {"arm:time": "much"}}, "allowed are real numbers"),
        ({"effects": {"arm": 1.0, "time": 1.0}}, "2 effects are not zero"),
        ({"term": "weight"}, "term='weight'"),
        ({"variance_components": {"subject": 1.0}}, "Residual"),
        ({"variance_components": {"subject": 1.0, "Residual": 0.0}}, "above 0"),
        ({"variance_components": {"subject": -1.0, "Residual": 1.0}}, "negative"),
        ({"variance_components": {"subject": np.eye(2), "Residual": 1.0}}, "shape"),
        ({"variance_components": {"subject": "big", "Residual": 1.0}}, "allowed are real numbers"),
        ({"n": []}, "n is empty"),
        ({"n": 1}, "at least 2"),
        ({"n": [10, 2.5]}, "whole number"),
        ({"draws": 0}, "draws=0"),
        ({"seed": -1}, "seed=-1"),
        ({"jobs": 0}, "jobs=0"),
        ({"alpha": 1.0}, "alpha"),
        ({"ddf": "z"}, "kenward-roger, satterthwaite, normal"),
    ],
)
def test_bad_plans_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        power(**{**PLAN, **change})


def test_matrix_and_uncorrelated_effects_must_agree() -> None:
    design = pd.DataFrame({"d": [0, 0, 1, 1]})
    plan = {"design": design, "effects": {"d": 1.0}, "n": 6, "draws": 10}
    correlated = {"s": [[1.0, 0.3], [0.3, 1.0]], "Residual": 1.0}
    assert len(power("y ~ d + (d | s)", variance_components=correlated, **plan)) == 1
    with pytest.raises(InputError, match="uncorrelated"):
        power("y ~ d + (d || s)", variance_components=correlated, **plan)
    bad = {"s": [[1.0, 0.3], [0.2, 1.0]], "Residual": 1.0}
    with pytest.raises(InputError, match="symmetric"):
        power("y ~ d + (d | s)", variance_components=bad, **plan)


def test_a_design_without_replicates_is_not_identified() -> None:
    with pytest.raises(NotIdentified):
        power(
            "y ~ d + (d | s)",
            pd.DataFrame({"d": [0, 1]}),
            effects={"d": 1.0},
            variance_components={"s": np.eye(2), "Residual": 1.0},
            n=8,
        )


def test_bootstrap_refuses_nonsense() -> None:
    fit = rs.lmm(TRIAL, trial())
    for bad in ({"draws": 0}, {"draws": 1.5}, {"seed": -3}, {"jobs": 0}):
        with pytest.raises(InputError, match=f"{next(iter(bad))}="):
            bootstrap(fit, **{"draws": 10, "seed": 1, **bad})
