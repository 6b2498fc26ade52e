"""Crossproducts of crossed and nested factors, and the order in which they are eliminated.

Terms of one grouping factor form one group. A group whose block stays block-diagonal when its turn
comes joins the chain, which is eliminated level by level; what is left is dense. See
docs/mathematics.md, section 18.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from retrostats.common.errors import NotIdentified
from retrostats.models.linear.blocks.gram import Gram, InBasis
from retrostats.models.linear.blocks.rows import Rows, reduce_rows
from retrostats.models.linear.blocks.working import root_of_moment
from retrostats.models.linear.crossed.cell_draws import CellDesign
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.formula.design import RandomDesign

WIDE = 100  # connected random effects above which blocks pay
_DENSE = 1500  # random effects left that are cheaper to take densely than to eliminate on
_FILLED = 1 / 8  # share of places above which sparse products of the first group cost more
_LARGEST = 20_000  # columns of the dense rest: three matrices of 3 GiB each


@dataclass(frozen=True, slots=True)
class Group:
    """One grouping factor: L levels with k effects each, at `start` in the q random effects.

    `terms` are the formula's random terms on it, `at` where each begins among the k effects, and
    `theta` where its elements begin in theta.
    """

    name: str
    levels: int
    k: int
    start: int
    terms: tuple[int, ...]
    at: tuple[int, ...]
    theta: tuple[int, ...]

    @property
    def width(self) -> int:
        """Random effects."""
        return self.levels * self.k

    @property
    def columns(self) -> slice:
        """Where they stand."""
        return slice(self.start, self.start + self.width)


@dataclass(frozen=True)
class Crossed(InBasis):
    """Everything the likelihood of crossed factors needs, in working coordinates.

    Attributes
    ----------
    groups : tuple of Group
        In the order of elimination.
    chain : int
        How many of them are eliminated as block-diagonal; the others form the dense rest.
    c : (q, q) csr array
        Z'Z.
    zx : (q, p), zy : (q,) arrays
        Z'X in the orthonormal basis, Z'r.
    xy, yy, n_obs, basis, start, sizes
        As in `gram.Gram`.
    roots : list of (k, k) arrays
        Of each term: Z = Z_working R.
    cells : CellDesign or None
        The combinations of levels, where there are no rows.
    """

    groups: tuple[Group, ...]
    chain: int
    c: csr_array
    zx: FloatArray
    zy: FloatArray
    xy: FloatArray
    yy: float
    n_obs: int
    basis: FloatArray
    start: FloatArray
    sizes: tuple[int, ...]
    roots: list[FloatArray]
    cells: CellDesign | None = None

    @cached_property
    def positions(self) -> tuple[tuple[int, int, int], ...]:
        """Group, row and column of each element of theta in the group's factor."""
        out: dict[int, tuple[int, int, int]] = {}
        for g, group in enumerate(self.groups):
            for term, at, first in zip(group.terms, group.at, group.theta, strict=True):
                k = self.sizes[term]
                lower = [(i, j) for j in range(k) for i in range(j, k)]
                out |= {first + n: (g, at + i, at + j) for n, (i, j) in enumerate(lower)}
        return tuple(out[i] for i in range(len(out)))

    @cached_property
    def own(self) -> list[FloatArray]:
        """Diagonal blocks of Z'Z (L, k, k), a group each."""
        return [own_blocks(self.c[g.columns, g.columns], g.k) for g in self.groups]

    @cached_property
    def filled(self) -> FloatArray | None:
        """Z'Z (L, k, m) between the first group and the dense rest, where most of it is there."""
        first, m = self.groups[0], self.dense
        if self.chain != 1 or not m:
            return None
        between = self.c[first.columns, first.width :]
        if between.nnz < _FILLED * first.width * m:
            return None
        return np.asarray(between.toarray().reshape(first.levels, first.k, m))

    def frame_gram(self) -> Gram:
        """What of these every engine shares, in the shape of a plain fit's."""
        return Gram((), self.xy, self.yy, self.n_obs, self.basis, self.start, self.sizes)

    @property
    def dense(self) -> int:
        """Width of the dense rest."""
        return sum(g.width for g in self.groups[self.chain :])


def is_wide(data: Rows) -> bool:
    """Whether these are raw rows with several factors that connect many random effects."""
    if data.scatter or data.hidden or len({term.factors for term in data.random}) < 2:
        return False
    if not (data.n == 1).all():
        return False
    width = np.zeros(len(data.n))
    for term in data.random:
        owner = np.zeros(term.n_levels, dtype=np.intp)
        owner[term.levels] = data.block
        width += len(term.effects) * np.bincount(owner, minlength=len(data.n))
    return bool(width.max() > WIDE)


def own_blocks(matrix: csr_array, k: int) -> FloatArray:
    """Diagonal blocks (L, k, k) of a square sparse matrix."""
    entries = matrix.tocoo()
    row, col = entries.coords
    here = row // k == col // k
    row, col = row[here], col[here]
    out = np.zeros((matrix.shape[0] // k, k, k))
    np.add.at(out, (row // k, row % k, col % k), entries.data[here])
    return out


@dataclass(frozen=True, slots=True)
class Laid:
    """The sparse design: groups in the order of elimination, and Z (N, q) in that order."""

    groups: tuple[Group, ...]
    chain: int
    z: csr_array
    sizes: tuple[int, ...]
    roots: list[FloatArray]


def laid_out(data: Rows) -> Laid:
    """Order the groups of raw rows and place the columns of Z.

    Raises
    ------
    NotIdentified
        More crossed levels than memory holds.
    """
    sizes = tuple(len(term.effects) for term in data.random)
    roots, values = [], []
    for term in data.random:
        root = root_of_moment(np.tril(term.values.T @ term.values / len(data.y)))
        roots.append(root)
        values.append(np.linalg.solve(root.T, term.values.T).T)
    groups, chain = grouped(data.random)
    levels = [data.random[g.terms[0]].levels for g in groups]
    column = np.hstack(
        [at[:, None] * g.k + np.arange(g.k) + g.start for at, g in zip(levels, groups, strict=True)]
    )
    entry = np.hstack([values[t] for g in groups for t in g.terms])
    n, width = column.shape
    shape = (n, sum(g.width for g in groups))
    starts = np.arange(0, n * width + 1, width)
    z = csr_array((entry.ravel(), column.ravel(), starts), shape=shape)
    return Laid(groups, chain, z, sizes, roots)


def grouped(random: tuple[RandomDesign, ...]) -> tuple[tuple[Group, ...], int]:
    """Groups in the order of elimination, and how many stay block-diagonal.

    Raises
    ------
    NotIdentified
        More crossed levels than memory holds.
    """
    sizes = tuple(len(term.effects) for term in random)
    firsts = np.concatenate([[0], np.cumsum([k * (k + 1) // 2 for k in sizes])])
    raw = _by_factor(random, sizes)
    patterns = {
        (a, b): _together(random, raw[a][0], raw[b][0]) for a in range(len(raw)) for b in range(a)
    }
    order, chain = _order([(random[t[0]].n_levels, k) for t, k in raw], patterns)
    groups: list[Group] = []
    start = 0
    for place in order:
        terms, k = raw[place]
        at = tuple(int(x) for x in np.cumsum([0, *[sizes[t] for t in terms]])[:-1])
        first = random[terms[0]]
        theta = tuple(int(firsts[t]) for t in terms)
        groups.append(Group(first.group, first.n_levels, k, start, terms, at, theta))
        start += first.n_levels * k
    _refuse_wide(groups, chain)
    return tuple(groups), chain


def build_crossed(data: Rows) -> Crossed:
    """Reduce raw rows to sparse crossproducts.

    Raises
    ------
    NotIdentified
        As `gram.build_gram`; or more crossed levels than memory holds.
    InputError
        The outcome does not vary.
    """
    reduced = reduce_rows(data)
    laid = laid_out(data)
    turned = laid.z.T.tocsr()
    c = csr_array(turned @ laid.z)
    c.sort_indices()
    return Crossed(
        groups=laid.groups,
        chain=laid.chain,
        c=c,
        zx=turned @ reduced.q,
        zy=turned @ reduced.residual,
        xy=reduced.q.T @ reduced.residual,
        yy=reduced.yy,
        n_obs=reduced.n_obs,
        basis=reduced.basis,
        start=reduced.start,
        sizes=laid.sizes,
        roots=laid.roots,
    )


def _by_factor(
    random: tuple[RandomDesign, ...], sizes: tuple[int, ...]
) -> list[tuple[tuple[int, ...], int]]:
    """Terms of each grouping factor and their effects together."""
    found: dict[tuple[str, ...], list[int]] = {}
    for t, term in enumerate(random):
        found.setdefault(term.factors, []).append(t)
    return [(tuple(terms), sum(sizes[t] for t in terms)) for terms in found.values()]


def _together(
    random: tuple[RandomDesign, ...], a: tuple[int, ...], b: tuple[int, ...]
) -> csr_array:
    """Which levels of two factors share a row (La, Lb)."""
    first, second = random[a[0]], random[b[0]]
    ones = np.ones(len(first.levels), dtype=np.int64)
    shape = (first.n_levels, second.n_levels)
    out = csr_array((ones, (first.levels, second.levels)), shape=shape)
    out.data[:] = 1
    return out


def _order(
    sizes: list[tuple[int, int]], patterns: dict[tuple[int, int], csr_array]
) -> tuple[list[int], int]:
    """Order of elimination, and how many groups stay block-diagonal when their turn comes."""
    left = sorted(range(len(sizes)), key=lambda g: -sizes[g][0] * sizes[g][1])
    between = {**patterns, **{(b, a): csr_array(m.T) for (a, b), m in patterns.items()}}
    chain = [left.pop(0)]
    while left and sum(sizes[g][0] * sizes[g][1] for g in left) > _DENSE:
        last = chain[-1]
        filled = [g for g in left if _single(between[last, g])]
        between |= _fill(last, left, between)
        found = [g for g in filled if all(_single(between[past, g]) for past in chain)]
        if not found:
            break
        chain.append(found[0])
        left.remove(found[0])
    return [*chain, *left], len(chain)


def _single(pattern: csr_array) -> bool:
    """Whether each level of the rows sees at most one of the columns."""
    return bool(np.diff(pattern.indptr).max(initial=0) <= 1)


def _fill(
    last: int, left: list[int], between: dict[tuple[int, int], csr_array]
) -> dict[tuple[int, int], csr_array]:
    """Patterns between what is left when `last` has been eliminated, where it sees one level."""
    out = {}
    for a in left:
        for b in left:
            if a != b and (_single(between[last, a]) or _single(between[last, b])):
                filled = csr_array(between[a, b] + between[a, last] @ between[last, b])
                filled.data[:] = 1
                out[a, b] = filled
    return out


def _refuse_wide(groups: list[Group], chain: int) -> None:
    rest = groups[chain:]
    width = sum(g.width for g in rest)
    if width > _LARGEST:
        names = ", ".join(f"{g.name} ({g.levels} levels)" for g in rest)
        raise NotIdentified(
            f"crossed random terms {names}: their joint factor is dense and needs "
            f"{3 * 8 * width**2 / 2**30:.0f} GiB; at most {_LARGEST} effects beside the largest "
            "factor fit. Leave a term out, or fit a sample of its levels"
        )
