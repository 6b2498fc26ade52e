"""Sphericity of balanced repeated measurements: Mauchly's test and corrected F tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc, fdtrc

from retrostats.common.errors import InputError
from retrostats.models.linear.formula.columns import Factor, FloatArray
from retrostats.models.linear.formula.expressions import columns_of


def sphericity(fit: Any) -> pd.DataFrame:
    """The classical F of each term that varies within subjects, and its corrections.

    Parameters
    ----------
    fit : RepeatedFit
        covariance="unstructured", every subject with every level of one repeated factor.

    Returns
    -------
    DataFrame
        term, statistic (F), num_df, den_df, p_value, greenhouse_geisser and huynh_feldt (epsilon),
        p_greenhouse_geisser, p_huynh_feldt, mauchly_w, mauchly_chi2, mauchly_df, p_mauchly (NaN
        with two levels, which are always spherical).

    Raises
    ------
    InputError
        Another structure, a level that a subject lacks, or several repeated factors.

    References
    ----------
    Mauchly (1940), Annals of Mathematical Statistics 11:204. Greenhouse and Geisser (1959),
    Psychometrika 24:95. Huynh and Feldt (1976), Journal of Educational Statistics 1:69, with
    Lecoutre's (1991, the same journal 16:371) degrees of freedom where there are groups.
    """
    data, m = fit.engine.data, len(fit.engine.v)
    if fit.structure != "unstructured":
        raise InputError(
            f"sphericity is judged by an unstructured covariance, this is {fit.structure!r}; fit "
            "with covariance='unstructured'"
        )
    if any(len(s.levels) < m for s in data.seen):
        raise InputError(
            f"sphericity: some {data.subject} lack a level of {data.levels.name}; the corrections "
            "are of complete rows. The unstructured fit's own tests (.anova()) need none"
        )
    name = data.levels.name
    if ":" in name:
        raise InputError(
            f"sphericity takes one repeated factor, found {name}; fit each, or use .anova(), which "
            "needs no sphericity"
        )
    # the between-subject part of the design takes its degrees of freedom from the subjects
    error_df = data.subjects - _between_rank(fit)
    contrasts = _orthonormal(m)
    inner = contrasts @ fit.engine.v @ contrasts.T
    classical: pd.DataFrame = fit.again(
        fit.model, structure="compound-symmetry", named=(name,), reml=True, ddf="kenward-roger"
    ).anova("III")
    within = [_holds(fit, term, name) for term in classical["term"]]
    if not any(within):
        raise InputError(f"no term of the fixed effects holds {name}; sphericity bears on none")
    table = classical[within].reset_index(drop=True).drop(columns="scaling")
    gg, hf = _epsilons(inner, error_df)
    f, num, den = (table[c].to_numpy(dtype=float) for c in ("statistic", "num_df", "den_df"))
    out = table[["term", "statistic", "num_df", "den_df", "p_value"]].assign(
        greenhouse_geisser=gg,
        huynh_feldt=hf,
        p_greenhouse_geisser=fdtrc(gg * num, gg * den, f),
        p_huynh_feldt=fdtrc(hf * num, hf * den, f),
    )
    mauchly = dict(zip(("mauchly_w", "mauchly_chi2", "mauchly_df", "p_mauchly"),
                       _mauchly(inner, error_df), strict=True))  # fmt: skip
    return out.assign(**mauchly)


def _orthonormal(m: int) -> FloatArray:
    """Contrasts (m - 1, m) of unit length at right angles (Helmert's)."""
    rows = np.array([[1.0] * i + [-float(i)] + [0.0] * (m - i - 1) for i in range(1, m)])
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _epsilons(inner: FloatArray, error_df: float) -> tuple[float, float]:
    """Greenhouse and Geisser's, and Huynh and Feldt's (at most 1)."""
    d = len(inner)
    gg = float(np.trace(inner) ** 2 / (d * np.sum(inner * inner)))
    hf = ((error_df + 1.0) * d * gg - 2.0) / (d * (error_df - d * gg))
    return gg, min(1.0, float(hf))


def _mauchly(inner: FloatArray, error_df: float) -> tuple[float, float, float, float]:
    """W, chi-squared, its degrees of freedom and p, with Box's second-order term as in R."""
    d = len(inner)
    if d < 2:
        return (np.nan,) * 4
    w = float(np.linalg.det(inner) / (np.trace(inner) / d) ** d)
    rho = 1.0 - (2.0 * d**2 + d + 2.0) / (6.0 * d * error_df)
    df = d * (d + 1) / 2.0 - 1.0
    chi2 = -error_df * rho * float(np.log(w))
    w2 = (d + 2.0) * (d - 1.0) * (d - 2.0) * (2.0 * d**3 + 6.0 * d**2 + 3.0 * d + 2.0)
    w2 /= 288.0 * (error_df * d * rho) ** 2
    first, second = float(chdtrc(df, chi2)), float(chdtrc(df + 4.0, chi2))
    return w, chi2, df, first + w2 * (second - first)


def _holds(fit: Any, term: str, name: str) -> bool:
    parts = [t for t in fit.model.formula.fixed if ":".join(t) == term]
    return any(name in columns_of(c) for t in parts for c in t)


def _between_rank(fit: Any) -> int:
    """Dimension of the subjects' means of the fixed effects."""
    rows = fit.model.rows
    count = np.bincount(rows.block, minlength=len(rows.n))
    total = np.zeros((len(rows.n), rows.x.shape[1]))
    np.add.at(total, rows.block, rows.x)
    for name in {n for t in fit.model.formula.fixed for c in t for n in columns_of(c)}:
        if not isinstance(fit.model.columns[name], Factor) and name != fit.engine.data.levels.name:
            raise InputError(
                f"sphericity is of designs of factors; {name} is a number. Use .anova(), which "
                "needs no sphericity"
            )
    return int(np.linalg.matrix_rank(total / count[:, None]))
