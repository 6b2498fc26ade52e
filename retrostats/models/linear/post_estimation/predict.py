"""Predictions of a fitted mixed model, for its rows or new ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from retrostats.common.arrays import share
from retrostats.common.errors import InputError
from retrostats.models.linear.blocks.weights import WEIGHT, with_weights
from retrostats.models.linear.formula.columns import (
    Column,
    Factor,
    FloatArray,
    IntArray,
    read_column,
)
from retrostats.models.linear.formula.design import (
    RandomDesign,
    factorised,
    model_matrix,
    offset_values,
    shown_level,
)
from retrostats.models.linear.formula.expressions import columns_of
from retrostats.models.linear.post_estimation.components import term_covariances
from retrostats.models.linear.post_estimation.modes import (
    Modes,
    level_labels,
    modes_of,
    random_matrix,
    require_rows,
    row_root,
)

if TYPE_CHECKING:
    from retrostats.models.linear.estimates import Estimates

_CHUNK = 4096  # rows whose errors are computed at once
COLUMNS = (
    "estimate", "std_error", "df", "conf_low", "conf_high", "pred_low", "pred_high",
)  # fmt: skip


def predict(
    fit: Estimates,
    newdata: pd.DataFrame | None = None,
    *,
    random: bool = True,
    allow_new_levels: bool = False,
    level: float = 0.95,
    weights: Any = None,
) -> pd.DataFrame:
    """Expected outcome of each row, with its interval and that of a new observation.

    Parameters
    ----------
    fit : Estimates
    newdata : DataFrame, optional
        The columns of the formula but the outcome; the rows fitted if not given.
    random : bool
        With the random effects of the row's levels (conditional), or for the population.
    allow_new_levels : bool
        A level not seen in the fit has the effect 0 with the variance of its group; refused
        otherwise.
    level : float
    weights : str or (n,) array, optional
        Weights of the rows of `newdata`: a column of it, or numbers above 0. By default the column
        that the fit took its weights from, where `newdata` has it; without it a new row has the
        weight 1.

    Returns
    -------
    DataFrame
        estimate, std_error, df, conf_low, conf_high (of the expected value), pred_low, pred_high
        (of a new observation with the row's weight: of the same levels, or of new ones where not
        `random`), with the index of `newdata`; NaN where a value is missing. The df are those of
        the fixed part. The variances are taken as known beyond what `ddf` does for the fixed
        effects.

    Raises
    ------
    InputError
        A column is missing, a level is unknown, or the random effects are not to be had (moments).

    References
    ----------
    Henderson (1975), Biometrics 31:423.

    Examples
    --------
    >>> from retrostats.models.linear.fit import lmm
    >>> rows = pd.DataFrame({"subject": list("aabbccdd"), "time": ["pre", "post"] * 4,
    ...                      "y": [5.0, 6.0, 4.0, 5.5, 6.0, 6.2, 5.1, 5.9]})
    >>> fit = lmm("y ~ time + (1 | subject)", rows)
    >>> new = pd.DataFrame({"time": ["pre", "post"]})
    >>> predict(fit, new, random=False)["estimate"].round(3).tolist()
    [5.025, 5.9]
    """
    share(level)
    effects = any(term.effects for term in fit.model.rows.random)
    modes = fit.once(modes_of) if random and effects else None
    if newdata is None:
        if weights is not None:
            raise InputError("weights= are those of newdata; the rows fitted keep their own")
        return _fitted_rows(fit, modes, level)
    if not isinstance(newdata, pd.DataFrame):
        raise InputError(f"newdata is a {type(newdata).__name__}; a DataFrame is needed")
    columns, whole = new_columns(fit, newdata, random)
    n = int(whole.sum())
    out = pd.DataFrame(np.nan, index=newdata.index, columns=list(COLUMNS))
    if n:
        formula, reference = fit.model.formula, fit.model.columns
        x = model_matrix(formula.fixed, columns, n, reference)[0]
        offset = offset_values(formula, columns, n)
        terms = tuple(
            new_term(fit, term, i, columns, n, known=allow_new_levels or not random)
            for i, term in enumerate(fit.model.rows.random)
        )
        own = (_new_variances(fit, newdata) / _new_weights(fit, newdata, weights))[whole]
        out.iloc[np.flatnonzero(whole)] = _table(fit, x, terms, offset, modes, level, own)
    return out


def _fitted_rows(fit: Estimates, modes: Modes | None, level: float) -> pd.DataFrame:
    require_rows(fit, "predictions without newdata=")
    rows, precision = fit.model.rows, fit.model.precision
    x, terms = rows.x, rows.random
    if precision is not None:
        root = np.sqrt(precision)[:, None]
        x = x / root
        terms = tuple(replace(t, values=t.values / root) for t in terms)
    offset = offset_values(fit.model.formula, fit.model.columns, len(x))
    out = pd.DataFrame(_table(fit, x, terms, offset, modes, level, _variances(fit)))
    out.columns = pd.Index(COLUMNS)
    assert fit.model.index is not None
    return out.set_axis(fit.model.index, axis=0)


def _variances(fit: Estimates) -> FloatArray:
    """Residual variance of each row fitted."""
    root = row_root(fit)
    sigma2 = fit.optimum.point.sigma2
    return np.full(len(fit.model.rows.y), sigma2) if root is None else sigma2 / root**2


def _new_variances(fit: Estimates, newdata: pd.DataFrame) -> FloatArray:
    """Residual variance of a new row: of its stratum, NaN where that is not told or not known."""
    if fit.model.labelled is None:
        return np.full(len(newdata), fit.sigma**2)
    names = fit.model.labelled.name.split(":")
    if not set(names) <= set(newdata.columns):
        return np.full(len(newdata), np.nan)
    spread = fit.residual_sd.to_dict()
    labels = (":".join(map(shown_level, row)) for row in newdata[names].itertuples(index=False))
    return np.array([spread.get(label, np.nan) ** 2 for label in labels])


def _new_weights(fit: Estimates, newdata: pd.DataFrame, weights: Any) -> FloatArray:
    """Weight of each new row: as given, or of the column that the fit took; 1 without either."""
    if weights is None:
        weights = (
            fit.model.weights if fit.model.weights in newdata.columns else np.ones(len(newdata))
        )
    column = with_weights(newdata, weights)[WEIGHT].to_numpy(dtype=float)
    bad = np.flatnonzero(column <= 0)
    if len(bad):
        raise InputError(
            f"newdata: the weight in row {newdata.index[bad[0]]!r} is {column[bad[0]]:g}; a weight "
            "is above 0"
        )
    return column


def _table(
    fit: Estimates,
    x: FloatArray,
    terms: tuple[RandomDesign, ...],
    offset: FloatArray | None,
    modes: Modes | None,
    level: float,
    own: FloatArray,
) -> FloatArray:
    """The columns of a prediction (n, 7)."""
    n = len(x)
    estimate = x @ fit.beta + (0.0 if offset is None else offset)
    spread = _spread(fit, terms, new_only=modes is not None)
    if modes is None:
        mean = np.einsum("ij,jk,ik->i", x, fit.cov_beta, x)
        single = mean + spread
    else:
        z = random_matrix(terms, n)
        estimate = estimate + z @ modes.values
        mean = _errors(fit, x, z, modes) + spread
        single = mean
    df = _dfs(fit, x)
    quantile = stdtrit(df, 0.5 + level / 2.0)
    half, wide = quantile * np.sqrt(mean), quantile * np.sqrt(single + own)
    return np.column_stack(
        [estimate, np.sqrt(mean), df, estimate - half, estimate + half, estimate - wide,
         estimate + wide]
    )  # fmt: skip


def _spread(fit: Estimates, terms: tuple[RandomDesign, ...], *, new_only: bool) -> FloatArray:
    """Variance (n,) of the random effects of each row, of all its terms or of levels not seen."""
    total = np.zeros(len(terms[0].values))
    for term, covariance in zip(terms, term_covariances(fit), strict=True):
        own = np.einsum("ij,jk,ik->i", term.values, covariance, term.values)
        total += np.where(term.levels < 0, own, 0.0) if new_only else own
    return total


def _errors(fit: Estimates, x: FloatArray, z: object, modes: Modes) -> FloatArray:
    """Error variance (n,) of fixed effects and modes together."""
    if modes.inner is None or modes.carried is None:
        return np.full(len(x), np.nan)
    out = np.empty(len(x))
    sigma2 = fit.optimum.point.sigma2
    for start in range(0, len(x), _CHUNK):
        at = slice(start, start + _CHUNK)
        part = z[at]  # type: ignore[index]
        away = x[at] - part @ modes.carried
        inner = (part @ modes.inner).multiply(part).sum(axis=1)
        out[at] = np.einsum("ij,jk,ik->i", away, fit.cov_beta, away) + sigma2 * np.ravel(inner)
    return out


def _dfs(fit: Estimates, x: FloatArray) -> FloatArray:
    """Degrees of freedom of the fixed part of each row, equal rows computed once."""
    if fit.ddf == "normal":
        return np.full(len(x), np.inf)
    unique, inverse = np.unique(np.round(x, 12), axis=0, return_inverse=True)
    each = np.array([fit.df_of(row[None])[0] if row.any() else np.inf for row in unique])
    return np.asarray(each[np.ravel(inverse)])


def new_columns(
    fit: Any, newdata: pd.DataFrame, random: bool
) -> tuple[dict[str, Column], np.ndarray]:
    """Columns of the complete rows in the codes of the fit, and which rows are complete."""
    formula, known = fit.model.formula, fit.model.columns
    fixed = dict.fromkeys(n for t in formula.fixed for c in t for n in columns_of(c))
    fixed |= dict.fromkeys(n for o in formula.offsets for n in columns_of(o))
    effects = dict.fromkeys(
        n for r in formula.random for t in r.terms for c in t for n in columns_of(c)
    )
    groups = formula.grouping_columns if random else ()
    whole = np.ones(len(newdata), dtype=bool)
    columns: dict[str, Column] = {}
    for name in dict.fromkeys([*fixed, *effects, *groups]):
        if name not in newdata.columns:
            if name in effects and name not in fixed and not random:
                continue  # only the spread of new levels would need it
            hint = "; random=False predicts for the population" if name in groups else ""
            raise InputError(
                f"newdata: no column {name!r}, which the formula uses{hint}; it has: "
                f"{', '.join(map(str, newdata.columns[:30]))}"
            )
        as_factor = isinstance(known[name], Factor)
        column = read_column(newdata, name, as_factor=as_factor)
        if not isinstance(column, Factor) and not (np.abs(column[~np.isnan(column)]) < 1e75).all():
            raise InputError(f"newdata: column {name!r} holds infinities or numbers above 1e75")
        new = name in groups and name not in fixed and name not in effects
        columns[name] = _matched(name, column, known[name], new=new)
        whole &= newdata[name].notna().to_numpy()
    kept = {
        k: Factor(c.codes[whole], c.levels) if isinstance(c, Factor) else c[whole]
        for k, c in columns.items()
    }
    return kept, whole


def _matched(name: str, column: Column, known: Column, *, new: bool) -> Column:
    """A column in the codes of the fit; levels not seen there are kept for groups only."""
    if isinstance(known, Factor) and not isinstance(column, Factor):
        column = factorised(column)
    if not isinstance(known, Factor):
        if isinstance(column, Factor):
            raise InputError(f"newdata: column {name!r} is not numeric, as it was in the fit")
        return column
    assert isinstance(column, Factor)
    place = {shown_level(level): i for i, level in enumerate(known.levels)}
    codes = np.array([place.get(shown_level(level), -1) for level in column.levels] + [-1])
    strange = [shown_level(v) for v in column.levels if shown_level(v) not in place]
    if strange and not new:
        raise InputError(
            f"newdata: column {name!r} has {', '.join(strange[:5])}, which the fit has not seen; "
            f"it has: {', '.join(list(place)[:20])}"
        )
    if not strange:
        return Factor(codes[column.codes], known.levels)
    return column


def new_term(
    fit: Any,
    term: RandomDesign,
    at: int,
    columns: Mapping[str, Column],
    n: int,
    *,
    known: bool,
) -> RandomDesign:
    """A random term at new rows, its levels as in the fit; -1 for one not seen."""
    effects = fit.model.formula.random[at].terms
    needed = {name for t in effects for c in t for name in columns_of(c)}
    if needed <= set(columns):
        values = model_matrix(effects, columns, n, fit.model.columns)[0]
    else:
        values = np.full((n, len(term.effects)), np.nan)
    if not set(term.factors) <= set(columns):
        return replace(term, values=values, levels=np.full(n, -1))
    levels = _level_codes(fit, term, columns, n)
    if (levels < 0).any() and not known:
        row = int(np.flatnonzero(levels < 0)[0])
        label = _row_label(term, columns, row)
        raise InputError(
            f"newdata: {term.group} {label!r} was not in the fit; predict with random=False, or "
            "with allow_new_levels=True at the mean of its group"
        )
    return replace(term, values=values, levels=levels)


def _level_codes(fit: Any, term: RandomDesign, columns: Mapping[str, Column], n: int) -> IntArray:
    place = {label: i for i, label in enumerate(level_labels(term, fit.model.columns))}
    parts = []
    for name in term.factors:
        column = columns[name]
        factor = column if isinstance(column, Factor) else factorised(column)
        shown = np.array([shown_level(level) for level in factor.levels], dtype=object)
        parts.append(shown[factor.codes])
    labels = [":".join(map(str, row)) for row in zip(*parts, strict=True)]
    return np.array([place.get(label, -1) for label in labels], dtype=np.intp).reshape(n)


def _row_label(term: RandomDesign, columns: Mapping[str, Column], row: int) -> str:
    parts = []
    for name in term.factors:
        column = columns[name]
        parts.append(
            shown_level(column.levels[column.codes[row]])
            if isinstance(column, Factor)
            else shown_level(float(column[row]))
        )
    return ":".join(parts)
