"""Pools of counts against metafor's rma.glmm, Stijnen et al. (2010), and what must always hold.

`reference/count_pools.json` is from R metafor 3.8-1 (`rma.glmm`, dat.nielweise2007), by
`reference/count_pools.R`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doors.models import Model, NoncentralHypergeometric, Problem, hessian
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

import retrostats as rs
from retrostats import InputError, NotIdentified

CASES = json.loads((Path(__file__).parent / "reference" / "count_pools.json").read_text())
MODELS = {
    "UM.FS": "fixed-study",
    "UM.RS": "random-study",
    "CM.AL": "conditional-approximate",
    "CM.EL": "conditional",
}

#: metafor's optimiser stops this close to the maximum.
METAFOR_ATOL = 1e-4
#: In UM.FS it stops earlier: our likelihood is higher at our answer than at its, asserted below.
UM_FS_ATOL = 5e-4
#: Half a unit of the last printed digit; the paper's own optimiser is off by one such unit once.
PRINTED_ATOL = {3: 1.1e-3, 2: 5.1e-3}
#: Numerical integration over one study's effect, against 25 nodes.
INTEGRAL_RTOL = 1e-6
#: A chi-squared quantile recovered through brentq and refits.
PROFILE_ATOL = 1e-3
#: Two optimisations of the same likelihood.
SAME_ATOL = 1e-5

#: Niel-Weise et al. (2008): infections and catheter days, treated and control (Stijnen, Table VI).
NIELWEISE_2008 = [
    (7, 1344, 11, 1988), (8, 1600, 8, 1461), (3, 12012, 14, 10962), (6, 1536, 10, 1503),
    (1, 370, 1, 483), (1, 729, 8, 913), (17, 6760, 15, 6840), (3, 1107, 7, 1015), (2, 320, 3, 440),
]  # fmt: skip
TWO = ["events_1", "total_1", "events_2", "total_2"]


def two_arms(case=CASES[0]) -> pd.DataFrame:
    columns = {"events_1": "ai", "total_1": "n1i", "events_2": "ci", "total_2": "n2i"}
    frame = pd.DataFrame({new: case[old] for new, old in columns.items()})
    return frame.assign(study=[f"s{i}" for i in range(len(frame))])


def catheters() -> pd.DataFrame:
    frame = pd.DataFrame(NIELWEISE_2008, columns=TWO)
    return frame.assign(total_1=frame["total_1"] / 1000, total_2=frame["total_2"] / 1000)


def arm(frame: pd.DataFrame, number: int) -> pd.DataFrame:
    return pd.DataFrame({"events": frame[f"events_{number}"], "total": frame[f"total_{number}"]})


def pooled(case) -> rs.PooledCounts:
    if case["measure"] == "PLO":
        table = pd.DataFrame({"events": case["xi"], "total": case["ni"]})
        return rs.pool_counts(table, measure="proportion")
    return rs.pool_counts(two_arms(case), measure="odds_ratio", model=MODELS[case["model"]])


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.get("model", c["measure"]))
def test_metafor(case) -> None:
    fit = pooled(case)
    atol = UM_FS_ATOL if case.get("model") == "UM.FS" else METAFOR_ATOL
    assert fit.estimate == pytest.approx(case["estimate"], abs=atol)
    assert fit.std_error == pytest.approx(case["std_error"], abs=METAFOR_ATOL)
    assert fit.tau2 == pytest.approx(case["tau2"], abs=atol)
    if fit.nodes == 1 or case.get("model") == "CM.EL":  # metafor integrates that one itself
        assert fit.loglik == pytest.approx(case["loglik"], abs=METAFOR_ATOL)
    else:  # with quadrature metafor 3.8 prints the log-likelihood given the modes
        eta = fit.maximum.fitted
        given_modes = float(fit.likelihood.family.loglik(eta).sum())
        assert given_modes == pytest.approx(case["loglik"], abs=UM_FS_ATOL)


def test_metafor_stops_before_the_maximum_with_fixed_study_effects() -> None:
    """Our likelihood, maximised over the rest, is lower at metafor's effect than at ours."""
    fit = pooled(CASES[0])
    there = fit.likelihood.fixing(0, CASES[0]["estimate"]).maximise()
    assert there.loglik < fit.loglik
    assert fit.loglik - there.loglik < METAFOR_ATOL


@pytest.mark.parametrize(
    ("table", "options", "printed", "tau", "digits"),
    [
        (two_arms(), ("odds_ratio", "conditional"), (-1.353, 0.351), 0.83, 3),
        (two_arms(), ("odds_ratio", "conditional-approximate"), (-1.303, 0.339), 0.78, 3),
        (arm(two_arms(), 1), ("proportion", "fixed-study"), (-4.81, 0.36), 0.83**0.5, 2),
        (catheters(), ("rate_ratio", "conditional"), (-0.476, 0.238), 0.35, 3),
        (arm(catheters(), 2), ("rate", "fixed-study"), (1.401, 0.231), 0.317**0.5, 3),
        (arm(catheters(), 1), ("rate", "fixed-study"), (0.849, 0.330), 0.654**0.5, 3),
    ],
    ids=["hypergeometric", "approximate", "logit", "rate ratio", "rate control", "rate treated"],
)
def test_stijnen_2010(table, options, printed, tau, digits) -> None:
    """Tables II, III, VII and VIII; tau has two digits there."""
    fit = rs.pool_counts(table, measure=options[0], model=options[1])
    assert (fit.estimate, fit.std_error) == pytest.approx(printed, abs=PRINTED_ATOL[digits])
    assert np.sqrt(fit.tau2) == pytest.approx(tau, abs=PRINTED_ATOL[2])


def test_likelihood_is_the_integral() -> None:
    """Exact conditional log-likelihood, study by study, against adaptive integration."""
    table = two_arms()
    fit = rs.pool_counts(table, measure="odds_ratio", model="conditional", nodes=25)
    tau, total = np.sqrt(fit.tau2), 0.0
    for row in table.itertuples():
        m = row.events_1 + row.events_2
        if m == 0:
            continue

        def density(b, row=row, m=m) -> float:
            odds = np.exp(fit.estimate + tau * b)
            chance = stats.nchypergeom_fisher.pmf(
                row.events_1, row.total_1 + row.total_2, m, row.total_1, odds
            )
            return float(chance * stats.norm.pdf(b))

        total += np.log(integrate.quad(density, -8, 8, epsabs=1e-14)[0])
    assert fit.loglik == pytest.approx(total, rel=INTEGRAL_RTOL)


def test_profile_limits_are_where_the_deviance_rises_by_the_quantile() -> None:
    fit = rs.pool_counts(catheters(), measure="rate_ratio", model="conditional")
    low, high = fit.conf_int(method="profile")[["conf_low", "conf_high"]].iloc[0]
    assert low < fit.estimate < high
    for limit in (low, high):
        rise = 2 * (fit.loglik - fit.likelihood.fixing(0, limit).maximise().loglik)
        assert rise == pytest.approx(stats.chi2.isf(0.05, 1), abs=PROFILE_ATOL)


@pytest.mark.parametrize("model", ["fixed-study", "random-study", "conditional"])
@pytest.mark.parametrize("measure", ["rate_ratio", "odds_ratio"])
def test_swapping_the_arms_changes_the_sign(measure, model) -> None:
    table = two_arms()
    swapped = table.rename(columns=dict(zip(TWO, TWO[2:] + TWO[:2], strict=True)))
    one = rs.pool_counts(table, measure=measure, model=model)
    other = rs.pool_counts(swapped, measure=measure, model=model)
    assert other.estimate == pytest.approx(-one.estimate, abs=SAME_ATOL)
    assert other.tau2 == pytest.approx(one.tau2, abs=10 * SAME_ATOL)
    assert other.loglik == pytest.approx(one.loglik, abs=SAME_ATOL)


@pytest.mark.parametrize("model", ["fixed-study", "conditional"])
def test_studies_without_events_say_nothing(model) -> None:
    table = catheters()
    more = pd.concat([table, pd.DataFrame([(0, 2.0, 0, 3.0)], columns=TWO)], ignore_index=True)
    one = rs.pool_counts(table, measure="rate_ratio", model=model)
    other = rs.pool_counts(more, measure="rate_ratio", model=model)
    assert other.estimate == pytest.approx(one.estimate, abs=SAME_ATOL)
    assert (other.k, other.k_informative) == (10, 9)
    assert any("nothing about the ratio" in note for note in other.notes)


@pytest.mark.parametrize("model", ["fixed-study", "random-study", "conditional"])
def test_no_events_in_an_arm_of_any_study(model) -> None:
    """The limit is that of the pooled table: for rates, a binomial with known share."""
    table = catheters().assign(events_1=0)
    fit = rs.pool_counts(table, measure="rate_ratio", model=model)
    assert fit.estimate == -np.inf
    profiled = fit.conf_int(method="profile")[["conf_low", "conf_high"]].iloc[0].tolist()
    assert (fit.conf_low, profiled) == (-np.inf, [fit.conf_low, fit.conf_high])
    share = np.exp(fit.conf_high) * table["total_1"]
    share = share / (share + table["total_2"])
    none = float(np.prod((1 - share) ** table["events_2"]))
    assert none == pytest.approx(0.025, rel=INTEGRAL_RTOL)
    assert any("separated" in note for note in fit.notes)
    assert "inf" in repr(fit)
    mirrored = table.rename(columns=dict(zip(TWO, TWO[2:] + TWO[:2], strict=True)))
    other = rs.pool_counts(mirrored, measure="rate_ratio", model=model)
    assert (other.estimate, other.conf_high) == (np.inf, np.inf)
    assert other.conf_low == pytest.approx(-fit.conf_high, abs=SAME_ATOL)


def test_no_events_in_single_groups_have_garwoods_limit() -> None:
    table = pd.DataFrame({"events": [0, 0, 0], "total": [10.0, 20.0, 30.0]})
    rate = rs.pool_counts(table, measure="rate")
    assert rate.shown() == pytest.approx((0, 0, -np.log(0.025) / 60), rel=INTEGRAL_RTOL)
    share = rs.pool_counts(table, measure="proportion")
    assert share.shown()[2] == pytest.approx(1 - 0.025 ** (1 / 60), rel=INTEGRAL_RTOL)
    whole = rs.pool_counts(table.assign(events=table["total"]), measure="proportion")
    assert whole.shown()[0] == 1


def test_equal_studies_pool_to_their_common_ratio() -> None:
    table = pd.DataFrame([(5, 100, 10, 100)] * 4, columns=TWO)
    for model in ("fixed-study", "random-study", "conditional"):
        fit = rs.pool_counts(table, measure="rate_ratio", model=model)
        assert fit.estimate == pytest.approx(np.log(0.5), abs=SAME_ATOL)
        assert fit.std_error == pytest.approx(np.sqrt(1 / 20 + 1 / 40), abs=SAME_ATOL)
        assert fit.tau2 == pytest.approx(0, abs=SAME_ATOL)


def test_one_study_is_its_own_ratio() -> None:
    fit = rs.pool_counts(pd.DataFrame([(5, 100, 10, 90)], columns=TWO), measure="rate_ratio")
    assert fit.estimate == pytest.approx(np.log(5 / 100 / (10 / 90)), abs=SAME_ATOL)
    assert np.isnan(fit.tau2)
    assert any("one informative study" in note for note in fit.notes)


def test_bootstrap_is_repeatable_and_near_the_others() -> None:
    fit = rs.pool_counts(catheters(), measure="rate_ratio", model="conditional")
    first, again = (fit.conf_int(method="bootstrap", draws=60, seed=4) for _ in range(2))
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    assert first["conf_low"][0] < fit.estimate < first["conf_high"][0]


def test_shown_as_text_and_html() -> None:
    fit = rs.pool_counts(two_arms(), measure="odds_ratio", model="conditional")
    assert "odds ratio 0.2584 (0.1299 to 0.5142)" in repr(fit)
    assert "<table" in fit._repr_html_()
    assert list(fit.table()["k"]) == [18]


@given(
    n1=st.integers(1, 12), n2=st.integers(1, 12), share=st.floats(0, 1), eta=st.floats(-4, 4),
    data=st.data(),
)  # fmt: skip
def test_hypergeometric_is_scipys(n1, n2, share, eta, data) -> None:
    m = round(share * (n1 + n2))
    low, high = max(0, m - n2), min(n1, m)
    y = data.draw(st.integers(low, high))
    family = NoncentralHypergeometric(*(np.array([float(v)]) for v in (y, n1, n2, m)))
    law = stats.nchypergeom_fisher(n1 + n2, m, n1, np.exp(eta))
    assert family.loglik(np.array([eta]))[0] == pytest.approx(law.logpmf(y), rel=1e-6, abs=1e-9)
    mean, variance = family.moments(np.array([eta]))
    assert mean[0] == pytest.approx(law.mean(), rel=1e-6, abs=1e-9)
    assert variance[0] == pytest.approx(law.var(), rel=1e-5, abs=1e-9)


#: Sums over the tables of one study, in another order, in doubles.
ONE_STUDY_ATOL = 1e-11


def test_studies_of_all_sizes_stand_side_by_side_as_each_alone() -> None:
    """One with a single possible table, one of thousands: each as if it were the only one."""
    n1, n2 = np.array([3.0, 40.0, 4000.0, 5.0]), np.array([2.0, 55.0, 3000.0, 9.0])
    m, y = np.array([5.0, 17.0, 2500.0, 1.0]), np.array([3.0, 9.0, 1500.0, 0.0])
    eta = np.linspace(-2, 3, 12).reshape(3, 4)
    family = NoncentralHypergeometric(y, n1, n2, m)
    drawn = family.draw(np.zeros((50, 4)), np.random.default_rng(1))
    for i in range(4):
        alone = family.take(np.array([i]))
        at = eta[:, i : i + 1]
        both = family.loglik_and_score(eta)
        for ours, single in zip(
            (family.loglik(eta), *family.derivatives(eta), *both),
            (alone.loglik(at), *alone.derivatives(at), alone.loglik(at), alone.score(at)),
            strict=True,
        ):
            np.testing.assert_allclose(ours[:, i : i + 1], single, atol=ONE_STUDY_ATOL)
        law = stats.nchypergeom_fisher(n1[i] + n2[i], m[i], n1[i], 1.0)
        low, high = law.support()
        assert ((drawn[:, i] >= low) & (drawn[:, i] <= high)).all()
        error = law.std() / np.sqrt(50)
        assert abs(drawn[:, i].mean() - law.mean()) <= 4 * error  # 4 standard errors, seed fixed


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"events_1": -1}, {}, "not negative"),
        ({"events_1": 1.5}, {}, "whole number"),
        ({"total_2": 0}, {}, "above 0"),
        ({"events_2": 1e6}, {"measure": "odds_ratio"}, "at most the total"),
        ({"total_1": np.nan}, {}, "finite"),
        ({"events_1": "few"}, {}, "finite"),
        ({}, {"measure": "risk"}, "allowed: rate_ratio"),
        ({}, {"model": "magic"}, "allowed: fixed-study"),
        ({}, {"nodes": 0}, "allowed: 1 to 100"),
        ({}, {"nodes": 7, "model": "random-study"}, "1 with model"),
        ({}, {"level": 1.0}, "between 0 and 1"),
        ({}, {"double_zero": "half"}, "allowed: drop, keep"),
        ({}, {"measure": "rate"}, "no column 'events'"),
    ],
)
def test_bad_input(change, options, message) -> None:
    with pytest.raises(InputError, match=message):
        rs.pool_counts(two_arms().assign(**change), **({"measure": "rate_ratio"} | options))


def test_nothing_to_compare() -> None:
    with pytest.raises(NotIdentified, match="no events in both arms"):
        rs.pool_counts(two_arms().assign(events_1=0, events_2=0), measure="rate_ratio")
    with pytest.raises(InputError, match="no rows"):
        rs.pool_counts(two_arms().iloc[:0], measure="rate_ratio")


def test_a_design_effect_is_as_many_fewer_people() -> None:
    table = pd.DataFrame(
        {
            "study": list("abcd"),
            "events_1": [20, 31, 8, 44],
            "total_1": [900, 800, 700, 950],
            "events_2": [40, 52, 10, 60],
            "total_2": [880, 820, 690, 990],
        }
    )
    plain = rs.pool_counts(table, measure="rate_ratio")
    same = rs.pool_counts(table.assign(design_effect=1.0), measure="rate_ratio")
    assert same.estimate == plain.estimate
    assert same.std_error == plain.std_error
    whole = table.copy()
    whole.iloc[:, 1:] *= 3
    for model in ("fixed-study", "conditional"):
        fewer = rs.pool_counts(whole.assign(design_effect=3.0), measure="rate_ratio", model=model)
        again = rs.pool_counts(table, measure="rate_ratio", model=model)
        assert fewer.estimate == pytest.approx(again.estimate, rel=SAME_ATOL)
        assert fewer.std_error == pytest.approx(again.std_error, rel=SAME_ATOL)
        assert fewer.events == (309, 486)
    one = rs.pool_counts(table.head(1).assign(design_effect=2.5), measure="rate_ratio")
    assert one.std_error == pytest.approx(np.sqrt(2.5 * (1 / 20 + 1 / 40)), rel=SAME_ATOL)


@pytest.mark.parametrize(
    ("change", "match"),
    [({"design_effect": 0.0}, "above 0"), ({"design_effect": np.nan}, "finite"),
     ({"design_effect": "x"}, "finite")],
)  # fmt: skip
def test_a_design_effect_that_is_none_is_refused(change, match) -> None:
    table = {"study": ["a", "b"], "events_1": [2, 5], "total_1": [90, 80], "events_2": [5, 6],
             "total_2": [88, 90]}  # fmt: skip
    with pytest.raises(InputError, match=match):
        rs.pool_counts({**table, **{k: [1.5, v] for k, v in change.items()}}, measure="rate_ratio")
    effects = {**table, "design_effect": [1.5, 2.0]}
    with pytest.raises(InputError, match="whole"):
        rs.pool_counts(effects, measure="odds_ratio", model="conditional")
    pooled = rs.pool_counts(effects, measure="rate_ratio", model="conditional")
    with pytest.raises(InputError, match="profile"):
        pooled.conf_int(method="bootstrap")


#: Deviance of lme4 1.1-31 (glmer, nAGQ = 7, devFunOnly) of the UM.FS model of dat.nielweise2007: at
#: our maximum, and where glmer itself stops.
LME4_AT_OURS, LME4_AT_ITS_OWN = 27.3387647588433, 27.3389113483409


def test_r_itself_finds_our_maximum_higher_than_its_own() -> None:
    case = next(c for c in CASES if c.get("model") == "UM.FS")
    arms = [(case["ai"], case["n1i"]), (case["ci"], case["n2i"])]
    pooled = rs.pool_counts(
        {"events_1": arms[0][0], "total_1": arms[0][1], "events_2": arms[1][0],
         "total_2": arms[1][1]},
        measure="odds_ratio",
    )  # fmt: skip
    saturated = sum(
        stats.binom.logpmf(y, n, y / n)
        for events, totals in arms
        for y, n in zip(events, totals, strict=True)
    )
    deviance = -2 * (pooled.loglik - saturated)
    assert deviance == pytest.approx(LME4_AT_OURS, abs=1e-7)
    assert deviance < LME4_AT_ITS_OWN


#: Both searches stop at a gradient of 1e-7 standard errors; the difference of log-likelihoods is
#: its square.
SAME_MAXIMUM = 1e-6
#: Central differences of a step of 1e-4 standard errors leave its square.
SAME_ERROR = 1e-6


@pytest.mark.parametrize("measure", ["odds_ratio", "rate_ratio"])
@pytest.mark.parametrize("spread", [0.0, 0.7])
def test_levels_of_studies_are_an_arrow_with_the_maximum_of_the_dense_system(measure, spread):
    rng = np.random.default_rng(11)
    k = 14
    people = rng.integers(20, 90, (2, k))
    eta = rng.normal(-2.2, 0.8, k) + np.array([[0.5], [0.0]]) + spread * (
        rng.normal(size=k) * np.array([[0.5], [-0.5]])
    )  # fmt: skip
    events = rng.binomial(people, 1 / (1 + np.exp(-eta)))
    assert (events == 0).any()  # a zero in an arm needs no correction and no other path
    table = pd.DataFrame({
        "events_1": events[0], "total_1": people[0], "events_2": events[1], "total_2": people[1]
    })  # fmt: skip
    found = rs.pool_counts(table, measure=measure)
    likelihood = found.likelihood
    dense = Model(likelihood.family, likelihood.design(), likelihood.offset, likelihood.parts, 7)
    best, ours = dense.maximise(), found.maximum
    np.testing.assert_allclose(ours.beta, best.beta, atol=SAME_MAXIMUM * 10)
    np.testing.assert_allclose(ours.theta, best.theta, atol=SAME_MAXIMUM * 10)
    assert abs(ours.loglik - best.loglik) < SAME_MAXIMUM
    problem = Problem(dense.family, dense.x, dense.offset, dense.parts, 7)
    curvature = hessian(problem.negative, problem.pack(ours.theta, None, ours.beta))
    free = slice(int(np.isnan(ours.theta_errors[0])), None)
    inverse = np.linalg.inv(curvature[free, free])[-len(ours.beta) :, -len(ours.beta) :]
    expected = problem.back @ inverse @ problem.back.T
    np.testing.assert_allclose(ours.covariance, expected, rtol=SAME_ERROR, atol=SAME_ERROR)
    held, dense_held = (m.fixing(0, 0.2).maximise() for m in (likelihood, dense))
    assert abs(held.loglik - dense_held.loglik) < SAME_MAXIMUM


def test_a_pool_of_many_studies_never_holds_a_dense_system(monkeypatch):
    """Where no study has an arm of one end alone, only the arrow is solved."""

    def refused(*_: object) -> None:
        raise AssertionError("a dense system of all levels was made")

    monkeypatch.setattr("retrostats.models.counts.model.Problem", refused)
    monkeypatch.setattr("retrostats.models.counts.study_levels.StudyLevels.design", refused)
    monkeypatch.setattr("retrostats.models.counts.study_levels.Inverse.dense", refused)
    rng = np.random.default_rng(3)
    table = pd.DataFrame({
        "events_1": rng.integers(3, 9, 60), "total_1": 50,
        "events_2": rng.integers(4, 12, 60), "total_2": 50,
    })  # fmt: skip
    assert rs.pool_counts(table, measure="odds_ratio").k == 60
