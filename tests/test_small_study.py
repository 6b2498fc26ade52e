"""Funnel tests, trim and fill, cumulation and moderators of pools, against metafor (pinned)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import retrostats as rs
from retrostats import InputError

PINNED = json.loads((Path(__file__).parent / "reference" / "small_study.json").read_text())
ROWS = pd.DataFrame(PINNED["rows"])
METHODS = {"DL": "dl", "EE": "common", "REML": "reml"}
TESTS = {"z": "z", "knha": "knapp-hartung"}

#: Closed forms, printed to 15 digits.
EXACT = 1e-9
#: metafor stops REML when tau2 moves by less than 1e-5, which leaves 2e-4 in a p-value of 2e-6.
REML = 3e-4
#: Share of 500 simulated funnels without asymmetry that a 5% test finds: standard error 1%.
FALSE_ALARMS = (0.03, 0.07)


def pooled(name: str) -> tuple[rs.Pooled, dict, float]:
    method, test = name.split()
    found = rs.pool(ROWS[["yi", "vi"]], method=METHODS[method], test=TESTS[test])
    return found, PINNED["fits"][name], REML if method == "REML" else EXACT


@pytest.mark.parametrize("name", PINNED["fits"])
def test_regression_tests_against_metafor(name: str) -> None:
    pool, wanted, rtol = pooled(name)
    for model, words in (("lm", "multiplicative"), ("rma", "random-effects")):
        for column, predictor in (("sei", "std_error"), ("vi", "variance")):
            found = pool.egger(model=words, predictor=predictor).iloc[0]
            answer = wanted["egger"][f"{model} {column}"]
            names = {"statistic": "statistic", "p_value": "p", "limit": "limit",
                     "limit_low": "low", "limit_high": "high"}  # fmt: skip
            for mine, theirs in names.items():
                assert found[mine] == pytest.approx(answer[theirs], rel=rtol)
            assert found["df"] == (np.inf if model == "rma" and name.endswith("z") else 11)


@pytest.mark.parametrize("name", PINNED["fits"])
def test_the_rank_test_is_that_of_metafor(name: str) -> None:
    pool, wanted, _ = pooled(name)
    found = pool.rank_test().iloc[0]
    assert (found["tau"], found["p_value"]) == pytest.approx(tuple(wanted["rank"].values()))


@pytest.mark.parametrize("name", ["few", "ties"])
def test_rank_tests_of_few_and_of_ties(name: str) -> None:
    found = rs.pool(pd.DataFrame(PINNED[name])).rank_test().iloc[0]
    wanted = PINNED[f"{name}_rank"]
    assert (found["tau"], found["p_value"]) == pytest.approx((wanted["tau"], wanted["p"]))
    assert found["p_from"] == ("exact" if name == "few" else "normal, ties")


@pytest.mark.parametrize("name", PINNED["fits"])
def test_trim_and_fill_against_metafor(name: str) -> None:
    pool, wanted, rtol = pooled(name)
    for key, answer in wanted["fill"].items():
        estimator, side = key.split()
        found = pool.trim_and_fill(estimator=estimator, side=side)
        assert (found.missing, found.side) == (answer["missing"], side)
        assert len(found.filled) == pool.k + found.missing
        assert found.estimate == pytest.approx(answer["estimate"], rel=rtol)
        if name.endswith(" z"):  # metafor 3.8-1 pools again by z, whatever the test was
            assert found.std_error == pytest.approx(answer["std_error"], rel=rtol)
        again = rs.pool(found.filled, method=pool.method, test=pool.test)
        names = ("estimate", "std_error", "conf_low", "conf_high", "p_value", "tau2")
        for part in names:
            assert getattr(found, part) == pytest.approx(getattr(again, part), rel=EXACT)
        if answer["se"] is not None and not isinstance(answer["se"], str):
            assert found.missing_se == pytest.approx(answer["se"], rel=rtol)
    chosen = pool.trim_and_fill()
    assert {"side": chosen.side, "missing": chosen.missing} == wanted["chosen"]


def test_filled_estimates_mirror_those_farthest_out() -> None:
    pool = rs.pool([0.0, 0.1, 0.3, 0.5, 1.2], [0.05, 0.05, 0.1, 0.2, 0.4], method="dl")
    found = pool.trim_and_fill()
    assert found.side == "left"
    assert found.missing > 0
    new = found.filled[found.filled["filled"]]
    outer = np.sort(pool.data.y)[-found.missing :]
    assert np.ptp(new["estimate"].to_numpy() + outer) == pytest.approx(0, abs=1e-12)
    assert new["estimate"].max() < pool.estimate


@pytest.mark.parametrize("name", PINNED["fits"])
def test_cumulative_pools_against_metafor(name: str) -> None:
    pool, wanted, rtol = pooled(name)
    found = pool.cumulative(ROWS["year"])
    answer = wanted["cumulative"]
    first = 1 if name.endswith("knha") else 0  # metafor has no Knapp-Hartung error of one study
    for mine, theirs in {"estimate": "estimate", "std_error": "std_error", "p_value": "p",
                         "conf_low": "low", "conf_high": "high"}.items():  # fmt: skip
        np.testing.assert_allclose(
            found[mine][first:], np.array(answer[theirs], dtype=float)[first:], rtol=rtol
        )
    assert found["estimate"].iloc[-1] == pytest.approx(pool.estimate, rel=EXACT)
    assert found["k"].tolist() == list(range(1, 14))


def test_the_funnel_holds_its_numbers() -> None:
    pool = rs.pool(ROWS[["yi", "vi"]], method="common")
    found = pool.funnel()
    outside = np.abs(ROWS["yi"] - pool.estimate) > 1.959963984540054 * np.sqrt(ROWS["vi"])
    assert (found["inside"] == ~outside).all()
    assert 0 < outside.sum() < 13


def test_without_asymmetry_the_regression_test_finds_it_in_one_of_twenty() -> None:
    rng = np.random.default_rng(5)
    found = 0
    for _ in range(500):
        errors = rng.uniform(0.05, 0.5, 15)
        pool = rs.pool(rng.normal(0.3, errors), errors, method="common")
        found += pool.egger()["p_value"].iloc[0] < 0.05
    assert FALSE_ALARMS[0] < found / 500 < FALSE_ALARMS[1]


# Moderators


@pytest.mark.parametrize("test", ["z", "knha"])
def test_joint_tests_and_predictions_against_metafor(test: str) -> None:
    wanted = PINNED["moderated"][test]
    pool = rs.pool(ROWS, formula="yi ~ ablat + alloc", variance="vi", method="dl", test=TESTS[test])
    table = pool.anova()
    assert table["term"].tolist() == ["all moderators", "ablat", "alloc"]
    scale = table["num_df"] if test == "z" else 1.0
    statistics = (table["statistic"] * scale).tolist()
    assert statistics[0] == pytest.approx(wanted["qm"], rel=EXACT)
    assert statistics[2] == pytest.approx(wanted["part"], rel=EXACT)
    assert table["p_value"].iloc[[0, 2]].tolist() == pytest.approx(
        [wanted["qm_p"], wanted["part_p"]], rel=EXACT
    )
    assert table["p_value"].iloc[1] == pytest.approx(pool.pvalues["ablat"])
    new = {"ablat": [30, 13, 50], "alloc": ["random", "alternate", "systematic"]}
    found = pool.predict(new)
    names = {"estimate": "estimate", "std_error": "std_error", "conf_low": "low",
             "conf_high": "high", "pred_low": "pi_low", "pred_high": "pi_high"}  # fmt: skip
    for mine, theirs in names.items():
        np.testing.assert_allclose(found[mine], wanted["predict"][theirs], rtol=EXACT)


def test_a_prediction_where_a_coefficient_stands_is_that_coefficient() -> None:
    groups = [str(i // 3) for i in range(13)]
    for options in (
        {"test": "kenward-roger"},
        {"test": "knapp-hartung-adhoc"},
        {"cluster": groups},
        {"random": "(1 | alloc)", "test": "t"},
        {"random": "(1 | year)", "test": "satterthwaite"},
        {"random": "(1 | alloc)", "cluster": ROWS["alloc"].tolist()},
    ):
        pool = rs.pool(ROWS, formula="yi ~ ablat", variance="vi", **options)
        found = pool.predict({"ablat": [0.0, 30.0, np.nan]})
        first = pool.coefficients.iloc[0]
        names = ["estimate", "std_error", "df", "conf_low", "conf_high"]
        np.testing.assert_allclose(found[names].iloc[0], first[names].astype(float), rtol=EXACT)
        assert found.iloc[2].isna().all()
        if "cluster" not in options:
            table = pool.anova()
            second = pool.coefficients.iloc[1]
            assert table["statistic"].iloc[0] == pytest.approx(second["statistic"] ** 2)
            assert table["p_value"].iloc[0] == pytest.approx(second["p_value"])


def test_joint_tests_by_kenward_roger_are_those_of_the_mixed_model() -> None:
    rows = ROWS.assign(each=range(13))
    simple = rs.pool(rows, formula="yi ~ alloc", variance="vi", test="kenward-roger")
    mixed = rs.pool(rows, formula="yi ~ alloc", variance="vi", random="(1 | each)",
                    test="kenward-roger")  # fmt: skip
    pd.testing.assert_frame_equal(simple.anova(), mixed.anova(), rtol=1e-5)


def test_subgroups_without_intercept_and_moderators_of_numbers() -> None:
    pool = rs.pool(ROWS, formula="yi ~ 0 + alloc", variance="vi")
    found = pool.predict({"alloc": ["random"]}).iloc[0]
    assert found["estimate"] == pytest.approx(pool.params["allocrandom"])
    plain = rs.pool(ROWS["yi"], variance=ROWS["vi"], moderators=ROWS[["ablat", "year"]])
    said = rs.pool(ROWS, formula="yi ~ ablat + year", variance="vi")
    new = {"ablat": [30.0], "year": [1960.0]}
    pd.testing.assert_frame_equal(plain.predict(new), said.predict(new))
    pd.testing.assert_frame_equal(plain.anova(), said.anova())


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda p: p.egger(model="lm"), r"egger model='lm'; allowed: multiplicative"),
        (lambda p: p.trim_and_fill(estimator="L1"), r"estimator='L1'; allowed: L0, R0, Q0"),
        (lambda p: p.trim_and_fill(side="top"), r"side='top'; allowed: left, right"),
        (lambda p: p.cumulative([1, 2]), r"cumulative: 2 labels for 13"),
        (lambda p: p.anova(), r"no moderators; pool with formula="),
        (lambda p: p.predict({"ablat": [3]}), r"no moderators"),
    ],
)
def test_one_message_for_what_does_not_apply(call, says: str) -> None:
    with pytest.raises(InputError, match=says):
        call(rs.pool(ROWS[["yi", "vi"]]))


def test_one_message_where_a_pool_is_no_mean_of_independent_estimates() -> None:
    moderated = rs.pool(ROWS, formula="yi ~ ablat + alloc", variance="vi")
    two = rs.pool([0.1, 0.2], [0.1, 0.2])
    same = rs.pool([0.1, 0.2, 0.3], [0.1, 0.1, 0.1])
    clustered = rs.pool(ROWS[["yi", "vi"]], cluster=[str(i // 2) for i in range(13)])
    for call, says in (
        (lambda: moderated.egger(), "one mean of independent"),
        (lambda: moderated.predict(), "give their values"),
        (lambda: moderated.predict({"ablat": [3]}), "no column 'alloc'"),
        (lambda: moderated.predict({"ablat": [3], "alloc": ["coin"]}), "coin.*not seen"),
        (lambda: two.rank_test(), "3 estimates or more, found 2"),
        (lambda: same.egger(), "the same standard error"),
        (lambda: clustered.trim_and_fill(), "independent"),
    ):
        with pytest.raises(InputError, match=says):
            call()
