"""`LmmFit`: a fitted linear mixed model, and everything that is asked of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from retrostats.common.arrays import real_array
from retrostats.common.deprecated import renamed_arguments
from retrostats.common.errors import InputError
from retrostats.common.readable import as_html, readable
from retrostats.common.values import cached_value, value_of, values
from retrostats.common.whole import whole
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.inference import (
    kenward_roger_of,
    satterthwaite_of,
    unadjusted,
)
from retrostats.models.linear.homoscedastic.kenward_roger import KenwardRoger
from retrostats.models.linear.homoscedastic.optimise import Optimum
from retrostats.models.linear.homoscedastic.satterthwaite import Satterthwaite
from retrostats.models.linear.in_memory import frame_moments
from retrostats.models.linear.model import Model, prepare, with_outcome
from retrostats.models.linear.moments.moments import Moments
from retrostats.models.linear.post_estimation.described import Described

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.random import SeedSequence

    from retrostats.common.verbs import Method, Which
    from retrostats.models.linear.batch.refits import Refits
    from retrostats.models.linear.post_estimation.effect import Effect
    from retrostats.models.linear.post_estimation.emmeans import MarginalMeans
    from retrostats.models.linear.post_estimation.modes import Modes
    from retrostats.models.linear.post_estimation.residuals import RSquared

_SHORT = 10  # rows of a table that `repr` shows
Ddf = Literal["kenward-roger", "satterthwaite", "normal"]


def defined_ddf(ddf: Ddf, *, reml: bool) -> Ddf:
    """Kenward-Roger is defined for REML; an ML fit takes Satterthwaite's in its place."""
    return ddf if reml or ddf != "kenward-roger" else "satterthwaite"


@values("beta")
@dataclass(frozen=True, eq=False)
class LmmFit(Described):
    """A fitted linear mixed model.

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
    again : callable
        Fits a prepared model of the same kind, for `refit` (`fit.fit_model`).
    """

    model: Model
    reml: bool
    ddf: Ddf
    optimum: Optimum
    beta: FloatArray
    again: Callable[..., LmmFit] | None = field(default=None, kw_only=True, repr=False)

    @property
    def theta(self) -> FloatArray:
        """Relative covariance factor, lower triangles by column, as in lme4."""
        return value_of(self.optimum.theta)

    @property
    def gradient(self) -> FloatArray:
        """Gradient of the deviance, in the working coordinates of the optimiser."""
        return value_of(self.optimum.point.gradient)

    @property
    def converged(self) -> bool:
        """Whether the gradient vanishes relative to the curvature."""
        return self.optimum.converged

    @property
    def message(self) -> str:
        """Why the fit has not converged; empty where it has."""
        if self.converged:
            return ""
        return (
            f"stopped after {self.optimum.steps} steps with a gradient of "
            f"{np.abs(self.gradient).max():.3g}; rescale covariates or simplify the random effects"
        )

    @property
    def loglik(self) -> float:
        """Log-likelihood, restricted where `reml`."""
        return self.model.log_weight - 0.5 * self.optimum.point.deviance

    @property
    def n_parameters(self) -> int:
        """Fixed effects, covariance parameters and the residual variance."""
        return len(self.beta) + len(self.theta) + 1

    @property
    def sigma(self) -> float:
        """Residual standard deviation."""
        return float(np.sqrt(self.optimum.point.sigma2))

    @property
    def n_obs(self) -> int:
        """Observations fitted."""
        return self.model.n_obs

    @property
    def n_groups(self) -> dict[str, int]:
        """Levels of each group."""
        return self.model.n_groups

    @cached_property
    def moments(self) -> Moments:
        """The moments of the data, from which this and other formulas can be fitted."""
        if self.model.moments is not None:
            return self.model.moments
        assert self.model.frame is not None
        if self.model.precision is not None:
            raise InputError("moments hold no weights of rows; fit without weights= for them")
        return frame_moments(self.model.formula, self.model.frame, self.model.residual)

    @cached_property
    def _kenward_roger(self) -> KenwardRoger:
        return kenward_roger_of(self.optimum, reml=self.reml)

    @cached_property
    def _satterthwaite(self) -> Satterthwaite:
        return satterthwaite_of(self.optimum, reml=self.reml)

    @cached_value
    def cov_unadjusted(self) -> FloatArray:
        """Covariance (p, p) of the fixed effects without the small-sample adjustment."""
        return unadjusted(self.optimum, self.model.gram.basis)

    def df_of(self, contrast: FloatArray) -> tuple[float, float]:
        """Denominator df and F scaling of the rows of a full-rank contrast (rank, p)."""
        if self.ddf == "kenward-roger":
            return self._kenward_roger.test(contrast)
        if self.ddf == "satterthwaite":
            return self._satterthwaite.test(contrast)
        return float("inf"), 1.0

    def dfs(self) -> FloatArray:
        """Degrees of freedom (p,) of the coefficients."""
        if self.ddf == "normal":
            return np.full(len(self.beta), np.inf)
        kr = self.ddf == "kenward-roger"
        return np.asarray((self._kenward_roger if kr else self._satterthwaite).term_dfs())

    @cached_value
    def variance_components(self) -> pd.DataFrame:
        """Variances and covariances: group, term, term2, vcov, sdcor; the residual last."""
        from retrostats.models.linear.post_estimation.components import component_table

        return component_table(self)

    @cached_property
    def modes(self) -> Modes:
        """Conditional modes of the random effects and their errors; see `modes.modes_of`."""
        from retrostats.models.linear.post_estimation.modes import modes_of

        return modes_of(self)

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
        from retrostats.models.linear.post_estimation.anova import anova

        if not isinstance(other, str):
            return self.compare(other, refit=refit)
        return whole(anova(self, other))

    def plot(self) -> Figure:
        """Residuals, their quantiles, random effects and leverages; see `diagnostics.plot`."""
        from retrostats.models.linear.post_estimation.diagnostics import plot

        return plot(self)

    def emmeans(
        self,
        factors: str | list[str],
        *,
        at: Mapping[str, Any] | None = None,
        type: Literal["link", "response"] = "link",
        level: float = 0.95,
    ) -> MarginalMeans:
        """Estimated marginal means over factors; see `emmeans.emmeans`."""
        from retrostats.models.linear.post_estimation.emmeans import emmeans

        return emmeans(self, factors, at=at, type=type, level=level)

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

        self._allow("intervals of variance components")
        return confint(self, method, **options)

    def icc(self, *, group: str | None = None, level: float = 0.95) -> Effect:
        """Intraclass correlation with a profile interval; see `intervals.icc`."""
        from retrostats.models.linear.post_estimation.intervals import icc

        self._allow("an intraclass correlation")
        return icc(self, group=group, level=level)

    def standardised(
        self, term: str, *, by: Literal["total", "residual"] = "total", level: float = 0.95
    ) -> Effect:
        """A coefficient in standard deviations, with an interval; see `intervals.standardised`."""
        from retrostats.models.linear.post_estimation.intervals import standardised

        self._allow("a standardised effect")
        return standardised(self, term, by=by, level=level)

    @renamed_arguments(n="draws")
    def bootstrap(
        self, draws: int, seed: int, jobs: int = 1, scheduler: str | None = None
    ) -> pd.DataFrame:
        """Parametric bootstrap: one row a refit; see `simulate.bootstrap`."""
        from retrostats.models.linear.post_estimation.simulate import bootstrap

        self._allow("the parametric bootstrap")
        return bootstrap(self, draws, seed=seed, jobs=jobs, scheduler=scheduler)

    def _allow(self, what: str) -> None:
        """Raise InputError where a kind of fit has no answer to what is asked of it."""

    def refit(self, data: object) -> LmmFit:
        """The same model on other data: rows, moments, or a new outcome (N,) of these rows."""
        signed = self.model.gram.signed
        if isinstance(data, pd.DataFrame | Moments) or hasattr(data, "frame"):
            if self.model.precision is not None:
                raise InputError("weights belong to rows: fit new data with lmm(..., weights=)")
            model = prepare(self.formula, data, signed=signed, residual=self.model.residual)
        else:
            model = with_outcome(self.model, real_array(data, "the new outcome"))
        return self._again(model, reml=self.reml)

    def refit_ml(self) -> LmmFit:
        """The same model and data by maximum likelihood."""
        return self._again(self.model, reml=False) if self.reml else self

    def _again(self, model: Model, *, reml: bool) -> LmmFit:
        assert self.again is not None  # set by `fit.fit_model`, which makes every fit
        return self.again(model, reml=reml, ddf=self.ddf)

    # What another engine does in a way of its own; the functions named say what each is.

    def _profiles(self, level: float) -> list[tuple[float, float]]:
        from retrostats.models.linear.post_estimation.intervals import profiles

        return profiles(self, level)

    def _within(self) -> tuple[float, int]:
        from retrostats.models.linear.post_estimation.small_sample import within

        return within(self.model.gram)

    def _total_variance(self) -> float:
        from retrostats.models.linear.post_estimation.intervals import total_variance

        return total_variance(self)

    def _refits(self, n: int, seed: SeedSequence, jobs: int, scheduler: str | None) -> Refits:
        from retrostats.models.linear.batch.refits import refit

        return refit(
            self.model, (self.theta, self.sigma), n, seed=seed, reml=self.reml, jobs=jobs,
            scheduler=scheduler,
        )  # fmt: skip

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
