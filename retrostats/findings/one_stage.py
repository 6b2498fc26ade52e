"""One stage: the printed moments of several crossovers in one mixed model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrostats.findings.cohorts import Compared, log_rows, paired_rows
from retrostats.findings.crossover import CrossoverStudy
from retrostats.reduce.pair import log_cells, middle_correlation
from retrostats.result.estimate import Estimate
from retrostats.result.findings import EstimateRow

if TYPE_CHECKING:
    from retrostats.mixed.moments import Moments

FORMULA = "log_outcome ~ study + condition + (1 | subject)"


def one_stage_moments(studies: Sequence[CrossoverStudy]) -> Moments:
    """Moments of every study on the log scale, at the middle of each range of correlations."""
    import pandas as pd

    from retrostats.mixed.summary import moments_from_summary

    cells = pd.concat(
        [log_cells(study.pair).assign(study=study.pair.study_id) for study in studies]
    )
    return moments_from_summary(
        cells,
        correlation={study.pair.study_id: middle_correlation(study.pair) for study in studies},
        within="condition",
        between="study",
        outcome="log_outcome",
        subject="subject",
    )


def one_stage_ratio(
    studies: Sequence[CrossoverStudy], by: Compared, cohorts: Sequence[Any] = ()
) -> Estimate:
    """One common ratio of the conditions from all moments at once, raw cohorts included.

    Studies shift the level, people are random, residual variance is shared: with equal
    variances and one common ratio this equals the common-effect pool of the two-stage way.
    """
    from retrostats.mixed.fit import lmm
    from retrostats.mixed.moments import moments

    merged = one_stage_moments(studies)
    for cohort in cohorts:
        rows = paired_rows(log_rows(cohort, by))
        if len(rows):
            merged = merged + moments(
                FORMULA, rows.rename(columns={"direction": "condition"}).assign(study=_name(cohort))
            )
    fit = lmm(FORMULA, merged, covariance="signed-cs")
    return Estimate.of_term(
        fit,
        f"condition{by.first}",
        "log_ratio",
        by.unit,
        tuple(row_id for study in studies for row_id in study.pair.rows),
        tuple(a for study in studies for a in study.row.assumptions),
    )


def _people(cohort: Any, by: Compared) -> int:
    return int(paired_rows(log_rows(cohort, by))["subject"].nunique())


def _name(cohort: Any) -> str:
    return str(cohort.provenance["name"])


def one_stage_row(
    studies: Sequence[CrossoverStudy],
    by: Compared,
    cohorts: Sequence[Any],
    estimate_id: str,
    label: str,
    **extra: Any,
) -> EstimateRow:
    """The one-stage ratio as a row of the public frame."""
    return EstimateRow.of(
        one_stage_ratio(studies, by, cohorts),
        estimate_id,
        label,
        role="one-stage",
        n=float(sum(study.pair.n for study in studies) + sum(_people(c, by) for c in cohorts)),
        note="one common ratio and residual variance; correlations at the middle of their ranges",
        **extra,
    )
