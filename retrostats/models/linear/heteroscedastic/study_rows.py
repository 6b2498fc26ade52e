"""The rows of many studies: what each has in its own columns and in those that all share.

A component is what `components` calls so. Its rows of X stand in s columns of its own and c common
ones, orthonormal over all rows; no matrix of all columns is decomposed (docs/mathematics.md,
section 14.1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.linalg import LinAlgError

from retrostats.models.linear.blocks.buckets import Bucket, buckets, template
from retrostats.models.linear.blocks.gram import Gram
from retrostats.models.linear.blocks.rows import check_identified
from retrostats.models.linear.blocks.working import packed, root_of_moment, triangles
from retrostats.models.linear.formula.columns import FloatArray, IntArray
from retrostats.models.linear.heteroscedastic.blocks import (
    Strata,
    Stratified,
    build_strata,
    outcomes,
    residual_variance,
)
from retrostats.models.linear.heteroscedastic.bordered import Order
from retrostats.models.linear.heteroscedastic.components import Components, find_components

_HEALTHY = 1e-4  # smallest pivot of normed columns, of what Cholesky may decompose
_RANK = 1e-10  # relative singular value of a stratum's X that counts as zero
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


@dataclass(frozen=True, slots=True)
class Basis:
    """The orthonormal columns: X of a component = Q_own root, X in common = Q_own share + Q root.

    root (U, s, s), share (U, s, c), common (c, c).
    """

    root: FloatArray
    share: FloatArray
    common: FloatArray

    @property
    def log(self) -> float:
        """log|X'X|."""
        own = np.log(np.abs(np.diagonal(self.root, axis1=1, axis2=2))).sum()
        return 2.0 * float(own + np.log(np.abs(np.diag(self.common))).sum())

    def coefficients(self, own: FloatArray, common: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Coefficients of X's own columns, from those (U, s, k) and (c, k) of the basis."""
        beta = np.linalg.solve(self.common, common)
        return np.linalg.solve(self.root, own - self.share @ beta), beta


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
        return tuple(i == j for k in self.sizes for j in range(k) for i in range(j, k))

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


def _compressed(
    bucket: Bucket, data: Stratified, x: FloatArray, y: FloatArray
) -> _Held | None:
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
            parts.append(np.linalg.qr(cells, mode="r").reshape(-1, most))
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


def _padded(owner: IntArray, count: int) -> tuple[IntArray, IntArray]:
    """Index (count, most) of each owner's rows, and where they stand; -1 where there are fewer."""
    order = np.argsort(owner, kind="stable")
    sorted_ = owner[order]
    place = np.arange(len(owner)) - np.searchsorted(sorted_, sorted_)
    out = np.full((count, int(place.max(initial=0)) + 1), -1)
    out[sorted_, place] = order
    return out, out < 0


def _taken(values: FloatArray, index: IntArray, missing: IntArray) -> FloatArray:
    out = values[index]
    out[missing] = 0.0
    return out


def _reduced(
    data: Stratified, found: Components, held: list[_Held], shift: float
) -> Studies | None:
    """Least squares over all rows, and the units in its basis."""
    x, y = (np.concatenate([getattr(h, part) for h in held]) for part in ("x", "y"))
    stratum = np.concatenate([h.stratum for h in held])
    component = np.concatenate([found.of_block[h.bucket.blocks[h.block]] for h in held])
    index, missing = _padded(component, found.count)
    solved = _least_squares(_taken(x, index, missing), _taken(y, index, missing), found)
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
    alone = _alone(data, found, (x, y, stratum, component), scale)
    sizes = [len(r.effects) for r in data.rows.random]
    first, units = 0, []
    for h in held:
        here = slice(first, first + len(h.z))
        units.append(_units(data, found, replace(h, x=x[here], y=y[here]), sizes))
        first += len(h.z)
    roots, turned = _working(tuple(units), tuple(sizes), n_obs)
    return Studies(turned, found, basis, start, yy / scale**2, alone, roots, scale, data)


def _least_squares(
    x: FloatArray, y: FloatArray, found: Components
) -> tuple[Basis, FloatArray, FloatArray, FloatArray] | None:
    """Basis, Q (U, M, s + c), residual (U, M, k) and coefficients; None where X is nearly singular.

    Rows (U, M, ...) of each component, zero where it has fewer.
    """
    s = found.own.shape[1]
    own = _orthonormal(x[..., :s], found.own < 0)
    if own is None:
        return None
    q, root = own
    # twice, as in `orthonormal`: the second pass removes what rounding left of the first
    common, share, part = x[..., s:], 0.0, 0.0
    for _ in range(2):
        along = np.swapaxes(q, 1, 2) @ common
        common, share = common - q @ along, share + along
    flat = common.reshape(1, -1, common.shape[2])
    rest = _orthonormal(flat, np.zeros((1, common.shape[2]), dtype=bool))
    if rest is None:
        return None
    basis = Basis(root, np.asarray(share), rest[1][0])
    both = rest[0].reshape(common.shape)
    mean, whole = y[..., :1], 0.0
    for _ in range(2):
        along, by = np.swapaxes(q, 1, 2) @ mean, np.tensordot(both, mean, axes=([0, 1], [0, 1]))
        mean = mean - q @ along - both @ by
        part, whole = part + along, whole + by
    own_beta, common_beta = basis.coefficients(np.asarray(part), np.asarray(whole))
    start = np.zeros(int((found.own >= 0).sum()) + len(found.common))
    start[found.own[found.own >= 0]] = own_beta[found.own >= 0, 0]
    start[found.common] = common_beta[:, 0]
    return basis, np.concatenate([q, both], 2), np.concatenate([mean, y[..., 1:]], 2), start


def _orthonormal(
    x: FloatArray, padding: np.ndarray
) -> tuple[FloatArray, FloatArray] | None:
    """Q and R of stacked columns (U, M, s) by Cholesky twice; padded columns stay zero."""
    norm = np.sqrt((x**2).sum(1))
    norm[norm == 0.0] = 1.0
    unit = np.eye(x.shape[2]) * padding[:, None, :]
    q, root = x / norm[:, None, :], np.eye(x.shape[2]) * norm[:, None, :]
    for _ in range(2):
        try:
            lower = np.linalg.cholesky(np.swapaxes(q, 1, 2) @ q + unit)
        except LinAlgError:
            return None
        if np.diagonal(lower, axis1=1, axis2=2).min(initial=1.0) < _HEALTHY:
            return None
        q = np.swapaxes(np.linalg.solve(lower, np.swapaxes(q, 1, 2)), 1, 2)
        root = np.swapaxes(lower, 1, 2) @ root
    return q, root


def _alone(
    data: Stratified,
    found: Components,
    rows: tuple[FloatArray, FloatArray, IntArray, IntArray],
    scale: float,
) -> FloatArray:
    """Residual variance (T,) of each stratum's own rows about the fixed effects, as `_alone` there.

    Raises
    ------
    NotIdentified
        As `residual_variance`.
    """
    x, y, stratum, component = rows
    s, total = found.own.shape[1], len(data.count)
    index, missing = _padded(stratum, total)
    shared = np.zeros(total, dtype=bool)
    shared[found.shared] = True
    rank, spread = np.zeros(total, dtype=int), np.zeros(total)
    some = np.flatnonzero(~shared)
    if len(some):
        most = int((~missing[some]).sum(1).max())
        at = index[some, :most], missing[some, :most]
        basis, rank[some] = _span(_taken(x, *at))
        own = _taken(y, *at)
        own[..., :1] -= basis @ (np.swapaxes(basis, 1, 2) @ own[..., :1])
        spread[some] = (own**2).sum((1, 2))
    for t in found.shared.tolist():
        at = np.flatnonzero(stratum == t)
        by, gone = _padded(component[at], found.count)
        held, out = _taken(x[at], by, gone), _taken(y[at], by, gone)
        basis, ranks = _span(held[..., :s])
        both = np.concatenate([held[..., s:], out[..., :1]], axis=2)
        both = (both - basis @ (np.swapaxes(basis, 1, 2) @ both)).reshape(-1, both.shape[2])
        common, more = _span(both[None, :, :-1])
        mean = both[:, -1] - common[0] @ (common[0].T @ both[:, -1])
        rank[t] = ranks.sum() + more[0]
        spread[t] = float(mean @ mean) + float(np.vdot(out[..., 1:], out[..., 1:]))
    return np.array([
        residual_variance(
            (data.name, data.labels[t]), float(data.count[t]), int(rank[t]), float(spread[t]), scale
        )
        for t in range(total)
    ])  # fmt: skip


def _span(x: FloatArray) -> tuple[FloatArray, IntArray]:
    """Orthonormal basis of stacked columns, zero beyond the rank, and the rank of each."""
    left, values, _ = np.linalg.svd(x, full_matrices=False)
    most = values[:, :1] if values.shape[1] else np.ones((len(x), 1))
    kept = values > _RANK * np.maximum(most, 1e-300)
    return left * kept[:, None, :], kept.sum(1)


def _units(data: Stratified, found: Components, held: _Held, sizes: list[int]) -> Units:
    """Rows laid out block by block."""
    blocks = held.bucket.blocks
    index, missing = _padded(held.block, len(blocks))
    component = found.of_block[blocks]
    stratum = np.where(missing, -2, held.stratum[index])
    shared = np.broadcast_to(found.shared, (len(blocks), len(found.shared)))
    which = np.hstack([shared, found.stratum[component]])
    kind = (which[:, :, None] == stratum[:, None, :]).astype(float)
    z, x, y = (_taken(part, index, missing) for part in (held.z, held.x, held.y))
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
    roots = [root_of_moment(m) for m in triangles(sizes, moment / n_obs)]
    values = np.concatenate([packed(np.linalg.inv(r).T) for r in roots])
    return roots, tuple(replace(u, z=u.z @ u.factor(values).T) for u in units)
