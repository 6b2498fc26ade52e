"""Ligament injury: nobody counted by running direction; what public numbers do allow."""

from __future__ import annotations

from retrostats.audit.analysis import Context
from retrostats.evidence.findings.averaged import averaged
from retrostats.evidence.findings.cross_checks import cross_check_pair
from retrostats.evidence.findings.few_studies import few_studies_rows
from retrostats.evidence.findings.pooled import pooled_measure, pooled_row
from retrostats.evidence.findings.printed import no_standard_error_ratio
from retrostats.evidence.findings.trials import counts_row, trial_result
from retrostats.evidence.result.findings import Findings
from retrostats.evidence.unreported.pooled import method_choice

from .background import background_rows, checks_of
from .drawing import draw
from .forces import (
    ACCELERATION_ASSUMPTION,
    AT_ONE_SPEED,
    AT_OWN_SPEED,
    acceleration_measure,
    acceleration_row,
    ground_force,
    heart_rate,
    load,
    pounding_measures,
)
from .machines import AGAINST_RUNNING, AGAINST_WALKING, machine
from .names import CONDITIONS, ELLIPTICAL, LOAD, NAME, POUNDING, USER_COHORT
from .programmes import CONTAINS, COUNTED, PROGRAMMES, RATES, TOGETHER, UNVERIFIED, VERIFIED
from .user_cohorts import user_cohort_effects, user_cohort_row

__all__ = ["METHODS", "NAME", "QUESTION", "TITLE", "TOPIC", "analyse", "draw"]

TITLE = "Ligament injury"
TOPIC = "ligament_injury"
QUESTION = "Does running forward tear more ligaments and injure more than running backward?"
METHODS = (
    "No study was found that counts ligament injuries, or any injuries, by running direction; "
    "the cited group measured forces on trained runners. So the claim has no direct evidence, "
    "and three contrasts that public numbers do allow are shown, each labelled by how direct "
    "it is. None of them is a verdict on the claim.",
    "Joint load: ratio of peak patellofemoral force, backward / forward, by the mixed model of "
    "printed pairs. It is load on cartilage, not on ligaments. Roos 2012 alone judges it, at one "
    "speed; Flynn 1995, whose runners chose theirs, is shown beside it and never pooled with it.",
    "Impact: ratio of peak upward acceleration of the body, backward / forward; its standard "
    "error comes from the printed p read as a paired test, with the df the design allows.",
    "Programmes: injury rate ratios of warm-up programmes that contain some backward running "
    "beside much else. Cluster trials enter with their printed cluster-adjusted interval or "
    "with the spread between teams. One model of all injuries counted over time stands beside "
    "them: a level and an effect of its own for every trial, counts divided by the design effect "
    "of its teams; trials that count people have a risk ratio, and stay out of it. "
    "None of it can be attributed to running direction.",
    "A pool of two studies: the interval is what a method makes of the variance between them. "
    "Knapp-Hartung, Henmi-Copas and half-normal priors of two scales are shown; none is picked.",
    "Own cohorts: only a count of ligament injuries bears on the claim about ligaments; a count of "
    "all injuries, a hamstring's too, bears on whether running backward avoids common injuries.",
    "Elliptical and treadmill (a reader's claim): the mixed model of printed pairs, against "
    "running by the load on the foot and against walking by force in a knee implant; both must "
    "agree.",
)


def analyse(context: Context) -> Findings:
    """Three indirect contrasts, and the rates that make up the background."""
    rows = context.published
    roos, flynn = load(context, *AT_ONE_SPEED), load(context, *AT_OWN_SPEED)
    heart = heart_rate(context)
    ground = ground_force(context)
    impact = acceleration_measure(context)
    machines = [machine(context, *which) for which in (AGAINST_RUNNING, AGAINST_WALKING)]
    programmes = [
        trial_result(rows, trial, RATES, group=VERIFIED if trial.pooled else UNVERIFIED)
        for trial in PROGRAMMES
    ]
    counts, clusters = counts_row(
        rows,
        programmes,
        RATES,
        "li-counts",
        "All counts over time, one model",
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
    own = {claim: found for claim in USER_COHORT if (found := user_cohort_effects(context, claim))}
    joined = {
        claim: averaged(found, None, user_cohort_row(claim), f"li-own-{claim}", claim)
        for claim, found in own.items()
    }
    thesis = no_standard_error_ratio(
        rows,
        "li-odu",
        "Thesis 1998, 1.0 m/s",
        conditions=CONDITIONS,
        where={"study_id": "odu1998", "outcome": "patellofemoral_force_bw"},
        **LOAD,
    )
    background = background_rows(rows)
    return Findings(
        estimates=(
            roos.row,
            flynn.row,
            thesis.row,
            acceleration_row(rows, impact),
            heart.row,
            ground.row,
            *(study.row for study, _ in machines),
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
            *pounding_measures(impact, heart, ground, roos),
            flynn.measure,
            *(measure for _, measure in machines),
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
            ELLIPTICAL: machines[0][0].row.estimate_id,
            **{claim: measure.estimate_id for claim, (measure, _) in joined.items()},
        },
        assumptions=(
            *(
                a
                for study in [roos, flynn, heart, ground, *(s for s, _ in machines)]
                for a in study.assumptions
            ),
            *(a for programme in programmes for a in programme.assumptions),
            clusters,
            ACCELERATION_ASSUMPTION,
        ),
        checks=checks_of(rows),
        cross_checks=tuple(
            w for study in (roos, flynn) for w in cross_check_pair(study, context.seed)
        ),
    )
