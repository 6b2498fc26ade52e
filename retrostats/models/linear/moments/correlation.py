"""The within-pair correlation, recovered from what a paper prints about the change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import stdtrit

from retrostats.common.errors import InputError, NotIdentified

NEXT_STEP = "give correlation=, or the SD of the change, its t, its p or its confidence interval"


@dataclass(frozen=True, slots=True)
class Correlation:
    """What a paper prints that implies the within-pair correlation of two conditions.

    Use a constructor: the correlation follows with the means, SDs and n of the cells.

    Examples
    --------
    >>> Correlation.from_sd_change(2.0).resolve(10, (20.0, 21.0), (2.0, 2.0))
    0.5
    """

    kind: Literal["sd_change", "t", "p", "ci"]
    value: float
    high: float = float("nan")
    level: float = 0.95

    @classmethod
    def from_sd_change(cls, sd: float) -> Correlation:
        """From the SD of the change."""
        return cls("sd_change", float(sd))

    @classmethod
    def from_t(cls, t: float) -> Correlation:
        """From the paired t statistic."""
        return cls("t", abs(float(t)))

    @classmethod
    def from_p(cls, p: float) -> Correlation:
        """From the exact two-sided p of the paired t-test (``p < 0.05`` is a bound, not this)."""
        return cls("p", float(p))

    @classmethod
    def from_ci(cls, low: float, high: float, level: float = 0.95) -> Correlation:
        """From the confidence interval of the change."""
        return cls("ci", float(low), float(high), level)

    def resolve(self, n: float, means: Sequence[float], sds: Sequence[float]) -> float:
        """The correlation.

        Parameters
        ----------
        n : float
        means, sds : pair of float
            Of the two conditions.

        Raises
        ------
        InputError
            The numbers contradict one another: the correlation would be outside [-1, 1].
        """
        change = abs(means[1] - means[0])
        if self.kind == "sd_change":
            sd = self.value
        elif self.kind == "ci":
            half = (self.high - self.value) / 2.0
            sd = half / float(stdtrit(n - 1.0, 0.5 + self.level / 2.0)) * n**0.5
        else:
            t = self.value if self.kind == "t" else -float(stdtrit(n - 1.0, self.value / 2.0))
            if not t > 0 or change == 0:
                raise NotIdentified(
                    f"a {self.kind} of {self.value:g} with a mean change of {change:g} does not "
                    f"determine the SD of the change; {NEXT_STEP}"
                )
            sd = change * n**0.5 / t
        if min(sds) <= 0:
            raise NotIdentified("a correlation needs two SDs above zero")
        r = (sds[0] ** 2 + sds[1] ** 2 - sd**2) / (2.0 * sds[0] * sds[1])
        if not abs(r) <= 1.0 + 1e-9:
            raise InputError(
                f"the {self.kind} {self.value:g} with SDs {sds[0]:g} and {sds[1]:g} implies a "
                f"correlation of {r:.3f}, outside [-1, 1]; check what the printed number refers to"
            )
        return float(np.clip(r, -1.0, 1.0))
