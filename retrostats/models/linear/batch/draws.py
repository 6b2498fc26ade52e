"""Parametric draws of a design's crossproducts: normals, Wisharts and one chi-squared, no rows.

Where Z has n blocks with one design, the mean of Z'y is normal and its scatter Wishart; the part of
X outside the span of Z is normal, and everything else is the residual sum of squares, chi-squared.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from retrostats.common.lower_factor import forward, lower_factor
from retrostats.models.linear.batch.criterion import relative_factors
from retrostats.models.linear.batch.design import Block, Design, Draws
from retrostats.models.linear.blocks.gram import Gram
from retrostats.models.linear.formula.columns import FloatArray

_RANK_TOL = 1e-9  # of a column of X, whose length is 1


def draw(
    design: Design, theta: FloatArray, sigma: float, n: int, rng: np.random.Generator
) -> Draws:
    """Draw n replicates of the crossproducts of y - X beta under the model.

    Parameters
    ----------
    design : Design
    theta : (k,) array
        Relative covariance factor (the signed ratio itself for signed compound symmetry).
    sigma : float
    n : int
    rng : Generator

    Returns
    -------
    Draws
    """
    gram = design.gram
    p = len(gram.xy)
    outside = np.eye(p)
    xy, yy = np.zeros((p, n)), np.zeros(n)
    rest = float(gram.n_obs)
    zys: list[FloatArray] = []
    scatters: list[FloatArray | None] = []
    for block in design.blocks:
        count = block.n[:, 0]
        # eq. 23b: the means of a pattern's blocks
        root, half, x, kept = _spaces(block, theta, signed=gram.signed)
        outside -= np.einsum("b,bax,bay->xy", count, x, x)
        rest -= float(count @ kept.sum(1))
        mean = half @ rng.standard_normal((*kept.shape, n))
        mean *= kept[:, :, None] * (sigma / np.sqrt(count))[:, None, None]
        zys.append(np.einsum("bac,bcr->abr", root, mean))
        xy += np.einsum("b,bax,bar->xr", count, x, mean, optimize=True)
        yy += np.einsum("b,bar,bar->r", count, mean, mean, optimize=True)
        scatters.append(None)
        if (count > 1).any():
            # eq. 23b: their scatter, by Bartlett's decomposition
            scatter = np.zeros((*block.zz.shape[:3], n))
            for b in np.flatnonzero(count > 1):
                here = np.flatnonzero(kept[b])
                inner = sigma * half[b][np.ix_(here, here)]
                factor = np.tensordot(inner, _bartlett(len(here), count[b] - 1.0, n, rng), 1)
                yy += np.einsum("abr,abr->r", factor, factor)
                factor = np.tensordot(root[b][:, here], factor, 1)
                scatter[:, :, b] = np.einsum("acr,bcr->abr", factor, factor)
            scatters[-1] = scatter
    # eq. 23c: what X explains outside Z, then the rest of the sum of squares
    found, some = lower_factor(outside[None], least=_RANK_TOL)
    kept = some[0]
    normal = sigma * rng.standard_normal((int(kept.sum()), n))
    xy += found[0][:, kept] @ normal
    yy += np.einsum("ar,ar->r", normal, normal)
    rest -= int(kept.sum())
    if rest > 0.5:
        yy += sigma**2 * rng.chisquare(rest, n)
    return Draws(tuple(zys), tuple(scatters), xy, yy)


def single(design: Design, draws: Draws, r: int) -> Gram:
    """One replicate as the reduction that a single fit takes."""
    stacks = tuple(
        replace(
            stack,
            zy=np.ascontiguousarray(zy[..., r].T),
            scatter=None if s is None else np.ascontiguousarray(s[..., r].transpose(2, 0, 1)),
        )
        for stack, zy, s in zip(design.gram.stacks, draws.zy, draws.scatter, strict=True)
    )
    return replace(design.gram, stacks=stacks, xy=draws.xy[:, r].copy(), yy=float(draws.yy[r]))


def _spaces(
    block: Block, theta: FloatArray, *, signed: bool
) -> tuple[FloatArray, FloatArray, FloatArray, np.ndarray]:
    """F with FF' = Z'Z (B, q, q), a root of I + F'Psi F (B, q, q), F^+Z'X (B, q, p), F's columns.

    Where Z is rank-deficient some columns of F are zero; the last (B, q) says which are not.
    """
    root, kept = lower_factor(block.stack.zz)
    if signed:
        psi = np.full((1, 1), float(theta[0]))
    else:
        lam = relative_factors(block.stack, theta[:, None])[..., 0]
        psi = lam @ lam.T
    turned = np.swapaxes(root, 1, 2)
    half = np.linalg.cholesky(np.eye(len(psi)) + turned @ psi @ root)
    return root, half, forward(root, kept, block.stack.zx), kept


def _bartlett(rank: int, df: float, n: int, rng: np.random.Generator) -> FloatArray:
    """A (rank, c, n) with AA' standard Wishart; columns of normals where df < rank."""
    if df < rank:
        return rng.standard_normal((rank, int(df), n))
    out = np.zeros((rank, rank, n))
    for i in range(rank):
        out[i, i] = np.sqrt(rng.chisquare(df - i, n))
        for j in range(i):
            out[i, j] = rng.standard_normal(n)
    return out
