"""The outermost value of a vectorised function over a unit box, with what vouches for it.

No derivative is used: limits of intervals have kinks where a between-study variance reaches zero
or a p-value bounds a correlation. Every step looks at all trial points of all searches at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from retrostats.evidence.unreported.along_slopes import Ends, Slopes, SlopeSearch
from retrostats.evidence.unreported.compass import FIRST_STEP, LAST_STEP, LONG_STEP, descend
from retrostats.evidence.unreported.search import Search, through, together

Array = NDArray[np.float64]
T = TypeVar("T")

#: Searches that start in every combination of choices, and at the best points of all of them.
EACH, BEST = 2, 8
#: Searches that are followed to the last digits, and those that start at the best draws.
FOLLOWED, DRAWN = 12, 4
#: Spaces of more unknowns than this have more local ends: so many times the searches.
LARGE, MORE = 24, 4
#: Spaces of more unknowns than this are searched along slopes: in smaller ones, where a limit at a
#: kink takes the usual search after all, that would cost more than it saves.
ALONG = 32
#: Smallest step of the best end, which makes its last digits the same from wherever it came.
FINEST = 1e-10
#: Ends that are searched again along slanted directions.
RIDGES = 3
#: Step and number of slanted trials that tell a corner of the box from a kink, and how far a
#: slanted slope of a corner may lie from the sum of the slopes along the axes.
PROBE, PROBES, ADDITIVE = 1e-4, 24, 0.1
#: Ends joined by lines, steps along a line as shares of the distance, and how many are taken.
JOINED, MAX_LINES = 5, 40
LINE = np.concatenate([-(2.0 ** np.arange(-16, 4)), 2.0 ** np.arange(-16, 4)])
#: Two searches agree if they end this near, relative to the spread of the fixed points.
SAME = 1e-6
#: Seed of every random direction: not the reader's, so that limits are the same whoever asks.
INTERNAL_SEED = 1


@dataclass(frozen=True, slots=True)
class Extreme:
    """The lowest value found and what vouches for it.

    Attributes
    ----------
    value, point
        The value, and where it is in the unit box (d,).
    starts, agreeing
        Searches made, and how many of them ended at this value.
    evaluations
        Points looked at.
    """

    value: float
    point: Array
    starts: int
    agreeing: int
    evaluations: int


def lowest(
    fixed: Array,
    values: Array,
    choices: Mapping[int, int],
    drawn: Array | None = None,
    at_drawn: Array | None = None,
    slopes: Slopes | None = None,
) -> Search[Extreme]:
    """Search for the lowest value over the unit box, never above the lowest value handed over.

    Searches along the axes start in every combination of choices of the fixed points. The best ends
    are followed to the last digits, exchange several coordinates at once, and are searched again
    along directions that are learnt unless they are plain corners. Searches from the best draws
    count where they end lower by more than two searches that agree may differ.

    Parameters
    ----------
    fixed, values
        Points (n, d) that no seed moves (`fixed_points`), and their values (n,).
    choices
        Columns that are choices, and how many options each has.
    drawn, at_drawn
        Draws (m, d) and their values (m,).
    slopes
        Derivatives of a function without choices: in a space of many unknowns it is searched along
        them (`along_slopes`).
    """
    d = fixed.shape[1]
    draws = np.empty((0, d)) if drawn is None else drawn
    found, at_draws = _clean(values), _clean(np.empty(0) if at_drawn is None else at_drawn)
    seen, at_seen = np.vstack([fixed, draws]), np.append(found, at_draws)
    best = int(np.argmin(at_seen))
    if d == 0 or not np.isfinite(at_seen).any():
        return Extreme(float(at_seen[best]), seen[best], 1, 1, len(seen))
    compass = _Compass(choices)
    if slopes is None or d <= ALONG or choices:
        return (yield from _searched(compass, fixed, found, draws, at_draws))
    along = _Along(slopes)
    smooth = yield from _searched(along, fixed, found, draws, at_draws)
    if along.smooth:
        return smooth
    kinked = yield from _searched(compass, fixed, found, draws, at_draws)
    lower = smooth if smooth.value < kinked.value else kinked
    return replace(lower, evaluations=smooth.evaluations + kinked.evaluations - len(seen))


class _Way(Protocol):
    """One way to search: from fixed points, from draws, and on from the ends."""

    def followed(self, fixed: Array, values: Array) -> Search[Ends]:
        """Where searches from the best fixed points end."""

    def from_draws(self, drawn: Array, values: Array) -> Search[Ends]:
        """Where searches from the best draws end."""

    def polished(self, ends: Array, at_ends: Array) -> Search[tuple[Array, Array]]:
        """The ends, searched on."""


@dataclass
class _Compass:
    """Steps along the axes and slanted ones, for any function."""

    choices: Mapping[int, int]

    def followed(self, fixed: Array, values: Array) -> Search[Ends]:
        """See `_Way`."""
        return _followed(fixed, values, self.choices)

    def from_draws(self, drawn: Array, values: Array) -> Search[Ends]:
        """See `_Way`."""
        return _from_draws(drawn, values, self.choices)

    def polished(self, ends: Array, at_ends: Array) -> Search[tuple[Array, Array]]:
        """See `_Way`."""
        return _polished(ends, at_ends, self.choices)


class _Along:
    """Steps along slopes; `smooth` tells whether they ended at a smooth minimum."""

    def __init__(self, slopes: Slopes) -> None:
        self.along, self.smooth = SlopeSearch(slopes), False

    def followed(self, fixed: Array, values: Array) -> Search[Ends]:
        """See `_Way`."""
        start = _starts(fixed, values, {})
        return self.along.searched(fixed[start], values[start])

    def from_draws(self, drawn: Array, values: Array) -> Search[Ends]:
        """See `_Way`."""
        return self.along.searched(*_best_drawn(drawn, values))

    def polished(self, ends: Array, at_ends: Array) -> Search[tuple[Array, Array]]:
        """See `_Way`."""
        found = yield from self.along.polished(ends, at_ends, _effort(ends))
        self.smooth = found[2]
        return found[:2]


def _searched(
    way: _Way, fixed: Array, found: Array, draws: Array, at_draws: Array
) -> Search[Extreme]:
    """The lowest end of the searches from fixed points; of those from draws where it is lower."""
    counted = _Counted()
    begun = together([way.followed(fixed, found), way.from_draws(draws, at_draws)])
    (ends, at_ends, met), others = yield from counted.of(begun)
    at_others = others[1]
    # what is finite among the fixed points; among the draws only where no fixed point has a value
    finite = found if np.isfinite(found).any() else at_draws
    finite = finite[np.isfinite(finite)]
    lowest_end = float(min([*at_ends, *at_others]))
    near = SAME * max(float(np.ptp(finite)), abs(lowest_end), 1e-12)
    single = at_ends.copy()
    if len(ends):
        ends, at_ends = yield from counted.of(way.polished(ends, at_ends))
    if len(at_others) and (
        not len(ends) or at_others.min() < at_ends.min() - near or at_draws.min() < at_ends.min()
    ):
        from_others = way.polished(others[0].copy(), at_others.copy())
        ends, at_ends = yield from counted.of(from_others)
    best = int(np.argmin(at_ends))
    value = float(at_ends[best])
    every, weight = np.append(single, at_others), np.append(met, others[2])
    agreeing = int(weight[every <= value + near].sum())
    return Extreme(
        value,
        ends[best],
        int(weight.sum()),
        max(agreeing, 1),
        len(fixed) + len(draws) + counted.points,
    )


def _effort(points: Array) -> int:
    """How many times the usual number of searches a space of this many unknowns takes."""
    return MORE if points.shape[1] > LARGE else 1


def _followed(
    fixed: Array, values: Array, choices: Mapping[int, int]
) -> Search[tuple[Array, Array, NDArray[np.int64]]]:
    """Ends of the searches from fixed points, their values, and how many met at each.

    Short searches in every combination of choices come first; the best of them go on.
    """
    start = _starts(fixed, values, choices)
    if not len(start):
        return fixed[:0], values[:0], start
    ends, at_ends = yield from descend(
        fixed[start], values[start], choices, (FIRST_STEP, LONG_STEP), options=False
    )
    order = np.argsort(at_ends, kind="stable")
    _, first, of = np.unique(ends[order], axis=0, return_index=True, return_inverse=True)
    most = FOLLOWED * _effort(fixed)
    met = np.bincount(of.reshape(-1))[np.argsort(first, kind="stable")][:most]
    kept = order[np.sort(first)[:most]]
    followed = yield from descend(ends[kept], at_ends[kept], choices)
    return *followed, met


def _from_draws(
    drawn: Array, values: Array, choices: Mapping[int, int]
) -> Search[tuple[Array, Array, NDArray[np.int64]]]:
    """Ends of the searches from the best draws, their values, and one for each."""
    points, at_points = _best_drawn(drawn, values)
    one = np.ones(len(points), dtype=np.int64)
    if not len(points):
        return points, at_points, one
    ends = yield from descend(points, at_points, choices)
    return *ends, one


def _best_drawn(drawn: Array, values: Array) -> tuple[Array, Array]:
    """The lowest draws that have a value."""
    start = np.argsort(values, kind="stable")[:DRAWN]
    start = start[np.isfinite(values[start])]
    return drawn[start], values[start]


def _polished(
    ends: Array, at_ends: Array, choices: Mapping[int, int]
) -> Search[tuple[Array, Array]]:
    """The ends after exchanges, slanted searches, and steps along the lines that join them."""
    from retrostats.evidence.unreported.exchange import exchanged
    from retrostats.evidence.unreported.starts import all_listed

    def again(point: Array, value: Array) -> Search[tuple[Array, Array]]:
        return descend(point, value, choices)

    if not all_listed(ends.shape[1], choices):  # else every corner was looked at already
        ends, at_ends = yield from exchanged(ends, at_ends, choices, again, _effort(ends))
    for searched in (RIDGES, 1):  # the best end once more, if slanted directions led lower
        before = at_ends.min()
        ends, at_ends = yield from _off_the_axes(ends, at_ends, choices, searched)
        yield from _between(ends, at_ends, choices)
        if not at_ends.min() < before:
            break
    best = [int(np.argmin(at_ends))]
    ends[best], at_ends[best] = yield from descend(
        ends[best], at_ends[best], choices, (LAST_STEP, FINEST), options=False
    )
    return ends, at_ends


class _Counted:
    """Counts the points that searches look at; no value is infinity to them."""

    def __init__(self) -> None:
        self.points = 0

    def of(self, search: Search[T]) -> Search[T]:
        """The search, counted."""
        return through(search, self._count, _clean)

    def _count(self, points: Array) -> Array:
        self.points += len(points)
        return points


def _clean(values: Array) -> Array:
    return np.where(np.isnan(values), np.inf, values)


def _starts(points: Array, values: Array, choices: Mapping[int, int]) -> NDArray[np.int64]:
    """The first and the best points of every combination of choices, and the best of all."""
    order = np.argsort(values, kind="stable")
    group = np.zeros(len(points), dtype=np.int64)
    for column, count in choices.items():
        option = np.minimum((points[:, column] * count).astype(np.int64), count - 1)
        group = np.unique(group * count + option, return_inverse=True)[1].reshape(-1)
    # the place of each point among those of its combination, best first
    ranked = order[np.argsort(group[order], kind="stable")]
    begins = np.searchsorted(group[ranked], group[ranked])
    place = np.empty(len(points), dtype=np.int64)
    place[ranked] = np.arange(len(points)) - begins
    _, first = np.unique(group, return_index=True)
    picked = np.concatenate([first, np.flatnonzero(place < EACH), order[: BEST * _effort(points)]])
    return np.array([i for i in np.unique(picked) if np.isfinite(values[i])], dtype=np.int64)


def _off_the_axes(
    ends: Array, at_ends: Array, choices: Mapping[int, int], searched: int
) -> Search[tuple[Array, Array]]:
    """The best ends searched again along slanted directions, unless they are plain corners."""
    order = np.argsort(at_ends, kind="stable")
    _, first = np.unique(ends[order].round(6), axis=0, return_index=True)
    picked = order[np.sort(first)[:searched]]
    lower = yield from together([_slanted(ends[i].copy(), at_ends[i], choices) for i in picked])
    for i, (end, at_end) in zip(picked, lower, strict=True):
        ends[i], at_ends[i] = end, at_end
    return ends, at_ends


def _slanted(end: Array, at_end: float, choices: Mapping[int, int]) -> Search[tuple[Array, float]]:
    """One end searched again along slanted directions."""
    from retrostats.evidence.unreported.ridges import along_ridges

    free = yield from _slopes(end, at_end, choices)
    if not len(free):
        return end, at_end

    def whole(points: Array) -> Array:
        every = np.tile(end, (len(points), 1))
        every[:, free] = points
        return every

    sloped = along_ridges(end[None, free], np.array([at_end]))
    point, value, _ = yield from through(sloped, whole)
    if not value[0] < at_end:
        return end, at_end
    lower = end.copy()
    lower[free] = point[0]
    again = yield from descend(lower[None], value, choices, (PROBE, LAST_STEP))
    walked = np.vstack([again[0], end[None]]), np.append(again[1], at_end)
    yield from _between(*walked, choices)
    return walked[0][0], walked[1][0]


def _between(ends: Array, at_ends: Array, choices: Mapping[int, int]) -> Search[None]:
    """The best end moved along the lines that join ends; `ends` and `at_ends` in place.

    Searches that stopped on one ridge stopped at different places of it: the line between them is
    the ridge, or close to it.
    """
    order = np.argsort(at_ends, kind="stable")
    best, fixed = order[0], list(choices)
    same = [i for i in order if np.array_equal(ends[i, fixed], ends[best, fixed])][:JOINED]
    ways = [ends[i] - ends[j] for i in same for j in same if i < j]
    ways = [way for way in ways if np.abs(way).max() > LAST_STEP]
    if not ways:
        return
    moves = (LINE[:, None, None] * np.array(ways)[None]).reshape(-1, ends.shape[1])
    for _ in range(MAX_LINES):
        trials = np.clip(ends[best] + moves, 0.0, 1.0)
        found = yield trials
        lowest_ = int(np.argmin(found))
        if not found[lowest_] < at_ends[best]:
            return
        ends[best], at_ends[best] = trials[lowest_], found[lowest_]


def _slopes(point: Array, value: float, choices: Mapping[int, int]) -> Search[NDArray[np.int64]]:
    """Coordinates that move the value here; none at a corner that every way leads up from.

    At a corner of the box where the function has no kink, a slanted slope is the sum of the slopes
    along the axes.
    """
    smooth = np.array([j for j in range(len(point)) if j not in choices], dtype=int)
    both = np.repeat(point[None], 2 * len(smooth), axis=0)
    for k, j in enumerate(smooth):
        both[2 * k, j], both[2 * k + 1, j] = point[j] - PROBE, point[j] + PROBE
    inside = ((both >= 0) & (both <= 1)).all(axis=1)
    rises = np.full(len(both), np.nan)
    rises[inside] = (yield both[inside]) - value
    rise = rises.reshape(-1, 2)
    flat = np.nanmax(np.abs(rise), axis=1) <= 1e-13 * (1 + abs(value))
    free: NDArray[np.int64] = smooth[~flat]
    if not len(free):
        return free
    at_end = np.isnan(rise[~flat]).any(axis=1)
    up = np.nanmin(rise[~flat], axis=1)
    if not at_end.all() or not (np.isfinite(up) & (up > 0)).all():
        return free
    inward = np.where(np.isnan(rise[~flat][:, 0]), 1.0, -1.0)
    share = np.random.default_rng(INTERNAL_SEED).random((PROBES, len(free)))
    slanted = np.repeat(point[None], PROBES, axis=0)
    slanted[:, free] += PROBE * share * inward
    ratio = ((yield slanted) - value) / (share @ up)
    return free[:0] if (np.abs(ratio - 1) < ADDITIVE).all() else free
