"""Many refits of a model to outcomes drawn from it, in chunks that any number of workers share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.linalg import LinAlgError

from retrostats.common.errors import InputError
from retrostats.common.workers import in_order
from retrostats.models.linear.batch import inference
from retrostats.models.linear.batch.design import Design, Draws, batch_design
from retrostats.models.linear.batch.draws import draw, single
from retrostats.models.linear.batch.newton import fit_batch
from retrostats.models.linear.batch.wide import Outcomes, Shared
from retrostats.models.linear.batch.wide_search import Refitted, refit_stacked
from retrostats.models.linear.blocks.working import change_theta, working_gram
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.inference import std_errors
from retrostats.models.linear.homoscedastic.optimise import minimise
from retrostats.models.linear.model import Model

Test = Literal["kenward-roger", "satterthwaite", "normal"]

_INFERENCE: dict[str, Callable[..., inference.BatchInference]] = {
    "kenward-roger": inference.kenward_roger,
    "satterthwaite": inference.satterthwaite,
    "normal": inference.normal,
}


@dataclass(frozen=True, slots=True)
class Refits:
    """R refits; NaN where a refit failed.

    Attributes
    ----------
    error : (R, p) array
        Estimates minus the coefficients that generated the outcomes.
    std_error, df : (R, p) arrays
    theta : (R, k) array
    sigma : (R,) array
    loglik : (R,) array
    singular, converged : (R,) bool arrays
    """

    error: FloatArray
    std_error: FloatArray
    df: FloatArray
    theta: FloatArray
    sigma: FloatArray
    loglik: FloatArray
    singular: np.ndarray
    converged: np.ndarray


def refit(
    model: Model,
    spread: tuple[FloatArray, float],
    n: int,
    *,
    seed: np.random.SeedSequence,
    reml: bool = True,
    test: Test = "normal",
    jobs: int = 1,
    scheduler: str | None = None,
) -> Refits:
    """Draw n outcomes of a model's design and refit each.

    Parameters
    ----------
    model : Model
        Design; its outcome is not used.
    spread : (k,) array and float
        Relative covariance factor and residual standard deviation that generate.
    n : int
    seed : SeedSequence
        Each chunk draws from a stream of its own, so that ``jobs`` does not change a number.
    reml : bool
    test : {"kenward-roger", "satterthwaite", "normal"}
        Standard errors and degrees of freedom to compute; "normal" costs nothing.
    jobs : int
        Threads.
    scheduler : str, optional
        Address of a Dask scheduler whose workers refit instead.
    """
    design = batch_design(model.gram)
    # A chunk is a property of the design alone: the streams depend on it.
    sizes = [min(design.chunk, n - start) for start in range(0, n, design.chunk)]

    def one(chunk: tuple[np.random.SeedSequence, int]) -> Refits:
        stream, size = chunk
        draws = draw(design, *spread, size, np.random.default_rng(stream))
        if design.narrow:
            return _together(design, draws, reml=reml, test=test)
        together = _wide(model, design, draws, reml=reml) if test == "normal" else None
        return together or _one_by_one(model, design, draws, reml=reml, test=test)

    tasks = list(zip(seed.spawn(len(sizes)), sizes, strict=True))
    chunks = in_order(one, tasks, jobs=jobs, scheduler=scheduler)
    return Refits(*(np.concatenate([getattr(c, f.name) for c in chunks]) for f in fields(Refits)))


def _together(design: Design, draws: Draws, *, reml: bool, test: Test) -> Refits:
    fit = fit_batch(design, draws, reml=reml)
    inference = _INFERENCE[test](fit)
    return Refits(
        fit.beta.T,
        inference.std_error.T,
        inference.df.T,
        fit.theta.T,
        np.sqrt(fit.sigma2),
        fit.loglik,
        fit.singular,
        fit.converged,
    )


def _wide(model: Model, design: Design, draws: Draws, *, reml: bool) -> Refits | None:
    """Refits of one block of many effects together; None where there are several blocks.

    They start at the factor whose variances are those of the residual, in working coordinates.
    """
    gram, roots = working_gram(single(design, draws, 0))
    shared = Shared.of_gram(gram, reml=reml)
    if shared is None:
        return None
    zy = np.stack(
        [working_gram(single(design, draws, r))[0].stacks[0].zy[0] for r in range(len(draws.yy))]
    )
    outcomes = Outcomes(zy, draws.xy.T, draws.yy)
    start = np.array(gram.diagonal, dtype=float)
    try:
        found = refit_stacked(shared, outcomes, start)
    except LinAlgError:  # of one of them: the others are refitted without it
        return None
    return as_refits(model, gram.basis, found, roots, np.zeros((len(zy), len(gram.xy))))


def as_refits(
    model: Model, basis: FloatArray, found: Refitted, roots: list[FloatArray], about: FloatArray
) -> Refits:
    """What a bootstrap keeps of refits; their coefficients are `about` (R, p) and delta."""
    at, p = found.at, len(basis)
    half = np.linalg.solve(basis, np.swapaxes(np.linalg.inv(np.linalg.cholesky(at.xvx)), 1, 2))
    theta = [change_theta(model.gram.sizes, x, roots, to_working=False) for x in found.theta]
    return Refits(
        error=np.linalg.solve(basis, (about + at.delta)[:, :, None])[:, :, 0],
        std_error=np.sqrt(at.sigma2[:, None] * (half**2).sum(axis=2)),
        df=np.full((len(at.sigma2), p), np.inf),
        theta=np.array(theta),
        sigma=np.sqrt(at.sigma2),
        loglik=model.log_weight - 0.5 * at.deviance,
        singular=found.singular,
        converged=found.converged,
    )


def _one_by_one(model: Model, design: Design, draws: Draws, *, reml: bool, test: Test) -> Refits:
    n, p = len(draws.yy), len(model.terms)
    out = Refits(
        np.full((n, p), np.nan),
        np.full((n, p), np.nan),
        np.full((n, p), np.nan),
        np.full((n, design.k), np.nan),
        np.full(n, np.nan),
        np.full(n, np.nan),
        np.zeros(n, dtype=bool),
        np.zeros(n, dtype=bool),
    )
    for r in range(n):
        gram = single(design, draws, r)
        try:
            optimum = minimise(gram, reml=reml)
        except LinAlgError:
            continue
        error = np.linalg.solve(gram.basis, optimum.point.delta)
        out.error[r], out.theta[r] = error, optimum.theta
        out.std_error[r], out.df[r] = std_errors(optimum, gram.basis, reml=reml, ddf=test)
        out.sigma[r] = np.sqrt(optimum.point.sigma2)
        out.loglik[r] = model.log_weight - 0.5 * optimum.point.deviance
        out.singular[r], out.converged[r] = optimum.singular, optimum.converged
    return out


def check_count(name: str, value: object, *, low: int) -> int:
    """A whole number of at least `low`.

    Raises
    ------
    InputError
        It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
        raise InputError(f"{name}={value!r}: give a whole number of at least {low}")
    return int(value)
