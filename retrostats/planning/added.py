"""What one more study would change in today's pool: its verdicts, over what was not printed.

The outermost limits of a pool with a study added are looked for among points that give the
outermost limits without noise: those found by a search with the study added as planned (from fixed
points, whatever the seed), and of the joint draws and the corners those that then reach farthest.
Searching anew for every drawn study
would take minutes; `tests/test_plan.py` sets the two beside one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrostats.audit.claims import Claim
from retrostats.audit.verdict import (
    COMPATIBLE_SHARE,
    Label,
    Side,
    claimed_range,
    deciding_unknowns,
    labels,
)
from retrostats.evidence.unreported.exploration import explore
from retrostats.evidence.unreported.extremes import lowest
from retrostats.evidence.unreported.influence import quasi_random
from retrostats.evidence.unreported.pooled import COUNTED, pool_estimator
from retrostats.evidence.unreported.sources import Effects, Source
from retrostats.evidence.unreported.starts import fixed_points
from retrostats.evidence.unreported.unknowns import Space, Values
from retrostats.planning.power import monte_carlo_error

if TYPE_CHECKING:
    from retrostats.evidence.result.findings import Measure
    from retrostats.planning.assumed import Assumed

Array = NDArray[np.float64]
NEW = "the planned study"
EFFECT, VARIANCE = "effect of the planned study", "variance of the planned study"
#: Points of which those that reach farthest are kept on each side, and random ones for shares.
SCANNED, KEPT, RANDOM = 512, 24, 40
#: Studies drawn at each size to be pooled with today's sources.
ADDED = 100
#: Labels that today's pool with a study can have.
ADDED_SHARES: tuple[Label, ...] = ("supported", "compatible", "contradicted", "undecided")


@dataclass(frozen=True, slots=True, eq=False)
class Pooling:
    """Today's sources with one more, as a function of what they left open."""

    measure: Measure
    log: bool

    def limits(self, points: Array, effect: Array, variance: Array, level: float) -> Array:
        """Answers (n, m, 3) of n drawn studies, each at m points (m, d) of what was left open."""
        space = Space.of(self.measure.unknowns)
        n, m = len(effect), len(points)
        values = space.values(np.tile(points, (n, 1))) if space.size else {}
        found = self.answers(values, np.repeat(effect, m), np.repeat(variance, m), level)
        return found.reshape(n, m, 3)

    def answers(self, values: Values, effect: Array, variance: Array, level: float) -> Array:
        """Answers (m, 3) at values of what was left open, with drawn studies (m,)."""
        more = {EFFECT: effect, VARIANCE: variance}
        if COUNTED in values:
            one = np.ones((len(effect), 1), dtype=bool)
            more[COUNTED] = np.hstack([values[COUNTED], one])
        sources = (*self.measure.sources, planned_source())
        found = pool_estimator(sources, log=self.log, level=level)({**values, **more})
        return np.stack(found, axis=-1)


def planned_source() -> Source:
    """The planned study as a source: its effect and variance are values like any other."""

    def effects(v: Values) -> Effects:
        return Effects(v[EFFECT], v[VARIANCE])

    return Source(NEW, float("nan"), (), effects)


def bounding_points(pooling: Pooling, effect: float, variance: float, seed: int) -> Array:
    """The middle, some random points, then those with the farthest limits on either side.

    The last two are the outermost limits with the study as planned, searched for.
    """
    space = Space.of(pooling.measure.unknowns)
    if not space.size:
        return np.empty((1, 0))

    def planned(points: Array) -> Array:
        found: Array = pooling.limits(points, np.array([effect]), np.array([variance]), 0.95)[0]
        return found

    drawn = quasi_random(space.size, SCANNED, seed)
    ends = drawn.copy()
    smooth = [j for j in range(space.size) if j not in space.choices]
    ends[:, smooth] = (drawn[:, smooth] > 0.5).astype(float)
    every = np.vstack([space.reference_point, drawn, ends])
    answers = planned(every)
    sound: Any = np.isfinite(answers).all(axis=1)
    low = np.where(sound, answers[:, 1], np.inf)
    high = np.where(sound, answers[:, 2], -np.inf)
    far = np.concatenate([np.argsort(low)[:KEPT], np.argsort(-high)[:KEPT]])
    random = np.flatnonzero(sound[1 : SCANNED + 1])[:RANDOM] + 1
    fixed, at_fixed = fixed_points(planned, space.size, space.choices)

    def limit(column: int, sign: float) -> Array:
        return lowest(
            lambda points: sign * planned(points)[:, column],
            fixed, sign * at_fixed[:, column], space.choices, every, sign * answers[:, column],
        ).point  # fmt: skip

    kept: Array = every[np.concatenate([[0], random, far])]
    return np.vstack([kept, limit(1, 1.0), limit(2, -1.0)])


def verdicts_with(
    pooling: Pooling,
    claim: Claim,
    sides: Sequence[Side],
    effect: Array,
    variance: Array,
    points: Array,
) -> dict[Side, NDArray[Any]]:
    """Label by side of every drawn study (n,) pooled with today's sources.

    Parameters
    ----------
    effect, variance
        Of the drawn studies, on the model scale (n,).
    points
        Of `reaching_points`.
    """
    wide = pooling.limits(points, effect, variance, 0.95)
    narrow = pooling.limits(points, effect, variance, 0.90)
    ends = (
        np.nanmin(wide[:, :, 1], axis=1), np.nanmax(wide[:, :, 2], axis=1),
        np.nanmin(narrow[:, :, 1], axis=1), np.nanmax(narrow[:, :, 2], axis=1),
    )  # fmt: skip
    found: dict[Side, NDArray[Any]] = {}
    for side in sides:
        label = labels(claim, side, *ends)
        if side == "size":
            low, high = claimed_range(claim)
            inside = (wide[:, :, 0] >= low) & (wide[:, :, 0] <= high)
            random = inside[:, 1 : RANDOM + 1] if len(points) > 1 else inside
            fits = inside[:, 0] & (random.mean(axis=1) >= COMPATIBLE_SHARE)
            label = np.where((label == "undecided") & fits, "compatible", label)
        found[side] = label
    return found


def pooled_rows(
    given: Assumed, sides: Sequence[Side], seed: int, people: int
) -> tuple[list[tuple[Any, ...]], float]:
    """One row a side: people, share of draws with each label, its error; and a typical variance.

    Parameters
    ----------
    people
        Size of the study, which `given` has a measure and a spread for.
    """
    from scipy.special import ndtri, stdtrit

    assert given.measure is not None
    pooling = Pooling(given.measure, given.log)
    draws = np.clip(quasi_random(4, ADDED, seed + 1), 1e-12, 1 - 1e-12)
    limits = given.study.limits(people, given.model_truth, draws[:, :3])
    t = float(stdtrit(people - given.study.groups, 0.95))
    variance = ((limits.narrow_high - limits.narrow_low) / (2 * t)) ** 2
    effect = limits.estimate + given.tau * ndtri(draws[:, 3])
    typical = float(np.median(variance))
    points = bounding_points(pooling, given.model_truth, typical, seed)
    found = verdicts_with(pooling, given.claim, sides, effect, variance, points)
    rows = []
    for side in sides:
        shares = [float((found[side] == label).mean()) for label in ADDED_SHARES]
        worst = max(monte_carlo_error(share, ADDED) for share in shares)
        rows.append((people, side, *shares, worst))
    return rows, typical


def kept_open_by(pooling: Pooling, effect: float, variance: float, seed: int) -> list[str]:
    """The unknowns that move today's pool most once the study is added, each with its reason."""

    def answer(v: Values) -> Array:
        n = max((len(a) for a in v.values()), default=1)
        return pooling.answers(v, np.full(n, effect), np.full(n, variance), 0.95)

    found = explore(answer, pooling.measure.unknowns, draws=SCANNED, seed=seed)
    why = {unknown.name: unknown.why for unknown in found.space.unknowns}
    return [name + f" ({why[name]})" * bool(why[name]) for name in deciding_unknowns(found)]
