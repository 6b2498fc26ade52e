"""Distribution functions and quantiles of densities given on a grid, many at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrostats.models.meta.grid_convolution import between, lagrange
from retrostats.models.meta.heterogeneity import Array

#: Points of the polynomial through the log density.
_POINTS = 8
#: Parts of a cell in which the density is computed: with both ends a polynomial of degree 4, whose
#: integral over the cell is Boole's rule.
_PARTS = 4
_AT = np.arange(_PARTS + 1) / _PARTS
#: Newton's steps in search of a quantile within a cell; halvings where density is next to nothing.
_STEPS = 30


def _integrals() -> Array:
    """Polynomials (5, 6) in u: integral from 0 to u of each Lagrange polynomial of `_AT`."""
    powers = np.vander(_AT, increasing=True)
    base = np.linalg.inv(powers).T
    found = np.zeros((len(_AT), len(_AT) + 1))
    found[:, 1:] = base / np.arange(1, len(_AT) + 1)
    return found


_INTEGRALS = _integrals()


_NEAR = np.arange(1 - _POINTS // 2, _POINTS // 2 + 1)
_INSIDE = lagrange(_NEAR.astype(np.float64), _AT)


@dataclass(frozen=True, slots=True)
class GridDensity:
    """Densities on one grid.

    Attributes
    ----------
    theta
        Equally spaced grid (m,).
    log_density
        Log densities (..., m), of integral 1.
    cumulative
        Distribution function at the grid points (..., m).
    """

    theta: Array
    log_density: Array
    cumulative: Array

    @classmethod
    def of(cls, theta: Array, log_density: Array) -> GridDensity:
        """From the log of densities (..., m), up to a constant each."""
        held = log_density - log_density.max(axis=-1, keepdims=True)
        weights = _INTEGRALS.sum(axis=1)
        density = np.exp(held)
        mass = weights[0] * density[..., :-1] + weights[-1] * density[..., 1:]
        for weight, at in zip(weights[1:-1], _AT[1:-1], strict=True):
            mass += weight * np.exp(between(held, float(at), _POINTS)[..., :-1])
        cumulative = np.concatenate([np.zeros_like(held[..., :1]), np.cumsum(mass, -1)], axis=-1)
        total = cumulative[..., -1:]
        step = float(theta[1] - theta[0])
        return cls(theta, held - np.log(total * step), cumulative / total)

    def below(self, x: float) -> Array:
        """Distribution function at x (...)."""
        place = (x - float(self.theta[0])) / self._step
        if not 0 <= place < len(self.theta) - 1:
            return np.full(self.cumulative.shape[:-1], float(place > 0))
        cell = int(place)
        near = np.clip(cell + _NEAR, 0, len(self.theta) - 1)
        share = _within(self.log_density[..., near], np.asarray(place - cell)) * self._step
        start, end = self.cumulative[..., cell], self.cumulative[..., cell + 1]
        return np.asarray(np.clip(start + share, start, end))

    def probability(self, low: float, high: float) -> Array:
        """Probability from low to high (...)."""
        return np.asarray(np.maximum(self.below(high) - self.below(low), 0.0))

    def quantile(self, p: float) -> Array:
        """The x (...) below which lies a probability of p."""
        last = len(self.theta) - 1
        cumulative = self.cumulative.reshape(-1, last + 1)
        cell = np.clip((cumulative <= p).sum(axis=1) - 1, 0, last - 1)
        row = np.arange(len(cell))
        log_density = self.log_density.reshape(-1, last + 1)
        near = log_density[row[:, None], np.clip(cell[:, None] + _NEAR, 0, last)]
        aim = (p - cumulative[row, cell]) / self._step
        found = self.theta[cell] + self._step * _inverse(np.exp(near @ _INSIDE.T), aim)
        return np.asarray(found.reshape(self.cumulative.shape[:-1]))

    @property
    def _step(self) -> float:
        return float(self.theta[1] - self.theta[0])


def _inverse(density: Array, aim: Array) -> Array:
    """The part u (n,) of a cell over which densities at `_AT` (n, 5) have the integral `aim` (n,).

    Newton's steps on the polynomial of degree 5, halved where they leave the bracket.
    """
    integral = (density @ _INTEGRALS).T
    slope = integral[1:] * np.arange(1, len(integral))[:, None]
    low, high = np.zeros_like(aim), np.ones_like(aim)
    u = np.full_like(aim, 0.5)
    for _ in range(_STEPS):
        above = _horner(integral, u) - aim
        low, high = np.where(above < 0, u, low), np.where(above < 0, high, u)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = u - above / _horner(slope, u)
        u = np.where((newton >= low) & (newton <= high), newton, (low + high) / 2)
    return u


def _horner(coefficients: Array, u: Array) -> Array:
    """Polynomials of ascending coefficients (d, n) at u (n,)."""
    found = coefficients[-1]
    for c in coefficients[-2::-1]:
        found = found * u + c
    return np.asarray(found)


def _within(near: Array, u: Array) -> Array:
    """Integral over a cell's first part u, in steps, from the log density about it (..., 8)."""
    density = np.exp(near @ _INSIDE.T)
    powers = u[..., None] ** np.arange(len(_AT) + 1)
    return np.asarray(((powers @ _INTEGRALS.T) * density).sum(axis=-1))
