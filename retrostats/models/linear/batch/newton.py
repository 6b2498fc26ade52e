"""Minima of every replicate of a batch at once, and the curvatures that lead there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrostats.models.linear.batch.criterion import State, evaluate
from retrostats.models.linear.batch.design import Design, Draws
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.newton import descend_all

_CONVERGED = 1e-9  # looser than for one fit: a refit takes its last step unevaluated
_BOUNDARY = 1e-4  # lme4's tolerance for a singular fit


@dataclass(frozen=True, slots=True)
class BatchFit:
    """R fits.

    Attributes
    ----------
    design : Design
    state : State
        The criterion at the optimum.
    theta : (k, R) array
    beta : (p, R) array
        Corrections to the coefficients about which the replicates were drawn.
    sigma2 : (R,) array
    singular, converged : (R,) bool arrays
    reml : bool
    """

    design: Design
    state: State
    theta: FloatArray
    beta: FloatArray
    sigma2: FloatArray
    singular: np.ndarray
    converged: np.ndarray
    reml: bool

    @property
    def loglik(self) -> FloatArray:
        """(Restricted) log-likelihood (R,)."""
        return -0.5 * self.state.deviance


def fit_batch(design: Design, draws: Draws, *, reml: bool) -> BatchFit:
    """Minimise the deviance of every replicate.

    Parameters
    ----------
    design : Design
    draws : Draws
        R replicates.
    reml : bool

    Returns
    -------
    BatchFit
    """
    diagonal = np.array(design.gram.diagonal)
    bounded = design.direct and not design.gram.signed
    start = np.zeros(1) if design.gram.signed else diagonal.astype(float)
    x = np.repeat(start[:, None], len(draws.yy), axis=1)

    def criterion(new: FloatArray, at: NDArray[np.intp]) -> _Sloped:
        here = draws if len(at) == len(draws.yy) else draws.take(at)
        state = evaluate(design, here, new, reml=reml)
        return _Sloped(state.deviance, state.gradient, _curvature(design, state))

    def direction(
        gradient: FloatArray, curve: FloatArray, at: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        return _newton_step(gradient, curve, at, bounded=bounded)

    sizes = () if design.direct else design.gram.sizes
    x, finished = descend_all(criterion, x, direction, sizes)
    return _finish(design, draws, x, diagonal, finished, reml=reml)


class _Sloped(NamedTuple):
    """A criterion's values (R,), slopes (k, R) and curvatures (k, k, R)."""

    deviance: FloatArray
    gradient: FloatArray
    curvature: FloatArray


def _finish(
    design: Design,
    draws: Draws,
    x: FloatArray,
    diagonal: np.ndarray,
    finished: np.ndarray,
    *,
    reml: bool,
) -> BatchFit:
    state = evaluate(design, draws, x, reml=reml)
    gram = design.gram
    _, decrement = _newton_step(
        state.gradient, state.hessian, x, bounded=design.direct and not gram.signed
    )
    small = decrement < _CONVERGED * np.maximum(1.0, np.abs(state.deviance))
    small &= np.isfinite(state.deviance)
    nu = gram.n_obs - len(gram.xy) if reml else gram.n_obs
    theta = np.sqrt(x) if design.direct and not gram.signed else x
    singular = (np.abs(theta[diagonal]) < _BOUNDARY).any(0) & (not gram.signed)
    beta = np.linalg.solve(gram.basis, state.delta)
    return BatchFit(design, state, theta, beta, state.rss / nu, singular, small & finished, reml)


def _curvature(design: Design, state: State) -> FloatArray:
    """The Hessian, or for one parameter the curvature of the secular equation.

    With one variance ratio psi the minimum solves t(psi) rss(psi) / f(psi) = nu (t, f: derivatives
    of the log-determinants and of -rss), whose left side is linear in psi for balanced data, so
    that Newton's method on it, written as a step on the gradient, needs one step there.
    """
    if not design.direct:
        return state.hessian
    # eq. 13
    t, f, t1, f1 = state.slope[0], state.fit[0], state.curve[0, 0], -state.rss_curve[0, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        secular = t1 - t * f / state.rss - t * f1 / f
    usable = np.isfinite(secular) & (secular > 0)
    return np.asarray(np.where(usable, secular, state.hessian[0, 0])[None, None])


def _newton_step(
    gradient: FloatArray, curve: FloatArray, x: FloatArray, *, bounded: bool
) -> tuple[FloatArray, FloatArray]:
    """Steps (k, R) downhill and the expected falls (R,); eigenvalues are taken positive."""
    if len(gradient) == 1:
        step = -gradient / np.maximum(np.abs(curve[0]), 1e-12)
        if bounded:
            step = np.maximum(step, -x)
        decrement = -0.5 * step[0] * gradient[0]
    else:
        step = _positive_steps(gradient, curve)
        decrement = -0.5 * np.einsum("tr,tr->r", step, gradient)
    longest = np.abs(step).max(0)
    limit = np.maximum(0.5, 1.5 * np.abs(x).max(0)) * (20.0 if bounded else 1.0)
    return step * (limit / np.maximum(longest, limit)), decrement


def _positive_steps(gradient: FloatArray, curve: FloatArray) -> FloatArray:
    """-H^-1 g by elementwise LDL' where H is positive definite, by eigenvalues elsewhere."""
    k = len(gradient)
    lower, pivots = np.zeros_like(curve), np.empty_like(gradient)
    with np.errstate(divide="ignore", invalid="ignore"):
        for j in range(k):
            rest = curve[j:, j].copy()
            for m in range(j):
                rest -= lower[j:, m] * (lower[j, m] * pivots[m])
            pivots[j] = rest[0]
            lower[j:, j] = rest / rest[0]
        step = -gradient
        for i in range(k):
            for j in range(i):
                step[i] -= lower[i, j] * step[j]
        step /= pivots
        for i in reversed(range(k)):
            for j in range(i + 1, k):
                step[i] -= lower[j, i] * step[j]
    size = np.abs(np.einsum("iir->ir", curve)).max(0)
    rough = ~(pivots.min(0) > 1e-8 * np.maximum(size, 1e-2))
    if rough.any():
        values, vectors = np.linalg.eigh(np.moveaxis(curve[..., rough], -1, 0))
        largest = np.maximum(np.abs(values).max(1, keepdims=True), 1e-2)
        values = np.maximum(np.abs(values), 1e-10 * largest)
        along = np.einsum("rji,jr->ri", vectors, gradient[:, rough]) / values
        step[:, rough] = -np.einsum("rij,rj->ir", vectors, along)
    return step
