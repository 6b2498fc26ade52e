"""The one-stage model of one effect a person, many draws at once.

Person j of study i has y_ij = mu + b_i + e_ij, b_i ~ N(0, tau2), e_ij ~ N(0, sigma_i^2): the mixed
model ``lmm("y ~ 1 + (1 | study)", residual="study")`` on the moments n_i, mean m_i and SD s_i of
every study. With d_i = tau2 + sigma_i^2 / n_i the restricted likelihood is

    sum[(n_i - 1)(log sigma_i^2 + s_i^2 / sigma_i^2) + log d_i + (m_i - mu)^2 / d_i] + log sum 1/d_i

and is minimised over tau2 and all sigma_i^2 together (docs/mathematics.md, section 15.1). Inside,
draws are the last axis: sums over a few studies are then taken for all draws at once.
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
#: Share of a curvature below which it is looked at along its eigenvectors.
_FLAT = 1e-6


class _People(NamedTuple):
    """Means (k, d), variances between people (k, d), people (k, d), what counts (k, d) as 0, 1."""

    mean: Array
    variance: Array
    n: Array
    counts: Array

    def at(self, draws: NDArray[np.int64]) -> _People:
        return _People(*(part.take(draws, axis=-1) for part in self))


class _Point(NamedTuple):
    """Deviance (d,) and its derivatives by tau2 and log(sigma_i^2 / s_i^2), (k + 1, d).

    Second derivatives by log sigma^2 are diag(`own`) - `left` left' - `right` right', (k, d) each;
    `edge` (k, d) are those by log sigma^2 and tau2, `corner` (d,) those by tau2.
    """

    deviance: Array
    gradient: Array
    corner: Array
    edge: Array
    own: Array
    left: Array
    right: Array

    def at(self, draws: NDArray[np.int64]) -> _Point:
        return _Point(*(part.take(draws, axis=-1) for part in self))


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
    # of two minima the lower is met more often from here than from the estimate by REML
    start = random_effects_batch(m, s2 / n, method="dl", mask=counts)
    filled = _People(
        *(
            np.ascontiguousarray(np.where(counts, part, rest).T)
            for part, rest in ((m, 0.0), (s2, 1.0), (n, 2.0), (1.0, 0.0))
        )
    )
    inner = _minimised(filled, np.maximum(start.tau2, _inside(filled)))
    flat = np.zeros((m.shape[1] + 1, len(m)))
    rising = np.flatnonzero(_point(filled, flat).gradient[0] >= 0.0)  # maybe a second minimum
    if len(rising):
        part = filled.at(rising)
        edge = _minimised(part, np.zeros(len(rising)))
        lower = _deviance(part, edge) <= _deviance(part, inner[:, rising])
        inner[:, rising[lower]] = edge[:, lower]
    found = _inference(filled, inner)
    return found if ddf == "kenward-roger" else found._replace(df=counts.sum(axis=1) - 1.0)


def _inside(p: _People) -> Array:
    """A start for tau2 that is not on the boundary."""
    return np.asarray((p.counts * p.variance / p.n).sum(0) / p.counts.sum(0))


def _minimised(p: _People, tau2: Array) -> Array:
    """tau2 and log(sigma_i^2 / s_i^2), (k + 1, d), at the lowest point that Newton reaches."""
    x = np.vstack([tau2, np.zeros(p.mean.shape)])
    active, part, here = np.arange(len(tau2)), p, _point(p, x)
    for _ in range(_STEPS):
        at = x.take(active, axis=1)
        step, decrement = _step(here, at)
        moved = _moved(at, step)
        near = decrement < _NEAR * np.maximum(1.0, np.abs(here.deviance))
        if near.any():  # Newton's last step leaves the square of what was left
            x[:, active[near]] = moved[:, near]
            far = np.flatnonzero(~near)
            if not len(far):
                break
            active, part, here = active[far], part.at(far), here.at(far)
            at, step, moved = (y.take(far, axis=1) for y in (at, step, moved))
        there = _point(part, moved)
        falls = there.deviance < here.deviance
        if not falls.all():
            long = np.flatnonzero(~falls)
            moved[:, long], falls[long] = _halved(
                part.at(long), at[:, long], step[:, long], here.deviance[long]
            )
            kept = np.flatnonzero(falls)
            if not len(kept):
                break
            active, part, moved = active[kept], part.at(kept), moved.take(kept, axis=1)
            there = _point(part, moved)
        x[:, active], here = moved, there
    return x


def _moved(x: Array, step: Array) -> Array:
    """The parameters after a step; tau2 stays at 0 or above."""
    moved = x + step
    moved[0] = np.maximum(moved[0], 0.0)
    return np.asarray(moved)


def _halved(p: _People, x: Array, step: Array, deviance: Array) -> tuple[Array, NDArray[np.bool_]]:
    """The first of halved steps at which the deviance falls, and whether there was one."""
    moved, found = x.copy(), np.zeros(len(deviance), dtype=bool)
    for halving in range(1, _HALVINGS):
        left = np.flatnonzero(~found)
        trial = _moved(x[:, left], 0.5**halving * step[:, left])
        good = _deviance(p.at(left), trial) < deviance[left]
        moved[:, left[good]], found[left[good]] = trial[:, good], True
        if found.all():
            break
    return moved, found


def _step(here: _Point, x: Array) -> tuple[Array, Array]:
    """Newton's step, of expected curvature where the observed one points uphill; tau2 may hold."""
    held = (x[0] <= 0.0) & (here.gradient[0] >= 0.0)
    step, decrement, bowl = _bowl_step(here, held)
    other = np.flatnonzero(~bowl)
    if len(other):
        step[:, other], decrement[other] = _turned_step(here.at(other), held[other])
    step /= np.maximum(1.0, np.abs(step[1:]).max(axis=0) / _LONGEST)
    return step, decrement


def _bowl_step(here: _Point, held: NDArray[np.bool_]) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Newton's step and decrement, and where all curvature points up: elsewhere they mean nothing.

    A diagonal less two products is inverted by Woodbury's identity, its inertia is that of the
    diagonal and of the two by two matrix M (Haynsworth 1968); tau2 is the border.
    """
    with np.errstate(all="ignore"):  # what is no number here is no bowl
        over = 1.0 / here.own
        a, b = here.left * over, here.right * over
        m11 = 1.0 - (here.left * a).sum(0)
        m12 = -(here.left * b).sum(0)
        m22 = 1.0 - (here.right * b).sum(0)
        determinant = m11 * m22 - m12**2

        def solved(y: Array) -> Array:
            p, q = (a * y).sum(0), (b * y).sum(0)
            by_left = (m22 * p - m12 * q) / determinant
            by_right = (m11 * q - m12 * p) / determinant
            return np.asarray(y * over + a * by_left + b * by_right)

        gradient = here.gradient[1:]
        alone, border = solved(gradient), solved(here.edge)
        left = here.corner - (here.edge * border).sum(0)
        tau2 = np.where(held, 0.0, (here.gradient[0] - (here.edge * alone).sum(0)) / left)
        step = -np.vstack([tau2, alone - border * tau2])
        decrement = -here.gradient[0] * step[0] - (gradient * step[1:]).sum(0)
        bowl = (here.own > 0.0).all(0) & (m11 > _FLAT) & (determinant > _FLAT)
        bowl &= held | (left > _FLAT * np.abs(here.corner))
    return step, decrement, bowl


def _turned_step(here: _Point, held: NDArray[np.bool_]) -> tuple[Array, Array]:
    """The step along the eigenvectors of the curvature, each of them turned upwards."""
    own, left, right, gradient = here.own.T, here.left.T, here.right.T, here.gradient.T.copy()
    each = np.arange(1, own.shape[1] + 1)
    hessian = np.empty((len(gradient), len(each) + 1, len(each) + 1))
    hessian[:, 0, 0] = here.corner
    hessian[:, 0, 1:] = hessian[:, 1:, 0] = here.edge.T
    hessian[:, 1:, 1:] = -left[:, :, None] * left[:, None, :]
    hessian[:, 1:, 1:] -= right[:, :, None] * right[:, None, :]
    hessian[:, each, each] += own
    gradient[held, 0] = 0.0
    hessian[held, 0, :] = hessian[held, :, 0] = 0.0
    hessian[held, 0, 0] = 1.0
    size = np.sqrt(np.maximum(np.abs(np.einsum("dii->di", hessian)), 1e-300))
    values, vectors = np.linalg.eigh(hessian / (size[:, :, None] * size[:, None, :]))
    curve = np.maximum(np.abs(values), 1e-8)
    turned = np.einsum("dji,dj->di", vectors, gradient / size)
    step = -np.einsum("dij,dj->di", vectors, turned / curve) / size
    return step.T, np.einsum("di,di->d", turned, turned / curve)


def _deviance(p: _People, x: Array) -> Array:
    """The deviance (d,) at parameters (k + 1, d)."""
    return _solved(p, x)[0]


def _solved(p: _People, x: Array) -> tuple[Array, ...]:
    """Deviance, sigma_i^2 / n_i, s_i^2 / sigma_i^2, weights, their sum, mu and m_i - mu."""
    grown = x[1:]
    ratio = np.exp(-grown)
    error = p.variance / (ratio * p.n)
    d = x[0] + error
    w = p.counts / d
    total = w.sum(0)
    mu = (w * p.mean).sum(0) / total
    rest = p.mean - mu
    within = (p.n - 1.0) * (grown + np.expm1(-grown))  # nil at sigma_i^2 = s_i^2
    # eq. 39a
    terms = p.counts * (within + np.log(d)) + w * rest**2
    return terms.sum(0) + np.log(total), error, ratio, w, total, mu, rest


def _point(p: _People, x: Array) -> _Point:
    deviance, error, ratio, w, total, _, rest = _solved(p, x)
    df = p.counts * (p.n - 1.0)
    # P = diag(w) - w w' / total and P y = w rest, by the d_i; then the chain to the parameters
    pull = w * rest
    a = w * w / total
    by_d = w - a - pull**2
    # eqs. P1a and P1b by d_i, of which each of (39a) has one: diag(curve) - a a' - b b'
    b = np.sqrt(2.0 / total) * w * pull
    curve = 2.0 * w * (a + pull**2) - w * w
    sum_a, sum_b = a.sum(0), b.sum(0)
    slope = by_d * error
    return _Point(
        deviance,
        np.vstack([by_d.sum(0), slope + df * (1.0 - ratio)]),
        curve.sum(0) - sum_a**2 - sum_b**2,
        (curve - a * sum_a - b * sum_b) * error,
        curve * error**2 + slope + df * ratio + (1.0 - p.counts),
        a * error,
        b * error,
    )


def _inference(p: _People, x: Array) -> BatchPool:
    """Kenward-Roger's error and degrees of freedom; parameters are tau2 and sigma_i^2 / n_i."""
    _, error, _, w, total, mu, _ = _solved(p, x)
    first, third = w**2, w**3  # X'V^-1 V_a V^-1 X, and with one more of each; tau2 has their sums
    # eq. 16 in tau2 and sigma_i^2 / n_i: squares of P, which are diag(square) + a a', and `own`
    a = first / total
    square = first - 2.0 * third / total
    own = square + p.counts * (p.n - 1.0) / error**2 + (1.0 - p.counts)
    grown = 1.0 + (a * a / own).sum(0)

    def solved(y: Array) -> Array:
        return np.asarray(y / own - a / own * ((a * y / own).sum(0) / grown))

    edge = square + a * a.sum(0)
    border, inner = solved(edge), solved(first)
    left = edge.sum(0) - (edge * border).sum(0)
    by_tau2 = (first.sum(0) - (edge * inner).sum(0)) / left
    # the covariance is twice the inverse of the information
    diagonal = 1.0 / own - (a / own) ** 2 / grown + border**2 / left
    both = third.sum(0) / left - 2.0 * (border * third).sum(0) / left + (diagonal * third).sum(0)
    spread = (first * inner).sum(0) + by_tau2**2 * left
    phi = 1.0 / total
    # eq. 17, then eq. 21 for one coefficient
    adjusted = phi + 4.0 * phi**2 * (both - phi * spread)
    return BatchPool(mu, np.sqrt(adjusted), 1.0 / (phi**2 * spread), x[0])
