"""A number with an interval, and how the interval was found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effect:
    """A number with an interval.

    Attributes
    ----------
    estimate, conf_low, conf_high : float
    level : float
    method : str
        How the interval was found.
    """

    estimate: float
    conf_low: float
    conf_high: float
    level: float
    method: str
