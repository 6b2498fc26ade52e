"""GRIMMER: whether a printed SD can be the SD of n whole numbers with the printed mean.

Anaya (2016), PeerJ Preprints 4:e2400v1; the analytic form is Allard's (2018): the sum of squares
of whole numbers is whole, has the parity of their sum, and is smallest where they are most alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrostats.evidence.printed.forensics.grim import SLACK, Bools, sums

Array = NDArray[np.float64]

#: Sums of squares of one parity are this far apart.
_STEP = 2.0


def grimmer(
    mean_low: Array, mean_high: Array, sd_low: Array, sd_high: Array, n: Array, items: Array
) -> Bools:
    """Whether n whole numbers (each over `items`) have a mean and an SD in these intervals.

    Parameters
    ----------
    mean_low, mean_high, sd_low, sd_high : (m,) arrays
        Rounding intervals, ends included; the SD has n - 1 in its denominator.
    n : (m,) array
        People, at least 2.
    items : (m,) array
        Whole-number items that each person's score averages.

    Returns
    -------
    (m,) bool array

    Examples
    --------
    >>> import numpy as np
    >>> def one(*x):
    ...     return bool(grimmer(*(np.array([float(v)]) for v in x))[0])
    >>> one(3.435, 3.445, 2.465, 2.475, 18, 1), one(3.435, 3.445, 2.475, 2.485, 18, 1)
    (False, True)
    """
    first, last = sums(mean_low, mean_high, n * items)
    squares_low = (n - 1) * (np.maximum(sd_low, 0.0) * items) ** 2
    squares_high = (n - 1) * (sd_high * items) ** 2
    found = np.zeros(len(n), dtype=bool)
    most = int(np.max(last - first, initial=-1.0)) + 1
    for offset in range(most):
        total = first + offset
        about = total**2 / n
        slack = SLACK * np.maximum(1.0, about + squares_high)
        whole = np.floor(total / n)
        alike = n * whole**2 + (total - n * whole) * (2 * whole + 1)
        lowest = np.ceil(about + squares_low - slack)
        lowest += (lowest - total) % _STEP  # the next one of the sum's parity
        lowest = np.maximum(lowest, alike)
        found |= (total <= last) & (lowest <= about + squares_high + slack)
    return found


def grimmer_applies(
    mean_low: Array, mean_high: Array, sd_low: Array, sd_high: Array, n: Array, items: Array
) -> Bools:
    """Whether some printed SDs would be impossible: few sums of squares fit; (m,) bool."""
    first, last = sums(mean_low, mean_high, n * items)
    window = (n - 1) * items**2 * (sd_high**2 - np.maximum(sd_low, 0.0) ** 2)
    count = last - first + 1
    return np.asarray((count >= 1) & (n >= 2) & (count * window < _STEP))
