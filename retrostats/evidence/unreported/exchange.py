"""Several coordinates exchanged at once: a way out of a corner where every single step climbs.

From a point, each coordinate is put to an end of its range (each choice to another option), then
the others one after another, always the one that costs least, though it may cost something; each is
moved once. The best point on the way counts (Kernighan and Lin 1970, Bell System Technical Journal
49:291). No random number is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from retrostats.evidence.unreported.search import Search, together

Array = NDArray[np.float64]

#: Ends from which exchanges start, chains of each, moves of a chain, and how often all is repeated.
EXCHANGED, CHAINS, DEPTH, REPEATS = 2, 16, 8, 12
#: A gain below this share of the value's size is none.
GAIN = 1e-9


def exchanged(
    ends: Array,
    at_ends: Array,
    choices: Mapping[int, int],
    again: Callable[[Array, Array], Search[tuple[Array, Array]]],
    effort: int = 1,
    *,
    narrow: bool = False,
) -> Search[tuple[Array, Array]]:
    """The ends, the best of them replaced where a chain of exchanges leads lower.

    Parameters
    ----------
    ends, at_ends
        Points (m, d) and their values (m,).
    choices
        Columns that are choices, and how many options each has.
    again
        A search along the axes from points and values.
    effort
        How many times the usual number of ends is tried.
    narrow
        A chain goes on with the moves alone that begin the chains, not with all.
    """
    ends, at_ends = ends.copy(), at_ends.copy()
    order = np.argsort(at_ends, kind="stable")
    _, first = np.unique(ends[order].round(6), axis=0, return_index=True)
    picked = order[np.sort(first)[: EXCHANGED * effort]]

    def repeated(end: Array, at_end: float) -> Search[tuple[Array, float]]:
        for _ in range(REPEATS):
            point, value = yield from _chained(end, choices, narrow=narrow)
            if not value < at_end - GAIN * (1 + abs(at_end)):
                break
            found, at_found = yield from again(point[None], np.array([value]))
            end, at_end = found[0], float(at_found[0])
        return end, at_end

    lower = yield from together([repeated(ends[i].copy(), float(at_ends[i])) for i in picked])
    for i, (end, at_end) in zip(picked, lower, strict=True):
        ends[i], at_ends[i] = end, at_end
    return ends, at_ends


def _chained(
    point: Array, choices: Mapping[int, int], *, narrow: bool
) -> Search[tuple[Array, float]]:
    """The lowest point on the chains that start with the least costly single moves."""
    column, target = _targets(point, choices)
    if not len(column):
        return point, np.inf
    single = np.tile(point, (len(column), 1))
    single[np.arange(len(column)), column] = target
    at_single = yield single
    begun = np.argsort(at_single, kind="stable")[:CHAINS]
    state, rows = single[begun], np.arange(len(begun))
    best = int(begun[0])
    lowest, at_lowest = single[best], float(at_single[best])
    if narrow:
        column, target, begun = column[begun], target[begun], rows
    open_ = column[None, :] != column[begun][:, None]
    for _ in range(1, DEPTH):
        chain, move = np.nonzero(open_)
        if not len(chain):
            break
        trials = state[chain]
        trials[np.arange(len(chain)), column[move]] = target[move]
        found = np.full(open_.shape, np.inf)
        found[chain, move] = yield trials
        picked = found.argmin(axis=1)
        going = open_[rows, picked]
        state[rows[going], column[picked[going]]] = target[picked[going]]
        open_ &= column[None, :] != column[picked][:, None]
        reached = np.where(going, found[rows, picked], np.inf)
        if reached.min() < at_lowest:
            lowest, at_lowest = state[reached.argmin()].copy(), float(reached.min())
    return lowest, at_lowest


def _targets(point: Array, choices: Mapping[int, int]) -> tuple[NDArray[np.int64], Array]:
    """Columns (m,) and where each can be put (m,): the ends of a range, the options of a choice."""
    pairs = [
        (j, to)
        for j in range(len(point))
        for to in (
            [(i + 0.5) / choices[j] for i in range(choices[j])] if j in choices else [0.0, 1.0]
        )
        if _apart(point[j], to, choices.get(j))
    ]
    return np.array([j for j, _ in pairs], dtype=np.int64), np.array([to for _, to in pairs])


def _apart(at: float, to: float, count: int | None) -> bool:
    """Whether a move to there changes anything; positions of one option are the same."""
    return at != to if count is None else min(int(at * count), count - 1) != int(to * count)
