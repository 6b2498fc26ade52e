"""Rate ratios of two-arm trials: printed ratios, counts, and the spread of clusters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retrostats.reduce.pair import one_row
from retrostats.result.estimate import Estimate
from retrostats.result.findings import Assumption, EstimateRow

if TYPE_CHECKING:
    import pandas as pd

#: Arms of a model of all counts; the reference first.
ARMS = ("usual", "programme")


@dataclass(frozen=True, slots=True)
class Trial:
    """How one trial's printed rows become a ratio, and where its row stands.

    Attributes
    ----------
    study_id, label
        Of the source.
    pooled
        Whether it enters the pool.
    directness
        How direct it is to the claim.
    ratio
        Outcome of a printed ratio with its confidence interval; otherwise `counts` decides.
    counts, arms
        Outcome with events and exposure, and its two arms, treated first.
    clusters
        Outcome with the mean and SD of events per cluster, if printed.
    """

    study_id: str
    label: str
    pooled: bool
    directness: str
    ratio: str = ""
    counts: str = ""
    arms: tuple[str, str] = ("", "")
    clusters: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """What every trial of one contrast shares: the effect's name, unit, and prefix of its ids."""

    quantity: str
    unit: str
    prefix: str


@dataclass(frozen=True, slots=True)
class TrialResult:
    """A trial with its estimate, its row and, where printed, its counts."""

    trial: Trial
    estimate: Estimate
    row: EstimateRow
    counts: tuple[Mapping[str, Any], ...]
    assumptions: tuple[Assumption, ...]


def trial_result(
    published: pd.DataFrame, trial: Trial, effect: Effect, **extra: Any
) -> TrialResult:
    """Rate ratio of one trial, treated / control."""
    if trial.ratio:
        estimate, n, assumptions = _printed_ratio(published, trial, effect)
    else:
        estimate, n, assumptions = _from_counts(published, trial, effect)
    row = EstimateRow.of(
        estimate,
        f"{effect.prefix}-{trial.study_id}",
        trial.label,
        quantity=effect.quantity,
        role="printed" if trial.ratio else "recomputed",
        study_id=trial.study_id,
        n=n,
        directness=trial.directness,
        pooled=trial.pooled,
        hollow=not trial.pooled,
        **extra,
    )
    counts = _arm_counts(published, trial) if trial.counts else ()
    return TrialResult(trial, estimate, row, counts, assumptions)


def _printed_ratio(
    published: pd.DataFrame, trial: Trial, effect: Effect
) -> tuple[Estimate, float, tuple[Assumption, ...]]:
    from retrostats.counts.rates import se_from_ci

    row = one_row(published, study_id=trial.study_id, outcome=trial.ratio)
    error = se_from_ci(row["ci_low"], row["ci_high"], row["ci_level"] / 100, log=True)
    estimate = Estimate(
        math.log(row["mean"]), error, math.inf, "log_rate_ratio", effect.unit, (row["row_id"],)
    )
    return estimate, float(row["n"]), ()


def _from_counts(
    published: pd.DataFrame, trial: Trial, effect: Effect
) -> tuple[Estimate, float, tuple[Assumption, ...]]:
    """Log rate ratio; its variance is that of the cluster totals if printed, else Poisson.

    The total of k clusters with mean m and SD s has the variance k s^2, so the log rate has
    s^2 / (k m^2); without their figures the Poisson value 1 / events is too small for a trial
    that allocated clusters, and the assumption says so.
    """
    treated, control = _arm_counts(published, trial)
    value = math.log(
        treated["events"] / treated["exposure"] * control["exposure"] / control["events"]
    )
    sources = [treated["row_id"], control["row_id"]]
    if trial.clusters:
        clusters = published[
            (published["study_id"] == trial.study_id) & (published["outcome"] == trial.clusters)
        ]
        variance = float((clusters["spread"] ** 2 / (clusters["n"] * clusters["mean"] ** 2)).sum())
        sources += list(clusters["row_id"])
        kind = "spread between clusters"
        statement = "the variance of the log rate is that of the cluster totals"
        why = "clusters were allocated, not people; exposure per cluster is taken as equal"
    else:
        variance = 1 / treated["events"] + 1 / control["events"]
        kind = "independent events"
        statement = "events are independent (Poisson)"
        why = "no spread between clusters is printed; the interval is too narrow if they differ"
    name = f"{effect.prefix}-variance-{trial.study_id}"
    estimate = Estimate(
        value, math.sqrt(variance), math.inf, "log_rate_ratio", effect.unit, tuple(sources), (name,)
    )
    n = float(treated["n"] + control["n"])
    return estimate, n, (Assumption(name, kind, statement, why, trial.study_id),)


def _arm_counts(published: pd.DataFrame, trial: Trial) -> tuple[Mapping[str, Any], ...]:
    rows = [
        one_row(published, study_id=trial.study_id, outcome=trial.counts, arm=arm)
        for arm in trial.arms
    ]
    return tuple(
        {
            "row_id": row["row_id"],
            "study": trial.study_id,
            "arm": name,
            "events": float(row["events"]),
            "exposure": float(row["exposure"]),
            "n": float(row["n"]),
        }
        for row, name in zip(rows, ARMS[::-1], strict=True)
    )


def poisson_row(
    trials: Sequence[TrialResult], effect: Effect, estimate_id: str, label: str, **extra: Any
) -> EstimateRow:
    """Poisson mixed model of all printed counts: arm fixed, trials random, log exposure."""
    import pandas as pd

    from retrostats.counts.fit import glmm

    rows = pd.DataFrame([count for trial in trials for count in trial.counts])
    rows["arm"] = pd.Categorical(rows["arm"], list(ARMS))
    fit = glmm("events ~ arm + (1 | study)", rows, exposure="exposure")
    estimate = Estimate.of_term(
        fit,
        f"arm{ARMS[1]}",
        "log_rate_ratio",
        effect.unit,
        tuple(rows["row_id"]),
        tuple(a.assumption_id for t in trials for a in t.assumptions if t.counts),
    )
    return EstimateRow.of(
        estimate,
        estimate_id,
        label,
        quantity=effect.quantity,
        role="one-stage",
        n=float(rows["n"].sum()),
        note=f"{rows['study'].nunique()} trials; people taken as independent, so too narrow",
        **extra,
    )
