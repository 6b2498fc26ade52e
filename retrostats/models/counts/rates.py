"""What a printed confidence interval says about the standard error behind it."""

from __future__ import annotations

import math

from retrostats.common.errors import InputError


def se_from_ci(low: float, high: float, level: float = 0.95, *, log: bool = False) -> float:
    """Standard error from a normal confidence interval: its width over twice the quantile.

    Cochrane Handbook for Systematic Reviews of Interventions, section 6.3.

    Parameters
    ----------
    low, high
        Limits as printed.
    level
        Confidence level.
    log
        The interval is symmetric on the log scale (a ratio); the error is then of the log.

    Raises
    ------
    InputError
        If the limits are not ordered, or not above 0 for a ratio.

    Examples
    --------
    >>> round(se_from_ci(0.48, 0.98, log=True), 3)
    0.182
    """
    from scipy import stats

    if not low < high or (log and not low > 0):
        raise InputError(
            f"confidence interval {low!r} to {high!r}: the lower limit must be below the upper"
            + (" and above 0 for a ratio" if log else "")
        )
    if log:
        low, high = math.log(low), math.log(high)
    return (high - low) / (2 * float(stats.norm.isf((1 - level) / 2)))
