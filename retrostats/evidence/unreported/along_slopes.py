"""The lowest value of a smooth function of many open numbers, along its exact slopes.

A pool of k trials with k open correlations falls or rises in most of them all the way: a step or
two lead to the right corner of the box, and Newton's steps settle the few numbers that stay inside.
Nothing here is random. An end that is no smooth minimum (a jump of the variance between studies, a
kink) is searched on without slopes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from retrostats.evidence.unreported.exchange import exchanged
from retrostats.evidence.unreported.search import Search

Array = NDArray[np.float64]
Ends = tuple[Array, Array, NDArray[np.int64]]
#: Derivatives (n, d) at points (n, d) of the unit box.
Slopes = Callable[[Array], Array]

#: Steps of a search, and the lengths tried in each relative to the last that gained.
MOST_STEPS = 25
LENGTHS = 4.0 ** np.arange(1, -4, -1)
#: Longest and first step: across the box.
WHOLE = 1.0
#: Most numbers inside the box that Newton's steps settle, and how far a slope is looked at beside.
INSIDE, BESIDE = 12, 1e-5
#: A gain below this share of the value's size is none.
GAIN = 1e-13
#: Largest slope of a number inside the box, relative to the largest of all, at a minimum.
LEVEL = 1e-5
#: Trials that tell a smooth minimum, their size, and how far a rise may be from what slopes say.
PROBES, PROBE, ADDITIVE = 24, 1e-4, 0.1
#: Ends whose coordinates are the same to so many decimals are one.
DECIMALS = 6
#: Seed of the trials' directions: not the reader's.
DIRECTIONS = 1


class SlopeSearch:
    """Searches of one function, which has infinity where it has no value."""

    def __init__(self, slopes: Slopes) -> None:
        self.slopes = slopes

    def searched(self, points: Array, values: Array) -> Search[Ends]:
        """Where searches from points (m, d) end, each end once: its value, and how many met there.

        The best end stands first.
        """
        if not len(points):
            return points, values, np.zeros(0, dtype=np.int64)
        ends, at_ends = yield from self.descend(points, values)
        order = np.argsort(at_ends, kind="stable")
        _, first, met = np.unique(
            ends[order].round(DECIMALS), axis=0, return_index=True, return_counts=True
        )
        by_value = np.argsort(first, kind="stable")
        kept = order[first[by_value]]
        return ends[kept], at_ends[kept], met[by_value].astype(np.int64)

    def descend(self, points: Array, values: Array) -> Search[tuple[Array, Array]]:
        """All searches at once, downhill until nothing that is tried gains."""
        points, values = points.copy(), values.copy()
        size = np.full(len(points), WHOLE)
        active = np.arange(len(points))
        for _ in range(MOST_STEPS):
            if not len(active):
                break
            # searches that have met go on as one
            _, lead, follow = np.unique(
                points[active], axis=0, return_index=True, return_inverse=True
            )
            at, follow = active[lead], follow.reshape(-1)
            trials, lengths = self._trials(points[at], size[at])
            found = (yield trials.reshape(-1, points.shape[1])).reshape(len(at), -1)
            best, row = found.argmin(axis=1), np.arange(len(at))
            lowest = found[row, best]
            gained = lowest < values[at] - GAIN * (1 + np.abs(values[at]))
            points[active] = np.where(gained[:, None], trials[row, best], points[at])[follow]
            values[active] = np.where(gained, lowest, values[at])[follow]
            size[active] = np.minimum(lengths[row, best], WHOLE)[follow]
            active = active[gained[follow]]
        return points, values

    def _trials(self, points: Array, size: Array) -> tuple[Array, Array]:
        """What is tried from points (m, d): places (m, c, d) and the length of each step (m, c).

        The corner that all slopes point to; steps down the slope; and, where few numbers are
        inside, Newton's step of these, whole and halved twice, the others as they are.
        """
        slope = np.nan_to_num(self.slopes(points))
        corner = np.where(slope > 0, 0.0, np.where(slope < 0, 1.0, points))
        steepest = np.maximum(np.abs(slope).max(axis=1), 1e-300)
        lengths = size[:, None] * LENGTHS
        down = points[:, None] - lengths[:, :, None] * (slope / steepest[:, None])[:, None]
        newton = self._newton(points, slope)
        halved = points[:, None] + np.array([1.0, 0.5, 0.25])[:, None] * newton[:, None]
        trials = np.concatenate([corner[:, None], down, halved], axis=1)
        kept = np.repeat(size[:, None], 4, axis=1)
        lengths = np.concatenate([kept[:, :1], lengths, kept[:, 1:]], axis=1)
        return np.clip(trials, 0.0, 1.0), lengths

    def _newton(self, points: Array, slope: Array) -> Array:
        """Newton's step (m, d) of the numbers inside the box, 0 where they are too many."""
        step = np.zeros_like(points)
        for i, curve, inside in self._curvatures(points, slope):
            roots, vectors = np.linalg.eigh(curve)
            # no step is longer than the box
            size = np.maximum(np.abs(roots), max(float(np.abs(slope[i, inside]).max()), 1e-300))
            step[i, inside] = -vectors @ ((vectors.T @ slope[i, inside]) / size)
        return step

    def _curvatures(self, points: Array, slope: Array) -> list[tuple[int, Array, NDArray[np.intp]]]:
        """Hessian of the few numbers inside the box at each point that has some."""
        listed = [np.flatnonzero((p > 0) & (p < 1)) for p in points]
        places = [i for i, inside in enumerate(listed) if 0 < len(inside) <= INSIDE]
        if not places:
            return []
        beside = []
        for i in places:
            moved = np.tile(points[i], (len(listed[i]), 1))
            row = np.arange(len(moved))
            moved[row, listed[i]] += np.where(moved[row, listed[i]] > 0.5, -BESIDE, BESIDE)
            beside.append(moved)
        slopes = np.nan_to_num(self.slopes(np.vstack(beside)))
        made, start = [], 0
        for i, moved in zip(places, beside, strict=True):
            inside, stop = listed[i], start + len(moved)
            width = (moved - points[i])[np.arange(len(moved)), inside]
            curve = (slopes[start:stop][:, inside] - slope[i, inside]) / width[:, None]
            made.append((i, 0.5 * (curve + curve.T), inside))
            start = stop
        return made

    def polished(
        self, ends: Array, at_ends: Array, effort: int
    ) -> Search[tuple[Array, Array, bool]]:
        """The ends after exchanges of several coordinates, and whether the best one is smooth."""
        ends, at_ends = yield from exchanged(ends, at_ends, {}, self.descend, effort, narrow=True)
        best = int(np.argmin(at_ends))
        smooth = yield from self.is_minimum(ends[best], float(at_ends[best]))
        return ends, at_ends, smooth

    def is_minimum(self, point: Array, value: float) -> Search[bool]:
        """Whether every way from here leads up, as the slopes say: no kink and no jump is near.

        Slopes of numbers inside the box vanish and their curvature is positive; those at an end
        point into the box; and slanted trials rise as the slopes add up.
        """
        slope = self.slopes(point[None])[0]
        inside = (point > 0) & (point < 1)
        inward = np.where(point >= 1, -1.0, 1.0)
        steepest = float(np.abs(slope).max())
        if not np.isfinite(slope).all() or inside.all() or inside.sum() > INSIDE:
            return False
        if (np.abs(slope[inside]) > LEVEL * steepest).any() or (
            (slope * inward)[~inside] < -LEVEL * steepest
        ).any():
            return False
        for _, curve, _ in self._curvatures(point[None], slope[None]):
            if not np.linalg.eigvalsh(curve)[0] > 0:
                return False
        share = np.random.default_rng(DIRECTIONS).random((PROBES, len(point)))
        share[:, inside] = 2 * share[:, inside] - 1
        moves = PROBE * share * inward
        rises = (yield np.clip(point + moves, 0.0, 1.0)) - value
        expected = moves[:, ~inside] @ slope[~inside]
        return bool((rises >= 0).all() and (np.abs(rises - expected) < ADDITIVE * expected).all())
