"""P-values and intervals of several comparisons together."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from retrostats.common.errors import InputError
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.post_estimation.studentized_range import (
    studentized_range_ppf,
    studentized_range_sf,
)

Adjust = Literal["tukey", "holm", "bonferroni", "sidak", "none"]


def adjusted_p(table: pd.DataFrame, adjust: str, cells: int) -> FloatArray:
    """P-values of all pairs of some cells, adjusted for their number.

    Parameters
    ----------
    table : DataFrame
        With p_value, statistic and df.
    adjust : {"tukey", "holm", "bonferroni", "sidak", "none"}
    cells : int
        Means compared with one another (for Tukey).

    Raises
    ------
    InputError
        Another adjustment.

    References
    ----------
    Tukey (1953); Kramer (1956), Biometrics 12:307. Holm (1979), Scandinavian Journal of Statistics
    6:65. Sidak (1967), Journal of the American Statistical Association 62:626.
    """
    p: np.ndarray = np.asarray(table["p_value"], dtype=float)
    if adjust == "none":
        return p
    if adjust == "bonferroni":
        return np.asarray(np.minimum(1.0, p * len(p)))
    if adjust == "sidak":
        return np.asarray(-np.expm1(len(p) * np.log1p(-p)))
    if adjust == "holm":
        order = np.argsort(p)
        steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
        out = np.empty_like(p)
        out[order] = np.minimum(1.0, steps)
        return out
    if adjust == "tukey":
        q = np.sqrt(2.0) * np.abs(table["statistic"].to_numpy(dtype=float))
        return studentized_range_sf(q, cells, table["df"].to_numpy(dtype=float))
    raise InputError(f"adjust={adjust!r}; allowed: tukey, holm, bonferroni, sidak, none")


def critical(df: Any, adjust: str, cells: int, count: int, level: float) -> FloatArray:
    """Half-widths of simultaneous intervals in standard errors; Bonferroni's for Holm.

    Parameters
    ----------
    df : (count,) array-like
    adjust : str
    cells, count : int
        Means compared, and comparisons.
    level : float
    """
    df, tail = np.asarray(df, dtype=float), 1.0 - level
    if adjust == "tukey":
        return np.asarray(studentized_range_ppf(level, cells, df) / np.sqrt(2.0))
    if adjust in ("holm", "bonferroni"):
        tail = tail / count
    elif adjust == "sidak":
        tail = float(-np.expm1(np.log(level) / count))
    return np.asarray(stdtrit(df, 1.0 - tail / 2.0))
