"""Few studies: priors, Henmi and Copas, Kenward-Roger; and what never enters a pool."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from doors.models import henmi_copas

import retrostats as rs
from retrostats import Estimate, InputError

#: Four digits of a posterior, against an independent grid of that fineness.
FOUR_DIGITS = 5e-5
#: Henmi and Copas's gamma is an approximation; 200,000 simulated pivots leave 0.002 of noise.
TAIL_ATOL = 0.006

Y, SE = np.array([0.14, 0.25, 0.52]), np.array([0.05, 0.09, 0.2])


@pytest.mark.parametrize(
    "scale", [0.5, *(pytest.param(scale, marks=pytest.mark.thorough) for scale in (0.1, 5.0))]
)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_half_normal_against_a_fine_grid_of_both_parameters(scale, k) -> None:
    y, se = Y[:k], SE[:k]
    ours = rs.pool(y, se, prior=rs.HalfNormal(scale))
    top = 8 * scale
    u = (np.arange(1500) + 0.5) / 1500
    tau = top * u**3  # midpoints, dense at 0
    jacobian = 3 * top * u**2
    half_width = 12 * np.hypot(se.max(), 3 * scale)
    s = np.linspace(-1, 1, 4001)
    mu = y.mean() + half_width * s**3
    log = -0.5 * (tau / scale) ** 2
    density = np.tile(log[:, None], (1, len(mu)))
    for effect, error in zip(y, se, strict=True):
        total = error**2 + tau**2
        density -= 0.5 * ((effect - mu) ** 2 / total[:, None] + np.log(total)[:, None])
    density = np.exp(density - density.max()) * jacobian[:, None] * s**2
    marginal = np.cumsum(density.sum(axis=0)) - 0.5 * density.sum(axis=0)
    marginal /= density.sum()
    grid = [np.interp(p, marginal, mu) for p in (0.025, 0.5, 0.975)]
    wide = FOUR_DIGITS * max(1.0, scale) * (20 if k == 1 else 4)
    assert [ours.conf_low, ours.estimate, ours.conf_high] == pytest.approx(grid, abs=wide)
    by_tau = np.cumsum(density.sum(axis=1)) / density.sum()
    medians = np.interp(0.5, by_tau, top * ((np.arange(1500) + 1) / 1500) ** 3)
    assert ours.tau["median"] == pytest.approx(medians, rel=2e-3)


def test_probabilities_and_prediction() -> None:
    ours = rs.pool(Y, SE, prior=rs.HalfNormal(0.2))
    assert ours.probability() == pytest.approx(1)
    assert ours.probability(ours.conf_low, ours.conf_high) == pytest.approx(0.95, abs=1e-9)
    inside = ours.probability(ours.pred_low, ours.pred_high, new_study=True)
    assert inside == pytest.approx(0.95, abs=1e-9)
    assert ours.pred_low < ours.conf_low < ours.estimate < ours.conf_high < ours.pred_high


def test_a_tight_prior_is_the_common_effect() -> None:
    ours = rs.pool(Y, SE, prior=rs.HalfNormal(1e-5))
    common = rs.pool(Y, SE, method="common", test="z")
    assert ours.estimate == pytest.approx(common.estimate, abs=1e-6)
    assert (ours.conf_low, ours.conf_high) == pytest.approx(
        (common.conf_low, common.conf_high), abs=1e-5
    )


def test_henmi_copas_tail_against_simulated_pivots() -> None:
    v = np.array([0.01, 0.02, 0.04, 0.09, 0.3])
    w = 1 / v
    found = henmi_copas(np.array([0.1, 0.5, -0.2, 0.4, 0.9]), v)
    assert found.tau2 > 0.01
    rng = np.random.default_rng(9)
    e = rng.normal(size=(200_000, 5)) * np.sqrt(v + found.tau2)
    mean = e @ w / w.sum()
    q = ((e - mean[:, None]) ** 2) @ w
    w2 = (w**2).sum() / w.sum()
    tau2 = np.maximum(0, (q - 4) / (w.sum() - w2))
    pivot = mean * np.sqrt(w.sum() / (1 + w2 * tau2))
    assert np.mean(np.abs(pivot) > found.quantile) == pytest.approx(0.05, abs=TAIL_ATOL)


def test_henmi_copas_centres_on_the_common_effect() -> None:
    ours, common = (rs.pool(Y, SE, test="henmi-copas"), rs.pool(Y, SE, method="common"))
    assert ours.estimate == pytest.approx(common.estimate)
    assert ours.conf_low < ours.estimate < ours.conf_high


def test_influence_by_hand() -> None:
    whole, table = rs.pool(Y, SE, test="z"), rs.pool(Y, SE, test="z").influence()
    part = rs.pool(Y[1:], SE[1:], test="z")
    moved = whole.estimate - part.estimate
    assert table["cook"][0] == pytest.approx((moved / whole.std_error) ** 2)
    spread = np.sqrt(SE[0] ** 2 + part.tau2 + part.std_error**2)
    assert table["rstudent"][0] == pytest.approx((Y[0] - part.estimate) / spread)
    hat = whole.weights[0] / 100
    assert table["dffits"][0] == pytest.approx(moved / np.sqrt(hat * (SE[0] ** 2 + part.tau2)))


ROWS = pd.DataFrame({"row_id": ["a", "b", "c"], "estimate": Y, "std_error": SE})


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("independence", ["independent", "DUPLICATE", "independent"]),
        ("independence", ["independent", None, "independent"]),
        ("poolable", [True, False, True]),
    ],
)
def test_rows_that_must_not_be_pooled_are_named(column, values) -> None:
    with pytest.raises(InputError, match="'b' must not be pooled"):
        rs.pool(ROWS.assign(**{column: values}))
    assert rs.pool(ROWS.assign(independence="independent", poolable=True)).k == 3


def test_a_row_counts_once() -> None:
    with pytest.raises(InputError, match="'a' entered more than once"):
        rs.pool(pd.concat([ROWS, ROWS.head(1)]))
    twice = [Estimate(y, 0.1, 9, "difference", "kg", ("li-1",)) for y in (0.1, 0.4, 0.2)]
    with pytest.raises(InputError, match="'li-1' entered more than one estimate"):
        rs.pool(twice)
    assert rs.pool(twice, cluster=[1, 1, 2]).k == 3


def test_columns_of_a_table() -> None:
    both = ROWS.assign(yi=Y, vi=SE**2)
    with pytest.raises(InputError, match="not both pairs"):
        rs.pool(both)
    chosen = rs.pool(both, formula="yi ~ 1", variance="vi")
    assert chosen.estimate == pytest.approx(rs.pool(ROWS).estimate)
    assert rs.pool(Y, variance=SE**2).estimate == pytest.approx(chosen.estimate)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test": "kenward-roger", "method": "dl"}, "reml"),
        ({"test": "knapp-hartung", "random": "(1 | row_id)"}, "one variance"),
        ({"random": "row_id"}, "write it as"),
        ({"random": "(1 | row_id)", "method": "dl"}, "allowed"),
        ({"formula": "~ nothing"}, "no column 'nothing'"),
        ({"prior": 0.1}, "HalfNormal"),
        ({"prior": rs.HalfNormal(0.1), "test": "z"}, "independent estimates"),
        ({"cluster": "nothing"}, "no column"),
        ({"level": 95}, "between 0 and 1"),
    ],
)
def test_options_that_do_not_fit(options, message) -> None:
    with pytest.raises(InputError, match=message):
        rs.pool(ROWS, **options)


def test_two_studies_of_joint_load_depend_on_the_prior() -> None:
    """Middle of the correlations of the two studies, as the analysis has them."""
    y, se = np.log([0.75555556, 0.53571429]), np.array([0.07204849, 0.13703307])
    classical = rs.pool(y, se)
    tight, loose = (rs.pool(y, se, prior=rs.HalfNormal(scale)) for scale in (0.1, 0.5))
    limits = [np.exp([p.conf_low, p.conf_high]) for p in (classical, tight, loose)]
    assert limits[0] == pytest.approx([0.074, 5.684], abs=5e-4)
    assert limits[1] == pytest.approx([0.526, 0.829], abs=1.5e-3)
    assert limits[2] == pytest.approx([0.327, 1.248], abs=1.5e-3)


def test_henmi_copas_near_no_effect_has_a_p_near_one() -> None:
    """The pivot exceeds nothing with certainty, and a small value nearly always."""
    errors = np.array([0.2, 0.3, 0.25])
    shifts = (0.0, 0.01, 0.1, 0.3)
    centred = np.array([-0.1, 0.2, 0.05]) - np.average([-0.1, 0.2, 0.05], weights=errors**-2)
    found = [henmi_copas(centred + shift, errors**2, 0.95).p_value for shift in shifts]
    assert found[0] == pytest.approx(1.0, abs=1e-6)
    assert found == sorted(found, reverse=True)
    assert found[1] > 0.9


def test_a_pool_with_moderators_shows_its_coefficients() -> None:
    y, se = [0.1, 0.4, 0.7, 0.9], [0.1] * 4
    alone, moved = rs.pool(y, se), rs.pool(y, se, moderators=pd.DataFrame({"x": [1, 2, 3, 4.0]}))
    assert "std_error" not in repr(alone)
    assert "std_error" in repr(moved)


def test_henmi_copas_predicts_with_both_variances() -> None:
    y, se = [0.1, 0.6, 0.3], [0.1, 0.12, 0.2]
    pooled = rs.pool(y, se, test="henmi-copas")
    found = henmi_copas(np.array(y), np.array(se) ** 2, 0.95)
    half_width = found.quantile * np.sqrt(found.tau2 + found.std_error**2)
    assert found.tau2 > 0
    assert pooled.pred_high - pooled.estimate == pytest.approx(half_width)
    assert pooled.conf_high - pooled.estimate == pytest.approx(found.quantile * found.std_error)


def test_henmi_copas_at_an_effect_of_exactly_zero_does_not_overflow() -> None:
    """Whether t is 0 or the last digit above it is the processor's choice."""
    assert henmi_copas(np.array([-0.2, 0.0, 0.2]), np.full(3, 0.04), 0.95).p_value > 0.999
