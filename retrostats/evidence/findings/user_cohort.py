"""What a lab asks of its own rows alone: each speed, each arm, rates, and the next person.

Everything here is by hand-checkable formulas on people: paired differences with Student's t,
rates with the exact Poisson interval. The mixed models of the same rows are the estimates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.common.student import t_quantile
from retrostats.evidence.findings.changes import timed
from retrostats.evidence.findings.cohorts import (
    CONDITIONS,
    Compared,
    PersonEffects,
    gaits_of,
    log_rows,
    outcome_of,
    person_ratios,
)
from retrostats.evidence.result.findings import NAN
from retrostats.io.cohort.headers import column_words

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.audit.audit import Audit
    from retrostats.common.vocabulary import Topic

#: Rates are told for so many hours.
HOURS = 1000.0
LEVEL = 0.95
#: Who is meant where nothing tells people apart.
EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class UserCohortResult:
    """One result of one cohort alone.

    Attributes
    ----------
    cohort, analysis
        Name of the cohort, and the analysis that takes it.
    kind
        "effect", "level" (one speed or arm), "rate", or "person" (95% prediction for a new one).
    what, unit, scale
        In words; "ratio", "difference" or "rate".
    estimate, conf_low, conf_high
        On the display scale, at 95%.
    n, events, exposure_h
        People; events and hours of a rate, else NaN.
    note
        What it rests on.
    """

    cohort: str
    analysis: str
    kind: str
    what: str
    unit: str
    scale: str
    estimate: float
    conf_low: float
    conf_high: float
    n: float
    events: float = NAN
    exposure_h: float = NAN
    note: str = ""


def user_cohort_results(cohort: Any, audit: Audit) -> list[UserCohortResult]:
    """Every result of one cohort: by speed or by arm with the next person, or rates."""
    from retrostats.io.validation.reading import between_people

    topic = next((t for t in audit.topics.values() if t.analysis == cohort.analysis), None)
    if topic is None:
        return []
    topic = topic.fitting(cohort.frame)
    by = Compared(audit.conditions, topic.outcomes, "", "", gait=topic.gait)
    if topic.counted:
        return list(_rates(cohort, topic))
    if topic.compares == "arm":
        return list(_by_arm(cohort, by))
    if topic.own and between_people(cohort.frame, "direction"):
        return list(_by_group(cohort, by))
    return list(_by_speed(cohort, by))


def pairs_of(cohort: Any, by: Compared, gait: str = "") -> pd.DataFrame:
    """Log ratio of each person measured in both conditions: subject, level, speed_m_s, log_ratio.

    One row a person and level; the mean over repeated trials.
    """
    import pandas as pd

    from retrostats.io.cohort.speeds import NOMINAL

    rows = log_rows(cohort, by, gait)
    if not len(rows):
        return pd.DataFrame(columns=["subject", "condition", "level", "speed_m_s", "log_ratio"])
    keys = ["subject", "condition"]
    wide = rows.groupby([*keys, "direction"], observed=True)["log_outcome"].mean().unstack()
    wide = wide.reindex(columns=[by.second, by.first]).dropna().reset_index()
    names = [name for name in CONDITIONS if name in cohort.frame]
    levels = rows.groupby("condition", observed=True)[names].first()
    speeds = dict(levels[NOMINAL]) if NOMINAL in names else {}
    texts = {c: _level(levels.loc[c]) for c in levels.index}
    paired: pd.DataFrame = wide[keys].assign(
        level=[texts.get(c, "") for c in wide["condition"]],
        speed_m_s=[speeds.get(c, NAN) for c in wide["condition"]],
        log_ratio=(wide[by.first] - wide[by.second]).to_numpy(float),
    )
    return paired.sort_values(["speed_m_s", "level", "subject"], ignore_index=True)


def _level(row: pd.Series) -> str:
    """A combination of speed and gradient in words."""
    from retrostats.io.cohort.speeds import NOMINAL

    parts = []
    speed = row.get(NOMINAL, NAN)
    slope = row.get("gradient_pct", NAN)
    if np.isfinite(speed):
        parts.append(f"{speed * 3.6:.3g} km/h ({speed:.3g} m/s)")
    if np.isfinite(slope):
        parts.append(f"{slope:g}% grade")
    return ", ".join(parts)


def _by_speed(cohort: Any, by: Compared) -> Iterator[UserCohortResult]:
    unit = f"ratio {by.first} / {by.second}"
    for gait in gaits_of(by):
        pairs = pairs_of(cohort, by, gait)
        if not len(pairs):
            continue
        logged = log_rows(cohort, by, gait)
        for level, part in pairs.groupby("level", sort=False):
            what = ", ".join(filter(None, (gait, str(level)))) or EVERYBODY
            people = person_ratios(logged[logged["condition"].isin(part["condition"])])
            yield _group(cohort, people, what, unit, log=True)
        people = person_ratios(logged)
        yield _group(cohort, people, f"{gait or EVERYBODY}, a new person", unit, log=True, new=True)


def _group(
    cohort: Any,
    people: PersonEffects,
    what: str,
    unit: str,
    *,
    log: bool = False,
    new: bool = False,
) -> UserCohortResult:
    """Mean of a group of people, one value each, or where a `new` one of them is expected."""
    found = _mean(people, new=new)
    mean, low, high = np.exp(found) if log else found
    note = (
        "95% prediction for one more person, measured as these were"
        if new
        else "people with both measurements, paired t"
    ) + (", less the effect of the period" if people.lost else "")
    return UserCohortResult(
        cohort=str(cohort.provenance["name"]),
        analysis=cohort.analysis,
        kind="person" if new else "level",
        what=what,
        unit=unit,
        scale="ratio" if log else "difference",
        estimate=float(mean),
        conf_low=float(low),
        conf_high=float(high),
        n=len(people.values),
        note=note,
    )


def changes_of(cohort: Any, by: Compared) -> pd.DataFrame:
    """Change of each person from the first to the last time: subject, arm, change."""
    rows = timed(cohort)
    times = list(rows["time"].cat.categories)
    arms = rows["arm"].fillna("").astype(str) if "arm" in rows else ""
    wide = (
        rows.assign(arm=arms)
        .pivot_table(index=["subject", "arm"], columns="time", values=outcome_of(cohort, by),
                     observed=True)
        .reindex(columns=[times[0], times[-1]])
        .dropna()
    )  # fmt: skip
    change = (wide[times[-1]] - wide[times[0]]).rename("change")
    found: pd.DataFrame = change.reset_index()
    return found


def _by_arm(cohort: Any, by: Compared) -> Iterator[UserCohortResult]:
    times = list(timed(cohort)["time"].cat.categories)
    unit = f"change of {column_words(outcome_of(cohort, by))}"
    for arm, part in changes_of(cohort, by).groupby("arm", sort=False):
        who = str(arm) if arm else EVERYBODY
        people = PersonEffects(part["change"].to_numpy(float))
        yield _group(cohort, people, f"{who}, {times[0]} to {times[-1]}", unit)
        yield _group(cohort, people, f"{who}, a new person", unit, new=True)


def _by_group(cohort: Any, by: Compared) -> Iterator[UserCohortResult]:
    """Means of groups of other people, and where one person more is expected."""
    outcome = outcome_of(cohort, by)
    means = cohort.frame.groupby(["direction", "subject"], observed=True)[outcome].mean()
    for group, part in means.groupby(level="direction", observed=True):
        people = PersonEffects(part.to_numpy(float))
        note = "means of people, t"
        one = _group(cohort, people, str(group), column_words(outcome))
        yield replace(one, note=note)
        yield _group(cohort, people, f"{group}, a new person", column_words(outcome), new=True)


def _rates(cohort: Any, topic: Topic) -> Iterator[UserCohortResult]:
    """Events for 1,000 hours in each condition, by kind of event."""
    for outcome in (o for o in topic.outcomes if o in cohort.frame):
        rows = cohort.frame[cohort.frame[outcome].notna()]
        for way, part in rows.groupby("direction", observed=True):
            events, hours = float(part[outcome].sum()), float(part["exposure_h"].sum())
            low, high = poisson_limits(events)
            per = HOURS / hours if hours else NAN
            yield UserCohortResult(
                cohort=str(cohort.provenance["name"]),
                analysis=cohort.analysis,
                kind="rate",
                what=f"{column_words(outcome)}, {way!s}",
                unit=f"events in {HOURS:,.0f} h",
                scale="rate",
                estimate=events * per,
                conf_low=low * per,
                conf_high=high * per,
                n=part["subject"].nunique(),
                events=events,
                exposure_h=hours,
                note="exact Poisson interval, as if events came one by one",
            )


def poisson_limits(events: float) -> tuple[float, float]:
    """Exact 95% limits of the mean of a Poisson count (Garwood 1936, Biometrika 28:437).

    Examples
    --------
    >>> tuple(round(x, 3) for x in poisson_limits(5))
    (1.623, 11.668)
    """
    from scipy.special import chdtri, gammaincinv

    tail = (1 - LEVEL) / 2
    low = float(gammaincinv(events, tail)) if events else 0.0
    return low, float(chdtri(2 * events + 2, tail)) / 2


def _mean(people: PersonEffects, *, new: bool = False) -> tuple[float, float, float]:
    """Mean and 95% limits by Student's t: of the mean, or of a `new` value; NaN for one value.

    Examples
    --------
    >>> three = PersonEffects(np.array([1.0, 2.0, 3.0]))
    >>> [round(float(x), 3) for x in _mean(three)]
    [2.0, -0.484, 4.484]
    >>> [round(float(x), 3) for x in _mean(three, new=True)]
    [2.0, -2.968, 6.968]
    """
    values = people.values
    df, mean = len(values) - 1 - people.lost, float(np.mean(values))
    if df < 1:
        return mean, NAN, NAN
    variance = float(((values - mean) ** 2).sum()) / df
    spread = np.sqrt(variance * (people.share + new))
    half = t_quantile((1 - LEVEL) / 2, df) * spread
    return mean, mean - half, mean + half
