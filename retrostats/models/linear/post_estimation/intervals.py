"""Intervals of variance components, the intraclass correlation and standardised effects."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.linalg import LinAlgError
from scipy.optimize import brentq
from scipy.special import chdtri, nctdtrinc

from retrostats.common.arrays import one_of, share
from retrostats.common.errors import InputError
from retrostats.models.linear.blocks.directions import relative_factor
from retrostats.models.linear.blocks.working import working_gram
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.criterion import evaluate, level_at
from retrostats.models.linear.post_estimation.components import component_table
from retrostats.models.linear.post_estimation.profile_limits import spread_limits
from retrostats.models.linear.post_estimation.shares import share_of
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


def _bounds(
    profile: Callable[[float], float],
    estimate: float,
    best: float,
    level: float,
    low: float,
    high: float,
) -> tuple[float, float]:
    """Where the profile crosses the quantile on both sides of the estimate, within [low, high]."""
    target = best + float(chdtri(1, 1.0 - level))

    def excess(value: float) -> float:
        return profile(value) - target

    scale = max(abs(estimate), 1e-3)
    if np.isfinite(high):
        upper = high - 1e-6
    else:
        upper = estimate + scale
        while excess(upper) < 0 and upper < 1e12 * scale:
            upper = estimate + 2.0 * (upper - estimate)
    floor = low + 1e-6 * (1.0 if np.isfinite(high) else scale)
    conf_low, conf_high = low, high
    if estimate > floor and excess(floor) > 0:
        conf_low = brentq(excess, floor, estimate, xtol=1e-7, rtol=1e-7)
    if excess(upper) > 0:
        conf_high = brentq(excess, max(estimate, floor), upper, xtol=1e-7, rtol=1e-7)
    return float(conf_low), float(conf_high)


def icc(fit: Estimates, *, group: str | None = None, level: float = 0.95) -> Effect:
    """Intraclass correlation, with a profile interval: the share of one random intercept.

    The criterion of the fit itself (REML or ML) is profiled. With one random intercept the
    correlation is a monotone function of the ratio of the variances; with several, `group` says
    whose share of the whole variance is meant.

    Raises
    ------
    InputError
        A random term is no intercept, or the group is unknown or left open among several.
    """
    share(level)
    gram = fit.model.gram
    if gram.sizes != (1,) or fit.model.groups[0][1] != ("(Intercept)",):
        return _shares(fit, group, level)
    if group not in (None, fit.model.groups[0][0]):
        raise InputError(f"group={group!r}; allowed: {fit.model.groups[0][0]}")
    psi = float(fit.theta[0]) if gram.signed else float(fit.theta[0]) ** 2

    def profile(ratio: float) -> float:
        value = ratio if gram.signed else np.sqrt(max(ratio, 0.0))
        try:
            return level_at(gram, np.array([value]), reml=fit.reml)[0]
        except LinAlgError:
            return 1e12

    widest = max(float(s.zz.max()) for s in gram.stacks)
    lowest = -1.0 / widest if gram.signed else 0.0
    low, high = _bounds(profile, psi, fit.optimum.point.deviance, level, lowest, np.inf)
    return Effect(_ratio(psi), _ratio(low), _ratio(high), level, "profile likelihood")


def _shares(fit: Estimates, group: str | None, level: float) -> Effect:
    def deviance(theta: FloatArray) -> tuple[float, FloatArray]:
        point = evaluate(fit.optimum.gram, theta, reml=fit.reml)
        return point.deviance, point.gradient

    return share_of(fit, group, deviance, working_gram(fit.model.gram)[1], level)


def _ratio(psi: float) -> float:
    return psi / (1.0 + psi)


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


def total_variance(fit: Estimates) -> float:
    """Mean variance of an observation, tr(V) / N, from the crossproducts of blocks."""
    gram = fit.model.gram
    extra = 0.0
    for s in gram.stacks:
        if gram.signed:
            psi = np.zeros(s.zz.shape[1:])
            psi[s.rows, s.cols] = fit.theta[s.theta]
        else:
            lam = relative_factor(s, fit.theta)
            psi = lam @ lam.T
        extra += float(np.tensordot(s.n, s.zz @ psi, axes=1).trace())
    return fit.optimum.point.sigma2 * (1.0 + extra / gram.n_obs)
