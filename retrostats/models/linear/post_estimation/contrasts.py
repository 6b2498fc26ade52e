"""Tests of linear combinations of the fixed effects, and of one model against another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc, fdtrc

from retrostats.common.arrays import real_array, real_number, share
from retrostats.common.errors import InputError
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.post_estimation.nested import require_nested
from retrostats.models.linear.post_estimation.tables import t_table

if TYPE_CHECKING:
    from retrostats.models.linear.estimates import Estimates
    from retrostats.models.linear.linear_fit import LinearFit


_MISSED = 1e-5  # relative: by how much an optimum of a larger model may miss a smaller


def contrast(
    fit: LinearFit, weights: Mapping[str, float] | Any, *, null: float = 0.0, level: float = 0.95
) -> pd.DataFrame:
    """Test one combination of coefficients by t, or several jointly by F.

    Parameters
    ----------
    fit : LinearFit
    weights : mapping of term to weight, (p,) array, list of mappings, or (r, p) array
        A mapping or a vector gives one row with a t-test; several rows give one joint F-test.
    null : float
        Value of a single combination under the hypothesis.
    level : float
        Of the confidence interval.

    Returns
    -------
    DataFrame
        One row. t: term, estimate, std_error, df, statistic, p_value, conf_low, conf_high.
        F: num_df, den_df, statistic, p_value, scaling (Kenward and Roger's lambda, in statistic).

    Raises
    ------
    InputError
        A term is unknown, or the shape does not match the coefficients.

    Examples
    --------
    >>> import pandas as pd
    >>> from retrostats.models.linear.fit import lmm
    >>> rows = pd.DataFrame({"subject": list("aabbccdd"), "time": ["pre", "post"] * 4,
    ...                      "y": [5.0, 6.0, 4.0, 5.5, 6.0, 6.2, 5.1, 5.9]})
    >>> lmm("y ~ time + (1 | subject)", rows).contrast({"timepre": -1}).estimate.round(3).item()
    0.875
    """
    share(level)
    null = real_number(null, "contrast, null")
    matrix, label = _matrix(fit, weights)
    if matrix.ndim == 1:
        estimate = float(matrix @ fit.beta)
        std_error = float(np.sqrt(matrix @ fit.cov_beta @ matrix))
        df = fit.df_of(matrix[None])[0]
        return t_table(
            (label,), np.array([estimate]), np.array([std_error]), np.array([df]),
            null=null, level=level,
        )  # fmt: skip
    return _joint(fit, matrix)


def _matrix(fit: LinearFit, weights: Any) -> tuple[FloatArray, str]:
    if isinstance(weights, Mapping):
        unknown = [t for t in weights if t not in fit.terms]
        if unknown:
            raise InputError(
                f"no coefficient {', '.join(map(repr, unknown))}; the model has: "
                f"{', '.join(fit.terms)}"
            )
        row = np.array([real_number(weights.get(t, 0.0), f"contrast, {t}") for t in fit.terms])
        matrix, label = row, " + ".join(f"{w:g}*{t}" for t, w in weights.items())
    elif isinstance(weights, list | tuple) and weights and isinstance(weights[0], Mapping):
        matrix, label = np.stack([_matrix(fit, w)[0] for w in weights]), ""
    else:
        matrix, label = real_array(weights, "contrast"), "contrast"
    if matrix.ndim not in (1, 2) or matrix.shape[-1] != len(fit.beta):
        raise InputError(
            f"a contrast needs {len(fit.beta)} weights a row ({', '.join(fit.terms)}); "
            f"got shape {matrix.shape}"
        )
    if not np.isfinite(matrix).all() or not matrix.any():
        raise InputError("a contrast needs finite weights, not all zero")
    return matrix, label


def _joint(fit: LinearFit, matrix: FloatArray) -> pd.DataFrame:
    _, values, vectors = np.linalg.svd(matrix, full_matrices=False)
    rows = vectors[values > 1e-10 * values[0]]
    q = len(rows)
    value = rows @ fit.beta
    wald = float(value @ np.linalg.solve(rows @ fit.cov_beta @ rows.T, value)) / q
    df, scaling = fit.df_of(rows)
    f = scaling * wald
    p_value = float(chdtrc(q, q * f)) if np.isinf(df) else float(fdtrc(q, df, f))
    return pd.DataFrame(
        {
            "num_df": [q],
            "den_df": [df],
            "statistic": [f],
            "p_value": [p_value],
            "scaling": [scaling],
        }
    )


def compare(first: Estimates, second: Estimates, *, refit: bool = True) -> pd.DataFrame:
    """Likelihood-ratio test of two nested models of the same data.

    Parameters
    ----------
    first, second : Estimates
        In either order.
    refit : bool
        Compare maximum-likelihood refits, as lme4 does. With False REML fits are compared as they
        are, which is meaningful only where the fixed effects are the same.

    Returns
    -------
    DataFrame
        A row a model, the smaller first: formula, n_par, aic, bic, loglik, statistic, df, p_value.

    Raises
    ------
    InputError
        The data differ, neither model is larger, the larger does not contain the smaller (see
        `nested.require_nested`), or REML fits with other fixed effects are to be compared without
        a refit.
    """
    if not hasattr(second, "n_obs"):
        raise InputError(
            f"a model is compared with a fitted model (or anova with I, II, III), found "
            f"{type(second).__name__}"
        )
    if first.n_obs != second.n_obs:
        raise InputError(
            f"the models were fitted to {first.n_obs} and {second.n_obs} observations; fit both to "
            "the rows complete in both"
        )
    if first.model.formula.outcome != second.model.formula.outcome:
        raise InputError("the models have different outcomes")
    if refit:
        first, second = first.refit_ml(), second.refit_ml()
    elif first.reml != second.reml or (first.reml and set(first.terms) != set(second.terms)):
        raise InputError(
            "REML likelihoods of different fixed effects cannot be compared; use refit=True"
        )
    small, large = sorted((first, second), key=lambda fit: fit.n_parameters)
    extra = large.n_parameters - small.n_parameters
    if extra == 0:
        raise InputError("the models have as many parameters; nested ones are needed")
    require_nested(small, large)
    loglik = np.array([small.loglik, large.loglik])
    if loglik[1] - loglik[0] < -_MISSED * max(1.0, abs(float(loglik[0]))):
        raise InputError(
            f"{large.formula!r} contains {small.formula!r} and yet its log-likelihood of "
            f"{loglik[1]:.6g} is below {loglik[0]:.6g}: a fit has not converged; rescale "
            "covariates or simplify the random effects"
        )
    return likelihood_ratio(small, large, extra)


def likelihood_ratio(
    small: Any, large: Any, extra: float, names: Sequence[str] | None = None
) -> pd.DataFrame:
    """The table of a likelihood-ratio test of two fits, the smaller first.

    Parameters
    ----------
    small, large
        Fits with formula, n_parameters, aic, bic and loglik.
    extra
        Parameters that the larger has more.
    names
        What stands under formula, the formulas unless given.
    """
    fits = (small, large)
    statistic = max(0.0, 2.0 * float(large.loglik - small.loglik))
    return pd.DataFrame(
        {
            "formula": [f.formula for f in fits] if names is None else names,
            "n_par": [f.n_parameters for f in fits],
            "aic": [f.aic for f in fits],
            "bic": [f.bic for f in fits],
            "loglik": [f.loglik for f in fits],
            "statistic": [np.nan, statistic],
            "df": [np.nan, float(extra)],
            "p_value": [np.nan, float(chdtrc(extra, statistic))],
        }
    )
