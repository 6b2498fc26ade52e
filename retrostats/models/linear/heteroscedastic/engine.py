"""A residual variance for each level of a factor: the engine with strata."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.linalg import LinAlgError

from retrostats.common.errors import InputError, NotIdentified
from retrostats.models.linear.blocks.basis import substitute
from retrostats.models.linear.estimates import Ddf, Estimates, defined_ddf
from retrostats.models.linear.fitted import LmmFit
from retrostats.models.linear.heteroscedastic.blocks import Strata
from retrostats.models.linear.heteroscedastic.inference import (
    strata_kenward_roger,
    strata_satterthwaite,
)
from retrostats.models.linear.heteroscedastic.optimise import StrataOptimum, minimise_strata
from retrostats.models.linear.homoscedastic.criterion import Point
from retrostats.models.linear.homoscedastic.engine import Homoscedastic, not_evaluated
from retrostats.models.linear.homoscedastic.optimise import Optimum
from retrostats.models.linear.linear_fit import Adjustment, Approximation

if TYPE_CHECKING:
    from retrostats.models.linear.formula.columns import FloatArray
    from retrostats.models.linear.heteroscedastic.studies.optimise import StudyOptimum
    from retrostats.models.linear.linear_fit import LinearFit
    from retrostats.models.linear.model import Model

#: Relative curvature of the deviance below which a parameter is not determined.
FLAT = 1e-9


def fit_strata(model: Model, data: Strata, *, reml: bool, ddf: Ddf) -> LmmFit:
    """Fit a model prepared with residual strata.

    Raises
    ------
    NotConverged
        The criterion cannot be evaluated.
    NotIdentified
        The data do not tell a residual variance from the other parameters.
    """
    try:
        best = minimise_strata(data, reml=reml)
    except LinAlgError as error:
        raise not_evaluated(model.formula, error, f" with residual={data.name!r}") from None
    check_curvature(model, best)
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
    engine = Heteroscedastic(best)
    return LmmFit(model, reml, defined_ddf(ddf, reml=reml), optimum, beta, engine)


def check_curvature(model: Model, best: StrataOptimum) -> None:
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
    if values[0] > FLAT and not (set(range(k, len(curve))) - set(seen.tolist())):
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


class Heteroscedastic(Homoscedastic):
    """A residual variance for each level of a factor.

    Parameters
    ----------
    strata : StrataOptimum or StudyOptimum
        Parameters and criterion.
    """

    name = "heteroscedastic"

    def __init__(self, strata: StrataOptimum | StudyOptimum) -> None:
        self.strata = strata

    def theta(self, fit: LinearFit) -> FloatArray:
        """Covariance factor in the units of the data (not relative)."""
        return self.strata.theta

    def residual_variances(self, fit: LinearFit) -> pd.Series[float]:
        """Residual variances by stratum."""
        data = self.strata.data
        return pd.Series(self.strata.sigma2, index=pd.Index(data.labels, name=data.name))

    def sigma(self, fit: Estimates) -> float:
        """Root of the mean residual variance over all observations."""
        count = self.strata.data.count
        return float(np.sqrt(count @ self.strata.sigma2 / count.sum()))

    def kenward_roger(self, fit: LinearFit) -> Adjustment:
        """Adjusted covariance and degrees of freedom; see `strata_kenward_roger`."""
        best = self.dense(fit)
        return strata_kenward_roger(best.data, best.point.state)

    def satterthwaite(self, fit: LinearFit) -> Approximation:
        """Degrees of freedom; see `strata_satterthwaite`."""
        best = self.dense(fit)
        return strata_satterthwaite(best.data, best.point)

    def dense(self, fit: LinearFit) -> StrataOptimum:
        """The optimum with products of all columns of X."""
        assert isinstance(self.strata, StrataOptimum)
        return self.strata

    def allow(self, what: str) -> None:
        """Refuse what needs one residual variance: profiles, ICC, standardised, bootstrap."""
        raise InputError(
            f"{what} takes one residual variance; this fit has {len(self.strata.sigma2)} "
            f"(residual={self.strata.data.name!r}). Fit without residual= for it"
        )
