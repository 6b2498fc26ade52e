"""Sums over blocks of whitened products: what gradients, Hessians and adjustments are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from retrostats.models.linear.blocks.directions import (
    Directions,
    SecondDirections,
    applied,
    inner,
    times,
)
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.many import Swept
from retrostats.models.linear.homoscedastic.pair_sums import (
    PairProducts,
    Pairs,
    SummedPairs,
    Whitened,
    many_pairs,
    products_of_x,
)


def flat_product(a: FloatArray, b: FloatArray) -> FloatArray:
    """Sum over blocks of a'b for a, b of shape (B, q, p)."""
    p = a.shape[-1]
    return np.asarray(a.reshape(-1, p).T @ b.reshape(-1, p))


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the blocks of one stack.

    Attributes
    ----------
    w, outer : (q, q) arrays
        As in `Whitened`.
    of_x : function of a (p, p) array c
        Sum (q, q) of g c g'.
    """

    w: FloatArray
    outer: FloatArray
    of_x: Callable[[FloatArray], FloatArray]


def _totals(part: Whitened) -> Totals:
    def of_x(c: FloatArray) -> FloatArray:
        gc = part.n[:, None, None] * (part.g @ c)
        return np.asarray(np.einsum("bip,bjp->ij", gc, part.g))

    return Totals(np.tensordot(part.n, part.w, axes=1), part.outer.sum(0), of_x)


def _totals_of_products(part: Whitened) -> Totals:
    def of_x(c: FloatArray) -> FloatArray:
        return np.asarray(products_of_x(part, c).sum(0))

    return Totals(np.tensordot(part.n, part.w, axes=1), part.outer.sum(0), of_x)


def _totals_of(found: Swept, r: FloatArray) -> Totals:
    def of_x(c: FloatArray) -> FloatArray:
        return np.asarray(np.einsum("paqb,pq->ab", found.gg[:-1, :, :-1], c))

    return Totals(found.w, np.einsum("paqb,p,q->ab", found.gg, r, r), of_x)


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over blocks for parameters i, j whose derivative of V is Z Psi_i Z' (k of them).

    trace (k,): tr(V^-1 V_i); p (k, P, P): X'V^-1 V_i V^-1 X; fit (k,): r'V^-1 V_i V^-1 r;
    cross (k, P): X'V^-1 V_i V^-1 r. P columns of X; totals: per stack; pairs: of two parameters.
    """

    trace: FloatArray
    p: FloatArray
    fit: FloatArray
    cross: FloatArray
    totals: tuple[Totals, ...]
    pairs: Pairs

    @classmethod
    def over(cls, parts: list[Whitened], directions: Directions, columns: int) -> Sums:
        """Sum the products of every pair of parameters over all stacks."""
        if many_pairs(parts, directions):
            return cls._of_products(parts, [np.array(d) for d in directions], columns)
        k = len(directions[0])
        pairs = SummedPairs(np.zeros((k, k)), np.zeros((k, k)), np.zeros((k, k, columns, columns)))
        out = cls(
            np.zeros(k), np.zeros((k, columns, columns)), np.zeros(k), np.zeros((k, columns)),
            tuple(_totals(part) for part in parts), pairs,
        )  # fmt: skip
        for part, psi in zip(parts, directions, strict=True):
            # eqs. 10-12 and 15: sums of W, G and g between the Psi_i of every pair of parameters
            n = part.n[:, None, None]
            wpsi = [times(part.w, d) for d in psi]
            dg = [applied(d, part.g) for d in psi]
            total = part.outer.sum(0)
            ng = n * part.g
            wdg = [n * (part.w @ x) for x in dg]
            ne = part.n[:, None] * part.e
            for i in range(k):
                # eq. 10: tr(W Psi_i)
                out.trace[i] += part.n @ np.trace(wpsi[i], axis1=1, axis2=2)
                # eqs. 10 and 15: P_i = sum n G'Psi_i G (without its sign)
                out.p[i] += flat_product(ng, dg[i])
                # eq. 10: tr(Y Psi_i)
                out.fit[i] += inner(total, psi[i])
                # eq. 11: c_i = sum n G'Psi_i g
                out.cross[i] += ne.ravel() @ dg[i].reshape(-1, columns)
                left = times(part.outer, psi[i])
                nw = n * wpsi[i]
                for j in range(i, k):
                    # eq. 12: tr(W Psi_i W Psi_j)
                    pairs.trace2[i, j] += np.vdot(nw, np.swapaxes(wpsi[j], 1, 2))
                    # eqs. 12 and 15: Q_ij = sum n G'Psi_i W Psi_j G
                    pairs.q[i, j] += flat_product(dg[i], wdg[j])
                    # eq. 11: tr(Y Psi_i W Psi_j)
                    pairs.fit2[i, j] += np.vdot(np.swapaxes(left, 1, 2), wpsi[j])
        for i in range(k):
            for j in range(i):
                pairs.trace2[i, j] = pairs.trace2[j, i]
                pairs.q[i, j] = pairs.q[j, i].T
                pairs.fit2[i, j] = pairs.fit2[j, i]
        return out

    @classmethod
    def _of_products(cls, parts: list[Whitened], psi: list[FloatArray], columns: int) -> Sums:
        """The same where parameters are many: each sum for all of them is one product."""
        k = len(psi[0])
        trace, fit = np.zeros(k), np.zeros(k)
        p, cross = np.zeros((k, columns, columns)), np.zeros((k, columns))
        totals = []
        for part, d in zip(parts, psi, strict=True):
            blocks, width, _ = part.g.shape
            flat, g = d.reshape(k, -1), part.g.reshape(blocks, -1)
            total = _totals_of_products(part)
            # eq. 10: tr(W Psi_i) and tr(Y Psi_i)
            trace += flat @ total.w.ravel()
            fit += flat @ total.outer.ravel()
            # eqs. 10 and 15: P_i from products of two elements of G
            gg = ((part.n[:, None] * g).T @ g).reshape(width, columns, width, columns)
            p += (flat @ gg.transpose(0, 2, 1, 3).reshape(width**2, -1)).reshape(p.shape)
            # eq. 11: c_i from products of an element of G with one of g
            ge = (g.T @ (part.n[:, None] * part.e)).reshape(width, columns, width)
            cross += flat @ ge.transpose(0, 2, 1).reshape(width**2, columns)
            totals.append(total)
        return cls(trace, p, fit, cross, tuple(totals), PairProducts(parts, psi))

    @classmethod
    def of_swept(cls, found: list[Swept], directions: Directions, delta: FloatArray) -> Sums:
        """The same from passes over many small blocks; the residual is y - X delta."""
        r = np.append(-delta, 1.0)
        fixed = slice(0, len(delta))
        k, many = len(directions[0]), range(len(found))
        psi = [np.array(d) for d in directions]
        p = sum(np.einsum("pasb,kab->kps", found[s].gg, psi[s]) for s in many)
        q = np.sum([f.q for f in found], axis=0).transpose(0, 2, 1, 3)
        trace = sum(np.einsum("ab,kba->k", found[s].w, psi[s]) for s in many)
        trace2 = sum(
            np.einsum("abcd,kbc,lda->kl", found[s].ww, psi[s], psi[s], optimize=True) for s in many
        )
        return cls(
            trace.reshape(k), p[:, fixed, fixed], p @ r @ r, (p @ r)[:, fixed],
            tuple(_totals_of(f, r) for f in found),
            SummedPairs(trace2, q @ r @ r, q[:, :, fixed, fixed]),
        )  # fmt: skip

    def derivatives(
        self,
        second: SecondDirections,
        c: FloatArray,
        *,
        reml: bool,
    ) -> tuple[FloatArray, FloatArray]:
        """Gradient and Hessian of the log-determinants; c is (X'V^-1X)^-1."""
        # eq. 12: first two terms, of log|V|
        gradient, hessian = self.trace.copy(), -self.pairs.trace2
        curved = [total.w for total in self.totals]
        if reml:
            # eqs. 10 and 12: the terms with C, of log|A|
            cp = c @ self.p
            gradient -= np.trace(cp, axis1=1, axis2=2)
            hessian += 2.0 * self.pairs.of_x(c)
            hessian -= cp.reshape(len(cp), -1) @ np.swapaxes(cp, 1, 2).reshape(len(cp), -1).T
            curved = [total.w - total.of_x(c) for total in self.totals]
        for total, of in zip(curved, second, strict=True):
            hessian += of.inner(total)
        return gradient, hessian

    def rss_hessian(self, second: SecondDirections, c: FloatArray) -> FloatArray:
        """Second derivative of the profiled residual sum of squares."""
        # eq. 11
        out = 2.0 * self.pairs.fit2 - 2.0 * self.cross @ c @ self.cross.T
        for total, of in zip(self.totals, second, strict=True):
            out -= of.inner(total.outer)
        return np.asarray(out)
