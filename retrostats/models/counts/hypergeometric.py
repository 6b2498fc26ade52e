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
    table: NDArray[np.intp] = field(init=False, repr=False)
    first: NDArray[np.intp] = field(init=False, repr=False)
    constant: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        low, high = np.maximum(0, self.m - self.n2), np.minimum(self.n1, self.m)
        # every possible table of every study, one after another: no study is padded to the largest
        count = (high - low).astype(np.intp) + 1
        first = np.cumsum(count) - count
        table = np.repeat(np.arange(len(count)), count)
        support = np.arange(len(table)) - (first - low)[table]
        ways = _log_choose(self.n1[table], support) + _log_choose(
            self.n2[table], self.m[table] - support
        )
        object.__setattr__(self, "support", support)
        object.__setattr__(self, "ways", ways)
        object.__setattr__(self, "table", table)
        object.__setattr__(self, "first", first)
        object.__setattr__(
            self, "constant", _log_choose(self.n1, self.y) + _log_choose(self.n2, self.m - self.y)
        )

    def _by_table(self, parts: Array) -> Array:
        """Sums (..., N) of parts (..., M) over the possible tables of each study."""
        return np.asarray(np.add.reduceat(parts, self.first, axis=-1))

    def _weights(self, eta: Array) -> tuple[Array, Array, Array]:
        """Weight (..., M) of each table by the likeliest of its study; sums, that one's log."""
        weights = self.ways + self.support * eta[..., self.table]
        top = np.maximum.reduceat(weights, self.first, axis=-1)
        weights -= top[..., self.table]
        np.exp(weights, out=weights)
        return weights, self._by_table(weights), top

    def _loglik(self, eta: Array, total: Array, top: Array) -> Array:
        out: Array = self.y * eta + self.constant - (top + np.log(total))
        return out

    def loglik(self, eta: Array) -> Array:
        """Log-likelihood of each table."""
        _, total, top = self._weights(eta)
        return self._loglik(eta, total, top)

    def derivatives(self, eta: Array) -> tuple[Array, Array, Array]:
        """First derivative, minus the second, minus the third."""
        weights, total, _ = self._weights(eta)
        mean = self._by_table(weights * self.support) / total
        off = self.support - mean[..., self.table]
        weights *= off * off
        second = self._by_table(weights) / total
        weights *= off
        return self.y - mean, second, self._by_table(weights) / total

    def score(self, eta: Array) -> Array:
        """First derivative alone."""
        return self.loglik_and_score(eta)[1]

    def loglik_and_score(self, eta: Array) -> tuple[Array, Array]:
        """Both, from the same weights."""
        weights, total, top = self._weights(eta)
        loglik = self._loglik(eta, total, top)
        weights *= self.support
        return loglik, np.asarray(self.y - self._by_table(weights) / total)

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
        weights, total, _ = self._weights(eta)
        count = np.diff(np.append(self.first, len(self.table)))
        chances = np.zeros((*eta.shape, int(count.max(initial=1))))
        chances[..., self.table, np.arange(len(self.table)) - self.first[self.table]] = (
            weights / total[..., self.table]
        )
        passed = np.cumsum(chances, axis=-1) < rng.random(eta.shape)[..., None]
        return np.asarray(self.support[self.first] + passed.sum(axis=-1))


def _log_choose(n: Array, k: Array) -> Array:
    out: Array = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return out
