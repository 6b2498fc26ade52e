"""A reader's own cohorts: only injuries of its kind count for a claim."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from retrostats.audit.analysis import Context
from retrostats.evidence.findings.cohorts import CohortEffect, cohort_rates, compared
from retrostats.evidence.result.findings import EstimateRow

from .names import NAME, USER_COHORT

if TYPE_CHECKING:
    pass


def user_cohort_effects(context: Context, claim: str) -> list[CohortEffect]:
    """Rate ratio of a reader's own cohorts for one claim: only injuries of its kind count."""
    outcome, quantity, unit, against = USER_COHORT[claim]
    by = replace(compared(context.audit, NAME, quantity, unit), outcomes=(outcome,))
    return cohort_rates(context.cohorts, by, against)


def user_cohort_row(claim: str) -> Callable[..., EstimateRow]:
    """What makes the row of their average."""
    return partial(EstimateRow.of, quantity=USER_COHORT[claim][1])
