"""What the post says against what the source says, and what bare signs amount to.

Both are tables in the data package (`claim_fidelity.csv`, `claim_evidence.csv`); the rules that
turn them into verdicts are here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrostats.audit.claims import Claim
from retrostats.audit.verdict import Fidelity, Label

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.audit.audit import Audit

#: What an element of a retelling can be found to be, strongest finding first.
FIDELITY_RULES: tuple[tuple[str, Fidelity], ...] = (
    ("not measured", "not measured by the source"),
    ("no", "drifted"),
    ("unknown", "unverified"),
    ("yes", "faithful"),
)


@dataclass(frozen=True, slots=True)
class ClaimEvidence:
    """Elements of each retelling, and printed rows that bear on a claim by sign only."""

    fidelity: pd.DataFrame  # claim_id, element, post_says, source_says, agrees, source_rows
    evidence: pd.DataFrame  # claim_id, row_id, bears, comparison, why

    @property
    def row_ids(self) -> set[str]:
        """Every printed row either table rests on."""
        joined = "; ".join([*self.fidelity["source_rows"], *self.evidence["row_id"]])
        return set(filter(None, joined.split("; ")))


def claim_evidence_of(audit: Audit) -> ClaimEvidence:
    """Both tables of an audit, checked against its schemas."""
    return ClaimEvidence(audit.table("claim_fidelity"), audit.table("claim_evidence"))


def fidelity_of(claim: Claim, claim_evidence: ClaimEvidence) -> tuple[Fidelity, str]:
    """The strongest finding over the elements of the retelling, and what was found.

    One element the source did not measure outweighs all; then one that differs; then one that
    could not be checked; only a retelling whose every element agrees is faithful.
    """
    elements = claim_evidence.fidelity[claim_evidence.fidelity["claim_id"] == claim.claim_id]
    for finding, verdict in FIDELITY_RULES:
        found = elements[elements["agrees"] == finding]
        if len(found):
            said = "; ".join(
                f"{row.element} (claimed: {row.post_says}; source: {row.source_says})"
                for row in found.itertuples()
            )
            return verdict, said
    return "unverified", "no element of this claim could be set against its source"


def by_signs(claim: Claim, claim_evidence: ClaimEvidence) -> tuple[Label, str]:
    """Direction from printed signs: they can leave it open, never settle it.

    A sign or a p-value without an effect and its error is no estimate, so it supports nothing
    by itself: a sign test of those that lie on one side stands beside it. Where nothing compares
    the directions at all there is no evidence.
    """
    from retrostats.evidence.printed.printed_choices import sign_test

    rows = claim_evidence.evidence[claim_evidence.evidence["claim_id"] == claim.claim_id]
    direct = rows[rows["direct"] == "yes"]
    if direct.empty:
        others = f"; {len(rows)} printed results bear on it otherwise" if len(rows) else ""
        return "no evidence", f"no printed result compares the conditions on this{others}"
    count = {w: int((direct["bears"] == w).sum()) for w in ("for", "against", "neither")}
    said = ", ".join(f"{number} {word}" for word, number in count.items())
    p = sign_test(count["for"], count["against"])
    return (
        "open",
        f"printed results that compare the conditions: {said}; none with an effect and its error "
        f"(sign test of for and against: p = {p:.2g})",
    )
