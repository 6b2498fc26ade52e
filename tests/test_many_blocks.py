"""Many small blocks at once give what each of them gives alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.linalg import LinAlgError
from numpy.testing import assert_allclose

import retrostats as rs
from retrostats.models.linear.homoscedastic import many
from retrostats.models.linear.homoscedastic.criterion import evaluate, level_at

SAME = 1e-10


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
        "y ~ 0 + arm + (0 + arm + x | subject)",
        "y ~ arm + (0 + x | subject)",
    ],
)
@pytest.mark.parametrize("reml", [True, False])
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
