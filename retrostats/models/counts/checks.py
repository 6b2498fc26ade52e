"""Whether a model of counts fits: simulated residuals, dispersion, zeros, outliers, influence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binom, kstest, spearmanr

from retrostats.common.arrays import whole_number
from retrostats.common.errors import InputError, NotConverged
from retrostats.models.counts.family import Array
from retrostats.models.counts.model import Model
from retrostats.models.counts.modes import ranef
from retrostats.models.counts.overdispersion import overdispersion
from retrostats.models.counts.predict import residual_table, simulate
from retrostats.models.linear.formula.design import model_blocks
from retrostats.models.linear.post_estimation.checks import (
    ALARM,
    COLUMNS,
    FINE,
    LOOK,
    UNKNOWN,
    Check,
    Finding,
    collinearity,
    inflation_of,
    influence,
    normality,
    outlier,
)

if TYPE_CHECKING:
    from retrostats.models.counts.estimates import CountEstimates

_FEWEST = 100  # simulations
_MOST_GROUPS = 300  # that are left out one by one


def check(fit: CountEstimates, *, draws: int = 250, seed: int = 1) -> Check:
    """Check a model of counts by data simulated from it, with a sentence each, as DHARMa does.

    Parameters
    ----------
    fit : GlmmFit
    draws : int
        Simulated data sets, random effects drawn anew.
    seed : int
        Of the simulations and of the places of ties.

    Returns
    -------
    Check

    Raises
    ------
    InputError
        Fewer than 100 draws, or counts that separate.

    References
    ----------
    Dunn and Smyth (1996), Journal of Computational and Graphical Statistics 5:236 (randomised
    quantile residuals). Hartig, DHARMa (the tests of dispersion, zeros and outliers).

    Examples
    --------
    >>> from retrostats.models.counts.fit import glmm
    >>> rows = pd.DataFrame({"team": list("aabbccdd"), "arm": ["usual", "warm-up"] * 4,
    ...                      "injuries": [9, 5, 12, 7, 6, 2, 15, 9], "hours": [100.0] * 8})
    >>> found = check(glmm("injuries ~ arm + (1 | team)", rows, exposure="hours"))
    >>> found.table["check"].tolist()[:4]
    ['simulated residuals', 'dispersion', 'dispersion in groups', 'zeros']
    """
    whole_number(draws, "draws", _FEWEST)
    if fit.separated:
        raise InputError(
            f"glmm: {', '.join(fit.separated)} has no finite estimate to simulate from; fit with "
            "penalty='firth'"
        )
    y = np.asarray(fit.model.family.y, dtype=float)
    drawn = simulate(fit, draws, seed=seed).to_numpy().T
    quantiles = simulated_residuals(y, drawn, np.random.default_rng(seed))
    expected = drawn.mean(axis=0)
    sizes = [
        b.shape[1] for b, _ in model_blocks(fit.design.formula.fixed, fit.design.columns, len(y))
    ]
    aligned = sum(sizes) == len(fit.beta)
    inflation = (
        inflation_of(fit.cov_beta, fit.design.formula.fixed, sizes)
        if aligned
        else pd.Series(dtype=float)
    )
    distances = _cook_of_groups(fit)
    found = [
        _uniformity(quantiles),
        _dispersion(y, drawn),
        _given_groups(fit),
        _zeros(y, drawn),
        _outliers(y, drawn),
        outlier(_residuals(fit)),
        _trend(expected, quantiles),
        collinearity(inflation),
    ]
    if fit.parts:
        found.append(influence(distances, fit.parts[0].group))
        for (group, term), part in ranef(fit, 0.95).groupby(["group", "term"], sort=False):
            name = f"random effects, {term} by {group}"
            found.append(normality(name, "random effects", part["estimate"].to_numpy()))
    panels: dict[str, Any] = {
        "uniform": quantiles,
        "prediction": (expected, quantiles),
        "dispersion": (_spread(y, drawn), _spreads(drawn)),
        "zeros": (float((y == 0).sum()), (drawn == 0).sum(axis=1)),
        "inflation": inflation,
        "influence": distances,
    }
    return Check(pd.DataFrame(found, columns=COLUMNS), panels)


def simulated_residuals(y: Array, drawn: Array, rng: np.random.Generator) -> Array:
    """Share of the simulations (draws, N) below each observation (N,), ties broken at random.

    Uniform on 0 to 1 where the model is true: the observation is one more draw from it.
    """
    draws = len(drawn)
    below, same = (drawn < y).sum(axis=0), (drawn == y).sum(axis=0)
    return np.asarray((below + rng.random(len(y)) * (same + 1)) / (draws + 1))


def _uniformity(quantiles: Array) -> Finding:
    statistic, p = kstest(quantiles, "uniform")
    said = (
        f"observations lie among their simulations as they should (Kolmogorov-Smirnov p = {p:.3g})"
        if p >= ALARM
        else f"observations do not lie among their simulations as they should (p = {p:.3g}); see "
        "dispersion and zeros, or a term that is missing"
    )
    verdict = FINE if p >= ALARM else LOOK
    return Finding("simulated residuals", "D", float(statistic), float(p), verdict, said)


def _spread(y: Array, drawn: Array) -> float:
    """Variance of the observations about the simulations' mean."""
    return float(np.var(y - drawn.mean(axis=0), ddof=1))


def _spreads(drawn: Array) -> Array:
    return np.asarray(np.var(drawn - drawn.mean(axis=0), axis=1, ddof=1))


def _two_sided(value: float, drawn: Array) -> float:
    """Share of simulations as far out, the observation counted as one of them."""
    above = (1 + int((drawn >= value).sum())) / (1 + len(drawn))
    below = (1 + int((drawn <= value).sum())) / (1 + len(drawn))
    return min(1.0, 2.0 * min(above, below))


def _dispersion(y: Array, drawn: Array) -> Finding:
    spreads = _spreads(drawn)
    value = _spread(y, drawn)
    ratio, p = value / float(spreads.mean()), _two_sided(value, spreads)
    if p >= ALARM:
        said = f"spread {ratio:.2f} times that of the simulations (p = {p:.3g}): as expected"
    elif ratio > 1:
        said = (
            f"spread {ratio:.2f} times that of the simulations (p = {p:.3g}): more than the model "
            "allows; family='negative-binomial' or overdispersion='observation'"
        )
    else:
        said = (
            f"spread {ratio:.2f} times that of the simulations (p = {p:.3g}): less than the model "
            "says; its intervals are too wide"
        )
    return Finding("dispersion", "ratio", ratio, p, FINE if p >= ALARM else LOOK, said)


def _given_groups(fit: CountEstimates) -> Finding:
    """The same given the random effects, which hides less where groups differ much."""
    name = "dispersion in groups"
    try:
        found = overdispersion(fit)
    except InputError as reason:
        return Finding(name, "ratio", np.nan, np.nan, UNKNOWN, str(reason))
    verdict = FINE if found.p_value >= ALARM else LOOK
    said = f"Pearson {found.ratio:.2f} times what is expected (p = {found.p_value:.3g}): "
    return Finding(name, "ratio", found.ratio, found.p_value, verdict, said + found.advice)


def _zeros(y: Array, drawn: Array) -> Finding:
    found, expected = float((y == 0).sum()), (drawn == 0).sum(axis=1)
    mean, p = float(expected.mean()), _two_sided(found, expected)
    ratio = found / mean if mean > 0 else (np.inf if found else 1.0)
    said = f"{found:.0f} zeros, {mean:.1f} expected (p = {p:.3g})"
    if p < ALARM and found > mean:
        said += ": more than the model has; a negative binomial may have them, zero inflation is "
        said += "not here"
    elif p < ALARM:
        said += ": fewer than the model has"
    return Finding("zeros", "ratio", float(ratio), p, FINE if p >= ALARM else LOOK, said)


def _outliers(y: Array, drawn: Array) -> Finding:
    """Observations beyond all of their simulations: each end has one chance in draws + 1."""
    out = (y > drawn.max(axis=0)) | (y < drawn.min(axis=0))
    count, chance = int(out.sum()), 2.0 / (len(drawn) + 1)
    p = float(binom.sf(count - 1, len(y), chance))
    rows = ", ".join(map(str, np.flatnonzero(out)[:5]))
    said = f"{count} of {len(y)} rows lie beyond all simulations (p = {p:.3g})"
    said += f": row {rows}; check their values" if p < ALARM else ""
    return Finding(
        "beyond simulations", "rows", float(count), p, FINE if p >= ALARM else LOOK, said
    )


def _residuals(fit: CountEstimates) -> Array:
    """Deviance residuals given the random effects, near to normal; Pearson's where there are none.

    A residual of -inf, of no event where many are certain, is as far out as there is.
    """
    table = residual_table(fit)
    kind = "deviance" if "deviance" in table else "pearson"
    return np.asarray(np.nan_to_num(table[kind].to_numpy(dtype=float), nan=0.0))


def _trend(expected: Array, quantiles: Array) -> Finding:
    """Whether residuals drift with what is expected: a straight line would miss a bend."""
    name = "residuals and prediction"
    if not np.ptp(expected) > 0:
        return Finding(name, "rho", np.nan, np.nan, FINE, "all expectations are the same")
    level = spearmanr(expected, quantiles)
    spread = spearmanr(expected, np.abs(quantiles - 0.5))
    p = min(1.0, 2.0 * min(float(level.pvalue), float(spread.pvalue)))
    which = level if level.pvalue <= spread.pvalue else spread
    said = f"residuals do not change with the prediction (p = {p:.3g})"
    if p < ALARM:
        said = f"residuals change with the prediction (p = {p:.3g}): a term or a bend is missing"
    verdict = FINE if p >= ALARM else LOOK
    return Finding(name, "rho", float(which.statistic), p, verdict, said)


def _cook_of_groups(fit: CountEstimates) -> pd.Series[float]:
    """Cook's distance of each level of the first random term, variances held."""
    if not fit.parts:
        return pd.Series(dtype=float)
    part = fit.parts[0]
    if part.n_levels > _MOST_GROUPS:
        return pd.Series(dtype=float)
    held = fit.model.holding(fit.theta, fit.maximum.scale)
    precision = np.linalg.inv(fit.cov_beta)
    effects = ranef(fit, 0.95)
    labels = effects[effects["group"] == part.group]["level"].unique()
    out = {}
    for group in range(part.n_levels):
        away = fit.beta - _without(held, np.asarray(part.levels) != group)
        finite = np.isfinite(away).all()
        value = float(away @ precision @ away / len(away)) if finite else np.inf
        out[str(labels[group])] = value
    return pd.Series(out, dtype=float)


def _without(model: Model, keep: NDArray[np.bool_]) -> Array:
    """Fixed effects of the rows kept; NaN where they do not determine them."""
    x = model.x[keep]
    if np.linalg.matrix_rank(x) < x.shape[1]:
        return np.full(x.shape[1], np.nan)
    jeffreys = None if model.jeffreys is None else model.jeffreys[keep]
    rest = replace(
        model, family=model.family.take(keep), x=x, offset=model.offset[keep],
        parts=tuple(part.take(keep) for part in model.parts), jeffreys=jeffreys, separated=None,
    )  # fmt: skip
    try:
        return rest.maximise().beta
    except NotConverged:
        return np.full(x.shape[1], np.nan)
