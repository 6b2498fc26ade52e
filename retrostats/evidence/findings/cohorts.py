"""A reader's own cohorts in the analyses: the same mixed models, fitted to rows.

Effects are the first condition of the audit against the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from retrostats.common.errors import InputError
from retrostats.evidence.findings.contrasts import rate_contrast, ratio_contrast
from retrostats.evidence.result.estimate import Estimate
from retrostats.evidence.result.findings import EstimateRow
from retrostats.evidence.unreported.sources import Source, known_source

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.audit.audit import Audit
    from retrostats.common.vocabulary import Conditions

#: Outcomes that are per metre already.
PER_METRE = ("energy_cost_j_kg_m", "oxygen_cost_ml_kg_m")
#: What a speed is measured at; each combination is a level of one factor.
CONDITIONS = ("nominal_speed_m_s", "gradient_pct")


@dataclass(frozen=True, slots=True)
class CohortEffect:
    """Effect of one cohort, ready for a pool, a forest row and a verdict.

    `relevant` is False for a cohort without the first condition: it is shown, and judges nothing.
    `randomised` is False for a difference between people who were not allocated by lot, or not
    said to be. `part` names the arm or speed that it is about, `baseline` is the mean before of a
    change, `contrast` says in words what was subtracted from what, or divided by it.
    """

    estimate: Estimate
    name: str
    label: str
    quantity: str
    n: int
    relevant: bool = True
    gait: str = ""
    note: str = ""
    part: str = ""
    baseline: float = float("nan")
    randomised: bool = True
    contrast: str = ""

    @property
    def source(self) -> Source:
        """What it brings to a pool; nothing is left unprinted in rows."""
        return known_source(self.label, self.estimate, float(self.n), user_cohort=True)

    @property
    def _directness(self) -> str:
        if self.gait == "walk":
            return "walking, own cohort"
        return "direct, own cohort" if self.relevant else "own cohort, not this comparison"

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
            claim_id=claim_id if self.relevant else "",
            study_id=self.name,
            n=float(self.n),
            directness=self._directness,
            gait=self.gait,
            note="; ".join(filter(None, (self.contrast, self.note))),
            group=group,
            pooled=self.relevant,
            excluded=not self.relevant,
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
    gait
        Whether running and walking are told apart.
    log
        Whether the outcome is compared by ratios or by differences; None: conditions by ratios,
        changes by differences.
    """

    conditions: Conditions
    outcomes: tuple[str, ...]
    quantity: str
    unit: str
    gait: bool = False
    log: bool | None = None

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
    if topic is None:
        return Compared(audit.conditions, (), quantity, unit)
    return Compared(audit.conditions, topic.outcomes, quantity, unit, gait=topic.gait)


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


def gaits_of(by: Compared) -> tuple[str, ...]:
    """What rows are told apart by before they are compared; one empty word where by nothing."""
    return ("run", "walk") if by.gait else ("",)


def log_rows(cohort: Any, by: Compared, gait: str = "") -> pd.DataFrame:
    """Rows of one gait with the log of the outcome and condition, the second first; maybe none.

    Where gaits are told apart, every row of a table without that column is taken as running. The
    outcome stays as it is where people are compared by differences.
    """
    import numpy as np
    import pandas as pd

    column, frame = outcome_of(cohort, by), cohort.frame
    gaits = frame["gait"].fillna("run") if "gait" in frame and by.gait else gaits_of(by)[0]
    conditions = [name for name in CONDITIONS if name in frame]
    period = [name for name in ("period",) if name in frame]
    rows = frame[["subject", "direction", column, *conditions, *period]].assign(gait=gaits)
    rows = rows[(rows["gait"] == (gait or gaits_of(by)[0])) & rows[column].notna()]
    logged: pd.DataFrame = rows.assign(
        log_outcome=np.log(rows[column]) if by.log is not False else rows[column].astype(float),
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
        level_codes, values = pd.factorize(rows[column], use_na_sentinel=False)
        _, codes = np.unique(codes * len(values) + level_codes, return_inverse=True)
    _, first = np.unique(codes, return_index=True)
    parts = [rows[c].iloc[first].astype(str).fillna("nan").tolist() for c in columns]
    texts = [" ".join(words) for words in zip(*parts, strict=True)]
    levels = sorted(set(texts))
    at = {level: i for i, level in enumerate(levels)}
    place = np.array([at[text] for text in texts])
    return pd.Categorical.from_codes(place[codes], categories=pd.Index(levels))


def paired_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a person and direction: the mean log outcome over speeds met in both conditions.

    Repeated trials are averaged first, so that a speed weighs the same in both conditions. The
    period goes with them where each person has one for each condition.
    """
    keys = ["subject", "condition", "direction"]
    cells = rows.groupby(keys, observed=True)["log_outcome"].mean().reset_index()
    ways = cells.groupby(["subject", "condition"], observed=True)["direction"].transform("nunique")
    by = ["subject", "direction"]
    means: pd.DataFrame = (
        cells[ways == 2].groupby(by, observed=True)["log_outcome"].mean().reset_index()
    )
    if has_period(rows):
        periods = rows.groupby(by, observed=True)["period"].first().reset_index()
        means = means.merge(periods, on=by, how="left")
    return means


def has_period(rows: pd.DataFrame) -> bool:
    """Whether rows have a period for each person and condition that tells it from the condition."""
    if "period" not in rows or rows["period"].isna().any() or rows["period"].nunique() < 2:
        return False
    periods = rows.groupby(["subject", "direction"], observed=True)["period"].nunique()
    return bool((periods == 1).all()) and _separable(rows)


def _separable(rows: pd.DataFrame) -> bool:
    """Whether people met the conditions in different orders, and are more than the periods."""
    first = rows.groupby(["subject", "direction"], observed=True)["period"].first().unstack()
    both = first.dropna()
    return len(both.drop_duplicates()) > 1 and len(both) > rows["period"].nunique()


@dataclass(frozen=True, slots=True)
class PersonEffects:
    """One effect a person.

    Attributes
    ----------
    values, subjects
        Effects, and whose they are.
    lost
        Degrees of freedom that effects of the period took.
    adjusted_share
        `share` where something is adjusted for.
    """

    values: Any
    subjects: tuple[str, ...] = ()
    lost: int = 0
    adjusted_share: float | None = None

    @property
    def share(self) -> float:
        """Variance of the mean over that between people."""
        return 1 / len(self.values) if self.adjusted_share is None else self.adjusted_share


def person_ratios(rows: pd.DataFrame) -> PersonEffects:
    """Log ratio of each person measured in both conditions, less the effect of the period.

    By least squares on the differences of people: the same as the model of both rows.
    """
    import numpy as np

    means = paired_rows(rows).set_index(["subject", "direction"])
    second, first = rows["direction"].cat.categories
    wide = means["log_outcome"].unstack().reindex(columns=[second, first])
    ratio = (wide[first] - wide[second]).to_numpy(float)
    people = tuple(map(str, wide.index))
    if "period" not in means or not len(ratio):
        return PersonEffects(ratio, people)
    periods = means["period"].unstack()
    shift = np.column_stack([(periods[first] == v).astype(float) - (periods[second] == v)
                             for v in sorted(set(means["period"]))[1:]])  # fmt: skip
    design = np.column_stack([np.ones(len(ratio)), shift])
    solved, _, rank, _ = np.linalg.lstsq(design, ratio, rcond=None)
    share = float(np.linalg.pinv(design.T @ design)[0, 0])
    return PersonEffects(ratio - shift @ solved[1:], people, int(rank) - 1, share)


def _ratios(cohort: Any, by: Compared) -> list[CohortEffect]:
    """One effect a gait that the cohort measured in both conditions.

    Only levels met in both conditions count; without one there is no ratio at one speed, and what
    is left is the cost of a metre at different speeds, which bears on no claim.
    """
    found = []
    for gait in gaits_of(by):
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
    return replace(effect, relevant=False, note=note, label=f"{effect.name}, at different speeds")


def _ratio(cohort: Any, by: Compared, gait: str, rows: pd.DataFrame) -> CohortEffect:
    """The mixed model of the rows; a person's several rows of one direction are no new people."""
    from retrostats.models.linear.fit import lmm

    means = paired_rows(rows)
    ways = rows.groupby(["subject", "condition"], observed=True)["direction"].nunique()
    if len(means) and bool((ways == 2).all()):  # means of people: no repeat is a new person
        period = " + period" if has_period(rows) else ""
        formula = f"log_outcome ~ direction{period} + (1 | subject)"
        fit = lmm(formula, means, covariance="signed-cs")
    else:
        many = bool(rows.duplicated(["subject", "direction"]).any())
        groups = "(1 | subject) + (1 | subject:direction)" if many else "(1 | subject)"
        conditions = " + condition" if rows["condition"].nunique() > 1 else ""
        conditions += " + period" if has_period(rows) else ""
        fit = lmm(f"log_outcome ~ direction{conditions} + {groups}", rows)
    scale = "difference" if by.log is False else "log_ratio"
    effect = _effect(cohort, fit, f"direction{by.first}", scale, by)
    walks = gait == "walk"
    label = f"{effect.name}, walk (own cohort)" if walks else effect.label
    return replace(
        effect, label=label, n=rows["subject"].nunique(), relevant=not walks, gait=gait,
        note="taken as running: no gait column" if by.gait and "gait" not in cohort.frame else "",
        contrast=ratio_contrast(rows, by, period=has_period(rows)),
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

    from retrostats.models.counts.fit import glmm

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
    said = rate_contrast(rows, other, against, exposure)
    return replace(effect, note=note, randomised=allocated(cohort, "direction"), contrast=said)


def allocated(cohort: Any, column: str) -> bool:
    """Whether people are their own comparison in a column, or came into its levels by lot."""
    from retrostats.io.validation.reading import between_people

    randomised = cohort.provenance.get("allocation") == "by lot"
    return randomised or not between_people(cohort.frame, column)


def _effect(cohort: Any, fit: Any, term: str, scale: Any, by: Compared) -> CohortEffect:
    name = str(cohort.provenance["name"])
    n = int(cohort.frame["subject"].nunique())
    estimate = Estimate.of_term(fit, term, scale, by.unit)
    return CohortEffect(estimate, name, f"{name} (own cohort)", by.quantity, n)
