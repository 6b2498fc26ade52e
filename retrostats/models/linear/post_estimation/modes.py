"""Random effects given the data: their modes, and how far they and the fixed effects may err."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from scipy.special import ndtri

from retrostats.common.arrays import share
from retrostats.common.errors import InputError
from retrostats.models.linear.formula.columns import Factor, FloatArray, IntArray
from retrostats.models.linear.formula.design import RandomDesign, factorised, shown_level
from retrostats.models.linear.post_estimation.components import term_covariances, unique_groups

if TYPE_CHECKING:
    from retrostats.models.linear.estimates import Estimates

#: Largest set of connected random effects whose errors are computed (a dense inverse).
MOST_CONNECTED = 6000


@dataclass(frozen=True, slots=True)
class Modes:
    """Conditional modes of the random effects of a fit from rows.

    Attributes
    ----------
    values : (q,) array
        Term by term, level by level, the effects of a level beside one another.
    starts : tuple of int
        Where each term begins.
    inner : (q, q) sparse array or None
        Lambda (Lambda' Z'WZ Lambda + I)^-1 Lambda'; sigma^2 times it is the covariance of the
        effects given data and fixed effects. None where too many are connected.
    carried : (q, p) array or None
        inner Z'WX: how an error of the fixed effects is carried into the modes.
    root : (N,) array or None
        Roots of the rows' weights; None where all are 1.
    """

    values: FloatArray
    starts: tuple[int, ...]
    inner: Any
    carried: FloatArray | None
    root: FloatArray | None


def modes_of(fit: Estimates) -> Modes:
    """Conditional modes at the estimated variances.

    Raises
    ------
    InputError
        The data were moments, or the covariance within subjects may be negative.

    References
    ----------
    Bates, Maechler, Bolker and Walker (2015), Journal of Statistical Software 67(1), section 3.2;
    Henderson (1975), Biometrics 31:423, for the errors.
    """
    require_rows(fit, "random effects")
    if fit.model.gram.signed:
        raise InputError(
            'covariance="signed-cs" describes a covariance, not effects of subjects; fit with '
            'covariance="lme4" for random effects'
        )
    rows = fit.model.rows
    if not any(term.effects for term in rows.random):
        raise InputError(
            f"{fit.model.formula.text!r} has no random effects, only residual variances that "
            "differ; use predict() and the fixed effects"
        )
    root = row_root(fit)
    scale = stratum_root(fit)  # by their weights the rows are scaled already
    z = random_matrix(rows.random, len(rows.y), scale)
    x = rows.x if scale is None else rows.x * scale[:, None]
    residual = rows.y - rows.x @ fit.beta
    residual = residual if scale is None else residual * scale
    factor = _factor(fit)
    scaled = (z @ factor).tocsr()
    system = (scaled.T @ scaled + sp.identity(z.shape[1], format="csr")).tocsr()
    inverse = _inverse(system)
    starts = tuple(np.cumsum([0, *(t.n_levels * len(t.effects) for t in rows.random)])[:-1])
    if inverse is None:
        from scipy.sparse.linalg import splu

        values = factor @ splu(system.tocsc()).solve(scaled.T @ residual)
        return Modes(np.asarray(values), starts, None, None, root)
    inner = (factor @ inverse @ factor.T).tocsr()
    return Modes(
        np.asarray(inner @ (z.T @ residual)), starts, inner, np.asarray(inner @ (z.T @ x)), root
    )


def require_rows(fit: Estimates, what: str) -> None:
    """Moments hold no single person.

    Raises
    ------
    InputError
    """
    if fit.model.frame is None:
        raise InputError(f"{what} need the rows; this model was fitted to moments")


def weight_root(fit: Estimates) -> FloatArray:
    """Roots (N,) of the known weights, by which the rows of the model are multiplied; else ones."""
    if fit.model.precision is None:
        return np.ones(fit.model.n_obs)
    return np.asarray(np.sqrt(fit.model.precision))


def stratum_root(fit: Estimates) -> FloatArray | None:
    """Roots (N,) of sigma^2 over the variance of each row's stratum; None without strata."""
    if fit.model.labelled is None:
        return None
    spread = fit.residual_sd.to_numpy()
    return np.asarray(np.sqrt(fit.optimum.point.sigma2) / spread[fit.model.labelled.codes])


def row_root(fit: Estimates) -> FloatArray | None:
    """Roots (N,) of sigma^2 over the residual variance of each row; None where all are 1."""
    strata = stratum_root(fit)
    if fit.model.precision is None:
        return strata
    return weight_root(fit) if strata is None else weight_root(fit) * strata


def random_matrix(terms: tuple[RandomDesign, ...], n: int, scale: FloatArray | None = None) -> Any:
    """Z (n, q), sparse; a row without a level of a term (code -1) has none of its effects."""
    parts = []
    for term in terms:
        k = len(term.effects)
        seen = np.flatnonzero(term.levels >= 0)
        rows = np.repeat(seen, k)
        columns = (term.levels[seen][:, None] * k + np.arange(k)).ravel()
        values = term.values if scale is None else term.values * scale[:, None]
        entries = values[seen].ravel()
        parts.append(sp.csr_array((entries, (rows, columns)), shape=(n, term.n_levels * k)))
    return sp.hstack(parts, format="csr")


def _factor(fit: Estimates) -> Any:
    """Lambda (q, q): the relative covariance factor of every level of every term."""
    sigma2 = fit.optimum.point.sigma2
    parts = []
    for term, covariance in zip(fit.model.rows.random, term_covariances(fit), strict=True):
        values, vectors = np.linalg.eigh(covariance / sigma2)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        parts.append(sp.kron(sp.identity(term.n_levels), root, format="csr"))
    return sp.block_diag(parts, format="csr")


def _inverse(system: Any) -> Any:
    """Inverse of a sparse symmetric matrix by its connected parts; None where one is too large."""
    q = system.shape[0]
    _, part = connected_components(system, directed=False)
    size = np.bincount(part)
    if size.max() > MOST_CONNECTED:
        return None
    order = np.argsort(part, kind="stable")
    place = np.empty(q, dtype=np.intp)
    first = np.concatenate([[0], np.cumsum(size)[:-1]])
    place[order] = np.arange(q) - first[part[order]]
    entries = system.tocoo()
    i, j = entries.coords
    out: list[tuple[FloatArray, IntArray, IntArray]] = []
    for m in np.unique(size):
        parts = np.flatnonzero(size == m)
        rank = np.full(len(size), -1)
        rank[parts] = np.arange(len(parts))
        mine = rank[part[i]] >= 0
        stack = np.zeros((len(parts), m, m))
        stack[rank[part[i[mine]]], place[i[mine]], place[j[mine]]] = entries.data[mine]
        members = order[first[parts][:, None] + np.arange(m)]
        inverse = np.linalg.inv(stack)
        out.append(
            (inverse.ravel(), np.repeat(members, m, axis=1).ravel(), np.tile(members, m).ravel())
        )
    data, rows, columns = (np.concatenate(parts) for parts in zip(*out, strict=True))
    return sp.csr_array((data, (rows, columns)), shape=(q, q))


def level_labels(term: RandomDesign, columns: dict[str, Any]) -> list[str]:
    """Labels of a term's levels, those of several columns joined by ":"."""
    _, first = np.unique(term.levels, return_index=True)
    parts = []
    for name in term.factors:
        column = columns[name]
        factor = column if isinstance(column, Factor) else factorised(column)
        parts.append([shown_level(factor.levels[code]) for code in factor.codes[first]])
    return [":".join(row) for row in zip(*parts, strict=True)]


def ranef(fit: Estimates, *, level: float = 0.95) -> pd.DataFrame:
    """Conditional modes of the random effects with intervals.

    Parameters
    ----------
    fit : Estimates
        From rows.
    level : float

    Returns
    -------
    DataFrame
        group, level, term, estimate, std_error, conf_low, conf_high. The error is that given the
        fixed effects and variances, as lme4's condVar; NaN where more than `MOST_CONNECTED` effects
        are connected.

    Raises
    ------
    InputError
        As `modes_of`.

    Examples
    --------
    >>> from retrostats.models.linear.fit import lmm
    >>> rows = pd.DataFrame({"subject": list("aabbccdd"), "time": ["pre", "post"] * 4,
    ...                      "y": [5.0, 6.0, 4.0, 5.5, 6.0, 6.2, 5.1, 5.9]})
    >>> ranef(lmm("y ~ time + (1 | subject)", rows))[["level", "estimate"]].round(3).head(2)
      level  estimate
    0     a     0.029
    1     b    -0.544
    """
    share(level)
    modes = fit.once(modes_of)
    error = np.full(len(modes.values), np.nan)
    if modes.inner is not None:
        variance = fit.optimum.point.sigma2 * modes.inner.diagonal()
        error = np.sqrt(np.maximum(variance, 0.0))
    terms = zip(fit.model.rows.random, unique_groups(fit), strict=True)
    named = [
        (name, level_labels(term, fit.model.columns), tuple(term.effects)) for term, name in terms
    ]
    return effects_table(named, modes.values, error, level)


def effects_table(
    terms: Sequence[tuple[str, list[str], tuple[str, ...]]],
    values: FloatArray,
    error: FloatArray,
    level: float,
) -> pd.DataFrame:
    """One row a level and effect, with normal limits, of every kind of mixed model.

    Parameters
    ----------
    terms : sequence of (group, labels of its levels, effects)
    values, error : (Q,) arrays
        Of all terms in that order, level by level.
    """
    out = pd.DataFrame(
        [(g, label, e) for g, labels, effects in terms for label in labels for e in effects],
        columns=["group", "level", "term"],
    )
    out["estimate"], out["std_error"] = values, error
    half = float(ndtri(0.5 + level / 2.0)) * out["std_error"]
    out["conf_low"], out["conf_high"] = out["estimate"] - half, out["estimate"] + half
    return out
