"""GRIM, GRIMMER, DEBIT: whether n whole numbers can have a printed mean, and a printed SD.

GRIM: Brown and Heathers (2017), Social Psychological and Personality Science 8:363-369.
GRIMMER: Anaya (2016), PeerJ Preprints 4:e2400v1; the analytic form is Allard's (2018): the sum of
squares of whole numbers is whole, has the parity of their sum, and is smallest where they are most
alike.
DEBIT: Heathers and Brown (2019): of k ones in n zeros and ones, mean k / n and SD
sqrt(k (n - k) / (n (n - 1))).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Products of decimal texts and counts are whole only up to rounding in binary.
_SLACK = 1e-9
#: Sums of squares of one parity are this far apart.
_STEP = 2.0


def sums(low: Array, high: Array, grains: Array) -> tuple[Array, Array]:
    """Smallest and largest whole sum that a mean in [low, high] allows.

    Parameters
    ----------
    low, high : (m,) arrays
        Rounding interval of the printed mean, both ends included.
    grains : (m,) array
        Whole numbers behind the mean: people times items.

    Returns
    -------
    tuple of (m,) arrays
        The first exceeds the second where no sum is possible.
    """
    slack = _SLACK * np.maximum(1.0, np.maximum(np.abs(low), np.abs(high)) * grains)
    return np.ceil(low * grains - slack), np.floor(high * grains + slack)


def grim(low: Array, high: Array, grains: Array) -> Bools:
    """Whether some mean of `grains` whole numbers lies in [low, high]; (m,) bool.

    Examples
    --------
    Nineteen whole numbers can have the mean 3.47 (66 / 19) and not 3.45:

    >>> import numpy as np
    >>> grim(np.array([3.465, 3.445]), np.array([3.475, 3.455]), np.array([19.0, 19.0])).tolist()
    [True, False]
    """
    first, last = sums(low, high, grains)
    return np.asarray(first <= last)


def grim_applies(low: Array, high: Array, grains: Array) -> Bools:
    """Whether some printed means would be impossible: means lie further apart than roundings.

    Examples
    --------
    >>> import numpy as np
    >>> grim_applies(np.array([3.45]), np.array([3.55]), np.array([9.0])).tolist()
    [True]
    >>> grim_applies(np.array([3.45]), np.array([3.55]), np.array([10.0])).tolist()
    [False]
    """
    return np.asarray((high - low) * grains < 1 - _SLACK)


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
        slack = _SLACK * np.maximum(1.0, about + squares_high)
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
    meets = (low <= sd_high + _SLACK) & (high >= sd_low - _SLACK)
    return np.asarray((first <= last) & meets), low, high
