"""Factorisation of H = A'WA + I, A = Z Lambda, by blocks, and its inverse where A'WA is not zero.

The term with the most effects comes first: each of its levels has a small block D of its own. What
is left after eliminating it, S = I + A2'WA2 - B D^-1 B', falls apart into the components of the
graph of the other terms' levels: one for crossed factors, many for nested ones, which are padded
to one stack. (Bates, Maechler, Bolker and Walker 2015, section 5.4, have the sparse analogue.)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import lapack

from retrostats.common.errors import NotIdentified
from retrostats.models.counts.family import Array
from retrostats.models.counts.random_effects import Index, RandomPart


@dataclass(frozen=True)
class Pattern:
    """Where the entries of H go; depends on the levels alone.

    Attributes
    ----------
    order
        Positions of the parts, the eliminated one first.
    first
        Level (N,) of the first part; `n_first` levels of `k_first` effects.
    column
        (N, E) column among the other effects of each row's entries.
    slot
        (N, E) position of those entries in B, of `n_slots` distinct (level, column) pairs.
    slot_first, slot_column
        Level and column of each entry of B.
    left, right
        Pairs of entries of B that share a level.
    place
        Position of each column in the padded stack (components, size).
    """

    order: tuple[int, ...]
    first: Index
    n_first: int
    k_first: int
    column: Index
    slot: Index
    slot_first: Index
    slot_column: Index
    left: Index
    right: Index
    place: Index
    n_components: int
    size: int
    diagonal: Array
    pair_at: Index
    own_at: Index


def pattern(parts: tuple[RandomPart, ...]) -> Pattern:
    """Symbolic part of the factorisation."""
    effects = [part.n_levels * len(part.effects) for part in parts]
    order = tuple(sorted(range(len(parts)), key=lambda j: -effects[j]))
    head, rest = parts[order[0]], [parts[j] for j in order[1:]]
    n = len(head.levels)
    columns, start = [], 0
    for part in rest:
        k = len(part.effects)
        columns.append(start + part.levels[:, None] * k + np.arange(k))
        start += part.n_levels * k
    column = np.concatenate(columns, axis=1) if rest else np.zeros((n, 0), np.intp)
    key, slot = np.unique(head.levels[:, None] * max(start, 1) + column, return_inverse=True)
    slot = slot.reshape(column.shape)
    slot_first, slot_column = np.divmod(key, max(start, 1))
    left, right = _pairs(slot_first, head.n_levels)
    place, n_components, size, diagonal = _components(slot_first, slot_column, head.n_levels, start)
    _, within = np.divmod(place, max(size, 1))
    pair_at = place[slot_column[left]] * size + within[slot_column[right]]
    own_at = place[column][:, :, None] * size + within[column][:, None, :]
    return Pattern(
        order=order,
        first=head.levels,
        n_first=head.n_levels,
        k_first=len(head.effects),
        column=column,
        slot=slot,
        slot_first=slot_first,
        slot_column=slot_column,
        left=left,
        right=right,
        place=place,
        n_components=n_components,
        size=size,
        diagonal=diagonal,
        pair_at=pair_at,
        own_at=own_at.reshape(n, -1),
    )


def _pairs(level: Index, n_levels: int) -> tuple[Index, Index]:
    """All ordered pairs of positions with equal `level`, which is sorted."""
    counts = np.bincount(level, minlength=n_levels)
    if not len(level):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    total = float((counts.astype(float) ** 2).sum())
    if total > 5e7:
        raise NotIdentified(
            f"glmm: the crossed random terms need {total:.2g} products a step, more than memory "
            "holds; leave out a crossed term, or aggregate rows with equal covariates"
        )
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1]
    repeat = counts[level]
    left = np.repeat(np.arange(len(level)), repeat)
    offset = np.arange(len(left)) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    return left, starts[level[left]] + offset


def _components(
    level: Index, column: Index, n_first: int, n_rest: int
) -> tuple[Index, int, int, Array]:
    """Place of each column in the stack of components, its shape, and the identity there."""
    if n_rest == 0:
        return np.zeros(0, np.intp), 0, 0, np.zeros((0, 0, 0))
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    size = n_first + n_rest
    graph = coo_matrix((np.ones(len(level)), (level, n_first + column)), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    _, label = np.unique(label[n_first:], return_inverse=True)
    members = np.bincount(label)
    if len(members) * float(members.max()) ** 3 > 0.5 * float(n_rest) ** 3:
        label, members = np.zeros(n_rest, np.intp), np.array([n_rest])  # one giant, many small
    order = np.argsort(label, kind="stable")
    within = np.empty(n_rest, np.intp)
    within[order] = np.arange(n_rest) - np.repeat(np.cumsum(members) - members, members)
    largest = int(members.max())
    stack = np.broadcast_to(np.eye(largest), (len(members), largest, largest))
    return label * largest + within, len(members), largest, stack.copy()


@dataclass(frozen=True)
class Factor:
    """H factorised: `inverse_first` (L, k, k), `b` (slots, k), `lower` (C, m, m) with S = L L'."""

    pattern: Pattern
    inverse_first: Array
    b: Array
    bd: Array
    lower: Array
    logdet: float

    @cached_property
    def inverse_rest(self) -> Array:
        """S^-1 (C, m, m)."""
        if len(self.lower) > 1:
            half = np.linalg.inv(self.lower)
            out: Array = half.transpose(0, 2, 1) @ half
            return out
        half, _ = lapack.dpotri(self.lower[0], lower=1)
        whole = np.tril(half)
        return np.asarray((whole + np.tril(whole, -1).T)[None])

    def solve(self, g1: Array, g2: Array) -> tuple[Array, Array]:
        """H^-1 g for g1 (L, k) of the first part and g2 (Q,) of the others."""
        p = self.pattern
        x1 = _apply(self.inverse_first, g1)
        if not p.size:
            return x1, g2
        # eq. 26c: the other terms first, then back into D
        reduced = g2 - np.bincount(
            p.slot_column, (self.b * x1[p.slot_first]).sum(axis=1), minlength=len(g2)
        )
        if p.n_components == 1:
            x2 = lapack.dpotrs(self.lower[0], reduced, lower=1)[0]
        else:
            stacked = np.zeros(p.n_components * p.size)
            stacked[p.place] = reduced
            solved = self.inverse_rest @ stacked.reshape(p.n_components, p.size, 1)
            x2 = solved.reshape(-1)[p.place]
        back = self.bd * x2[p.slot_column][:, None]
        return x1 - sum_by(p.slot_first, back, p.n_first), x2

    def own_inverse(self) -> tuple[Array, Array, Array]:
        """H^-1 within a row's own entries.

        Returns
        -------
        first : (L, k, k)
            Blocks of the first part.
        cross : (slots, k)
            Between a first level and another effect that share a row.
        rest : (C m m,)
            The others, flat; `pattern.own_at` finds a row's entries.
        """
        p = self.pattern
        if not p.size:
            return self.inverse_first, self.b, np.zeros(0)
        rest = self.inverse_rest.reshape(-1)
        pairs = rest[p.pair_at]
        # eq. 26c
        cross = -sum_by(p.right, pairs[:, None] * self.bd[p.left], len(self.b))
        extra = -self.bd[:, :, None] * cross[:, None, :]
        k = p.k_first
        added = sum_by(p.slot_first, extra.reshape(-1, k * k), p.n_first).reshape(-1, k, k)
        return self.inverse_first + added, cross, rest


def factorise(p: Pattern, weight: Array, a1: Array, a2: Array) -> Factor:
    """H from weights (N,) and rows of A: a1 (N, k) for the first part, a2 (N, E) for others."""
    k = p.k_first
    if k == 1:
        d = 1 + np.bincount(p.first, weight * a1[:, 0] ** 2, p.n_first)
        inverse = (1 / d)[:, None, None]
        logdet = float(np.log(d).sum())
    else:
        outer = (weight[:, None] * a1)[:, :, None] * a1[:, None, :]
        blocks = sum_by(p.first, outer.reshape(-1, k * k), p.n_first).reshape(-1, k, k)
        blocks += np.eye(k)
        inverse = np.asarray(np.linalg.inv(blocks), dtype=np.float64)
        logdet = float(np.linalg.slogdet(blocks)[1].sum())
    if not p.size:
        nothing = np.zeros((0, k))
        return Factor(p, inverse, nothing, nothing, np.zeros((0, 0, 0)), logdet)
    wa = weight[:, None] * a2
    shared = (wa[:, :, None] * a1[:, None, :]).reshape(-1, k)
    b = sum_by(p.slot.ravel(), shared, len(p.slot_first))
    bd = _apply(inverse[p.slot_first], b)
    length = p.n_components * p.size**2
    own = (wa[:, :, None] * a2[:, None, :]).reshape(len(a2), -1)
    # eq. 26b
    s = p.diagonal + (
        np.bincount(p.own_at.ravel(), own.ravel(), length)
        - np.bincount(p.pair_at, (bd[p.left] * b[p.right]).sum(axis=1), length)
    ).reshape(p.diagonal.shape)
    lower = np.linalg.cholesky(s)
    logdet += 2 * float(np.log(np.diagonal(lower, axis1=1, axis2=2)).sum())
    return Factor(p, inverse, b, bd, lower, logdet)


def _apply(blocks: Array, vectors: Array) -> Array:
    """Each (k, k) block times its vector (k,)."""
    if vectors.shape[1] == 1:
        out: Array = blocks[:, :, 0] * vectors
        return out
    return np.asarray((blocks @ vectors[:, :, None])[:, :, 0])


def sum_by(index: Index, rows: Array, n: int) -> Array:
    """Sum of rows (M, j) by index: (n, j)."""
    if rows.shape[1] == 1:
        return np.asarray(np.bincount(index, rows[:, 0], n)[:, None], dtype=np.float64)
    return np.stack([np.bincount(index, column, n) for column in rows.T], axis=1)
