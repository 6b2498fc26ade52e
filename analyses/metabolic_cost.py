"""Metabolic cost: how much more energy does running backward take at the same speed?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from retrostats.audit.analysis import Context
from retrostats.audit.claims import Claim
from retrostats.evidence.findings.builders import Builders
from retrostats.evidence.findings.cohorts import CohortEffect
from retrostats.evidence.findings.open_effects import share_of_level
from retrostats.evidence.findings.results import Result, findings_of, methods_of
from retrostats.evidence.result.findings import EstimateRow, Findings
from retrostats.evidence.unreported.unknowns import Unknown

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.report.figures import Drawing

NAME = "metabolic-cost"
TITLE = "Metabolic cost"
TOPIC = "metabolic_cost"
QUESTION = "Does running backward take about 30% more energy than running forward at one speed?"
CLAIM, WALK_CLAIM = "energy_30", "walk_energy"
#: Printed row of the share of the forward peak that running backward took (Flynn 1994).
FLYNN_SHARE = "mc-flynn1994-pct-of-forward-vo2peak-run-backward"
#: Oxygen uptake of level running [ml/kg/min] at a speed [m/min]: slope and intercept of the running
#: equation of the American College of Sports Medicine (Guidelines for Exercise Testing).
RUNNING_EQUATION = (0.2, 3.5)


def analyse(context: Context) -> Findings:
    """Estimand: metabolic rate (or cost of transport) backward divided by forward, same people,
    same speed and grade, running. Walking is a claim of its own and never pooled with it.
    """
    build = Builders.of(context, TOPIC)
    printed, walking = with_an_error(build)
    rasica, *words = without_an_error(build)
    cohorts = build.cohort_ratios("mc-cohorts")
    relevant = [cohort for cohort in cohorts if cohort.relevant]
    pool = weighed(build, printed, [rasica, *words], relevant)
    few_studies, one_stages = pooled(build, pool, printed, [rasica, *words], relevant)
    more = [
        build.shown(name, lambda percent: 1 + percent / 100) for name in ("mc-wegner", "mc-wuhan")
    ]
    effort, kimchoi = (
        build.shown(name, lambda forward, backward: backward / forward)
        for name in ("mc-effort", "mc-kimchoi")
    )
    return findings_of(
        [
            pool.only_measure(), [stage.only_measure() for stage in one_stages],
            printed, rasica, more, effort, words, build.in_words("mc-rasica-level", "direction"),
            build.cohort_rows("mc-cohorts", cohorts), pool, one_stages, few_studies,
            walking, kimchoi, build.assumptions(), build.percent_checks(),
        ],
        judged={CLAIM: "mc-pool", WALK_CLAIM: "mc-williford-walk"},
    )  # fmt: skip


def with_an_error(build: Builders) -> tuple[list[Result], Result]:
    """Where a paper prints mean, SD and n of both directions, a mixed model (direction fixed,
    people random, covariance of either sign) is fitted to those moments on the log scale. No
    source prints the correlation between directions; it runs over every value that the
    printed p-value, read as a paired t-test, leaves possible; every printed number moves inside
    its rounding.
    """
    pairs = [build.crossover(name, cross_check=True) for name in ("mc-williford-run", "mc-bws")]
    walking = build.crossover("mc-williford-walk", judges=True, cross_check=True)
    return [*pairs, build.percentage("mc-wright")], walking


def pooled(
    build: Builders,
    pool: Result,
    printed: Sequence[Result],
    bounded: Sequence[Result],
    cohorts: Sequence[CohortEffect],
) -> tuple[list[EstimateRow], list[Result]]:
    """Running studies that print an error are pooled by random effects (REML, Knapp-Hartung where
    it does not narrow the interval) with a prediction interval, and in one stage: one mixed
    model of the log ratios of all their people, from printed moments and raw rows alike, in
    which the ratio differs between studies and every study has a residual variance of its own
    (Kenward-Roger's error, studies less one as df). With three studies the interval is what a
    method makes of the variance between them: Henmi-Copas and two half-normal priors stand beside
    it, and none of them judges.
    """
    numbered = [result for result in bounded if result.source and result.source.n > 0]
    one_stages = [
        build.one_stage("mc-one-stage", printed, cohorts),
        build.one_stage("mc-one-stage-all", [*printed, *numbered], cohorts),
    ]
    return build.few_studies(pool, printed, cohorts), one_stages


def without_an_error(build: Builders) -> list[Result]:
    """Results without an error are bounded, not dropped: a percentage over six grades (Rasica 2020)
    by a range of spreads; no difference (Paes 2016) by every effect that a test on its people
    would not call significant; higher (Reilly 1984) from below by its test and from above by the
    largest result printed; higher (Flynn 1994) by its own abstract, which prints the backward
    cost as 84% of a peak uptake that is taken as 45 to 65 ml/kg/min, over the forward cost that
    the ACSM running equation gives. They enter in steps: those that print an error, then the
    bare percentage, then all results in words together, since a null in words without the
    positive results in words is no choice. Paes 2016 is flagged: its energy is below what
    running costs. Rasica 2020 also says higher on the level, a result of its own without a size.
    """
    return [
        build.percentage("mc-rasica"),
        build.in_words("mc-paes", "not significant"),
        build.in_words("mc-reilly", "higher"),
        flynn(build),
    ]


def weighed(
    build: Builders,
    printed: Sequence[Result],
    bounded: Sequence[Result],
    cohorts: Sequence[CohortEffect],
) -> Result:
    """Which of these steps counts, and which estimator pools, are choices of the space over which
    the verdict must hold; the one-stage model is moved over what all but Flynn 1994, whose
    people are not numbered, left open. One implausible value without people or error is shown
    and never weighed.
    """
    rasica, *words = bounded
    steps = {
        "those that print an error": [],
        "and Rasica 2020": [rasica],
        "all that can be bounded": [rasica, *words],
    }
    why = (
        "a source without a printed error is bounded, not dropped; results in words count together"
    )
    return build.pool("mc-pool", printed, cohorts, steps, why, CLAIM)


METHODS = methods_of(analyse, with_an_error, pooled, without_an_error, weighed)


def flynn(build: Builders) -> Result:
    """The printed share of an unprinted peak, over the forward cost that `RUNNING_EQUATION` gives.

    The peak moves as far as the paired test of an unknown number of people would give p < 0.001.
    """
    words, printed = build.printed("mc-flynn"), build.printed("mc-flynn", row_id=FLYNN_SHARE)
    row_id, label, range_of = str(words["row_id"]), "Flynn 1994", build.context.audit.range_of
    slope, rest = RUNNING_EQUATION
    source = share_of_level(
        label,
        Unknown.of_cell(f"share of the forward peak ({label})", printed, "mean"),
        range_of(row_id, "peak_uptake", f"peak oxygen uptake ({label})", "ml/kg/min"),
        slope * 60 * float(words["speed_m_s"]) + rest,
        (
            range_of(row_id, "people", f"number of people ({label})"),
            build.spread(row_id, label),
            float(words["p_value"]),
        ),
        (row_id, FLYNN_SHARE),
    )
    return build.bounded("mc-flynn", source, [words, printed])


def draw(frames: Mapping[str, pd.DataFrame], claims: Mapping[str, Claim]) -> dict[str, Drawing]:
    """Forest of the cost ratio, and its dependence on the correlations."""
    from retrostats.report.figures import Forest, forest_drawing, sensitivity_drawing

    ends = ("backward costs less", "backward costs more")
    forest = (
        Forest("metabolic_rate_ratio", "Metabolic rate, backward / forward (ratio, log axis)",
               ends=ends, claim_id=CLAIM),
        Forest("cost_per_metre_ratio", "Cost of a metre, backward / forward (ratio, log axis)",
               "Own cohorts at different speeds: no ratio at one speed", ends),
    )  # fmt: skip
    return {
        "metabolic_cost_forest": forest_drawing(
            frames, claims, forest, "data/published/metabolic_cost.csv",
            "Forest plot of the backward / forward ratio of metabolic rate",
            shows=("mc-pool", "mc-one-stage-all"),
        ),
        "metabolic_cost_sensitivity": sensitivity_drawing(
            frames, claims, "Cost ratio as a function of the unprinted correlations", ("mc-pool",)
        ),
    }  # fmt: skip
