"""Intervals of variance components, and standardised effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import nctdtrinc

from retrostats.common.arrays import one_of, share
from retrostats.common.errors import InputError
from retrostats.models.linear.post_estimation.components import component_table
from retrostats.models.linear.post_estimation.profile_limits import spread_limits
from retrostats.models.linear.post_estimation.simulate import bootstrap
from retrostats.models.linear.post_estimation.tables import Effect

if TYPE_CHECKING:
    from retrostats.models.linear.estimates import Estimates


def confint(
    fit: Estimates,
    method: str = "profile",
    *,
    level: float = 0.95,
    n: int = 2000,
    seed: int = 1,
    jobs: int = 1,
) -> pd.DataFrame:
    """Intervals of standard deviations and correlations of the random effects, and of sigma.

    Parameters
    ----------
    fit : Estimates
    method : {"profile", "bootstrap", "bootstrap-t", "exact"}
        "profile": where the maximum-likelihood deviance, all else profiled out, has risen by the
        chi-squared quantile (as lme4). "bootstrap": percentiles of `n` parametric refits.
        "bootstrap-t": the fixed effects (studentised) and sigma (exactly, see
        below), for few subjects. "exact": sigma alone, see `small_sample.exact_sigma`.
    level : float
    n, seed, jobs : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        group, term, term2, estimate (standard deviation or correlation), conf_low, conf_high.
        Fixed effects have the group "fixed".
    """
    fit.engine.allow("intervals of variance components")
    share(level)
    one_of(method, "method", ("profile", "bootstrap", "bootstrap-t", "exact"))
    if method in ("bootstrap-t", "exact"):
        from retrostats.models.linear.post_estimation.small_sample import bootstrap_t, exact_table

        return (
            exact_table(fit, level)
            if method == "exact"
            else bootstrap_t(fit, level=level, n=n, seed=seed, jobs=jobs)
        )
    table = component_table(fit)
    if method == "bootstrap":
        ends = _percentiles(fit, table, level, n, seed, jobs)
    else:
        ml = fit.refit_ml()
        ends = spread_limits(ml, fit.engine.profiled(ml), level)
    out = table[["group", "term", "term2"]].copy()
    out["estimate"] = table["sdcor"]
    out["conf_low"], out["conf_high"] = np.array(ends).T
    return out


def _percentiles(
    fit: Estimates, table: pd.DataFrame, level: float, n: int, seed: int, jobs: int
) -> list[tuple[float, float]]:
    draws = bootstrap(fit, n, seed=seed, jobs=jobs)
    tail = 50.0 * (1.0 - level)
    out = []
    for row in table.itertuples():
        name = bootstrap_name(str(row.group), str(row.term), str(row.term2))
        if name not in draws.columns:
            raise InputError(f"the bootstrap has no column {name!r}")
        low, high = np.nanpercentile(draws[name], [tail, 100.0 - tail])
        out.append((float(low), float(high)))
    return out


def bootstrap_name(group: str, term: str, term2: str) -> str:
    """Column of a spread or correlation in the table of refits."""
    if group == "Residual":
        return "sigma"
    return f"cor_{group}_{term}_{term2}" if term2 else f"sd_{group}_{term}"


def standardised(fit: Estimates, term: str, *, by: str = "total", level: float = 0.95) -> Effect:
    """A coefficient divided by a standard deviation (Cohen's d for a two-level factor).

    Parameters
    ----------
    fit : Estimates
    term : str
    by : {"total", "residual"}
        The square root of the mean variance of an observation, or of the residual variance.
    level : float

    Notes
    -----
    The interval is that of the noncentrality of the term's t statistic with its degrees of freedom,
    turned into standard deviations by the ratio of standard error to standard deviation; the
    uncertainty of that ratio is not in it.
    """
    fit.engine.allow("a standardised effect")
    share(level)
    if term not in fit.terms:
        raise InputError(f"no coefficient {term!r}; the model has: {', '.join(fit.terms)}")
    if by not in ("total", "residual"):
        raise InputError(f"by={by!r}; allowed: total, residual")
    sd = fit.sigma if by == "residual" else total_sd(fit)
    row = fit.coefficients.iloc[fit.terms.index(term)]
    t, df, scale = float(row["statistic"]), float(row["df"]), float(row["std_error"]) / sd
    tail = (1.0 - level) / 2.0
    nominal = min(df, 1e6)
    low, high = nctdtrinc(nominal, 1.0 - tail, t), nctdtrinc(nominal, tail, t)
    return Effect(
        float(row["estimate"]) / sd, float(low) * scale, float(high) * scale, level, "noncentral t"
    )


def total_sd(fit: Estimates) -> float:
    """Root of the mean variance of an observation, tr(V) / N."""
    return float(np.sqrt(fit.engine.total_variance(fit)))
