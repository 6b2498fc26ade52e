"""A model of counts in which every study has a level of its own: an arrow, not a dense system.

Given the other parameters c (fixed effects, and the standard deviation of the one random effect)
the studies are independent, each with its level: the negative Hessian has a diagonal A for the
levels, a border B and a corner C. Eliminating the levels leaves S = C - B'A^-1 B, and every step
takes time in proportion to the studies (docs/mathematics.md, eq. 28a).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np

from retrostats.common.errors import NotConverged
from retrostats.models.counts.family import Array, Mask
from retrostats.models.counts.model import Maximum, Model
from retrostats.models.counts.pirls import Mode, find_mode, layout, slopes
from retrostats.models.counts.quadrature import Groups, quadrature
from retrostats.models.counts.random_effects import Index
from retrostats.models.counts.separation import Separation

_MAX_STEPS = 100
#: Where the search begins, as that of `Problem`: a standard deviation of one half over rows.
_START = 0.5
#: Differences of gradients, in standard errors of what is moved.
_STEP = 1e-4
#: Gradient in standard errors at which a point is the maximum, and a standard deviation that is 0.
_FINE, _AT_ZERO = 1e-7, 1e-4
_ESCAPES = 3


class Arrow(NamedTuple):
    """Diagonal (k,), border (k, q) and corner (q, q) of a symmetric matrix."""

    diagonal: Array
    border: Array
    corner: Array

    @property
    def rest(self) -> Array:
        """S = C - B'A^-1 B (q, q)."""
        found: Array = self.corner - self.border.T @ (self.border / self.diagonal[:, None])
        return found

    def solve(self, levels: Array, others: Array) -> tuple[Array, Array]:
        """The solution, with the curvature of S made positive in every direction."""
        roots, vectors = np.linalg.eigh(self.rest)
        size = np.maximum(np.abs(roots), 1e-6 * max(float(np.abs(roots).max()), 1e-300))
        right = others - self.border.T @ (levels / self.diagonal)
        second = vectors @ ((vectors.T @ right) / size)
        return (levels - self.border @ second) / self.diagonal, second

    def inverse(self, free: Mask) -> Inverse:
        """The inverse over the levels and the free others."""
        border = self.border[:, free]
        corner = np.asarray(np.linalg.pinv(self.rest[np.ix_(free, free)], hermitian=True), float)
        return Inverse(1 / self.diagonal, border / self.diagonal[:, None], corner)


class Inverse(NamedTuple):
    """The inverse of an arrow, of which the dense block of the levels is made when asked for.

    With D = diag(alone) (k,), K = carried (k, q) and S^-1 = corner (q, q) it has the blocks
    D + K S^-1 K', -K S^-1 and S^-1.
    """

    alone: Array
    carried: Array
    corner: Array

    def variances(self, m: int) -> Array:
        """Diagonal of the first m others, then that of the levels (m + k,)."""
        levels = self.alone + ((self.carried @ self.corner) * self.carried).sum(axis=1)
        return np.append(np.diag(self.corner)[:m], levels)

    def dense(self, m: int) -> Array:
        """All of it over the first m others, then the levels (m + k, m + k)."""
        border = -self.carried @ self.corner
        levels = -border @ self.carried.T
        levels[np.diag_indices(len(levels))] += self.alone
        return np.block([[self.corner[:m, :m], border[:, :m].T], [border[:, :m], levels]])


@dataclass(frozen=True)
class StudyLevels(Model):
    """A model in which every study has a level: `levels` (N,) tells whose a row is.

    x (N, m) holds the other fixed effects; in beta they stand first, the levels last.
    """

    levels: Index = field(default_factory=lambda: np.zeros(0, dtype=np.intp), repr=False)

    def design(self) -> Array:
        """All fixed effects (N, m + k) as columns: dense, for what cannot do without."""
        k = int(self.levels.max(initial=-1)) + 1
        return np.hstack([self.x, self.levels[:, None] == np.arange(k)])

    def linear(self, beta: Array) -> Array:
        """Offset, fixed effects and levels (N,) at beta (m + k,)."""
        m = self.x.shape[1]
        out: Array = self.offset + self.x @ beta[:m] + beta[m:][self.levels]
        return out

    def maximise(self, near: Maximum | None = None) -> Maximum:
        """Maximum likelihood; nothing separates where a study has neither of both ends in an arm.

        Its level and the common effect are finite then, and so is the level of every other study
        that is not of one end alone.
        """
        low, high = self.family.ends()
        k = int(self.levels.max(initial=-1)) + 1
        inner = np.bincount(self.levels, ~(low | high), k) == np.bincount(self.levels, minlength=k)
        ends = [np.bincount(self.levels, end, k) for end in (~low, ~high)]
        plain = len(self.parts) == 1 and self.held is None and self.jeffreys is None
        one = self.x.shape[1] <= 1
        if not (plain and one and inner.any() and all(end.all() for end in ends)):
            return Model(
                self.family, self.design(), self.offset, self.parts, self.n_agq, self.jeffreys,
                self.separated, self.held,
            ).maximise(near)  # fmt: skip
        return _Search(self, k).maximum(near)


class _Point(NamedTuple):
    """Levels (k,), and the other fixed effects with the standard deviation last (q,)."""

    levels: Array
    others: Array


class _Search:
    """Newton's method on the arrow; remembers the modes as the next start."""

    def __init__(self, model: StudyLevels, k: int) -> None:
        self.model, self.k = model, k
        self.x = model.x
        (part,) = self.parts = model.parts
        self.pattern = layout(self.parts)
        self.groups = Groups(part.levels, part.n_levels, part.values[:, 0])
        self.size = float(np.sqrt((part.values**2).mean()))
        self.rows = np.bincount(model.levels, minlength=k)
        self.start: tuple[Array, Array] | None = None
        self.mode: Mode | None = None

    def maximum(self, near: Maximum | None) -> Maximum:
        """Where the likelihood is largest."""
        at, arrow, gradient = self._climbed(self._first(near))
        for _ in range(_ESCAPES):
            roots, vectors = np.linalg.eigh(arrow.rest)
            if roots[0] > -1e-6 * roots[-1]:
                break
            # a saddle: at a variance of zero the gradient vanishes although more would be better
            way = vectors[:, 0] / np.abs(vectors[:, 0]).max()
            at, arrow, gradient = self._climbed(_Point(at.levels, at.others + _START * way))
        return self._described(at, arrow, gradient)

    def _first(self, near: Maximum | None) -> _Point:
        known = near is not None and np.isfinite(near.beta).all()
        m = self.x.shape[1]
        if near is not None and known and len(near.beta) == m + self.k:
            theta = max(float(near.theta[0]), 0.05 / self.size)
            return _Point(near.beta[m:], np.append(near.beta[:m], theta))
        return _Point(self._alone(), np.append(np.zeros(m), _START / self.size))

    def _alone(self) -> Array:
        """Each study's level with nothing else in the model: Newton, a step of 2 at the most."""
        level = np.zeros(self.k)
        for _ in range(50):
            score, weight, _ = self.model.family.derivatives(
                self.model.offset + level[self.model.levels]
            )
            step = self._by_study(score) / np.maximum(self._by_study(weight), 1e-300)
            level = level + np.clip(step, -2.0, 2.0)
            if np.abs(step).max() < 1e-3:
                break
        return level

    def _by_study(self, rows: Array) -> Array:
        return np.bincount(self.model.levels, rows, self.k).astype(float)

    def _at(self, point: _Point) -> tuple[float, _Point]:
        """Minus the log-likelihood and its gradient, eq. 27 and 27a."""
        model, theta = self.model, point.others[-1:]
        fixed = model.offset + self.x @ point.others[:-1] + point.levels[model.levels]
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            a = slopes(self.pattern, self.parts, theta)
            self.mode = mode = find_mode(model.family, fixed, a, self.start)
            self.start = mode.u1, mode.u2
            value, by_theta, row, _ = quadrature(
                model.family, fixed, self.groups, theta, mode.u1[:, 0], model.n_agq
            )
        others = -np.append(self.x.T @ row, by_theta)
        return -float(value), _Point(-self._by_study(row), others)

    def _tried(self, point: _Point) -> tuple[float, _Point | None]:
        try:
            value, gradient = self._at(point)
        except NotConverged:
            return np.inf, None
        return (value if np.isfinite(value) else np.inf), gradient

    def _arrow(self, at: _Point, errors: _Point) -> Arrow:
        """Central differences of the gradient: all levels are moved at once, as none sees another.

        `errors` are the sizes of the moves, in units of `_STEP`.
        """
        moved = [errors.levels * _STEP, *np.diag(errors.others * _STEP)]
        ends = []
        for i, move in enumerate(moved):
            pair = [
                self._at(_Point(at.levels + sign * move, at.others) if i == 0
                         else _Point(at.levels, at.others + sign * move))[1]
                for sign in (1, -1)
            ]  # fmt: skip
            width = 2 * move if i == 0 else 2 * move[i - 1]
            over = width if i == 0 else np.full(self.k, width)
            by_others = np.zeros(len(at.others)) if i == 0 else (
                (pair[0].others - pair[1].others) / width
            )  # fmt: skip
            ends.append(_Point((pair[0].levels - pair[1].levels) / over, by_others))
        corner = np.array([end.others for end in ends[1:]])
        diagonal = np.maximum(np.abs(ends[0].levels), 1e-12)
        border = np.column_stack([end.levels for end in ends[1:]])
        return Arrow(diagonal, border, 0.5 * (corner + corner.T))

    def _errors(self, at: _Point) -> _Point:
        """Standard errors of each parameter were the others known, without random effects."""
        fixed = self.model.offset + self.x @ at.others[:-1] + at.levels[self.model.levels]
        weight = np.maximum(self.model.family.derivatives(fixed)[1], 1e-12)
        others = [(weight[:, None] * self.x**2).sum(axis=0)]
        size = np.concatenate([*others, [self.k * self.size**2]])
        return _Point(1 / np.sqrt(self._by_study(weight)), 1 / np.sqrt(size))

    def _climbed(self, at: _Point) -> tuple[_Point, Arrow, float]:
        """Newton steps to a stationary point, the arrow there, and the gradient left."""
        value, gradient = self._at(at)
        if not np.isfinite(value):
            raise NotConverged("pool_counts: the likelihood is not finite at the start")
        arrow = self._arrow(at, self._errors(at))
        for _ in range(_MAX_STEPS):
            # eq. 28a
            step = _Point(*arrow.solve(-gradient.levels, -gradient.others))
            eta = np.abs(self.x @ step.others[:-1] + step.levels[self.model.levels]).max()
            longest = max(float(eta) / 4, abs(float(step.others[-1])) * self.size)
            if self._left(gradient, arrow) < _FINE:
                break
            size = min(1.0, 1 / longest)
            slope = float(gradient.levels @ step.levels + gradient.others @ step.others)
            while True:
                trial = _Point(at.levels + size * step.levels, at.others + size * step.others)
                new, new_gradient = self._tried(trial)
                if new <= value + 1e-4 * size * slope + 1e-12 * (1 + abs(value)):
                    break
                size *= 0.3
                if size < 1e-10:
                    return at, arrow, self._left(gradient, arrow)
            assert new_gradient is not None
            at, value, gradient = trial, new, new_gradient
            if size < 1 or longest > 1e-3:
                arrow = self._arrow(at, self._errors(at))
        return at, self._arrow(at, self._errors(at)), self._left(gradient, arrow)

    @staticmethod
    def _left(gradient: _Point, arrow: Arrow) -> float:
        """The largest derivative, in standard errors of what it is taken by."""
        others = gradient.others - arrow.border.T @ (gradient.levels / arrow.diagonal)
        scale = np.sqrt(np.maximum(np.abs(np.diag(arrow.rest)), 1e-300))
        levels = np.abs(gradient.levels / np.sqrt(arrow.diagonal)).max(initial=0.0)
        return float(max(levels, np.abs(others / scale).max()))

    def _described(self, at: _Point, arrow: Arrow, gradient: float) -> Maximum:
        value, _ = self._at(at)
        assert self.mode is not None
        m, k = self.x.shape[1], self.k
        free = np.ones(m + 1, bool)
        free[-1] = abs(at.others[-1]) * self.size >= _AT_ZERO
        inverse = arrow.inverse(free)
        error = np.sqrt(max(float(inverse.corner[-1, -1]), 0.0)) if free[-1] else np.nan
        return Maximum(
            beta=np.concatenate([at.others[:-1], at.levels]),
            variances=inverse.variances(m),
            joint=partial(inverse.dense, m),
            theta=np.abs(at.others[-1:]),
            scale=None,
            theta_errors=np.array([error]),
            scale_error=np.nan,
            loglik=-value,
            gradient=gradient,
            separation=Separation(np.ones(len(self.x), bool), np.zeros(m + k)),
            fitted=self.mode.eta,
            mode=np.concatenate([self.mode.u1.ravel(), self.mode.u2]),
        )
