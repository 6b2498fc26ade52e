"""Intervals for few subjects and few studies: exact where theory says so, and they cover."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from doors.evidence import TEST
from doors.models import bootstrap_t, exact_sigma, prediction_limits, tau2_at, weighted_fit
from scipy.optimize import brentq
from scipy.stats import chi2

import retrostats as rs
from benchmarks.intervals import STUDIES, THETA, coverage, profiled
from benchmarks.pool_intervals import WIDER
from benchmarks.pool_intervals import coverage as mean_coverage
from benchmarks.prediction import coverage as prediction_coverage
from retrostats import InputError, NotIdentified

REPLICATES = 3_000
#: Three Monte Carlo errors of a coverage of 95% in 3,000 replicates.
MC = 3 * np.sqrt(0.95 * 0.05 / REPLICATES)
POOLS = 600
#: The same for prediction intervals in 600 pools, whose coverage is 93% or more.
MC_POOLS = 3 * np.sqrt(0.93 * 0.07 / POOLS)
#: The ratio bootstrap of sigma is short where the random effect is estimated as nil (measured
#: 91.6 to 92.7% at n = 4); the exact interval is the one to take.
RATIO_SHORT = 0.035


@pytest.fixture(scope="module")
def unbalanced() -> pd.DataFrame:
    """Seven subjects with two to five rows each, a slope, and a person of one row."""
    rng = np.random.default_rng(7)
    sizes = [2, 3, 5, 4, 3, 2, 1]
    subject = np.repeat(np.arange(len(sizes)), sizes)
    time = rng.normal(size=len(subject))
    y = 1.0 + 0.5 * time + rng.normal(size=len(sizes))[subject] + rng.normal(size=len(subject))
    return pd.DataFrame({"subject": subject, "time": time, "y": y})


def test_exact_sigma_is_the_regression_on_x_and_z(unbalanced: pd.DataFrame) -> None:
    fit = rs.lmm("y ~ time + (1 | subject)", unbalanced)
    dummies = (unbalanced["subject"].to_numpy()[:, None] == np.arange(7)).astype(float)
    design = np.column_stack([dummies, unbalanced["time"]])
    beta, *_ = np.linalg.lstsq(design, unbalanced["y"], rcond=None)
    rss = float(((unbalanced["y"] - design @ beta) ** 2).sum())
    df = len(unbalanced) - 8
    found = exact_sigma(fit)
    expected = np.sqrt([rss / df, rss / chi2.ppf(0.975, df), rss / chi2.ppf(0.025, df)])
    assert [found.estimate, found.conf_low, found.conf_high] == pytest.approx(expected, rel=1e-9)


def test_exact_sigma_from_a_printed_table_is_that_of_the_rows(unbalanced: pd.DataFrame) -> None:
    """Moments with scatters instead of rows: the same sums of squares."""
    rng = np.random.default_rng(1)
    n = 9
    rows = pd.DataFrame({
        "subject": np.repeat(np.arange(n), 2), "time": np.tile([0.0, 1.0], n),
        "y": np.repeat(rng.normal(size=n), 2) + rng.normal(size=2 * n),
    })  # fmt: skip
    fit = rs.lmm("y ~ time + (1 | subject)", rows)
    by_moments = rs.lmm("y ~ time + (1 | subject)", rs.moments("y ~ time + (1 | subject)", rows))
    change = rows["y"].to_numpy().reshape(n, 2) @ [-1.0, 1.0]
    assert exact_sigma(fit).estimate == pytest.approx(change.std(ddof=1) / np.sqrt(2), rel=1e-9)
    assert exact_sigma(by_moments) == exact_sigma(fit)
    table = fit.conf_int(which="random", method="exact")
    assert table["term"].tolist() == ["sigma"]
    assert table.loc[0, "conf_low"] == exact_sigma(fit).conf_low


def test_sigma_without_degrees_of_freedom_is_refused() -> None:
    """Twelve rows in a ring of six subjects and six items: 11 columns, and time is the twelfth."""
    subject = np.repeat(np.arange(6), 2)
    rows = pd.DataFrame({"subject": subject, "item": (subject + np.tile([0, 1], 6)) % 6,
                         "t": np.tile([0.0, 1.0], 6)})  # fmt: skip
    rows["y"] = np.random.default_rng(2).normal(size=12)
    fit = rs.lmm("y ~ t + (1 | subject) + (1 | item)", rows)
    with pytest.raises(NotIdentified, match="no degree of freedom"):
        exact_sigma(fit)


def test_sigma_without_degrees_of_freedom_is_bootstrapped(
    unbalanced: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A design that leaves none needs crossed terms, whose refits are slow: the count is given."""
    monkeypatch.setattr(
        "retrostats.models.linear.post_estimation.small_sample.within", lambda gram: (0.0, 0)
    )
    fit = rs.lmm("y ~ time + (1 | subject)", unbalanced)
    sigma = bootstrap_t(fit, n=400).iloc[-1]
    ratio = fit.bootstrap(400, 1)["sigma"] / fit.sigma
    ends = fit.sigma / ratio.quantile(0.975), fit.sigma / ratio.quantile(0.025)
    assert (sigma["conf_low"], sigma["conf_high"]) == pytest.approx(ends, rel=1e-12)


def test_studentised_bootstrap_of_a_paired_design_is_the_paired_t(
    unbalanced: pd.DataFrame,
) -> None:
    """Where the random effect is not nil, t of the time effect has exactly n - 1 df."""
    n = 8
    rng = np.random.default_rng(5)
    rows = pd.DataFrame({
        "subject": np.repeat(np.arange(n), 2), "time": np.tile([0.0, 1.0], n),
        "y": 6 * np.repeat(rng.normal(size=n), 2) + rng.normal(size=2 * n),
    })  # fmt: skip
    fit = rs.lmm("y ~ time + (1 | subject)", rows)
    boot = fit.conf_int(method="bootstrap-t", draws=20_000, seed=2).set_index("term").loc["time"]
    row = fit.coefficients.set_index("term").loc["time"]
    half = 2.3646 * row["std_error"]  # t of 7 df
    # Monte Carlo error of a 2.5% quantile of 20,000 t's of 7 df is 1.4% of it
    assert boot["conf_high"] - row["estimate"] == pytest.approx(half, rel=0.05)
    assert row["estimate"] - boot["conf_low"] == pytest.approx(half, rel=0.05)
    sigma = fit.conf_int(which="random", method="bootstrap-t", draws=100).iloc[-1]
    assert sigma["conf_high"] == exact_sigma(fit).conf_high
    again = bootstrap_t(fit, n=500, seed=3, jobs=2)
    pd.testing.assert_frame_equal(again, bootstrap_t(fit, n=500, seed=3))


def test_too_few_refits_and_wrong_levels(unbalanced: pd.DataFrame) -> None:
    fit = rs.lmm("y ~ time + (1 | subject)", unbalanced)
    with pytest.raises(InputError, match="at least 100"):
        fit.conf_int(method="bootstrap-t", draws=50)
    with pytest.raises(InputError, match="between 0 and 1"):
        fit.conf_int(which="random", method="exact", level=95)


class Sums:
    """Sums of squares in place of draws; the benchmark multiplies the second by 1 + 2 theta^2."""

    def __init__(self, within: float, between: float) -> None:
        self.next = [within, between / (1 + 2 * THETA**2)]

    def chisquare(self, df: int, size: int) -> np.ndarray:
        return np.array([self.next.pop(0)])


def test_closed_profile_of_the_benchmark_is_the_package_s() -> None:
    """The benchmark's ML deviance says the same as `confint` of the same four subjects."""
    n, s = 4, STUDIES["crossover"]
    for seed in range(4):
        rng = np.random.default_rng(seed)
        y = np.repeat(rng.normal(size=n), 2) + rng.normal(size=2 * n)
        rows = pd.DataFrame({"subject": np.repeat(np.arange(n), 2), "y": y,
                             "direction": np.tile([0.0, 1.0], n)})  # fmt: skip
        interval = (
            rs.lmm(s["formula"], rows).conf_int(which="random").set_index("term").loc["sigma"]
        )
        pairs = y.reshape(n, 2)
        within = (pairs @ [1, -1]).var() * n / 2
        between = (pairs @ [1, 1]).var() * n / 2

        held = profiled(n - 1, n - 1, n, 1, Sums(within, between))["sigma", "profile (before)"][0]
        assert held == (interval["conf_low"] <= 1 <= interval["conf_high"])


@pytest.fixture(scope="module")
def covered() -> pd.DataFrame:
    return coverage(REPLICATES, refits=4_000, seed=11).set_index(["quantity", "method"])


def test_new_intervals_cover_at_every_n(covered: pd.DataFrame) -> None:
    for key in (("fixed effect", "bootstrap-t"), ("sigma", "exact")):
        assert (covered.loc[key, "coverage"] > 0.95 - MC - 0.005).all()  # the grid of theta: 0.005
        assert (covered.loc[key, "coverage"] < 0.95 + MC + 0.005).all()
    ratio = covered.loc[("sigma", "bootstrap ratio"), "coverage"]
    assert (ratio > 0.95 - MC - RATIO_SHORT).all()


def test_what_they_replace_is_short_at_four_people(covered: pd.DataFrame) -> None:
    at_four = covered[covered["n"] == 4]
    assert (at_four.loc[("fixed effect", "bootstrap percentile (before)"), "coverage"] < 0.92).all()
    assert (at_four.loc[("sigma", "profile (before)"), "coverage"] < 0.89).all()


def test_tau2_at_is_the_q_profile() -> None:
    rng = np.random.default_rng(3)
    y, v = rng.normal(0, 0.3, size=(20, 5)), rng.uniform(0.001, 0.1, size=(20, 5))
    target = rng.chisquare(4, size=20)
    found = tau2_at(y, v, target)
    ones = np.ones((5, 1))
    for yi, vi, c, tau2 in zip(y, v, target, found, strict=True):

        def gap(t: float, yi: np.ndarray = yi, vi: np.ndarray = vi, c: float = c) -> float:
            return weighted_fit(yi, vi, ones, t)[2] - c

        expected = brentq(gap, 0, 1e4, xtol=1e-14) if gap(0.0) > 0 else 0.0
        assert tau2 == pytest.approx(expected, rel=1e-7, abs=1e-12)


def test_prediction_limits_shift_scale_and_stack() -> None:
    y, se = np.array([0.30, 0.22, 0.41, 0.1]), np.array([0.05, 0.06, 0.08, 0.02])
    low, high = (float(x) for x in prediction_limits(y, se))
    moved = prediction_limits(10 + 3 * y, 3 * se)
    assert [float(x) for x in moved] == pytest.approx([10 + 3 * low, 10 + 3 * high])
    stacked = prediction_limits(np.array([y, -y]), np.array([se, se]))
    assert stacked[0].tolist() == pytest.approx([low, -high])
    narrow = prediction_limits(y, se, level=0.8)
    assert low < narrow[0] < narrow[1] < high
    equal = prediction_limits(
        [0.2, 0.2, 0.2], [0.1, 0.1, 0.1]
    )  # nothing differs: tau2 is nil at every target
    half = 1.959964 * 0.1 / np.sqrt(3)
    assert float(equal[0]) == pytest.approx(0.2 - half)
    assert float(equal[0] + equal[1]) == pytest.approx(0.4)


@pytest.mark.parametrize("studies", [(3,), pytest.param((3, 6), marks=pytest.mark.thorough)])
def test_prediction_intervals_cover_and_today_s_do_not(studies) -> None:
    table = prediction_coverage(POOLS, seed=5, studies=studies, taus=(0.05, 0.10))
    worst = table.groupby("method")["coverage"].min()
    assert worst["confidence distribution"] > 0.93 - MC_POOLS
    assert worst["Knapp-Hartung, t k-1 (before)"] < 0.90
    # wide is no merit: at k = 3 the plug-in with t of one df is more than twice as wide
    at_three = table[(table["k"] == 3) & (table["tau"] == 0.10)].groupby("method")["width"].mean()
    assert at_three["confidence distribution"] < 0.6 * at_three["Wald, t k-2 (Higgins 2009)"]


@pytest.mark.parametrize("test", ["knapp-hartung", "z", "t", "kenward-roger"])
def test_a_pool_of_few_predicts_by_the_confidence_distribution(test) -> None:
    y, se = [0.30, 0.22, 0.41], [0.05, 0.06, 0.08]
    found = rs.pool(y, se, test=test)
    assert (found.pred_low, found.pred_high) == pytest.approx(
        [float(end) for end in prediction_limits(y, se)], rel=1e-12
    )
    many = rs.pool(y * 4, se * 4, test="z")  # with many studies as metafor does
    half = 1.959964 * np.sqrt(many.tau2 + many.std_error**2)
    assert many.pred_high == pytest.approx(many.estimate + half, rel=1e-6)


@pytest.mark.parametrize(
    ("k", "tau"),
    [
        (2, 0.0),
        (3, 0.15),
        *(pytest.param(*more, marks=pytest.mark.thorough)
          for more in [(2, 0.15), (3, 0.0), (6, 0.0), (6, 0.15)]),
    ],
)  # fmt: skip
def test_prediction_of_a_pool_covers_at_few_people(k, tau) -> None:
    """Standard errors estimated from 4 to 26 people, through the public function."""
    rng = np.random.default_rng([k, round(100 * tau)])
    held = []
    for _ in range(200):
        people = rng.integers(4, 27, size=k)
        sd = rng.uniform(0.15, 0.25, size=k)
        y = tau * rng.standard_normal(k) + sd / np.sqrt(people) * rng.standard_normal(k)
        error = np.sqrt(sd**2 / people * rng.chisquare(people - 1) / (people - 1))
        found = rs.pool(y, error)
        held.append(found.pred_low <= tau * rng.standard_normal() <= found.pred_high)
    assert np.mean(held) > 0.93 - 3 * np.sqrt(0.93 * 0.07 / 200)


def test_means_that_never_narrow_cover_and_plain_ones_fall_short() -> None:
    """What docs/calibration.md says of the two Knapp-Hartung intervals."""
    table = mean_coverage(4_000, seed=3, studies=(2, 3, 6), taus=(0.0, 0.10))
    worst = table.groupby("test")["coverage"].min()
    mc = 3 * np.sqrt(0.945 * 0.055 / 4_000)
    assert worst["knapp-hartung-adhoc"] > 0.945 - mc
    assert worst[TEST] == worst["knapp-hartung-adhoc"]  # what analyses and plans take
    assert worst["z"] < 0.90
    assert worst[WIDER] > worst["knapp-hartung"]
    assert 0.93 - mc < worst["knapp-hartung"] < 0.95


@pytest.mark.parametrize(
    ("y", "se", "message"),
    [
        ([0.1], [0.1], "at least 2"),
        ([0.1, 0.2], [0.1], "one error"),
        ([0.1, 0.2], [0.1, 0.0], "not above 0"),
        ([0.1, np.nan], [0.1, 0.1], "not finite"),
    ],
)
def test_unusable_pools(y: list[float], se: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        prediction_limits(y, se)
