"""Printed numbers that say the same thing twice: what cannot stand together is refused."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from retrostats.common.arrays import table_column
from retrostats.common.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

#: Columns of limits around an estimate, as tables name them.
LIMITS = (("ci_low", "ci_high"), ("conf_low", "conf_high"))
#: Half an interval in standard errors: a normal one of 68%, a t of 99% on 1 degree of freedom.
_FEWEST_ERRORS, _MOST_ERRORS = 0.99, 63.7


def half_unit(value: float) -> float:
    """Half a unit of the last digit of a number; a whole number may be rounded to one.

    Examples
    --------
    >>> half_unit(1.25), half_unit(3.0)
    (0.005, 0.5)
    """
    if not math.isfinite(value) or value % 1 == 0:
        return 0.5
    return 0.5 * 10.0 ** int(Decimal(repr(float(value))).as_tuple().exponent)


def spread_unit(value: float) -> float:
    """As `half_unit`, where a spread is taken as printed to a decimal or more.

    Examples
    --------
    >>> spread_unit(5.0)
    0.05
    """
    return min(half_unit(value), 0.05)


def refuse_limits(
    where: str,
    low: float,
    high: float,
    values: Iterable[float],
    *,
    names: tuple[str, str] = LIMITS[0],
    printed: tuple[str, str] | None = None,
) -> None:
    """Refuse limits in the wrong order, and limits with none of the values between them.

    NaN stands for what was not printed. Numbers may be off by their rounding.

    Parameters
    ----------
    names
        Columns of the lower and the upper limit.
    printed
        Both limits as they were printed, for the message.

    Raises
    ------
    InputError

    Examples
    --------
    >>> refuse_limits("a", 5.0, 9.0, [3.0])
    Traceback (most recent call last):
    retrostats.common.errors.InputError: a: 3 lies outside its interval 5 to 9; correct one of them
    """
    if low > high:
        lower, upper = printed or (f"{low:g}", f"{high:g}")
        raise InputError(
            f"{where}, column {names[0]}: found {lower}, above {names[1]} {upper}; the lower limit "
            "is the smaller: swap them as printed"
        )

    def rough(end: float, value: float) -> float:
        return half_unit(end) + half_unit(value)

    found = [v for v in values if not math.isnan(v)]
    if not found or math.isnan(low) or math.isnan(high):
        return
    if not any(low <= v <= high or low - rough(low, v) < v < high + rough(high, v) for v in found):
        raise InputError(
            f"{where}: {found[0]:g} lies outside its interval {low:g} to {high:g}; correct one of "
            "them"
        )


def refuse_error(where: str, estimate: float, error: float, ends: tuple[float, float]) -> None:
    """Refuse a standard error that no level and no degrees of freedom turn into the limits.

    Examples
    --------
    >>> refuse_error("row 1", 3.0, 5.0, (2.0, 4.0))
    Traceback (most recent call last):
    retrostats.common.errors.InputError: row 1: standard error 5 contradicts the interval 2 to 4
    """
    low, high = ends
    half, slack = (high - low) / 2, (half_unit(low) + half_unit(high)) / 2
    if not math.isfinite(half + error):
        return
    most = _MOST_ERRORS * (error + spread_unit(error))
    if half + slack < _FEWEST_ERRORS * (error - spread_unit(error)) or half - slack > most:
        raise InputError(
            f"{where}: standard error {error:g} contradicts the interval {low:g} to {high:g}"
        )


def refuse_p(where: str, estimate: float, error: float, p: float) -> None:
    """Refuse a p-value below that of a normal test, or above that of a t on 1 degree of freedom.

    Examples
    --------
    >>> refuse_p("row 1", 0.1, 1.0, 0.0001)
    Traceback (most recent call last):
    retrostats.common.errors.InputError: row 1: p 0.0001 contradicts 0.1 with standard error 1
    """
    if not (math.isfinite(estimate + error + p) and error > 0):
        return
    if not 0 <= p <= 1:
        raise InputError(f"{where}: p is {p:g}; allowed: from 0 to 1")
    size, rough = abs(estimate), spread_unit(error)
    most = (size + half_unit(estimate)) / max(error - rough, 0.5 * error)
    least = max(size - half_unit(estimate), 0.0) / (error + rough)
    normal, cauchy = math.erfc(most / math.sqrt(2)), 1 - 2 * math.atan(least) / math.pi
    if p + half_unit(p) < normal or p - half_unit(p) > cauchy:
        raise InputError(f"{where}: p {p:g} contradicts {estimate:g} with standard error {error:g}")


def refuse_table(table: pd.DataFrame, where: str, value: str, error: str = "") -> None:
    """Refuse rows of a table whose estimate, error, limits and p cannot stand together.

    An estimate on the log scale may stand beside limits of the ratio.

    Raises
    ------
    InputError

    Examples
    --------
    >>> import pandas as pd
    >>> refuse_table(pd.DataFrame({"change": [3.0], "ci_low": [5], "ci_high": [9]}), "t", "change")
    Traceback (most recent call last):
    retrostats.common.errors.InputError: t row 0: 3 lies outside its interval 5 to 9; correct one of them
    """  # noqa: E501 - what is said stands on one line
    estimates = table_column(table, value, where).tolist()
    errors = table_column(table, error, where).tolist() if error else [math.nan] * len(table)
    for low_name, high_name in LIMITS:
        if not {low_name, high_name} <= set(table.columns):
            continue
        ends = (table_column(table, name, where).tolist() for name in (low_name, high_name))
        rows = zip(estimates, errors, *ends, strict=True)
        for i, (estimate, size, low, high) in enumerate(rows):
            ratio = math.exp(estimate) if abs(estimate) < 50 else math.nan
            names = low_name, high_name
            refuse_limits(f"{where} row {i}", low, high, (estimate, ratio), names=names)
            if low <= estimate <= high:
                refuse_error(f"{where} row {i}", estimate, size, (low, high))
    if "p_value" in table.columns and error:
        for i, p in enumerate(table_column(table, "p_value", where).tolist()):
            refuse_p(f"{where} row {i}", estimates[i], errors[i], p)
