"""Power of a planned study, people needed, and both by size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrostats.audit.claims import Claim
from retrostats.audit.verdict import Label, Side, claimed_range, labels
from retrostats.planning.assumed import Assumed
from retrostats.planning.designs import Design, Limits, arms_of

#: No more people than this are looked for.
MOST = 1_000_000
#: Sizes of a curve, up to so many times the people needed.
POINTS, BEYOND = 16, 1.8
#: Labels that a study alone can have.
SHARES: tuple[Label, ...] = ("supported", "contradicted", "open")


def sides_of(claim: Claim) -> tuple[Side, ...]:
    """What a claim says that a study can settle."""
    sides: list[tuple[Side, bool]] = [("direction", claim.has_direction), ("size", claim.has_size)]
    return tuple(side for side, claimed in sides if claimed)


def right_label(claim: Claim, side: Side, truth: float) -> Label | None:
    """The label that is right if an effect is true; none at the null value or an end of a range."""
    if side == "direction":
        above = claim.claimed_direction == "above"
        right = truth > claim.null_value if above else truth < claim.null_value
        if truth == claim.null_value:
            return None
        return "supported" if right else "contradicted"
    low, high = claimed_range(claim)
    if truth in (low, high):
        return None
    return "supported" if low < truth < high else "contradicted"


def labels_of(given: Assumed, side: Side, limits: Limits) -> NDArray[Any]:
    """Label that each study alone would give (n,)."""
    return labels(given.claim, side, *(given.measured.to_printed(x) for x in limits[1:]))


def _share(given: Assumed, side: Side, label: Label, people: int, points: Any) -> float:
    limits = given.study.limits(people, given.model_truth, points)
    return float((labels_of(given, side, limits) == label).mean())


def needed_people(
    given: Assumed, right: dict[Side, Label | None], power: float, points: Any, side: Side
) -> tuple[Any, ...]:
    """Side, label, people, and people at a power two Monte Carlo errors lower and higher."""
    label = right[side]
    if not label:
        return side, "", math.nan, math.nan, math.nan
    error = 2 * math.sqrt(power * (1 - power) / len(points))
    # with two arms as many in each: found by arm, told in all
    arms = arms_of(given.design)

    @cache
    def share(n: int) -> float:
        """The three searches begin at the same sizes and end at neighbouring ones."""
        return _share(given, side, label, arms * n, points)

    def at_power(level: float) -> float:
        return arms * _fewest(
            lambda n: share(n) >= level,
            math.ceil(given.study.smallest / arms),
            MOST // arms,
        )

    return side, label, at_power(power), at_power(power - error), at_power(min(power + error, 1.0))


def _fewest(enough: Any, smallest: int, most: int) -> float:
    """Fewest people that are enough, by doubling and halving; NaN if `most` are not."""
    low, high = smallest - 1, smallest
    while not enough(high):
        low, high = high, 2 * high
        if low >= most:
            return math.nan
    return halved(enough, low, high)


def halved(enough: Any, low: int, high: int) -> float:
    """Fewest people that are enough, above `low`, which is not, and up to `high`, which is."""
    while high - low > 1:
        midpoint = (low + high) // 2
        low, high = (low, midpoint) if enough(midpoint) else (midpoint, high)
    return float(high)


def curve_sizes(study: Design, needed: Sequence[tuple[Any, ...]]) -> list[int]:
    """Sizes of a curve, even on the log scale."""
    most = max((row[2] for row in needed if not math.isnan(row[2])), default=1000.0)
    ends = np.geomspace(study.smallest, max(BEYOND * most, study.smallest + POINTS), POINTS)
    return [int(n) for n in np.unique(np.round(ends))]


def curve_rows(
    given: Assumed, sides: Sequence[Side], right: dict[Side, Label | None], points: Any, people: int
) -> list[tuple[Any, ...]]:
    """One row a side at this size: shares of labels, power, its error, median 95% limits."""
    limits = given.study.limits(people, given.model_truth, points)
    ends = [float(np.median(x)) for x in (limits.low, limits.high)]
    shown = [float(given.measured.to_printed(x)) for x in ends]
    rows = []
    for side in sides:
        found = labels_of(given, side, limits)
        shares = [float((found == label).mean()) for label in SHARES]
        settles = right[side]
        power = math.nan if settles is None else shares[SHARES.index(settles)]
        error = monte_carlo_error(power, len(points))
        exposure = people * given.exposure * (2 / arms_of(given.design))
        rows.append((people, side, *shares, power, error, *shown, exposure))
    return rows


def monte_carlo_error(share: float, count: int) -> float:
    """Monte Carlo standard error of a share, not 0 where none or all were seen (Agresti, Coull)."""
    held = (share * count + 1) / (count + 2)
    return math.sqrt(held * (1 - held) / count)
