"""Rate and risk ratios of two-arm trials: printed ratios, counts, and the spread of clusters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.common.errors import InputError
from retrostats.evidence.findings.pooled import pooled_measure
from retrostats.evidence.findings.results import Result
from retrostats.evidence.printed.pair import one_row
from retrostats.evidence.printed.reported import Reported, se_from_ci
from retrostats.evidence.result.estimate import Estimate
from retrostats.evidence.result.findings import Assumption, EstimateRow
from retrostats.evidence.unreported.sources import Effects, Source, ratio_source
from retrostats.evidence.unreported.unknowns import Space, Unknown, Values
from retrostats.io.published.printed_rows import both_of_people, measure_of, refuse_no_events
from retrostats.models.meta.inputs import INDEPENDENT

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


@dataclass(frozen=True, slots=True, eq=False)
class TrialResult(Result):
    """A trial of two arms, alone over the rounding of what it printed.

    Attributes
    ----------
    trial
    counts
        Its arms, treated first, where it printed counts.
    counts_people
        Whether these are people with an event among people.
    """

    trial: Trial = field(kw_only=True)
    counts: tuple[Mapping[str, Any], ...] = field(kw_only=True)
    counts_people: bool = field(kw_only=True)


def trial_result(
    published: pd.DataFrame, trial: Trial, effect: Effect, **extra: Any
) -> TrialResult:
    """Rate ratio of one trial, treated / control; risk ratio where people are counted."""
    counted = None if trial.ratio else _from_counts(published, trial, effect)
    source = counted[0] if counted else _printed_ratio(published, trial)
    assumptions = counted[1] if counted else ()
    of_people = source.measure == "risk ratio"
    estimate = Estimate(
        *_at_reference_point(source),
        math.inf,
        "log_ratio" if of_people else "log_rate_ratio",
        _unit(source.measure, effect.unit),
        source.rows,
        tuple(a.assumption_id for a in assumptions),
    )
    row = EstimateRow.of(
        estimate,
        f"{effect.prefix}-{trial.study_id}",
        trial.label,
        quantity=effect.quantity,
        role="printed" if trial.ratio else "recomputed",
        study_id=trial.study_id,
        n=source.n,
        directness=trial.directness,
        pooled=trial.pooled,
        excluded=not trial.pooled,
        **extra,
    )
    counts = _arm_counts(published, trial) if trial.counts else ()
    people = bool(counts) and both_of_people(_arm_rows(published, trial))
    return TrialResult(
        row, pooled_measure([source], row.estimate_id, trial.label), source, estimate,
        assumptions=assumptions, trial=trial, counts=counts, counts_people=people,
    )  # fmt: skip


def _unit(measure: str, unit: str) -> str:
    """The unit of the contrast, with the measure of this trial where the contrast names another."""
    named = measure_of(unit)
    if not measure or named == measure:
        return unit
    return unit.replace(named, measure) if named else f"{measure}, {unit}"


def _at_reference_point(source: Source) -> tuple[float, float]:
    """Effect and standard error at the printed numbers themselves."""
    space = Space.of(source.unknowns)
    found = source.effects(space.values(space.reference_point))
    return float(np.squeeze(found.value)), math.sqrt(float(np.squeeze(found.variance)))


def _printed_ratio(published: pd.DataFrame, trial: Trial) -> Source:
    row = one_row(published, study_id=trial.study_id, outcome=trial.ratio)
    names = {"mean": "ratio", "ci_low": "lower limit", "ci_high": "upper limit"}
    ratio, low, high = (
        Unknown.of_cell(f"{what} ({trial.label})", row, column) for column, what in names.items()
    )
    level = row["ci_level"] / 100
    source = ratio_source(
        trial.label, float(row["n"]), ratio, (low, high), level, (str(row["row_id"]),)
    )
    return replace(source, measure=measure_of(str(row["unit"])))


def _from_counts(
    published: pd.DataFrame, trial: Trial, effect: Effect
) -> tuple[Source, tuple[Assumption, ...]]:
    """Log ratio; its variance is that of the cluster totals if printed, else of the counts.

    Events over time are Poisson: a rate ratio, 1 / events an arm. People with an event among people
    are binomial: a risk ratio, 1 / events - 1 / people an arm.
    The total of k clusters with mean m and SD s has the variance k s^2, so the log rate has
    s^2 / (k m^2); without their figures the Poisson value 1 / events is too small for a trial
    that allocated clusters, and the assumption says so. Counts are exact; a rate, means and SDs
    of clusters move inside their rounding.
    """
    rows, counts = _arm_rows(published, trial), _arm_counts(published, trial)
    people = both_of_people(rows)
    refuse_no_events(counts)
    rates = {
        i: Unknown.of_cell(f"rate, {arm} ({trial.label})", row, "mean")
        for i, (arm, row) in enumerate(zip(trial.arms, rows, strict=True))
        if math.isnan(row["exposure"])
    }
    clusters = _clusters(published, trial) if trial.clusters else ()

    def exposure(v: Values, i: int) -> Any:
        if i not in rates:
            return counts[i]["exposure"]
        return counts[i]["events"] / v[rates[i].name] * 1000

    def effects(v: Values) -> Effects:
        first, second = (counts[i]["events"] / exposure(v, i) for i in (0, 1))
        if clusters:
            variance = sum(v[sd.name] ** 2 / (k * v[mean.name] ** 2) for k, mean, sd in clusters)
        else:
            among = (1 / arm["exposure"] if people else 0.0 for arm in counts)
            variance = sum(1 / a["events"] - less for a, less in zip(counts, among, strict=True))
        return Effects(np.atleast_1d(np.log(first / second)), np.atleast_1d(variance))

    if clusters:
        kind = "spread between clusters"
        statement = "the variance of the log rate is that of the cluster totals"
        why = "clusters were allocated, not people; exposure per cluster is taken as equal"
    else:
        kind = "independent events"
        statement = (
            "people are independent (binomial)" if people else "events are independent (Poisson)"
        )
        why = "no spread between clusters is printed; the interval is too narrow if they differ"
    name = f"{effect.prefix}-variance-{trial.study_id}"
    source = Source(
        trial.label,
        sum(arm["n"] for arm in counts),
        (*rates.values(), *(u for _, mean, sd in clusters for u in (mean, sd))),
        effects,
        (*(arm["row_id"] for arm in counts), *_cluster_rows(published, trial)["row_id"]),
        math.inf,
        measure="risk ratio" if people else "rate ratio",
    )
    return source, (Assumption(name, kind, statement, why, trial.study_id),)


def _arm_rows(published: pd.DataFrame, trial: Trial) -> list[pd.Series]:
    return [
        one_row(published, study_id=trial.study_id, outcome=trial.counts, arm=arm)
        for arm in trial.arms
    ]


def _arm_counts(published: pd.DataFrame, trial: Trial) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        {
            "row_id": row["row_id"],
            "events": _events(row),
            "exposure": _exposure(row),
            "n": float(row["n"]),
        }
        for row in _arm_rows(published, trial)
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


def _cluster_rows(published: pd.DataFrame, trial: Trial) -> pd.DataFrame:
    """Rows with the mean and SD of events per cluster; none where the trial prints none."""
    if not trial.clusters:
        return published.iloc[:0]
    return published[
        (published["study_id"] == trial.study_id) & (published["outcome"] == trial.clusters)
    ]


def _clusters(published: pd.DataFrame, trial: Trial) -> tuple[tuple[float, Unknown, Unknown], ...]:
    """Number of clusters, mean and SD of their events, an arm each."""
    return tuple(
        (
            float(row["n"]),
            Unknown.of_cell(f"events per cluster, {i} ({trial.label})", row, "mean"),
            Unknown.of_cell(f"SD of events per cluster, {i} ({trial.label})", row, "spread"),
        )
        for i, (_, row) in enumerate(_cluster_rows(published, trial).iterrows(), start=1)
    )


def _spread_rows(published: pd.DataFrame, trial: Trial) -> list[str]:
    """Rows that a trial's design effect comes from."""
    if trial.clusters:
        return list(_cluster_rows(published, trial)["row_id"])
    if not trial.adjusted:
        return []
    return [str(one_row(published, study_id=trial.study_id, outcome=trial.adjusted)["row_id"])]


def design_effect(published: pd.DataFrame, trial: Trial) -> float:
    """Variance of the log ratio with clusters over that of independent events, at least 1.

    From the printed spread of clusters or the printed adjusted interval; NaN where neither is.
    """
    if trial.clusters:
        found = _cluster_rows(published, trial)
        variance = (found["spread"] ** 2 / (found["n"] * found["mean"] ** 2)).sum()
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
    """One model of all events counted over time, and what it assumes where no clusters are printed.

    A Poisson model with a level of its own for every trial and an effect that differs between
    trials; counts are divided by design effects, the greatest printed one where a trial prints
    none. Nothing corrects such a likelihood for few trials, so the interval takes t on trials less
    one degrees of freedom. People with an event among people are binomial and have a risk ratio,
    another measure: trials that print no more are left out, and the row names them.
    """
    import pandas as pd

    from retrostats.models.counts.pooled import pool_counts

    counted = [trial for trial in trials if trial.counts and not trial.counts_people]
    of_people = [trial.trial.label for trial in trials if trial.counts_people]
    independence = published.set_index("row_id")["independence"]
    quoted = [
        t.trial.label
        for t in counted
        if any(independence[arm["row_id"]] != INDEPENDENT for arm in t.counts)
    ]
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
    names = [trial.trial.label for trial, none in zip(counted, silent, strict=True) if none]
    least = pool_counts(table.fillna({"design_effect": 1.0}), measure="rate_ratio")
    table["design_effect"] = table["design_effect"].fillna(greatest)
    found = pool_counts(table, measure="rate_ratio")
    assumption = Assumption(
        f"{estimate_id}-clusters",
        "design effect",
        f"teams make the counts of {'; '.join(names)} worth {greatest:.2f} times "
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
        (
            *(arm["row_id"] for pair in pairs for arm in pair),
            *(row for t in counted for row in _spread_rows(published, t.trial)),
        ),
        (assumption.assumption_id,),
    )
    row = EstimateRow.of(
        estimate,
        estimate_id,
        f"{label} ({len(table)} trials)",
        quantity=effect.quantity,
        role="one-stage",
        n=float(sum(arm["n"] for pair in pairs for arm in pair)),
        note=f"{len(table)} trials, each with a level and an effect of its own (SD between trials "
        f"{math.sqrt(found.tau2):.2f}); counts divided by design effects of "
        f"{table['design_effect'].min():.2f} to {greatest:.2f} for teams"
        + (f"; {', '.join(quoted)} as quoted by reviews" if quoted else "")
        + (f"; {', '.join(of_people)} count people and are left out" if of_people else ""),
        **extra,
    )
    return row, assumption
