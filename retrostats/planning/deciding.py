"""Of several measures of a claim, the one that decides its answer: a study is planned on it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from retrostats.audit.answer import NO_COMPARISON, NOT_RANDOMISED, Answer, agreed, answer_of
from retrostats.audit.claims import Claim
from retrostats.evidence.result.findings import EstimateRow, Measure
from retrostats.evidence.unreported.likelihood import posterior_of


def deciding(
    claim: Claim,
    measures: Sequence[Measure],
    rows: Mapping[str, EstimateRow],
    correlation: tuple[float, float] | None,
) -> tuple[Measure, str]:
    """The least sure of the measures that say something of the claim, and which it is, in words.

    A claim whose measures lie on one side has the answer of the least sure (docs/verdicts.md).
    Where they lie on both, a study of that one brings it to a side, and the claim stays as it is
    until all agree; the words say so.

    Parameters
    ----------
    measures
        One or more; only those that name their sources can be planned on, where any does.
    rows
        Estimates by id.
    correlation
        The audit's prior of correlations for the claim.
    """
    able = [m for m in measures if m.sources] or list(measures)
    if len(able) == 1:
        words = ""
        if len(measures) > 1:
            words = f"planned on {able[0].name}, the one measure of {len(measures)} with sources"
        return able[0], words
    answers = [_answer(claim, m, rows.get(m.estimate_id), correlation) for m in able]
    known = [(m, a) for m, a in zip(able, answers, strict=True) if not math.isnan(a.estimate)]
    if not known:
        return able[0], f"planned on {able[0].name}, the first of {len(able)} measures"
    if len(known) == 1:
        chosen = known[0][0]
        return chosen, f"planned on {chosen.name}, the one measure of {len(measures)} with a size"
    chosen, _ = min(known, key=lambda pair: _sureness(pair[1]))
    words = f"planned on {chosen.name}, the least sure of {len(known)} measures"
    together = agreed(claim, answers)
    if math.isnan(together.estimate):
        words += ", which lie on both sides: a study of one leaves the claim so until all agree"
    return chosen, words


def _answer(
    claim: Claim,
    measure: Measure,
    row: EstimateRow | None,
    correlation: tuple[float, float] | None,
) -> Answer:
    why = ""
    if claim.kind == "causal":
        why = "" if measure.comparison else NO_COMPARISON
        why = why or ("" if measure.randomised else NOT_RANDOMISED)
    pooled = posterior_of(
        measure, claim.scale, null=claim.null_value, correlation=correlation,
        df=row.df if row is not None and row.df > 0 else math.inf, quantity=claim.quantity,
    )  # fmt: skip
    return answer_of(claim, pooled, measure.name, why_none=why)


def _sureness(answer: Answer) -> float:
    """How far a probability is from a toss of a coin, as `agreed` asks."""
    p = answer.prob_size if math.isnan(answer.prob_direction) else answer.prob_direction
    return abs(p - 0.5)
