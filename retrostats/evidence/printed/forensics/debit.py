"""DEBIT: whether a printed mean and SD can both come from n zeros and ones.

Heathers and Brown (2019): of k ones in n, mean k / n and SD sqrt(k (n - k) / (n (n - 1))).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrostats.evidence.printed.forensics.grim import SLACK, sums

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]


def debit(
    mean_low: Array, mean_high: Array, sd_low: Array, sd_high: Array, n: Array
) -> tuple[Bools, Array, Array]:
    """Whether the SD is one that the printed mean of zeros and ones allows.

    Parameters
    ----------
    mean_low, mean_high, sd_low, sd_high : (m,) arrays
        Rounding intervals, ends included; the mean is a share between 0 and 1.
    n : (m,) array
        People, at least 2.

    Returns
    -------
    tuple of (m,) arrays
        Whether it is (False too where no count of ones gives the mean), and the smallest and
        largest SD that the mean allows.

    Examples
    --------
    >>> import numpy as np
    >>> arrays = [np.array([v, v]) for v in (0.345, 0.355)]
    >>> sds = np.array([0.485, 0.445]), np.array([0.495, 0.455])
    >>> debit(*arrays, *sds, np.array([20.0, 20.0]))[0].tolist()
    [True, False]
    """
    first, last = sums(np.maximum(mean_low, 0.0), np.minimum(mean_high, 1.0), n)
    halves = np.clip(np.array([np.floor(n / 2), np.ceil(n / 2)]), first, last)
    ones = np.stack([first, last, *halves])
    sds = np.sqrt(np.maximum(ones * (n - ones), 0.0) / (n * (n - 1)))
    low, high = sds.min(0), sds.max(0)
    meets = (low <= sd_high + SLACK) & (high >= sd_low - SLACK)
    return np.asarray((first <= last) & meets), low, high
