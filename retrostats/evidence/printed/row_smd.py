"""Standardised mean differences: of two groups, of a pair, of changes of one or two groups.

Two groups: Hedges (1981), by the noncentral t of the pooled test. The same people in both
conditions: Cousineau (2020), The Quantitative Methods for Psychology 16:418, by the root of the
mean of both variances (metafor's SMCRP). Changes: Becker (1988), British Journal of Mathematical
and Statistical Psychology 41:257, by the standard deviation before (SMCR); of two groups the
difference of both, as Morris (2008), Organizational Research Methods 11:364, equation 4.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retrostats.evidence.printed.likelihoods import smd_log_likelihood
from retrostats.evidence.printed.quadrature import CorrelationPrior
from retrostats.evidence.printed.rows import PrintedRow
from retrostats.evidence.printed.sources import SPREAD, Nodes, PrintedSource
from retrostats.models.meta.effect_means import Options, change_by_first_sd, change_by_pooled_sd

Array = NDArray[np.float64]
#: First or after, second or before.
Two = tuple[float, float]
AtCorrelation = Callable[[Array], tuple[Array, Array]]


def groups_smd_source(row: PrintedRow, means: Two, sds: Two, n: tuple[int, int]) -> PrintedSource:
    """Two groups of different people."""
    df = float(sum(n) - 2)
    pooled = math.sqrt(((n[0] - 1) * sds[0] ** 2 + (n[1] - 1) * sds[1] ** 2) / df)
    root_n = row.root_n
    t = (means[0] - means[1]) / pooled * root_n
    d = t / root_n
    error = math.sqrt(1 / root_n**2 + d**2 / (2 * df))
    return PrintedSource(
        row.study, row.number, SPREAD, f"two groups, noncentral t with {df:g} df",
        curve=lambda theta: smd_log_likelihood(theta, t, df, root_n),
        sign=int(np.sign(d)), about=d, error=error, sd=1.0,
    )  # fmt: skip


def paired_smd(
    means: Two, sds: Two, n: int, r: ArrayLike, *, by_second: bool
) -> tuple[Array, Array]:
    """Standardised difference of the same people and its variance, at correlations r (...,).

    Parameters
    ----------
    by_second
        Whether the standard deviation of the second, which is before, standardises (SMCR); else
        that of both (SMCRP).

    Examples
    --------
    >>> g, v = paired_smd((38.5, 30.6), (11.6, 15.0), 20, 0.47, by_second=True)
    >>> g.round(4).tolist(), v.round(4).tolist()  # metafor's SMCR
    (0.5056, 0.0594)
    """
    at = np.asarray(r, dtype=float)
    cells = {
        "mean_1": np.full(at.shape, means[0]), "mean_2": np.full(at.shape, means[1]),
        "sd_1": np.full(at.shape, sds[1] if by_second else sds[0]),
        "sd_2": np.full(at.shape, sds[1]), "n": np.full(at.shape, float(n)), "r": at,
    }  # fmt: skip
    made = (change_by_first_sd if by_second else change_by_pooled_sd)(cells, Options())
    return np.asarray(made[0]), np.asarray(made[1])


def changes_smd(groups: Sequence[tuple[Two, Two, int]], r: ArrayLike) -> tuple[Array, Array]:
    """Standardised change of the first group less that of the second, and its variance.

    Parameters
    ----------
    groups
        Means (after, before), standard deviations (after, before) and people of each.
    """
    (g1, v1), (g2, v2) = (paired_smd(m, s, n, r, by_second=True) for m, s, n in groups)
    return g1 - g2, v1 + v2


def smd_source(
    row: PrintedRow, effect: AtCorrelation, limits: tuple[float, float], words: str
) -> PrintedSource:
    """An SMD that depends on a correlation, given or open within limits: t with the people's df."""
    known = "r" in row.cells
    df = float(row.people_df)

    @cache
    def nodes(prior: CorrelationPrior) -> Nodes:
        r, log_weight = (CorrelationPrior() if known else prior).nodes(*limits)
        value, variance = effect(r)
        return Nodes(value, np.sqrt(variance), np.full(value.shape, df), log_weight)

    typical = nodes(CorrelationPrior())
    cut = f", correlation cut by p {row.operator} {row.p.text}" if row.p and not known else ""
    at = "r as printed" if known else "over the correlation"
    return PrintedSource(
        row.study, row.number, SPREAD, f"{words}, t with {df:g} df, {at}{cut}",
        nodes=nodes, sign=int(np.sign(typical.centre)), sd=typical.error_at(0.5) * row.root_n,
        depends_on_correlation=not known,
    )  # fmt: skip
