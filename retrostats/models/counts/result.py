"""`GlmmFit`: a fitted generalised mixed model and what can be asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from retrostats.common.deprecated import renamed_arguments
from retrostats.common.errors import InputError
from retrostats.common.readable import as_html, as_text
from retrostats.common.whole import whole
from retrostats.models.counts.design import Formulated, Linear
from retrostats.models.counts.estimates import CountEstimates, estimated
from retrostats.models.counts.intervals import limits, profile_interval

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from retrostats.models.counts.overdispersion import Overdispersion
    from retrostats.models.linear.post_estimation.checks import Check
    from retrostats.models.linear.post_estimation.emmeans import MarginalMeans
    from retrostats.models.linear.post_estimation.reference_grid import Weights
    from retrostats.models.linear.post_estimation.residuals import RSquared
    from retrostats.models.linear.post_estimation.tables import Effect


@dataclass(frozen=True, slots=True, repr=False)
class GlmmFit(CountEstimates):
    """A fitted generalised mixed model.

    Attributes
    ----------
    terms, beta, cov_beta
        Fixed effects (p,) with their covariance (p, p), from the Hessian in theta and beta.
        A separated effect is infinite, its covariance NaN; the notes say so.
    theta, parts
        Relative covariance factor and the random terms it belongs to.
    alpha
        Dispersion of a negative binomial, variance mu + alpha mu^2; NaN for other families.
    loglik, n_agq
        Log-likelihood (all constants kept) and the number of quadrature nodes; 1 is Laplace.
    n_obs, n_dropped
        Rows fitted, and rows left out because a value was missing.
    gradient
        Largest absolute derivative of the deviance at the answer, free parameters only.
    dispersion
        Pearson statistic of the fixed part over its degrees of freedom, for orientation;
        `overdispersion()` is the check.
    notes
        What a reader must know: separated effects, a dispersion of zero.
    model, maximum
        The model and where its likelihood is largest, for intervals.
    design
        Formula, columns and rows, for predictions and means.
    """

    _instead: ClassVar[Mapping[str, str]] = {
        "refit_ml": "the fit itself, which is by maximum likelihood",
        "standardised": ".ratios(), which have no unit",
        "sigma": ".alpha of a negative binomial, or .overdispersion()",
        "moments": "the rows: moments are of normal outcomes",
    }
    _usual: ClassVar[str] = "checked"

    @property
    def coefficients(self) -> pd.DataFrame:
        """Term, estimate, std_error, statistic, p_value, conf_low, conf_high (log scale).

        Wald intervals (conf_int has the profile's where they fail); a separated term has a
        profile-likelihood interval with one end infinite.
        """
        from retrostats.models.linear.post_estimation.tables import t_table

        error, df = np.sqrt(np.diag(self.cov_beta)), np.full(len(self.beta), np.inf)
        table = t_table(self.terms, self.beta, error, df).drop(columns="df")
        for j in np.flatnonzero(~np.isfinite(self.beta)):
            low, high = profile_interval(self.model, self.maximum, int(j))
            table.loc[j, ["conf_low", "conf_high"]] = low, high
        return table

    def ratios(self) -> pd.DataFrame:
        """Rate or odds ratios, with the intervals of conf_int; no intercept."""
        import pandas as pd

        table = self.conf_int()
        rows = table[table["term"] != "(Intercept)"]
        return pd.DataFrame(
            {"term": rows["term"]}
            | {new: np.exp(rows[old]) for new, old in
               (("ratio", "estimate"), ("conf_low", "conf_low"), ("conf_high", "conf_high"))}
        ).reset_index(drop=True)  # fmt: skip

    def _fixed(
        self, method: str, level: float | None, draws: int, seed: int | np.random.Generator
    ) -> pd.DataFrame:
        import pandas as pd

        found, attrs = limits(self, method, 0.95 if level is None else level, draws, seed)
        low, high = found.T
        table = pd.DataFrame(
            {"term": self.terms, "estimate": self.beta, "conf_low": low, "conf_high": high}
        )
        table.attrs.update(attrs)
        return table

    def _random(
        self, method: str, level: float | None, draws: int, seed: int | np.random.Generator
    ) -> pd.DataFrame:
        from retrostats.models.counts.verbs import random_intervals

        return random_intervals(self, method, 0.95 if level is None else level, draws, seed)

    def anova(self, other: GlmmFit | str = "III") -> pd.DataFrame:
        """Chi-squared tests of all terms ("II", "III"; see `verbs.anova`), or `compare`."""
        from retrostats.models.counts.verbs import anova

        return whole(anova(self, other)) if isinstance(other, str) else self.compare(other)

    def compare(self, other: GlmmFit) -> pd.DataFrame:
        """Likelihood-ratio test against a nested or larger model; see `verbs.compare`."""
        from retrostats.models.counts.verbs import compare

        return whole(compare(self, other))

    def contrast(
        self, weights: Mapping[str, float] | Any, *, null: float = 0.0, level: float = 0.95
    ) -> pd.DataFrame:
        """Test linear combinations of the fixed effects, on the scale of the link.

        Parameters are those of `LmmFit.contrast`; tests are by z and chi-squared.
        """
        from retrostats.models.counts.verbs import contrast

        return whole(contrast(self, weights, null, level))

    @property
    def r_squared(self) -> RSquared:
        """Marginal and conditional R squared on the scale of the link; see `verbs.r_squared`."""
        from retrostats.models.counts.verbs import r_squared

        return r_squared(self)

    def icc(self, *, group: str | None = None, level: float = 0.95) -> Effect:
        """Share of a group in the variance that the fixed effects leave; see `verbs.icc`."""
        from retrostats.models.counts.verbs import icc

        return icc(self, group, level)

    def bootstrap(self, draws: int, seed: int | np.random.Generator = 1) -> pd.DataFrame:
        """Parametric bootstrap: one row a refit; see `verbs.bootstrap`."""
        from retrostats.models.counts.verbs import bootstrap

        return bootstrap(self, draws, seed)

    def refit(self, data: Any) -> GlmmFit:
        """The same model of other events (N,) of these rows."""
        from retrostats.models.counts.verbs import new_events

        return replace(self, **estimated(self.formula, new_events(self, data), self.terms))

    def plot(self, width_mm: float | None = None) -> Figure:  # type: ignore[override]  # no others
        """What `check` finds, drawn; `width_mm` 85 for one column of a journal."""
        return self.check().plot(width_mm)

    def _confint(self, method: str = "wald", **options: Any) -> pd.DataFrame:
        return self.conf_int(method=method, **options)  # type: ignore[arg-type]

    def overdispersion(self, level: float = 0.95) -> Overdispersion:
        """Pearson chi-squared over its degrees of freedom, with interval and p-value."""
        from retrostats.models.counts.overdispersion import overdispersion

        return overdispersion(self, level)

    def check(self, *, draws: int = 250, seed: int = 1) -> Check:
        """Simulated residuals, dispersion, zeros, outliers, in sentences; see `checks.check`."""
        from retrostats.models.counts.checks import check

        return check(self, draws=draws, seed=seed)

    def predict(
        self,
        newdata: pd.DataFrame | None = None,
        *,
        random: bool = True,
        type: Literal["link", "response"] = "response",
        allow_new_levels: bool = False,
        level: float = 0.95,
    ) -> pd.DataFrame:
        """Expected events of each row, or the probability of one in a trial.

        Parameters
        ----------
        newdata
            The columns of the formula but the outcome, and the exposure; the rows fitted if not
            given.
        random
            With the random effects of the row's levels (conditional), or at 0: the typical group,
            which on the outcome's scale is not the mean over groups.
        type
            "response", or "link" for the logarithm or logit.
        allow_new_levels
            A level not seen in the fit has the effect 0 with the variance of its group.
        level
            Of the Wald limits, made on the scale of the link.

        Returns
        -------
        DataFrame
            estimate, std_error (delta method), conf_low, conf_high; NaN where a value is missing.

        Raises
        ------
        InputError
            A column is missing, a level is unknown, or counts separate.

        Examples
        --------
        >>> from retrostats.models.counts.fit import glmm
        >>> import pandas as pd
        >>> rows = pd.DataFrame({"team": list("aabbccdd"), "arm": ["usual", "warm-up"] * 4,
        ...                      "injuries": [9, 5, 12, 7, 6, 2, 15, 9], "hours": [100.0] * 8})
        >>> fit = glmm("injuries ~ arm + (1 | team)", rows, exposure="hours")
        >>> new = pd.DataFrame({"arm": ["usual", "warm-up"], "hours": [1000.0, 1000.0]})
        >>> fit.predict(new, random=False)["estimate"].round(1).tolist()
        [101.0, 55.3]
        """
        from retrostats.models.counts.predict import predict

        return predict(
            self, newdata, random=random, type=type, allow_new_levels=allow_new_levels, level=level
        )

    @property
    def fitted(self) -> pd.Series[float]:
        """Expected events (or probability) of each row given the random effects."""
        from retrostats.models.counts.predict import once_called

        def old(type: Literal["link", "response"] = "response") -> pd.Series[float]:
            return self.predict(type=type)["estimate"].rename("fitted")

        return once_called(old(), old, "fitted(type=)", ".fitted, or predict(type=) of the rows")

    @property
    def residuals(self) -> pd.Series[float]:
        """Observed less fitted, of a binomial the share of events; see `residual_table`."""
        from retrostats.models.counts.predict import once_called, residuals

        def old(type: str = "deviance") -> pd.Series[float]:
            return residuals(self, type)

        now = residuals(self, "response").rename("residual")
        return once_called(now, old, "residuals(type=)", '.residual_table["deviance" | "pearson"]')

    @property
    def residual_table(self) -> pd.DataFrame:
        """Each row fitted: fitted, response (observed less fitted), pearson, deviance."""
        from retrostats.models.counts.predict import residual_table

        return residual_table(self)

    def augment(self) -> pd.DataFrame:
        """Every row fitted: fitted, residual, and the other columns of `residual_table`."""
        return self.residual_table.rename(columns={"response": "residual"})

    def ranef(self, level: float = 0.95) -> pd.DataFrame:
        """Conditional modes of the random effects with intervals: group, level, term, estimate."""
        from retrostats.models.counts.modes import ranef

        return ranef(self, level)

    def emmeans(
        self,
        factors: str | Sequence[str],
        *,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        type: Literal["link", "response"] = "response",
        weights: Weights = "equal",
        level: float = 0.95,
    ) -> MarginalMeans:
        """Marginal means over factors: rates for one unit of exposure, or probabilities.

        Parameters are those of `LmmFit.emmeans`; means are taken on the scale of the link and
        then transformed, errors by the delta method; `pairs()` gives rate or odds ratios.
        """
        from retrostats.models.linear.post_estimation.emmeans import emmeans

        return emmeans(
            self._linear, factors, by=by, at=at, type=type, weights=weights, level=level,
            link=self.link,
        )  # fmt: skip

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
        """Slopes of a numeric column on the scale of the link; see `emmeans.emtrends`."""
        from retrostats.models.linear.post_estimation.emmeans import emtrends

        return emtrends(
            self._linear, factors, column, by=by, at=at, weights=weights, level=level,
            asymptotic=True,
        )  # fmt: skip

    def effects(
        self,
        column: str,
        *,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        type: Literal["link", "response"] = "response",
        level: float = 0.95,
    ) -> MarginalMeans:
        """Expected rates or probabilities over a column, for `.plot()`; see `emmeans.effects`."""
        from retrostats.models.linear.post_estimation.emmeans import effects

        return effects(self._linear, column, by=by, at=at, type=type, level=level, link=self.link)

    @property
    def _linear(self) -> Linear:
        """The linear predictor, where every coefficient is finite."""
        if self.separated:
            raise InputError(
                f"glmm: {', '.join(self.separated)} has no finite estimate; fit with "
                "penalty='firth'"
            )
        return Linear(
            Formulated(self.design.formula, self.design.columns), self.beta, self.cov_beta
        )

    @renamed_arguments(n="draws")
    def simulate(self, draws: int = 1, *, seed: int | np.random.Generator = 1) -> pd.DataFrame:
        """Events drawn anew, random effects too: one column a draw."""
        from retrostats.models.counts.predict import simulate

        return simulate(self, draws, seed=seed)

    def _header(self) -> list[str]:
        how = "Laplace" if self.n_agq == 1 else f"{self.n_agq} quadrature nodes"
        sizes = ", ".join(f"{part.group} {part.n_levels}" for part in self.parts) or "none"
        lines = [
            f"Mixed model of counts ({self.family}) by {how}: {self.formula}",
            f"observations {self.n_obs} ({self.n_dropped} dropped), groups: {sizes}",
            f"log-likelihood {self.loglik:.4f}{'; singular' if self.singular else ''}",
        ]
        if np.isfinite(self.alpha):
            lines.append(f"dispersion alpha: {self.alpha:.4f}")
        return lines

    def __repr__(self) -> str:
        """Header, both tables and what a reader must know."""
        return as_text(self._header(), (self.variance_components, self.coefficients), self.notes)

    def _repr_html_(self) -> str:
        """The same, for notebooks."""
        return as_html(self._header(), (self.coefficients, self.variance_components), self.notes)
