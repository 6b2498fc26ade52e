"""The points at which marginal means are taken: levels of factors, values of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np

from retrostats.common.arrays import finite_array
from retrostats.common.errors import InputError
from retrostats.models.linear.formula.columns import Column, Factor, FloatArray, IntArray
from retrostats.models.linear.formula.design import model_matrix, offset_values, shown_level
from retrostats.models.linear.formula.expressions import columns_of

Weights = Literal["equal", "proportional", "cells"]


@dataclass(frozen=True, eq=False)
class Grid:
    """Points of the fixed effects' columns; those of one cell of `wanted` stand together.

    Attributes
    ----------
    values : dict of str to column
        What each column takes.
    columns : dict of str to column of the points
    wanted : tuple of str
        Columns whose combinations are the cells.
    cells : int
    """

    fit: Any
    values: dict[str, Column]
    columns: dict[str, Column]
    wanted: tuple[str, ...]
    cells: int

    @property
    def points(self) -> int:
        """How many there are."""
        return _size(next(iter(self.columns.values()))) if self.columns else 1

    @property
    def averaged(self) -> dict[str, Factor]:
        """Factors of several levels over which the cells' means are taken."""
        return {
            name: column
            for name, column in self.values.items()
            if isinstance(column, Factor) and name not in self.wanted and len(column.codes) > 1
        }

    def matrix(self, shifted: Mapping[str, FloatArray] | None = None) -> FloatArray:
        """Design (points, p), some numeric columns replaced."""
        columns = {**self.columns, **(shifted or {})}
        model = self.fit.model
        return model_matrix(model.formula.fixed, columns, self.points, model.columns)[0]

    def shares(self, weights: str) -> FloatArray:
        """What each point counts in its cell: (cells, points of a cell), rows summing to 1."""
        per = self.points // self.cells
        if weights == "equal" or not self.averaged:
            return np.full((self.cells, per), 1.0 / per)
        names = [*self.averaged]
        if weights == "cells":
            names += [name for name in self.wanted if isinstance(self.values[name], Factor)]
        counts = self._frequency(names).reshape(self.cells, per)
        total = counts.sum(axis=1, keepdims=True)
        if not (total > 0).all():
            empty = int(np.flatnonzero(total[:, 0] <= 0)[0])
            label = " ".join(shown_level(row[empty]) for row in self.labels().values())
            raise InputError(
                f"weights={weights!r}: the data have no row in {label}, so that its mean has no "
                "weights; use weights='equal'"
            )
        return np.asarray(counts / total)

    def mean(self, per_point: FloatArray, weights: str) -> FloatArray:
        """Average of numbers (points, ...) in each cell (cells, ...)."""
        shares = self.shares(weights)
        stacked = per_point.reshape(*shares.shape, *per_point.shape[1:])
        return np.asarray(np.einsum("cg,cg...->c...", shares, stacked))

    def offset(self, weights: str) -> Any:
        """Mean offset of each cell; 0 without one."""
        found = offset_values(self.fit.model.formula, self.columns, self.points)
        return 0.0 if found is None else self.mean(found, weights)

    def labels(self) -> dict[str, list[Any]]:
        """Of each wanted column, the value in each cell."""
        first = np.arange(0, self.points, self.points // self.cells)
        return {name: _shown(self.columns[name], first) for name in self.wanted}

    def _frequency(self, names: Sequence[str]) -> FloatArray:
        """Observations of the fit that share each point's levels of these factors."""
        model = self.fit.model
        data = {name: model.columns[name] for name in names}
        count = len(next(iter(data.values())).codes)
        weight = np.ones(count) if model.weight is None else np.asarray(model.weight, dtype=float)
        shape = tuple(len(column.levels) for column in data.values())
        table = np.zeros(shape)
        np.add.at(table, tuple(column.codes for column in data.values()), weight)
        at = tuple(self.columns[name].codes for name in names)  # type: ignore[union-attr]
        return np.asarray(table[at])

    def held(self) -> dict[str, float]:
        """The value at which each numeric column stands that the cells do not show."""
        return {
            name: float(column[0])
            for name, column in self.values.items()
            if not isinstance(column, Factor) and name not in self.wanted and len(column) == 1
        }


def reference_grid(fit: Any, wanted: tuple[str, ...], at: Mapping[str, Any] | None) -> Grid:
    """All combinations of the values of the fixed effects' columns.

    Parameters
    ----------
    fit : Predictor
    wanted : tuple of str
        Categorical columns, or numeric ones that `at` gives values of.
    at : mapping of column to value or values, optional

    Raises
    ------
    InputError
        A column is not one of the fixed effects, or `at` is no mapping of such.
    """
    if not (at is None or isinstance(at, Mapping)):
        raise InputError(f"at: found {at!r}; a mapping of columns to their values is needed")
    empty = [name for name, value in (at or {}).items() if value is None]
    if empty:
        raise InputError(f"at: {empty[0]!r} has no value; give one, or leave it out for its mean")
    values = _grid_values(fit, dict(at or {}))
    several = {name for name, v in values.items() if isinstance(v, Factor) or name in (at or {})}
    unknown = [name for name in wanted if name not in several]
    if unknown or not wanted:
        raise InputError(
            f"{', '.join(unknown) or 'nothing'} is not a categorical column of the fixed effects; "
            f"they have: {', '.join(sorted(several)) or 'none'} (a number needs at=)"
        )
    order = [*wanted, *(name for name in values if name not in wanted)]
    sizes = [_size(values[name]) for name in order]
    places = np.array(list(product(*map(range, sizes))))
    columns = {name: _taken(values[name], places[:, i]) for i, name in enumerate(order)}
    return Grid(fit, values, columns, wanted, int(np.prod(sizes[: len(wanted)])))


def nests(fit: Any) -> dict[str, tuple[str, ...]]:
    """Factors that stand within others: their levels mean something else in each level of those.

    A factor is nested in another where the other stands alone in a term and the factor itself only
    beside it, as team in ``group / team``.

    Examples
    --------
    >>> import pandas as pd
    >>> from retrostats.models.linear.fit import lmm
    >>> rows = pd.DataFrame({"subject": list("aabbccdd"), "time": ["pre", "post"] * 4,
    ...                      "arm": list("xxxxyyyy"), "y": [5, 6, 4, 5, 6, 6, 5, 7]})
    >>> nests(lmm("y ~ arm / time + (1 | subject)", rows))
    {'time': ('arm',)}
    """
    columns = fit.model.columns
    terms = [
        frozenset(
            name for c in term for name in columns_of(c) if isinstance(columns.get(name), Factor)
        )
        for term in fit.model.formula.fixed
    ]
    names = dict.fromkeys(name for term in terms for name in sorted(term))
    found = {}
    for name in names:
        holding = [term for term in terms if name in term]
        if frozenset((name,)) in terms:
            continue
        beside = frozenset.intersection(*holding) - {name}
        outer = tuple(other for other in names if other in beside and {other} in terms)
        if outer:
            found[name] = outer
    return found


def _grid_values(fit: Any, at: dict[str, Any]) -> dict[str, Column]:
    """The values each column of the fixed effects takes in the grid."""
    formula, columns = fit.model.formula, fit.model.columns
    used = dict.fromkeys(name for t in formula.fixed for c in t for name in columns_of(c))
    used |= dict.fromkeys(name for o in formula.offsets for name in columns_of(o))
    strange = [name for name in at if name not in used]
    if strange:
        raise InputError(
            f"at: {', '.join(strange)} is not a column of the fixed effects; they use "
            f"{', '.join(used)}"
        )
    weight = fit.model.weight
    out: dict[str, Column] = {}
    for name in used:
        column = columns[name]
        given = at.get(name)
        if isinstance(column, Factor):
            out[name] = _levels_at(name, column, given)
        elif given is None:
            out[name] = np.array([np.average(column, weights=weight)])
        else:
            out[name] = np.atleast_1d(finite_array(given, f"at, {name}"))
    return out


def _levels_at(name: str, column: Factor, given: Any) -> Factor:
    """All levels of a factor, or those named."""
    if given is None:
        return Factor(np.arange(len(column.levels)), column.levels)
    shown = [shown_level(level) for level in column.levels]
    chosen = [given] if isinstance(given, str) or not isinstance(given, Sequence) else list(given)
    strange = [v for v in chosen if shown_level(v) not in shown]
    if strange or not chosen:
        raise InputError(f"at: {name!r} has no level {strange}; it has: {', '.join(shown)}")
    return Factor(np.array([shown.index(shown_level(v)) for v in chosen]), column.levels)


def _size(column: Column) -> int:
    return len(column.codes) if isinstance(column, Factor) else len(column)


def _taken(column: Column, places: IntArray) -> Column:
    if isinstance(column, Factor):
        return Factor(column.codes[places], column.levels)
    return np.asarray(column[places])


def _shown(column: Column, places: IntArray) -> list[Any]:
    if isinstance(column, Factor):
        return [column.levels[code] for code in column.codes[places]]
    return list(column[places])
