"""A pooled rate, odds ratio or proportion: what `pool_counts` returns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from retrostats.common.arrays import one_of, share
from retrostats.common.errors import InputError
from retrostats.common.habits import ESCALC, reviewed_by
from retrostats.common.readable import as_html
from retrostats.models.counts.intervals import (
    METHODS,
    Intervals,
    bootstrap_limits,
    profile_interval,
)
from retrostats.models.counts.model import Maximum, Model

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.models.counts.pool_models import Counts


@dataclass(frozen=True, slots=True, repr=False)
class PooledCounts(Intervals):
    """A pooled rate or odds ratio, rate or proportion.

    Attributes
    ----------
    estimate, std_error, conf_low, conf_high, p_value
        Log rate ratio, log odds ratio, log rate or logit, with the Wald interval and the test of
        0 (NaN for a single group). Without events in an arm of any study the estimate is
        infinite and the interval exact; `notes` says so.
    pred_low, pred_high
        Where the true effect of a new study is expected.
    tau2
        Variance of the effect between studies; NaN where nothing is left to estimate it from.
    sigma2
        Variance of the level between studies ("random-study" with two arms), else NaN.
    loglik
        Log-likelihood, all constants kept.
    k, k_informative, events
        Studies; those that say something about the effect; events an arm.
    measure, model, nodes, level
        As asked for; 1 node is Laplace.
    notes
        What a reader must know.
    likelihood, maximum
        The model and where it is largest, for further intervals.
    counts
        Events and totals of each study, divided by its design effect.
    """

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    p_value: float
    pred_low: float
    pred_high: float
    tau2: float
    sigma2: float
    loglik: float
    k: int
    k_informative: int
    events: tuple[int, ...]
    measure: str
    model: str
    nodes: int
    level: float
    notes: tuple[str, ...]
    likelihood: Model
    maximum: Maximum
    counts: Counts | None = field(default=None, compare=False)

    _instead: ClassVar[Mapping[str, str]] = {
        **reviewed_by(ESCALC),
        "fitted": ".shown(), the ratio that is common to all, with its limits",
        "residuals": ".shown(); for residuals fit the rows with rs.glmm",
        "augment": ".table(); for residuals fit the rows with rs.glmm",
        "anova": ".p_value, the test of no effect",
        "emmeans": ".shown(); for means of arms fit the rows with rs.glmm",
        "contrast": ".estimate, the contrast of the two arms",
        "variance_components": ".tau2 and .sigma2",
    }

    @property
    def n_obs(self) -> int:
        """Studies pooled."""
        return self.k

    @property
    def n_parameters(self) -> int:
        """Effects, levels of studies and variances that are estimated."""
        return len(self.maximum.beta) + len(self.maximum.theta)

    @property
    def coefficients(self) -> pd.DataFrame:
        """The pooled effect on the model scale, as one row like those of `rs.pool`."""
        from retrostats.models.linear.post_estimation.tables import t_table

        finite = math.isfinite(self.estimate) and self.std_error > 0
        numbers = ([self.estimate], [self.std_error if finite else math.nan], [math.inf])
        table = t_table(("(Intercept)",), *map(np.array, numbers), level=self.level)
        return table.assign(
            std_error=self.std_error, p_value=self.p_value, conf_low=self.conf_low,
            conf_high=self.conf_high,
        )  # fmt: skip

    def _fixed(
        self, method: str, level: float | None, draws: int, seed: int | np.random.Generator
    ) -> pd.DataFrame:
        low, high = self._confint(method, level=level, draws=draws, seed=seed)
        return self.coefficients.assign(conf_low=low, conf_high=high)

    def predict(self) -> pd.DataFrame:
        """The mean and a new study's effect: estimate, limits, and pred_low, pred_high."""
        names = ["estimate", "std_error", "conf_low", "conf_high", "pred_low", "pred_high"]
        return self.table()[names]

    def _confint(
        self,
        method: str = "wald",
        *,
        level: float | None = None,
        draws: int = 1000,
        seed: int | np.random.Generator = 1,
    ) -> tuple[float, float]:
        """Limits of the pooled effect on the model scale.

        Parameters are those of `conf_int`.
        """
        from scipy.special import ndtri

        level = self.level if level is None else level
        one_of(method, "conf_int method", METHODS)
        share(level)
        if math.isinf(self.estimate):
            if level != self.level:
                raise InputError(
                    f"the exact interval was computed at level={self.level}; pool again at {level}"
                )
            return self.conf_low, self.conf_high
        if method == "bootstrap":
            trials = np.asarray(getattr(self.likelihood.family, "trials", 0.0))
            if (trials % 1 != 0).any():
                raise InputError(
                    "conf_int method='bootstrap' draws whole numbers of events, and design effects "
                    "make trials that are not whole; use method='profile', or a rate ratio with "
                    "model='fixed-study'"
                )
            limits, _ = bootstrap_limits(self.likelihood, self.maximum, level, draws, seed)
            return float(limits[0, 0]), float(limits[0, 1])
        if method == "profile":
            return profile_interval(self.likelihood, self.maximum, 0, level)
        half = -float(ndtri((1 - level) / 2)) * self.std_error
        return self.estimate - half, self.estimate + half

    def shown(self) -> tuple[float, float, float]:
        """Estimate and limits as the reader sees them: ratio, rate or proportion."""
        values = (self.estimate, self.conf_low, self.conf_high)
        if self.measure == "proportion":
            return tuple(0.5 + 0.5 * math.tanh(v / 2) for v in values)  # type: ignore[return-value]
        return tuple(math.exp(v) for v in values)  # type: ignore[return-value]

    @property
    def studies(self) -> pd.DataFrame:
        """Each study's own effect: study, estimate, std_error, limits (model scale), informative.

        From its counts alone, 1/2 added to the cells of a study with an empty one; a study that is
        not informative (no events in either arm) says nothing of a ratio.
        """
        import pandas as pd
        from scipy.special import ndtri

        from retrostats.models.counts.pool_models import informative, own_effects

        if self.counts is None:
            raise InputError("this pool does not hold its counts; make it with pool_counts")
        y, v = own_effects(self.counts, self.measure)
        half = -float(ndtri((1 - self.level) / 2)) * np.sqrt(v)
        kept = set(informative(self.counts, self.measure).study)
        names = self.counts.study
        return pd.DataFrame(
            {"study": names, "estimate": y, "std_error": np.sqrt(v), "conf_low": y - half,
             "conf_high": y + half, "informative": [name in kept for name in names]}
        )  # fmt: skip

    def table(self) -> pd.DataFrame:
        """One row: measure, model, estimate, std_error, limits, tau2, k, log-likelihood."""
        import pandas as pd

        names = (
            "measure", "model", "estimate", "std_error", "conf_low", "conf_high", "p_value",
            "pred_low", "pred_high", "tau2", "sigma2", "loglik", "k", "k_informative",
        )  # fmt: skip
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def __repr__(self) -> str:
        """Ratio with its interval, heterogeneity, studies and events."""
        value, low, high = self.shown()
        events = " and ".join(map(str, self.events))
        lines = [
            f"PooledCounts {self.measure.replace('_', ' ')} {value:.4g} ({low:.4g} to {high:.4g}), "
            f"{self.model}",
            f"  model scale {self.estimate:.4f} (SE {self.std_error:.4f}), tau2 {self.tau2:.4f}, "
            f"{self.k} studies, {events} events",
        ]
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        """The same as a table."""
        head = repr(self).split("\n  note: ")[0].splitlines()
        return as_html(head, (self.coefficients,), self.notes)
