"""One residual variance, and random effects whose blocks are small: the engine of most models."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from numpy.linalg import LinAlgError

from retrostats.common.errors import InputError, NotConverged, NotIdentified
from retrostats.models.linear.blocks.basis import substitute
from retrostats.models.linear.blocks.working import working_gram
from retrostats.models.linear.estimates import Ddf, Estimates, LmmEngine, defined_ddf
from retrostats.models.linear.fitted import LmmFit
from retrostats.models.linear.formula.formula import Formula
from retrostats.models.linear.homoscedastic.criterion import Point, ml_deviance
from retrostats.models.linear.homoscedastic.inference import kenward_roger_of, satterthwaite_of
from retrostats.models.linear.homoscedastic.optimise import minimise

if TYPE_CHECKING:
    from numpy.random import SeedSequence

    from retrostats.models.linear.batch.refits import Refits
    from retrostats.models.linear.blocks.profiled import Profiled
    from retrostats.models.linear.formula.columns import FloatArray
    from retrostats.models.linear.linear_fit import Adjustment, Approximation, LinearFit
    from retrostats.models.linear.model import Model
    from retrostats.models.linear.post_estimation.tables import Effect


def fit_homoscedastic(
    model: Model, *, reml: bool, ddf: Ddf, start: FloatArray | None = None
) -> LmmFit:
    """Fit a model with one residual variance.

    Raises
    ------
    NotConverged
        The criterion cannot be evaluated.
    NotIdentified
        The random effects fit the data exactly.
    """
    try:
        optimum = minimise(model.gram, reml=reml, start=start)
    except LinAlgError as error:
        raise not_evaluated(model.formula, error) from None
    gram, point = model.gram, optimum.point
    if not optimum.converged:
        refuse_exact(model.formula, point, gram.yy)
    beta = gram.start + substitute(gram.basis, point.delta)
    return LmmFit(model, reml, defined_ddf(ddf, reml=reml), optimum, beta, Homoscedastic())


class Homoscedastic(LmmEngine):
    """Dense crossproducts of blocks, and batches of refits."""

    name = "homoscedastic"

    def kenward_roger(self, fit: LinearFit) -> Adjustment:
        """Adjusted covariance and degrees of freedom."""
        return kenward_roger_of(fit.optimum, reml=fit.reml)

    def satterthwaite(self, fit: LinearFit) -> Approximation:
        """Degrees of freedom."""
        return satterthwaite_of(fit.optimum, reml=fit.reml)

    def profiled(self, ml: Estimates) -> Profiled:
        """The deviance of which limits are taken.

        Raises
        ------
        InputError
            A covariance that may be negative.
        """
        from retrostats.models.linear.blocks.profiled import Profiled

        gram = ml.optimum.gram
        if gram.signed:
            raise InputError("profile intervals need covariance='lme4'; use icc() for a signed one")
        _, roots = working_gram(ml.model.gram)
        return Profiled(partial(ml_deviance, gram), gram.sizes, roots, gram.basis)

    def icc(self, fit: Estimates, group: str | None, level: float) -> Effect:
        """Intraclass correlation; see `intervals.icc`."""
        from retrostats.models.linear.homoscedastic.intervals import icc

        return icc(fit, group=group, level=level)

    def within(self, fit: Estimates) -> tuple[float, int]:
        """Residual sum of squares on [X Z]; see `small_sample.within`."""
        from retrostats.models.linear.post_estimation.small_sample import within

        return within(fit.model.gram)

    def total_variance(self, fit: Estimates) -> float:
        """Mean variance of an observation; see `intervals.total_variance`."""
        from retrostats.models.linear.homoscedastic.intervals import total_variance

        return total_variance(fit)

    def refits(
        self, fit: Estimates, n: int, seed: SeedSequence, jobs: int, scheduler: str | None
    ) -> Refits:
        """Refits to drawn crossproducts; see `refits.refit`."""
        from retrostats.models.linear.batch.refits import refit

        return refit(
            fit.model, (fit.theta, fit.sigma), n, seed=seed, reml=fit.reml, jobs=jobs,
            scheduler=scheduler,
        )  # fmt: skip


_EXACT = 1e-8  # share of the spread left as residual below which a failed fit is an exact one


def not_evaluated(formula: Formula, error: Exception, having: str = "") -> NotConverged:
    """What is raised where the criterion cannot be evaluated; `having` follows the formula."""
    return NotConverged(
        f"{formula.text!r}{having}: {error}; the data may be fitted exactly by the random effects"
    )


def refuse_exact(formula: Formula, point: Point, yy: float) -> None:
    """Say why a search that did not converge could not, where next to nothing of `yy` is left.

    Raises
    ------
    NotIdentified
    """
    if point.rss < _EXACT * yy:
        raise NotIdentified(
            f"{formula.text!r}: the random effects fit the data exactly and the residual "
            "variance is zero; repeated measurements that differ are needed"
        )
