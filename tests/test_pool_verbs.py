"""Radial plots, permutation tests and profile likelihoods of pools, beside metafor (pinned)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import retrostats as rs
from retrostats import InputError

FOLDER = Path(__file__).parent / "reference"
PINNED = json.loads((FOLDER / "pool_verbs.json").read_text())
ROWS = pd.DataFrame(json.loads((FOLDER / "small_study.json").read_text())["rows"])
METHODS = {"DL": "dl", "EE": "common", "REML": "reml"}
TESTS = {"z": "z", "knha": "knapp-hartung"}

#: Closed forms, printed to 15 digits; p-values are whole numbers of permutations.
EXACT = 1e-9
#: metafor stops REML when tau2 moves by less than 1e-5.
REML = 3e-4
#: Both are at the top of a likelihood, where it is flat to the square of the optimiser's step.
TOP = 1e-6


def test_the_radial_plot_is_metafors() -> None:
    found = rs.pool(ROWS[["yi", "vi"]], method="dl", test="z").radial()
    np.testing.assert_allclose(found["precision"], PINNED["radial"]["x"], rtol=EXACT)
    np.testing.assert_allclose(found["standardised"], PINNED["radial"]["y"], rtol=EXACT)
    np.testing.assert_allclose(
        found["expected_high"] - found["expected_low"], 2 * 1.959963984540054, rtol=EXACT
    )


@pytest.mark.parametrize("name", PINNED["signs"])
def test_all_signs_of_a_mean_as_metafor(name: str) -> None:
    method, test = name.split()
    pool = rs.pool(ROWS[["yi", "vi"]].iloc[:8], method=METHODS[method], test=TESTS[test])
    found = pool.permutation_test().iloc[0]
    wanted = PINNED["signs"][name]
    assert found["statistic"] == pytest.approx(wanted["statistic"], rel=REML)
    assert found["p_value"] == pytest.approx(wanted["p"], rel=EXACT)
    assert (found["permutations"], found["exact"]) == (256, True)


@pytest.mark.parametrize("name", PINNED["orders"])
def test_all_orders_of_moderators_as_metafor(name: str) -> None:
    method, test = name.split()
    rows = ROWS.iloc[[0, 2, 4, 6, 8, 10]]
    pool = rs.pool(
        rows, formula="yi ~ ablat + year", variance="vi", method=METHODS[method], test=TESTS[test]
    )
    table = pool.permutation_test()
    wanted = PINNED["orders"][name]
    assert table["term"].tolist() == ["(Intercept)", "ablat", "year", "all moderators"]
    np.testing.assert_allclose(table["statistic"].iloc[:3], wanted["statistic"], rtol=1e-6)
    np.testing.assert_allclose(table["p_value"], [*wanted["p"], wanted["joint_p"]], rtol=EXACT)
    assert set(table["permutations"]) == {720}


def test_a_sample_of_signs_is_near_all_of_them() -> None:
    pool = rs.pool(ROWS[["yi", "vi"]].iloc[5:], method="dl")
    every = pool.permutation_test().iloc[0]
    found = pool.permutation_test(draws=200, seed=3).iloc[0]
    assert (found["permutations"], found["exact"]) == (200, False)
    four_errors = 4 * np.sqrt(every["p_value"] * (1 - every["p_value"]) / 200)
    assert abs(found["p_value"] - every["p_value"]) < four_errors
    assert found["p_value"] >= 1 / 200  # the observed order is one of them
    assert found.equals(pool.permutation_test(draws=200, seed=3).iloc[0])


def test_a_test_of_kenward_roger_is_permuted_as_itself() -> None:
    rows = ROWS[["yi", "vi"]].iloc[:6]
    table = rs.pool(rows, test="kenward-roger").permutation_test()
    far = 0
    for signs in itertools.product((-1, 1), repeat=6):
        pool = rs.pool(rows["yi"] * np.array(signs), variance=rows["vi"], test="kenward-roger")
        far += abs(pool.estimate / pool.std_error) >= abs(table["statistic"].iloc[0]) * (1 - 1e-8)
    assert table["p_value"].iloc[0] == pytest.approx(far / 64)


def test_the_profile_of_one_variance_is_metafors() -> None:
    pool = rs.pool(ROWS[["yi", "vi"]], test="z")
    table, wanted = pool.profile(points=81), PINNED["profile"]
    assert table["loglik"].max() == pytest.approx(wanted["simple_best"], abs=TOP)
    assert table["value"][table["loglik"].idxmax()] == pytest.approx(pool.tau2, rel=1e-4)
    found = np.interp(wanted["at"], table["value"], table["loglik"])
    # straight lines between 80 points, off by the bend of the likelihood, most near 0
    np.testing.assert_allclose(found[1:], wanted["simple"][1:], atol=0.02)
    low, high = np.square(
        pool.conf_int(which="random", method="profile")[["conf_low", "conf_high"]].iloc[0]
    )
    inside = table[table["inside"]]["value"]
    step = np.diff(table["value"]).max()
    assert low - EXACT <= inside.min() <= low + step
    assert high - step <= inside.max() <= high + EXACT


def test_profiles_of_two_variances_are_metafors() -> None:
    rows = ROWS.assign(study=[str(i) for i in range(13)])
    pool = rs.pool(rows, formula="yi ~ 1", variance="vi", random="(1 | alloc/study)")
    table, wanted = pool.profile(points=3), PINNED["profile"]
    assert table["loglik"].max() == pytest.approx(wanted["multilevel_best"], abs=TOP)
    from doors.models import profile_at

    assert pool.fit is not None
    for number, name in enumerate(("outer", "inner")):
        rise = profile_at(pool.fit, number, np.array(wanted["at"]))
        np.testing.assert_allclose(pool.fit.loglik - rise / 2, wanted[name], atol=1e-5)
    assert table["term"].nunique() == 2


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda p: p(method="dl").profile(), "a profile needs a likelihood"),
        (lambda p: p().profile(points=2), "points"),
        (lambda p: p().permutation_test(draws=5), "draws"),
        (lambda p: p(cluster=list("aabbccdd")).permutation_test(), "independent"),
        (lambda p: p(test="henmi-copas").permutation_test(), "another test than henmi-copas"),
        (lambda p: p(cluster=list("aabbccdd")).radial(), "independent"),
    ],
)
def test_what_cannot_be_asked_is_said(ask: Callable[..., object], message: str) -> None:
    rows = ROWS[["yi", "vi"]].iloc[:8]
    with pytest.raises(InputError, match=message):
        ask(lambda **options: rs.pool(rows, **options))
