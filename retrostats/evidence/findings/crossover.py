"""A printed crossover: its row, and everything that row rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from retrostats.evidence.findings.pooled import pooled_measure
from retrostats.evidence.findings.printed import MODERATORS
from retrostats.evidence.findings.results import Result
from retrostats.evidence.printed.pair import (
    HIGHEST_CORRELATION,
    PrintedPair,
    correlation_range,
    printed_pair,
    ratio_estimate,
    reference_correlation,
)
from retrostats.evidence.result.findings import Assumption, EstimateRow
from retrostats.evidence.unreported.sources import pair_source

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class CrossoverResult(Result):
    """A printed crossover: its row stands at the middle of the correlations left open.

    Attributes
    ----------
    pair
        The printed numbers.
    """

    pair: PrintedPair = field(kw_only=True)


def crossover_study(
    published: pd.DataFrame,
    estimate_id: str,
    label: str,
    *,
    conditions: tuple[str, str],
    where: Mapping[str, Any],
    highest_cv: Mapping[str, float] | None = None,
    **extra: Any,
) -> CrossoverResult:
    """Mixed model of the rows of both conditions that share the column values of `where`.

    Parameters
    ----------
    conditions
        Values of the column `direction`, the first against the second.
    highest_cv
        By outcome, the largest standard deviation that people have, as a share of the mean.
    extra
        Further columns of the row: claim_id, quantity, directness, ...
    """
    pair = printed_pair(published, conditions, label, highest_cv=highest_cv, **where)
    printed = published[published["row_id"] == pair.rows[0]]
    assumptions = _assumptions(pair)
    estimate = ratio_estimate(
        pair, reference_correlation(pair), [a.assumption_id for a in assumptions]
    )
    row = EstimateRow.of(
        estimate,
        estimate_id,
        label,
        role="model",
        study_id=pair.study_id,
        n=pair.n,
        **{name: printed[name].iloc[0] for name in MODERATORS},
        **extra,
    )
    source = pair_source(pair)
    measure = pooled_measure([source], estimate_id, label, follow=source.correlations)
    return CrossoverResult(row, measure, source, estimate, assumptions=assumptions, pair=pair)


def _assumptions(pair: PrintedPair) -> tuple[Assumption, ...]:
    """The correlation that was not printed, and what an unlabelled plus-minus is taken for."""
    low, high = correlation_range(pair)
    printed_p = f"p {pair.p_operator} {pair.p_text}"
    bounds = (
        f"the source prints {printed_p}; read as a paired t-test on {pair.n} people it leaves "
        "this range"
        if pair.p_text
        else "the source prints no p-value for this contrast, so nothing bounds it"
    )
    first, second = pair.conditions
    outcome = pair.rows[-1]
    found = [
        Assumption(
            f"r-{outcome}",
            "unknown correlation",
            f"correlation between {second} and {first} values of the same person, {pair.name}",
            bounds,
            pair.study_id,
            low,
            high,
        )
    ]
    if pair.spread_type == "unlabelled":
        cv = 100 * pair.sd_2 / pair.mean_2
        found.append(
            Assumption(
                f"sd-{outcome}",
                "unlabelled spread",
                f"the unlabelled plus-minus of {pair.name} is a standard deviation"
                + (", or a standard error; both are carried" if pair.may_be_error else ""),
                f"as an SD it is {cv:.0f}% of the {second} mean; {_as_error(pair, cv, printed_p)}",
                pair.study_id,
            )
        )
    return tuple(found)


def _as_error(pair: PrintedPair, cv: float, printed_p: str) -> str:
    """What the printed p-value says to an unlabelled spread read as a standard error.

    The SDs would then be root n times larger; a paired t-test that gives the printed p with them
    needs a correlation that may be extreme, or that no correlation can be.
    """
    least = pair.least_correlation_as_error
    if least > 1:
        return (
            "a standard error is impossible: no correlation between -1 and 1 gives the printed "
            f"{printed_p} with it"
        )
    beyond = _beyond(pair)
    if least <= -1:
        return f"as a standard error the SD would be {cv * pair.n**0.5:.0f}%{beyond}"
    bound = "above" if pair.p_operator.startswith("<") else "of"
    digits = math.floor(1000 * least) / 1000
    ruled = ", which is ruled out" if least > HIGHEST_CORRELATION else ""
    return (
        f"as a standard error it needs a correlation {bound} {digits:g} to give {printed_p}{ruled}"
        f"{beyond}"
    )


def _beyond(pair: PrintedPair) -> str:
    """That people do not differ as much as the reading needs, or nothing."""
    if not pair.beyond_plausible:
        return ""
    low, high = (f"{100 * cv:.0f}" for cv in pair.cv_as_error)
    return (
        f"; it is refused, since an SD of {low} to {high}% of the mean is more than the "
        f"{100 * pair.highest_cv:g}% by which people differ in this at most"
    )
