"""Studies that could be run, drawn many at a time: the limits that each would end with.

Effects are on the model scale (log for ratios). One set of draws serves every size, so that a curve
of power is smooth and its crossing of a level is not moved by noise from size to size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
WIDE, NARROW = 0.95, 0.90


class Limits(NamedTuple):
    """Estimate, 95% limits and 90% limits of every drawn study (n,), on the model scale."""

    estimate: Array
    low: Array
    high: Array
    narrow_low: Array
    narrow_high: Array


class Design(Protocol):
    """A study of a number of people."""

    @property
    def smallest(self) -> int:
        """Fewest people with which it can be analysed."""

    def limits(self, people: int, truth: float, points: Array) -> Limits:
        """What every drawn study would end with.

        Parameters
        ----------
        people
            In all.
        truth
            Effect on the model scale.
        points
            Draws (n, 3) of the unit box: the spread, the mean, the variance.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A number from every person: both conditions each (one group), or two groups.

    Parameters
    ----------
    spreads
        What the standard deviation of one person's contribution may be, sorted, even in share: the
        standard error of n people is the spread over the root of n.
    groups
        1 or 2: the degrees of freedom are people less groups.
    """

    spreads: Array
    groups: int = 1

    @property
    def smallest(self) -> int:
        """Two degrees of freedom."""
        return self.groups + 2

    def limits(self, people: int, truth: float, points: Array) -> Limits:
        """Student's t interval about a normal mean with its own estimated variance."""
        from scipy.special import chdtri, ndtri

        df = people - self.groups
        at = np.minimum((points[:, 0] * len(self.spreads)).astype(int), len(self.spreads) - 1)
        error = self.spreads[at] / np.sqrt(people)
        estimate = truth + error * ndtri(points[:, 1])
        found = error * np.sqrt(chdtri(df, points[:, 2]) / df)
        return student_limits(estimate, found, df)


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Events of the two conditions, each over its own exposure.

    Parameters
    ----------
    rates
        Events per unit of exposure under the second condition, sorted, even in share.
    exposure
        Of one person under each condition, in that unit.
    """

    rates: Array
    exposure: float
    groups: int = 2

    @property
    def smallest(self) -> int:
        """One person has exposure under both conditions."""
        return 1

    def limits(self, people: int, truth: float, points: Array) -> Limits:
        """Exact limits of a ratio of two Poisson rates, given the sum of events.

        Of m events in all, those under the first condition are binomial; Clopper-Pearson limits
        of their share give those of the ratio (Przyborowski and Wilenski 1940, Biometrika 31:313).
        """
        from scipy.special import betaincinv
        from scipy.stats import poisson

        at = np.minimum((points[:, 0] * len(self.rates)).astype(int), len(self.rates) - 1)
        expected = self.rates[at] * self.exposure * people
        first = poisson.ppf(points[:, 1], expected * np.exp(truth))
        second = poisson.ppf(points[:, 2], expected)

        def ends(level: float) -> tuple[Array, Array]:
            tail = (1 - level) / 2
            low = np.where(first > 0, betaincinv(np.maximum(first, 1), second + 1, tail), 0.0)
            high = np.where(second > 0, betaincinv(first + 1, np.maximum(second, 1), 1 - tail), 1.0)
            with np.errstate(divide="ignore"):
                return np.log(low) - np.log1p(-low), np.log(high) - np.log1p(-high)

        with np.errstate(divide="ignore", invalid="ignore"):
            estimate = np.log(first) - np.log(second)
        return Limits(estimate, *ends(WIDE), *ends(NARROW))


def student_limits(estimate: Array, error: Array, df: float) -> Limits:
    """t limits at both levels."""
    from scipy.special import stdtrit

    wide, narrow = (stdtrit(df, 0.5 + level / 2) * error for level in (WIDE, NARROW))
    return Limits(estimate, estimate - wide, estimate + wide, estimate - narrow, estimate + narrow)
