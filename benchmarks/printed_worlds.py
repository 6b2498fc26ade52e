"""Thousands of worlds of printed evidence at once, and the likelihoods of what they print.

Crossover trials of 4 to 26 people as in `benchmarks.verdicts`: correlation 0.3 to 0.95, coefficient
of variation 0.10 to 0.20. A trial prints both means and SDs with a p (exact, a threshold or none),
or its log ratio with a standard error, or a bare percentage, or words at two-sided 5%.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from retrostats.evidence.printed.likelihoods import (
    averaged,
    between_by_table,
    mixed_log_likelihood,
    pair_effect,
    t_log_likelihood,
)
from retrostats.evidence.printed.quadrature import HIGHEST, LOG_RATIO_SPREAD, CorrelationPrior
from retrostats.models.meta.grid_posterior import theta_grid

Array = NDArray[np.float64]
FEWEST, MOST = 4, 26
PAIR, ERROR, BARE, WORDS = "pair", "standard error", "percentage", "words"
#: Kinds that a world may have: so many pairs, or what the audit's evidence looks like.
EVIDENCE = (PAIR, PAIR, ERROR, BARE, WORDS, WORDS, WORDS)
#: Nested sets of sources: what prints a spread or an error; bare estimates too; words too.
_RANK = {PAIR: 0, ERROR: 0, BARE: 1, WORDS: 2}
#: Correlations of gas exchange in one session: Fisher's z about 0.9 (0.72), and without a reason.
PRIORS = (CorrelationPrior(0.9, 0.5), CorrelationPrior())
ALPHA = 0.05
#: Two steps of the grid in the smallest standard error instead of three.
_COARSER = 1.5
#: Tables that share a grid, and bytes of one array of nodes.
_TABLES, _BYTES = 100, 2**22


@dataclass(frozen=True, slots=True)
class PrintedWorlds:
    """W worlds of k trials, each as its people gave it; what is printed of it is up to `kinds`.

    Attributes
    ----------
    kinds
        What each of the k trials prints.
    n
        People (W, k).
    means, sds
        Printed, first and second condition (2, W, k).
    limits
        Lowest and highest correlation that the printed p leaves (2, W, k).
    estimate, std_error
        Log ratio and its standard error from the people themselves (W, k).
    sign
        1 significantly higher, -1 lower, 0 not significant (W, k).
    """

    kinds: tuple[str, ...]
    n: Array
    means: Array
    sds: Array
    limits: Array
    estimate: Array
    std_error: Array
    sign: Array

    def rows(self, at: NDArray[np.int64]) -> PrintedWorlds:
        """Some of the worlds."""
        return PrintedWorlds(
            self.kinds, self.n[at], self.means[:, at], self.sds[:, at], self.limits[:, at],
            self.estimate[at], self.std_error[at], self.sign[at],
        )  # fmt: skip

    @property
    def members(self) -> Array:
        """Nested sets (g, k) of sources as 0 and 1, the whole one first."""
        ranks = np.array([_RANK[kind] for kind in self.kinds])
        return np.array([ranks <= most for most in sorted(set(ranks), reverse=True)], dtype=float)


def worlds(
    rng: np.random.Generator, kinds: Sequence[str], truth: Array, tau: Array
) -> PrintedWorlds:
    """Worlds whose mean log ratios are `truth` (W,), trials `tau` (W,) about it."""
    shape = (len(truth), len(kinds))
    effect = truth[:, None] + tau[:, None] * rng.normal(size=shape)
    n = rng.integers(FEWEST, MOST + 1, shape)
    mean, cv = 27 + 2 * rng.normal(size=shape), rng.uniform(0.10, 0.20, shape)
    r = rng.uniform(0.3, 0.95, shape)[..., None]
    second = mean * cv
    first = second * np.exp(effect) * rng.uniform(0.8, 1.25, shape)
    here = np.arange(MOST) < n[..., None]
    z = rng.normal(size=(2, *shape, MOST))
    other = r * z[0] + np.sqrt(1 - r**2) * z[1]
    sides = ((mean * np.exp(effect), first, other), (mean, second, z[0]))
    people = np.array([at[..., None] + sd[..., None] * unit for at, sd, unit in sides])
    means = (people * here).sum(axis=-1) / n
    centred = (people - means[..., None]) * here
    sds = np.sqrt((centred**2).sum(axis=-1) / (n - 1))
    correlation = (centred[0] * centred[1]).sum(axis=-1) / ((n - 1) * sds[0] * sds[1])
    estimate, error = pair_effect(tuple(means), tuple(sds), n, correlation, log=True)
    gap = means[0] - means[1]
    t = gap / np.sqrt((sds[0] ** 2 + sds[1] ** 2 - 2 * correlation * sds[0] * sds[1]) / n)
    p = 2 * stdtr(n - 1.0, -np.abs(t))
    printed = np.round(means, 2), np.round(sds, 2)
    limits = _limits(rng, printed, n, p)
    return PrintedWorlds(
        tuple(kinds), n.astype(float), *printed, limits, estimate, error,
        np.sign(t) * (p < ALPHA),
    )  # fmt: skip


def _limits(rng: np.random.Generator, printed: tuple[Array, Array], n: Array, p: Array) -> Array:
    """Correlations that p leaves: exact to three decimals, a threshold, or none."""
    exact = np.round(p, 3)
    by_decimals = exact >= 0.001
    low_p, high_p = (
        np.where(by_decimals, exact - 0.0005, 0.0),
        np.where(by_decimals, exact + 0.0005, 0.001),
    )
    threshold = rng.random(p.shape) < 0.5
    low_p = np.where(threshold, np.where(p < 0.05, 0.0, 0.05), low_p)
    high_p = np.where(threshold, np.where(p < 0.01, 0.01, np.where(p < 0.05, 0.05, 1.0)), high_p)
    silent = threshold & (p >= 0.05) & (rng.random(p.shape) < 0.5)
    means, sds = printed
    gap = np.abs(means[0] - means[1]) + 1e-9

    def correlation(at: Array) -> Array:
        with np.errstate(divide="ignore"):
            error = gap / -stdtrit(n - 1.0, np.clip(at, 1e-12, 1 - 1e-9) / 2)
        return (sds[0] ** 2 + sds[1] ** 2 - n * error**2) / (2 * sds[0] * sds[1])

    low = np.where(silent | (high_p >= 1), -1.0, correlation(high_p))
    high = np.where(silent | (low_p <= 0), 1.0, correlation(low_p))
    low = np.clip(low, -HIGHEST, HIGHEST - 0.005)
    return np.array([low, np.clip(np.maximum(high, low + 0.005), -HIGHEST, HIGHEST)])


def likelihoods(
    found: PrintedWorlds, scale: float, priors: Sequence[CorrelationPrior] = PRIORS
) -> Iterator[tuple[NDArray[np.int64], Array, list[Array]]]:
    """Some worlds, their grid and log-likelihoods (d, k, m) under each prior, the first stated."""
    errors = _typical_errors(found)
    bounded = [i for i, kind in enumerate(found.kinds) if kind != WORDS]
    smallest = errors[:, bounded].min(axis=1)
    order = np.argsort(smallest, kind="stable")
    for start in range(0, len(order), _TABLES):
        at = order[start : start + _TABLES]
        part = found.rows(at)
        centre, error = part.estimate[:, bounded], errors[at][:, bounded]
        low, high = float((centre - 6 * error).min()), float((centre + 6 * error).max())
        free = scale / math.sqrt(len(bounded))
        theta = theta_grid(low, high, _COARSER * float(smallest[at[0]]), free)
        logs = [np.empty((len(at), len(part.kinds), len(theta))) for _ in priors]
        for i, kind in enumerate(part.kinds):
            for prior, into in zip(priors, logs, strict=True):
                if kind == PAIR or prior is priors[0]:
                    into[:, i] = _of_kind(part, i, theta, prior)
                else:
                    into[:, i] = logs[0][:, i]
        yield at, theta, logs


def _typical_errors(found: PrintedWorlds) -> Array:
    """Standard errors that the grid must resolve (W, k): of a pair at a high correlation."""
    r = np.clip(0.85, *found.limits)
    _, error = pair_effect(tuple(found.means), tuple(found.sds), found.n, r, log=True)
    errors = {
        PAIR: error,
        ERROR: found.std_error,
        BARE: LOG_RATIO_SPREAD.median / np.sqrt(found.n),
        WORDS: np.full_like(error, math.inf),
    }
    return np.stack([errors[kind][:, i] for i, kind in enumerate(found.kinds)], axis=1)


def _of_kind(part: PrintedWorlds, i: int, theta: Array, prior: CorrelationPrior) -> Array:
    """Log-likelihoods (d, m) of the i-th trial of each world, by the package's functions."""
    kind, n = part.kinds[i], part.n[:, i]
    if kind == ERROR:
        return t_log_likelihood(theta, part.estimate[:, i], part.std_error[:, i], n - 1)
    if kind == BARE:
        sds, weight = LOG_RATIO_SPREAD.nodes()
        percent = np.log(np.round(np.exp(part.estimate[:, i]), 2))
        logs = t_log_likelihood(theta, percent[:, None], sds / np.sqrt(n)[:, None])
        return averaged(logs, np.broadcast_to(weight, logs.shape[:-1]))
    if kind == WORDS:
        return _words(n, part.sign[:, i], theta)
    r, weight = prior.nodes(*part.limits[:, :, i])
    sides = (tuple(side[:, i, None] for side in both) for both in (part.means, part.sds))
    effect, error = pair_effect(*sides, n[:, None], r, log=True)
    logs = np.empty((len(n), len(theta)))
    at_once = max(1, _BYTES // (8 * r.shape[1] * len(theta)))
    for start in range(0, len(n), at_once):
        at = slice(start, start + at_once)
        logs[at] = mixed_log_likelihood(theta, effect[at], error[at], n[at, None] - 1, weight[at])
    return logs


def _words(n: Array, sign: Array, theta: Array) -> Array:
    sds, weight = LOG_RATIO_SPREAD.nodes()
    logs = np.empty((len(n), len(theta)))
    for people, side in {(float(a), float(b)) for a, b in zip(n, sign, strict=True)}:
        ncp = theta / sds[:, None] * math.sqrt(people)
        t = float(-stdtrit(people - 1, ALPHA / 2))
        if side == 0:
            found = between_by_table(ncp, -t, t, people - 1)
        else:
            found = between_by_table(side * ncp, t, math.inf, people - 1)
        logs[(n == people) & (sign == side)] = averaged(found, weight)
    return logs
