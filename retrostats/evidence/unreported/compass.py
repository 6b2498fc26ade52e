"""Steps along the axes of the unit box, all searches at once, for functions with kinks and choices.

No derivative is used. Every step evaluates all trial points of all searches in one call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
#: Values (n,) of a function at points (n, d) of the unit box; infinity where it has none.
Objective = Callable[[Array], Array]

#: Steps of a search along the axes, from a quarter of the box to the last digits, and what a step
#: without a gain is divided by.
FIRST_STEP, LAST_STEP, SHRINK = 0.25, 1e-6, 4.0
#: Ends of ranges and other options are tried at steps of this size or above.
LONG_STEP = 0.05
MAX_ROUNDS = 200


def descend(
    objective: Objective, points: Array, values: Array, choices: Mapping[int, int],
    steps: tuple[float, float] = (FIRST_STEP, LAST_STEP), *, options: bool = True,
) -> tuple[Array, Array]:  # fmt: skip
    """Compass search of all starts at once; a search that finds nothing better shortens its step.

    Every coordinate that gains alone is also moved together with the others that do: a function
    that is monotone in each of them reaches its corner in a step or two. Searches that have met
    go on as one. Without `options` choices stay as they are.
    """
    points, values = points.copy(), values.copy()
    d = points.shape[1]
    smooth = np.array([j for j in range(d) if j not in choices], dtype=int)
    step, last = np.full(len(points), steps[0]), steps[1]
    moved_choices = choices if options else {}
    for _ in range(MAX_ROUNDS):
        active = np.flatnonzero(step > last)
        if not len(active):
            break
        _, lead, follow = np.unique(
            np.column_stack([points[active], step[active]]),
            axis=0, return_index=True, return_inverse=True,
        )  # fmt: skip
        leaders = active[lead]
        moves = [moves_from(points[i], step[i], smooth, moved_choices) for i in leaders]
        where = np.concatenate([[0], np.cumsum([len(column) for column, _ in moves])])
        follow = follow.reshape(-1)
        idle = np.diff(where) == 0  # nothing left to move, as a choice with one option
        if idle.any():
            step[active[idle[follow]]] = 0.0
            continue
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
        moved = better[follow]
        points[active[moved]] = arrived[follow[moved]]
        values[active[moved]] = lower[follow[moved]]
        step[active[~moved]] /= SHRINK if len(smooth) else np.inf
    return points, values


def moves_from(
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
