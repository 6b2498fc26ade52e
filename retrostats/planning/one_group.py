"""Studies of one group whose error follows from its people: a correlation, a proportion.

Effects are on the model's scale, Fisher's z and the logit, as those of today's sources are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrostats.evidence.printed.likelihoods import t_log_likelihood
from retrostats.planning.designs import NARROW, WIDE, Limits, least_error, student_limits

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Correlated:
    """Two numbers from every person, and how they go together.

    Fisher's z = artanh r is normal with variance 1 / (n - 3) (Fisher 1921, Metron 1:3).
    """

    @property
    def smallest(self) -> int:
        """One more than have no error."""
        return 4

    def limits(self, people: int, truth: float | Array, points: Array) -> Limits:
        """Normal intervals of z."""
        estimate = self._estimate(people, truth, points)
        return student_limits(estimate, np.full_like(estimate, self._error(people)), math.inf)

    def log_likelihoods(self, people: int, truth: Array, points: Array, theta: Array) -> Array:
        """Normal of every drawn z (n, m)."""
        estimate = self._estimate(people, truth, points)
        error = np.full_like(estimate, max(self._error(people), least_error(theta)))
        return t_log_likelihood(theta, estimate, error, math.inf)

    def typical_error(self, people: int, truth: float) -> float:
        """Of z."""
        return self._error(people)

    @staticmethod
    def _error(people: int) -> float:
        return 1 / math.sqrt(people - 3)

    def _estimate(self, people: int, truth: float | Array, points: Array) -> Array:
        from scipy.special import ndtri

        return np.asarray(truth + self._error(people) * ndtri(points[:, 1]))


@dataclass(frozen=True, slots=True)
class Proportioned:
    """Of every person whether it is so: a binomial count."""

    @property
    def smallest(self) -> int:
        """Two people."""
        return 2

    def limits(self, people: int, truth: float | Array, points: Array) -> Limits:
        """Exact limits of a proportion (Clopper and Pearson 1934, Biometrika 26:404), as logits."""
        from scipy.special import betaincinv

        events = self._events(people, truth, points)
        others = people - events

        def ends(level: float) -> tuple[Array, Array]:
            tail = (1 - level) / 2
            low = betaincinv(np.maximum(events, 1), others + 1, tail)
            high = betaincinv(events + 1, np.maximum(others, 1), 1 - tail)
            return _logit(np.where(events > 0, low, 0.0)), _logit(np.where(others > 0, high, 1.0))

        return Limits(_logit(events / people), *ends(WIDE), *ends(NARROW))

    def log_likelihoods(self, people: int, truth: Array, points: Array, theta: Array) -> Array:
        """Binomial of every drawn count (n, m): y theta - n log(1 + e^theta)."""
        events = self._events(people, truth, points)
        with np.errstate(divide="ignore"):
            variance = 1 / events + 1 / (people - events)
        wider = np.maximum(least_error(theta) ** 2 / variance, 1.0)
        log = events[:, None] * theta - people * np.logaddexp(0.0, theta)
        return np.asarray(log / wider[:, None])

    def typical_error(self, people: int, truth: float) -> float:
        """Of the logit: 1 / sqrt(n p (1 - p))."""
        p = 1 / (1 + math.exp(-truth))
        return 1 / math.sqrt(people * p * (1 - p))

    @staticmethod
    def _events(people: int, truth: float | Array, points: Array) -> Array:
        from scipy.special import expit
        from scipy.stats import binom

        return np.asarray(binom.ppf(points[:, 1], people, expit(truth)), dtype=float)


def _logit(p: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(p) - np.log1p(-p))
