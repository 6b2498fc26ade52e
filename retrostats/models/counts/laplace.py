"""Laplace log-likelihood and its exact gradient.

With b = Lambda u and u standard normal the integrand is expanded about its mode, which moves with
the parameters; its derivative follows from the equation A'(y - mu) = u that defines it (implicit
differentiation; docs/mathematics.md, section 12; compare Kristensen et al. 2016, Journal of
Statistical Software 70(5), equation 7).
"""

from __future__ import annotations

import numpy as np

from retrostats.models.counts.family import Array, Family
from retrostats.models.counts.pirls import Mode, Slopes
from retrostats.models.counts.random_effects import RandomPart


def laplace(mode: Mode) -> float:
    """Log-likelihood at the mode."""
    # eq. 24
    return mode.value - 0.5 * mode.factor.logdet


def laplace_gradient(
    family: Family, x: Array, parts: tuple[RandomPart, ...], a: Slopes, mode: Mode
) -> tuple[Array, Array, float]:
    """Derivatives of `laplace` by theta, by the fixed effects of x (N, p), and by the scale."""
    p = a.pattern
    # eq. 24b: leverages from the entries of H^-1 within a row's own levels
    first, cross, rest = mode.factor.own_inverse()
    if p.k_first == 1:
        pa1 = first[p.first, :, 0] * a.a1
    else:
        pa1 = (first[p.first] @ a.a1[:, :, None])[:, :, 0]
    leverage = (a.a1 * pa1).sum(axis=1)
    pa2 = a.a2
    if p.size:
        shared = cross[p.slot]  # (N, E, k)
        e = a.a2.shape[1]
        pa1 = pa1 + (shared * a.a2[:, :, None]).sum(axis=1)
        pa2 = (shared * a.a1[:, None, :]).sum(axis=2)
        pa2 = pa2 + (rest[p.own_at].reshape(-1, e, e) * a.a2[:, None, :]).sum(axis=2)
        leverage = (a.a1 * pa1).sum(axis=1) + (a.a2 * pa2).sum(axis=1)
    # eq. 24b: kappa and t
    half = 0.5 * leverage * mode.third
    t1, t2 = mode.factor.solve(*a.columns(half, len(p.place)))
    moved = a.rows(t1, t2)
    # eq. 25: c = s - kappa + W A t
    core = mode.score - half + mode.weight * moved
    theta: list[Array] = [np.zeros(0)] * len(parts)
    begin = 0
    for position, j in enumerate(p.order):
        part = parts[j]
        k = len(part.effects)
        if position == 0:
            u, t, pa = mode.u1[p.first], t1[p.first], pa1
        else:
            here = slice(begin, begin + k)
            u, t, pa = mode.u2[p.column[:, here]], t2[p.column[:, here]], pa2[:, here]
            begin += k
        # eq. 26
        inner = core[:, None] * u - mode.score[:, None] * t - mode.weight[:, None] * pa
        theta[j] = (part.values.T @ inner)[part.entries]
    scale = 0.0
    if family.scale is not None:
        by_loglik, by_score, by_weight = family.by_scale(mode.eta)
        # eq. 26a
        scale = float((by_loglik - 0.5 * leverage * by_weight - moved * by_score).sum())
    return np.concatenate(theta), x.T @ core, scale
