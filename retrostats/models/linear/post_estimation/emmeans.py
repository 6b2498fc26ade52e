"""Estimated marginal means and their pairwise differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import combinations, product
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import pandas as pd

from retrostats.common.arrays import finite_array, share
from retrostats.common.errors import InputError
from retrostats.common.readable import readable
from retrostats.common.values import values
from retrostats.common.whole import whole
from retrostats.models.linear.formula.columns import Column, Factor, FloatArray
from retrostats.models.linear.formula.design import model_matrix, offset_values, shown_level
from retrostats.models.linear.formula.expressions import columns_of
from retrostats.models.linear.formula.quoted import name_of
from retrostats.models.linear.post_estimation.adjust import Adjust, adjusted_p, critical
from retrostats.models.linear.post_estimation.backtransform import Scale, scale_of, scale_of_link
from retrostats.models.linear.post_estimation.tables import t_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Type = Literal["link", "response"]


class Predictor(Protocol):
    """Fixed effects with their design, which is all that marginal means ask for."""

    @property
    def model(self) -> Any:
        """Formula, columns and weight of the rows."""

    @property
    def beta(self) -> FloatArray:
        """Fixed effects (p,)."""

    @property
    def cov_beta(self) -> FloatArray:
        """Their covariance (p, p)."""

    def df_of(self, contrast: FloatArray) -> tuple[float, float]:
        """Degrees of freedom of a row (1, p), and scaling."""


@values("table", "weights")
@dataclass(frozen=True, eq=False)
class MarginalMeans:
    """Means of the cells of some factors, averaged evenly over the other factors.

    Attributes
    ----------
    table : DataFrame
        The factors, then estimate, std_error, df, statistic, p_value, conf_low, conf_high; no df
        where tests are asymptotic.
    weights : (cells, p) array
        Each cell's combination of the coefficients.
    fit : Predictor
    level : float
    scale : Scale
        How the outcome was transformed, or which link stands before it, and whether the table is
        on its own scale again.
    held : dict of str to float
        The value at which each numeric column stands that the table does not show.
    mixed : tuple of str
        Those among them that are 0 or 1 in the data and stand between the two, so that each mean is
        one of a mixture.
    asymptotic : bool
        Tests have no degrees of freedom: a model of counts.
    """

    table: pd.DataFrame
    weights: FloatArray
    factors: tuple[str, ...]
    fit: Predictor
    level: float
    scale: Scale
    held: dict[str, float] = field(default_factory=dict)
    mixed: tuple[str, ...] = ()
    asymptotic: bool = False

    def pairs(self, adjust: Adjust = "tukey") -> pd.DataFrame:
        """Differences of all pairs of cells; ratios where a logarithm was transformed back.

        Parameters
        ----------
        adjust : {"tukey", "holm", "bonferroni", "sidak", "none"}
            P-values and intervals for the number of pairs; Holm's steps give no intervals, which
            are Bonferroni's there.

        Returns
        -------
        DataFrame
            term ("a - b" or "a / b"), estimate, std_error, df, statistic, p_value, conf_low,
            conf_high. Differences of roots, or of log(y + 1), cannot be transformed back and stay
            on their scale.
        """
        labels = [
            " ".join(shown_level(v) for v in row)
            for row in self.table[list(self.factors)].itertuples(index=False)
        ]
        rows = list(combinations(range(len(labels)), 2))
        if not rows:
            raise InputError("one cell has no pairs; name a factor with two levels or more")
        weights = np.stack([self.weights[i] - self.weights[j] for i, j in rows])
        ratio = self.scale.back and self.scale.logarithm
        sign = "/" if ratio else "-"
        names = tuple(f"{labels[i]} {sign} {labels[j]}" for i, j in rows)
        out = _test(self.fit, weights, names, self.level, 0.0)
        half = critical(out["df"], adjust, len(labels), len(rows), self.level) * out["std_error"]
        out["p_value"] = adjusted_p(out, adjust, len(labels))
        out["conf_low"], out["conf_high"] = out["estimate"] - half, out["estimate"] + half
        out = out.drop(columns="df") if self.asymptotic else out
        return whole(self.scale.ratios(out) if ratio else out)

    def plot(self, **options: Any) -> Figure:
        """The means with their intervals: `rs.forest(self, **options)`."""
        from retrostats import forest

        return forest(self, **options)

    def __repr__(self) -> str:
        """The table, rounded, and where numeric columns stand."""
        return "\n".join([readable(self.table).to_string(index=False), *self.where])

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escape(line)}</p>" for line in self.where)
        return readable(self.table).to_html(index=False, border=0) + lines

    @property
    def where(self) -> tuple[str, ...]:
        """Lines that say at which values numeric columns stand."""
        if not self.held:
            return ()
        lines = [f"at {', '.join(f'{name} = {value:.4g}' for name, value in self.held.items())}"]
        for name in self.mixed:
            lines.append(
                f"{name} is 0 or 1 in the data: at {self.held[name]:.4g} the means are of a "
                f"mixture of both; at={{{name!r}: 0}} or C({name}) in the formula takes one or each"
            )
        return tuple(lines)


def emmeans(
    fit: Predictor,
    factors: str | Sequence[str],
    *,
    at: Mapping[str, Any] | None = None,
    type: Type = "link",
    level: float = 0.95,
    link: Literal["log", "logit"] | None = None,
) -> MarginalMeans:
    """Marginal means of the fixed effects over factors, numeric columns at their mean.

    Parameters
    ----------
    fit : Estimates or another Predictor
    factors : str or list of str
        Categorical columns; numeric ones too where `at` gives their values.
    at : mapping of column to value or values, optional
        Where numeric columns stand, and which levels of factors count.
    type : {"link", "response"}
        "response" inverts the outcome's whole expression, as log(y + 1) or sqrt(2 * y): means on
        the scale of y (geometric means for a logarithm), errors by the delta method, tests as they
        were. An expression there is no way back from is refused.
    level : float
    link : {"log", "logit"}, optional
        Of a model of counts: means are of rates or probabilities, tests asymptotic.

    Raises
    ------
    InputError
        A factor is not a categorical column of the fixed effects, or `at` names a column or level
        that is not there.

    References
    ----------
    Searle, Speed and Milliken (1980), The American Statistician 34:216.

    Examples
    --------
    >>> import pandas as pd
    >>> from retrostats.models.linear.fit import lmm
    >>> rows = pd.DataFrame({"subject": list("aabbccdd"), "time": ["pre", "post"] * 4,
    ...                      "y": [5.0, 6.0, 4.0, 5.5, 6.0, 6.2, 5.1, 5.9]})
    >>> means = lmm("y ~ time + (1 | subject)", rows).emmeans("time")
    >>> means.table[["time", "estimate"]].round(3)
       time  estimate
    0  post     5.900
    1   pre     5.025
    """
    share(level)
    wanted = tuple(map(name_of, (factors,) if isinstance(factors, str) else _names(factors)))
    if not (at is None or isinstance(at, Mapping)):
        raise InputError(f"at: found {at!r}; a mapping of columns to their values is needed")
    empty = [name for name, value in (at or {}).items() if value is None]
    if empty:
        raise InputError(f"at: {empty[0]!r} has no value; give one, or leave it out for its mean")
    model = fit.model
    scale = (
        scale_of(model.formula.outcome, type, model.columns)
        if link is None
        else scale_of_link(link, type)
    )
    values = _grid_values(fit, dict(at or {}))
    several = {name for name, v in values.items() if isinstance(v, Factor) or name in (at or {})}
    unknown = [name for name in wanted if name not in several]
    if unknown or not wanted:
        raise InputError(
            f"{', '.join(unknown) or 'nothing'} is not a categorical column of the fixed effects; "
            f"they have: {', '.join(sorted(several)) or 'none'} (a number needs at=)"
        )
    order = [*wanted, *(name for name in values if name not in wanted)]
    sizes = [_size(values[name]) for name in order]
    grid = np.array(list(product(*map(range, sizes))))
    cells = int(np.prod(sizes[: len(wanted)]))
    columns = {name: _taken(values[name], grid[:, i]) for i, name in enumerate(order)}
    formula = fit.model.formula
    matrix = model_matrix(formula.fixed, columns, len(grid), fit.model.columns)[0]
    weights = matrix.reshape(cells, -1, matrix.shape[1]).mean(axis=1)
    offset = offset_values(formula, columns, len(grid))
    shift = 0.0 if offset is None else offset.reshape(cells, -1).mean(axis=1)
    table = _test(fit, weights, tuple(map(str, range(cells))), level, shift)
    table = table.drop(columns=["term"] if link is None else ["term", "df"])
    table = scale.transform(table) if scale.back else table
    first = np.arange(0, len(grid), len(grid) // cells)
    for name in reversed(wanted):
        table.insert(0, name, _shown(columns[name], first))
    held = {
        name: float(column[0])
        for name, column in values.items()
        if not isinstance(column, Factor) and name not in wanted and len(column) == 1
    }
    mixed = tuple(
        name for name, value in held.items() if value not in (0, 1) and _is_binary(fit, name)
    )
    return MarginalMeans(
        table, weights, wanted, fit, level, scale, held, mixed, asymptotic=link is not None
    )


def _is_binary(fit: Predictor, name: str) -> bool:
    """Whether a numeric column of the fit holds 0 and 1 and nothing else."""
    column = fit.model.columns[name]
    return not isinstance(column, Factor) and set(np.unique(column).tolist()) == {0.0, 1.0}


def _names(factors: Any) -> tuple[str, ...]:
    """Names of columns, given as several."""
    if not isinstance(factors, Sequence) or not all(isinstance(name, str) for name in factors):
        raise InputError(f"factors: found {factors!r}; one name of a column or a list of names")
    return tuple(factors)


def _grid_values(fit: Predictor, at: dict[str, Any]) -> dict[str, Column]:
    """The values each column of the fixed effects takes in the grid."""
    formula, columns = fit.model.formula, fit.model.columns
    used = dict.fromkeys(name for t in formula.fixed for c in t for name in columns_of(c))
    used |= dict.fromkeys(name for o in formula.offsets for name in columns_of(o))
    strange = [name for name in at if name not in used]
    if strange:
        raise InputError(
            f"at: {', '.join(strange)} is not a column of the fixed effects; they use "
            f"{', '.join(used)}"
        )
    weight = fit.model.weight
    out: dict[str, Column] = {}
    for name in used:
        column = columns[name]
        given = at.get(name)
        if isinstance(column, Factor):
            out[name] = _levels_at(name, column, given)
        elif given is None:
            out[name] = np.array([np.average(column, weights=weight)])
        else:
            out[name] = np.atleast_1d(finite_array(given, f"at, {name}"))
    return out


def _levels_at(name: str, column: Factor, given: Any) -> Factor:
    """All levels of a factor, or those named."""
    if given is None:
        return Factor(np.arange(len(column.levels)), column.levels)
    shown = [shown_level(level) for level in column.levels]
    chosen = [given] if isinstance(given, str) or not isinstance(given, Sequence) else list(given)
    strange = [v for v in chosen if shown_level(v) not in shown]
    if strange or not chosen:
        raise InputError(f"at: {name!r} has no level {strange}; it has: {', '.join(shown)}")
    return Factor(np.array([shown.index(shown_level(v)) for v in chosen]), column.levels)


def _size(column: Column) -> int:
    return len(column.codes) if isinstance(column, Factor) else len(column)


def _taken(column: Column, places: np.ndarray) -> Column:
    if isinstance(column, Factor):
        return Factor(column.codes[places], column.levels)
    return np.asarray(column[places])


def _shown(column: Column, places: np.ndarray) -> list[Any]:
    if isinstance(column, Factor):
        return [column.levels[code] for code in column.codes[places]]
    return list(column[places])


def _test(
    fit: Predictor, weights: FloatArray, names: tuple[str, ...], level: float, shift: Any
) -> pd.DataFrame:
    std_error = np.sqrt(np.einsum("ij,jk,ik->i", weights, fit.cov_beta, weights))
    df = np.array([fit.df_of(row[None])[0] for row in weights])
    return t_table(names, weights @ fit.beta + shift, std_error, df, level=level)
