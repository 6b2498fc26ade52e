"""Pools with several random terms, several outcomes or correlated errors: a mixed model each."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from retrostats.common.errors import InputError
from retrostats.common.student import t_p_value, t_quantile
from retrostats.models.linear.known_variance.criterion import pairs_of, precisions
from retrostats.models.meta.heterogeneity import Array
from retrostats.models.meta.inputs import Entered
from retrostats.models.meta.moderators import read_moderators
from retrostats.models.meta.result import NAN, PoolData, Pooled

if TYPE_CHECKING:
    from retrostats.models.linear.known_variance.fit import KnownFit
    from retrostats.models.linear.known_variance.model import KnownModel

#: How degrees of freedom of the mixed model are called as a test of a pool.
DDF = {
    "t": "contain",
    "contain": "contain",
    "z": "normal",
    "kenward-roger": "kenward-roger",
    "satterthwaite": "satterthwaite",
}
METHODS = ("reml", "ml", "common")
_EACH = "each_estimate"


def pool_multilevel(
    read: Entered,
    *,
    formula: str | None,
    random: str | None,
    method: str,
    test: str,
    cluster: ArrayLike | None,
    level: float,
) -> Pooled:
    """Fit the mixed model that a pool with `random=` or a covariance matrix is."""
    if method not in METHODS:
        raise InputError(
            f"method={method!r}; with random= or a covariance matrix allowed: {', '.join(METHODS)}"
        )
    if test not in DDF:
        raise InputError(
            f"test={test!r} is for one variance between studies; with random= or a covariance "
            f"matrix allowed: {', '.join(DDF)}"
        )
    if test == "kenward-roger" and method == "ml":
        raise InputError("test='kenward-roger' is defined for method='reml'; use REML, t or z")
    fit = _fit(read, formula, random, method, DDF[test])
    said = None if formula is None else read_moderators(read, formula)
    found = _pooled(fit, read, method, test, cluster, level)
    assert found.data is not None
    return replace(found, data=replace(found.data, moderators=said))


def _fit(read: Entered, formula: str | None, random: str | None, method: str, ddf: str) -> KnownFit:
    import pandas as pd

    from retrostats.models.linear.known_variance.fit import fit_known
    from retrostats.models.linear.known_variance.model import known_model

    frame = pd.DataFrame({"estimate": read.y}) if read.frame is None else read.frame
    if random is None and method != "common":  # one effect an estimate, as in the simple pool
        frame = frame.assign(**{_EACH: range(len(frame))})
        random = f"(1 | {_EACH})"
    if random is not None and ("|" not in random or "~" in random):
        raise InputError(f"random={random!r}; write it as '(1 | district/study)'")
    right = "1" if formula is None else formula.partition("~")[2] or formula
    parts = [right] if random is None or method == "common" else [right, random]
    text = f"{read.left} ~ {' + '.join(parts)}"
    model = known_model(text, frame, read.v if read.matrix is None else read.matrix)
    if model.n_dropped:
        gone = sorted(set(range(len(frame))) - set(model.rows.tolist()))
        raise InputError(
            f"pool: row {read.labels[gone[0]]!r} lacks a value that {text!r} uses; leave it out or "
            "fill it in"
        )
    return fit_known(model, reml=method != "ml", ddf=ddf)


def _pooled(
    fit: KnownFit, read: Entered, method: str, test: str, cluster: Any, level: float
) -> Pooled:
    from scipy.special import chdtrc

    from retrostats.models.linear.known_variance.criterion import evaluate

    model, beta = fit.model, fit.beta
    cov, dfs = fit.cov_beta, fit.dfs()
    if test == "t" and not len(fit.theta):
        dfs = np.full(len(beta), float(max(1, len(model.y) - len(beta))))
    if cluster is not None:
        cov, dfs = fit.clustered(cluster)
    errors = np.sqrt(np.diag(cov))
    first, error, df = float(beta[0]), float(errors[0]), float(dfs[0])
    crit = t_quantile((1 - level) / 2, df)
    tau2 = _total(fit)
    weights = _weights(model, fit.optimum.gamma)
    homogeneous = evaluate(model, np.zeros_like(fit.optimum.gamma), reml=False)
    q_df = float(len(model.y) - len(beta))
    typical = q_df / _trace(model) if q_df else NAN
    half_width = crit * math.sqrt(tau2 + error**2) if fit.terms[0] == "(Intercept)" else NAN
    return Pooled(
        estimate=first,
        std_error=error,
        df=df,
        conf_low=first - crit * error,
        conf_high=first + crit * error,
        p_value=t_p_value(first / error, df) if error > 0 else NAN,
        pred_low=first - half_width,
        pred_high=first + half_width,
        tau2=tau2,
        tau2_low=NAN,
        tau2_high=NAN,
        i2=100 * tau2 / (tau2 + typical),
        h2=1 + tau2 / typical,
        q=homogeneous.residual,
        q_df=q_df,
        q_p=float(chdtrc(q_df, homogeneous.residual)) if q_df else NAN,
        k=len(model.y),
        method=method,
        test=test,
        weights=tuple((100 * weights / weights.sum()).tolist()),
        terms=fit.terms,
        values=tuple(map(float, beta)),
        std_errors=tuple(map(float, errors)),
        dfs=tuple(map(float, dfs)),
        loglik=fit.loglik,
        level=level,
        fit=fit,
        data=PoolData(model.y, model.r.variance, model.x, read.labels, cluster),
    )


def _total(fit: KnownFit) -> float:
    """Variance of a new effect where every term is an intercept; NaN for several outcomes."""
    if any(term.effects != ("(Intercept)",) for term in fit.model.random):
        return NAN
    return float(fit.optimum.gamma.sum())


def _weights(model: KnownModel, gamma: Array) -> Array:
    """V^-1 1 (n,)."""
    out = np.zeros(len(model.y))
    for s, (inverse, _) in zip(model.stacks, precisions(model, gamma), strict=True):
        real = s.rows >= 0
        out[s.rows[real]] = inverse.sum(axis=2)[real]
    return out


def _trace(model: KnownModel) -> float:
    """tr(P) at no heterogeneity."""
    trace, p = 0.0, model.x.shape[1]
    first, second = np.zeros((p, p)), np.zeros((p, p))
    for s, (inverse, part) in zip(
        model.stacks, precisions(model, np.zeros(len(pairs_of(model.sizes)))), strict=True
    ):
        trace += float(np.einsum("bmm->bm", inverse)[s.rows >= 0].sum())
        wx = part[..., :p]
        first += np.tensordot(s.x, wx, ((0, 1), (0, 1)))
        second += np.tensordot(wx, wx, ((0, 1), (0, 1)))
    return trace - float(np.trace(np.linalg.solve(first, second)))
