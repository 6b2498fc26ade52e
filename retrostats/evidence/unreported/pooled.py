"""A pool of sources as one vectorised function of everything they left open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrostats.evidence.unreported.exploration import Estimator
from retrostats.evidence.unreported.sources import Source
from retrostats.evidence.unreported.unknowns import Choice, Unknown, Values, distinct
from retrostats.models.meta.batch import random_effects_batch

Array = NDArray[np.float64]
ESTIMATOR = "estimator of the variance between studies"
COUNTED = "which sources count"
#: The test of analyses and plans: the only one whose 95% interval holds the mean of 2 to 6 small
#: studies in 94.5% of simulated pools or more at every spread (docs/calibration.md).
TEST = "knapp-hartung-adhoc"
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
) -> Estimator:
    """Estimate and limits of the pool on the display scale, at arrays of values.

    Values named `ESTIMATOR` and `COUNTED` choose the estimator and the sources where they exist.
    One source is its own interval, on its own degrees of freedom.
    """

    def estimate(v: Values) -> tuple[Array, Array, Array]:
        n = max((len(a) for a in v.values()), default=1)
        effects = [source.effects(v) for source in sources]
        y, variance = np.empty((n, len(sources))), np.empty((n, len(sources)))
        for j, effect in enumerate(effects):
            y[:, j], variance[:, j] = effect
        if len(sources) == 1:
            return interval_of(y[:, 0], variance[:, 0] ** 0.5, sources[0].df, level, log=log)
        mask = v.get(COUNTED, np.ones((n, len(sources)), dtype=bool))
        chosen = v.get(ESTIMATOR)
        out = np.full((3, n), np.nan)
        sound = (np.isfinite(y) & np.isfinite(variance) & (variance > 0) | ~mask).all(axis=1)
        sound &= mask.any(axis=1)
        for name in [method] if chosen is None else sorted(set(chosen.tolist())):
            rows = np.flatnonzero(sound if chosen is None else sound & (chosen == name))
            if len(rows):
                got = random_effects_batch(
                    y[rows], variance[rows], method=name, test=test, mask=mask[rows]
                )
                out[:, rows] = interval_of(got.estimate, got.std_error, got.df, level, log=log)
        return out[0], out[1], out[2]

    return estimate


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

    many = df.size > _MANY
    distinct, which = np.unique(df, return_inverse=True) if many else (df, None)
    unbounded = np.isinf(distinct) | np.isnan(distinct)
    found = np.where(unbounded, ndtri(upper), stdtrit(np.where(unbounded, 1.0, distinct), upper))
    return np.asarray(found if which is None else found[which.reshape(df.shape)])
