"""The criterion of `crossed/criterion.py` for many outcomes of one design, replicates first.

Z'Z and Z'X belong to the design; a replicate has its own theta and its own products with the
outcome. Matrices are small here, so that a step of all replicates costs little more than one of
one. Equation numbers refer to docs/mathematics.md, section 18.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi
from typing import NamedTuple

import numpy as np

from retrostats.models.linear.blocks.gram import Gram
from retrostats.models.linear.crossed.criterion import FLOOR
from retrostats.models.linear.crossed.layout import Crossed
from retrostats.models.linear.formula.columns import FloatArray, IntArray

#: Numbers of the products between the group that is eliminated and the rest, above which refits
#: are made one by one: a dense array of them would be slower than the sparse engine.
MOST = 60_000
_TINY = 1e-14  # share of y'y that counts as no residual variance


class Levels(NamedTuple):
    """A group: L levels with k effects each, from `start` on."""

    levels: int
    k: int
    start: int

    @property
    def at(self) -> slice:
        """Where they stand."""
        return slice(self.start, self.start + self.levels * self.k)


@dataclass(frozen=True, slots=True)
class Shared:
    """What replicates share; random effects in the order of elimination.

    own (L, k, k), c21 (m, L k), c22 (m, m): Z'Z; zx (q, p); positions (group, row, column) of each
    element of theta; order (q,) of the random effects in the caller's products.
    """

    groups: tuple[Levels, ...]
    positions: tuple[tuple[int, int, int], ...]
    own: FloatArray
    c21: FloatArray
    c22: FloatArray
    zx: FloatArray
    order: IntArray
    n_obs: int
    log_basis: float
    sizes: tuple[int, ...]
    diagonal: tuple[bool, ...]
    reml: bool

    @classmethod
    def of_crossed(cls, data: Crossed, *, reml: bool) -> Shared | None:
        """The design of crossed factors; None where it is too large."""
        groups = tuple(Levels(g.levels, g.k, g.start) for g in data.groups)
        first = groups[0].levels * groups[0].k
        if first * (data.c.shape[0] - first) > MOST:
            return None
        order = np.arange(data.c.shape[0])
        return cls._made(groups, data.positions, data.c.toarray(), data.zx, order, data, reml)

    @classmethod
    def of_gram(cls, gram: Gram, *, reml: bool) -> Shared | None:
        """The design of one connected block; None where there are several, or it is too large."""
        if len(gram.stacks) != 1 or gram.signed:
            return None
        (stack,) = gram.stacks
        if stack.scatter is not None or stack.n.tolist() != [1.0]:
            return None
        here = stack.rows == stack.cols
        by_column = np.empty(stack.zz.shape[1], dtype=np.intp)
        by_column[stack.rows[here]] = stack.theta[here]
        terms, begun = [], 0
        for k in gram.sizes:
            last = begun + k * (k + 1) // 2
            terms.append(np.flatnonzero((by_column >= begun) & (by_column < last)))
            begun = last
        turn = sorted(range(len(terms)), key=lambda t: -len(terms[t]))
        groups, start = [], 0
        for t in turn:
            k = gram.sizes[t]
            groups.append(Levels(len(terms[t]) // k, k, start))
            start += len(terms[t])
        first = len(terms[turn[0]])
        if first * (start - first) > MOST:
            return None
        place = {t: g for g, t in enumerate(turn)}
        positions = tuple(
            (place[t], i, j)
            for t, k in enumerate(gram.sizes)
            for j in range(k)
            for i in range(j, k)
        )
        order = np.concatenate([terms[t] for t in turn])
        c = stack.zz[0][np.ix_(order, order)]
        return cls._made(tuple(groups), positions, c, stack.zx[0][order], order, gram, reml)

    @classmethod
    def _made(
        cls, groups: tuple[Levels, ...], positions: tuple[tuple[int, int, int], ...],
        c: FloatArray, zx: FloatArray, order: IntArray, data: Crossed | Gram, reml: bool,
    ) -> Shared:  # fmt: skip
        levels, k, _ = groups[0]
        width, each = levels * k, np.arange(levels)
        own = c[:width, :width].reshape(levels, k, levels, k)[each, :, each]
        return cls(
            groups=groups, positions=positions, own=own, c21=c[width:, :width].copy(),
            c22=c[width:, width:].copy(), zx=zx, order=order, n_obs=data.n_obs,
            log_basis=data.log_basis, sizes=data.sizes, diagonal=data.diagonal, reml=reml,
        )  # fmt: skip


class Outcomes(NamedTuple):
    """Products of R outcomes: Z'y (R, q), X'y (R, p) and y'y (R,)."""

    zy: FloatArray
    xy: FloatArray
    yy: FloatArray


class Stacked(NamedTuple):
    """R solutions: deviance (R,), slopes (R, t), curvatures (R, t, t), and as in `Solved`."""

    deviance: FloatArray
    gradient: FloatArray
    curvature: FloatArray
    delta: FloatArray
    xvx: FloatArray
    sigma2: FloatArray


def evaluate(shared: Shared, outcomes: Outcomes, theta: FloatArray) -> Stacked:
    """Deviance, gradient and average information of R outcomes at theta (R, t).

    Raises
    ------
    LinAlgError
        A matrix is not positive definite.
    """
    lams = _factors(shared, theta)
    factor = _Factor(shared, lams)
    p, q = outcomes.xy.shape[1], len(shared.zx)
    count = len(theta)
    z = np.concatenate([np.broadcast_to(shared.zx, (count, q, p)), outcomes.zy[:, :, None]], axis=2)
    # eqs. 46 and 47: X'V^-1 [X y] and Z'V^-1 [X y]
    u = factor.solve(_turned(shared, lams, z, "t"))
    k, moved = _turned(shared, lams, u, "i"), _turned(shared, lams, u, "n")
    both = np.swapaxes(z, 1, 2) @ moved
    xvx = np.eye(p) - both[:, :p, :p]
    xvx = 0.5 * (xvx + np.swapaxes(xvx, 1, 2))
    xvy = outcomes.xy - both[:, :p, p]
    # eqs. 6-8, log|V| from eq. 45
    root, c = np.linalg.cholesky(xvx), np.linalg.inv(xvx)
    delta = np.linalg.solve(xvx, xvy[:, :, None])[:, :, 0]
    rss = outcomes.yy - both[:, p, p] - (delta * xvy).sum(axis=1)
    if not (rss > _TINY * outcomes.yy).all():
        raise np.linalg.LinAlgError("a residual variance vanished")
    nu = shared.n_obs - p if shared.reml else shared.n_obs
    deviance = factor.logdet + nu * (1.0 + log(2.0 * pi) + np.log(rss / nu))
    if shared.reml:
        roots = np.diagonal(root, axis1=1, axis2=2)
        deviance += 2.0 * np.log(roots).sum(axis=1) + shared.log_basis
    e = k[:, :, p] - (k[:, :, :p] @ delta[:, :, None])[:, :, 0]
    g, ratio = k[:, :, :p], nu / rss
    m = _sensitivity(shared, lams, factor, (g, c, e, ratio))
    gradient = np.stack(
        [2.0 * (m[a][:, i] * lams[a][:, :, j]).sum(axis=1) for a, i, j in shared.positions], axis=1
    )
    gradient[np.array(shared.diagonal) & (np.abs(theta) < FLOOR)] = 0.0
    # eq. 49: the average information
    v = _directions(shared, lams, e)
    wv = _turned(shared, lams, factor.solve(_turned(shared, lams, _products(shared, v), "t")), "i")
    turned = np.swapaxes(v, 1, 2)
    fit, cross = (turned @ e[:, :, None])[:, :, 0], turned @ g
    information = turned @ wv - cross @ c @ np.swapaxes(cross, 1, 2)
    scale = ratio[:, None, None]
    curve = scale * information - scale / rss[:, None, None] * fit[:, :, None] * fit[:, None]
    for a, (one, i, j) in enumerate(shared.positions):
        for b, (other, r, s) in enumerate(shared.positions):
            if one == other and j == s:
                # eq. 49: tr(M d2 Psi)
                curve[:, a, b] += 2.0 * m[one][:, i, r]
    curve = 0.5 * (curve + np.swapaxes(curve, 1, 2))
    return Stacked(deviance, gradient, curve, delta, xvx, rss / nu)


def _factors(shared: Shared, theta: FloatArray) -> list[FloatArray]:
    """Lambda of one level (R, k, k), a group each; diagonals not below the floor."""
    out: list[FloatArray] = [np.zeros((len(theta), g.k, g.k)) for g in shared.groups]
    for value, (g, i, j) in zip(theta.T, shared.positions, strict=True):
        out[g][:, i, j] = np.where(np.abs(value) < FLOOR, FLOOR, value) if i == j else value
    return out


def _turned(shared: Shared, lams: list[FloatArray], v: FloatArray, how: str) -> FloatArray:
    """Lambda' v ("t"), Lambda v ("n") or Lambda^-T v ("i") for v (R, q, c)."""
    out = np.empty(v.shape)
    for group, lam in zip(shared.groups, lams, strict=True):
        part = v[:, group.at]
        if group.k == 1:
            out[:, group.at] = part / lam if how == "i" else part * lam
            continue
        by = np.linalg.inv(lam) if how == "i" else lam
        by = by if how == "n" else np.swapaxes(by, 1, 2)
        rows = part.reshape(len(v), group.levels, group.k, -1)
        out[:, group.at] = (by[:, None] @ rows).reshape(part.shape)
    return out


def _products(shared: Shared, v: FloatArray) -> FloatArray:
    """Z'Z v for v (R, q, c)."""
    levels, k, _ = shared.groups[0]
    first, rest = v[:, : levels * k], v[:, levels * k :]
    own = shared.own @ first.reshape(len(v), levels, k, -1)
    return np.concatenate(
        [own.reshape(first.shape) + shared.c21.T @ rest, shared.c21 @ first + shared.c22 @ rest],
        axis=1,
    )


def _directions(shared: Shared, lams: list[FloatArray], e: FloatArray) -> FloatArray:
    """(dPsi / dtheta_i) e, a column each (R, q, t)."""
    out = np.zeros((*e.shape, len(shared.positions)))
    for n, (g, i, j) in enumerate(shared.positions):
        group, lam = shared.groups[g], lams[g]
        rows = e[:, group.at].reshape(len(e), group.levels, group.k)
        # d Psi = E_ij Lambda' + Lambda E_ji
        made = np.zeros_like(rows)
        made[:, :, i] = (rows @ lam[:, :, j, None])[:, :, 0]
        made += lam[:, None, :, j] * rows[:, :, i, None]
        out[:, group.at, n] = made.reshape(len(e), -1)
    return out


def _sensitivity(
    shared: Shared, lams: list[FloatArray], factor: _Factor,
    at: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
) -> list[FloatArray]:  # fmt: skip
    """Derivatives of the deviance by each group's Psi (R, k, k), eq. 48, at (g, C, e, nu / rss)."""
    g, c, e, ratio = at
    out: list[FloatArray] = []
    for group, lam, s in zip(shared.groups, lams, factor.inverse_sums(), strict=True):
        # eq. 48: Lambda'^-1 (L I - sum (A^-1)_ll) Lambda^-1
        back = np.linalg.inv(lam)
        total = np.swapaxes(back, 1, 2) @ (group.levels * np.eye(group.k) - s) @ back
        shape = (len(e), group.levels, group.k)
        if shared.reml:
            # eq. 48: REML's g C g'
            own = g[:, group.at]
            half = (own @ c).reshape(*shape, -1).swapaxes(1, 2).reshape(len(e), group.k, -1)
            whole = own.reshape(*shape, -1).swapaxes(1, 2).reshape(len(e), group.k, -1)
            total = total - half @ np.swapaxes(whole, 1, 2)
        rows = e[:, group.at].reshape(shape)
        total = total - ratio[:, None, None] * (np.swapaxes(rows, 1, 2) @ rows)
        out.append(0.5 * (total + np.swapaxes(total, 1, 2)))
    return out


class _Factor:
    """A = Lambda'Z'Z Lambda + I of R replicates: the first group level by level, then the rest."""

    def __init__(self, shared: Shared, lams: list[FloatArray]) -> None:
        self.groups = shared.groups
        levels, k, _ = shared.groups[0]
        count, m = len(lams[0]), len(shared.c22)
        first = np.swapaxes(lams[0], 1, 2)[:, None] @ shared.own @ lams[0][:, None] + np.eye(k)
        # eq. 45
        self.inverse = 1.0 / first if k == 1 else np.linalg.inv(first)
        logs = np.log(first[..., 0]) if k == 1 else np.linalg.slogdet(first)[1][..., None]
        self.logdet = logs.sum(axis=(1, 2))
        right = (shared.c21.reshape(m * levels, k) @ lams[0]).reshape(count, m, levels * k)
        self.b = self._left(lams, right)
        blocks = self.b.reshape(count, m, levels, k)
        turned = blocks.swapaxes(1, 2) @ self.inverse if k > 1 else None
        self.h = (
            self.b * self.inverse[:, :, 0, 0][:, None]
            if turned is None
            else turned.swapaxes(1, 2).reshape(count, m, levels * k)
        )
        side = self._left(lams, np.broadcast_to(shared.c22, (count, m, m)))
        rest = self._left(lams, np.swapaxes(side, 1, 2)) + np.eye(m)
        rest -= self.h @ np.swapaxes(self.b, 1, 2)
        self.rest: FloatArray = np.zeros((count, 0, 0))
        if m:
            root = np.linalg.cholesky(rest)
            self.logdet += 2.0 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
            self.rest = np.linalg.inv(rest)

    def _left(self, lams: list[FloatArray], matrix: FloatArray) -> FloatArray:
        """Lambda' of the rest times (R, m, c)."""
        out, begin = np.empty(matrix.shape), self.groups[0].at.stop
        for group, lam in zip(self.groups[1:], lams[1:], strict=True):
            at = slice(group.at.start - begin, group.at.stop - begin)
            part = matrix[:, at]
            rows = part.reshape(len(out), group.levels, group.k, -1)
            turned = part * lam if group.k == 1 else np.swapaxes(lam, 1, 2)[:, None] @ rows
            out[:, at] = turned.reshape(part.shape)
        return out

    def solve(self, rhs: FloatArray) -> FloatArray:
        """A^-1 times (R, q, c)."""
        levels, k, _ = self.groups[0]
        above = rhs[:, : levels * k]
        rows = above.reshape(len(rhs), levels, k, -1)
        first = (self.inverse @ rows if k > 1 else self.inverse * rows).reshape(above.shape)
        x = self.rest @ (rhs[:, levels * k :] - self.b @ first)
        return np.concatenate([first - np.swapaxes(self.h, 1, 2) @ x, x], axis=1)

    def inverse_sums(self) -> list[FloatArray]:
        """Sum over levels of the diagonal blocks (R, k, k) of A^-1, a group each."""
        levels, k, _ = self.groups[0]
        count = len(self.rest)
        found = (self.rest @ self.h).reshape(count, -1, k)
        total = self.inverse.sum(axis=1)
        out = [total + np.swapaxes(self.h.reshape(count, -1, k), 1, 2) @ found]
        begin = levels * k
        for group in self.groups[1:]:
            at = slice(group.at.start - begin, group.at.stop - begin)
            blocks = self.rest[:, at, at].reshape(
                count, group.levels, group.k, group.levels, group.k
            )
            out.append(np.einsum("rlilj->rij", blocks))
        return out
