"""Studies that could be run, drawn many at a time: the limits that each would end with.

Effects are on the model scale (log for ratios). One set of draws serves every size, so that a curve
of power is smooth and its crossing of a level is not moved by noise from size to size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from retrostats.evidence.printed.likelihoods import rates_log_likelihood, t_log_likelihood
from retrostats.models.meta.grid_predictive import LEAST_STEPS

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

    def limits(self, people: int, truth: float | Array, points: Array) -> Limits:
        """What every drawn study would end with.

        Parameters
        ----------
        people
            In all.
        truth
            Effect on the model scale, of every study or of each (n,).
        points
            Draws (n, 3) of the unit box: the spread, the mean, the variance.
        """

    def log_likelihoods(self, people: int, truth: Array, points: Array, theta: Array) -> Array:
        """Log-likelihood (n, m) of every drawn study at effects on a grid (m,), up to a constant.

        An error below two steps of the grid is widened to them, as of every source below one.
        """

    def typical_error(self, people: int, truth: float) -> float:
        """Standard error of a study in the middle of the draws."""


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

    def limits(self, people: int, truth: float | Array, points: Array) -> Limits:
        """Student's t interval about a normal mean with its own estimated variance."""
        return student_limits(*self._estimates(people, truth, points))

    def log_likelihoods(self, people: int, truth: Array, points: Array, theta: Array) -> Array:
        """Student's t (n, m) of every drawn study."""
        estimate, error, df = self._estimates(people, truth, points)
        return t_log_likelihood(theta, estimate, np.maximum(error, least_error(theta)), df)

    def typical_error(self, people: int, truth: float) -> float:
        """Median spread over the root of the people."""
        return float(np.median(self.spreads)) / math.sqrt(people)

    def _estimates(
        self, people: int, truth: float | Array, points: Array
    ) -> tuple[Array, Array, float]:
        """Estimate and its estimated standard error (n,), and their degrees of freedom."""
        from scipy.special import chdtri, ndtri

        df = people - self.groups
        at = np.minimum((points[:, 0] * len(self.spreads)).astype(int), len(self.spreads) - 1)
        error = self.spreads[at] / np.sqrt(people)
        if self.groups == 2 and people % 2:  # arms that differ by one person
            error *= people / math.sqrt(people**2 - 1)
        estimate = truth + error * ndtri(points[:, 1])
        return estimate, error * np.sqrt(chdtri(df, points[:, 2]) / df), df


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Events of the two conditions, each over its own exposure.

    Parameters
    ----------
    rates
        Events per unit of exposure under the second condition, sorted, even in share.
    exposure
        Of one person under each condition that he or she is in, in that unit.
    arms
        1 if every person is under both conditions; 2 if one half is under each.
    """

    rates: Array
    exposure: float
    arms: int = 1
    groups: int = 2

    @property
    def smallest(self) -> int:
        """One person under each condition."""
        return self.arms

    def limits(self, people: int, truth: float | Array, points: Array) -> Limits:
        """Exact limits of a ratio of two Poisson rates, given the sum of events.

        Of m events in all, those under the first condition are binomial; Clopper-Pearson limits
        of their share give those of the ratio (Przyborowski and Wilenski 1940, Biometrika 31:313).
        """
        from scipy.special import betaincinv

        first, second = self._events(people, truth, points)
        treated, others = self._people_under(people)
        unequal = math.log(treated / others)  # of the exposures, where arms differ by one person

        def ends(level: float) -> tuple[Array, Array]:
            tail = (1 - level) / 2
            low = np.where(first > 0, betaincinv(np.maximum(first, 1), second + 1, tail), 0.0)
            high = np.where(second > 0, betaincinv(first + 1, np.maximum(second, 1), 1 - tail), 1.0)
            with np.errstate(divide="ignore"):
                return (
                    np.log(low) - np.log1p(-low) - unequal,
                    np.log(high) - np.log1p(-high) - unequal,
                )

        with np.errstate(divide="ignore", invalid="ignore"):
            estimate = np.log(first) - np.log(second) - unequal
        return Limits(estimate, *ends(WIDE), *ends(NARROW))

    def log_likelihoods(self, people: int, truth: Array, points: Array, theta: Array) -> Array:
        """Of the events under each condition, given their sum (n, m)."""
        first, second = self._events(people, truth, points)
        with np.errstate(divide="ignore"):
            variance = 1 / first + 1 / second
        wider = np.maximum(least_error(theta) ** 2 / variance, 1.0)
        return rates_log_likelihood(theta, (first, second), self._people_under(people), wider)

    def typical_error(self, people: int, truth: float) -> float:
        """Root of one over the events expected under each condition, added up."""
        expected = float(np.median(self.rates)) * self.exposure
        treated, others = (expected * n for n in self._people_under(people))
        return math.sqrt(1 / (treated * math.exp(truth)) + 1 / others)

    def _people_under(self, people: int) -> tuple[int, int]:
        """People under the first condition and under the second."""
        return (people, people) if self.arms == 1 else (people - people // 2, people // 2)

    def _events(self, people: int, truth: float | Array, points: Array) -> tuple[Array, Array]:
        """Events (n,) under the first condition and under the second."""
        from scipy.stats import poisson

        at = np.minimum((points[:, 0] * len(self.rates)).astype(int), len(self.rates) - 1)
        one_each = self.rates[at] * self.exposure
        treated, others = self._people_under(people)
        first = poisson.ppf(points[:, 1], one_each * treated * np.exp(truth))
        return first, poisson.ppf(points[:, 2], one_each * others)


def least_error(theta: Array) -> float:
    """Least standard error that a grid holds."""
    return LEAST_STEPS * float(theta[1] - theta[0])


def arms_of(design: str) -> int:
    """How many arms share the people of a design: 2 where each person is in one of them."""
    return 2 if design.startswith("two-arm") else 1


def people_text(people: float, design: str) -> str:
    """A number of people with what it counts, so that nobody takes an arm for the study.

    Examples
    --------
    >>> people_text(924, "two-arm-counts"), people_text(61, "paired")
    ('924 people in all (462 an arm)', '61 people in all')
    >>> people_text(30, "counts")
    '30 people in all, each under both conditions'
    """
    whole = f"{people:.0f} people in all"
    if arms_of(design) == 2:
        ends = dict.fromkeys((people - people // 2, people // 2))
        return f"{whole} ({' and '.join(f'{end:.0f}' for end in ends)} an arm)"
    return f"{whole}, each under both conditions" if design == "counts" else whole


def student_limits(estimate: Array, error: Array, df: float) -> Limits:
    """t limits at both levels; normal where df is infinite."""
    from scipy.special import ndtri, stdtrit

    def quantile(p: float) -> float:
        return float(ndtri(p) if math.isinf(df) else stdtrit(df, p))

    wide, narrow = (quantile(0.5 + level / 2) * error for level in (WIDE, NARROW))
    return Limits(estimate, estimate - wide, estimate + wide, estimate - narrow, estimate + narrow)
