"""What is asked of the fixed effects of every linear fit, whatever its engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from retrostats.common.whole import whole
from retrostats.models.linear.linear_fit import LinearFit

if TYPE_CHECKING:
    from retrostats.models.linear.post_estimation.emmeans import MarginalMeans
    from retrostats.models.linear.post_estimation.reference_grid import Weights


class LinearVerbs(LinearFit):
    """Contrasts, tests of terms, means and slopes."""

    def contrast(
        self, weights: Mapping[str, float] | Any, *, null: float = 0.0, level: float = 0.95
    ) -> pd.DataFrame:
        """Test linear combinations of the fixed effects; see `contrasts.contrast`."""
        from retrostats.models.linear.post_estimation.contrasts import contrast

        return whole(contrast(self, weights, null=null, level=level))

    def anova(self, other: Any = "III") -> pd.DataFrame:
        """F tests of all terms: "I", "II" or "III"; see `anova.anova`."""
        from retrostats.models.linear.post_estimation.anova import anova

        return whole(anova(self, other))

    def emmeans(
        self,
        factors: str | Sequence[str],
        *,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        type: Literal["link", "response"] = "link",
        weights: Weights = "equal",
        level: float = 0.95,
    ) -> MarginalMeans:
        """Estimated marginal means over factors; see `emmeans.emmeans`."""
        from retrostats.models.linear.post_estimation.emmeans import emmeans

        return emmeans(self, factors, by=by, at=at, type=type, weights=weights, level=level)

    def emtrends(
        self,
        factors: str | Sequence[str],
        column: str,
        *,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        weights: Weights = "equal",
        level: float = 0.95,
    ) -> MarginalMeans:
        """Slopes of a numeric column at the cells of factors; see `emmeans.emtrends`."""
        from retrostats.models.linear.post_estimation.emmeans import emtrends

        return emtrends(self, factors, column, by=by, at=at, weights=weights, level=level)

    def effects(
        self,
        column: str,
        *,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        type: Literal["link", "response"] = "response",
        level: float = 0.95,
    ) -> MarginalMeans:
        """Expected outcomes over a column, to be drawn by `.plot()`; see `emmeans.effects`."""
        from retrostats.models.linear.post_estimation.emmeans import effects

        return effects(self, column, by=by, at=at, type=type, level=level)
