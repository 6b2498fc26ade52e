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
#: Steps of a search, from a quarter of the box to the last digits.
FIRST_STEP, LAST_STEP = 0.25, 1e-6
#: Directions tried beside the axes, so that a search does not stop on the ridge of a kink.
SLANTED = 6
MAX_ROUNDS = 400
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
    d = seen.shape[1]
    listed = _listed(d, choices)
    at_listed = _clean(objective(listed)) if len(listed) else np.empty(0)
    points, found = np.vstack([seen, listed]), np.concatenate([_clean(values), at_listed])
    if d == 0 or not np.isfinite(found).any():
        best = int(np.argmin(found))
        return Extreme(float(found[best]), points[best], 1, 1, len(found))
    start = _starts(points, found, choices, rng)
    ends, at_ends, used = _descend(objective, points[start], found[start], choices, rng)
    best = int(np.argmin(at_ends))
    finite = found[np.isfinite(found)]
    near = SAME * max(float(np.ptp(finite)), abs(float(at_ends[best])), 1e-12)
    return Extreme(
        float(at_ends[best]),
        ends[best],
        len(ends),
        int((at_ends <= at_ends[best] + near).sum()),
        len(found) + used,
    )


def _clean(values: Array) -> Array:
    return np.where(np.isnan(values), np.inf, values)


def _listed(d: int, choices: Mapping[int, int]) -> Array:
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
    objective: Objective,
    points: Array,
    values: Array,
    choices: Mapping[int, int],
    rng: np.random.Generator,
) -> tuple[Array, Array, int]:
    """Compass search of all starts at once; a search that finds nothing better halves its step."""
    points, values = points.copy(), values.copy()
    n, d = points.shape
    step = np.full(n, FIRST_STEP)
    smooth = np.array([j for j in range(d) if j not in choices], dtype=int)
    used = 0
    for _ in range(MAX_ROUNDS):
        active = np.flatnonzero(step > LAST_STEP)
        if not len(active):
            break
        trials = np.stack([_trials(points[i], step[i], smooth, choices, rng) for i in active])
        got = _clean(objective(trials.reshape(-1, d))).reshape(len(active), -1)
        used += got.size
        best = got.argmin(axis=1)
        lower = got[np.arange(len(active)), best]
        better = lower < values[active]
        moved = active[better]
        points[moved] = trials[better, best[better]]
        values[moved] = lower[better]
        step[active[~better]] /= 2 if len(smooth) else np.inf
    return points, values, used


def _trials(
    point: Array, step: float, smooth: NDArray[np.int64], choices: Mapping[int, int],
    rng: np.random.Generator,
) -> Array:  # fmt: skip
    """One step along each axis and both ends of it, slanted steps, and every other option."""
    d = len(point)
    moves = []
    for j in smooth:
        for to in (point[j] - step, point[j] + step, 0.0, 1.0):
            trial = point.copy()
            trial[j] = to
            moves.append(trial)
    if len(smooth) > 1:
        slanted = np.tile(point, (SLANTED, 1))
        slanted[:, smooth] += step * rng.uniform(-1, 1, (SLANTED, len(smooth)))
        moves += list(slanted)
    for j, count in choices.items():
        for i in range(count):
            trial = point.copy()
            trial[j] = (i + 0.5) / count
            moves.append(trial)
    return np.clip(np.array(moves).reshape(-1, d), 0.0, 1.0)
