"""Kenward-Roger and Satterthwaite of many studies, by what each study adds.

Both need w, twice the inverse of an information or Hessian of all covariance parameters, beside
products of X'V^-1 V_i V^-1 X. Of these, pairs of two studies meet in the common columns alone, so
that no array of all columns and parameters is made (docs/mathematics.md, eqs. 36c to 36f).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.heteroscedastic.bordered import Bordered
from retrostats.models.linear.heteroscedastic.study_criterion import (
    Moved,
    StudySums,
    Turn,
    common_products,
    move,
    own_pairs,
    solve_studies,
    sum_studies,
    summed,
)
from retrostats.models.linear.heteroscedastic.study_optimise import StudyOptimum
from retrostats.models.linear.heteroscedastic.study_rows import Studies
from retrostats.models.linear.homoscedastic.kenward_roger import f_df
from retrostats.models.linear.homoscedastic.satterthwaite import fai_cornelius
from retrostats.models.linear.linear_fit import Approximation

#: Rows of a contrast above which the products of all columns are taken instead.
_MOST_ROWS = 12
_FLAT = 1e-8  # relative eigenvalue of a Hessian that carries no information


@dataclass(frozen=True)
class Coefficients:
    """Coefficients of X's own columns from those of the turned ones, in the units of the data.

    Attributes
    ----------
    own : (U, s, s), beside : (U, s, c), common : (c, c) arrays
        Of a component's coefficients by its turned columns and by the common ones.
    data : Studies
    """

    own: FloatArray
    beside: FloatArray
    common: FloatArray
    data: Studies

    @classmethod
    def of(cls, data: Studies, turn: Turn) -> Coefficients:
        """Those at one point."""
        s = turn.own.shape[1]
        g, basis = data.scale * turn.matrix, data.basis
        common = np.linalg.solve(basis.common, g[0, s:, s:])
        beside = np.linalg.solve(basis.root, g[:, :s, s:] - basis.share @ common)
        return cls(np.linalg.solve(basis.root, g[:, :s, :s]), beside, common, data)

    @property
    def held(self) -> np.ndarray:
        """Which of a component's columns (U, s) are some."""
        return self.data.components.own >= 0

    def by_common(self, own: FloatArray, common: FloatArray) -> FloatArray:
        """Rows (p, ...) of the components' (U, s, ...) and of the common coefficients."""
        out = np.empty((len(self.data.start), *common.shape[1:]))
        out[self.data.components.own[self.held]] = own[self.held]
        out[self.data.components.common] = common
        return out

    def turned(self, contrast: FloatArray) -> tuple[FloatArray, FloatArray]:
        """A contrast (r, p) in turned columns: own (U, s, r) and common (c, r)."""
        columns = self.data.components
        own = np.where(self.held[..., None], contrast.T[columns.own], 0.0)
        common = self.common.T @ contrast.T[columns.common]
        common += np.tensordot(self.beside, own, axes=([0, 1], [0, 1]))
        return np.swapaxes(self.own, 1, 2) @ own, common

    def whole(self, own: FloatArray, beside: FloatArray, common: FloatArray) -> FloatArray:
        """The matrix (p, p) of turned blocks: own (U, s, s), own and common (U, s, c), common.

        All other pairs of own columns are zero.
        """
        rows = self.by_common(self.beside, self.common)
        first = self.by_common(self.own @ beside, np.zeros_like(self.common))
        out = rows @ (0.5 * common @ rows.T + first.T)
        out += out.T
        local = self.own @ own @ np.swapaxes(self.own, 1, 2)
        columns = self.data.components.own
        for i in range(columns.shape[1]):
            for j in range(columns.shape[1]):
                both = self.held[:, i] & self.held[:, j]
                out[columns[both, i], columns[both, j]] += local[both, i, j]
        return out

    @cached_property
    def covariance(self) -> FloatArray:
        """Unadjusted covariance (p, p): the identity of turned columns."""
        s, c = self.beside.shape[1:]
        own = np.broadcast_to(np.eye(s), self.own.shape)
        return self.whole(own, np.zeros((len(own), s, c)), np.eye(c))


class Slopes:
    """How variances of contrasts depend on the covariance parameters, and w of these.

    Parameters
    ----------
    to : Coefficients
    sums : StudySums
    information : Bordered
        w is twice its inverse.
    """

    def __init__(self, to: Coefficients, sums: StudySums, information: Bordered) -> None:
        self.to, self.p, self.information = to, sums.p, information
        self.s, self.g = to.own.shape[1], information.g

    @cached_property
    def common(self) -> FloatArray:
        """P_i among common columns (n, c, c), of all parameters."""
        block = self.p[..., self.s :, self.s :]
        return self.information.order.joined(block[:, : self.g].sum(0), block[:, self.g :])

    @cached_property
    def weighted(self) -> FloatArray:
        """Sum over j of w_ij P_j among common columns (n, c, c)."""
        flat = self.common.reshape(len(self.common), -1)
        return 2.0 * self.information.solve(flat).reshape(self.common.shape)

    @cached_property
    def w(self) -> FloatArray:
        """w among border and own parameters of each component (U, g + l, g + l)."""
        return 2.0 * self.information.inverse_parts()

    def parts(self, values: FloatArray) -> FloatArray:
        """Values (n, ...) of all parameters by component (U, g + l, ...)."""
        border, own = self.information.order.split(values)
        return np.concatenate([np.broadcast_to(border, (len(own), *border.shape)), own], axis=1)

    def spread(self, contrast: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Derivatives u_i (n, r, r) of rows of a contrast, and sum over j of w_ij u_j."""
        own, common = self.to.turned(contrast)
        both = np.concatenate([own, np.broadcast_to(common, (len(own), *common.shape))], axis=1)
        turned = np.swapaxes(both, 1, 2)[:, None] @ self.p @ both[:, None]
        values = self.information.order.joined(turned[:, : self.g].sum(0), turned[:, self.g :])
        flat = values.reshape(len(values), -1)
        return values, 2.0 * self.information.solve(flat).reshape(values.shape)

    def term_spreads(self) -> tuple[FloatArray, FloatArray]:
        """Variance (p,) of each coefficient, and that of its estimated variance."""
        to, s = self.to, self.s
        rows = to.by_common(to.beside, to.common)
        pairs = rows[:, :, None] * rows[:, None, :]
        flat = self.common.reshape(len(self.common), -1)
        inner = flat.T @ self.weighted.reshape(flat.shape)
        by_all = pairs.reshape(len(pairs), -1)
        spread = ((by_all @ inner) * by_all).sum(1)
        # eq. 36e: what a component's own columns add, by its own and the border parameters
        own, beside = to.own[:, None], to.beside[:, None]
        local = ((own @ self.p[..., :s, :s]) * own).sum(3)
        local += 2.0 * ((own @ self.p[..., :s, s:]) * beside).sum(3)
        local = np.swapaxes(local, 1, 2)
        by = np.einsum("uicd,uac,uad->uai", self.parts(self.weighted), to.beside, to.beside)
        more = 2.0 * (local * by).sum(2) + ((local @ self.w) * local).sum(2)
        spread += to.by_common(more, np.zeros(len(to.common)))
        own_variance = (to.own**2).sum(2) + (to.beside**2).sum(2)
        return to.by_common(own_variance, (to.common**2).sum(1)), spread


class StudiesKenwardRoger:
    """Kenward and Roger's adjustment, as `KenwardRoger` answers it."""

    def __init__(
        self, slopes: Slopes, moved: list[Moved], whole: Callable[[], Approximation]
    ) -> None:
        self.slopes, self.moved, self.whole = slopes, moved, whole

    @cached_property
    def adjusted(self) -> FloatArray:
        """Adjusted covariance (p, p) of the coefficients."""
        slopes, to, s = self.slopes, self.slopes.to, self.slopes.s
        own, beside, common = self._bracket()
        unit = np.eye(s)
        out = to.whole(unit + 2.0 * own, 2.0 * beside, np.eye(len(common)) + 2.0 * common)
        # eq. 36f: two components' own columns, by w's a S^-1 a'
        _, rows, schur = slopes.information.inverse
        by = np.einsum("uisc,uir->uscr", slopes.p[..., :s, s:], rows)
        flat = by.reshape(*by.shape[:2], -1)
        whole = to.by_common(to.own @ flat, np.zeros((len(common), flat.shape[2])))
        middle = np.kron(np.eye(len(common)), 2.0 * schur)
        return np.asarray(out - 2.0 * (whole @ middle) @ whole.T)

    def _bracket(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Sum of w_ij (Q_ij - P_i P_j): own (U, s, s), beside (U, s, c), common (c, c); eq. 17.

        Of own columns without what `adjusted` takes of all pairs.
        """
        slopes, s = self.slopes, self.slopes.s
        count = len(slopes.p)
        q = np.zeros_like(slopes.p[:, 0])
        for one in self.moved:
            w = slopes.w[one.part.units.component]
            by_w = (w @ one.u.reshape(*w.shape[:2], -1)).reshape(one.u.shape)
            each = (np.swapaxes(one.wu, 2, 3) @ by_w).sum(1)
            q += summed(each, one.part.units, count)
        own, beside = slopes.p[..., :s, :s], slopes.p[..., :s, s:]
        shape = (*slopes.w.shape[:2], -1)
        mixed_own = (slopes.w @ own.reshape(shape)).reshape(own.shape)
        mixed = (slopes.w @ beside.reshape(shape)).reshape(beside.shape)
        back = np.swapaxes(beside, 2, 3)
        q[:, :s, :s] -= (own @ mixed_own).sum(1)
        alone = slopes.w - self._low_rank()
        q[:, :s, :s] -= ((alone @ beside.reshape(shape)).reshape(beside.shape) @ back).sum(1)
        q[:, :s, s:] -= (own @ mixed + beside @ slopes.parts(slopes.weighted)).sum(1)
        q[:, s:, s:] -= (back @ mixed).sum(1)
        common: FloatArray = q[:, s:, s:].sum(0)
        return q[:, :s, :s], q[:, :s, s:], common - (slopes.common @ slopes.weighted).sum(0)

    def _low_rank(self) -> FloatArray:
        _, rows, schur = self.slopes.information.inverse
        return np.asarray(2.0 * rows @ schur @ np.swapaxes(rows, 1, 2))

    def term_dfs(self) -> FloatArray:
        """Degrees of freedom (p,) of each coefficient."""
        variance, spread = self.slopes.term_spreads()
        return np.array([f_df(a, a, 1)[0] for a in (spread / variance**2).tolist()])

    def test(self, contrast: FloatArray) -> tuple[float, float]:
        """Denominator degrees of freedom and F scaling of the rows of a contrast."""
        if len(contrast) > _MOST_ROWS:
            return self.whole().test(contrast)
        # eq. 19 in the space of the contrast
        own, common = self.slopes.to.turned(contrast)
        inner: FloatArray = common.T @ common + np.tensordot(own, own, axes=([0, 1], [0, 1]))
        root = np.linalg.inv(np.linalg.cholesky(inner))
        u, weighted = self.slopes.spread(root @ contrast)
        traces, other = np.trace(u, axis1=1, axis2=2), np.trace(weighted, axis1=1, axis2=2)
        return f_df(float(traces @ other), float(np.vdot(u, weighted)), len(contrast))


class StudiesSatterthwaite:
    """Satterthwaite's approximation, as `Satterthwaite` answers it."""

    def __init__(self, slopes: Slopes) -> None:
        self.slopes = slopes

    def term_dfs(self) -> FloatArray:
        """Degrees of freedom (p,) of each coefficient."""
        variance, spread = self.slopes.term_spreads()
        with np.errstate(divide="ignore"):
            return np.asarray(2.0 * variance**2 / spread)

    def df(self, contrast: FloatArray) -> float:
        """Degrees of freedom 2 v^2 / var(v) of one contrast (p,)."""
        # eq. 23
        own, common = self.slopes.to.turned(contrast[None])
        variance = float((own**2).sum() + (common**2).sum())
        u, weighted = self.slopes.spread(contrast[None])
        spread = float(np.vdot(u, weighted))
        return 2.0 * variance**2 / spread if spread > 0 else float("inf")

    def test(self, contrast: FloatArray) -> tuple[float, float]:
        """Denominator df of a joint F test (Fai and Cornelius 1996); the scaling is one."""
        covariance = self.slopes.to.covariance
        values, vectors = np.linalg.eigh(contrast @ covariance @ contrast.T)
        keep = values > 1e-10 * values.max()
        return fai_cornelius(np.array([self.df(v @ contrast) for v in vectors.T[keep]])), 1.0


def studies_kenward_roger(
    best: StudyOptimum, whole: Callable[[], Approximation], *, reml: bool
) -> StudiesKenwardRoger | None:
    """At a REML fit, over variances, covariances and residual variances.

    `whole` makes the same with products of all columns, for tests of many rows.

    None where the information is singular, or nearly so.
    """
    data, k = best.data, len(best.data.diagonal)
    theta, eta = best.working[:k], best.working[k:]
    _, turn, parts = solve_studies(data, theta, eta, reml=reml)
    moved = []
    for part in parts:
        units = [part.units.factor(unit) for unit in np.eye(k)]
        psi = [u if d else u + u.T for u, d in zip(units, data.diagonal, strict=True)]
        moved.append(move(turn, part, psi))
    sums = sum_studies(data, moved, k)
    s = turn.own.shape[1]
    # eq. 16
    local = sums.trace2 - 2.0 * sums.cq + own_pairs(sums.p, s)
    information = Bordered(data.order, local, common_products(sums.p, s), 1.0)
    if not information.positive():
        return None
    return StudiesKenwardRoger(Slopes(Coefficients.of(data, turn), sums, information), moved, whole)


def studies_satterthwaite(best: StudyOptimum) -> StudiesSatterthwaite | None:
    """Over (theta, eta); None where the deviance is flat in a direction."""
    curve = best.point.curve
    if not curve.positive(_FLAT * len(best.working)):
        return None
    to = Coefficients.of(best.data, best.point.turn)
    return StudiesSatterthwaite(Slopes(to, best.point.sums, curve))
