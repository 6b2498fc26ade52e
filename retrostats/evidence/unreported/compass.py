"""Compass search over a unit box: many searches at once, every step of all of them in one call."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from retrostats.evidence.unreported.search import Search

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: Steps of a search along the axes, from a quarter of the box to the last digits, and what a step
#: without a gain is divided by.
FIRST_STEP, LAST_STEP, SHRINK = 0.25, 1e-6, 4.0
#: Ends of ranges and other options are tried at steps of this size or above.
LONG_STEP = 0.05
MAX_ROUNDS = 200
#: After so many steps in a row without a gain all shorter ones are looked at in one call: most
#: searches are at their end by then.
PATIENCE = 1


def descend(
    points: Array, values: Array, choices: Mapping[int, int],
    steps: tuple[float, float] = (FIRST_STEP, LAST_STEP), *, options: bool = True,
) -> Search[tuple[Array, Array]]:  # fmt: skip
    """Ends (m, d) of searches from points (m, d), and the values there.

    A search that finds nothing better shortens its step. Every coordinate that gains alone is also
    moved together with the others that do: a function that is monotone in each of them reaches its
    corner in a step or two. Searches that have met go on as one. Without `options` choices stay as
    they are.
    """
    points, values = points.copy(), values.copy()
    smooth = np.array([j for j in range(points.shape[1]) if j not in choices], dtype=np.int64)
    moved = choices if options else {}
    if not len(smooth) and not moved:
        return points, values
    step, last = np.full(len(points), steps[0]), steps[1]
    idle = np.zeros(len(points), dtype=np.int64)  # steps in a row that gained nothing
    shrink = SHRINK if len(smooth) else np.inf
    for _ in range(MAX_ROUNDS):
        active = np.flatnonzero(step > last)
        if not len(active):
            break
        lead, follow = _met(points[active], step[active])
        at, at_values = points[active[lead]], values[active[lead]]
        of, length = _lengths(step[active[lead]], idle[active[lead]] >= PATIENCE, last, shrink)
        rows, column, to = _moves(at[of], length, smooth, moved)
        trials = at[of[rows]]
        trials[np.arange(len(rows)), column] = to
        got = yield trials
        # the longest step of each search that gains; past the last step where none does
        gains = np.minimum.reduceat(got, np.searchsorted(rows, np.arange(len(of)))) < at_values[of]
        begins = np.searchsorted(of, np.arange(len(lead)))
        numbers = np.arange(len(of))
        taken = np.minimum.reduceat(np.where(gains, numbers, len(of)), begins)
        better = taken < len(of)
        ends = np.append(begins[1:], len(of)) - 1
        next_step = np.where(better, length[np.where(better, taken, 0)], length[ends] / shrink)
        if better.any():
            row = np.full(len(of), -1)
            row[taken[better]] = np.arange(int(better.sum()))
            mine = row[rows] >= 0
            at[better], at_values[better] = yield from _arrived(
                at[better], at_values[better],
                row[rows[mine]], column[mine], to[mine], got[mine],
            )  # fmt: skip
        points[active], values[active] = at[follow], at_values[follow]
        step[active] = next_step[follow]
        idle[active] = np.where(better[follow], 0, idle[active] + 1)
    return points, values


def _met(points: Array, step: Array) -> tuple[Index, Index]:
    """The first of all searches that are at one point with one step, and whom each follows."""
    first: dict[tuple[bytes, float], int] = {}
    keys = [(point.tobytes(), length) for point, length in zip(points, step.tolist(), strict=True)]
    for number, key in enumerate(keys):
        first.setdefault(key, number)
    place = {key: number for number, key in enumerate(first)}
    return np.array(list(first.values())), np.array([place[key] for key in keys])


def _lengths(
    step: Array, every: NDArray[np.bool_], last: float, shrink: float
) -> tuple[Index, Array]:
    """The steps that each search looks at now, longest first: its own, or all that are left."""
    of, found = [], []
    for number, (length, all_left) in enumerate(zip(step.tolist(), every.tolist(), strict=True)):
        of.append(number)
        found.append(length)
        while all_left and length / shrink > last:
            length /= shrink
            of.append(number)
            found.append(length)
    return np.array(of), np.array(found)


def _moves(
    points: Array, step: Array, smooth: Index, choices: Mapping[int, int]
) -> tuple[Index, Index, Array]:
    """Which of the points (g, d) is moved, in which coordinate and to where, (m,) each.

    A step up and down, to both ends, and to every other option; at least one of each point, in
    order.
    """
    at, by = points[:, smooth], step[:, None]
    targets = [np.maximum(at - by, 0.0), np.minimum(at + by, 1.0), 0.0 * at, 0.0 * at + 1.0]
    columns = [smooth] * len(targets)
    for j, count in choices.items():
        columns.append(np.full(count, j))
        targets.append(np.tile((np.arange(count) + 0.5) / count, (len(points), 1)))
    column, to = np.concatenate(columns), np.hstack(targets)
    fresh = to != points[:, column]
    if len(smooth):
        fresh[step < LONG_STEP, 2 * len(smooth) :] = False
    fresh[~fresh.any(axis=1), 0] = True
    rows, which = np.nonzero(fresh)
    return rows, column[which], to[rows, which]


def _arrived(
    points: Array, values: Array, rows: Index, column: Index, to: Array, got: Array
) -> Search[tuple[Array, Array]]:
    """Where each point ends: its best move, or all its moves that gain, whichever is lower."""
    order = np.argsort(-got, kind="stable")  # the best move of a coordinate is written last
    gains = order[got[order] < values[rows[order]]]
    together, single = points.copy(), points.copy()
    together[rows[gains], column[gains]] = to[gains]
    many = np.bincount(rows[gains], minlength=len(points)) > 1
    at_together = np.full(len(points), np.inf)
    if many.any():
        at_together[many] = yield together[many]
    where = np.append(np.searchsorted(rows, np.arange(len(points))), len(rows))
    best = [a + int(got[a:b].argmin()) for a, b in pairwise(where)]
    single[np.arange(len(points)), column[best]] = to[best]
    both = at_together < got[best]
    return np.where(both[:, None], together, single), np.where(both, at_together, got[best])
