"""Marginal means of a model of counts, on the scale of the linear predictor or of the outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from retrostats.common.errors import InputError
from retrostats.common.readable import readable
from retrostats.common.values import values
from retrostats.common.whole import whole
from retrostats.models.counts.design import Formulated, Linear
from retrostats.models.counts.link import checked, inverse, slope

if TYPE_CHECKING:
    from retrostats.models.linear.post_estimation.adjust import Adjust
    from retrostats.models.linear.post_estimation.emmeans import MarginalMeans

RATIOS = {"binomial": "odds ratio", "poisson": "rate ratio", "negative-binomial": "rate ratio"}


@values()
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CountMeans:
    """Means of the cells of some factors.

    Attributes
    ----------
    table
        The factors, then estimate, std_error, statistic, p_value, conf_low, conf_high.
    back
        Whether they are rates or probabilities instead of their logarithm or logit.
    """

    table: pd.DataFrame
    family: str
    back: bool
    link: MarginalMeans

    def pairs(self, adjust: Adjust = "tukey") -> pd.DataFrame:
        """Differences of all pairs of cells; rate or odds ratios on the outcome's scale.

        Parameters
        ----------
        adjust : {"tukey", "holm", "bonferroni", "sidak", "none"}
            P-values and intervals for the number of pairs.
        """
        out = self.link.pairs(adjust).drop(columns="df")
        if not self.back:
            return whole(out)
        ratio = np.exp(out["estimate"])
        told = {name: np.exp(out[name]) for name in ("conf_low", "conf_high")}
        out = out.assign(std_error=ratio * out["std_error"], estimate=ratio, **told)
        return whole(out.assign(term=out["term"].str.replace(" - ", " / ", regex=False)))

    def __repr__(self) -> str:
        """The table, rounded, and where numeric columns stand."""
        return "\n".join([readable(self.table).to_string(index=False), *self.link.where])

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escape(line)}</p>" for line in self.link.where)
        return readable(self.table).to_html(index=False, border=0) + lines


def emmeans(
    fit: Any,
    factors: str | Sequence[str],
    *,
    at: Mapping[str, Any] | None = None,
    type: Literal["link", "response"] = "response",
    level: float = 0.95,
) -> CountMeans:
    """Marginal means of the fixed effects, an exposure at 1."""
    from retrostats.models.linear.post_estimation.emmeans import emmeans as means_of

    back = checked(type)
    if fit.separated:
        raise InputError(
            f"glmm: {', '.join(fit.separated)} has no finite estimate; fit with penalty='firth'"
        )
    linear = Linear(Formulated(fit.design.formula, fit.design.columns), fit.beta, fit.cov_beta)
    link = means_of(linear, factors, at=at, level=level)
    table = link.table.drop(columns="df")
    if back:
        eta = table["estimate"].to_numpy()
        table["std_error"] = slope(fit.family, eta) * table["std_error"]
        for name in ("estimate", "conf_low", "conf_high"):
            table[name] = inverse(fit.family, table[name].to_numpy())
    return CountMeans(table, fit.family, back, link)
