"""Certainty beside each verdict: levels lost by stated rules, computed from the data.

The domains and the four levels are those of GRADE (Guyatt et al. 2008, BMJ 336:924; imprecision and
inconsistency: Guyatt et al. 2011, J Clin Epidemiol 64:1283 and 64:1294). GRADE leaves the levels to
judgement; here each is lost by a rule that `docs/verdicts.md` states, and a data file may overrule
the sum with a reason.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from retrostats.audit.answer import Answer
from retrostats.audit.claims import Claim
from retrostats.audit.grades import (
    DIRECTION_ORDER,
    LIKELY,
    Probability,
    direction_label,
    over_measures,
    size_label,
)
from retrostats.audit.publication import publication_bias
from retrostats.audit.verdict import Evidence, Side, bounds_of, claimed_range
from retrostats.common.errors import InputError
from retrostats.common.rounding import limits
from retrostats.evidence.result.findings import EstimateRow
from retrostats.models.meta.two_stage import pool

if TYPE_CHECKING:
    import pandas as pd

Certain = Literal["high", "moderate", "low", "very low", ""]
#: From the best; a level lost is one step to the right.
LEVELS: tuple[Certain, ...] = ("high", "moderate", "low", "very low")

#: Fewer people than this in all cost a level of their own.
FEW_PEOPLE = 30
#: I-squared from which the effects of a pool count as inconsistent, and as very inconsistent.
INCONSISTENT, VERY_INCONSISTENT = 0.5, 0.75
#: A table that overrules the rules, where the audit has one: claim_id, certainty, why.
OVERRULED = "certainty"

#: What own data between groups cost that nobody drew.
OWN_UNALLOCATED = (
    "own data in it compare people who were not allocated by lot, or are not said to be"
)
#: Part of the printed rows whose design is neither by lot nor within people that costs a level.
HALF = 0.5

RANDOMISED = re.compile(r"\b(rct|randomi[sz]ed|random allocation|allocated by lot)\b")
SAME_PEOPLE = re.compile(r"\b(within-subject|cross-?over)\b")
#: Words of an order or an allocation by lot that is denied or not told.
NEGATED = re.compile(r"\b(non-?|not (\w+ ){0,2})random\w*")
#: What says that people met the conditions in orders drawn or balanced, and that nobody says so.
ORDER_REPORTED = re.compile(r"\b(random\w*|counter-?balanced|balanced order|latin square|by lot)\b")
UNREPORTED = re.compile(r"\b(not |un)(stated|told|described|known|reported)")


@dataclass(frozen=True, slots=True)
class Downgrade:
    """What one domain costs: 0, 1 or 2 levels, and the sentence that says why."""

    domain: str
    levels: int
    why: str


@dataclass(frozen=True, slots=True)
class Certainty:
    """How far the evidence behind a verdict can be trusted.

    Attributes
    ----------
    label
        high, moderate, low or very low; empty where the claim says nothing that could be judged.
    losses
        One a domain, also where it costs nothing.
    overruled
        The reason of the data file, where it sets the label; `by_rule` is what the rules gave.
    """

    label: Certain
    downgrades: tuple[Downgrade, ...] = ()
    overruled: str = ""
    by_rule: Certain = ""

    @property
    def why(self) -> str:
        """One sentence for each level lost."""
        lost = [f"{x.domain}, {_levels(x.levels)}: {x.why}" for x in self.downgrades if x.levels]
        said = "; ".join(lost) or ("no rule costs a level" if self.downgrades else "")
        if self.overruled:
            return f"set by hand: {self.overruled} (the rules alone: {self.by_rule}; {said})"
        return said


@dataclass(frozen=True, slots=True)
class Grounds:
    """What the rules look at beside the explorations.

    Attributes
    ----------
    rows
        Every row of estimates, by id.
    designs
        Design in words by printed row.
    overruled
        Certainty and reason by claim, where the audit sets it by hand.
    """

    rows: Mapping[str, EstimateRow]
    designs: Mapping[str, str]
    overruled: Mapping[str, tuple[Certain, str]]


def grounds_of(
    rows: Iterable[EstimateRow],
    published: pd.DataFrame,
    studies: pd.DataFrame,
    overruled: pd.DataFrame | None = None,
) -> Grounds:
    """Rows by id, the design behind each printed row, and what the audit sets by hand.

    Raises
    ------
    InputError
        If a certainty set by hand is none of the four, or has no reason.
    """
    design = dict(zip(studies["study_id"], studies["design"], strict=True))
    by_row = zip(published["row_id"], published["study_id"], strict=True)
    records = [] if overruled is None else overruled.to_dict("records")
    for record in records:
        if record["certainty"] not in LEVELS or not record["why"]:
            raise InputError(
                f"certainty table, claim {record['claim_id']}: found {record['certainty']!r} with "
                f"the reason {record['why']!r}; give one of {', '.join(LEVELS)} and a reason"
            )
    return Grounds(
        {row.estimate_id: row for row in rows},
        {str(row): str(design.get(study, "")) for row, study in by_row},
        {str(r["claim_id"]): (r["certainty"], str(r["why"])) for r in records},
    )


#: Grades from open, and how many lead to likely.
_OPEN = DIRECTION_ORDER.index("open")
_LIKELY = _OPEN - DIRECTION_ORDER.index("likely")
#: Certainty of the direction and of the size of a claim.
Sides = dict[Side, Certainty]


def certainty_of(
    claim: Claim, evidence: Sequence[Evidence], answers: Sequence[Answer], grounds: Grounds
) -> Sides:
    """Levels lost by each side in each domain; of several measures the one that loses most counts.

    Parameters
    ----------
    evidence, answers
        Every measure that judges the claim, and what it says; evidence that does not exist has no
        certainty, and neither has a side that is not claimed.
    """
    claimed: dict[Side, bool] = {"direction": claim.has_direction, "size": claim.has_size}
    return {
        side: _certainty(claim, side, evidence, answers, grounds) if has else Certainty("")
        for side, has in claimed.items()
    }


def _certainty(
    claim: Claim, side: Side, evidence: Sequence[Evidence], answers: Sequence[Answer],
    grounds: Grounds,
) -> Certainty:  # fmt: skip
    known = f"prob_{side}"
    pairs = [
        (e, a) for e, a in zip(evidence, answers, strict=True) if not math.isnan(getattr(a, known))
    ]
    label, why = grounds.overruled.get(claim.claim_id, ("", ""))
    if not pairs:
        return Certainty(label, overruled=why) if why else Certainty("")
    downgrades: tuple[Downgrade, ...] = (
        _design(claim, evidence, grounds),
        _worst(_imprecision(claim, side, *pair, grounds) for pair in pairs),
        _inconsistency([a for _, a in pairs], [e for e, _ in pairs], grounds),
        _worst(_indirectness(e, grounds) for e, _ in pairs),
        _worst(_unreported(side, *pair) for pair in pairs),
        _worst(_publication(e, grounds) for e, _ in pairs),
    )
    lost = min(sum(downgrade.levels for downgrade in downgrades), len(LEVELS) - 1)
    by_rule = LEVELS[lost]
    return Certainty(label or by_rule, downgrades, why, by_rule)


def design_kind(words: str) -> Literal["by lot", "same people", "other"]:
    """What the design of a study says of its comparison.

    Examples
    --------
    >>> design_kind("cluster RCT, 23 teams"), design_kind("two-arm; randomisation not stated")
    ('by lot', 'other')
    """
    text = NEGATED.sub("", words.lower())
    if SAME_PEOPLE.search(text):
        return "same people"
    return "by lot" if RANDOMISED.search(text) else "other"


def order_reported(words: str) -> bool:
    """Whether a design in the same people says that their order was drawn or balanced.

    Examples
    --------
    >>> order_reported("within-subject, random order"), order_reported("crossover, counterbalanced")
    (True, True)
    >>> order_reported("within-subject, one visit"), order_reported("order not stated")
    (False, False)
    """
    text = NEGATED.sub("", words.lower())
    return bool(ORDER_REPORTED.search(text)) and not UNREPORTED.search(text)


def _design(claim: Claim, evidence: Sequence[Evidence], grounds: Grounds) -> Downgrade:
    """A cause needs a comparison, by lot or in the same people in an order that is told.

    A description needs none.
    """
    if claim.kind != "causal":
        return Downgrade("design", 0, "a description needs no comparison")
    if not all(e.comparison for e in evidence):
        return Downgrade("design", 2, "a cause is claimed and no comparison group was printed")
    if not all(e.randomised for e in evidence):
        return Downgrade(
            "design", 2, "compared between people who were not allocated by lot, or untold"
        )
    if not all(e.cohorts_randomised for e in evidence):
        return Downgrade("design", 2, OWN_UNALLOCATED)
    rows = [grounds.rows[e.estimate_id] for e in evidence if e.estimate_id in grounds.rows]
    printed = {r for row in rows for r in row.source_rows if r in grounds.designs}
    designs = [grounds.designs[r] for r in sorted(printed)]
    kinds = [design_kind(words) for words in designs]
    other = [w for w, kind in zip(designs, kinds, strict=True) if kind == "other"]
    unreported = [w for w, kind in zip(designs, kinds, strict=True)
              if kind == "same people" and not order_reported(w)]  # fmt: skip
    if len(other) + len(unreported) < HALF * len(designs) or not designs:
        return Downgrade(
            "design", 0, "by lot, or in the same people in an order that is told, in more than half"
        )
    said = []
    if other:
        said.append(f"compared neither by lot nor in the same people ({_named(other)})")
    if unreported:
        said.append(f"in the same people, their order not told ({_named(unreported)})")
    return Downgrade("design", 1, "; ".join(said))


def _named(designs: Iterable[str]) -> str:
    return " / ".join(sorted({words or "not stated" for words in designs}))


def _imprecision(
    claim: Claim, side: Side, evidence: Evidence, answer: Answer, grounds: Grounds
) -> Downgrade:
    """The posterior's interval against no effect or the claimed range, and the number of people."""
    low, high = answer.conf_low, answer.conf_high
    said, span = [], " to ".join(limits(low, high, bounds=bounds_of(claim)))
    if side == "direction" and low <= claim.null_value <= high:
        said.append(f"{span} spans {claim.null_value:g}")
    if side == "size":
        start, stop = claimed_range(claim)
        inside, outside = low >= start and high <= stop, high < start or low > stop
        if not (inside or outside):
            said.append(f"{span} is wider than the claimed range allows")
    levels = 1 if said else 0
    row = grounds.rows.get(evidence.estimate_id)
    people = row.n if row else math.nan
    if people < FEW_PEOPLE:
        said.append(f"{people:.0f} people in all, fewer than {FEW_PEOPLE}")
        levels += 1
    return Downgrade("imprecision", levels, _of(evidence, " and ".join(said)))


def _inconsistency(
    answers: Sequence[Answer], evidence: Sequence[Evidence], grounds: Grounds
) -> Downgrade:
    """Measures that disagree, or studies of one pool that differ beyond their errors."""
    labels: list[Any] = [a.direction for a in answers if a.direction in DIRECTION_ORDER]
    if over_measures(labels) == "mixed":
        return Downgrade("inconsistency", 2, "measures of the claim point to both sides")
    far = [abs(DIRECTION_ORDER.index(label) - _OPEN) >= _LIKELY for label in labels]
    if any(far) and not all(far):
        return Downgrade("inconsistency", 1, "measures of the claim do not agree")
    return _worst(_heterogeneity(e, grounds) for e in evidence)


def _heterogeneity(evidence: Evidence, grounds: Grounds) -> Downgrade:
    row = grounds.rows.get(evidence.estimate_id)
    if row is None or row.role != "pooled":
        return Downgrade("inconsistency", 0, "one study: agreement cannot be judged")
    pooled = _pooled(row, grounds)
    if len(pooled) < 2:
        return Downgrade("inconsistency", 0, "one study: agreement cannot be judged")
    effects = _effects(pooled)
    share = pool(effects, [r.std_error for r in pooled]).i2 / 100
    null = 0.0 if row.scale == "difference" else 1.0
    both = min(r.estimate for r in pooled) < null < max(r.estimate for r in pooled)
    levels = int(share >= INCONSISTENT) + int(share >= VERY_INCONSISTENT and both)
    why = f"I2 {share:.0%} among {len(pooled)} studies that are pooled"
    why += f", on both sides of {null:g}" if both else ""
    return Downgrade("inconsistency", levels, _of(evidence, why))


def _pooled(row: EstimateRow, grounds: Grounds) -> list[EstimateRow]:
    """The rows that the pool of a row is of; the row itself where it is of one study."""
    if row.role != "pooled":
        return [row]
    return [r for r in grounds.rows.values() if r.pooled and r.quantity == row.quantity]


def _effects(rows: Iterable[EstimateRow]) -> list[float]:
    """Estimates on the model's scale."""
    return [math.log(r.estimate) if r.scale != "difference" else r.estimate for r in rows]


def _publication(evidence: Evidence, grounds: Grounds) -> Downgrade:
    row = grounds.rows.get(evidence.estimate_id)
    rows = [r for r in _pooled(row, grounds) if not math.isnan(r.std_error)] if row else []
    levels, why = publication_bias(_effects(rows), [r.std_error for r in rows])
    return Downgrade("publication bias", levels, _of(evidence, why))


def _indirectness(evidence: Evidence, grounds: Grounds) -> Downgrade:
    """Other than "direct..." in the row's directness costs one level, "indirect..." two."""
    row = grounds.rows.get(evidence.estimate_id)
    words = row.directness if row else ""
    levels = 0 if not words or words.startswith("direct") else 1 + words.startswith("indirect")
    return Downgrade("indirectness", levels, _of(evidence, words))


def _unreported(side: Side, evidence: Evidence, answer: Answer) -> Downgrade:
    """A grade that a declared choice lowers, and whether it then is no longer likely."""
    none = Downgrade("what was not printed", 0, "")
    if side == "direction":
        main, least, most = (
            answer.prob_direction, answer.prob_direction_min, answer.prob_direction_max
        )  # fmt: skip
        if main < 0.5:
            main, least, most = 1 - main, 1 - most, 1 - least
        grades: list[str] = [direction_label(Probability(p, p, p)) for p in (main, least)]
    else:
        main, least = answer.prob_size, answer.prob_size_min
        grades = [_size_grade(p, answer) for p in (main, least)]
    best, worst = grades
    if best == worst:
        return none
    levels = 2 if main >= LIKELY > least and least < 0.5 else 1
    why = f"{side} is {best} as stated and {worst} under another declared choice"
    return Downgrade(none.domain, levels, _of(evidence, why))


def _size_grade(inside: float, answer: Answer) -> str:
    """The label of a size if this were its probability; what it lacks lies beyond in proportion."""
    beyond = answer.prob_below + answer.prob_above
    share = (1 - inside) / beyond if beyond > 0 else 0.0
    below, above = answer.prob_below * share, answer.prob_above * share
    three = (Probability(p, p, p) for p in (inside, below, above if beyond > 0 else 1 - inside))
    return size_label(*three)


def _worst(downgrades: Iterable[Downgrade]) -> Downgrade:
    return max(downgrades, key=lambda downgrade: downgrade.levels)


def _of(evidence: Evidence, why: str) -> str:
    named = evidence.measure not in ("", why)
    return f"{why} ({evidence.measure})" if why and named else why


def _levels(count: int) -> str:
    return {1: "one level", 2: "two levels"}.get(count, "all levels")
