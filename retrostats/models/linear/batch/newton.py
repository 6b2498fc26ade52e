"""Newton's method on every replicate of a batch at once; those that have converged step out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrostats.models.linear.batch.criterion import State, evaluate
from retrostats.models.linear.batch.design import Design, Draws
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.optimise import column_spans

_MAX_STEPS = 200
_DECREMENT = 1e-15  # expected relative fall of the deviance below which a step is rounding
_LAST_STEP = 1e-4
_CONVERGED = 1e-9
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
    state = evaluate(design, draws, x, reml=reml)
    deviance, gradient, curve = state.deviance, state.gradient, _curvature(design, state, reml=reml)
    active = np.arange(len(draws.yy))
    for _ in range(_MAX_STEPS):
        step, decrement = _newton_step(
            gradient[:, active], curve[..., active], x[:, active], bounded=bounded
        )
        going = decrement >= _DECREMENT * np.maximum(1.0, np.abs(deviance[active]))
        # The last step is below the resolution of the deviance, not of the gradient: take it.
        last = ~going & (np.abs(step).max(0) < _LAST_STEP)
        x[:, active[last]] += step[:, last]
        active, step = active[going], step[:, going]
        moved = np.zeros(len(active), dtype=bool)
        pending = np.arange(len(active))
        for halving in range(30):
            if not len(pending):
                break
            at = active[pending]
            new = x[:, at] + step[:, pending] * 0.5**halving
            trial = evaluate(design, draws.take(at), new, reml=reml)
            rounding = 1e-13 * np.maximum(1.0, np.abs(deviance[at]))
            change = trial.deviance - deviance[at]
            level = np.abs(change) <= rounding
            calmer = np.abs(trial.gradient).max(0) < 0.5 * np.abs(gradient[:, at]).max(0)
            accepted = (change < -rounding) | (level & calmer)
            to = at[accepted]
            x[:, to], deviance[to] = new[:, accepted], trial.deviance[accepted]
            gradient[:, to] = trial.gradient[:, accepted]
            curve[..., to] = _curvature(design, trial, reml=reml)[..., accepted]
            moved[pending[accepted]] = True
            pending = pending[~accepted & ~level]
        active = active[moved]
        if not len(active):
            break
    if not design.direct:
        x = _turn_signs(design, _snap(design, draws, x, deviance, diagonal, reml=reml))
    finished = np.ones(len(draws.yy), dtype=bool)
    finished[active] = False
    return _finish(design, draws, x, diagonal, finished, reml=reml)


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


def _curvature(design: Design, state: State, *, reml: bool) -> FloatArray:
    """The Hessian, or for one parameter the curvature of the secular equation.

    With one variance ratio psi the minimum solves t(psi) rss(psi) / f(psi) = nu (t, f: derivatives
    of the log-determinants and of -rss), whose left side is linear in psi for balanced data, so
    that Newton's method on it, written as a step on the gradient, needs one step there.
    """
    if not design.direct:
        return state.hessian
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


def _snap(
    design: Design,
    draws: Draws,
    theta: FloatArray,
    deviance: FloatArray,
    diagonal: np.ndarray,
    *,
    reml: bool,
) -> FloatArray:
    """Set tiny diagonals of the factor to zero where the deviance does not object."""
    theta = theta.copy()
    for start, stop in column_spans(design.gram.sizes):
        rest = np.abs(theta[start + 1 : stop]).sum(0)
        limit = np.where(rest == 0.0, 1e-2, 1e-5)
        at = np.flatnonzero((np.abs(theta[start]) < limit) & (theta[start] != 0.0))
        if len(at):
            trial = theta[:, at]
            trial[start] = 0.0
            candidate = evaluate(design, draws.take(at), trial, reml=reml)
            slack = 1e-10 * np.maximum(1.0, np.abs(deviance[at]))
            kept = at[candidate.deviance <= deviance[at] + slack]
            theta[start, kept] = 0.0
    return theta


def _turn_signs(design: Design, theta: FloatArray) -> FloatArray:
    for start, stop in column_spans(design.gram.sizes):
        theta[start:stop] *= np.where(theta[start] < 0, -1.0, 1.0)
    return theta + 0.0
