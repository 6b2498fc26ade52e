"""Marginal means by group, their contrasts and slopes, beside emmeans (`reference/emmeans.R`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from doors.models import max_t_ppf, max_t_sf, studentized_range_sf
from scipy.special import ndtr
from scipy.stats import chi2

import retrostats as rs
from retrostats import InputError

HERE = Path(__file__).parent / "reference"
R: dict[str, Any] = json.loads((HERE / "emmeans.json").read_text())
FIT = 2e-4  # lme4 stops short of the maximum: its variances differ by 1e-5, df by more
QMC = 4e-3  # mvtnorm's integral is random, with an error of about 1e-3 of a p-value
LATTICE = 1e-3  # of a tail: what 65,536 directions leave, as twice as many show
PMVT = 2e-5  # that error of a small p-value, as it is one minus the integral
COUNTS = 3e-3  # glmer's errors come from a finite-difference Hessian
NUMBERS = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high")


def sleep() -> pd.DataFrame:
    d = pd.read_csv(HERE / "data" / "sleepstudy.csv")
    who = d["Subject"].rank(method="dense").astype(int)
    d["arm"] = [("a", "b", "c")[i % 3] for i in who]
    d["sex"] = [("f", "m")[i % 5 > 2] for i in who]
    d["phase"] = np.select([d["Days"] < 3, d["Days"] < 7], ["p1", "p2"], "p3")
    d["night"] = np.where(d["Days"] % 2 == 0, "n1", "n2")
    d["count"] = (d["Reaction"] / 10).round()
    return d.drop(index=[2, 16, 19, 54, 55, 89]).astype({"Subject": str})


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return sleep()


@pytest.fixture(scope="module")
def fit(rows: pd.DataFrame) -> rs.LmmFit:
    return rs.lmm("Reaction ~ arm * phase + sex + (1 | Subject)", rows)


def agrees(table: pd.DataFrame, wanted: dict[str, list[float]], rtol: float = FIT) -> None:
    # a limit near 0 is as exact as the half-width, of some 25, that is added to the estimate
    atol = 1e-9 if rtol < COUNTS else 10 * rtol
    for name in NUMBERS:
        if name in table.columns:
            np.testing.assert_allclose(
                table[name],
                np.array(wanted[name], float),
                rtol=3 * rtol if name == "p_value" else rtol,  # of a t of 4 by 12 times that of t
                err_msg=name,
                atol=atol if name.startswith("conf") else 1e-9,
            )


def agrees_means(table: pd.DataFrame, wanted: dict[str, list[float]], rtol: float = FIT) -> None:
    names = ("emmean", "SE", "df", "lower.CL", "upper.CL")
    trend = next((name for name in wanted if name.endswith(".trend")), "emmean")
    for name, there in zip(
        ("estimate", "std_error", "df", "conf_low", "conf_high"), names, strict=True
    ):
        there = trend if there == "emmean" else there
        np.testing.assert_allclose(table[name], wanted[there], rtol=rtol, err_msg=name)


def test_pre_and_post_are_compared_within_each_arm() -> None:
    fit = rs.lmm("y ~ arm * time + (1 | subject)", pd.read_csv(HERE / "data" / "trial_prepost.csv"))
    found = fit.emmeans(["arm", "time"], by="arm").pairs()
    agrees(found, R["simple"])
    assert list(found.columns[:2]) == ["arm", "term"]
    assert found["arm"].tolist() == ["backward", "control"]
    assert found.equals(fit.emmeans("time", by="arm").pairs())
    assert found.equals(fit.emmeans(["arm", "time"]).pairs(by="arm"))
    assert len(fit.emmeans(["arm", "time"]).pairs()) == 6  # one family without by=


@pytest.mark.parametrize("adjust", ["tukey", "holm", "bonferroni", "sidak", "fdr", "mvt"])
def test_every_adjustment_within_groups(fit: rs.LmmFit, adjust: Any) -> None:
    table = fit.emmeans("phase", by="arm").pairs(adjust)
    wanted = R[f"by_{adjust}"]
    if adjust != "mvt":
        return agrees(table, wanted, 5e-4)
    agrees(table.drop(columns="p_value"), wanted, QMC)
    small = np.array(wanted["p_value"]) < 1e-5  # R's integral is of one minus it
    np.testing.assert_allclose(
        table["p_value"][~small], np.array(wanted["p_value"])[~small], QMC, PMVT
    )
    return None


def test_means_by_group_and_named_contrasts(fit: rs.LmmFit) -> None:
    means = fit.emmeans("phase", by="arm")
    agrees_means(means.table, R["by"])
    for method in ("consecutive", "effects", "polynomial"):
        agrees(means.contrast(method), R[method])
    late = {"late": [-0.5, -0.5, 1.0], "end": {"p1": -1.0, "p3": 1.0}}
    agrees(means.contrast(late), R["custom"])
    crossed = fit.emmeans(["arm", "phase"])
    found = crossed.contrast("pairwise", interaction=True)
    order = ["arm", "phase"]
    # emmeans runs through the first factor fastest
    wanted = pd.DataFrame(R["interaction"])
    wanted = wanted.iloc[[3 * p + a for a in range(3) for p in range(3)]]
    agrees(found, {k: v.tolist() for k, v in wanted.items()})
    assert found["term"].iloc[1] == "a - b : p1 - p3", order
    for key, reference in (("control", None), ("control_last", "p3")):
        table = means.contrast("control", reference=reference)
        big = np.array(R[key]["p_value"]) > 1e-5
        np.testing.assert_allclose(
            table["p_value"][big], np.array(R[key]["p_value"])[big], QMC, PMVT
        )
        agrees(table.drop(columns="p_value"), R[key], QMC)


@pytest.mark.parametrize("weights", ["equal", "proportional", "cells"])
def test_what_levels_averaged_over_count(fit: rs.LmmFit, weights: Any) -> None:
    means = fit.emmeans("arm", weights=weights)
    agrees_means(means.table, R[weights])
    assert "over phase (p1, p2, p3), sex (f, m)" in repr(means)
    assert "95% intervals" in repr(means)


def test_slopes_by_group(rows: pd.DataFrame) -> None:
    slopes = rs.lmm("Reaction ~ Days * arm + sex + (Days | Subject)", rows).emtrends("arm", "Days")
    agrees_means(slopes.table, R["trends"], 1e-3)
    agrees(slopes.pairs(), R["trend_pairs"], 1e-3)
    curved = rs.lmm("Reaction ~ poly(Days, 2) * arm + (1 | Subject)", rows)
    agrees_means(curved.emtrends("arm", "Days", at={"Days": 2}).table, R["curved"])
    with pytest.raises(InputError, match="not a number of the fixed effects; they have: Days"):
        curved.emtrends("arm", "sex")


def test_ratios_and_rates_within_groups(rows: pd.DataFrame) -> None:
    logged = rs.lmm("log(Reaction) ~ arm * phase + sex + (1 | Subject)", rows)
    agrees(logged.emmeans("phase", by="arm", type="response").pairs(), R["ratios"], 5e-4)
    counts = rs.glmm("count ~ arm * phase + (1 | Subject)", rows)
    agrees(counts.emmeans("phase", by="arm").pairs(), R["rates"], COUNTS)


def test_nested_factors_bring_what_they_stand_in(rows: pd.DataFrame) -> None:
    fit = rs.lmm("Reaction ~ phase + phase:night + (1 | Subject)", rows)
    means = fit.emmeans("night")
    assert means.factors == ("phase", "night")
    assert "night is nested in phase: its means are within each" in repr(means)
    agrees_means(means.table, R["nested"])
    agrees_means(fit.emmeans("phase").table, R["nested_over"])
    pairs = means.pairs()
    swapped = {k: np.array(v)[:3].tolist() for k, v in R["nested_pairs"].items()}
    agrees(pairs.iloc[:3], swapped, 5e-4)
    with pytest.raises(InputError, match="night is nested in phase"):
        means.contrast(interaction=True)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda m: m.pairs(by="sex"), "by: sex is not among the factors"),
        (lambda m: m.pairs("scheffe"), "adjust='scheffe'; allowed: tukey, dunnett"),
        (lambda m: m.contrast("control", adjust="tukey"), "'tukey' is for all pairs"),
        (lambda m: m.contrast("consec"), "'consec' is 'consecutive' here"),
        (lambda m: m.contrast({"x": {"p9": 1}}), "no mean p9; there are: p1, p2, p3"),
        (lambda m: m.contrast({"x": [1, 2]}), "3 weights are needed"),
        (lambda m: m.contrast({}), "the mapping is empty"),
        (lambda m: m.contrast("control", reference="p9"), "'p9' is none of the means"),
        (lambda m: m.contrast(interaction=True), "two crossed factors or more, found phase"),
        (lambda m: m.fit.emmeans("arm", weights="even"), "weights='even'; allowed: equal"),
    ],
)
def test_what_cannot_be_asked_is_said(fit: rs.LmmFit, ask: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask(fit.emmeans("phase", by="arm"))


def test_a_table_of_pairs_says_what_was_adjusted(fit: rs.LmmFit) -> None:
    shown = repr(fit.emmeans("phase", by="arm", level=0.9).pairs())
    assert "Tukey's adjustment, 3 comparisons within each arm; 90% intervals (together)" in shown


def test_the_multivariate_t_of_all_pairs_is_the_studentized_range() -> None:
    from itertools import combinations

    for means, df in ((3, 7.0), (5, 20.0), (4, np.inf)):
        pairs = list(combinations(range(means), 2))
        rows = np.array([np.eye(means)[i] - np.eye(means)[j] for i, j in pairs])
        t = np.linspace(1.0, 5.0, len(pairs))
        found = max_t_sf(t, rows @ rows.T / 2.0, np.full(len(pairs), df))
        wanted = studentized_range_sf(t * np.sqrt(2.0), means, np.full(len(pairs), df))
        np.testing.assert_allclose(found, wanted, rtol=LATTICE)


@pytest.mark.parametrize(
    ("treatments", "df"),
    [(3, 24), *(pytest.param(*rest, marks=pytest.mark.thorough) for rest in ((2, 10), (5, 10)))],
)
def test_dunnetts_points_are_those_of_his_integral(treatments, df) -> None:
    z, w = np.polynomial.hermite_e.hermegauss(60)
    w = w / w.sum()
    correlation = np.full((treatments, treatments), 0.5) + 0.5 * np.eye(treatments)
    point = max_t_ppf(0.95, correlation, np.full(treatments, float(df)))[0]
    scale = np.sqrt(chi2.ppf((np.arange(2000) + 0.5) / 2000, df) / df)
    # given the control's mean, the treatments are independent: Dunnett (1955), eq. 2
    high = ndtr(z[:, None] + np.sqrt(2.0) * point * scale)
    low = ndtr(z[:, None] - np.sqrt(2.0) * point * scale)
    inside = float(w @ ((high - low) ** treatments).mean(axis=1))
    assert inside == pytest.approx(0.95, abs=LATTICE * 0.05)


def test_effects_run_over_the_range_and_are_drawn(rows: pd.DataFrame) -> None:
    fit = rs.lmm("log(Reaction) ~ Days * arm + sex + (1 | Subject)", rows)
    found = fit.effects("Days", by="arm")
    table = found.table
    assert (table["Days"].min(), table["Days"].max(), len(table)) == (0, 9, 75)
    one = fit.emmeans("arm", at={"Days": 9.0}, type="response").table
    last = table[table["Days"] == 9].reset_index(drop=True)
    np.testing.assert_allclose(last["conf_high"], one["conf_high"], rtol=1e-12)
    figure = found.plot()
    (axes,) = figure.axes
    assert len(axes.lines) == 3
    assert axes.get_ylabel() == "Reaction (95% interval)"
    np.testing.assert_allclose(axes.lines[0].get_ydata(), table["estimate"][:25])
    points = fit.emmeans("arm").plot().axes[0]
    assert [t.get_text() for t in points.get_xticklabels()] == ["a", "b", "c"]
    number = fit.effects("arm", by="Days").table["Days"].unique()
    np.testing.assert_allclose(number, rows["Days"].mean() + rows["Days"].std() * np.arange(-1, 2))
