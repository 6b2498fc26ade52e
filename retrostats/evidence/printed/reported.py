"""Printed numbers: their rounding intervals, and what exactly follows from a few of them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import product

from retrostats.common.arrays import real_number, single
from retrostats.common.errors import InputError

_NUMBER = re.compile(r"([-+]?)(\d+\.?\d*|\.\d+)(?:[eE]([-+]?\d{1,3}))?\s*%?")
#: Hyphen, non-breaking hyphen, figure dash, en dash and minus sign all stand for minus in print.
_MINUS = str.maketrans(dict.fromkeys("‐‑‒–−", "-"))
#: Decimal halves are not exact in binary; two doubles this close are the same number.
_SLACK = 1e-12
_OPERATORS = ("=", "<", "<=", ">", ">=")


@dataclass(frozen=True, slots=True)
class Reported:
    """A number as printed, with the interval of unrounded numbers that print so.

    Parameters
    ----------
    text
        Decimal text, with optional sign (any dash), exponent and percent sign. A percent sign
        changes no value: "2.4%" is 2.4.

    Raises
    ------
    InputError
        If the text is not one plain number: ranges, decimal commas, thousands separators, words.

    Examples
    --------
    >>> Reported("12.30").interval
    (12.295, 12.305)
    >>> Reported("1.9e-6").interval
    (1.85e-06, 1.95e-06)
    >>> Reported("−19.7 %").value
    -19.7
    """

    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or _decimal(self.text) is None:
            raise InputError(
                f"printed number: found {self.text!r}; allowed is one number such as '12.30', "
                "'-2.4', '1.9e-6' or '35%', with a decimal point. Split ranges into two."
            )
        if not math.isfinite(self.value):
            raise InputError(
                f"printed number: {self.text!r} is beyond what a computer holds; check its exponent"
            )

    @property
    def _decimal(self) -> Decimal:
        found = _decimal(self.text)
        assert found is not None
        return found

    @property
    def value(self) -> float:
        """The printed number itself."""
        return float(self._decimal)

    @property
    def decimals(self) -> int:
        """Place of the last printed digit: 2 for "12.30", 7 for "1.9e-6", -3 for "1e3"."""
        return -int(self._decimal.as_tuple().exponent)

    @property
    def interval(self) -> tuple[float, float]:
        """Half a unit of the last digit either side; both ends can print so."""
        half = Decimal(5).scaleb(-self.decimals - 1)
        return float(self._decimal - half), float(self._decimal + half)

    def agrees(self, unrounded: float) -> bool:
        """Whether `unrounded` rounds to this text, whichever way halves are rounded.

        Examples
        --------
        >>> Reported("1.284").agrees(15.95 / 12.42)
        True
        """
        low, high = self.interval
        slack = _SLACK * max(1.0, abs(unrounded))
        return low - slack <= unrounded <= high + slack


@lru_cache(maxsize=2**16)
def _decimal(text: str) -> Decimal | None:
    """The number that a text is, or None: read once, as every property asks for it."""
    plain = text.strip().translate(_MINUS)
    return Decimal(plain.rstrip("%").strip()) if _NUMBER.fullmatch(plain) else None


def t_from_p(p: float, df: float) -> float:
    """Absolute t of a two-sided p-value: the 1 - p/2 quantile of Student's t.

    Examples
    --------
    >>> round(t_from_p(0.05, 12), 4)
    2.1788
    """
    from retrostats.common.student import t_quantile

    if not 0 < real_number(p, "p-value") <= 1:
        raise InputError(f"p-value: found {p!r}; allowed is above 0 and up to 1.")
    if not single(df, "degrees of freedom") > 0:
        raise InputError(f"degrees of freedom: found {df!r}; allowed is above 0.")
    return t_quantile(p / 2, df)


def se_from_p(change: float, p: float, df: float) -> float:
    """Standard error of a change whose two-sided t-test gave p: |change| / t(p, df).

    Cochrane Handbook for Systematic Reviews of Interventions, section 6.5.2.3.

    Examples
    --------
    >>> round(se_from_p(-2.4, 0.01, 12), 3)
    0.786
    """
    change, p = real_number(change, "change"), real_number(p, "p-value")
    t = t_from_p(p, df)
    if t == 0 or change == 0:
        raise InputError(
            f"standard error from p: change {change!r} with p {p!r} leaves it open; "
            "a change other than 0 and a p below 1 are needed."
        )
    return abs(change) / t


def r_bounds_from_p(
    sd1: float | Reported,
    sd2: float | Reported,
    n: int,
    diff: float | tuple[float, float],
    p: float | Reported,
    operator: str = "=",
) -> tuple[float, float]:
    """Correlations in [-1, 1] that are compatible with a printed p of a paired t-test.

    "p < p0" says that the SD of the difference is below |diff| sqrt(n) / t(p0, n - 1), so r is
    above r0, the correlation that would give p0 exactly; "p > p0" says the opposite; "p = p0"
    gives r0.

    Parameters
    ----------
    sd1, sd2
        Standard deviations of the two measurements; a `Reported` stands for its whole rounding
        interval, and the bounds then cover all of it.
    n
        People.
    diff
        Difference of the two means, or the interval of it that the rounding allows.
    p
        Printed p-value; a `Reported` covers its rounding interval if the operator is "=". A
        threshold ("<", ">") is exact and never rounded.
    operator
        "=", "<", "<=", ">" or ">=".

    Returns
    -------
    tuple
        Lowest and highest correlation.

    Raises
    ------
    InputError
        If no correlation is compatible, or the operator is unknown.

    Examples
    --------
    >>> low, high = r_bounds_from_p(2.51, 5.77, 13, 31.33 - 27.15, 0.05, "<")
    >>> round(low, 3), high
    (-0.285, 1.0)
    """
    if operator not in _OPERATORS:
        raise InputError(
            f"p operator: found {operator!r}; allowed: {', '.join(_OPERATORS)}. "
            "'not significant' without a number bounds nothing."
        )
    if real_number(n, "n") < 2 or n % 1:
        raise InputError(f"paired test: found n = {n!r}; a whole number of 2 or more is needed.")
    sds = [x.interval if isinstance(x, Reported) else (x, x) for x in (sd1, sd2)]
    _check_spread(*(low for low, _ in sds))
    ends = diff if isinstance(diff, tuple) else (diff, diff)
    diffs = [abs(real_number(d, "difference")) for d in ends]
    if isinstance(p, Reported):
        ps = p.interval if operator == "=" else (p.value, p.value)
    else:
        ps = (p, p)
    ts = [t_from_p(x, n - 1) for x in ps]
    if 0 in ts:
        return -1.0, 1.0  # p = 1 says only that the difference is nil
    spreads = [d * math.sqrt(n) / t for d, t in product(diffs, ts)]
    exact = _correlation_range(sds[0], sds[1], (min(spreads), max(spreads)))
    low, high = {"=": exact, "<": (exact[0], 1.0), ">": (-1.0, exact[1])}[operator[0]]
    low, high = max(low, -1.0), min(high, 1.0)
    if low > high + _SLACK:
        raise InputError(
            f"correlation from p {operator} {getattr(p, 'text', p)}: none between -1 and 1 gives "
            f"it with SDs {sd1}, {sd2}, n {n} and difference {diff}. The spreads may be standard "
            "errors, or the test not a paired t-test of this difference."
        )
    return min(low, high), high


def _correlation(sd1: float, sd2: float, sd_change: float) -> float:
    return (sd1**2 + sd2**2 - sd_change**2) / (2 * sd1 * sd2)


def _correlation_range(
    sd1: tuple[float, float], sd2: tuple[float, float], sd_change: tuple[float, float]
) -> tuple[float, float]:
    """Lowest and highest `_correlation` over a box of spreads.

    In each SD alone the correlation falls, then rises; where it turns, sd1^2 = sd2^2 - sd_change^2
    (or the same with 1 and 2 exchanged). No turning point lies inside the box, so its corners
    and the turning points on its edges hold the extremes.
    """
    found = [_correlation(a, b, c) for a, b, c in product(sd1, sd2, sd_change)]
    for (low, high), other in ((sd1, sd2), (sd2, sd1)):
        for b, c in product(other, sd_change):
            turn = math.sqrt(max(0.0, b**2 - c**2))
            if low < turn < high:
                found.append(_correlation(turn, b, c))
    return min(found), max(found)


def _check_spread(*sds: float) -> None:
    for sd in sds:
        if not (real_number(sd, "standard deviation") > 0 and math.isfinite(sd)):
            raise InputError(f"standard deviation: found {sd!r}; allowed is a number above 0.")


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
        The limits are not ordered, or not above 0 for a ratio.

    Examples
    --------
    >>> round(se_from_ci(0.48, 0.98, log=True), 3)
    0.182
    """
    from scipy.special import ndtri

    if not low < high or (log and not low > 0):
        raise InputError(
            f"confidence interval {low!r} to {high!r}: the lower limit must be below the upper"
            + (" and above 0 for a ratio" if log else "")
        )
    if log:
        low, high = math.log(low), math.log(high)
    return (high - low) / (-2 * float(ndtri((1 - level) / 2)))
