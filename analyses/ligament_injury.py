"""Ligament injury: nobody counted by running direction; what public numbers do allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from retrostats.audit.analysis import Context
from retrostats.audit.claims import Claim
from retrostats.evidence.findings.builders import Builders
from retrostats.evidence.findings.cohorts import CohortEffect
from retrostats.evidence.findings.open_effects import printed_ratio, ratio_from_p
from retrostats.evidence.findings.results import Result, findings_of, methods_of
from retrostats.evidence.findings.trials import Effect, TrialResult
from retrostats.evidence.result.findings import EstimateRow, Findings
from retrostats.evidence.unreported.unknowns import Choice

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.report.figures import Drawing

NAME = "ligament-injury"
TITLE = "Ligament injury"
TOPIC = "ligament_injury"
QUESTION = "Does running forward tear more ligaments and injure more than running backward?"
POUNDING, ELLIPTICAL = "pounding", "elliptical_knee"
OWN = ("li-own-ligament_tears", "li-own-avoid_injury")
RATES = Effect("injury_rate_ratio", "injury rate ratio, programme / usual training", "li")
ACCELERATION_DF = "df behind the printed p, Cavagna 2012"


def analyse(context: Context) -> Findings:
    """No study was found that counts ligament injuries, or any injuries, by running direction;
    the cited group measured forces on trained runners. So the claim has no direct evidence,
    and three contrasts that public numbers do allow are shown, each labelled by how direct
    it is. None of them is a verdict on the claim.
    """
    build = Builders.of(context, TOPIC)
    impact, loads = impact_of_the_body(build), joint_load(build)
    heart, ground = (build.crossover(x, judges=True) for x in ("li-heart-rate", "li-ground-force"))
    trials, counts = programmes(build)
    pool = together(build, trials)
    averages, rows = user_cohorts(build)
    background = [
        build.shown(name, lambda rate, percent: rate * percent / 100)
        for name in build.of_kind("background")
    ]
    pounding = (impact, heart, loads[0], ground)
    return findings_of(
        [
            [average.only_measure() for average in averages],
            [result.only_measure() for result in pounding],
            loads, impact, heart, ground, machines(build), trials, pool, counts, background,
            rows, averages, build.assumptions(), build.rate_checks(),
        ],
        judged={
            POUNDING: "li-acceleration", ELLIPTICAL: "li-kaplan",
            **{average.claim_id: average.estimate_id for average in averages},
        },
    )  # fmt: skip


def joint_load(build: Builders) -> list[Result]:
    """Joint load: ratio of peak patellofemoral force, backward / forward, by the mixed model of
    printed pairs. It is load on cartilage, not on ligaments. Roos 2012 alone judges it, at one
    speed; Flynn 1995, whose runners chose theirs, is shown beside it and never pooled with it.
    """
    return [
        build.crossover("li-roos", judges=True, cross_check=True),
        build.crossover("li-flynn", cross_check=True),
        build.shown("li-odu", lambda forward, backward: backward / forward),
    ]


def impact_of_the_body(build: Builders) -> Result:
    """Impact: ratio of peak upward acceleration of the body, backward / forward; its standard
    error comes from the printed p read as a paired test, with the df the design allows.
    """
    backward, forward = build.printed_rows("li-acceleration")
    found = build.context.audit.range_of(str(backward["row_id"]), "df", ACCELERATION_DF)
    units = {"people": found.low, "people at each speed": found.high}
    effect = printed_ratio(
        (backward, forward),
        [f"peak acceleration {way}, Cavagna 2012" for way in ("backward", "forward")],
        "p, Cavagna 2012",
        Choice(ACCELERATION_DF, units, found.why, found.source),
    )
    unit, assumed = build.entry("li-acceleration").unit, ("li-acceleration-df",)
    estimate = ratio_from_p(backward, forward, unit, assumed)
    return build.estimated("li-acceleration", estimate, effect, claim_id=POUNDING, source=False)


def programmes(build: Builders) -> tuple[list[TrialResult], Result]:
    """Programmes: injury rate ratios of warm-up programmes that contain some backward running
    beside much else. Cluster trials enter with their printed cluster-adjusted interval or
    with the spread between teams. One model of all injuries counted over time stands beside
    them: a level and an effect of its own for every trial, counts divided by the design effect
    of its teams; trials that count people have a risk ratio, and stay out of it.
    None of it can be attributed to running direction.
    """
    trials = [build.trial(name, RATES) for name in build.of_kind("verified", "unverified")]
    return trials, build.counts("li-counts", trials, RATES)


def together(build: Builders, trials: Sequence[TrialResult]) -> list[Result | EstimateRow]:
    """A pool of two studies: the interval is what a method makes of the variance between them.
    Knapp-Hartung, Henmi-Copas and half-normal priors of two scales are shown; none is picked.
    """
    contained = [trial for trial in trials if trial.row and trial.row.pooled]
    pool = build.pool("li-programme-pool", contained)
    return [pool, *build.few_studies(pool, contained)]


def user_cohorts(build: Builders) -> tuple[list[Result], list[EstimateRow]]:
    """Own cohorts: only a count of ligament injuries bears on the claim about ligaments; a count of
    all injuries, a hamstring's too, bears on whether running backward avoids common injuries.
    """
    found: dict[str, list[CohortEffect]] = {name: build.cohort_rates(name) for name in OWN}
    averages = [build.average(name, cohorts) for name, cohorts in found.items() if cohorts]
    rows = [row for name, cohorts in found.items() for row in build.cohort_rows(name, cohorts)]
    return averages, rows


def machines(build: Builders) -> list[Result]:
    """Elliptical and treadmill (a reader's claim): the mixed model of printed pairs, against
    running by the load on the foot and against walking by force in a knee implant; both must
    agree.
    """
    return [build.crossover(name, judges=True) for name in build.of_kind("machine")]


METHODS = methods_of(
    analyse, joint_load, impact_of_the_body, programmes, together, user_cohorts, machines
)


def draw(frames: Mapping[str, pd.DataFrame], claims: Mapping[str, Claim]) -> dict[str, Drawing]:
    """Joint load and impact, programme rate ratios, and the dependence on correlations."""
    from retrostats.report.figures import Forest, forest_drawing, sensitivity_drawing

    indirect = (
        Forest("patellofemoral_force_ratio",
               "Peak patellofemoral force, backward / forward (ratio, log axis)",
               "Load on the kneecap joint (cartilage, not ligament)",
               ("less load backward", "more load backward")),
        Forest("peak_acceleration_ratio",
               "Peak upward acceleration, backward / forward (ratio, log axis)",
               "Impact of the body (not ligament)", ("softer backward", "harder backward")),
        Forest("heart_rate_ratio", "Heart rate, backward / forward (ratio, log axis)",
               "Heart rate (the other reading of “pounding”)",
               ("slower backward", "faster backward")),
    )  # fmt: skip
    rates = (
        Forest("injury_rate_ratio", "Injury rate ratio, programme / control (log axis)",
               ends=("fewer injuries with it", "more injuries with it")),
        Forest("ligament_injury_rate_ratio",
               "Ligament injury rate ratio, forward / backward (log axis)",
               "Own cohorts: ligament injuries by running direction",
               ("fewer forward", "more forward")),
        Forest("any_injury_rate_ratio", "Injury rate ratio, backward / forward (log axis)",
               "Own cohorts: injuries of any kind by running direction",
               ("fewer backward", "more backward")),
    )  # fmt: skip
    table = "data/published/ligament_injury.csv"
    return {
        "joint_load_impact": forest_drawing(
            frames, claims, indirect, f"{table}, metabolic_cost.csv",
            "Joint load, impact and heart rate, backward / forward",
            ("li-roos", "li-acceleration", "li-heart-rate"),
        ),
        "injury_rate_ratios": forest_drawing(
            frames, claims, rates, table, "Injury rate ratios of warm-up programmes",
            ("li-programme-pool", "li-counts"),
            "These programmes bundle strength, jumping, balance and technique: no ratio here is an "
            "effect of running direction.",
        ),
        "joint_load_sensitivity": sensitivity_drawing(
            frames, claims, "Joint load ratio as a function of the unprinted correlation",
            ("li-roos",),
        ),
    }  # fmt: skip
