"""What tests and intervals end in: a table of coefficients, a number with its limits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from retrostats.models.linear.formula.columns import FloatArray

_T_COLUMNS = pd.Index(
    ["estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high"]
)


def t_table(
    terms: tuple[str, ...],
    estimate: FloatArray,
    std_error: FloatArray,
    df: FloatArray,
    *,
    null: float = 0.0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Estimates with t statistics, two-sided p-values and intervals."""
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = (estimate - null) / std_error
    half = stdtrit(df, 0.5 + level / 2.0) * std_error
    numbers = np.array(
        [
            estimate,
            std_error,
            df,
            statistic,
            2.0 * stdtr(df, -np.abs(statistic)),
            estimate - half,
            estimate + half,
        ]
    )
    table = pd.DataFrame(numbers.T, columns=_T_COLUMNS)
    table.insert(0, "term", _labels(terms))
    return table


@lru_cache(maxsize=64)
def _labels(terms: tuple[str, ...]) -> Any:
    """Names of terms as a column (a frame copies it): making it takes a tenth of a small fit."""
    return pd.Series(list(terms)).array


@dataclass(frozen=True, slots=True)
class Effect:
    """A number with an interval.

    Attributes
    ----------
    estimate, conf_low, conf_high : float
    level : float
    method : str
        How the interval was found.
    """

    estimate: float
    conf_low: float
    conf_high: float
    level: float
    method: str
