"""Parametric bootstrap of crossed fits: new outcomes on the sparse design, refitted one by one.

Z'Z and the order of elimination belong to the design and are made once; a draw changes only the
products with the outcome (`cell_draws` where there are no rows). Each refit starts at the theta
that generated, about four evaluations from its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.linalg import LinAlgError

from retrostats.common.workers import in_order
from retrostats.models.linear.batch.refits import Refits
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
    gram, half = model.gram, model.log_weight

    def one(task: tuple[SeedSequence, int]) -> Refits:
        stream, size = task
        rng = np.random.default_rng(stream)
        p, k = len(data.xy), len(theta)
        out = Refits(
            *(np.full((size, width), np.nan) for width in (p, p, p, k)),
            *(np.full(size, np.nan) for _ in range(2)),
            *(np.zeros(size, dtype=bool) for _ in range(2)),
        )
        for r in range(size):
            spherical = rng.standard_normal((width, 1))
            zr, xr, xy, rr = draw(turned(data, lams, spherical, "n")[:, 0], rng)
            # about the coefficients that generated: the start is zero and delta the error
            drawn = replace(data, zy=sigma * zr, xy=sigma * xr, yy=sigma**2 * rr, start=np.zeros(p))
            try:
                best = minimise_crossed(drawn, theta, reml=reml)
            except LinAlgError:
                continue
            point = best.point
            out.error[r] = np.linalg.solve(data.basis, sigma * xy + point.delta)
            out.theta[r] = change_theta(data.sizes, best.theta, data.roots, to_working=False)
            at = Optimum(
                out.theta[r], point, best.singular, best.converged, best.steps, gram, best.theta
            )
            out.std_error[r] = np.sqrt(np.diag(unadjusted(at, data.basis)))
            out.df[r] = np.inf
            out.sigma[r] = np.sqrt(point.sigma2)
            out.loglik[r] = half - 0.5 * point.deviance
            out.singular[r], out.converged[r] = best.singular, best.converged
        return out

    sizes = [min(_CHUNK, n - start) for start in range(0, n, _CHUNK)]
    tasks = list(zip(seed.spawn(len(sizes)), sizes, strict=True))
    chunks = in_order(one, tasks, jobs=jobs, scheduler=scheduler)
    return Refits(*(np.concatenate([getattr(c, f.name) for c in chunks]) for f in fields(Refits)))


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
