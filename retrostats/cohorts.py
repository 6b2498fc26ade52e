"""A reader's own cohorts in the analyses: the same mixed models, fitted to rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retrostats.errors import InputError
from retrostats.estimate import Estimate
from retrostats.findings import EstimateRow
from retrostats.verdict import Candidate

if TYPE_CHECKING:
    import pandas as pd

#: Outcomes that measure the cost of moving, the first one present is used.
COST_COLUMNS = ("energy_cost_j_kg_m", "metabolic_rate_w_kg", "vo2_ml_kg_min", "vo2_ml_min")


@dataclass(frozen=True, slots=True)
class CohortEffect:
    """Effect of one cohort, ready for a pool, a forest row and a verdict."""

    estimate: Estimate
    name: str
    label: str
    quantity: str
    n: int

    @property
    def candidate(self) -> Candidate:
        """Its interval; nothing is left unprinted in rows."""
        return Candidate(self.estimate.interval())

    def row(self, claim_id: str) -> EstimateRow:
        """Row of the public frame."""
        return EstimateRow.of(
            self.estimate,
            f"cohort-{self.name}",
            self.label,
            quantity=self.quantity,
            role="cohort",
            claim_id=claim_id,
            study_id=self.name,
            n=float(self.n),
            directness="direct, own cohort",
            pooled=True,
        )


def cohort_ratios(cohorts: Sequence[Any]) -> list[CohortEffect]:
    """Backward / forward cost of each cohort: log cost, direction fixed, people random.

    Raises
    ------
    InputError
        If a cohort has no cost column; the message lists the allowed ones.
    """
    return [_ratio(cohort) for cohort in cohorts]


def cost_column(cohort: Any) -> str:
    """The cost column of a cohort."""
    found = [name for name in COST_COLUMNS if name in cohort.frame]
    if not found:
        raise InputError(
            f"cohort {cohort.provenance['name']}: no cost column; "
            f"it needs one of {', '.join(COST_COLUMNS)}"
        )
    return found[0]


def log_rows(cohort: Any) -> pd.DataFrame:
    """Rows of a cohort with its log cost and direction, forward first."""
    import numpy as np
    import pandas as pd

    column = cost_column(cohort)
    rows = cohort.frame[["subject", "direction", column]].dropna()
    return rows.assign(
        log_outcome=np.log(rows[column]),
        direction=pd.Categorical(rows["direction"], ["forward", "backward"]),
        subject=rows["subject"].astype(str),
    )


def _ratio(cohort: Any) -> CohortEffect:
    from retrostats.mixed.fit import lmm

    rows = log_rows(cohort)
    speeds = cohort.frame["speed_m_s"].nunique() if "speed_m_s" in cohort.frame else 1
    formula = "log_outcome ~ direction + (1 | subject)"
    if speeds > 1:
        rows = rows.assign(speed=cohort.frame.loc[rows.index, "speed_m_s"].astype(str))
        formula = "log_outcome ~ direction + speed + (1 | subject)"
    return _effect(
        cohort,
        lmm(formula, rows),
        "directionbackward",
        "log_ratio",
        "ratio backward / forward",
        "metabolic_rate_ratio",
    )


def cohort_changes(cohorts: Sequence[Any]) -> list[CohortEffect]:
    """Arm by time effect on percent body fat of each cohort (time alone with one arm)."""
    return [_change(cohort) for cohort in cohorts]


def _change(cohort: Any) -> CohortEffect:
    import pandas as pd

    from retrostats.mixed.fit import lmm

    rows = cohort.frame
    times = list(pd.unique(rows["time"]))
    last = times[-1] if len(times) > 1 else None
    if last is None:
        raise InputError(
            f"cohort {cohort.provenance['name']}: one time only; "
            "body fat needs a before and an after"
        )
    rows = rows.assign(
        time=pd.Categorical(rows["time"], times), subject=rows["subject"].astype(str)
    )
    arms = list(pd.unique(rows["arm"])) if "arm" in rows else []
    if len(arms) < 2:
        fit = lmm("body_fat_pct ~ time + (1 | subject)", rows)
        term = f"time{last}"
    else:
        control = next((a for a in arms if "control" in str(a).lower()), arms[0])
        backward = next((a for a in arms if "backward" in str(a).lower()), arms[-1])
        order = [control, *(a for a in arms if a != control)]
        fit = lmm(
            "body_fat_pct ~ arm * time + (1 | subject)",
            rows.assign(arm=pd.Categorical(rows["arm"], order)),
        )
        term = f"arm{backward if backward != control else order[-1]}:time{last}"
    return _effect(
        cohort, fit, term, "difference", "percentage points of body mass", "body_fat_change"
    )


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
    fit = glmm("injuries ~ direction + (1 | subject)", rows, exposure="exposure_h")
    return _effect(
        cohort,
        fit,
        "directionforward",
        "log_rate_ratio",
        "injury rate ratio forward / backward",
        "injury_rate_ratio_by_direction",
    )


def _effect(cohort: Any, fit: Any, term: str, scale: Any, unit: str, quantity: str) -> CohortEffect:
    name = str(cohort.provenance["name"])
    n = int(cohort.frame["subject"].nunique())
    estimate = Estimate.of_term(fit, term, scale, unit)
    return CohortEffect(estimate, name, f"{name} (own cohort)", quantity, n)
