"""From explorations and claims to the tidy frame of verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from retrostats.judge.certainty import Certainty, Grounds, certainty_of
from retrostats.judge.claims import Claim
from retrostats.judge.fidelity import Bearing, by_signs, fidelity_of
from retrostats.judge.verdict import Evidence, Judgement, Verdict, judge
from retrostats.result.findings import EstimateRow, Findings

if TYPE_CHECKING:
    import pandas as pd


def verdict_on(claim: Claim, evidence: Sequence[Evidence], bearing: Bearing) -> Verdict:
    """Evidence by the rules; without any interval, what the printed signs amount to."""
    fidelity, reason = fidelity_of(claim, bearing)
    verdict = judge(claim, evidence, fidelity=fidelity, fidelity_reason=reason)
    if evidence or not claim.has_direction:
        return verdict
    return replace(verdict, direction=Judgement(*by_signs(claim, bearing)))


def verdict_frame(
    claims: Mapping[str, Claim],
    findings: Mapping[str, Findings],
    evidence: Mapping[str, Sequence[Evidence]],
    bearing: Bearing,
    grounds: Grounds,
) -> pd.DataFrame:
    """One row a claim that belongs to one of the analyses.

    Parameters
    ----------
    evidence
        Explored measures of each claim, by `claim_id`.
    grounds
        What the rules of certainty look at.
    """
    import pandas as pd

    rows = []
    for claim in claims.values():
        if claim.analysis not in findings:
            continue
        found = findings[claim.analysis]
        measures = evidence.get(claim.claim_id, ())
        verdict = verdict_on(claim, measures, bearing)
        sure = certainty_of(claim, measures, grounds)
        judged = found.judged.get(claim.claim_id, "")
        row = next((e for e in found.estimates if e.estimate_id == judged), None)
        rows.append(_row(claim, verdict, sure, judged, row))
    return pd.DataFrame(rows)


def cohort_frame(
    claims: Mapping[str, Claim],
    before: Mapping[str, Sequence[Evidence]],
    after: Mapping[str, Sequence[Evidence]],
    names: Mapping[str, str],
    bearing: Bearing,
) -> pd.DataFrame:
    """What the reader's own cohorts change in each verdict: without, with_, note, and the numbers.

    `names` are those of the cohorts of each analysis. Estimate and 95% interval are those of the
    first measure with the cohorts in it, and of the same measure without them, everything that was
    not printed at its middle; NaN where the literature alone has none.
    """
    import pandas as pd

    numbers = [f"{n}_{w}" for w in ("without", "with") for n in _NUMBERS]
    columns = ["claim_id", "cohort", "without", "with_", "note", *numbers]
    rows = []
    for claim in claims.values():
        with_own = after.get(claim.claim_id, ())
        if not any(e.own for e in with_own):
            continue
        old = verdict_on(claim, before.get(claim.claim_id, ()), bearing)
        new = verdict_on(claim, with_own, bearing)
        texts = (labels_text(old), labels_text(new))
        note = "unchanged" if texts[0] == texts[1] else "changed"
        moved = _before_and_after(before.get(claim.claim_id, ()), with_own)
        rows.append((claim.claim_id, names.get(claim.analysis, ""), *texts, note, *moved))
    return pd.DataFrame(rows, columns=columns)


_NUMBERS = ("estimate", "conf_low", "conf_high")


def _before_and_after(before: Sequence[Evidence], after: Sequence[Evidence]) -> tuple[float, ...]:
    """Estimate and limits of a measure without the own cohorts, and of it with them."""
    mine = next(e for e in after if e.own)
    same = [e for e in before if e.estimate_id == mine.estimate_id or e.measure == mine.measure]
    without = same[0].at95.middle if same else (float("nan"),) * len(_NUMBERS)
    return (*without, *mine.at95.middle)


def labels_text(verdict: Verdict) -> str:
    """Both labels in words."""
    return f"direction {verdict.direction.label}, size {verdict.size.label}"


def certainty_frame(
    claims: Mapping[str, Claim],
    findings: Mapping[str, Findings],
    evidence: Mapping[str, Sequence[Evidence]],
    grounds: Grounds,
) -> pd.DataFrame:
    """One row a claim and domain: levels lost and why; also where a domain costs nothing."""
    import pandas as pd

    columns = ["analysis", "claim_id", "domain", "levels", "why"]
    rows = [
        (claim.analysis, claim.claim_id, loss.domain, loss.levels, loss.why)
        for claim in claims.values()
        if claim.analysis in findings
        for loss in certainty_of(claim, evidence.get(claim.claim_id, ()), grounds).losses
    ]
    return pd.DataFrame(rows, columns=columns)


def _row(
    claim: Claim, verdict: Verdict, sure: Certainty, judged: str, row: EstimateRow | None
) -> dict[str, Any]:
    nan = float("nan")
    return {
        "claim_id": claim.claim_id,
        "analysis": claim.analysis,
        "role": claim.role,
        "kind": claim.kind,
        "statement": claim.statement,
        "attributed_to": claim.attributed_to,
        "cited_study": claim.cited_study,
        "fidelity": verdict.fidelity,
        "fidelity_reason": verdict.fidelity_reason,
        "direction": verdict.direction.label,
        "direction_reason": verdict.direction.reason,
        "size": verdict.size.label,
        "size_reason": verdict.size.reason,
        "decided_by": verdict.decided_by,
        "certainty": sure.label,
        "certainty_why": sure.why,
        "estimate_id": judged,
        "estimate": row.estimate if row else nan,
        "conf_low": row.conf_low if row else nan,
        "conf_high": row.conf_high if row else nan,
        "scale": claim.scale,
        "unit": row.unit if row else claim.unit,
        "range_low": claim.range_low,
        "range_high": claim.range_high,
        "null_value": claim.null_value,
    }
