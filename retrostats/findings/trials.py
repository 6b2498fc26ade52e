"""Injury rate ratios of training programmes: printed ratios, counts, and the spread of teams."""

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

UNIT = "injury rate ratio, programme / usual training"


@dataclass(frozen=True, slots=True)
class Programme:
    """How one trial's rows become a ratio.

    `ratio` names the outcome of a printed ratio with its confidence interval; otherwise
    `counts` names the outcome with events and exposure, `arms` its two arms (programme first),
    and `teams` the outcome with the mean and SD of injuries per team, if printed.
    """

    study_id: str
    label: str
    contains_backward: bool
    ratio: str = ""
    counts: str = ""
    arms: tuple[str, str] = ("", "")
    teams: str = ""


@dataclass(frozen=True, slots=True)
class ProgrammeTrial:
    """A programme trial with its estimate, its row and, where printed, its counts."""

    programme: Programme
    estimate: Estimate
    row: EstimateRow
    counts: tuple[Mapping[str, Any], ...]
    assumptions: tuple[Assumption, ...]

    @property
    def contains_backward(self) -> bool:
        """Whether the programme is documented to contain backward running."""
        return self.programme.contains_backward


def programme_trial(published: pd.DataFrame, programme: Programme) -> ProgrammeTrial:
    """Rate ratio of one trial, programme / usual training."""
    if programme.ratio:
        estimate, n, assumptions = _printed_ratio(published, programme)
    else:
        estimate, n, assumptions = _from_counts(published, programme)
    directness = (
        "programme containing backward running"
        if programme.contains_backward
        else "programme, backward running not verified"
    )
    row = EstimateRow.of(
        estimate,
        f"li-{programme.study_id}",
        programme.label,
        quantity="injury_rate_ratio",
        role="printed" if programme.ratio else "recomputed",
        study_id=programme.study_id,
        n=n,
        directness=directness,
        pooled=programme.contains_backward,
        hollow=not programme.contains_backward,
    )
    counts = _arm_counts(published, programme) if programme.counts else ()
    return ProgrammeTrial(programme, estimate, row, counts, assumptions)


def _printed_ratio(
    published: pd.DataFrame, programme: Programme
) -> tuple[Estimate, float, tuple[Assumption, ...]]:
    from retrostats.counts.rates import se_from_ci

    row = one_row(published, study_id=programme.study_id, outcome=programme.ratio)
    error = se_from_ci(row["ci_low"], row["ci_high"], row["ci_level"] / 100, log=True)
    estimate = Estimate(
        math.log(row["mean"]), error, math.inf, "log_rate_ratio", UNIT, (row["row_id"],)
    )
    return estimate, float(row["n"]), ()


def _from_counts(
    published: pd.DataFrame, programme: Programme
) -> tuple[Estimate, float, tuple[Assumption, ...]]:
    """Log rate ratio; its variance is that of the team totals if printed, else Poisson.

    The total of k teams with mean m and SD s has the variance k s^2, so the log rate has
    s^2 / (k m^2); without team figures the Poisson value 1 / events is too small for a trial
    that allocated teams, and the assumption says so.
    """
    treated, control = _arm_counts(published, programme)
    value = math.log(
        treated["events"] / treated["exposure"] * control["exposure"] / control["events"]
    )
    sources = [treated["row_id"], control["row_id"]]
    if programme.teams:
        teams = published[
            (published["study_id"] == programme.study_id)
            & (published["outcome"] == programme.teams)
        ]
        variance = float((teams["spread"] ** 2 / (teams["n"] * teams["mean"] ** 2)).sum())
        sources += list(teams["row_id"])
        kind = "spread between teams"
        statement = "the variance of the log rate is that of the team totals"
        why = "teams were allocated, not players; exposure per team is taken as equal"
    else:
        variance = 1 / treated["events"] + 1 / control["events"]
        kind = "independent events"
        statement = "injuries are independent events (Poisson)"
        why = "no spread between teams is printed; the interval is too narrow if teams differ"
    name = f"li-variance-{programme.study_id}"
    estimate = Estimate(
        value, math.sqrt(variance), math.inf, "log_rate_ratio", UNIT, tuple(sources), (name,)
    )
    n = float(treated["n"] + control["n"])
    return estimate, n, (Assumption(name, kind, statement, why, programme.study_id),)


def _arm_counts(published: pd.DataFrame, programme: Programme) -> tuple[Mapping[str, Any], ...]:
    rows = [
        one_row(published, study_id=programme.study_id, outcome=programme.counts, arm=arm)
        for arm in programme.arms
    ]
    return tuple(
        {
            "row_id": row["row_id"],
            "study": programme.study_id,
            "programme": name,
            "events": float(row["events"]),
            "exposure": float(row["exposure"]),
            "n": float(row["n"]),
        }
        for row, name in zip(rows, ("programme", "usual"), strict=True)
    )


def poisson_row(trials: Sequence[ProgrammeTrial], estimate_id: str, label: str) -> EstimateRow:
    """Poisson mixed model of all printed counts: programme fixed, trials random, log exposure."""
    import pandas as pd

    from retrostats.counts.fit import glmm

    rows = pd.DataFrame([count for trial in trials for count in trial.counts])
    rows["programme"] = pd.Categorical(rows["programme"], ["usual", "programme"])
    fit = glmm("events ~ programme + (1 | study)", rows, exposure="exposure")
    estimate = Estimate.of_term(
        fit,
        "programmeprogramme",
        "log_rate_ratio",
        UNIT,
        tuple(rows["row_id"]),
        tuple(a.assumption_id for t in trials for a in t.assumptions if t.counts),
    )
    return EstimateRow.of(
        estimate,
        estimate_id,
        label,
        quantity="injury_rate_ratio",
        role="one-stage",
        directness="programmes, direction not separable",
        n=float(rows["n"].sum()),
        note=f"{rows['study'].nunique()} trials; players taken as independent, so too narrow",
    )
