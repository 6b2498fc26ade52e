"""Fisher's noncentral hypergeometric distribution as a family: 2 x 2 tables, margins given.

Stijnen, Hamza and Ozdemir (2010), Statistics in Medicine 29:3046, equation (8). Given the margins
of a table the chance of y events in arm 1 is proportional to C(n1, y) C(n2, m - y) exp(y eta) with
eta the log odds ratio: an exponential family in eta, so mean, variance and third moment give the
derivatives.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from retrostats.models.counts.family import Array, Mask, NoDispersion


@dataclass(frozen=True)
class NoncentralHypergeometric(NoDispersion):
    """Events `y` in arm 1 of `n1`, of `m` events in both arms, arm 2 with `n2`."""

    y: Array
    n1: Array
    n2: Array
    m: Array
    support: Array = field(init=False, repr=False)
    ways: Array = field(init=False, repr=False)
    constant: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        low = np.maximum(0, self.m - self.n2)
        high = np.minimum(self.n1, self.m)
        support = low[:, None] + np.arange(int((high - low).max(initial=0)) + 1)
        inside = support <= high[:, None]
        held = np.where(inside, support, low[:, None])  # keeps the gamma function in its domain
        ways = _log_choose(self.n1[:, None], held) + _log_choose(
            self.n2[:, None], self.m[:, None] - held
        )
        object.__setattr__(self, "support", support)
        object.__setattr__(self, "ways", np.where(inside, ways, -np.inf))
        object.__setattr__(
            self, "constant", _log_choose(self.n1, self.y) + _log_choose(self.n2, self.m - self.y)
        )

    def _terms(self, eta: Array) -> Array:
        """Log weight of every table (..., N, tables)."""
        out: Array = self.ways + self.support * eta[..., None]
        return out

    def _chances(self, eta: Array) -> Array:
        terms = self._terms(eta)
        weights = np.exp(terms - terms.max(axis=-1, keepdims=True))
        out: Array = weights / weights.sum(axis=-1, keepdims=True)
        return out

    def loglik(self, eta: Array) -> Array:
        """Log-likelihood of each table."""
        terms = self._terms(eta)
        top = terms.max(axis=-1)
        total = top + np.log(np.exp(terms - top[..., None]).sum(axis=-1))  # every row has a table
        out: Array = self.y * eta + self.constant - total
        return out

    def derivatives(self, eta: Array) -> tuple[Array, Array, Array]:
        """First derivative, minus the second, minus the third."""
        chances = self._chances(eta)
        mean = (chances * self.support).sum(axis=-1)
        off = self.support - mean[..., None]
        return self.y - mean, (chances * off**2).sum(axis=-1), (chances * off**3).sum(axis=-1)

    def score(self, eta: Array) -> Array:
        """First derivative alone."""
        return np.asarray(self.y - (self._chances(eta) * self.support).sum(axis=-1))

    def moments(self, eta: Array) -> tuple[Array, Array]:
        """Mean and variance of each table."""
        first, weight, _ = self.derivatives(eta)
        return self.y - first, weight

    def ends(self) -> tuple[Mask, Mask]:
        """Events of arm 1 at the fewest, or at the most, the margins allow."""
        return (
            self.y == np.maximum(0, self.m - self.n2),
            self.y == np.minimum(self.n1, self.m),
        )

    def take(self, rows: NDArray[np.intp] | Mask) -> NoncentralHypergeometric:
        """The chosen tables."""
        return NoncentralHypergeometric(self.y[rows], self.n1[rows], self.n2[rows], self.m[rows])

    def with_events(self, y: Array) -> NoncentralHypergeometric:
        """The same margins with other events."""
        return replace(self, y=y)

    def with_scale(self, scale: float) -> NoncentralHypergeometric:
        """No dispersion to change."""
        return self

    def draw(self, eta: Array, rng: np.random.Generator) -> Array:
        """New tables with the same margins, by inverting the distribution function."""
        passed = np.cumsum(self._chances(eta), axis=-1) < rng.random(eta.shape)[..., None]
        return np.asarray(self.support[:, 0] + passed.sum(axis=-1))


def _log_choose(n: Array, k: Array) -> Array:
    out: Array = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return out
