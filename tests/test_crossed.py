"""Crossed and nested factors of many levels: against lme4, the dense engine, and their own laws."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doors.models import (
    build_crossed,
    inner_outer,
    layout,
    minimise_crossed,
    mirrored,
    moment_start,
    prepare,
    subtract_outer,
)
from doors.models import crossed_inference as inference
from doors.models import evaluate_crossed as evaluate

import retrostats as rs
from retrostats import NotIdentified

#: Both optimise fully: what is left is rounding (log-likelihood of 1,200) and lme4's own tolerance.
LOGLIK = 1e-7
ESTIMATE = 1e-6
STD_ERROR = 1e-6
#: lmerTest differentiates numerically.
DF = 1e-3
#: Two factorisations of the same equations, optimised to rounding.
SAME = 1e-6
#: The spread of moments of 150 to 300 levels; one variance for both effects was 0.5 away.
NEAR = 0.1
#: Newton's steps from there; twelve from one variance for both effects.
FEW = 6

REFERENCE = json.loads((Path(__file__).parent / "reference" / "crossed.json").read_text())


class ParkMiller:
    """The generator of reference/crossed.R."""

    def __init__(self) -> None:
        self.state = 42

    def uniform(self, n: int) -> np.ndarray:
        out = np.empty(n)
        for i in range(n):
            self.state = 16807 * self.state % 2147483647
            out[i] = self.state / 2147483647
        return out

    def normal(self, n: int) -> np.ndarray:
        return self.uniform(12 * n).reshape(n, 12).sum(axis=1) - 6


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    draw, n = ParkMiller(), 900
    a = np.floor(150 * draw.uniform(n)).astype(int)
    b = np.floor(40 * draw.uniform(n) ** 2).astype(int)
    x = draw.normal(n)
    ea, eb, sa, ec = draw.normal(150), draw.normal(40), draw.normal(150), draw.normal(15)
    y = 3 + 0.25 * x + 0.8 * ea[a] + 0.5 * eb[b] + 0.3 * sa[a] * x + 0.6 * ec[a // 10]
    frame = pd.DataFrame({"y": y + draw.normal(n), "x": x})
    for name, codes in (("a", a), ("b", b), ("c", a // 10)):
        frame[name] = pd.Series(codes).map("l{:03d}".format)
    return frame


@pytest.mark.parametrize("name", sorted(REFERENCE))
def test_equal_to_lme4(rows, name):
    want = REFERENCE[name]
    fit = rs.lmm(want["formula"], rows)
    assert fit.engine.name == "crossed"
    assert fit.converged
    assert fit.loglik == pytest.approx(want["loglik"], abs=LOGLIK)
    assert fit.refit_ml().loglik == pytest.approx(want["loglik_ml"], abs=LOGLIK)
    table = fit.coefficients
    np.testing.assert_allclose(table["estimate"], want["estimate"], rtol=ESTIMATE)
    np.testing.assert_allclose(table["std_error"], want["std_error_kr"], rtol=STD_ERROR)
    np.testing.assert_allclose(table["df"], want["df_kr"], rtol=DF)
    np.testing.assert_allclose(
        np.sort(fit.variance_components["sdcor"]), np.sort(want["sdcor"]), rtol=1e-5
    )
    other = rs.lmm(want["formula"], rows, ddf="satterthwaite").coefficients
    np.testing.assert_allclose(other["std_error"], want["std_error"], rtol=STD_ERROR)
    np.testing.assert_allclose(other["df"], want["df_satterthwaite"], rtol=DF)


@pytest.mark.parametrize("dense", [layout._DENSE, 3], ids=["dense rest", "chain"])
@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x + (1 | a) + (0 + x | a) + (1 | b)",
        "y ~ x + (1 + x | c) + (1 + x | a)",
        "noise ~ x + (1 + x | a) + (1 | b)",
        "y ~ x + (1 | c/a) + (1 | b)",
    ],
)
def test_equal_to_the_dense_engine(rows, formula, dense, monkeypatch):
    rows = rows[rows["a"] < "l016"]
    rows = rows.assign(noise=np.cos(np.arange(len(rows)) ** 2.0))
    monkeypatch.setattr(layout, "WIDE", 10)
    monkeypatch.setattr(layout, "_DENSE", dense)
    fit = rs.lmm(formula, rows)
    monkeypatch.setattr(layout, "WIDE", 10_000)
    plain = rs.lmm(formula, rows)
    assert fit.engine.name == "crossed"
    assert plain.engine.name != "crossed"
    assert fit.loglik == pytest.approx(plain.loglik, abs=1e-8)
    assert fit.singular == plain.singular
    np.testing.assert_allclose(fit.theta, plain.theta, atol=SAME)
    np.testing.assert_allclose(fit.coefficients["std_error"], plain.coefficients["std_error"], SAME)
    np.testing.assert_allclose(fit.coefficients["df"], plain.coefficients["df"], 1e-4)
    np.testing.assert_allclose(fit.fitted, plain.fitted, atol=SAME)


def test_order_of_rows_and_names_of_levels_do_not_matter(rows):
    formula = "y ~ x + (1 + x | a) + (1 | b)"
    fit = rs.lmm(formula, rows)
    mixed = rows.sample(frac=1.0, random_state=3)
    mixed["a"] = mixed["a"].map(lambda s: s[::-1] + "z")
    other = rs.lmm(formula, mixed)
    assert other.loglik == pytest.approx(fit.loglik, abs=1e-8)
    np.testing.assert_allclose(other.coefficients["df"], fit.coefficients["df"], rtol=1e-5)


def test_weights_are_repeated_rows(rows):
    twice = pd.concat([rows, rows.iloc[:200]])
    formula = "y ~ x + (1 | a) + (1 | b)"
    weight = np.where(np.arange(len(rows)) < 200, 2.0, 1.0)
    one, two = rs.lmm(formula, rows, weights=weight), rs.lmm(formula, twice)
    # The residual degrees of freedom differ, so compare at one theta.
    theta = np.ones(2)
    a = evaluate(one.model.crossed, theta, reml=True)
    b = evaluate(two.model.crossed, theta, reml=True)
    np.testing.assert_allclose(one.model.crossed.c.toarray(), two.model.crossed.c.toarray())
    np.testing.assert_allclose(np.abs(a.xvx), np.abs(b.xvx), atol=1e-10)


@pytest.mark.parametrize("dense", [layout._DENSE, 3], ids=["dense rest", "chain"])
def test_gradient_is_the_derivative(rows, dense, monkeypatch):
    monkeypatch.setattr(layout, "_DENSE", dense)
    data = build_crossed(prepare("y ~ x + (1 + x | c/a) + (1 | b)", rows).rows)
    assert data.chain == (1 if dense > 3 else 2)
    theta = np.linspace(0.3, 0.9, len(data.diagonal))
    gradient = evaluate(data, theta, reml=True).gradient
    for i, step in enumerate(1e-5 * np.eye(len(theta))):
        up, down = (evaluate(data, theta + s, reml=True).deviance for s in (step, -step))
        assert gradient[i] == pytest.approx((up - down) / 2e-5, rel=1e-6, abs=1e-5)


def test_gradient_of_a_covariance_that_is_zero(rows):
    """Not even in it: zero is no minimum there, and a search that begins there has to leave it."""
    data = build_crossed(prepare("y ~ x + (1 + x | a) + (1 | b)", rows).rows)
    theta = np.where(data.diagonal, 0.6, 0.0)
    covariance = list(data.diagonal).index(False)
    step = np.where(np.arange(len(theta)) == covariance, 1e-5, 0.0)
    up, down = (evaluate(data, theta + s, reml=True).deviance for s in (step, -step))
    assert abs(up - down) / 2e-5 > 1.0
    gradient = evaluate(data, theta, reml=True).gradient[covariance]
    assert gradient == pytest.approx((up - down) / 2e-5, rel=1e-6)
    # at zero, where the diagonal of a factor is even
    theta[0] = 0.0
    assert evaluate(data, theta, reml=True).gradient[0] == 0.0


@pytest.mark.parametrize("formula", ["y ~ x + (1 + x | a) + (1 | c)", "y ~ x + (1 | a) + (x | c)"])
def test_the_first_group_is_eliminated_alike_by_dense_and_sparse_products(
    rows, formula, monkeypatch
):
    rows = rows.assign(c="c" + rows["b"].str[-1])  # ten levels, which most of `a` meet
    found = []
    for share in (0.0, 2.0):
        monkeypatch.setattr(layout, "_FILLED", share)
        data = build_crossed(prepare(formula, rows).rows)
        assert (data.filled is None) == (share > 1)
        theta = np.linspace(0.3, 0.9, len(data.diagonal))
        found.append((data, evaluate(data, theta, reml=True)))
    (dense, a), (_, b) = found
    assert dense.groups[0].k * dense.groups[1].k == 2
    for name in ("deviance", "gradient", "hessian", "delta", "xvx", "sigma2"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-10, atol=1e-9)


def test_dense_and_sparse_products_agree(rows, monkeypatch):
    from doors.models import factor
    from scipy.sparse import random_array

    h = random_array((30, 1100), density=0.05, rng=np.random.default_rng(1), format="csr")
    inverse = np.cov(h.toarray())
    answers = []
    for cost in (0.0, 1e9):
        monkeypatch.setattr(factor, "_SPARSE_COST", cost)
        target = np.eye(30, order="F")
        subtract_outer(target, h)
        answers.append((np.tril(target), inner_outer(inverse, h, 2)))
    np.testing.assert_allclose(answers[0][0], answers[1][0], atol=1e-12)
    np.testing.assert_allclose(answers[0][1], answers[1][1], rtol=1e-12)
    np.testing.assert_allclose(answers[0][0], np.tril(np.eye(30) - (h @ h.T).toarray()), atol=1e-12)


def test_what_costs_too_much_is_said(rows, monkeypatch):
    monkeypatch.setattr("retrostats.models.linear.crossed.engine.MOST_PRODUCTS", 1.0)
    fit = rs.lmm("y ~ x + (1 | a) + (1 | b)", rows)
    assert fit.ddf == "satterthwaite"
    assert "Satterthwaite's degrees of freedom stand in its place" in fit.summary()
    monkeypatch.setattr(layout, "_LARGEST", 30)
    with pytest.raises(NotIdentified, match=r"b \(40 levels\).*at most 30 effects"):
        rs.lmm("y ~ x + (1 | a) + (1 | b)", rows)
    assert inference.MOST_PRODUCTS > 1e9


def test_refit_with_another_outcome(rows):
    fit = rs.lmm("y ~ x + (1 | a) + (1 | b)", rows)
    again = fit.refit(rows["y"].to_numpy() * 2.0)
    assert again.engine.name == "crossed"
    np.testing.assert_allclose(again.theta, fit.theta, rtol=SAME)
    assert again.sigma == pytest.approx(2 * fit.sigma, rel=SAME)


def test_the_search_begins_near_each_effect_of_a_group() -> None:
    """An intercept and a slope of other sizes: no one variance for both."""
    rng = np.random.default_rng(5)
    u, i = rng.integers(0, 300, 20_000), rng.integers(0, 150, 20_000)
    x = rng.normal(size=20_000)
    effects = rng.normal(size=(300, 2)) * [1.0, 0.2]
    y = effects[u, 0] + effects[u, 1] * x + 0.5 * rng.normal(size=150)[i] + rng.normal(size=u.size)
    rows = pd.DataFrame({"y": y, "x": x, "u": u.astype(str), "i": i.astype(str)})
    data = prepare("y ~ x + (x | u) + (1 | i)", rows).crossed
    best = minimise_crossed(data, moment_start(data), reml=True)
    np.testing.assert_allclose(moment_start(data), best.theta, atol=NEAR)
    assert best.steps <= FEW


def test_the_search_begins_at_the_moments_of_balanced_crossed_factors() -> None:
    """Every person rates every item once: what is found is the analysis of variance."""
    rng = np.random.default_rng(3)
    people, items = 150, 120
    u, i = (x.ravel() for x in np.indices((people, items)))
    y = rng.normal(size=people)[u] + 0.5 * rng.normal(size=items)[i] + rng.normal(size=u.size)
    rows = pd.DataFrame({"y": y, "u": u.astype(str), "i": i.astype(str)})
    data = prepare("y ~ 1 + (1 | u) + (1 | i)", rows).crossed
    table = y.reshape(people, items)
    of_people, of_items = (table - table.mean()).mean(axis=1), (table - table.mean()).mean(axis=0)
    left = table - table.mean() - of_people[:, None] - of_items
    error = (left**2).sum() / ((people - 1) * (items - 1))
    want = {
        "u": np.sqrt((items * (of_people**2).sum() / (people - 1) / error - 1) / items),
        "i": np.sqrt((people * (of_items**2).sum() / (items - 1) / error - 1) / people),
    }
    found = dict(zip([g.name for g in data.groups], moment_start(data), strict=True))
    for name, theta in want.items():
        assert found[name] == pytest.approx(theta, rel=1e-9)


@pytest.mark.parametrize(
    ("formula", "saved"),
    [("y ~ x + (1 | a) + (1 | b)", 2), ("y ~ x + (x | a) + (1 | b)", -1)],
)
def test_a_start_by_moments_ends_where_a_start_at_one_does(rows, formula, saved) -> None:
    """Slopes are taken to vary as the intercepts do, so they save nothing."""
    data = prepare(formula, rows).crossed
    ones = minimise_crossed(data, np.array(data.diagonal, dtype=float), reml=True)
    near = minimise_crossed(data, moment_start(data), reml=True)
    np.testing.assert_allclose(near.theta, ones.theta, atol=1e-5)
    assert near.point.deviance == pytest.approx(ones.point.deviance, abs=1e-7)
    assert near.steps <= ones.steps - saved


def test_a_factor_without_effect_has_a_start_inside(rows) -> None:
    noise = np.random.default_rng(0).normal(size=len(rows))
    start = moment_start(prepare("y ~ x + (1 | a) + (1 | b)", rows.assign(y=noise)).crossed)
    assert (start >= 0.05).all()


def test_mirrored_is_the_symmetric_matrix() -> None:
    rng = np.random.default_rng(1)
    half = np.asfortranarray(rng.normal(size=(1100, 1100)))
    lower = np.tril(half)
    assert np.array_equal(mirrored(half), lower + np.tril(lower, -1).T)


#: Squares of a matrix as differences of others, of which three digits may be lost twice.
PAIRS = 1e-9
#: What central differences of a gradient leave of a Hessian, in units of its diagonal.
DIFFERENCES = 1e-6


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize(
    ("formula", "rows", "dense"),
    [
        ("y ~ x + (x | u) + (1 | i)", 4000, True),
        ("y ~ x + (1 | u) + (0 + x | u) + (x | i) + (1 | v)", 4000, True),
        ("y ~ x + (x | u) + (1 | i)", 400, False),
    ],
)
def test_satterthwaites_hessian_is_exact(
    monkeypatch, formula: str, rows: int, dense: bool, reml: bool
) -> None:
    """Sums over pairs of levels against central differences of the gradient."""
    rng = np.random.default_rng(7)
    u, i, v = (rng.integers(0, count, rows) for count in (90, 40, 12))
    x = rng.normal(size=rows)
    y = x + rng.normal(size=90)[u] + 0.6 * rng.normal(size=90)[u] * x + rng.normal(size=40)[i]
    y += 0.5 * rng.normal(size=40)[i] * x + 0.7 * rng.normal(size=12)[v] + rng.normal(size=rows)
    frame = pd.DataFrame({"y": y, "x": x, "u": u, "i": i, "v": v})
    fit = rs.lmm(formula, frame, ddf="satterthwaite", reml=reml)
    assert (fit.model.crossed.filled is not None) == dense
    exact = fit.engine.satterthwaite(fit)
    monkeypatch.setattr(inference, "pair_sums", lambda *_: None)
    other = fit.engine.satterthwaite(fit)
    assert exact.a is not other.a
    unit = np.sqrt(np.diag(other.a))
    np.testing.assert_allclose((exact.a - other.a) / unit / unit[:, None], 0.0, atol=DIFFERENCES)
    np.testing.assert_allclose(exact.term_dfs(), other.term_dfs(), rtol=DIFFERENCES)


@pytest.mark.parametrize("effects", ["(x | u) + (1 | i)", "(1 | u) + (x | i) + (1 | v)"])
def test_kenward_roger_by_pairs_of_levels_is_that_by_columns(monkeypatch, effects: str) -> None:
    rng = np.random.default_rng(9)
    u, i, v = (rng.integers(0, count, 2500) for count in (90, 40, 12))
    x = rng.normal(size=2500)
    y = x + rng.normal(size=90)[u] + 0.6 * rng.normal(size=90)[u] * x + rng.normal(size=40)[i]
    y += 0.5 * rng.normal(size=40)[i] * x + 0.7 * rng.normal(size=12)[v] + rng.normal(size=2500)
    fit = rs.lmm(f"y ~ x + {effects}", pd.DataFrame({"y": y, "x": x, "u": u, "i": i, "v": v}))
    taken = []
    by_pairs = inference.inverse_by_pairs
    monkeypatch.setattr(inference, "inverse_by_pairs", lambda *a: taken.append(1) or by_pairs(*a))
    found = fit.engine.kenward_roger(fit)
    assert taken
    monkeypatch.setattr(inference, "pair_sums", lambda *_: None)
    other = fit.engine.kenward_roger(fit)
    for a, b in ((found.adjusted, other.adjusted), (found.term_dfs(), other.term_dfs()),
                 (found.w, other.w)):  # fmt: skip
        np.testing.assert_allclose(a, b, rtol=PAIRS)


def test_kenward_roger_by_columns_where_squares_would_be_rounding(monkeypatch) -> None:
    """A group without variance: its part of I - A^-1 is 1e-8 of the rest."""
    rng = np.random.default_rng(9)
    u, i = (rng.integers(0, count, 900) for count in (90, 40))
    y = rng.normal(size=90)[u] + rng.normal(size=900)
    fit = rs.lmm("y ~ 1 + (1 | u) + (1 | i)", pd.DataFrame({"y": y, "u": u, "i": i}))

    def refused(*_: object) -> None:
        raise AssertionError("squares are rounding")

    monkeypatch.setattr(inference, "inverse_by_pairs", refused)
    found = inference.crossed_kenward_roger(fit.engine.data, np.array([1.0, 0.0]))
    assert np.isfinite(found.term_dfs()).all()
