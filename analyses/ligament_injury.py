"""Ligament injury: nobody counted by running direction; what public numbers do allow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from retrostats.analysis import Context
from retrostats.cohorts import cohort_rates
from retrostats.judge.claims import Claim
from retrostats.judge.verdict import Candidate
from retrostats.programmes import Programme, poisson_row, programme_trial
from retrostats.reduce.pair import one_row
from retrostats.reduce.recompute import rate
from retrostats.reduce.reported import t_from_p
from retrostats.result.estimate import Estimate
from retrostats.result.findings import Assumption, Check, EstimateRow, Findings
from retrostats.study import crossover_study, hollow_ratio, pooled_row
from retrostats.unprinted.sensitivity import pool_grid
from retrostats.witnesses import witness_pair

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

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
    "with the spread between teams; a Poisson mixed model of all printed counts stands beside "
    "them. None of it can be attributed to running direction.",
)
LOAD = {"quantity": "patellofemoral_force_ratio", "directness": "joint load, not ligament"}
IMPACT = "peak_acceleration_ratio"
TEARS, POUNDING = "ligament_tears", "pounding"
ACCELERATION_DF = "df behind the printed p, Cavagna 2012"
MEANING = "what pounding means"

#: Warm-up programmes; only the first two are documented to contain backward running and print
#: what a ratio needs.
PROGRAMMES = (
    Programme(
        "silversgranelli2015",
        "Silvers-Granelli 2015, 11+",
        True,
        counts="injury_rate_per_1000_ae",
        arms=("intervention 11+", "control"),
        teams="injuries_per_team",
    ),
    Programme("soligard2008", "Soligard 2008, 11+", True, ratio="all_injuries_rate_ratio"),
    Programme(
        "sportsmetrics2015",
        "Sportsmetrics 2015, ACL",
        False,
        counts="noncontact_acl_injury_rate_per_1000_ae",
        arms=("trained female athletes 13-18 y", "control"),
    ),
    Programme(
        "walden2012",
        "Walden 2012, ACL",
        False,
        ratio="acl_injury_rate_ratio",
        counts="players_with_acl_injury",
        arms=("intervention Knee Control", "control"),
    ),
    Programme(
        "olsen2005", "Olsen 2005, knee and ankle", False, ratio="players_injured_relative_risk"
    ),
    Programme(
        "labella2011",
        "LaBella 2011, lower limb",
        False,
        ratio="acute_noncontact_lower_extremity_injury_rate_ratio",
    ),
    Programme("rossler2018", "Rossler 2018, children", False, ratio="all_injuries_hazard_ratio"),
    Programme("funball2024", "Obertinca 2024, football", False, ratio="all_injuries_rate_ratio"),
)


def analyse(context: Context) -> Findings:
    """Three indirect contrasts, and the rates that make up the background."""
    rows = context.published
    flynn = {"study_id": "flynn1995", "outcome": "patellofemoral_force_bw"}
    roos = {"study_id": "roos2012", "outcome": "patellofemoral_force_bw"}
    loads = [
        crossover_study(rows, "li-roos", "Roos 2012, same speed", where=roos, pooled=True, **LOAD),
        crossover_study(
            rows, "li-flynn", "Flynn 1995, own speed", where=flynn, pooled=True, **LOAD
        ),
    ]
    load_grid = pool_grid([study.pair for study in loads], [])
    load_pool, _ = pooled_row(
        [study.middle for study in loads],
        "li-load-pool",
        "Pool, joint load",
        load_grid,
        "correlations between directions",
        **LOAD,
    )
    impact = {df: _acceleration(rows, df) for df in _possible_df(rows)}
    heart = _heart_rate(context)
    pounding = (
        *(
            Candidate(e.interval(), {MEANING: "impact", ACCELERATION_DF: df})
            for df, e in impact.items()
        ),
        *(Candidate(c.interval, {MEANING: "heart rate", **c.unknowns}) for c in heart.candidates),
    )
    programmes = [programme_trial(rows, programme) for programme in PROGRAMMES]
    cohorts = cohort_rates(context.cohorts)
    verified = [p.estimate for p in programmes if p.contains_backward]
    programme_pool, _ = pooled_row(
        verified,
        "li-programme-pool",
        "Pool, programmes with backward running",
        quantity="injury_rate_ratio",
        directness="programme containing backward running",
    )
    first = next(iter(impact.values()))
    return Findings(
        estimates=(
            *(study.row for study in loads),
            hollow_ratio(
                rows,
                "li-odu",
                "Thesis 1998, 1.0 m/s",
                where={"study_id": "odu1998", "outcome": "patellofemoral_force_bw"},
                **LOAD,
            ),
            load_pool,
            EstimateRow.of(
                first,
                "li-acceleration",
                "Cavagna 2012, peak acceleration",
                quantity=IMPACT,
                role="printed",
                study_id="cavagna2012",
                n=9.0,
                gait="run",
                directness="impact of the body, not ligament",
                claim_id=POUNDING,
            ).over(pounding[: len(impact)], ACCELERATION_DF),
            heart.row,
            *(programme.row for programme in programmes),
            programme_pool,
            poisson_row(programmes, "li-poisson", "Poisson mixed model of all counts"),
            *_background(rows),
            *(cohort.row(TEARS) for cohort in cohorts),
        ),
        candidates={TEARS: tuple(c.candidate for c in cohorts), POUNDING: pounding},
        without_cohorts={TEARS: ()} if cohorts else {},
        judged={POUNDING: "li-acceleration"},
        assumptions=(
            *(a for study in [*loads, heart] for a in study.assumptions),
            *(a for programme in programmes for a in programme.assumptions),
            ACCELERATION_ASSUMPTION,
        ),
        checks=_checks(rows),
        sweeps=tuple(study.sweep for study in loads),
        witnesses=tuple(w for study in loads for w in witness_pair(study, context.seed)),
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


def _possible_df(rows: pd.DataFrame) -> tuple[float, ...]:
    """People as units, or every person at each of the fifteen speeds from 3 to 17 km/h."""
    n = int(
        one_row(
            rows, study_id="cavagna2012", outcome="peak_acceleration_m_s2", direction="forward"
        )["n"]
    )
    return (n - 1.0, 15.0 * n - 1)


def _acceleration(rows: pd.DataFrame, df: float) -> Estimate:
    """Log ratio with the standard error that the printed p implies at `df`."""
    where = {"study_id": "cavagna2012", "outcome": "peak_acceleration_m_s2"}
    forward = one_row(rows, direction="forward", **where)
    backward = one_row(rows, direction="backward", **where)
    value = math.log(backward["mean"] / forward["mean"])
    return Estimate(
        value,
        value / t_from_p(float(backward["p_value"]), df),
        df,
        "log_ratio",
        "ratio backward / forward",
        (forward["row_id"], backward["row_id"]),
        ("li-acceleration-df",),
    )


def _heart_rate(context: Context):  # type: ignore[no-untyped-def]
    """Heart rate backward / forward in running, for the 'pounding of the heart' wording."""
    from retrostats.read.published import load_published

    return crossover_study(
        load_published("metabolic_cost"),
        "li-heart-rate",
        "Williford 1998, heart rate, run",
        where={"study_id": "williford1998", "outcome": "heart_rate_bpm", "gait": "run"},
        quantity="heart_rate_ratio",
        claim_id=POUNDING,
        directness="heart rate",
    )


def _background(rows: pd.DataFrame) -> list[EstimateRow]:
    """Ligament tears per 1000 athlete-exposures of (forward) cross-country running."""
    found = []
    for study, who in (("ncaaxcmen2021", "men"), ("ncaaxcwomen2021", "women")):
        all_injuries = one_row(rows, study_id=study, outcome="injury_rate_per_1000_ae")
        share = one_row(rows, study_id=study, outcome="share_ankle_ligament_tears_pct")
        found.append(
            EstimateRow(
                estimate_id=f"li-background-{who}",
                label=f"Cross-country runners, {who}",
                quantity="ligament_injury_rate",
                role="recomputed",
                scale="difference",
                unit="ankle ligament tears per 1000 athlete-exposures",
                estimate=all_injuries["mean"] * share["mean"] / 100,
                study_id=study,
                hollow=True,
                directness="background, direction assumed forward",
                source_rows=(all_injuries["row_id"], share["row_id"]),
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
                rate(
                    f"rate-{row['row_id']}",
                    row["study_id"],
                    f"{row['outcome_printed']}, {row['unit']}",
                    row["mean_text"],
                    row["events"],
                    row["exposure"],
                    factor,
                    [row["row_id"]],
                )
            )
    return tuple(found)


def draw(
    frames: Mapping[str, pd.DataFrame], claims: Mapping[str, Claim]
) -> dict[str, Figure | None]:
    """Joint load and impact, programme rate ratios, and the dependence on correlations."""
    from retrostats.draw.figures import injury_rates, joint_load_impact, sensitivity

    return {
        "joint_load_impact": joint_load_impact(frames["estimates"]),
        "injury_rate_ratios": injury_rates(frames["estimates"]),
        "joint_load_sensitivity": sensitivity(frames["sensitivity"], claims),
    }
