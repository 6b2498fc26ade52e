"""`LmmFit`: a fitted linear mixed model, and everything that is asked of one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from retrostats.common.deprecated import renamed_arguments
from retrostats.common.readable import as_html, readable
from retrostats.common.values import cached_value
from retrostats.common.whole import whole
from retrostats.models.linear.estimates import Estimates
from retrostats.models.linear.verbs import LinearVerbs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from retrostats.common.verbs import Method, Which
    from retrostats.models.linear.post_estimation.checks import Check
    from retrostats.models.linear.post_estimation.modes import Modes
    from retrostats.models.linear.post_estimation.residuals import RSquared
    from retrostats.models.linear.post_estimation.tables import Effect

_SHORT = 10  # rows of a table that `repr` shows


@dataclass(frozen=True, eq=False, repr=False)
class LmmFit(LinearVerbs, Estimates):
    """A fitted linear mixed model.

    Residual variances may differ between strata (`residual`), and random effects be crossed or
    nested with many levels; what is asked of the fit is the same.

    Attributes
    ----------
    model : Model
        Formula, names and crossproducts.
    reml : bool
    ddf : str
        How degrees of freedom are found.
    optimum : Optimum
    beta : (p,) array
        Fixed effects, in the order of the terms.
    engine : Engine
        The kind of model, and what it does in a way of its own.
    """

    @cached_property
    def modes(self) -> Modes:
        """Conditional modes of the random effects and their errors; see `modes.modes_of`."""
        from retrostats.models.linear.post_estimation.modes import modes_of

        return self.once(modes_of)

    def ranef(self, *, level: float = 0.95) -> pd.DataFrame:
        """Random effects with intervals: group, level, term, estimate; see `modes.ranef`."""
        from retrostats.models.linear.post_estimation.modes import ranef

        return ranef(self, level=level)

    def predict(
        self,
        newdata: pd.DataFrame | None = None,
        *,
        random: bool = True,
        allow_new_levels: bool = False,
        level: float = 0.95,
        weights: Any = None,
    ) -> pd.DataFrame:
        """Expected outcomes with intervals, for these rows or new ones; see `predict.predict`."""
        from retrostats.models.linear.post_estimation.predict import predict

        return predict(
            self, newdata, random=random, allow_new_levels=allow_new_levels, level=level,
            weights=weights,
        )  # fmt: skip

    @cached_value
    def residual_table(self) -> pd.DataFrame:
        """Fitted values, residuals of each kind, leverage; see `residuals.residual_table`."""
        from retrostats.models.linear.post_estimation.residuals import residual_table

        return residual_table(self)

    @property
    def fitted(self) -> pd.Series[float]:
        """Expected outcome of each row, its random effects included."""
        return self.residual_table["fitted"]

    @property
    def residuals(self) -> pd.Series[float]:
        """Observed less fitted; `residual_table` has Pearson's and scaled ones."""
        return self.residual_table["response"].rename("residual")

    @cached_property
    def r_squared(self) -> RSquared:
        """Marginal and conditional R squared; see `residuals.r_squared`."""
        from retrostats.models.linear.post_estimation.residuals import r_squared

        return r_squared(self)

    def augment(self) -> pd.DataFrame:
        """Every row fitted: fitted, residual, and the other columns of `residual_table`."""
        return self.residual_table.rename(columns={"response": "residual"})

    @renamed_arguments(n="draws")
    def simulate(self, draws: int = 1, *, seed: int | np.random.Generator = 1) -> pd.DataFrame:
        """Outcomes drawn from the fitted model, a column a data set; see `residuals.simulate`."""
        from retrostats.models.linear.post_estimation.residuals import simulate

        return simulate(self, draws, seed=seed)

    def anova(self, other: LmmFit | str = "III", *, refit: bool = True) -> pd.DataFrame:
        """F tests of all terms ("I", "II", "III"; see `anova.anova`), or `compare` with a fit."""
        return super().anova(other) if isinstance(other, str) else self.compare(other, refit=refit)

    def plot(self, width_mm: float | None = None) -> Figure:  # type: ignore[override]  # no others
        """Residuals, their quantiles, random effects and leverages; see `diagnostics.plot`.

        `rs.forest(fit)` draws its coefficients.
        """
        from retrostats.models.linear.post_estimation.diagnostics import plot

        return plot(self, width_mm)

    def check(self) -> Check:
        """Collinearity, influence, residuals, random effects, in sentences; see `checks.check`."""
        from retrostats.models.linear.post_estimation.checks import check

        return check(self)

    def compare(self, other: LmmFit, *, refit: bool = True) -> pd.DataFrame:
        """Likelihood-ratio test against a nested or larger model; see `contrasts.compare`."""
        from retrostats.models.linear.post_estimation.contrasts import compare

        return whole(compare(self, other, refit=refit))

    def conf_int(
        self,
        *,
        level: float = 0.95,
        which: Which = "fixed",
        method: Method | None = None,
        draws: int = 2000,
        seed: int = 1,
        jobs: int = 1,
    ) -> pd.DataFrame:
        """Intervals of fixed effects, spreads and correlations; see `conf_int.conf_int`."""
        from retrostats.models.linear.post_estimation.conf_int import conf_int

        return conf_int(
            self, level=level, which=which, method=method, draws=draws, seed=seed, jobs=jobs
        )

    def _confint(self, method: str = "profile", **options: Any) -> pd.DataFrame:
        from retrostats.models.linear.post_estimation.intervals import confint

        return confint(self, method, **options)

    def icc(self, *, group: str | None = None, level: float = 0.95) -> Effect:
        """Share of a group in the variance, with a profile interval; see `intervals.icc`."""
        self.engine.allow("an intraclass correlation")
        return self.engine.icc(self, group, level)

    def standardised(
        self, term: str, *, by: Literal["total", "residual"] = "total", level: float = 0.95
    ) -> Effect:
        """A coefficient in standard deviations, with an interval; see `intervals.standardised`."""
        from retrostats.models.linear.post_estimation.intervals import standardised

        return standardised(self, term, by=by, level=level)

    @renamed_arguments(n="draws")
    def bootstrap(
        self, draws: int, seed: int, jobs: int = 1, scheduler: str | None = None
    ) -> pd.DataFrame:
        """Parametric bootstrap: one row a refit; see `simulate.bootstrap`."""
        from retrostats.models.linear.post_estimation.simulate import bootstrap

        return bootstrap(self, draws, seed=seed, jobs=jobs, scheduler=scheduler)

    def __repr__(self) -> str:
        """The tables, cut after the first rows of long ones."""
        return self._text(_SHORT)

    def _repr_html_(self) -> str:
        """Header and both tables, for a notebook."""
        tables = (self.coefficients, self.variance_components)
        return as_html([*self._header().splitlines(), f"df: {self.ddf}"], tables)

    def _header(self) -> str:
        how = "REML" if self.reml else "maximum likelihood"
        state = "" if self.converged else f"; NOT CONVERGED: {self.message}"
        state += "; singular" if self.singular else ""
        sizes = ", ".join(f"{k} {v}" for k, v in self.n_groups.items())
        if self.model.signed_by_print:
            state += (
                "\ncovariance='signed-cs' was taken, as a printed correlation is negative "
                "(covariance='lme4' allows none below 0)"
            )
        state += f"\n{self.engine.note}" if self.engine.note else ""
        return (
            f"Linear mixed model by {how}: {self.formula}\n"
            f"observations {self.n_obs} ({self.n_dropped} dropped), groups: {sizes}\n"
            f"log-likelihood {self.loglik:.4f}{state}"
        )

    def _text(self, most: int) -> str:
        parts = [self._header()]
        with pd.option_context("display.width", 120, "display.max_columns", 20):
            for table in (self.variance_components, self.coefficients):
                text = readable(table.head(most)).to_string(index=False)
                more = len(table) - most
                parts.append(f"{text}\n... {more} more in .summary()" if more > 0 else text)
        return "\n\n".join(parts) + f"\n(df: {self.ddf})"

    def summary(self) -> str:
        """Header and tables, whole, as text."""
        return self._text(len(self.terms) + len(self.variance_components))
