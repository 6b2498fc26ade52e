"""`LinearFit`: what every fit of a linear model is and answers, whatever engine found it.

An engine is what differs between kinds of models: how errors and degrees of freedom are found,
which variances there are. What is asked of fixed effects later (`verbs.py`, `post_estimation`)
needs no more than this.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import pandas as pd

from retrostats.common.values import cached_value, value_of, values
from retrostats.common.verbs import Verbs
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.post_estimation.tables import t_table

if TYPE_CHECKING:
    from typing import Self

T = TypeVar("T")


class Approximation(Protocol):
    """Where degrees of freedom come from."""

    def term_dfs(self) -> FloatArray:
        """Degrees of freedom (p,) of the coefficients."""

    def test(self, contrast: FloatArray) -> tuple[float, float]:
        """Denominator df and F scaling of the rows of a full-rank contrast (rank, p)."""


class Adjustment(Approximation, Protocol):
    """The same, with an adjusted covariance."""

    @property
    def adjusted(self) -> FloatArray:
        """Covariance (p, p) of the coefficients."""


class Engine(ABC):
    """What a kind of linear model does in a way of its own; every fit asks its engine."""

    name: str
    #: What a reader of the fit must know.
    note: str = ""

    @abstractmethod
    def kenward_roger(self, fit: LinearFit) -> Adjustment:
        """Adjusted covariance and degrees of freedom."""

    @abstractmethod
    def satterthwaite(self, fit: LinearFit) -> Approximation:
        """Degrees of freedom."""

    @abstractmethod
    def cov_unadjusted(self, fit: LinearFit) -> FloatArray:
        """Covariance (p, p) of the fixed effects without the small-sample adjustment."""

    @abstractmethod
    def residual_variances(self, fit: LinearFit) -> pd.Series[float]:
        """Residual variances that were estimated, by stratum."""

    @abstractmethod
    def component_table(self, fit: LinearFit) -> pd.DataFrame:
        """Variances and covariances: group, term, term2, vcov, sdcor."""

    def theta(self, fit: LinearFit) -> FloatArray:
        """Covariance factor as the fit reports it, lower triangles by column."""
        theta: FloatArray = fit.optimum.theta
        return theta

    def covariance_known(self, fit: LinearFit) -> bool:
        """Whether nothing of the covariance was estimated, so that tests are normal."""
        return False

    def counted_dfs(self, fit: LinearFit) -> FloatArray:
        """Degrees of freedom (p,) by counting, where `ddf` is no approximation."""
        return np.full(len(fit.beta), np.inf)


@values("beta")
@dataclass(frozen=True, eq=False)
class LinearFit(Verbs):
    """A fitted linear model, its residual variances estimated or known.

    Attributes
    ----------
    model
        Formula, terms, columns, n_groups, n_obs, n_dropped, and `weight` of the rows.
    reml : bool
    ddf : str
        How degrees of freedom are found.
    optimum
        Where the criterion is lowest: theta, point (with deviance and gradient), singular.
    beta : (p,) array
        Fixed effects, in the order of the terms.
    engine : Engine
        The kind of model, and what it does in a way of its own.
    again : callable
        Fits a prepared model of the same kind, for `refit_ml`.
    """

    model: Any
    reml: bool
    ddf: str
    optimum: Any
    beta: FloatArray
    engine: Engine = field(repr=False)
    again: Callable[..., Any] | None = field(default=None, kw_only=True, repr=False)

    @property
    def formula(self) -> str:
        """The formula as given."""
        return str(self.model.formula.text)

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the fixed effects."""
        return tuple(self.model.terms)

    @property
    def theta(self) -> FloatArray:
        """Covariance factor of the random effects, lower triangles by column.

        Relative to the residual standard deviation, as in lme4, where there is one that was
        estimated; else in the units of the data.
        """
        return value_of(self.engine.theta(self))

    @property
    def singular(self) -> bool:
        """Whether a variance is zero or a correlation is one in absolute value."""
        return bool(self.optimum.singular)

    @property
    def loglik(self) -> float:
        """Log-likelihood, restricted where `reml`."""
        return -0.5 * float(self.optimum.point.deviance)

    @property
    def n_parameters(self) -> int:
        """Fixed effects, covariance parameters and residual variances that were estimated."""
        return len(self.beta) + len(self.theta) + len(self.engine.residual_variances(self))

    @property
    def n_obs(self) -> int:
        """Observations fitted."""
        return int(self.model.n_obs)

    @property
    def n_dropped(self) -> int:
        """Rows left out because of a missing value."""
        return int(self.model.n_dropped)

    @property
    def n_groups(self) -> dict[str, int]:
        """Levels of each group."""
        return dict(self.model.n_groups)

    @cached_property
    def _kenward_roger(self) -> Adjustment:
        return self.engine.kenward_roger(self)

    @cached_property
    def _satterthwaite(self) -> Approximation:
        return self.engine.satterthwaite(self)

    @cached_value
    def cov_unadjusted(self) -> FloatArray:
        """Covariance (p, p) of the fixed effects without the small-sample adjustment."""
        return self.engine.cov_unadjusted(self)

    @property
    def cov_beta(self) -> FloatArray:
        """Covariance (p, p) of the fixed effects, adjusted where `ddf` is "kenward-roger"."""
        kr = self.ddf == "kenward-roger"
        return value_of(self._kenward_roger.adjusted if kr else self.cov_unadjusted)

    def _approximation(self) -> Approximation | None:
        """What degrees of freedom are taken from; None where they are counted or infinite."""
        if self.ddf == "kenward-roger" and not self.engine.covariance_known(self):
            return self._kenward_roger
        if self.ddf == "satterthwaite" and not self.engine.covariance_known(self):
            return self._satterthwaite
        return None

    def df_of(self, contrast: FloatArray) -> tuple[float, float]:
        """Denominator df and F scaling of the rows of a full-rank contrast (rank, p)."""
        found = self._approximation()
        if found is not None:
            return found.test(contrast)
        used = (contrast != 0).any(axis=0)
        return float(self.dfs()[used].min()), 1.0

    def dfs(self) -> FloatArray:
        """Degrees of freedom (p,) of the coefficients."""
        found = self._approximation()
        if found is not None:
            return np.asarray(found.term_dfs())
        if self.ddf == "normal" or self.engine.covariance_known(self):
            return np.full(len(self.beta), np.inf)
        return self.engine.counted_dfs(self)

    @cached_value
    def coefficients(self) -> pd.DataFrame:
        """Fixed effects: term, estimate, std_error, df, statistic, p_value, conf_low, conf_high."""
        return coefficient_table(self)

    @cached_value
    def variance_components(self) -> pd.DataFrame:
        """Variances and covariances: group, term, term2, vcov, sdcor."""
        return self.engine.component_table(self)

    def once(self, make: Callable[[Any], T]) -> T:
        """`make(self)`, computed once."""
        kept: dict[Any, T] = self.__dict__.setdefault("_made", {})
        if make not in kept:
            kept[make] = make(self)
        return kept[make]

    def refit_ml(self) -> Self:
        """The same model and data by maximum likelihood."""
        return self.once(_by_ml) if self.reml else self

    def _again(self, model: Any, *, reml: bool) -> Self:
        assert self.again is not None  # set by what makes the fit
        fit: Self = self.again(model, reml=reml, ddf=self.ddf)
        return fit


def coefficient_table(fit: LinearFit, level: float = 0.95) -> pd.DataFrame:
    """The fixed effects of a fit with their tests and intervals."""
    errors = np.sqrt(np.diag(fit.cov_beta))
    return t_table(fit.terms, fit.beta, errors, fit.dfs(), level=level)


def _by_ml(fit: LinearFit) -> Any:
    """The same fit by maximum likelihood, which intervals and comparisons all start from."""
    return fit._again(fit.model, reml=False)
