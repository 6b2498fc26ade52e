"""Crossed or nested factors with many levels: the engine on sparse crossproducts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.linalg import LinAlgError

from retrostats.common.workers import linear_algebra_threads
from retrostats.models.linear.blocks.basis import substitute
from retrostats.models.linear.blocks.working import change_theta
from retrostats.models.linear.crossed.criterion import factors
from retrostats.models.linear.crossed.inference import (
    MOST_PRODUCTS,
    crossed_kenward_roger,
    crossed_satterthwaite,
    products,
)
from retrostats.models.linear.crossed.optimise import CrossedOptimum, minimise_crossed, moment_start
from retrostats.models.linear.estimates import Ddf, Estimates, LmmEngine, defined_ddf
from retrostats.models.linear.fitted import LmmFit
from retrostats.models.linear.homoscedastic.engine import not_evaluated, refuse_exact
from retrostats.models.linear.homoscedastic.optimise import Optimum
from retrostats.models.linear.newton import searched_again

if TYPE_CHECKING:
    from numpy.random import SeedSequence

    from retrostats.models.linear.batch.refits import Refits
    from retrostats.models.linear.blocks.profiled import Profiled
    from retrostats.models.linear.crossed.layout import Crossed
    from retrostats.models.linear.formula.columns import FloatArray
    from retrostats.models.linear.homoscedastic.kenward_roger import KenwardRoger
    from retrostats.models.linear.homoscedastic.satterthwaite import Satterthwaite
    from retrostats.models.linear.linear_fit import LinearFit
    from retrostats.models.linear.model import Model
    from retrostats.models.linear.post_estimation.tables import Effect

_RESTARTS = (0.2, 4.0)  # the criterion can have a second minimum inside


def fit_crossed(model: Model, *, reml: bool, ddf: Ddf, start: FloatArray | None = None) -> LmmFit:
    """Fit a model whose random effects are connected across many levels.

    Raises
    ------
    NotConverged
        The criterion cannot be evaluated.
    NotIdentified
        The random effects fit the data exactly.
    """
    data = model.crossed
    assert data is not None
    try:
        with linear_algebra_threads(data.dense):
            if start is None:
                best = _best(data, reml=reml)
            else:
                first = change_theta(data.sizes, start, data.roots, to_working=True)
                best = minimise_crossed(data, first, reml=reml)
    except LinAlgError as error:
        raise not_evaluated(model.formula, error) from None
    if not best.converged:
        refuse_exact(model.formula, best.point, data.yy)
    theta = change_theta(data.sizes, best.theta, data.roots, to_working=False)
    optimum = Optimum(
        theta, best.point, best.singular, best.converged, best.steps, model.gram, best.theta
    )
    beta = data.start + substitute(data.basis, best.point.delta)
    method, note = _method(data, reml=reml, ddf=ddf)
    return LmmFit(model, reml, method, optimum, beta, CrossedFactors(data, note))


def _best(data: Crossed, *, reml: bool) -> CrossedOptimum:
    """The minimum, searched again from elsewhere where it is on the boundary."""
    ones = np.array(data.diagonal, dtype=float)

    def descend(size: float) -> CrossedOptimum:
        return minimise_crossed(data, size * ones, reml=reml)

    best = minimise_crossed(data, moment_start(data), reml=reml)
    return searched_again(best, descend, _RESTARTS)


def _method(data: Crossed, *, reml: bool, ddf: Ddf) -> tuple[Ddf, str]:
    """Degrees of freedom that are affordable, and a word where they are not those asked for."""
    defined = defined_ddf(ddf, reml=reml)
    if defined != "kenward-roger" or products(data) <= MOST_PRODUCTS:
        return defined, ""
    return "satterthwaite", (
        f"Kenward-Roger would take {products(data):.1g} multiplications (at most "
        f"{MOST_PRODUCTS:.0e}); Satterthwaite's degrees of freedom stand in its place"
    )


class CrossedFactors(LmmEngine):
    """Random effects that are connected across many levels.

    Parameters
    ----------
    data : Crossed
        The sparse crossproducts.
    note : str
        Why degrees of freedom are not those asked for; empty where they are.

    Notes
    -----
    A profile limit costs ten to twenty evaluations of the criterion, a bootstrap `n` refits of
    about four each.
    """

    name = "crossed"

    def __init__(self, data: Crossed, note: str) -> None:
        self.data, self.note = data, note

    def kenward_roger(self, fit: LinearFit) -> KenwardRoger:
        """Adjusted covariance and degrees of freedom; see `crossed_kenward_roger`."""
        with linear_algebra_threads(self.data.dense):
            return crossed_kenward_roger(self.data, fit.optimum.working)

    def satterthwaite(self, fit: LinearFit) -> Satterthwaite:
        """Degrees of freedom; see `crossed_satterthwaite`."""
        with linear_algebra_threads(self.data.dense):
            return crossed_satterthwaite(self.data, fit.optimum.working, reml=fit.reml)

    def icc(self, fit: Estimates, group: str | None, level: float) -> Effect:
        """Share of one group in the variance, with a profile interval; see `shares.share_of`."""
        from retrostats.models.linear.crossed.intervals import crossed_icc

        with linear_algebra_threads(self.data.dense):
            return crossed_icc(fit, self.data, group, level)

    def profiled(self, ml: Estimates) -> Profiled:
        """The deviance of which limits are taken, by the sparse factorisation."""
        from retrostats.models.linear.crossed.intervals import profiled

        return profiled(self.data)

    def within(self, fit: Estimates) -> tuple[float, int]:
        """Residual sum of squares on [X Z]; see `crossed_within`."""
        from retrostats.models.linear.crossed.intervals import crossed_within

        return crossed_within(self.data)

    def refits(
        self, fit: Estimates, n: int, seed: SeedSequence, jobs: int, scheduler: str | None
    ) -> Refits:
        """Refits to drawn crossproducts; see `refit_crossed`."""
        from retrostats.models.linear.crossed.refits import refit_crossed

        with linear_algebra_threads(self.data.dense):
            return refit_crossed(fit, self.data, n, seed=seed, jobs=jobs, scheduler=scheduler)

    def total_variance(self, fit: Estimates) -> float:
        """Mean variance of an observation."""
        extra = 0.0
        lambdas = factors(self.data, fit.optimum.working, 0.0)
        for lam, own in zip(lambdas, self.data.own, strict=True):
            extra += float(np.vdot(own.sum(axis=0), lam @ lam.T))
        return fit.optimum.point.sigma2 * (1.0 + extra / self.data.n_obs)
