"""Estimated marginal means, slopes by group, and effects over a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np

from retrostats.common.arrays import share
from retrostats.common.errors import InputError
from retrostats.models.linear.formula.columns import Factor, FloatArray
from retrostats.models.linear.formula.design import shown_level
from retrostats.models.linear.formula.quoted import name_of
from retrostats.models.linear.post_estimation.backtransform import Scale, scale_of, scale_of_link
from retrostats.models.linear.post_estimation.marginal_means import (
    MarginalMeans,
    Predictor,
    names_of,
    tested,
)
from retrostats.models.linear.post_estimation.reference_grid import (
    Grid,
    Weights,
    nests,
    reference_grid,
)

__all__ = ["MarginalMeans", "Predictor", "effects", "emmeans", "emtrends"]

Type = Literal["link", "response"]
_STEP = 1e-4  # of a column's range: a slope is a central difference, exact for squares
_POINTS = 25  # values of a number at which its effect is drawn
_HOW = {"equal": "evenly", "proportional": "by its shares of the data", "cells": "as in the data"}


def emmeans(
    fit: Predictor,
    factors: str | Sequence[str],
    *,
    by: str | Sequence[str] | None = None,
    at: Mapping[str, Any] | None = None,
    type: Type = "link",
    weights: Weights = "equal",
    level: float = 0.95,
    link: Literal["log", "logit"] | None = None,
) -> MarginalMeans:
    """Marginal means of the fixed effects over factors, numeric columns at their mean.

    Parameters
    ----------
    fit : Estimates or another Predictor
    factors : str or list of str
        Categorical columns; numeric ones too where `at` gives their values. A factor that is nested
        in others (``group / team``) brings them along.
    by : str or list of str, optional
        Factors within whose levels means are compared: R's ``~ time | arm``.
    at : mapping of column to value or values, optional
        Where numeric columns stand, and which levels of factors count.
    type : {"link", "response"}
        "response" inverts the outcome's whole expression, as log(y + 1) or sqrt(2 * y): means on
        the scale of y (geometric means for a logarithm), errors by the delta method, tests as they
        were. An expression there is no way back from is refused.
    weights : {"equal", "proportional", "cells"}
        What levels averaged over count: the same, their shares of all data, or their shares of the
        data of each mean's own cell.
    level : float
    link : {"log", "logit"}, optional
        Of a model of counts: means are of rates or probabilities, tests asymptotic.

    Raises
    ------
    InputError
        A factor is not a categorical column of the fixed effects, or `at` names a column or level
        that is not there.

    References
    ----------
    Searle, Speed and Milliken (1980), The American Statistician 34:216.

    Examples
    --------
    >>> import pandas as pd
    >>> from retrostats.models.linear.fit import lmm
    >>> rows = pd.DataFrame({"subject": list("aabbccdd"), "time": ["pre", "post"] * 4,
    ...                      "y": [5.0, 6.0, 4.0, 5.5, 6.0, 6.2, 5.1, 5.9]})
    >>> means = lmm("y ~ time + (1 | subject)", rows).emmeans("time")
    >>> means.table[["time", "estimate"]].round(3)
       time  estimate
    0  post     5.900
    1   pre     5.025
    """
    share(level)
    if weights not in get_args(Weights):
        raise InputError(f"weights={weights!r}; allowed: {', '.join(get_args(Weights))}")
    model = fit.model
    scale = (
        scale_of(model.formula.outcome, type, model.columns)
        if link is None
        else scale_of_link(link, type)
    )
    wanted, within = _wanted(fit, factors, by)
    grid = reference_grid(fit, wanted, at)
    rows = grid.mean(grid.matrix(), weights)
    return _means(grid, rows, scale, level, weights, within, link is not None)


def emtrends(
    fit: Predictor,
    factors: str | Sequence[str],
    column: str,
    *,
    by: str | Sequence[str] | None = None,
    at: Mapping[str, Any] | None = None,
    weights: Weights = "equal",
    level: float = 0.95,
    asymptotic: bool = False,
) -> MarginalMeans:
    """Slopes of a numeric column at the cells of some factors.

    Parameters
    ----------
    fit, factors, by, weights, level
        As in `emmeans`.
    column : str
        The number whose slope is taken, where `at` puts it, else at its mean.
    at : mapping of column to value or values, optional
    asymptotic : bool
        Of a model of counts.

    Returns
    -------
    MarginalMeans
        Of slopes, on the scale of the fixed effects; `pairs` and `contrast` compare them.

    Raises
    ------
    InputError
        The column is not a number of the fixed effects.

    Examples
    --------
    >>> import pandas as pd
    >>> from retrostats.models.linear.fit import lmm
    >>> rows = pd.DataFrame({"subject": list("aabbccdd"), "time": [0, 2] * 4,
    ...                      "arm": list("xxxxyyyy"), "y": [5, 6, 4, 5.5, 6, 6.2, 5.1, 7]})
    >>> slopes = lmm("y ~ arm * time + (1 | subject)", rows).emtrends("arm", "time")
    >>> slopes.table[["arm", "estimate"]].round(3)
      arm  estimate
    0   x     0.625
    1   y     0.525
    """
    share(level)
    wanted, within = _wanted(fit, factors, by)
    grid = reference_grid(fit, wanted, at)
    name = name_of(column) if isinstance(column, str) else column
    found = grid.values.get(name)
    if found is None or isinstance(found, Factor):
        numbers = [n for n, v in grid.values.items() if not isinstance(v, Factor)]
        raise InputError(
            f"emtrends: {column!r} is not a number of the fixed effects; they have: "
            f"{', '.join(numbers) or 'none'}"
        )
    step = _STEP * (float(np.ptp(fit.model.columns[name])) or 1.0)
    here = np.asarray(grid.columns[name], dtype=float)
    ends = [grid.matrix({name: here + sign * step}) for sign in (1.0, -1.0)]
    rows = grid.mean((ends[0] - ends[1]) / (2.0 * step), weights)
    rows = np.where(np.abs(rows) > 1e-10 * np.abs(rows).max(), rows, 0.0)
    return _means(grid, rows, Scale(False), level, weights, within, asymptotic, slope=name)


def effects(
    fit: Predictor,
    column: str,
    *,
    by: str | Sequence[str] | None = None,
    at: Mapping[str, Any] | None = None,
    type: Type = "response",
    level: float = 0.95,
    link: Literal["log", "logit"] | None = None,
) -> MarginalMeans:
    """Expected outcomes over a column, the others at their mean or averaged: what `.plot()` draws.

    Parameters
    ----------
    fit : Estimates or another Predictor
    column : str
        A factor, whose levels are taken, or a number, whose range in the data is.
    by : str or list of str, optional
        Lines of their own; of a number at its mean and a standard deviation to each side.
    at : mapping of column to value or values, optional
    type : {"response", "link"}
        On the outcome's own scale by default.
    level : float
    link : {"log", "logit"}, optional

    Returns
    -------
    MarginalMeans

    References
    ----------
    Luedecke (2018), Journal of Open Source Software 3:772 (ggeffects; `ggemmeans` averages as
    here).
    """
    within = () if by is None else names_of(by)
    values = dict(at or {})
    columns = fit.model.columns
    for name in dict.fromkeys((name_of(column), *within)):
        held = columns.get(name)
        if held is None or isinstance(held, Factor) or name in values:
            continue
        if name == name_of(column):
            values[name] = np.linspace(float(held.min()), float(held.max()), _POINTS)
        else:
            spread = float(np.std(held, ddof=1))
            values[name] = float(held.mean()) + spread * np.array([-1.0, 0.0, 1.0])
    wanted = list(dict.fromkeys((*within, name_of(column))))
    return emmeans(
        fit, wanted, by=within or None, at=values or None, type=type, level=level, link=link
    )


def _wanted(fit: Predictor, factors: Any, by: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns of the cells, those of `by` first and nested factors after what they stand in."""
    within = () if by is None else names_of(by)
    named = names_of(factors)
    found = nests(fit)
    outer = [name for f in named for name in found.get(f, ())]
    return tuple(dict.fromkeys((*within, *outer, *named))), within


def _means(
    grid: Grid,
    rows: FloatArray,
    scale: Scale,
    level: float,
    weights: str,
    within: tuple[str, ...],
    asymptotic: bool,
    slope: str | None = None,
) -> MarginalMeans:
    """Cells (cells, p) of the coefficients as a table with what a reader must know."""
    fit = grid.fit
    shift = 0.0 if slope else grid.offset(weights)
    table = tested(fit, rows, tuple(map(str, range(grid.cells))), level, shift)
    table = table.drop(columns=["term", "df"] if asymptotic else ["term"])
    table = scale.transform(table) if scale.back else table
    for name, labels in reversed(grid.labels().items()):
        table.insert(0, name, labels)
    held = grid.held()
    mixed = tuple(
        name for name, value in held.items() if value not in (0, 1) and _is_binary(fit, name)
    )
    said = [] if slope is None else [f"slopes of {slope}"]
    over = [
        f"{name} ({', '.join(shown_level(column.levels[c]) for c in column.codes)})"
        for name, column in grid.averaged.items()
    ]
    if over:
        said.append(f"averaged {_HOW[weights]} over {', '.join(over)}")
    return MarginalMeans(
        table=table,
        weights=rows,
        factors=grid.wanted,
        fit=fit,
        level=level,
        scale=scale,
        held=held,
        mixed=mixed,
        asymptotic=asymptotic,
        by=within,
        nested=nests(fit),
        said=tuple(said),
    )


def _is_binary(fit: Predictor, name: str) -> bool:
    """Whether a numeric column of the fit holds 0 and 1 and nothing else."""
    column = fit.model.columns[name]
    return not isinstance(column, Factor) and set(np.unique(column).tolist()) == {0.0, 1.0}
