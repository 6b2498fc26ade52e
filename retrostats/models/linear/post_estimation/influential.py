"""What the fixed effects are without each group: Cook's distance with the variances held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.post_estimation.components import term_covariances
from retrostats.models.linear.post_estimation.modes import level_labels, stratum_root

if TYPE_CHECKING:
    from retrostats.models.linear.estimates import Estimates

_MOST_ROWS = 3000  # of a block whose covariance is inverted
_RESTS = 1e8  # growth of the condition without a group, from which nothing is left to fit by


def cook_of_groups(fit: Estimates) -> pd.Series[float]:
    """Cook's distance of each level of the first random term; empty where blocks are too large.

    D = (b - b_i)' C^-1 (b - b_i) / p with C the covariance of b and b_i the generalised least
    squares without the rows of group i.

    References
    ----------
    Cook (1977), Technometrics 19:15; with W = V^-1 of a block and S its rows left out, the inverse
    of the rest is W - W_S (W_SS)^-1 W_S' (Christensen, Pearson and Johnson 1992, Technometrics
    34:38).
    """
    rows = fit.model.rows
    if np.bincount(rows.block).max() > _MOST_ROWS:
        return pd.Series(dtype=float)
    first = rows.random[0]
    whole = np.zeros((rows.x.shape[1],) * 2)
    lost: dict[int, tuple[FloatArray, FloatArray]] = {}
    total = np.zeros(rows.x.shape[1])
    order = np.argsort(rows.block, kind="stable")
    ends = np.cumsum(np.bincount(rows.block, minlength=len(rows.n)))[:-1]
    for at in np.split(order, ends):
        x, y, w = rows.x[at], rows.y[at], np.linalg.inv(_covariance(fit, at))
        whole += x.T @ w @ x
        total += x.T @ w @ y
        for group in np.unique(first.levels[at]):
            inside = first.levels[at] == group
            part = w[:, inside] @ np.linalg.solve(w[np.ix_(inside, inside)], w[inside])
            lost[int(group)] = (x.T @ part @ x, x.T @ part @ y)
    beta = np.linalg.solve(whole, total)
    labels = level_labels(first, fit.model.columns)
    out = {}
    for group, (xvx, xvy) in sorted(lost.items()):
        rest = whole - xvx
        if np.linalg.cond(rest) > _RESTS * np.linalg.cond(whole):
            out[labels[group]] = np.inf  # a coefficient rests on this group alone
            continue
        away = beta - np.linalg.solve(rest, total - xvy)
        out[labels[group]] = float(away @ whole @ away / len(beta))
    return pd.Series(out, dtype=float)


def _covariance(fit: Any, at: np.ndarray) -> FloatArray:
    """V (n, n) of the rows of a block, rows as they were weighted."""
    if hasattr(fit, "structure"):
        codes = fit.engine.data.levels.codes[at]
        return np.asarray(fit.engine.v[np.ix_(codes, codes)])
    sigma2 = fit.optimum.point.sigma2
    root = stratum_root(fit)
    noise = np.ones(len(at)) if root is None else 1.0 / root[at] ** 2
    v = np.diag(sigma2 * noise)
    for term, covariance in zip(fit.model.rows.random, term_covariances(fit), strict=True):
        z, levels = term.values[at], term.levels[at]
        v += np.where(levels[:, None] == levels[None, :], z @ covariance @ z.T, 0.0)
    return v
