"""Judge: named rules from intervals to verdicts, and which unknown decides.

A verdict that changes anywhere inside the range of what was not printed is undecided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from retrostats.errors import InputError
from retrostats.judge.claims import Claim
from retrostats.result.estimate import Interval

Label = Literal["supported", "contradicted", "undecided", "no evidence", "not claimed"]
Fidelity = Literal["faithful", "drifted", "not measured by the source", "unverified"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """The interval that follows from one choice of everything that was not printed.

    `unknowns` names each choice: a number (a correlation) or a text (a reading).
    """

    interval: Interval
    unknowns: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judgement:
    """One side of the evidence (direction or size): the label, why, and what decides it."""

    label: Label
    reason: str
    decided_by: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Both verdicts on a claim: fidelity of the retelling, and what the evidence says."""

    claim_id: str
    fidelity: Fidelity
    fidelity_reason: str
    direction: Judgement
    size: Judgement

    @property
    def decided_by(self) -> str:
        """The unknowns on which direction or size turns."""
        return "; ".join(
            dict.fromkeys(filter(None, (self.direction.decided_by, self.size.decided_by)))
        )


def direction_of(interval: Interval, claim: Claim) -> Label:
    """Supported if the whole interval lies on the claimed side of the null value.

    An interval that touches the null value leaves the direction undecided.
    """
    low, high = interval.low, interval.high
    if claim.claimed_direction == "below":
        low, high, null = -high, -low, -claim.null_value
    else:
        null = claim.null_value
    return "supported" if low > null else "contradicted" if high < null else "undecided"


def size_of(interval: Interval, claim: Claim) -> Label:
    """Supported if the interval lies wholly inside the claimed range, contradicted if outside."""
    if interval.low >= claim.range_low and interval.high <= claim.range_high:
        return "supported"
    if interval.high < claim.range_low or interval.low > claim.range_high:
        return "contradicted"
    return "undecided"


def deciding_unknowns(candidates: Sequence[Candidate], labels: Sequence[Label]) -> list[str]:
    """Unknowns whose change alone, everything else kept, changes the label."""
    names = list(dict.fromkeys(name for c in candidates for name in c.unknowns))
    found = []
    for name in names:
        groups: dict[tuple[object, ...], set[Label]] = {}
        for candidate, label in zip(candidates, labels, strict=True):
            rest = tuple((k, v) for k, v in sorted(candidate.unknowns.items()) if k != name)
            groups.setdefault(rest, set()).add(label)
        if any(len(group) > 1 for group in groups.values()):
            found.append(name)
    return found


def judge_side(
    candidates: Sequence[Candidate], claim: Claim, side: Literal["direction", "size"]
) -> Judgement:
    """Apply one rule to every candidate; a label that does not hold throughout is undecided."""
    claimed = claim.has_direction if side == "direction" else claim.has_size
    if not claimed:
        return Judgement("not claimed", f"the post claims no {side}")
    if not candidates:
        return Judgement("no evidence", "no printed result measures this by running direction")
    rule = direction_of if side == "direction" else size_of
    labels = [rule(c.interval, claim) for c in candidates]
    if len(set(labels)) == 1:
        return Judgement(labels[0], _reason(labels[0], candidates, claim, side))
    deciders = deciding_unknowns(candidates, labels) or ["what was not printed"]
    shares = ", ".join(f"{label} at {labels.count(label)}" for label in dict.fromkeys(labels))
    return Judgement(
        "undecided",
        f"changes within what was not printed ({shares} of {len(labels)} points)",
        ", ".join(deciders),
    )


def judge(
    claim: Claim,
    candidates: Sequence[Candidate],
    *,
    fidelity: Fidelity = "unverified",
    fidelity_reason: str = "",
) -> Verdict:
    """Both verdicts on `claim` from every interval the printed numbers allow.

    Parameters
    ----------
    claim
        The claim with its range fixed beforehand.
    candidates
        One interval for each choice of what was not printed; empty if nothing was measured.

    Raises
    ------
    InputError
        If a candidate's interval is not ordered.

    Examples
    --------
    >>> from retrostats.judge.claims import Claim
    >>> nan = float("nan")
    >>> claim = Claim("e", "about 30% more", "post", "core", "a", "s", "q", "ratio", "ratio",
    ...               1.0, "above", 1.25, 1.35, "rounds to 30", "")
    >>> v = judge(claim, [Candidate(Interval(1.15, 1.02, 1.31), {"r": 0.0}),
    ...                   Candidate(Interval(1.15, 1.07, 1.24), {"r": 0.8})])
    >>> v.direction.label, v.size.label, v.size.decided_by
    ('supported', 'undecided', 'r')
    """
    for candidate in candidates:
        if not candidate.interval.low <= candidate.interval.estimate <= candidate.interval.high:
            raise InputError(
                f"claim {claim.claim_id}: interval {candidate.interval} is not ordered; "
                "it needs low <= estimate <= high"
            )
    return Verdict(
        claim.claim_id,
        fidelity,
        fidelity_reason,
        judge_side(candidates, claim, "direction"),
        judge_side(candidates, claim, "size"),
    )


def _reason(
    label: Label, candidates: Sequence[Candidate], claim: Claim, side: Literal["direction", "size"]
) -> str:
    """The widest interval of all candidates, set against the null value or the claimed range."""
    low = min(c.interval.low for c in candidates)
    high = max(c.interval.high for c in candidates)
    against = (
        f"{claim.null_value:g}"
        if side == "direction"
        else f"{claim.range_low:g} to {claim.range_high:g}"
    )
    where = {
        "supported": "wholly inside" if side == "size" else "wholly on the claimed side of",
        "contradicted": "wholly outside" if side == "size" else "wholly on the other side of",
        "undecided": "overlaps" if side == "size" else "spans",
    }[label]
    over = "over everything not printed" if len(candidates) > 1 else "95% interval"
    return f"{low:.3g} to {high:.3g} ({over}) {where} {against}"
