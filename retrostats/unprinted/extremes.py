"""The outermost value of a vectorised function over a unit box, with what vouches for it.

No derivative is used: limits of intervals have kinks where a between-study variance reaches zero
or a p-value bounds a correlation. Every step evaluates all trial points of all searches at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
#: Values (n,) of a function at points (n, d) of the unit box; NaN where it has none.
Objective = Callable[[Array], Array]

#: Searches that start at once, and the part of them that start at the best points seen.
STARTS = 12
#: Steps of a search along the axes, from a quarter of the box to the last digits, and what a step
#: without a gain is divided by.
FIRST_STEP, LAST_STEP, SHRINK = 0.25, 1e-6, 4.0
#: Ends of ranges and other options are tried at steps of this size or above.
LONG_STEP = 0.05
MAX_ROUNDS = 200
#: Ends that are searched again along slanted directions.
RIDGES = 3
#: Step and number of slanted trials that tell a corner of the box from a kink, and how far a
#: slanted slope of a corner may lie from the sum of the slopes along the axes.
PROBE, PROBES, ADDITIVE = 1e-4, 24, 0.1
#: Ends joined by lines, steps along a line as shares of the distance, and how many are taken.
JOINED, MAX_LINES = 5, 40
LINE = np.concatenate([-(2.0 ** np.arange(-16, 4)), 2.0 ** np.arange(-16, 4)])
#: Corners and combinations of choices that are all looked at; beyond that, draws must do.
MAX_LISTED = 4096
#: Two searches agree if they end this near, relative to the spread of the draws.
SAME = 1e-6


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
    seen: Array,
    values: Array,
    choices: Mapping[int, int],
    rng: np.random.Generator,
) -> Extreme:
    """Lowest value of `objective` over the unit box, never above the lowest of `values`.

    Searches along the axes start from many points; the best ends that are not plain corners are
    searched again along directions that are learnt, then along the axes once more.

    Parameters
    ----------
    objective
        To be minimised.
    seen, values
        Points (n, d) already evaluated, and their values (n,).
    choices
        Columns that are choices, and how many options each has.
    rng
        For the starts that are not the best points seen, and for slanted directions.
    """
    found = _clean(values)
    best = int(np.argmin(found))
    if seen.shape[1] == 0 or not np.isfinite(found).any():
        return Extreme(float(found[best]), seen[best], 1, 1, len(found))
    counted = _Counted(objective)
    start = _starts(seen, found, choices, rng)
    ends, at_ends = _descend(counted, seen[start], found[start], choices, FIRST_STEP)
    ends, at_ends = _off_the_axes(counted, ends, at_ends, choices, rng)
    _between(counted, ends, at_ends, choices)
    best = int(np.argmin(at_ends))
    finite = found[np.isfinite(found)]
    near = SAME * max(float(np.ptp(finite)), abs(float(at_ends[best])), 1e-12)
    return Extreme(
        float(at_ends[best]),
        ends[best],
        len(ends),
        int((at_ends <= at_ends[best] + near).sum()),
        len(found) + counted.points,
    )


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


def corners(d: int, choices: Mapping[int, int]) -> Array:
    """Every corner of the box with every combination of choices, as far as they can be listed."""
    ends = [
        [(i + 0.5) / choices[j] for i in range(choices[j])] if j in choices else [0.0, 1.0]
        for j in range(d)
    ]
    count = float(np.prod([len(e) for e in ends], dtype=float))
    if d == 0 or count > MAX_LISTED:
        return np.empty((0, d))
    return np.array(list(product(*ends)))


def _starts(
    points: Array, values: Array, choices: Mapping[int, int], rng: np.random.Generator
) -> NDArray[np.int64]:
    """The best points, the best of every option of each choice, and some at random."""
    order = np.argsort(values, kind="stable")
    picked = [*order[: STARTS // 2]]
    for column, count in choices.items():
        option = np.minimum((points[order, column] * count).astype(int), count - 1)
        picked += [order[np.argmax(option == i)] for i in range(count) if (option == i).any()]
    finite = np.flatnonzero(np.isfinite(values))
    picked += [*rng.choice(finite, min(STARTS // 2, len(finite)), replace=False)]
    return np.unique(np.array([i for i in picked if np.isfinite(values[i])]))


def _descend(
    objective: Objective, points: Array, values: Array, choices: Mapping[int, int], first: float
) -> tuple[Array, Array]:
    """Compass search of all starts at once; a search that finds nothing better shortens its step.

    Every coordinate that gains alone is also moved together with the others that do: a function
    that is monotone in each of them reaches its corner in a step or two. Searches that have met
    go on as one.
    """
    points, values = points.copy(), values.copy()
    d = points.shape[1]
    smooth = np.array([j for j in range(d) if j not in choices], dtype=int)
    step = np.full(len(points), first)
    for _ in range(MAX_ROUNDS):
        active = np.flatnonzero(step > LAST_STEP)
        if not len(active):
            break
        _, lead, follow = np.unique(
            np.column_stack([points[active], step[active]]),
            axis=0, return_index=True, return_inverse=True,
        )  # fmt: skip
        leaders = active[lead]
        moves = [_moves(points[i], step[i], smooth, choices) for i in leaders]
        where = np.concatenate([[0], np.cumsum([len(column) for column, _ in moves])])
        rows = np.repeat(np.arange(len(leaders)), np.diff(where))
        column = np.concatenate([part for part, _ in moves])
        to = np.concatenate([part for _, part in moves])
        trials = points[leaders[rows]]
        trials[np.arange(len(rows)), column] = to
        got = objective(trials)
        together = points[leaders]
        order = np.argsort(-got, kind="stable")  # the best move of a coordinate is written last
        gains = order[got[order] < values[leaders[rows[order]]]]
        together[rows[gains], column[gains]] = to[gains]
        many = np.bincount(rows[gains], minlength=len(leaders)) > 1
        at_together = np.full(len(leaders), np.inf)
        if many.any():
            at_together[many] = objective(together[many])
        single = np.array([where[i] + got[where[i] : where[i + 1]].argmin()
                           for i in range(len(leaders))])  # fmt: skip
        both = at_together < got[single]
        lower = np.where(both, at_together, got[single])
        arrived = np.where(both[:, None], together, trials[single])
        better = lower < values[leaders]
        follow = follow.reshape(-1)
        moved = better[follow]
        points[active[moved]] = arrived[follow[moved]]
        values[active[moved]] = lower[follow[moved]]
        step[active[~moved]] /= SHRINK if len(smooth) else np.inf
    return points, values


def _moves(
    point: Array, step: float, smooth: NDArray[np.int64], choices: Mapping[int, int]
) -> tuple[NDArray[np.int64], Array]:
    """Coordinates (m,) and where each is moved to (m,): a step, an end, another option."""
    at = point[smooth]
    ends = [np.zeros(len(at)), np.ones(len(at))] if step >= LONG_STEP else []
    to = [np.clip(at - step, 0, 1), np.clip(at + step, 0, 1), *ends]
    column, targets = np.tile(smooth, len(to)), np.concatenate(to)
    for j, count in choices.items() if step >= LONG_STEP or not len(smooth) else ():
        column = np.append(column, np.full(count, j))
        targets = np.append(targets, (np.arange(count) + 0.5) / count)
    fresh = targets != point[column]
    if not fresh.any():
        return column[:1], targets[:1]
    return column[fresh], targets[fresh]


def _off_the_axes(
    objective: Objective, ends: Array, at_ends: Array, choices: Mapping[int, int],
    rng: np.random.Generator,
) -> tuple[Array, Array]:  # fmt: skip
    """The best ends searched again along slanted directions, unless they are plain corners."""
    from retrostats.unprinted.ridges import along_ridges

    order = np.argsort(at_ends, kind="stable")
    _, first = np.unique(ends[order].round(6), axis=0, return_index=True)
    for i in order[np.sort(first)[:RIDGES]]:
        free = _slopes(objective, ends[i], at_ends[i], choices, rng)
        if not len(free):
            continue

        def part(points: Array, i: int = i, free: NDArray[np.int64] = free) -> Array:
            whole = np.tile(ends[i], (len(points), 1))
            whole[:, free] = points
            return objective(whole)

        point, value, _ = along_ridges(part, ends[i][None, free], at_ends[i : i + 1], rng)
        if value[0] < at_ends[i]:
            old, at_old = ends[i].copy(), at_ends[i]
            ends[i, free], at_ends[i] = point[0], value[0]
            again = _descend(objective, ends[i][None], value, choices, PROBE)
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
    objective: Objective, point: Array, value: float, choices: Mapping[int, int],
    rng: np.random.Generator,
) -> NDArray[np.int64]:  # fmt: skip
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
    share = rng.random((PROBES, len(free)))
    slanted = np.repeat(point[None], PROBES, axis=0)
    slanted[:, free] += PROBE * share * inward
    ratio = (objective(slanted) - value) / (share @ up)
    return free[:0] if (np.abs(ratio - 1) < ADDITIVE).all() else free
