"""Recompute what a source prints from what else it prints, within the rounding of both."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from retrostats.evidence.printed.reported import Reported
from retrostats.evidence.result.findings import Check

_SLACK = 1e-9  # relative: decimal text is not exact in binary


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A number from printed ones, and its range over the rounding of those.

    Examples
    --------
    >>> found = percent_change("40.0", "38.5")
    >>> round(found.value, 2), found.agrees("-3.8"), found.agrees("-4.2")
    (-3.75, True, False)
    """

    value: float
    low: float
    high: float

    def agrees(self, printed: str) -> bool:
        """Whether the range meets the rounding interval of a printed number."""
        low, high = Reported(printed).interval
        slack = _SLACK * max(1.0, abs(self.value))
        return self.low <= high + slack and self.high >= low - slack

    def against(
        self,
        printed: str,
        *,
        check_id: str,
        study_id: str,
        quantity: str,
        rows: Sequence[str],
        note: str = "",
    ) -> Check:
        """The check of a printed number of a study, from the printed `rows`."""
        return Check(
            check_id=check_id,
            study_id=study_id,
            quantity=quantity,
            printed=printed,
            recomputed=self.value,
            low=self.low,
            high=self.high,
            agrees=self.agrees(printed),
            source_rows=tuple(rows),
            note=note,
        )


def percent_change(before: str, after: str) -> Recomputed:
    """100 (after / before - 1) from two printed means."""

    def change(a: float, b: float) -> float:
        return 100 * (a / b - 1)

    value = change(Reported(after).value, Reported(before).value)
    return Recomputed(value, *_span(change, after, before))


def rate(events: float, exposure: float, per: float) -> Recomputed:
    """`per` x events / exposure from printed counts, which are exact."""
    value = per * events / exposure
    return Recomputed(value, value, value)


def paired_p(change: str, sd_change: str, n: int) -> Recomputed:
    """Two-sided p of the paired t-test from a printed change, its SD and n."""
    import numpy as np

    from retrostats.common.student import t_p_value
    from retrostats.evidence.printed.pvalues import p_of_change

    mean, sd = Reported(change), Reported(sd_change)
    value = t_p_value(mean.value / (sd.value / math.sqrt(n)), n - 1)
    ends = [np.array([end]) for x in (mean, sd) for end in x.interval]
    box = (ends[0], ends[1]), (ends[2], ends[3])
    low, high = p_of_change(*box, np.array([float(n)]), np.ones(1))
    return Recomputed(value, float(low[0]), float(high[0]))


def _span(formula: Callable[[float, float], float], first: str, second: str) -> tuple[float, float]:
    """Range of a monotone `formula` over the rounding intervals of two printed numbers."""
    values = [
        formula(a, b) for a, b in product(Reported(first).interval, Reported(second).interval)
    ]
    return min(values), max(values)
