"""What a linear mixed model's fit knows: estimates, and the engine that found them.

Everything that is asked of a fit later (`post_estimation`) takes these. An engine is what differs
between models: how derivatives are found, refits drawn, profiles walked.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import pandas as pd

from retrostats.common.arrays import real_array
from retrostats.common.errors import InputError
from retrostats.common.values import cached_value, value_of, values
from retrostats.common.verbs import Verbs
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.inference import unadjusted
from retrostats.models.linear.homoscedastic.kenward_roger import KenwardRoger
from retrostats.models.linear.homoscedastic.optimise import Optimum
from retrostats.models.linear.homoscedastic.satterthwaite import Satterthwaite
from retrostats.models.linear.in_memory import frame_moments
from retrostats.models.linear.model import Model
from retrostats.models.linear.moments.moments import Moments
from retrostats.models.linear.post_estimation.tables import t_table
from retrostats.models.linear.prepare import prepare, with_outcome

if TYPE_CHECKING:
    from typing import Self

    from numpy.random import SeedSequence

    from retrostats.models.linear.batch.refits import Refits
    from retrostats.models.linear.blocks.profiled import Profiled
    from retrostats.models.linear.post_estimation.tables import Effect

Ddf = Literal["kenward-roger", "satterthwaite", "normal"]
T = TypeVar("T")


def defined_ddf(ddf: Ddf, *, reml: bool) -> Ddf:
    """Kenward-Roger is defined for REML; an ML fit takes Satterthwaite's in its place."""
    return ddf if reml or ddf != "kenward-roger" else "satterthwaite"


class FixedEffects(Verbs):
    """What a fit says of its fixed effects, whether residual variances are estimated or known.

    Each has a model (formula, terms, rows left out), an optimum, and the properties below.
    """

    model: Any
    optimum: Any
    ddf: str
    if TYPE_CHECKING:  # each fit has them, as a field or computed

        @property
        def beta(self) -> FloatArray:
            """Fixed effects (p,)."""

        @property
        def cov_unadjusted(self) -> FloatArray:
            """Covariance (p, p) without the small-sample adjustment."""

        @property
        def _kenward_roger(self) -> KenwardRoger: ...

        def dfs(self) -> FloatArray:
            """Degrees of freedom (p,) of the coefficients."""

        def df_of(self, contrast: FloatArray) -> tuple[float, float]:
            """Denominator df and F scaling of the rows of a full-rank contrast (rank, p)."""

    @property
    def formula(self) -> str:
        """The formula as given."""
        return str(self.model.formula.text)

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the fixed effects."""
        return tuple(self.model.terms)

    @property
    def singular(self) -> bool:
        """Whether a variance is zero or a correlation is one in absolute value."""
        return bool(self.optimum.singular)

    @property
    def n_dropped(self) -> int:
        """Rows left out because of a missing value."""
        return int(self.model.n_dropped)

    @property
    def cov_beta(self) -> FloatArray:
        """Covariance (p, p) of the fixed effects, adjusted where `ddf` is "kenward-roger"."""
        kr = self.ddf == "kenward-roger"
        return value_of(self._kenward_roger.adjusted if kr else self.cov_unadjusted)

    @cached_value
    def coefficients(self) -> pd.DataFrame:
        """Fixed effects: term, estimate, std_error, df, statistic, p_value, conf_low, conf_high."""
        return t_table(self.terms, self.beta, np.sqrt(np.diag(self.cov_beta)), self.dfs())


class Engine(ABC):
    """What a kind of model does in a way of its own; `Estimates` and `post_estimation` ask it."""

    name: str
    #: What a reader of the fit must know.
    note: str = ""

    @abstractmethod
    def kenward_roger(self, fit: Estimates) -> KenwardRoger:
        """Adjusted covariance and degrees of freedom."""

    @abstractmethod
    def satterthwaite(self, fit: Estimates) -> Satterthwaite:
        """Degrees of freedom."""

    def theta(self, fit: Estimates) -> FloatArray:
        """Covariance factor as the fit reports it, lower triangles by column."""
        return fit.optimum.theta

    def residual_variances(self, fit: Estimates) -> pd.Series[float]:
        """Residual variances by stratum; one, of no stratum, where they do not differ."""
        return pd.Series([fit.optimum.point.sigma2], index=pd.Index([""], name="stratum"))

    def sigma(self, fit: Estimates) -> float:
        """Residual standard deviation."""
        return float(np.sqrt(fit.optimum.point.sigma2))

    def allow(self, what: str) -> None:  # noqa: B027 (most kinds refuse nothing)
        """Raise InputError where this kind of fit has no answer to what is asked of it."""

    @abstractmethod
    def profiled(self, ml: Estimates) -> Profiled:
        """The deviance of which profile limits are taken, of a fit by maximum likelihood."""

    @abstractmethod
    def icc(self, fit: Estimates, group: str | None, level: float) -> Effect:
        """Share of a group in the variance."""

    @abstractmethod
    def within(self, fit: Estimates) -> tuple[float, int]:
        """Sum of squares with X and Z projected out, and its degrees of freedom."""

    @abstractmethod
    def total_variance(self, fit: Estimates) -> float:
        """Mean variance of an observation."""

    @abstractmethod
    def refits(
        self, fit: Estimates, n: int, seed: SeedSequence, jobs: int, scheduler: str | None
    ) -> Refits:
        """Refits to data drawn from the fit."""


@values("beta")
@dataclass(frozen=True, eq=False)
class Estimates(FixedEffects):
    """A fitted linear mixed model, before anything is asked of it.

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
    again : callable
        Fits a prepared model of the same kind, for `refit` (`fit.fit_model`).
    """

    model: Model
    reml: bool
    ddf: Ddf
    optimum: Optimum
    beta: FloatArray
    engine: Engine = field(repr=False)
    again: Callable[..., Any] | None = field(default=None, kw_only=True, repr=False)

    @property
    def theta(self) -> FloatArray:
        """Relative covariance factor, lower triangles by column, as in lme4.

        With `residual` it is in the units of the data, as there is no one residual variance.
        """
        return value_of(self.engine.theta(self))

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
        """Fixed effects, covariance parameters and residual variances."""
        return len(self.beta) + len(self.theta) + len(self.engine.residual_variances(self))

    @property
    def sigma(self) -> float:
        """Residual standard deviation; root of the mean variance where strata differ."""
        return self.engine.sigma(self)

    @cached_value
    def residual_sd(self) -> pd.Series[float]:
        """Residual standard deviation of each stratum, by its label; without strata one."""
        return self.engine.residual_variances(self).pow(0.5).rename("residual_sd")

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
        return self.engine.kenward_roger(self)

    @cached_property
    def _satterthwaite(self) -> Satterthwaite:
        return self.engine.satterthwaite(self)

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

    def once(self, make: Callable[[Estimates], T]) -> T:
        """`make(self)`, computed once."""
        kept: dict[Any, T] = self.__dict__.setdefault("_made", {})
        if make not in kept:
            kept[make] = make(self)
        return kept[make]

    def refit(self, data: object) -> Self:
        """The same model on other data: rows, moments, or a new outcome (N,) of these rows."""
        signed = self.model.gram.signed
        if isinstance(data, pd.DataFrame | Moments) or hasattr(data, "frame"):
            if self.model.precision is not None:
                raise InputError("weights belong to rows: fit new data with lmm(..., weights=)")
            model = prepare(self.formula, data, signed=signed, residual=self.model.residual)
        else:
            model = with_outcome(self.model, real_array(data, "the new outcome"))
        return self._again(model, reml=self.reml)

    def refit_ml(self) -> Self:
        """The same model and data by maximum likelihood."""
        return self.once(_by_ml) if self.reml else self

    def _again(self, model: Model, *, reml: bool) -> Self:
        assert self.again is not None  # set by `fit.fit_model`, which makes every fit
        fit: Self = self.again(model, reml=reml, ddf=self.ddf)
        return fit


def _by_ml(fit: Estimates) -> Any:
    """The same fit by maximum likelihood, which intervals and comparisons all start from."""
    return fit._again(fit.model, reml=False)
