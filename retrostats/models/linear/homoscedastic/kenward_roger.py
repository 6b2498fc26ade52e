"""Kenward and Roger's adjusted covariance and degrees of freedom (Biometrics 53:983, 1997).

Equation numbers of comments are those of docs/mathematics.md, of docstrings the paper's; the scale
is that of V in units of the residual variance, in which the whole computation is invariant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrostats.models.linear.blocks.directions import covariance_directions
from retrostats.models.linear.blocks.gram import Gram
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.block_sums import Sums
from retrostats.models.linear.homoscedastic.criterion import sums_at
from retrostats.models.linear.homoscedastic.residual_sums import (
    ResidualSums,
    sum_residual,
    sweep_residual,
)


@dataclass(frozen=True, slots=True)
class KenwardRoger:
    """Ingredients of the adjustment, X in its own columns.

    Attributes
    ----------
    phi : (p, p) array
        Unadjusted covariance of the coefficients.
    adjusted : (p, p) array
        Adjusted covariance (eq. 5 with the second-derivative term zero: V is linear).
    p : (k, p, p) array
        -X'V^-1 V_i V^-1 X for each covariance parameter.
    w : (k, k) array
        Covariance of the parameters, from the expected information.
    """

    phi: FloatArray
    adjusted: FloatArray
    p: FloatArray
    w: FloatArray

    def term_dfs(self) -> FloatArray:
        """Degrees of freedom (p,) of each coefficient: `test` of each unit vector at once."""
        weight = ((self.p @ self.phi) * self.phi).sum(axis=1) / np.diag(self.phi)
        spread = np.einsum("il,ij,jl->l", weight, self.w, weight)
        return np.array([f_df(a, a, 1)[0] for a in spread.tolist()])  # with one row A1 = A2

    def test(self, contrast: FloatArray) -> tuple[float, float]:
        """Denominator degrees of freedom and F scaling of the rows of a contrast (eqs. 8-11).

        Parameters
        ----------
        contrast : (rank, p) array of full row rank

        Returns
        -------
        df : float
        scaling : float
            The Wald F with the adjusted covariance is multiplied by this.
        """
        # eq. 19: Theta, A_1 and A_2
        q = len(contrast)
        inner = contrast @ self.phi @ contrast.T
        theta = contrast.T @ np.linalg.solve(inner, contrast)
        u = theta @ self.phi @ self.p @ self.phi
        traces = np.trace(u, axis1=1, axis2=2)
        a1 = float(traces @ self.w @ traces)
        a2 = float(np.einsum("ij,iab,jba->", self.w, u, u))
        return f_df(a1, a2, q)


def f_df(a1: float, a2: float, q: int) -> tuple[float, float]:
    """Degrees of freedom and scaling of an F with q rows, from A_1 and A_2 (eqs. 19 to 21)."""
    if a2 <= 0.0:
        return np.inf, 1.0
    if q == 1:  # A_1 = A_2: eq. 21 reduces to this, which has no pole at 4 degrees of freedom
        return 2.0 / a2, 1.0
    # eq. 19: B; eq. 20: g, c_1, c_2, c_3
    b = (a1 + 6.0 * a2) / (2.0 * q)
    g = ((q + 1.0) * a1 - (q + 4.0) * a2) / ((q + 2.0) * a2)
    base = 3.0 * q + 2.0 * (1.0 - g)
    c1, c2, c3 = g / base, (q - g) / base, (q + 2.0 - g) / base
    # eq. 21: the factors of V*, rho, m and lambda
    v0, v1, v2 = 1.0 + c1 * b, 1.0 - c2 * b, 1.0 - c3 * b
    v0 = 0.0 if abs(v0) < 1e-10 else v0
    shrink = 1.0 - a2 / q
    # With q = 1 and a2 = 1 both vanish; their ratio tends to one.
    ratio = 1.0 if abs(shrink) < 1e-14 and abs(v1) < 1e-14 else shrink / v1
    rho = ratio**2 * v0 / v2 / q
    df = 4.0 + (q + 2.0) / (q * rho - 1.0)
    scaling = 1.0 if abs(df - 2.0) < 1e-2 else df * shrink / (df - 2.0)
    return float(df), float(scaling)


def kenward_roger(
    gram: Gram, theta: FloatArray, sigma2: float, xvx: FloatArray, *, reml: bool
) -> KenwardRoger:
    """Adjusted covariance at a REML fit.

    Parameters
    ----------
    gram : Gram
    theta : (k,) array
    sigma2 : float
    xvx : (p, p) array
        X'V^-1X in the orthonormal basis.
    reml : bool
    """
    directions = covariance_directions(gram)
    sums, parts = sums_at(gram, theta, directions, reml=reml)
    if parts:
        own = sum_residual(gram, directions, parts)
    else:
        own = sweep_residual(gram, theta, directions)
    return adjusted(gram.basis, sigma2, xvx, *_with_residual(gram, sums, own, xvx))


def adjusted(
    basis: FloatArray,
    sigma2: float,
    xvx: FloatArray,
    p: FloatArray,
    q: FloatArray,
    trace2: FloatArray,
) -> KenwardRoger:
    """The adjustment from P_i (k, p, p), Q_ij (k, k, p, p) and tr(V^-1 V_i V^-1 V_j) (k, k).

    X is in the orthonormal basis whose triangle is `basis`; the residual variance is the last of
    the k parameters.
    """
    unit = 1.0 / np.sqrt(np.diag(trace2))  # parameters in comparable units: nothing else changes
    p, trace2 = p * unit[:, None, None], trace2 * np.outer(unit, unit)
    q = q * np.outer(unit, unit)[:, :, None, None]
    phi = np.linalg.inv(xvx)  # the covariance matrix is itself the result
    phi_p = phi @ p
    # eq. 16; the two signs of P cancel.
    information = trace2 - 2.0 * (q * phi).sum(axis=(2, 3))
    information += (phi_p[:, None] * np.swapaxes(phi_p, 1, 2)).sum(axis=(2, 3))
    w = inverse_information(0.5 * (information + information.T))
    weighted = (w @ p.reshape(len(p), -1)).reshape(p.shape)
    # eq. 17: the bracket, and Phi times it
    bracket = (w[:, :, None, None] * q).sum(axis=(0, 1)) - (p @ phi @ weighted).sum(axis=0)
    lambda_ = phi @ (bracket + bracket.T) @ phi
    back = np.linalg.solve(basis, np.eye(len(xvx)))
    return KenwardRoger(
        sigma2 * back @ phi @ back.T,
        sigma2 * back @ (phi + lambda_) @ back.T,
        -(basis.T @ p @ basis) / sigma2,
        w,
    )


def _with_residual(
    gram: Gram, sums: Sums, own: ResidualSums, xvx: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """P, Q and the traces with the residual variance (V_i = I) as the last parameter."""
    k, columns = len(sums.trace), len(xvx)
    p = np.zeros((k + 1, columns, columns))
    q = np.zeros((k + 1, k + 1, columns, columns))
    trace2 = np.zeros((k + 1, k + 1))
    # eq. 15 between random effects; eq. 18 with the residual, whose G_k = I
    p[:k], q[:k, :k], trace2[:k, :k] = sums.p, sums.pairs.q, sums.pairs.trace2
    p[k], q[k, k] = xvx - own.lost2, xvx - own.lost2 - own.lost3
    q[:k, k], q[k, :k] = own.q, np.swapaxes(own.q, 1, 2)
    trace2[:k, k] = trace2[k, :k] = own.trace2
    trace2[k, k] = gram.n_obs + own.squared
    return p, q, trace2


def inverse_information(information: FloatArray) -> FloatArray:
    """2 I^-1; the pseudo-inverse where a parameter is not determined, as in pbkrtest."""
    if np.abs(np.linalg.eigvalsh(information)).min() > 1e-10:
        return 2.0 * np.linalg.solve(information, np.eye(len(information)))
    return 2.0 * np.linalg.pinv(information, rcond=1e-8, hermitian=True)
