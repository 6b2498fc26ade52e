"""A reader's own cohorts in the analyses: the same mixed models, fitted to rows.

Effects are the first condition of the audit against the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from retrostats.errors import InputError
from retrostats.result.estimate import Estimate
from retrostats.result.findings import EstimateRow
from retrostats.unprinted.sources import Source, known_source

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.audit import Audit
    from retrostats.vocabulary import Conditions

#: Outcomes that are per metre already.
PER_METRE = ("energy_cost_j_kg_m", "oxygen_cost_ml_kg_m")
#: What a speed is measured at; each combination is a level of one factor.
CONDITIONS = ("nominal_speed_m_s", "gradient_pct")


@dataclass(frozen=True, slots=True)
class CohortEffect:
    """Effect of one cohort, ready for a pool, a forest row and a verdict.

    `bears` is False for a cohort without the first condition: it is shown, and judges nothing.
    `part` names the arm or speed that it is about, `baseline` is the mean before of a change.
    """

    estimate: Estimate
    name: str
    label: str
    quantity: str
    n: int
    bears: bool = True
    gait: str = ""
    note: str = ""
    part: str = ""
    baseline: float = float("nan")

    @property
    def source(self) -> Source:
        """What it brings to a pool; nothing is left unprinted in rows."""
        return known_source(self.label, self.estimate, float(self.n), own=True)

    @property
    def _directness(self) -> str:
        if self.gait == "walk":
            return "walking, own cohort"
        return "direct, own cohort" if self.bears else "own cohort, not this comparison"

    @property
    def row_id(self) -> str:
        """Identifier of its row."""
        return "-".join(filter(None, ("cohort", self.name, self.quantity, self.gait, self.part)))

    def row(self, claim_id: str, group: str = "") -> EstimateRow:
        """Row of the public frame, under the heading `group` of a figure."""
        return EstimateRow.of(
            self.estimate,
            self.row_id,
            self.label,
            quantity=self.quantity,
            role="cohort",
            claim_id=claim_id if self.bears else "",
            study_id=self.name,
            n=float(self.n),
            directness=self._directness,
            gait=self.gait,
            note=self.note,
            group=group,
            pooled=self.bears,
            hollow=not self.bears,
        )


@dataclass(frozen=True, slots=True)
class Compared:
    """What a topic's cohorts are compared in: conditions, outcomes, and the effect's name.

    Attributes
    ----------
    conditions
        First against second, the untrained arm, and the words of a table for each.
    outcomes
        Columns by preference; the first one present is used.
    quantity, unit
        Of the effect, for the row.
    """

    conditions: Conditions
    outcomes: tuple[str, ...]
    quantity: str
    unit: str

    @property
    def first(self) -> str:
        """The condition whose effect is estimated."""
        return self.conditions.first

    @property
    def second(self) -> str:
        """The condition it is set against."""
        return self.conditions.second

    @property
    def control(self) -> str:
        """The untrained arm."""
        return self.conditions.control


def compared(audit: Audit, analysis: str, quantity: str, unit: str) -> Compared:
    """The conditions of an audit and the outcomes of the topic of one of its analyses."""
    topic = audit.topic_of(analysis)
    return Compared(audit.conditions, topic.outcomes if topic else (), quantity, unit)


def cohort_ratios(cohorts: Sequence[Any], by: Compared) -> list[CohortEffect]:
    """Ratio of the conditions in each cohort and gait: condition fixed, people random.

    Several speeds are a fixed factor, and a person differs from the others in each condition.

    Raises
    ------
    InputError
        If a cohort has no outcome column; the message lists the allowed ones.
    """
    return [effect for cohort in cohorts for effect in _ratios(cohort, by)]


def outcome_of(cohort: Any, by: Compared) -> str:
    """The outcome column of a cohort."""
    found = [name for name in by.outcomes if name in cohort.frame]
    if not found:
        raise InputError(
            f"cohort {cohort.provenance['name']}: no outcome column; "
            f"it needs one of {', '.join(by.outcomes)}"
        )
    return found[0]


def log_rows(cohort: Any, by: Compared, gait: str = "run") -> pd.DataFrame:
    """Rows of one gait with the log of the outcome and condition, the second first; maybe none.

    Without a gait column every row is taken as running.
    """
    import numpy as np
    import pandas as pd

    column, frame = outcome_of(cohort, by), cohort.frame
    gaits = frame["gait"].fillna("run") if "gait" in frame else "run"
    conditions = [name for name in CONDITIONS if name in frame]
    period = [name for name in frame if str(name).strip().lower() == "period"][:1]
    rows = frame[["subject", "direction", column, *conditions, *period]].assign(gait=gaits)
    rows = rows.rename(columns={name: "period" for name in period})
    rows = rows[(rows["gait"] == gait) & rows[column].notna()]
    logged: pd.DataFrame = rows.assign(
        log_outcome=np.log(rows[column]),
        direction=pd.Categorical(rows["direction"], [by.second, by.first]),
        subject=joined_texts(rows, ["subject"]),
        condition=joined_texts(rows, conditions) if conditions else "",
    )
    return logged


def joined_texts(rows: pd.DataFrame, columns: Sequence[str]) -> pd.Categorical[Any]:
    """The values of some columns of each row as one text, written once for each combination."""
    import numpy as np
    import pandas as pd

    if not len(rows):
        return pd.Categorical([])
    codes: Any = np.zeros(len(rows), dtype=np.intp)
    for column in columns:
        own, values = pd.factorize(rows[column], use_na_sentinel=False)
        _, codes = np.unique(codes * len(values) + own, return_inverse=True)
    _, first = np.unique(codes, return_index=True)
    parts = [rows[c].iloc[first].astype(str).fillna("nan").tolist() for c in columns]
    texts = [" ".join(words) for words in zip(*parts, strict=True)]
    levels = sorted(set(texts))
    at = {level: i for i, level in enumerate(levels)}
    place = np.array([at[text] for text in texts])
    return pd.Categorical.from_codes(place[codes], categories=pd.Index(levels))


def paired_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a person and direction: the mean log outcome over speeds met in both conditions."""
    ways = rows.groupby(["subject", "condition"])["direction"].transform("nunique")
    by = rows[ways == 2].groupby(["subject", "direction"], observed=True)
    means: pd.DataFrame = by["log_outcome"].mean().reset_index()
    return means


def _ratios(cohort: Any, by: Compared) -> list[CohortEffect]:
    """One effect a gait that the cohort measured in both conditions.

    Only levels met in both conditions count; without one there is no ratio at one speed, and what
    is left is the cost of a metre at different speeds, which bears on no claim.
    """
    found = []
    for gait in ("run", "walk"):
        rows = log_rows(cohort, by, gait)
        if rows["direction"].nunique() < 2:
            continue
        ways = rows.groupby("condition")["direction"].transform("nunique")
        same = rows[ways == 2]
        if len(same):
            found.append(_ratio(cohort, by, gait, same))
        elif "speed_m_s" in cohort.frame:
            found.append(_per_metre(cohort, by, gait, rows))
    return found


def _per_metre(cohort: Any, by: Compared, gait: str, rows: pd.DataFrame) -> CohortEffect:
    """Ratio of the cost of a metre, each condition at speeds of its own."""
    import numpy as np

    if outcome_of(cohort, by) not in PER_METRE:
        speed = cohort.frame.loc[rows.index, "speed_m_s"]
        rows = rows.assign(log_outcome=rows["log_outcome"] - np.log(speed))
    effect = _ratio(cohort, replace(by, quantity="cost_per_metre_ratio"), gait,
                    rows[rows["log_outcome"].notna()].assign(condition=""))  # fmt: skip
    note = "no speed in both directions: cost of a metre, each at its own speed"
    return replace(effect, bears=False, note=note, label=f"{effect.name}, at different speeds")


def _ratio(cohort: Any, by: Compared, gait: str, rows: pd.DataFrame) -> CohortEffect:
    """The mixed model of the rows; a person's several rows of one direction are no new people."""
    from retrostats.mixed.fit import lmm

    many = bool(rows.duplicated(["subject", "direction"]).any())
    paired = not many and bool((rows.groupby("subject")["direction"].nunique() == 2).all())
    conditions = " + condition" if rows["condition"].nunique() > 1 else ""
    if "period" in rows and rows["period"].notna().all() and rows["period"].nunique() > 1:
        rows = rows.assign(period=rows["period"].astype(str))
        conditions += " + period"
    groups = "(1 | subject) + (1 | subject:direction)" if many else "(1 | subject)"
    fit = lmm(
        f"log_outcome ~ direction{conditions} + {groups}",
        rows,
        covariance="signed-cs" if paired and not conditions else "lme4",
    )
    effect = _effect(cohort, fit, f"direction{by.first}", "log_ratio", by)
    walks = gait == "walk"
    label = f"{effect.name}, walk (own cohort)" if walks else effect.label
    return replace(
        effect, label=label, n=rows["subject"].nunique(), bears=not walks, gait=gait,
        note="" if "gait" in cohort.frame else "taken as running: no gait column",
    )  # fmt: skip


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
    """Arm of each kind (both conditions, control) by its name in the cohort."""
    from retrostats.read.values import arm_word

    found: dict[str, str] = {}
    for arm in cohort.frame["arm"].dropna().unique() if "arm" in cohort.frame else ():
        kind = arm_word(str(arm), by.conditions)
        if kind:
            found.setdefault(kind, str(arm))
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
    effect = _of_time(cohort, formula, rows, "", by)
    if not arm:
        return effect
    label = f"{effect.name}, {arm} (own cohort, not {by.first})"
    return replace(effect, label=label, bears=False, part=arm)


def _arm_by_time(cohort: Any, by: Compared, pair: tuple[str, str]) -> CohortEffect:
    import pandas as pd

    rows = timed(cohort)
    rows = rows[rows["arm"].isin(pair)]
    rows = rows.assign(arm=pd.Categorical(rows["arm"], pair))
    formula = f"{outcome_of(cohort, by)} ~ arm * time + (1 | subject)"
    return _of_time(cohort, formula, rows, f"arm{pair[1]}:", by)


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
    from retrostats.mixed.fit import lmm

    times = rows["time"].cat.categories
    rows = visit_means(rows, outcome_of(cohort, by))
    term = f"{prefix}time{times[-1]}"
    paired = bool((rows.groupby("subject")["time"].nunique() == 2).all())
    fit = lmm(formula, rows, covariance="signed-cs" if paired else "lme4")
    estimate = Estimate.of_term(fit, term, "difference", by.unit)
    name = str(cohort.provenance["name"])
    first = rows.loc[rows["time"] == times[0], outcome_of(cohort, by)]
    return CohortEffect(
        estimate, name, f"{name} (own cohort)", by.quantity, rows["subject"].nunique(),
        baseline=float(first.mean()),
    )  # fmt: skip


def cohort_rates(
    cohorts: Sequence[Any], by: Compared, against: str = "", exposure: str = "exposure_h"
) -> list[CohortEffect]:
    """Rate ratio of the conditions in each cohort that counts the outcome: Poisson, people random.

    The first condition against the second, unless `against` is the first.
    """
    there = [c for c in cohorts if any(o in c.frame and c.frame[o].notna().any()
                                       for o in by.outcomes)]  # fmt: skip
    return [_rate(cohort, by, against or by.second, exposure) for cohort in there]


def _rate(cohort: Any, by: Compared, against: str, exposure: str) -> CohortEffect:
    import pandas as pd

    from retrostats.counts.fit import glmm

    other = by.first if against == by.second else by.second
    rows = cohort.frame.assign(
        direction=pd.Categorical(cohort.frame["direction"], [against, other]),
        subject=cohort.frame["subject"].astype(str),
    )
    formula, note = f"{outcome_of(cohort, by)} ~ direction + (1 | subject)", ""
    fit = glmm(formula, rows, exposure=exposure)
    if fit.separated:
        fit = glmm(formula, rows, exposure=exposure, penalty="firth")
        note = "no event in one condition: Firth-penalised, without which the ratio is not finite"
    effect = _effect(cohort, fit, f"direction{other}", "log_rate_ratio", by)
    return replace(effect, note=note)


def _effect(cohort: Any, fit: Any, term: str, scale: Any, by: Compared) -> CohortEffect:
    name = str(cohort.provenance["name"])
    n = int(cohort.frame["subject"].nunique())
    estimate = Estimate.of_term(fit, term, scale, by.unit)
    return CohortEffect(estimate, name, f"{name} (own cohort)", by.quantity, n)
