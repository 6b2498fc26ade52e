"""Reduce and estimate: a printed crossover (two conditions, same people) and what r leaves open.

A paper that prints a mean and SD for each condition but no correlation does not settle the
standard error of the difference. The p-value it prints bounds the correlation; the rest is a
range, and every verdict must hold over all of it. Effects are the first condition against the
second.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retrostats.common.errors import InputError
from retrostats.evidence.printed.reported import Reported
from retrostats.evidence.result.estimate import Estimate

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.models.linear.fitted import LmmFit
    from retrostats.models.linear.moments.moments import Moments

Array = NDArray[np.float64]
#: A correlation of exactly 1 leaves no residual to estimate; the range ends just below it.
HIGHEST_CORRELATION = 0.99


@dataclass(frozen=True, slots=True)
class PrintedPair:
    """Both conditions as printed, first (1) against second (2).

    Attributes
    ----------
    study_id, name
        For provenance and for readers.
    n
        People.
    texts
        Mean 1, mean 2, spread 1, spread 2 as printed, in one unit.
    spread_type
        "SD", "SE" or "unlabelled".
    p_text, p_operator
        Printed p of the paired comparison; empty if none was printed.
    conditions
        Names of both.
    rows
        `row_id` of the printed rows, first then second.
    correlation
        Between the two values of one person, if it is known.
    highest_cv
        Largest standard deviation that people have, as a share of the mean; infinite if unbounded.
    """

    study_id: str
    name: str
    n: int
    texts: tuple[str, str, str, str]
    spread_type: str = "SD"
    p_text: str = ""
    p_operator: str = ""
    conditions: tuple[str, str] = ("1", "2")
    rows: tuple[str, ...] = ()
    correlation: float | None = None
    highest_cv: float = math.inf

    @property
    def error_factor(self) -> float:
        """What turns the printed spread into a standard deviation; an unlabelled one is an SD."""
        return float(self.n) ** 0.5 if self.spread_type == "SE" else 1.0

    @property
    def mean_1(self) -> float:
        """Printed mean of the first condition."""
        return Reported(self.texts[0]).value

    @property
    def mean_2(self) -> float:
        """Printed mean of the second condition."""
        return Reported(self.texts[1]).value

    @property
    def sd_1(self) -> float:
        """Standard deviation of the first condition."""
        return Reported(self.texts[2]).value * self.error_factor

    @property
    def sd_2(self) -> float:
        """Standard deviation of the second condition."""
        return Reported(self.texts[3]).value * self.error_factor

    @property
    def p_value(self) -> float:
        """Printed p, NaN if none was."""
        return Reported(self.p_text).value if self.p_text else float("nan")

    @property
    def ratio(self) -> float:
        """First / second."""
        return self.mean_1 / self.mean_2

    @property
    def least_correlation_as_error(self) -> float:
        """Lowest correlation at which the printed spreads could be standard errors.

        Given the printed p; above 1 where none is.
        """
        root = float(self.n) ** 0.5
        spreads = [Reported(text).value * root for text in self.texts[2:]]
        if self.p_operator[:1] not in ("<", "="):
            return -1.0
        return float(
            exact_correlation(
                self.mean_1, self.mean_2, spreads[0], spreads[1], self.n, self.p_value
            )
        )

    @property
    def cv_as_error(self) -> tuple[float, float]:
        """Coefficients of variation, low and high, if the printed spreads were standard errors."""
        spreads = (Reported(text).value * float(self.n) ** 0.5 for text in self.texts[2:])
        means = (abs(self.mean_1), abs(self.mean_2))
        found = [s / m if m else math.nan for s, m in zip(spreads, means, strict=True)]
        return min(found), max(found)

    @property
    def beyond_plausible(self) -> bool:
        """Whether a reading as standard errors needs people to differ more than they do."""
        return self.cv_as_error[1] > self.highest_cv

    @property
    def may_be_error(self) -> bool:
        """Whether an unlabelled spread can be a standard error: by the p and by how people vary."""
        return (
            self.spread_type == "unlabelled"
            and self.least_correlation_as_error <= HIGHEST_CORRELATION
            and not self.beyond_plausible
        )


def one_row(frame: pd.DataFrame, **where: object) -> pd.Series:
    """The single row of `frame` with these column values.

    Raises
    ------
    InputError
        If none or several match; the message names the conditions.
    """
    matches = np.ones(len(frame), dtype=bool)
    for column, value in where.items():
        # a few hundred cells, which Python compares in a quarter of the time of Arrow
        matches &= frame[column].to_numpy(dtype=object, na_value=np.nan) == value
    at = np.flatnonzero(matches)
    if len(at) != 1:
        found = frame.iloc[at]
        asked = ", ".join(f"{k}={v!r}" for k, v in where.items())
        raise InputError(
            f"published rows: {len(found)} rows match {asked}, exactly one is needed; "
            f"found {', '.join(found['row_id']) or 'none'}. Narrow the conditions."
        )
    row: pd.Series = frame.iloc[at[0]]
    return row


def printed_pair(
    frame: pd.DataFrame,
    conditions: tuple[str, str],
    name: str = "",
    *,
    highest_cv: Mapping[str, float] | None = None,
    **where: object,
) -> PrintedPair:
    """Rows of both conditions (column `direction`) that share every column value in `where`.

    Parameters
    ----------
    highest_cv
        By outcome, the largest standard deviation as a share of the mean (`Audit.highest_cv`).

    Raises
    ------
    InputError
        If a row is missing or not unique, the rows differ in unit, or a number is not printed.
    """
    first, second = (one_row(frame, direction=c, **where) for c in conditions)
    texts = tuple(
        str(row[column]) for column in ("mean_text", "spread_text") for row in (first, second)
    )
    empty = [t for t in texts if not t]
    if empty or first["unit"] != second["unit"]:
        raise InputError(
            f"published rows {first['row_id']}, {second['row_id']}: a pair needs mean and spread "
            f"of both conditions in one unit; found {', '.join(map(repr, texts))} in "
            f"{first['unit']} and {second['unit']}. Show such a result without an error."
        )
    exact = str(first["p_operator"]) in ("=", "<", "<=", ">", ">=")
    return PrintedPair(
        study_id=str(first["study_id"]),
        name=name or str(first["study_id"]),
        n=int(first["n"]),
        texts=(texts[0], texts[1], texts[2], texts[3]),
        spread_type=str(second["spread_type"]),
        p_text=str(first["p_value_text"]) if exact else "",
        p_operator=str(first["p_operator"]) if exact else "",
        conditions=conditions,
        rows=(str(first["row_id"]), str(second["row_id"])),
        highest_cv=(highest_cv or {}).get(str(first["outcome"]), math.inf),
    )


def exact_correlation(
    mean_1: ArrayLike, mean_2: ArrayLike, sd_1: ArrayLike, sd_2: ArrayLike, n: int, p: ArrayLike
) -> Array:
    """The correlation at which a paired t-test gives exactly p; beyond 1 in size if none does.

    (sd_1^2 + sd_2^2 - s^2) / (2 sd_1 sd_2) with s = |mean_1 - mean_2| sqrt(n) / t(p, n - 1).
    """
    from scipy.special import stdtrit

    sd_1, sd_2 = np.asarray(sd_1, dtype=float), np.asarray(sd_2, dtype=float)
    change = np.asarray(mean_1, dtype=float) - np.asarray(mean_2, dtype=float)
    with np.errstate(divide="ignore"):
        spread = change * n**0.5 / -stdtrit(n - 1, np.asarray(p, dtype=float) / 2)
    return np.asarray((sd_1**2 + sd_2**2 - spread**2) / (2 * sd_1 * sd_2))


def correlation_limits(
    mean_1: ArrayLike, mean_2: ArrayLike, sd_1: ArrayLike, sd_2: ArrayLike, n: int, p: ArrayLike,
    operator: str,
) -> tuple[Array, Array]:  # fmt: skip
    """Correlations that a printed p of a paired t-test leaves possible, vectorised.

    The SD of the difference is |mean_1 - mean_2| sqrt(n) / t(p, n - 1), so one correlation gives
    exactly p; "p < p0" leaves those above it, "p > p0" those below (docs/mathematics.md).

    Returns
    -------
    tuple
        Lowest and highest correlation, within plus and minus `HIGHEST_CORRELATION`; where none is
        possible the lowest is above the highest.

    Examples
    --------
    >>> low, high = correlation_limits(31.33, 27.15, 5.77, 2.51, 13, 0.05, "<")
    >>> round(float(low), 3), float(high)
    (-0.285, 0.99)
    """
    top = np.full(np.broadcast_shapes(np.shape(sd_1), np.shape(p)), HIGHEST_CORRELATION)
    if not operator:
        return -top, top
    exact = exact_correlation(mean_1, mean_2, sd_1, sd_2, n, p)
    low, high = {"=": (exact, exact), "<": (exact, top), ">": (-top, exact)}[operator[0]]
    return np.maximum(low, -top), np.minimum(high, top)


def correlation_range(pair: PrintedPair) -> tuple[float, float]:
    """Correlations that the printed p leaves possible at the printed numbers themselves."""
    low, high = correlation_limits(
        pair.mean_1, pair.mean_2, pair.sd_1, pair.sd_2, pair.n, pair.p_value, pair.p_operator
    )
    return float(low), float(high)


def reference_correlation(pair: PrintedPair) -> float:
    """The known correlation, or the middle of those left possible."""
    return sum(correlation_range(pair)) / 2 if pair.correlation is None else pair.correlation


def log_cells(pair: PrintedPair) -> pd.DataFrame:
    """Cells of the pair on the log scale: log mean and, by the delta method, SD / mean.

    The difference of the two cells is then the log ratio of means, and its variance that of
    Lajeunesse (2011, Ecology 92:2049, eq. 4) for a correlated pair.
    """
    import pandas as pd

    means = np.array([pair.mean_2, pair.mean_1])
    order = [pair.conditions[1], pair.conditions[0]]
    return pd.DataFrame(
        {
            "condition": pd.Categorical(order, order),
            "n": pair.n,
            "mean": np.log(means),
            "sd": np.array([pair.sd_2, pair.sd_1]) / means,
        }
    )


def pair_moments(pair: PrintedPair, correlation: float) -> Moments:
    """Moments of the pair on the log scale at one correlation."""
    from retrostats.models.linear.moments.summary import moments_from_summary

    return moments_from_summary(
        log_cells(pair),
        correlation=correlation,
        within="condition",
        outcome="log_outcome",
        subject="subject",
    )


@cache
def fit_pair(pair: PrintedPair, correlation: float) -> LmmFit:
    """Mixed model of the pair: condition fixed, people random, covariance of either sign."""
    from retrostats.models.linear.fit import lmm

    return lmm(
        "log_outcome ~ condition + (1 | subject)",
        pair_moments(pair, correlation),
        covariance="signed-cs",
    )


def pair_coefficient(pair: PrintedPair, correlation: float) -> Any:
    """The row of the mixed model's coefficients that is the log ratio."""
    table = fit_pair(pair, correlation).coefficients.set_index("term")
    return table.loc[f"condition{pair.conditions[0]}"]


def ratio_estimate(
    pair: PrintedPair, correlation: float, assumptions: Sequence[str] = ()
) -> Estimate:
    """First / second from the mixed model, at one correlation."""
    return Estimate.of_term(
        fit_pair(pair, correlation),
        f"condition{pair.conditions[0]}",
        "log_ratio",
        f"ratio {pair.conditions[0]} / {pair.conditions[1]}",
        pair.rows,
        tuple(assumptions),
    )
