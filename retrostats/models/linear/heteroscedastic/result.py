"""A fit whose residual variance differs between strata."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.linalg import LinAlgError

from retrostats.common.errors import InputError, NotIdentified
from retrostats.common.values import cached_value, value_of
from retrostats.models.linear.blocks.basis import substitute
from retrostats.models.linear.fitted import Ddf, LmmFit, defined_ddf
from retrostats.models.linear.heteroscedastic.inference import (
    strata_kenward_roger,
    strata_satterthwaite,
)
from retrostats.models.linear.heteroscedastic.optimise import StrataOptimum, minimise_strata
from retrostats.models.linear.homoscedastic.criterion import Point
from retrostats.models.linear.homoscedastic.exact import not_evaluated
from retrostats.models.linear.homoscedastic.kenward_roger import KenwardRoger
from retrostats.models.linear.homoscedastic.optimise import Optimum
from retrostats.models.linear.homoscedastic.satterthwaite import Satterthwaite

if TYPE_CHECKING:
    from retrostats.models.linear.formula.columns import FloatArray
    from retrostats.models.linear.model import Model

_FLAT = 1e-9  # relative curvature of the deviance below which a parameter is not determined


def fit_strata(model: Model, *, reml: bool, ddf: Ddf) -> StrataFit:
    """Fit a model prepared with residual strata.

    Raises
    ------
    NotConverged
        The criterion cannot be evaluated.
    NotIdentified
        The data do not tell a residual variance from the other parameters.
    """
    data = model.strata
    assert data is not None
    try:
        best = minimise_strata(data, reml=reml)
    except LinAlgError as error:
        raise not_evaluated(model.formula, error, f" with residual={data.name!r}") from None
    _check_curvature(model, best)
    state, unit = best.point.state, data.scale**2
    nu = data.n_obs - len(state.delta) if reml else data.n_obs
    point = Point(
        state.deviance, best.point.gradient, best.point.hessian, data.scale * state.delta,
        state.xvx, unit * nu, unit,
    )  # fmt: skip
    optimum = Optimum(
        best.theta / data.scale, point, best.singular, best.converged, best.steps, model.gram,
        best.working,
    )  # fmt: skip
    beta = data.start + substitute(data.basis, point.delta)
    return StrataFit(model, reml, defined_ddf(ddf, reml=reml), optimum, beta, best)


def _check_curvature(model: Model, best: StrataOptimum) -> None:
    """Name the parameters in whose common direction the deviance is flat."""
    names = [f"{effect} by {group}" for group, effects in model.groups for effect in effects]
    positions = [i for i, d in enumerate(best.data.diagonal) if d]
    k = len(best.data.diagonal)
    labels = dict(zip(positions, names, strict=True))
    labels |= {k + i: f"residual {label}" for i, label in enumerate(best.data.labels)}
    curve = np.diag(best.point.hessian)
    seen = np.flatnonzero(curve > 1e-12 * curve.max())
    unit = 1.0 / np.sqrt(curve[seen])
    values, vectors = np.linalg.eigh(best.point.hessian[np.ix_(seen, seen)] * np.outer(unit, unit))
    if values[0] > _FLAT and not (set(range(k, len(curve))) - set(seen.tolist())):
        return
    weight = np.abs(vectors[:, 0])
    at = [int(seen[i]) for i in np.flatnonzero(weight > 0.3 * weight.max())]
    at += sorted(set(range(k, len(curve))) - set(seen.tolist()))
    shown = ", ".join(labels.get(i, "a covariance") for i in at[:6])
    raise NotIdentified(
        f"{model.formula.text!r} with residual={best.data.name!r}: the likelihood does not tell "
        f"apart the variances of {shown}; repeated measurements of each level within a stratum, "
        "or fewer strata, are needed"
    )


@dataclass(frozen=True, eq=False, repr=False)
class StrataFit(LmmFit):
    """A linear mixed model with a residual variance for each level of a factor.

    What `LmmFit` says holds; in addition:

    Attributes
    ----------
    strata : StrataOptimum
        Parameters and criterion.
    """

    strata: StrataOptimum

    @property
    def theta(self) -> FloatArray:
        """Covariance factor in the units of the data (not relative), lower triangles by column."""
        return value_of(self.strata.theta)

    @property
    def n_parameters(self) -> int:
        """Fixed effects, covariance parameters and residual variances."""
        return len(self.beta) + len(self.theta) + len(self.strata.sigma2)

    @property
    def sigma(self) -> float:
        """Root of the mean residual variance over all observations; see `residual_sd`."""
        count = self.strata.data.count
        return float(np.sqrt(count @ self.strata.sigma2 / count.sum()))

    @cached_value
    def residual_sd(self) -> pd.Series[Any]:
        """Residual standard deviation of each stratum, by its label."""
        data = self.strata.data
        index = pd.Index(data.labels, name=data.name)
        return pd.Series(np.sqrt(self.strata.sigma2), index=index, name="residual_sd")

    @cached_value
    def variance_components(self) -> pd.DataFrame:
        """Variances and covariances: group, term, term2, vcov, sdcor; a residual row a stratum."""
        from retrostats.models.linear.post_estimation.components import component_table

        table = component_table(self).iloc[:-1]
        sigma2 = self.strata.sigma2
        residual = pd.DataFrame(
            {
                "group": "Residual",
                "term": self.strata.data.labels,
                "term2": "",
                "vcov": sigma2,
                "sdcor": np.sqrt(sigma2),
            }
        )
        return pd.concat([table, residual], ignore_index=True)

    @cached_property
    def _kenward_roger(self) -> KenwardRoger:
        return strata_kenward_roger(self.strata.data, self.strata.point.state)

    @cached_property
    def _satterthwaite(self) -> Satterthwaite:
        return strata_satterthwaite(self.strata.data, self.strata.point)

    def _allow(self, what: str) -> None:
        """Refuse what needs one residual variance: profiles, ICC, standardised, bootstrap."""
        raise InputError(
            f"{what} takes one residual variance; this fit has {len(self.strata.sigma2)} "
            f"(residual={self.strata.data.name!r}). Fit without residual= for it"
        )
