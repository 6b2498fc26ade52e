"""What was not printed: ranges of correlations, grids, draws, and the mixed model behind them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from retrostats.unprinted.sensitivity import (
    along,
    closed_form_ratio,
    pool_grid,
    rounding_extremes,
    sweep_pair,
    unknown_r,
)
from scipy import stats

from retrostats.errors import InputError
from retrostats.reduce.change import between_group_change, within_group_change
from retrostats.reduce.pair import PrintedPair, correlation_range, ratio_estimate
from retrostats.result.estimate import Estimate

#: Fitted and closed form differ by the optimiser's gradient only.
CLOSED_FORM_RTOL = 1e-7

PAIR = PrintedPair("s", 13, 27.15, 31.33, 2.51, 5.77, 0.05, "<", "ml/kg/min", ("a", "b"), "SD", "S")
means = st.floats(5, 60)
spreads = st.floats(0.05, 0.4)


@given(means, means, spreads, spreads, st.integers(4, 40), st.floats(-0.95, 0.95))
def test_mixed_model_of_a_pair_equals_the_closed_form(f, b, cv_f, cv_b, n, r) -> None:
    """Any means, spreads and correlation, negative ones included: the paired comparison."""
    pair = replace(PAIR, n=n, forward=f, backward=b, sd_forward=cv_f * f, sd_backward=cv_b * b)
    fitted, closed = ratio_estimate(pair, r), closed_form_ratio(pair, r)
    assert fitted.value == pytest.approx(closed.value, rel=CLOSED_FORM_RTOL, abs=1e-9)
    assert fitted.std_error == pytest.approx(closed.std_error, rel=CLOSED_FORM_RTOL)
    assert fitted.df == pytest.approx(n - 1, rel=1e-5)


@given(st.floats(0.001, 0.2), st.sampled_from(["<", "="]))
def test_p_at_the_end_of_the_range_is_the_printed_one(p, operator) -> None:
    pair = replace(PAIR, p_value=p, p_operator=operator)
    try:
        low, _ = correlation_range(pair)
    except InputError:
        return  # no correlation gives this p with these spreads
    if low > -0.99:
        cov = 2 * low * pair.sd_forward * pair.sd_backward
        sd = np.sqrt(pair.sd_forward**2 + pair.sd_backward**2 - cov)
        t = (pair.backward - pair.forward) / (sd / np.sqrt(pair.n))
        assert 2 * stats.t.sf(t, pair.n - 1) == pytest.approx(p, rel=1e-6)


def test_sweep_narrows_as_the_correlation_grows() -> None:
    widths = [c.interval.high / c.interval.low for c in sweep_pair(PAIR)]
    assert widths == sorted(widths, reverse=True)


def test_grid_crosses_every_correlation_and_along_keeps_the_others() -> None:
    other = replace(PAIR, study_id="t", name="T", rows=("c", "d"))
    fixed = [Estimate(0.3, 0.05, 3, "log_ratio", "ratio")]
    grid = pool_grid([PAIR, other], fixed)
    assert len(grid) == 81
    line = along(grid, unknown_r(PAIR))
    assert len(line) == 9
    assert {tuple(c.unknowns) for c in line} == {(unknown_r(PAIR),)}


def test_draws_reach_beyond_the_grid_and_stay_inside_what_rounding_allows() -> None:
    digits = {"forward": (27.145, 27.155), "backward": (31.325, 31.335),
              "sd_forward": (2.505, 2.515), "sd_backward": (5.765, 5.775)}  # fmt: skip
    fixed = [Estimate(0.3, 0.05, 3, "log_ratio", "ratio")]
    options = {"draws": 300, "seed": 4}
    first = rounding_extremes([PAIR], [digits], fixed, **options)
    again = rounding_extremes([PAIR], [digits], fixed, **options, jobs=2)
    assert first == again
    grid = pool_grid([PAIR], fixed)
    assert min(c.interval.low for c in first) >= min(c.interval.low for c in grid) * 0.99
    assert first[0].interval.low <= first[1].interval.low
    assert rounding_extremes([PAIR], [digits], fixed, draws=0, seed=4) == ()


@given(st.floats(-9, -0.1), st.floats(0.001, 0.2), st.integers(4, 40))
def test_a_change_gives_back_the_p_it_came_from(change, p, n) -> None:
    for model, df in ((within_group_change, n - 1), (between_group_change, 2 * n - 2)):
        estimate = model(change, p, n, "points", (), ())
        t = abs(estimate.value / estimate.std_error)
        assert estimate.df == pytest.approx(df, rel=1e-5)
        assert 2 * stats.t.sf(t, df) == pytest.approx(p, rel=1e-6)
