"""Residuals, leverages, shares of variance explained, and simulated outcomes of a fit from rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from retrostats.common.arrays import check_seed, whole_number
from retrostats.common.errors import InputError
from retrostats.common.lower_factor import lower_factor
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.formula.design import offset_values
from retrostats.models.linear.post_estimation.components import term_covariances
from retrostats.models.linear.post_estimation.modes import (
    modes_of,
    random_matrix,
    require_rows,
    row_root,
    stratum_root,
    weight_root,
)

if TYPE_CHECKING:
    from retrostats.models.linear.estimates import Estimates


@dataclass(frozen=True, slots=True)
class RSquared:
    """Shares of the variance of an observation.

    Attributes
    ----------
    marginal : float
        Explained by the fixed effects.
    conditional : float
        Explained by fixed and random effects.
    """

    marginal: float
    conditional: float


def residual_table(fit: Estimates) -> pd.DataFrame:
    """Every row fitted with its residuals and leverage.

    Parameters
    ----------
    fit : Estimates
        From rows.

    Returns
    -------
    DataFrame
        With the index of the data: fitted (with the random effects), response (observed less
        fitted), pearson (times the root of the weight), scaled (in residual standard deviations),
        marginal (observed less the fixed part), leverage (how much a row draws its own fitted
        value).

    Raises
    ------
    InputError
        The data were moments.

    References
    ----------
    Pinheiro and Bates (2000), Mixed-Effects Models in S and S-PLUS, section 4.3. Demidenko and
    Stukel (2005), Statistics in Medicine 24:893, for the leverage.
    """
    require_rows(fit, "residuals")
    rows, modes, root = fit.model.rows, fit.once(modes_of), row_root(fit)
    unit = weight_root(fit)
    z = random_matrix(rows.random, len(rows.y))
    marginal = (rows.y - rows.x @ fit.beta) / unit
    response = marginal - (z @ modes.values) / unit
    pearson = response if root is None else response * root
    offset = offset_values(fit.model.formula, fit.model.columns, len(rows.y))
    observed = rows.y / unit + (0.0 if offset is None else offset)
    return pd.DataFrame(
        {
            "fitted": observed - response,
            "response": response,
            "pearson": pearson,
            "scaled": pearson / np.sqrt(fit.optimum.point.sigma2),
            "marginal": marginal,
            "leverage": _leverage(fit),
        },
        index=fit.model.index,
    )


def _leverage(fit: Estimates) -> FloatArray:
    """Diagonal (N,) of the matrix that takes the outcome to the fitted values."""
    rows, modes = fit.model.rows, fit.once(modes_of)
    if modes.inner is None or modes.carried is None:
        return np.full(len(rows.y), np.nan)
    scale = stratum_root(fit)
    x = rows.x if scale is None else rows.x * scale[:, None]
    z = random_matrix(rows.random, len(rows.y), scale)
    away = x - z @ modes.carried
    fixed = np.einsum("ij,jk,ik->i", away, fit.cov_unadjusted, away) / fit.optimum.point.sigma2
    return np.asarray(fixed + np.ravel((z @ modes.inner).multiply(z).sum(axis=1)))


def r_squared(fit: Estimates) -> RSquared:
    """Marginal and conditional R squared.

    The variance of the fixed part over the rows, of the random effects of an average row, and of
    the residual of an average row.

    Raises
    ------
    InputError
        The data were moments.

    References
    ----------
    Nakagawa and Schielzeth (2013), Methods in Ecology and Evolution 4:133. Johnson (2014), the same
    journal, 5:944, for random slopes.
    """
    require_rows(fit, "R squared")
    rows, root = fit.model.rows, row_root(fit)
    unit = weight_root(fit)
    fixed = float(np.var((rows.x @ fit.beta) / unit, ddof=1))
    random = 0.0
    for term, covariance in zip(rows.random, term_covariances(fit), strict=True):
        values = term.values / unit[:, None]
        random += float(np.einsum("ij,jk,ik->", values, covariance, values)) / len(values)
    sigma2 = fit.optimum.point.sigma2
    residual = sigma2 if root is None else float(np.mean(sigma2 / root**2))
    total = fixed + random + residual
    return RSquared(fixed / total, (fixed + random) / total)


def simulate(fit: Estimates, n: int = 1, *, seed: int | np.random.Generator = 1) -> pd.DataFrame:
    """Outcomes drawn from the fitted model, with new random effects.

    Parameters
    ----------
    fit : Estimates
        From rows.
    n : int
        Data sets.
    seed : int or Generator

    Returns
    -------
    DataFrame
        A row a row fitted, a column a data set; `fit.refit(column.to_numpy())` fits it.

    Raises
    ------
    InputError
        The data were moments, the covariance within subjects may be negative, or n is below 1.
    """
    require_rows(fit, "simulated outcomes")
    whole_number(n, "draws", 1)
    check_seed(seed)
    if fit.model.gram.signed:
        raise InputError('simulated outcomes need covariance="lme4"')
    rng = np.random.default_rng(seed)
    rows, strata, unit = fit.model.rows, stratum_root(fit), weight_root(fit)
    out = np.tile((rows.x @ fit.beta)[:, None], (1, n))
    for term, covariance in zip(rows.random, term_covariances(fit), strict=True):
        half = lower_factor(np.asarray(covariance)[None])[0][0]
        effects = rng.standard_normal((n, term.n_levels, len(half))) @ half.T
        out += np.einsum("ik,nik->in", term.values, effects[:, term.levels])
    spread = np.sqrt(fit.optimum.point.sigma2)
    noise = rng.standard_normal((n, len(rows.y))).T * spread
    out += noise if strata is None else noise / strata[:, None]
    offset = offset_values(fit.model.formula, fit.model.columns, len(rows.y))
    drawn = out / unit[:, None] + (0.0 if offset is None else offset[:, None])
    return pd.DataFrame(
        drawn, index=fit.model.index, columns=pd.Index([f"sim_{i + 1}" for i in range(n)])
    )
