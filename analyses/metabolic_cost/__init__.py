"""Metabolic cost: how much more energy does running backward take at the same speed?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from retrostats.audit.analysis import Context
from retrostats.audit.claims import Claim
from retrostats.evidence.findings.cohorts import CohortEffect, cohort_ratios, compared
from retrostats.evidence.findings.cross_checks import cross_check_pair
from retrostats.evidence.findings.crossover import CrossoverStudy, crossover_study
from retrostats.evidence.findings.few_studies import few_studies_rows
from retrostats.evidence.findings.one_stage import effect_rows, one_stage_measure, one_stage_row
from retrostats.evidence.findings.pooled import pooled_measure, pooled_row
from retrostats.evidence.findings.printed import (
    Shown,
    more_in_percent,
    no_standard_error_ratio,
    percentage_estimate,
)
from retrostats.evidence.printed.pair import one_row
from retrostats.evidence.printed.recompute import percent_change
from retrostats.evidence.printed.reported import Reported
from retrostats.evidence.result.findings import Check, EstimateRow, Findings, Measure
from retrostats.evidence.unreported.pooled import COUNTED, method_choice, source_choice
from retrostats.evidence.unreported.sources import Source, percentage_source

from .bounded import (
    ASSUMPTIONS,
    IN_WORDS,
    flynn_source,
    paes_source,
    rasica_source,
    reilly_source,
    words_rows,
)
from .names import (
    CLAIM,
    CONDITIONS,
    EFFORT,
    NAME,
    QUANTITY,
    RATIO,
    RUN,
    SELF_CHOSEN,
    UNIT,
    WALK,
    WALK_CLAIM,
    WALKING,
)

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.report.figures import Drawing

__all__ = ["METHODS", "NAME", "QUESTION", "TITLE", "TOPIC", "analyse", "draw"]

TITLE = "Metabolic cost"
TOPIC = "metabolic_cost"
QUESTION = "Does running backward take about 30% more energy than running forward at one speed?"
METHODS = (
    "Estimand: metabolic rate (or cost of transport) backward divided by forward, same people, "
    "same speed and grade, running. Walking is a claim of its own and never pooled with it.",
    "Where a paper prints mean, SD and n of both directions, a mixed model (direction fixed, "
    "people random, covariance of either sign) is fitted to those moments on the log scale. No "
    "source prints the correlation between directions; it runs over every value that the "
    "printed p-value, read as a paired t-test, leaves possible; every printed number moves inside "
    "its rounding.",
    "Running studies that print an error are pooled by random effects (REML, Knapp-Hartung where "
    "it does not narrow the interval) with a prediction interval, and in one stage: one mixed "
    "model of the log ratios of all their people, from printed moments and raw rows alike, in "
    "which the ratio differs between studies and every study has a residual variance of its own "
    "(Kenward-Roger's error, studies less one as df). "
    "With three studies the interval is what a method makes of the variance between them: "
    "Henmi-Copas and two half-normal priors stand beside it, and none of them judges.",
    "Results without an error are bounded, not dropped: a percentage over six grades (Rasica 2020) "
    "by a range of spreads; no difference (Paes 2016) by every effect that a test on its people "
    "would not call significant; higher (Reilly 1984) from below by its test and from above by the "
    "largest result printed; higher (Flynn 1994) by its own abstract, which prints the backward "
    "cost as 84% of a peak uptake that is taken as 45 to 65 ml/kg/min, over the forward cost that "
    "the ACSM running equation gives. They enter in steps: those that print an error, then the "
    "bare percentage, then all results in words together, since a null in words without the "
    "positive results in words is no choice. Paes 2016 is flagged: its energy is below what "
    "running costs. Rasica 2020 also says higher on the level, a result of its own without a size.",
    "Which of these steps counts, and which estimator pools, are choices of the space over which "
    "the verdict must hold; the one-stage model is moved over what all but Flynn 1994, whose "
    "people are not numbered, left open. One implausible value without people or error is shown "
    "and never weighed.",
)


def analyse(context: Context) -> Findings:
    """Ratio of each study, their pool, and how far both depend on what was not printed."""
    rows = context.published
    williford = {"study_id": "williford1998", "outcome": "vo2_ml_kg_min"}
    support = {"study_id": "bws_direction_abstract", "outcome": "cost_of_transport_j_kg_m"}
    studies = [
        _study(context, "mc-williford-run", "Williford 1998, run", {**williford, "gait": "run"}),
        _study(context, "mc-bws", "Body-weight-support study, 0%", support),
    ]
    walking = crossover_study(
        rows,
        "mc-williford-walk",
        "Williford 1998, walk",
        conditions=CONDITIONS,
        where={**williford, "gait": "walk"},
        highest_cv=context.audit.highest_cv,
        **WALKING,
    )
    printed = one_row(rows, study_id="wright2001", outcome="metabolic_rate_pct_difference_measured")
    wright = percentage_estimate(printed, UNIT)
    by = compared(context.audit, NAME, "metabolic_rate_ratio", UNIT)
    cohorts = cohort_ratios(context.cohorts, by)
    own = [cohort for cohort in cohorts if cohort.relevant]

    sources = [*(study.source for study in studies), _wright_source(printed)]
    bounded = [rasica_source(context), paes_source(context), reilly_source(context)]
    every = [*bounded, flynn_source(context)]
    estimates = [
        *(study.at_reference_point for study in studies),
        wright,
        *(c.estimate for c in own),
    ]
    hollow, hollow_walking = _hollow_running(rows), _hollow_walking(rows)
    pool_row, _ = pooled_row(
        estimates,
        "mc-pool",
        "Pool, running",
        gait="run",
        n=float(sum(s.n for s in sources) + sum(c.n for c in own)),
        **RATIO,
    )
    rows_of_own = [effect_rows(cohort, by) for cohort in context.cohorts]
    one_stage = [
        one_stage_row(part, name, label, UNIT, rows_of_own, gait="run", **RATIO)
        for name, label, part in (
            ("mc-one-stage", "One stage, those that print an error", sources),
            ("mc-one-stage-all", "One stage, and three bounded sources", [*sources, *bounded]),
        )
    ]
    judged = [
        _pool_measure(sources, every, [cohort.source for cohort in part])
        for part in ([own, []] if own else [[]])
    ]
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
            *(shown.row for shown in hollow),
            *words_rows(rows),
            *(cohort.row(CLAIM, _group(cohort)) for cohort in cohorts),
            pool_row,
            *one_stage,
            *few_studies_rows(estimates, "mc-pool", gait="run", n=pool_row.n, **RATIO),
            walking.row,
            *(shown.row for shown in hollow_walking),
        ),
        measures=(
            judged[0],
            *_one_stage_measures(sources, bounded, [cohort.source for cohort in own]),
            *(study.measure for study in studies),
            replace(walking.measure, claim_id=WALK_CLAIM),
            *(
                pooled_measure([source], estimate_id, source.name)
                for source, estimate_id in zip(
                    [sources[-1], *every],
                    ("mc-wright", "mc-rasica", *(name for _, name, _ in IN_WORDS)),
                    strict=True,
                )
            ),
            *(shown.measure for shown in [*hollow[1:], *hollow_walking]),
        ),
        without_cohorts=tuple(judged[1:]),
        judged={CLAIM: "mc-pool", WALK_CLAIM: walking.row.estimate_id},
        assumptions=(
            *(a for study in [*studies, walking] for a in study.assumptions),
            *ASSUMPTIONS,
        ),
        checks=_checks(rows),
        cross_checks=tuple(
            w for study in [*studies, walking] for w in cross_check_pair(study, context.seed)
        ),
    )


def _group(cohort: CohortEffect) -> str:
    """Heading under which a cohort stands."""
    if cohort.quantity != QUANTITY:
        return SELF_CHOSEN
    return RUN if cohort.relevant else WALK


def _study(context: Context, name: str, label: str, where: dict[str, str]) -> CrossoverStudy:
    return crossover_study(
        context.published,
        name,
        label,
        conditions=CONDITIONS,
        where=where,
        highest_cv=context.audit.highest_cv,
        pooled=True,
        **RATIO,
    )


def _pool_measure(
    sources: Sequence[Source], bounded: Sequence[Source], own: Sequence[Source]
) -> Measure:
    """The pool over everything left open; sources without an error enter in steps."""
    printed, words = [True] * (len(sources) + len(own)), len(bounded) - 1
    counted = source_choice(
        {
            "those that print an error": [*printed, False, *[False] * words],
            "and Rasica 2020": [*printed, True, *[False] * words],
            "all that can be bounded": [*printed, True, *[True] * words],
        },
        "a source without a printed error is bounded, not dropped; results in words count together",
    )
    follow = [name for source in sources for name in source.correlations]
    return pooled_measure(
        [*sources, *own, *bounded],
        "mc-pool",
        "pool of running studies",
        [counted, method_choice()],
        claim_id=CLAIM,
        follow=(*follow, COUNTED),
        user_cohorts=bool(own),
    )


def _one_stage_measures(
    sources: Sequence[Source], bounded: Sequence[Source], own: Sequence[Source]
) -> list[Measure]:
    """The one-stage model over everything left open; it judges nothing by itself."""
    return [
        one_stage_measure([*sources, *own], "mc-one-stage", "one stage, with an error printed"),
        one_stage_measure([*sources, *own, *bounded], "mc-one-stage-all", "one stage, bounded too"),
    ]


def _wright_source(printed: pd.Series) -> Source:
    """A percentage with its standard error, both as printed."""
    return percentage_source(
        "Wright & Weyand 2001",
        Reported(printed["mean_text"]),
        float(printed["n"]),
        Reported(printed["spread_text"]),
        (str(printed["row_id"]),),
    )


def _hollow_running(rows: pd.DataFrame) -> list[Shown]:
    """Running results printed without a standard error, an outlier among them; none is weighed.

    The first, Rasica 2020, has a source of its own in the space.
    """
    wuhan = one_row(rows, study_id="wuhan2004", outcome="vo2_pct_difference", direction="backward")
    rasica = one_row(rows, study_id="rasica2020", outcome="metabolic_cost_pct_difference")
    wegner = one_row(rows, study_id="wegner_case", outcome="vo2_pct_difference")
    named = (
        (rasica, "mc-rasica", "Rasica 2020, run, mean of 6 grades"),
        (wegner, "mc-wegner", "Record holder, one person, press"),
        (wuhan, "mc-wuhan", "Wuhan 2004, run, implausible outlier"),
    )
    return [
        *(more_in_percent(row, name, label, UNIT, **RATIO) for row, name, label in named),
        no_standard_error_ratio(
            rows,
            "mc-effort",
            "Ten women, self-selected effort",
            conditions=CONDITIONS,
            where={"study_id": "jsr13_67", "outcome": "vo2_ml_kg_min"},
            **EFFORT,
        ),
    ]


def _hollow_walking(rows: pd.DataFrame) -> list[Shown]:
    """Walking results printed without a standard error."""
    return [
        no_standard_error_ratio(
            rows,
            "mc-kimchoi",
            "Kim & Choi 2001, walk",
            conditions=CONDITIONS,
            where={"study_id": "kimchoi2001", "outcome": "vo2_ml_kg_min"},
            **WALKING,
        )
    ]


def _checks(rows: pd.DataFrame) -> tuple[Check, ...]:
    """The one percentage whose inputs are printed beside it."""
    case = {"study_id": "wegner_case", "outcome": "energy_total_kcal"}
    forward = one_row(rows, direction="forward", **case)
    backward = one_row(rows, direction="backward", **case)
    return (
        percent_change(forward["mean_text"], backward["mean_text"]).against(
            backward["pct_change_text"],
            check_id="wegner-energy",
            study_id="wegner_case",
            quantity="energy of one 6-min run, % more backward",
            rows=[forward["row_id"], backward["row_id"]],
        ),
    )


def draw(frames: Mapping[str, pd.DataFrame], claims: Mapping[str, Claim]) -> dict[str, Drawing]:
    """Forest of the cost ratio, and its dependence on the correlations."""
    from retrostats.report.figures import (
        Drawing,
        band_of,
        origin_of,
        panel_of,
        rows_of,
        sensitivity,
        stack,
    )

    panel = panel_of(
        rows_of(frames["estimates"], QUANTITY),
        "Metabolic rate, backward / forward (ratio, log axis)",
        band=band_of(claims.get(CLAIM)),
        ends=("backward costs less", "backward costs more"),
    )
    apart = panel_of(
        rows_of(frames["estimates"], "cost_per_metre_ratio"),
        "Cost of a metre, backward / forward (ratio, log axis)",
        title="Own cohorts at different speeds: no ratio at one speed",
        ends=("backward costs less", "backward costs more"),
    )
    return {
        "metabolic_cost_forest": Drawing(
            stack([panel, apart], "data/published/metabolic_cost.csv"),
            "Forest plot of the backward / forward ratio of metabolic rate",
            shows=("mc-pool", "mc-one-stage-all"),
        ),
        "metabolic_cost_sensitivity": Drawing(
            sensitivity(frames["sensitivity"], claims, origin_of(frames["estimates"])),
            "Cost ratio as a function of the unprinted correlations",
            shows=("mc-pool",),
        ),
    }
