"""Intervals of crossed fits: against the engine that takes blocks densely, and against draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from doors.models import (
    Covariance,
    crossed_intervals,
    layout,
    ml_deviance,
    region_of,
    with_one_more,
)

import retrostats as rs
from retrostats import InputError, NotConverged

#: The other engine searches its limits with differences of a gradient of its own.
SAME = 2e-5
#: Central differences of a smooth function, relative to its curvature.
DIFFERENCE = 1e-6
FORMULAS = ["y ~ x + (1 + x | a) + (1 | b)", "y ~ x + (1 | c/a) + (1 | b)"]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng, n = np.random.default_rng(4), 160
    a, b = rng.integers(0, 16, n), rng.integers(0, 30, n)
    x = rng.normal(size=n)
    y = 3 + 0.2 * x + rng.normal(size=16)[a] + 0.5 * rng.normal(size=30)[b] + rng.normal(size=n)
    y += 0.5 * rng.normal(size=16)[a] * x
    return pd.DataFrame({"y": y, "x": x, "a": a, "b": b, "c": a // 4}).astype(
        {"a": "category", "b": "category", "c": "category"}
    )


def both(rows: pd.DataFrame, formula: str, monkeypatch) -> tuple[rs.LmmFit, rs.LmmFit]:
    monkeypatch.setattr(layout, "WIDE", 10)
    crossed = rs.lmm(formula, rows)
    monkeypatch.setattr(layout, "WIDE", 10_000)
    plain = rs.lmm(formula, rows)
    assert crossed.engine.name == "crossed"
    assert plain.engine.name != "crossed"
    return crossed, plain


@pytest.mark.parametrize("formula", FORMULAS)
def test_profiles_are_those_of_the_dense_engine(rows, formula, monkeypatch):
    crossed, plain = both(rows, formula, monkeypatch)
    pd.testing.assert_frame_equal(
        crossed.conf_int(which="random"), plain.conf_int(which="random"), rtol=SAME, atol=SAME
    )
    pd.testing.assert_frame_equal(
        crossed.conf_int(which="random", method="exact"),
        plain.conf_int(which="random", method="exact"),
        rtol=1e-8,
    )
    for by in ("total", "residual"):
        one, two = crossed.standardised("x", by=by), plain.standardised("x", by=by)
        assert one.estimate == pytest.approx(two.estimate, rel=1e-6)
        assert one.conf_high == pytest.approx(two.conf_high, rel=1e-5)


def test_profiles_of_a_singular_fit(rows, monkeypatch):
    """The estimate is zero, the gradient there says nothing, and the upper limit is not zero."""
    noise = rows.assign(y=np.cos(np.arange(len(rows)) ** 2.0) + 0.1 * rows["x"])
    crossed, plain = both(noise, FORMULAS[0], monkeypatch)
    assert crossed.singular
    found = crossed.conf_int(which="random")
    pd.testing.assert_frame_equal(found, plain.conf_int(which="random"), rtol=SAME, atol=SAME)
    assert (found["conf_low"].iloc[:2] == 0.0).all()
    assert (found["conf_high"].iloc[:2] > 0.01).all()


def test_shares_of_variance(rows, monkeypatch):
    crossed, plain = both(rows, "y ~ x + (1 | a) + (1 | b)", monkeypatch)
    share, other = crossed.icc(group="a"), plain.icc(group="a")
    parts = crossed.variance_components.set_index("group")["vcov"]
    assert share.estimate == pytest.approx(parts["a"] / parts.sum(), rel=1e-9)
    assert 0 < share.conf_low < share.estimate < share.conf_high < 1
    for end in ("estimate", "conf_low", "conf_high"):
        assert getattr(share, end) == pytest.approx(getattr(other, end), rel=SAME)
    for bad in (None, "c"):
        with pytest.raises(InputError, match="allowed: a, b"):
            crossed.icc(group=bad)
    with pytest.raises(InputError, match="random intercepts only"):
        rs.lmm(FORMULAS[0], rows).icc(group="a")


def test_gradients_are_derivatives(rows, monkeypatch):
    crossed, _ = both(rows, FORMULAS[0], monkeypatch)
    data = crossed.model.crossed
    eta = np.linspace(0.4, 0.9, len(crossed.theta) + 1)
    pair = Covariance(data, 0, 0, 1)
    quantities = [
        lambda x: ml_deviance(data, x), pair.variance, pair.correlation,
        Covariance(data, 0, 1, 1).logarithm,
    ]  # fmt: skip
    for quantity in quantities:
        value, gradient = quantity(eta)
        for i, step in enumerate(1e-5 * np.eye(len(eta))):
            slope = (quantity(eta + step)[0] - quantity(eta - step)[0]) / 2e-5
            assert gradient[i] == pytest.approx(slope, rel=1e-5, abs=DIFFERENCE * max(1, value))


def test_bootstrap_spreads_as_the_errors_say(rows, monkeypatch):
    crossed, plain = both(rows, "y ~ x + (1 | a) + (1 | b)", monkeypatch)
    draws, others = crossed.bootstrap(150, 1), plain.bootstrap(150, 2)
    assert draws["converged"].mean() > 0.99
    assert list(draws.columns) == list(others.columns)
    pd.testing.assert_frame_equal(draws.head(24), crossed.bootstrap(24, 1, jobs=2))
    # means and spreads of 150 draws, five standard errors of their difference
    for name in ("(Intercept)", "x", "sigma", "sd_a_(Intercept)", "se_x", "loglik"):
        spread = float(others[name].std())
        assert abs(draws[name].mean() - others[name].mean()) < 5 * spread * np.sqrt(2 / 150)
        assert draws[name].std() / spread == pytest.approx(1.0, abs=5 / np.sqrt(150))
    table = crossed.conf_int(which="random", method="bootstrap", draws=100)
    assert ((table.conf_low < table.estimate) & (table.estimate < table.conf_high)).all()
    t = crossed.conf_int(which="all", method="bootstrap-t", draws=100)
    assert t["term"].tolist() == ["(Intercept)", "x", "sigma"]


#: Refits end where a step promises 1e-9 of the deviance; theta is off by its root, twice over.
STACKED = 1e-4


CROSSED = ("y ~ x + (1 | a) + (1 | b)", "y ~ x + (x | a) + (1 | b)", "y ~ x + (x || a) + (1 | b)")


@pytest.mark.parametrize(
    ("formula", "wide"),
    [
        (CROSSED[0], True), (CROSSED[1], True), (CROSSED[1], False),
        *(pytest.param(*rest, marks=pytest.mark.thorough)
          for rest in ((CROSSED[2], True), (CROSSED[0], False), (CROSSED[2], False))),
    ],
)  # fmt: skip
def test_stacked_refits_are_those_made_one_by_one(rows, monkeypatch, formula, wide):
    monkeypatch.setattr(layout, "WIDE", 10 if wide else 10_000)
    fit = rs.lmm(formula, rows)
    stacked = fit.bootstrap(16, 5)
    if wide:  # a stream has eight draws; how many are refitted together changes no byte
        pd.testing.assert_frame_equal(stacked.head(8), fit.bootstrap(8, 5), check_exact=True)
    monkeypatch.setattr("retrostats.models.linear.batch.wide.MOST", 0)
    single = fit.bootstrap(16, 5)
    assert not stacked.equals(single)  # they were made in another way
    columns = [c for c in stacked.select_dtypes("number") if not c.startswith("cor_")]
    np.testing.assert_allclose(stacked[columns], single[columns], rtol=STACKED, atol=STACKED)
    assert stacked["loglik"].to_numpy() == pytest.approx(single["loglik"].to_numpy(), abs=1e-8)
    assert stacked["converged"].all()


def test_a_bootstrap_on_the_boundary_leaves_it(rows, monkeypatch):
    """A variance that is estimated as zero draws none, and refits find some in half of them."""
    monkeypatch.setattr(layout, "WIDE", 10)
    still = rows.assign(c=np.arange(len(rows)) % 7)
    still["y"] = still["y"] - still.groupby("c")["y"].transform("mean")
    fit = rs.lmm("y ~ x + (1 | a) + (1 | b) + (1 | c)", still)
    assert fit.optimum.singular
    draws = fit.bootstrap(40, 2)
    assert draws["converged"].all()
    assert 0.1 < (draws["sd_c_(Intercept)"] > 0).mean() < 0.9


def test_a_refit_of_the_bootstrap_is_the_fit_of_its_outcome(rows, monkeypatch):
    """One draw, taken with the same stream, fitted from rows."""
    monkeypatch.setattr(layout, "WIDE", 10)
    fit = rs.lmm("y ~ x + (1 | a) + (1 | b)", rows)
    draw = fit.bootstrap(1, 7).iloc[0]
    laid = layout.laid_out(fit.model.rows)
    rng = np.random.default_rng(np.random.SeedSequence(7).spawn(1)[0])
    u = rng.standard_normal(laid.z.shape[1])
    theta = fit.optimum.working[[0, 1]]
    sizes = np.concatenate([np.full(g.width, theta[g.terms[0]]) for g in laid.groups])
    y = fit.model.rows.x @ fit.beta
    y += fit.sigma * (laid.z @ (sizes * u) + rng.standard_normal(len(y)))
    again = fit.refit(y)
    assert draw["x"] == pytest.approx(again.beta[1], rel=1e-6)
    assert draw["sigma"] == pytest.approx(again.sigma, rel=1e-6)
    assert draw["loglik"] == pytest.approx(again.loglik, abs=1e-6)
    assert draw["se_x"] == pytest.approx(float(np.sqrt(again.cov_unadjusted[1, 1])), rel=1e-6)


def test_what_cannot_be_had_is_said(rows, monkeypatch):
    crossed, _ = both(rows, "y ~ x + (1 | a) + (1 | b)", monkeypatch)
    monkeypatch.setattr(crossed_intervals, "_WIDEST", 10)
    with pytest.raises(InputError, match="16 random effects beside 'b'"):
        crossed.conf_int(which="random", method="exact")
    region = region_of(lambda x: (float(x @ x), 2.0 * x), np.zeros(2), np.zeros(2), 0.95)
    assert region.limit(lambda x: (float(x.sum()), np.ones(2)), 1) == pytest.approx(
        np.sqrt(2 * region.rise), rel=1e-6
    )
    cliff = replace(region, deviance=lambda x: (1e9, 0.0 * x))
    with pytest.raises(NotConverged, match="falls off a cliff"):
        cliff.limit(lambda x: (float(x.sum()), np.ones(2)), 1)


def test_a_region_with_one_more_parameter_is_that_of_both_together() -> None:
    """D(x, u) = x'Ax + (u - b'x)^2, whose minimum over u is x'Ax: u reaches what algebra says."""
    a, b = np.array([[2.0, 0.3], [0.3, 1.0]]), np.array([0.8, -1.5])

    def whole(z):
        x, gap = z[:2], z[2] - b @ z[:2]
        return float(x @ a @ x + gap**2), np.append(2 * a @ x - 2 * gap * b, 2 * gap)

    small = region_of(
        lambda x: (float(x @ a @ x), 2 * a @ x), np.zeros(2), np.array([1.0, 0.0]), 0.9
    )
    region = with_one_more(small, whole)
    together = region_of(whole, np.zeros(3), np.zeros(3), 0.9)
    np.testing.assert_allclose(region.hessian, together.hessian, atol=1e-9)
    assert list(region.flat) == [1.0, 0.0, 0.0]
    top = np.sqrt(region.rise * (1 + b @ np.linalg.solve(a, b)))
    last = np.array([0.0, 0.0, 1.0])
    ends = [region.limit(lambda z: (float(z[2]), last), sign) for sign in (-1, 1)]
    assert ends == pytest.approx([-top, top], rel=1e-6)


def test_a_strong_correlation_keeps_its_sign(rows, monkeypatch):
    """Both engines: signs of a factor's diagonal must not turn that of the correlation."""
    rng = np.random.default_rng(8)
    starts = rng.multivariate_normal([0, 0], [[4.0, -1.9], [-1.9, 1.0]], size=16)
    a = rows["a"].cat.codes
    y = starts[a, 0] + starts[a, 1] * rows["x"] + rng.normal(size=len(rows))
    crossed, plain = both(rows.assign(y=y), FORMULAS[0], monkeypatch)
    found, other = (fit.conf_int(which="random") for fit in (crossed, plain))
    pd.testing.assert_frame_equal(found, other, rtol=SAME, atol=SAME)
    row = found[found["term"].str.startswith("cor")].iloc[0]
    assert -1 <= row["conf_low"] < row["estimate"] < row["conf_high"] < -0.5
