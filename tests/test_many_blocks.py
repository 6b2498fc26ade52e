"""Many small blocks at once give what each of them gives alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from doors.models import evaluate_homoscedastic as evaluate
from doors.models import level_at, many, pair_sums, sums_at, theta_directions
from numpy.linalg import LinAlgError
from numpy.testing import assert_allclose

import retrostats as rs

#: The same sums in another order: rounding, and what a search that ends at rounding leaves.
SAME = 1e-10
#: Central differences with a step of 1e-5 of gradients good to 1e-13: 1e-10 and 1e-8 of rounding.
DIFFERENCES = 1e-7


def _rows(subjects=400, seed=1) -> pd.DataFrame:
    """Two to six rows a subject, on times of their own."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(subjects), rng.integers(2, 7, subjects))
    n, u = len(who), rng.normal(size=(3, subjects))
    frame = pd.DataFrame(
        {"subject": who, "x": rng.normal(size=n), "arm": rng.choice(list("abc"), n)}
    )
    frame["y"] = 1e3 + u[0, who] + (1 + 0.5 * u[1, who]) * frame["x"] + rng.normal(size=n)
    frame["y"] += (frame["arm"] == "b") * (1 + u[2, who])
    return frame


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x + (x | subject)",
        "y ~ x * arm + (1 | subject) + (0 + x | subject)",
        pytest.param("y ~ 0 + arm + (0 + arm + x | subject)", marks=pytest.mark.thorough),
        "y ~ arm + (0 + x | subject)",
    ],
)
@pytest.mark.parametrize("reml", [True, pytest.param(False, marks=pytest.mark.thorough)])
def test_the_same_numbers_one_by_one(formula, reml, monkeypatch) -> None:
    frame = _rows()
    monkeypatch.setattr(many, "_CHUNK", 150)  # three chunks, the last of them smaller
    monkeypatch.setattr(many, "_HELD", 0)  # a sweep whatever the number of parameters
    found = []
    for fewest in (300, 10**9):
        monkeypatch.setattr(many, "_FEWEST", fewest)
        fits = [rs.lmm(formula, frame, reml=reml, ddf=d) for d in ("kenward-roger", "satterthwaite")
                if reml or d == "satterthwaite"]  # fmt: skip
        gram = fits[0].model.gram
        assert many.is_many(gram) == (fewest == 300)
        theta = np.linspace(0.3, 0.8, len(fits[0].theta))
        point = evaluate(gram, theta, reml=reml)
        found.append(
            [fits[0].beta, fits[0].loglik, point.deviance, point.gradient, point.hessian, point.xvx,
             point.delta, level_at(gram, theta, reml=reml)]
            + [f.coefficients[["std_error", "df"]].to_numpy() for f in fits]
        )  # fmt: skip
    for one, other in zip(*found, strict=True):
        scale = np.abs(other).max()
        assert_allclose(one, other, rtol=SAME, atol=SAME * scale)


def test_profile_and_boundary(monkeypatch) -> None:
    """An interval, and a slope that does not vary."""
    frame = _rows()
    frame["y"] = frame["y"] - frame.groupby("subject")["y"].transform("mean")
    tables = []
    for fewest in (300, 10**9):
        monkeypatch.setattr(many, "_FEWEST", fewest)
        fit = rs.lmm("y ~ x + (x | subject)", frame)
        assert fit.singular
        tables.append([fit.theta, fit.beta, fit.loglik])
    for one, other in zip(*tables, strict=True):
        assert_allclose(one, other, rtol=1e-6, atol=1e-7)


def test_a_negative_pivot_is_told() -> None:
    with pytest.raises(LinAlgError, match="not positive definite"):
        many._half(np.full((1, 1, 3), -2.0), np.eye(1))


def _correlated(subjects: int = 20, *, alike: bool) -> pd.DataFrame:
    """Three covariates with a slope each, their values the same of all subjects or not."""
    rng = np.random.default_rng(4)
    who = np.repeat(np.arange(subjects), 9)
    x = rng.normal(size=(9, 3))[np.tile(np.arange(9), subjects)]
    if not alike:
        x = x + rng.normal(size=x.shape)
    frame = pd.DataFrame(x, columns=["x1", "x2", "x3"])
    u = rng.normal(size=(4, subjects))
    frame["y"] = u[0, who] + (u[1:, who].T * x).sum(1) + rng.normal(size=len(who))
    return frame.assign(subject=who, site=who % 5)


@pytest.mark.parametrize("alike", [True, False])
@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x1 + x2 + x3 + (x1 + x2 + x3 | subject)",
        "y ~ x1 * x2 + (x1 + x2 + x3 | subject) + (0 + x3 | subject)",
        "y ~ x1 + (x1 + x2 | site) + (1 | site:subject)",
    ],
)
def test_products_of_pairs_are_the_sums_of_each_pair(formula, reml, alike, monkeypatch) -> None:
    frame = _correlated(alike=alike)
    monkeypatch.setattr(pair_sums, "_ELEMENTS", 200)  # the blocks of Q_ij in several turns
    found = []
    for fewest in (6, 10**9):
        monkeypatch.setattr(pair_sums, "_FEWEST", fewest)
        fits = [rs.lmm(formula, frame, reml=reml, ddf=d) for d in ("kenward-roger", "satterthwaite")
                if reml or d == "satterthwaite"]  # fmt: skip
        gram = fits[0].model.gram
        theta = np.linspace(0.3, 0.8, len(fits[0].theta))
        sums, parts = sums_at(gram, theta, theta_directions(gram, theta)[0], reml=reml)
        assert pair_sums.many_pairs(parts, theta_directions(gram, theta)[0]) == (fewest == 6)
        point = evaluate(gram, theta, reml=reml)
        found.append(
            [fits[0].loglik, point.deviance, point.gradient, point.hessian, sums.pairs.q, sums.p]
            + [f.coefficients[["std_error", "df"]].to_numpy() for f in fits]
        )
    for one, other in zip(*found, strict=True):
        assert_allclose(one, other, rtol=SAME, atol=SAME * np.abs(other).max())


def test_the_hessian_is_the_slope_of_the_gradient() -> None:
    """Of a factor of ten elements, whose second derivatives are taken by their few elements."""
    gram = rs.lmm("y ~ x1 + (x1 + x2 + x3 | subject)", _correlated(alike=False)).model.gram
    theta, step = np.linspace(0.3, 0.8, 10), 1e-5

    def gradient(at):
        return evaluate(gram, at, reml=True).gradient

    steps = step * np.eye(10)
    slopes = [(gradient(theta + e) - gradient(theta - e)) / (2.0 * step) for e in steps]
    hessian = evaluate(gram, theta, reml=True).hessian
    assert_allclose(np.array(slopes), hessian, atol=DIFFERENCES * np.abs(hessian).max())
