"""Count models against lme4's glmer (pinned) and statsmodels, and bad input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doors.models import (
    Binomial,
    NegativeBinomial,
    NoncentralHypergeometric,
    Poisson,
    Problem,
    RandomPart,
    split,
)
from scipy import stats

from retrostats import InputError, glmm

REFERENCE = Path(__file__).parent / "reference"
CASES = json.loads((REFERENCE / "glmm.json").read_text())

#: By nodes. With quadrature both solve the same problem to glmer's stopping rule. Its Laplace
#: criterion ends its inner iterations early, so that its answer has a slightly lower likelihood
#: than ours (asserted below) and its finite-difference Hessian is rougher.
ESTIMATE_RTOL = {1: 1e-3, 9: 2e-4, 15: 2e-4}
SE_RTOL = {1: 2e-2, 9: 2e-3, 15: 2e-3}
#: How far the two Laplace log-likelihoods are apart; ours is the higher one.
LOGLIK_ATOL = 1e-3
#: Two differenced Hessians at the same point, of second and fourth order: their truncation. One
#: that was taken a step of the search before the answer is 1e-6 to 1e-5 away.
COVARIANCE_RTOL = 1e-7


def read(case) -> pd.DataFrame:
    frame = pd.read_csv(REFERENCE / "data" / f"{case['name']}.csv")
    for name, levels in case["levels"].items():
        frame[name] = pd.Categorical(frame[name].astype(str), levels)
    return frame


def fitted(case):
    options = {"exposure": "hours"} if case["family"] == "poisson" else {}
    formula = case["formula"].replace(" + offset(log(hours))", "")
    return glmm(formula, read(case), family=case["family"], n_agq=case["nAGQ"], **options)


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['name']}-{c['nAGQ']}")
def test_glmer(case) -> None:
    fit = fitted(case)
    table, n = fit.coefficients, case["nAGQ"]
    assert list(table["term"]) == case["terms"]
    assert table["estimate"].to_numpy() == pytest.approx(case["estimate"], rel=ESTIMATE_RTOL[n])
    assert table["std_error"].to_numpy() == pytest.approx(case["std_error"], rel=SE_RTOL[n])
    assert fit.variance_components["sdcor"].iloc[0] == pytest.approx(
        case["vc"][0]["sdcor"], rel=ESTIMATE_RTOL[n]
    )
    assert fit.converged
    assert not fit.singular
    if n == 1:  # with quadrature lme4 leaves constants out of the likelihood
        assert 0 <= fit.loglik - case["loglik"] < LOGLIK_ATOL


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['name']}-{c['nAGQ']}")
def test_the_covariance_is_that_of_the_hessian_at_the_answer(case) -> None:
    fit = fitted(case)
    model = fit.model
    problem = Problem(model.family, model.x, model.offset, model.parts, model.n_agq)
    at = problem.pack(fit.theta, None, fit.beta)

    def by_steps(size: float) -> np.ndarray:
        ends = [[problem.negative(at + sign * e)[1] for sign in (1, -1)]
                for e in size * np.eye(len(at))]  # fmt: skip
        return np.array([(up - down) / (2 * size) for up, down in ends])

    hessian = (4 * by_steps(2e-3) - by_steps(4e-3)) / 3  # Richardson: of fourth order
    m = problem.n_theta
    expected = problem.back @ np.linalg.inv(hessian)[m:, m:] @ problem.back.T
    scale = np.sqrt(np.diag(expected))
    apart = (fit.cov_beta - expected) / np.outer(scale, scale)
    assert np.abs(apart).max() < COVARIANCE_RTOL


def test_no_variance_between_groups_is_a_glm() -> None:
    """Teams differ less than chance allows: the variance is zero and statsmodels' GLM agrees."""
    import statsmodels.api as sm

    rows = pd.DataFrame(
        {"team": np.repeat(list("abcdef"), 2), "arm": ["usual", "warm"] * 6,
         "events": [10, 5, 11, 6, 9, 4, 10, 5, 11, 4, 9, 6], "hours": [100.0] * 12}
    )  # fmt: skip
    fit = glmm("events ~ arm + (1 | team)", rows, exposure="hours")
    design = sm.add_constant((rows["arm"] == "warm").astype(float))
    glm = sm.GLM(
        rows["events"], design, family=sm.families.Poisson(), offset=np.log(rows["hours"])
    ).fit()
    assert fit.singular
    assert fit.beta == pytest.approx(glm.params.to_numpy(), rel=1e-6)
    errors = fit.coefficients["std_error"].to_numpy()
    assert errors == pytest.approx(glm.bse.to_numpy(), rel=1e-5)
    assert fit.ratios()["ratio"].iloc[0] == pytest.approx(0.5, rel=1e-6)


def test_unit_of_exposure_moves_only_the_intercept() -> None:
    case = next(c for c in CASES if c["name"] == "injuries_simulated")
    rows = read(case)
    formula = "injuries ~ direction + (1 | team)"
    hours = glmm(formula, rows, exposure="hours")
    days = glmm(formula, rows.assign(hours=rows["hours"] / 24), exposure="hours")
    assert days.beta[1] == pytest.approx(hours.beta[1], abs=1e-6)
    assert days.beta[0] == pytest.approx(hours.beta[0] + np.log(24), abs=1e-6)


def test_two_groups_by_laplace_recover_what_was_put_in() -> None:
    rng = np.random.default_rng(3)
    team, year = np.meshgrid(np.arange(30), np.arange(10))
    eta = 1.0 + rng.normal(0, 0.5, 30)[team] + rng.normal(0, 0.3, 10)[year]
    rows = pd.DataFrame(
        {"team": team.ravel().astype(str), "year": year.ravel().astype(str),
         "events": rng.poisson(np.exp(eta)).ravel()}
    )  # fmt: skip
    fit = glmm("events ~ 1 + (1 | team) + (1 | year)", rows)
    sd = fit.variance_components.set_index("group")["sdcor"]
    assert sd["team"] == pytest.approx(0.5, abs=0.2)
    assert sd["year"] == pytest.approx(0.3, abs=0.2)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"injuries": -1}, {}, "whole and not negative"),
        ({"injuries": 1.5}, {}, "whole and not negative"),
        ({"hours": 0.0}, {"exposure": "hours"}, "above 0"),
        ({}, {"exposure": "minutes"}, "minutes"),
        ({}, {"family": "gamma"}, "allowed: poisson, binomial, negative-binomial"),
    ],
)
def test_bad_input(change, options, message) -> None:
    rows = pd.read_csv(REFERENCE / "data" / "injuries_simulated.csv").assign(**change)
    with pytest.raises(InputError, match=message):
        glmm("injuries ~ direction + (1 | team)", rows, **options)


def test_a_formula_is_never_executed() -> None:
    rows = pd.read_csv(REFERENCE / "data" / "injuries_simulated.csv")
    with pytest.raises(InputError):
        glmm("injuries ~ __import__('os').system('true') + (1 | team)", rows)


#: Gradients against central differences of the criterion.
GRADIENT_ATOL = 1e-6
#: The same Laplace criterion by dense matrices.
DENSE_RTOL = 1e-10
#: Two optimisers of one likelihood.
PEER_RTOL = 2e-4
#: Roots of a profile, found to 1e-5 of their distance.
PROFILE_ATOL = 1e-3


def design(seed: int = 1, n: int = 60) -> tuple[np.ndarray, list[RandomPart], np.ndarray]:
    """Fixed effects and three random terms: slopes, crossed levels, one level a row."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=n)])
    team, year = rng.permutation(np.arange(n) % 12), rng.permutation(np.arange(n) % 5)
    slopes = np.column_stack([np.ones(n), rng.normal(size=n)])
    one = np.ones((n, 1))
    terms = [
        RandomPart("team", ("1", "x"), slopes, team, 12),
        RandomPart("year", ("1",), one, year, 5),
        RandomPart("row", ("1",), one, np.arange(n), n),
    ]
    events = rng.poisson(np.exp(0.5 + 0.4 * rng.normal(size=12)[team])).astype(float)
    return x, terms, events


def families(events: np.ndarray) -> dict:
    eight = np.full(len(events), 8.0)
    few = np.minimum(events, 3)
    return {
        "poisson": Poisson(events),
        "binomial": Binomial(np.minimum(events, 8), eight),
        "negative-binomial": NegativeBinomial(events, 0.4),
        "hypergeometric": NoncentralHypergeometric(few, eight, eight + 2, few + 2),
    }


@pytest.mark.parametrize("name", ["poisson", "binomial", "negative-binomial", "hypergeometric"])
@pytest.mark.parametrize(
    ("terms", "nodes"), [((1,), 1), ((1,), 7), ((2, 1), 1), ((0,), 1), ((0, 1, 2), 1), ((), 1)]
)
def test_gradient_is_exact(name, terms, nodes) -> None:
    x, parts, events = design()
    family = families(events)[name]
    problem = Problem(family, x, np.zeros(len(x)), tuple(parts[i] for i in terms), nodes)
    point = problem.start() + 0.1 * np.random.default_rng(2).normal(size=len(problem.start()))
    _, gradient = problem.negative(point)
    h = 1e-5
    numeric = [
        (problem.negative(point + h * e)[0] - problem.negative(point - h * e)[0]) / (2 * h)
        for e in np.eye(len(point))
    ]
    assert gradient == pytest.approx(numeric, abs=GRADIENT_ATOL)


@pytest.mark.parametrize("terms", [(0,), (1, 0), (0, 1, 2), (2, 0)])
def test_blocks_are_the_dense_laplace(terms) -> None:
    x, parts, events = design()
    chosen = tuple(parts[i] for i in terms)
    problem = Problem(Poisson(events), x, np.zeros(len(x)), chosen)
    point = problem.start() + 0.1
    theta, _, beta = problem.unpack(point)
    blocks = []
    for part, piece in zip(chosen, split(theta, chosen), strict=True):
        block = np.zeros((len(x), part.n_levels, len(part.effects)))
        block[np.arange(len(x)), part.levels] = part.values @ part.factor(piece)
        blocks.append(block.reshape(len(x), -1))
    a = np.hstack(blocks)
    u = np.zeros(a.shape[1])
    for _ in range(50):
        mu = np.exp(x @ beta + a @ u)
        h = a.T @ (mu[:, None] * a) + np.eye(len(u))
        u = u + np.linalg.solve(h, a.T @ (events - mu) - u)
    value = Poisson(events).loglik(x @ beta + a @ u).sum() - u @ u / 2
    value -= np.linalg.slogdet(h)[1] / 2
    assert -problem.negative(point)[0] == pytest.approx(value, rel=DENSE_RTOL)


def ticks(seed: int = 0) -> pd.DataFrame:
    """403 rows, 118 broods in 63 places, a random effect of every row."""
    rng = np.random.default_rng(seed)
    place = np.sort(np.concatenate([np.arange(63), rng.integers(0, 63, 55)]))
    brood = np.sort(np.concatenate([np.arange(118), rng.integers(0, 118, 285)]))
    height = rng.normal(size=403)
    eta = 0.4 - 0.8 * height + rng.normal(0, 0.7, 118)[brood] + rng.normal(0, 0.5, 63)[place[brood]]
    eta += rng.normal(0, 0.5, 403)
    return pd.DataFrame(
        {"ticks": rng.poisson(np.exp(eta)), "height": height, "brood": brood.astype(str),
         "row": np.arange(403).astype(str), "place": place[brood].astype(str)}
    )  # fmt: skip


def test_three_nested_terms() -> None:
    rows = ticks()
    fit = glmm("ticks ~ height + (1 | brood) + (1 | row) + (1 | place)", rows)
    short = glmm("ticks ~ height + (1 | brood) + (1 | place)", rows, overdispersion="observation")
    assert fit.loglik == pytest.approx(short.loglik, rel=1e-9)
    table = fit.coefficients.set_index("term")
    assert abs(table.loc["height", "estimate"] + 0.8) < 3 * table.loc["height", "std_error"]
    sd = fit.variance_components.set_index("group")["sdcor"]
    assert sd["row"] == pytest.approx(0.5, abs=0.2)


def overdispersed() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    y = rng.poisson(rng.gamma(2, np.exp(1 + 0.4 * x) / 2))
    return pd.DataFrame({"y": y, "x": x, "team": (np.arange(300) % 20).astype(str)})


def test_negative_binomial_without_random_terms_is_statsmodels() -> None:
    import statsmodels.api as sm

    rows = overdispersed()
    fit = glmm("y ~ x", rows, family="negative-binomial")
    peer = sm.NegativeBinomial(rows["y"], sm.add_constant(rows["x"])).fit(disp=0)
    assert [*fit.beta, fit.alpha] == pytest.approx(peer.params.to_numpy(), rel=PEER_RTOL)
    assert fit.coefficients["std_error"].to_numpy() == pytest.approx(peer.bse[:2], rel=PEER_RTOL)
    assert fit.loglik == pytest.approx(peer.llf, rel=1e-8)


def test_overdispersion_is_seen_and_modelled() -> None:
    rows = overdispersed()
    poisson = glmm("y ~ x + (1 | team)", rows)
    check = poisson.overdispersion()
    assert check.conf_low > 1
    assert check.p_value < 1e-6
    assert "negative-binomial" in check.advice
    better = glmm("y ~ x + (1 | team)", rows, family="negative-binomial")
    check = better.overdispersion()
    assert check.conf_low < 1 < check.conf_high
    assert better.loglik > poisson.loglik + 10
    assert "dispersion alpha" in repr(better)
    own = glmm("y ~ x + (1 | team)", rows, overdispersion="observation")
    assert own.loglik > poisson.loglik + 10


def test_negative_binomial_without_overdispersion_is_poisson() -> None:
    rows = overdispersed().assign(y=np.tile([2, 3, 4, 3], 75))
    fit = glmm("y ~ x", rows, family="negative-binomial")
    assert fit.alpha == pytest.approx(0, abs=1e-6)
    assert fit.loglik == pytest.approx(glmm("y ~ x", rows).loglik, abs=1e-6)
    assert any("estimated as zero" in note for note in fit.notes)


def arms(events) -> pd.DataFrame:
    return pd.DataFrame(
        {"team": np.repeat(list("abcdef"), 2), "arm": ["usual", "warm"] * 6, "events": events,
         "hours": 100.0}
    )  # fmt: skip


@pytest.mark.parametrize("nodes", [1, 9])
def test_an_arm_without_events(nodes) -> None:
    """The limit is where the Poisson deviance of no events rises by the quantile."""
    rows = arms([10, 0, 11, 0, 9, 0, 10, 0, 8, 0, 9, 0])
    fit = glmm("events ~ arm + (1 | team)", rows, exposure="hours", n_agq=nodes)
    table = fit.coefficients.set_index("term")
    usual = rows[rows["arm"] == "usual"]["events"].sum()
    assert table.loc["(Intercept)", "estimate"] == pytest.approx(np.log(usual / 600), abs=1e-6)
    assert (table.loc["armwarm", "estimate"], table.loc["armwarm", "conf_low"]) == (-np.inf,) * 2
    # With no variance between teams: 2 x usual x log(1 + ratio) = 3.84, as the rates are profiled.
    limit = np.expm1(stats.chi2.isf(0.05, 1) / (2 * usual))
    assert np.exp(table.loc["armwarm", "conf_high"]) == pytest.approx(limit, rel=PROFILE_ATOL)
    assert fit.separated == ("armwarm",)
    assert "separation: armwarm" in repr(fit)
    assert "separation" in fit._repr_html_()
    with pytest.raises(InputError, match="profile"):
        fit.conf_int(method="bootstrap", draws=50)


def test_firth_is_the_half_event_of_a_saturated_table() -> None:
    """For one Poisson rate an arm the penalty is half an event each."""
    rows = arms([10, 0, 11, 0, 9, 0, 10, 0, 8, 0, 9, 0])
    fit = glmm("events ~ arm", rows, exposure="hours", penalty="firth")
    assert fit.beta == pytest.approx([np.log(57.5 / 600), np.log(0.5 / 57.5)], abs=1e-6)
    limits = fit.conf_int(method="profile").set_index("term").loc["armwarm"]
    assert limits["conf_low"] < fit.beta[1] < limits["conf_high"] < 0


def test_a_column_that_separates_leaves_the_others_alone() -> None:
    rows = arms([3, 0, 2, 4, 0, 1, 5, 0, 3, 2, 0, 6]).assign(arm=list("abc") * 4)
    part = glmm("events ~ arm + (1 | team)", rows[rows["arm"] != "b"])
    whole = glmm("events ~ arm + (1 | team)", rows)
    assert whole.separated == ("armb",)
    assert whole.beta[[0, 2]] == pytest.approx(part.beta, abs=1e-6)
    assert whole.loglik == pytest.approx(part.loglik, abs=1e-9)


def test_binary_outcome_split_by_a_covariate() -> None:
    rows = arms([0, 1] * 6).assign(x=np.tile([-1.0, 2.0], 6))
    fit = glmm("events ~ 0 + x + (1 | team)", rows, family="binomial")
    assert fit.beta[0] == np.inf
    low, high = fit.conf_int(method="profile")[["conf_low", "conf_high"]].iloc[0]
    assert np.isfinite(low)
    assert high == np.inf


def test_profile_and_bootstrap_intervals() -> None:
    case = next(c for c in CASES if c["name"] == "injuries_simulated" and c["nAGQ"] > 1)
    fit = fitted(case)
    profile = fit.conf_int(method="profile")
    for j, row in enumerate(profile.itertuples()):
        for limit in (row.conf_low, row.conf_high):
            rise = 2 * (fit.loglik - fit.model.fixing(j, limit).maximise().loglik)
            assert rise == pytest.approx(stats.chi2.isf(0.05, 1), abs=PROFILE_ATOL)
    wald = fit.conf_int()
    assert wald["conf_low"].to_numpy() == pytest.approx(fit.coefficients["conf_low"])
    boot = fit.conf_int(method="bootstrap", draws=200, seed=5)
    assert boot.equals(fit.conf_int(method="bootstrap", draws=200, seed=5))
    assert boot.attrs["without_answer"] == 0
    width = (wald["conf_high"] - wald["conf_low"]).to_numpy()
    assert np.abs(boot["conf_low"] - wald["conf_low"]).to_numpy().max() < 0.25 * width.max()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: f.conf_int(method="exact"), "allowed: wald, profile, bootstrap"),
        (lambda f: f.conf_int(level=1.5), "between 0 and 1"),
        (lambda f: f.conf_int(method="bootstrap", draws=3), "at least 20"),
        (lambda f: f.overdispersion(level=0), "between 0 and 1"),
    ],
)
def test_bad_requests_of_a_fit(call, message) -> None:
    with pytest.raises(InputError, match=message):
        call(fitted(CASES[0]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"overdispersion": "quasi"}, "allowed: 'observation'"),
        ({"family": "negative-binomial", "overdispersion": "observation"}, "has a dispersion"),
        ({"penalty": "ridge"}, "allowed: 'firth'"),
        ({"n_agq": 0}, "1 .Laplace. to 100"),
    ],
)
def test_bad_options(options, message) -> None:
    rows = pd.read_csv(REFERENCE / "data" / "injuries_simulated.csv")
    with pytest.raises(InputError, match=message):
        glmm("injuries ~ direction + (1 | team)", rows, **options)
