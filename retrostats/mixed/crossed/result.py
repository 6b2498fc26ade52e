"""A fit of crossed or nested factors with many levels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NoReturn

import numpy as np
from numpy.linalg import LinAlgError

from retrostats.errors import InputError, NotConverged, NotIdentified
from retrostats.mixed.basis import substitute
from retrostats.mixed.crossed.inference import (
    MOST_PRODUCTS,
    crossed_kenward_roger,
    crossed_satterthwaite,
    products,
)
from retrostats.mixed.crossed.optimise import CrossedOptimum, minimise_crossed
from retrostats.mixed.crossed.threads import threads_for
from retrostats.mixed.fitted import Ddf, LmmFit
from retrostats.mixed.optimise import Optimum
from retrostats.mixed.working import change_theta

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.mixed.columns import FloatArray
    from retrostats.mixed.crossed.layout import Crossed
    from retrostats.mixed.effect import Effect
    from retrostats.mixed.kenward_roger import KenwardRoger
    from retrostats.mixed.model import Model
    from retrostats.mixed.satterthwaite import Satterthwaite

_RESTARTS = (0.2, 4.0)  # the criterion can have a second minimum inside
_SLACK = 1e-10  # relative fall of the deviance that counts as one
_EXACT = 1e-8  # share of the spread left as residual below which a failed fit is an exact one


def fit_crossed(
    model: Model, *, reml: bool, ddf: Ddf, start: FloatArray | None = None
) -> CrossedFit:
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
    first = np.array(data.diagonal, dtype=float)
    if start is not None:
        first = change_theta(data.sizes, start, data.roots, to_working=True)
    try:
        with threads_for(data):
            best = _best(data, first, reml=reml, restart=start is None)
    except LinAlgError as error:
        raise NotConverged(
            f"{model.formula.text!r}: {error}; the data may be fitted exactly by the random effects"
        ) from None
    if not best.converged and best.point.rss < _EXACT * data.yy:
        raise NotIdentified(
            f"{model.formula.text!r}: the random effects fit the data exactly and the residual "
            "variance is zero; repeated measurements that differ are needed"
        )
    theta = change_theta(data.sizes, best.theta, data.roots, to_working=False)
    optimum = Optimum(
        theta, best.point, best.singular, best.converged, best.steps, model.gram, best.theta
    )
    beta = data.start + substitute(data.basis, best.point.delta)
    method, note = _method(data, reml=reml, ddf=ddf)
    return CrossedFit(model, reml, method, optimum, beta, note)


def _best(data: Crossed, first: FloatArray, *, reml: bool, restart: bool) -> CrossedOptimum:
    """The minimum, searched again from elsewhere where it is on the boundary."""
    best = minimise_crossed(data, first, reml=reml)
    for size in _RESTARTS if best.singular and restart else ():
        again = minimise_crossed(data, size * first, reml=reml)
        if again.point.deviance < best.point.deviance - _SLACK * abs(best.point.deviance):
            best = again
    return best


def _method(data: Crossed, *, reml: bool, ddf: Ddf) -> tuple[Ddf, str]:
    """Degrees of freedom that are affordable, and a word where they are not those asked for."""
    if ddf != "kenward-roger":
        return ddf, ""
    if not reml:
        return "satterthwaite", ""
    if products(data) <= MOST_PRODUCTS:
        return ddf, ""
    return "satterthwaite", (
        f"Kenward-Roger would take {products(data):.1g} multiplications (at most "
        f"{MOST_PRODUCTS:.0e}); Satterthwaite's degrees of freedom stand in its place"
    )


@dataclass(frozen=True, eq=False, repr=False)
class CrossedFit(LmmFit):
    """A linear mixed model whose random effects are connected across many levels.

    What `LmmFit` says holds; in addition:

    Attributes
    ----------
    note : str
        Why degrees of freedom are not those asked for; empty where they are.
    """

    note: str

    @property
    def _crossed(self) -> Crossed:
        assert self.model.crossed is not None
        return self.model.crossed

    @cached_property
    def _kenward_roger(self) -> KenwardRoger:
        with threads_for(self._crossed):
            return crossed_kenward_roger(self._crossed, self.optimum.working)

    @cached_property
    def _satterthwaite(self) -> Satterthwaite:
        with threads_for(self._crossed):
            return crossed_satterthwaite(self._crossed, self.optimum.working, reml=self.reml)

    def _header(self) -> str:
        head = super()._header()
        return f"{head}\n{self.note}" if self.note else head

    def confint(
        self,
        method: Literal["profile", "bootstrap", "bootstrap-t", "exact"] = "profile",
        *,
        level: float = 0.95,
        n: int = 2000,
        seed: int = 1,
        jobs: int = 1,
    ) -> pd.DataFrame:
        """Refused: a profile or bootstrap refits the whole model hundreds of times."""
        self._refuse("intervals of variance components")

    def icc(self, *, level: float = 0.95) -> Effect:
        """Refused, as `confint`."""
        self._refuse("an intraclass correlation")

    def standardised(
        self, term: str, *, by: Literal["total", "residual"] = "total", level: float = 0.95
    ) -> Effect:
        """Refused, as `confint`."""
        self._refuse("a standardised effect")

    def bootstrap(
        self, n: int, seed: int, jobs: int = 1, scheduler: str | None = None
    ) -> pd.DataFrame:
        """Refused, as `confint`."""
        self._refuse("the parametric bootstrap")

    def _refuse(self, what: str) -> NoReturn:
        width = sum(g.width for g in self._crossed.groups)
        raise InputError(
            f"{what}: hundreds of refits of {width} connected random effects; fit.refit(outcome) "
            "refits one outcome, and `coefficients` has intervals of the fixed effects"
        )
