"""Which unknown moves the answer most: shares of variance, and the reach of each alone.

Positions in the unit box are independent even where ranges depend on one another, so that the
variance of the answer splits into shares (Sobol' 2001, Mathematics and Computers in Simulation
55:271). An answer is three numbers (estimate and both limits); their shares are weighted by their
variances, as for any multivariate output (Lamboni, Monod & Makowski 2011, Reliability Engineering
and System Safety 96:450). Estimators: Jansen (1999), Computer Physics Communications 117:35.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrostats.common.sobol import sobol
from retrostats.evidence.unreported.unknowns import Choice, Space

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
#: Answers (n, 3) at points (n, d) of the unit box.
Answers = Callable[[Array], Array]
#: Positions at which an unknown is moved alone.
ALONG = 33
#: Numbers of a set of points up to which it is kept for the next function of as many unknowns.
KEPT = 2**15


def influence(space: Space, answers: Answers, base: int, seed: int) -> pd.DataFrame:
    """First-order and total shares of variance, and the outermost limits when one alone moves.

    Parameters
    ----------
    space, answers
        The unknowns, and the answer at points of their unit box.
    base
        Draws of each of the two base samples; `base` (d + 2) points are evaluated.
    seed
        Of the scrambled Sobol' sequence.

    Returns
    -------
    DataFrame
        unknown, first_order, total, low, high; the most influential first.
    """
    import pandas as pd

    empty = np.empty(0)
    first, total = _shares(space, answers, base, seed) if space.size else (empty, empty)
    bounds = _alone(space, answers)
    frame = pd.DataFrame(
        {
            "unknown": list(space.names),
            "first_order": first,
            "total": total,
            "low": [low for low, _ in bounds],
            "high": [high for _, high in bounds],
        }
    )
    return frame.sort_values("total", ascending=False, kind="stable").reset_index(drop=True)


def quasi_random(d: int, n: int, seed: int) -> Array:
    """Scrambled Sobol' points (n, d); n is rounded up to a power of two inside, then cut."""
    return (_few if n * d <= KEPT else _scrambled)(d, n, seed)


def _scrambled(d: int, n: int, seed: int) -> Array:
    points = sobol(d, n, np.random.default_rng(seed))
    points.setflags(write=False)
    return points


_few = lru_cache(maxsize=32)(_scrambled)


def _shares(space: Space, answers: Answers, base: int, seed: int) -> tuple[Array, Array]:
    d = space.size
    both = quasi_random(2 * d, base, seed)
    a, b = both[:, :d], both[:, d:]
    mixed = np.tile(a, (d, 1, 1))
    for column in range(d):
        mixed[column, :, column] = b[:, column]
    found = answers(np.vstack([a, b, mixed.reshape(-1, d)])).reshape(d + 2, base, -1)
    sound = np.isfinite(found).all(axis=(0, 2))
    found = found[:, sound]
    if found.shape[1] < 2:
        return np.full(d, np.nan), np.full(d, np.nan)
    variance = found[:2].reshape(-1, found.shape[2]).var(axis=0).sum()
    if variance <= 0:
        return np.zeros(d), np.zeros(d)
    at_a, at_b, at_mixed = found[0], found[1], found[2:]
    # eq. 43
    total = ((at_a - at_mixed) ** 2).mean(axis=1).sum(axis=1) / (2 * variance)
    first = 1 - ((at_b - at_mixed) ** 2).mean(axis=1).sum(axis=1) / (2 * variance)
    return np.clip(first, 0, 1), np.clip(total, 0, None)


def _alone(space: Space, answers: Answers) -> list[tuple[float, float]]:
    """Outermost limits along each unknown, all others at the middle."""
    if not space.size:
        return []
    points = [along(space, column)[1] for column in range(space.size)]
    found = answers(np.vstack(points))
    return [_limits(part) for part in np.split(found, np.cumsum([len(p) for p in points])[:-1])]


def _limits(found: Array) -> tuple[float, float]:
    """Outermost of answers (n, 3); NaN where the middle of the others contradicts itself."""
    if np.isnan(found).all():
        return float("nan"), float("nan")
    return float(np.nanmin(found[:, 1])), float(np.nanmax(found[:, 2]))


def along(space: Space, column: int, count: int = ALONG) -> tuple[Array, Array]:
    """Positions (m,) of one unknown and the points (m, d) at which it alone has moved."""
    unknown = space.unknowns[column]
    if isinstance(unknown, Choice):
        options = len(unknown.options)
        positions = (np.arange(options) + 0.5) / options
    else:
        positions = np.linspace(0.0, 1.0, count)
    points = np.repeat(space.reference_point, len(positions), axis=0)
    points[:, column] = positions
    return positions, points
