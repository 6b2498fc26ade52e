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

from retrostats.models.linear.known_variance.covariance import Array
from retrostats.models.linear.known_variance.model import KnownModel


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


def precisions(model: KnownModel, gamma: Array) -> list[tuple[Array, Array]]:
    """V^-1 (b, m, m) and V^-1 [X y] (b, m, p + 1) of each stack; the identity on padding."""
    return _cross(model, gamma)[2]


def solved(model: KnownModel, parts: list[tuple[Array, Array]]) -> Array:
    """V^-1 [X y] (n, p + 1) of `precisions`, in the order of the data."""
    out = np.zeros((len(model.y), model.x.shape[1] + 1))
    for s, (_, part) in zip(model.stacks, parts, strict=True):
        real = s.rows >= 0
        out[s.rows[real]] = part[real]
    return out


def _deviance(
    model: KnownModel, cross: Array, logdet: float, *, reml: bool
) -> tuple[float, Array, Array, float]:
    p = len(cross) - 1
    factor = np.linalg.cholesky(cross[:p, :p])
    inverse = np.linalg.inv(factor)
    phi = inverse.T @ inverse
    beta = phi @ cross[:p, p]
    residual = max(0.0, float(cross[p, p] - cross[:p, p] @ beta))
    # eq. P1
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
        # u = V^-1 (y - X beta) and V^-1 X, block by block
        wx, u = solved[..., :p], solved[..., p] - solved[..., :p] @ beta
        # eqs. P1a and P1b: tr(V^-1 G_i) and tr(V^-1 G_i V^-1 G_j)
        product = inverse @ s.g
        trace += np.einsum("kbii->k", product)
        flat = product.reshape(k, -1)
        trace2 += flat @ np.swapaxes(product, 2, 3).reshape(k, -1).T
        both = s.g @ np.concatenate([wx, u[..., None]], axis=2)  # (k, b, m, p + 1)
        gx, h = both[..., :p], both[..., p]
        # eq. P1a: u'G_i u; eq. 15: P_i and what u shares with it
        fit += np.einsum("kbm,bm->k", h, u)
        ps += np.einsum("bmp,kbmr->kpr", wx, gx)
        lean += np.einsum("bmp,kbm->kp", wx, h)
        solved_both = inverse @ both
        # eq. P1b: u'G_i V^-1 G_j u; eq. 15: Q_ij
        curve += np.einsum("kbm,lbm->kl", h, solved_both[..., p])
        qs += np.einsum("kbmp,lbmr->klpr", gx, solved_both[..., :p])
    phi_p = phi @ ps
    # eq. 16: tr(P G_i P G_j), and P in place of V^-1 in eq. P1b
    information = trace2 - 2 * np.einsum("klpr,rp->kl", qs, phi)
    information += np.einsum("kpr,lrp->kl", phi_p, phi_p)
    curve -= lean @ phi @ lean.T
    if reml:
        trace = trace - np.einsum("kpp->k", phi_p)
    # eqs. P1a and P1b
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
def pairs_of(sizes: tuple[int, ...]) -> tuple[tuple[int, int, int], ...]:
    """Term, row and column of each parameter."""
    return tuple((t, a, b) for t, r in enumerate(sizes) for b in range(r) for a in range(b, r))


def factors(sizes: tuple[int, ...], theta: Array) -> list[Array]:
    """Lower triangular factor (r, r) of each term."""
    out = [np.zeros((r, r)) for r in sizes]
    for value, (t, a, b) in zip(theta, pairs_of(sizes), strict=True):
        out[t][a, b] = value
    return out


def to_gamma(sizes: tuple[int, ...], theta: Array) -> Array:
    """Variances and covariances of the terms."""
    squares = [factor @ factor.T for factor in factors(sizes, theta)]
    return np.array([squares[t][a, b] for t, a, b in pairs_of(sizes)])


def by_theta(sizes: tuple[int, ...], theta: Array, state: State) -> tuple[Array, Array]:
    """Gradient and Hessian by theta."""
    pairs, lower = pairs_of(sizes), factors(sizes, theta)
    jacobian = np.zeros((len(pairs), len(pairs)))
    extra = np.zeros((len(pairs), len(pairs)))
    at = {pair: i for i, pair in enumerate(pairs)}
    # By the chain rule to the elements of the factors.
    for i, (t, a, b) in enumerate(pairs):
        for m in range(b + 1):  # gamma_ab is the sum over m of factor_am factor_bm
            jacobian[i, at[t, a, m]] += lower[t][b, m]
            jacobian[i, at[t, b, m]] += lower[t][a, m]
            extra[at[t, a, m], at[t, b, m]] += state.gradient[i]
            extra[at[t, b, m], at[t, a, m]] += state.gradient[i]
    return jacobian.T @ state.gradient, jacobian.T @ state.hessian @ jacobian + extra
