"""Intervals of a linear mixed model's terms, fixed and random, in one table."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from retrostats.common.verbs import INTERVAL, Method, Which, check_interval, intervals_of
from retrostats.models.linear.linear_fit import coefficient_table
from retrostats.models.linear.post_estimation.components import component_table
from retrostats.models.linear.post_estimation.intervals import bootstrap_name, confint
from retrostats.models.linear.post_estimation.profile_limits import coefficient_limits
from retrostats.models.linear.post_estimation.simulate import bootstrap
from retrostats.models.linear.post_estimation.small_sample import bootstrap_t

if TYPE_CHECKING:
    from retrostats.models.linear.estimates import Estimates

FIXED = ("wald", "profile", "bootstrap", "bootstrap-t")
RANDOM = ("profile", "bootstrap", "bootstrap-t", "exact")


def conf_int(
    fit: Estimates,
    *,
    level: float = 0.95,
    which: Which = "fixed",
    method: Method | None = None,
    draws: int = 2000,
    seed: int = 1,
    jobs: int = 1,
) -> pd.DataFrame:
    """Intervals of the fixed effects, or of the random effects' spreads and correlations.

    Parameters
    ----------
    fit : Estimates
    level : float
    which : {"fixed", "random", "all"}
    method : {"wald", "profile", "bootstrap", "bootstrap-t", "exact"}, optional
        By default "wald" (t with the fit's degrees of freedom) for fixed effects and "profile" for
        random terms. "profile" (where the maximum-likelihood deviance has risen by the chi-squared
        quantile, all else profiled out), "bootstrap" (percentiles) and "bootstrap-t" (studentised)
        are for both; "exact" for sigma alone.
    draws, seed, jobs : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        term, estimate, conf_low, conf_high. Random terms are standard deviations
        (``sd_<group>_<effect>``, ``sigma``) and correlations (``cor_<group>_<effect>_<effect>``).

    Raises
    ------
    InputError
        A method that the terms asked for do not have, or a level outside 0 to 1.
    """

    @cache
    def drawn() -> pd.DataFrame:
        return bootstrap(fit, draws, seed=seed, jobs=jobs)

    @cache
    def studentised() -> pd.DataFrame:
        return _named(bootstrap_t(fit, level=level, n=draws, seed=seed, jobs=jobs))

    def fixed() -> pd.DataFrame:
        how = "wald" if method is None else method
        check_interval(how, FIXED, level, which)
        if how == "bootstrap-t":
            return studentised().iloc[: len(fit.terms)]
        table = coefficient_table(fit, level)
        if how == "profile":
            fit.engine.allow("profile intervals")
            ml = fit.refit_ml()
            ends = coefficient_limits(ml, fit.engine.profiled(ml), level)
            return table.assign(conf_low=ends[:, 0], conf_high=ends[:, 1])
        return table if how == "wald" else _percentiles(table[INTERVAL], drawn(), level)

    def random() -> pd.DataFrame:
        how = "profile" if method is None else method
        check_interval(how, RANDOM, level, which)
        fit.engine.allow("intervals of variance components")
        if how == "bootstrap-t":
            return studentised().iloc[len(fit.terms) :]
        if how == "bootstrap":
            components = component_table(fit).rename(columns={"sdcor": "estimate"})
            return _percentiles(_named(components), drawn(), level)
        return _named(confint(fit, how, level=level))

    return intervals_of(which, fixed, random)


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """The table with one name a term, in place of group and two effects."""
    names = [
        str(row.term)
        if row.group == "fixed"
        else bootstrap_name(str(row.group), str(row.term), str(row.term2))
        for row in table.itertuples()
    ]
    return table.assign(term=names)


def _percentiles(table: pd.DataFrame, draws: pd.DataFrame, level: float) -> pd.DataFrame:
    """Percentiles of the refits, a column a term."""
    tail = 50.0 * (1.0 - level)
    ends = np.nanpercentile(draws[list(table["term"])], [tail, 100.0 - tail], axis=0)
    return table.assign(conf_low=ends[0], conf_high=ends[1])
