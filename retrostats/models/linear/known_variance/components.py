"""Variance components of a fit with known residual variances: table, profiles, predictions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from retrostats.common.errors import NotConverged
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.formula.design import RandomDesign
from retrostats.models.linear.known_variance.covariance import Array, Covariance, of_stacks
from retrostats.models.linear.known_variance.criterion import factors, precisions, solved
from retrostats.models.linear.known_variance.model import KnownModel, _stacks
from retrostats.models.linear.known_variance.optimise import Optimum, minimise
from retrostats.models.linear.post_estimation.components import (
    COMPONENT,
    Component,
    components_of,
)

if TYPE_CHECKING:
    from retrostats.models.linear.linear_fit import LinearFit

#: Where a profile is flat, the search for a limit ends at this many units of variance.
_WIDEST = 1e6


def _ordered(fit: LinearFit) -> list[int]:
    """Terms in the order of the formula, outer groups before those nested in them."""
    return sorted(range(len(fit.model.random)), key=lambda t: len(fit.model.random[t].factors))


def covariances(fit: LinearFit) -> list[Array]:
    """Covariance matrix (r, r) of each random term, in the formula's order."""
    return [f @ f.T for f in factors(fit.model.sizes, fit.optimum.theta)]


def labels(term: RandomDesign) -> list[str]:
    """Names of a term's variances."""
    if len(term.effects) == 1 and term.effects[0] == "(Intercept)":
        return [term.group]
    return [f"{term.group} {effect}" for effect in term.effects]


def spread_names(fit: LinearFit) -> list[str]:
    """Names of the standard deviations, in the order of `profile`."""
    terms = (fit.model.random[t] for t in _ordered(fit))
    return [f"sd_{term.group}_{effect}" for term in terms for effect in term.effects]


def variances(fit: LinearFit) -> pd.Series[float]:
    """Variances by random term."""
    matrices = covariances(fit)
    names, values = [], []
    for t in _ordered(fit):
        names += labels(fit.model.random[t])
        values += np.diag(matrices[t]).tolist()
    numbers = np.array(values, dtype=float)
    return pd.Series(numbers, index=pd.Index(names, name="term"), name="sigma2")


def component_table(fit: LinearFit) -> pd.DataFrame:
    """Variances, then covariances, a term at a time."""
    rows: list[Component] = []
    matrices = covariances(fit)
    for t in _ordered(fit):
        term = fit.model.random[t]
        rows += components_of(term.group, term.effects, matrices[t])
    return pd.DataFrame(rows, columns=COMPONENT)


def profile(fit: LinearFit, *, level: float = 0.95) -> pd.DataFrame:
    """Profile intervals of the variances.

    The criterion of the fit (REML or ML), minimised over all other parameters, has risen at a
    limit by the chi-squared quantile; a limit that the criterion never reaches is 0 below and
    infinite above.

    Returns
    -------
    DataFrame
        term, estimate (a variance), conf_low, conf_high.
    """
    from scipy.special import chdtri

    rise = float(chdtri(1, 1 - level))
    rows = []
    for t in _ordered(fit):
        term = fit.model.random[t]
        for effect, label in enumerate(labels(term)):
            rows.append((label, *_limits(fit, t, effect, rise)))
    return pd.DataFrame(rows, columns=["term", "estimate", "conf_low", "conf_high"])


def profile_at(fit: LinearFit, number: int, variance: Array) -> Array:
    """Rise of the criterion (g,) at values (g,) of one variance, all else at its best.

    `number` counts the rows of `profile`.
    """
    places = [(t, e) for t in _ordered(fit) for e in range(len(fit.model.random[t].effects))]
    _, rise = _held_at(fit, *places[number])
    return np.array([rise(float(sd)) for sd in np.sqrt(variance)])


def _held_at(fit: LinearFit, t: int, effect: int) -> tuple[float, Callable[[float], float]]:
    """A standard deviation, and the rise of the criterion where it is held at a value."""
    model, position = _effect_first(fit.model, t, effect)
    best = fit.optimum if model is fit.model else minimise(model, reml=fit.reml)
    fixed = np.zeros(len(best.theta), dtype=bool)
    fixed[position] = True

    def rise(sd: float) -> float:
        start = best.theta.copy()
        start[position] = sd
        held: Optimum = minimise(model, reml=fit.reml, start=start, fixed=fixed)
        return held.point.deviance - best.point.deviance

    return float(best.theta[position]), rise


def _limits(fit: LinearFit, t: int, effect: int, rise: float) -> tuple[float, float, float]:
    from scipy.optimize import brentq

    at, deviance_rise = _held_at(fit, t, effect)

    def gap(sd: float) -> float:
        return deviance_rise(sd) - rise

    unit = max(at, float(np.sqrt(fit.model.r.variance.mean())))
    low = 0.0
    if at > 0 and gap(0.0) > 0:
        low = float(brentq(gap, 0.0, at, xtol=1e-10 * unit, rtol=1e-10)) ** 2
    high = at + 0.5 * unit
    while gap(high) < 0:
        high *= 2
        if high > _WIDEST * unit:
            return at**2, low, float("inf")
    try:
        top = float(brentq(gap, at, high, xtol=1e-10 * unit, rtol=1e-10)) ** 2
    except ValueError as error:  # gap(at) is -rise unless the fit was not the minimum
        raise NotConverged(f"profile of {labels(fit.model.random[t])[effect]}: {error}") from None
    return at**2, low, top


def _effect_first(model: KnownModel, t: int, effect: int) -> tuple[KnownModel, int]:
    """The model with one effect first in its term, whose factor's first entry is then its SD."""
    position = sum(r * (r + 1) // 2 for r in model.sizes[:t])
    if effect == 0:
        return model, position
    term = model.random[t]
    order = [effect, *(e for e in range(len(term.effects)) if e != effect)]
    effects = tuple(term.effects[e] for e in order)
    turned = replace(term, values=term.values[:, order], effects=effects)
    random = tuple(turned if i == t else other for i, other in enumerate(model.random))
    stacks = _stacks(model.y, model.x, model.r, random)
    return replace(model, random=random, stacks=stacks), position


def working_covariance(model: KnownModel, gamma: Array) -> Covariance:
    """V (n, n), rows in the order of the data."""
    stacks = [(s.rows, s.r + np.tensordot(gamma, s.g, 1)) for s in model.stacks]
    return of_stacks(len(model.y), stacks)


def ranef(fit: LinearFit) -> pd.DataFrame:
    """Best linear unbiased predictions: group, level (its code), effect, estimate, std_error.

    b = Gamma Z'P y; the standard error is that of prediction, Gamma - Gamma Z'P Z Gamma
    (Henderson 1975, Biometrics 31:423), with P = V^-1 - V^-1 X phi X'V^-1.
    """
    parts = precisions(fit.model, fit.optimum.gamma)
    whole = solved(fit.model, parts)
    wx, u = whole[:, :-1], whole[:, -1] - whole[:, :-1] @ fit.optimum.point.beta
    tables = []
    for term, covariance in zip(fit.model.random, covariances(fit), strict=True):
        zwx = _by_level(term, wx)
        zpz = _within_levels(fit.model, parts, term) - zwx @ fit.cov_unadjusted @ np.swapaxes(
            zwx, 1, 2
        )
        variance = np.diag(covariance) - np.diagonal(covariance @ zpz @ covariance, 0, 1, 2)
        columns = {
            "group": term.group,
            "level": np.repeat(np.arange(term.n_levels), len(term.effects)),
            "effect": list(term.effects) * term.n_levels,
            "estimate": (_by_level(term, u[:, None])[..., 0] @ covariance).ravel(),
            "std_error": np.sqrt(np.maximum(variance, 0.0)).ravel(),
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def _by_level(term: RandomDesign, values: FloatArray) -> Array:
    """Z'values of each level (levels, r, c), of values (n, c)."""
    out = np.zeros((term.n_levels, term.values.shape[1], values.shape[1]))
    np.add.at(out, term.levels, term.values[:, :, None] * values[:, None, :])
    return out


def _within_levels(
    model: KnownModel, parts: list[tuple[Array, Array]], term: RandomDesign
) -> Array:
    """Z'V^-1 Z of each level (levels, r, r)."""
    turned = np.zeros_like(term.values)  # V^-1 Z, of the row's own level
    for s, (inverse, _) in zip(model.stacks, parts, strict=True):
        real, at = s.rows >= 0, np.maximum(s.rows, 0)
        level = np.where(real, term.levels[at], -1)
        same = level[:, :, None] == level[:, None, :]
        turned[s.rows[real]] = ((inverse * same) @ term.values[at])[real]
    return _by_level(term, turned)
