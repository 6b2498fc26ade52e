"""Errors and degrees of freedom of the coefficients, from where the optimiser stopped."""

from __future__ import annotations

import numpy as np

from retrostats.models.linear.blocks.basis import substitute
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.kenward_roger import KenwardRoger, kenward_roger
from retrostats.models.linear.homoscedastic.optimise import Optimum
from retrostats.models.linear.homoscedastic.satterthwaite import Satterthwaite, satterthwaite


def kenward_roger_of(optimum: Optimum, *, reml: bool) -> KenwardRoger:
    """Kenward and Roger's adjustment."""
    point = optimum.point
    return kenward_roger(optimum.gram, optimum.working, point.sigma2, point.xvx, reml=reml)


def satterthwaite_of(optimum: Optimum, *, reml: bool) -> Satterthwaite:
    """Satterthwaite's approximation."""
    point = optimum.point
    return satterthwaite(optimum.gram, optimum.working, point.sigma2, point.xvx, reml=reml)


def unadjusted(optimum: Optimum, basis: FloatArray) -> FloatArray:
    """Covariance (p, p) of the coefficients without adjustment, X in its own columns."""
    factor = np.linalg.cholesky(optimum.point.xvx).T
    half = substitute(basis, substitute(factor, np.eye(len(basis))))
    return np.asarray(optimum.point.sigma2 * half @ half.T)


def std_errors(
    optimum: Optimum, basis: FloatArray, *, reml: bool, ddf: str
) -> tuple[FloatArray, FloatArray]:
    """Standard errors (p,) and degrees of freedom (p,) of the coefficients."""
    if ddf == "kenward-roger":
        adjustment = kenward_roger_of(optimum, reml=reml)
        return np.sqrt(np.diag(adjustment.adjusted)), adjustment.term_dfs()
    error = np.sqrt(np.diag(unadjusted(optimum, basis)))
    if ddf == "satterthwaite":
        return error, satterthwaite_of(optimum, reml=reml).term_dfs()
    return error, np.full(len(error), np.inf)
