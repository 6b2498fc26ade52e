"""Tuberculosis after BCG vaccination: thirteen trials, their pool, and what moderates it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from retrostats.audit.analysis import Context
from retrostats.audit.claims import Claim
from retrostats.common.errors import InputError
from retrostats.evidence.printed.pair import one_row
from retrostats.evidence.result.estimate import Estimate, Scale
from retrostats.evidence.result.findings import EstimateRow, Findings, Measure
from retrostats.evidence.unreported.pooled import ESTIMATOR, interval_of, method_choice
from retrostats.evidence.unreported.sources import known_source
from retrostats.evidence.unreported.unknowns import Choice, Values
from retrostats.models.meta.two_stage import Pooled, pool

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from retrostats.report.figures import Drawing

NAME = "tuberculosis"
TITLE = "Tuberculosis after BCG vaccination"
TOPIC = "tuberculosis"
QUESTION = "Does the vaccine halve tuberculosis, and does it protect more far from the equator?"
METHODS = (
    "Each trial: log risk ratio, vaccinated / not vaccinated, from the printed counts, with the "
    "variance 1/a - 1/n1 + 1/c - 1/n2 of two independent binomial arms.",
    "Pool: random-effects mean by REML with normal limits, as published; the range runs over three "
    "estimators of the variance between trials, and over normal and Knapp-Hartung limits.",
    "Moderators: mixed-effects regression of the log risk ratio on absolute latitude and on the "
    "year of publication, one at a time, over the same choices. Trials were not allocated to "
    "places or years, so a slope is an association between trials.",
)
ARMS = ("vaccinated", "not vaccinated")
OUTCOME = "tuberculosis_cases"
RATIO, LATITUDE, YEAR = "risk_ratio", "risk_ratio_slope_latitude", "risk_ratio_slope_year"
UNIT = "risk ratio vaccinated / not vaccinated"
SOURCE = "data/published/tuberculosis.csv"
LIMITS = "normal or Knapp-Hartung limits"
TESTS = {"normal": "z", "Knapp-Hartung": "knapp-hartung"}
#: Names for the reader where a citation does not begin with one.
NAMED = {"tpt1980": "Madras trial"}
#: Degrees of latitude that part the two groups of the forest: beyond the subtropics.
FAR = 35.0
NEAR_GROUP, FAR_GROUP, TOGETHER = "Up to 35° from the equator", "Farther than 35°", "Together"


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial: its effect, its people, where and when."""

    study_id: str
    label: str
    estimate: Estimate
    n: float
    latitude: float
    year: float


def analyse(context: Context) -> Findings:
    """Risk ratio of every trial, their pool, and the slopes on latitude and year."""
    trials = sorted(_trials(context), key=lambda trial: (trial.latitude > FAR, trial.latitude))
    effects = [trial.estimate for trial in trials]
    slopes = (
        ("tb-latitude", LATITUDE, "Slope on latitude", "degree of latitude", "latitude"),
        ("tb-year", YEAR, "Slope on year", "year of publication", "year"),
    )
    rows = [_trial_row(trial) for trial in trials]
    rows.append(_pool_row(effects, sum(trial.n for trial in trials)))
    for estimate_id, quantity, label, per, name in slopes:
        rows.append(_slope_row(trials, name, estimate_id, label, quantity, per))
    mean = _over_choices(effects, None, log=True)
    fitted = {"tb-pool": mean} | {
        estimate_id: _over_choices(effects, _column(trials, name), log=False)
        for estimate_id, _, _, _, name in slopes
    }
    judged = {"halves": "tb-pool", "reduces": "tb-pool", "latitude": "tb-latitude",
              "fades": "tb-year"}  # fmt: skip
    names = {row.estimate_id: row.label for row in rows}
    unknowns = (method_choice(), Choice(LIMITS, TESTS, "both are in common use"))
    sources = {
        "tb-pool": tuple(
            known_source(t.label, t.estimate, t.n, measure="risk ratio") for t in trials
        )
    }
    measures = tuple(
        Measure(estimate_id, names[estimate_id], fitted[estimate_id], unknowns, claim,
                sources=sources.get(estimate_id, ()))
        for claim, estimate_id in judged.items()
    )  # fmt: skip
    return Findings(estimates=tuple(rows), measures=measures, judged=judged)


def _trials(context: Context) -> list[Trial]:
    rows = context.published[context.published["outcome"] == OUTCOME]
    studies = context.audit.studies.set_index("study_id")
    return [_trial(rows, study, studies.loc[study]) for study in dict.fromkeys(rows["study_id"])]


def _trial(rows: pd.DataFrame, study: str, about: Any) -> Trial:
    """Log risk ratio of two arms."""
    treated, control = (one_row(rows, study_id=study, arm=arm) for arm in ARMS)
    for arm in (treated, control):
        if not (arm["poolable"] and arm["events"] > 0):
            raise InputError(
                f"row {arm['row_id']}: {arm['events']} events, poolable: {arm['poolable']}; a "
                "log risk ratio needs one event or more in each independent arm"
            )
    value = math.log(
        treated["events"] / treated["exposure"] * control["exposure"] / control["events"]
    )
    variance = sum(1 / arm["events"] - 1 / arm["exposure"] for arm in (treated, control))
    source = (str(treated["row_id"]), str(control["row_id"]))
    return Trial(
        study,
        f"{NAMED.get(study, about['citation'].split()[0])} {about['year']:.0f}",
        Estimate(value, math.sqrt(variance), math.inf, "log_ratio", UNIT, source),
        float(treated["n"] + control["n"]),
        float(about["latitude_deg"]),
        float(about["year"]),
    )


def _trial_row(trial: Trial) -> EstimateRow:
    return EstimateRow.of(
        trial.estimate,
        f"tb-{trial.study_id}",
        f"{trial.label}, {trial.latitude:.0f}°",
        quantity=RATIO,
        role="recomputed",
        study_id=trial.study_id,
        n=trial.n,
        directness="direct, randomised or otherwise allocated arms",
        group=FAR_GROUP if trial.latitude > FAR else NEAR_GROUP,
        pooled=True,
    )


def _pool_row(effects: Sequence[Estimate], n: float) -> EstimateRow:
    pooled = pool(list(effects), test="z")
    low, high = math.exp(pooled.pred_low), math.exp(pooled.pred_high)
    return EstimateRow.of(
        _estimate(pooled, 0, "log_ratio", UNIT, effects),
        "tb-pool",
        "Pool of thirteen trials",
        quantity=RATIO,
        role="pooled",
        claim_id="halves",
        n=n,
        group=TOGETHER,
        k=pooled.k,
        tau=math.sqrt(pooled.tau2),
        i2=pooled.i2,
        pred_low=low,
        pred_high=high,
    )


def _slope_row(
    trials: Sequence[Trial], name: str, estimate_id: str, label: str, quantity: str, per: str
) -> EstimateRow:
    effects = [trial.estimate for trial in trials]
    fit = pool(effects, test="z", moderators=_column(trials, name))
    unit = f"log risk ratio per {per}"
    return EstimateRow.of(
        _estimate(fit, 1, "difference", unit, effects),
        estimate_id,
        label,
        quantity=quantity,
        role="pooled",
        n=sum(trial.n for trial in trials),
        k=fit.k,
        tau=math.sqrt(fit.tau2),
        i2=fit.i2,
        claim_id={LATITUDE: "latitude", YEAR: "fades"}[quantity],
        directness="between trials, not allocated",
    )


def _column(trials: Sequence[Trial], name: str) -> pd.DataFrame:
    """One moderator (k, 1)."""
    return pd.DataFrame({name: [getattr(trial, name) for trial in trials]})


def _estimate(
    fit: Pooled, place: int, scale: Scale, unit: str, effects: Sequence[Estimate]
) -> Estimate:
    """One coefficient of a pool as an estimate."""
    source = tuple(row for effect in effects for row in effect.source)
    df = float(fit.dfs[place])
    return Estimate(
        float(fit.values[place]),
        float(fit.std_errors[place]),
        df if math.isfinite(df) else math.inf,
        scale,
        unit,
        source,
    )


def _over_choices(
    effects: Sequence[Estimate], moderator: pd.DataFrame | None, *, log: bool
) -> Callable[[float], Callable[[Values], Any]]:
    """The last coefficient of the pool by every estimator and every kind of limits.

    Six fits answer every draw, as nothing but these two choices is open.
    """
    fits = {
        (method, test): pool(list(effects), method=method, test=test, moderators=moderator)
        for method in method_choice().options.values()
        for test in TESTS.values()
    }

    def at(level: float) -> Callable[[Values], Any]:
        def estimate(v: Values) -> Any:
            chosen = [fits[str(m), str(t)] for m, t in zip(v[ESTIMATOR], v[LIMITS], strict=True)]
            value, error, df = (
                np.array([getattr(fit, part)[-1] for fit in chosen], dtype=float)
                for part in ("values", "std_errors", "dfs")
            )
            return interval_of(value, error, df, level, log=log)

        return estimate

    return at


def draw(frames: Mapping[str, pd.DataFrame], claims: Mapping[str, Claim]) -> dict[str, Drawing]:
    """The forest by distance from the equator, and the two slopes."""
    from retrostats.report.figures import Drawing

    return {
        "tuberculosis": Drawing(
            _forest(frames["estimates"], claims),
            "Risk ratio of tuberculosis in thirteen trials and their pool, by latitude",
            shows=("tb-pool",),
        ),
        "tuberculosis_moderators": Drawing(
            _slopes(frames["estimates"]),
            "Slopes of the log risk ratio on latitude and on year of publication",
        ),
    }


def _forest(estimates: pd.DataFrame, claims: Mapping[str, Claim]) -> Figure | None:
    from retrostats.report.figures import band_of, panel_of, rows_of, stack

    panel = panel_of(
        rows_of(estimates, RATIO),
        "Risk ratio, vaccinated / not vaccinated (log axis)",
        band=band_of(claims.get("halves")),
        ends=("fewer cases vaccinated", "more cases vaccinated"),
    )
    return stack([panel], SOURCE)


def _slopes(estimates: pd.DataFrame) -> Figure | None:
    from retrostats.report.figures import panel_of, rows_of, stack

    return stack(
        [
            panel_of(
                rows_of(estimates, LATITUDE),
                "Log risk ratio per degree of latitude",
                ends=("protects more far from the equator", "less"),
            ),
            panel_of(
                rows_of(estimates, YEAR),
                "Log risk ratio per year of publication",
                ends=("protects more in later trials", "less"),
            ),
        ],
        f"{SOURCE}, data/studies.csv",
    )
