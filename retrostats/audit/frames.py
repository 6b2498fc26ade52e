"""From explorations and claims to the tidy frame of verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any

from retrostats.audit.answer import PROBABILITIES, Answer
from retrostats.audit.certainty import Grounds, Sides, certainty_of
from retrostats.audit.claims import Claim
from retrostats.audit.fidelity import ClaimEvidence, by_signs, fidelity_of
from retrostats.audit.verdict import Evidence, Judgement, Verdict, judge
from retrostats.common.arrays import records_of
from retrostats.evidence.result.findings import NAN, EstimateRow, Findings

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


def verdicts_of(
    claims: Mapping[str, Claim],
    findings: Mapping[str, Findings],
    evidence: Mapping[str, Sequence[Evidence]],
    claim_evidence: ClaimEvidence,
) -> dict[str, Verdict]:
    """The verdict on each claim that belongs to one of the analyses, by `claim_id`."""
    return {
        claim.claim_id: verdict_on(claim, evidence.get(claim.claim_id, ()), claim_evidence)
        for claim in claims.values()
        if claim.analysis in findings
    }


def verdict_frame(
    claims: Mapping[str, Claim],
    findings: Mapping[str, Findings],
    verdicts: Mapping[str, Verdict],
    certainty: Mapping[str, Sides],
) -> pd.DataFrame:
    """One row a claim that belongs to one of the analyses.

    Parameters
    ----------
    verdicts, certainty
        By `claim_id`, from `verdicts_of` and `certainties`.
    """
    import pandas as pd

    rows = []
    for claim_id, verdict in verdicts.items():
        claim = claims[claim_id]
        found = findings[claim.analysis]
        judged = found.judged.get(claim_id, "")
        row = next((e for e in found.estimates if e.estimate_id == judged), None)
        rows.append(_row(claim, verdict, certainty[claim_id], judged, row))
    return pd.DataFrame(rows)


def answers_frame(claims: Mapping[str, Claim], verdicts: Mapping[str, Verdict]) -> pd.DataFrame:
    """One row a claim and measure: its probabilities, labels and what could overturn it."""
    import pandas as pd

    names = [f.name for f in fields(Answer)]
    rows = [
        {"analysis": claims[claim_id].analysis, "claim_id": claim_id, **asdict(answer)}
        for claim_id, verdict in verdicts.items()
        for answer in verdict.answers
    ]
    return pd.DataFrame(rows, columns=["analysis", "claim_id", *names])


def with_posteriors(
    findings: Mapping[str, Findings], answers: pd.DataFrame, claims: Mapping[str, Claim]
) -> dict[str, Findings]:
    """The findings with a row of role "posterior" beside each row that a claim is judged by."""
    added: dict[str, list[EstimateRow]] = {}
    for row in records_of(answers):
        beside = [e for e in findings[row["analysis"]].estimates
                  if e.estimate_id == row["estimate_id"]]  # fmt: skip
        if not beside or math.isnan(row["estimate"]):
            continue
        name = f"{row['estimate_id']}-posterior"
        if any(e.estimate_id == name for e in added.get(row["analysis"], [])):
            continue
        added.setdefault(row["analysis"], []).append(
            EstimateRow(
                name,
                f"Posterior, {row['measure']}",
                beside[0].quantity,
                "posterior",
                beside[0].scale,
                beside[0].unit,
                row["estimate"],
                conf_low=row["conf_low"],
                conf_high=row["conf_high"],
                claim_id=row["claim_id"],
                directness=beside[0].directness,
                group=beside[0].group,
                n=beside[0].n if beside[0].k in (row["studies"], 0) or row["studies"] == 1 else NAN,
                k=float(row["studies"]),
                tau=row["tau"],
                source_rows=beside[0].source_rows,
            )
        )
    return {
        name: replace(found, estimates=(*found.estimates, *added.get(name, ())))
        for name, found in findings.items()
    }


def certainties(
    claims: Mapping[str, Claim],
    verdicts: Mapping[str, Verdict],
    evidence: Mapping[str, Sequence[Evidence]],
    grounds: Grounds,
) -> dict[str, Sides]:
    """Certainty of both sides of each claim that has a verdict, by `claim_id`."""
    return {
        claim_id: certainty_of(
            claims[claim_id], evidence.get(claim_id, ()), verdict.answers, grounds
        )
        for claim_id, verdict in verdicts.items()
    }


def certainty_frame(claims: Mapping[str, Claim], certainty: Mapping[str, Sides]) -> pd.DataFrame:
    """One row a claim, side and domain: levels lost and why; also where a domain costs nothing."""
    import pandas as pd

    columns = ["analysis", "claim_id", "side", "domain", "levels", "why"]
    rows = [
        (
            claims[claim_id].analysis,
            claim_id,
            side,
            downgrade.domain,
            downgrade.levels,
            downgrade.why,
        )
        for claim_id, sides in certainty.items()
        for side, sure in sides.items()
        for downgrade in sure.downgrades
    ]
    return pd.DataFrame(rows, columns=columns)


def _row(
    claim: Claim, verdict: Verdict, sides: Sides, judged: str, row: EstimateRow | None
) -> dict[str, Any]:
    answer = verdict.answer
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
        "overturned_by": answer.overturned_by,
        **{name: getattr(answer, name) for name in PROBABILITIES},
        "certainty_direction": sides["direction"].label,
        "certainty_direction_why": sides["direction"].why,
        "certainty_size": sides["size"].label,
        "certainty_size_why": sides["size"].why,
        "estimate_id": judged,
        "estimate": answer.estimate,
        "conf_low": answer.conf_low,
        "conf_high": answer.conf_high,
        "outermost_low": answer.outermost_low,
        "outermost_high": answer.outermost_high,
        "scale": claim.scale,
        "unit": row.unit if row else claim.unit,
        "range_low": claim.range_low,
        "range_high": claim.range_high,
        "null_value": claim.null_value,
    }
