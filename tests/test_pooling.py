"""Pools against metafor and clubSandwich (pinned), and what must hold for any numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doors.models import leave_one_out
from hypothesis import given
from hypothesis import strategies as st

from retrostats import Estimate, InputError, pool

REFERENCE = Path(__file__).parent / "reference"
SUITE = REFERENCE / "metafor_suite"

#: metafor stops its REML iterations when tau2 moves by less than 1e-5; ours solves the score, so
#: the two differ by what that leaves.
TAU2_RTOL = 2e-4
ESTIMATE_RTOL = 2e-5
#: Closed-form quantities have no stopping rule.
EXACT_RTOL = 1e-9
#: meta.json was made with the same default stopping rule, on data where it left less.
DF_RTOL = 1e-3
#: metafor's Paule-Mandel iteration stops at a change of 1e-5 in tau2, which here moves the
#: limits of the prediction interval by 8e-5.
PM_RTOL = 1e-4
#: Here the likelihood has a second, higher maximum away from 0, which metafor does not reach.
METAFOR_STUCK = ("extreme_k10", "one", "ML")

#: Bytes a study at the peak: a few dozen numbers each, not k of them.
MOST_BYTES = 1_000
METHODS = {"FE": "common", "DL": "dl", "REML": "reml", "ML": "ml", "HE": "he", "PM": "pm"}
TESTS = {"z": "z", "knha": "knapp-hartung", "adhoc": "knapp-hartung-adhoc"}
MODELS = {"intercept": [], "one": ["mod1"], "two": ["mod1", "mod2"]}

bcg = next(c for c in json.loads((REFERENCE / "meta.json").read_text()) if c["name"] == "bcg")
suite = json.loads((SUITE / "metafor_reference.json").read_text())["cases"]
small = pd.read_csv(SUITE / "metafor_small_sample.csv")
sandwich = json.loads((SUITE / "clubsandwich_reference.json").read_text())["cases"]
correlated = pd.read_csv(SUITE / "robumeta_correlated_effects.csv")


@pytest.mark.parametrize("fit", bcg["fits"], ids=lambda f: f"{f['method']}-{f['test']}")
def test_bcg_vaccine_trials(fit) -> None:
    ours = pool(
        bcg["yi"], np.sqrt(bcg["vi"]), method=METHODS[fit["method"]], test=TESTS[fit["test"]]
    )
    rtol = PM_RTOL if fit["method"] == "PM" else ESTIMATE_RTOL
    assert ours.estimate == pytest.approx(fit["estimate"], rel=rtol)
    assert ours.std_error == pytest.approx(fit["std_error"], rel=rtol)
    assert (ours.conf_low, ours.conf_high) == pytest.approx(fit["ci"], rel=rtol)
    assert (ours.pred_low, ours.pred_high) == pytest.approx(fit["pi"], rel=rtol)
    assert ours.tau2 == pytest.approx(fit["tau2"], rel=TAU2_RTOL)
    assert ours.i2 == pytest.approx(fit["I2"], rel=TAU2_RTOL)
    assert ours.q == pytest.approx(fit["Q"], rel=EXACT_RTOL)
    assert ours.p_value == pytest.approx(fit["p"], rel=1e-3)


@pytest.mark.parametrize(
    "case", suite, ids=lambda c: "-".join((c["design"], c["model"], c["method"], c["test"]))
)
def test_metafor_on_small_samples(case) -> None:
    rows = small[small["case"] == case["design"]]
    moderators = rows[MODELS[case["model"]]] if MODELS[case["model"]] else None
    ours = pool(
        rows["y"].to_numpy(),
        np.sqrt(rows["v"].to_numpy()),
        method=METHODS[case["method"]],
        test=TESTS[case["test"]],
        moderators=moderators,
    )
    if (case["design"], case["model"], case["method"]) == METAFOR_STUCK:
        assert _ml_deviance(rows, ours.tau2) < _ml_deviance(rows, case["tau2"]) - 0.1
        return
    assert list(ours.params) == pytest.approx(case["beta"], rel=TAU2_RTOL, abs=1e-6)
    assert ours.std_errors == pytest.approx(case["se"], rel=TAU2_RTOL)
    assert ours.tau2 == pytest.approx(case["tau2"], rel=TAU2_RTOL, abs=2e-5)
    assert ours.q == pytest.approx(case["QE"], rel=EXACT_RTOL)
    assert ours.q_p == pytest.approx(case["QEp"], rel=1e-8)
    assert ours.i2 == pytest.approx(case["I2"], rel=TAU2_RTOL, abs=1e-3)
    if case["tau2_ci_lb"] is not None and case["method"] != "FE":
        assert ours.tau2_low == pytest.approx(case["tau2_ci_lb"], rel=1e-6, abs=1e-9)
        assert ours.tau2_high == pytest.approx(case["tau2_ci_ub"], rel=1e-6)


def _ml_deviance(rows: pd.DataFrame, tau2: float) -> float:
    """Minus twice the log-likelihood (up to a constant) with the coefficients profiled out."""
    y, total = rows["y"].to_numpy(), rows["v"].to_numpy() + tau2
    X = np.column_stack([np.ones(len(rows)), rows["mod1"]])
    root = 1 / np.sqrt(total)
    residual = np.linalg.lstsq(X * root[:, None], y * root, rcond=None)[1]
    return float(np.log(total).sum() + residual[0])


@pytest.mark.parametrize(
    "case", sandwich, ids=lambda c: "-".join((c["variances"], c["model"], c["method"]))
)
def test_cluster_robust_against_clubsandwich(case) -> None:
    wanted = {"intercept": [], "within": ["within"], "both": ["within", "between"]}[case["model"]]
    ours = pool(
        correlated["effect"].to_numpy(),
        np.sqrt(correlated[case["variances"]].to_numpy()),
        method=METHODS[case["method"]],
        cluster=correlated["study"].to_numpy(),
        moderators=correlated[wanted] if wanted else None,
    )
    assert list(ours.params) == pytest.approx(case["beta"], rel=TAU2_RTOL)
    assert ours.std_errors == pytest.approx(case["se"], rel=TAU2_RTOL)
    assert ours.dfs == pytest.approx(case["dof"], rel=DF_RTOL)


effects = st.lists(
    st.tuples(st.floats(-2, 2), st.floats(0.05, 1)), min_size=3, max_size=12
)  # fmt: skip


@given(effects, st.sampled_from(["common", "dl", "he", "pm", "ml", "reml"]))
def test_order_scale_and_shift(pairs, method) -> None:
    y, se = map(np.array, zip(*pairs, strict=True))
    base = pool(y, se, method=method)
    backward = pool(y[::-1], se[::-1], method=method)
    scaled = pool(3 * y + 5, 3 * se, method=method)
    assert base.tau2 >= 0
    assert backward.estimate == pytest.approx(base.estimate, rel=1e-6, abs=1e-7)
    assert scaled.estimate == pytest.approx(3 * base.estimate + 5, rel=1e-5)
    assert scaled.tau2 == pytest.approx(9 * base.tau2, rel=1e-4, abs=1e-6)
    assert base.pred_low <= base.conf_low + 1e-12


@given(st.floats(-1, 1), st.floats(0.05, 1), st.integers(2, 9))
def test_equal_studies_have_no_between_study_variance(value, error, k) -> None:
    pooled = pool([value] * k, [error] * k, test="z")
    assert pooled.tau2 == pytest.approx(0, abs=1e-12)
    assert pooled.std_error == pytest.approx(error / np.sqrt(k), rel=1e-9)


def test_one_study_is_itself() -> None:
    alone = pool([Estimate(0.3, 0.1, 3, "log_ratio", "ratio")])
    assert (alone.estimate, alone.std_error, alone.df, alone.k) == (0.3, 0.1, 3, 1)
    assert np.isnan(alone.tau2)
    assert np.isnan(alone.pred_low)


def test_leave_one_out() -> None:
    table = leave_one_out(bcg["yi"], np.sqrt(bcg["vi"]), method="dl")
    assert len(table) == 13
    without_first = pool(bcg["yi"][1:], np.sqrt(bcg["vi"][1:]), method="dl")
    assert table["estimate"].iloc[0] == without_first.estimate


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], []), "no estimate"),
        (([1.0, 2.0], [0.1]), "2 estimates but 1 standard errors"),
        (([1.0, np.nan], [0.1, 0.1]), "estimate 1 is"),
        (([1.0, 2.0], [0.1, -1.0]), "above 0"),
        (([1.0, 2.0], None), "give std_errors"),
    ],
)
def test_bad_input(arguments, message) -> None:
    with pytest.raises(InputError, match=message):
        pool(*arguments)


def test_scales_are_not_mixed() -> None:
    pair = [
        Estimate(0.3, 0.1, 3, "log_ratio", "ratio"),
        Estimate(0.3, 0.1, 3, "difference", "points"),
    ]
    with pytest.raises(InputError, match="different scales"):
        pool(pair)


@pytest.mark.parametrize("option", [{"method": "best"}, {"test": "bayes"}])
def test_unknown_option(option) -> None:
    with pytest.raises(InputError, match="allowed"):
        pool([1.0, 2.0], [0.1, 0.2], **option)


def test_an_interval_narrower_than_that_of_a_common_effect_is_noted() -> None:
    """Estimates that agree by chance: half the width of the common effect's, without a word."""
    values, errors = [0.20, 0.21, 0.19, 0.20], [0.1] * 4
    plain = pool(values, errors)
    assert plain.narrower_than_common == ("(Intercept)",)
    assert "narrower than that of a common effect" in plain.notes[0]
    assert f"note: {plain.notes[0]}" in repr(plain)
    for other in ({"test": "knapp-hartung-adhoc"}, {"test": "z"}, {"cluster": list("aabb")}):
        assert pool(values, errors, **other).notes == ()
    assert pool([0.1, 0.5, -0.2, 0.4], errors).notes == ()
    table = pd.DataFrame({"yi": values, "vi": 0.01, "x": [0.0, 1, 2, 4]})
    assert pool(table, formula="yi ~ x").narrower_than_common == ("(Intercept)", "x")


def test_the_headline_of_a_meta_regression_says_what_it_is() -> None:
    table = pd.DataFrame(
        {"yi": [0.1, 0.3, 0.5, 0.2, 0.4, 0.6], "vi": [0.01, 0.02, 0.01, 0.03, 0.02, 0.01],
         "year": [2001.0, 2002, 2003, 2004, 2005, 2006], "arm": list("aabbaa")}
    )  # fmt: skip
    said = {"yi ~ year": "the mean effect where these are 0: year",
            "yi ~ arm": "the mean effect where these are 0: armb",
            "yi ~ 0 + arm": "the coefficient arma, beside armb",
            "yi ~ 1": "the mean effect"}  # fmt: skip
    for formula, words in said.items():
        for random in (None, "(1 | arm)"):
            found = pool(table, variance="vi", formula=formula, random=random)
            assert found.estimand.endswith(words)
            assert (words in repr(found)) == (len(found.terms) > 1)
    beside = pool(table["yi"], np.sqrt(table["vi"]), moderators=table[["year"]])
    assert "where these are 0: year" in repr(beside)


def test_memory_grows_with_the_studies_and_not_with_their_square() -> None:
    """A (k, k) matrix of 20,000 studies would take 3.2 GB."""
    import tracemalloc

    rng = np.random.default_rng(5)
    se = rng.uniform(0.1, 0.5, 20_000)
    y = rng.normal(0.2, 0.3, 20_000) + se * rng.normal(size=20_000)
    tracemalloc.start()
    try:
        found = pool(y, se)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST_BYTES * len(y)
    assert found.tau2 == pytest.approx(0.09, rel=0.1)
