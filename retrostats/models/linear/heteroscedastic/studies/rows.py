"""The rows of many studies: what each has in its own columns and in those that all share.

A component is what `components` calls so. Its rows of X stand in s columns of its own and c common
ones, orthonormal over all rows; no matrix of all columns is decomposed (docs/mathematics.md,
section 14.1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from retrostats.models.linear.blocks.buckets import Bucket, buckets, template
from retrostats.models.linear.blocks.gram import Gram, on_diagonal
from retrostats.models.linear.blocks.rows import check_identified
from retrostats.models.linear.blocks.working import inverse_theta, roots_of
from retrostats.models.linear.formula.columns import FloatArray, IntArray
from retrostats.models.linear.heteroscedastic.blocks import (
    Strata,
    Stratified,
    build_strata,
    outcomes,
)
from retrostats.models.linear.heteroscedastic.studies.bordered import Order
from retrostats.models.linear.heteroscedastic.studies.components import Components, find_components
from retrostats.models.linear.heteroscedastic.studies.squares import (
    Basis,
    alone_variances,
    least_squares,
    padded,
    taken,
)

_EXACT = 1e-13  # residual spread, of the largest outcome, that is rounding
#: Rows of a block, and numbers in all products of blocks, above which blocks are not held as rows.
_DEEP, _MOST = 64, 20_000_000


@dataclass(frozen=True, slots=True)
class Units:
    """B blocks of m rows with q random effects; rows that a block lacks are zero.

    Attributes
    ----------
    n : (B,) array
        Blocks behind each.
    component : (B,) int array
    stratum : (B, m) int array
        Of all strata.
    kind : (B, h + l, m) array
        1 where a row is of a stratum: the h shared ones, then those of the component.
    z : (B, m, q), x : (B, m, s + c), y : (B, m, k) arrays
        The outcome's first column is the mean residual, the others a root of the scatter.
    rows, cols, theta : (L,) int arrays
        As in `gram.Stack`.
    """

    n: FloatArray
    component: IntArray
    stratum: IntArray
    kind: FloatArray
    z: FloatArray
    x: FloatArray
    y: FloatArray
    rows: IntArray
    cols: IntArray
    theta: IntArray

    def factor(self, theta: FloatArray) -> FloatArray:
        """Lambda (q, q)."""
        lam = np.zeros((self.z.shape[2], self.z.shape[2]))
        lam[self.rows, self.cols] = theta[self.theta]
        return lam


@dataclass(frozen=True)
class Studies:
    """What the likelihood of many studies with residual strata needs.

    Attributes
    ----------
    units : tuple of Units
        In working coordinates of the random effects.
    components : Components
    basis : Basis
    start : (p,) array
        Least-squares coefficients.
    yy : float
    alone : (T,) array
        Residual variance of each stratum by least squares on its own rows.
    roots : list of arrays
        Of the working coordinates, as `working_gram` gives them.
    scale : float
    data : Stratified
        The rows.
    """

    units: tuple[Units, ...]
    components: Components
    basis: Basis
    start: FloatArray
    yy: float
    alone: FloatArray
    roots: list[FloatArray]
    scale: float
    data: Stratified

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the strata."""
        return self.data.labels

    @property
    def name(self) -> str:
        """Of the factor of strata."""
        return self.data.name

    @property
    def count(self) -> FloatArray:
        """Observations (T,) of each stratum."""
        return self.data.count

    @property
    def n_obs(self) -> int:
        """Observations."""
        return round(float(self.data.count.sum()))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Effects of each random term."""
        return tuple(len(r.effects) for r in self.data.rows.random)

    @cached_property
    def diagonal(self) -> tuple[bool, ...]:
        """Which elements of theta are on the diagonal of a factor."""
        return on_diagonal(self.sizes)

    @cached_property
    def order(self) -> Order:
        """Parameters: theta and shared strata are the border."""
        k, found = len(self.diagonal), self.components
        border = np.concatenate([np.arange(k), k + found.shared])
        own = np.where(found.stratum < 0, -1, k + found.stratum)
        return Order(border, own, k + len(self.count))

    @cached_property
    def hidden(self) -> FloatArray:
        """Observations (U, h + l) that have no row, those of shared strata in the first."""
        rows = np.zeros(len(self.count))
        for u in self.units:
            held = u.kind.sum(1)
            rows += np.bincount(u.stratum.ravel(), (u.n[:, None] * held).ravel(), len(rows))
        rest, found = self.count - rows, self.components
        own = np.where(found.stratum < 0, 0.0, rest[found.stratum])
        shared = np.zeros((found.count, len(found.shared)))
        shared[0] = rest[found.shared]
        return np.hstack([shared, own])

    @cached_property
    def dense(self) -> Strata:
        """The same in crossproducts of all columns, for what asks of all pairs of studies."""
        return build_strata(self.data)

    def frame_gram(self) -> Gram:
        """What of these every engine shares: there is no triangle of all columns."""
        p = len(self.start)
        return Gram(
            (), np.zeros(p), self.yy * self.scale**2, self.n_obs, np.empty((0, p)), self.start,
            self.sizes,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Held:
    """Rows of one bucket, each cell of block and stratum with no more than it has directions."""

    bucket: Bucket
    z: FloatArray
    x: FloatArray
    y: FloatArray
    block: IntArray
    stratum: IntArray


def reduce_strata(data: Stratified) -> Strata | Studies:
    """Rows with residual strata reduced, by component where they are many.

    Raises
    ------
    NotIdentified, InputError
        As `build_strata`.
    """
    found = build_studies(data)
    return build_strata(data) if found is None else found


def build_studies(data: Stratified) -> Studies | None:
    """The rows of many studies, by component; None where `build_strata` is as fast or must judge.

    Raises
    ------
    NotIdentified
        As `rows.check_identified`; a stratum has too few observations, or does not vary.
    """
    rows = data.rows
    found = find_components(rows.x, rows.block, data.stratum, len(data.count))
    if found is None:
        return None
    weight = rows.n[rows.block]
    check_identified(rows, rows.hidden + round(float(weight.sum())))
    ones = np.sqrt(weight) if rows.rotated is None else rows.rotated
    shift = float(rows.y[0] / ones[0]) if rows.names[0] == "(Intercept)" else 0.0
    scaled = np.sqrt(weight)[:, None]
    y = outcomes(rows, np.sqrt(weight) * rows.y - shift * ones)
    x = scaled * _local(rows.x, found, rows.block)
    held = [_compressed(b, data, x, y) for b in buckets(rows)]
    if any(h is None for h in held):
        return None
    return _reduced(data, found, [h for h in held if h is not None], shift)


def _local(x: FloatArray, found: Components, block: IntArray) -> FloatArray:
    """X (R, s + c) in the columns of each row's component and the common ones."""
    columns = found.own[found.of_block[block]]
    own = np.where(columns < 0, 0.0, np.take_along_axis(x, np.maximum(columns, 0), axis=1))
    return np.hstack([own, x[:, found.common]])


def _compressed(bucket: Bucket, data: Stratified, x: FloatArray, y: FloatArray) -> _Held | None:
    """The rows of each cell rotated to as many as [Z X y] has columns, where they are more.

    In a cell V is Z Psi Z' + sigma^2 I, which a rotation of its rows leaves as it is (eq. 39).
    """
    sizes = [len(r.effects) for r in data.rows.random]
    width = int(np.dot(bucket.shape, sizes))
    z = np.zeros((len(bucket.block), width))
    for column, place in zip(bucket.values.T, bucket.index, strict=True):
        z[np.arange(len(z)), place] = column
    whole = np.hstack([z, x[bucket.rows], y[bucket.rows]])
    stratum = data.stratum[bucket.rows]
    order = np.lexsort((stratum, bucket.block))
    whole, block, stratum = whole[order], bucket.block[order], stratum[order]
    new = np.flatnonzero(np.diff(block, prepend=-1) | np.diff(stratum, prepend=-1))
    depth = np.diff(new, append=len(block))
    most = whole.shape[1]
    if depth.max() > most:
        parts, at = [whole[np.repeat(depth <= most, depth)]], [np.repeat(depth <= most, depth)]
        kept = [np.flatnonzero(at[0])]
        for size in np.unique(depth[depth > most]).tolist():
            first = new[depth == size]
            cells = whole[first[:, None] + np.arange(size)]
            parts.append(np.asarray(np.linalg.qr(cells, mode="r")).reshape(-1, most))
            kept.append((first[:, None] + np.arange(most)).ravel())
        index = np.concatenate(kept)
        again = np.argsort(index, kind="stable")
        whole, index = np.concatenate(parts)[again], index[again]
        block, stratum = block[index], stratum[index]
    deep = int(np.bincount(block).max())
    if deep > _DEEP or len(bucket.blocks) * deep**2 * (8 + len(sizes)) > _MOST:
        return None
    p = x.shape[1]
    return _Held(
        bucket, whole[:, :width], whole[:, width : width + p], whole[:, width + p :], block, stratum
    )


def _reduced(
    data: Stratified, found: Components, held: list[_Held], shift: float
) -> Studies | None:
    """Least squares over all rows, and the units in its basis."""
    x, y = (np.concatenate([getattr(h, part) for h in held]) for part in ("x", "y"))
    stratum = np.concatenate([h.stratum for h in held])
    component = np.concatenate([found.of_block[h.bucket.blocks[h.block]] for h in held])
    index, missing = padded(component, found.count)
    solved = least_squares(taken(x, index, missing), taken(y, index, missing), found)
    if solved is None:
        return None
    basis, q, rest, start = solved
    if data.rows.names[0] == "(Intercept)":
        start[0] += shift
    yy = float(np.vdot(rest, rest))
    n_obs = round(float(data.count.sum()))
    if yy <= (_EXACT * max(float(np.abs(data.rows.y).max()), 1e-300)) ** 2 * n_obs:
        return None
    scale = float(np.sqrt(yy / n_obs))
    x[index[~missing]], y[index[~missing]] = q[~missing], rest[~missing] / scale
    alone = alone_variances(data, found, (x, y, stratum, component), scale)
    sizes = [len(r.effects) for r in data.rows.random]
    first, units = 0, []
    for h in held:
        here = slice(first, first + len(h.z))
        units.append(_units(data, found, replace(h, x=x[here], y=y[here]), sizes))
        first += len(h.z)
    roots, turned = _working(tuple(units), tuple(sizes), n_obs)
    return Studies(
        units=turned,
        components=found,
        basis=basis,
        start=start,
        yy=yy / scale**2,
        alone=alone,
        roots=roots,
        scale=scale,
        data=data,
    )


def _units(data: Stratified, found: Components, held: _Held, sizes: list[int]) -> Units:
    """Rows laid out block by block."""
    blocks = held.bucket.blocks
    index, missing = padded(held.block, len(blocks))
    component = found.of_block[blocks]
    stratum = np.where(missing, -2, held.stratum[index])
    shared = np.broadcast_to(found.shared, (len(blocks), len(found.shared)))
    which = np.hstack([shared, found.stratum[component]])
    kind = (which[:, :, None] == stratum[:, None, :]).astype(float)
    z, x, y = (taken(part, index, missing) for part in (held.z, held.x, held.y))
    return Units(
        data.rows.n[blocks].astype(float), component, np.maximum(stratum, 0), kind, z, x, y,
        *template(held.bucket.shape, sizes),
    )  # fmt: skip


def _working(
    units: tuple[Units, ...], sizes: tuple[int, ...], n_obs: int
) -> tuple[list[FloatArray], tuple[Units, ...]]:
    """Covariates of each term made orthonormal on average, as in `working.working_gram`."""
    moment = np.zeros(sum(k * (k + 1) // 2 for k in sizes))
    for u in units:
        weighted = u.n[:, None, None] * u.z
        total = np.tensordot(weighted, u.z, axes=([0, 1], [0, 1]))
        np.add.at(moment, u.theta, total[u.rows, u.cols])
    roots = roots_of(sizes, moment / n_obs)
    values = inverse_theta(roots)
    return roots, tuple(replace(u, z=u.z @ u.factor(values).T) for u in units)
