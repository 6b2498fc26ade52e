"""Parametric bootstrap of crossed fits: new outcomes on the sparse design, small ones stacked.

Z'Z and the order of elimination belong to the design and are made once; a draw changes only the
products with the outcome (`cell_draws` where there are no rows). Each refit starts at the theta
that generated, off the boundary, about four evaluations from its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.linalg import LinAlgError

from retrostats.common.workers import in_order
from retrostats.models.linear.batch.refits import Refits, as_refits
from retrostats.models.linear.batch.wide import Outcomes, Shared
from retrostats.models.linear.batch.wide_search import refit_stacked
from retrostats.models.linear.blocks.rows import reduce_rows
from retrostats.models.linear.blocks.working import change_theta
from retrostats.models.linear.crossed.cell_draws import Outcome, drawn_from_cells
from retrostats.models.linear.crossed.criterion import factors, turned
from retrostats.models.linear.crossed.layout import laid_out
from retrostats.models.linear.crossed.optimise import minimise_crossed
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.homoscedastic.inference import unadjusted
from retrostats.models.linear.homoscedastic.optimise import Optimum

if TYPE_CHECKING:
    from numpy.random import SeedSequence

    from retrostats.models.linear.crossed.layout import Crossed
    from retrostats.models.linear.estimates import Estimates
    from retrostats.models.linear.model import Model

_CHUNK = 8  # refits that share a stream: a property of nothing but this, so that bytes stay
#: Most streams that are refitted together, and numbers of their largest array.
_STREAMS, _ELEMENTS = 8, 400_000
_START = 0.1  # least diagonal of a factor from which a refit starts


def refit_crossed(
    fit: Estimates,
    data: Crossed,
    n: int,
    *,
    seed: SeedSequence,
    jobs: int = 1,
    scheduler: str | None = None,
) -> Refits:
    """Draw n outcomes from a fit and refit each.

    Parameters
    ----------
    fit : Estimates
    data : Crossed
        Its crossproducts.
    n : int
    seed : SeedSequence
        Each 8 refits draw from a stream of their own, whoever does them.
    jobs : int
        Threads.
    scheduler : str, optional
        Address of a Dask scheduler whose workers refit instead.
    """
    model = fit.model
    width = len(data.zy)
    draw = partial(drawn_from_cells, data.cells, data.c, data.zx) if data.cells else _rows(model)
    theta, sigma, reml = fit.optimum.working, fit.sigma, fit.reml
    lams = factors(data, theta, 0.0)
    start = _inside(theta, data.diagonal)
    shared = Shared.of_crossed(data, reml=reml)
    together = 1 if shared is None else _streams(shared)

    def drawn(stream: SeedSequence, size: int) -> list[Outcome]:
        """Outcomes about the coefficients that generated: delta is the error."""
        rng = np.random.default_rng(stream)
        out = []
        for _ in range(size):
            spherical = rng.standard_normal((width, 1))
            zr, xr, xy, rr = draw(turned(data, lams, spherical, "n")[:, 0], rng)
            out.append((sigma * zr, sigma * xr, sigma * xy, sigma**2 * rr))
        return out

    def some(tasks: list[tuple[SeedSequence, int]]) -> Refits:
        outcomes = [outcome for task in tasks for outcome in drawn(*task)]
        if shared is not None:
            try:
                return _stacked(model, data, shared, outcomes, start)
            except LinAlgError:  # of one of them: the others are refitted without it
                pass
        return _one_by_one(model, data, outcomes, start, reml=reml)

    sizes = [min(_CHUNK, n - start) for start in range(0, n, _CHUNK)]
    tasks = list(zip(seed.spawn(len(sizes)), sizes, strict=True))
    groups = [tasks[at : at + together] for at in range(0, len(tasks), together)]
    chunks = in_order(some, groups, jobs=jobs, scheduler=scheduler)
    return Refits(*(np.concatenate([getattr(c, f.name) for c in chunks]) for f in fields(Refits)))


def _inside(theta: FloatArray, diagonal: tuple[bool, ...]) -> FloatArray:
    """Where refits begin: at zero, where a factor's diagonal may be, the slope is zero as well."""
    small = np.array(diagonal) & (np.abs(theta) < _START)
    return np.where(small, _START, theta)


def _streams(shared: Shared) -> int:
    """Streams of draws that are refitted together: a property of the design alone."""
    return max(1, min(_STREAMS, _ELEMENTS // (_CHUNK * max(1, shared.c21.size))))


def _stacked(
    model: Model, data: Crossed, shared: Shared, outcomes: list[Outcome], theta: FloatArray
) -> Refits:
    zy, xr, xy, yy = (np.array(part) for part in zip(*outcomes, strict=True))
    found = refit_stacked(shared, Outcomes(zy, xr, yy), theta)
    return as_refits(model, data.basis, found, data.roots, xy)


def _one_by_one(
    model: Model, data: Crossed, outcomes: list[Outcome], theta: FloatArray, *, reml: bool
) -> Refits:
    p, k, size = len(data.xy), len(theta), len(outcomes)
    out = Refits(
        *(np.full((size, width), np.nan) for width in (p, p, p, k)),
        *(np.full(size, np.nan) for _ in range(2)),
        *(np.zeros(size, dtype=bool) for _ in range(2)),
    )
    for r, (zr, xr, xy, rr) in enumerate(outcomes):
        drawn = replace(data, zy=zr, xy=xr, yy=rr, start=np.zeros(p))
        try:
            best = minimise_crossed(drawn, theta, reml=reml)
        except LinAlgError:
            continue
        point = best.point
        out.error[r] = np.linalg.solve(data.basis, xy + point.delta)
        out.theta[r] = change_theta(data.sizes, best.theta, data.roots, to_working=False)
        at = Optimum(
            out.theta[r], point, best.singular, best.converged, best.steps, model.gram, best.theta
        )
        out.std_error[r] = np.sqrt(np.diag(unadjusted(at, data.basis)))
        out.df[r] = np.inf
        out.sigma[r] = np.sqrt(point.sigma2)
        out.loglik[r] = model.log_weight - 0.5 * point.deviance
        out.singular[r], out.converged[r] = best.singular, best.converged
    return out


def _rows(model: Model) -> Callable[[FloatArray, np.random.Generator], Outcome]:
    """Outcomes of raw rows, with noise of variance one."""
    z, q = laid_out(model.rows).z, reduce_rows(model.rows).q
    turned_z = z.T.tocsr()

    def draw(effects: FloatArray, rng: np.random.Generator) -> Outcome:
        y = z @ effects + rng.standard_normal(z.shape[0])
        xy = q.T @ y
        left = y - q @ xy
        return turned_z @ left, q.T @ left, xy, float(left @ left)

    return draw
