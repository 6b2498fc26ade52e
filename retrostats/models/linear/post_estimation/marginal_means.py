"""`MarginalMeans`: means (or slopes) of cells, and what is asked of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from retrostats.common.errors import InputError
from retrostats.common.readable import readable
from retrostats.common.values import values
from retrostats.common.whole import whole
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.formula.design import shown_level
from retrostats.models.linear.formula.quoted import name_of
from retrostats.models.linear.post_estimation.adjust import (
    Adjust,
    Family,
    adjusted_p,
    check_adjust,
    critical,
)
from retrostats.models.linear.post_estimation.backtransform import Scale
from retrostats.models.linear.post_estimation.mean_contrasts import contrast_rows
from retrostats.models.linear.post_estimation.tables import t_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DEFAULT = {"pairwise": "tukey", "reverse-pairwise": "tukey", "control": "dunnett"}
_CALLED = {
    "tukey": "Tukey's adjustment",
    "dunnett": "Dunnett's adjustment",
    "mvt": "multivariate t adjustment",
    "holm": "Holm's adjustment",
    "bonferroni": "Bonferroni's adjustment",
    "sidak": "Sidak's adjustment",
    "fdr": "false discovery rate",
    "none": "no adjustment",
}
_SUM = 1e-9  # weights that sum to less are a contrast


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
    """Means of the cells of some factors, averaged over the other factors.

    Attributes
    ----------
    table : DataFrame
        The factors, then estimate, std_error, df, statistic, p_value, conf_low, conf_high; no df
        where tests are asymptotic.
    weights : (cells, p) array
        Each cell's combination of the coefficients.
    factors : tuple of str
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
    by : tuple of str
        Factors within whose levels cells are compared.
    nested : dict of str to tuple of str
        Factors whose levels mean something else in each level of others.
    said : tuple of str
        What was averaged and how.
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
    by: tuple[str, ...] = ()
    nested: dict[str, tuple[str, ...]] = field(default_factory=dict)
    said: tuple[str, ...] = ()

    def pairs(
        self, adjust: Adjust = "tukey", *, by: str | Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Differences of all pairs of cells; ratios where a logarithm was transformed back.

        Parameters
        ----------
        adjust : {"tukey", "mvt", "holm", "bonferroni", "sidak", "fdr", "none"}
            P-values and intervals for the number of pairs (within each level of `by`); Holm's
            steps and the false discovery rate give no intervals, which are Bonferroni's there.
        by : str or list of str, optional
            Factors within whose levels cells are compared: simple effects. By default those the
            means were made with.

        Returns
        -------
        DataFrame
            The columns of `by`, term ("a - b" or "a / b"), estimate, std_error, df, statistic,
            p_value, conf_low, conf_high. Differences of roots, or of log(y + 1), cannot be
            transformed back and stay on their scale.

        Raises
        ------
        InputError
            An unknown adjustment or factor, or a group of one cell.
        """
        return self.contrast("pairwise", adjust=adjust, by=by)

    def contrast(
        self,
        method: str | Mapping[str, Any] = "pairwise",
        *,
        adjust: Adjust | None = None,
        by: str | Sequence[str] | None = None,
        interaction: bool = False,
        reference: Any = None,
    ) -> pd.DataFrame:
        """Contrasts of the means, within each level of `by`.

        Parameters
        ----------
        method : str or mapping of name to weights
            "pairwise", "reverse-pairwise", "control" (each against `reference`), "consecutive",
            "effects" (each against the mean of all), "polynomial" (equally spaced levels), or
            weights by name: ``{"late - early": {"early": -1, "late": 1}}``.
        adjust : str, optional
            As in `pairs`, or "dunnett"; by default Tukey's for pairs, Dunnett's for a control, none
            for the others.
        by : str or list of str, optional
        interaction : bool
            Contrasts of contrasts: the method is applied to each factor.
        reference : optional
            The control's label; the first if None.

        Returns
        -------
        DataFrame
            As `pairs`.

        Raises
        ------
        InputError
            An unknown method, adjustment, factor or label.

        Examples
        --------
        >>> import pandas as pd
        >>> from retrostats.models.linear.fit import lmm
        >>> rows = pd.DataFrame({"subject": list("aabbccdd"), "time": ["pre", "post"] * 4,
        ...                      "arm": list("xxxxyyyy"), "y": [5, 6, 4, 5.5, 6, 6.2, 5.1, 7]})
        >>> means = lmm("y ~ arm * time + (1 | subject)", rows).emmeans(["arm", "time"])
        >>> means.contrast(interaction=True)[["term", "estimate"]].round(3)
                         term  estimate
        0  x - y : post - pre       0.2
        >>> means.pairs(by="arm")[["arm", "term", "estimate"]].round(3)
          arm        term  estimate
        0   x  post - pre      1.25
        1   y  post - pre      1.05
        """
        within = self.by if by is None else names_of(by)
        strange = [name for name in within if name not in self.factors]
        if strange:
            raise InputError(
                f"by: {', '.join(strange)} is not among the factors of these means: "
                f"{', '.join(self.factors)}"
            )
        named = isinstance(method, str)
        default = "none" if interaction or not named else _DEFAULT.get(str(method), "none")
        how = default if adjust is None else adjust
        parts = [
            self._compared(rows, within, method, reference, interaction, str(how))
            for rows in self._groups(within)
        ]
        out = whole(pd.concat(parts, ignore_index=True))
        for column, name in enumerate(within):
            where = [rows[0] for rows in self._groups(within)]
            levels = self.table[name].iloc[where].tolist()
            counts = [len(part) for part in parts]
            out.insert(
                column, name, [v for v, c in zip(levels, counts, strict=True) for _ in range(c)]
            )
        out.attrs["notes"] = (self._note(str(how), len(parts[0]), within),)
        return out

    def plot(self, width_mm: float | None = None) -> Figure:
        """The means with their intervals; lines with bands over a number. See `effect_plot`."""
        from retrostats.models.linear.post_estimation.effect_plot import draw

        return draw(self, width_mm)

    def _groups(self, within: tuple[str, ...]) -> list[list[int]]:
        """Cells of each combination of the levels of some factors, in the order of the table."""
        if not within:
            return [list(range(len(self.table)))]
        keys = list(self.table[list(within)].itertuples(index=False, name=None))
        return [[i for i, k in enumerate(keys) if k == key] for key in dict.fromkeys(keys)]

    def _compared(
        self, rows: list[int], within: tuple[str, ...], method: Any, reference: Any,
        interaction: bool, adjust: str,
    ) -> pd.DataFrame:  # fmt: skip
        """Contrasts of some cells, adjusted for one another."""
        free = [name for name in self.factors if name not in within]
        ratio = self.scale.back and self.scale.logarithm
        if interaction:
            names, inner = self._interaction(rows, free, method, ratio)
        else:
            labels = self._labels(rows, free)
            names, inner = contrast_rows(method, labels, reference=reference, ratio=ratio)
        weights = inner @ self.weights[rows]
        family = Family(
            len(rows),
            method in ("pairwise", "reverse-pairwise") and not interaction,
            weights @ self.fit.cov_beta @ weights.T,
        )
        check_adjust(adjust, family)
        out = tested(self.fit, weights, names, self.level, 0.0)
        df = out["df"].to_numpy(dtype=float)
        half = critical(df, adjust, family, self.level) * out["std_error"]
        out["p_value"] = adjusted_p(out, adjust, family)
        out["conf_low"], out["conf_high"] = out["estimate"] - half, out["estimate"] + half
        out = out.drop(columns="df") if self.asymptotic else out
        differences = bool((np.abs(inner.sum(axis=1)) < _SUM).all())
        return self.scale.ratios(out) if ratio and differences else out

    def _labels(self, rows: list[int], names: Sequence[str]) -> list[str]:
        shown = self.table.iloc[rows][list(names)].itertuples(index=False, name=None)
        return [" ".join(shown_level(v) for v in row) for row in shown]

    def _interaction(
        self, rows: list[int], free: list[str], method: Any, ratio: bool
    ) -> tuple[tuple[str, ...], FloatArray]:
        """Products of the contrasts of each factor: cells stand in the order of their product."""
        inside = [name for name in free if name in self.nested]
        if len(free) < 2 or not isinstance(method, str) or inside:
            what = (
                f"; {inside[0]} is nested in {', '.join(self.nested[inside[0]])}" if inside else ""
            )
            raise InputError(
                "interaction=True needs a named method and two crossed factors or more, found "
                f"{', '.join(free)}{what}"
            )
        names: tuple[str, ...] = ("",)
        weights: FloatArray = np.ones((1, 1))
        for name in free:
            labels = list(dict.fromkeys(self._labels(rows, [name])))
            part, rows_of = contrast_rows(method, labels, ratio=ratio)
            names = tuple(f"{a} : {b}" if a else b for a in names for b in part)
            weights = np.kron(weights, rows_of)
        return names, weights

    def _note(self, adjust: str, count: int, within: tuple[str, ...]) -> str:
        where = f" within each {' '.join(within)}" if within else ""
        limits = ""
        if adjust in ("holm", "fdr"):
            limits = " (Bonferroni's)"
        elif adjust != "none":
            limits = " (together)"
        return (
            f"{_CALLED[adjust]}, {count} comparison{'s' * (count > 1)}{where}; "
            f"{100 * self.level:g}% intervals{limits}"
        )

    def __repr__(self) -> str:
        """The table, rounded, and where numeric columns stand."""
        return "\n".join([readable(self.table).to_string(index=False), *self.where])

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escape(line)}</p>" for line in self.where)
        return str(readable(self.table).to_html(index=False, border=0)) + lines

    @property
    def where(self) -> tuple[str, ...]:
        """Lines that say where numbers stand, what was averaged, and the level of the intervals."""
        lines = []
        if self.held:
            lines.append(f"at {', '.join(f'{k} = {v:.4g}' for k, v in self.held.items())}")
        for name in self.mixed:
            lines.append(
                f"{name} is 0 or 1 in the data: at {self.held[name]:.4g} the means are of a "
                f"mixture of both; at={{{name!r}: 0}} or C({name}) in the formula takes one or each"
            )
        for name, outer in self.nested.items():
            if name in self.factors:
                lines.append(f"{name} is nested in {', '.join(outer)}: its means are within each")
        return (*lines, *self.said, f"{100 * self.level:g}% intervals")


def names_of(given: Any) -> tuple[str, ...]:
    """One name of a column, or several, each once and without backticks."""
    names = (given,) if isinstance(given, str) else given
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise InputError(f"found {given!r}; one name of a column or a list of names is needed")
    return tuple(dict.fromkeys(map(name_of, names)))


def tested(
    fit: Predictor, weights: FloatArray, names: tuple[str, ...], level: float, shift: Any
) -> pd.DataFrame:
    """Combinations (c, p) of the fixed effects with their tests, a number added to each."""
    std_error = np.sqrt(np.einsum("ij,jk,ik->i", weights, fit.cov_beta, weights))
    df = np.array([fit.df_of(row[None])[0] for row in weights])
    return t_table(names, weights @ fit.beta + shift, std_error, df, level=level)
