"""Mixed models with known residual variances against metafor (pinned) and against dense algebra."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doors.models import deviance, fit_known, known_model, without
from doors.models import evaluate_known_variance as evaluate
from scipy import optimize, stats

import retrostats as rs
from retrostats import InputError, NotIdentified

REFERENCE = json.loads(
    (Path(__file__).parent / "reference" / "synthesis.json").read_text(encoding="utf-8")
)
MULTILEVEL = [c for c in REFERENCE if c["kind"] == "multilevel"]
BERKEY = next(c for c in REFERENCE if c["kind"] == "multivariate")
#: The issue's bound; metafor's optimiser stops a little earlier than ours.
RTOL = 1e-5
#: metafor's root finder for a profile limit stops at 1e-4 of the search interval.
PROFILE_RTOL = 1e-3
#: Central differences of the deviance: half its digits.
DIFFERENCE_RTOL = 1e-5
#: Two ways through the same algebra.
SAME_RTOL = 1e-8


def nested(case) -> pd.DataFrame:
    return pd.DataFrame({k: case[k] for k in ("yi", "vi", "outer", "inner")})


def outcomes() -> pd.DataFrame:
    return pd.DataFrame({k: BERKEY[k] for k in ("yi", "outcome", "trial")})


@pytest.mark.parametrize("case", MULTILEVEL, ids=lambda c: c["method"])
def test_multilevel(case) -> None:
    z = rs.pool(nested(case), random="(1 | outer/inner)", method=case["method"].lower(), test="z")
    assert z.estimate == pytest.approx(case["estimate"], rel=RTOL)
    assert z.std_error == pytest.approx(case["std_error"], rel=RTOL)
    assert z.sigma2.to_numpy() == pytest.approx(case["sigma2"], rel=RTOL)
    assert z.loglik == pytest.approx(case["loglik"], rel=RTOL)
    assert (z.conf_low, z.conf_high) == pytest.approx(case["ci_z"], rel=RTOL)
    assert (z.pred_low, z.pred_high) == pytest.approx(case["pi_z"], rel=RTOL)
    t = rs.pool(nested(case), random="(1 | outer/inner)", method=case["method"].lower())
    assert t.df == case["df_contain"]
    outer = z.conf_int(which="random").set_index("term").loc["sd_outer_(Intercept)"]
    limits = [outer["conf_low"] ** 2, outer["conf_high"] ** 2]
    assert limits == pytest.approx(case["sigma2_outer_ci"], rel=PROFILE_RTOL)


def test_profile_limits_lie_where_the_deviance_has_risen() -> None:
    fit = rs.lmm("yi ~ 1 + (1 | outer)", nested(MULTILEVEL[0]), variances="vi")
    row = fit.conf_int(which="random").iloc[0]
    rise = [
        deviance(fit.model, np.array([row[side] ** 2]), reml=True) + 2 * fit.loglik
        for side in ("conf_low", "conf_high")
    ]
    assert rise == pytest.approx([3.8414588] * 2, rel=1e-6)


#: metafor's own restricted likelihood (rma.mv, the first variance held) at the lower limit that its
#: confint prints: twice its fall is above the quantile by this much; at ours by 3e-11.
METAFOR_OVERSHOOT = 0.00205725712168237


def test_metafors_own_likelihood_puts_the_lower_limit_where_ours_is() -> None:
    fit = rs.pool(nested(MULTILEVEL[0]), random="(1 | outer/inner)").fit
    assert fit is not None
    quantile = stats.chi2.isf(0.05, 1)

    def excess(outer: float) -> float:
        def at(inner: float) -> float:
            return deviance(fit.model, np.array([inner, outer]), reml=True)

        lowest = optimize.minimize_scalar(at, bounds=(1e-3, 0.2), method="bounded",
                                          options={"xatol": 1e-10})  # fmt: skip
        return float(lowest.fun) + 2 * fit.loglik - quantile

    theirs = MULTILEVEL[0]["sigma2_outer_ci"][0]
    assert excess(theirs) == pytest.approx(METAFOR_OVERSHOOT, abs=1e-8)
    table = fit.conf_int(which="random").set_index("term")
    ours = table.loc["sd_outer_(Intercept)", "conf_low"] ** 2
    assert excess(ours) == pytest.approx(0.0, abs=1e-8)


def test_multivariate() -> None:
    pooled = rs.pool(
        outcomes(), formula="0 + outcome", random="(0 + outcome | trial)",
        variance=np.array(BERKEY["V"]), method="ml", test="z",
    )  # fmt: skip
    assert pooled.terms == tuple(BERKEY["terms"])
    assert list(pooled.params) == pytest.approx(BERKEY["estimate"], rel=RTOL)
    assert pooled.std_errors == pytest.approx(BERKEY["std_error"], rel=RTOL)
    assert pooled.sigma2.to_numpy() == pytest.approx(BERKEY["tau2"], rel=RTOL)
    assert pooled.loglik == pytest.approx(BERKEY["loglik"], rel=RTOL)
    assert pooled.fit.variance_components["sdcor"].iloc[-1] == pytest.approx(
        BERKEY["rho"], rel=RTOL
    )


def test_derivatives_of_the_deviance() -> None:
    model = known_model(
        "yi ~ 0 + outcome + (0 + outcome | trial)", outcomes(), np.array(BERKEY["V"])
    )
    at, step = np.array([0.03, 0.008, 0.01]), 1e-6
    for reml in (True, False):
        state = evaluate(model, at, reml=reml)
        for i, shift in enumerate(step * np.eye(3)):
            up, down = (deviance(model, at + s * shift, reml=reml) for s in (1, -1))
            assert state.gradient[i] == pytest.approx((up - down) / (2 * step), rel=DIFFERENCE_RTOL)
            up_, down_ = (evaluate(model, at + s * shift, reml=reml).gradient for s in (1, -1))
            slope = (up_ - down_) / (2 * step)
            assert state.hessian[i] == pytest.approx(slope, rel=1e-4, abs=1e-2)


def test_kenward_roger_by_dense_algebra() -> None:
    """Kenward and Roger (1997), eqs. 4 and 5, written out over whole matrices."""
    fit = rs.lmm("yi ~ 1 + (1 | outer/inner)", nested(MULTILEVEL[0]), variances="vi")
    V, X = fit.working_covariance, fit.model.x
    G = [(t.levels[:, None] == t.levels[None]).astype(float) for t in fit.model.random]
    W = np.linalg.inv(V)
    phi = np.linalg.inv(X.T @ W @ X)
    P = W - W @ X @ phi @ X.T @ W
    info = np.array([[np.trace(P @ a @ P @ b) for b in G] for a in G]) / 2
    cov = np.linalg.inv(info)
    first = [X.T @ W @ a @ W @ X for a in G]
    second = sum(
        cov[i, j] * (X.T @ W @ a @ W @ b @ W @ X - first[i] @ phi @ first[j])
        for i, a in enumerate(G)
        for j, b in enumerate(G)
    )
    adjusted = phi + 2 * phi @ second @ phi
    assert fit.cov_beta == pytest.approx(adjusted, rel=SAME_RTOL)
    slope = np.array([(phi @ p @ phi).item() for p in first])
    df = 2 * phi.item() ** 2 / (slope @ cov @ slope)
    assert fit.coefficients["df"].item() == pytest.approx(df, rel=SAME_RTOL)


def test_one_random_term_is_the_simple_pool_with_each_of_its_tests() -> None:
    rows = nested(MULTILEVEL[0]).head(9).assign(each=range(9), x=np.arange(9.0) ** 2)
    for test in ("z", "t", "kenward-roger"):
        for formula in ("~ 1", "~ x"):
            simple = rs.pool(rows, formula=formula, test=test)
            mixed = rs.pool(rows, formula=formula, random="(1 | each)", test=test)
            assert mixed.std_errors == pytest.approx(simple.std_errors, rel=1e-6)
            assert mixed.dfs == pytest.approx(simple.dfs, rel=1e-5)
            assert mixed.loglik == pytest.approx(simple.loglik, rel=SAME_RTOL)
            assert mixed.i2 == pytest.approx(simple.i2, rel=1e-5)


def test_crossed_terms_equal_dense_likelihood_at_a_stationary_point() -> None:
    rng = np.random.default_rng(4)
    rows = pd.DataFrame({"a": np.repeat(list("uvwxyz"), 4), "b": list("ABCD") * 6})
    effect = rng.normal(0, 0.4, 6).repeat(4) + np.tile(rng.normal(0, 0.3, 4), 6)
    rows = rows.assign(vi=0.02, yi=effect + rng.normal(0, np.sqrt(0.02), 24))
    pooled = rs.pool(rows, random="(1 | a) + (1 | b)")
    assert list(pooled.sigma2.index) == ["a", "b"]
    V = np.diag(rows["vi"].to_numpy())
    for name in ("a", "b"):
        codes = rows[name].to_numpy()
        V = V + pooled.sigma2[name] * (codes[:, None] == codes[None])
    W = np.linalg.inv(V)
    assert pooled.estimate == pytest.approx((W @ rows["yi"]).sum() / W.sum(), rel=SAME_RTOL)
    assert np.abs(pooled.fit.optimum.point.gradient * pooled.sigma2.to_numpy()).max() < 1e-4


def test_cluster_robust_by_dense_algebra() -> None:
    """Pustejovsky and Tipton (2018), eq. 7 and the df of their section 3, over whole matrices."""
    from scipy.linalg import sqrtm

    rows = nested(MULTILEVEL[0])
    fit = rs.lmm("yi ~ x + (1 | outer/inner)", rows.assign(x=np.arange(56.0)), variances="vi")
    found = fit.robust(rows["outer"]).set_index("term")
    V, X = fit.working_covariance, fit.model.x
    W = np.linalg.inv(V)
    M = np.linalg.inv(X.T @ W @ X)
    maker = np.eye(56) - X @ M @ X.T @ W
    influence, meat = [], np.zeros((2, 2))
    for label in rows["outer"].unique():
        at = np.flatnonzero(rows["outer"] == label)
        D = np.linalg.cholesky(V[np.ix_(at, at)]).T
        target = D @ (V[np.ix_(at, at)] - X[at] @ M @ X[at].T) @ D.T
        adjusted = D.T @ np.linalg.inv(sqrtm(target).real) @ D @ (W @ X @ M)[at]
        score = adjusted.T @ (maker @ fit.model.y)[at]
        meat += np.outer(score, score)
        influence.append(maker[at].T @ adjusted)
    for i, term in enumerate(fit.terms):
        g = np.array([each[:, i] for each in influence])
        omega = g @ V @ g.T
        df = np.trace(omega) ** 2 / (omega**2).sum()
        assert found.loc[term, "std_error"] == pytest.approx(np.sqrt(meat[i, i]), rel=SAME_RTOL)
        assert found.loc[term, "df"] == pytest.approx(df, rel=1e-7)


def test_blocks_of_a_matrix_are_the_matrix() -> None:
    rng = np.random.default_rng(8)
    rows = pd.DataFrame({"study": np.repeat(range(12), 3), "yi": rng.normal(size=36)})
    blocks = [a @ a.T + np.eye(3) for a in rng.normal(size=(12, 3, 3))]
    whole = np.zeros((36, 36))
    for i, block in enumerate(blocks):
        whole[3 * i : 3 * i + 3, 3 * i : 3 * i + 3] = block
    few, all_ = (rs.lmm("yi ~ 1 + (1 | study)", rows, variances=v) for v in (blocks, whole))
    assert few.loglik == all_.loglik
    assert (few.working_covariance == all_.working_covariance).all()
    turned = rng.permutation(36)  # blocks need not be neighbours
    mixed = rs.lmm(
        "yi ~ 1 + (1 | study)", rows.iloc[turned], variances=whole[np.ix_(turned, turned)]
    )
    assert mixed.loglik == pytest.approx(all_.loglik, rel=SAME_RTOL)
    assert mixed.residuals.to_numpy() == pytest.approx(all_.residuals.to_numpy()[turned])


def test_predicted_effects_by_dense_algebra() -> None:
    rng = np.random.default_rng(9)
    rows = pd.DataFrame({"a": np.repeat(list("uvwxyz"), 4), "x": rng.normal(size=24)})
    rows = rows.assign(yi=rng.normal(size=24) + rng.normal(size=6).repeat(4), vi=0.3)
    fit = rs.lmm("yi ~ x + (x | a)", rows, variances="vi")
    term, X = fit.model.random[0], fit.model.x
    Z = np.zeros((24, 12))
    for i in range(24):
        Z[i, 2 * term.levels[i] : 2 * term.levels[i] + 2] = term.values[i]
    parts = fit.variance_components.set_index(["term", "term2"])["vcov"]
    gamma = np.array([
        [parts["(Intercept)", ""], parts["(Intercept)", "x"]],
        [parts["(Intercept)", "x"], parts["x", ""]],
    ])  # fmt: skip
    G = np.kron(np.eye(6), gamma)
    W = np.linalg.inv(fit.working_covariance)
    P = W - W @ X @ np.linalg.inv(X.T @ W @ X) @ X.T @ W
    found = fit.ranef()
    assert found["estimate"].to_numpy() == pytest.approx(G @ Z.T @ P @ fit.model.y, rel=1e-6)
    spread = np.sqrt(np.diag(G - G @ Z.T @ P @ Z @ G))
    assert found["std_error"].to_numpy() == pytest.approx(spread, rel=1e-6)


def test_influence_is_the_pool_without_each_district() -> None:
    rows = nested(MULTILEVEL[0])
    table = rs.pool(rows, random="(1 | outer/inner)").influence(by=rows["outer"])
    without = rs.pool(rows[rows["outer"] != "12"], random="(1 | outer/inner)")
    assert table.set_index("left_out").loc["12", "estimate"] == pytest.approx(
        without.estimate, rel=1e-6
    )
    assert table["weight"].sum() == pytest.approx(100)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"variances": "nothing"}, InputError, "no column 'nothing'"),
        ({"variances": [0.1, 0.2]}, InputError, "shape"),
        ({"variances": np.full((10, 10), 0.1)}, InputError, "not positive definite"),
        ({"variances": np.full(10, -1.0)}, InputError, "above 0"),
        ({"variances": np.ones(10), "ddf": "best"}, InputError, "allowed"),
    ],
)
def test_bad_variances(options, error, message) -> None:
    with pytest.raises(error, match=message):
        rs.lmm("yi ~ 1 + (1 | trial)", outcomes(), **options)


def test_one_level_is_not_identified() -> None:
    with pytest.raises(NotIdentified, match="one level"):
        rs.lmm("yi ~ 1 + (1 | g)", outcomes().assign(g="a"), variances=np.ones(10))


#: The two searches stop where the deviance is flat to their tolerances; seen 2e-7, 2026-11-30.
SEARCH_RTOL = 1e-5


def trial_rows() -> pd.DataFrame:
    rng = np.random.default_rng(12)
    rows = pd.DataFrame({
        "subject": np.repeat([f"s{i}" for i in range(10)], 6),
        "arm": np.repeat(list("xy"), 30),
        "time": ["a", "b", "c"] * 20,
        "dose": rng.normal(size=60),
    })  # fmt: skip
    noise = rng.normal(size=60) + np.repeat(rng.normal(size=10), 6)
    return rows.assign(y=noise + 0.4 * (rows["arm"] == "y") + 0.3 * rows["dose"]).drop(index=7)


def test_the_variance_that_was_estimated_taken_as_known_asks_alike() -> None:
    """Terms, means and slopes of both kinds of fits come from one code: the same V, the same."""
    rows, formula = trial_rows(), "y ~ arm * time + arm:dose + (1 | subject)"
    estimated = rs.lmm(formula, rows, ddf="normal")
    known = rs.lmm(formula, rows, variances=np.full(len(rows), estimated.sigma**2), ddf="normal")
    for kind in ("I", "II", "III"):
        pd.testing.assert_frame_equal(
            known.anova(kind), estimated.anova(kind), rtol=SEARCH_RTOL, check_exact=False
        )
    for ask in (
        lambda fit: fit.emmeans("time", by="arm", weights="proportional").table,
        lambda fit: fit.emmeans("arm", at={"time": "b"}).pairs(adjust="holm"),
        lambda fit: fit.emtrends("arm", "dose").pairs(),
        lambda fit: fit.effects("dose", by="arm").table,
    ):
        pd.testing.assert_frame_equal(
            ask(known), ask(estimated), rtol=SEARCH_RTOL, check_exact=False
        )


def test_terms_of_known_variances_are_weighted_by_them() -> None:
    """Type I of two overlapping terms depends on the weights: those of `weights=` are the same."""
    rows = trial_rows().assign(w=np.linspace(0.5, 2.0, 59))
    weighted = rs.lmm("y ~ dose + arm + (1 | subject)", rows, weights="w", ddf="normal")
    variances = weighted.sigma**2 / rows["w"].to_numpy()
    known = rs.lmm("y ~ dose + arm + (1 | subject)", rows, variances=variances, ddf="normal")
    for kind in ("I", "II"):
        pd.testing.assert_frame_equal(
            known.anova(kind), weighted.anova(kind), rtol=SEARCH_RTOL, check_exact=False
        )
    with pytest.raises(InputError, match="kind=a KnownFit; allowed: I, II, III"):
        known.anova(known)


def test_rows_left_out_take_their_columns_along() -> None:
    rows = trial_rows().assign(vi=0.5)
    fit = rs.lmm("y ~ arm + dose + (1 | subject)", rows, variances="vi")
    out = np.flatnonzero(rows["subject"].isin(["s0", "s4"]))
    part = fit_known(without(fit.model, out))
    again = rs.lmm(
        "y ~ arm + dose + (1 | subject)", rows.drop(index=rows.index[out]), variances="vi"
    )
    pd.testing.assert_frame_equal(
        part.emmeans("arm").table, again.emmeans("arm").table, rtol=SEARCH_RTOL, check_exact=False
    )


def test_maximum_likelihood_of_known_variances_is_fitted_once_more() -> None:
    rows = trial_rows().assign(vi=0.5)
    fit = rs.lmm("y ~ arm + (1 | subject)", rows, variances="vi")
    ml = rs.lmm("y ~ arm + (1 | subject)", rows, variances="vi", reml=False)
    assert fit.refit_ml().loglik == ml.loglik
    assert (fit.refit_ml() is fit.refit_ml(), ml.refit_ml() is ml) == (True, True)


def test_a_joint_test_by_satterthwaite_is_not_scaled() -> None:
    rows = trial_rows().assign(vi=0.5)
    fits = [
        rs.lmm("y ~ time + (1 | subject)", rows, variances="vi", ddf=ddf)
        for ddf in ("satterthwaite", "kenward-roger")
    ]
    scaling = [fit.anova()["scaling"].item() for fit in fits]
    assert scaling[0] == 1.0
    assert 0.9 < scaling[1] < 1.0  # what satterthwaite leaves out
