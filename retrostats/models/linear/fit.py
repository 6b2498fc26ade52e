"""`lmm`: a linear mixed model from rows or from moments, with small-sample inference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, overload

from retrostats.common.errors import InputError
from retrostats.common.habits import formula_first
from retrostats.models.linear.estimates import Ddf
from retrostats.models.linear.fitted import LmmFit
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.formula.formula import parse_formula
from retrostats.models.linear.homoscedastic.engine import fit_homoscedastic
from retrostats.models.linear.model import Model
from retrostats.models.linear.moments.moments import Moments
from retrostats.models.linear.moments.shape import printed_unlike
from retrostats.models.linear.prepare import prepare
from retrostats.models.linear.repeated.structures import STRUCTURES, Structure

if TYPE_CHECKING:
    from retrostats.models.linear.known_variance.fit import KnownFit

__all__ = ["LmmFit", "fit_model", "lmm"]

Covariance = Literal["lme4", "signed-cs"] | Structure


@overload
def lmm(
    formula: str,
    data: object,
    *,
    reml: bool = True,
    ddf: Ddf = "kenward-roger",
    covariance: Covariance | None = None,
    residual: str | None = None,
    variances: None = None,
    weights: Any = None,
) -> LmmFit: ...


@overload
def lmm(
    formula: str,
    data: object,
    *,
    reml: bool = True,
    ddf: Ddf = "kenward-roger",
    covariance: Covariance | None = None,
    residual: None = None,
    variances: Any,
    weights: None = None,
) -> KnownFit: ...


@formula_first('lmm("y ~ arm + (1 | subject)", rows)')
def lmm(
    formula: str,
    data: object,
    *,
    reml: bool = True,
    ddf: Ddf = "kenward-roger",
    covariance: Covariance | None = None,
    residual: str | None = None,
    variances: Any = None,
    weights: Any = None,
) -> LmmFit | KnownFit:
    """Fit a linear mixed model by REML (or ML).

    Parameters
    ----------
    formula : str
        lme4's language: ``"y ~ arm * time + (1 | subject)"``. Factors take treatment coding in the
        order of their categories (plain text: sorted). A column whose name is no identifier stands
        in backticks, as in R. What is not read whole is refused.
    data : DataFrame, cohort, Moments, or rows to be streamed
        Streamed, so that they need not fit in memory: a path or glob of Parquet or CSV files, a
        DuckDB relation, a pyarrow Table, Dataset or RecordBatchReader, a Dask DataFrame. Rows
        with a missing value in a column of the formula are left out and counted in ``n_dropped``.
    reml : bool
        Restricted maximum likelihood; with False maximum likelihood.
    ddf : {"kenward-roger", "satterthwaite", "normal"}
        Degrees of freedom of t and F. Kenward-Roger is defined for REML; an ML fit takes
        Satterthwaite's in its place (``fit.ddf`` says which).
    covariance : str, optional
        "signed-cs" lets the covariance within subjects be negative (compound symmetry with a signed
        correlation), so that two conditions give the paired t-test at any correlation. By default
        "lme4", and "signed-cs" where printed correlations are negative; the header then says so.
        "unstructured", "compound-symmetry", "ar1", "heterogeneous-compound-symmetry" and
        "heterogeneous-ar1" are covariances of the residuals of one subject over a repeated factor
        (no effect is random then): ``(0 + visit | subject)`` names it; with ``(1 | subject)`` it is
        what tells a subject's rows apart. "unstructured" is taken by itself where correlations
        that differ were printed.
    residual : str, optional
        Residual variances by the levels of a factor or an interaction, as "study:arm". With it the
        formula may go without a random term (nlme's `gls` with `varIdent`).
    variances : str, (n,) array, (n, n) array, or sequence of square arrays, optional
        Residual variances that are known (a column, numbers, a covariance matrix or its diagonal
        blocks), as in meta-analysis; see `known.lmm_known`.
    weights : str or (n,) array, optional
        A column or numbers above 0: the residual variance of a row is sigma^2 / weight
        (that of its stratum with `residual`).

    Returns
    -------
    LmmFit
        With `variances` a `known.KnownFit`.

    Raises
    ------
    InputError
        Formula or data are unusable; the message says what and where.
    NotIdentified
        The data do not determine the model; the message names what is missing.

    References
    ----------
    Bates, Maechler, Bolker and Walker (2015), Journal of Statistical Software 67(1).
    Kenward and Roger (1997), Biometrics 53:983-997.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"subject": list("aabbccdd"), "time": ["pre", "post"] * 4,
    ...                      "y": [5.0, 6.0, 4.0, 5.5, 6.0, 6.2, 5.1, 5.9]})
    >>> fit = lmm("y ~ time + (1 | subject)", rows)
    >>> fit.coefficients[["term", "estimate", "df"]].round(3)
              term  estimate     df
    0  (Intercept)     5.900  4.344
    1      timepre    -0.875  3.000
    """
    if variances is not None:
        from retrostats.models.linear.known_variance.fit import lmm_known

        if residual is not None or covariance not in (None, "lme4") or weights is not None:
            raise InputError(
                "variances= states every residual variance; leave out residual=, covariance= and "
                "weights="
            )
        return lmm_known(formula, data, variances, reml=reml, ddf=ddf)
    if ddf not in ("kenward-roger", "satterthwaite", "normal"):
        raise InputError(f"ddf={ddf!r}; allowed: kenward-roger, satterthwaite, normal")
    if covariance not in (None, "lme4", "signed-cs", *STRUCTURES):
        raise InputError(
            f"covariance={covariance!r}; allowed: lme4, signed-cs, {', '.join(STRUCTURES)}"
        )
    if covariance is None and residual is None and isinstance(data, Moments):
        covariance = "unstructured" if printed_unlike(parse_formula(formula), data) else None
    if covariance in STRUCTURES:
        from retrostats.models.linear.repeated.fit import fit_repeated

        if residual is not None or weights is not None:
            raise InputError(
                f"covariance={covariance!r} states all residual variances; leave residual= and "
                "weights= out"
            )
        return fit_repeated(formula, data, str(covariance), reml=reml, ddf=ddf)
    signed = None if covariance is None else covariance == "signed-cs"
    model = prepare(formula, data, signed=signed, residual=residual, weights=weights)
    return fit_model(model, reml=reml, ddf=ddf)


def fit_model(
    model: Model, *, reml: bool = True, ddf: Ddf = "kenward-roger", start: FloatArray | None = None
) -> LmmFit:
    """Fit a prepared model (formula and data already reduced)."""
    return replace(_fitted(model, reml, ddf, start), again=fit_model)


def _fitted(model: Model, reml: bool, ddf: Ddf, start: FloatArray | None) -> LmmFit:
    if model.strata is not None:
        from retrostats.models.linear.heteroscedastic.engine import fit_strata
        from retrostats.models.linear.heteroscedastic.studies.rows import Studies

        if isinstance(model.strata, Studies):
            from retrostats.models.linear.heteroscedastic.studies.engine import fit_studies

            return fit_studies(model, model.strata, reml=reml, ddf=ddf)
        return fit_strata(model, model.strata, reml=reml, ddf=ddf)
    if model.crossed is not None:
        from retrostats.models.linear.crossed.engine import fit_crossed

        return fit_crossed(model, reml=reml, ddf=ddf, start=start)
    return fit_homoscedastic(model, reml=reml, ddf=ddf, start=start)
