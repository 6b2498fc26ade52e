"""Batched refits against single fits of the same replicates, and against drawn rows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from doors.models import Draws, _newton_step, batch_design, draw, fit_batch, minimise, single
from doors.models import batch_inference as inference

import retrostats as rs
from retrostats import LmmFit

DEVIANCE_RTOL = 1e-10  # one minimum found by two codes; worst seen 8e-15
THETA_ATOL = 1e-6  # the deviance is flat to 1e-16 within 1e-8 of a boundary
SE_RTOL = 1e-7  # follows theta
DF_RTOL = 1e-5  # follows theta; near a boundary Satterthwaite's df change fast (worst seen 6e-7)
R_SE_RTOL = 1e-5  # lme4's stopping rule leaves theta 1e-7 away
R_DF_RTOL = 1e-3  # lmerTest differentiates numerically

REFERENCE = Path(__file__).parent / "reference"
R_CASES = json.loads((REFERENCE / "lmm.json").read_text())


def trial(n: int = 26, drop: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    subject = np.repeat(np.arange(n), 2)
    y = 10 + rng.normal(size=n)[subject] + rng.normal(size=2 * n)
    frame = pd.DataFrame(
        {"subject": subject, "time": np.tile([0, 1], n), "arm": subject % 2, "y": y}
    )
    return frame.iloc[: len(frame) - drop]


def crossover(drop: int = 0, slope: float = 0.5) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    subject, direction = np.repeat(np.arange(10), 8), np.tile(np.repeat([0, 1], 4), 10)
    y = rng.normal(size=10)[subject] + (0.5 + slope * rng.normal(size=10)[subject]) * direction
    y += 0.5 * rng.normal(size=80)
    frame = pd.DataFrame({"subject": subject, "direction": direction, "y": y})
    return frame.drop(index=rng.choice(80, drop, replace=False))


def one_sided() -> pd.DataFrame:
    """Two subjects without a backward run: their Z is rank-deficient."""
    frame = crossover()
    return frame[(frame["subject"] > 1) | (frame["direction"] == 0)]


def nested() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    school, room = np.repeat(np.arange(12), 9), np.tile(np.repeat([0, 1, 2], 3), 12)
    y = rng.normal(size=12)[school] + 0.7 * rng.normal(size=36)[school * 3 + room]
    x = rng.normal(size=108).round(1)
    return pd.DataFrame({"school": school, "room": room, "x": x, "y": y + rng.normal(size=108)})


CASES = {
    "trial": ("y ~ time * arm + (1 | subject)", trial(), {}),
    "trial, ML": ("y ~ time * arm + (1 | subject)", trial(), {"reml": False}),
    "trial, signed": ("y ~ time * arm + (1 | subject)", trial(), {"covariance": "signed-cs"}),
    "trial, unbalanced": ("y ~ time * arm + (1 | subject)", trial(drop=3), {}),
    "slope": ("y ~ direction + (direction | subject)", crossover(), {}),
    "slope, small": ("y ~ direction + (direction | subject)", crossover(slope=0.0), {}),
    "slope, unbalanced": ("y ~ direction + (direction | subject)", crossover(drop=7), {}),
    "slope, ML": ("y ~ direction + (direction | subject)", crossover(drop=7), {"reml": False}),
    "slope, one side missing": ("y ~ direction + (direction | subject)", one_sided(), {}),
    "uncorrelated": ("y ~ direction + (direction || subject)", crossover(drop=7), {}),
    "nested": ("y ~ x + (1 | school / room)", nested(), {}),
}


#: Of which another has the shape and another the criterion.
LIKE_OTHERS = ("trial, ML", "slope, small", "slope, unbalanced")


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=pytest.mark.thorough) if c in LIKE_OTHERS else c for c in CASES],
)
def test_each_replicate_is_the_single_fit(case: str) -> None:
    formula, frame, options = CASES[case]
    fit = rs.lmm(formula, frame, **options)
    design = batch_design(fit.model.gram)
    draws = draw(design, fit.theta, fit.sigma, 30, np.random.default_rng(4))
    batch = fit_batch(design, draws, reml=fit.reml)
    tests = {"satterthwaite": inference.satterthwaite(batch)}
    if fit.reml:
        tests["kenward-roger"] = inference.kenward_roger(batch)
    assert batch.converged.all()
    for r in range(30):
        gram = single(design, draws, r)
        optimum = minimise(gram, reml=fit.reml)
        np.testing.assert_allclose(
            -2 * batch.loglik[r], optimum.point.deviance, rtol=DEVIANCE_RTOL, atol=1e-9
        )
        np.testing.assert_allclose(batch.theta[:, r], optimum.theta, atol=THETA_ATOL)
        assert batch.singular[r] == optimum.singular
        for ddf, test in tests.items():
            error = np.linalg.solve(gram.basis, optimum.point.delta)
            model = replace(fit.model, gram=gram)
            one = replace(fit, model=model, ddf=ddf, optimum=optimum, beta=error).coefficients
            np.testing.assert_allclose(batch.beta[:, r], one["estimate"], rtol=1e-6, atol=1e-7)
            np.testing.assert_allclose(test.std_error[:, r], one["std_error"], rtol=SE_RTOL)
            np.testing.assert_allclose(test.df[:, r], one["df"], rtol=DF_RTOL)


def test_boundary_replicates_are_exactly_zero() -> None:
    fit = rs.lmm("y ~ time * arm + (1 | subject)", trial())
    design = batch_design(fit.model.gram)
    draws = draw(design, np.zeros(1), 1.0, 2000, np.random.default_rng(5))
    batch = fit_batch(design, draws, reml=True)
    zero = batch.theta[0] == 0.0
    assert batch.converged.all()
    np.testing.assert_array_equal(batch.singular, zero)
    # balanced: zero where the F ratio of subjects (24 df) to residuals (24 df) is below 1, p = 1/2
    assert zero.mean() == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / 2000))


def as_draws(fits: list[LmmFit]) -> Draws:
    """The data of fits of one design as replicates."""
    grams = [fit.model.gram for fit in fits]
    stacks = list(zip(*(g.stacks for g in grams), strict=True))
    scatters = [[s.scatter for s in same if s.scatter is not None] for same in stacks]
    return Draws(
        tuple(np.stack([s.zy.T for s in same], -1) for same in stacks),
        tuple(np.stack([x.transpose(1, 2, 0) for x in of], -1) if of else None for of in scatters),
        np.stack([g.xy for g in grams], -1),
        np.array([g.yy for g in grams]),
    )


def test_replicates_reduced_from_rows() -> None:
    frame = crossover()
    fit = rs.lmm("y ~ direction + (direction | subject)", frame)
    outcomes = frame["y"].to_numpy() + np.random.default_rng(6).normal(size=(5, 80))
    fits = [fit.refit(y) for y in outcomes]
    batch = fit_batch(batch_design(fit.model.gram), as_draws(fits), reml=True)
    np.testing.assert_allclose(batch.loglik, [f.loglik for f in fits], rtol=DEVIANCE_RTOL)
    beta = np.array([f.model.gram.start for f in fits]).T + batch.beta
    np.testing.assert_allclose(beta, np.array([f.beta for f in fits]).T, rtol=1e-9)


@pytest.mark.parametrize("case", R_CASES, ids=lambda c: f"{c['name']}: {c['formula']}, n {c['n']}")
def test_the_observed_data_as_a_replicate_give_the_answer_of_r(case: dict[str, Any]) -> None:
    data = pd.read_csv(REFERENCE / "data" / f"{case['name']}.csv")
    data = data.drop(index=[i - 1 for i in case.get("drop_rows_1based", [])])
    for column, levels in case["levels"].items():
        data[column] = pd.Categorical(data[column].astype(str), categories=levels)
    fit = rs.lmm(case["formula"], data, reml=case["reml"])
    batch = fit_batch(batch_design(fit.model.gram), as_draws([fit]), reml=case["reml"])
    assert batch.loglik[0] == pytest.approx(case["loglik"], rel=1e-9)
    beta = fit.model.gram.start + batch.beta[:, 0]
    np.testing.assert_allclose(beta, np.ravel(case["estimate"]), rtol=1e-7)
    plain = inference.satterthwaite(batch)
    np.testing.assert_allclose(plain.std_error[:, 0], np.ravel(case["std_error"]), rtol=R_SE_RTOL)
    np.testing.assert_allclose(plain.df[:, 0], np.ravel(case["df_satterthwaite"]), rtol=R_DF_RTOL)
    if case["reml"]:
        exact = inference.kenward_roger(batch)
        np.testing.assert_allclose(
            exact.std_error[:, 0], np.ravel(case["std_error_kr"]), rtol=R_SE_RTOL
        )
        np.testing.assert_allclose(exact.df[:, 0], np.ravel(case["df_kr"]), rtol=R_DF_RTOL)


@pytest.mark.parametrize(
    "case", ["trial", "trial, unbalanced", "slope, unbalanced", "slope, one side missing", "nested"]
)
def test_drawn_moments_have_their_expectation(case: str) -> None:
    """Means over draws of X'r, r'r, Z'r and scatters equal those of rows with V = I + Z Psi Z'."""
    formula, frame, options = CASES[case]
    model = rs.lmm(formula, frame, **options).model
    design, n = batch_design(model.gram), 20_000
    theta = np.linspace(0.6, 0.9, design.k)
    draws = draw(design, theta, 1.5, n, np.random.default_rng(7))

    x = np.linalg.solve(design.gram.basis.T, model.rows.x.T).T
    v = np.eye(len(x))
    psis = iter(theta)
    for term in model.rows.random:
        k = len(term.effects)
        lam = np.zeros((k, k))
        for j in range(k):
            for i in range(j, k):
                lam[i, j] = next(psis)
        same = term.levels[:, None] == term.levels[None]
        v += same * (term.values @ lam @ lam.T @ term.values.T)
    v *= 1.5**2
    np.testing.assert_allclose(draws.yy.mean(), np.trace(v), rtol=5 * _relative_error(draws.yy))
    spread = np.cov(draws.xy)
    expected = np.atleast_2d(x.T @ v @ x)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(spread / scale, expected / scale, atol=5 * np.sqrt(2 / n))
    # y'y = X'-part + rest: the joint distribution shows in the covariance of yy and X'y squared
    bilinear = np.cov(draws.yy, (draws.xy**2).sum(0))[0, 1]
    exact = 2 * np.trace(v @ v @ x @ x.T)
    assert bilinear == pytest.approx(exact, rel=0.15)


def _relative_error(values: np.ndarray) -> float:
    return float(values.std() / values.mean() / np.sqrt(len(values)))


def test_a_step_of_exactly_nothing_at_a_large_ratio_does_not_overflow() -> None:
    """Whether the gradient is 0 or the last digit above it is the processor's choice."""
    step, fall = _newton_step(
        np.zeros((1, 1)), np.ones((1, 1, 1)), np.full((1, 1), 1e8), bounded=True
    )
    assert step == fall == 0.0
