"""Check of the variance a family takes for granted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrostats.common.arrays import share
from retrostats.common.errors import InputError

if TYPE_CHECKING:
    from retrostats.models.counts.estimates import CountEstimates


@dataclass(frozen=True, slots=True)
class Overdispersion:
    """Pearson's statistic given the modes of the random effects.

    Attributes
    ----------
    statistic, df
        Sum of squared Pearson residuals; rows less estimated parameters.
    ratio, conf_low, conf_high
        Statistic over df, 1 where the family's variance holds, with its chi-squared interval.
    p_value
        Of a ratio above 1.
    advice
        What to do next, in a sentence.
    """

    statistic: float
    df: int
    ratio: float
    conf_low: float
    conf_high: float
    p_value: float
    advice: str


def overdispersion(fit: CountEstimates, level: float = 0.95) -> Overdispersion:
    """Pearson chi-squared of a fit over its degrees of freedom.

    McCullagh and Nelder (1989), Generalized Linear Models, section 4.5, applied given the random
    effects; approximate where means are below about 5, and on the low side where groups are small.

    Raises
    ------
    InputError
        A level outside 0 to 1, or no degrees of freedom.
    """
    from scipy.special import chdtrc, chdtri

    share(level)
    best, family = fit.maximum, fit.model.family
    here = np.isfinite(best.fitted)
    df = int(here.sum() - np.isfinite(fit.beta).sum() - len(fit.theta)) - (best.scale is not None)
    if df < 1:
        raise InputError(
            f"{fit.formula!r}: {int(here.sum())} rows leave no degree of freedom to see dispersion"
        )
    spread = family if best.scale is None else family.with_scale(best.scale)
    mu, variance = spread.take(here).moments(best.fitted[here])
    statistic = float(((family.y[here] - mu) ** 2 / variance).sum())
    tail = (1 - level) / 2
    ratio, p = statistic / df, float(chdtrc(df, statistic))
    own = any(part.n_levels == len(part.levels) for part in fit.parts)
    if own or best.scale is not None:
        advice = "the model has a dispersion of its own; this only checks what it leaves"
    elif p < 0.05:
        advice = (
            "more variable than the family allows: fit family='negative-binomial' (counts) or "
            "overdispersion='observation', else intervals are too narrow"
        )
    else:
        advice = "no sign of more variation than the family allows"
    low, high = statistic / chdtri(df, [tail, 1 - tail])
    return Overdispersion(statistic, df, ratio, float(low), float(high), p, advice)
