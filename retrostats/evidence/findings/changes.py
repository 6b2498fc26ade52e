"""Changes of a reader's own cohorts: within an arm, and between two, on means of people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from retrostats.common.errors import InputError
from retrostats.evidence.findings.cohorts import CohortEffect, Compared, allocated, outcome_of
from retrostats.evidence.findings.contrasts import times_contrast
from retrostats.evidence.result.estimate import Estimate, Scale

if TYPE_CHECKING:
    import pandas as pd


def cohort_changes(cohorts: Sequence[Any], by: Compared) -> list[CohortEffect]:
    """Change of the outcome within the arm of the first condition, first to last time.

    The same estimand whatever the other arm is. A cohort without an arm column is taken to be all
    of the first condition; one whose arms are all of another kind gives the change of each arm,
    which bears on no claim: arms are never averaged.

    Raises
    ------
    InputError
        A cohort with one time only.
    """
    return [effect for cohort in cohorts for effect in _changes(cohort, by)]


def cohort_differences(
    cohorts: Sequence[Any], by: Compared, against: str = ""
) -> list[CohortEffect]:
    """Change under the first condition less that of another arm, of cohorts with both arms.

    `against` is the second condition unless it names the control.
    """
    found = []
    for cohort in cohorts:
        arms, other = arms_of(cohort, by), against or by.second
        if {by.first, other} <= set(arms):
            found.append(_arm_by_time(cohort, by, (arms[other], arms[by.first])))
    return found


def arms_of(cohort: Any, by: Compared) -> dict[str, str]:
    """Arm of each kind (both conditions, control) by its name; two of one kind raise InputError."""
    from retrostats.io.cohort.values import arm_word

    found: dict[str, str] = {}
    for arm in cohort.frame["arm"].dropna().unique() if "arm" in cohort.frame else ():
        kind = arm_word(str(arm), by.conditions)
        if kind and found.setdefault(kind, str(arm)) != str(arm):
            both = f"arms {found[kind]!r} and {str(arm)!r} are both {kind}"
            raise InputError(f"cohort {cohort.provenance['name']}: {both}; keep one, or join them")
    return found


def _changes(cohort: Any, by: Compared) -> list[CohortEffect]:
    rows, arms = timed(cohort), arms_of(cohort, by)
    if by.first in arms:
        return [_within(cohort, rows[rows["arm"] == arms[by.first]], by)]
    if "arm" not in rows or rows["arm"].isna().all():
        return [_within(cohort, rows, by)]
    return [
        _within(cohort, rows[rows["arm"] == arm], by, str(arm))
        for arm in rows["arm"].dropna().unique()
        if rows.loc[rows["arm"] == arm, "subject"].nunique() > 1
    ]


def _within(cohort: Any, rows: pd.DataFrame, by: Compared, arm: str = "") -> CohortEffect:
    """Change of one arm; `arm` names one that is not of the first condition."""
    formula = f"{outcome_of(cohort, by)} ~ time + (1 | subject)"
    of = arm or (by.first if "arm" in rows and rows["arm"].notna().any() else "everybody")
    effect = _of_time(cohort, formula, rows, "", by)
    effect = replace(effect, contrast=f"{times_contrast(rows)}, {of} ({effect.n} people)")
    if not arm:
        return effect
    label = f"{effect.name}, {arm} (own cohort, not {by.first})"
    return replace(effect, label=label, relevant=False, part=arm)


def _arm_by_time(cohort: Any, by: Compared, pair: tuple[str, str]) -> CohortEffect:
    import pandas as pd

    rows = timed(cohort)
    rows = rows[rows["arm"].isin(pair)]
    rows = rows.assign(arm=pd.Categorical(rows["arm"], pair))
    formula = f"{outcome_of(cohort, by)} ~ arm * time + (1 | subject)"
    effect = _of_time(cohort, formula, rows, f"arm{pair[1]}:", by)
    people = rows.groupby("arm", observed=True)["subject"].nunique()
    arms = " less that of ".join(f"{arm} ({people[arm]} people)" for arm in reversed(pair))
    return replace(
        effect, randomised=allocated(cohort, "arm"), contrast=f"{times_contrast(rows)}, {arms}"
    )


def timed(cohort: Any) -> pd.DataFrame:
    """Rows of a cohort with its times as a factor, the first one first, and people as text.

    Raises
    ------
    InputError
        One time only.
    """
    import pandas as pd

    rows = cohort.frame
    times = list(pd.unique(rows["time"]))
    if len(times) < 2:
        raise InputError(
            f"cohort {cohort.provenance['name']}: one time only; "
            "a change needs a before and an after"
        )
    timed: pd.DataFrame = rows.assign(
        time=pd.Categorical(rows["time"], times), subject=rows["subject"].astype(str)
    )
    return timed


def visit_means(rows: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """Mean of each person at the first and the last time: repeats of a visit are no new people.

    A visit between says nothing of the change with an error that differs between people.
    """
    ends = rows["time"].cat.categories[[0, -1]]
    keys = ["subject", *(["arm"] if "arm" in rows and rows["arm"].notna().all() else []), "time"]
    kept = rows[rows["time"].isin(ends)]
    kept = kept.assign(time=kept["time"].cat.remove_unused_categories())
    means: pd.DataFrame = kept.groupby(keys, observed=True)[outcome].mean().reset_index()
    return means


def _of_time(
    cohort: Any, formula: str, rows: pd.DataFrame, prefix: str, by: Compared
) -> CohortEffect:
    import numpy as np

    from retrostats.models.linear.fit import lmm

    outcome = outcome_of(cohort, by)
    times = rows["time"].cat.categories
    rows = visit_means(rows, outcome)
    first = rows.loc[rows["time"] == times[0], outcome]
    term = f"{prefix}time{times[-1]}"
    paired = bool((rows.groupby("subject")["time"].nunique() == 2).all())
    scale: Scale = "difference"
    if by.log:
        _refuse_no_ratio(cohort, rows, outcome)
        rows, scale = rows.assign(**{outcome: np.log(rows[outcome])}), "log_ratio"
    fit = lmm(formula, rows, covariance="signed-cs" if paired else "lme4")
    estimate = Estimate.of_term(fit, term, scale, by.unit)
    name = str(cohort.provenance["name"])
    return CohortEffect(
        estimate, name, f"{name} (own cohort)", by.quantity, rows["subject"].nunique(),
        baseline=float(first.mean()),
    )  # fmt: skip


def _refuse_no_ratio(cohort: Any, rows: pd.DataFrame, outcome: str) -> None:
    """Refuse values of which there is no ratio."""
    odd = rows[~(rows[outcome] > 0)]
    if len(odd):
        raise InputError(
            f"cohort {cohort.provenance['name']}, column {outcome}: found {odd[outcome].iloc[0]:g} "
            f"of {odd['subject'].iloc[0]}; a ratio needs values above 0: correct it, or claim a "
            "mean difference"
        )
