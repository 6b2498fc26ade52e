"""After a model of counts is fitted: predictions, residuals, modes, means; beside lme4, emmeans."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doors.models import MarginalMeans
from test_glmm import CASES, fitted, read

from retrostats import InputError, glmm

FOUND = json.loads((Path(__file__).parent / "reference" / "glmm_after.json").read_text())
#: glmer stops at gradients near 1e-3 and takes errors from differences of the likelihood.
RTOL, SE_RTOL = 1e-3, 4e-3


@pytest.fixture(scope="module", params=FOUND, ids=lambda wanted: wanted["name"])
def both(request):
    wanted = request.param
    case = next(c for c in CASES if (c["name"], c["nAGQ"]) == (wanted["name"], wanted["nAGQ"]))
    return case, wanted, fitted(case)


def test_predictions_and_residuals_are_those_of_lme4(both) -> None:
    case, wanted, fit = both
    rows = read(case)
    assert fit.predict()["estimate"].to_numpy() == pytest.approx(wanted["conditional"], rel=RTOL)
    link = fit.predict(rows, random=False, type="link")["estimate"]
    assert link.to_numpy() == pytest.approx(wanted["population"], rel=RTOL)
    assert fit.predict(rows)["estimate"].to_numpy() == pytest.approx(fit.fitted.to_numpy())
    for kind in ("deviance", "pearson", "response"):
        found = fit.residual_table[kind].to_numpy()
        assert found == pytest.approx(wanted[kind], rel=2e-3, abs=2e-3), kind


def test_modes_are_those_of_lme4(both) -> None:
    _, wanted, fit = both
    modes = fit.ranef().set_index("level")
    wanted_modes = pd.DataFrame(wanted["modes"]).set_index("level").reindex(modes.index)
    assert modes["estimate"].to_numpy() == pytest.approx(
        wanted_modes["estimate"], rel=2e-3, abs=1e-3
    )
    assert modes["std_error"].to_numpy() == pytest.approx(wanted_modes["std_error"], rel=SE_RTOL)
    assert (modes["conf_low"] < modes["estimate"]).all()


def test_means_and_ratios_are_those_of_emmeans(both) -> None:
    _, wanted, fit = both
    means = fit.emmeans(wanted["factor"])
    for name in ("estimate", "std_error", "conf_low", "conf_high"):
        rel = SE_RTOL if name == "std_error" else 3e-3
        assert means.table[name].to_numpy() == pytest.approx(wanted["means"][name], rel=rel)
        assert means.pairs()[name].to_numpy() == pytest.approx(wanted["pairs"][name], rel=2 * rel)
    assert means.pairs()["p_value"].to_numpy() == pytest.approx(
        np.atleast_1d(wanted["pairs"]["p_value"]), rel=0.05
    )
    link = fit.emmeans(wanted["factor"], type="link")
    back = np.exp(link.table["estimate"])
    back = back / (1 + back) if fit.family == "binomial" else back
    assert means.table["estimate"].to_numpy() == pytest.approx(back.to_numpy())


def simulated(n: int = 40, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n), 6)
    x = rng.normal(size=len(group))
    slope = 0.3 * rng.normal(size=n)
    eta = 0.5 + 0.4 * x + (0.6 * rng.normal(size=n))[group] + slope[group] * x
    rows = pd.DataFrame({"group": [f"g{g}" for g in group], "x": x, "y": rng.poisson(np.exp(eta))})
    return rows.assign(size=rows["y"] + rng.poisson(4, len(rows)), hours=1.0)


def test_predictions_hold_the_truth_as_often_as_stated() -> None:
    """Conditional limits of the linear predictor, over groups and draws of one model."""
    rng, held = np.random.default_rng(5), []
    for _ in range(30):
        effects, group = 0.7 * rng.normal(size=60), np.repeat(np.arange(60), 8)
        eta = 1.0 + effects[group]
        rows = pd.DataFrame({"group": group.astype(str), "y": rng.poisson(np.exp(eta))})
        predicted = glmm("y ~ 1 + (1 | group)", rows).predict(type="link")
        held.append(((predicted["conf_low"] <= eta) & (eta <= predicted["conf_high"])).mean())
    assert abs(np.mean(held) - 0.95) < 0.015


def test_a_new_group_is_at_the_population_with_the_spread_between_groups() -> None:
    rows = simulated()
    fit = glmm("y ~ x + (1 + x | group)", rows)
    new = pd.DataFrame({"x": [0.0, 1.5], "group": ["g0", "elsewhere"]})
    with pytest.raises(InputError, match="'elsewhere' was not in the fit"):
        fit.predict(new)
    predicted = fit.predict(new, allow_new_levels=True, type="link")
    plain = fit.predict(new, random=False, type="link")
    assert predicted["estimate"].iloc[1] == pytest.approx(plain["estimate"].iloc[1])
    factor = fit.parts[0].factor(fit.theta)
    between = np.sum((np.array([1.0, 1.5]) @ factor) ** 2)
    wanted = np.sqrt(plain["std_error"].iloc[1] ** 2 + between)
    assert predicted["std_error"].iloc[1] == pytest.approx(wanted)
    assert predicted["estimate"].iloc[0] != pytest.approx(plain["estimate"].iloc[0])


def test_exposure_of_new_rows_multiplies_and_is_asked_for() -> None:
    fit = glmm("y ~ x + (1 | group)", simulated(), exposure="hours")
    new = pd.DataFrame({"x": [0.2, 0.2, 0.2], "hours": [1.0, 50.0, np.nan]})
    predicted = fit.predict(new, random=False)["estimate"]
    assert predicted.iloc[1] == pytest.approx(50 * predicted.iloc[0])
    assert np.isnan(predicted.iloc[2])
    with pytest.raises(InputError, match="no column 'hours'"):
        fit.predict(new.drop(columns="hours"), random=False)
    with pytest.raises(InputError, match="above 0"):
        fit.predict(new.assign(hours=0.0), random=False)


@pytest.mark.parametrize("family", ["poisson", "binomial", "negative-binomial"])
def test_squared_deviance_residuals_sum_to_the_deviance(family) -> None:
    """statsmodels' deviance residuals at the same means."""
    import statsmodels.api as sm

    rows = simulated()
    trials = {"trials": "size"} if family == "binomial" else {}
    fit = glmm("y ~ x + (1 | group)", rows, family=family, **trials)
    mean, y = fit.fitted.to_numpy(), rows["y"].to_numpy(float)
    if family == "binomial":
        size = rows["size"].to_numpy(float)
        ok = size > 0
        wanted = sm.families.Binomial().resid_dev(y[ok] / size[ok], mean[ok], size[ok])
        assert fit.residual_table["deviance"][ok].to_numpy() == pytest.approx(wanted, abs=1e-6)
        return
    alpha = fit.alpha
    known = sm.families.Poisson() if family == "poisson" else sm.families.NegativeBinomial(
        alpha=alpha)  # fmt: skip
    assert fit.residual_table["deviance"].to_numpy() == pytest.approx(
        known.resid_dev(y, mean), abs=1e-6
    )


def test_rows_left_out_keep_the_index_of_the_others() -> None:
    rows = simulated().set_index(pd.Index(np.arange(240) + 100))
    rows.loc[103, "x"] = np.nan
    fit = glmm("y ~ x + (1 | group)", rows)
    assert 103 not in fit.residuals.index
    assert list(fit.fitted.index) == [i for i in rows.index if i != 103]
    assert fit.simulate(3, seed=2).shape == (239, 3)
    assert fit.simulate(3, seed=2).equals(fit.simulate(3, seed=2))


def test_separated_counts_are_refused_in_words() -> None:
    rows = pd.DataFrame({"arm": ["a", "b"] * 6, "team": list("ppqqrrssttuu"), "y": [3, 0] * 6})
    fit = glmm("y ~ arm + (1 | team)", rows)
    for ask in (
        fit.predict,
        lambda: fit.residuals,
        fit.ranef,
        lambda: fit.emmeans("arm"),
    ):
        with pytest.raises(InputError, match="firth"):
            ask()


def test_an_observation_effect_has_the_labels_of_rows() -> None:
    fit = glmm("y ~ x + (1 | group)", simulated(), overdispersion="observation")
    modes = fit.ranef()
    assert set(modes["group"]) == {"group", "observation"}
    assert len(modes) == 40 + 240
    with pytest.raises(InputError, match="effect of an observation"):
        fit.predict(simulated())
    assert len(fit.predict(simulated(), random=False)) == 240


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda f: f.predict(type="mean"), "link, response"),
        (lambda f: f.predict(level=1.0), "between 0 and 1"),
        (lambda f: f.predict([1]), "DataFrame is needed"),
        (lambda f: f.emmeans("group"), "not a categorical column"),
        (lambda f: f.simulate(0), "1 or more"),
        (lambda f: f.ranef(level=2), "between 0 and 1"),
    ],
)  # fmt: skip
def test_bad_requests(ask, says) -> None:
    fit = glmm("y ~ x + (1 | group)", simulated(12))
    with pytest.raises(InputError, match=says):
        ask(fit)


def test_means_of_counts_are_those_of_linear_fits_without_degrees_of_freedom() -> None:
    rows = simulated(12).assign(arm=lambda t: np.where(t["x"] > 0, "b", "a"))
    means = glmm("y ~ arm + (1 | group)", rows).emmeans("arm")
    assert isinstance(means, MarginalMeans)
    for table in (means.table, means.pairs()):
        assert "df" not in table.columns
    ratio = float(means.table["estimate"].iloc[0] / means.table["estimate"].iloc[1])
    assert means.pairs()["estimate"].item() == pytest.approx(ratio)
