"""Student's t, from the special functions: a pool is refitted thousands of times."""

from __future__ import annotations


def t_quantile(upper: float, df: float) -> float:
    """Value that t exceeds with probability `upper`; `df` may be infinite.

    Examples
    --------
    >>> round(t_quantile(0.025, 12), 4)
    2.1788
    """
    from scipy.special import stdtrit

    return -float(stdtrit(df, upper))


def t_p_value(t: float, df: float) -> float:
    """Two-sided p-value of a t.

    Examples
    --------
    >>> round(t_p_value(2.1788, 12), 4)
    0.05
    """
    from scipy.special import stdtr

    return 2 * float(stdtr(df, -abs(t)))
