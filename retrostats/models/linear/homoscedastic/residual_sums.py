"""Sums for the residual variance as a parameter (V_i = I), which only Kenward and Roger need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrostats.common.workers import one_thread
from retrostats.models.linear.blocks.directions import Directions, applied, inner
from retrostats.models.linear.blocks.gram import Gram
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.block_sums import flat_product
from retrostats.models.linear.homoscedastic.many import applied as many_applied
from retrostats.models.linear.homoscedastic.many import chunks, product, summed
from retrostats.models.linear.homoscedastic.pair_sums import Whitened


@dataclass(frozen=True, slots=True)
class ResidualSums:
    """Sums over blocks; p columns of X, k other parameters.

    Attributes
    ----------
    lost2, lost3 : (p, p) arrays
        X'V^-1X less X'V^-2X, and X'V^-2X less X'V^-3X.
    squared : float
        tr(V^-2) less the number of observations.
    q : (k, p, p) array
        X'V^-1 V_i V^-2 X.
    trace2 : (k,) array
        tr(V^-1 V_i V^-1).
    """

    lost2: FloatArray
    lost3: FloatArray
    squared: float
    q: FloatArray
    trace2: FloatArray


def sum_residual(gram: Gram, directions: Directions, parts: list[Whitened]) -> ResidualSums:
    """Of whitened stacks."""
    p, k = len(gram.xy), len(directions[0])
    lost2, lost3, squared = np.zeros((p, p)), np.zeros((p, p)), 0.0
    q, trace2 = np.zeros((k, p, p)), np.zeros(k)
    for s, part, psi in zip(gram.stacks, parts, directions, strict=True):
        n = part.n[:, None, None]
        # eq. 18: K'G, and what X'V^-2 X and X'V^-3 X lose
        h = np.swapaxes(part.k, 1, 2) @ part.g
        nzx = n * (part.nn @ s.zx)
        lost2 += flat_product(part.g, nzx)
        lost3 += flat_product(h, nzx)
        # eq. 18: tr V^-2
        own = np.einsum("bij,bji->b", part.k, part.k)
        squared += float(part.n @ (own - part.k.shape[1]))
        # eqs. 15 and 16 of a random effect with the residual
        kw = np.tensordot(part.n, np.swapaxes(part.k, 1, 2) @ part.w, axes=1)
        for i in range(k):
            q[i] += flat_product(n * part.g, applied(psi[i], h))
            trace2[i] += inner(kw, psi[i])
    return ResidualSums(lost2, lost3, squared, q, trace2)


def sweep_residual(gram: Gram, theta: FloatArray, directions: Directions) -> ResidualSums:
    """The same in one pass over many small blocks."""
    with one_thread():
        return _sweep_residual(gram, theta, directions)


def _sweep_residual(gram: Gram, theta: FloatArray, directions: Directions) -> ResidualSums:
    p, k = len(gram.xy), len(directions[0])
    lost2, lost3, squared = np.zeros((p, p)), np.zeros((p, p)), 0.0
    q, trace2 = np.zeros((k, p, p)), np.zeros(k)
    for s, psi in zip(gram.stacks, directions, strict=True):
        width = s.zz.shape[1]
        gh, kw = np.zeros((p * width, p * width)), np.zeros((width, width))
        for c in chunks(s, theta):
            turned = np.swapaxes(c.k, 0, 1)
            g, nzx = c.g[:-1], c.nzv[:-1] * c.n
            h = many_applied(turned, g)
            lost2 += summed(g, nzx)
            lost3 += summed(h, nzx)
            squared += float(((c.k * turned).sum(axis=(0, 1)) - width) @ c.n)
            kw += product(turned, c.w) @ c.n
            gh += (g * c.n).reshape(p * width, -1) @ h.reshape(p * width, -1).T
        shape = gh.reshape(p, width, p, width)
        for i in range(k):
            q[i] += np.einsum("paqb,ab->pq", shape, psi[i])
            trace2[i] += inner(kw, psi[i])
    return ResidualSums(lost2, lost3, squared, q, trace2)
