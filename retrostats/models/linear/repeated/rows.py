"""What is asked of a fit of repeated measurements: predictions, residuals, nested structures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from retrostats.common.arrays import share
from retrostats.common.errors import InputError
from retrostats.models.linear.formula.columns import Column, Factor, FloatArray, read_column
from retrostats.models.linear.formula.design import model_matrix, offset_values, shown_level
from retrostats.models.linear.formula.expressions import columns_of
from retrostats.models.linear.post_estimation.contrasts import likelihood_ratio
from retrostats.models.linear.post_estimation.modes import require_rows

#: Structures that are special cases of each.
_HOLDS = {
    "unstructured": (
        "compound-symmetry", "heterogeneous-compound-symmetry", "ar1", "heterogeneous-ar1",
    ),
    "heterogeneous-ar1": ("ar1",),
    "heterogeneous-compound-symmetry": ("compound-symmetry",),
}  # fmt: skip


def predict_fixed(
    fit: Any, newdata: pd.DataFrame | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Expected outcome of each row with its interval.

    Returns
    -------
    DataFrame
        estimate, std_error, df, conf_low, conf_high.

    Raises
    ------
    InputError
        A column is missing, or a level was not in the fit.
    """
    share(level)
    model = fit.model
    if newdata is None:
        require_rows(fit, "predictions without newdata")
        columns, n, index = dict(model.columns), len(model.rows.y), model.index
        x = model.rows.x
    else:
        if not isinstance(newdata, pd.DataFrame):
            raise InputError(f"newdata is a {type(newdata).__name__}; a DataFrame is needed")
        columns, n, index = _new_columns(fit, newdata), len(newdata), newdata.index
        x = model_matrix(model.formula.fixed, columns, n, model.columns)[0]
    offset = offset_values(model.formula, columns, n)
    estimate = x @ fit.beta + (0.0 if offset is None else offset)
    error = np.sqrt(np.einsum("ij,jk,ik->i", x, fit.cov_beta, x))
    kinds, place = np.unique(x, axis=0, return_inverse=True)
    df = np.array([fit.df_of(row[None])[0] for row in kinds])[place.ravel()]
    half = stdtrit(df, 0.5 + level / 2.0) * error
    return pd.DataFrame(
        {
            "estimate": estimate, "std_error": error, "df": df,
            "conf_low": estimate - half, "conf_high": estimate + half,
        },
        index=index,
    )  # fmt: skip


def _new_columns(fit: Any, frame: pd.DataFrame) -> dict[str, Column]:
    """The columns of the fixed effects and offsets, coded as in the fit."""
    formula, known = fit.model.formula, fit.model.columns
    names = [n for t in formula.fixed for c in t for n in columns_of(c)]
    names += [n for o in formula.offsets for n in columns_of(o)]
    out: dict[str, Column] = {}
    for name in dict.fromkeys(names):
        base = known[name]
        column = read_column(frame, name, as_factor=isinstance(base, Factor))
        if not isinstance(base, Factor):
            out[name] = column
            continue
        assert isinstance(column, Factor)
        shown = [shown_level(level) for level in base.levels]
        strange = [v for v in map(shown_level, column.levels) if v not in shown]
        if strange or (column.codes < 0).any():
            raise InputError(
                f"newdata, column {name!r}: found {', '.join(strange) or 'an empty cell'}; the fit "
                f"has {', '.join(shown)}"
            )
        to = np.array([shown.index(shown_level(level)) for level in column.levels], dtype=np.intp)
        out[name] = Factor(to[column.codes], base.levels)
    return out


def residual_rows(fit: Any) -> pd.DataFrame:
    """Every row fitted: fitted, response, pearson, scaled, marginal, leverage.

    "pearson" is in standard deviations of the row's level, "scaled" (nlme's normalized) is
    whitened by the covariance of its subject.
    """
    require_rows(fit, "residuals")
    rows, levels, v = fit.model.rows, fit.engine.data.levels, fit.engine.v
    response = rows.y - rows.x @ fit.beta
    offset = offset_values(fit.model.formula, fit.model.columns, len(rows.y))
    fitted = rows.x @ fit.beta + (0.0 if offset is None else offset)
    scaled, leverage = np.empty_like(response), np.empty_like(response)
    order = np.lexsort((levels.codes, rows.block))
    ends = np.cumsum(np.bincount(rows.block, minlength=len(rows.n)))[:-1]
    for at in np.split(order, ends):
        own = v[np.ix_(levels.codes[at], levels.codes[at])]
        scaled[at] = np.linalg.solve(np.linalg.cholesky(own), response[at])
        hat = rows.x[at] @ fit.cov_unadjusted @ rows.x[at].T @ np.linalg.inv(own)
        leverage[at] = np.diag(hat)
    return pd.DataFrame(
        {
            "fitted": fitted, "response": response,
            "pearson": response / np.sqrt(np.diag(v))[levels.codes],
            "scaled": scaled, "marginal": response, "leverage": leverage,
        },
        index=fit.model.index,
    )  # fmt: skip


def compare_structures(first: Any, second: Any, *, refit: bool = True) -> pd.DataFrame:
    """Likelihood-ratio test of two fits of the same repeated measurements.

    REML fits with the same fixed effects are compared as they are (their covariances differ
    alone); with other fixed effects maximum-likelihood refits are, unless `refit` is False.

    Raises
    ------
    InputError
        The fits are not nested, or the data differ.
    """
    if not hasattr(second, "structure"):
        raise InputError(
            f"a fit with covariance={first.structure!r} is compared with another such fit, found "
            f"{type(second).__name__}; compare their aic"
        )
    if not _same_data(first, second):
        raise InputError("the fits are of different rows or outcomes; fit both to the same rows")
    if first.terms != second.terms and refit:
        first, second = first.refit_ml(), second.refit_ml()
    small, large = sorted((first, second), key=lambda fit: fit.n_parameters)
    inside = set(small.terms) <= set(large.terms)
    same = small.structure == large.structure or small.structure in _HOLDS.get(large.structure, ())
    extra = large.n_parameters - small.n_parameters
    if not (inside and same and extra):
        raise InputError(
            f"the models are not nested: {small.formula!r} ({small.structure}) in "
            f"{large.formula!r} ({large.structure}); compare their aic"
        )
    return likelihood_ratio(
        small, large, extra, [f"{f.formula}, {f.structure}" for f in (small, large)]
    )


def _same_data(first: Any, second: Any) -> bool:
    one, two = first.model.rows, second.model.rows
    if one.y.shape != two.y.shape or first.reml != second.reml:
        return False
    return bool(np.allclose(_total(one.y), _total(two.y), rtol=1e-12))


def _total(y: FloatArray) -> FloatArray:
    return np.sort(y)
