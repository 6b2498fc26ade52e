"""Metabolic cost: how much more energy does running backward take at the same speed?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from retrostats.analysis import Context
from retrostats.cohorts import cohort_ratios
from retrostats.judge.claims import Claim
from retrostats.pool.one_stage import one_stage_row
from retrostats.reduce.pair import one_row
from retrostats.reduce.recompute import percent_change
from retrostats.result.findings import Assumption, EstimateRow, Findings, Sweep
from retrostats.study import (
    crossover_study,
    hollow_ratio,
    hollow_row,
    percentage_estimate,
    pooled_row,
)
from retrostats.unprinted.sensitivity import ROUNDING, pool_grid, rounding_extremes, sweep_unknowns
from retrostats.witnesses import witness_pair

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NAME = "metabolic-cost"
TITLE = "Metabolic cost"
TOPIC = "metabolic_cost"
QUESTION = "Does running backward take about 30% more energy than running forward at one speed?"
METHODS = (
    "Estimand: metabolic rate (or cost of transport) backward divided by forward, same people, "
    "same speed and grade, running. Walking is shown beside it and never pooled with it.",
    "Where a paper prints mean, SD and n of both directions, a mixed model (direction fixed, "
    "people random, covariance of either sign) is fitted to those moments on the log scale. No "
    "source prints the correlation between directions; it runs over every value that the "
    "printed p-value, read as a paired t-test, leaves possible.",
    "A percentage printed with a standard error enters as it stands. A percentage or a ratio of "
    "means without one is shown hollow and not pooled; a result in words stays in the tables.",
    "Running studies are pooled by random effects (REML, Knapp-Hartung) with a prediction "
    "interval, and in one stage: one mixed model of all printed moments at once.",
)
CLAIM = "energy_30"
RATIO = {"quantity": "metabolic_rate_ratio", "claim_id": CLAIM, "directness": "direct"}
WALKING = {"quantity": "metabolic_rate_ratio", "directness": "walking, not running"}
EFFORT = {"quantity": "metabolic_rate_ratio", "directness": "self-selected effort, not one speed"}
WORDS_ONLY = Assumption(
    "mc-words-only",
    "results in words",
    "running results printed in words are left out of the pool, which they could move either way",
    "Paes 2016 prints no significant difference at 2.46 m/s (10 people) and would draw it towards "
    "1; Reilly 1984, Flynn 1994 and Cavagna 2011 name a higher cost backward; none prints the "
    "numbers from which the shift could be computed",
)


def analyse(context: Context) -> Findings:
    """Ratio of each study, their pool, and how far both depend on what was not printed."""
    rows = context.published
    vo2 = {"study_id": "williford1998", "outcome": "vo2_ml_kg_min"}
    cost = {
        "study_id": "bws_direction_abstract",
        "outcome": "cost_of_transport_j_kg_m",
    }
    studies = [
        crossover_study(
            rows,
            "mc-williford-run",
            "Williford 1998, run",
            where={**vo2, "gait": "run"},
            pooled=True,
            **RATIO,
        ),
        crossover_study(
            rows, "mc-bws", "Body-weight-support study, 0%", where=cost, pooled=True, **RATIO
        ),
    ]
    walking = crossover_study(
        rows, "mc-williford-walk", "Williford 1998, walk", where={**vo2, "gait": "walk"}, **WALKING
    )
    printed = one_row(rows, study_id="wright2001", outcome="metabolic_rate_pct_difference_measured")
    wright = percentage_estimate(printed)
    cohorts = cohort_ratios(context.cohorts)

    pairs = [study.pair for study in studies]
    fixed = [wright, *(cohort.estimate for cohort in cohorts if cohort.bears)]
    grid = pool_grid(pairs, fixed)
    extremes = rounding_extremes(
        pairs,
        [study.digits for study in studies],
        fixed,
        draws=context.draws,
        seed=context.seed,
        jobs=context.jobs,
        scheduler=context.scheduler,
    )
    pool_row, _ = pooled_row(
        [*(study.middle for study in studies), *fixed],
        "mc-pool",
        "Pool, running",
        (*grid, *extremes),
        ROUNDING,
        gait="run",
        **RATIO,
    )
    return Findings(
        estimates=(
            *(study.row for study in studies),
            EstimateRow.of(
                wright,
                "mc-wright",
                "Wright & Weyand 2001, run",
                role="printed",
                study_id="wright2001",
                n=float(printed["n"]),
                gait="run",
                speed_m_s=printed["speed_m_s"],
                pooled=True,
                **RATIO,
            ),
            *_hollow_running(rows),
            *(cohort.row(CLAIM) for cohort in cohorts),
            pool_row,
            one_stage_row(
                studies,
                context.cohorts,
                "mc-one-stage",
                "One stage, all cells",
                gait="run",
                **RATIO,
            ),
            walking.row,
            *_hollow_walking(rows),
        ),
        candidates={CLAIM: (*grid, *extremes)},
        without_cohorts={CLAIM: pool_grid(pairs, [wright])} if len(fixed) > 1 else {},
        judged={CLAIM: "mc-pool"},
        assumptions=(
            *(a for study in [*studies, walking] for a in study.assumptions),
            WORDS_ONLY,
        ),
        checks=_checks(rows),
        sweeps=(
            *(study.sweep for study in [*studies, walking]),
            *(
                Sweep("mc-pool", "Pool, running", "ratio", along, CLAIM)
                for along in sweep_unknowns(grid)
            ),
        ),
        witnesses=tuple(
            w for study in [*studies, walking] for w in witness_pair(study, context.seed)
        ),
    )


def _hollow_running(rows: pd.DataFrame) -> list[EstimateRow]:
    """Running results printed without a standard error, an outlier among them; none is weighed."""
    wuhan = one_row(rows, study_id="wuhan2004", outcome="vo2_pct_difference", direction="backward")
    rasica = one_row(rows, study_id="rasica2020", outcome="metabolic_cost_pct_difference")
    wegner = one_row(rows, study_id="wegner_case", outcome="vo2_pct_difference")
    shown = {"scale": "ratio", "unit": "ratio backward / forward", **RATIO}
    return [
        hollow_row(
            [rasica],
            1 + rasica["pct_change"] / 100,
            "mc-rasica",
            "Rasica 2020, run, mean of 6 grades",
            **shown,
        ),
        hollow_row(
            [wegner],
            1 + wegner["pct_change"] / 100,
            "mc-wegner",
            "Record holder, one person, press",
            **shown,
        ),
        hollow_row(
            [wuhan],
            1 + wuhan["pct_change"] / 100,
            "mc-wuhan",
            "Wuhan 2004, run, implausible outlier",
            **shown,
        ),
        hollow_ratio(
            rows,
            "mc-effort",
            "Ten women, self-selected effort",
            where={"study_id": "jsr13_67", "outcome": "vo2_ml_kg_min"},
            **EFFORT,
        ),
    ]


def _hollow_walking(rows: pd.DataFrame) -> list[EstimateRow]:
    """Walking results printed without a standard error."""
    return [
        hollow_ratio(
            rows,
            "mc-kimchoi",
            "Kim & Choi 2001, walk",
            where={"study_id": "kimchoi2001", "outcome": "vo2_ml_kg_min"},
            **WALKING,
        )
    ]


def _checks(rows: pd.DataFrame) -> tuple:
    """The one percentage whose inputs are printed beside it."""
    case = {"study_id": "wegner_case", "outcome": "energy_total_kcal"}
    forward = one_row(rows, direction="forward", **case)
    backward = one_row(rows, direction="backward", **case)
    return (
        percent_change(
            "wegner-energy",
            "wegner_case",
            "energy of one 6-min run, % more backward",
            backward["pct_change_text"],
            forward["mean_text"],
            backward["mean_text"],
            [forward["row_id"], backward["row_id"]],
        ),
    )


def draw(
    frames: Mapping[str, pd.DataFrame], claims: Mapping[str, Claim]
) -> dict[str, Figure | None]:
    """Forest of the cost ratio, and its dependence on the correlations."""
    from retrostats.draw.figures import forest_cost, sensitivity

    return {
        "metabolic_cost_forest": forest_cost(frames["estimates"], claims[CLAIM]),
        "metabolic_cost_sensitivity": sensitivity(frames["sensitivity"], claims),
    }
