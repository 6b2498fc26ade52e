"""A model of counts and its maximum, divergent fixed effects included."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypedDict

import numpy as np

from retrostats.common.errors import NotConverged
from retrostats.common.workers import linear_algebra_threads
from retrostats.models.counts.family import Array, Family
from retrostats.models.counts.problem import Problem, maximise
from retrostats.models.counts.random_effects import RandomPart, on_diagonal, split
from retrostats.models.counts.separation import Separation, row_space, separation


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where a model's likelihood is largest.

    Attributes
    ----------
    beta, variances
        Fixed effects (p,), infinite where separated and NaN where nothing is left to determine
        them; their squared standard errors (p,), NaN there.
    joint
        Makes their covariance (p, p) when it is asked for.
    theta, scale, theta_errors, scale_error
        Random terms, dispersion, and standard errors (NaN on the boundary).
    separation
        Rows and direction that diverge.
    fitted
        Linear predictor (N,) with the modes of the random effects; infinite in separated rows.
    """

    beta: Array
    variances: Array
    joint: Callable[[], Array]
    theta: Array
    scale: float | None
    theta_errors: Array
    scale_error: float
    loglik: float
    gradient: float
    separation: Separation
    fitted: Array
    mode: Array

    @property
    def covariance(self) -> Array:
        """Covariance (p, p) of the fixed effects."""
        return self.joint()


class _Joint(TypedDict):
    """The two fields of a `Maximum` that a dense covariance gives."""

    variances: Array
    joint: Callable[[], Array]


@dataclass(frozen=True)
class Model:
    """Family, fixed effects x (N, p) of full rank, offset (N,), random terms, quadrature nodes.

    `design()` is x; it is more where a model holds some of its columns in another way.

    `jeffreys` is the design of Firth's penalty, or None; with it every estimate is finite. `held`
    fixes theta and the scale, else they are estimated.
    """

    family: Family
    x: Array
    offset: Array
    parts: tuple[RandomPart, ...]
    n_agq: int = 1
    jeffreys: Array | None = field(default=None, repr=False)
    separated: Separation | None = field(default=None, repr=False)
    held: tuple[Array, float | None] | None = field(default=None, repr=False)

    def design(self) -> Array:
        """All fixed effects (N, p) as columns."""
        return self.x

    def linear(self, beta: Array) -> Array:
        """Offset and fixed effects (N,) at beta (p,)."""
        out: Array = self.offset + self.x @ beta
        return out

    def fixing(self, j: int, value: float) -> Model:
        """The model with one fixed effect held at a value."""
        rest = np.delete(self.x, j, axis=1)
        return replace(self, x=rest, offset=self.offset + value * self.x[:, j], separated=None)

    def holding(self, theta: Array, scale: float | None) -> Model:
        """The model with its variances held; without random terms where they are 0 or unknown."""
        if not (np.isfinite(theta).all() and theta.any()):
            return replace(
                self, parts=(), n_agq=1, held=(np.zeros(0), _known(scale)), separated=None
            )
        return replace(self, held=(theta, _known(scale)), separated=None)

    def drawn(self, events: Array) -> Model:
        """The same design with other events (N,)."""
        return replace(self, family=self.family.with_events(events), separated=None)

    def maximise(self, near: Maximum | None = None) -> Maximum:
        """Maximum likelihood, started at `near` where it is given."""
        gone = self.separated
        if self.jeffreys is not None:
            gone = Separation(np.ones(len(self.x), bool), np.zeros(self.x.shape[1]))
        elif gone is None:
            gone = separation(self.family, self.x)
        with self._threads():
            if not gone.present:
                return self._maximise(gone, near)
            return self._limit(gone)

    def _threads(self) -> AbstractContextManager[Any]:
        """One thread where several terms meet; with one there is nothing dense but X."""
        effects = sorted(part.n_levels * len(part.effects) for part in self.parts)
        rest = sum(effects[:-1])  # the largest term is eliminated by levels
        return linear_algebra_threads(rest) if rest else nullcontext()

    def _maximise(self, gone: Separation, near: Maximum | None) -> Maximum:
        try:
            problem = Problem(
                self.family, self.x, self.offset, self.parts, self.n_agq, self.jeffreys
            )
            start = None if near is None else self._near(problem, near)
            if self.held is not None:
                start = problem.pack(self.held[0], self.held[1], problem.beta_start)
            found = maximise(problem, start, hold=self.held is not None)
        except np.linalg.LinAlgError:
            raise NotConverged(
                "glmm: the information of the fixed effects broke down; rescale covariates, or "
                "leave out one that almost repeats others"
            ) from None
        m, s = problem.n_theta, problem.n_scale
        errors = np.sqrt(np.maximum(np.diag(found.covariance), 0.0))
        mode = problem.mode(problem.pack(found.theta, found.scale, found.beta))
        eta = self.offset + self.x @ found.beta if mode is None else mode.eta
        flat = np.zeros(0) if mode is None else np.concatenate([mode.u1.ravel(), mode.u2])
        return Maximum(
            beta=found.beta,
            **_joint(found.covariance[m + s :, m + s :]),
            theta=found.theta,
            scale=found.scale,
            theta_errors=errors[:m],
            scale_error=float(errors[m]) if s else np.nan,
            loglik=found.loglik,
            gradient=found.gradient,
            separation=gone,
            fitted=eta,
            mode=flat,
        )

    def _near(self, problem: Problem, near: Maximum) -> Array | None:
        """Parameters of an earlier answer, off the boundary, where a gradient would vanish."""
        if not (np.isfinite(near.beta).all() and len(near.beta) == self.x.shape[1]):
            return None
        point = problem.pack(near.theta, near.scale, near.beta)
        low = np.concatenate([on_diagonal(self.parts), np.ones(problem.n_scale, bool)])
        inner = point[: len(low)]
        point[: len(low)] = np.where(low, np.maximum(inner, 0.05), inner)
        return point

    def _limit(self, gone: Separation) -> Maximum:
        """The model that is left when the separated rows are explained without rest."""
        p, keep = self.x.shape[1], gone.keep
        basis = row_space(self.x[keep])
        determined = np.abs(basis @ basis.T - np.eye(p)).max(axis=1) < 1e-7
        sign = np.sign(gone.direction)
        beta = np.where(determined, 0.0, np.where(sign == 0, np.nan, np.copysign(np.inf, sign)))
        covariance = np.full((p, p), np.nan)
        fitted = np.where(keep, 0.0, np.where(self.x @ gone.direction > 0, np.inf, -np.inf))
        if not keep.any():
            nan = np.full(sum(part.n_theta for part in self.parts), np.nan)
            return Maximum(
                beta=beta,
                **_joint(covariance),
                theta=nan,
                scale=self.family.scale and np.nan,
                theta_errors=nan,
                scale_error=np.nan,
                loglik=0.0,
                gradient=0.0,
                separation=gone,
                fitted=fitted,
                mode=np.zeros(0),
            )
        rest = Model(
            self.family.take(keep), self.x[keep] @ basis, self.offset[keep],
            tuple(part.take(keep) for part in self.parts), self.n_agq, None,
            Separation(np.ones(int(keep.sum()), bool), np.zeros(basis.shape[1])), self.held,
        )  # fmt: skip
        found = rest.maximise()
        known = basis @ found.beta
        beta = np.where(determined, known, beta)
        covariance[np.ix_(determined, determined)] = (basis @ found.covariance @ basis.T)[
            np.ix_(determined, determined)
        ]
        fitted[keep] = found.fitted
        return replace(
            found,
            beta=beta,
            **_joint(covariance),
            separation=gone,
            fitted=fitted,
            mode=np.zeros(0),
        )

    def draw(self, at: Maximum, n: int, rng: np.random.Generator) -> Array:
        """Events (n, N) drawn anew: random effects, then counts."""
        eta = np.tile(self.linear(at.beta), (n, 1))
        for part, theta in zip(self.parts, split(at.theta, self.parts), strict=True):
            drawn = rng.standard_normal((n, part.n_levels, len(part.effects)))
            effects = drawn @ part.factor(theta).T
            eta += (part.values * effects[:, part.levels]).sum(axis=2)
        family = self.family if at.scale is None else self.family.with_scale(at.scale)
        return family.draw(eta, rng)


def _joint(covariance: Array) -> _Joint:
    return {"variances": np.diag(covariance).copy(), "joint": partial(np.asarray, covariance)}


def _known(scale: float | None) -> float | None:
    """A dispersion that nothing determines is none."""
    return 0.0 if scale is not None and np.isnan(scale) else scale
