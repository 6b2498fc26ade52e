"""Families of counts: log-likelihood of a row and its derivatives in the linear predictor.

Every method takes eta of shape (..., N), so that quadrature nodes or replicates lead. The second
derivative is the observed one, which is negative everywhere for each family here: Newton's step
for the random effects is always defined.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, expit, gammaln

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Below this square root of the dispersion a negative binomial is a Poisson in double precision.
_POISSON = 1e-10
#: Counts up to which a table is made.
_TABLE = 5_000
#: No count above exp of this is drawn: numpy's Poisson ends there.
_HIGHEST = 30.0


class Family(Protocol):
    """What the likelihood needs to know about the rows."""

    @property
    def y(self) -> Array:
        """Events (N,)."""
        ...

    @property
    def scale(self) -> float | None:
        """Square root of an estimated dispersion; None where the family has none."""
        ...

    def loglik(self, eta: Array) -> Array:
        """Log-likelihood of each row, all constants kept."""
        ...

    def derivatives(self, eta: Array) -> tuple[Array, Array, Array]:
        """First derivative, minus the second, minus the third."""
        ...

    def score(self, eta: Array) -> Array:
        """First derivative alone."""
        ...

    def loglik_and_score(self, eta: Array) -> tuple[Array, Array]:
        """Log-likelihood and its first derivative, what both need computed once."""
        ...

    def moments(self, eta: Array) -> tuple[Array, Array]:
        """Mean and variance of each row."""
        ...

    def ends(self) -> tuple[Mask, Mask]:
        """Rows whose likelihood grows to 1 as eta falls, and as it rises, without end."""
        ...

    def take(self, rows: NDArray[np.intp] | Mask) -> Family:
        """The chosen rows."""
        ...

    def with_scale(self, scale: float) -> Family:
        """The same rows at another dispersion."""
        ...

    def with_events(self, y: Array) -> Family:
        """The same rows with other events, (..., N)."""
        ...

    def by_scale(self, eta: Array) -> tuple[Array, Array, Array]:
        """Derivatives of log-likelihood, score and weight by `scale`."""
        ...

    def draw(self, eta: Array, rng: np.random.Generator) -> Array:
        """New events (..., N) with these linear predictors."""
        ...


class NoDispersion:
    """Families whose variance is fixed by the mean."""

    @property
    def scale(self) -> float | None:
        """None: no dispersion is estimated."""
        return None

    def by_scale(self, eta: Array) -> tuple[Array, Array, Array]:
        """Never asked for."""
        raise AssertionError("this family has no dispersion")  # pragma: no cover


@dataclass(frozen=True)
class Poisson(NoDispersion):
    """Events with mean exp(eta), log link."""

    y: Array
    constant: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "constant", -gammaln(self.y + 1))

    def loglik(self, eta: Array) -> Array:
        """Log-likelihood of each row."""
        out: Array = self.y * eta - np.exp(eta) + self.constant
        return out

    def derivatives(self, eta: Array) -> tuple[Array, Array, Array]:
        """First derivative, minus the second, minus the third."""
        mu = np.exp(eta)
        return self.y - mu, mu, mu

    def score(self, eta: Array) -> Array:
        """First derivative alone."""
        out: Array = self.y - np.exp(eta)
        return out

    def loglik_and_score(self, eta: Array) -> tuple[Array, Array]:
        """Both, from the same means."""
        mu = np.exp(eta)
        return self.y * eta - mu + self.constant, self.y - mu

    def moments(self, eta: Array) -> tuple[Array, Array]:
        """Mean and variance of each row."""
        mu = np.exp(eta)
        return mu, mu

    def ends(self) -> tuple[Mask, Mask]:
        """No events: ever fewer are ever likelier."""
        return self.y == 0, np.zeros(len(self.y), bool)

    def take(self, rows: NDArray[np.intp] | Mask) -> Poisson:
        """The chosen rows."""
        return Poisson(self.y[rows])

    def with_events(self, y: Array) -> Poisson:
        """The same rows with other events."""
        return replace(self, y=y)

    def with_scale(self, scale: float) -> Poisson:
        """No dispersion to change."""
        return self

    def draw(self, eta: Array, rng: np.random.Generator) -> Array:
        """New events with these linear predictors."""
        return rng.poisson(np.exp(np.minimum(eta, _HIGHEST))).astype(float)


@dataclass(frozen=True)
class Binomial(NoDispersion):
    """Events out of `trials` with chance expit(eta), logit link."""

    y: Array
    trials: Array
    constant: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        ways = gammaln(self.trials + 1) - gammaln(self.y + 1) - gammaln(self.trials - self.y + 1)
        object.__setattr__(self, "constant", ways)

    def loglik(self, eta: Array) -> Array:
        """Log-likelihood of each row."""
        out: Array = self.y * eta - self.trials * np.logaddexp(0.0, eta) + self.constant
        return out

    def derivatives(self, eta: Array) -> tuple[Array, Array, Array]:
        """First derivative, minus the second, minus the third."""
        p = expit(eta)
        mu = self.trials * p
        weight = mu * (1 - p)
        return self.y - mu, weight, weight * (1 - 2 * p)

    def score(self, eta: Array) -> Array:
        """First derivative alone."""
        out: Array = self.y - self.trials * expit(eta)
        return out

    def loglik_and_score(self, eta: Array) -> tuple[Array, Array]:
        """Both."""
        return self.loglik(eta), self.score(eta)

    def moments(self, eta: Array) -> tuple[Array, Array]:
        """Mean and variance of each row."""
        p = expit(eta)
        return self.trials * p, self.trials * p * (1 - p)

    def ends(self) -> tuple[Mask, Mask]:
        """No events, or nothing but events."""
        return self.y == 0, self.y == self.trials

    def take(self, rows: NDArray[np.intp] | Mask) -> Binomial:
        """The chosen rows."""
        return Binomial(self.y[rows], self.trials[rows])

    def with_events(self, y: Array) -> Binomial:
        """The same rows with other events."""
        return replace(self, y=y)

    def with_scale(self, scale: float) -> Binomial:
        """No dispersion to change."""
        return self

    def draw(self, eta: Array, rng: np.random.Generator) -> Array:
        """New events with these linear predictors."""
        return rng.binomial(self.trials.astype(np.int64), expit(eta)).astype(float)


@dataclass(frozen=True)
class NegativeBinomial:
    """Events with mean mu = exp(eta) and variance mu + (scale mu)^2 (NB2).

    Lawless (1987), Canadian Journal of Statistics 15:209: with alpha = scale^2 the log-likelihood
    is sum_{j<y} log(1 + alpha j) + y eta - (y + 1/alpha) log(1 + alpha mu) - log y!. It is even
    in the scale, as the likelihood of a mixed model is in its standard deviations, and holds at 0.
    """

    y: Array
    dispersion_scale: float = 0.5
    constant: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "constant", self._gamma_part() - gammaln(self.y + 1))

    @property
    def scale(self) -> float | None:
        """Square root of alpha."""
        return self.dispersion_scale

    def _gamma_part(self) -> Array:
        """Sum over j < y of log(1 + alpha j): by a table, or gamma functions for large counts."""
        alpha = self.dispersion_scale**2
        if abs(self.dispersion_scale) < _POISSON:
            return np.zeros(len(self.y))
        if self._large(alpha):
            shape = 1 / alpha
            return np.asarray(self.y * np.log(alpha) + gammaln(self.y + shape) - gammaln(shape))
        steps = np.arange(int(self.y.max(initial=0)))
        table = np.concatenate([[0.0], np.cumsum(np.log1p(alpha * steps))])
        out: Array = table[self.y.astype(np.intp)]
        return out

    def _large(self, alpha: float) -> bool:
        """Whether a table would be long, and the gamma functions of 1/alpha do not cancel."""
        return alpha > 1e-4 and float(self.y.max(initial=0)) > _TABLE

    def loglik(self, eta: Array) -> Array:
        """Log-likelihood of each row."""
        mu = np.exp(eta)
        alpha = self.dispersion_scale**2
        if abs(self.dispersion_scale) < _POISSON:
            return np.asarray(self.y * eta - mu + self.constant)
        spread = np.log1p(alpha * mu)
        return np.asarray(self.y * (eta - spread) - spread / alpha + self.constant)

    def derivatives(self, eta: Array) -> tuple[Array, Array, Array]:
        """First derivative, minus the second, minus the third."""
        mu = np.exp(eta)
        alpha = self.dispersion_scale**2
        base = 1 + alpha * mu
        weight = mu * (1 + alpha * self.y) / base**2
        return (self.y - mu) / base, weight, weight * (1 - alpha * mu) / base

    def score(self, eta: Array) -> Array:
        """First derivative alone."""
        mu = np.exp(eta)
        return np.asarray((self.y - mu) / (1 + self.dispersion_scale**2 * mu))

    def loglik_and_score(self, eta: Array) -> tuple[Array, Array]:
        """Both."""
        return self.loglik(eta), self.score(eta)

    def moments(self, eta: Array) -> tuple[Array, Array]:
        """Mean and variance of each row."""
        mu = np.exp(eta)
        return mu, mu + (self.dispersion_scale * mu) ** 2

    def ends(self) -> tuple[Mask, Mask]:
        """No events: ever fewer are ever likelier."""
        return self.y == 0, np.zeros(len(self.y), bool)

    def take(self, rows: NDArray[np.intp] | Mask) -> NegativeBinomial:
        """The chosen rows."""
        return NegativeBinomial(self.y[rows], self.dispersion_scale)

    def with_events(self, y: Array) -> NegativeBinomial:
        """The same rows with other events."""
        return replace(self, y=y)

    def with_scale(self, scale: float) -> NegativeBinomial:
        """The same rows at another dispersion."""
        return replace(self, dispersion_scale=float(scale))

    def by_scale(self, eta: Array) -> tuple[Array, Array, Array]:
        """Derivatives of log-likelihood, score and weight by `scale`."""
        mu, s = np.exp(eta), self.dispersion_scale
        alpha, y = s * s, self.y
        base = 1 + alpha * mu
        if self._large(alpha):
            gamma_part = y / alpha - (digamma(y + 1 / alpha) - digamma(1 / alpha)) / alpha**2
        else:
            steps = np.arange(int(y.max(initial=0)))
            table = np.concatenate([[0.0], np.cumsum(steps / (1 + alpha * steps))])
            gamma_part = table[y.astype(np.intp)]
        by_alpha = gamma_part - y * mu / base + _log_part(alpha, mu)
        score = -(y - mu) * mu / base**2
        weight = mu * (y * base - 2 * mu * (1 + alpha * y)) / base**3
        return 2 * s * by_alpha, 2 * s * score, 2 * s * weight

    def draw(self, eta: Array, rng: np.random.Generator) -> Array:
        """New events with these linear predictors."""
        alpha = self.dispersion_scale**2
        mu = np.exp(np.minimum(eta, _HIGHEST))
        rate = mu if alpha < 1e-12 else rng.gamma(1 / alpha, alpha * mu)
        return np.asarray(rng.poisson(rate), dtype=float)


def _log_part(alpha: float, mu: Array) -> Array:
    """Derivative of -log(1 + alpha mu) / alpha by alpha, by a series where it would cancel."""
    x = alpha * mu
    series = mu**2 * (0.5 - x * (2 / 3 - x * 0.75))
    if alpha < 1e-12:
        return np.asarray(series)
    exact = (np.log1p(x) - x / (1 + x)) / alpha**2
    return np.asarray(np.where(x < 1e-4, series, exact))
