"""What a fit says of its fixed effects, whether residual variances are estimated or known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from retrostats.common.values import cached_value, value_of
from retrostats.common.verbs import Verbs
from retrostats.common.whole import whole
from retrostats.models.linear.post_estimation.tables import t_table

if TYPE_CHECKING:
    from retrostats.models.linear.formula.columns import FloatArray
    from retrostats.models.linear.homoscedastic.kenward_roger import KenwardRoger


class Described(Verbs):
    """The part that `LmmFit` and `KnownFit` share.

    Each has a model (formula, terms, rows left out), an optimum, and the properties below.
    """

    model: Any
    optimum: Any
    ddf: str
    if TYPE_CHECKING:  # each fit has them, as a field or computed

        @property
        def beta(self) -> FloatArray:
            """Fixed effects (p,)."""

        @property
        def cov_unadjusted(self) -> FloatArray:
            """Covariance (p, p) without the small-sample adjustment."""

        @property
        def _kenward_roger(self) -> KenwardRoger: ...

        def dfs(self) -> FloatArray:
            """Degrees of freedom (p,) of the coefficients."""

    @property
    def formula(self) -> str:
        """The formula as given."""
        return str(self.model.formula.text)

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the fixed effects."""
        return tuple(self.model.terms)

    @property
    def singular(self) -> bool:
        """Whether a variance is zero or a correlation is one in absolute value."""
        return bool(self.optimum.singular)

    @property
    def n_dropped(self) -> int:
        """Rows left out because of a missing value."""
        return int(self.model.n_dropped)

    @property
    def cov_beta(self) -> FloatArray:
        """Covariance (p, p) of the fixed effects, adjusted where `ddf` is "kenward-roger"."""
        kr = self.ddf == "kenward-roger"
        return value_of(self._kenward_roger.adjusted if kr else self.cov_unadjusted)

    @cached_value
    def coefficients(self) -> pd.DataFrame:
        """Fixed effects: term, estimate, std_error, df, statistic, p_value, conf_low, conf_high."""
        return t_table(self.terms, self.beta, np.sqrt(np.diag(self.cov_beta)), self.dfs())

    def contrast(
        self, weights: Mapping[str, float] | Any, *, null: float = 0.0, level: float = 0.95
    ) -> pd.DataFrame:
        """Test linear combinations of the fixed effects; see `contrasts.contrast`."""
        from retrostats.models.linear.post_estimation.contrasts import contrast

        return whole(contrast(self, weights, null=null, level=level))  # type: ignore[arg-type]
