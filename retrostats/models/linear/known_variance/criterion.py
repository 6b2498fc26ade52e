"""Deviance of a mixed model whose residual variances are known, with its first two derivatives.

V = R + sum of gamma_i G_i, R known. The parameters gamma are variances and covariances of the
random effects, term by term as the lower triangle of a matrix read by columns; the optimiser
moves in theta, the Cholesky factors of those matrices, so that they stay covariances.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.linalg import LinAlgError
from numpy.typing import NDArray

from retrostats.common.errors import NotConverged
from retrostats.models.linear.known_variance.model import Array, KnownModel

_MAX_STEPS = 100
#: Expected fall of the deviance at which the last Newton step is taken.
_CONVERGED = 1e-11
#: A random effect whose standard deviation is this share of the unit is none.
_BOUNDARY = 1e-6
#: Fall of the deviance by which a second start must win.
_SLACK = 1e-7


@dataclass(frozen=True, slots=True)
class State:
    """The criterion at one set of covariance parameters.

    Attributes
    ----------
    deviance : float
        Minus twice the (restricted) log-likelihood, constants included.
    beta, phi : (p,) and (p, p) arrays
        Generalised least squares and its covariance.
    gradient, hessian : (q,) and (q, q) arrays
        Of the deviance by gamma, fixed effects profiled out.
    p, q : (q, p, p) and (q, q, p, p) arrays
        X'V^-1 G_i V^-1 X and X'V^-1 G_i V^-1 G_j V^-1 X.
    information : (q, q) array
        tr(P G_i P G_j), twice the expected REML information.
    residual : float
        Weighted residual sum of squares.
    """

    deviance: float
    beta: Array
    phi: Array
    gradient: Array
    hessian: Array
    p: Array
    q: Array
    information: Array
    residual: float


def deviance(model: KnownModel, gamma: Array, *, reml: bool) -> float:
    """Minus twice the (restricted) log-likelihood."""
    cross, logdet, _ = _cross(model, gamma)
    return _deviance(model, cross, logdet, reml=reml)[0]


def _cross(model: KnownModel, gamma: Array) -> tuple[Array, float, list[tuple[Array, Array]]]:
    """[X y]'V^-1[X y], log|V|, and per stack V^-1 and V^-1[X y]."""
    p1 = model.x.shape[1] + 1
    total: Array = np.zeros((p1, p1))
    logdet, parts = 0.0, []
    for s in model.stacks:
        v = s.r + np.tensordot(gamma, s.g, 1)
        factor = np.linalg.cholesky(v)
        half = np.linalg.inv(factor)
        logdet += 2 * float(np.log(np.einsum("bii->bi", factor)).sum())
        xy = np.concatenate([s.x, s.y[..., None]], axis=2)
        white = half @ xy
        total = total + np.tensordot(white, white, ((0, 1), (0, 1)))
        turned = np.swapaxes(half, 1, 2)
        parts.append((turned @ half, turned @ white))
    return total, logdet, parts


def _deviance(
    model: KnownModel, cross: Array, logdet: float, *, reml: bool
) -> tuple[float, Array, Array, float]:
    p = len(cross) - 1
    factor = np.linalg.cholesky(cross[:p, :p])
    inverse = np.linalg.inv(factor)
    phi = inverse.T @ inverse
    beta = phi @ cross[:p, p]
    residual = max(0.0, float(cross[p, p] - cross[:p, p] @ beta))
    value = logdet + residual + len(model.y) * math.log(2 * math.pi)
    if reml:
        value += 2 * float(np.log(np.diag(factor)).sum()) - p * math.log(2 * math.pi)
        value -= float(np.linalg.slogdet(model.x.T @ model.x)[1])
    return value, beta, phi, residual


def evaluate(model: KnownModel, gamma: Array, *, reml: bool) -> State:
    """Deviance, derivatives and the ingredients of Kenward and Roger's adjustment at gamma."""
    cross, logdet, parts = _cross(model, gamma)
    value, beta, phi, residual = _deviance(model, cross, logdet, reml=reml)
    k, p = len(gamma), len(beta)
    trace, fit = np.zeros(k), np.zeros(k)
    trace2, curve = np.zeros((k, k)), np.zeros((k, k))
    ps, qs, lean = np.zeros((k, p, p)), np.zeros((k, k, p, p)), np.zeros((k, p))
    for s, (inverse, solved) in zip(model.stacks, parts, strict=True):
        wx, u = solved[..., :p], solved[..., p] - solved[..., :p] @ beta
        product = inverse @ s.g
        trace += np.einsum("kbii->k", product)
        flat = product.reshape(k, -1)
        trace2 += flat @ np.swapaxes(product, 2, 3).reshape(k, -1).T
        both = s.g @ np.concatenate([wx, u[..., None]], axis=2)  # (k, b, m, p + 1)
        gx, h = both[..., :p], both[..., p]
        fit += np.einsum("kbm,bm->k", h, u)
        ps += np.einsum("bmp,kbmr->kpr", wx, gx)
        lean += np.einsum("bmp,kbm->kp", wx, h)
        solved_both = inverse @ both
        curve += np.einsum("kbm,lbm->kl", h, solved_both[..., p])
        qs += np.einsum("kbmp,lbmr->klpr", gx, solved_both[..., :p])
    phi_p = phi @ ps
    information = trace2 - 2 * np.einsum("klpr,rp->kl", qs, phi)
    information += np.einsum("kpr,lrp->kl", phi_p, phi_p)
    curve -= lean @ phi @ lean.T
    if reml:
        trace = trace - np.einsum("kpp->k", phi_p)
    gradient = trace - fit
    hessian = 2 * curve - (information if reml else trace2)
    return State(
        deviance=value,
        beta=beta,
        phi=phi,
        gradient=gradient,
        hessian=hessian,
        p=ps,
        q=qs,
        information=information,
        residual=residual,
    )


@lru_cache(maxsize=64)
def _pairs(sizes: tuple[int, ...]) -> tuple[tuple[int, int, int], ...]:
    """Term, row and column of each parameter."""
    return tuple((t, a, b) for t, r in enumerate(sizes) for b in range(r) for a in range(b, r))


def factors(sizes: tuple[int, ...], theta: Array) -> list[Array]:
    """Lower triangular factor (r, r) of each term."""
    out = [np.zeros((r, r)) for r in sizes]
    for value, (t, a, b) in zip(theta, _pairs(sizes), strict=True):
        out[t][a, b] = value
    return out


def to_gamma(sizes: tuple[int, ...], theta: Array) -> Array:
    """Variances and covariances of the terms."""
    squares = [factor @ factor.T for factor in factors(sizes, theta)]
    return np.array([squares[t][a, b] for t, a, b in _pairs(sizes)])


def _chain(sizes: tuple[int, ...], theta: Array, state: State) -> tuple[Array, Array]:
    """Gradient and Hessian by theta."""
    pairs, lower = _pairs(sizes), factors(sizes, theta)
    jacobian = np.zeros((len(pairs), len(pairs)))
    extra = np.zeros((len(pairs), len(pairs)))
    at = {pair: i for i, pair in enumerate(pairs)}
    for i, (t, a, b) in enumerate(pairs):
        for m in range(b + 1):  # gamma_ab is the sum over m of factor_am factor_bm
            jacobian[i, at[t, a, m]] += lower[t][b, m]
            jacobian[i, at[t, b, m]] += lower[t][a, m]
            extra[at[t, a, m], at[t, b, m]] += state.gradient[i]
            extra[at[t, b, m], at[t, a, m]] += state.gradient[i]
    return jacobian.T @ state.gradient, jacobian.T @ state.hessian @ jacobian + extra


@dataclass(frozen=True, slots=True)
class Optimum:
    """Where the deviance is lowest.

    Attributes
    ----------
    theta, gamma : (q,) arrays
    state : State
    singular : bool
        A variance is zero, or a correlation one in absolute value.
    """

    theta: Array
    gamma: Array
    state: State
    singular: bool


def minimise(
    model: KnownModel,
    *,
    reml: bool,
    start: Array | None = None,
    fixed: NDArray[np.bool_] | None = None,
) -> Optimum:
    """Lowest deviance over theta: Newton from the best of several starts.

    Parameters
    ----------
    start : (q,) array
        Where to begin, for a profile; by default the lowest of a small design of starts, and
        the runner-up too where the first ends at a boundary.
    fixed : (q,) bool array
        Parameters held at `start`.

    Raises
    ------
    NotConverged
        Newton's steps did not reach a stationary point.
    """
    sizes = model.sizes
    pairs = _pairs(sizes)
    if not pairs:
        nothing = np.zeros(0)
        return Optimum(nothing, nothing, evaluate(model, nothing, reml=reml), False)
    unit = _unit(model)
    free = np.ones(len(pairs), dtype=bool) if fixed is None else ~fixed
    if start is not None:
        return _newton(model, start, free, unit, reml=reml)
    starts = _starts(model, unit)
    values = [deviance(model, to_gamma(sizes, theta), reml=reml) for theta in starts]
    order = np.argsort(values, kind="stable")
    best = _newton(model, starts[order[0]], free, unit, reml=reml)
    if best.singular and len(order) > 1:
        other = _newton(model, starts[order[1]], free, unit, reml=reml)
        if other.state.deviance < best.state.deviance - _SLACK:
            best = other
    return best


def _unit(model: KnownModel) -> float:
    """A standard deviation of the size of what is to be explained."""
    residual = model.y - model.x @ np.linalg.lstsq(model.x, model.y, rcond=None)[0]
    spread = float(residual @ residual) / max(1, len(residual) - model.x.shape[1])
    return math.sqrt(max(spread, 0.01 * float(np.diag(model.r).mean())))


def _starts(model: KnownModel, unit: float) -> list[Array]:
    """Diagonal factors: all terms alike, and each larger than the others in turn."""
    pairs = _pairs(model.sizes)
    scales = [
        1 / max(1e-150, math.sqrt(float(np.mean(term.values[:, a] ** 2))))
        for term in model.random
        for a in range(term.values.shape[1])
    ]
    diagonal = [i for i, (_, a, b) in enumerate(pairs) if a == b]
    owner = np.array([pairs[i][0] for i in diagonal])
    shapes = [np.full(len(diagonal), share) for share in (0.2, 0.7)]
    if len(model.sizes) > 1:
        shapes += [np.where(owner == t, 0.8, 0.15) for t in range(len(model.sizes))]
    out = []
    for shape in shapes:
        theta = np.zeros(len(pairs))
        theta[diagonal] = unit * shape * np.array(scales)
        out.append(theta)
    return out


def _newton(
    model: KnownModel, theta: Array, free: NDArray[np.bool_], unit: float, *, reml: bool
) -> Optimum:
    sizes = model.sizes
    state = evaluate(model, to_gamma(sizes, theta), reml=reml)
    if not free.any():
        return Optimum(theta, to_gamma(sizes, theta), state, False)
    for _ in range(_MAX_STEPS):
        gradient, hessian = _chain(sizes, theta, state)
        step, fall = _step(gradient[free], hessian[np.ix_(free, free)], unit)
        moved = _search(model, theta, state, free, step, fall, reml=reml)
        if moved is None:
            break
        theta, state = moved
        if fall < _CONVERGED:
            break
    else:
        raise NotConverged(
            f"{model.formula.text!r}: no minimum of the deviance after {_MAX_STEPS} steps; "
            "simplify the random effects or rescale covariates"
        )
    theta, state = _snap(model, theta, state, free, unit, reml=reml)
    diagonal = np.array([a == b for _, a, b in _pairs(sizes)])
    singular = bool((np.abs(theta[diagonal & free]) < _BOUNDARY * unit).any())
    return Optimum(theta, to_gamma(sizes, theta), state, singular)


def _step(gradient: Array, hessian: Array, unit: float) -> tuple[Array, float]:
    """Step downhill with the curvatures taken positive, and how far the deviance should fall."""
    values, vectors = np.linalg.eigh(hessian)
    size = np.maximum(np.abs(values), 1e-8 * max(float(np.abs(values).max()), 1e-300))
    turned = vectors.T @ gradient
    # On a saddle (a standard deviation of 0 that should not be) the gradient vanishes: leave it.
    stuck = (values < -1e-4 * size.max()) & (np.abs(turned) < 1e-9 * size * unit)
    turned = np.where(stuck, -0.1 * unit * size, turned)
    step = -vectors @ (turned / size)
    fall = 0.5 * float(turned @ (turned / size))
    longest = float(np.abs(step).max()) if len(step) else 0.0
    return (step * (2 * unit / longest) if longest > 2 * unit else step), fall


def _search(
    model: KnownModel, theta: Array, state: State, free: NDArray[np.bool_],
    step: Array, fall: float, *, reml: bool,
) -> tuple[Array, State] | None:  # fmt: skip
    rounding = 1e-12 * max(1.0, abs(state.deviance))
    for halving in range(30):
        new = theta.copy()
        new[free] += step * 0.5**halving
        try:
            candidate = evaluate(model, to_gamma(model.sizes, new), reml=reml)
        except LinAlgError:
            continue
        if candidate.deviance < state.deviance - rounding:
            return new, candidate
        if fall < 1e-6 and candidate.deviance <= state.deviance + rounding:
            return new, candidate
    return None


def _snap(
    model: KnownModel, theta: Array, state: State, free: NDArray[np.bool_], unit: float,
    *, reml: bool,
) -> tuple[Array, State]:  # fmt: skip
    """Columns of a factor that are next to nothing become nothing."""
    for i, (t, _, b) in enumerate(_pairs(model.sizes)):
        column = np.array([(u, d) == (t, b) for u, _, d in _pairs(model.sizes)])
        small = np.abs(theta[column]).max() < 1e-4 * unit
        if free[i] and theta[i] != 0.0 and small:
            trial = np.where(column & free, 0.0, theta)
            candidate = evaluate(model, to_gamma(model.sizes, trial), reml=reml)
            if candidate.deviance <= state.deviance + 1e-10 * max(1.0, abs(state.deviance)):
                theta, state = trial, candidate
    return theta, state
