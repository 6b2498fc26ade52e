"""A search that learns the direction of a ridge, for functions with kinks between the axes.

Steps along axes stop where a kink runs between them: each of them climbs, though a slanted one
would fall. Here the steps are draws from a normal whose covariance is learnt from those that
fell furthest (Hansen and Ostermeier 2001, Evolutionary Computation 9:159; constants of Hansen 2016,
arXiv:1604.00772). Several searches run at once, so that one call evaluates a step of all of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrostats.evidence.unreported.search import Search

Array = NDArray[np.float64]

#: Size of the first steps in the unit box, and of the last.
FIRST, LAST = 0.1, 1e-9
#: Steps taken again from the best point, with the covariance that was learnt: on a sharp ridge the
#: steps shrink before their direction is known.
ROUNDS = 4
#: A round ends after this many steps, plus so many a dimension, that gained nothing.
PATIENCE, PATIENCE_EACH = 12, 3
MAX_STEPS = 400
#: Seed of the directions.
DIRECTIONS = 1
#: A gain below this share of the value's size is none.
GAIN = 1e-9


class Constants(NamedTuple):
    """What the update needs to know of d dimensions: weights (mu,), rates and dampings."""

    draws: int
    weights: Array
    mass: float
    c_path: float
    damping: float
    c_cov_path: float
    c_one: float
    c_rank: float
    norm: float


def constants(d: int) -> Constants:
    """Default strategy parameters for d dimensions, with twice the usual number of draws."""
    draws = 2 * (4 + int(3 * np.log(d)))
    raw = np.log(draws / 2 + 0.5) - np.log(np.arange(1, draws // 2 + 1))
    weights = raw / raw.sum()
    mass = float(1 / (weights**2).sum())
    c_path = (mass + 2) / (d + mass + 5)
    c_one = 2 / ((d + 1.3) ** 2 + mass)
    return Constants(
        draws=draws,
        weights=weights,
        mass=mass,
        c_path=c_path,
        damping=1 + 2 * max(0.0, np.sqrt((mass - 1) / (d + 1)) - 1) + c_path,
        c_cov_path=(4 + mass / d) / (d + 4 + 2 * mass / d),
        c_one=c_one,
        c_rank=min(1 - c_one, 2 * (mass - 2 + 1 / mass) / ((d + 2) ** 2 + mass)),
        norm=np.sqrt(d) * (1 - 1 / (4 * d) + 1 / (21 * d**2)),
    )


def along_ridges(points: Array, values: Array) -> Search[tuple[Array, Array, int]]:
    """Lower points of the unit box near `points` (m, d), their values (m,), and points looked at.

    No returned value is above the one it started from. The random directions have a seed of their
    own.
    """
    rng = np.random.default_rng(DIRECTIONS)
    points, values = points.copy(), values.copy()
    m, d = points.shape
    rates = constants(d)
    shape = np.tile(np.eye(d), (m, 1, 1))
    used = 0
    for round_ in range(ROUNDS):
        before = values.copy()
        size = np.full(m, FIRST / 3**round_)
        used += yield from _round(points, values, shape, size, rates, rng)
        if not (values < before - GAIN * (1 + np.abs(before))).any():
            break
    return points, values, used


def _round(
    points: Array, values: Array, shape: Array, size: Array,
    rates: Constants, rng: np.random.Generator,
) -> Search[int]:  # fmt: skip
    """One round of all searches; `points`, `values`, `shape` and `size` are updated in place."""
    m, d = points.shape
    mean = points.copy()
    path, cov_path = np.zeros((m, d)), np.zeros((m, d))
    idle, used = 0, 0
    for step in range(1, MAX_STEPS + 1):
        spread, axes = np.linalg.eigh(shape)
        spread = np.sqrt(np.maximum(spread, 1e-20))
        z = rng.standard_normal((m, rates.draws, d))
        # the symmetric root: the same whatever signs and bases the eigenvectors came with
        root = np.einsum("mij,mlj->mil", axes * spread[:, None], axes)
        # eq. 42a: y of covariance C
        y = np.einsum("mij,mkj->mki", root, z)
        trials = np.clip(mean[:, None] + size[:, None, None] * y, 0.0, 1.0)
        found = (yield trials.reshape(-1, d)).reshape(m, -1)
        used += found.size
        order = np.argsort(found, axis=1, kind="stable")[:, : len(rates.weights)]
        best = order[:, 0]
        lowest = found[np.arange(m), best]
        gained = lowest < values - GAIN * (1 + np.abs(values))
        better = lowest < values
        points[better] = trials[better, best[better]]
        values[better] = lowest[better]
        chosen = np.take_along_axis(trials, order[:, :, None], axis=1)
        y = (chosen - mean[:, None]) / size[:, None, None]
        # draws without a value carry no direction
        w = rates.weights * np.isfinite(np.take_along_axis(found, order, axis=1))
        # eq. 42a: the mean
        move = np.einsum("mk,mkd->md", w, y)
        mean += size[:, None] * move
        # eq. 42a: C^-1/2 times the step, and its fading sum
        white = np.einsum("mij,mj->mi", axes, np.einsum("mkj,mk->mj", axes, move) / spread)
        path = (1 - rates.c_path) * path + np.sqrt(
            rates.c_path * (2 - rates.c_path) * rates.mass
        ) * white
        length = np.linalg.norm(path, axis=1)
        # no rank-one step while the path is long: it would stretch C along a drift
        usual = np.sqrt(1 - (1 - rates.c_path) ** (2 * step)) * rates.norm
        steady = length / usual < 1.4 + 2 / (d + 1)
        cov_path = (1 - rates.c_cov_path) * cov_path + steady[:, None] * np.sqrt(
            rates.c_cov_path * (2 - rates.c_cov_path) * rates.mass
        ) * move
        # eq. 42a: C
        shape *= 1 - rates.c_one - rates.c_rank * w.sum(axis=1)[:, None, None]
        shape += rates.c_one * np.einsum("mi,mj->mij", cov_path, cov_path)
        shape += rates.c_rank * np.einsum("mki,mkj->mij", w[:, :, None] * y, y)
        # eq. 42a: sigma
        size *= np.exp(np.minimum(1.0, (length / rates.norm - 1) * rates.c_path / rates.damping))
        np.clip(size, 0.0, 1.0, out=size)
        idle = 0 if gained.any() else idle + 1
        widest = size * np.sqrt(np.einsum("mii->mi", shape).max(axis=1))
        if idle > PATIENCE + PATIENCE_EACH * d or (widest < LAST).all():
            break
    return used
