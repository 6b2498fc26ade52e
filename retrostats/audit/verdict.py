"""Judge: from the posterior of each measure to graded answers, and what could overturn them.

A label is earned by probabilities (`audit/grades.py`). The outermost limits over everything that
was not printed stand beside it, as what follows if all of it fell out the worst way at once; so do
the labels that intervals alone would have (`label_of`), by which a study is planned.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from retrostats.audit.answer import (
    IN_UNITS,
    NO_COMPARISON,
    NOT_RANDOMISED,
    Answer,
    agreed,
    answer_of,
    over_choices,
    percent,
)
from retrostats.audit.claims import Claim, range_text
from retrostats.common.arrays import instances_of, one_of
from retrostats.common.deprecated import renamed_fields
from retrostats.common.errors import InputError
from retrostats.common.rounding import BOUNDS, limits
from retrostats.evidence.result.estimate import Interval

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from retrostats.evidence.printed.pooled_printed import PooledPrinted
    from retrostats.evidence.unreported.exploration import Exploration

Label = Literal[
    "supported", "very likely", "likely", "leaning", "open", "leaning against", "unlikely",
    "very unlikely", "contradicted", "compatible", "mixed", "no evidence", "not claimed",
]  # fmt: skip
Fidelity = Literal["faithful", "drifted", "not measured by the source", "unverified"]
Side = Literal["direction", "size"]

#: Share of the draws whose estimate must lie in the claimed range for "compatible".
COMPATIBLE_SHARE = 0.95


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
    randomised, cohorts_randomised
        False for people not allocated by lot: no cause is supported; of own data in it: certainty.
    user_cohorts
        Whether a reader's own cohorts are in it.
    estimate_id
        The row of estimates it belongs to.
    pooled
        Its posterior; None takes the 95% interval at every draw of `at95` as what is known.
    as_it_stands
        Whether its only source is itself a pool, to which nothing is added for other studies.
    in_one_unit
        The same at one reading, where a reading decides the unit: its estimate is shown.
    """

    measure: str
    at95: Exploration
    at90: Exploration | None = None
    comparison: bool = True
    user_cohorts: bool = False
    estimate_id: str = ""
    randomised: bool = True
    pooled: PooledPrinted | None = None
    as_it_stands: bool = False
    in_one_unit: Evidence | None = None
    cohorts_randomised: bool = True


@dataclass(frozen=True, slots=True)
class Judgement:
    """One side of the evidence (direction or size): the label, why, and what could overturn it."""

    label: Label
    reason: str
    overturned_by: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Both verdicts on a claim: fidelity of the retelling, and what the evidence says.

    `answer` holds the probabilities behind the labels, `answers` those of every measure.
    """

    claim_id: str
    fidelity: Fidelity
    fidelity_reason: str
    direction: Judgement
    size: Judgement
    answer: Answer = field(default_factory=lambda: Answer(""))
    answers: tuple[Answer, ...] = ()

    @property
    def overturned_by(self) -> str:
        """What moves direction or size most: a source left out, or a declared choice."""
        sides = (self.direction.overturned_by, self.size.overturned_by)
        return "; ".join(dict.fromkeys(filter(None, sides)))


def direction_of(interval: Interval, claim: Claim) -> Label:
    """Supported if the whole interval lies on the claimed side of the null value.

    An interval that touches the null value leaves the direction open.
    """
    low, high = interval.low, interval.high
    if claim.claimed_direction == "below":
        low, high, null = -high, -low, -claim.null_value
    else:
        null = claim.null_value
    return "supported" if low > null else "contradicted" if high < null else "open"


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
    return "open"


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
    >>> v.direction.label, v.size.label, round(v.answer.prob_direction, 2)
    ('supported', 'unlikely', 0.99)
    """
    one_of(fidelity, "fidelity", get_args(Fidelity))
    instances_of([claim], "judge, claim", Claim)
    instances_of(evidence, "judge, evidence", Candidate, Evidence)
    candidates = [e for e in evidence if isinstance(e, Candidate)]
    answers = [_answer(claim, e) for e in evidence if isinstance(e, Evidence)]
    if candidates:
        answers.append(_of_candidates(claim, candidates))
    if not answers:
        none = Judgement("no evidence", "no printed result measures this by the two conditions")
        sides = {side: none if claimed else _unclaimed(side) for side, claimed in _sides(claim)}
        return Verdict(claim.claim_id, fidelity, fidelity_reason, sides["direction"], sides["size"])
    answer = agreed(claim, answers)
    worst = {e.measure: outermost(e.at95) for e in evidence if isinstance(e, Evidence)}
    found = {
        side: _judgement(claim, side, answer, answers, worst) if claimed else _unclaimed(side)
        for side, claimed in _sides(claim)
    }
    return Verdict(
        claim.claim_id, fidelity, fidelity_reason, found["direction"], found["size"], answer,
        tuple(answers),
    )  # fmt: skip


def _sides(claim: Claim) -> tuple[tuple[Side, bool], tuple[Side, bool]]:
    return ("direction", claim.has_direction), ("size", claim.has_size)


def _unclaimed(side: Side) -> Judgement:
    return Judgement("not claimed", f"no {side} is claimed")


def _answer(claim: Claim, evidence: Evidence) -> Answer:
    """One measure, graded; one that says nothing of a claimed cause has no probability of it."""
    why_none = ""
    if claim.kind == "causal":
        why_none = "" if evidence.comparison else NO_COMPARISON
        why_none = why_none or ("" if evidence.randomised else NOT_RANDOMISED)
    pooled = evidence.pooled
    if pooled is None:
        draws = evidence.at95.draws
        limits = outermost(evidence.at95)
        one = ([limits.low], [limits.high])
        parts = one if draws.empty else (draws["conf_low"], draws["conf_high"])
        pooled = _of_intervals(claim, evidence.measure, *parts)
    found = answer_of(
        claim, pooled, evidence.measure, evidence.estimate_id, why_none=why_none,
        as_it_stands=evidence.as_it_stands or evidence.pooled is None,
    )  # fmt: skip
    worst = outermost(evidence.at95)
    found = replace(found, outermost_low=worst.low, outermost_high=worst.high)
    if evidence.in_one_unit is None:
        return found
    shown = _answer(claim, evidence.in_one_unit)
    return replace(found, **{name: getattr(shown, name) for name in IN_UNITS})


def _of_candidates(claim: Claim, candidates: Sequence[Candidate]) -> Answer:
    """Finitely many choices, each with its own interval, and each as probable as the others."""
    for candidate in candidates:
        if not candidate.interval.low <= candidate.interval.estimate <= candidate.interval.high:
            raise InputError(
                f"claim {claim.claim_id}: interval {candidate.interval} is not ordered; "
                "it needs low <= estimate <= high"
            )

    def of(chosen: Sequence[Candidate]) -> Answer:
        low, high = [c.interval.low for c in chosen], [c.interval.high for c in chosen]
        pooled = _of_intervals(claim, "", low, high)
        return answer_of(claim, pooled, "", as_it_stands=True)

    return over_choices(claim, of(candidates), [of([candidate]) for candidate in candidates])


def _of_intervals(claim: Claim, name: str, low: Any, high: Any) -> PooledPrinted:
    """The posterior of 95% intervals, each as probable as the others."""
    from retrostats.evidence.unreported.likelihood import interval_posterior

    return interval_posterior(name or "interval", claim.scale, claim.null_value, low, high)


def _judgement(
    claim: Claim,
    side: Side,
    answer: Answer,
    answers: Sequence[Answer],
    worst: Mapping[str, Interval],
) -> Judgement:
    """The label of one side, with the numbers behind it in words."""
    label: Any = answer.direction if side == "direction" else answer.size
    if len(answers) == 1:
        return Judgement(label, _said(claim, side, answer, worst), answer.overturned_by)
    each = "; ".join(
        f"{a.measure}: {a.direction if side == 'direction' else a.size} "
        f"({_said(claim, side, a, worst)})"
        for a in answers
    )
    return Judgement(label, each, answer.overturned_by)


def _said(claim: Claim, side: Side, answer: Answer, worst: Mapping[str, Interval]) -> str:
    """Probability with its lowest and highest, and the outermost limits, in words."""
    if answer.why_none:
        return answer.why_none
    if side == "direction":
        three = (answer.prob_direction, answer.prob_direction_min, answer.prob_direction_max)
        where = f"{'below' if claim.claimed_direction == 'below' else 'above'} {claim.null_value:g}"
    else:
        three = (answer.prob_size, answer.prob_size_min, answer.prob_size_max)
        where = range_text(claim)
    main, least, most = (percent(p) for p in three)
    over = f", {least} to {most} over the declared choices" if least != most else ""
    said = f"{main} that it is {where}{over}"
    if side == "size":
        beyond = (("below", claim.range_low, answer.prob_below),
                  ("above", claim.range_high, answer.prob_above))  # fmt: skip
        said += "; " + ", ".join(f"{percent(p)} {w}" for w, end, p in beyond if not math.isnan(end))
    if side == "direction" and answer.measure in worst:
        ends = worst[answer.measure]
        start, stop = limits(ends.low, ends.high, bounds=bounds_of(claim))
        said += f"; {start} to {stop} if everything left open fell out the worst way at once"
    if side == "direction" and answer.disagreement:
        said += f"; {answer.disagreement}"
    return said


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


def label_shares(evidence: Evidence, claim: Claim, side: Side) -> dict[Label, float]:
    """Share of the draws by the label that each alone would give, by the rules of `label_of`."""
    wide, narrow = evidence.at95.draws, (evidence.at90 or evidence.at95).draws
    if wide.empty:
        return {"supported": math.nan, "contradicted": math.nan, "open": math.nan}
    if len(narrow) != len(wide):  # an exploration of limits alone
        narrow = wide
    found = labels(claim, side, *_limits(wide), *_limits(narrow))
    judged: tuple[Label, ...] = ("supported", "contradicted", "open")
    return {label: float((found == label).mean()) for label in judged}


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
    ['supported', 'open', 'contradicted']
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
    return np.where(yes, "supported", np.where(no, "contradicted", "open"))


def bounds_of(claim: Claim) -> tuple[float, ...]:
    """What no number may be rounded onto or across: no difference, the null value, claimed ends."""
    ends = (claim.null_value, claim.range_low, claim.range_high)
    return tuple(dict.fromkeys((*BOUNDS, *(end for end in ends if not math.isnan(end)))))
