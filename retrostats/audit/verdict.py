"""Judge: named rules from what the exploration returns to verdicts, and which unknown decides.

A verdict holds only if it holds at the outermost limits of everything that was not printed, and
under every measure of the claim; otherwise it is undecided and says what decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from retrostats.audit.claims import Claim, range_text
from retrostats.common.arrays import instances_of, one_of
from retrostats.common.deprecated import renamed_fields
from retrostats.common.errors import InputError
from retrostats.common.rounding import BOUNDS, limits
from retrostats.evidence.result.estimate import Interval

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from retrostats.evidence.unreported.exploration import Exploration

Label = Literal[
    "supported", "compatible", "contradicted", "undecided", "no evidence", "not claimed"
]
Fidelity = Literal["faithful", "drifted", "not measured by the source", "unverified"]
Side = Literal["direction", "size"]

#: Share of the draws whose estimate must lie in the claimed range for "compatible".
COMPATIBLE_SHARE = 0.95
#: An unknown decides if its total share of variance is this part of the largest one, or more.
DECIDING_PART = 0.25
MOST_DECIDERS = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """The interval that follows from one choice of everything that was not printed.

    `unknowns` names each choice: a number (a correlation) or a text (a reading). `narrow` is the
    90% interval that two one-sided tests need; the 95% one stands in for it.
    """

    interval: Interval
    unknowns: Mapping[str, float | str] = field(default_factory=dict)
    narrow: Interval | None = None


@renamed_fields(own="user_cohorts", by_lot="randomised")
@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """One measure of a claim over everything that was not printed.

    Attributes
    ----------
    measure
        What was measured, for readers.
    at95, at90
        Explorations of its 95% interval, and of its 90% interval if the claim has a size.
    comparison
        Whether results of a comparison group were printed; a causal claim needs one.
    randomised
        False for a comparison between people not allocated by lot: it supports no cause.
    user_cohorts
        Whether a reader's own cohorts are in it.
    estimate_id
        The row of estimates it belongs to.
    """

    measure: str
    at95: Exploration
    at90: Exploration | None = None
    comparison: bool = True
    user_cohorts: bool = False
    estimate_id: str = ""
    randomised: bool = True


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
        sides = (self.direction.decided_by, self.size.decided_by)
        return "; ".join(dict.fromkeys(filter(None, sides)))


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


def size_of(interval: Interval, claim: Claim, narrow: Interval | None = None) -> Label:
    """Supported if the 90% interval lies wholly inside the claimed range (two one-sided tests).

    Contradicted if the 95% interval lies wholly outside. An open end of the range is open: "at
    least 25%" is supported by every interval above 1.25. Without `narrow` the 95% interval
    stands in for the 90% one.

    Examples
    --------
    >>> nan = float("nan")
    >>> claim = Claim("e", "at least 25% more", "post", "core", "a", "s", "q", "ratio", "ratio",
    ...               1.0, "above", 1.25, nan, "at least 25", "")
    >>> size_of(Interval(1.4, 1.3, 1.5), claim), size_of(Interval(1.1, 1.0, 1.2), claim)
    ('supported', 'contradicted')
    """
    low, high = claimed_range(claim)
    inner = narrow or interval
    if inner.low >= low and inner.high <= high:
        return "supported"
    if interval.high < low or interval.low > high:
        return "contradicted"
    return "undecided"


def claimed_range(claim: Claim) -> tuple[float, float]:
    """The range that would make the claim true; an end that is not given is infinite."""
    low, high = claim.range_low, claim.range_high
    return (-math.inf if math.isnan(low) else low, math.inf if math.isnan(high) else high)


def judge(
    claim: Claim,
    evidence: Sequence[Candidate] | Sequence[Evidence],
    *,
    fidelity: Fidelity = "unverified",
    fidelity_reason: str = "",
) -> Verdict:
    """Both verdicts on `claim` from every interval the printed numbers allow.

    Parameters
    ----------
    claim
        The claim with its range fixed beforehand.
    evidence
        One `Evidence` a measure, each explored over everything that was not printed; or one
        `Candidate` for each of finitely many choices; empty if nothing was measured.

    Raises
    ------
    InputError
        If an interval is not ordered.

    Examples
    --------
    >>> nan = float("nan")
    >>> claim = Claim("e", "about 30% more", "post", "core", "a", "s", "q", "ratio", "ratio",
    ...               1.0, "above", 1.25, 1.35, "rounds to 30", "")
    >>> v = judge(claim, [Candidate(Interval(1.15, 1.02, 1.31), {"r": 0.0}),
    ...                   Candidate(Interval(1.15, 1.07, 1.24), {"r": 0.8})])
    >>> v.direction.label, v.size.label, v.size.decided_by
    ('supported', 'undecided', 'r')
    """
    one_of(fidelity, "fidelity", get_args(Fidelity))
    instances_of([claim], "judge, claim", Claim)
    instances_of(evidence, "judge, evidence", Candidate, Evidence)
    sides = {side: judge_side(evidence, claim, side) for side in ("direction", "size")}
    return Verdict(claim.claim_id, fidelity, fidelity_reason, sides["direction"], sides["size"])


def judge_side(
    evidence: Sequence[Candidate] | Sequence[Evidence], claim: Claim, side: Side
) -> Judgement:
    """One side of the verdict; a label that does not hold throughout is undecided."""
    claimed = claim.has_direction if side == "direction" else claim.has_size
    if not claimed:
        return Judgement("not claimed", f"no {side} is claimed")
    candidates = [e for e in evidence if isinstance(e, Candidate)]
    measures = [e for e in evidence if isinstance(e, Evidence)]
    if not (candidates or measures):
        return Judgement("no evidence", "no printed result measures this by the two conditions")
    found = [(e.measure, _limited(_judge_measure(e, claim, side), e, claim)) for e in measures]
    if candidates:
        found.append(("", _judge_points(candidates, claim, side)))
    return found[0][1] if len(found) == 1 else _agreed(found)


def _agreed(found: Sequence[tuple[str, Judgement]]) -> Judgement:
    """One verdict of several measures: their common label, or undecided because they disagree."""
    labels = {judgement.label for _, judgement in found}
    said = "; ".join(f"{name}: {j.label} ({j.reason})" for name, j in found)
    if len(labels) == 1:
        deciders = dict.fromkeys(j.decided_by for _, j in found if j.decided_by)
        return Judgement(labels.pop(), said, "; ".join(deciders))
    return Judgement("undecided", f"depends on the measure: {said}", "what is measured")


def _limited(judgement: Judgement, evidence: Evidence, claim: Claim) -> Judgement:
    """A cause is supported by a printed comparison alone, between people only by lot."""
    supported = judgement.label in ("supported", "compatible")
    if not (supported and claim.kind == "causal"):
        return judgement
    itself = f"(by itself: {judgement.label}, {judgement.reason})"
    if evidence.comparison and not evidence.randomised:
        return Judgement(
            "undecided",
            "a cause is claimed, but the people compared were not allocated by lot, or nobody "
            f"says so {itself}",
            "the allocation",
        )
    if evidence.comparison:
        return judgement
    return Judgement(
        "undecided",
        f"a cause is claimed, but no result of a comparison group was printed {itself}",
        "the comparison group",
    )


def outermost(explored: Exploration) -> Interval:
    """The outermost limits over everything that was not printed."""
    return Interval(explored.estimate, explored.conf_low, explored.conf_high)


def at_reference_point(explored: Exploration) -> Interval:
    """The interval with everything at its middle and main reading."""
    return Interval(*explored.reference_point)


def label_of(
    evidence: Evidence, claim: Claim, side: Side, at: Callable[[Exploration], Interval] = outermost
) -> Label:
    """The label of the intervals that `at` takes from the explorations; never "compatible"."""
    wide, narrow = at(evidence.at95), at(evidence.at90 or evidence.at95)
    return direction_of(wide, claim) if side == "direction" else size_of(wide, claim, narrow)


def _judge_measure(evidence: Evidence, claim: Claim, side: Side) -> Judgement:
    explored = evidence.at95
    label = label_of(evidence, claim, side)
    if side == "size" and label == "undecided":
        inside = explored.share(lambda estimate, *_: _inside(estimate, claim))
        label = "compatible" if inside >= COMPATIBLE_SHARE else label
    over = "over everything not printed" if explored.space.size else "95% interval"
    reason = _reason(label, explored.conf_low, explored.conf_high, over, claim, side)
    if label != "undecided":
        return Judgement(label, reason)
    shares = label_shares(evidence, claim, side)
    if shares["undecided"] == 1:
        return Judgement("undecided", reason)
    held = ", ".join(f"{name} in {_percent(share)}" for name, share in shares.items() if share > 0)
    said = f"{reason}; {held} of the draws" if held else reason
    return Judgement("undecided", said, ", ".join(deciding_unknowns(explored)))


def _percent(share: float) -> str:
    """A share in whole percent that says neither none nor all of what is some."""
    return "under 1%" if 0 < share < 0.01 else "over 99%" if 0.99 < share < 1 else f"{share:.0%}"


def _inside(estimate: Any, claim: Claim) -> Any:
    """Whether estimates lie in the claimed range."""
    low, high = claimed_range(claim)
    return (estimate >= low) & (estimate <= high)


def label_shares(evidence: Evidence, claim: Claim, side: Side) -> dict[Label, float]:
    """Share of the draws by the label that each alone would give, by the rules of `label_of`."""
    wide, narrow = evidence.at95.draws, (evidence.at90 or evidence.at95).draws
    if wide.empty:
        return {"supported": math.nan, "contradicted": math.nan, "undecided": math.nan}
    if len(narrow) != len(wide):  # an exploration of limits alone
        narrow = wide
    found = labels(claim, side, *_limits(wide), *_limits(narrow))
    possible: tuple[Label, ...] = ("supported", "contradicted", "undecided")
    return {label: float((found == label).mean()) for label in possible}


def _limits(draws: pd.DataFrame) -> tuple[Any, Any]:
    return draws["conf_low"].to_numpy(), draws["conf_high"].to_numpy()


def labels(
    claim: Claim, side: Side, low: Any, high: Any, narrow_low: Any, narrow_high: Any
) -> NDArray[Any]:
    """The rules of `direction_of` and `size_of` on arrays of 95% limits, and of 90% limits (n,).

    Examples
    --------
    >>> nan = float("nan")
    >>> claim = Claim("e", "less", "post", "core", "a", "s", "q", "ratio", "ratio",
    ...               1.0, "below", nan, nan, "", "")
    >>> labels(claim, "direction", [0.5, 0.5, 1.1], [0.9, 1.1, 1.5], [0.6] * 3, [0.8] * 3).tolist()
    ['supported', 'undecided', 'contradicted']
    """
    import numpy as np

    low, high, narrow_low, narrow_high = map(np.asarray, (low, high, narrow_low, narrow_high))
    if side == "direction":
        above = claim.claimed_direction == "above"
        yes = low > claim.null_value if above else high < claim.null_value
        no = high < claim.null_value if above else low > claim.null_value
    else:
        start, stop = claimed_range(claim)
        yes = (narrow_low >= start) & (narrow_high <= stop)
        no = (high < start) | (low > stop)
    return np.where(yes, "supported", np.where(no, "contradicted", "undecided"))


def deciding_unknowns(explored: Exploration) -> list[str]:
    """The unknowns that move the answer most, the most influential first."""
    table = explored.influence
    least = DECIDING_PART * float(table["total"].max())
    return [str(name) for name in table.loc[table["total"] >= least, "unknown"][:MOST_DECIDERS]]


def _judge_points(candidates: Sequence[Candidate], claim: Claim, side: Side) -> Judgement:
    """The verdict of finitely many choices, each with its own interval."""
    for candidate in candidates:
        if not candidate.interval.low <= candidate.interval.estimate <= candidate.interval.high:
            raise InputError(
                f"claim {claim.claim_id}: interval {candidate.interval} is not ordered; "
                "it needs low <= estimate <= high"
            )
    labels: list[Label] = [
        direction_of(c.interval, claim)
        if side == "direction"
        else size_of(c.interval, claim, c.narrow)
        for c in candidates
    ]
    low = min(c.interval.low for c in candidates)
    high = max(c.interval.high for c in candidates)
    over = "over everything not printed" if len(candidates) > 1 else "95% interval"
    common = labels[0] if len(set(labels)) == 1 else "undecided"
    inside = [_inside(c.interval.estimate, claim) for c in candidates]
    if side == "size" and common == "undecided" and sum(inside) >= COMPATIBLE_SHARE * len(inside):
        return Judgement("compatible", _reason("compatible", low, high, over, claim, side))
    if len(set(labels)) == 1:
        return Judgement(common, _reason(common, low, high, over, claim, side))
    deciders = deciding_choices(candidates, labels) or ["what was not printed"]
    shares = ", ".join(f"{label} at {labels.count(label)}" for label in dict.fromkeys(labels))
    return Judgement(
        "undecided",
        f"changes within what was not printed ({shares} of {len(labels)} points)",
        ", ".join(deciders),
    )


def deciding_choices(candidates: Sequence[Candidate], labels: Sequence[Label]) -> list[str]:
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


def _reason(label: Label, low: float, high: float, over: str, claim: Claim, side: Side) -> str:
    """The outermost interval, set against the null value or the claimed range."""
    against = f"{claim.null_value:g}" if side == "direction" else range_text(claim)
    where = {
        "supported": "wholly inside" if side == "size" else "wholly on the claimed side of",
        "contradicted": "wholly outside" if side == "size" else "wholly on the other side of",
        "compatible": "overlaps with the estimate inside",
        "undecided": "overlaps" if side == "size" else "spans",
    }[label]
    start, stop = limits(low, high, bounds=bounds_of(claim))
    return f"{start} to {stop} ({over}) {where} {against}"


def bounds_of(claim: Claim) -> tuple[float, ...]:
    """What no number may be rounded onto or across: no difference, the null value, claimed ends."""
    ends = (claim.null_value, claim.range_low, claim.range_high)
    return tuple(dict.fromkeys((*BOUNDS, *(end for end in ends if not math.isnan(end)))))
