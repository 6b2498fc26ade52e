"""What must not change a fit, and how it must change when the data do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import retrostats as rs

FORMULA = "y ~ arm * time + (time | subject)"
RTOL = 1e-7  # theta is found to about 1e-8 in its flattest direction


def _trial(seed: int = 11, n: int = 14) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    effect = rng.normal(size=(n, 2)) * [2.0, 0.8]
    frame = pd.DataFrame(
        {
            "subject": np.repeat([f"s{i:02d}" for i in range(n)], 4),
            "arm": np.repeat(np.where(np.arange(n) % 2 == 0, "control", "backward"), 4),
            "time": np.tile([0.0, 1.0, 2.0, 4.0], n),
        }
    )
    frame["y"] = (
        40
        + np.repeat(effect[:, 0], 4)
        + (np.repeat(effect[:, 1], 4) - 0.5) * frame["time"]
        + rng.normal(size=4 * n)
    )
    return frame.drop(index=rng.choice(4 * n, 5, replace=False))


BASE = _trial()
FIT = rs.lmm(FORMULA, BASE)


def _assert_same(fit: rs.LmmFit, rtol: float = RTOL) -> None:
    pd.testing.assert_frame_equal(fit.coefficients, FIT.coefficients, rtol=rtol, check_exact=False)
    np.testing.assert_allclose(fit.loglik, FIT.loglik, rtol=1e-10)


@given(st.randoms(use_true_random=False))
def test_row_order_does_not_matter(random: object) -> None:
    order = list(range(len(BASE)))
    random.shuffle(order)  # type: ignore[attr-defined]
    _assert_same(rs.lmm(FORMULA, BASE.iloc[order]))


@given(st.permutations(sorted(BASE["subject"].unique())))
def test_subject_names_do_not_matter(names: list[str]) -> None:
    renamed = dict(zip(sorted(BASE["subject"].unique()), names, strict=True))
    _assert_same(rs.lmm(FORMULA, BASE.assign(subject=BASE["subject"].map(renamed))))


@given(st.floats(-6, 6), st.booleans())
def test_scaling_the_outcome_scales_the_fit(power: float, negative: bool) -> None:
    factor = 10.0**power * (-1 if negative else 1)
    fit = rs.lmm(FORMULA, BASE.assign(y=BASE["y"] * factor))
    np.testing.assert_allclose(fit.beta, FIT.beta * factor, rtol=RTOL)
    np.testing.assert_allclose(
        fit.coefficients["std_error"], FIT.coefficients["std_error"] * abs(factor), rtol=RTOL
    )
    np.testing.assert_allclose(fit.coefficients["df"], FIT.coefficients["df"], rtol=RTOL)


@pytest.mark.parametrize("constant", [1e4, 1e6, 1e8])
def test_adding_a_constant_moves_the_intercept_only(constant: float) -> None:
    fit = rs.lmm(FORMULA, BASE.assign(y=BASE["y"] + constant))
    np.testing.assert_allclose(fit.beta[1:], FIT.beta[1:], rtol=1e-6)
    np.testing.assert_allclose(
        fit.coefficients["std_error"], FIT.coefficients["std_error"], rtol=1e-6
    )
    np.testing.assert_allclose(fit.beta[0] - constant, FIT.beta[0], rtol=1e-6)


@pytest.mark.parametrize("unit", [1e-6, 1e-3, 1e3, 1e6])
@pytest.mark.parametrize("formula", [FORMULA, "y ~ arm * time + (time || subject)"])
def test_the_unit_of_a_covariate_does_not_matter(unit: float, formula: str) -> None:
    base = rs.lmm(formula, BASE)
    fit = rs.lmm(formula, BASE.assign(time=BASE["time"] * unit))
    assert fit.converged
    np.testing.assert_allclose(fit.beta[2] * unit, base.beta[2], rtol=RTOL)
    for column in ("df", "statistic"):
        np.testing.assert_allclose(fit.coefficients[column], base.coefficients[column], rtol=RTOL)
    satterthwaite = rs.lmm(
        formula, BASE.assign(time=BASE["time"] * unit), ddf="satterthwaite"
    ).coefficients["df"]
    np.testing.assert_allclose(
        satterthwaite, rs.lmm(formula, BASE, ddf="satterthwaite").coefficients["df"], rtol=1e-6
    )


def test_a_covariate_far_from_zero() -> None:
    """Calendar years in place of years of study: the slope's line stays."""
    fit = rs.lmm(FORMULA, BASE.assign(time=BASE["time"] + 2000.0))
    assert fit.converged
    for column in ("estimate", "std_error", "df"):
        np.testing.assert_allclose(
            fit.coefficients[column][2], FIT.coefficients[column][2], rtol=1e-6
        )
    np.testing.assert_allclose(fit.loglik, FIT.loglik, rtol=1e-8)


def test_missing_rows_are_dropped_and_counted() -> None:
    extra = BASE.iloc[:3].assign(y=[np.nan, 1.0, 2.0], time=[0.0, np.nan, 1.0])
    extra.loc[extra.index[2], "subject"] = None
    fit = rs.lmm(FORMULA, pd.concat([BASE, extra]))
    assert fit.n_dropped == 3
    _assert_same(fit)


def test_refit_with_a_new_outcome() -> None:
    again = FIT.refit(2.0 * BASE["y"].to_numpy())
    np.testing.assert_allclose(again.beta, 2.0 * FIT.beta, rtol=RTOL)
    reduced = rs.lmm(FORMULA, FIT.moments)
    _assert_same(reduced)


def test_large_and_small_agree_on_many_subjects() -> None:
    """Subjects stacked on a leading axis give what one merged pattern gives."""
    rng = np.random.default_rng(0)
    n = 400
    frame = pd.DataFrame({"g": np.repeat(np.arange(n), 3), "x": np.tile([0.0, 1.0, 3.0], n)})
    frame["y"] = rng.normal(size=3 * n) + np.repeat(rng.normal(size=n), 3) + frame["x"]
    merged = rs.lmm("y ~ x + (x | g)", frame)
    assert len(merged.model.gram.stacks[0].n) == 1
    jittered = frame.assign(x=frame["x"] + 1e-9 * rng.normal(size=3 * n))
    apart = rs.lmm("y ~ x + (x | g)", jittered)
    assert len(apart.model.gram.stacks[0].n) == n
    np.testing.assert_allclose(apart.beta, merged.beta, rtol=1e-6)
    np.testing.assert_allclose(
        apart.coefficients["std_error"], merged.coefficients["std_error"], rtol=1e-6
    )


def test_a_changed_table_leaves_the_next_one_alone():
    from doors.models import t_table

    one = np.ones(2)
    table = t_table(("a", "b"), one, one, 5 * one)
    table.loc[0, "term"] = "changed"
    assert t_table(("a", "b"), one, one, 5 * one)["term"].tolist() == ["a", "b"]
