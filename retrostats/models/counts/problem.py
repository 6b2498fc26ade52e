"""One likelihood to maximise: a family, fixed and random effects, and how the integral is done.

Parameters stand in one vector: theta of the random terms, the dispersion scale if the family has
one, then the fixed effects in coordinates in which the information without random effects is the
identity. Covariates of random effects are divided by their root mean square, theta accordingly.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from retrostats.models.counts.family import Array, Family
from retrostats.models.counts.laplace import laplace, laplace_gradient
from retrostats.models.counts.optimise import minimise, polish
from retrostats.models.counts.pirls import Mode, find_mode, layout, slopes
from retrostats.models.counts.quadrature import Groups, quadrature
from retrostats.models.counts.random_effects import RandomPart, on_diagonal, upright

_START = 0.5


@dataclass
class Problem:
    """A family with its design; remembers the last mode as the next start.

    Attributes
    ----------
    family, x, offset, parts
        Rows, fixed effects (N, p) of full column rank, offset (N,), random terms.
    n_agq
        1 for Laplace, more for adaptive quadrature with one scalar term.
    jeffreys
        Design (N, p) whose information is Firth's penalty, or None.
    """

    family: Family
    x: Array
    offset: Array
    parts: tuple[RandomPart, ...]
    n_agq: int = 1
    jeffreys: Array | None = None
    beta_start: Array = field(init=False)
    back: Array = field(init=False)
    whitened: Array = field(init=False)

    def __post_init__(self) -> None:
        sizes = [np.sqrt((part.values**2).mean(axis=0)) for part in self.parts]
        sizes = [np.where(size > 0, size, 1.0) for size in sizes]
        self.parts = tuple(
            replace(part, values=part.values / size)
            for part, size in zip(self.parts, sizes, strict=True)
        )
        self.theta_size = np.concatenate(
            [np.zeros(0)]
            + [size[part.entries[0]] for part, size in zip(self.parts, sizes, strict=True)]
        )
        self.n_theta = sum(part.n_theta for part in self.parts)
        self.n_scale = int(self.family.scale is not None)
        self.pattern = layout(self.parts) if self.parts else None
        self.beta_start, information = glm(self.family, self.x, self.offset, self.jeffreys)
        lower = np.linalg.cholesky(information) if len(information) else information
        self.back = np.linalg.inv(lower).T
        self.whitened = self.x @ self.back
        if self.n_agq > 1 and self.parts:
            part = self.parts[0]
            self.groups = Groups(part.levels, part.n_levels, part.values[:, 0])
        self._start: tuple[Array, Array] | None = None
        self._last: tuple[Array, Mode] | None = None

    def unpack(self, parameters: Array) -> tuple[Array, float | None, Array]:
        """Theta, scale and the fixed effects, in the units of the data."""
        m, s = self.n_theta, self.n_scale
        scale = float(parameters[m]) if s else None
        return parameters[:m] / self.theta_size, scale, self.back @ parameters[m + s :]

    def pack(self, theta: Array, scale: float | None, beta: Array) -> Array:
        """The vector of these."""
        inner = [] if scale is None else [scale]
        scaled = theta * self.theta_size
        return np.concatenate([scaled, inner, np.linalg.solve(self.back, beta)])

    def start(self) -> Array:
        """Standard deviations of one half beside the fixed effects without random terms."""
        theta = np.where(on_diagonal(self.parts), _START, 0.0) / self.theta_size
        return self.pack(theta, _START if self.n_scale else None, self.beta_start)

    def negative(self, parameters: Array) -> tuple[float, Array]:
        """Minus the (penalised) log-likelihood, and its gradient."""
        value, gradient = self._integral(parameters)
        if self.jeffreys is not None:
            fixed = self.offset + self.whitened @ parameters[self.n_theta + self.n_scale :]
            with np.errstate(over="ignore", invalid="ignore"):
                prior, row = penalty(self.family, self.jeffreys, fixed)
            value -= prior
            gradient[self.n_theta + self.n_scale :] -= self.whitened.T @ row
        return value, gradient

    def _integral(self, parameters: Array) -> tuple[float, Array]:
        theta, (_, scale, _) = parameters[: self.n_theta], self.unpack(parameters)
        family = self.family if scale is None else self.family.with_scale(scale)
        fixed = self.offset + self.whitened @ parameters[self.n_theta + self.n_scale :]
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            if self.pattern is None:
                return self._plain(family, fixed)
            a = slopes(self.pattern, self.parts, theta)
            mode = find_mode(family, fixed, a, self._start)
            self._start = mode.u1, mode.u2
            self._last = parameters.copy(), mode
            if self.n_agq > 1:
                # eqs. 27 and 27a
                total, slope, row, by_dispersion = quadrature(
                    family, fixed, self.groups, theta, mode.u1[:, 0], self.n_agq
                )
                value, by_scale = float(total), float(by_dispersion)
                by_theta, by_beta = slope.reshape(1), self.whitened.T @ row
            else:
                # eqs. 24 to 26a
                value = laplace(mode)
                by_theta, by_beta, by_scale = laplace_gradient(
                    family, self.whitened, self.parts, a, mode
                )
        scale_part = [by_scale] * self.n_scale
        return -value, -np.concatenate([by_theta, scale_part, by_beta])

    def _plain(self, family: Family, fixed: Array) -> tuple[float, Array]:
        """A generalised linear model: no random terms."""
        scale_part = [float(family.by_scale(fixed)[0].sum())] if self.n_scale else []
        gradient = np.concatenate([scale_part, self.whitened.T @ family.score(fixed)])
        return -float(family.loglik(fixed).sum()), -gradient

    def mode(self, parameters: Array) -> Mode | None:
        """Mode of the random effects there."""
        if self.pattern is None:
            return None
        if self._last is None or not np.array_equal(self._last[0], parameters):
            self.negative(parameters)
        assert self._last is not None
        return self._last[1]

    def longest(self) -> Array:
        """Longest step: 1 in a standard deviation, 4 in eta by a fixed effect."""
        fixed = 4 / np.maximum(np.abs(self.whitened).max(axis=0, initial=0.0), 1e-300)
        return np.concatenate([np.ones(self.n_theta + self.n_scale), fixed])


@dataclass(frozen=True, slots=True)
class Optimum:
    """Where the likelihood is largest.

    Attributes
    ----------
    theta, scale, beta
        The parameters; diagonals of factors and the scale are not negative.
    covariance
        Of (theta, scale, beta), from the observed information; parameters at 0 carry NaN.
    loglik, gradient
        Log-likelihood, and the largest derivative left of minus it.
    """

    theta: Array
    scale: float | None
    beta: Array
    covariance: Array
    loglik: float
    gradient: float


_AT_ZERO = 1e-4
_ESCAPES = 3


def maximise(problem: Problem, start: Array | None = None, *, hold: bool = False) -> Optimum:
    """Maximum likelihood from the standard start, or from parameters near the answer.

    With `hold` theta and the scale stay as they are in `start`.
    """
    first = problem.start() if start is None else start
    kept = problem.n_theta + problem.n_scale if hold else 0
    longest = problem.longest()[kept:]

    def f(parameters: Array) -> tuple[float, Array]:
        value, gradient = problem.negative(np.concatenate([first[:kept], parameters]))
        return value, gradient[kept:]

    point, curvature, gradient = polish(f, minimise(f, first[kept:], longest), longest)
    for _ in range(_ESCAPES):
        roots, vectors = np.linalg.eigh(curvature)
        if not len(roots) or roots[0] > -1e-6 * roots[-1]:
            break
        # A saddle: at a variance of zero the gradient vanishes although more would be better.
        aside = point + _START * vectors[:, 0] / np.abs(vectors[:, 0]).max()
        point, curvature, gradient = polish(f, minimise(f, aside, longest), longest)
    point = np.concatenate([first[:kept], point])
    curvature = np.pad(curvature, ((kept, 0), (kept, 0)))
    theta, scale, beta = problem.unpack(point)
    m, s = problem.n_theta, problem.n_scale
    bounded = np.concatenate([on_diagonal(problem.parts), [True] * s, [False] * len(beta)])
    free = ~(bounded.astype(bool) & (np.abs(point) < _AT_ZERO))
    free[:kept] = False
    covariance = np.full((len(point), len(point)), np.nan)
    inverse = np.linalg.pinv(curvature[np.ix_(free, free)], hermitian=True)
    covariance[np.ix_(free, free)] = inverse
    back = np.diag(np.concatenate([1 / problem.theta_size, np.ones(s + len(beta))]))
    back[m + s :, m + s :] = problem.back
    with np.errstate(invalid="ignore"):
        held = np.where(np.isnan(covariance), 0.0, covariance)
        full = back @ held @ back.T
    full[~free] = np.nan
    full[:, ~free] = np.nan
    return Optimum(
        upright(theta, problem.parts), None if scale is None else abs(scale), beta, full,
        -problem.negative(point)[0], gradient,
    )  # fmt: skip


def penalty(family: Family, design: Array, eta: Array) -> tuple[float, Array]:
    """Firth's penalty log|X'WX| / 2 (1993, Biometrika 80:27), and its derivative by eta (N,).

    W is taken without the random effects, at the fixed part of eta.
    """
    _, weight, third = family.derivatives(eta)
    information = design.T @ (weight[:, None] * design)
    sign, logdet = np.linalg.slogdet(information)
    if sign <= 0 or not np.isfinite(logdet):
        return -np.inf, np.zeros(len(eta))
    # eq. 28b
    leverage = (design @ np.linalg.inv(information) * design).sum(axis=1)
    return 0.5 * float(logdet), 0.5 * leverage * third


def glm(
    family: Family, x: Array, offset: Array, jeffreys: Array | None = None
) -> tuple[Array, Array]:
    """Fixed effects without random ones, by damped Newton, and their information (p, p)."""
    beta = np.zeros(x.shape[1])
    information = np.zeros((0, 0))

    def value_at(eta: Array) -> float:
        prior = 0.0 if jeffreys is None else penalty(family, jeffreys, eta)[0]
        return float(family.loglik(eta).sum()) + prior

    with np.errstate(over="ignore", invalid="ignore"):
        value = value_at(offset)
        for _ in range(100):
            score, weight, _ = family.derivatives(offset + x @ beta)
            if jeffreys is not None:
                score = score + penalty(family, jeffreys, offset + x @ beta)[1]
            information = x.T @ (weight[:, None] * x)
            ridge = 1e-12 * np.diag(np.diag(information).clip(1e-12))
            step = np.linalg.solve(information + ridge, x.T @ score)
            size = min(1.0, 4.0 / max(1e-12, float(np.abs(x @ step).max(initial=0.0))))
            new = -np.inf
            while size > 1e-10:
                new = value_at(offset + x @ (beta + size * step))
                if new >= value - 1e-10 * (1 + abs(value)):
                    break
                size /= 2
            beta, value = beta + size * step, new
            if np.abs(x @ step).max(initial=0.0) < 1e-6:
                break
    return beta, information
