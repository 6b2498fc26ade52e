"""A pooled effect: what `pool` returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from retrostats.common.deprecated import warn_renamed
from retrostats.common.errors import InputError
from retrostats.common.habits import REVIEWS
from retrostats.common.readable import as_html, as_text
from retrostats.common.student import t_quantile
from retrostats.common.values import values
from retrostats.common.verbs import Verbs, Which, check_interval, intervals_of
from retrostats.models.meta.heterogeneity import Array, q_profile
from retrostats.models.meta.reviewing import Reviewing

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.models.linear.known_variance.fit import KnownFit
    from retrostats.models.meta.moderators import Moderators

NAN = float("nan")
_KNAPP_HARTUNG = ("knapp-hartung", "knapp-hartung-adhoc")
_ROUNDING = 1e-9  # intervals that differ by less are the same


@values("y", "v", "x")
@dataclass(frozen=True, slots=True)
class PoolData:
    """What was pooled: effects (k,), variances (k,), design (k, p), labels (k,), clusters.

    `moderators` is the formula of the design with its columns, where there is one.
    """

    y: Array
    v: Array
    x: Array
    labels: tuple[str, ...]
    cluster: Any = None
    moderators: Moderators | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Pooled(Reviewing, Verbs):
    """A pooled effect on the scale of its estimates.

    Attributes
    ----------
    estimate, std_error, df, conf_low, conf_high, p_value
        Mean effect (with moderators the first coefficient, as `estimand` says: an intercept is the
        value where all moderators are 0) and its inference.
    pred_low, pred_high
        Where the true effect of a new study is expected: for one mean of up to 10 independent
        estimates by the confidence distribution of tau2 (`meta/prediction.py`), whatever the test,
        and never inside the interval of the mean;
        else the test's own limits with tau2 as it was estimated. NaN for one study, or where
        the random effects are no sum of variances.
    tau2, tau2_low, tau2_high, i2, h2
        Between-study variance with its Q-profile interval, and its share in percent. With several
        random terms tau2 is their sum, without an interval: see `sigma2` and `conf_int`.
    q, q_df, q_p
        Cochran's test of homogeneity.
    k, method, test, weights
        Number of estimates, how they were pooled, weights in percent.
    terms, values, std_errors, dfs
        All coefficients if moderators were given; `coefficients` is their table.
    loglik
        Log-likelihood, restricted where the method is "reml" (constants included).
    level
        Of the intervals.
    fit
        The mixed model behind it, where there is one.
    """

    estimate: float
    std_error: float
    df: float
    conf_low: float
    conf_high: float
    p_value: float
    pred_low: float
    pred_high: float
    tau2: float
    tau2_low: float
    tau2_high: float
    i2: float
    h2: float
    q: float
    q_df: float
    q_p: float
    k: int
    method: str
    test: str
    weights: tuple[float, ...]
    terms: tuple[str, ...] = ("(Intercept)",)
    values: tuple[float, ...] = ()
    std_errors: tuple[float, ...] = ()
    dfs: tuple[float, ...] = ()
    loglik: float = NAN
    level: float = 0.95
    fit: KnownFit | None = field(default=None, compare=False)
    data: PoolData | None = field(default=None, compare=False)

    _instead: ClassVar[Mapping[str, str]] = {
        **REVIEWS,
        "fitted": ".estimate, which is the same for all, or .fit.fitted of a pool with random=",
        "residuals": '.influence()["rstudent"]',
        "augment": ".influence(), a row an estimate",
        "emmeans": '.coefficients of a pool with formula="0 + factor"',
        "contrast": 'formula="0 + factor" with random=, and .fit.contrast({term: weight})',
        "ranef": ".fit.ranef() of a pool with random=",
        "variance_components": ".sigma2",
    }

    @property
    def n_obs(self) -> int:
        """Estimates pooled."""
        return self.k

    @property
    def n_parameters(self) -> int:
        """Coefficients and variances."""
        if self.fit is not None:
            return self.fit.n_parameters
        return len(self.terms) + (self.method != "common")

    @property
    def bic(self) -> float:
        """Bayesian information criterion; REML counts the estimates less the coefficients."""
        n = self.k - (len(self.terms) if self.method == "reml" else 0)
        return float(np.log(n)) * self.n_parameters - 2.0 * self.loglik if n > 0 else NAN

    @property
    def coefficients(self) -> pd.DataFrame:
        """One row a coefficient: term, estimate, std_error, df, and test and interval."""
        return self._table(self.level)

    def _table(self, level: float) -> pd.DataFrame:
        from retrostats.models.linear.post_estimation.tables import t_table

        numbers = (np.array(part) for part in (self.values, self.std_errors, self.dfs))
        table = t_table(self.terms, *numbers, level=level)
        if self.test == "henmi-copas":  # its interval is no t interval
            if level != self.level:
                raise InputError(
                    f"the interval of Henmi and Copas was computed at level={self.level}; pool "
                    f"again with level={level}"
                )
            table["p_value"], table["conf_low"] = self.p_value, self.conf_low
            table["conf_high"] = self.conf_high
        return table

    def conf_int(
        self,
        *,
        level: float | None = None,
        which: Which = "fixed",
        method: Literal["wald", "profile", "q-profile"] | None = None,
    ) -> pd.DataFrame:
        """Intervals: term, estimate, conf_low, conf_high.

        Parameters
        ----------
        level
            That of the pool where it is not given.
        which
            "fixed" for the pooled effect (and moderators), "random" for the standard deviations
            between studies (``tau``, or ``sd_<group>_<effect>``), or "all".
        method
            "wald" for effects: by the pool's own test. "q-profile" (Viechtbauer 2007, the default
            for one variance) or "profile" for standard deviations.
        """
        at = self.level if level is None else level

        def fixed() -> pd.DataFrame:
            check_interval("wald" if method is None else method, ("wald",), at, which)
            return self._table(at)

        def random() -> pd.DataFrame:
            check_interval(
                "profile" if method is None else method, ("profile", "q-profile"), at, which
            )
            if self.fit is not None and method != "q-profile":
                return self.fit.conf_int(which="random", level=at)
            table = self._confint(method, level=at)
            numbers = ["estimate", "conf_low", "conf_high"]
            table[numbers] = np.sqrt(table[numbers])
            return table.assign(term="tau")

        return intervals_of(which, fixed, random)

    @property
    def estimand(self) -> str:
        """What `estimate` is: the mean, or with moderators the first of several coefficients."""
        first, others = self.terms[0], ", ".join(self.terms[1:])
        if not others:
            return "the mean effect" if first == "(Intercept)" else f"the coefficient {first}"
        if first == "(Intercept)":
            return f"the intercept, the mean effect where these are 0: {others}"
        return f"the coefficient {first}, beside {others}"

    @property
    def narrower_than_common(self) -> tuple[str, ...]:
        """Terms whose Knapp-Hartung interval is narrower than that of a common effect.

        Empty for other tests. Estimates that agree by chance more than their errors let expect
        make it so; `test="knapp-hartung-adhoc"` has none.
        """
        if self.data is None or self.data.cluster is not None or self.test not in _KNAPP_HARTUNG:
            return ()
        X, v = self.data.x, self.data.v
        common = np.sqrt(np.diag(np.linalg.inv(X.T @ (X / v[:, None]))))
        tail = (1 - self.level) / 2
        halves = [t_quantile(tail, df) * e for df, e in zip(self.dfs, self.std_errors, strict=True)]
        limits = t_quantile(tail, np.inf) * common * (1 - _ROUNDING)
        return tuple(t for t, a, b in zip(self.terms, halves, limits, strict=True) if a < b)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of these numbers."""
        if not self.narrower_than_common:
            return ()
        return (
            f"the Knapp-Hartung interval of {', '.join(self.narrower_than_common)} is narrower "
            'than that of a common effect; test="knapp-hartung-adhoc" never narrows it',
        )

    @property
    def sigma2(self) -> pd.Series[float]:
        """Variances by random term; of a simple pool the one between studies, `tau2`."""
        import pandas as pd

        if self.fit is not None:
            return self.fit.sigma2
        return pd.Series([self.tau2], index=pd.Index(["tau2"], name="term"), name="sigma2")

    def table(self) -> pd.DataFrame:
        """The old name of `coefficients`."""
        warn_renamed("Pooled.table()", "Pooled.coefficients")
        return self.coefficients

    def _confint(self, method: str | None = None, *, level: float | None = None) -> pd.DataFrame:
        """Intervals of the variances by profile or by Cochran's Q inverted."""
        import pandas as pd

        level = self.level if level is None else level
        if method not in (None, "profile", "q-profile"):
            raise InputError(f"conf_int method={method!r}; allowed: profile, q-profile")
        if self.fit is not None:
            if method == "q-profile":
                raise InputError("q-profile is for one variance; use method='profile'")
            return self.fit._confint(level=level)
        if method == "profile":
            from retrostats.models.meta.profile import simple_fit

            return simple_fit(self)._confint(level=level)
        low, high = self.tau2_low, self.tau2_high
        if level != self.level and self.data is not None:
            low, high = q_profile(self.data.y, self.data.v, self.data.x, level)
        row = ("tau2", self.tau2, low, high)
        return pd.DataFrame([row], columns=["term", "estimate", "conf_low", "conf_high"])

    def influence(self, by: ArrayLike | None = None) -> pd.DataFrame:
        """The pool without each estimate in turn, and how far that moves it.

        Parameters
        ----------
        by : (k,) labels, optional
            Leave out all estimates of one label at once (all effects of a study, say).

        Returns
        -------
        DataFrame
            left_out; estimate, conf_low, conf_high and tau2 without it; weight (percent), hat;
            rstudent; dffits; cook; cov_ratio: Viechtbauer and Cheung (2010), Research Synthesis
            Methods 1:112. NaN where the rest does not determine the model.
        """
        from retrostats.models.meta.influence import influence

        return influence(self, by)

    def _header(self) -> list[str]:
        share = f"{100 * self.level:g}%"
        lines = [
            f"Pool of {self.k} estimates ({self.method}, {self.test}): {self.estimate:.4g} "
            f"[{self.conf_low:.4g}, {self.conf_high:.4g}] ({share}), se {self.std_error:.4g}, "
            f"df {self.df:.4g}"
        ]
        if len(self.terms) > 1:
            lines.append(f"this is {self.estimand}")
        lines += [f"note: {note}" for note in self.notes]
        if np.isfinite(self.pred_low):
            lines.append(f"a new study: {self.pred_low:.4g} to {self.pred_high:.4g}")
        if self.fit is not None or np.isfinite(self.tau2):
            parts = ", ".join(f"{name} {value:.4g}" for name, value in self.sigma2.items())
            share_ = f"; I2 {self.i2:.0f}%" if np.isfinite(self.i2) else ""
            lines.append(f"variances: {parts}{share_}")
        return lines

    def __repr__(self) -> str:
        """A few lines, and the coefficients where there are several."""
        return as_text(self._header(), (self.coefficients,) if len(self.terms) > 1 else ())

    def _repr_html_(self) -> str:
        """The same with the coefficients, for notebooks."""
        return as_html(self._header(), (self.coefficients,))
