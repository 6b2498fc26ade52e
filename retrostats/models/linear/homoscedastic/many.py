"""The same sums over many small blocks at once, the blocks on the last axis.

Stacked products of matrices of 2 by 2 spend nearly all their time on calls, not on numbers. Here
each element of the small matrices is a vector over some thousands of blocks that stay in the
processor's cache, and sums over blocks are products of two wide matrices. Equation numbers refer to
docs/mathematics.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.linalg import LinAlgError

from retrostats.common.workers import one_thread
from retrostats.models.linear.blocks.directions import relative_factor
from retrostats.models.linear.blocks.gram import Gram, Stack
from retrostats.models.linear.formula.columns import FloatArray

_WIDEST = 6  # random effects of a block above which its own products are worth a call
_FEWEST = 300  # blocks below which they are few enough for any way
_CHUNK = 4096  # blocks at once
#: Parameters from which products of pairs (`pair_sums.py`) are faster than a sweep, and elements of
#: the blocks' (q, q) matrices up to which these are held at once (16 MiB a matrix).
_PAIRED, _HELD = 6, 1 << 21


def is_many(gram: Gram) -> bool:
    """Whether the blocks are many, small and each its own."""
    return (
        not gram.signed
        and sum(len(s.n) for s in gram.stacks) >= _FEWEST
        and all(s.scatter is None and s.zz.shape[1] <= _WIDEST for s in gram.stacks)
        and (len(gram.diagonal) < _PAIRED or sum(s.zz.size for s in gram.stacks) > _HELD)
    )


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some blocks at one theta; b of them, q random effects, P = p + 1 columns of [X y].

    Attributes
    ----------
    n, log_v : (b,) arrays
        Blocks behind each entry, log|V|.
    zv : (P, q, b) array
        Z'[X y].
    nn, k, w : (q, q, b) arrays
        Lambda M^-1 Lambda', I - nn Z'Z, Z'V^-1 Z.
    nzv, g : (P, q, b) arrays
        nn Z'[X y] and Z'V^-1 [X y].
    """

    n: FloatArray
    log_v: FloatArray
    zv: FloatArray
    nn: FloatArray
    k: FloatArray
    w: FloatArray
    nzv: FloatArray
    g: FloatArray


def chunks(s: Stack, theta: FloatArray) -> Iterator[Chunk]:
    """All blocks of a stack, some thousands at a time.

    Raises
    ------
    LinAlgError
        A covariance matrix is not positive definite.
    """
    q = s.zz.shape[1]
    lam = relative_factor(s, theta)
    around = np.kron(lam.T, lam.T)
    for start in range(0, len(s.n), _CHUNK):
        here = slice(start, start + _CHUNK)
        n = s.n[here]
        zz = np.ascontiguousarray(s.zz[here].reshape(-1, q * q).T)
        m = (around @ zz).reshape(q, q, -1)
        zz = zz.reshape(q, q, -1)
        half, log_v = _half(m, lam)
        nn = product(np.swapaxes(half, 0, 1), half)
        k = -product(nn, zz)
        for i in range(q):
            k[i, i] += 1.0
        zv = np.empty((s.zx.shape[2] + 1, q, len(n)))
        zv[:-1], zv[-1] = s.zx[here].transpose(2, 1, 0), s.zy[here].T
        nzv = applied(nn, zv)
        yield Chunk(n, log_v, zv, nn, k, product(zz, k), nzv, zv - applied(zz, nzv))


def product(a: FloatArray, b: FloatArray) -> FloatArray:
    """Products (q, r, b) of small matrices (q, q, b) and (q, r, b)."""
    out = np.empty((len(a), *b.shape[1:]))
    for i, row in enumerate(a):
        np.multiply(row[0], b[0], out=out[i])
        for j in range(1, len(b)):
            out[i] += row[j] * b[j]
    return out


def applied(a: FloatArray, v: FloatArray) -> FloatArray:
    """Products (..., q, b) of small matrices (q, q, b) with vectors (..., q, b)."""
    out = np.empty(v.shape)
    for i, row in enumerate(a):
        np.multiply(v[..., 0, :], row[0], out=out[..., i, :])
        for j in range(1, len(a)):
            out[..., i, :] += v[..., j, :] * row[j]
    return out


def _half(m: FloatArray, lam: FloatArray) -> tuple[FloatArray, FloatArray]:
    """L^-1 Lambda' (q, q, b) with LL' = I + m, and log|I + m| (b,)."""
    q = len(m)
    lower = np.empty_like(m)
    half = np.empty_like(m)
    log_v = np.zeros(m.shape[2])
    for j in range(q):
        pivot = m[j, j] + 1.0
        for k in range(j):
            pivot -= lower[j, k] ** 2
        if not pivot.min() > 0.0:
            raise LinAlgError("the covariance matrix is not positive definite")
        log_v += np.log(pivot)
        np.sqrt(pivot, out=lower[j, j])
        for i in range(j + 1, q):
            rest = m[i, j].copy()
            for k in range(j):
                rest -= lower[i, k] * lower[j, k]
            np.divide(rest, lower[j, j], out=lower[i, j])
        for c in range(q):
            rest = np.full(m.shape[2], lam[c, j])
            for k in range(j):
                rest -= lower[j, k] * half[k, c]
            np.divide(rest, lower[j, j], out=half[j, c])
    return half, log_v


def summed(a: FloatArray, b: FloatArray) -> FloatArray:
    """Sums (r, s) over the last two axes of products of (r, q, b) and (s, q, b)."""
    return np.asarray(a.reshape(len(a), -1) @ b.reshape(len(b), -1).T)


@dataclass(frozen=True, slots=True)
class Swept:
    """Sums over all blocks of one stack, for k directions; P columns [X y].

    Attributes
    ----------
    log_v : float
        Sum of log|V|.
    lost : (P, P) array
        [X y]'[X y] less [X y]'V^-1 [X y].
    w : (q, q) array
        Z'V^-1 Z.
    ww : (q, q, q, q) array
        Products of two elements of Z'V^-1 Z of one block.
    gg : (P, q, P, q) array
        Products of two elements of Z'V^-1 [X y] of one block.
    q : (k, P, k, P) array
        [X y]'V^-1 V_i V^-1 V_j V^-1 [X y].
    """

    log_v: float
    lost: FloatArray
    w: FloatArray
    ww: FloatArray
    gg: FloatArray
    q: FloatArray


def sweep(s: Stack, theta: FloatArray, psi: list[FloatArray]) -> Swept:
    """One pass over a stack; psi are the directions (q, q) of its parameters."""
    with one_thread():
        return _sweep(s, theta, psi)


def _sweep(s: Stack, theta: FloatArray, psi: list[FloatArray]) -> Swept:
    q, columns, k = s.zz.shape[1], s.zx.shape[2] + 1, len(psi)
    log_v, w = 0.0, np.zeros((q, q))
    lost, gg = np.zeros((columns, columns)), np.zeros((columns * q, columns * q))
    ww, qq = np.zeros((q * q, q * q)), np.zeros((k * columns, k * columns))
    for c in chunks(s, theta):
        log_v += float(c.n @ c.log_v)
        lost += summed(c.zv * c.n, c.nzv)
        flat = c.w.reshape(q * q, -1)
        w += (flat @ c.n).reshape(q, q)
        ww += (flat * c.n) @ flat.T
        g = c.g.reshape(columns * q, -1)
        gg += (g * c.n) @ g.T
        turned = np.concatenate([np.matmul(d, c.g) for d in psi])
        qq += summed(turned, applied(c.w, turned) * c.n)
    return Swept(
        log_v, lost, w, ww.reshape(q, q, q, q), gg.reshape(columns, q, columns, q),
        qq.reshape(k, columns, k, columns),
    )  # fmt: skip


def sweep_level(gram: Gram, theta: FloatArray) -> tuple[float, FloatArray]:
    """`log_v` and `lost` of all stacks."""
    log_v, lost = 0.0, np.zeros((len(gram.xy) + 1,) * 2)
    with one_thread():
        for s in gram.stacks:
            for c in chunks(s, theta):
                lost += summed(c.zv * c.n, c.nzv)
                log_v += float(c.n @ c.log_v)
    return log_v, lost
