"""Mixed models whose residual variances are known: meta-analysis on the engine of mixed models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.linalg import LinAlgError

from retrostats.common.errors import InputError, NotConverged, NotIdentified
from retrostats.common.readable import as_html, as_text
from retrostats.common.values import cached_value, value_of
from retrostats.common.verbs import Which, check_interval, intervals_of
from retrostats.models.linear.known_variance.covariance import Array, Covariance
from retrostats.models.linear.known_variance.criterion import precisions, solved
from retrostats.models.linear.known_variance.engine import KnownVariance
from retrostats.models.linear.known_variance.model import KnownModel, known_model
from retrostats.models.linear.known_variance.optimise import Optimum, minimise
from retrostats.models.linear.linear_fit import coefficient_table
from retrostats.models.linear.post_estimation.tables import t_table
from retrostats.models.linear.verbs import LinearVerbs

KNOWN_DDF = ("kenward-roger", "satterthwaite", "contain", "residual", "normal")


def lmm_known(
    formula: str,
    data: object,
    variances: object,
    *,
    reml: bool = True,
    ddf: str = "kenward-roger",
) -> KnownFit:
    """Fit a linear mixed model with known residual variances by REML (or ML).

    Parameters
    ----------
    formula : str
        lme4's language: ``"yi ~ 1 + (1 | district/study)"``; no random term gives generalised
        least squares.
    data : DataFrame
    variances : str, (n,) array, (n, n) array, or sequence of square arrays
        Known variances: a column, numbers, their covariance matrix, or its diagonal blocks in the
        order of the rows.
    reml : bool
    ddf : {"kenward-roger", "satterthwaite", "contain", "residual", "normal"}
        Kenward-Roger is defined for REML; an ML fit takes Satterthwaite's in its place. "contain"
        is the number of levels that contain a coefficient, less the number of coefficients.

    Returns
    -------
    KnownFit

    Raises
    ------
    InputError, NotIdentified, NotConverged

    Examples
    --------
    >>> rows = pd.DataFrame({"lab": list("aabbccdd"), "vi": [0.01, 0.02] * 4,
    ...                      "yi": [0.1, 0.3, 0.5, 0.4, -0.1, 0.2, 0.6, 0.9]})
    >>> fit = lmm_known("yi ~ 1 + (1 | lab)", rows, "vi")
    >>> fit.coefficients[["term", "estimate", "df"]].round(3)
              term  estimate   df
    0  (Intercept)     0.333  3.0
    """
    if ddf not in KNOWN_DDF:
        raise InputError(f"ddf={ddf!r}; allowed with variances=: {', '.join(KNOWN_DDF)}")
    return fit_known(known_model(formula, data, variances), reml=reml, ddf=ddf)


def fit_known(model: KnownModel, *, reml: bool = True, ddf: str = "kenward-roger") -> KnownFit:
    """Fit a model that has met its data."""
    for term in model.random:
        if term.n_levels < 2:
            raise NotIdentified(
                f"{model.formula.text!r}: {term.group!r} has one level, which does not tell how "
                "levels differ; leave the term out"
            )
    try:
        optimum = minimise(model, reml=reml)
    except LinAlgError as error:
        raise NotConverged(
            f"{model.formula.text!r}: {error}; the variances may span too many orders of magnitude"
        ) from None
    kind = "satterthwaite" if ddf == "kenward-roger" and not reml else ddf
    return KnownFit(
        model, reml, kind, optimum, optimum.point.beta, KnownVariance(), again=fit_known
    )


@dataclass(frozen=True, eq=False)
class KnownFit(LinearVerbs):
    """A fitted mixed model with known residual variances.

    Attributes
    ----------
    model : KnownModel
    optimum : Optimum
    """

    model: KnownModel
    optimum: Optimum

    _instead: ClassVar[Mapping[str, str]] = {
        "predict": ".fitted for the rows fitted, .contrast({term: value}) for a new one",
        "bootstrap": '.conf_int(which="random"), profile intervals',
    }

    @property
    def converged(self) -> bool:
        """Always true: a fit that does not converge raises."""
        return True

    @property
    def bic(self) -> float:
        """Bayesian information criterion; REML counts the observations less the fixed effects."""
        n = self.n_obs - (len(self.beta) if self.reml else 0)
        return float(np.log(n)) * self.n_parameters - 2.0 * self.loglik

    @cached_value
    def sigma2(self) -> pd.Series[float]:
        """Variances by random term: its group's name, with the effect's where it has several."""
        from retrostats.models.linear.known_variance.components import variances

        return variances(self)

    def conf_int(
        self,
        *,
        level: float = 0.95,
        which: Which = "fixed",
        method: Literal["wald", "profile"] | None = None,
    ) -> pd.DataFrame:
        """Intervals: term, estimate, conf_low, conf_high.

        Parameters
        ----------
        level : float
        which : {"fixed", "random", "all"}
            Random terms are standard deviations, ``sd_<group>_<effect>``.
        method : {"wald", "profile"}, optional
            "wald" for fixed effects (t with the fit's degrees of freedom), "profile" for random
            terms; there are no others.
        """
        from retrostats.models.linear.known_variance.components import profile, spread_names

        def fixed() -> pd.DataFrame:
            check_interval("wald" if method is None else method, ("wald",), level, which)
            return coefficient_table(self, level)

        def random() -> pd.DataFrame:
            check_interval("profile" if method is None else method, ("profile",), level, which)
            table = profile(self, level=level)
            numbers = ["estimate", "conf_low", "conf_high"]
            return table.assign(
                term=spread_names(self), **{name: np.sqrt(table[name]) for name in numbers}
            )

        return intervals_of(which, fixed, random)

    def _confint(self, *, level: float = 0.95) -> pd.DataFrame:
        from retrostats.models.linear.known_variance.components import profile

        return profile(self, level=level)

    @property
    def fitted(self) -> pd.Series[float]:
        """Expected outcome of each row fitted, its random effects included."""
        return pd.Series(self.model.y, self.model.rows, name="fitted") - self.residuals.to_numpy()

    @property
    def residuals(self) -> pd.Series[float]:
        """Observed less fitted, R V^-1 (y - X beta), by the position of the row in the data."""
        whole = solved(self.model, precisions(self.model, self.optimum.gamma))
        left = self.model.r.times(whole[:, -1] - whole[:, :-1] @ self.beta)
        return pd.Series(left, self.model.rows, name="residual")

    def augment(self) -> pd.DataFrame:
        """Every row fitted: fitted, residual."""
        return pd.concat([self.fitted, self.residuals], axis=1)

    def ranef(self) -> pd.DataFrame:
        """Predicted random effects; see `known_components.ranef`."""
        from retrostats.models.linear.known_variance.components import ranef

        return ranef(self)

    @property
    def working_covariance(self) -> Array:
        """V (n, n) at the estimates."""
        return value_of(self._working.matrix())

    @cached_property
    def _working(self) -> Covariance:
        """The same, by its blocks."""
        from retrostats.models.linear.known_variance.components import working_covariance

        return working_covariance(self.model, self.optimum.gamma)

    def clustered(self, cluster: Any, x: Array | None = None) -> tuple[Array, Array]:
        """Cluster-robust (CR2) covariance (p, p) of the coefficients and their df (p,).

        Parameters
        ----------
        cluster : (n,) labels of the rows fitted
        x : (n, p) array, optional
            The design in other coordinates.
        """
        from retrostats.models.linear.known_variance.sandwich import cluster_robust

        design = self.model.x if x is None else x
        return cluster_robust(self.model.y, self._working, design, np.asarray(cluster))

    def robust(self, cluster: Any, *, level: float = 0.95) -> pd.DataFrame:
        """Coefficients with cluster-robust (CR2) errors and Satterthwaite df.

        Parameters
        ----------
        cluster : (n,) labels of the rows fitted
        """
        cov, dfs = self.clustered(cluster)
        return t_table(self.terms, self.beta, np.sqrt(np.diag(cov)), dfs, level=level)

    def _header(self) -> list[str]:
        how = "REML" if self.reml else "maximum likelihood"
        sizes = ", ".join(f"{k} {v}" for k, v in self.n_groups.items()) or "none"
        state = "; singular" if self.singular else ""
        return [
            f"Linear mixed model with known residual variances by {how}: {self.formula}",
            f"estimates {self.n_obs} ({self.n_dropped} dropped), groups: {sizes}",
            f"log-likelihood {self.loglik:.4f}{state}; df: {self.ddf}",
        ]

    def __repr__(self) -> str:
        """Header and both tables."""
        return as_text(self._header(), (self.variance_components, self.coefficients))

    def _repr_html_(self) -> str:
        """The same, for notebooks."""
        return as_html(self._header(), (self.coefficients, self.variance_components))

    def summary(self) -> str:
        """The table of ``repr``."""
        return repr(self)
