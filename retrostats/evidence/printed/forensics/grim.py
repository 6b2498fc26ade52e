"""GRIM: whether a printed mean can be the mean of n whole numbers.

Brown and Heathers (2017), Social Psychological and Personality Science 8:363-369.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Products of decimal texts and counts are whole only up to rounding in binary.
SLACK = 1e-9


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
    slack = SLACK * np.maximum(1.0, np.maximum(np.abs(low), np.abs(high)) * grains)
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
    return np.asarray((high - low) * grains < 1 - SLACK)
