"""Satterthwaite's degrees of freedom from the exact Hessian of the deviance in (theta, sigma)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrostats.models.linear.blocks.directions import theta_directions
from retrostats.models.linear.blocks.gram import Gram
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.criterion import sums_at

_EIGEN_TOL = 1e-8  # parameters in whose direction the deviance is flat carry no information


@dataclass(frozen=True, slots=True)
class Satterthwaite:
    """Ingredients of the approximation.

    Attributes
    ----------
    covariance : (p, p) array
        Of the coefficients.
    jacobian : (k + 1, p, p) array
        Derivative of the covariance with respect to each theta and sigma.
    a : (k + 1, k + 1) array
        Asymptotic covariance of (theta, sigma).
    """

    covariance: FloatArray
    jacobian: FloatArray
    a: FloatArray

    def term_dfs(self) -> FloatArray:
        """Degrees of freedom (p,) of each coefficient."""
        # eq. 23, all coefficients at once
        gradient = np.diagonal(self.jacobian, axis1=1, axis2=2)
        spread = np.einsum("il,ij,jl->l", gradient, self.a, gradient)
        with np.errstate(divide="ignore"):
            return np.asarray(2.0 * np.diag(self.covariance) ** 2 / spread)

    def df(self, contrast: FloatArray) -> float:
        """Degrees of freedom 2 v^2 / var(v) of one contrast (p,)."""
        # eq. 23
        variance = float(contrast @ self.covariance @ contrast)
        gradient = self.jacobian @ contrast @ contrast
        spread = float(gradient @ self.a @ gradient)
        return 2.0 * variance**2 / spread if spread > 0 else float("inf")

    def test(self, contrast: FloatArray) -> tuple[float, float]:
        """Denominator df of a joint F test (Fai and Cornelius 1996); the scaling is one."""
        values, vectors = np.linalg.eigh(contrast @ self.covariance @ contrast.T)
        keep = values > 1e-10 * values.max()
        dfs = np.array([self.df(v @ contrast) for v in vectors.T[keep]])
        return fai_cornelius(dfs), 1.0


def fai_cornelius(dfs: FloatArray) -> float:
    """Df that gives F the expectation of the mean of squared independent t's."""
    q = len(dfs)
    if q == 1:
        return float(dfs[0])
    if np.ptp(dfs) < 1e-8:
        return float(dfs.mean())
    if dfs.min() <= 2.0:
        return 2.0
    # eq. 23a: F's mean is that of the squared t's
    expectation = float(np.sum(dfs / (dfs - 2.0))) if np.isfinite(dfs).all() else np.inf
    if not np.isfinite(expectation):
        finite = dfs[np.isfinite(dfs)]
        expectation = float(np.sum(finite / (finite - 2.0))) + (q - len(finite))
    return 2.0 * expectation / (expectation - q)


def satterthwaite(
    gram: Gram,
    theta: FloatArray,
    sigma2: float,
    xvx: FloatArray,
    *,
    reml: bool,
) -> Satterthwaite:
    """Covariance of (theta, sigma) and the derivative of the coefficients' covariance.

    The deviance is taken as a function of theta and sigma, the coefficients profiled out, as
    lmerTest does (Kuznetsova et al. 2017, section 2), but differentiated exactly.
    """
    k, columns = len(theta), len(xvx)
    first, second = theta_directions(gram, theta)
    sums, _ = sums_at(gram, theta, first, reml=reml)
    c = np.linalg.inv(xvx)  # the covariance matrix is itself the result
    _, log_det = sums.derivatives(second, c, reml=reml)
    nu = gram.n_obs - columns if reml else gram.n_obs
    sigma = float(np.sqrt(sigma2))
    hessian = np.zeros((k + 1, k + 1))
    # eq. 22
    hessian[:k, :k] = log_det + sums.rss_hessian(second, c) / sigma2
    hessian[:k, k] = hessian[k, :k] = 2.0 * sums.fit / sigma**3
    hessian[k, k] = 4.0 * nu / sigma2
    a = inverse_hessian(hessian)
    back = np.linalg.solve(gram.basis, np.eye(columns))
    # eq. 23: how the covariance of the coefficients moves with theta and sigma
    derivatives = [sigma2 * c @ x @ c for x in sums.p] + [2.0 * sigma * c]
    return Satterthwaite(
        sigma2 * back @ c @ back.T, np.stack([back @ x @ back.T for x in derivatives]), a
    )


def inverse_hessian(hessian: FloatArray) -> FloatArray:
    """Twice the inverse Hessian of a deviance, without the directions in which it is flat."""
    # Parameters in comparable units, so that flat directions can be told by their eigenvalues.
    curve = np.diag(hessian)
    seen = curve > 1e-20 * curve.max()
    scale = np.where(seen, 1.0 / np.sqrt(np.where(seen, curve, 1.0)), 1.0)
    values, vectors = np.linalg.eigh(hessian * np.outer(scale, scale))
    keep = values > _EIGEN_TOL * values.max()
    kept = vectors[:, keep] * scale[:, None]
    return np.asarray(2.0 * (kept / values[keep]) @ kept.T)
