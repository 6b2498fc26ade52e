"""The engine with strata of many studies, whose own columns of X are apart from each other's."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.linalg import LinAlgError

from retrostats.models.linear.estimates import Ddf, defined_ddf
from retrostats.models.linear.fitted import LmmFit
from retrostats.models.linear.heteroscedastic.engine import FLAT, Heteroscedastic, check_curvature
from retrostats.models.linear.heteroscedastic.optimise import StrataOptimum
from retrostats.models.linear.heteroscedastic.studies.inference import (
    Coefficients,
    studies_kenward_roger,
    studies_satterthwaite,
)
from retrostats.models.linear.heteroscedastic.studies.optimise import (
    StudyOptimum,
    dense_optimum,
    minimise_studies,
)
from retrostats.models.linear.heteroscedastic.studies.rows import Studies
from retrostats.models.linear.homoscedastic.criterion import Point
from retrostats.models.linear.homoscedastic.engine import not_evaluated
from retrostats.models.linear.homoscedastic.optimise import Optimum
from retrostats.models.linear.linear_fit import Adjustment, Approximation

if TYPE_CHECKING:
    from retrostats.models.linear.formula.columns import FloatArray
    from retrostats.models.linear.linear_fit import LinearFit
    from retrostats.models.linear.model import Model


def fit_studies(model: Model, data: Studies, *, reml: bool, ddf: Ddf) -> LmmFit:
    """Fit a model prepared with residual strata of many studies; see `fit_strata`."""
    try:
        best = minimise_studies(data, reml=reml)
    except LinAlgError as error:
        raise not_evaluated(model.formula, error, f" with residual={data.name!r}") from None
    if not best.point.curve.positive(FLAT):
        check_curvature(model, dense_optimum(best, reml=reml))
    turn, unit = best.point.turn, data.scale**2
    nu = data.n_obs - len(data.start) if reml else data.n_obs
    point = Point(
        best.point.deviance, best.point.gradient, np.empty((0, 0)), np.empty(0), np.empty((0, 0)),
        unit * nu, unit,
    )  # fmt: skip
    optimum = Optimum(
        best.theta / data.scale, point, best.singular, best.converged, best.steps, model.gram,
        best.working,
    )  # fmt: skip
    own, common = data.basis.coefficients(turn.delta_own, turn.delta_common)
    beta = data.start + data.scale * Coefficients.of(data, turn).by_common(own, common)[:, 0]
    return LmmFit(model, reml, defined_ddf(ddf, reml=reml), optimum, beta, OfStudies(best))


class OfStudies(Heteroscedastic):
    """Residual variances of many studies, whose own columns of X never meet those of others.

    Parameters
    ----------
    best : StudyOptimum
        Parameters and criterion.
    """

    def __init__(self, best: StudyOptimum) -> None:
        super().__init__(best)
        self.best = best

    def cov_unadjusted(self, fit: LinearFit) -> FloatArray:
        """Covariance (p, p) of the fixed effects without the small-sample adjustment."""
        return Coefficients.of(self.best.data, self.best.point.turn).covariance

    def kenward_roger(self, fit: LinearFit) -> Adjustment:
        """Adjusted covariance and degrees of freedom; see `studies_kenward_roger`."""
        found = studies_kenward_roger(self.best, partial(super().kenward_roger, fit), reml=fit.reml)
        return super().kenward_roger(fit) if found is None else found

    def satterthwaite(self, fit: LinearFit) -> Approximation:
        """Degrees of freedom; see `studies_satterthwaite`."""
        found = studies_satterthwaite(self.best)
        return super().satterthwaite(fit) if found is None else found

    def dense(self, fit: LinearFit) -> StrataOptimum:
        """The optimum with products of all columns of X."""
        return dense_optimum(self.best, reml=fit.reml)
