"""The engine of a covariance of repeated measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pandas as pd

from retrostats.common.errors import InputError
from retrostats.models.linear.estimates import Estimates, LmmEngine
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.kenward_roger import KenwardRoger
from retrostats.models.linear.homoscedastic.satterthwaite import Satterthwaite
from retrostats.models.linear.post_estimation.components import COMPONENT, components_of
from retrostats.models.linear.repeated.criterion import State
from retrostats.models.linear.repeated.inference import (
    repeated_kenward_roger,
    repeated_satterthwaite,
)
from retrostats.models.linear.repeated.structures import Shape
from retrostats.models.linear.repeated.sums import Repeated

if TYPE_CHECKING:
    from numpy.random import SeedSequence

    from retrostats.models.linear.batch.refits import Refits
    from retrostats.models.linear.blocks.profiled import Profiled
    from retrostats.models.linear.linear_fit import LinearFit
    from retrostats.models.linear.post_estimation.tables import Effect


class RepeatedEngine(LmmEngine):
    """Crossproducts by pairs of levels.

    Parameters
    ----------
    structure : str
    shape : Shape
    data : Repeated
    state : State
        The criterion at the estimates.
    """

    name = "repeated"

    def __init__(self, structure: str, shape: Shape, data: Repeated, state: State) -> None:
        self.structure, self.shape, self.data, self.state = structure, shape, data, state
        if structure.endswith("ar1"):
            self.note = f" (levels in the order {', '.join(data.levels.labels)}, equally spaced)"

    @property
    def v(self) -> FloatArray:
        """Covariance (m, m) of the levels in the units of the data."""
        return np.asarray(self.state.v * self.data.scale**2)

    def kenward_roger(self, fit: LinearFit) -> KenwardRoger:
        """Adjusted covariance and degrees of freedom."""
        return repeated_kenward_roger(self.data, self.shape, fit.optimum.theta, self.state)

    def satterthwaite(self, fit: LinearFit) -> Satterthwaite:
        """Degrees of freedom."""
        return repeated_satterthwaite(self.data, self.state)

    def residual_variances(self, fit: LinearFit) -> pd.Series[float]:
        """Variances by level of the repeated factor."""
        levels = self.data.levels
        return pd.Series(np.diag(self.v), index=pd.Index(levels.labels, name=levels.name))

    def component_table(self, fit: LinearFit) -> pd.DataFrame:
        """Variances of the levels, then covariances."""
        rows = components_of(self.data.subject, self.data.levels.labels, self.v)
        return pd.DataFrame(rows, columns=COMPONENT)

    def sigma(self, fit: Estimates) -> float:
        """Root of the mean variance over all observations."""
        return float(np.sqrt(self.total_variance(fit)))

    def total_variance(self, fit: Estimates) -> float:
        """Mean variance of an observation."""
        counts = np.zeros(len(self.v))
        for s in self.data.seen:
            counts[s.levels] += s.count
        return float(counts @ np.diag(self.v) / counts.sum())

    def allow(self, what: str) -> NoReturn:
        """Refuse what needs random effects or one residual variance."""
        raise InputError(
            f"{what} is of random effects; covariance={self.structure!r} has none. "
            ".covariance has the variances and covariances of the levels"
        )

    def profiled(self, ml: Estimates) -> Profiled:
        """Not of this engine."""
        self.allow("a profile interval")

    def icc(self, fit: Estimates, group: str | None, level: float) -> Effect:
        """Not of this engine."""
        self.allow("an intraclass correlation")

    def within(self, fit: Estimates) -> tuple[float, int]:
        """Not of this engine."""
        self.allow("an exact interval")

    def refits(
        self, fit: Estimates, n: int, seed: SeedSequence, jobs: int, scheduler: str | None
    ) -> Refits:
        """Not of this engine."""
        self.allow("the parametric bootstrap")
