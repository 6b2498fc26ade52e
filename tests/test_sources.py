"""One source over what it did not print, against the mixed model at every point looked at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from doors.evidence import (
    COUNTED,
    TEST,
    PrintedPair,
    Space,
    between_group_change,
    correlation_limits,
    implied_error,
    known_source,
    method_choice,
    not_significant_source,
    outermost,
    pair_source,
    percentage_source,
    pool_estimator,
    pool_unknowns,
    quasi_random,
    ratio_estimate,
    significant_source,
    source_choice,
    t_from_p,
    within_group_change,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import retrostats as rs
from retrostats import Choice, Estimate, Reported, Unknown, explore

#: Fitted and closed form differ by the optimiser's gradient only.
CLOSED_FORM_RTOL = 1e-7
#: Degrees of freedom come from second derivatives, which lose half the digits.
DF_RTOL = 1e-5
#: Two implementations of one pool, each solved to rounding.
SAME_RTOL = 1e-8
#: A p-value through a quantile and back.
P_RTOL = 1e-9

PAIR = PrintedPair(
    "s", "S", 13, ("31.33", "27.15", "5.77", "2.51"), "SD", "0.05", "<", ("backward", "forward"),
    ("a", "b"),
)  # fmt: skip
LOOSE = replace(PAIR, study_id="t", name="T", rows=("c", "d"), p_text="", p_operator="")
EXACT = replace(PAIR, study_id="u", name="U", rows=("e", "f"), p_text="0.03", p_operator="=")
PERCENT = percentage_source("W", Reported("35"), 4.0, Reported("6"), ("g",))
means = st.floats(5, 60)
spreads = st.floats(0.05, 0.4)


def printed(pair: PrintedPair, *numbers: float) -> PrintedPair:
    """The pair with these numbers in all their digits and nothing said of its p."""
    texts = tuple(repr(float(number)) for number in numbers)
    return replace(pair, texts=texts, p_text="", p_operator="")


def values_at(source, points: int, seed: int = 3):
    """Values of a source's unknowns at quasi-random points and at both ends of everything."""
    space = Space.of(source.unknowns)
    ends = np.array([np.zeros(space.size), np.ones(space.size)])
    return space.values(
        np.vstack([space.reference_point, ends, quasi_random(space.size, points, seed)])
    )


@given(means, means, spreads, spreads, st.integers(4, 40), st.floats(-0.95, 0.95))
def test_mixed_model_of_a_pair_equals_the_closed_form(first, second, cv_1, cv_2, n, r) -> None:
    """Any means, spreads and correlation, negative ones included: the paired comparison."""
    pair = printed(replace(PAIR, n=n), first, second, cv_1 * first, cv_2 * second)
    source = pair_source(replace(pair, correlation=r))
    values = {u.name: np.array([float(Reported(t).value)])
              for u, t in zip(source.unknowns, pair.texts, strict=True)}  # fmt: skip
    closed, fitted = source.effects(values), ratio_estimate(pair, r)
    assert fitted.value == pytest.approx(closed.value[0], rel=CLOSED_FORM_RTOL, abs=1e-9)
    assert fitted.std_error**2 == pytest.approx(closed.variance[0], rel=2 * CLOSED_FORM_RTOL)
    assert fitted.df == pytest.approx(source.df, rel=DF_RTOL)


@pytest.mark.parametrize("pair", [PAIR, LOOSE, EXACT, replace(LOOSE, spread_type="SE")])
def test_inside_the_space_every_point_is_a_mixed_model(pair) -> None:
    """Rounded means and spreads and the correlation move together; none is invented."""
    source = pair_source(pair)
    values = values_at(source, 24)
    effects = source.effects(values)
    numbers = [values[u.name] for u in source.unknowns[:4]]
    (r,) = (values[name] for name in source.correlations)
    for i in range(len(r)):
        at = printed(pair, *(float(number[i]) for number in numbers))
        fitted = ratio_estimate(at, float(r[i]))
        assert fitted.value == pytest.approx(effects.value[i], rel=CLOSED_FORM_RTOL)
        assert fitted.std_error**2 == pytest.approx(effects.variance[i], rel=2 * CLOSED_FORM_RTOL)


@pytest.mark.parametrize("pair", [PAIR, EXACT])
def test_every_point_of_the_space_gives_the_printed_p(pair) -> None:
    values = values_at(pair_source(pair), 200)
    one, two, sd_1, sd_2 = (
        values[f"{part} ({pair.name})"] for part in ("mean 1", "mean 2", "spread 1", "spread 2")
    )
    r = values[f"correlation between conditions ({pair.name})"]
    error = np.sqrt((sd_1**2 + sd_2**2 - 2 * r * sd_1 * sd_2) / pair.n)
    p = 2 * stats.t.sf(np.abs(one - two) / error, pair.n - 1)
    if pair.p_operator == "<":
        assert (p <= 0.05 * (1 + P_RTOL)).all()
        assert p.max() == pytest.approx(0.05, rel=P_RTOL)  # the low end of the range is reached
    else:
        assert p == pytest.approx(values[f"p ({pair.name})"], rel=P_RTOL)
        assert (p.min(), p.max()) == pytest.approx((0.025, 0.035), rel=P_RTOL)


@given(st.floats(0.001, 0.2), st.sampled_from(["<", "=", ">"]))
def test_p_at_the_end_of_the_range_is_the_printed_one(p, operator) -> None:
    low, high = correlation_limits(31.33, 27.15, 5.77, 2.51, 13, p, operator)
    end = float(high if operator == ">" else low)
    if low > high or abs(end) >= 0.99:
        return  # no correlation gives this p with these spreads, or the range was cut
    error = np.sqrt((5.77**2 + 2.51**2 - 2 * end * 5.77 * 2.51) / 13)
    assert 2 * stats.t.sf((31.33 - 27.15) / error, 12) == pytest.approx(p, rel=1e-6)


def test_an_unlabelled_spread_is_a_choice_only_where_it_may_be_an_error() -> None:
    """Small spreads, no p: as standard errors they are root n times larger as SDs."""
    open_ = replace(LOOSE, spread_type="unlabelled")
    source = pair_source(open_)
    (choice,) = (u for u in source.unknowns if isinstance(u, Choice))
    assert dict(choice.options) == pytest.approx({"SD": 1.0, "SE": 13**0.5})
    values = values_at(source, 8)
    as_sd = source.effects({**values, choice.name: np.full_like(values[choice.name], 1.0)})
    as_se = source.effects({**values, choice.name: np.full_like(values[choice.name], 13**0.5)})
    assert as_se.variance == pytest.approx(13 * as_sd.variance, rel=1e-12)
    ruled_out = replace(PAIR, spread_type="unlabelled")  # p < 0.05 leaves no correlation
    assert not any(isinstance(u, Choice) for u in pair_source(ruled_out).unknowns)


def test_difference_instead_of_log_ratio() -> None:
    effects = pair_source(replace(LOOSE, correlation=0.5), log=False).effects(
        {f"{part} (T)": np.array([float(text)])
         for part, text in zip(("mean 1", "mean 2", "spread 1", "spread 2"), PAIR.texts,
                               strict=True)}
    )  # fmt: skip
    assert effects.value[0] == pytest.approx(31.33 - 27.15)
    assert effects.variance[0] == pytest.approx((5.77**2 + 2.51**2 - 5.77 * 2.51) / 13)


def test_a_percentage_with_its_error_and_with_a_spread_between_people() -> None:
    at = {"percentage (W)": np.array([35.0]), "standard error (W)": np.array([6.0])}
    value, variance = PERCENT.effects(at)
    assert (value[0], variance[0] ** 0.5) == pytest.approx((np.log(1.35), 0.06 / 1.35))
    spread = Unknown("s", 0.05, 0.3)
    other = percentage_source("W", Reported("35"), 9.0, spread)
    value, variance = other.effects({"percentage (W)": np.array([35.0]), "s": np.array([0.12])})
    assert (value[0], variance[0] ** 0.5) == pytest.approx((np.log(1.35), 0.04))


def test_not_significant_is_every_effect_that_its_test_would_not_call_so() -> None:
    source = not_significant_source("P", 10, Unknown("s", 0.05, 0.3))
    effect, variance = source.effects(values_at(source, 500))
    p = 2 * stats.t.sf(np.abs(effect) / np.sqrt(variance), 9)
    assert p.min() == pytest.approx(0.05, rel=P_RTOL)
    assert (p >= 0.05 * (1 - P_RTOL)).all()
    largest = t_from_p(0.05, 9) * 0.3 / np.sqrt(10)  # at the largest spread
    assert effect.max() == pytest.approx(largest, rel=P_RTOL)
    assert effect.min() < -0.9 * largest


def test_significant_is_every_effect_that_its_test_would_call_so_up_to_the_limit() -> None:
    most, spread = Unknown("ratio", 1.0, 1.8, "judgement", "w"), Unknown("s", 0.05, 0.3)
    source = significant_source("R", 9, spread, most, rows=("row",))
    values = values_at(source, 500)
    effect, variance = source.effects(values)
    p = 2 * stats.t.sf(effect / np.sqrt(variance), 8)
    assert p.max() == pytest.approx(0.05, rel=P_RTOL)
    assert effect.max() == pytest.approx(np.log(1.8), rel=P_RTOL)
    assert (source.n, source.df, source.rows) == (9.0, 8.0, ("row",))
    assert (source.unknowns[-1].why, source.unknowns[-1].source) == ("judgement", "w")


def test_people_that_are_not_printed_move_with_the_test() -> None:
    """Four people at a wide spread cannot have found an effect below the limit at p < 0.001."""
    people, spread = Unknown("people", 4, 26), Unknown("s", 0.05, 0.3)
    source = significant_source("F", people, spread, Unknown("ratio", 1.0, 1.8), 0.001)
    at = {"people": np.array([4.0, 26.0]), "s": np.array([0.3, 0.3])}
    low, high = (end(at) for end in (source.unknowns[-1].low, source.unknowns[-1].high))
    assert low == pytest.approx(stats.t.isf(0.0005, [3, 25]) * 0.3 / np.sqrt([4, 26]))
    assert low[0] > high[0] > low[1]
    assert source.df == 3  # of the fewest people
    value, variance = source.effects({**at, source.unknowns[-1].name: np.array([0.2, 0.4])})
    assert (value == [0.2, 0.4]).all()
    assert variance == pytest.approx(0.09 / np.array([4, 26]))


SOURCES = [pair_source(PAIR), pair_source(replace(LOOSE, correlation=0.4)), PERCENT]


@pytest.mark.parametrize("method", ["reml", "pm", "dl"])
def test_pool_over_the_space_is_the_pool_at_every_point(method) -> None:
    """The middle, both ends and points between: the package's own pool of the same estimates."""
    space = Space.of(pool_unknowns(SOURCES))
    ends = np.array([np.zeros(space.size), np.ones(space.size)])
    values = space.values(np.vstack([space.reference_point, ends, quasi_random(space.size, 8, 2)]))
    found = np.column_stack(pool_estimator(SOURCES, method=method)(values))
    effects = [source.effects(values) for source in SOURCES]
    for i, row in enumerate(found):
        shown = rs.pool(
            [e.value[i] for e in effects],
            [e.variance[i] ** 0.5 for e in effects],
            method=method,
            test=TEST,
        )
        low, high = np.exp([shown.conf_low, shown.conf_high])
        assert row == pytest.approx([np.exp(shown.estimate), low, high], rel=SAME_RTOL)


def test_the_middle_of_the_space_is_the_pool_of_mixed_models() -> None:
    space = Space.of(pool_unknowns(SOURCES))
    at_reference = space.values(space.reference_point)
    r = float(at_reference["correlation between conditions (S)"][0])
    wright = Estimate(np.log(1.35), 0.06 / 1.35, 3, "log_ratio", "ratio backward / forward")
    shown = rs.pool([ratio_estimate(PAIR, r), ratio_estimate(LOOSE, 0.4), wright], test=TEST)
    found = outermost(pool_estimator(SOURCES), pool_unknowns(SOURCES), draws=0)
    low, high = np.exp([shown.conf_low, shown.conf_high])
    expected = [np.exp(shown.estimate), low, high]
    assert found.reference_point == pytest.approx(expected, rel=CLOSED_FORM_RTOL)


def test_choices_pick_the_estimator_and_the_sources() -> None:
    counted = source_choice({"all": [True] * 3, "pairs": [True, True, False]}, "why")
    space = Space.of(pool_unknowns(SOURCES, [counted, method_choice()]))
    point = np.repeat(space.reference_point, 2, axis=0)
    point[1, space.names.index(COUNTED)] = counted.position("pairs")
    point[1, -1] = method_choice().position("DerSimonian-Laird")
    found = np.column_stack(pool_estimator(SOURCES)(space.values(point)))
    for row, sources, method in zip(found, (SOURCES, SOURCES[:2]), ("reml", "dl"), strict=True):
        inner = Space.of(pool_unknowns(sources))
        alone = pool_estimator(sources, method=method)(inner.values(inner.reference_point))
        assert row == pytest.approx([part[0] for part in alone], rel=SAME_RTOL)
    assert found[0, 0] != pytest.approx(found[1, 0], rel=1e-3)


@pytest.mark.parametrize("level", [0.90, 0.95])
def test_one_source_alone_is_its_own_t_interval(level) -> None:
    source = pair_source(replace(LOOSE, correlation=0.5))
    found = outermost(pool_estimator([source], level=level), source.unknowns, draws=0)
    shown = ratio_estimate(LOOSE, 0.5).interval(level)
    expected = (shown.estimate, shown.low, shown.high)
    assert found.reference_point == pytest.approx(expected, rel=CLOSED_FORM_RTOL)


def test_a_known_estimate_leaves_nothing_open_and_keeps_its_df() -> None:
    own = Estimate(0.25, 0.04, 7.5, "log_ratio", "ratio", ("row",))
    source = known_source("own", own)
    found = explore(pool_estimator([source]), source.unknowns, draws=50)
    shown = own.interval()
    assert (source.df, source.rows, found.space.size) == (7.5, ("row",), 0)
    assert found.reference_point == pytest.approx(
        (shown.estimate, shown.low, shown.high), rel=1e-12
    )
    assert (found.conf_low, found.conf_high) == pytest.approx((shown.low, shown.high), rel=1e-12)


@given(st.floats(-9, -0.1), st.floats(0.001, 0.2), st.integers(4, 40))
@settings(max_examples=30)
def test_a_change_gives_back_the_p_it_came_from(change, p, n) -> None:
    """Both mixed models of a printed change are the closed form: |change| / t(p, df)."""
    for model, df in ((within_group_change, n - 1), (between_group_change, 2 * n - 2)):
        estimate = model(change, p, n, "points", (), ())
        t = abs(estimate.value / estimate.std_error)
        closed = float(implied_error(change, p, df))
        assert estimate.value == pytest.approx(change, rel=CLOSED_FORM_RTOL)
        assert estimate.std_error == pytest.approx(closed, rel=CLOSED_FORM_RTOL)
        assert closed == pytest.approx(abs(change) / t_from_p(p, df), rel=P_RTOL)
        assert estimate.df == pytest.approx(df, rel=DF_RTOL)
        assert 2 * stats.t.sf(t, df) == pytest.approx(p, rel=1e-6)
