"""Crossover trials without correlations: hidden correlations lie in what is left open."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from doors.evidence import (
    PoolEstimator,
    SlopeSearch,
    Space,
    crossover_sources,
    fixed_points,
    lowest,
    pool_estimator,
    pool_unknowns,
    run_search,
)
from doors.models import SLOPED_TESTS
from scipy import stats

import retrostats as rs
from retrostats import InputError

#: Two routes to one pool in doubles.
SAME_RTOL = 1e-8
#: Numbers printed with this many significant digits.
DIGITS = 3


def printed(value: float) -> str:
    """As a paper prints it: three significant digits, without an exponent."""
    places = max(0, DIGITS - 1 - int(np.floor(np.log10(abs(value)))))
    return f"{value:.{places}f}"


def trial(name: str, one: np.ndarray, two: np.ndarray, threshold: float | None = None) -> dict:
    """What a paper would print of two values of each person, and what it would not."""
    p = stats.ttest_rel(one, two).pvalue
    shown = printed(p) if p >= 0.0005 else "<0.001"
    if threshold is not None:
        shown = f"<{threshold}" if p < threshold else "ns"
    return {
        "study": name, "n": len(one),
        "mean_1": one.mean(), "sd_1": one.std(ddof=1),
        "mean_2": two.mean(), "sd_2": two.std(ddof=1),
        "r": np.corrcoef(one, two)[0, 1], "p": shown,
    }  # fmt: skip


def as_printed(trials: pd.DataFrame, *hidden: str) -> pd.DataFrame:
    shown = trials.drop(columns=[*hidden])
    for column in ("mean_1", "sd_1", "mean_2", "sd_2"):
        shown[column] = shown[column].map(printed)
    return shown


def simulated(seed: int, rho: float, trials: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(trials):
        n = int(rng.integers(6, 20))
        people, noise = rng.standard_normal(n), rng.standard_normal((2, n))
        base, own = np.sqrt(rho), np.sqrt(1 - rho)
        one = 31 + rng.normal(0, 1) + 4 * (base * people + own * noise[0])
        two = 27 + 3 * (base * people + own * noise[1])
        rows.append(trial(f"T{i}", one, two, threshold=0.05 if i == 2 else None))
    return pd.DataFrame(rows)


def real(shared) -> pd.DataFrame:
    """Metabolic power of the same people on flat and on rough ground, each speed a table."""
    rows = pd.read_csv(shared / "cohorts/kuo_uneven_terrain/W_YA_df_export.csv")
    people = rows.drop_duplicates(["Subjects", "Velocity", "Max_h", "Vision"])
    people = people[people["Vision"] == 1]
    wide = people.pivot_table(index="Subjects", columns=["Velocity", "Max_h"],
                              values="ave_positive_work")  # fmt: skip
    out = []
    heights = sorted(people["Max_h"].unique())
    for velocity in sorted(people["Velocity"].unique()):
        pair = wide[velocity][[heights[-1], heights[0]]].dropna() if velocity in wide else []
        if len(pair) >= 4:
            out.append(trial(f"at {velocity} m/s", pair.iloc[:, 0].to_numpy(),
                             pair.iloc[:, 1].to_numpy()))  # fmt: skip
    return pd.DataFrame(out)


def known_pool(trials: pd.DataFrame, measure: str) -> rs.Pooled:
    """The pool of the same trials with everything known, by another route."""
    m1, m2, n = trials["mean_1"], trials["mean_2"], trials["n"]
    s1, s2 = trials["sd_1"], trials["sd_2"]
    effect = m1 - m2
    if measure == "log_ratio":
        effect, s1, s2 = np.log(m1 / m2), s1 / m1, s2 / m2
    return rs.pool(effect, np.sqrt((s1**2 + s2**2 - 2 * trials["r"] * s1 * s2) / n))


def holds(found: rs.Exploration, truth: rs.Pooled) -> bool:
    return bool(found.conf_low <= truth.conf_low and truth.conf_high <= found.conf_high)


@pytest.mark.parametrize("measure", ["mean_difference", "log_ratio"])
def test_with_everything_known_it_is_the_pool(measure) -> None:
    trials = simulated(1, 0.7)
    found = rs.pool_crossovers(trials, measure=measure, draws=10)
    truth = known_pool(trials, measure)
    expected = (truth.estimate, truth.conf_low, truth.conf_high)
    assert found.reference_point == pytest.approx(expected, rel=SAME_RTOL)
    assert (found.conf_low, found.conf_high) == pytest.approx(expected[1:], rel=SAME_RTOL)
    assert found.space.size == 0


@pytest.mark.parametrize("rho", [pytest.param(0.3, marks=pytest.mark.thorough), 0.8])
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in (1, 2))]
)
def test_hidden_correlations_lie_in_the_range_and_p_narrows_it(seed, rho) -> None:
    trials = simulated(seed, rho)
    truth = known_pool(trials, "log_ratio")
    with_p, without = (
        rs.pool_crossovers(as_printed(trials, *hidden), measure="log_ratio", draws=0)
        for hidden in (["r"], ["r", "p"])
    )
    assert holds(with_p, truth)
    assert holds(without, truth)
    assert with_p.conf_high - with_p.conf_low < without.conf_high - without.conf_low


def test_hidden_correlations_of_real_people(shared) -> None:
    trials = real(shared)
    assert len(trials) >= 2
    for measure in ("mean_difference", "log_ratio"):
        truth = known_pool(trials, measure)
        with_p, without = (
            rs.pool_crossovers(as_printed(trials, *hidden), measure=measure, draws=0)
            for hidden in (["r"], ["r", "p"])
        )
        assert holds(with_p, truth)
        assert holds(without, truth)
        assert with_p.conf_high - with_p.conf_low < 0.9 * (without.conf_high - without.conf_low)


def test_numbers_are_exact_and_text_is_rounded() -> None:
    trials = simulated(3, 0.6)
    exact = rs.pool_crossovers(trials.drop(columns=["p", "r"]), draws=0)
    text = rs.pool_crossovers(as_printed(trials, "p", "r"), draws=0)
    assert list(exact.space.names) == [
        f"correlation between conditions ({name})" for name in trials["study"]
    ]
    assert text.space.size == 5 * len(trials)
    some = as_printed(trials, "p").assign(r=["0.61", "0.5", ""])
    found = rs.pool_crossovers(some, draws=50)
    r = found.draws["correlation between conditions (T0)"]
    assert r.between(0.605, 0.615).all()
    assert r.nunique() > 40
    assert found.draws["correlation between conditions (T2)"].min() < -0.9


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("<0.05", 0, 0.05), ("p < 0.05", 0, 0.05), ("ns", 0.05, 1), ("N.S.", 0.05, 1),
     ("> 0.1", 0.1, 1), ("= 0.03", 0.025, 0.035), ("0.030", 0.0295, 0.0305), (0.03, 0.03, 0.03),
     ("≤0.01", 0, 0.01)],
)  # fmt: skip
def test_every_draw_gives_the_printed_p(text, low, high) -> None:
    row = {"study": "A", "n": 12, "mean_1": 31.0, "sd_1": 5.0, "mean_2": 28.5, "sd_2": 4.0}
    draws = rs.pool_crossovers(pd.DataFrame([{**row, "p": text}]), draws=200).draws
    r = draws["correlation between conditions (A)"]
    error = np.sqrt((25 + 16 - 2 * r * 20) / 12)
    p = 2 * stats.t.sf(2.5 / error, 11)
    assert (p >= low * (1 - 1e-9)).all()
    assert (p <= high * (1 + 1e-9)).all()
    half = stats.t.ppf(0.975, 11) * error
    assert draws["conf_low"].to_numpy() == pytest.approx((2.5 - half).to_numpy(), rel=1e-9)


def row_with(**changes):
    row = {"study": "A", "n": 12, "mean_1": "31.0", "sd_1": "5.0", "mean_2": "28.5", "sd_2": "4.0"}
    return pd.DataFrame([{**row, **changes}, {**row, "study": "B"}])


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        (row_with().drop(columns="sd_2"), {}, "no column sd_2"),
        (row_with().iloc[:0], {}, "has no rows"),
        (row_with(n=1), {}, r"row 1 \(A\): n is 1"),
        (row_with(n=12.5), {}, "whole number"),
        (row_with(mean_1="31,0"), {}, r"row 1 \(A\), mean_1: .*31,0"),
        (row_with(mean_1=None), {}, "mean_1 is nan"),
        (row_with(mean_2=np.inf), {}, "mean_2 is inf"),
        (row_with(sd_1="0.0"), {}, "sd_1 is '0.0'"),
        (row_with(r=1.2), {}, "between -1 and 1"),
        (row_with(p="<5%"), {}, "p is '<5%'"),
        (row_with(p="0"), {}, "p is '0'"),
        (row_with(study="B"), {}, "B has several rows"),
        (row_with(study=" "), {}, "study is empty"),
        (row_with(mean_1="0.2", mean_2="-3"), {"measure": "log_ratio"}, "no log ratio"),
        (row_with(p="= 0.9"), {}, r"\(A\): no correlation between"),
        (row_with(), {"measure": "ratio"}, "allowed: mean_difference, log_ratio"),
        (row_with(), {"method": "eb"}, "method='eb'"),
        (row_with(), {"test": "hksj"}, "test='hksj'"),
        (row_with(), {"test": "kenward-roger", "method": "dl"}, "use REML"),
        (row_with(), {"level": 95}, "between 0 and 1"),
    ],
)
def test_unusable_tables_are_refused(table, options, message) -> None:
    with pytest.raises(InputError, match=message):
        rs.pool_crossovers(table, draws=0, **options)


def test_an_exact_p_as_text_moves_in_its_rounding_and_a_threshold_does_not() -> None:
    row = {"study": "a", "n": 12, "mean_1": 5.0, "sd_1": 1.0, "mean_2": 4.2, "sd_2": 1.1}

    def unknowns(p: object) -> set[str]:
        found = rs.pool_crossovers(pd.DataFrame([{**row, "p": p}]), draws=0)
        return {name.split(" (")[0] for name in found.space.names}

    assert unknowns("= 0.03") - unknowns(0.03) == {"p"}
    assert unknowns("< 0.05") == unknowns(0.03)


def exact_trials(k: int) -> pd.DataFrame:
    """Trials of exact numbers without correlation and p: an open number each."""
    rng = np.random.default_rng(2)
    return pd.DataFrame({
        "study": [f"s{i}" for i in range(k)], "n": rng.integers(8, 30, k),
        "mean_1": rng.normal(33, 1.5, k), "sd_1": rng.uniform(3, 5, k),
        "mean_2": rng.normal(27, 1.5, k), "sd_2": rng.uniform(3, 5, k),
    })  # fmt: skip


#: One minimum found by slopes and by steps along the axes, which end at 1e-10 of the box.
MINIMUM_RTOL = 1e-9


def test_many_trials_are_searched_along_slopes_to_the_same_limits(monkeypatch) -> None:
    """Fewer points looked at, the same ends; no draw outside; the same whoever asks."""
    trials = exact_trials(40)
    found = rs.pool_crossovers(trials, draws=50)
    more = rs.pool_crossovers(trials, draws=400, seed=9)
    assert (found.conf_low, found.conf_high) == (more.conf_low, more.conf_high)
    assert more.draws["conf_low"].min() >= more.conf_low
    assert more.draws["conf_high"].max() <= more.conf_high
    assert (found.search_diagnostics["evaluations"] < 5_000).all()
    assert (found.search_diagnostics["agreeing"] > 30).all()
    monkeypatch.setattr(PoolEstimator, "has_slopes", lambda self, space: False)
    axes = rs.pool_crossovers(trials, draws=50)
    assert (found.conf_low, found.conf_high) == pytest.approx(
        (axes.conf_low, axes.conf_high), rel=MINIMUM_RTOL
    )
    assert found.conf_low <= axes.conf_low + MINIMUM_RTOL
    assert (axes.search_diagnostics["evaluations"] > 5_000).all()


#: Central differences of a step of 1e-6 leave 1e-9 of the slope, and rounding over the step.
SLOPE_ATOL = 2e-5


METHODS = ("common", "dl", "he", "pm", "ml", "reml")


@pytest.mark.parametrize(
    ("method", "test"),
    [  # each method and each test in turn; thorough has every pair
        (m, t) if i == j % len(SLOPED_TESTS) else pytest.param(m, t, marks=pytest.mark.thorough)
        for i, t in enumerate(SLOPED_TESTS) for j, m in enumerate(METHODS)
    ],
)  # fmt: skip
def test_slopes_of_limits_are_those_of_differences(method, test) -> None:
    """Through rounding, the p that cuts a correlation, weights, tau2 and the error."""
    trials = as_printed(simulated(4, 0.5, trials=5), "r")
    sources = crossover_sources(trials)
    pool = pool_estimator(sources, log=False, method=method, test=test)
    space = Space.of(pool_unknowns(sources))
    assert pool.has_slopes(space)
    points = np.random.default_rng(1).uniform(0.05, 0.95, (6, space.size))
    ours, h = pool.slopes(space, points), 1e-6
    for side, name in enumerate(("lower", "upper"), start=1):
        for j in range(space.size):
            ends = []
            for sign in (-1, 1):
                moved = points.copy()
                moved[:, j] += sign * h
                ends.append(pool(space.values(moved))[side])
            np.testing.assert_allclose(
                ours[side - 1][:, j], (ends[1] - ends[0]) / (2 * h), atol=SLOPE_ATOL, err_msg=name
            )


def test_a_jump_beside_an_end_is_no_smooth_minimum() -> None:
    """At a corner that slopes point to, next to which the function falls by a step."""
    slope = np.linspace(1, 2, 30)

    def plain(points: np.ndarray) -> np.ndarray:
        return points @ slope + (points[:, 0] - 0.3) ** 2 * 40

    def jumping(points: np.ndarray) -> np.ndarray:
        return plain(points) - 0.5 * (points[:, 1:].sum(axis=1) > 1e-4)

    def slopes(points: np.ndarray) -> np.ndarray:
        found = np.tile(slope, (len(points), 1))
        found[:, 0] += 80 * (points[:, 0] - 0.3)
        return found

    start = np.full((3, 30), 0.5) * np.array([[1.0], [0.2], [1.5]])
    ends, values, met = run_search(SlopeSearch(slopes).searched(start, plain(start)), plain)
    assert met.tolist() == [3]
    assert ends[0, 0] == pytest.approx(0.3 - 1 / 80)
    assert not ends[0, 1:].any()
    search, value = SlopeSearch(slopes), float(values[0])
    assert run_search(search.is_minimum(ends[0], value), plain)
    assert not run_search(search.is_minimum(ends[0], value), jumping)
    fixed, at_fixed = fixed_points(lambda p: jumping(p)[:, None], 30, {})
    both = [
        run_search(lowest(fixed, at_fixed[:, 0], {}, slopes=s), jumping) for s in (slopes, None)
    ]
    assert both[0].value <= both[1].value < values[0]
    aside = ends[0] + np.eye(30)[0] * 0.01
    assert not run_search(search.is_minimum(aside, float(plain(aside[None])[0])), plain)
