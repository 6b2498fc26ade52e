"""Predictions, fitted values and residuals of a model of counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy.special import xlogy
from scipy.stats import norm

from retrostats.common.arrays import check_seed, share, table_column, whole_number
from retrostats.common.deprecated import warn_renamed
from retrostats.common.errors import InputError
from retrostats.models.counts.design import Formulated, Linear
from retrostats.models.counts.family import Array
from retrostats.models.counts.modes import CountModes, family_at, level_matrix, modes_of
from retrostats.models.counts.random_effects import split
from retrostats.models.linear.post_estimation.backtransform import scale_of_link

if TYPE_CHECKING:
    from retrostats.models.counts.estimates import CountEstimates

Type = Literal["link", "response"]
COLUMNS = ("estimate", "std_error", "conf_low", "conf_high")
RESIDUALS = ("deviance", "pearson", "response")


def predict(
    fit: CountEstimates,
    newdata: pd.DataFrame | None = None,
    *,
    random: bool = True,
    type: Type = "response",
    allow_new_levels: bool = False,
    level: float = 0.95,
) -> pd.DataFrame:
    """Expected events of each row, or the probability of one in a trial, with Wald limits.

    The limits are made on the scale of the linear predictor and transformed. With `random=False`
    the random effects are 0: the typical group, not the mean over groups.
    """
    scale = scale_of_link(fit.link, type)
    share(level)
    modes = modes_of(fit) if random and fit.parts else None
    if newdata is None:
        values = [part.values for part in fit.parts]
        levels = [np.asarray(part.levels) for part in fit.parts]
        numbers = _numbers(fit, fit.model.x, fit.model.offset, values, levels, modes)
        index, whole = fit.design.index, np.ones(fit.n_obs, dtype=bool)
    else:
        if not isinstance(newdata, pd.DataFrame):
            found = newdata.__class__.__name__
            raise InputError(f"newdata is a {found}; a DataFrame is needed")
        numbers, whole = _new(fit, newdata, modes, random, allow_new_levels)
        index = newdata.index
    eta, error = numbers
    half = norm.isf((1 - level) / 2) * error
    shown = np.column_stack([eta, error, eta - half, eta + half])
    if scale.back:
        shown = scale.inverse(shown)
        shown[:, 1] = scale.slope(eta) * error
    out = pd.DataFrame(np.nan, index=index, columns=list(COLUMNS))
    out.iloc[np.flatnonzero(whole)] = shown
    return out


def _new(
    fit: CountEstimates,
    newdata: pd.DataFrame,
    modes: CountModes | None,
    random: bool,
    new_levels: bool,
) -> tuple[tuple[Array, Array], Any]:
    """Linear predictor and error of the complete new rows, and which rows are complete."""
    from retrostats.models.linear.formula.design import model_matrix, offset_values
    from retrostats.models.linear.post_estimation.predict import new_columns, new_term

    design = fit.design
    if len(design.random) < len(fit.parts) and random:
        raise InputError(
            "newdata: a new row has no effect of an observation; predict with random=False"
        )
    linear: Any = Linear(Formulated(design.formula, design.columns), fit.beta, fit.cov_beta)
    columns, whole = new_columns(linear, newdata, random)
    amount = np.ones(len(newdata))
    if design.exposure:
        if design.exposure not in newdata:
            raise InputError(
                f"newdata: no column {design.exposure!r}, the exposure; write 1 for a rate"
            )
        amount = table_column(newdata, design.exposure, "newdata")
        if not (amount[~np.isnan(amount)] > 0).all():
            raise InputError(f"newdata: column {design.exposure!r} must be above 0 in every row")
        seen = whole & ~np.isnan(amount)
        columns = {name: _taken(column, seen[whole]) for name, column in columns.items()}
        whole = seen
    n = int(whole.sum())
    matrix = model_matrix(design.formula.fixed, columns, n, design.columns)[0]
    x = np.asarray(matrix, dtype=np.float64)
    shift = offset_values(design.formula, columns, n)
    offset: Array = np.log(amount[whole]) + (0.0 if shift is None else shift)
    terms = [
        new_term(linear, term, i, columns, n, known=new_levels or not random)
        for i, term in enumerate(design.random)
    ]
    values = [np.asarray(term.values, dtype=float) for term in terms]
    levels = [np.asarray(term.levels) for term in terms]
    return _numbers(fit, x, offset, values, levels, modes), whole


def _taken(column: Any, rows: Any) -> Any:
    """The chosen rows of a column, the levels of a factor as they were."""
    from retrostats.models.linear.formula.columns import Factor

    return Factor(column.codes[rows], column.levels) if isinstance(column, Factor) else column[rows]


def _numbers(
    fit: CountEstimates, x: Array, offset: Array, values: list[Array], levels: list[Any],
    modes: CountModes | None,
) -> tuple[Array, Array]:  # fmt: skip
    """Linear predictor (n,) and its error; a level not seen adds the variance of its term."""
    from scipy import sparse

    eta = x @ fit.beta + offset
    if modes is None:
        return eta, np.sqrt(np.einsum("ij,jk,ik->i", x, fit.cov_beta, x))
    blocks = [
        level_matrix(v, at, part.n_levels)
        for v, at, part in zip(values, levels, fit.parts, strict=True)
    ]
    z = sparse.csr_matrix(sparse.hstack(blocks))
    eta = eta + z @ modes.values
    if modes.inner is None or modes.carried is None:
        return eta, np.full(len(x), np.nan)
    away = x + z @ modes.carried
    variance = np.einsum("ij,jk,ik->i", away, fit.cov_beta, away)
    variance += np.asarray((z @ modes.inner) * z.toarray()).sum(axis=1)
    for v, at, part, theta in zip(values, levels, fit.parts,
                                  split(fit.maximum.theta, fit.parts), strict=True):  # fmt: skip
        own = v @ part.factor(theta)
        variance += np.where(np.asarray(at) < 0, (own**2).sum(axis=1), 0.0)
    return eta, np.sqrt(variance)


def residuals(fit: CountEstimates, type: str = "deviance") -> pd.Series[float]:
    """Residuals of each row given the random effects.

    Raises
    ------
    InputError
        An unknown type; deviance residuals of a negative binomial; separated counts.
    """
    if type not in RESIDUALS:
        raise InputError(f"type={type!r}; allowed: {', '.join(RESIDUALS)}")
    modes_of(fit)
    y, family = fit.model.family.y, family_at(fit)
    mean, variance = family.moments(fit.maximum.fitted)
    size = fit.design.trials if fit.design.trials is not None else np.ones_like(y)
    if type == "response":
        found = (y - mean) / size
    elif type == "pearson":
        found = (y - mean) / np.sqrt(variance)
    else:
        found = np.sign(y - mean) * np.sqrt(2 * np.maximum(_deviance(fit, y, mean, size), 0.0))
    return pd.Series(found, index=fit.design.index, name=type)


def residual_table(fit: CountEstimates) -> pd.DataFrame:
    """Each row fitted: fitted, and every kind of residual that its family has."""
    table = pd.DataFrame({"fitted": predict(fit)["estimate"]})
    kinds = ("response", "pearson", "deviance")
    known = kinds[:2] if fit.family == "negative-binomial" and not fit.alpha > 0 else kinds
    return table.assign(**{kind: residuals(fit, kind).to_numpy() for kind in known})


class _OnceCalled(pd.Series):
    """A series that still answers to the call it was in 0.1.0, with a warning."""

    def __call__(self, *args: Any, **options: Any) -> pd.Series[float]:
        warn_renamed(*self.__dict__["_names"])
        old: Callable[..., pd.Series[float]] = self.__dict__["_old"]
        return old(*args, **options)


def once_called(
    now: pd.Series[float], old: Callable[..., pd.Series[float]], name: str, new: str
) -> pd.Series[float]:
    """The series `now`, whose call gives what `old` gives and warns of the new name."""
    series = _OnceCalled(now)
    object.__setattr__(series, "_old", old)
    object.__setattr__(series, "_names", (name, new))
    return series


def _deviance(fit: CountEstimates, y: Array, mean: Array, size: Array) -> Array:
    """Half of each row's deviance: the best log-likelihood of the row less that at its mean."""
    if fit.family == "poisson":
        return np.asarray(xlogy(y, y / mean) - (y - mean))
    if fit.family == "binomial":
        rest, other = size - y, size - mean
        with np.errstate(divide="ignore", invalid="ignore"):
            left = xlogy(rest, np.where(rest > 0, rest / other, 1.0))
        return np.asarray(xlogy(y, np.where(y > 0, y / mean, 1.0)) + left)
    a = fit.alpha
    return np.asarray(
        xlogy(y, np.where(y > 0, y / mean, 1.0))
        - (y + 1 / a) * np.log((1 + a * y) / (1 + a * mean))
    )


def simulate(
    fit: CountEstimates, n: int = 1, *, seed: int | np.random.Generator = 1
) -> pd.DataFrame:
    """Events drawn anew, random effects too: one column a draw."""
    whole_number(n, "draws", 1)
    check_seed(seed)
    modes_of(fit)
    drawn = fit.model.draw(fit.maximum, n, np.random.default_rng(seed))
    return pd.DataFrame(drawn.T, index=fit.design.index, columns=[f"sim_{i + 1}" for i in range(n)])
