"""Log-likelihoods of printed rows at effects theta: small functions of quadrature points.

Every function takes the grid theta (m,), and numbers or arrays (...,) of draws or studies, and
gives log-likelihoods (..., m), up to a constant. Where a printed row leaves something open, its
nodes stand on one more axis (..., q) with log weights of the same shape.
Equations: docs/mathematics.md, section 19.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline
from scipy.special import expit, gammaln, ndtr

from retrostats.evidence.printed.quadrature import chi_nodes

Array = NDArray[np.float64]
#: Least probability that has a logarithm.
_LEAST = 1e-300
#: Nodes of the level that two groups of people share.
_LEVEL_NODES = 96
#: Rows from which a mixture is added up node by node, and the bytes that are taken at once.
_MANY, _BYTES = 8, 2**19
_TINY = 1e-15
#: Reach and points of the table of results in words: a spline of step 0.1 errs by 1e-7.
_NCP, _NCP_POINTS = 40.0, 801


def t_log_likelihood(
    theta: ArrayLike, estimate: ArrayLike, std_error: ArrayLike, df: ArrayLike = math.inf
) -> Array:
    """Student's t of an estimate with its standard error; normal where df is infinite.

    log t_df((estimate - theta) / se) - log se, constants of theta kept: mixtures need them.

    Examples
    --------
    >>> t_log_likelihood([0.0, 0.2], 0.2, 0.1).round(3).tolist()
    [-0.616, 1.384]
    """
    theta = np.asarray(theta, dtype=float)
    estimate, se, nu = (np.asarray(x, dtype=float)[..., None] for x in (estimate, std_error, df))
    squared = ((theta - estimate) / se) ** 2
    finite = np.isfinite(nu)
    if not finite.any():
        return np.asarray(-0.5 * squared - np.log(se) - 0.5 * math.log(2 * math.pi))
    known = np.where(finite, nu, 1.0)
    constant = gammaln((known + 1) / 2) - gammaln(known / 2) - 0.5 * np.log(math.pi * known)
    t = constant - 0.5 * (known + 1) * np.log1p(squared / known)
    if not finite.all():
        t = np.where(finite, t, -0.5 * squared - 0.5 * math.log(2 * math.pi))
    return np.asarray(t - np.log(se))


def mixed_log_likelihood(
    theta: ArrayLike,
    estimate: ArrayLike,
    std_error: ArrayLike,
    df: ArrayLike,
    log_weights: ArrayLike,
) -> Array:
    """Average of t likelihoods over nodes: arrays (..., q) to (..., m).

    log sum_q w_q t_df((estimate_q - theta) / se_q) / se_q.
    """
    nodes = np.broadcast_arrays(
        *(np.asarray(x, dtype=float) for x in (estimate, std_error, df, log_weights))
    )
    count = nodes[0].shape[-1]
    flat = [x.reshape(-1, count) for x in nodes]
    theta = np.asarray(theta, dtype=float)
    if len(flat[0]) < _MANY or not np.isfinite(flat[2]).all():
        some = max(1, _BYTES // (8 * nodes[0].size))
        parts = [theta[i : i + some] for i in range(0, len(theta), some)] or [theta]
        found = [averaged(t_log_likelihood(part, *nodes[:3]), nodes[3]) for part in parts]
        return np.concatenate(found, axis=-1)
    logs = np.empty((len(flat[0]), len(theta)))
    at_once = max(1, _BYTES // (8 * len(theta)))
    for start in range(0, len(logs), at_once):
        rows = slice(start, start + at_once)
        logs[rows] = _node_by_node(theta, *(x[rows] for x in flat))
    return logs.reshape(*nodes[0].shape[:-1], len(theta))


def _node_by_node(
    theta: Array, estimate: Array, std_error: Array, df: Array, log_weights: Array
) -> Array:
    """As `mixed_log_likelihood` of many rows (d, q), in memory that a processor's cache holds.

    Densities are added up themselves; rows in which one is less than a double holds are done anew.
    """
    constant = gammaln((df + 1) / 2) - gammaln(df / 2) - 0.5 * np.log(math.pi * df)
    height = np.exp(constant + log_weights - np.log(std_error))
    width, power = 1 / (std_error * np.sqrt(df)), -(df + 1) / 2
    total = np.zeros((len(estimate), len(theta)))
    part = np.empty_like(total)
    for q in range(estimate.shape[1]):
        np.subtract(theta, estimate[:, q, None], out=part)
        part *= width[:, q, None]
        part *= part
        np.log1p(part, out=part)
        part *= power[:, q, None]
        np.exp(part, out=part)
        part *= height[:, q, None]
        total += part
    lost = (total < _LEAST).any(axis=1)
    found = np.log(np.maximum(total, _LEAST))
    if lost.any():
        logs = t_log_likelihood(theta, estimate[lost], std_error[lost], df[lost])
        found[lost] = averaged(logs, log_weights[lost])
    return np.asarray(found)


def averaged(logs: Array, log_weights: ArrayLike) -> Array:
    """Log of the weighted mean of likelihoods over their nodes: (..., q, m) to (..., m)."""
    logs = logs + np.asarray(log_weights, dtype=float)[..., None]
    if logs.shape[-2] == 1:
        return np.asarray(logs[..., 0, :])
    top = logs.max(axis=-2, keepdims=True)
    total = np.exp(logs - top).sum(axis=-2)
    return np.asarray(top[..., 0, :] + np.log(total))


def pair_effect(
    means: tuple[ArrayLike, ArrayLike],
    sds: tuple[ArrayLike, ArrayLike],
    n: ArrayLike,
    correlation: ArrayLike,
    *,
    log: bool,
) -> tuple[Array, Array]:
    """Effect and standard error of a pair of the same people, first against second.

    With `log` the log ratio of means by the delta method (Lajeunesse 2011, Ecology 92:2049,
    eq. 4), else the difference; variance (s1^2 + s2^2 - 2 r s1 s2) / n.

    Examples
    --------
    >>> effect, error = pair_effect((31.3, 27.2), (5.8, 2.5), 13, 0.5, log=True)
    >>> round(float(effect), 3), round(float(error), 4)
    (0.14, 0.0445)
    """
    (m1, m2), (s1, s2) = (tuple(np.asarray(x, dtype=float) for x in pair) for pair in (means, sds))
    if log:
        s1, s2 = s1 / m1, s2 / m2
    variance = s1**2 + s2**2 - 2 * np.asarray(correlation) * s1 * s2
    effect = np.log(m1 / m2) if log else m1 - m2
    return np.asarray(effect), np.sqrt(np.maximum(variance, 0.0) / n)


def groups_effect(
    means: tuple[ArrayLike, ArrayLike],
    sds: tuple[ArrayLike, ArrayLike],
    n: tuple[ArrayLike, ArrayLike],
    *,
    log: bool,
) -> tuple[Array, Array, Array]:
    """Effect, standard error and Welch-Satterthwaite df of two groups of different people.

    With `log` the log ratio of means (Hedges, Gurevitch and Curtis 1999, Ecology 80:1150).
    """
    (m1, m2), (s1, s2), (n1, n2) = (
        tuple(np.asarray(x, dtype=float) for x in pair) for pair in (means, sds, n)
    )
    if log:
        s1, s2 = s1 / m1, s2 / m2
    v1, v2 = s1**2 / n1, s2**2 / n2
    df = (v1 + v2) ** 2 / (v1**2 / (n1 - 1) + v2**2 / (n2 - 1))
    effect = np.log(m1 / m2) if log else m1 - m2
    return np.asarray(effect), np.sqrt(v1 + v2), np.asarray(df)


def smd_log_likelihood(theta: ArrayLike, t: ArrayLike, df: float, root_n: ArrayLike) -> Array:
    """Standardised mean difference of two groups: noncentral t, exact for normal data.

    t is the pooled t statistic and root_n = (1 / n1 + 1 / n2)^(-1/2), so that its noncentrality is
    theta root_n.
    """
    ncp = np.asarray(theta, dtype=float) * np.asarray(root_n, dtype=float)[..., None]
    return t_statistic_log_likelihood(ncp, t, df)


def t_statistic_log_likelihood(ncp: ArrayLike, t: ArrayLike, df: float) -> Array:
    """Density of a noncentral t at t, given noncentralities (..., m).

    T = (Z + ncp) / s with s = sqrt(chi2 / df): density E[s phi(t s - ncp)].
    """
    ncp = np.asarray(ncp, dtype=float)[..., None]
    s, weight = chi_nodes(df)
    at = np.asarray(t, dtype=float)[..., None, None] * s
    density = np.exp(-0.5 * (at - ncp) ** 2) @ (weight * s)
    return np.asarray(np.log(np.maximum(density / math.sqrt(2 * math.pi), _LEAST)))


def between_log_likelihood(ncp: ArrayLike, low: float, high: float, df: float) -> Array:
    """A test statistic of which only a range is known: P(low < T < high) given ncp (..., m).

    T is noncentral t, so that P = E[Phi(high s - ncp) - Phi(low s - ncp)], s = sqrt(chi2 / df).
    "Significantly higher" is from t_alpha up, "lower" up to -t_alpha, "not significant" between.

    Examples
    --------
    >>> t = 2.1788  # two-sided 5% with 12 df
    >>> round(float(np.exp(between_log_likelihood([0.0], t, math.inf, 12)[0])), 4)
    0.025
    """
    s, weight = chi_nodes(df)
    ncp = np.asarray(ncp, dtype=float)[..., None]
    top, bottom = high * s - ncp, low * s - ncp
    # on the upper side both distribution functions are near 1: their complements keep the digits
    upper = bottom > 0
    inside = np.where(upper, ndtr(-bottom) - ndtr(-top), ndtr(top) - ndtr(bottom))
    return np.asarray(np.log(np.maximum(inside @ weight, _LEAST)))


def between_by_table(ncp: Array, low: float, high: float, df: float) -> Array:
    """As `between_log_likelihood`, by a spline in the noncentrality: many nodes, few values.

    Flat beyond noncentralities of 40, where such a result is impossible or certain.
    """
    return np.asarray(_spline(low, high, df)(np.clip(ncp, -_NCP, _NCP)))


@lru_cache(maxsize=64)
def _spline(low: float, high: float, df: float) -> CubicSpline:
    at = np.linspace(-_NCP, _NCP, _NCP_POINTS)
    return CubicSpline(at, between_log_likelihood(at, low, high, df))


def proportion_log_likelihood(theta: ArrayLike, events: float, people: float) -> Array:
    """Logit of the share of people with an event: one binomial.

    Examples
    --------
    >>> proportion_log_likelihood([0.0], 1, 2).round(4).tolist()
    [-1.3863]
    """
    theta = np.asarray(theta, dtype=float)
    return np.asarray(events * theta - people * np.logaddexp(0.0, theta))


def rates_log_likelihood(
    theta: ArrayLike,
    events: tuple[ArrayLike, ArrayLike],
    exposure: tuple[ArrayLike, ArrayLike],
    design_effect: ArrayLike = 1.0,
) -> Array:
    """Log rate ratio of events over exposures, given their sum: exact for Poisson counts.

    y1 | y1 + y2 ~ Binomial(y1 + y2, T1 e^theta / (T1 e^theta + T2)); a design effect divides the
    information.
    """
    (y1, y2), (t1, t2) = (
        tuple(np.asarray(x, dtype=float)[..., None] for x in pair) for pair in (events, exposure)
    )
    log = y1 * np.asarray(theta) - (y1 + y2) * np.logaddexp(
        np.log(t1) + np.asarray(theta), np.log(t2)
    )
    return np.asarray(log / np.asarray(design_effect, dtype=float)[..., None])


def odds_log_likelihood(
    theta: ArrayLike, events: tuple[int, int], people: tuple[int, int], design_effect: float = 1.0
) -> Array:
    """Log odds ratio of people with an event, all margins given: noncentral hypergeometric.

    Stijnen, Hamza and Ozdemir (2010), Statistics in Medicine 29:3046, equation (8).
    """
    from retrostats.models.counts.hypergeometric import NoncentralHypergeometric

    theta = np.asarray(theta, dtype=float)
    y, n1, n2, m = (np.array([float(x)]) for x in (events[0], people[0], people[1], sum(events)))
    table = NoncentralHypergeometric(y, n1, n2, m)
    return table.loglik(theta[:, None])[:, 0] / design_effect


def risks_log_likelihood(
    theta: ArrayLike,
    events: tuple[float, float],
    people: tuple[float, float],
    design_effect: float = 1.0,
    *,
    log: bool = True,
) -> Array:
    """Log risk ratio (or with `log=False` risk difference), averaged over the common level.

    Two binomials along p1 = p2 e^theta (or p2 + theta). The level, the mean of both logits, has
    weight (p1 q1 p2 q2)^(1/4), the geometric mean of both arms' Jeffreys densities, so that
    exchanging the arms mirrors the likelihood.
    """
    theta = np.asarray(theta, dtype=float)[:, None]
    # both risks are linear in e = expit(v), p_j = a_j + c_j e, with v free
    if log:
        c2 = np.minimum(1.0, np.exp(-theta))
        a, c = (np.zeros_like(c2), np.zeros_like(c2)), (np.minimum(1.0, np.exp(theta)), c2)
    else:
        a2 = np.maximum(0.0, -theta)
        width = np.maximum(np.minimum(1.0, 1.0 - theta) - a2, 0.0)
        a, c = (a2 + theta, a2), (width, width)

    def joint(v: Array) -> tuple[Array, Array]:
        """Log of likelihood times weight at v, and the information on v there."""
        e, rest = expit(v), expit(-v)
        risks = [np.clip(aj + cj * e, _TINY, 1 - _TINY) for aj, cj in zip(a, c, strict=True)]
        slopes = [cj * e * rest for cj in c]
        variances = [p * (1 - p) for p in risks]
        # d(level) / dv, the level being the mean of both logits
        level = 0.5 * sum(d / q for d, q in zip(slopes, variances, strict=True))
        logs = sum(
            (y * np.log(p) + (n - y) * np.log1p(-p)) / design_effect
            for y, n, p in zip(events, people, risks, strict=True)
        )
        weight = np.log(np.maximum(level, _TINY)) + 0.25 * np.log(variances[0] * variances[1])
        known = sum(
            n * d**2 / q / design_effect for n, d, q in zip(people, slopes, variances, strict=True)
        )
        return np.asarray(logs + weight), np.asarray(known)

    coarse = np.linspace(-16.0, 16.0, _LEVEL_NODES)[None, :]
    logs, known = joint(coarse)
    peak = logs.argmax(axis=1)
    centre = coarse[0, peak][:, None]
    information = np.take_along_axis(known, peak[:, None], axis=1)
    step = coarse[0, 1] - coarse[0, 0]
    half = np.minimum(step + 9.0 / np.sqrt(information + 1.0 / 16.0), 20.0)
    x, share = np.polynomial.legendre.leggauss(_LEVEL_NODES)
    logs, _ = joint(centre + half * x)
    top = logs.max(axis=1, keepdims=True)
    total = (np.exp(logs - top) * share).sum(axis=1) * half[:, 0]
    out = np.asarray(top[:, 0] + np.log(total))
    return np.where(np.asarray(c[0][:, 0]) > 0, out, -1e4)
