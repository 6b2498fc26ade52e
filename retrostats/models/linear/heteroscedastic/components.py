"""Which columns of X, and which residual variances, belong to one study alone.

One stage of k studies has a column of X and residual variances for each. Their crossproducts are an
arrow: a block for each study, bordered by what the studies have in common. A component is a set of
rows that shares no random effect, no column and no residual variance of its own with other rows
(docs/mathematics.md, section 14.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrostats.models.linear.formula.columns import FloatArray, IntArray

#: Residual variances, and twice the columns, below which dense crossproducts take no longer.
_FEWEST = 100
#: Most columns and strata that components may share, and most rows of a component's own columns.
_SHARED, _OWN = 12, 12


@dataclass(frozen=True, slots=True)
class Components:
    """U components.

    Attributes
    ----------
    of_block : (P,) int array
        Component of each block.
    own : (U, s) int array
        Columns of X that are zero elsewhere; -1 where a component has fewer.
    common : (c,) int array
        The other columns.
    stratum : (U, l) int array
        Residual strata of its own; -1 where it has fewer.
    shared : (h,) int array
        The other strata.
    """

    of_block: IntArray
    own: IntArray
    common: IntArray
    stratum: IntArray
    shared: IntArray

    @property
    def count(self) -> int:
        """U."""
        return len(self.own)


def find_components(
    x: FloatArray, block: IntArray, stratum: IntArray, strata: int
) -> Components | None:
    """The components of rows; None where dense crossproducts are as well.

    Parameters
    ----------
    x : (R, p) array
    block, stratum : (R,) int arrays
    strata : int
        How many there are.
    """
    p = x.shape[1]
    if 2 * p + strata < _FEWEST:
        return None
    blocks = int(block.max()) + 1
    row, column = np.nonzero(x)
    touched = np.concatenate([column * blocks + block[row], (p + stratum) * blocks + block])
    owner, touched = np.divmod(np.unique(touched), blocks)
    ends = np.searchsorted(owner, np.arange(p + strata + 1))
    found = _joined(touched, ends, p, blocks)
    label, which = found
    names, of_block = np.unique(label, return_inverse=True)
    first = np.full(p + strata, -1)
    some = np.flatnonzero(which)
    first[some] = of_block[touched[ends[some]]]
    own, stratum_of = _listed(first[:p], len(names)), _listed(first[p:], len(names))
    out = Components(
        of_block, own, np.flatnonzero(first[:p] < 0), stratum_of, np.flatnonzero(first[p:] < 0)
    )
    shared = len(out.common) + len(out.shared)
    wide = max(out.own.shape[1], out.stratum.shape[1]) > _OWN or shared > _SHARED
    return None if wide or 4 * shared > p + strata else out


def _joined(touched: IntArray, ends: IntArray, p: int, blocks: int) -> tuple[IntArray, np.ndarray]:
    """Label (P,) of each block's component, and whether each column and stratum is of one alone.

    Columns and strata are taken by how many blocks they touch, columns first: one that touches no
    more than one component that has others joins its blocks to that.
    """
    parent = list(range(blocks))
    taken = [False] * blocks

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    sizes = np.diff(ends)
    alone = np.zeros(len(sizes), dtype=bool)
    order = np.lexsort((sizes, np.arange(len(sizes)) >= p))
    for j in order[(sizes[order] > 0) & (2 * sizes[order] <= max(blocks, 2))].tolist():
        roots = {root(b) for b in touched[ends[j] : ends[j + 1]].tolist()}
        having = [r for r in roots if taken[r]]
        if len(having) > 1:
            continue
        to = having[0] if having else min(roots)
        for r in roots:
            parent[r] = to
        taken[to] = True
        alone[j] = True
    return np.array([root(b) for b in range(blocks)]), alone


def _listed(component: IntArray, count: int) -> IntArray:
    """Members (count, most) of each component, from the component of each or -1."""
    held = np.flatnonzero(component >= 0)
    held = held[np.argsort(component[held], kind="stable")]
    of = component[held]
    place = np.arange(len(held)) - np.searchsorted(of, of)
    out = np.full((count, int(place.max(initial=0)) + 1), -1)
    out[of, place] = held
    return out
