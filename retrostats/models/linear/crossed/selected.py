"""Diagonal blocks of A^-1 summed by group, without the rest of the inverse."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import block_array, csr_array

from retrostats.models.linear.crossed.dense_stage import DenseStage
from retrostats.models.linear.crossed.factor import Factor, inner_outer
from retrostats.models.linear.crossed.layout import Crossed
from retrostats.models.linear.formula.columns import FloatArray

_CHUNK = 512


def inverse_sums(data: Crossed, factor: Factor) -> list[FloatArray]:
    """Sum over levels of the diagonal blocks (k, k) of A^-1, a group each.

    The entries of A^-1 wanted at one step of the chain are those where its later part has entries
    (Takahashi, Fagan and Chen 1973); they are found from the end of the chain to its start.
    """
    inverse: Any = factor.inverse_rest()
    sums, at = [], 0
    for group in data.groups[data.chain :]:
        blocks = inverse[at : at + group.width, at : at + group.width]
        shape = (group.levels, group.k, group.levels, group.k)
        sums.append(np.einsum("lilj->ij", blocks.reshape(shape)))
        at += group.width
    out: list[FloatArray] = []
    for position in range(data.chain - 1, -1, -1):
        stage = factor.stages[position]
        total = stage.inverse.sum(axis=0)
        if isinstance(stage, DenseStage):
            return [total + stage.inner(factor.lower), *sums]
        if position == 0 and data.chain == 1:
            if stage.h.shape[0]:
                total = total + inner_outer(inverse, stage.h, stage.k)
            return [total, *sums]
        y = sampled(inverse, stage.h)
        own = own_products(stage.h, y, stage.k)
        out.append(total + own.sum(axis=0))
        if position:
            inverse = _joined(stage.inverse + own, y, inverse)
    return [*out[::-1], *sums]


def sampled(inverse: Any, h: csr_array) -> csr_array:
    """Inverse times H, at the places of H."""
    if not h.shape[0]:
        return h
    mask = csr_array((np.ones(h.nnz), h.indices, h.indptr), shape=h.shape)
    if not isinstance(inverse, np.ndarray):
        return csr_array((inverse @ h).multiply(mask))
    turned = csr_array(h.T)
    values = np.empty(h.nnz)
    for at in range(0, turned.shape[0], _CHUNK):
        part = turned[at : at + _CHUNK]
        dense = part @ inverse
        row = np.repeat(np.arange(part.shape[0]), np.diff(part.indptr))
        values[turned.indptr[at] : turned.indptr[at] + part.nnz] = dense[row, part.indices]
    return csr_array(csr_array((values, turned.indices, turned.indptr), shape=turned.shape).T)


def own_products(h: csr_array, y: csr_array, k: int) -> FloatArray:
    """H_l' Y_l (L, k, k) of each level."""
    levels = h.shape[1] // k
    out = np.zeros((levels, k, k))
    for i in range(k):
        for j in range(k):
            out[:, i, j] = np.asarray(h[:, i::k].multiply(y[:, j::k]).sum(axis=0)).ravel()
    return out


def _joined(own: FloatArray, y: csr_array, inverse: Any) -> Any:
    """The wanted entries of A^-1 with one more group in front."""
    levels, k, _ = own.shape
    rows = np.repeat(np.arange(levels * k), k)
    columns = (np.arange(levels)[:, None, None] * k + np.arange(k)).repeat(k, axis=1).ravel()
    first = csr_array((own.ravel(), (rows, columns)), shape=(levels * k,) * 2)
    if not y.shape[0]:
        return first
    return csr_array(block_array([[first, -y.T], [-y, csr_array(inverse)]], format="csr"))
