"""The sufficient statistics with residual strata: crossproducts of each block and stratum.

V = Z Psi Z' + sum of sigma_s^2 D_s, D_s the rows of stratum s. One cell is what a block has in one
stratum; a block is a group (study, subject) that shares no random effect with another. See
docs/mathematics.md, section 14.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from retrostats.common.errors import NotIdentified
from retrostats.models.linear.blocks.buckets import Bucket, buckets, products, template
from retrostats.models.linear.blocks.gram import Gram, InBasis
from retrostats.models.linear.blocks.rows import Rows, reduce_rows
from retrostats.models.linear.formula.columns import FloatArray, IntArray
from retrostats.models.linear.heteroscedastic.low_rank import DesignRows, design_rows, few_enough

_EXACT = 1e-20  # residual variance of a stratum, in units of that of all, which is rounding
_PADDED = 200_000  # numbers up to which the rows of all strata are decomposed together
_RANK = 1e-10  # relative singular value of a stratum's X that counts as zero


@dataclass(frozen=True, slots=True)
class Stratified:
    """Rows and the residual stratum of each.

    Attributes
    ----------
    rows : Rows
    stratum : (R,) int array
    count : (T,) array
        Observations of each stratum.
    labels : tuple of str
    name : str
        Of the factor or interaction.
    """

    rows: Rows
    stratum: IntArray
    count: FloatArray
    labels: tuple[str, ...]
    name: str


@dataclass(frozen=True, slots=True)
class StrataStack:
    """B blocks of q random-effect columns with at most S strata each (empty cells are zero).

    Attributes
    ----------
    n : (B,) array
        Blocks behind each entry.
    stratum : (B, S) int array
    zz : (B, S, q, q) array
        Z'Z of one block's rows in the stratum.
    zx : (B, S, q, p) array
        Z'X times the root of n, X in the orthonormal basis.
    zy : (B, S, q, c) array
        Z'Y: the first column is the mean residual times the root of n, the others are a root of
        the scatter of the entry's blocks.
    rows, cols, theta : (L,) int arrays
        As in `gram.Stack`.
    design : DesignRows or None
        The rows themselves, where they are few beside strata and columns of X.
    """

    n: FloatArray
    stratum: IntArray
    zz: FloatArray
    zx: FloatArray
    zy: FloatArray
    rows: IntArray
    cols: IntArray
    theta: IntArray
    design: DesignRows | None = None


@dataclass(frozen=True)
class Strata(InBasis):
    """Everything the likelihood of a formula with residual strata needs.

    Attributes
    ----------
    stacks : tuple of StrataStack
    count : (T,) array
        Observations of each stratum.
    xx : (T, p, p), xy : (T, p), yy : (T,) arrays
        Crossproducts of each stratum's rows.
    alone : (T,) array
        Residual variance of each stratum by least squares on its own rows.
    labels : tuple of str
    name : str
    basis, start : arrays
        As in `gram.Gram`.
    sizes : tuple of int
        k of each random term.
    scale : float
        The outcome is divided by this.
    """

    stacks: tuple[StrataStack, ...]
    count: FloatArray
    xx: FloatArray
    xy: FloatArray
    yy: FloatArray
    alone: FloatArray
    labels: tuple[str, ...]
    name: str
    basis: FloatArray
    start: FloatArray
    sizes: tuple[int, ...]
    scale: float

    @property
    def n_obs(self) -> int:
        """Observations."""
        return round(float(self.count.sum()))

    @property
    def design(self) -> list[DesignRows] | None:
        """The rows of every stack, where they are held."""
        held = [s.design for s in self.stacks if s.design is not None]
        return held if held and len(held) == len(self.stacks) else None

    def frame_gram(self) -> Gram:
        """What of these does not depend on residual variances, in the shape of a plain fit's."""
        xy = self.xy.sum(0) * self.scale
        yy = float(self.yy.sum()) * self.scale**2
        return Gram((), xy, yy, self.n_obs, self.basis, self.start, self.sizes)


def build_strata(data: Stratified) -> Strata:
    """Reduce rows to the crossproducts of each block and stratum.

    Raises
    ------
    NotIdentified
        As `gram.build_gram`; or a stratum has too few observations for a variance of its own.
    InputError
        The outcome does not vary.
    """
    reduced = reduce_rows(data.rows)
    scale = float(np.sqrt(reduced.yy / reduced.n_obs))
    root = None if reduced.weight is None else np.sqrt(reduced.weight)
    y = outcomes(data.rows, reduced.residual if root is None else root * reduced.residual) / scale
    x = reduced.q if root is None else root[:, None] * reduced.q
    total = len(data.count)
    order = np.argsort(data.stratum, kind="stable")
    ends = np.cumsum(np.bincount(data.stratum, minlength=total))[:-1]
    members = np.split(order, ends)
    xx = np.stack([x[at].T @ x[at] for at in members])
    xy = np.stack([x[at].T @ y[at, 0] for at in members])
    yy = np.array([float(np.vdot(y[at], y[at])) for at in members])
    alone = _alone(data, x, y, members, scale)
    bucketed = buckets(data.rows)
    stacks = _with_rows(tuple(stack_of(b, data, x, y) for b in bucketed), bucketed, data, x)
    sizes = tuple(len(r.effects) for r in data.rows.random)
    return Strata(
        stacks=stacks,
        count=data.count,
        xx=xx,
        xy=xy,
        yy=yy,
        alone=alone,
        labels=data.labels,
        name=data.name,
        basis=reduced.basis,
        start=reduced.start,
        sizes=sizes,
        scale=scale,
    )


def _with_rows(
    stacks: tuple[StrataStack, ...], bucketed: Sequence[Bucket], data: Stratified, x: FloatArray
) -> tuple[StrataStack, ...]:
    """The stacks with their rows, where products of these take less time.

    Rows x are whole here; those that stand for the sums of streamed cells hold what random effects
    see alone.
    """
    held = [_rows_of(b, s.zz.shape[-1], data, x) for s, b in zip(stacks, bucketed, strict=True)]
    rows = [len(design.x) for design in held if design is not None]
    if len(rows) < len(held) or not few_enough(sum(rows), len(data.count), x.shape[1]):
        return stacks
    return tuple(replace(s, design=design) for s, design in zip(stacks, held, strict=True))


def _rows_of(bucket: Bucket, width: int, data: Stratified, x: FloatArray) -> DesignRows | None:
    z = np.zeros((len(bucket.block), width))
    for column, place in zip(bucket.values.T, bucket.index, strict=True):
        z[np.arange(len(z)), place] = column
    return design_rows(z, x[bucket.rows], bucket.block, data.stratum[bucket.rows])


def outcomes(rows: Rows, mean: FloatArray) -> FloatArray:
    """The mean, or its residual, and a root of the scatter as columns: all enter alike (eq. 33)."""
    width = max((len(s) for s in rows.scatter.values()), default=0)
    y = np.zeros((len(mean), 1 + width))
    y[:, 0] = mean
    for block, scatter in rows.scatter.items():
        values, vectors = np.linalg.eigh(scatter)
        at = np.flatnonzero(rows.block == block)
        y[at, 1 : 1 + len(values)] = vectors * np.sqrt(np.maximum(values, 0.0))
    return y


def _alone(
    data: Stratified, x: FloatArray, y: FloatArray, members: list[IntArray], scale: float
) -> FloatArray:
    """Refuse a stratum whose own rows the fixed effects fit exactly: its variance is unbounded.

    Returns the variances (T,) each stratum would have alone, from which Newton's method starts.
    """
    most = max(map(len, members))
    together = most * len(members) * x.shape[1] <= _PADDED
    groups = [list(range(len(members)))] if together else [[i] for i in range(len(members))]
    alone = np.empty(len(members))
    for group in groups:
        depth = most if together else len(members[group[0]])
        own = np.zeros((len(group), depth, x.shape[1]))
        for i, stratum in enumerate(group):
            own[i, : len(members[stratum])] = x[members[stratum]]
        left, values, _ = np.linalg.svd(own, full_matrices=False)
        ranks = (values > _RANK * np.maximum(values[:, :1], 1e-300)).sum(1)
        for i, stratum in enumerate(group):
            kept = left[i, : len(members[stratum]), : ranks[i]]
            alone[stratum] = _variance(data, stratum, kept, y[members[stratum]], scale)
    return alone


def _variance(
    data: Stratified, stratum: int, basis: FloatArray, y: FloatArray, scale: float
) -> float:
    """Residual variance of one stratum's rows about the span of a basis (m, rank)."""
    rest = y[:, 0] - basis @ (basis.T @ y[:, 0])
    spread = float(rest @ rest) + float(np.vdot(y[:, 1:], y[:, 1:]))
    called = data.name, data.labels[stratum]
    return residual_variance(called, float(data.count[stratum]), basis.shape[1], spread, scale)


def residual_variance(
    called: tuple[str, str], count: float, rank: int, spread: float, scale: float
) -> float:
    """Mean square of a stratum's rows about the fixed effects; `called` is factor and level.

    Raises
    ------
    NotIdentified
        Too few observations, or none of them varies.
    """
    name, label = called
    where = f"residual variance of {name} {label}"
    if count <= rank:
        raise NotIdentified(
            f"{where}: {count:g} observation(s), which {rank} fixed effect(s) fit exactly; "
            "merge the stratum with another or take fixed effects out of the formula"
        )
    if spread <= _EXACT * count:
        raise NotIdentified(
            f"{where}: the outcome does not vary there beyond the fixed effects (spread 0 in "
            f"units of {scale:.3g}), so its variance is zero and the likelihood has no bound; "
            "check the printed SD, or merge the stratum with another"
        )
    return spread / (count - rank)


def stack_of(bucket: Bucket, data: Stratified, x: FloatArray, y: FloatArray) -> StrataStack:
    """Cells of one bucket, laid out block by block."""
    rows, total, count = bucket.rows, len(data.count), len(bucket.blocks)
    used, cell = np.unique(bucket.block * total + data.stratum[rows], return_inverse=True)
    owner, stratum = np.divmod(used, total)
    place = np.arange(len(used)) - np.searchsorted(owner, owner)
    depth = int(place.max()) + 1
    sizes = [len(r.effects) for r in data.rows.random]
    width = int(np.dot(bucket.shape, sizes))
    p = x.shape[1]
    w = np.hstack([x[rows], y[rows, 1:]])
    zz, zw, zy = products(w, y[rows, 0], bucket.values, cell, len(used), bucket.index, width)
    out_zz = np.zeros((count, depth, width, width))
    out_zx = np.zeros((count, depth, width, p))
    out_zy = np.zeros((count, depth, width, y.shape[1]))
    where = np.zeros((count, depth), dtype=np.intp)
    where[owner, place] = stratum
    out_zz[owner, place] = zz
    out_zx[owner, place] = zw[:, :, :p]
    out_zy[owner, place, :, 0] = zy
    out_zy[owner, place, :, 1:] = zw[:, :, p:]
    return StrataStack(
        data.rows.n[bucket.blocks].astype(float), where, out_zz, out_zx, out_zy,
        *template(bucket.shape, sizes),
    )  # fmt: skip
