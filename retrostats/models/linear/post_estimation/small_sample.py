"""Intervals for few subjects: studentised bootstrap of fixed effects, and sigma exactly.

Percentiles of a bootstrap forget that the variance was estimated, and a profile forgets the
degrees of freedom that the fixed effects took. Studentised errors and ratios to the estimate are
nearly pivotal (Davison and Hinkley 1997, Bootstrap Methods and their Application, sections 2.4 and
5.2); what is left of the rows after X and Z are projected out is exactly chi-squared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import chdtri

from retrostats.common.arrays import share
from retrostats.common.errors import InputError, NotIdentified
from retrostats.models.linear.post_estimation.simulate import bootstrap
from retrostats.models.linear.post_estimation.tables import Effect

if TYPE_CHECKING:
    from retrostats.models.linear.blocks.gram import Gram
    from retrostats.models.linear.estimates import Estimates

_RANK_TOL = 1e-9
_FEWEST = 100  # refits below which a 2.5% tail holds no two of them


def bootstrap_t(
    fit: Estimates, *, level: float = 0.95, n: int = 2000, seed: int = 1, jobs: int = 1
) -> pd.DataFrame:
    """Studentised bootstrap intervals of the fixed effects; sigma exactly, else by its ratio.

    Each refit gives t = (its coefficient - the estimate) / its standard error; the interval is the
    estimate minus the quantiles of t times the standard error. Sigma is
    that of `exact_sigma`; where X and Z leave nothing for it, the estimate is divided by the
    quantiles of sigma (refit) / sigma.

    Parameters
    ----------
    fit : Estimates
    level : float
    n : int
        Refits, at least 100.
    seed, jobs : int

    Returns
    -------
    DataFrame
        group ("fixed", "Residual"), term, term2 (empty), estimate, conf_low, conf_high.

    Raises
    ------
    InputError
        Too few refits, or a level outside 0 to 1.
    NotIdentified
        Most refits fail, so that they say nothing about the fit.

    Examples
    --------
    >>> import pandas as pd
    >>> from retrostats.models.linear.fit import lmm
    >>> rows = pd.DataFrame({"subject": list("aabbccdd"), "time": [0, 1] * 4,
    ...                      "y": [5.0, 6.0, 4.0, 5.5, 6.0, 6.2, 5.1, 5.9]})
    >>> table = bootstrap_t(lmm("y ~ time + (1 | subject)", rows), seed=1)
    >>> table["group"].tolist(), bool((table.conf_low < table.estimate).all())
    (['fixed', 'fixed', 'Residual'], True)
    """
    _check_level(level)
    if n < _FEWEST:
        raise InputError(f"draws={n}: a studentised bootstrap needs at least {_FEWEST} refits")
    draws = bootstrap(fit, n, seed=seed, jobs=jobs)
    draws = draws[draws["converged"]]
    if len(draws) < max(_FEWEST, n // 2):
        raise NotIdentified(
            f"bootstrap-t: only {len(draws)} of {n} refits converged; use the t intervals of "
            "`coefficients`"
        )
    tails = [(1 - level) / 2, (1 + level) / 2]
    error = np.sqrt(np.diag(fit.cov_unadjusted))
    rows = []
    for j, term in enumerate(fit.terms):
        t = (draws[term] - fit.beta[j]) / draws[f"se_{term}"]
        low, high = np.quantile(t[np.isfinite(t)], tails)
        beta = float(fit.beta[j])
        rows.append(("fixed", term, "", beta, beta - high * error[j], beta - low * error[j]))
    if fit.engine.within(fit)[1] > 0:
        return pd.concat([_table(rows), exact_table(fit, level)], ignore_index=True)
    low, high = np.quantile(draws["sigma"] / fit.sigma, tails)
    rows.append(("Residual", "", "", fit.sigma, fit.sigma / high, fit.sigma / low))
    return _table(rows)


def exact_sigma(fit: Estimates, *, level: float = 0.95) -> Effect:
    """Interval of sigma from the sum of squares that is left when X and Z are projected out.

    It is sigma^2 times a chi-squared with N - rank [X Z] degrees of freedom whatever the random
    effects are, so that the interval covers exactly, at any number of subjects and in unbalanced
    designs. Its estimate is the root of the mean square, the REML sigma of a balanced design.

    Raises
    ------
    NotIdentified
        X and Z leave no degree of freedom (every row has a random effect of its own).

    Examples
    --------
    >>> import pandas as pd
    >>> from retrostats.models.linear.fit import lmm
    >>> rows = pd.DataFrame({"subject": list("aabbccdd"), "time": [0, 1] * 4,
    ...                      "y": [5.0, 6.0, 4.0, 5.5, 6.0, 6.2, 5.1, 5.9]})
    >>> found = exact_sigma(lmm("y ~ time + (1 | subject)", rows))
    >>> print(round(found.estimate, 4), round(found.conf_low, 4), round(found.conf_high, 4))
    0.3802 0.2154 1.4177
    """
    _check_level(level)
    rss, df = fit.engine.within(fit)
    if df < 1:
        raise NotIdentified(
            "sigma: fixed and random effects together leave no degree of freedom; use "
            "conf_int(which='all', method='bootstrap-t')"
        )
    tail = (1 - level) / 2
    low, high = np.sqrt(rss / chdtri(df, tail)), np.sqrt(rss / chdtri(df, 1 - tail))
    return Effect(float(np.sqrt(rss / df)), float(low), float(high), level, "chi-squared")


def exact_table(fit: Estimates, level: float) -> pd.DataFrame:
    """`exact_sigma` as a table of one row."""
    found = exact_sigma(fit, level=level)
    return _table([("Residual", "", "", found.estimate, found.conf_low, found.conf_high)])


def within(gram: Gram) -> tuple[float, int]:
    """Residual sum of squares of the outcome on [X Z], and its degrees of freedom."""
    rss, df = gram.yy, gram.n_obs
    xx, xy = np.eye(len(gram.xy)), gram.xy.copy()
    for stack in gram.stacks:
        values, vectors = np.linalg.eigh(stack.zz)
        kept = values > _RANK_TOL * np.maximum(values[:, -1:], 1e-300)
        inverse = vectors * np.where(kept, 1 / np.where(kept, values, 1.0), 0.0)[:, None, :]
        inverse = inverse @ np.swapaxes(vectors, 1, 2)
        df -= round(float(stack.n @ kept.sum(1)))
        xx -= np.einsum("b,bax,bac,bcy->xy", stack.n, stack.zx, inverse, stack.zx, optimize=True)
        xy -= np.einsum("b,bax,bac,bc->x", stack.n, stack.zx, inverse, stack.zy, optimize=True)
        rss -= float(
            np.einsum("b,ba,bac,bc->", stack.n, stack.zy, inverse, stack.zy, optimize=True)
        )
        if stack.scatter is not None:
            rss -= float(np.einsum("bac,bca->", inverse, stack.scatter))
    values, vectors = np.linalg.eigh((xx + xx.T) / 2)
    kept_x = values > _RANK_TOL
    along = vectors[:, kept_x].T @ xy
    rss -= float((along**2 / values[kept_x]).sum())
    return max(rss, 0.0), df - int(kept_x.sum())


def _check_level(level: float) -> None:
    share(level)


def _table(rows: list[tuple[str, str, str, float, float, float]]) -> pd.DataFrame:
    names = ["group", "term", "term2", "estimate", "conf_low", "conf_high"]
    return pd.DataFrame(rows, columns=names)
