"""One verb, one meaning: what every fit and every pool answers to."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from doors.common import renamed_arguments

import retrostats as rs
from retrostats import InputError

INTERVAL = ["term", "estimate", "conf_low", "conf_high"]
#: The same numbers by two routes: rounding alone.
SAME = 1e-10


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    who = np.repeat(np.arange(14), 3)
    frame = pd.DataFrame({"subject": who, "time": np.tile([0.0, 1.0, 2.0], 14)})
    frame["arm"] = np.where(who % 2, "a", "b")
    frame["y"] = 5 + rng.normal(0, 1, 14)[who] + 0.4 * frame["time"] + rng.normal(0, 0.5, 42)
    return frame.assign(n=rng.poisson(np.exp(0.3 * frame["y"])), vi=0.25)


@pytest.fixture(scope="module")
def results(rows: pd.DataFrame) -> dict[str, Any]:
    effects = [0.1, 0.35, 0.5, 0.2, 0.62]
    table = {
        "study": list("abcd"), "events_1": [2, 0, 5, 9], "total_1": [90, 40, 210, 200],
        "events_2": [6, 3, 9, 11], "total_2": [88, 41, 200, 190],
    }  # fmt: skip
    return {
        "lmm": rs.lmm("y ~ time + (1 | subject)", rows),
        "known": rs.lmm("y ~ time + (1 | subject)", rows, variances="vi"),
        "glmm": rs.glmm("n ~ time + (1 | subject)", rows),
        "pool": rs.pool(effects, [0.1] * 5),
        "henmi-copas": rs.pool(effects, [0.1] * 5, test="henmi-copas"),
        "multilevel": rs.pool(rows, formula="y ~ time", random="(1 | subject)", variance="vi"),
        "counts": rs.pool_counts(table, measure="rate_ratio"),
    }


NAMES = ("lmm", "known", "glmm", "pool", "henmi-copas", "multilevel", "counts")


@pytest.mark.parametrize("name", NAMES)
def test_every_result_has_the_same_verbs(results: dict[str, Any], name: str) -> None:
    fit = results[name]
    table = fit.coefficients
    assert list(table.columns[:3]) == ["term", "estimate", "std_error"]
    pd.testing.assert_series_equal(fit.params, table.set_index("term")["estimate"].rename("params"))
    assert list(fit.pvalues) == list(table["p_value"])
    ends = fit.conf_int(level=0.95)
    assert list(ends.columns) == INTERVAL
    np.testing.assert_allclose(
        ends[INTERVAL[1:]].to_numpy(), table[INTERVAL[1:]].to_numpy(), rtol=SAME
    )
    assert fit.aic == pytest.approx(2 * fit.n_parameters - 2 * fit.loglik, rel=SAME)
    glance = fit.glance().iloc[0]
    assert (glance["aic"], glance["bic"], glance["n_obs"]) == (fit.aic, fit.bic, fit.n_obs)
    assert list(fit.tidy().columns) == list(table.columns)
    assert isinstance(fit.summary(), str)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "henmi-copas"])
def test_a_higher_level_is_wider(results: dict[str, Any], name: str) -> None:
    wide, narrow = (results[name].conf_int(level=at) for at in (0.99, 0.9))
    assert (wide["conf_low"] < narrow["conf_low"]).all()
    assert (wide["conf_high"] > narrow["conf_high"]).all()
    tidy = results[name].tidy(level=0.99)
    assert list(tidy["conf_low"]) == list(wide["conf_low"])


def test_the_table_of_henmi_and_copas_has_their_interval(results: dict[str, Any]) -> None:
    pooled = results["henmi-copas"]
    row = pooled.coefficients.iloc[0]
    assert (row["conf_low"], row["conf_high"]) == (pooled.conf_low, pooled.conf_high)
    with pytest.raises(InputError, match="pool again"):
        pooled.conf_int(level=0.9)


@pytest.mark.parametrize(
    ("name", "terms"),
    [
        ("lmm", ["sd_subject_(Intercept)", "sigma"]),
        ("known", ["sd_subject_(Intercept)"]),
        ("multilevel", ["sd_subject_(Intercept)"]),
        ("pool", ["tau"]),
    ],
)
def test_random_terms_are_standard_deviations_by_profile(
    results: dict[str, Any], name: str, terms: list[str]
) -> None:
    fit = results[name]
    table = fit.conf_int(which="random")
    assert list(table.columns) == INTERVAL
    assert list(table["term"]) == terms
    components = np.sqrt(fit.tau2) if name == "pool" else None
    wanted = components or (
        np.sqrt(fit.sigma2.iloc[0])
        if name == "multilevel"
        else fit.variance_components["sdcor"].iloc[0]
    )
    assert table["estimate"].iloc[0] == pytest.approx(wanted, rel=SAME)
    assert (table["conf_low"] <= table["estimate"]).all()
    both = fit.conf_int(which="all")
    pd.testing.assert_frame_equal(both.iloc[-len(terms) :].reset_index(drop=True), table)
    assert list(both["term"].iloc[: -len(terms)]) == list(fit.params.index)


def test_bootstrap_intervals_of_all_terms_are_percentiles_of_the_refits(
    results: dict[str, Any],
) -> None:
    fit = results["lmm"]
    table = fit.conf_int(which="all", method="bootstrap", draws=200, seed=3)
    refits = fit.bootstrap(200, seed=3)[list(table["term"])]
    np.testing.assert_allclose(table["conf_low"], refits.quantile(0.025), rtol=SAME)
    np.testing.assert_allclose(table["conf_high"], refits.quantile(0.975), rtol=SAME)


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("lmm", {"which": "fixd"}, "allowed: fixed, random, all"),
        ("lmm", {"method": "exact"}, "allowed: wald, profile, bootstrap"),
        ("lmm", {"which": "random", "method": "wald"}, "allowed: profile, bootstrap"),
        ("lmm", {"level": 95}, "between 0 and 1"),
        ("known", {"method": "bootstrap"}, "allowed: wald"),
        ("glmm", {"which": "random", "method": "wald"}, "no symmetric interval"),
        ("counts", {"which": "all"}, "tau2"),
        ("pool", {"method": "profile"}, "allowed: wald"),
        ("pool", {"level": 1.0}, "between 0 and 1"),
        ("multilevel", {"which": "random", "method": "q-profile"}, "one variance"),
    ],
)
def test_an_interval_that_is_not_there_is_refused(
    results: dict[str, Any], name: str, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        results[name].conf_int(**options)


@pytest.mark.parametrize("name", ["lmm", "known", "glmm"])
def test_fitted_and_residuals_add_up_to_the_outcome(
    results: dict[str, Any], rows: pd.DataFrame, name: str
) -> None:
    fit = results[name]
    outcome = rows["n" if name == "glmm" else "y"]
    np.testing.assert_allclose(fit.fitted + fit.residuals, outcome, rtol=SAME)
    table = fit.augment()
    assert list(table["fitted"]) == list(fit.fitted)
    assert list(table["residual"]) == list(fit.residuals)


def test_fitted_values_of_known_variances_hold_the_random_effects(
    results: dict[str, Any], rows: pd.DataFrame
) -> None:
    fit = results["known"]
    person = fit.ranef()["estimate"].to_numpy()[rows["subject"]]
    np.testing.assert_allclose(fit.fitted, fit.model.x @ fit.beta + person, rtol=SAME)


@pytest.mark.parametrize("name", ["pool", "counts"])
def test_a_pool_predicts_a_new_study(results: dict[str, Any], name: str) -> None:
    pooled = results[name]
    row = pooled.predict().iloc[0]
    assert (row["estimate"], row["pred_low"]) == (pooled.estimate, pooled.pred_low)


VERBS = ("predict", "fitted", "residuals", "augment", "anova", "emmeans", "contrast", "plot")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("verb", [*VERBS, "coef", "vcov", "llf"])
def test_a_verb_that_does_not_apply_names_the_substitute(
    results: dict[str, Any], name: str, verb: str
) -> None:
    fit = results[name]
    if verb in dir(fit):
        return
    with pytest.raises(AttributeError, match=f"has no {verb}: use .+"):
        getattr(fit, verb)


def test_a_name_that_nobody_uses_has_no_substitute(results: dict[str, Any]) -> None:
    with pytest.raises(AttributeError, match="'LmmFit' object has no attribute 'flavour'"):
        results["lmm"].flavour  # noqa: B018


OLD: list[tuple[str, Callable[[Any], Any], Callable[[Any], Any], str]] = [
    ("lmm", lambda f: f.confint()["conf_low"].to_list(),
     lambda f: f.conf_int(which="random")["conf_low"].to_list(), "conf_int"),
    ("lmm", lambda f: f.bootstrap(n=5, seed=1), lambda f: f.bootstrap(draws=5, seed=1), "draws="),
    ("lmm", lambda f: f.simulate(n=2), lambda f: f.simulate(draws=2), "draws="),
    ("glmm", lambda f: f.confint("profile"), lambda f: f.conf_int(method="profile"), "conf_int"),
    ("glmm", lambda f: f.fitted().to_list(), lambda f: f.fitted.to_list(), "predict"),
    ("glmm", lambda f: f.residuals().to_list(),
     lambda f: f.residual_table["deviance"].to_list(), "residual_table"),
    ("pool", lambda f: f.table(), lambda f: f.coefficients, "coefficients"),
    ("pool", lambda f: f.confint()["conf_high"].to_list(),
     lambda f: (f.conf_int(which="random")["conf_high"] ** 2).round(12).to_list(), "conf_int"),
    ("counts", lambda f: f.confint()[0], lambda f: f.conf_int()["conf_low"][0], "conf_int"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "says"), OLD)
def test_an_old_name_works_and_warns(
    results: dict[str, Any], name: str, old: Any, new: Any, says: str
) -> None:
    with pytest.warns(DeprecationWarning, match=says) as caught:
        before = old(results[name])
    assert [w.filename for w in caught] == [__file__]
    after = new(results[name])
    if isinstance(before, pd.DataFrame):
        pd.testing.assert_frame_equal(before, after)
    else:
        assert before == pytest.approx(after, rel=1e-9)


def test_old_arguments_warn_and_new_ones_do_not() -> None:
    @renamed_arguments(sims="draws")
    def count(*, draws: int = 1) -> int:
        return draws

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert count(draws=3) == 3
    with pytest.warns(DeprecationWarning, match=r"count\(sims=\) is now count\(draws=\)"):
        assert count(sims=4) == 4  # type: ignore[call-arg]
    for name, old in (
        ("power", "n_sim"),
        ("type_one_error", "n_sim"),
        ("plan", "sims"),
        ("power", "test"),
    ):
        new = "ddf" if old == "test" else "draws"
        with (
            pytest.warns(DeprecationWarning, match=rf"{name}\({old}=\) is now {name}\({new}=\)"),
            pytest.raises(TypeError, match="missing"),
        ):
            getattr(rs, name)(**{old: 10})


def test_old_names_of_fields_and_properties_work_and_warn() -> None:
    found = rs.explore(lambda v: (v["x"], v["x"] - 1, v["x"] + 1), {"x": (0, 1)}, draws=16)
    for old, new in (("middle", "reference_point"), ("certificate", "search_diagnostics")):
        with pytest.warns(DeprecationWarning, match=f"Exploration.{old} is now .*{new}") as caught:
            before = getattr(found, old)
        assert [w.filename for w in caught] == [__file__]
        assert str(before) == str(getattr(found, new))
    with pytest.warns(DeprecationWarning, match=r"Evidence\(own=\) is now Evidence\(user_co"):
        held = rs.Evidence("x", found, own=True)  # type: ignore[call-arg]
    assert held.user_cohorts
    assert replace(held, randomised=False).user_cohorts
