"""The profiled deviance of crossed factors, its exact gradient and an average-information Hessian.

Equation numbers refer to docs/mathematics.md, section 18.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi

import numpy as np
from numpy.linalg import LinAlgError

from retrostats.models.linear.crossed.factor import Factor, factorise
from retrostats.models.linear.crossed.layout import Crossed
from retrostats.models.linear.crossed.selected import inverse_sums
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.criterion import Point

FLOOR = 1e-7  # diagonal of a factor below which it counts as this: even in theta, so exact to 1e-14


@dataclass(frozen=True, slots=True)
class Solved:
    """The mixed-model equations at one theta.

    g = Z'V^-1X (q, p); e = Z'V^-1 r (q,); u = A^-1 Lambda'Z'X (q, p); c = (X'V^-1X)^-1.
    """

    lams: list[FloatArray]
    factor: Factor
    deviance: float
    delta: FloatArray
    xvx: FloatArray
    c: FloatArray
    rss: float
    sigma2: float
    nu: int
    u: FloatArray
    g: FloatArray
    e: FloatArray


def factors(data: Crossed, theta: FloatArray, floor: float = FLOOR) -> list[FloatArray]:
    """Lambda of one level (k, k), a group each; diagonals not below `floor`."""
    out: list[FloatArray] = [np.zeros((g.k, g.k)) for g in data.groups]
    for value, (g, i, j) in zip(theta, data.positions, strict=True):
        small = i == j and abs(value) < floor
        out[g][i, j] = floor if small else value
    return out


def turned(data: Crossed, lams: list[FloatArray], v: FloatArray, how: str) -> FloatArray:
    """Lambda' v ("t"), Lambda v ("n") or Lambda^-T v ("i") for v (q, c)."""
    out = np.empty_like(v)
    for group, lam in zip(data.groups, lams, strict=True):
        by = lam if how == "n" else lam.T if how == "t" else np.linalg.inv(lam).T
        rows = v[group.columns].reshape(group.levels, group.k, -1)
        out[group.columns] = (by @ rows).reshape(group.width, -1)
    return out


def whitened(
    data: Crossed, lams: list[FloatArray], factor: Factor, v: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """u = A^-1 Lambda' v, and (I + Z'Z Psi)^-1 v = Lambda^-T u (eq. 47)."""
    # eqs. 46 and 47
    u = factor.solve(turned(data, lams, v, "t"))
    return u, turned(data, lams, u, "i")


def solve(data: Crossed, theta: FloatArray, *, reml: bool, floor: float = FLOOR) -> Solved:
    """Solve the mixed-model equations (eqs. 45-47).

    Raises
    ------
    LinAlgError
        The residual variance vanishes.
    """
    lams = factors(data, theta, floor)
    factor = factorise(data, lams)
    p = len(data.xy)
    z = np.column_stack([data.zx, data.zy])
    # eqs. 46 and 47: X'V^-1 [X r] and Z'V^-1 [X r]
    u, k = whitened(data, lams, factor, z)
    moved = turned(data, lams, u, "n")
    both = z.T @ moved
    xvx = np.eye(p) - both[:p, :p]
    xvx = 0.5 * (xvx + xvx.T)
    xvy = data.xy - both[:p, p]
    # eqs. 6-8, log|V| from eq. 45
    root = np.linalg.cholesky(xvx)
    c = np.linalg.inv(xvx)  # X is orthonormal: well conditioned, and needed whole
    delta = np.linalg.solve(xvx, xvy)
    rss = data.yy - float(both[p, p]) - float(delta @ xvy)
    if not rss > 1e-14 * data.yy:
        raise LinAlgError("the residual variance vanished")
    nu = data.n_obs - p if reml else data.n_obs
    deviance = factor.logdet + nu * (1.0 + log(2.0 * pi * rss / nu))
    if reml:
        deviance += 2.0 * float(np.log(np.diag(root)).sum()) + data.log_basis
    e = k[:, p] - k[:, :p] @ delta
    return Solved(
        lams=lams,
        factor=factor,
        deviance=deviance,
        delta=delta,
        xvx=xvx,
        c=c,
        rss=rss,
        sigma2=rss / nu,
        nu=nu,
        u=u[:, :p],
        g=k[:, :p],
        e=e,
    )


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What the deviance loses by each group's Psi (k, k): log-determinants, and e'e."""

    logdet: list[FloatArray]
    fit: list[FloatArray]


def sensitivity(
    data: Crossed, at: Solved, *, reml: bool, sums: list[FloatArray] | None = None
) -> Sensitivity:
    """Derivatives of log|V| (and log|X'V^-1X|) and of -rss by Psi of each group (eq. 48).

    `sums` are those of `inverse_sums`, where they are known.
    """
    logdet: list[FloatArray] = []
    fit: list[FloatArray] = []
    sums = inverse_sums(data, at.factor) if sums is None else sums
    for group, lam, s in zip(data.groups, at.lams, sums, strict=True):
        # eq. 48: Lambda'^-1 (L I - sum (A^-1)_ll) Lambda^-1
        back = np.linalg.inv(lam)
        total = back.T @ (group.levels * np.eye(group.k) - s) @ back
        if reml:
            # eq. 48: REML's g C g'
            g = at.g[group.columns].reshape(group.levels, group.k, -1)
            total = total - np.einsum("lip,pq,ljq->ij", g, at.c, g, optimize=True)
        # eq. 48: e e', weighted by nu / rss later
        e = at.e[group.columns].reshape(group.levels, group.k)
        logdet.append(0.5 * (total + total.T))
        fit.append(e.T @ e)
    return Sensitivity(logdet, fit)


def along(data: Crossed, lams: list[FloatArray], matrices: list[FloatArray]) -> FloatArray:
    """Derivative by theta of what has these derivatives by Psi: 2 (M Lambda)_ij."""
    # eq. 48: 2 (M Lambda)_ij
    products = [2.0 * m @ lam for m, lam in zip(matrices, lams, strict=True)]
    return np.array([products[g][i, j] for g, i, j in data.positions])


def evaluate(data: Crossed, theta: FloatArray, *, reml: bool) -> Point:
    """Deviance with exact gradient; the Hessian is the average information (eq. 49)."""
    at = solve(data, theta, reml=reml)
    parts = sensitivity(data, at, reml=reml)
    ratio = at.nu / at.rss
    m = [a - ratio * b for a, b in zip(parts.logdet, parts.fit, strict=True)]
    gradient = along(data, at.lams, m)
    gradient[np.array(data.diagonal) & (np.abs(theta) < FLOOR)] = 0.0  # even in these alone
    # eq. 49: e'Psi_i W Psi_j e by one solution a parameter
    v = psi_directions(data, at.lams, at.e)
    _, wv = whitened(data, at.lams, at.factor, data.c @ v)
    fit = v.T @ at.e
    cross = v.T @ at.g
    # eq. 49: the average information
    hessian = ratio * (v.T @ wv - cross @ at.c @ cross.T) - ratio / at.rss * np.outer(fit, fit)
    hessian += second_directions(data, m)
    hessian = 0.5 * (hessian + hessian.T)
    return Point(at.deviance, gradient, hessian, at.delta, at.xvx, at.rss, at.sigma2)


def second_directions(data: Crossed, m: list[FloatArray]) -> FloatArray:
    """tr(M d2 Psi) (k, k), M (k, k) of each group (eq. 49)."""
    out = np.zeros((len(data.positions),) * 2)
    for a, (g, i, j) in enumerate(data.positions):
        for b, (h, r, s) in enumerate(data.positions):
            if g == h and j == s:
                out[a, b] = 2.0 * m[g][i, r]
    return out


def psi_directions(data: Crossed, lams: list[FloatArray], e: FloatArray) -> FloatArray:
    """(dPsi / dtheta_i) e, a column each (q, k)."""
    out = np.zeros((len(e), len(data.positions)))
    for n, (g, i, j) in enumerate(data.positions):
        group = data.groups[g]
        unit = np.zeros((group.k, group.k))
        unit[i, j] = 1.0
        direction = unit @ lams[g].T
        rows = e[group.columns].reshape(group.levels, group.k)
        out[group.columns, n] = (rows @ (direction + direction.T)).ravel()
    return out
