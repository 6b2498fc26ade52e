"""Metabolic cost: how much more energy does running backward take at the same speed?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    words_row,
)
from retrostats.evidence.printed.pair import one_row
from retrostats.evidence.printed.recompute import percent_change
from retrostats.evidence.printed.reported import Reported
from retrostats.evidence.result.findings import Assumption, Check, EstimateRow, Findings, Measure
from retrostats.evidence.unreported.pooled import COUNTED, method_choice, source_choice
from retrostats.evidence.unreported.sources import (
    Source,
    not_significant_source,
    percentage_source,
    significant_source,
)
from retrostats.evidence.unreported.unknowns import Unknown

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.report.figures import Drawing

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
    "printed p-value, read as a paired t-test, leaves possible; every printed number moves inside "
    "its rounding.",
    "Running studies that print an error are pooled by random effects (REML, Knapp-Hartung where "
    "it does not narrow the interval) with a prediction interval, and in one stage: one mixed "
    "model of the log ratios of all their people, from printed moments and raw rows alike, in "
    "which the ratio differs between studies and every study has a residual variance of its own "
    "(Kenward-Roger's error, studies less one as df). "
    "With three studies the interval is what a method makes of the variance between them: "
    "Henmi-Copas and two half-normal priors stand beside it, and none of them judges.",
    "A percentage without an error (Rasica 2020) and a result in words (Paes 2016) are bounded, "
    "not dropped: the first by a range of spreads, the second by every effect that a test on its "
    "people would not call significant. Two that say only that it is higher (Reilly 1984, Flynn "
    "1994) are bounded from below by their tests and from above by the largest result printed. "
    "Whether they count, and which estimator pools, are choices of the space over which the "
    "verdict must hold; the one-stage model is moved over what the first two left open. One "
    "implausible value without people or error is shown and never weighed.",
)
CLAIM = "energy_30"
CONDITIONS = ("backward", "forward")
UNIT = "ratio backward / forward"
QUANTITY = "metabolic_rate_ratio"
#: Headings of the forest.
RUN, WALK = "Running", "Walking (never pooled with running)"
SELF_CHOSEN = "Running at self-chosen effort, not one speed"
RATIO = {"quantity": QUANTITY, "claim_id": CLAIM, "directness": "direct", "group": RUN}
WALKING = {"quantity": QUANTITY, "directness": "walking, not running", "group": WALK}
EFFORT = {
    "quantity": QUANTITY,
    "directness": "self-selected effort, not one speed",
    "group": SELF_CHOSEN,
}
RASICA = "mc-rasica2020-metabolic-cost-pct-difference-run-backward"
PAES = "mc-paes2016-vo2-run-bw-vs-fw"
REILLY = "mc-reilly1984-energy-expenditure-run-backward"
FLYNN = "mc-flynn1994-vo2-run-backward"
#: Row, identifier and label of results in words alone.
IN_WORDS = (
    (PAES, "mc-paes", "Paes 2016, run, “not significant”"),
    (REILLY, "mc-reilly", "Reilly 1984, run, “significantly greater”"),
    (FLYNN, "mc-flynn", "Flynn 1994, run, “higher”, p < 0.001"),
)
WORDS_ONLY = Assumption(
    "mc-words-only",
    "results in words",
    "a result that is only called higher may be anything up to the largest one printed",
    "Reilly 1984 (9 people, significantly greater) and Flynn 1994 (p < 0.001, people not printed) "
    "are bounded from below by their tests and from above by judgement, and count or not; Cavagna "
    "2011 names a higher cost without people or test, which any effect and error would fit",
)


def analyse(context: Context) -> Findings:
    """Ratio of each study, their pool, and how far both depend on what was not printed."""
    rows = context.published
    williford = {"study_id": "williford1998", "outcome": "vo2_ml_kg_min"}
    support = {"study_id": "bws_direction_abstract", "outcome": "cost_of_transport_j_kg_m"}
    studies = [
        _study(rows, "mc-williford-run", "Williford 1998, run", {**williford, "gait": "run"}),
        _study(rows, "mc-bws", "Body-weight-support study, 0%", support),
    ]
    walking = crossover_study(
        rows,
        "mc-williford-walk",
        "Williford 1998, walk",
        conditions=CONDITIONS,
        where={**williford, "gait": "walk"},
        **WALKING,
    )
    printed = one_row(rows, study_id="wright2001", outcome="metabolic_rate_pct_difference_measured")
    wright = percentage_estimate(printed, UNIT)
    by = compared(context.audit, NAME, "metabolic_rate_ratio", UNIT)
    cohorts = cohort_ratios(context.cohorts, by)
    relevant = [cohort for cohort in cohorts if cohort.relevant]

    sources = [*(study.source for study in studies), _wright_source(printed)]
    bounded = [_rasica_source(context), _paes_source(context)]
    higher = [_reilly_source(context), _flynn_source(context)]
    measured = [study.at_reference_point for study in studies]
    estimates = [*measured, wright, *(c.estimate for c in relevant)]
    without_error = _no_standard_error_running(rows)
    without_error_walking = _no_standard_error_walking(rows)
    pool_row, _ = pooled_row(
        estimates,
        "mc-pool",
        "Pool, running",
        gait="run",
        n=float(sum(s.n for s in sources) + sum(c.n for c in relevant)),
        **RATIO,
    )
    user_cohort_rows = [effect_rows(cohort, by) for cohort in context.cohorts]
    one_stage = [
        one_stage_row(part, name, label, UNIT, user_cohort_rows, gait="run", **RATIO)
        for name, label, part in (
            ("mc-one-stage", "One stage, those that print an error", sources),
            ("mc-one-stage-all", "One stage, and Rasica 2020, Paes 2016", [*sources, *bounded]),
        )
    ]
    judged = [
        _pool_measure(sources, [*bounded, *higher], [cohort.source for cohort in part])
        for part in ([relevant, []] if relevant else [[]])
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
            *(shown.row for shown in without_error),
            *(
                words_row(
                    one_row(rows, row_id=row_id),
                    name,
                    label,
                    scale="ratio",
                    unit=UNIT,
                    note="printed in words; the range is every interval that the words leave",
                    **RATIO,
                )
                for row_id, name, label in IN_WORDS
            ),
            *(cohort.row(CLAIM, _group(cohort)) for cohort in cohorts),
            pool_row,
            *one_stage,
            *few_studies_rows(estimates, "mc-pool", gait="run", n=pool_row.n, **RATIO),
            walking.row,
            *(shown.row for shown in without_error_walking),
        ),
        measures=(
            judged[0],
            *_one_stage_measures(sources, bounded, [cohort.source for cohort in relevant]),
            *(study.measure for study in [*studies, walking]),
            *(
                pooled_measure([source], estimate_id, source.name)
                for source, estimate_id in zip(
                    [sources[-1], *bounded, *higher],
                    ("mc-wright", "mc-rasica", *(name for _, name, _ in IN_WORDS)),
                    strict=True,
                )
            ),
            *(shown.measure for shown in [*without_error[1:], *without_error_walking]),
        ),
        without_cohorts=tuple(judged[1:]),
        judged={CLAIM: "mc-pool"},
        assumptions=(
            *(a for study in [*studies, walking] for a in study.assumptions),
            WORDS_ONLY,
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


def _study(rows: pd.DataFrame, name: str, label: str, where: dict[str, str]) -> CrossoverStudy:
    return crossover_study(
        rows, name, label, conditions=CONDITIONS, where=where, pooled=True, **RATIO
    )


def _pool_measure(
    sources: Sequence[Source], bounded: Sequence[Source], relevant: Sequence[Source]
) -> Measure:
    """The pool over everything left open; sources without an error count or do not."""
    printed = [True] * (len(sources) + len(relevant))
    counted = source_choice(
        {
            "those that print an error": [*printed, False, False, False, False],
            "and Rasica 2020": [*printed, True, False, False, False],
            "and Paes 2016": [*printed, False, True, False, False],
            "and both": [*printed, True, True, False, False],
            "all that can be bounded": [*printed, True, True, True, True],
        },
        "a source without a printed error is bounded, not dropped; two say only that it is higher",
    )
    follow = [name for source in sources for name in source.correlations]
    return pooled_measure(
        [*sources, *relevant, *bounded],
        "mc-pool",
        "pool of running studies",
        [counted, method_choice()],
        claim_id=CLAIM,
        follow=(*follow, COUNTED),
        user_cohorts=bool(relevant),
    )


def _one_stage_measures(
    sources: Sequence[Source], bounded: Sequence[Source], relevant: Sequence[Source]
) -> list[Measure]:
    """The one-stage model over everything left open; it judges nothing by itself."""
    certain = [*sources, *relevant]
    return [
        one_stage_measure(certain, "mc-one-stage", "one stage, with an error printed"),
        one_stage_measure([*certain, *bounded], "mc-one-stage-all", "one stage, bounded too"),
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


def _spread(context: Context, row_id: str, label: str) -> Unknown:
    """The spread between people that a source did not print."""
    return context.audit.range_of(row_id, "sd_log_ratio", f"how far people differ ({label})")


def _rasica_source(context: Context) -> Source:
    row = one_row(context.published, row_id=RASICA)
    label = "Rasica 2020"
    return percentage_source(
        label,
        Reported(row["pct_change_text"]),
        float(row["n"]),
        _spread(context, RASICA, label),
        (RASICA,),
        ("pct_change", ""),
    )


def _paes_source(context: Context) -> Source:
    row = one_row(context.published, row_id=PAES)
    label = "Paes 2016"
    spread = _spread(context, PAES, label)
    return not_significant_source(label, int(row["n"]), spread, rows=(PAES,))


def _reilly_source(context: Context) -> Source:
    row = one_row(context.published, row_id=REILLY)
    label = "Reilly 1984"
    most = context.audit.range_of(REILLY, "ratio", "ratio")
    spread = _spread(context, REILLY, label)
    return significant_source(label, int(row["n"]), spread, most, rows=(REILLY,))


def _flynn_source(context: Context) -> Source:
    row = one_row(context.published, row_id=FLYNN)
    label = "Flynn 1994"
    most = context.audit.range_of(FLYNN, "ratio", "ratio")
    people = context.audit.range_of(FLYNN, "people", f"number of people ({label})")
    spread = _spread(context, FLYNN, label)
    return significant_source(label, people, spread, most, float(row["p_value"]), (FLYNN,))


def _no_standard_error_running(rows: pd.DataFrame) -> list[Shown]:
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


def _no_standard_error_walking(rows: pd.DataFrame) -> list[Shown]:
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
