"""Rate ratios of two-arm trials: printed ratios, counts, and the spread of clusters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retrostats.errors import InputError
from retrostats.reduce.pair import one_row
from retrostats.reduce.reported import Reported
from retrostats.result.estimate import Estimate
from retrostats.result.findings import Assumption, EstimateRow

if TYPE_CHECKING:
    import pandas as pd


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
    adjusted
        Outcome of a printed ratio of these counts whose interval allows for the clusters.
    """

    study_id: str
    label: str
    pooled: bool
    directness: str
    ratio: str = ""
    counts: str = ""
    arms: tuple[str, str] = ("", "")
    clusters: str = ""
    adjusted: str = ""


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
        variance, rows = _cluster_variance(published, trial)
        sources += rows
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
            "events": _events(row),
            "exposure": _exposure(row),
            "n": float(row["n"]),
        }
        for row in rows
    )


def _events(row: pd.Series) -> float:
    """Events as printed, or the one whole number that a rate per 1000 and its exposure allow.

    Raises
    ------
    InputError
        Neither is printed, or several whole numbers round to the printed rate.
    """
    if math.isfinite(row["events"]):
        return float(row["events"])
    low, high = Reported(row["mean_text"]).interval
    per = row["exposure"] / 1000
    found = range(math.ceil(low * per), math.floor(high * per) + 1) if per > 0 else ()
    if len(found) != 1 or "per 1000" not in row["unit"]:
        raise InputError(
            f"published row {row['row_id']}: no events, and {len(found)} whole numbers fit its "
            "rate and exposure; leave its counts out"
        )
    return float(found[0])


def _exposure(row: pd.Series) -> float:
    """Exposure as printed, or what printed events and their rate per 1000 come to.

    Raises
    ------
    InputError
        Neither is printed.
    """
    if math.isfinite(row["exposure"]):
        return float(row["exposure"])
    if not (row["events"] > 0 and row["mean"] > 0 and "per 1000" in row["unit"]):
        raise InputError(
            f"published row {row['row_id']}: no exposure, and no events with a rate per 1000 that "
            "give it; leave its counts out"
        )
    return float(row["events"] / row["mean"] * 1000)


def _cluster_variance(published: pd.DataFrame, trial: Trial) -> tuple[float, list[str]]:
    """Variance of the log rate ratio by the spread of events between clusters, and its rows."""
    found = published[
        (published["study_id"] == trial.study_id) & (published["outcome"] == trial.clusters)
    ]
    variance = (found["spread"] ** 2 / (found["n"] * found["mean"] ** 2)).sum()
    return float(variance), list(found["row_id"])


def design_effect(published: pd.DataFrame, trial: Trial) -> float:
    """Variance of the log ratio with clusters over that of independent events, at least 1.

    From the printed spread of clusters or the printed adjusted interval; NaN where neither is.
    """
    from retrostats.counts.rates import se_from_ci

    if trial.clusters:
        variance, _ = _cluster_variance(published, trial)
    elif trial.adjusted:
        row = one_row(published, study_id=trial.study_id, outcome=trial.adjusted)
        variance = se_from_ci(row["ci_low"], row["ci_high"], row["ci_level"] / 100, log=True) ** 2
    else:
        return math.nan
    independent = sum(1 / float(arm["events"]) for arm in _arm_counts(published, trial))
    return max(1.0, float(variance) / independent)


def counts_row(
    published: pd.DataFrame,
    trials: Sequence[TrialResult],
    effect: Effect,
    estimate_id: str,
    label: str,
    **extra: Any,
) -> tuple[EstimateRow, Assumption]:
    """One model of all printed counts, and what it assumes of trials that print no clusters.

    A Poisson model with a level of its own for every trial and an effect that differs between
    trials; counts are divided by design effects, the greatest printed one where a trial prints
    none. Nothing corrects such a likelihood for few trials, so the interval takes t on trials less
    one degrees of freedom.
    """
    import pandas as pd

    from retrostats.counts.pooled import pool_counts

    counted = [trial for trial in trials if trial.counts]
    pairs = [trial.counts for trial in counted]
    table = pd.DataFrame(
        {
            "study": [t.trial.study_id for t in counted],
            "events_1": [first["events"] for first, _ in pairs],
            "total_1": [first["exposure"] for first, _ in pairs],
            "events_2": [second["events"] for _, second in pairs],
            "total_2": [second["exposure"] for _, second in pairs],
            "design_effect": [design_effect(published, t.trial) for t in counted],
        }
    )
    greatest = float(table["design_effect"].max())
    silent = table["design_effect"].isna()
    least = pool_counts(table.fillna({"design_effect": 1.0}), measure="rate_ratio")
    table["design_effect"] = table["design_effect"].fillna(greatest)
    found = pool_counts(table, measure="rate_ratio")
    assumption = Assumption(
        f"{estimate_id}-clusters",
        "design effect",
        f"teams make the counts of {', '.join(table['study'][silent])} worth {greatest:.2f} times "
        "fewer, as in the trial that prints the greatest such effect",
        "no spread between teams is printed; with independent people the ratio would be "
        f"{math.exp(least.estimate):.3f} with a standard error of {least.std_error:.3f}",
        low=1.0,
        high=greatest,
    )
    estimate = Estimate(
        found.estimate,
        found.std_error,
        len(table) - 1,
        "log_rate_ratio",
        effect.unit,
        tuple(arm["row_id"] for pair in pairs for arm in pair),
        (assumption.assumption_id,),
    )
    row = EstimateRow.of(
        estimate,
        estimate_id,
        label,
        quantity=effect.quantity,
        role="one-stage",
        n=float(sum(arm["n"] for pair in pairs for arm in pair)),
        note=f"{len(table)} trials, each with a level and an effect of its own (SD between trials "
        f"{math.sqrt(found.tau2):.2f}); counts divided by design effects of "
        f"{table['design_effect'].min():.2f} to {greatest:.2f} for teams",
        **extra,
    )
    return row, assumption
