"""Tests of terms and models, shares of variance and refits of a model of counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from retrostats.common.arrays import check_seed, real_array, whole_number
from retrostats.common.errors import InputError, NotConverged
from retrostats.models.counts.design import Formulated, Linear
from retrostats.models.counts.family import Array
from retrostats.models.counts.intervals import root
from retrostats.models.counts.model import Model
from retrostats.models.counts.random_effects import split
from retrostats.models.linear.post_estimation import anova as linear_anova
from retrostats.models.linear.post_estimation.contrasts import contrast as linear_contrast
from retrostats.models.linear.post_estimation.contrasts import likelihood_ratio
from retrostats.models.linear.post_estimation.intervals import bootstrap_name
from retrostats.models.linear.post_estimation.residuals import RSquared
from retrostats.models.linear.post_estimation.tables import Effect

if TYPE_CHECKING:
    from retrostats.models.counts.estimates import CountEstimates

_OUTSIDE = 1e-7  # share of a column's length outside a space, above which it is not in it
_LOGISTIC = math.pi**2 / 3.0  # variance of the logistic distribution
_LONGEST = 60.0  # a standard deviation on the scale of the link beyond which nothing is looked for
_CLOSE = 1e-6  # of a limit, on that scale
_FEWEST = 20


@dataclass(frozen=True, slots=True, eq=False)
class _Tested(Linear):
    """The linear predictor with the names of its terms."""

    terms: tuple[str, ...]


def _tested(fit: CountEstimates) -> Any:
    refuse_separated(fit)
    count = np.ones(fit.n_obs)
    model = Formulated(fit.design.formula, fit.design.columns, count)
    return _Tested(model, fit.beta, fit.cov_beta, fit.terms)


def refuse_separated(fit: CountEstimates) -> None:
    """Refuse what needs finite estimates.

    Raises
    ------
    InputError
    """
    if fit.separated:
        raise InputError(
            f"glmm: {', '.join(fit.separated)} has no finite estimate; fit with penalty='firth'"
        )


def contrast(
    fit: CountEstimates, weights: Mapping[str, float] | Any, null: float, level: float
) -> pd.DataFrame:
    """Test combinations of the coefficients by z, or several jointly by chi-squared."""
    table = linear_contrast(_tested(fit), weights, null=null, level=level)
    if "den_df" not in table:
        return table.drop(columns="df")
    return _chi_squared(table)


def _chi_squared(table: pd.DataFrame) -> pd.DataFrame:
    """F tests with infinite denominators as what they are."""
    names = [name for name in ("term",) if name in table]
    return table[names].assign(
        df=table["num_df"].astype(float),
        statistic=table["statistic"] * table["num_df"],
        p_value=table["p_value"],
    )


def anova(fit: CountEstimates, kind: str = "III") -> pd.DataFrame:
    """Wald chi-squared tests of every term, as car's Anova.

    Parameters
    ----------
    fit : CountEstimates
    kind : {"II", "III"}
        After all terms that are no product of it with others (numbers too, as in car; SAS keeps
        those), or all others kept with factors that sum to zero.

    Returns
    -------
    DataFrame
        term, df, statistic, p_value.

    References
    ----------
    Fox and Weisberg (2019), An R Companion to Applied Regression, section 6.9.
    """
    if kind not in ("II", "III"):
        raise InputError(
            f"kind={kind!r}; allowed for counts: II, III (their terms have no order by which sums "
            "of squares would be taken one after the other)"
        )
    tested = _tested(fit)
    if kind == "III":
        return _chi_squared(linear_anova.anova(tested, "III"))
    terms = [term for term in fit.design.formula.fixed if term]
    if not terms:
        raise InputError(f"{fit.formula!r} has an intercept only; there is no term to test")
    places = linear_anova.places_of(tested)
    rows = []
    for term in terms:
        larger = [t for t in terms if set(term) < set(t)]
        above = np.concatenate([places[t] for t in larger]) if larger else np.empty(0, int)
        both = np.concatenate([places[term], above])
        statistic = max(0.0, _wald(fit, both) - _wald(fit, above))
        df = len(places[term])
        rows.append((":".join(term), float(df), statistic, float(chdtrc(df, statistic))))
    return pd.DataFrame(rows, columns=["term", "df", "statistic", "p_value"])


def _wald(fit: CountEstimates, at: Any) -> float:
    """Chi-squared of the hypothesis that some coefficients are 0."""
    if not len(at):
        return 0.0
    value = fit.beta[at]
    return float(value @ np.linalg.solve(fit.cov_beta[np.ix_(at, at)], value))


def compare(first: CountEstimates, second: CountEstimates) -> pd.DataFrame:
    """Likelihood-ratio test of two nested models of the same counts.

    A variance of 0 is on the border, where half of the chi-squared's p-value is nearer the truth
    (Self and Liang 1987, Journal of the American Statistical Association 82:605).

    Raises
    ------
    InputError
        The counts, families or quadratures differ, a fit is penalised, or no model holds the other.
    """
    if not hasattr(second, "design"):
        raise InputError(
            f"a model of counts is compared with another, found {type(second).__name__}"
        )
    one, two = first.model, second.model
    same = first.n_obs == second.n_obs and np.array_equal(one.family.y, two.family.y)
    if not same or not _same_trials(first, second):
        raise InputError("the models are of different counts; fit both to the same rows")
    if first.family != second.family and "binomial" in (first.family, second.family):
        raise InputError(f"the families differ: {first.family} and {second.family}")
    if one.jeffreys is not None or two.jeffreys is not None:
        raise InputError(
            "a penalised likelihood is not compared; fit without penalty=, or look at conf_int"
        )
    if first.n_agq != second.n_agq:
        raise InputError(f"n_agq differs: {first.n_agq} and {second.n_agq}; take the same")
    small, large = sorted((first, second), key=lambda fit: fit.n_parameters)
    extra = large.n_parameters - small.n_parameters
    families = large.family in (small.family, "negative-binomial")
    if not (extra and families and _holds(large.model, small.model)):
        raise InputError(
            f"the models are not nested: {large.formula!r} does not hold all of {small.formula!r}; "
            "compare their aic"
        )
    return likelihood_ratio(small, large, extra)


def _same_trials(first: CountEstimates, second: CountEstimates) -> bool:
    one, two = first.design.trials, second.design.trials
    return one is two if one is None or two is None else np.array_equal(one, two)


def _holds(large: Model, small: Model) -> bool:
    """Whether the columns, offsets and random terms of one model are among the other's."""
    rest = small.x - large.x @ np.linalg.lstsq(large.x, small.x, rcond=None)[0]
    fixed = np.abs(rest).max() <= _OUTSIDE * np.abs(small.x).max()
    groups = {part.group: set(part.effects) for part in large.parts}
    random = all(set(part.effects) <= groups.get(part.group, set()) for part in small.parts)
    return bool(fixed and random and np.allclose(large.offset, small.offset))


def shares(fit: CountEstimates) -> dict[str, float]:
    """Variances on the scale of the link: of the fixed part, each group, and of counting.

    The variance of counting is pi^2 / 3 after a logit, and log(1 + 1 / mean + alpha) after a
    logarithm, with the mean count of an average row (lognormal approximation).

    References
    ----------
    Nakagawa, Johnson and Schielzeth (2017), Journal of the Royal Society Interface 14:20170213.
    """
    refuse_separated(fit)
    out = {"fixed": float(np.var(fit.model.x @ fit.beta, ddof=1))}
    for part, theta in zip(fit.parts, split(fit.theta, fit.parts), strict=True):
        own = part.values @ part.factor(theta)
        out[part.group] = out.get(part.group, 0.0) + float((own**2).sum(axis=1).mean())
    random = sum(value for name, value in out.items() if name != "fixed")
    if fit.link == "logit":
        out["distribution"] = _LOGISTIC
    else:
        centre = float(np.exp(np.mean(fit.model.offset + fit.model.x @ fit.beta) + random / 2.0))
        alpha = fit.alpha if np.isfinite(fit.alpha) else 0.0
        out["distribution"] = math.log1p(1.0 / centre + alpha)
    return out


def r_squared(fit: CountEstimates) -> RSquared:
    """Shares of the variance on the scale of the link; see `shares`."""
    found = shares(fit)
    total = sum(found.values())
    return RSquared(found["fixed"] / total, 1.0 - found["distribution"] / total)


def icc(fit: CountEstimates, group: str | None, level: float) -> Effect:
    """Share of a group in the variance of groups and counting; limits from those of its spread.

    Raises
    ------
    InputError
        Several groups and none named, or a model without random terms.
    """
    found = shares(fit)
    groups = [name for name in found if name not in ("fixed", "distribution")]
    if (group is None and len(groups) != 1) or (group is not None and group not in groups):
        raise InputError(f"icc group={group!r}; the model has: {', '.join(groups) or 'none'}")
    name = groups[0] if group is None else group
    random = sum(found[g] for g in groups)
    estimate = found[name] / (random + found["distribution"])
    if len(fit.theta) != 1 or fit.maximum.scale is not None:
        return Effect(estimate, math.nan, math.nan, level, "no interval of several variances")
    ends = [v**2 / (v**2 + found["distribution"]) if math.isfinite(v) else 1.0
            for v in spread_limits(fit, level)]  # fmt: skip
    return Effect(estimate, ends[0], ends[1], level, "profile likelihood of the group's spread")


def spread_limits(fit: CountEstimates, level: float) -> tuple[float, float]:
    """Profile-likelihood limits of the standard deviation of the only random term.

    Raises
    ------
    InputError
        Several variances, or a dispersion beside it.
    """
    from scipy.special import chdtri

    if len(fit.theta) != 1 or fit.maximum.scale is not None:
        raise InputError(
            "conf_int which='random' by profile is of one scalar random term, as (1 | group); use "
            "method='bootstrap'"
        )
    critical = float(chdtri(1, 1 - level))
    best = fit.loglik

    def excess(theta: float) -> float:
        held = fit.model.holding(np.array([theta]), None)
        return 2.0 * (best - held.maximise().loglik) - critical

    at = float(fit.theta[0])
    low = 0.0
    if at > 0 and excess(0.0) > 0:
        low = root(excess, at, 0.0, _CLOSE)
    high = max(2.0 * at, 0.1)
    while excess(high) < 0:
        high *= 2.0
        if high > _LONGEST:
            return low, math.inf
    return low, root(excess, max(at, 1e-8), high, _CLOSE)


def spreads(fit: CountEstimates, theta: Array) -> list[tuple[str, float]]:
    """Standard deviations of the random effects by name, at some theta."""
    out = []
    for part, own in zip(fit.parts, split(theta, fit.parts), strict=True):
        factor = part.factor(own)
        for effect, value in zip(part.effects, np.diag(factor @ factor.T), strict=True):
            out.append((bootstrap_name(part.group, effect, ""), math.sqrt(float(value))))
    return out


def random_intervals(
    fit: CountEstimates, method: str, level: float, draws: int, seed: int | np.random.Generator
) -> pd.DataFrame:
    """Intervals of the standard deviations of the random effects.

    Raises
    ------
    InputError
        No random term, another method than "profile" or "bootstrap", or too few draws.
    """
    names = spreads(fit, fit.theta)
    if not names:
        raise InputError(f"{fit.formula!r} has no random term")
    if method == "wald":
        raise InputError(
            "conf_int which='random' method='wald': a variance has no symmetric interval; allowed: "
            "profile, bootstrap"
        )
    if method == "profile":
        ends = np.array([spread_limits(fit, level)])
    else:
        table = bootstrap(fit, draws, seed)
        tail = 50.0 * (1.0 - level)
        ends = np.nanpercentile(table[[n for n, _ in names]], [tail, 100.0 - tail], axis=0).T
    return pd.DataFrame(
        {
            "term": [name for name, _ in names],
            "estimate": [value for _, value in names],
            "conf_low": ends[:, 0],
            "conf_high": ends[:, 1],
        }
    )


def bootstrap(fit: CountEstimates, draws: int, seed: int | np.random.Generator) -> pd.DataFrame:
    """Refits to events drawn from the fit: a row a draw, fixed effects and standard deviations.

    NaN where a refit had no answer.

    Raises
    ------
    InputError
        Fewer than 20 draws, or counts that separate.
    """
    refuse_separated(fit)
    whole_number(draws, "draws", _FEWEST)
    check_seed(seed)
    names = [name for name, _ in spreads(fit, fit.theta)]
    out = np.full((draws, len(fit.beta) + len(names)), np.nan)
    events = fit.model.draw(fit.maximum, draws, np.random.default_rng(seed))
    for i, row in enumerate(events):
        try:
            found = fit.model.drawn(row).maximise(fit.maximum)
        except NotConverged:
            continue
        values = spreads(fit, found.theta) if np.isfinite(found.theta).all() else []
        out[i, : len(fit.beta)] = found.beta
        if values:
            out[i, len(fit.beta) :] = [value for _, value in values]
    return pd.DataFrame(out, columns=[*fit.terms, *names])


def new_events(fit: CountEstimates, data: Any) -> Model:
    """The model with other events (N,) of the rows fitted.

    Raises
    ------
    InputError
        Not as many whole numbers as rows.
    """
    events = real_array(data, "the new events")
    if events.shape != (fit.n_obs,) or (events < 0).any() or (events != np.round(events)).any():
        raise InputError(
            f"the new events need {fit.n_obs} whole numbers that are not negative; fit other rows "
            "with glmm"
        )
    size = fit.design.trials
    if size is not None and (events > size).any():
        raise InputError("the new events are more than the trials of their row")
    return fit.model.drawn(events)
