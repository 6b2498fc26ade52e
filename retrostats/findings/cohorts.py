"""A reader's own cohorts in the analyses: the same mixed models, fitted to rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from retrostats.errors import InputError
from retrostats.judge.verdict import Candidate
from retrostats.read.validation.checks import COST_COLUMNS
from retrostats.result.estimate import Estimate
from retrostats.result.findings import EstimateRow

if TYPE_CHECKING:
    import pandas as pd


#: What a speed is measured at; each combination is a level of one factor.
CONDITIONS = ("speed_m_s", "gradient_pct")


@dataclass(frozen=True, slots=True)
class CohortEffect:
    """Effect of one cohort, ready for a pool, a forest row and a verdict.

    `bears` is False for a cohort without backward training: it is shown, and judges nothing.
    """

    estimate: Estimate
    name: str
    label: str
    quantity: str
    n: int
    bears: bool = True
    gait: str = ""
    note: str = ""

    @property
    def candidate(self) -> Candidate:
        """Its interval; nothing is left unprinted in rows."""
        return Candidate(self.estimate.interval())

    @property
    def _directness(self) -> str:
        if self.gait == "walk":
            return "walking, own cohort"
        return "direct, own cohort" if self.bears else "own cohort, not backward running"

    def row(self, claim_id: str) -> EstimateRow:
        """Row of the public frame."""
        return EstimateRow.of(
            self.estimate,
            "-".join(filter(None, ("cohort", self.name, self.quantity, self.gait))),
            self.label,
            quantity=self.quantity,
            role="cohort",
            claim_id=claim_id if self.bears else "",
            study_id=self.name,
            n=float(self.n),
            directness=self._directness,
            gait=self.gait,
            note=self.note,
            pooled=self.bears,
            hollow=not self.bears,
        )


def cohort_ratios(cohorts: Sequence[Any]) -> list[CohortEffect]:
    """Backward / forward cost of each cohort and gait: log cost, direction fixed, people random.

    Several speeds are a fixed factor, and a person differs from the others in each direction.

    Raises
    ------
    InputError
        If a cohort has no cost column; the message lists the allowed ones.
    """
    return [effect for cohort in cohorts for effect in _ratios(cohort)]


def cost_column(cohort: Any) -> str:
    """The cost column of a cohort."""
    found = [name for name in COST_COLUMNS if name in cohort.frame]
    if not found:
        raise InputError(
            f"cohort {cohort.provenance['name']}: no cost column; "
            f"it needs one of {', '.join(COST_COLUMNS)}"
        )
    return found[0]


def log_rows(cohort: Any, gait: str = "run") -> pd.DataFrame:
    """Rows of one gait with the log of the cost and direction, forward first; maybe none.

    Without a gait column every row is taken as running.
    """
    import numpy as np
    import pandas as pd

    column, frame = cost_column(cohort), cohort.frame
    gaits = frame["gait"].fillna("run") if "gait" in frame else "run"
    conditions = [name for name in CONDITIONS if name in frame]
    rows = frame[["subject", "direction", column, *conditions]].assign(gait=gaits)
    rows = rows[(rows["gait"] == gait) & rows[column].notna()]
    return rows.assign(
        log_outcome=np.log(rows[column]),
        direction=pd.Categorical(rows["direction"], ["forward", "backward"]),
        subject=rows["subject"].astype(str),
        condition=rows[conditions].astype(str).agg(" ".join, axis=1) if conditions else "",
    )


def paired_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a person and direction: the mean log cost over conditions met in both directions."""
    ways = rows.groupby(["subject", "condition"])["direction"].transform("nunique")
    means = rows[ways == 2].groupby(["subject", "direction"], observed=True)["log_outcome"].mean()
    return means.reset_index()


def _ratios(cohort: Any) -> list[CohortEffect]:
    """One effect a gait that the cohort measured in both directions."""
    parts = {gait: log_rows(cohort, gait) for gait in ("run", "walk")}
    return [
        _ratio(cohort, gait, rows)
        for gait, rows in parts.items()
        if rows["direction"].nunique() == 2
    ]


def _ratio(cohort: Any, gait: str, rows: pd.DataFrame) -> CohortEffect:
    """The mixed model of the rows; a person's several rows of one direction are no new people."""
    from retrostats.mixed.fit import lmm

    many = bool(rows.duplicated(["subject", "direction"]).any())
    paired = not many and bool((rows.groupby("subject")["direction"].nunique() == 2).all())
    conditions = " + condition" if rows["condition"].nunique() > 1 else ""
    groups = "(1 | subject) + (1 | subject:direction)" if many else "(1 | subject)"
    fit = lmm(
        f"log_outcome ~ direction{conditions} + {groups}",
        rows,
        covariance="signed-cs" if paired and not conditions else "lme4",
    )
    effect = _effect(
        cohort, fit, "directionbackward", "log_ratio", "ratio backward / forward",
        "metabolic_rate_ratio",
    )  # fmt: skip
    walks = gait == "walk"
    label = f"{effect.name}, walk (own cohort)" if walks else effect.label
    return replace(
        effect, label=label, n=rows["subject"].nunique(), bears=not walks, gait=gait,
        note="" if "gait" in cohort.frame else "taken as running: no gait column",
    )  # fmt: skip


def cohort_changes(cohorts: Sequence[Any]) -> list[CohortEffect]:
    """Change of percent body fat with backward training, first to last time of each cohort.

    Against the control arm where there is one (arm by time), else within the backward arm. A
    cohort without an arm column is taken to have trained backward; one whose arms are all of
    another kind gives its own change, which bears on no claim.

    Raises
    ------
    InputError
        A cohort with one time only.
    """
    return [_change(cohort) for cohort in cohorts]


def cohort_differences(cohorts: Sequence[Any]) -> list[CohortEffect]:
    """Backward minus forward change of percent body fat, of cohorts that have both arms."""
    found = []
    for cohort in cohorts:
        arms = arms_of(cohort)
        if {"backward", "forward"} <= set(arms):
            pair = (arms["forward"], arms["backward"])
            found.append(_arm_by_time(cohort, pair, "body_fat_difference"))
    return found


def arms_of(cohort: Any) -> dict[str, str]:
    """Arm of each kind (backward, forward, control) by its name in the cohort."""
    from retrostats.read.values import arm_word

    found: dict[str, str] = {}
    for arm in cohort.frame["arm"].dropna().unique() if "arm" in cohort.frame else ():
        kind = arm_word(str(arm))
        if kind:
            found.setdefault(kind, str(arm))
    return found


def _change(cohort: Any) -> CohortEffect:
    arms = arms_of(cohort)
    if {"backward", "control"} <= set(arms):
        return _arm_by_time(cohort, (arms["control"], arms["backward"]), "body_fat_change")
    rows = _timed(cohort)
    several = "arm" in rows and rows["arm"].nunique() > 1
    if "backward" in arms:
        rows = rows[rows["arm"] == arms["backward"]]
    bears = bool("backward" in arms or "arm" not in rows or rows["arm"].isna().all())
    formula = "body_fat_pct ~ time + (1 | subject)"
    if several and not bears:
        formula = "body_fat_pct ~ arm + time + (1 | subject)"
    return _of_time(cohort, formula, rows, "", "body_fat_change", bears)


def _arm_by_time(cohort: Any, pair: tuple[str, str], quantity: str) -> CohortEffect:
    import pandas as pd

    rows = _timed(cohort)
    rows = rows[rows["arm"].isin(pair)]
    rows = rows.assign(arm=pd.Categorical(rows["arm"], pair))
    formula = "body_fat_pct ~ arm * time + (1 | subject)"
    return _of_time(cohort, formula, rows, f"arm{pair[1]}:", quantity, True)


def _timed(cohort: Any) -> pd.DataFrame:
    import pandas as pd

    rows = cohort.frame
    times = list(pd.unique(rows["time"]))
    if len(times) < 2:
        raise InputError(
            f"cohort {cohort.provenance['name']}: one time only; "
            "body fat needs a before and an after"
        )
    return rows.assign(
        time=pd.Categorical(rows["time"], times), subject=rows["subject"].astype(str)
    )


def _of_time(
    cohort: Any, formula: str, rows: pd.DataFrame, prefix: str, quantity: str, bears: bool
) -> CohortEffect:
    from retrostats.mixed.fit import lmm

    term = f"{prefix}time{rows['time'].cat.categories[-1]}"
    estimate = Estimate.of_term(
        lmm(formula, rows), term, "difference", "percentage points of body mass"
    )
    name = str(cohort.provenance["name"])
    label = f"{name} (own cohort)" if bears else f"{name} (own cohort, not backward)"
    return CohortEffect(estimate, name, label, quantity, rows["subject"].nunique(), bears)


def cohort_rates(cohorts: Sequence[Any]) -> list[CohortEffect]:
    """Injury rate ratio forward / backward of each cohort, by a Poisson mixed model."""
    return [_rate(cohort) for cohort in cohorts]


def _rate(cohort: Any) -> CohortEffect:
    import pandas as pd

    from retrostats.counts.fit import glmm

    rows = cohort.frame.assign(
        direction=pd.Categorical(cohort.frame["direction"], ["backward", "forward"]),
        subject=cohort.frame["subject"].astype(str),
    )
    formula, note = "injuries ~ direction + (1 | subject)", ""
    fit = glmm(formula, rows, exposure="exposure_h")
    if fit.separated:
        fit = glmm(formula, rows, exposure="exposure_h", penalty="firth")
        note = "no injury in one direction: Firth-penalised, the ratio has no finite estimate else"
    effect = _effect(
        cohort,
        fit,
        "directionforward",
        "log_rate_ratio",
        "injury rate ratio forward / backward",
        "injury_rate_ratio_by_direction",
    )
    return replace(effect, note=note)


def _effect(cohort: Any, fit: Any, term: str, scale: Any, unit: str, quantity: str) -> CohortEffect:
    name = str(cohort.provenance["name"])
    n = int(cohort.frame["subject"].nunique())
    estimate = Estimate.of_term(fit, term, scale, unit)
    return CohortEffect(estimate, name, f"{name} (own cohort)", quantity, n)
