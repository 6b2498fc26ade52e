"""What profile limits are taken of: a deviance by all parameters, and what of them is held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from retrostats.models.linear.formula.columns import FloatArray


@dataclass(frozen=True)
class Held:
    """A combination a'delta of the coefficients, held at centre + unit * u.

    Attributes
    ----------
    weights : (p,) array
        a, in the orthonormal basis.
    centre, unit : float
        Its estimate and standard error, so that u is of the size of 1.
    """

    weights: FloatArray
    centre: float
    unit: float

    def moved(self, c: FloatArray, delta: FloatArray, u: float) -> tuple[FloatArray, float, float]:
        """What holding it adds: to delta (p,), to rss, and to rss by u.

        With C = (X'V^-1 X)^-1, least squares under a'delta = v is delta + C a t with
        t = (v - a'delta) / a'C a, and its residual sum of squares larger by t (v - a'delta).
        """
        ca = c @ self.weights
        away = self.centre + self.unit * u - float(self.weights @ delta)
        t = away / float(self.weights @ ca)
        return ca * t, away * t, 2.0 * t * self.unit


class Terms(Protocol):
    """Random terms in working coordinates."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Effects of each term."""

    @property
    def roots(self) -> Sequence[FloatArray]:
        """R (k, k) of each: Z = Z_working R."""


@dataclass(frozen=True)
class Profiled:
    """What an engine gives for profile limits.

    Attributes
    ----------
    deviance : function of (theta, log sigma^2[, u]) and what is held, or None
        ML deviance and gradient.
    sizes, roots
        As in `Terms`.
    basis : (p, p) array
        Upper triangular: coefficients are the start plus its inverse times delta.
    threads
        What all evaluations stand in: how many threads linear algebra takes.
    """

    deviance: Callable[[FloatArray, Held | None], tuple[float, FloatArray]]
    sizes: tuple[int, ...]
    roots: Sequence[FloatArray]
    basis: FloatArray
    threads: Callable[[], AbstractContextManager[object]] = nullcontext
