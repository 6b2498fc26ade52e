"""How far a result depends on what was not printed: correlations and the last printed digit.

A sweep follows one estimate along one unknown; a grid crosses the unknowns of several studies;
draws move every printed number inside its rounding interval and every correlation inside its
range at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from retrostats.judge.verdict import Candidate
from retrostats.pool.two_stage import random_effects
from retrostats.reduce.pair import (
    PrintedPair,
    correlation_grid,
    correlation_range,
    ratio_estimate,
)
from retrostats.result.estimate import Estimate, Interval
from retrostats.workers import in_chunks

ROUNDING = "rounding and correlations together"


def unknown_r(pair: PrintedPair) -> str:
    """Name of the correlation that a crossover did not print."""
    return f"correlation between directions ({pair.name})"


def sweep_pair(pair: PrintedPair) -> tuple[Candidate, ...]:
    """The pair's ratio at each correlation its printed p-value allows."""
    return tuple(
        Candidate(ratio_estimate(pair, float(r)).interval(), {unknown_r(pair): float(r)})
        for r in correlation_grid(correlation_range(pair))
    )


def pool_interval(estimates: Sequence[Estimate], **options: Any) -> Interval:
    """Pooled effect and its 95% interval on the display scale."""
    from scipy.special import stdtrit

    if len(estimates) == 1:
        return estimates[0].interval()
    y = np.array([e.value for e in estimates])
    v = np.array([e.std_error for e in estimates]) ** 2
    beta, errors, dfs, _ = random_effects(y, v, np.ones((len(y), 1)), **options)
    half = float(stdtrit(dfs[0], 0.975)) * float(errors[0])
    value = float(beta[0])
    show = math.exp if estimates[0].scale != "difference" else float
    return Interval(show(value), show(value - half), show(value + half))


def pool_grid(
    pairs: Sequence[PrintedPair], fixed: Sequence[Estimate], **options: Any
) -> tuple[Candidate, ...]:
    """The pool at every combination of the pairs' correlations."""
    grids = [correlation_grid(correlation_range(pair)) for pair in pairs]
    candidates = []
    for rs in product(*grids):
        varied = [ratio_estimate(pair, float(r)) for pair, r in zip(pairs, rs, strict=True)]
        unknowns: Mapping[str, float | str] = {
            unknown_r(pair): float(r) for pair, r in zip(pairs, rs, strict=True)
        }
        candidates.append(Candidate(pool_interval([*varied, *fixed], **options), unknowns))
    return tuple(candidates)


def along(candidates: Sequence[Candidate], name: str) -> tuple[Candidate, ...]:
    """Candidates in which only `name` moves, every other unknown at its middle value."""
    others = {k for c in candidates for k in c.unknowns if k != name}
    middle = {}
    for other in others:
        values = sorted({c.unknowns[other] for c in candidates}, key=str)
        numeric = sorted(v for v in values if isinstance(v, float))
        middle[other] = (numeric or values)[len(values) // 2]
    return tuple(
        Candidate(c.interval, {name: c.unknowns[name]})
        for c in candidates
        if all(c.unknowns[k] == v for k, v in middle.items())
    )


def sweep_unknowns(candidates: Sequence[Candidate]) -> list[tuple[Candidate, ...]]:
    """One sweep for each unknown of `candidates`."""
    names = dict.fromkeys(name for c in candidates for name in c.unknowns)
    return [along(candidates, name) for name in names]


def rounding_extremes(
    pairs: Sequence[PrintedPair],
    digits: Sequence[Mapping[str, tuple[float, float]]],
    fixed: Sequence[Estimate],
    *,
    draws: int,
    seed: int,
    jobs: int = 1,
    scheduler: str | None = None,
    **options: Any,
) -> tuple[Candidate, ...]:
    """The draws with the lowest and the highest limit of the pool.

    Parameters
    ----------
    pairs, digits
        Printed crossovers, and for each the rounding interval of `forward`, `backward`,
        `sd_forward` and `sd_backward`.
    fixed
        Estimates that are pooled as they stand.
    draws, seed, jobs, scheduler
        Number of draws, seed of their streams, worker processes or a cluster's address.
    """
    if draws < 1:
        return ()
    task = partial(_pool_draws, tuple(pairs), tuple(digits), tuple(fixed), options)
    intervals = np.concatenate(in_chunks(task, draws, seed, jobs=jobs, scheduler=scheduler))
    rows = intervals[[int(intervals[:, 1].argmin()), int(intervals[:, 2].argmax())]]
    return tuple(
        Candidate(Interval(*map(float, row)), {ROUNDING: which})
        for row, which in zip(rows, ("lowest limit", "highest limit"), strict=True)
    )


def _pool_draws(
    pairs: tuple[PrintedPair, ...],
    digits: tuple[Mapping[str, tuple[float, float]], ...],
    fixed: tuple[Estimate, ...],
    options: dict[str, Any],
    rng: np.random.Generator,
    n: int,
) -> np.ndarray:
    """`n` pooled intervals (n, 3) with printed numbers drawn inside their rounding intervals.

    The mixed model of two conditions equals the paired comparison (docs/mathematics.md), whose
    closed form serves here, so that thousands of draws stay cheap.
    """
    out = np.empty((n, 3))
    for i in range(n):
        varied = [_draw(pair, digit, rng) for pair, digit in zip(pairs, digits, strict=True)]
        shown = pool_interval([*varied, *fixed], **options)
        out[i] = shown.estimate, shown.low, shown.high
    return out


def _draw(
    pair: PrintedPair, digits: Mapping[str, tuple[float, float]], rng: np.random.Generator
) -> Estimate:
    drawn = {name: float(rng.uniform(*span)) for name, span in digits.items()}
    moved = PrintedPair(
        **{name: drawn.get(name, getattr(pair, name)) for name in PrintedPair.__dataclass_fields__}
    )
    r = float(rng.uniform(*correlation_range(moved)))
    return closed_form_ratio(moved, r)


def closed_form_ratio(pair: PrintedPair, correlation: float) -> Estimate:
    """Log ratio of means of a correlated pair (Lajeunesse 2011, Ecology 92:2049, eq. 4)."""
    cv_f, cv_b = pair.sd_forward / pair.forward, pair.sd_backward / pair.backward
    variance = (cv_f**2 + cv_b**2 - 2 * correlation * cv_f * cv_b) / pair.n
    return Estimate(
        math.log(pair.ratio),
        math.sqrt(variance),
        pair.n - 1,
        "log_ratio",
        "ratio backward / forward",
        pair.rows,
    )
