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
from retrostats.common.whole import whole
from retrostats.models.linear.estimates import FixedEffects
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.kenward_roger import KenwardRoger
from retrostats.models.linear.known_variance.covariance import Array, Covariance
from retrostats.models.linear.known_variance.criterion import precisions, solved
from retrostats.models.linear.known_variance.model import KnownModel, known_model
from retrostats.models.linear.known_variance.optimise import Optimum, minimise
from retrostats.models.linear.post_estimation.tables import t_table

KNOWN_DDF = ("kenward-roger", "satterthwaite", "contain", "residual", "normal")
KnownDdf = Literal["kenward-roger", "satterthwaite", "contain", "residual", "normal"]
#: Share of the largest eigenvalue below which a direction of the information is empty.
_EMPTY = 1e-8


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
    return KnownFit(model, reml, kind, optimum)


@dataclass(frozen=True, eq=False)
class KnownFit(FixedEffects):
    """A fitted mixed model with known residual variances.

    Attributes
    ----------
    model : KnownModel
    reml : bool
    ddf : str
        How degrees of freedom are found.
    optimum : Optimum
    """

    model: KnownModel
    reml: bool
    ddf: str
    optimum: Optimum

    _instead: ClassVar[Mapping[str, str]] = {
        "predict": ".fitted for the rows fitted, .contrast({term: value}) for a new one",
        "anova": ".contrast([{term: 1}, {term: 1}]), one F test of several terms",
        "emmeans": ".contrast({term: weight}), one mean a call",
        "bootstrap": '.conf_int(which="random"), profile intervals',
    }

    @property
    def beta(self) -> Array:
        """Fixed effects (p,)."""
        return value_of(self.optimum.state.beta)

    @property
    def theta(self) -> Array:
        """Cholesky factors of the random effects' covariances, lower triangles by column."""
        return value_of(self.optimum.theta)

    @property
    def converged(self) -> bool:
        """Always true: a fit that does not converge raises."""
        return True

    @property
    def loglik(self) -> float:
        """Log-likelihood; the restricted one with the constant log|X'X| / 2, as Harville's."""
        return -0.5 * self.optimum.state.deviance

    @property
    def n_parameters(self) -> int:
        """Fixed effects and covariance parameters."""
        return len(self.beta) + len(self.theta)

    @property
    def bic(self) -> float:
        """Bayesian information criterion; REML counts the observations less the fixed effects."""
        n = self.n_obs - (len(self.beta) if self.reml else 0)
        return float(np.log(n)) * self.n_parameters - 2.0 * self.loglik

    @property
    def n_obs(self) -> int:
        """Rows fitted."""
        return len(self.model.y)

    @property
    def n_groups(self) -> dict[str, int]:
        """Levels of each group."""
        return {term.group: term.n_levels for term in self.model.random}

    @property
    def cov_unadjusted(self) -> Array:
        """Covariance (p, p) of generalised least squares."""
        return value_of(self.optimum.state.phi)

    @cached_property
    def _kenward_roger(self) -> KenwardRoger:
        """Kenward and Roger (1997), eqs. 4 and 5: the residual's variances are not parameters."""
        state = self.optimum.state
        # eqs. 16 and 17 without the residual, which is no parameter
        w = _inverse(0.5 * (state.information + state.information.T))
        weighted = np.tensordot(w, state.p, 1)
        bracket = np.einsum("kl,klpr->pr", w, state.q)
        bracket = bracket - np.einsum("kpr,rs,kst->pt", state.p, state.phi, weighted)
        adjusted = state.phi + state.phi @ (bracket + bracket.T) @ state.phi
        return KenwardRoger(state.phi, adjusted, -state.p, w)

    @cached_property
    def _satterthwaite(self) -> KenwardRoger:
        """The same t tests with the observed information and the unadjusted covariance."""
        state = self.optimum.state
        return KenwardRoger(state.phi, state.phi, -state.p, _inverse(state.hessian))

    def df_of(self, contrast: FloatArray) -> tuple[float, float]:
        """Denominator df and F scaling of the rows of a full-rank contrast (rank, p)."""
        if self.ddf == "normal" or not len(self.theta):
            return float("inf"), 1.0
        if self.ddf == "kenward-roger":
            return self._kenward_roger.test(contrast)
        if self.ddf == "satterthwaite":
            return self._satterthwaite.test(contrast)[0], 1.0
        used = (contrast != 0).any(axis=0)
        return float(self._counted()[used].min()), 1.0

    def dfs(self) -> Array:
        """Degrees of freedom (p,) of the coefficients."""
        if self.ddf == "normal" or not len(self.theta):
            return np.full(len(self.beta), np.inf)
        if self.ddf in ("kenward-roger", "satterthwaite"):
            kr = self.ddf == "kenward-roger"
            return np.asarray((self._kenward_roger if kr else self._satterthwaite).term_dfs())
        return self._counted()

    def _counted(self) -> Array:
        """Rows, or the fewest levels within which a coefficient's column is constant, less p."""
        p = len(self.beta)
        fewest = np.full(p, self.n_obs)
        if self.ddf == "contain":
            for term in self.model.random:
                mean = _level_means(self.model.x, term.levels, term.n_levels)
                spread = np.abs(self.model.x - mean[term.levels]).max(axis=0)
                contained = spread <= 1e-12 * np.abs(self.model.x).max(axis=0)
                fewest = np.where(contained, np.minimum(fewest, term.n_levels), fewest)
        return np.asarray(np.maximum(1.0, fewest - p))

    @cached_value
    def variance_components(self) -> pd.DataFrame:
        """Variances, then covariances of each term: group, term, term2, vcov, sdcor."""
        from retrostats.models.linear.known_variance.components import component_table

        return component_table(self)

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
            errors = np.sqrt(np.diag(self.cov_beta))
            return t_table(self.terms, self.beta, errors, self.dfs(), level=level)

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

    def contrast(
        self, weights: Mapping[str, float] | Any, *, null: float = 0.0, level: float = 0.95
    ) -> pd.DataFrame:
        """Test linear combinations of the fixed effects; see `contrasts.contrast`."""
        from retrostats.models.linear.post_estimation.contrasts import contrast

        return whole(contrast(self, weights, null=null, level=level))

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


def _inverse(information: Array) -> Array:
    """2 I^-1 over the directions that the data inform, parameters in comparable units."""
    if not len(information):
        return np.zeros_like(information)
    unit = 1 / np.sqrt(np.maximum(np.abs(np.diag(information)), 1e-300))
    values, vectors = np.linalg.eigh(information * np.outer(unit, unit))
    kept = values > _EMPTY * float(np.abs(values).max())
    half = vectors[:, kept] / np.sqrt(values[kept])
    return np.asarray(2 * np.outer(unit, unit) * (half @ half.T))


def _level_means(x: Array, levels: Any, count: int) -> Array:
    total = np.zeros((count, x.shape[1]))
    np.add.at(total, levels, x)
    return np.asarray(total / np.bincount(levels, minlength=count)[:, None])
