"""The one-stage model of one effect a person, many draws at once.

Person j of study i has y_ij = mu + b_i + e_ij, b_i ~ N(0, tau2), e_ij ~ N(0, sigma_i^2): the mixed
model ``lmm("y ~ 1 + (1 | study)", residual="study")`` on the moments n_i, mean m_i and SD s_i of
every study. With d_i = tau2 + sigma_i^2 / n_i the restricted likelihood is

    sum[(n_i - 1)(log sigma_i^2 + s_i^2 / sigma_i^2) + log d_i + (m_i - mu)^2 / d_i] + log sum 1/d_i

and is minimised over tau2 and all sigma_i^2 together (docs/mathematics.md, section 15.1).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retrostats.models.meta.batch import BatchPool, random_effects_batch

Array = NDArray[np.float64]
_STEPS = 60
_HALVINGS = 25
#: Relative Newton decrement, twice the fall that is left, below which one step more ends a draw.
_NEAR = 1e-10
#: Longest step of a log variance, so that none vanishes on the way.
_LONGEST = 2.0


class _People(NamedTuple):
    """Means (d, k), variances between people (d, k), people (d, k), what counts (d, k) as 0, 1."""

    mean: Array
    variance: Array
    n: Array
    counts: Array

    def at(self, rows: NDArray[np.int64]) -> _People:
        return _People(*(part[rows] for part in self))


class _Point(NamedTuple):
    """Deviance (d,), its derivatives by tau2 and log(sigma_i^2 / s_i^2), weights (d, k) and mu."""

    deviance: Array
    gradient: Array
    hessian: Array
    weight: Array
    mu: Array


def one_stage_batch(
    mean: ArrayLike,
    variance: ArrayLike,
    people: ArrayLike,
    mask: ArrayLike | None = None,
    *,
    ddf: Literal["kenward-roger", "contained"] = "kenward-roger",
) -> BatchPool:
    """Common effect of many draws of the studies' moments, with Kenward-Roger's standard error.

    Parameters
    ----------
    mean
        Mean effect of the people of each study (draws, k).
    variance
        Variance of the effect between the people of a study (draws, k).
    people
        Number of people (k,), at least 2.
    mask
        Which studies count, (draws, k) boolean; all by default. Two or more in each draw.
    ddf
        Kenward-Roger's degrees of freedom, as `lmm` gives them, or "contained": the studies that
        count less one. The former fall far below 1 where tau2 is zero and one study outweighs the
        others; the latter keep their level (docs/mathematics.md, section 15.1).

    Returns
    -------
    BatchPool
        As `random_effects_batch`.

    References
    ----------
    Kenward and Roger (1997), Biometrics 53:983-997.

    Examples
    --------
    >>> found = one_stage_batch([[0.1, 0.3, 0.2]], [[0.04, 0.02, 0.03]], [12, 9, 20])
    >>> found.estimate.round(3), found.tau2.round(4)
    (array([0.204]), array([0.0067]))
    """
    m, s2 = np.atleast_2d(np.asarray(mean, dtype=float)), np.atleast_2d(np.asarray(variance))
    counts = np.broadcast_to(np.asarray(True if mask is None else mask), m.shape)
    n = np.broadcast_to(np.asarray(people, dtype=float), m.shape)
    start = random_effects_batch(m, s2 / n, mask=counts)
    filled = _People(
        np.where(counts, m, 0.0), np.where(counts, s2, 1.0), np.where(counts, n, 2.0),
        counts.astype(float),
    )  # fmt: skip
    inner = _minimised(filled, np.maximum(start.tau2, _inside(filled)))
    flat = np.zeros((len(m), m.shape[1] + 1))
    rising = np.flatnonzero(_point(filled, flat).gradient[:, 0] >= 0.0)  # maybe a second minimum
    if len(rising):
        part = filled.at(rising)
        edge = _minimised(part, np.zeros(len(rising)))
        lower = _deviance(part, edge) <= _deviance(part, inner[rising])
        inner[rising[lower]] = edge[lower]
    found = _inference(filled, inner)
    return found if ddf == "kenward-roger" else found._replace(df=counts.sum(axis=1) - 1.0)


def _inside(p: _People) -> Array:
    """A start for tau2 that is not on the boundary."""
    return np.asarray((p.counts * p.variance / p.n).sum(1) / p.counts.sum(1))


def _minimised(p: _People, tau2: Array) -> Array:
    """tau2 and log(sigma_i^2 / s_i^2), (d, k + 1), at the lowest point that Newton reaches."""
    x = np.column_stack([tau2, np.zeros(p.mean.shape)])
    active = np.arange(len(x))
    for _ in range(_STEPS):
        part = p.at(active)
        here = _point(part, x[active])
        step, decrement = _step(here, x[active])
        near = decrement < _NEAR * np.maximum(1.0, np.abs(here.deviance))
        moved = x[active] + step  # Newton's last step leaves the square of what was left
        moved[:, 0] = np.maximum(moved[:, 0], 0.0)
        x[active[near]] = moved[near]
        far = np.flatnonzero(~near)
        active = active[far]
        if not len(active):
            break
        moved, kept = _searched(part.at(far), x[active], step[far], here.deviance[far])
        x[active] = moved
        active = active[kept]
        if not len(active):
            break
    return x


def _searched(
    p: _People, x: Array, step: Array, deviance: Array
) -> tuple[Array, NDArray[np.bool_]]:
    """The first of halved steps at which the deviance falls, and whether there was one."""
    moved, found = x.copy(), np.zeros(len(x), dtype=bool)
    size = 1.0
    for _ in range(_HALVINGS):
        left = np.flatnonzero(~found)
        trial = x[left] + size * step[left]
        trial[:, 0] = np.maximum(trial[:, 0], 0.0)
        good = _deviance(p.at(left), trial) < deviance[left]
        moved[left[good]], found[left[good]] = trial[good], True
        if found.all():
            break
        size *= 0.5
    return moved, found


def _step(here: _Point, x: Array) -> tuple[Array, Array]:
    """Newton's step, of expected curvature where the observed one points uphill; tau2 may hold."""
    gradient, hessian = here.gradient.copy(), here.hessian.copy()
    held = (x[:, 0] <= 0.0) & (gradient[:, 0] >= 0.0)
    gradient[held, 0] = 0.0
    hessian[held, 0, :] = hessian[held, :, 0] = 0.0
    hessian[held, 0, 0] = 1.0
    size = np.sqrt(np.maximum(np.abs(np.einsum("dii->di", hessian)), 1e-300))
    values, vectors = np.linalg.eigh(hessian / (size[:, :, None] * size[:, None, :]))
    curve = np.maximum(np.abs(values), 1e-8)
    turned = np.einsum("dji,dj->di", vectors, gradient / size)
    step = -np.einsum("dij,dj->di", vectors, turned / curve) / size
    step /= np.maximum(1.0, np.abs(step[:, 1:]).max(axis=1) / _LONGEST)[:, None]
    return step, np.einsum("di,di->d", turned, turned / curve)


def _deviance(p: _People, x: Array) -> Array:
    """The deviance (d,) at parameters (d, k + 1)."""
    return _solved(p, x)[0]


def _solved(p: _People, x: Array) -> tuple[Array, ...]:
    """Deviance, sigma_i^2 / n_i, s_i^2 / sigma_i^2, weights, their sum, mu and m_i - mu."""
    grown = x[:, 1:]
    ratio = np.exp(-grown)
    error = p.variance / (ratio * p.n)
    d = x[:, :1] + error
    w = p.counts / d
    total = w.sum(1)
    mu = (w * p.mean).sum(1) / total
    rest = p.mean - mu[:, None]
    within = (p.n - 1.0) * (grown + np.expm1(-grown))  # nil at sigma_i^2 = s_i^2
    # eq. 39a
    terms = p.counts * (within + np.log(d)) + w * rest**2
    return terms.sum(1) + np.log(total), error, ratio, w, total, mu, rest


def _point(p: _People, x: Array) -> _Point:
    deviance, error, ratio, w, total, mu, rest = _solved(p, x)
    df = p.counts * (p.n - 1.0)
    # P = diag(w) - w w' / total and P y = w rest, by the d_i; then the chain to the parameters
    pull = w * rest
    projected = -w[:, :, None] * w[:, None, :] / total[:, None, None]
    each = np.arange(w.shape[1])
    projected[:, each, each] += w
    # eqs. P1a and P1b by d_i, of which each of (39a) has one
    by_d = projected[:, each, each] - pull**2
    curve = -(projected**2) + 2.0 * pull[:, :, None] * projected * pull[:, None, :]
    gradient = np.column_stack([by_d.sum(1), by_d * error + df * (1.0 - ratio)])
    across = (curve * error[:, None, :]).sum(1)
    hessian = np.empty((len(x), x.shape[1], x.shape[1]))
    hessian[:, 0, 0] = curve.sum((1, 2))
    hessian[:, 0, 1:] = hessian[:, 1:, 0] = across
    hessian[:, 1:, 1:] = curve * error[:, :, None] * error[:, None, :]
    hessian[:, each + 1, each + 1] += by_d * error + df * ratio + (1.0 - p.counts)
    return _Point(deviance, gradient, hessian, w, mu)


def _inference(p: _People, x: Array) -> BatchPool:
    """Kenward-Roger's error and degrees of freedom; parameters are tau2 and sigma_i^2 / n_i."""
    here = _point(p, x)
    w, total = here.weight, here.weight.sum(1)
    error = p.variance * np.exp(x[:, 1:]) / p.n
    projected = -w[:, :, None] * w[:, None, :] / total[:, None, None]
    each = np.arange(w.shape[1])
    projected[:, each, each] += w
    # eq. 16 in tau2 and sigma_i^2 / n_i
    square = projected**2
    information = np.empty_like(here.hessian)
    information[:, 0, 0] = square.sum((1, 2))
    information[:, 0, 1:] = information[:, 1:, 0] = square.sum(2)
    information[:, 1:, 1:] = square
    within = p.counts * (p.n - 1.0) / error**2 + (1.0 - p.counts)
    information[:, each + 1, each + 1] += within
    size = np.sqrt(np.einsum("dii->di", information))
    scaled = np.linalg.inv(information / (size[:, :, None] * size[:, None, :]))
    cov = 2.0 * scaled / (size[:, :, None] * size[:, None, :])
    phi = 1.0 / total
    first = np.column_stack([(w**2).sum(1), w**2])  # X'V^-1 V_a V^-1 X
    third = np.column_stack([(w**3).sum(1), w**3])
    both = np.zeros_like(cov)
    both[:, 0, :] = both[:, :, 0] = third
    both[:, each + 1, each + 1] = third[:, 1:]
    # eq. 17, then eq. 21 for one coefficient
    inner = both - phi[:, None, None] * first[:, :, None] * first[:, None, :]
    adjusted = phi + 2.0 * phi**2 * (cov * inner).sum((1, 2))
    spread = phi**2 * np.einsum("da,dab,db->d", first, cov, first)
    return BatchPool(here.mu, np.sqrt(adjusted), 2.0 / spread, x[:, 0])
