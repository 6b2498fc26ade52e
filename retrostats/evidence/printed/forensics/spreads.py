"""SD or SE: which reading of two printed spreads the paired p printed beside them allows.

The SD of a within-person change lies between |sd1 - sd2| and sd1 + sd2 (correlation 1 and -1);
the printed difference and p give it as |difference| sqrt(n) / t (Cochrane Handbook, sections
6.5.2.3 and 6.5.2.8). Where the two do not meet, no correlation between -1 and 1 reconciles them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
Box = tuple[Array, Array]

#: Rounding intervals are exact in decimal, not in binary.
_SLACK = 1e-9


def sd_of_change_from_p(difference: Box, n: Array, p: Box, operator: NDArray[np.str_]) -> Box:
    """Range of the SD of change that a printed paired p allows.

    Parameters
    ----------
    difference : pair of (m,) arrays
        Range of the difference of the two means; it may hold zero.
    n : (m,) array
        People.
    p : pair of (m,) arrays
        Rounding interval of p (above 0), or twice the threshold.
    operator : (m,) array of str
        "=", "<", "<=", ">" or ">=".

    Returns
    -------
    pair of (m,) arrays
        Zero to infinity where p says nothing.
    """
    from scipy.special import stdtrit

    low, high = difference
    holds_zero = (low <= 0) & (high >= 0)
    nearest = np.where(holds_zero, 0.0, np.minimum(np.abs(low), np.abs(high)))
    farthest = np.maximum(np.abs(low), np.abs(high))
    with np.errstate(divide="ignore", invalid="ignore"):
        t_high = -stdtrit(n - 1, p[0] / 2)
        t_low = -stdtrit(n - 1, np.minimum(p[1], 1.0) / 2)
        least = nearest * np.sqrt(n) / t_high
        most = np.where(t_low > 0, farthest * np.sqrt(n) / t_low, np.inf)
    least = np.where(np.char.startswith(operator, "<"), 0.0, least)
    most = np.where(np.char.startswith(operator, ">"), np.inf, most)
    return least, most


def spreads_possible(first: Box, second: Box, change: Box, factor: Array) -> Bools:
    """Whether two SDs, `factor` times the printed spreads, allow an SD of change in `change`.

    Parameters
    ----------
    first, second : pairs of (m,) arrays
        Rounding intervals of the two spreads.
    change : pair of (m,) arrays
        From `sd_of_change_from_p`.
    factor : (m,) array
        1 for the reading as SDs, sqrt(n) for the reading as SEs.

    Returns
    -------
    (m,) bool array

    Examples
    --------
    Two SEs of 1.0 of 16 people whose difference of 1.0 has p = 0.04 are possible; SDs are not
    unless the correlation could exceed what two spreads of 3.0 and 1.0 leave:

    >>> import numpy as np
    >>> one = np.array([1.0])
    >>> change = sd_of_change_from_p((one, one), 16 * one, (0.04 * one, 0.04 * one),
    ...                              np.array(["="]))
    >>> print(change[0].round(2))
    [1.78]
    >>> bool(spreads_possible((one, one), (one, one), change, one)[0])
    True
    >>> bool(spreads_possible((3 * one, 3 * one), (one, one), change, one)[0])
    False
    """
    (low1, high1), (low2, high2) = first, second
    gap = np.maximum(0.0, np.maximum(low1 - high2, low2 - high1)) * factor
    upper = (high1 + high2) * factor
    least, most = change
    slack = _SLACK * np.maximum(1.0, upper)
    return np.asarray((gap <= most + slack) & (upper >= least - slack))
