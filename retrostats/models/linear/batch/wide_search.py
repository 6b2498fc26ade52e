"""Refits of one crossed design, all steps of all replicates at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrostats.models.linear.batch.newton import _newton_step
from retrostats.models.linear.batch.wide import Outcomes, Shared, Stacked, evaluate
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.newton import descend_all

_MEMORY = 6
_CONVERGED = 1e-9  # looser than for one fit: a refit takes its last step unevaluated
_BOUNDARY = 1e-4  # lme4's tolerance for a singular fit


class Refitted(NamedTuple):
    """Where each of R refits ended: theta (R, t), its solution, and flags (R,)."""

    theta: FloatArray
    at: Stacked
    singular: NDArray[np.bool_]
    converged: NDArray[np.bool_]


def refit_stacked(shared: Shared, outcomes: Outcomes, start: FloatArray) -> Refitted:
    """Minimise the deviance of every outcome from one start (t,).

    Raises
    ------
    LinAlgError
        The criterion of one of them cannot be evaluated: refit them one by one.
    """
    count = len(outcomes.yy)
    kept = Outcomes(outcomes.zy[:, shared.order], outcomes.xy, outcomes.yy)
    search = _Search(shared, kept)
    x, finished = descend_all(
        search.criterion, np.repeat(start[:, None], count, axis=1), _direction, shared.sizes
    )
    theta = x.T
    at = evaluate(shared, kept, theta)
    _, left = _direction(at.gradient.T, np.moveaxis(at.curvature, 0, -1), x)
    small = left < _CONVERGED * np.maximum(1.0, np.abs(at.deviance))
    singular = (np.abs(theta[:, list(shared.diagonal)]) < _BOUNDARY).any(axis=1)
    return Refitted(theta, at, np.asarray(singular), finished & small & np.isfinite(at.deviance))


def _direction(
    gradient: FloatArray, curve: FloatArray, x: FloatArray
) -> tuple[FloatArray, FloatArray]:
    return _newton_step(gradient, curve, x, bounded=False)


class _Sloped(NamedTuple):
    deviance: FloatArray
    gradient: FloatArray
    curvature: FloatArray


class _Search:
    """The criterion, whose curvature remembers how the gradient changed over the last steps."""

    def __init__(self, shared: Shared, outcomes: Outcomes) -> None:
        self.shared, self.outcomes = shared, outcomes
        count, t = len(outcomes.yy), len(shared.positions)
        self.last = np.full((2, count, t), np.nan)
        self.pairs = np.zeros((_MEMORY, 2, count, t))

    def criterion(self, x: FloatArray, at: NDArray[np.intp]) -> _Sloped:
        """At places (t, r) of the replicates numbered (r,)."""
        own = Outcomes(*(part[at] for part in self.outcomes))
        found = evaluate(self.shared, own, x.T)
        here = np.stack([x.T, found.gradient])
        change = here - self.last[:, at]
        known = np.isfinite(change).all(axis=(0, 2))
        self.pairs[:, :, at[known]] = np.concatenate(
            [self.pairs[1:, :, at[known]], change[None, :, known]]
        )
        self.last[:, at] = here
        curve = _corrected(found.curvature, self.pairs[:, :, at])
        return _Sloped(found.deviance, found.gradient.T, np.moveaxis(curve, 0, -1))


def _corrected(h: FloatArray, pairs: FloatArray) -> FloatArray:
    """BFGS updates of R Hessians by the last steps, as `optimise._corrected` of one."""
    values, vectors = np.linalg.eigh(h)
    least = 1e-10 * np.maximum(np.abs(values).max(axis=1, keepdims=True), 1e-2)
    h = (vectors * np.maximum(np.abs(values), least)[:, None]) @ np.swapaxes(vectors, 1, 2)
    for move, change in pairs:
        curvature = (move * change).sum(axis=1)
        size = np.sqrt((move**2).sum(axis=1) * (change**2).sum(axis=1))
        good = curvature > 1e-8 * size
        if not good.any():
            continue
        hm = (h @ move[:, :, None])[:, :, 0]
        a = np.where(good, curvature, 1.0)[:, None, None]
        b = np.where(good, (move * hm).sum(axis=1), 1.0)[:, None, None]
        new = h + change[:, :, None] * change[:, None] / a - hm[:, :, None] * hm[:, None] / b
        h = np.where(good[:, None, None], new, h)
    return np.asarray(h)
