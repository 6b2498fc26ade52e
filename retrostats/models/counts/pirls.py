"""Mode of the random effects by penalised iteratively reweighted least squares.

Newton's method with the observed weights, which for a canonical link is PIRLS (Bates, Maechler,
Bolker and Walker 2015, section 5.4; section 7 of the lme4 vignette on computational methods).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrostats.common.errors import NotConverged
from retrostats.models.counts.blocks import Factor, Pattern, factorise, pattern, sum_by
from retrostats.models.counts.family import Array, Family
from retrostats.models.counts.random_effects import RandomPart, split

_MAX_STEPS = 100
#: Squared Newton decrement after which one more step is below rounding.
_DECREMENT = 1e-13


@dataclass(frozen=True)
class Slopes:
    """Entries of A = Z Lambda: a1 (N, k) of the eliminated term, a2 (N, E) of the others."""

    pattern: Pattern
    a1: Array
    a2: Array

    def rows(self, u1: Array, u2: Array) -> Array:
        """A u, a number a row."""
        p = self.pattern
        out = (self.a1 * u1[p.first]).sum(axis=1) if p.k_first > 1 else (
            self.a1[:, 0] * u1[p.first, 0]
        )  # fmt: skip
        if p.size:
            out = out + (self.a2 * u2[p.column]).sum(axis=1)
        return np.asarray(out)

    def columns(self, row: Array, n_rest: int) -> tuple[Array, Array]:
        """A' row: (L, k) and (Q,)."""
        p = self.pattern
        g1 = sum_by(p.first, row[:, None] * self.a1, p.n_first)
        if not p.size:
            return g1, np.zeros(0)
        g2 = np.bincount(p.column.ravel(), (row[:, None] * self.a2).ravel(), n_rest)
        return g1, np.asarray(g2, dtype=np.float64)


@dataclass(frozen=True)
class Mode:
    """The mode u, eta there, the family's derivatives there, and H factorised there."""

    u1: Array
    u2: Array
    eta: Array
    score: Array
    weight: Array
    third: Array
    factor: Factor
    value: float


def layout(parts: tuple[RandomPart, ...]) -> Pattern:
    """Pattern of the terms, made once a model."""
    return pattern(parts)


def slopes(p: Pattern, parts: tuple[RandomPart, ...], theta: Array) -> Slopes:
    """A at theta."""
    pieces = split(theta, parts)
    blocks = [_times(parts[j], pieces[j]) for j in p.order]
    n = len(p.first)
    a2 = np.hstack(blocks[1:]) if len(blocks) > 1 else np.zeros((n, 0))
    return Slopes(p, blocks[0], a2)


def _times(part: RandomPart, theta: Array) -> Array:
    if len(theta) == 1:
        return np.asarray(part.values * theta[0])
    return np.asarray(part.values @ part.factor(theta))


def find_mode(family: Family, fixed: Array, a: Slopes, start: tuple[Array, Array] | None) -> Mode:
    """Mode of u at the fixed part `fixed` (N,) of eta, from `start` or from 0.

    Raises
    ------
    NotConverged
        No step increases the penalised likelihood, or the factorisation broke down.
    """
    p = a.pattern
    n_rest = len(p.place)
    u1, u2 = np.zeros((p.n_first, p.k_first)), np.zeros(n_rest)
    if start is not None:
        u1, u2 = start
    eta = fixed + a.rows(u1, u2)
    value = _value(family, eta, u1, u2)
    if start is not None and not np.isfinite(value):
        return find_mode(family, fixed, a, None)
    done = False
    for _ in range(_MAX_STEPS):
        score, weight, third = family.derivatives(eta)
        try:
            factor = factorise(p, weight, a.a1, a.a2)
        except np.linalg.LinAlgError:
            break
        if done:
            return Mode(u1, u2, eta, score, weight, third, factor, value)
        # eq. 24a: the step from A's - u, by H of eq. 24
        g1, g2 = a.columns(score, n_rest)
        g1, g2 = g1 - u1, g2 - u2
        d1, d2 = factor.solve(g1, g2)
        decrement = float((g1 * d1).sum() + g2 @ d2)
        if not np.isfinite(decrement):
            break
        size = 1.0
        while True:
            t1, t2 = u1 + size * d1, u2 + size * d2
            eta = fixed + a.rows(t1, t2)
            new = _value(family, eta, t1, t2)
            if new >= value - 1e-10 * (1 + abs(value)) or size < 1e-8:
                break
            size /= 2
        u1, u2, value = t1, t2, new
        done = decrement < _DECREMENT * (1 + abs(value)) and size == 1.0
    raise NotConverged("glmm: the mode of the random effects was not found; rescale covariates")


def _value(family: Family, eta: Array, u1: Array, u2: Array) -> float:
    return float(family.loglik(eta).sum()) - 0.5 * (float(np.vdot(u1, u1)) + float(np.vdot(u2, u2)))
