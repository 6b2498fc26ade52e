"""A pool of sources as one vectorised function of everything they left open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrostats.evidence.unreported.sources import Source, pair_effects
from retrostats.evidence.unreported.unknowns import Choice, Space, Unknown, Values, distinct
from retrostats.models.meta.batch import random_effects_batch
from retrostats.models.meta.batch_slopes import SLOPED_TESTS, limit_slopes

Array = NDArray[np.float64]
ESTIMATOR = "estimator of the variance between studies"
COUNTED = "which sources count"
#: The test of analyses and plans: the only one whose 95% interval holds the mean of 2 to 6 small
#: studies in 94.5% of simulated pools or more at every spread (docs/calibration.md).
TEST = "knapp-hartung-adhoc"
#: How far a position is moved to see how an effect moves with it: half its square is the error.
_MOVED = 1e-7
#: Degrees of freedom up to which looking for equal ones costs more than a quantile of each.
_MANY = 64
METHODS = {"REML": "reml", "Paule-Mandel": "pm", "DerSimonian-Laird": "dl"}


def method_choice(methods: dict[str, str] | None = None) -> Choice:
    """Which estimator of the between-study variance is used."""
    return Choice(ESTIMATOR, methods or METHODS, "each is in common use; none is best for so few")


def source_choice(options: dict[str, Sequence[bool]], why: str) -> Choice:
    """Which sources count, each option a mask over them in their order."""
    return Choice(COUNTED, {k: np.array(v, dtype=bool) for k, v in options.items()}, why)


def pool_unknowns(
    sources: Sequence[Source], choices: Sequence[Choice] = ()
) -> tuple[Unknown | Choice, ...]:
    """Everything the sources left open, then the choices of the pool."""
    return distinct([*(u for source in sources for u in source.unknowns), *choices])


def pool_estimator(
    sources: Sequence[Source],
    *,
    log: bool = True,
    method: str = "reml",
    test: str = TEST,
    level: float = 0.95,
) -> PoolEstimator:
    """Estimate and limits of the pool on the display scale, at arrays of values.

    Values named `ESTIMATOR` and `COUNTED` choose the estimator and the sources where they exist.
    One source is its own interval, on its own degrees of freedom.
    """

    return PoolEstimator(tuple(sources), log, method, test, level)


@dataclass(frozen=True, slots=True)
class PoolEstimator:
    """What `pool_estimator` returns: a function of the values, and how its limits move."""

    sources: tuple[Source, ...]
    log: bool
    method: str
    test: str
    level: float

    def __call__(self, v: Values) -> tuple[Array, Array, Array]:
        """Estimate, lower and upper limit (n,) at arrays of values (n,)."""
        sources = self.sources
        n = max((len(a) for a in v.values()), default=1)
        y, variance = self._effects(v, n)
        if len(sources) == 1:
            one = sources[0].df
            return interval_of(y[:, 0], variance[:, 0] ** 0.5, one, self.level, log=self.log)
        mask = v.get(COUNTED, np.ones((n, len(sources)), dtype=bool))
        chosen = v.get(ESTIMATOR)
        out = np.full((3, n), np.nan)
        sound = (np.isfinite(y) & np.isfinite(variance) & (variance > 0) | ~mask).all(axis=1)
        sound &= mask.any(axis=1)
        for name in [self.method] if chosen is None else sorted(set(chosen.tolist())):
            rows = np.flatnonzero(sound if chosen is None else sound & (chosen == name))
            if len(rows):
                got = random_effects_batch(
                    y[rows], variance[rows], method=name, test=self.test, mask=mask[rows]
                )
                ends = (got.estimate, got.std_error, got.df)
                out[:, rows] = interval_of(*ends, self.level, log=self.log)
        return out[0], out[1], out[2]

    def _effects(self, v: Values, n: int) -> tuple[Array, Array]:
        """Effects and variances (n, k) of all sources."""
        y, variance = np.empty((n, len(self.sources))), np.empty((n, len(self.sources)))
        for log in (False, True):
            pairs = {
                j: source.pair
                for j, source in enumerate(self.sources)
                if source.pair is not None and source.pair.log is log
            }
            if pairs:
                columns = list(pairs)
                y[:, columns], variance[:, columns] = pair_effects(list(pairs.values()), v, n)
        for j, source in enumerate(self.sources):
            if source.pair is None:
                y[:, j], variance[:, j] = source.effects(v)
        return y, variance

    def has_slopes(self, space: Space) -> bool:
        """Of several sources that share no unknown, where nothing is chosen."""
        own = [unknown.name for source in self.sources for unknown in source.unknowns]
        plain = not self.log and self.test in SLOPED_TESTS and not space.choices
        return plain and len(self.sources) > 1 and sorted(own) == sorted(space.names)

    def slopes(self, space: Space, points: Array) -> tuple[Array, Array]:
        """Derivatives (n, d) of both limits at points (n, d); NaN where there is no pool.

        A source moves with its own unknowns alone: one unknown of every source is moved at once.
        """
        y, variance = self._effects(space.values(points), len(points))
        found = np.full((2, *points.shape), np.nan)
        sound = (np.isfinite(y) & np.isfinite(variance) & (variance > 0)).all(axis=1)
        if not sound.any():
            return found[0], found[1]
        points, y, variance = points[sound], y[sound], variance[sound]
        how = {"method": self.method, "test": self.test}
        pools = random_effects_batch(y, variance, **how)
        t = _quantile(pools.df, 0.5 + self.level / 2)
        limits = limit_slopes(y, variance, pools, t, **how)
        column = {name: j for j, name in enumerate(space.names)}
        own = [[column[u.name] for u in source.unknowns] for source in self.sources]
        for turn in range(max(map(len, own))):
            places = [i for i, columns in enumerate(own) if len(columns) > turn]
            columns = [own[i][turn] for i in places]
            moved = points.copy()
            moved[:, columns] += np.where(points[:, columns] > 0.5, -_MOVED, _MOVED)
            width = (moved - points)[:, columns]
            ends = self._effects(space.values(moved), len(points))
            by_y, by_v = (
                (end - here)[:, places] / width
                for end, here in zip(ends, (y, variance), strict=True)
            )
            for side, limit in zip(found, limits, strict=True):
                side[np.ix_(np.flatnonzero(sound), np.array(columns))] = (
                    limit.y[:, places] * by_y + limit.v[:, places] * by_v
                )
        return found[0], found[1]


def interval_of(
    value: Any, error: Any, df: Any, level: float, *, log: bool
) -> tuple[Array, Array, Array]:
    """Estimate and t limits at `level` on the display scale; infinite df give normal limits."""
    t = _quantile(np.asarray(df, dtype=float), 0.5 + level / 2)
    ends = (value, value - t * error, value + t * error)
    low, mid, high = ends[1], ends[0], ends[2]
    return (np.exp(mid), np.exp(low), np.exp(high)) if log else (mid, low, high)


def _quantile(df: Array, upper: float) -> Array:
    """Quantile of t at `upper`; of many df, of each that differs: the function is slow."""
    from scipy.special import ndtri, stdtrit

    if df.size and 0 < (one := df.flat[0]) < np.inf and (df == one).all():
        return np.full(df.shape, stdtrit(one, upper))
    many = df.size > _MANY
    distinct, which = np.unique(df, return_inverse=True) if many else (df, None)
    unbounded = np.isinf(distinct) | np.isnan(distinct)
    found = np.where(unbounded, ndtri(upper), stdtrit(np.where(unbounded, 1.0, distinct), upper))
    return np.asarray(found if which is None else found[which.reshape(df.shape)])
