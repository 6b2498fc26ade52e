"""One stage of many studies: what each has alone is eliminated, and the model is the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from doors.models import Bordered, Order, components, find_components, surrogate_rows
from test_onestage import SAME_RTOL, _same

import retrostats as rs
from retrostats import NotIdentified

#: Searches that end a little apart where the deviance is nearly flat.
SEARCH_RTOL = 2e-8
#: Inverses of random matrices of condition 100.
SOLVED_RTOL = 1e-9


def _arms_of_many(k: int) -> pd.DataFrame:
    """Two printed arms of each of k studies."""
    rng = np.random.default_rng(6)
    arm = np.tile([0, 1], k)
    return pd.DataFrame({
        "study": np.repeat([f"s{i:02d}" for i in range(k)], 2), "arm": arm,
        "n": rng.integers(6, 30, 2 * k), "sd": rng.uniform(0.8, 1.4, 2 * k),
        "mean": 5 + 0.4 * arm + np.repeat(rng.normal(0, 0.5, k), 2) * arm + rng.normal(size=2 * k),
    })  # fmt: skip


@pytest.mark.parametrize("residual", ["study", "study:arm"])
@pytest.mark.parametrize("ddf", ["kenward-roger", "satterthwaite"])
def test_rows_of_strata_equal_their_products(monkeypatch, residual: str, ddf: str) -> None:
    """The few rows behind a stratum are used where that is shorter; both ways are one model."""
    formula, data = "y ~ arm + study + (0 + arm | study)", rs.moments_arms(_arms_of_many(12))
    fits = []
    for rows in (True, False):
        if not rows:
            monkeypatch.setattr(
                "retrostats.models.linear.heteroscedastic.blocks.few_enough", lambda *_: False
            )
        fits.append(rs.lmm(formula, data, residual=residual, ddf=ddf))
    held = [fit.engine.strata.data.design is not None for fit in fits]
    assert held == [True, False]
    _same(*fits)
    tests = [fit.anova().select_dtypes("number") for fit in fits]
    np.testing.assert_allclose(tests[0], tests[1], rtol=SAME_RTOL)


def test_repeated_rows_of_a_stratum_stand_as_one(monkeypatch) -> None:
    rows = surrogate_rows(rs.moments_arms(_arms_of_many(10)), np.random.default_rng(1))
    fits = [rs.lmm("y ~ arm + study + (0 + arm | study)", rows, residual="study:arm")]
    design = fits[0].engine.strata.data.design
    assert design is not None
    assert sum(len(d.x) for d in design) == 20  # of arms, not of people
    monkeypatch.setattr(
        "retrostats.models.linear.heteroscedastic.blocks.few_enough", lambda *_: False
    )
    fits.append(rs.lmm("y ~ arm + study + (0 + arm | study)", rows, residual="study:arm"))
    _same(*fits)


def _with_and_without(monkeypatch, formula: str, data: object, **options) -> list[rs.LmmFit]:
    """A fit by study, and one with products of all columns."""
    fits = []
    for least in (0, 10**9):
        monkeypatch.setattr(components, "_FEWEST", least)
        fits.append(rs.lmm(formula, data, **options))
    names = [type(fit.engine).__name__ for fit in fits]
    assert names == ["OfStudies", "Heteroscedastic"]
    return fits


def _agree(a: rs.LmmFit, b: rs.LmmFit) -> None:
    assert a.terms == b.terms
    assert a.singular == b.singular
    assert a.loglik == pytest.approx(b.loglik, rel=SAME_RTOL)
    numbers = a.coefficients.columns[1:]
    for x, y in (
        (a.coefficients[numbers], b.coefficients[numbers]),
        (a.residual_sd, b.residual_sd),
        (a.variance_components["vcov"], b.variance_components["vcov"]),
    ):
        np.testing.assert_allclose(x, y, rtol=SEARCH_RTOL, atol=SEARCH_RTOL)
    for x, y in ((a.cov_beta, b.cov_beta), (a.cov_unadjusted, b.cov_unadjusted)):
        unit = np.sqrt(np.diag(y))
        np.testing.assert_allclose(x / unit / unit[:, None], y / unit / unit[:, None],
                                   atol=SEARCH_RTOL)  # fmt: skip


def _people_of_many(k: int, visits: int) -> pd.DataFrame:
    """Rows of the people of k studies."""
    rng = np.random.default_rng(8)
    parts = []
    for i in range(k):
        n = int(rng.integers(6, 14))
        person = np.repeat(np.arange(n), visits)
        arm, age = person % 2, rng.normal(40, 10, n)[person]
        y = 0.01 * age + 0.1 * i + rng.normal(0.2, 0.3) * arm + rng.normal(0, 0.5, n)[person]
        y += rng.normal(0, 1.0 + 0.2 * (i % 3), len(y))
        parts.append(pd.DataFrame({
            "study": f"s{i:02d}", "person": [f"{i}-{p}" for p in person], "arm": arm, "age": age,
            "visit": np.tile(np.arange(visits), n), "y": y,
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


MANY = [
    ("y ~ arm + study + (0 + arm | study)", "arms", "study:arm"),
    ("y ~ arm + study + (0 + arm | study)", "arms", "arm"),
    ("y ~ arm + (1 | study) + (0 + arm | study)", "arms", "study"),
    ("y ~ arm + study + age:study + (0 + arm | study)", "people", "study"),
    ("y ~ arm + study + visit + (1 | person) + (0 + arm | study)", "visits", "study:arm"),
]


@pytest.mark.parametrize(("formula", "of", "residual"), MANY)
@pytest.mark.parametrize(
    ("reml", "ddf"), [(True, "kenward-roger"), (True, "satterthwaite"), (False, "satterthwaite")]
)
def test_many_studies_by_what_each_adds(
    monkeypatch, formula: str, of: str, residual: str, reml: bool, ddf: str
) -> None:
    data = {
        "arms": lambda: rs.moments_arms(_arms_of_many(20)),
        "people": lambda: _people_of_many(16, 1),
        "visits": lambda: _people_of_many(16, 3),
    }[of]()
    fits = _with_and_without(monkeypatch, formula, data, residual=residual, reml=reml, ddf=ddf)
    _agree(*fits)
    contrast = np.zeros((2, len(fits[0].terms)))
    contrast[0, 1], contrast[1, -1], contrast[1, 0] = 1.0, 1.0, 0.3
    for rows in (contrast, contrast[1:]):
        found = [fit.df_of(rows) for fit in fits]
        np.testing.assert_allclose(*found, rtol=SEARCH_RTOL)


def test_many_studies_are_not_multiplied_by_one_another() -> None:
    fit = rs.lmm("y ~ arm + study + (0 + arm | study)", rs.moments_arms(_arms_of_many(60)),
                 residual="study:arm")  # fmt: skip
    assert len(fit.coefficients) == 61
    assert np.isfinite(fit.contrast({"arm": 1.0})["df"]).all()
    assert "dense" not in vars(fit.model.strata)
    fit.anova()  # study has 59 rows, for which all columns are multiplied
    assert "dense" in vars(fit.model.strata)


def test_what_studies_share() -> None:
    k = 40
    study, arm = np.divmod(np.arange(2 * k), 2)
    x = np.column_stack([np.ones(2 * k), arm, study[:, None] == np.arange(1, k)]).astype(float)
    found = find_components(x, study, 2 * study + arm, 2 * k)
    assert found is not None
    assert found.common.tolist() == [0, 1]
    assert found.own[:, 0].tolist() == [-1, *range(2, k + 1)]
    assert found.stratum.tolist() == [[2 * i, 2 * i + 1] for i in range(k)]
    by_arm = find_components(x[:, :2], study, np.where(study < 30, study, 30 + arm), 32)
    assert by_arm is None  # too few columns and strata
    crossed = np.column_stack([x, (study % 20)[:, None] == np.arange(19)]).astype(float)
    assert find_components(crossed, study, 2 * study + arm, 2 * k) is None  # too many in common


def test_a_stratum_that_studies_share_stands_in_the_border() -> None:
    k = 60
    study, arm = np.divmod(np.arange(2 * k), 2)
    x = np.column_stack([np.ones(2 * k), study[:, None] == np.arange(1, k)]).astype(float)
    found = find_components(x, study, np.where(arm == 1, k, study), k + 1)
    assert found is not None
    assert found.shared.tolist() == [k]
    assert found.stratum[:, 0].tolist() == list(range(k))


def _whole(order: Order, parts: np.ndarray, products: np.ndarray, sign: float) -> np.ndarray:
    """The matrix that `Bordered` does not write out."""
    found, f = np.zeros((order.size,) * 2), np.zeros((order.size, 2))
    for own, part, product in zip(order.own, parts, products, strict=True):
        at = np.concatenate([order.border, own[own >= 0]])
        found[np.ix_(at, at)] += part[: len(at), : len(at)]
        f[at] += product[: len(at)]
    return found + sign * f @ f.T


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_bordered_matrices(sign: float) -> None:
    rng = np.random.default_rng(3)
    order = Order(np.array([0, 4]), np.array([[1, 2], [3, -1], [6, 5]]), 7)
    parts = np.array([a @ a.T + 2.0 * np.eye(4) for a in rng.normal(size=(3, 4, 4))])
    parts[1, 3], parts[1, :, 3] = 0.0, 0.0
    products = 0.3 * rng.normal(size=(3, 4, 2))
    products[1, 3] = 0.0
    h = Bordered(order, parts, products, sign)
    whole = _whole(order, parts, products, sign)
    np.testing.assert_allclose(np.diag(whole), h.diagonal, rtol=SOLVED_RTOL)
    vector = rng.normal(size=7)
    np.testing.assert_allclose(whole @ h.solve(vector), vector, rtol=SOLVED_RTOL)
    inverse = np.linalg.inv(whole)
    for u, own in enumerate(order.own):
        at = np.concatenate([order.border, own[own >= 0]])
        found = h.inverse_parts()[u][: len(at), : len(at)]
        np.testing.assert_allclose(found, inverse[np.ix_(at, at)], atol=SOLVED_RTOL)
    unit = 1.0 / np.sqrt(np.diag(whole))
    least = np.linalg.eigvalsh(whole * np.outer(unit, unit))[0]
    assert h.positive(0.99 * least)
    assert not h.positive(1.01 * least)
    if sign < 0:
        np.testing.assert_allclose(h.upward(vector), h.solve(vector), rtol=SOLVED_RTOL)


def test_a_step_goes_downhill_where_the_deviance_curves_down() -> None:
    rng = np.random.default_rng(4)
    order = Order(np.array([0]), np.array([[1], [2], [3]]), 4)
    for _ in range(50):
        a = rng.normal(size=(3, 2, 2))
        h = Bordered(order, a + np.swapaxes(a, 1, 2), rng.normal(size=(3, 2, 1)), -1.0)
        gradient = rng.normal(size=4)
        assert gradient @ h.upward(gradient) > 0.0


def test_many_studies_are_refused_by_name() -> None:
    table = _arms_of_many(60)
    formula = "y ~ arm + study + (0 + arm | study)"
    flat = rs.moments_arms(table.assign(sd=table["sd"].where(table.index != 15, 0.0)))
    with pytest.raises(NotIdentified, match="residual variance of study:arm s07:1"):
        rs.lmm(formula, flat, residual="study:arm")
    twice = rs.moments_arms(table.assign(two=2 * table["arm"]))
    with pytest.raises(NotIdentified, match="follow from the others"):
        rs.lmm("y ~ arm + two + study + (0 + arm | study)", twice, residual="study:arm")
