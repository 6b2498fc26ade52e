"""Measures of effect: their names in a table, their scale in a model, their usual spread.

A measure of ratios is modelled as its logarithm and printed as a ratio, so that 1 is no effect.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from retrostats.common.errors import InputError

Array = NDArray[np.float64]

RATIO_OF_MEANS, DIFFERENCE, SMD = "ratio of means", "mean difference", "SMD"
RISK_RATIO, ODDS_RATIO, RATE_RATIO = "risk ratio", "odds ratio", "rate ratio"
HAZARD_RATIO, RISK_DIFFERENCE, CORRELATION = "hazard ratio", "risk difference", "correlation"
PROPORTION = "proportion"
EVENT_RATIOS = (RISK_RATIO, ODDS_RATIO, RATE_RATIO, HAZARD_RATIO)
RATIOS = (RATIO_OF_MEANS, *EVENT_RATIOS)
PERCENT = "percent"
ALL = (
    DIFFERENCE, RATIO_OF_MEANS, PERCENT, SMD, RISK_RATIO, ODDS_RATIO, RISK_DIFFERENCE, RATE_RATIO,
    HAZARD_RATIO, CORRELATION, PROPORTION,
)  # fmt: skip
#: What else a measure is called, in lower case with spaces.
_ALSO = {
    "difference": DIFFERENCE, "md": DIFFERENCE, "log ratio": RATIO_OF_MEANS,
    "ratio": RATIO_OF_MEANS, "rom": RATIO_OF_MEANS, "%": PERCENT, "percent change": PERCENT,
    "standardised mean difference": SMD, "standardized mean difference": SMD, "hedges g": SMD,
    "relative risk": RISK_RATIO, "incidence rate ratio": RATE_RATIO,
    "prevalence": PROPORTION, "logit proportion": PROPORTION,
}  # fmt: skip
#: Scale of the half-normal prior on tau, on the model's scale; differences take the sources' own.
PRIOR_SCALES = {
    RATIO_OF_MEANS: 0.2, SMD: 0.5, ODDS_RATIO: 0.5, RATE_RATIO: 0.5, HAZARD_RATIO: 0.5,
    RISK_RATIO: 0.5, CORRELATION: 0.2, RISK_DIFFERENCE: 0.1, PROPORTION: 0.5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measure:
    """The measure of a pool, and those that the caller mixes into it.

    Attributes
    ----------
    name
        One of the field's names, as "ratio of means"; percent is a ratio of means.
    mixed
        Other measures whose rows are taken as if they were `name`.
    """

    name: str
    mixed: tuple[str, ...] = ()

    @property
    def is_log(self) -> bool:
        """Whether the model sees logarithms."""
        return self.name in RATIOS

    @property
    def null(self) -> float:
        """No effect, on the printed scale; NaN of a proportion, which compares nothing."""
        if self.name == PROPORTION:
            return math.nan
        return 1.0 if self.is_log else 0.0

    def to_model(self, value: Any) -> Array:
        """From the printed scale: logarithms of ratios, Fisher's z of correlations.

        Logits of proportions.
        """
        printed = np.asarray(value, dtype=float)
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.is_log:
                return np.where(printed > 0, np.log(np.where(printed > 0, printed, 1.0)), -np.inf)
            if self.name == CORRELATION:
                return np.asarray(np.arctanh(np.clip(printed, -1, 1)))
            if self.name == PROPORTION:
                return np.asarray(logit(np.clip(printed, 0, 1)))
        return printed

    def to_printed(self, value: Any) -> Array:
        """From the model's scale."""
        model = np.asarray(value, dtype=float)
        if self.is_log:
            with np.errstate(over="ignore"):
                return np.asarray(np.exp(model))
        if self.name == PROPORTION:
            return np.asarray(expit(model))
        return np.asarray(np.tanh(model)) if self.name == CORRELATION else model


def measure_name(text: object, where: str) -> str:
    """The field's name of a measure as a table writes it.

    Raises
    ------
    InputError
        No measure of that name.

    Examples
    --------
    >>> measure_name("Odds_Ratio", "row 1"), measure_name("SMD", "row 1")
    ('odds ratio', 'SMD')
    """
    plain = " ".join(str(text).strip().lower().replace("_", " ").replace("-", " ").split())
    plain = "smd" if plain == "hedges' g" else plain
    names = {name.lower(): name for name in ALL}
    found = names.get(plain) or _ALSO.get(plain)
    if found is None:
        raise InputError(f"{where}: measure is {text!r}; allowed: {', '.join(ALL)}")
    return found


def one_measure(name: str) -> str:
    """Percent and ratio of means are one measure."""
    return RATIO_OF_MEANS if name == PERCENT else name


def measure_of_pool(asked: object, found: Sequence[str]) -> Measure:
    """What is pooled: as asked for, else the one measure that every row has.

    Parameters
    ----------
    asked
        None, a name, or a list whose first is the pool's measure and whose others are mixed in.
    found
        Names of the rows' own measures; empty where the table has none.
    """
    own = list(dict.fromkeys(one_measure(name) for name in found if name))
    if asked is None:
        if len(own) == 1:
            return Measure(own[0])
        named = " and ".join(own) or "none"
        raise InputError(
            f"pool_printed: the rows have {named} as their measure; one is pooled: give "
            f"measure=, one of {', '.join(ALL)}, or a list whose others are mixed in with its first"
        )
    listed = list(asked) if isinstance(asked, list | tuple) else [asked]
    if not listed:
        raise InputError("pool_printed: measure is an empty list; name one, or leave it out")
    names = [one_measure(measure_name(name, "pool_printed")) for name in listed]
    if len(set(names)) > 1 and not set(names) <= set(EVENT_RATIOS):
        raise InputError(
            f"pool_printed: measure mixes {' and '.join(names)}; allowed to mix: "
            f"{', '.join(EVENT_RATIOS)}"
        )
    return Measure(names[0], tuple(names[1:]))


def usual_scale(measure: Measure, sds: Sequence[float]) -> float:
    """Scale of the prior on tau where none is given: docs/mathematics.md, section 19.

    Differences take half the median standard deviation of the sources' own changes.
    """
    if measure.name in PRIOR_SCALES:
        return PRIOR_SCALES[measure.name]
    known = [sd for sd in sds if math.isfinite(sd) and sd > 0]
    if not known:
        raise InputError(
            "pool_printed: no source of this difference says how far people differ, so tau has no "
            "usual scale; give prior=rs.HalfNormal(scale), scale in the unit of the difference"
        )
    return 0.5 * float(np.median(known))
