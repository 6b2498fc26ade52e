"""The answer to a claim by one measure: its posterior, graded, and what could overturn it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from retrostats.audit.claims import Claim
from retrostats.audit.grades import (
    Probability,
    direction_label,
    over_measures,
    size_label,
)

if TYPE_CHECKING:
    from retrostats.evidence.printed.pooled_printed import PooledPrinted

NAN = float("nan")
#: Why a measure says nothing of a cause.
NO_COMPARISON = "a cause is claimed, but no result of a comparison group was printed"
NOT_RANDOMISED = (
    "a cause is claimed, but the people compared were not allocated by lot, or nobody says so"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one measure says of a claim; probabilities are NaN where there is none.

    Attributes
    ----------
    measure, estimate_id
        What was measured, and its row of the estimates.
    prob_direction, prob_direction_min, prob_direction_max
        Probability of the claimed direction, its lowest and highest over the declared choices.
    prob_size, prob_size_min, prob_size_max
        The same of the claimed range.
    prob_below, prob_above
        Of lying below and above the claimed range.
    prob_new_study
        Of the claimed direction in a new study.
    estimate, conf_low, conf_high
        Posterior median and 95% interval, on the scale of the claim.
    outermost_low, outermost_high
        Limits of the 95% interval if everything left open fell out the worst way at once.
    tau, studies
        Standard deviation between studies (median, model's scale) and number of sources.
    direction, size
        Labels.
    overturned_by
        The choice, or the source left out, that moves the probability most against the answer.
    disagreement
        Where a source far on the answer's own side makes studies differ more and so lowers its
        probability: which, with tau and the probability before and after.
    why_none
        Why there is no probability, where there is none.
    """

    measure: str
    estimate_id: str = ""
    prob_direction: float = NAN
    prob_direction_min: float = NAN
    prob_direction_max: float = NAN
    prob_size: float = NAN
    prob_size_min: float = NAN
    prob_size_max: float = NAN
    prob_below: float = NAN
    prob_above: float = NAN
    prob_new_study: float = NAN
    estimate: float = NAN
    conf_low: float = NAN
    conf_high: float = NAN
    outermost_low: float = NAN
    outermost_high: float = NAN
    tau: float = NAN
    studies: int = 0
    direction: str = "not claimed"
    size: str = "not claimed"
    overturned_by: str = ""
    disagreement: str = ""
    why_none: str = ""


#: Sets of sources in words.
_SETS = {
    "spread or error": "what prints a spread or an error",
    "spread or error + bare estimate": "what prints a number",
}
#: Columns of an answer that a verdict holds too.
PROBABILITIES = (
    "prob_direction", "prob_direction_min", "prob_direction_max", "prob_size", "prob_size_min",
    "prob_size_max", "prob_below", "prob_above", "prob_new_study",
)  # fmt: skip
#: Fields of an answer that have the unit of the claim.
IN_UNITS = ("estimate", "conf_low", "conf_high", "outermost_low", "outermost_high", "tau")


def answer_of(
    claim: Claim,
    pooled: PooledPrinted,
    measure: str,
    estimate_id: str = "",
    *,
    why_none: str = "",
    as_it_stands: bool = False,
) -> Answer:
    """Probabilities and labels of one measure.

    Parameters
    ----------
    pooled
        Posterior of the measure.
    why_none
        Why it says nothing of the claimed cause; its labels are then open and it has no
        probabilities.
    as_it_stands
        Whether a single source is itself a pool, so that nothing is added for other studies. A
        single study answers a descriptive claim as it stands too, and any other with tau.
    """
    if pooled.posterior is None:
        return _none(claim, measure, estimate_id, "words alone have signs and no size", "open")
    if why_none:
        return _none(claim, measure, estimate_id, why_none, "open")
    one = pooled.k == 1
    alone = one and (as_it_stands or claim.kind == "descriptive")
    at = _At(pooled, alone)
    low, high = side_of(claim)
    numbers: dict[str, Any] = {
        "measure": measure, "estimate_id": estimate_id, "studies": pooled.k,
        "prob_new_study": pooled.prob_new_study(low, high) if claim.has_direction else NAN,
        "estimate": at.estimate, "conf_low": at.conf_low, "conf_high": at.conf_high,
        "tau": NAN if alone else float(pooled.tau["median"]),
    }  # fmt: skip
    if claim.has_direction:
        claimed = at.over_choices(low, high)
        numbers |= {
            "prob_direction": claimed.main, "prob_direction_min": claimed.lowest,
            "prob_direction_max": claimed.highest,
            "direction": direction_label(claimed, one_study=one and not alone),
        }  # fmt: skip
    if claim.has_size:
        numbers |= _of_size(claim, at, one_study=one and not alone)
    numbers["overturned_by"] = "" if one and as_it_stands else _overturned(claim, pooled)
    numbers["disagreement"] = pooled.disagreement
    return Answer(**numbers)


def agreed(claim: Claim, answers: Sequence[Answer]) -> Answer:
    """One answer of several measures: that of the least sure, where all lie on one side.

    Where two are likely or more on two sides the claim is mixed, where they differ otherwise it is
    open; then it has no probability, and each measure keeps its own.
    """
    known = [a for a in answers if not math.isnan(a.estimate)]
    if not known:
        return answers[0]
    labels: list[Any] = [a.direction for a in known]
    mixed = claim.has_direction and over_measures(labels) == "mixed"
    sides = {a.prob_direction >= 0.5 for a in known if not math.isnan(a.prob_direction)}
    if not mixed and len(sides) < 2:
        return min(known, key=_sureness)
    return Answer(
        measure="; ".join(a.measure for a in known),
        estimate_id=known[0].estimate_id,
        direction="mixed" if mixed else "open",
        size="open" if claim.has_size else "not claimed",
        why_none="measures of the claim point to both sides",
    )


def _sureness(answer: Answer) -> float:
    """How far a probability is from a toss of a coin."""
    p = answer.prob_size if math.isnan(answer.prob_direction) else answer.prob_direction
    return abs(p - 0.5)


def over_choices(claim: Claim, main: Answer, each: Sequence[Answer]) -> Answer:
    """The main answer with the lowest and highest probability of single choices."""
    found: dict[str, Any] = {}
    if claim.has_direction:
        over = _over(main, each, "prob_direction")
        found |= {
            "prob_direction_min": over.lowest, "prob_direction_max": over.highest,
            "direction": direction_label(over),
        }  # fmt: skip
    if claim.has_size:
        over = _over(main, each, "prob_size")
        beyond = (_over(main, each, name) for name in ("prob_below", "prob_above"))
        found |= {
            "prob_size_min": over.lowest, "prob_size_max": over.highest,
            "size": size_label(over, *beyond),
        }  # fmt: skip
    return replace(main, **found)


def _over(main: Answer, each: Sequence[Answer], name: str) -> Probability:
    """One probability with its lowest and highest over single choices."""
    found = [getattr(answer, name) for answer in (main, *each)]
    return Probability(found[0], min(found), max(found))


def side_of(claim: Claim) -> tuple[float, float]:
    """The claimed side of no effect, as a range."""
    if claim.claimed_direction == "below":
        return -math.inf, claim.null_value
    return claim.null_value, math.inf


@dataclass(frozen=True, slots=True)
class _At:
    """A posterior over studies, or the likelihood of its only source as it stands."""

    pooled: PooledPrinted
    alone: bool

    @property
    def _source(self) -> Any:
        return self.pooled.in_that_study if self.alone else self.pooled

    @property
    def estimate(self) -> float:
        return float(self._source.estimate)

    @property
    def conf_low(self) -> float:
        return float(self._source.conf_low)

    @property
    def conf_high(self) -> float:
        return float(self._source.conf_high)

    def over_choices(self, low: float, high: float) -> Probability:
        """The probability of a range, with its lowest and highest over the declared choices."""
        main = float(self._source.probability(low, high))
        if self.alone:
            return Probability(main, main, main)
        ends = (self.pooled.lowest(low, high), self.pooled.highest(low, high))
        return Probability(main, min(main, ends[0]), max(main, ends[1]))


def _none(claim: Claim, measure: str, estimate_id: str, why: str, label: str) -> Answer:
    return Answer(
        measure, estimate_id, why_none=why,
        direction=label if claim.has_direction else "not claimed",
        size=label if claim.has_size else "not claimed",
    )  # fmt: skip


def _of_size(claim: Claim, at: _At, *, one_study: bool) -> dict[str, Any]:
    low = -math.inf if math.isnan(claim.range_low) else claim.range_low
    high = math.inf if math.isnan(claim.range_high) else claim.range_high
    inside = at.over_choices(low, high)
    below = at.over_choices(-math.inf, low) if math.isfinite(low) else None
    above = at.over_choices(high, math.inf) if math.isfinite(high) else None
    return {
        "prob_size": inside.main, "prob_size_min": inside.lowest, "prob_size_max": inside.highest,
        "prob_below": below.main if below else 0.0, "prob_above": above.main if above else 0.0,
        "size": size_label(inside, below, above, one_study=one_study),
    }  # fmt: skip


def _overturned(claim: Claim, pooled: PooledPrinted) -> str:
    """The source left out, or the choice, after which the probability is least for the answer."""
    if pooled.k == 1:
        return f"all rests on one result ({pooled.pooled[0].study})"
    found = [*_left_out(claim, pooled), *_chosen(claim, pooled)]
    if not found:
        return ""
    main = _probability(claim, pooled.tidy().iloc[0])
    pick = min if main >= 0.5 else max
    p, what = pick(found, key=lambda pair: pair[0])
    if percent(p) == percent(main):
        return f"nothing: {what} it stays at {percent(main)}"
    return f"{what}: {percent(p)} instead of {percent(main)}"


def _left_out(claim: Claim, pooled: PooledPrinted) -> Iterator[tuple[float, str]]:
    for row in pooled.leave_one_out().to_dict("records"):
        p = _probability(claim, row)
        if not math.isnan(p):
            yield p, f"without {row['left_out']}"


def _chosen(claim: Claim, pooled: PooledPrinted) -> Iterator[tuple[float, str]]:
    table = pooled.choices
    main = table.iloc[0].to_dict()
    for row in table[table["counted"]].iloc[1:].to_dict("records"):
        yield _probability(claim, row), choice_text(row, main)


def choice_text(choice: Mapping[Any, Any], main: Mapping[Any, Any]) -> str:
    """In what a declared choice differs from the main one, for readers.

    Parameters
    ----------
    choice, main
        sources (name of the set), k, scale and correlation of each.
    """
    said = []
    if choice["sources"] != main["sources"]:
        said.append(f"counting only {_SETS.get(choice['sources'], choice['sources'])}, "
                    f"{choice['k']} of {main['k']} sources")  # fmt: skip
    if choice["scale"] != main["scale"]:
        said.append(f"with studies expected to differ {choice['scale']} as much")
    if choice["correlation"] != main["correlation"]:
        said.append("with every correlation equally probable")
    return " and ".join(said)


def _probability(claim: Claim, row: Any) -> float:
    """Of the claimed direction, or of the claimed range where no direction is claimed."""
    if not claim.has_direction:
        return float(row["prob_inside"])
    above = float(row["prob_above"])
    return above if claim.claimed_direction == "above" else 1 - above


def percent(p: float) -> str:
    """A probability in percent that says neither never nor always of what may be otherwise."""
    if p > 0.995:
        return f"{min(100 * p, 99.9):.1f}%"
    return f"{max(100 * p, 0.1):.1f}%" if p < 0.005 else f"{100 * p:.0f}%"
