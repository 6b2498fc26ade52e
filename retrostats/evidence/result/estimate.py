"""One currency for every reducer: pooling and verdicts know nothing but an `Estimate`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from retrostats.common.arrays import one_of, share, single
from retrostats.common.errors import InputError

Scale = Literal["log_ratio", "log_rate_ratio", "difference"]
#: Model scales that are shown to the reader after exponentiation.
LOG_SCALES: tuple[Scale, ...] = ("log_ratio", "log_rate_ratio")


@dataclass(frozen=True, slots=True)
class Interval:
    """A point and its confidence limits on the scale the reader sees (ratio or difference)."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """An effect on its model scale, with everything a pool or a verdict needs.

    Parameters
    ----------
    value, std_error
        Effect and standard error on the model scale (`scale`).
    df
        Degrees of freedom of the t interval; infinity means a normal interval.
    scale
        "log_ratio" and "log_rate_ratio" are exponentiated for display, "difference" is not.
    unit
        Unit of the displayed effect ("ratio backward / forward", "percentage points", ...).
    source
        `row_id` of every printed row that entered.
    assumptions
        Identifiers of what had to be assumed.

    Examples
    --------
    >>> import math
    >>> e = Estimate(math.log(1.35), 0.06 / 1.35, 3, "log_ratio", "ratio")
    >>> round(e.interval().estimate, 2)
    1.35
    """

    value: float
    std_error: float
    df: float
    scale: Scale
    unit: str
    source: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for name in ("value", "std_error", "df"):
            single(getattr(self, name), f"estimate, {name}")
        one_of(self.scale, "scale", get_args(Scale))
        if not math.isfinite(self.value):
            raise InputError(f"an estimate must be finite, found {self.value!r}; check its source")
        if not (math.isfinite(self.std_error) and self.std_error > 0):
            raise InputError(
                f"a standard error must be finite and above 0, found {self.std_error!r}; "
                "an effect without one is shown, not pooled"
            )
        if not self.df > 0:
            raise InputError(f"degrees of freedom must be above 0, found {self.df!r}")

    @classmethod
    def of_term(
        cls,
        fit: Any,
        term: str,
        scale: Scale,
        unit: str,
        source: tuple[str, ...] = (),
        assumptions: tuple[str, ...] = (),
    ) -> Estimate:
        """One fixed effect of a fitted model; a fit without df gives a normal interval."""
        row: Any = fit.coefficients.set_index("term").loc[term]
        df = float(row.get("df", math.inf))
        return cls(
            float(row["estimate"]), float(row["std_error"]), df, scale, unit, source, assumptions
        )

    def interval(self, level: float = 0.95) -> Interval:
        """t interval at `level`, on the display scale."""
        from retrostats.common.student import t_quantile

        share(level)
        half = t_quantile((1 - level) / 2, self.df) * self.std_error
        return Interval(
            *(self._show(v) for v in (self.value, self.value - half, self.value + half))
        )

    def _show(self, value: float) -> float:
        return math.exp(value) if self.scale in LOG_SCALES else value
