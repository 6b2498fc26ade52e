"""Residual variances that are known: the engine of meta-analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from retrostats.models.linear.homoscedastic.kenward_roger import KenwardRoger
from retrostats.models.linear.known_variance.components import component_table
from retrostats.models.linear.known_variance.covariance import Array
from retrostats.models.linear.linear_fit import Engine

if TYPE_CHECKING:
    from retrostats.models.linear.linear_fit import LinearFit

#: Share of the largest eigenvalue below which a direction of the information is empty.
_EMPTY = 1e-8


class KnownVariance(Engine):
    """Blocks of rows whose residual covariance is known; only random effects are estimated."""

    name = "known variances"

    def kenward_roger(self, fit: LinearFit) -> KenwardRoger:
        """Kenward and Roger (1997), eqs. 4 and 5: the residual's variances are not parameters."""
        state = fit.optimum.point
        # eqs. 16 and 17 without the residual, which is no parameter
        w = _inverse(0.5 * (state.information + state.information.T))
        weighted = np.tensordot(w, state.p, 1)
        bracket = np.einsum("kl,klpr->pr", w, state.q)
        bracket = bracket - np.einsum("kpr,rs,kst->pt", state.p, state.phi, weighted)
        adjusted = state.phi + state.phi @ (bracket + bracket.T) @ state.phi
        return KenwardRoger(state.phi, adjusted, -state.p, w)

    def satterthwaite(self, fit: LinearFit) -> KenwardRoger:
        """The same tests with the observed information and the unadjusted covariance."""
        state = fit.optimum.point
        return _Unscaled(state.phi, state.phi, -state.p, _inverse(state.hessian))

    def cov_unadjusted(self, fit: LinearFit) -> Array:
        """Covariance (p, p) of generalised least squares."""
        phi: Array = fit.optimum.point.phi
        return phi

    def residual_variances(self, fit: LinearFit) -> pd.Series[float]:
        """None was estimated."""
        return pd.Series(np.zeros(0), index=pd.Index([], name="stratum"))

    def component_table(self, fit: LinearFit) -> pd.DataFrame:
        """Variances, then covariances of each term."""
        return component_table(fit)

    def covariance_known(self, fit: LinearFit) -> bool:
        """Without a random term nothing of the covariance is estimated."""
        return not len(fit.optimum.theta)

    def counted_dfs(self, fit: LinearFit) -> Array:
        """Rows, or the fewest levels within which a coefficient's column is constant, less p."""
        model = fit.model
        p = len(fit.beta)
        fewest = np.full(p, fit.n_obs)
        if fit.ddf == "contain":
            for term in model.random:
                mean = _level_means(model.x, term.levels, term.n_levels)
                spread = np.abs(model.x - mean[term.levels]).max(axis=0)
                contained = spread <= 1e-12 * np.abs(model.x).max(axis=0)
                fewest = np.where(contained, np.minimum(fewest, term.n_levels), fewest)
        return np.asarray(np.maximum(1.0, fewest - p))


class _Unscaled(KenwardRoger):
    """Kenward and Roger's degrees of freedom for an F that is not scaled."""

    __slots__ = ()

    def test(self, contrast: Any) -> tuple[float, float]:
        """Denominator degrees of freedom of the rows of a contrast; the scaling is one."""
        return KenwardRoger.test(self, contrast)[0], 1.0


def _inverse(information: Array) -> Array:
    """2 I^-1 over the directions that the data inform, parameters in comparable units."""
    if not len(information):
        return np.zeros_like(information)
    unit = 1 / np.sqrt(np.maximum(np.abs(np.diag(information)), 1e-300))
    values, vectors = np.linalg.eigh(information * np.outer(unit, unit))
    kept = values > _EMPTY * float(np.abs(values).max())
    half = vectors[:, kept] / np.sqrt(values[kept])
    return np.asarray(2 * np.outer(unit, unit) * (half @ half.T))


def _level_means(x: Array, levels: Any, count: int) -> Array:
    total = np.zeros((count, x.shape[1]))
    np.add.at(total, levels, x)
    return np.asarray(total / np.bincount(levels, minlength=count)[:, None])
