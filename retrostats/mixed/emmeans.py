"""Estimated marginal means and their pairwise differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from retrostats.errors import InputError
from retrostats.mixed.columns import Column, Factor, FloatArray
from retrostats.mixed.design import model_matrix
from retrostats.mixed.expressions import columns_of
from retrostats.mixed.tables import t_table

if TYPE_CHECKING:
    from retrostats.mixed.fit import LmmFit

Adjust = Literal["tukey", "holm", "bonferroni", "none"]


@dataclass(frozen=True, eq=False)
class MarginalMeans:
    """Means of the cells of some factors, averaged evenly over the other factors.

    Attributes
    ----------
    table : DataFrame
        The factors, then estimate, std_error, df, statistic, p_value, conf_low, conf_high.
    weights : (cells, p) array
        Each cell's combination of the coefficients.
    fit : LmmFit
    level : float
    """

    table: pd.DataFrame
    weights: FloatArray
    factors: tuple[str, ...]
    fit: LmmFit
    level: float

    def pairs(self, adjust: Adjust = "tukey") -> pd.DataFrame:
        """Differences of all pairs of cells.

        Parameters
        ----------
        adjust : {"tukey", "holm", "bonferroni", "none"}
            For the number of pairs; intervals are not adjusted.

        Returns
        -------
        DataFrame
            term ("a - b"), estimate, std_error, df, statistic, p_value, conf_low, conf_high.
        """
        labels = [
            " ".join(str(v) for v in row) for row in self.table[list(self.factors)].to_numpy()
        ]
        rows = list(combinations(range(len(labels)), 2))
        if not rows:
            raise InputError("one cell has no pairs; name a factor with two levels or more")
        weights = np.stack([self.weights[i] - self.weights[j] for i, j in rows])
        names = tuple(f"{labels[i]} - {labels[j]}" for i, j in rows)
        out = _test(self.fit, weights, names, self.level)
        out["p_value"] = _adjusted(out, adjust, len(labels))
        return out


def emmeans(fit: LmmFit, factors: str | Sequence[str], *, level: float = 0.95) -> MarginalMeans:
    """Marginal means of the fixed effects over factors, numeric columns at their mean.

    Parameters
    ----------
    fit : LmmFit
    factors : str or list of str
    level : float

    Raises
    ------
    InputError
        A factor is not a categorical column of the fixed effects.

    Examples
    --------
    >>> import pandas as pd
    >>> from retrostats.mixed.fit import lmm
    >>> rows = pd.DataFrame({"subject": list("aabbccdd"), "time": ["pre", "post"] * 4,
    ...                      "y": [5.0, 6.0, 4.0, 5.5, 6.0, 6.2, 5.1, 5.9]})
    >>> means = lmm("y ~ time + (1 | subject)", rows).emmeans("time")
    >>> means.table[["time", "estimate"]].round(3)
       time  estimate
    0  post     5.900
    1   pre     5.025
    """
    wanted = (factors,) if isinstance(factors, str) else tuple(factors)
    formula, columns = fit.model.formula, fit.model.columns
    used = dict.fromkeys(name for t in formula.fixed for c in t for name in columns_of(c))
    categorical = [name for name in used if isinstance(columns[name], Factor)]
    unknown = [name for name in wanted if name not in categorical]
    if unknown or not wanted:
        raise InputError(
            f"{', '.join(unknown) or 'nothing'} is not a categorical column of the fixed effects; "
            f"they have: {', '.join(categorical) or 'none'}"
        )
    order = [*wanted, *(name for name in categorical if name not in wanted)]
    sizes = [len(_factor(columns[name]).levels) for name in order]
    grid = np.array(list(product(*map(range, sizes))))
    cells = int(np.prod(sizes[: len(wanted)]))
    matrix = _grid_matrix(fit, {name: grid[:, i] for i, name in enumerate(order)}, len(grid), used)
    weights = matrix.reshape(cells, -1, matrix.shape[1]).mean(axis=1)
    table = _test(fit, weights, tuple(map(str, range(cells))), level).drop(columns="term")
    first = grid[:: len(grid) // cells, : len(wanted)]
    for i, name in reversed(list(enumerate(wanted))):
        levels = _factor(columns[name]).levels
        table.insert(0, name, [levels[code] for code in first[:, i]])
    return MarginalMeans(table, weights, wanted, fit, level)


def _factor(column: Column) -> Factor:
    assert isinstance(column, Factor)
    return column


def _grid_matrix(
    fit: LmmFit, codes: dict[str, np.ndarray], size: int, used: dict[str, None]
) -> FloatArray:
    """Model matrix of a grid, put under the data so that center() and scale() keep their mean."""
    weight = fit.model.weight
    stacked: dict[str, Column] = {}
    for name in used:
        column = fit.model.columns[name]
        if isinstance(column, Factor):
            stacked[name] = Factor(np.concatenate([column.codes, codes[name]]), column.levels)
        else:
            stacked[name] = np.concatenate(
                [column, np.full(size, np.average(column, weights=weight))]
            )
    n = len(weight) + size
    return model_matrix(fit.model.formula.fixed, stacked, n)[0][-size:]


def _test(fit: LmmFit, weights: FloatArray, names: tuple[str, ...], level: float) -> pd.DataFrame:
    std_error = np.sqrt(np.einsum("ij,jk,ik->i", weights, fit.cov_beta, weights))
    df = np.array([fit.df_of(row[None])[0] for row in weights])
    return t_table(names, weights @ fit.beta, std_error, df, level=level)


def _adjusted(table: pd.DataFrame, adjust: Adjust, cells: int) -> FloatArray:
    p = table["p_value"].to_numpy(dtype=float)
    if adjust == "none":
        return p
    if adjust == "bonferroni":
        return np.minimum(1.0, p * len(p))
    if adjust == "holm":
        order = np.argsort(p)
        steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
        out = np.empty_like(p)
        out[order] = np.minimum(1.0, steps)
        return out
    if adjust == "tukey":
        from scipy.stats import studentized_range

        q = np.sqrt(2.0) * np.abs(table["statistic"].to_numpy(dtype=float))
        df = np.minimum(table["df"].to_numpy(dtype=float), 1e6)
        return np.asarray(studentized_range.sf(q, cells, df), dtype=float)
    raise InputError(f"adjust={adjust!r}; allowed: tukey, holm, bonferroni, none")
