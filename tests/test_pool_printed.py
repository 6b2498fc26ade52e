"""A table of printed rows in, an answer with its probability out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from doors.evidence import disagreement
from scipy.integrate import quad
from scipy.stats import norm

import retrostats as rs
from retrostats import InputError

#: Two quadratures of one posterior: a grid of effects, and a mixture of normals.
SAME_POSTERIOR = 1e-3
#: What more evidence may take from the lowest probability: design, section 4, point 7.
MONOTONE, SMALLER_P = 0.005, 0.015
#: A quadrature on a grid against one without: far below the 1e-4 that the grid promises.
INTEGRATED = 1e-6
#: A pair whose printed means are moved among the others keeps its likelihood but for its spreads.
MOVED = 0.01


def trials(**columns: Any) -> pd.DataFrame:
    """Three crossovers whose correlations were not printed."""
    table = pd.DataFrame({
        "study": ["A", "B", "C"], "design": "crossover", "n": ["13", "13", "10"],
        "first": ["31.3 SD 5.8", "5.8 SD 1.4", "40.5 SD 4"],
        "second": ["27.2 SD 2.5", "4.5 SD 1.1", "30 SD 3.5"],
    })  # fmt: skip
    return table.assign(**columns)


def pool(table: Any, **options: Any) -> rs.PooledPrinted:
    return rs.pool_printed(table, **({"measure": "ratio of means"} | options))


def intervals(estimates: list[float], errors: list[float], **columns: Any) -> pd.DataFrame:
    """Differences with normal intervals, exact."""
    ends = [(y - 1.959963984540054 * s, y + 1.959963984540054 * s)
            for y, s in zip(estimates, errors, strict=True)]  # fmt: skip
    table = pd.DataFrame({
        "study": [f"S{i}" for i in range(len(ends))], "estimate": estimates, "level": 95.0,
        "low": [low for low, _ in ends], "high": [high for _, high in ends],
        "measure": "mean difference", "df": 1e9,
    })  # fmt: skip
    return table.assign(**columns)


@pytest.fixture(scope="module")
def pooled() -> rs.PooledPrinted:
    return pool(trials(p=["<0.05", "", ""]), correlation=(0.9, 0.5), claimed=(1.25, 1.35))


def test_normal_sources_agree_with_the_pool_of_estimates_under_the_same_prior() -> None:
    for y, s in (([0.1, 0.35, 0.5, 0.2], [0.1, 0.15, 0.12, 0.2]), ([0.3, 0.32], [0.05, 0.2])):
        ours = rs.pool_printed(intervals(y, s), prior=rs.HalfNormal(0.2))
        theirs = rs.pool(y, s, prior=rs.HalfNormal(0.2))
        for name in ("estimate", "conf_low", "conf_high"):
            assert getattr(ours, name) == pytest.approx(getattr(theirs, name), abs=SAME_POSTERIOR)
        for low, high in ((0.0, math.inf), (0.2, 0.4)):
            assert ours.probability(low, high) == pytest.approx(
                theirs.probability(low, high), abs=SAME_POSTERIOR
            )
            assert ours.prob_new_study(low, high) == pytest.approx(
                theirs.probability(low, high, new_study=True), abs=SAME_POSTERIOR
            )
        assert float(ours.tau["median"]) == pytest.approx(
            float(theirs.tau["median"]), abs=SAME_POSTERIOR
        )


def test_a_smaller_p_of_one_trial_does_not_turn_the_answer() -> None:
    """The outermost limits went from 1.013 to 0.983 when "ns" became "<0.001"."""
    low = [pool(trials(p=[p, "", ""])).lowest(1.0) for p in ("ns", "<0.001")]
    assert low[1] > low[0] - SMALLER_P
    assert min(low) > 0.975


def test_a_study_raised_to_the_others_does_not_lower_the_answer() -> None:
    """Raising one study from 1.35 to 1.8 lowered the outermost lower limit from 1.04 to 0.78."""
    at = [pool(trials(first=["31.3 SD 5.8", "5.8 SD 1.4", f"{x} SD 4"])) for x in (38, 39.5, 40.5)]
    lows = [found.lowest(1.0) for found in at]
    assert lows[1] > lows[0] - MONOTONE
    raised = pool(trials(first=["31.3 SD 5.8", "5.8 SD 1.4", "54 SD 4"]))
    # far above the others it says that they disagree more: in tau, not by losing the direction
    assert float(raised.tau["median"]) > float(at[-1].tau["median"])
    assert raised.prob_above() > 0.95


def test_a_study_far_above_the_others_is_said_to_make_them_disagree() -> None:
    """A raise may lower P through tau; then tau and P stand as printed and as they would be."""
    assert pool(trials()).disagreement == ""
    raised = pool(trials(first=["31.3 SD 5.8", "5.8 SD 1.4", "60 SD 4"]))
    assert raised.disagreement.startswith("sources disagree more: C lies far above the others")
    assert raised.disagreement in repr(raised)
    among = pool(trials(first=["31.3 SD 5.8", "5.8 SD 1.4", "37.2 SD 2.5"]))
    assert raised.synthesis is not None
    found = disagreement(raised.synthesis, 0.0)
    assert found is not None
    assert found.tau_among == pytest.approx(float(among.tau["median"]), abs=MOVED)
    assert found.probability_among == pytest.approx(among.prob_above(), abs=MOVED)
    assert found.tau == float(raised.tau["median"])
    assert f"{found.tau:.2g} as printed)" in raised.disagreement
    assert f"to {raised.prob_above():.3f}" in raised.disagreement
    swapped = trials(first=["31.3 SD 5.8", "5.8 SD 1.4", "60 SD 4"])
    swapped["first"], swapped["second"] = swapped["second"], swapped["first"]
    assert "C lies far below the others" in pool(swapped).disagreement


def integrated(y: Any, se: Any, scale: float) -> float:
    """Probability above 0 by normal theory and numerical integration over tau: no grid."""

    def at(tau: float) -> tuple[float, float]:
        w = 1 / (se**2 + tau**2)
        mean = float(w @ y / w.sum())
        log = 0.5 * np.log(w).sum() - 0.5 * np.log(w.sum()) - 0.5 * float(w @ (y - mean) ** 2)
        density = math.exp(log - 10 - 0.5 * (tau / scale) ** 2)
        return density, float(norm.sf(0, mean, 1 / math.sqrt(w.sum())))

    options = {"epsabs": 0.0, "epsrel": 1e-10, "limit": 500}
    whole = quad(lambda tau: at(tau)[0], 0, 10 * scale, **options)[0]
    return float(quad(lambda tau: math.prod(at(tau)), 0, 10 * scale, **options)[0] / whole)


def test_sources_that_then_agree_on_the_other_side_may_take_more_and_it_is_no_error() -> None:
    """One of 150 random tables of docs/calibration.md fell by 0.006: normal theory does as well."""
    errors = np.array([0.03, 0.03, 0.05, 0.046, 0.034])
    fell = []
    for raised in (0.764, 0.844):
        y = np.log([0.943, 0.973, 0.953, 0.964, raised])
        table = intervals(list(y), list(errors), measure="ratio of means")
        columns = ["estimate", "low", "high"]
        found = pool(table.assign(**{name: np.exp(table[name]) for name in columns}))
        exact = [integrated(y, errors, scale) for scale in (0.2, 0.1, 0.05)]
        counted = found.choices.loc[found.choices["counted"], "prob_above"]
        assert list(counted) == pytest.approx(exact, abs=INTEGRATED)
        fell.append(min(exact))
    assert fell[0] - fell[1] > MONOTONE


def test_one_more_result_higher_does_not_lower_the_answer() -> None:
    more = pd.concat([
        trials(),
        pd.DataFrame({"study": ["D"], "design": "crossover", "n": "12", "estimate": "higher",
                      "p": "<0.05"}),
    ])  # fmt: skip
    before, after = pool(trials()), pool(more)
    assert after.prob_above() > before.prob_above()
    assert after.lowest(1.0) > before.lowest(1.0) - MONOTONE


def random_table(rng: np.random.Generator) -> pd.DataFrame:
    """Two or three pairs and a result in words."""
    k = int(rng.integers(2, 4))
    rows = []
    for i in range(k):
        mean = 30 * math.exp(rng.normal(0.15, 0.12))
        rows.append({
            "study": f"S{i}", "design": "crossover", "n": str(rng.integers(5, 18)),
            "first": f"{mean:.1f} SD {rng.uniform(2, 5):.1f}",
            "second": f"30.0 SD {rng.uniform(2, 5):.1f}",
        })  # fmt: skip
    words = {"study": "W", "design": "crossover", "n": str(rng.integers(5, 18))}
    return pd.DataFrame([*rows, words | {"estimate": "lower"}])


@pytest.mark.parametrize("seed", range(6))
def test_more_in_favour_never_lowers_the_lowest_probability(seed: int) -> None:
    table = random_table(np.random.default_rng(seed))
    at = {
        word: pool(table.assign(estimate=[*[""] * (len(table) - 1), word])).lowest(1.0)
        for word in ("lower", "not significant", "higher")
    }
    without = pool(table.iloc[:-1]).lowest(1.0)
    assert at["not significant"] > at["lower"] - MONOTONE
    assert at["higher"] > at["not significant"] - MONOTONE
    assert at["higher"] > without - MONOTONE


@pytest.mark.parametrize("seed", range(3))
def test_all_sources_moved_up_move_the_answer_up(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, s = rng.normal(0.1, 0.15, 3), rng.uniform(0.05, 0.2, 3)
    lows = [rs.pool_printed(intervals(list(y + by), list(s)), prior=rs.HalfNormal(0.2)).lowest(0.0)
            for by in (0.0, 0.05, 0.1)]  # fmt: skip
    assert lows == sorted(lows)


def test_the_answer_is_one_sentence_first(pooled: rs.PooledPrinted) -> None:
    first = repr(pooled).splitlines()[0]
    assert first.startswith("Very likely above 1: 1.26 [")
    assert f"P = {pooled.prob_above():.3f}; lowest over declared choices" in first
    assert first.endswith("(correlation uniform)")
    assert "from 1.25 to 1.35: P = " in repr(pooled)
    assert "A: pair, t with 12 df" in pooled.summary()
    assert "<table" in pooled._repr_html_()
    assert "correlation with Fisher's z normal, mean 0.9, SD 0.5" in repr(pooled)
    assert "correlation" not in repr(
        rs.pool_printed(intervals([0.1, 0.2], [0.1, 0.1]), prior=rs.HalfNormal(0.2))
    )


def test_choices_are_every_scale_correlation_and_nested_set(pooled: rs.PooledPrinted) -> None:
    table = pooled.choices
    assert list(table["scale"].unique()) == ["main", "half", "quarter", "double"]
    assert list(table["correlation"].unique()) == ["stated", "uniform"]
    assert not table.loc[table["scale"] == "double", "counted"].any()
    held = table.loc[table["counted"], "prob_above"]
    assert (pooled.lowest(1.0), pooled.highest(1.0)) == (held.min(), held.max())
    assert table.loc[0, "prob_above"] == pooled.prob_above()
    assert pooled.lowest(1.25, 1.35) == table.loc[table["counted"], "prob_inside"].min()


def test_sets_are_nested_and_never_picked() -> None:
    table = pd.DataFrame({
        "study": ["A", "B", "C", "D"], "design": "crossover", "n": "12",
        "first": ["31.3 SD 5.8", "", "", ""], "second": ["27.2 SD 2.5", "", "", ""],
        "estimate": ["", "28%", "higher", "not significant"],
    })  # fmt: skip
    found = pool(table)
    assert list(found.choices["sources"].unique()) == [
        "spread or error + bare estimate + words",
        "spread or error + bare estimate",
        "spread or error",
    ]
    assert list(found.choices["k"].unique()) == [4, 2, 1]
    mine = pool(table, sets={"first": ["A"], "with B": ["A", "B"]})
    assert list(mine.choices["sources"].unique()) == ["all", "with B", "first"]
    with pytest.raises(InputError, match="leaves out A, which the set before it holds"):
        pool(table, sets={"first": ["A"], "next": ["B", "C"]})
    with pytest.raises(InputError, match="has Z; the pooled studies are A, B, C, D"):
        pool(table, sets={"first": ["Z"]})


def test_words_alone_have_signs_and_no_size() -> None:
    table = pd.DataFrame({"study": list("ABCD"), "design": "crossover", "n": "12",
                          "estimate": ["higher", "higher", "lower", "higher"]})  # fmt: skip
    found = pool(table, claimed=(1.2, 1.3))
    assert math.isnan(found.estimate)
    assert math.isnan(found.prob_above())
    assert math.isnan(found.lowest(1.0))
    assert list(found.signs) == [3, 1, pytest.approx(0.625)]
    assert repr(found).startswith(
        "No size: no source of 4 is bounded on both sides. Signs: 3 above"
    )
    assert "above 1 by signs alone" in repr(found)
    alike = pool(table.assign(estimate="higher"))
    assert repr(alike).endswith("(sign test p = 0.125): likely above 1 by signs alone")
    many = pd.concat([table.assign(estimate="higher", study=[f"{i}{s}" for s in "ABCD"])
                      for i in range(3)])  # fmt: skip
    assert repr(pool(many)).endswith("likely above 1 by signs alone")  # p < 0.001, and no more
    assert (found.k, len(found.choices), len(found.leave_one_out())) == (0, 0, 0)
    assert found.sources["why"].str.contains("words alone have no size").all()


def test_one_study_answers_for_itself_and_more_carefully_for_others() -> None:
    found = pool(trials().iloc[[2]])
    own = found.in_that_study
    assert own is not None
    assert own.conf_low > found.conf_low
    assert own.conf_high < found.conf_high
    assert own.probability(1.0) > found.prob_above()
    assert repr(found).startswith("Likely above 1 (one study)")
    assert pool(trials()).in_that_study is None


def test_leave_one_out_is_the_pool_without_that_row(pooled: rs.PooledPrinted) -> None:
    table = pooled.leave_one_out()
    assert list(table["left_out"]) == ["A", "B", "C"]
    without = pool(trials().iloc[1:], correlation=(0.9, 0.5))
    # grids differ: the pool's own is that of all three
    assert table.loc[0, "estimate"] == pytest.approx(without.estimate, abs=SAME_POSTERIOR)
    assert table.loc[0, "prob_above"] == pytest.approx(without.prob_above(), abs=SAME_POSTERIOR)


def test_differences_take_half_the_median_spread_as_the_scale_of_their_prior() -> None:
    table = trials(r=["0.5", "0.5", "0.5"])
    found = rs.pool_printed(table, measure="mean difference")
    sds = [math.sqrt(a**2 + b**2 - a * b) for a, b in ((5.8, 2.5), (1.4, 1.1), (4, 3.5))]
    assert found.prior_scale == pytest.approx(0.5 * np.median(sds), rel=0.02)  # r is rounded
    assert found.null == 0


def test_what_is_handed_out_is_a_value(pooled: rs.PooledPrinted) -> None:
    for name in ("choices", "sources"):
        table = getattr(pooled, name)
        table.iloc[0, 0] = "other"
        assert getattr(pooled, name).iloc[0, 0] != "other"
    with pytest.raises(AttributeError):
        pooled.null = 2.0  # type: ignore[misc]
    assert pooled.posterior is not None
    with pytest.raises(ValueError, match="read-only"):
        pooled.posterior.density[0] = 1.0


def test_the_plot_draws_the_answer_and_every_source(pooled: rs.PooledPrinted) -> None:
    figure = pooled.plot()
    words = {text.get_text() for text in figure.texts}
    assert {"Mean over studies", "A", "B", "C"} <= words
    whole = [line for axes in figure.axes for line in axes.lines if line.get_gid() == "interval"]
    assert len(whole) == 4
    assert list(whole[0].get_xdata()) == [pooled.conf_low, pooled.conf_high]
    assert {axes.get_xscale() for axes in figure.axes} == {"log"}


def test_the_forest_draws_every_source_the_mean_and_a_new_study(pooled: rs.PooledPrinted) -> None:
    figure = rs.forest(pooled)
    assert {"A", "B", "C", "Mean over studies"} <= {text.get_text() for text in figure.texts}
    marks = figure.axes[0].findobj(lambda o: o.get_gid() in ("diamond", "prediction"))
    diamond, new = sorted(marks, key=lambda o: str(o.get_gid()))
    ends = diamond.get_xy()[:, 0]
    assert (ends.min(), ends.max()) == pytest.approx((pooled.conf_low, pooled.conf_high))
    assert new.get_xdata()[0] < pooled.conf_low < pooled.conf_high < new.get_xdata()[-1]


def test_tables_of_the_answer_agree_with_its_methods(pooled: rs.PooledPrinted) -> None:
    row, glance = pooled.tidy().iloc[0], pooled.glance().iloc[0]
    assert (row["estimate"], row["prob_above"]) == (pooled.estimate, pooled.prob_above())
    assert glance["prob_inside_min"] == pooled.lowest(1.25, 1.35)
    assert glance["prob_new_study"] == pooled.prob_new_study(1.0)
