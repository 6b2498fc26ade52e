"""What one more study would change in today's pool: its answer, by probability and label.

Today's sources stay as they are; each drawn study is one more likelihood beside them, and the
posterior is taken under every declared choice, as by the path (docs/verdicts.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from retrostats.audit.answer import choice_text
from retrostats.audit.claims import Claim
from retrostats.audit.grades import (
    DIRECTION_ORDER,
    DIRECTION_SUPPORTED,
    SIZE_SUPPORTED,
    Probabilities,
    direction_labels,
    size_labels,
)
from retrostats.audit.verdict import Label, Side, claimed_range
from retrostats.evidence.printed.printed_choices import Choice
from retrostats.evidence.unreported.influence import quasi_random
from retrostats.planning.assumed import Assumed
from retrostats.planning.designs import arms_of
from retrostats.planning.power import halved, monte_carlo_error
from retrostats.planning.today import POOLED_MOST, Today

Array = NDArray[np.float64]
#: Studies drawn at each size to be pooled with today's sources.
ADDED = 400
#: Every label that a pool can have, from the claimed side to the other.
ADDED_LABELS: tuple[str, ...] = (
    *DIRECTION_ORDER[:4], "compatible", *DIRECTION_ORDER[4:], "no evidence",
)  # fmt: skip
#: Log-likelihood that a study has lost at the edges of the grid, if it is bounded on both sides.
_BOUNDED = 1.0
#: How many times more people each size has than the one before, where the first enough is sought.
_TIMES = 4
#: Most declared choices that are named as what keeps a side open.
_NAMED = 2


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Probabilities of d drawn studies pooled with today's sources, under c choices, main first.

    Attributes
    ----------
    claimed
        Of the claimed direction (c, d); NaN where nothing is bounded on both sides.
    inside, below, above
        Of the claimed range, and of each side of it (c, d).
    one_study
        Whether the planned study is the only one.
    """

    claimed: Array
    inside: Array
    below: Array
    above: Array
    one_study: bool

    def labels(self, claim: Claim, side: Side) -> list[str]:
        """Label of each drawn study, as the path would give it."""
        if side == "direction":
            return list(direction_labels(_over(self.claimed), one_study=self.one_study))
        ends = zip(claimed_range(claim), (self.below, self.above), strict=True)
        outside = [_over(beyond) for end, beyond in ends if math.isfinite(end)]
        return list(size_labels(_over(self.inside), outside, one_study=self.one_study))

    def enough(self, side: Side, label: Label) -> Array:
        """Share of draws by choice (c,) in which that choice alone would give `label`."""
        yes = label == "supported"
        if side == "direction":
            return np.asarray(
                ((self.claimed if yes else 1 - self.claimed) >= DIRECTION_SUPPORTED).mean(axis=1)
            )
        least = self.inside if yes else np.maximum(self.below, self.above)
        return np.asarray((least >= SIZE_SUPPORTED).mean(axis=1))


def _over(p: Array) -> Probabilities:
    """Main, lowest and highest of each draw's probabilities (c, d)."""
    return Probabilities(p[0], np.fmin.reduce(p), np.fmax.reduce(p))


def answers_with(today: Today, claim: Claim, log_likelihood: Array) -> Answers:
    """Answers of today's pool with each of d studies.

    Parameters
    ----------
    log_likelihood
        Of the studies on today's grid (d, m).
    """
    edges = np.maximum(log_likelihood[:, 0], log_likelihood[:, -1])
    bounded = log_likelihood.max(axis=1) - edges > _BOUNDED
    found = today.predicted.probability_below(log_likelihood)
    null, low, high = np.moveaxis(found.reshape(-1, *found.shape[2:]), 1, 0)
    known = np.where(np.array(today.bounded)[:, None] | bounded, 1.0, math.nan)
    return Answers(
        claimed=known * (null if claim.claimed_direction == "below" else 1 - null),
        inside=known * np.maximum(high - low, 0.0),
        below=known * low,
        above=known * (1 - high),
        one_study=today.k == 0,
    )


def drawn_answers(given: Assumed, today: Today, seed: int, people: int) -> Answers:
    """Answers with `ADDED` drawn studies of a size, whose own effects vary by tau."""
    from scipy.special import ndtri

    draws = np.clip(quasi_random(4, ADDED, seed + 1), 1e-12, 1 - 1e-12)
    truth = given.model_truth + today.study_tau * ndtri(draws[:, 3])
    logs = given.study.log_likelihoods(people, truth, draws[:, :3], today.theta)
    return answers_with(today, given.claim, logs)


def pooled_rows(
    given: Assumed, today: Today, sides: Sequence[Side], seed: int, people: int
) -> list[tuple[int, Side, dict[str, float], float]]:
    """One row a side: people, share of draws with each label, and the largest Monte Carlo error."""
    answers = drawn_answers(given, today, seed, people)
    rows = []
    for side in sides:
        labels = answers.labels(given.claim, side)
        shares = {label: labels.count(label) / len(labels) for label in ADDED_LABELS}
        worst = max(monte_carlo_error(share, ADDED) for share in shares.values())
        rows.append((people, side, shares, worst))
    return rows


@dataclass(frozen=True, slots=True)
class PoolNeeded:
    """People with whom today's pool would have the right label, on one side.

    Attributes
    ----------
    people
        In all; 0 where today's pool has it already, NaN where no size tried is enough.
    power
        Share of draws with the label at that size, or the largest at any tried; NaN for 0 people.
    choices
        Where no size is enough: the declared choices, in words, that fewer studies still are enough
        under than under the main one.
    main_fails
        Whether too few studies are enough under the main choice.
    """

    people: float
    power: float
    choices: tuple[str, ...] = ()
    main_fails: bool = False


def pool_needed(
    given: Assumed,
    today: Today,
    right: Mapping[Side, Label | None],
    power: float,
    seed: int,
    sides: Sequence[Side],
) -> list[PoolNeeded]:
    """People needed by side, up to `POOLED_MOST`."""
    arms = arms_of(given.design)
    known: dict[int, Answers] = {}

    def at(people: int) -> Answers:
        if people not in known:
            known[people] = drawn_answers(given, today, seed, people)
        return known[people]

    def share(side: Side, label: Label, people: int) -> float:
        return at(people).labels(given.claim, side).count(label) / ADDED

    found = []
    for side in sides:
        label = right[side]
        if not label:
            found.append(PoolNeeded(math.nan, math.nan))
            continue
        if label == (today.direction if side == "direction" else today.size):
            found.append(PoolNeeded(0.0, math.nan))
            continue
        n, reached = _searched(partial(share, side, label), power, given.study.smallest, arms)
        if not math.isnan(n):
            found.append(PoolNeeded(n, reached))
            continue
        each = at(POOLED_MOST).enough(side, label)
        named = _too_few(today, each, power)
        found.append(PoolNeeded(math.nan, reached, named, bool(each[0] < power)))
    return found


def _searched(
    share: Callable[[int], float], power: float, smallest: int, arms: int
) -> tuple[float, float]:
    """Fewest people with that power, as many in each arm, and the share; NaN and the largest share.

    Shares need not grow with people all the way: what is left at last is how far studies differ.
    """
    low = math.ceil(smallest / arms)
    tried = [low]
    while tried[-1] * arms < POOLED_MOST:
        tried.append(min(tried[-1] * _TIMES, POOLED_MOST // arms))
    shares: list[float] = []
    for n in tried:
        shares.append(share(arms * n))
        if shares[-1] >= power:
            below = tried[len(shares) - 2] if len(shares) > 1 else low - 1
            people = arms * halved(lambda m: share(arms * m) >= power, below, n)
            return people, share(int(people))
    return math.nan, max(shares)


def _too_few(today: Today, enough: Array, power: float) -> tuple[str, ...]:
    """Choices that differ from the main one in one thing and are reached by too few studies."""
    main = today.choices[0]
    found = []
    for choice, share in zip(today.choices, enough, strict=True):
        same = (
            choice.members == main.members,
            choice.scale == main.scale,
            choice.correlation == main.correlation,
        )
        if sum(same) == 2 and share < min(power, enough[0]):
            found.append((float(share), choice_text(_key(choice), _key(main))))
    return tuple(words for _, words in sorted(found)[:_NAMED])


def _key(choice: Choice) -> dict[str, object]:
    return {
        "sources": choice.sources, "k": sum(choice.members), "scale": choice.scale,
        "correlation": choice.correlation,
    }  # fmt: skip
