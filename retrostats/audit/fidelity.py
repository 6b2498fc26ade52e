"""What the post says against what the source says, and what bare signs amount to.

Both are tables in the data package (`claim_fidelity.csv`, `claim_evidence.csv`); the rules that
turn them into verdicts are here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from retrostats.audit.claims import Claim
from retrostats.audit.grades import sign_grade
from retrostats.audit.verdict import Fidelity, Label
from retrostats.common.arrays import records_of

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


@dataclass(frozen=True)
class ClaimEvidence:
    """Elements of each retelling, and printed rows that bear on a claim by sign only."""

    fidelity: pd.DataFrame  # claim_id, element, post_says, source_says, agrees, source_rows
    evidence: pd.DataFrame  # claim_id, row_id, bears, comparison, why
    studies: Mapping[str, str] = field(default_factory=dict)  # study_id by row_id

    @property
    def row_ids(self) -> set[str]:
        """Every printed row either table rests on."""
        joined = "; ".join([*self.fidelity["source_rows"], *self.evidence["row_id"]])
        return set(filter(None, joined.split("; ")))

    @cached_property
    def elements(self) -> dict[str, list[dict[str, Any]]]:
        """Rows of `fidelity` by `claim_id`."""
        found: dict[str, list[dict[str, Any]]] = {}
        for row in records_of(self.fidelity):
            found.setdefault(row["claim_id"], []).append(row)
        return found


def claim_evidence_of(audit: Audit, published: pd.DataFrame | None = None) -> ClaimEvidence:
    """Both tables of an audit, checked against its schemas, and the study of each printed row.

    `published` are its printed rows, where they have been read already.
    """
    rows = audit.published if published is None else published
    studies = dict(zip(rows["row_id"].astype(str), rows["study_id"].astype(str), strict=True))
    return ClaimEvidence(audit.table("claim_fidelity"), audit.table("claim_evidence"), studies)


def fidelity_of(claim: Claim, claim_evidence: ClaimEvidence) -> tuple[Fidelity, str]:
    """The strongest finding over the elements of the retelling, and what was found.

    One element the source did not measure outweighs all; then one that differs; then one that
    could not be checked; only a retelling whose every element agrees is faithful.
    """
    elements = claim_evidence.elements.get(claim.claim_id, [])
    for finding, verdict in FIDELITY_RULES:
        said = [
            f"{row['element']} (claimed: {row['post_says']}; source: {row['source_says']})"
            for row in elements
            if row["agrees"] == finding
        ]
        if said:
            return verdict, "; ".join(said)
    return "unverified", "no element of this claim could be set against its source"


def by_signs(claim: Claim, claim_evidence: ClaimEvidence) -> tuple[Label, str]:
    """Direction from printed signs, graded in a line of its own: they leave it open.

    A sign or a p-value without an effect and its error is no estimate: it has no size and no
    probability of one. A sign test of the studies that take a side grades them, at most as likely;
    a study counts once, and takes no side where its results lie on both. Where nothing compares the
    conditions at all there is no evidence.
    """
    from retrostats.evidence.printed.printed_choices import sign_test

    rows = claim_evidence.evidence[claim_evidence.evidence["claim_id"] == claim.claim_id]
    direct = rows[rows["direct"] == "yes"]
    if direct.empty:
        others = f"; {len(rows)} printed results bear on it otherwise" if len(rows) else ""
        return "no evidence", f"no printed result compares the conditions on this{others}"
    sides = _side_by_study(direct, claim_evidence.studies)
    count = {side: list(sides).count(side) for side in ("for", "against", "neither")}
    said = ", ".join(f"{number} {word}" for word, number in count.items())
    p = sign_test(count["for"], count["against"])
    shown = "< 0.001" if p < 0.001 else f"= {p:.2g}"
    grade = sign_grade(count["for"], count["against"])
    return (
        "open",
        f"{grade} by signs alone: of studies that compare the conditions {said} (sign test, "
        f"two-sided p {shown}); none prints an effect with its error, so they say no size",
    )


def _side_by_study(direct: pd.DataFrame, studies: Mapping[str, str]) -> list[str]:
    """for, against or neither of each study; results on both sides cancel."""
    found: dict[str, set[str]] = {}
    for i, (names, sign) in enumerate(zip(direct["row_id"], direct["bears"], strict=True)):
        first = str(names).split("; ")[0]
        study = studies.get(first) or f"row {i}"
        found.setdefault(study, set()).add(str(sign))
    sides = []
    for said in found.values():
        taken = said - {"neither"}
        sides.append(next(iter(taken)) if len(taken) == 1 else "neither")
    return sides
