"""Many data sets of one design fitted at once: parametric bootstraps without a loop.

For one scalar random effect; replicates lead every array, each has its own BFGS
matrix, and those that have arrived leave the stack.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from retrostats.models.counts.family import Array, Family
from retrostats.models.counts.model import Maximum, Model
from retrostats.models.counts.problem import Problem
from retrostats.models.counts.quadrature import Groups, quadrature
from retrostats.models.counts.random_effects import Index

_ROUGH = 1e-4
_MAX_STEPS = 80
_MODE_STEPS = 60
_DECREMENT = 1e-12
#: Rows in memory at once: about 100 bytes each in quadrature.
_ROWS = 300_000


def can_batch(model: Model) -> bool:
    """One scalar random effect, no dispersion and no penalty."""
    scalar = len(model.parts) == 1 and len(model.parts[0].effects) == 1
    return scalar and model.family.scale is None and model.jeffreys is None


def refit(model: Model, best: Maximum, events: Array) -> Array:
    """Fixed effects (B, p) fitted to each row of events (B, N); NaN where none was found."""
    size = max(1, _ROWS // (events.shape[1] * model.n_agq))
    parts = [_refit(model, best, events[i : i + size]) for i in range(0, len(events), size)]
    return np.concatenate(parts)


def _refit(model: Model, best: Maximum, events: Array) -> Array:
    problem = Problem(model.family, model.design(), model.offset, model.parts, model.n_agq)
    start = problem.pack(best.theta, None, best.beta)
    start[0] = max(start[0], 0.05)
    inverse = np.diag(np.concatenate([[1 / model.parts[0].n_levels], np.ones(len(start) - 1)]))
    stack = _Stack(problem, model.family, events)
    points, arrived = _minimise(stack, np.tile(start, (len(events), 1)), inverse)
    beta = points[:, 1:] @ problem.back.T
    beta[~arrived] = np.nan
    return np.asarray(beta)


@dataclass
class _Stack:
    """Minus the log-likelihood of chosen replicates; remembers their modes."""

    problem: Problem
    family: Family
    events: Array
    groups: Groups = field(init=False)

    def __post_init__(self) -> None:
        part = self.problem.parts[0]
        self.groups = Groups(part.levels, part.n_levels, part.values[:, 0])
        self.modes = np.zeros((len(self.events), part.n_levels))

    def __call__(self, parameters: Array, which: Index) -> tuple[Array, Array]:
        family = self.family.with_events(self.events[which])
        theta = parameters[:, :1]
        fixed = self.problem.offset + parameters[:, 1:] @ self.problem.whitened.T
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            u = modes(family, fixed, self.groups, theta, self.modes[which])
            value, by_theta, row, _ = quadrature(
                family, fixed, self.groups, theta, u, self.problem.n_agq
            )
        self.modes[which] = np.where(np.isfinite(u), u, 0.0)
        gradient = np.concatenate([by_theta[:, None], row @ self.problem.whitened], axis=1)
        bad = ~(np.isfinite(value) & np.isfinite(gradient).all(axis=1))
        return np.where(bad, np.inf, -value), np.where(bad[:, None], 0.0, -gradient)


def modes(family: Family, fixed: Array, groups: Groups, theta: Array, start: Array) -> Array:
    """Modes (..., L) of the standardised effects: Newton, each group halving its own steps."""
    slope, u = theta * groups.z, start

    def value(u: Array) -> Array:
        return groups.sum(family.loglik(fixed + slope * u[..., groups.level])) - 0.5 * u**2

    here = value(u)
    for _ in range(_MODE_STEPS):
        score, weight, _ = family.derivatives(fixed + slope * u[..., groups.level])
        gradient = groups.sum(score * slope) - u
        step = gradient / (1 + groups.sum(weight * slope**2))
        if not np.nanmax(np.abs(gradient * step), initial=0.0) > _DECREMENT:
            return u + step
        there = value(u + step)
        for _ in range(30):
            worse = there < here - 1e-10 * (1 + np.abs(here))
            if not worse.any():
                break
            step = np.where(worse, 0.5 * step, step)
            there = value(u + step)
        u, here = u + step, there
    return u


def _minimise(f: _Stack, start: Array, inverse: Array) -> tuple[Array, np.ndarray]:
    """BFGS (Nocedal and Wright 2006, algorithm 6.1) for every replicate; which arrived."""
    count = len(start)
    x, h = start.copy(), np.tile(inverse, (count, 1, 1))
    value, gradient = f(x, np.arange(count))
    arrived = np.zeros(count, bool)
    active = np.arange(count)
    for _ in range(_MAX_STEPS):
        done = np.abs(gradient[active]).max(axis=1) < _ROUGH
        arrived[active[done & np.isfinite(value[active])]] = True
        active = active[~done & np.isfinite(value[active])]
        if not len(active):
            break
        g = gradient[active]
        step = -(h[active] @ g[:, :, None])[:, :, 0]
        slope = (g * step).sum(axis=1)
        size = np.minimum(1.0, 1.0 / np.abs(step).max(axis=1))
        trial, new, new_gradient = x[active].copy(), np.full(len(active), np.inf), g.copy()
        left = np.arange(len(active))
        for _ in range(25):
            trial[left] = x[active[left]] + size[left, None] * step[left]
            new[left], new_gradient[left] = f(trial[left], active[left])
            left = left[~(new[left] <= value[active[left]] + 1e-4 * size[left] * slope[left])]
            if not len(left):
                break
            size[left] *= 0.3
        move, change = trial - x[active], new_gradient - g
        x[active], value[active], gradient[active] = trial, new, new_gradient
        h[active] = _updated(h[active], move, change)
        value[active[left]] = np.inf  # no lower point along the direction: given up
    return x, arrived


def _updated(h: Array, move: Array, change: Array) -> Array:
    """BFGS update of each inverse Hessian (B, m, m) that keeps it positive."""
    curvature = (move * change).sum(axis=1)
    size = np.sqrt((move**2).sum(axis=1) * (change**2).sum(axis=1))
    good = curvature > 1e-12 * size
    safe = np.where(good, curvature, 1.0)[:, None, None]
    hy = (h @ change[:, :, None])[:, :, 0]
    ratio = (1 + (change * hy).sum(axis=1)[:, None, None] / safe) / safe
    cross = hy[:, :, None] * move[:, None, :]
    new = (
        h + ratio * move[:, :, None] * move[:, None, :] - (cross + cross.transpose(0, 2, 1)) / safe
    )
    return np.where(good[:, None, None], new, h)
