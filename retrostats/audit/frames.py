"""From explorations and claims to the tidy frame of verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from retrostats.audit.certainty import Certainty, Grounds, certainty_of
from retrostats.audit.claims import Claim
from retrostats.audit.fidelity import ClaimEvidence, by_signs, fidelity_of
from retrostats.audit.verdict import Evidence, Judgement, Verdict, judge
from retrostats.evidence.result.findings import EstimateRow, Findings

if TYPE_CHECKING:
    import pandas as pd


def verdict_on(
    claim: Claim, evidence: Sequence[Evidence], claim_evidence: ClaimEvidence
) -> Verdict:
    """Evidence by the rules; without any interval, what the printed signs amount to."""
    fidelity, reason = fidelity_of(claim, claim_evidence)
    verdict = judge(claim, evidence, fidelity=fidelity, fidelity_reason=reason)
    if evidence or not claim.has_direction:
        return verdict
    return replace(verdict, direction=Judgement(*by_signs(claim, claim_evidence)))


def verdict_frame(
    claims: Mapping[str, Claim],
    findings: Mapping[str, Findings],
    evidence: Mapping[str, Sequence[Evidence]],
    claim_evidence: ClaimEvidence,
    certainty: Mapping[str, Certainty],
) -> pd.DataFrame:
    """One row a claim that belongs to one of the analyses.

    Parameters
    ----------
    evidence
        Explored measures of each claim, by `claim_id`.
    certainty
        By `claim_id`, from `certainties`.
    """
    import pandas as pd

    rows = []
    for claim in claims.values():
        if claim.analysis not in findings:
            continue
        found = findings[claim.analysis]
        measures = evidence.get(claim.claim_id, ())
        verdict = verdict_on(claim, measures, claim_evidence)
        judged = found.judged.get(claim.claim_id, "")
        row = next((e for e in found.estimates if e.estimate_id == judged), None)
        rows.append(_row(claim, verdict, certainty[claim.claim_id], judged, row))
    return pd.DataFrame(rows)


def certainties(
    claims: Mapping[str, Claim],
    findings: Mapping[str, Findings],
    evidence: Mapping[str, Sequence[Evidence]],
    grounds: Grounds,
) -> dict[str, Certainty]:
    """Certainty of each claim that belongs to one of the analyses, by `claim_id`."""
    return {
        claim.claim_id: certainty_of(claim, evidence.get(claim.claim_id, ()), grounds)
        for claim in claims.values()
        if claim.analysis in findings
    }


def certainty_frame(
    claims: Mapping[str, Claim], certainty: Mapping[str, Certainty]
) -> pd.DataFrame:
    """One row a claim and domain: levels lost and why; also where a domain costs nothing."""
    import pandas as pd

    columns = ["analysis", "claim_id", "domain", "levels", "why"]
    rows = [
        (claims[claim_id].analysis, claim_id, downgrade.domain, downgrade.levels, downgrade.why)
        for claim_id, sure in certainty.items()
        for downgrade in sure.downgrades
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
