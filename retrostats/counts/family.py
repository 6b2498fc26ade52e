"""Canonical families of counts: log-likelihood, mean and weight as functions of eta."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, gammaln

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Poisson:
    """Events with mean exp(eta), log link."""

    y: Array

    def loglik(self, eta: Array) -> Array:
        """Log-likelihood of each row."""
        return self.y * eta - np.exp(eta) - gammaln(self.y + 1)

    def moments(self, eta: Array) -> tuple[Array, Array]:
        """Mean and variance (the canonical weight) of each row."""
        mu = np.exp(eta)
        return mu, mu


@dataclass(frozen=True, slots=True)
class Binomial:
    """Events out of `trials` with chance expit(eta), logit link."""

    y: Array
    trials: Array

    def loglik(self, eta: Array) -> Array:
        """Log-likelihood of each row."""
        ways = gammaln(self.trials + 1) - gammaln(self.y + 1) - gammaln(self.trials - self.y + 1)
        return self.y * eta - self.trials * np.logaddexp(0.0, eta) + ways

    def moments(self, eta: Array) -> tuple[Array, Array]:
        """Mean and variance (the canonical weight) of each row."""
        p = expit(eta)
        return self.trials * p, self.trials * p * (1 - p)


Family = Poisson | Binomial
