"""p against mean and SD: a printed p recomputed from what is printed beside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
Box = tuple[Array, Array]


def _absolute(box: Box) -> Box:
    """Range of |x| over a range of x."""
    low, high = box
    nearest = np.where((low <= 0) & (high >= 0), 0.0, np.minimum(np.abs(low), np.abs(high)))
    return nearest, np.maximum(np.abs(low), np.abs(high))


def _two_sided(t: Array, df: Array) -> Array:
    from scipy.special import stdtr

    return np.asarray(2 * stdtr(df, -t))


def p_of_change(change: Box, sd: Box, n: Array, factor: Array) -> Box:
    """Range of the two-sided paired p over the rounding of a change and of its spread.

    Parameters
    ----------
    change, sd : pairs of (m,) arrays
        Rounding intervals; the change may hold zero.
    n : (m,) array
        People.
    factor : (m,) array
        1 where the spread is an SD, sqrt(n) where it is an SE.

    Returns
    -------
    pair of (m,) arrays

    Examples
    --------
    >>> import numpy as np
    >>> one = np.array([1.0])
    >>> low, high = p_of_change((1.95 * one, 2.05 * one), (2.95 * one, 3.05 * one), 10 * one, one)
    >>> print(low.round(3), high.round(3))
    [0.056] [0.074]
    """
    near, far = _absolute(change)
    with np.errstate(divide="ignore", invalid="ignore"):
        t_low = near * np.sqrt(n) / (sd[1] * factor)
        t_high = far * np.sqrt(n) / (np.maximum(sd[0], 0.0) * factor)
    return _two_sided(t_high, n - 1), _two_sided(t_low, n - 1)


def p_of_groups(difference: Box, sd1: Box, sd2: Box, n1: Array, n2: Array) -> Box:
    """Range of the two-sided p of two independent groups, Student's or Welch's, over the rounding.

    Welch's degrees of freedom lie between min(n1, n2) - 1 and n1 + n2 - 2, which are Student's:
    both ends are taken, so that the range holds either test.

    Examples
    --------
    >>> import numpy as np
    >>> x = lambda v: (np.array([v]), np.array([v]))
    >>> low, high = p_of_groups(x(2.0), x(3.0), x(3.0), np.array([20.0]), np.array([20.0]))
    >>> print(low.round(3), high.round(3))
    [0.042] [0.049]
    """
    near, far = _absolute(difference)
    most, least = n1 + n2 - 2, np.minimum(n1, n2) - 1

    def errors(a: Array, b: Array) -> tuple[Array, Array]:
        welch = np.sqrt(a**2 / n1 + b**2 / n2)
        pooled = ((n1 - 1) * a**2 + (n2 - 1) * b**2) / most
        student = np.sqrt(pooled * (1 / n1 + 1 / n2))
        return np.minimum(welch, student), np.maximum(welch, student)

    small, _ = errors(np.maximum(sd1[0], 0.0), np.maximum(sd2[0], 0.0))
    _, large = errors(sd1[1], sd2[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        t_low, t_high = near / large, far / small
    low = np.minimum(_two_sided(t_high, most), _two_sided(t_high, least))
    high = np.maximum(_two_sided(t_low, most), _two_sided(t_low, least))
    return low, high


def p_agrees(found: Box, printed: Box, operator: NDArray[np.str_]) -> Bools:
    """Whether a recomputed range of p meets the printed one; (m,) bool.

    A printed threshold is exact: `printed` then holds it twice.
    """
    slack = 1e-12
    below = found[0] <= printed[1] + slack
    above = found[1] >= printed[0] - slack
    down, up = np.char.startswith(operator, "<"), np.char.startswith(operator, ">")
    return np.asarray(np.where(down, below, np.where(up, above, below & above)))
