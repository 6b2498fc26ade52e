"""The verbs that every fit and every pool answers to, with one meaning each.

A class says what only it can: `coefficients`, `loglik`, `n_obs`, `n_parameters`, `conf_int`. The
rest follows here. What does not apply is absent, and asking for it names the substitute.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn

import numpy as np

from retrostats.common.arrays import share
from retrostats.common.deprecated import warn_renamed
from retrostats.common.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Which = Literal["fixed", "random", "all"]
Method = Literal["wald", "profile", "bootstrap", "bootstrap-t", "exact"]
INTERVAL = ["term", "estimate", "conf_low", "conf_high"]

#: What R and statsmodels call what stands here.
ELSEWHERE = {
    "AIC": ".aic",
    "BIC": ".bic",
    "VarCorr": ".variance_components",
    "bse": '.coefficients["std_error"]',
    "coef": ".params (numbers) or .coefficients (a table)",
    "cov_params": ".cov_beta",
    "fe_params": ".params",
    "fittedvalues": ".fitted",
    "fixef": ".params",
    "llf": ".loglik",
    "logLik": ".loglik",
    "nobs": ".n_obs",
    "random_effects": ".ranef()",
    "resid": ".residuals",
    "tvalues": '.coefficients["statistic"]',
    "vcov": ".cov_beta",
}


class Substitutes:
    """Asking for a name that others have names the call that does it here."""

    __slots__ = ()

    #: Verbs of other results, and what to ask for here in their place.
    _instead: ClassVar[Mapping[str, str]] = {}

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Name the substitute of a verb that does not apply."""
            refuse_name(self, name, self._instead if name[:1] != "_" else {})


def refuse_name(result: object, name: str, instead: Mapping[str, str]) -> NoReturn:
    """Raise for a name that a result does not have, with what to use in its place."""
    kind = type(result).__name__
    if name not in instead:
        raise AttributeError(f"{kind!r} object has no attribute {name!r}", name=name)
    raise AttributeError(f"{kind} has no {name}: use {instead[name]}")


class Verbs:
    """What follows for every result from its coefficients, log-likelihood and intervals."""

    __slots__ = ()

    #: Verbs of other results, and what to ask for here in their place.
    _instead: ClassVar[Mapping[str, str]] = {}

    if TYPE_CHECKING:  # each result has them, as a field or computed

        @property
        def coefficients(self) -> pd.DataFrame:
            """Fixed effects with test and interval, a row a term."""

        @property
        def loglik(self) -> float:
            """Log-likelihood, restricted where the fit is."""

        @property
        def n_obs(self) -> int:
            """Rows fitted, or estimates pooled."""

        @property
        def n_parameters(self) -> int:
            """Fixed effects, variances and dispersion that are estimated."""

        def conf_int(self, *, level: float = 0.95, which: Which = "fixed") -> pd.DataFrame:
            """Intervals: term, estimate, conf_low, conf_high."""

    else:

        def __getattr__(self, name: str) -> Any:
            """Name the substitute of a verb that does not apply, or of a name used elsewhere."""
            refuse_name(self, name, {} if name[:1] == "_" else {**ELSEWHERE, **self._instead})

    def confint(self, *args: Any, **options: Any) -> Any:
        """The old name of intervals, of variances on one result and fixed effects on another."""
        warn_renamed("confint()", 'conf_int(which="fixed" | "random" | "all")')
        return self._confint(*args, **options)

    def _confint(self, *args: Any, **options: Any) -> Any:
        """What `confint` gave before `conf_int`."""
        return self.conf_int(*args, **options)

    @property
    def params(self) -> pd.Series[float]:
        """Fixed effects by term."""
        return self.coefficients.set_index("term")["estimate"].rename("params")

    @property
    def pvalues(self) -> pd.Series[float]:
        """Two-sided p-values by term."""
        return self.coefficients.set_index("term")["p_value"].rename("pvalues")

    @property
    def aic(self) -> float:
        """Akaike's information criterion."""
        return 2.0 * self.n_parameters - 2.0 * self.loglik

    @property
    def bic(self) -> float:
        """Bayesian information criterion."""
        return float(np.log(self.n_obs)) * self.n_parameters - 2.0 * self.loglik

    def tidy(self, *, level: float = 0.95) -> pd.DataFrame:
        """`coefficients` with intervals of another level."""
        table, ends = self.coefficients, self.conf_int(level=level)
        return table.assign(
            conf_low=ends["conf_low"].to_numpy(), conf_high=ends["conf_high"].to_numpy()
        )

    def glance(self) -> pd.DataFrame:
        """One row about the whole: n_obs, n_parameters, loglik, aic, bic."""
        import pandas as pd

        names = ("n_obs", "n_parameters", "loglik", "aic", "bic")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def plot(self, **options: Any) -> Figure:
        """A forest plot: `rs.forest(self, **options)`.

        Returns
        -------
        matplotlib Figure, 180 mm wide unless `width_mm` says otherwise
        """
        from retrostats import forest

        return forest(self, **options)

    def summary(self) -> str:
        """All that `print` shows, whole."""
        return repr(self)


def intervals_of(which: str, fixed: Any, random: Any) -> pd.DataFrame:
    """The tables of fixed and random terms that are asked for, made by two functions."""
    import pandas as pd

    if which not in ("fixed", "random", "all"):
        raise InputError(f"conf_int which={which!r}; allowed: fixed, random, all")
    parts = [fixed()] if which != "random" else []
    parts += [random()] if which != "fixed" else []
    whole: pd.DataFrame = pd.concat([part[INTERVAL] for part in parts], ignore_index=True)
    return whole


def check_interval(method: str, allowed: tuple[str, ...], level: float, which: str) -> None:
    """Refuse a level that is none and a method that these terms do not have."""
    share(level)
    if not isinstance(method, str) or method not in allowed:
        raise InputError(
            f"conf_int method={method!r} with which={which!r}; allowed: {', '.join(allowed)}"
        )
