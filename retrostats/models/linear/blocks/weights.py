"""Weights of rows: a residual variance sigma^2 / weight, by rows multiplied by its root."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from retrostats.common.arrays import real_array
from retrostats.common.errors import InputError
from retrostats.models.linear.blocks.rows import Rows
from retrostats.models.linear.formula.columns import Column, Factor, FloatArray, read_column

WEIGHT = "`weight of a row`"  # with backticks: no formula can name it


def with_weights(frame: pd.DataFrame, weights: object) -> pd.DataFrame:
    """The table with a column of weights, given as the name of one or as numbers.

    Raises
    ------
    InputError
        The column is not there, or there is not one number a row.
    """
    if isinstance(weights, str):
        column = read_column(frame, weights, as_factor=False)
        if isinstance(column, Factor):
            raise InputError(f"weights={weights!r}: the column is not numeric")
        values = column
    else:
        values = real_array(weights, "weights", missing=True)
        if values.shape != (len(frame),):
            raise InputError(
                f"weights= has shape {values.shape}; one number a row of data is needed, "
                f"({len(frame)},)"
            )
    out = frame.copy(deep=False)
    out[WEIGHT] = values
    return out


def positive_weights(column: Column) -> FloatArray:
    """The weights of the rows fitted.

    Raises
    ------
    InputError
        A weight is not above 0; a row that should not count is left out of the data instead.
    """
    assert not isinstance(column, Factor)
    if not (column > 0).all():
        row = int(np.flatnonzero(~(column > 0))[0])
        raise InputError(
            f"weights=: {column[row]:g} in row {row} of those fitted; a weight is above 0 (leave "
            "out rows that should not count)"
        )
    return column


def weighted_rows(rows: Rows, root: FloatArray) -> Rows:
    """Rows multiplied by the roots (N,) of their weights: their residual variance is one sigma^2.

    References
    ----------
    Bates, Maechler, Bolker and Walker (2015), Journal of Statistical Software 67(1), eq. 4.
    """
    random = tuple(replace(term, values=term.values * root[:, None]) for term in rows.random)
    return replace(rows, x=rows.x * root[:, None], y=rows.y * root, random=random, rotated=root)
