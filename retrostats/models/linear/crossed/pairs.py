"""Sums over all pairs of levels of A^-1, where one group is eliminated before the dense rest.

They are what an exact Hessian of log|V| needs (docs/mathematics.md, eqs. 49d and 49e): a few
products of the size of the rest, where differences of the gradient take two evaluations for each
parameter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array, csr_array

from retrostats.models.linear.crossed.dense_stage import DenseStage
from retrostats.models.linear.crossed.factor import Factor, Stage, slices, sparse_pays
from retrostats.models.linear.crossed.layout import Crossed, Group
from retrostats.models.linear.crossed.selected import own_products, sampled
from retrostats.models.linear.formula.columns import FloatArray

#: Numbers in the products of all effects of a level, above which they are not held.
_MOST = 20_000_000


@dataclass(frozen=True, slots=True)
class PairSums:
    """Sums over A^-1 and M = I - A^-1.

    own[a] : sum over l of (A^-1)_ll (k, k); pairs[a][b] : sum over l, m of M_lm[c, d] M_lm[e, f]
    (ka, kb, ka, kb).
    """

    own: list[FloatArray]
    pairs: list[list[FloatArray]]


def pair_sums(data: Crossed, factor: Factor) -> PairSums | None:
    """The sums; None where several groups are eliminated, or the rest is too wide."""
    first, rest = data.groups[0], data.groups[1:]
    if data.chain != 1 or not rest or (first.k * data.dense) ** 2 > _MOST:
        return None
    stage, inverse = factor.stages[0], factor.inverse_rest()
    each = [g.start - first.width + np.arange(g.width) for g in rest]
    own = [np.einsum("lilj->ij", _blocks(inverse[np.ix_(a, a)], g, g))
           for a, g in zip(each, rest, strict=True)]  # fmt: skip
    pairs: list[list[FloatArray]] = [[np.empty(0)] * len(data.groups) for _ in data.groups]
    for a, g in enumerate(rest):
        for b, h in enumerate(rest):
            pairs[a + 1][b + 1] = _of_rest(inverse[np.ix_(each[a], each[b])], g, h)
    # eq. 49d: N_ce = S^-1 T_ce
    k = first.k
    n = np.empty((k, k, *inverse.shape))
    outer = _outer(stage, k)
    for c in range(k):
        for e in range(k):
            np.matmul(inverse, outer[c][e], out=n[c, e])
    del outer
    for b, h in enumerate(rest):
        found = np.empty((k, h.k, k, h.k))
        for d in range(h.k):
            for f in range(h.k):
                # eq. 49e: sum over the rest's levels of (N S^-1)_rr
                right = inverse[:, each[b][f :: h.k]].T
                found[:, d, :, f] = (n[:, :, each[b][d :: h.k]] * right).sum((2, 3))
        pairs[0][b + 1] = found
        pairs[b + 1][0] = found.transpose(1, 0, 3, 2)
    gram = _grams(stage, factor, inverse, k)
    pairs[0][0] = _first(n, stage.inverse, gram)
    return PairSums([(stage.inverse + gram).sum(0), *own], pairs)


def _of_rest(inverse: FloatArray, a: Group, b: Group) -> FloatArray:
    """Sums over pairs of levels of two groups of the rest; `inverse` is written over."""
    m = np.negative(inverse, out=inverse)
    if a.start == b.start:
        m[np.diag_indices_from(m)] += 1.0
    flat = _blocks(m, a, b).transpose(1, 3, 0, 2).reshape(a.k * b.k, -1)
    return np.asarray((flat @ flat.T).reshape(a.k, b.k, a.k, b.k))


def _blocks(matrix: FloatArray, a: Group, b: Group) -> FloatArray:
    return matrix.reshape(a.levels, a.k, b.levels, b.k)


def _first(n: FloatArray, inverse: FloatArray, gram: FloatArray) -> FloatArray:
    """Sums over pairs of the eliminated group's own levels (k, k, k, k)."""
    k = len(n)
    # eq. 49e: tr(N_ce N_fd), and D^-1 where both levels are one
    flat = n.reshape(k * k, -1)
    turned = n.transpose(0, 1, 3, 2).reshape(k * k, -1)
    both = (flat @ turned.T).reshape(k, k, k, k)  # (c, e, f, d)
    out = both.transpose(0, 3, 1, 2).copy()
    out += np.einsum("lcd,lef->cdef", inverse, inverse + gram)
    out += np.einsum("lcd,lef->cdef", gram, inverse)
    total, unit = (inverse + gram).sum(0), np.eye(k)
    out -= np.einsum("cd,ef->cdef", unit, total) + np.einsum("cd,ef->cdef", total, unit)
    return np.asarray(out + len(inverse) * np.einsum("cd,ef->cdef", unit, unit))


def _outer(stage: Stage | DenseStage, k: int) -> list[list[FloatArray]]:
    """T_ce: sum over levels of the products of columns c and e of H (rest, rest)."""
    if isinstance(stage, DenseStage):
        return stage.outer()
    columns = csc_array(stage.h)
    pieces = [csr_array(columns[:, c::k]) for c in range(k)]
    out: list[list[FloatArray]] = [[np.empty(0)] * k for _ in range(k)]
    for c in range(k):
        for e in range(c + 1):
            out[c][e] = _product(pieces[c], pieces[e])
            out[e][c] = out[c][e].T
    return out


def _product(a: csr_array, b: csr_array) -> FloatArray:
    """A B', by the way that costs less."""
    if sparse_pays(a):
        return np.asarray((a @ csr_array(b.T)).toarray())
    out = np.zeros((a.shape[0], b.shape[0]))
    for x, y in zip(slices(a), slices(b), strict=True):
        out += x @ y.T
    return out


def _grams(stage: Stage | DenseStage, factor: Factor, inverse: FloatArray, k: int) -> FloatArray:
    """H_l'S^-1 H_l (L, k, k) of each level."""
    if isinstance(stage, DenseStage):
        return stage.grams(factor.lower)
    return own_products(stage.h, sampled(inverse, stage.h), k)
