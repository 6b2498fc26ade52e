"""Printed numbers that contradict one another, and arrays that are none, are refused."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import retrostats as rs

#: The paired t and the fit agree to rounding and the stop of the search, 1e-9 of the deviance.
PAIRED_RTOL = 1e-6


def _three(r: list[list[float]]) -> rs.Moments:
    cells = pd.DataFrame(
        {"time": list("abc"), "n": 10, "mean": [10.0, 11.0, 13.0], "sd": [2.0, 2.2, 2.5]}
    )
    return rs.moments_from_summary(cells, correlation=r)


def test_three_different_correlations_are_not_fitted_by_one() -> None:
    """The covariance that was printed is the one that is fitted, and the fit says so."""
    printed = [[1, 0.8, 0.3], [0.8, 1, 0.6], [0.3, 0.6, 1]]
    fit = rs.lmm("y ~ time + (1 | subject)", _three(printed))
    assert "covariance of time within subject: unstructured" in repr(fit)
    found = np.asarray(fit.covariance)
    sd = np.sqrt(np.diag(found))
    assert found / np.outer(sd, sd) == pytest.approx(np.array(printed), rel=1e-6)
    with pytest.raises(rs.NotIdentified, match="unstructured"):
        rs.lmm("y ~ time + (1 | subject)", _three(printed), covariance="lme4")


def _two(r: float) -> rs.Moments:
    cells = pd.DataFrame({"time": list("ab"), "n": 10, "mean": [10.0, 11.0], "sd": [2.0, 2.2]})
    return rs.moments_from_summary(cells, correlation=r)


def test_residual_variances_by_condition_are_no_way_around_the_refusal() -> None:
    moments = _three([[1, 0.8, 0.3], [0.8, 1, 0.6], [0.3, 0.6, 1]])
    with pytest.raises(rs.NotIdentified, match=r"0.8, 0.3, 0.6"):
        rs.lmm("y ~ time + (1 | subject)", moments, residual="time")


def test_correlations_alike_to_their_rounding_are_fitted_by_one() -> None:
    moments = _three([[1, 0.61, 0.6], [0.61, 1, 0.6], [0.6, 0.6, 1]])
    assert rs.lmm("y ~ time + (1 | subject)", moments).converged


def test_a_negative_printed_correlation_takes_the_signed_covariance_and_says_so(
    tmp_path: Path,
) -> None:
    printed = _two(-0.4)
    printed.save(tmp_path / "m.json")
    spread = math.sqrt(2.0**2 + 2.2**2 + 2 * 0.4 * 2.0 * 2.2)
    for moments in (printed, rs.load_moments(tmp_path / "m.json")):
        fit = rs.lmm("y ~ time + (1 | subject)", moments)
        row = fit.coefficients.iloc[1]
        assert row["std_error"] == pytest.approx(spread / math.sqrt(10), rel=PAIRED_RTOL)
        assert row["df"] == pytest.approx(9, rel=PAIRED_RTOL)
        assert "covariance='signed-cs' was taken" in fit.summary()
    asked = rs.lmm("y ~ time + (1 | subject)", printed, covariance="lme4")
    assert asked.singular
    assert "signed" not in asked.summary()
    assert "signed" not in rs.lmm("y ~ time + (1 | subject)", _two(0.4)).summary()


def test_files_of_moments_of_before_and_those_that_lie_about_print(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    _two(-0.4).save(path)
    document = json.loads(path.read_text())
    assert document.pop("printed") is True
    path.write_text(json.dumps(document))
    assert not rs.load_moments(path).printed
    path.write_text(json.dumps(document | {"printed": "yes"}))
    with pytest.raises(rs.InputError, match="'printed' is neither true nor false"):
        rs.load_moments(path)


CELLS = pd.DataFrame({"time": ["post", "pre"], "n": 10, "mean": [21.4, 23.1], "sd": [3.1, 3.2]})
PREPOST = pd.DataFrame(
    {"study": "A", "arm": [0, 1], "n": [20, 21], "mean_pre": [30.1, 31.2], "sd_pre": [5.1, 6.1],
     "mean_post": [29.2, 22.3], "sd_post": [6.2, 5.2], "correlation": 0.6}
)  # fmt: skip
ARMS = pd.DataFrame(
    {"study": "A", "arm": [0, 1], "n": [20, 21], "mean": [29.1, 22.2], "sd": [6.1, 5.1]}
)
POOL = pd.DataFrame({"estimate": [3.0, 1.0], "std_error": [1.0, 1.0]})


def _summary(r: float = 0.5, **columns: object) -> rs.Moments:
    return rs.moments_from_summary(CELLS.assign(**columns), correlation=r)


#: What is printed twice and cannot be: the call, and both numbers that the message names.
CONTRADICTIONS: dict[str, tuple[Callable[[], object], str]] = {
    "an interval around another estimate": (
        lambda: rs.pool(POOL.assign(ci_low=[5, -1], ci_high=[9, 3])), "3 lies outside .* 5 to 9"),
    "a reversed interval": (
        lambda: rs.pool(POOL.assign(conf_low=[5, -1], conf_high=[1, 3])),
        "found 5, above conf_high 1"),
    "a standard error far from its interval": (
        lambda: rs.pool(POOL.assign(ci_low=[2.9, -1], ci_high=[3.1, 3])),
        "error 1 contradicts the interval 2.9 to 3.1"),
    "a p-value below that of a normal test": (
        lambda: rs.pool(POOL.assign(p_value=[0.0001, 0.3])), "p 0.0001 contradicts 3"),
    "a p-value above that of a t on 1 df": (
        lambda: rs.pool(POOL.assign(p_value=[0.9, 0.3])), "p 0.9 contradicts 3"),
    "a p-value that is none": (
        lambda: rs.pool(POOL.assign(p_value=[5.0, 0.3])), "p is 5; allowed: from 0 to 1"),
    "an interval around another mean": (
        lambda: _summary(ci_low=[25.1, 20.1], ci_high=[28.1, 26.1]), "21.4 lies outside"),
    "a reversed interval of a mean": (
        lambda: _summary(ci_low=[25.1, 20.1], ci_high=[20.1, 26.1]),
        "found 25.1, above ci_high 20.1"),
    "an SE beside another SD": (
        lambda: rs.moments_from_summary(
            pd.DataFrame({"time": ["a"], "n": [12], "mean": [3.0], "sd": [5.0], "se": [1.0]})),
        "se 1 contradicts sd 5 with n 12"),
    "an SD of 0 with a correlation": (lambda: _summary(sd=[0.0, 3.2]), "an SD is 0"),
    "an empty mapping of correlations": (
        lambda: rs.moments_from_summary(CELLS, correlation={}), "empty mapping"),
    "a change that pre and post exclude": (
        lambda: rs.moments_prepost(PREPOST.assign(mean_change=[-0.9, 4.0])),
        "mean_change is 4, .* give -8.9"),
    "an SD of change that the correlation excludes": (
        lambda: rs.moments_prepost(PREPOST.assign(sd_change=[5.1, 9.3])), "sd_change is 9.3"),
    "an SD of 0 before": (
        lambda: rs.moments_prepost(PREPOST.assign(sd_pre=0.0)), "sd_pre is 0"),
    "a correlation of 1": (
        lambda: rs.moments_prepost(PREPOST.assign(correlation=1.0)), "correlation is 1"),
    "one person before and after": (
        lambda: rs.moments_prepost(PREPOST.assign(n=1)), "n is 1 and sd_pre is 5.1"),
    "one person with an SD": (lambda: rs.moments_arms(ARMS.assign(n=1)), "n is 1 and sd is 6.1"),
    "an arm's SE beside another SD": (
        lambda: rs.moments_arms(ARMS.assign(se=[1.36, 2.2])), "se is 2.2"),
    "an arm's interval around another mean": (
        lambda: rs.moments_arms(ARMS.assign(ci_low=[31.0, 20.1], ci_high=[33.0, 24.4])),
        "29.1 lies outside"),
    "r against p": (
        lambda: rs.pool_crossovers(pd.DataFrame(
            {"study": ["A"], "n": [13], "mean_1": ["31.3"], "sd_1": ["5.8"], "mean_2": ["27.2"],
             "sd_2": ["2.5"], "p": ["<0.01"], "r": ["-0.9"]}), draws=0),
        "r -0.9 contradicts p < 0.01"),
    "reversed ends of an unknown": (lambda: rs.Unknown("x", 1.0, 0.0), "lower one first"),
    "more events than people": (
        lambda: rs.pool_counts(
            {"events_1": [9], "total_1": [5], "events_2": [1], "total_2": [5]},
            measure="odds_ratio"), "found 9; it must be at most the total"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_contradiction_is_refused_and_both_numbers_named(name: str) -> None:
    call, said = CONTRADICTIONS[name]
    with pytest.raises(rs.InputError, match=said):
        call()


#: The same numbers as they may be printed: rounded, of a t on few df, or on the log scale.
AGREE: dict[str, Callable[[], object]] = {
    "t on 3 df": lambda: rs.pool(POOL.assign(ci_low=[-0.2, -2.2], ci_high=[6.2, 4.2])),
    "p of that t": lambda: rs.pool(POOL.assign(p_value=[0.058, 0.39])),
    "whole numbers": lambda: rs.pool(POOL.assign(ci_low=[1, -1], ci_high=[5, 3])),
    "limits of a ratio": lambda: rs.pool(
        pd.DataFrame({"estimate": [0.26, 0.3], "std_error": [0.1, 0.1]}).assign(
            ci_low=[1.07, 1.11], ci_high=[1.58, 1.64])),
    "limits of means": lambda: _summary(ci_low=[19.2, 20.8], ci_high=[23.6, 25.4]),
    "an SE": lambda: _summary(se=[0.98, 1.01]),
    "a change and its SD": lambda: rs.moments_prepost(
        PREPOST.assign(mean_change=[-0.9, -8.9], sd_change=[5.1, 5.1])),
    "a change of rounded means": lambda: rs.moments_prepost(
        PREPOST.assign(mean_pre=[30.0, 31.0], mean_post=[29.0, 22.0], mean_change=[-0.6, -8.6])),
    "an arm's SE": lambda: rs.moments_arms(ARMS.assign(se=[1.36, 1.11])),
}  # fmt: skip


@pytest.mark.parametrize("name", AGREE)
def test_what_rounding_explains_is_taken(name: str) -> None:
    AGREE[name]()


def test_published_limits_are_checked_as_they_are_read(tmp_path: Path) -> None:
    shipped = Path(rs.load_audit().data)
    package = tmp_path / "data"
    shutil.copytree(shipped, package)
    rows = rs.load_published()
    row = rows[rows["ci_low"].notna() & rows["ci_high"].notna()].iloc[0]
    table = package / "published" / f"{row['topic']}.csv"
    before = pd.read_csv(table, dtype=str, keep_default_na=False)
    at = before["row_id"] == row["row_id"]
    for low, high, said in (("9", "5", "found 9, above ci_high 5"), ("995", "999", "lies outside")):
        spoilt = before.copy()
        spoilt.loc[at, ["ci_low", "ci_high"]] = low, high
        spoilt.to_csv(table, index=False)
        with pytest.raises(rs.InputError, match=said):
            rs.load_published(row["topic"], folder=package)


BAD: list[Callable[[], object]] = [
    lambda: rs.Reported("1e999"),
    lambda: rs.se_from_p(float("nan"), 0.01, 12),
    lambda: rs.metabolic_rate_w(None, 1.0),  # type: ignore[arg-type]
    lambda: rs.pool(np.ma.masked_array([1.0, 2.0], [True, False]), [1.0, 1.0]),
    lambda: rs.pool([1 + 1j, 2], [1.0, 1.0]),
    lambda: rs.pool(np.array(["2020-01-01", "2020-01-02"], "M8[D]"), [1.0, 1.0]),
    lambda: rs.pool([1.0, 2.0], [1.0, 1.0], cluster=[np.nan, np.nan]),
    lambda: rs.random_effects_batch([[0.1, 0.2]], [[0.1, 0.1]], mask=[[False, False]]),
    lambda: rs.glmm("k ~ 1 + (1 | g)", pd.DataFrame({"k": [0] * 6, "g": list("aabbcc")})),
    lambda: rs.explore(lambda v: (0, 1, -1), {"x": (0, 1)}, draws=8),
    lambda: rs.explore(lambda v: (0, -1, 1), {"x": (0, 1)}, draws=0),
]


@pytest.mark.parametrize("call", BAD)
def test_refused(call: Callable[[], object]) -> None:
    with pytest.raises((rs.InputError, rs.NotIdentified)):
        call()
