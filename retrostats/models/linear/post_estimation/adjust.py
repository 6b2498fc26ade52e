"""P-values and intervals of several comparisons together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from retrostats.common.errors import InputError
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.post_estimation.multivariate_t import max_t_ppf, max_t_sf
from retrostats.models.linear.post_estimation.studentized_range import (
    studentized_range_ppf,
    studentized_range_sf,
)

Adjust = Literal["tukey", "dunnett", "mvt", "holm", "bonferroni", "sidak", "fdr", "none"]


@dataclass(frozen=True, slots=True)
class Family:
    """Comparisons that are adjusted together.

    Attributes
    ----------
    cells : int
        Means compared with one another (for Tukey).
    all_pairs : bool
        Whether they are all pairs of the means, for which Tukey's method is.
    covariance : (c, c) array
        Of the comparisons (for the multivariate t).
    """

    cells: int
    all_pairs: bool
    covariance: FloatArray

    @property
    def correlation(self) -> FloatArray:
        """Of the comparisons (c, c)."""
        error = np.sqrt(np.diag(self.covariance))
        return np.asarray(self.covariance / np.outer(error, error))


def check_adjust(adjust: str, family: Family) -> None:
    """Refuse a method that there is not, or that does not belong to these comparisons.

    Raises
    ------
    InputError
    """
    if adjust not in get_args(Adjust):
        raise InputError(f"adjust={adjust!r}; allowed: {', '.join(get_args(Adjust))}")
    if adjust == "tukey" and not family.all_pairs:
        raise InputError(
            "adjust='tukey' is for all pairs of means; for other contrasts: mvt (exact), sidak, "
            "holm, bonferroni, fdr, none"
        )


def adjusted_p(table: pd.DataFrame, adjust: str, family: Family) -> FloatArray:
    """P-values of several comparisons, adjusted for one another.

    Parameters
    ----------
    table : DataFrame
        With p_value, statistic and df.
    adjust : {"tukey", "dunnett", "mvt", "holm", "bonferroni", "sidak", "fdr", "none"}
        "dunnett" and "mvt" are both the exact multivariate t of the comparisons; "fdr" bounds the
        share of false discoveries (Benjamini and Hochberg), not the chance of one.
    family : Family

    Raises
    ------
    InputError
        Another adjustment.

    References
    ----------
    Tukey (1953); Kramer (1956), Biometrics 12:307. Dunnett (1955), Journal of the American
    Statistical Association 50:1096. Holm (1979), Scandinavian Journal of Statistics 6:65. Sidak
    (1967), Journal of the American Statistical Association 62:626. Benjamini and Hochberg (1995),
    Journal of the Royal Statistical Society B 57:289.
    """
    check_adjust(adjust, family)
    p: np.ndarray = np.asarray(table["p_value"], dtype=float)
    if adjust == "bonferroni":
        return np.asarray(np.minimum(1.0, p * len(p)))
    if adjust == "sidak":
        return np.asarray(-np.expm1(len(p) * np.log1p(-p)))
    if adjust == "holm":
        return _stepwise(p, np.argsort(p), np.arange(len(p), 0, -1), np.maximum)
    if adjust == "fdr":
        ranks = np.arange(len(p), 0, -1)
        return _stepwise(p, np.argsort(-p), len(p) / ranks, np.minimum)
    t, df = (table[name].to_numpy(dtype=float) for name in ("statistic", "df"))
    if adjust == "tukey":
        return studentized_range_sf(np.sqrt(2.0) * np.abs(t), family.cells, df)
    if adjust in ("dunnett", "mvt"):
        return max_t_sf(t, family.correlation, df)
    return p


def _stepwise(p: FloatArray, order: np.ndarray, factor: np.ndarray, keep: np.ufunc) -> FloatArray:
    """P-values times a factor of their rank, made monotone from the first of the order on."""
    out = np.empty_like(p)
    out[order] = np.minimum(1.0, keep.accumulate(p[order] * factor))
    return out


def critical(df: FloatArray, adjust: str, family: Family, level: float) -> FloatArray:
    """Half-widths of simultaneous intervals in standard errors; Bonferroni's for Holm and FDR.

    Parameters
    ----------
    df : (count,) array
    adjust : str
    family : Family
    level : float
    """
    df, tail = np.asarray(df, dtype=float), 1.0 - level
    if adjust == "tukey":
        return np.asarray(studentized_range_ppf(level, family.cells, df) / np.sqrt(2.0))
    if adjust in ("dunnett", "mvt"):
        return max_t_ppf(level, family.correlation, df)
    if adjust in ("holm", "bonferroni", "fdr"):
        tail = tail / len(df)
    elif adjust == "sidak":
        tail = float(-np.expm1(np.log(level) / len(df)))
    return np.asarray(stdtrit(df, 1.0 - tail / 2.0))
