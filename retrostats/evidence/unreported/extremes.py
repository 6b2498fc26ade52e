"""The outermost value of a vectorised function over a unit box, with what vouches for it.

No derivative is used: limits of intervals have kinks where a between-study variance reaches zero
or a p-value bounds a correlation. Every step evaluates all trial points of all searches at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrostats.evidence.unreported.along_slopes import Slopes, SlopeSearch
from retrostats.evidence.unreported.compass import FIRST_STEP, LAST_STEP, LONG_STEP, descend

Array = NDArray[np.float64]
#: Values (n,) of a function at points (n, d) of the unit box; NaN where it has none.
Objective = Callable[[Array], Array]
#: Ends (m, d) of searches, their values (m,), and how many met at each (m,).
_Ends = tuple[Array, Array, NDArray[np.int64]]

#: Searches that start in every combination of choices, and at the best points of all of them.
EACH, BEST = 2, 8
#: Searches that are followed to the last digits, and those that start at the best draws.
FOLLOWED, DRAWN = 12, 4
#: Spaces of more unknowns than this have more local ends: so many times the searches.
LARGE, MORE = 24, 4
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
    objective: Objective,
    fixed: Array,
    values: Array,
    choices: Mapping[int, int],
    drawn: Array | None = None,
    at_drawn: Array | None = None,
    slopes: Slopes | None = None,
) -> Extreme:
    """Lowest value of `objective` over the unit box, never above the lowest value handed over.

    Searches along the axes start in every combination of choices of the fixed points. The best ends
    are followed to the last digits, exchange several coordinates at once, and are searched again
    along directions that are learnt unless they are plain corners. Searches from the best draws
    count where they end lower by more than two searches that agree may differ.

    Parameters
    ----------
    objective
        To be minimised.
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
    counted = _Counted(objective)
    if slopes is None or d <= LARGE or choices:
        return _searched(_Compass(counted, choices), fixed, found, draws, at_draws)
    smooth = _searched(along := _Along(counted, slopes), fixed, found, draws, at_draws)
    if along.smooth:
        return smooth
    kinked = _searched(_Compass(counted, choices), fixed, found, draws, at_draws)
    lower = smooth if smooth.value < kinked.value else kinked
    return replace(lower, evaluations=kinked.evaluations)


class _Search(Protocol):
    """One way to search: from fixed points, from draws, and on from the ends."""

    counted: _Counted

    def followed(self, fixed: Array, values: Array) -> _Ends:
        """Where searches from the best fixed points end."""

    def from_draws(self, drawn: Array, values: Array) -> _Ends:
        """Where searches from the best draws end."""

    def polished(self, ends: Array, at_ends: Array) -> tuple[Array, Array]:
        """The ends, searched on."""


@dataclass
class _Compass:
    """Steps along the axes and slanted ones, for any function."""

    counted: _Counted
    choices: Mapping[int, int]

    def followed(self, fixed: Array, values: Array) -> _Ends:
        """See `_Search`."""
        return _followed(self.counted, fixed, values, self.choices)

    def from_draws(self, drawn: Array, values: Array) -> _Ends:
        """See `_Search`."""
        return _from_draws(self.counted, drawn, values, self.choices)

    def polished(self, ends: Array, at_ends: Array) -> tuple[Array, Array]:
        """See `_Search`."""
        return _polished(self.counted, ends, at_ends, self.choices)


class _Along:
    """Steps along slopes; `smooth` tells whether they ended at a smooth minimum."""

    def __init__(self, counted: _Counted, slopes: Slopes) -> None:
        self.counted, self.along = counted, SlopeSearch(counted, slopes)
        self.smooth = False

    def followed(self, fixed: Array, values: Array) -> _Ends:
        """See `_Search`."""
        start = _starts(fixed, values, {})
        return self.along.searched(fixed[start], values[start])

    def from_draws(self, drawn: Array, values: Array) -> _Ends:
        """See `_Search`."""
        return self.along.searched(*_best_drawn(drawn, values))

    def polished(self, ends: Array, at_ends: Array) -> tuple[Array, Array]:
        """See `_Search`."""
        ends, at_ends, self.smooth = self.along.polished(ends, at_ends, _effort(ends))
        return ends, at_ends


def _searched(
    search: _Search, fixed: Array, found: Array, draws: Array, at_draws: Array
) -> Extreme:
    """The lowest end of the searches from fixed points; of those from draws where it is lower."""
    ends, at_ends, met = search.followed(fixed, found)
    _, at_others, _ = others = search.from_draws(draws, at_draws)
    # what is finite among the fixed points; among the draws only where no fixed point has a value
    finite = found if np.isfinite(found).any() else at_draws
    finite = finite[np.isfinite(finite)]
    lowest_end = float(min([*at_ends, *at_others]))
    near = SAME * max(float(np.ptp(finite)), abs(lowest_end), 1e-12)
    single = at_ends.copy()
    if len(ends):
        ends, at_ends = search.polished(ends, at_ends)
    if len(at_others) and (
        not len(ends) or at_others.min() < at_ends.min() - near or at_draws.min() < at_ends.min()
    ):
        ends, at_ends = search.polished(others[0].copy(), at_others.copy())
    best = int(np.argmin(at_ends))
    value = float(at_ends[best])
    every, weight = np.append(single, at_others), np.append(met, others[2])
    agreeing = int(weight[every <= value + near].sum())
    return Extreme(
        value,
        ends[best],
        int(weight.sum()),
        max(agreeing, 1),
        len(fixed) + len(draws) + search.counted.points,
    )


def _effort(points: Array) -> int:
    """How many times the usual number of searches a space of this many unknowns takes."""
    return MORE if points.shape[1] > LARGE else 1


def _followed(
    objective: Objective, fixed: Array, values: Array, choices: Mapping[int, int]
) -> tuple[Array, Array, NDArray[np.int64]]:
    """Ends of the searches from fixed points, their values, and how many met at each.

    Short searches in every combination of choices come first; the best of them go on.
    """
    start = _starts(fixed, values, choices)
    if not len(start):
        return fixed[:0], values[:0], start
    ends, at_ends = descend(
        objective, fixed[start], values[start], choices, (FIRST_STEP, LONG_STEP), options=False
    )
    order = np.argsort(at_ends, kind="stable")
    _, first, of = np.unique(ends[order], axis=0, return_index=True, return_inverse=True)
    most = FOLLOWED * _effort(fixed)
    met = np.bincount(of.reshape(-1))[np.argsort(first, kind="stable")][:most]
    kept = order[np.sort(first)[:most]]
    return *descend(objective, ends[kept], at_ends[kept], choices), met


def _from_draws(
    objective: Objective, drawn: Array, values: Array, choices: Mapping[int, int]
) -> tuple[Array, Array, NDArray[np.int64]]:
    """Ends of the searches from the best draws, their values, and one for each."""
    points, at_points = _best_drawn(drawn, values)
    one = np.ones(len(points), dtype=np.int64)
    if not len(points):
        return points, at_points, one
    return *descend(objective, points, at_points, choices), one


def _best_drawn(drawn: Array, values: Array) -> tuple[Array, Array]:
    """The lowest draws that have a value."""
    start = np.argsort(values, kind="stable")[:DRAWN]
    start = start[np.isfinite(values[start])]
    return drawn[start], values[start]


def _polished(
    objective: Objective, ends: Array, at_ends: Array, choices: Mapping[int, int]
) -> tuple[Array, Array]:
    """The ends after exchanges, slanted searches, and steps along the lines that join them."""
    from retrostats.evidence.unreported.exchange import exchanged
    from retrostats.evidence.unreported.starts import all_listed

    def again(point: Array, value: Array) -> tuple[Array, Array]:
        return descend(objective, point, value, choices)

    if not all_listed(ends.shape[1], choices):  # else every corner was looked at already
        ends, at_ends = exchanged(objective, ends, at_ends, choices, again, _effort(ends))
    for searched in (RIDGES, 1):  # the best end once more, if slanted directions led lower
        before = at_ends.min()
        ends, at_ends = _off_the_axes(objective, ends, at_ends, choices, searched)
        _between(objective, ends, at_ends, choices)
        if not at_ends.min() < before:
            break
    best = [int(np.argmin(at_ends))]
    ends[best], at_ends[best] = descend(
        objective, ends[best], at_ends[best], choices, (LAST_STEP, FINEST), options=False
    )
    return ends, at_ends


class _Counted:
    """The objective with infinity for NaN; counts the points it was asked for."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.points = 0

    def __call__(self, points: Array) -> Array:
        self.points += len(points)
        return _clean(self.objective(points))


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
    objective: Objective, ends: Array, at_ends: Array, choices: Mapping[int, int], searched: int
) -> tuple[Array, Array]:
    """The best ends searched again along slanted directions, unless they are plain corners."""
    from retrostats.evidence.unreported.ridges import along_ridges

    order = np.argsort(at_ends, kind="stable")
    _, first = np.unique(ends[order].round(6), axis=0, return_index=True)
    for i in order[np.sort(first)[:searched]]:
        free = _slopes(objective, ends[i], at_ends[i], choices)
        if not len(free):
            continue

        def part(points: Array, i: int = i, free: NDArray[np.int64] = free) -> Array:
            whole = np.tile(ends[i], (len(points), 1))
            whole[:, free] = points
            return objective(whole)

        point, value, _ = along_ridges(part, ends[i][None, free], at_ends[i : i + 1])
        if value[0] < at_ends[i]:
            old, at_old = ends[i].copy(), at_ends[i]
            ends[i, free], at_ends[i] = point[0], value[0]
            again = descend(objective, ends[i][None], value, choices, (PROBE, LAST_STEP))
            walked = np.vstack([again[0], old[None]]), np.append(again[1], at_old)
            _between(objective, *walked, choices)
            ends[i], at_ends[i] = walked[0][0], walked[1][0]
    return ends, at_ends


def _between(objective: Objective, ends: Array, at_ends: Array, choices: Mapping[int, int]) -> None:
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
        found = objective(trials)
        lowest_ = int(np.argmin(found))
        if not found[lowest_] < at_ends[best]:
            return
        ends[best], at_ends[best] = trials[lowest_], found[lowest_]


def _slopes(
    objective: Objective, point: Array, value: float, choices: Mapping[int, int]
) -> NDArray[np.int64]:
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
    rises[inside] = objective(both[inside]) - value
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
    ratio = (objective(slanted) - value) / (share @ up)
    return free[:0] if (np.abs(ratio - 1) < ADDITIVE).all() else free
