"""Where the search for outermost limits starts: points that no draw and no seed moves.

Every combination of choices gets the same points: the centre, both extreme corners, quasi-random
points without a scramble (Sobol' 1967) and the corners nearest to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import combinations as pairs_of
from itertools import product

import numpy as np
from numpy.typing import NDArray

from retrostats.common.sobol import sobol

Array = NDArray[np.float64]

#: Corners that are all looked at; beyond that, the exchange of pairs and more must do.
MAX_LISTED = 4096
#: Combinations of choices that are all searched, and how many single and double departures from
#: the main readings are where there are more.
MAX_COMBINED, MAX_DEPARTURES = 512, 1024
#: Quasi-random points of each combination of choices.
SCATTERED = 32
#: Where a combination has fewer points with an answer than this, more are scattered, up to a
#: number for each and for all.
FEWEST, MOST_EACH, MOST_ALL = 4, 4096, 65_536


def corners(d: int, choices: Mapping[int, int]) -> Array:
    """Every corner of the box with every combination of choices, as far as they can be listed."""
    if d == 0 or not all_listed(d, choices):
        return np.empty((0, d))
    ends = [
        [(i + 0.5) / choices[j] for i in range(choices[j])] if j in choices else [0.0, 1.0]
        for j in range(d)
    ]
    return np.array(list(product(*ends)))


def all_listed(d: int, choices: Mapping[int, int]) -> bool:
    """Whether there are few enough corners to look at all of them."""
    counts = [choices.get(j, 2) for j in range(d)]
    return bool(np.prod(counts, dtype=float) <= MAX_LISTED)


def combined(choices: Mapping[int, int]) -> Array:
    """Positions (m, c) of combinations of options, the main readings first.

    All of them up to `MAX_COMBINED`; beyond that the main readings with every other option of one
    and of two choices.
    """
    options = [[(i + 0.5) / count for i in range(count)] for count in choices.values()]
    if np.prod([len(o) for o in options], dtype=float) <= MAX_COMBINED:
        listed = list(product(*options))
        return np.array(listed, dtype=float).reshape(len(listed), len(options))
    main = [o[0] for o in options]
    made = [main]
    for size in (1, 2):
        for columns in pairs_of(range(len(options)), size):
            for picked in product(*(options[j][1:] for j in columns)):
                if len(made) == MAX_DEPARTURES:
                    return np.array(made)
                made.append(list(main))
                for j, position in zip(columns, picked, strict=True):
                    made[-1][j] = position
    return np.array(made)


def fixed_points(
    answers: Callable[[Array], Array], d: int, choices: Mapping[int, int]
) -> tuple[Array, Array]:
    """Points (n, d) to start from and the answers (n, m) there.

    The points of the coordinates that are no choices are the same in every combination of choices,
    so that an option more takes nothing from the others.
    """
    smooth, chosen = [j for j in range(d) if j not in choices], list(choices)
    options = combined(choices)

    def spread(base: Array, rows: Array) -> Array:
        points = np.empty((len(rows) * len(base), d))
        points[:, smooth] = np.tile(base, (len(rows), 1))
        points[:, chosen] = np.repeat(rows, len(base), axis=0)
        return points

    if not smooth:
        points = spread(np.empty((1, 0)), options)
        return points, answers(points)
    ends = np.array([[0.5], [0.0], [1.0]]) * np.ones(len(smooth))
    base = np.vstack([ends, _with_corners(_scattered(len(smooth), 0, SCATTERED))])
    points = spread(base, options)
    found = answers(points)
    parts, at_parts = [points], [found]
    sound = np.isfinite(found).all(axis=1).reshape(len(options), -1).sum(axis=1)
    n = SCATTERED
    while (few := np.flatnonzero(sound < FEWEST)).size and n < MOST_EACH and (
        len(few) * n <= MOST_ALL
    ):  # fmt: skip
        more = _with_corners(_scattered(len(smooth), n, 2 * n))
        points = spread(more, options[few])
        found = answers(points)
        sound[few] += np.isfinite(found).all(axis=1).reshape(len(few), -1).sum(axis=1)
        parts, at_parts, n = [*parts, points], [*at_parts, found], 2 * n
    listed = corners(d, choices)
    if len(listed):
        parts, at_parts = [*parts, listed], [*at_parts, answers(listed)]
    return np.vstack(parts), np.vstack(at_parts)


@lru_cache(maxsize=32)
def _scattered(d: int, first: int, last: int) -> Array:
    """Points `first` to `last` of the unscrambled sequence, without its zero; powers of two."""
    points = sobol(d, last)[max(first, 1) :]
    points.setflags(write=False)
    return points


def _with_corners(points: Array) -> Array:
    """The points, and the corner nearest to each."""
    return np.vstack([points, (points > 0.5).astype(float)])
