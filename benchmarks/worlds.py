"""Many printed worlds of one number of trials, explored at once: limits, draws and coverage.

The same space as the path's (every printed number in its rounding, correlations over what p leaves,
three estimators) and the same search along the axes, with all worlds in one batch; what a batch
leaves out is the search along slanted directions. `tests/test_calibration.py` sets limits and
labels beside those of the path, world by world.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from retrostats.evidence.printed.pair import HIGHEST_CORRELATION, PrintedPair, exact_correlation
from retrostats.evidence.printed.reported import Reported
from retrostats.evidence.unreported.compass import descend
from retrostats.evidence.unreported.influence import quasi_random
from retrostats.evidence.unreported.pooled import METHODS, TEST
from retrostats.evidence.unreported.search import run
from retrostats.models.meta.batch import random_effects_batch

Array = NDArray[np.float64]
#: Unknowns of a trial: both means, both SDs, p, the correlation.
PARTS = 6
DRAWS = 128
LEVELS = (0.95, 0.90)


@dataclass(frozen=True, slots=True)
class Worlds:
    """W worlds of k trials as printed: middles and half widths of their roundings.

    Attributes
    ----------
    middle, half
        Both means, both SDs and p (W, k, 5); p is NaN where none was printed, exact at a threshold.
    n
        People (W, k).
    operator
        What stands before p (W, k), "" for none.
    """

    centre: Array
    half: Array
    n: Array
    operator: NDArray[np.str_]

    @classmethod
    def of(cls, worlds: Sequence[Sequence[PrintedPair]]) -> Worlds:
        """From the printed pairs of each world."""
        ends = np.array(
            [[[_interval(text) for text in (*p.texts, p.p_text)] for p in w] for w in worlds]
        )
        operator = np.array([[p.p_operator for p in w] for w in worlds])
        half = (ends[..., 1] - ends[..., 0]) / 2
        half[..., 4] *= operator == "="
        n = np.array([[float(p.n) for p in w] for w in worlds])
        return cls(ends.mean(axis=-1), half, n, operator)

    def effects(self, which: NDArray[np.int64], points: Array) -> tuple[Array, Array]:
        """Log ratios and their variances (m, k) of worlds (m,) at points (m, k, PARTS)."""
        moved = self.centre[which] + self.half[which] * (2 * points[..., :5] - 1)
        mean_1, mean_2, sd_1, sd_2, p = np.moveaxis(moved, -1, 0)
        n, operator = self.n[which], self.operator[which]
        top = np.full(p.shape, HIGHEST_CORRELATION)
        exact = exact_correlation(mean_1, mean_2, sd_1, sd_2, n, np.where(operator == "", 0.5, p))
        low = np.maximum(np.where((operator == "=") | (operator == "<"), exact, -top), -top)
        high = np.minimum(np.where((operator == "=") | (operator == ">"), exact, top), top)
        r = np.where(low <= high, low + points[..., 5] * (high - low), np.nan)
        return log_effects(mean_1, mean_2, sd_1, sd_2, r, n)


def log_effects(
    mean_1: Array, mean_2: Array, sd_1: Array, sd_2: Array, r: Array, n: Array
) -> tuple[Array, Array]:
    """Log ratios and variances of correlated pairs."""
    c1, c2 = sd_1 / mean_1, sd_2 / mean_2
    return np.log(mean_1 / mean_2), (c1**2 + c2**2 - 2 * r * c1 * c2) / n


def _interval(text: str) -> tuple[float, float]:
    return Reported(text).interval if text else (np.nan, np.nan)


def pooled(
    y: Array, v: Array, method: NDArray[np.int64], test: str = TEST
) -> tuple[Array, Array, Array]:
    """Estimate, standard error and df of each row by its estimator; NaN where a number is none."""
    out = np.full((3, len(y)), np.nan)
    sound = (np.isfinite(y) & np.isfinite(v) & (v > 0)).all(axis=1)
    for i, name in enumerate(METHODS.values()):
        rows = np.flatnonzero(sound & (method == i))
        if len(rows):
            got = random_effects_batch(y[rows], v[rows], method=name, test=test)
            out[:, rows] = got.estimate, got.std_error, got.df
    return out[0], out[1], out[2]


@dataclass(frozen=True, slots=True)
class Limits:
    """Of every world, on the log scale.

    Attributes
    ----------
    low, high
        Outermost limits by level (W, levels); NaN where the printed numbers contradict one another.
    middle
        Estimate and 95% limits with everything at its middle (W, 3).
    estimates
        At joint draws (W, draws); NaN where a draw contradicts itself.
    """

    low: Array
    high: Array
    reference_point: Array
    estimates: Array


def explored(
    worlds: Worlds, seed: int = 1, test: str = TEST, levels: Sequence[float] = LEVELS
) -> Limits:
    """The space of every world: draws, then searches from their best points."""
    size, k = worlds.n.shape
    d = PARTS * k
    draws = np.vstack([np.full((1, d), 0.5), quasi_random(d, DRAWS, seed)])
    choice = np.concatenate([[0], np.arange(DRAWS) % len(METHODS)])
    fixed = np.column_stack([draws, (choice + 0.5) / len(METHODS)])
    every = np.column_stack(
        [np.tile(fixed, (size, 1)), np.repeat(np.arange(float(size)), len(draws))]
    )

    def answers(points: Array) -> tuple[Array, Array, Array]:
        which = points[:, -1].astype(int)
        method = np.minimum((points[:, -2] * len(METHODS)).astype(int), len(METHODS) - 1)
        return pooled(*worlds.effects(which, points[:, :d].reshape(-1, k, PARTS)), method, test)

    estimate, error, df = (part.reshape(size, -1) for part in answers(every))
    found = np.full((2, size, len(levels)), np.nan)
    for column, level in enumerate(levels):
        half_width = stdtrit(df, 0.5 + level / 2) * error
        for side, sign in enumerate((1.0, -1.0)):

            def objective(points: Array, sign: float = sign, level: float = level) -> Array:
                mid, se, free = answers(points)
                value = sign * mid - stdtrit(free, 0.5 + level / 2) * se
                return np.where(np.isnan(value), np.inf, value)

            seen = np.where(np.isnan(estimate), np.inf, sign * estimate - half_width)
            found[side, :, column] = sign * _lowest(objective, every, seen, choice, d)
    reference_point = np.column_stack(
        [estimate[:, 0] + t * half_width_of(error, df) for t in (0, -1, 1)]
    )
    return Limits(found[0], found[1], reference_point, estimate[:, 1:])


def half_width_of(error: Array, df: Array) -> Array:
    """Half the 95% interval with everything at its middle (W,)."""
    return np.asarray(stdtrit(df[:, 0], 0.975) * error[:, 0])


def _lowest(objective, every: Array, seen: Array, choice: NDArray[np.int64], d: int) -> Array:  # type: ignore[no-untyped-def]
    """Lowest value by world (W,), searched from the best draw of each estimator."""
    size, count = seen.shape
    best = [np.where(choice == i, seen, np.inf).argmin(axis=1) for i in range(len(METHODS))]
    rows = np.unique(np.concatenate([np.arange(size) * count + b for b in best]))
    rows = rows[np.isfinite(seen.ravel()[rows])]
    low = np.full(size, np.nan)
    if len(rows):
        # no option of the last column is tried: a search stays in its world
        search = descend(every[rows], seen.ravel()[rows], {d: len(METHODS), d + 1: 0})
        ends, values = run(search, objective)
        low = np.full(size, np.inf)
        np.minimum.at(low, ends[:, -1].astype(int), values)
        low[np.isinf(low)] = np.nan
    return low
