"""Columns of a data set as the design needs them: floats, or codes with levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrostats.common.errors import InputError
from retrostats.common.nearest import suggestion
from retrostats.models.linear.formula.expressions import CALLS, columns_of, is_categorical_call
from retrostats.models.linear.formula.formula import Formula

_SMALLEST, _LARGEST = 1e-70, 1e75  # fourth powers beyond them vanish or overflow
FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Factor:
    """A categorical column.

    Attributes
    ----------
    codes : (N,) int array
        Positions in `levels`; -1 marks a missing value.
    levels : tuple
        Labels; the first is the reference.
    ordered : bool
        True where the order of levels was given (a pandas Categorical), False where it is sorted.
    """

    codes: IntArray
    levels: tuple[Any, ...]
    ordered: bool = False

    def take(self, rows: NDArray[Any] | slice) -> Factor:
        """The chosen rows, without levels that none of them uses."""
        codes = self.codes[rows]
        used = np.bincount(codes, minlength=len(self.levels)) > 0
        if used.all():
            return Factor(codes, self.levels, self.ordered)
        levels = tuple(level for level, keep in zip(self.levels, used, strict=True) if keep)
        return Factor((np.cumsum(used) - 1)[codes], levels, self.ordered)


Column = FloatArray | Factor


def read_columns(
    frame: pd.DataFrame, formula: Formula, also: tuple[str, ...] = ()
) -> tuple[dict[str, Column], int]:
    """Columns a formula uses, without incomplete rows.

    Parameters
    ----------
    frame : DataFrame
    formula : Formula
    also : tuple of str
        Columns besides those of the formula.

    Returns
    -------
    columns : dict of str to (N,) float array or Factor
    n_dropped : int
        Rows left out because a used value is missing.

    Raises
    ------
    InputError
        A column is absent or duplicated, holds infinities or dates, or no complete row is left.
    """
    columns, kept = complete_columns(frame, formula, also)
    return columns, 0 if kept is None else int((~kept).sum())


def complete_columns(
    frame: pd.DataFrame, formula: Formula, also: tuple[str, ...] = ()
) -> tuple[dict[str, Column], NDArray[np.bool_] | None]:
    """As `read_columns`, with which rows were kept; None where all were."""
    groups = set(formula.grouping_columns)
    outcome = set(columns_of(formula.outcome))
    offsets = {name for expression in formula.offsets for name in columns_of(expression)}
    needed = dict.fromkeys(
        [*outcome, *_predictors(formula), *formula.grouping_columns, *sorted(offsets), *also]
    )
    categorical = {
        name for term in _all_terms(formula) for c in term if (name := is_categorical_call(c))
    }
    columns: dict[str, Column] = {}
    missing: NDArray[np.bool_] | None = None
    keep: NDArray[np.bool_] | None = None
    for name in needed:
        column = read_column(frame, name, as_factor=name in groups or name in categorical)
        if name in outcome | offsets and isinstance(column, Factor):
            role = "outcome" if name in outcome else "offset"
            raise InputError(f"column {name!r}, the {role}, is not numeric")
        gone = column.codes < 0 if isinstance(column, Factor) else np.isnan(column)
        if gone.any():
            missing = gone if missing is None else missing | gone
        columns[name] = column
    if missing is not None:
        keep = ~missing
        if not keep.any():
            raise InputError("no row has a value in every column the formula uses")
        columns = {
            k: c.take(keep) if isinstance(c, Factor) else c[keep] for k, c in columns.items()
        }
    elif len(frame) == 0:
        raise InputError("the data have no rows")
    for name, column in columns.items():
        if isinstance(column, Factor):
            columns[name] = column.take(slice(None))
        else:
            refuse_extremes(name, column)
    return columns, keep


def _predictors(formula: Formula) -> list[str]:
    return [name for term in _all_terms(formula) for c in term for name in columns_of(c)]


def _all_terms(formula: Formula) -> list[tuple[str, ...]]:
    return [*formula.fixed, *(t for r in formula.random for t in r.terms)]


def read_column(frame: pd.DataFrame, name: str, *, as_factor: bool) -> Column:
    """One column of a table as numbers, or as codes with levels.

    Raises
    ------
    InputError
        The column is absent, double, or of a kind no model takes.
    """
    if name not in frame.columns:
        near = suggestion(name, map(str, frame.columns))
        hint = " (a function it may call needs brackets)" if name in CALLS else near
        found = ", ".join(map(str, frame.columns[:30]))
        raise InputError(f"no column {name!r}{hint}; the data have: {found}")
    series = frame[name]
    if isinstance(series, pd.DataFrame):
        raise InputError(f"column {name!r} appears {series.shape[1]} times; keep one")
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return Factor(
            np.asarray(series.cat.codes, dtype=np.intp), tuple(dtype.categories.tolist()), True
        )
    if dtype.kind in "mM":
        raise InputError(f"column {name!r} holds dates or durations; convert it to a number first")
    if dtype.kind == "b" and not as_factor:
        truth = series.to_numpy(dtype=float, na_value=np.nan)
        codes = np.where(np.isnan(truth), -1, truth > 0).astype(np.intp)
        return Factor(codes, ("FALSE", "TRUE"))
    if dtype.kind in "iuf" and not as_factor:
        return series.to_numpy(dtype=float, na_value=np.nan)
    if dtype.kind == "c":
        raise InputError(f"column {name!r} holds complex numbers")
    if not as_factor and dtype.kind == "O":
        numbers = _numbers(series)
        if numbers is not None:
            return numbers
    try:
        codes, levels = pd.factorize(series, sort=False)
    except TypeError:
        raise InputError(
            f"column {name!r} holds lists or other collections; give one number or word a row"
        ) from None
    labels = list(levels)
    try:
        order = np.argsort(np.asarray(labels, dtype=object), kind="stable")
    except TypeError:
        raise InputError(f"column {name!r} mixes numbers and text; make it one of them") from None
    rank = np.empty(len(order) + 1, dtype=np.intp)
    rank[order] = np.arange(len(order))
    rank[-1] = -1
    return Factor(rank[codes], tuple(labels[i] for i in order))


def _numbers(series: pd.Series[Any]) -> FloatArray | None:
    """A column of Python numbers as floats; None where a text occurs."""
    if all(v is None or (isinstance(v, int | float) and not isinstance(v, bool)) for v in series):
        try:
            return np.array([np.nan if v is None else float(v) for v in series])
        except OverflowError:
            raise InputError(
                f"column {series.name!r} holds a whole number too large for a computation"
            ) from None
    return None


def refuse_extremes(name: str, column: FloatArray) -> None:
    """Products of squares must stay finite and above zero, or a fit would end in infinities."""
    most = max(float(column.max(initial=0.0)), -float(column.min(initial=0.0)))
    if most == 0.0 or _SMALLEST <= most < _LARGEST:
        return
    bad = ~(np.abs(column) < _LARGEST)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"column {name!r}, data row {row}: {column[row]} is too large; a finite value is needed"
        )
    raise InputError(
        f"column {name!r}: no value is above {most:g}; give it in a smaller unit, in numbers above "
        f"{_SMALLEST:g}"
    )


def numeric(columns: Mapping[str, Column]) -> dict[str, FloatArray]:
    """The columns that are numbers."""
    return {name: c for name, c in columns.items() if not isinstance(c, Factor)}
