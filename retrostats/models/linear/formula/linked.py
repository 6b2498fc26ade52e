"""Which rows share a random effect, directly or through others."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from retrostats.models.linear.formula.columns import Column, IntArray
from retrostats.models.linear.formula.design import combine
from retrostats.models.linear.formula.formula import Formula


def find_blocks(formula: Formula, columns: dict[str, Column], n: int) -> tuple[IntArray, int]:
    """Independent blocks: connected components of the graph whose nodes are group levels."""
    factors = tuple(dict.fromkeys(term.factors for term in formula.random))
    return connected([combine([columns[name] for name in names]) for names in factors], n)


def connected(coded: list[tuple[IntArray, int]], n: int) -> tuple[IntArray, int]:
    """Block (n,) of each row, and how many; `coded` is that of the levels of each factor."""
    if len(coded) == 1:
        return coded[0]
    offset = np.concatenate([[0], np.cumsum([count for _, count in coded])])
    first = coded[0][0]
    ends = [codes + offset[i] for i, (codes, _) in enumerate(coded) if i]
    total = int(offset[-1])
    edges = coo_matrix(
        (np.ones(n * len(ends), dtype=np.int8), (np.tile(first, len(ends)), np.concatenate(ends))),
        shape=(total, total),
    )
    count, label = connected_components(edges, directed=False)
    return label[first].astype(np.intp), int(count)
