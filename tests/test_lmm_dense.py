"""The engine against the textbook: V written out as one matrix, nothing shared with the package."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import retrostats as rs

RTOL = 1e-7  # dense inverses of 60 to 90 rows lose a few digits; the engine's own error is below


def _data(seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = 72
    frame = pd.DataFrame(
        {
            "plate": rng.integers(0, 8, n),
            "sample": rng.integers(0, 6, n),
            "school": np.repeat(np.arange(6), 12),
            "klass": np.tile(np.repeat(np.arange(3), 4), 6),
            "x": rng.normal(size=n),
            "arm": rng.choice(["a", "b", "c"], n),
        }
    )
    effect = rng.normal(size=(5, 40))
    frame["y"] = (
        3
        + frame.x * (1 + 0.9 * effect[4, frame.school])
        + (frame.arm == "b")
        + effect[0, frame.plate]
        + 1.5 * effect[1, frame["sample"]]
        + effect[2, frame.school * 3 + frame.klass]
        + effect[3, frame.school]
        + rng.normal(size=n)
    )
    return frame


def _indicator(labels: pd.Series) -> np.ndarray:
    return pd.get_dummies(labels.astype(str)).to_numpy(dtype=float)


def _z_terms(frame: pd.DataFrame, formula: str) -> list[tuple[np.ndarray, list[np.ndarray]]]:
    """For each covariance parameter G_i in the order of the engine's theta."""
    one = np.ones(len(frame))
    x = frame.x.to_numpy()
    school = _indicator(frame.school)
    klass = _indicator(frame.school * 10 + frame.klass)
    plate, sample = _indicator(frame.plate), _indicator(frame["sample"])

    def g(a: np.ndarray, b: np.ndarray, z: np.ndarray) -> np.ndarray:
        out = (z * a[:, None]) @ (z * b[:, None]).T
        return out if a is b else out + out.T

    return {
        CROSSED: [g(one, one, plate), g(one, one, sample)],
        NESTED: [g(one, one, klass), g(one, one, school)],
        SLOPE: [g(one, one, school), g(one, x, school), g(x, x, school)],
        DOUBLE: [g(one, one, school), g(x, x, school)],
        MIXED: [g(one, one, school), g(one, x, school), g(x, x, school), g(one, one, sample)],
    }[formula]


CROSSED = "y ~ x + arm + (1 | plate) + (1 | sample)"
NESTED = "y ~ x + arm + (1 | school / klass)"
SLOPE = "y ~ x + arm + (x | school)"
DOUBLE = "y ~ x + arm + (x || school)"
MIXED = "y ~ x * arm + (x | school) + (1 | sample)"
FORMULAS = [CROSSED, NESTED, SLOPE, DOUBLE, MIXED]


def _covariances(fit: rs.LmmFit) -> np.ndarray:
    """Variances and covariances in the order of theta, then the residual variance."""
    out, at = [], 0
    for k in fit.model.gram.sizes:
        factor = np.zeros((k, k))
        for j in range(k):
            factor[j:, j] = fit.theta[at : at + k - j]
            at += k - j
        cov = factor @ factor.T * fit.sigma**2
        out.extend(cov[i, j] for j in range(k) for i in range(j, k))
    return np.array([*out, fit.sigma**2])


def _design(frame: pd.DataFrame, formula: str) -> np.ndarray:
    arms = [(frame.arm == a).to_numpy(dtype=float) for a in "bc"]
    columns = [np.ones(len(frame)), frame.x.to_numpy(), *arms]
    if "x * arm" in formula:
        columns += [frame.x.to_numpy() * a for a in arms]
    return np.column_stack(columns)


def _reml(y: np.ndarray, x: np.ndarray, v: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    vi = np.linalg.inv(v)
    xvx = x.T @ vi @ x
    beta = np.linalg.solve(xvx, x.T @ vi @ y)
    r = y - x @ beta
    n, p = x.shape
    deviance = (
        np.linalg.slogdet(v)[1]
        + np.linalg.slogdet(xvx)[1]
        + r @ vi @ r
        + (n - p) * np.log(2 * np.pi)
    )
    return -deviance / 2, beta, np.linalg.inv(xvx)


@pytest.mark.parametrize("formula", FORMULAS)
def test_likelihood_coefficients_and_stationarity(formula: str) -> None:
    frame = _data()
    fit = rs.lmm(formula, frame)
    g = [*_z_terms(frame, formula), np.eye(len(frame))]
    gamma = _covariances(fit)
    x, y = _design(frame, formula), frame.y.to_numpy()

    def loglik(values: np.ndarray) -> float:
        return _reml(y, x, sum(c * m for c, m in zip(values, g, strict=True)))[0]

    top, beta, cov = _reml(y, x, sum(c * m for c, m in zip(gamma, g, strict=True)))
    assert fit.converged
    assert not fit.singular
    np.testing.assert_allclose(fit.loglik, top, rtol=1e-10)
    np.testing.assert_allclose(fit.beta, beta, rtol=RTOL)
    np.testing.assert_allclose(fit.cov_unadjusted, cov, rtol=RTOL, atol=1e-12)
    for i in range(len(gamma)):  # the dense likelihood is stationary there too
        step = np.zeros(len(gamma))
        step[i] = 1e-4 * gamma[-1]
        assert abs(loglik(gamma + step) - loglik(gamma - step)) < 1e-7


@pytest.mark.parametrize("formula", FORMULAS)
def test_kenward_roger_written_out(formula: str) -> None:
    """Kenward and Roger (1997), eqs. 4 to 11, in N x N matrices."""
    frame = _data()
    fit = rs.lmm(formula, frame)
    g = [*_z_terms(frame, formula), np.eye(len(frame))]
    x = _design(frame, formula)
    v = sum(c * m for c, m in zip(_covariances(fit), g, strict=True))
    vi = np.linalg.inv(v)
    phi = np.linalg.inv(x.T @ vi @ x)
    k = len(g)
    p = [-x.T @ vi @ a @ vi @ x for a in g]
    q = [[x.T @ vi @ a @ vi @ b @ vi @ x for b in g] for a in g]
    info = np.array(
        [
            [
                np.trace(vi @ g[i] @ vi @ g[j])
                - 2 * np.trace(phi @ q[i][j])
                + np.trace(phi @ p[i] @ phi @ p[j])
                for j in range(k)
            ]
            for i in range(k)
        ]
    )
    w = 2 * np.linalg.inv(info)
    inner = sum(w[i, j] * (q[i][j] - p[i] @ phi @ p[j]) for i in range(k) for j in range(k))
    adjusted = phi + 2 * phi @ inner @ phi
    np.testing.assert_allclose(fit.cov_beta, adjusted, rtol=1e-6, atol=1e-10)
    joint = np.eye(x.shape[1])[1:3]
    for rows in (np.eye(x.shape[1])[1:2], joint):
        df, scaling = _alnosaier(rows, phi, p, w)
        found = fit.df_of(rows)
        np.testing.assert_allclose(found, (df, scaling), rtol=1e-6)
    table = fit.contrast(joint)
    beta = fit.beta[1:3]
    df, scaling = _alnosaier(joint, phi, p, w)
    f = scaling * beta @ np.linalg.solve(adjusted[1:3, 1:3], beta) / 2
    np.testing.assert_allclose(table["statistic"], f, rtol=1e-6)
    np.testing.assert_allclose(table["den_df"], df, rtol=1e-6)


def _alnosaier(rows: np.ndarray, phi: np.ndarray, p: list, w: np.ndarray) -> tuple[float, float]:
    size = len(rows)
    theta = rows.T @ np.linalg.inv(rows @ phi @ rows.T) @ rows
    a1 = a2 = 0.0
    for i in range(len(p)):
        for j in range(len(p)):
            left, right = theta @ phi @ p[i] @ phi, theta @ phi @ p[j] @ phi
            a1 += w[i, j] * np.trace(left) * np.trace(right)
            a2 += w[i, j] * np.trace(left @ right)
    b = (a1 + 6 * a2) / (2 * size)
    g = ((size + 1) * a1 - (size + 4) * a2) / ((size + 2) * a2)
    d = 3 * size + 2 * (1 - g)
    e_star = 1 / (1 - a2 / size)
    v_star = 2 / size * (1 + g / d * b)
    v_star /= (1 - (size - g) / d * b) ** 2 * (1 - (size + 2 - g) / d * b)
    rho = v_star / (2 * e_star**2)
    m = 4 + (size + 2) / (size * rho - 1)
    return m, m / (e_star * (m - 2))


@pytest.mark.parametrize("formula", FORMULAS)
def test_satterthwaite_by_finite_differences(formula: str) -> None:
    """df = 2 v^2 / var(v), the deviance differentiated numerically in the covariances.

    The parametrisation does not matter at a stationary point.
    """
    frame = _data()
    fit = rs.lmm(formula, frame, ddf="satterthwaite")
    g = [*_z_terms(frame, formula), np.eye(len(frame))]
    x, y = _design(frame, formula), frame.y.to_numpy()
    gamma = _covariances(fit)
    k = len(gamma)
    h = 1e-3 * gamma[-1]

    def at(values: np.ndarray) -> tuple[float, np.ndarray]:
        value, _, cov = _reml(y, x, sum(c * m for c, m in zip(values, g, strict=True)))
        return -2 * value, np.diag(cov)

    unit = np.eye(k) * h
    hessian = np.array(
        [
            [
                at(gamma + unit[i] + unit[j])[0]
                - at(gamma + unit[i] - unit[j])[0]
                - at(gamma - unit[i] + unit[j])[0]
                + at(gamma - unit[i] - unit[j])[0]
                for j in range(k)
            ]
            for i in range(k)
        ]
    ) / (4 * h * h)
    jacobian = np.array([(at(gamma + u)[1] - at(gamma - u)[1]) / (2 * h) for u in unit])
    a = 2 * np.linalg.inv(hessian)
    variance = at(gamma)[1]
    df = 2 * variance**2 / np.einsum("il,ij,jl->l", jacobian, a, jacobian)
    np.testing.assert_allclose(fit.coefficients["df"], df, rtol=1e-3)  # second differences


def test_wide_crossed_blocks_are_the_narrow_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of many levels take sparse factors: the same numbers by another road."""
    frame = _data()
    for formula in (CROSSED, MIXED):
        narrow = rs.lmm(formula, frame)
        narrow_df = narrow.coefficients["df"]
        monkeypatch.setattr("retrostats.models.linear.blocks.directions.WIDE", 5)
        monkeypatch.setattr("retrostats.models.linear.homoscedastic.criterion.WIDE", 5)
        wide = rs.lmm(formula, frame)
        np.testing.assert_allclose(wide.loglik, narrow.loglik, rtol=1e-12)
        np.testing.assert_allclose(wide.cov_beta, narrow.cov_beta, rtol=1e-7)
        np.testing.assert_allclose(wide.coefficients["df"], narrow_df, rtol=1e-6)
        other = rs.lmm(formula, frame, ddf="satterthwaite").coefficients["df"]
        monkeypatch.undo()
        np.testing.assert_allclose(
            other, rs.lmm(formula, frame, ddf="satterthwaite").coefficients["df"], rtol=1e-6
        )


def test_group_names_and_order_follow_lme4() -> None:
    table = rs.lmm(NESTED, _data()).variance_components
    assert list(table["group"]) == ["klass:school", "school", "Residual"]
    double = rs.lmm(DOUBLE, _data()).variance_components
    assert list(double["group"]) == ["school", "school.1", "Residual"]
    assert list(double["term"]) == ["(Intercept)", "x", ""]


def test_nested_blocks_from_moments() -> None:
    frame = _data()
    fit, reduced = (rs.lmm(NESTED, d) for d in (frame, rs.moments(NESTED, frame)))
    np.testing.assert_allclose(reduced.beta, fit.beta, rtol=1e-9)
    np.testing.assert_allclose(reduced.coefficients["df"], fit.coefficients["df"], rtol=1e-7)
    assert reduced.n_groups == fit.n_groups == {"klass:school": 18, "school": 6}
