"""Ligament injury: nobody counted by running direction; what public numbers do allow."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.analysis import Context
from retrostats.findings.averaged import averaged
from retrostats.findings.cohorts import CohortEffect, cohort_rates, compared
from retrostats.findings.crossover import CrossoverStudy, crossover_study
from retrostats.findings.few_studies import few_studies_rows
from retrostats.findings.pooled import pooled_measure, pooled_row
from retrostats.findings.printed import Shown, hollow_ratio, shown_only
from retrostats.findings.trials import Effect, Trial, counts_row, trial_result
from retrostats.findings.witnesses import witness_pair
from retrostats.judge.claims import Claim
from retrostats.read.published import load_published
from retrostats.reduce.change import implied_error
from retrostats.reduce.pair import one_row
from retrostats.reduce.recompute import rate
from retrostats.reduce.reported import t_from_p
from retrostats.result.estimate import Estimate
from retrostats.result.findings import Assumption, Check, EstimateRow, Findings, Measure
from retrostats.unprinted.pooled import interval_of, method_choice
from retrostats.unprinted.unknowns import Choice, Unknown, Values

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from retrostats.draw.figures import Drawing

NAME = "ligament-injury"
TITLE = "Ligament injury"
TOPIC = "ligament_injury"
QUESTION = "Does running forward tear more ligaments and injure more than running backward?"
METHODS = (
    "No study was found that counts ligament injuries, or any injuries, by running direction; "
    "the cited group measured forces on trained runners. So the claim has no direct evidence, "
    "and three contrasts that public numbers do allow are shown, each labelled by how direct "
    "it is. None of them is a verdict on the claim.",
    "Joint load: ratio of peak patellofemoral force, backward / forward, by the mixed model of "
    "printed pairs. It is load on cartilage, not on ligaments.",
    "Impact: ratio of peak upward acceleration of the body, backward / forward; its standard "
    "error comes from the printed p read as a paired test, with the df the design allows.",
    "Programmes: injury rate ratios of warm-up programmes that contain some backward running "
    "beside much else. Cluster trials enter with their printed cluster-adjusted interval or "
    "with the spread between teams. One model of all printed counts stands beside them: a level "
    "and an effect of its own for every trial, counts divided by the design effect of its teams. "
    "None of it can be attributed to running direction.",
    "Pools of two studies: the interval is what a method makes of the variance between them. "
    "Knapp-Hartung, Henmi-Copas and half-normal priors of two scales are shown; none is picked.",
    "Own cohorts: only a count of ligament injuries bears on the claim about ligaments; a count of "
    "all injuries, a hamstring's too, bears on whether running backward avoids common injuries.",
)
CONDITIONS = ("backward", "forward")
LOAD = {"quantity": "patellofemoral_force_ratio", "directness": "joint load, not ligament"}
IMPACT, HEART = "peak_acceleration_ratio", "heart_rate_ratio"
TEARS, POUNDING, AVOID = "ligament_tears", "pounding", "avoid_injury"
#: Claim: column of a reader's own cohort that counts it, its quantity and unit, and the reference.
OWN = {
    TEARS: (
        "ligament_injuries",
        "ligament_injury_rate_ratio",
        "ligament injury rate ratio forward / backward",
        "backward",
    ),
    AVOID: (
        "injuries",
        "any_injury_rate_ratio",
        "injury rate ratio backward / forward, any injury",
        "forward",
    ),
}
ACCELERATION_DF = "df behind the printed p, Cavagna 2012"
CONTAINS = "programme containing backward running"
OTHER = "programme, backward running not verified"
RATES = Effect("injury_rate_ratio", "injury rate ratio, programme / usual training", "li")

#: Headings of the programmes' forest.
VERIFIED = "Programmes documented to contain backward running"
UNVERIFIED = "Programmes in which it was not verified"
TOGETHER, COUNTED = "Together", "Every programme with printed counts"

#: Warm-up programmes; only the first two are documented to contain backward running and print
#: what a ratio needs.
PROGRAMMES = (
    Trial(
        "silversgranelli2015",
        "Silvers-Granelli 2015, 11+",
        True,
        CONTAINS,
        counts="injury_rate_per_1000_ae",
        arms=("intervention 11+", "control"),
        clusters="injuries_per_team",
    ),
    Trial(
        "soligard2008",
        "Soligard 2008, 11+",
        True,
        CONTAINS,
        ratio="all_injuries_rate_ratio",
        counts="players_with_lower_extremity_injury",
        arms=("intervention 11+", "control"),
        adjusted="lower_extremity_injury_rate_ratio",
    ),
    Trial(
        "sportsmetrics2015",
        "Sportsmetrics 2015, ACL",
        False,
        OTHER,
        counts="noncontact_acl_injury_rate_per_1000_ae",
        arms=("trained female athletes 13-18 y", "control"),
    ),
    Trial(
        "hewett1999",
        "Hewett 1999, serious knee",
        False,
        OTHER,
        counts="serious_knee_injury",
        arms=("trained female (plyometric programme)", "untrained female"),
    ),
    Trial(
        "walden2012",
        "Walden 2012, ACL",
        False,
        OTHER,
        ratio="acl_injury_rate_ratio",
        counts="players_with_acl_injury",
        arms=("intervention Knee Control", "control"),
        adjusted="acl_injury_rate_ratio",
    ),
    Trial(
        "olsen2005",
        "Olsen 2005, knee and ankle",
        False,
        OTHER,
        ratio="players_injured_relative_risk",
        counts="players_injured",
        arms=("intervention warm-up", "control"),
        adjusted="players_injured_relative_risk",
    ),
    Trial(
        "labella2011",
        "LaBella 2011, lower limb",
        False,
        OTHER,
        ratio="acute_noncontact_lower_extremity_injury_rate_ratio",
        counts="acute_noncontact_lower_extremity_injuries_rate_per_1000_ae",
        arms=("intervention neuromuscular warm-up", "control"),
        adjusted="acute_noncontact_lower_extremity_injury_rate_ratio",
    ),
    Trial(
        "schoolnmt2018",
        "School programme 2018",
        False,
        OTHER,
        counts="injury_rate_per_1000_ae",
        arms=("CORE neuromuscular", "SHAM resisted running with elastic bands"),
    ),
    Trial(
        "rossler2018",
        "Rossler 2018, children",
        False,
        OTHER,
        ratio="all_injuries_hazard_ratio",
    ),
    Trial(
        "funball2024",
        "Obertinca 2024, football",
        False,
        OTHER,
        ratio="all_injuries_rate_ratio",
    ),
)


def analyse(context: Context) -> Findings:
    """Three indirect contrasts, and the rates that make up the background."""
    rows = context.published
    roos, flynn = ({"study_id": s, "outcome": "patellofemoral_force_bw"} for s in LOADS)
    loads = [
        _crossover(rows, "li-roos", "Roos 2012, same speed", roos, pooled=True, **LOAD),
        _crossover(rows, "li-flynn", "Flynn 1995, own speed", flynn, pooled=True, **LOAD),
    ]
    load_pool, _ = pooled_row(
        [study.middle for study in loads],
        "li-load-pool",
        "Pool, joint load",
        n=float(sum(study.pair.n for study in loads)),
        **LOAD,
    )
    heart = _heart_rate(context)
    ground = _ground_force(rows)
    impact = _acceleration(context)
    programmes = [
        trial_result(rows, trial, RATES, group=VERIFIED if trial.pooled else UNVERIFIED)
        for trial in PROGRAMMES
    ]
    counts, clusters = counts_row(
        rows,
        programmes,
        RATES,
        "li-counts",
        "All printed counts, one model",
        directness="programmes, direction not separable",
        group=COUNTED,
    )
    contained = [p.estimate for p in programmes if p.trial.pooled]
    programme_pool, _ = pooled_row(
        contained,
        "li-programme-pool",
        "Pool, programmes with backward running",
        quantity=RATES.quantity,
        directness=CONTAINS,
        group=TOGETHER,
        n=float(sum(p.row.n for p in programmes if p.trial.pooled)),
    )
    own = {claim: found for claim in OWN if (found := _own_cohorts(context, claim))}
    joined = {
        claim: averaged(found, None, _own_row(claim), f"li-own-{claim}", claim)
        for claim, found in own.items()
    }
    thesis = hollow_ratio(
        rows,
        "li-odu",
        "Thesis 1998, 1.0 m/s",
        conditions=CONDITIONS,
        where={"study_id": "odu1998", "outcome": "patellofemoral_force_bw"},
        **LOAD,
    )
    background = _background(rows)
    return Findings(
        estimates=(
            *(study.row for study in loads),
            thesis.row,
            load_pool,
            *few_studies_rows(
                [study.middle for study in loads], "li-load-pool", n=load_pool.n, **LOAD
            ),
            _acceleration_row(rows, impact),
            heart.row,
            ground.row,
            *(programme.row for programme in programmes),
            programme_pool,
            *few_studies_rows(
                contained,
                "li-programme-pool",
                quantity=RATES.quantity,
                directness=CONTAINS,
                n=programme_pool.n,
            ),
            counts,
            *(shown.row for shown in background),
            *(cohort.row(claim) for claim, found in own.items() for cohort in found),
            *(row for _, row in joined.values() if row),
        ),
        measures=(
            *(measure for measure, _ in joined.values()),
            *_pounding(impact, heart, ground, loads),
            *(study.measure for study in loads),
            *(programme.measure for programme in programmes if programme.source.unknowns),
            pooled_measure(
                [p.source for p in programmes if p.trial.pooled],
                "li-programme-pool",
                "programmes with backward running",
                [method_choice()],
            ),
            *(shown.measure for shown in (thesis, *background)),
        ),
        judged={
            POUNDING: "li-acceleration",
            **{claim: measure.estimate_id for claim, (measure, _) in joined.items()},
        },
        assumptions=(
            *(a for study in [*loads, heart, ground] for a in study.assumptions),
            *(a for programme in programmes for a in programme.assumptions),
            clusters,
            ACCELERATION_ASSUMPTION,
        ),
        checks=_checks(rows),
        witnesses=tuple(w for study in loads for w in witness_pair(study, context.seed)),
    )


def _own_cohorts(context: Context, claim: str) -> list[CohortEffect]:
    """Rate ratio of a reader's own cohorts for one claim: only injuries of its kind count."""
    outcome, quantity, unit, against = OWN[claim]
    by = replace(compared(context.audit, NAME, quantity, unit), outcomes=(outcome,))
    return cohort_rates(context.cohorts, by, against)


def _own_row(claim: str) -> Callable[..., EstimateRow]:
    return partial(EstimateRow.of, quantity=OWN[claim][1])


LOADS = ("roos2012", "flynn1995")


def _crossover(
    rows: pd.DataFrame, name: str, label: str, where: dict[str, str], **extra: Any
) -> CrossoverStudy:
    return crossover_study(rows, name, label, conditions=CONDITIONS, where=where, **extra)


def _pounding(
    impact: Measure, heart: CrossoverStudy, ground: CrossoverStudy, loads: list[CrossoverStudy]
) -> tuple[Measure, ...]:
    """Every printed measure of 'less pounding': they are judged each, and must agree."""
    return (
        impact,
        replace(heart.measure, name="heart rate", claim_id=POUNDING),
        pooled_measure(
            [study.source for study in loads],
            "li-load-pool",
            "load on the kneecap joint",
            [method_choice()],
            claim_id=POUNDING,
        ),
        replace(ground.measure, name="ground force at peak knee moment", claim_id=POUNDING),
    )


ACCELERATION_ASSUMPTION = Assumption(
    "li-acceleration-df",
    "reading",
    "the p-value of the acceleration contrast comes from a paired t-test",
    "the abstract names no test; 8 df if the nine people are the units, up to 134 if each "
    "person's fifteen speeds are",
    "cavagna2012",
    8,
    134,
)


def _acceleration_cells(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Backward and forward rows of the peak acceleration."""
    where = {"study_id": "cavagna2012", "outcome": "peak_acceleration_m_s2"}
    backward, forward = (one_row(rows, direction=c, **where) for c in CONDITIONS)
    return backward, forward


def _acceleration(context: Context) -> Measure:
    """Ratio of peak accelerations over rounding and what the printed p counts as a unit.

    People, or every person at each of the fifteen speeds from 3 to 17 km/h.
    """
    backward, forward = _acceleration_cells(context.published)
    df = context.audit.range_of(str(backward["row_id"]), "df", ACCELERATION_DF)
    means = [f"peak acceleration {c}, Cavagna 2012" for c in CONDITIONS]
    p = "p, Cavagna 2012"
    unknowns = (
        Unknown.of_cell(means[0], backward, "mean"),
        Unknown.of_cell(means[1], forward, "mean"),
        Unknown.of_cell(p, backward, "p_value"),
        Choice(
            ACCELERATION_DF, {"people": df.low, "people at each speed": df.high}, df.why, df.source
        ),
    )

    def at(level: float) -> Callable[[Values], Any]:
        def estimate(v: Values) -> Any:
            value = np.log(v[means[0]] / v[means[1]])
            df = v[ACCELERATION_DF]
            return interval_of(value, implied_error(value, v[p], df), df, level, log=True)

        return estimate

    return Measure("li-acceleration", "impact (peak acceleration)", at, unknowns, POUNDING)


def _acceleration_row(rows: pd.DataFrame, impact: Measure) -> EstimateRow:
    """Log ratio with the standard error that the printed p implies for people as units."""
    backward, forward = _acceleration_cells(rows)
    df = float(forward["n"]) - 1
    value = math.log(backward["mean"] / forward["mean"])
    return EstimateRow.of(
        Estimate(
            value,
            value / t_from_p(float(backward["p_value"]), df),
            df,
            "log_ratio",
            "ratio backward / forward",
            (forward["row_id"], backward["row_id"]),
            ("li-acceleration-df",),
        ),
        impact.estimate_id,
        "Cavagna 2012, peak acceleration",
        quantity=IMPACT,
        role="printed",
        study_id="cavagna2012",
        n=float(forward["n"]),
        gait="run",
        directness="impact of the body, not ligament",
        claim_id=POUNDING,
    )


def _heart_rate(context: Context) -> CrossoverStudy:
    """Heart rate backward / forward in running, for the 'pounding of the heart' wording."""
    return crossover_study(
        load_published("metabolic_cost", folder=context.audit.data),
        "li-heart-rate",
        "Williford 1998, heart rate, run",
        conditions=CONDITIONS,
        where={"study_id": "williford1998", "outcome": "heart_rate_bpm", "gait": "run"},
        quantity=HEART,
        claim_id=POUNDING,
        directness="heart rate",
    )


def _ground_force(rows: pd.DataFrame) -> CrossoverStudy:
    """Resultant ground force at the peak knee moment; which mean is which had to be inferred."""
    return _crossover(
        rows,
        "li-ground-force",
        "Roos 2012, ground force",
        {"study_id": "roos2012", "outcome": "ground_force_at_peak_knee_moment_bw"},
        quantity="ground_force_ratio",
        claim_id=POUNDING,
        directness="force on the ground, not ligament",
        hollow=True,
        note="the order of the two printed means is inferred",
    )


def _background(rows: pd.DataFrame) -> list[Shown]:
    """Ligament tears per 1000 athlete-exposures of (forward) cross-country running."""
    found = []
    for study, who in (("ncaaxcmen2021", "men"), ("ncaaxcwomen2021", "women")):
        all_injuries = one_row(rows, study_id=study, outcome="injury_rate_per_1000_ae")
        share = one_row(rows, study_id=study, outcome="share_ankle_ligament_tears_pct")
        found.append(
            shown_only(
                [(all_injuries, "mean"), (share, "mean")],
                lambda rate, percent: rate * percent / 100,
                f"li-background-{who}",
                f"Cross-country runners, {who}",
                quantity="ligament_injury_rate",
                scale="difference",
                unit="ankle ligament tears per 1000 athlete-exposures",
                directness="background, direction assumed forward",
            )
        )
    return found


def _checks(rows: pd.DataFrame) -> tuple[Check, ...]:
    """Printed rates from printed counts and exposure."""
    counted = rows[rows["events"].notna() & rows["exposure"].notna() & rows["mean"].notna()]
    per = {"per 1000": 1000.0, "per 10000": 10000.0, "%": 100.0}
    found = []
    for row in counted.to_dict("records"):
        factor = next((v for k, v in sorted(per.items(), reverse=True) if k in row["unit"]), np.nan)
        if not math.isnan(factor) and row["exposure_unit"] and row["independence"] == "independent":
            found.append(
                rate(row["events"], row["exposure"], factor).against(
                    row["mean_text"],
                    check_id=f"rate-{row['row_id']}",
                    study_id=row["study_id"],
                    quantity=f"{row['outcome_printed']}, {row['unit']}",
                    rows=[row["row_id"]],
                )
            )
    return tuple(found)


def draw(frames: Mapping[str, pd.DataFrame], claims: Mapping[str, Claim]) -> dict[str, Drawing]:
    """Joint load and impact, programme rate ratios, and the dependence on correlations."""
    from retrostats.draw.figures import Drawing, sensitivity

    return {
        "joint_load_impact": Drawing(
            _indirect(frames["estimates"]),
            "Joint load, impact and heart rate, backward / forward",
            shows=("li-load-pool", "li-acceleration", "li-heart-rate"),
        ),
        "injury_rate_ratios": Drawing(
            _injury_rates(frames["estimates"]),
            "Injury rate ratios of warm-up programmes",
            shows=("li-programme-pool", "li-counts"),
        ),
        "joint_load_sensitivity": Drawing(
            sensitivity(frames["sensitivity"], claims),
            "Joint load ratio as a function of the unprinted correlation",
            shows=("li-load-pool",),
        ),
    }


def _indirect(estimates: pd.DataFrame) -> Figure | None:
    """Joint load, impact and heart rate: indirect contrasts that disagree."""
    from retrostats.draw.figures import panel_of, rows_of, stack

    panels = (
        (
            LOAD["quantity"],
            "Load on the kneecap joint (cartilage, not ligament)",
            "Peak patellofemoral force, backward / forward (ratio, log axis)",
            ("less load backward", "more load backward"),
        ),
        (
            IMPACT,
            "Impact of the body (not ligament)",
            "Peak upward acceleration, backward / forward (ratio, log axis)",
            ("softer backward", "harder backward"),
        ),
        (
            HEART,
            "Heart rate (the other reading of “pounding”)",
            "Heart rate, backward / forward (ratio, log axis)",
            ("slower backward", "faster backward"),
        ),
    )
    return stack(
        [
            panel_of(rows_of(estimates, name), label, title=title, ends=ends)
            for name, title, label, ends in panels
        ],
        "data/published/ligament_injury.csv, metabolic_cost.csv",
    )


def _injury_rates(estimates: pd.DataFrame) -> Figure | None:
    """Rate ratios of programmes, none an effect of running direction, and own cohorts by it."""
    from retrostats.draw.figures import panel_of, rows_of, stack

    return stack(
        [
            panel_of(
                rows_of(estimates, "injury_rate_ratio"),
                "Injury rate ratio, programme / control (log axis)",
                ends=("fewer injuries with it", "more injuries with it"),
            ),
            panel_of(
                rows_of(estimates, "ligament_injury_rate_ratio"),
                "Ligament injury rate ratio, forward / backward (log axis)",
                title="Own cohorts: ligament injuries by running direction",
                ends=("fewer forward", "more forward"),
            ),
            panel_of(
                rows_of(estimates, "any_injury_rate_ratio"),
                "Injury rate ratio, backward / forward (log axis)",
                title="Own cohorts: injuries of any kind by running direction",
                ends=("fewer backward", "more backward"),
            ),
        ],
        "data/published/ligament_injury.csv",
        "These programmes bundle strength, jumping, balance and technique: no ratio here is an "
        "effect of running direction.",
    )
