"""What a fit knows where residual variances are estimated, and what is asked of its engine.

What is asked of variances and random effects later (`post_estimation`) takes these: intervals,
refits, shares, predictions.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from retrostats.common.arrays import real_array
from retrostats.common.errors import InputError
from retrostats.common.values import cached_value, value_of
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.inference import unadjusted
from retrostats.models.linear.homoscedastic.optimise import Optimum
from retrostats.models.linear.in_memory import frame_moments
from retrostats.models.linear.linear_fit import Engine, LinearFit
from retrostats.models.linear.model import Model
from retrostats.models.linear.moments.moments import Moments
from retrostats.models.linear.post_estimation.components import component_table
from retrostats.models.linear.prepare import prepare, with_outcome

if TYPE_CHECKING:
    from typing import Self

    from numpy.random import SeedSequence

    from retrostats.models.linear.batch.refits import Refits
    from retrostats.models.linear.blocks.profiled import Profiled
    from retrostats.models.linear.post_estimation.tables import Effect

Ddf = Literal["kenward-roger", "satterthwaite", "normal"]


def defined_ddf(ddf: Ddf, *, reml: bool) -> Ddf:
    """Kenward-Roger is defined for REML; an ML fit takes Satterthwaite's in its place."""
    return ddf if reml or ddf != "kenward-roger" else "satterthwaite"


class LmmEngine(Engine):
    """What is asked besides where residual variances are estimated; `post_estimation` asks it."""

    def cov_unadjusted(self, fit: LinearFit) -> FloatArray:
        """Covariance (p, p) of the fixed effects without the small-sample adjustment."""
        return unadjusted(fit.optimum, fit.model.gram.basis)

    def residual_variances(self, fit: LinearFit) -> pd.Series[float]:
        """Residual variances by stratum; one, of no stratum, where they do not differ."""
        return pd.Series([fit.optimum.point.sigma2], index=pd.Index([""], name="stratum"))

    def component_table(self, fit: LinearFit) -> pd.DataFrame:
        """Variances and covariances, the residual last; see `components.component_table`."""
        return component_table(fit)

    def sigma(self, fit: Estimates) -> float:
        """Residual standard deviation."""
        return float(np.sqrt(fit.optimum.point.sigma2))

    def allow(self, what: str) -> None:
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


@dataclass(frozen=True, eq=False)
class Estimates(LinearFit):
    """A fitted linear mixed model whose residual variances are estimated.

    Attributes
    ----------
    model : Model
        Formula, names and crossproducts.
    optimum : Optimum
    engine : LmmEngine
        The kind of model, and what it does in a way of its own.
    """

    model: Model
    ddf: Ddf
    optimum: Optimum
    engine: LmmEngine = field(repr=False)

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
        return self.model.log_weight + super().loglik

    @property
    def sigma(self) -> float:
        """Residual standard deviation; root of the mean variance where strata differ."""
        return self.engine.sigma(self)

    @cached_value
    def residual_sd(self) -> pd.Series[float]:
        """Residual standard deviation of each stratum, by its label; without strata one."""
        return self.engine.residual_variances(self).pow(0.5).rename("residual_sd")

    @cached_property
    def moments(self) -> Moments:
        """The moments of the data, from which this and other formulas can be fitted."""
        if self.model.moments is not None:
            return self.model.moments
        assert self.model.frame is not None
        if self.model.precision is not None:
            raise InputError("moments hold no weights of rows; fit without weights= for them")
        return frame_moments(self.model.formula, self.model.frame, self.model.residual)

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
