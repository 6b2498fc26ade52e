"""Working coordinates: random covariates of each term made orthonormal on average.

An unstructured covariance stays unstructured under a linear change of its effects, so likelihood,
Kenward-Roger and Satterthwaite do not change; but the unit of a covariate, or its distance from
zero (a calendar year), no longer costs digits or steps.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.linalg import LinAlgError

from retrostats.models.linear.blocks.directions import applied, scattered, times
from retrostats.models.linear.blocks.gram import Gram, Stack
from retrostats.models.linear.formula.columns import FloatArray


def working_gram(gram: Gram) -> tuple[Gram, list[FloatArray]]:
    """The crossproducts in working coordinates, and each term's R (k, k): Z = Z_working R."""
    moment = np.zeros(len(gram.diagonal))
    for s in gram.stacks:
        total = np.tensordot(s.n, s.zz, axes=1)
        np.add.at(moment, s.theta, total[s.rows, s.cols])
    roots = roots_of(gram.sizes, moment / gram.n_obs)
    if all(np.array_equal(r, np.eye(len(r))) for r in roots):
        return gram, roots
    values = inverse_theta(roots)
    return replace(gram, stacks=tuple(_changed(s, values, gram.sizes) for s in gram.stacks)), roots


def roots_of(sizes: tuple[int, ...], moment: FloatArray) -> list[FloatArray]:
    """Each term's R (k, k), from the mean second moments packed as theta."""
    return [root_of_moment(m) for m in triangles(sizes, moment)]


def inverse_theta(roots: list[FloatArray]) -> FloatArray:
    """The transposed inverses of all R, lower triangles packed as theta."""
    inverse = [np.linalg.solve(r, np.eye(len(r))) for r in roots]
    return np.concatenate([packed(i.T) for i in inverse])


def root_of_moment(lower: FloatArray) -> FloatArray:
    """Upper-triangular R with R'R the mean second moment; diagonal where that is singular."""
    # A power of two rounds nothing, and a single covariate needs no more.
    scale = 2.0 ** np.round(0.5 * np.log2(np.maximum(np.diag(lower), 1e-300)))
    if len(lower) > 1:
        full = lower + np.tril(lower, -1).T
        try:
            root = np.linalg.cholesky(full / np.outer(scale, scale)).T
        except LinAlgError:
            return np.diag(scale)
        if np.abs(np.diag(root)).min() > 1e-6:
            return np.asarray(root * scale)
    return np.diag(scale)


def _changed(s: Stack, values: FloatArray, sizes: tuple[int, ...]) -> Stack:
    """One stack with Z replaced by Z T, T the inverse of R in every level."""
    if all(k == 1 for k in sizes):
        by = np.empty(s.zz.shape[1])
        by[s.rows] = values[s.theta]
        both = by[:, None] * by
        return replace(
            s,
            zz=s.zz * both,
            zx=s.zx * by[:, None],
            zy=s.zy * by,
            scatter=None if s.scatter is None else s.scatter * both,
        )
    t_lower = scattered(s, values[s.theta])  # T', lower triangular like the factor
    turned = t_lower.T
    return replace(
        s,
        zz=applied(t_lower, times(s.zz, turned)),
        zx=applied(t_lower, s.zx),
        zy=applied(t_lower, s.zy[:, :, None])[:, :, 0],
        scatter=None if s.scatter is None else applied(t_lower, times(s.scatter, turned)),
    )


def triangles(sizes: tuple[int, ...], theta: FloatArray) -> list[FloatArray]:
    """Each term's lower triangle (k, k) from theta."""
    out: list[FloatArray] = []
    at = 0
    for k in sizes:
        lower = np.zeros((k, k))
        for j in range(k):
            lower[j:, j] = theta[at : at + k - j]
            at += k - j
        out.append(lower)
    return out


def packed(lower: FloatArray) -> FloatArray:
    """A lower triangle by column, as theta holds it."""
    return np.concatenate([lower[:0, :0].ravel(), *(lower[j:, j] for j in range(len(lower)))])


def change_theta(
    sizes: tuple[int, ...], theta: FloatArray, roots: list[FloatArray], *, to_working: bool
) -> FloatArray:
    """Theta of the same covariance in the other coordinates, diagonals not negative."""
    parts = []
    for lower, root in zip(triangles(sizes, theta), roots, strict=True):
        moved = root @ lower if to_working else np.linalg.solve(root, lower)
        if len(moved) > 1:
            moved = np.asarray(np.linalg.qr(moved.T, mode="r")).T
            moved = moved * np.where(np.diag(moved) < 0, -1.0, 1.0)
            moved[np.abs(moved) < 1e-14 * np.abs(moved).max()] = 0.0
        parts.append(packed(moved))
    return np.concatenate(parts)
