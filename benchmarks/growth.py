"""How processor time grows with the size of what is asked: prints a Markdown table.

python -m benchmarks.growth [--only NAME ...] [--rounds N]

Each case is measured at a few sizes, medians of processor seconds after a small warm-up; the slope
is that of log seconds on log size between the largest two, where constant costs count least. Set
OPENBLAS_NUM_THREADS=1 for one thread of linear algebra.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from math import log
from pathlib import Path
from statistics import median
from tempfile import mkdtemp
from time import process_time
from typing import Any

import numpy as np
import pandas as pd

import retrostats as rs
from benchmarks.correlated import ONE_STAGE, correlated, studies
from retrostats.audit.pages.account import account_of_page
from retrostats.models.linear.moments.studies import moments_arms

Run = Callable[[], Any]


def grouped(rows: int, groups: int) -> Run:
    """A fit of one random intercept from a DataFrame."""
    rng = np.random.default_rng(1)
    g, x = np.arange(rows) % groups, rng.normal(size=rows)
    y = x + rng.normal(size=groups)[g] + rng.normal(size=rows)
    frame = pd.DataFrame({"g": g, "x": x, "y": y})
    return lambda: rs.lmm("y ~ x + (1 | g)", frame).coefficients


def wide(p: int) -> Run:
    """A fit of p covariates, 4,000 rows and 400 groups."""
    rng = np.random.default_rng(1)
    x, g = rng.normal(size=(4000, p)), np.arange(4000) // 10
    names = [f"x{i}" for i in range(p)]
    y = x[:, 0] + rng.normal(size=400)[g] + rng.normal(size=4000)
    frame = pd.DataFrame(x, columns=names).assign(g=g, y=y)
    return lambda: rs.lmm(f"y ~ {' + '.join(names)} + (1 | g)", frame).coefficients


def effects(q: int) -> Run:
    """A fit of q correlated effects with Kenward-Roger."""
    formula, frame = correlated(q)
    moments = rs.moments(formula, frame)
    return lambda: rs.lmm(formula, moments).coefficients


def one_stage(k: int) -> Run:
    """One stage of k studies with a residual variance for each arm."""
    moments = moments_arms(studies(k))
    return lambda: rs.lmm(ONE_STAGE, moments, residual="study:arm").coefficients


def pooled(k: int) -> Run:
    """A pool of k effects by REML."""
    rng = np.random.default_rng(1)
    v = rng.uniform(0.01, 0.2, k)
    y = rng.normal(0.0, np.sqrt(v + 0.05))
    return lambda: rs.pool(y, v).estimate


def counts(k: int, model: str = "fixed-study") -> Run:
    """A pool of the events of k studies, by default each with a level of its own."""
    rng = np.random.default_rng(5)
    total = rng.integers(50, 300, (2, k))
    level, effect = rng.normal(-2.5, 0.6, k), rng.normal(-0.3, 0.4, k)
    events = rng.binomial(total, 1 / (1 + np.exp(-level - np.stack([effect, 0 * effect]))))
    table = pd.DataFrame({
        "events_1": events[0], "total_1": total[0], "events_2": events[1], "total_2": total[1]
    })  # fmt: skip
    return lambda: rs.pool_counts(table, measure="odds_ratio", model=model).estimate


def crossovers(k: int) -> Run:
    """The outermost limits of k trials whose correlations are not printed."""
    rng = np.random.default_rng(5)
    table = pd.DataFrame({
        "study": [f"s{i}" for i in range(k)], "n": rng.integers(8, 30, k),
        "mean_1": rng.normal(33, 1.5, k), "sd_1": rng.uniform(3, 5, k),
        "mean_2": rng.normal(27, 1.5, k), "sd_2": rng.uniform(3, 5, k),
    })  # fmt: skip
    return lambda: rs.pool_crossovers(table, draws=64).conf_low


def printed(k: int) -> Run:
    """A pool of k printed rows, shown."""
    rng = np.random.default_rng(4)
    designs = ["crossover", "parallel", "before-after"]
    rows = []
    for i in range(k):
        n, sd = int(rng.integers(8, 30)), rng.uniform(2, 5, 2)
        first, second = 30.2 + rng.normal(0, 2), 30 + rng.normal(0, 2)
        rows.append({
            "study": f"s{i}", "design": designs[i % 3], "n": f"{n} / {n}" if i % 3 == 1 else str(n),
            "first": f"{first:.1f} SD {sd[0]:.1f}", "second": f"{second:.1f} SD {sd[1]:.1f}",
        })  # fmt: skip
    table = pd.DataFrame(rows)
    return lambda: repr(rs.pool_printed(table, measure="ratio of means"))


#: A page's entries of one claim.
_CLAIM = """[claims.c{}]
says = "A nap makes sprinters faster"
by = "the post"
cause = true
measure = "percent"
true_if = "below 0"
because = "no size is named"
better = "lower"
"""


def claims(k: int) -> Run:
    """The account of a page of k claims, each on three rows of its own: `check-audit`."""
    rng = np.random.default_rng(3)
    page = Path(mkdtemp()) / "many.toml"
    head = (
        'title = "A nap"\nsubject = "a nap"\ncompared = ["nap", "no nap"]\n'
        'source = { kind = "post", name = "a post", date = "2031" }\n'
    )
    page.write_text(head + "".join(_CLAIM.format(i) for i in range(k)), encoding="utf-8")
    lines = ["claim,study,design,allocation,n,first,second"]
    for i in range(3 * k):
        n, first, second = rng.integers(8, 30), *rng.uniform(11.5, 12, 2)
        sides = f"{first:.2f} SD 0.42 s,{second:.2f} SD 0.45 s"
        lines.append(f"c{i // 3},Author {i},crossover,by lot,{n},{sides}")
    page.with_suffix(".csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return lambda: account_of_page(page)


def refits(draws: int) -> Run:
    """Bootstrap refits of a trial with one random intercept."""
    rng = np.random.default_rng(1)
    s = np.repeat(np.arange(26), 4)
    frame = pd.DataFrame({"s": s, "x": rng.normal(size=104)})
    frame["y"] = frame["x"] + rng.normal(size=26)[s] + rng.normal(size=104)
    fit = rs.lmm("y ~ x + (1 | s)", frame)
    return lambda: fit.bootstrap(draws, seed=3)


def explored(draws: int) -> Run:
    """Draws of an exploration of two unknowns, with both outermost limits."""

    def estimate(v: Any) -> Any:
        error = np.sqrt((2 - 2 * v["r"]) / 20)
        return v["d"], v["d"] - 2 * error, v["d"] + 2 * error

    return lambda: rs.explore(estimate, {"d": (1.0, 2.0), "r": (-0.9, 0.9)}, draws=draws)


CASES: dict[str, tuple[Callable[[int], Run], tuple[int, ...]]] = {
    "rows": (lambda n: grouped(n, n // 10), (1_000, 10_000, 100_000, 1_000_000)),
    "groups of 100,000 rows": (lambda n: grouped(100_000, n), (10, 100, 1_000, 10_000)),
    "p, columns of X": (wide, (2, 20, 100, 200)),
    "q, correlated effects": (effects, (2, 4, 8, 12)),
    "studies, pool": (pooled, (100, 1_000, 10_000, 100_000)),
    "studies, pool_counts": (counts, (50, 500, 5_000, 50_000)),
    "studies, conditional": (lambda k: counts(k, "conditional"), (5, 50, 500, 5_000)),
    "trials, pool_crossovers": (crossovers, (5, 25, 50, 100)),
    "rows, pool_printed": (printed, (5, 50, 500, 5_000)),
    "claims, check-audit": (claims, (5, 50, 500)),
    "studies, one stage": (one_stage, (25, 100, 400, 800)),
    "draws, bootstrap": (refits, (100, 1_000, 10_000, 100_000)),
    "draws, explore": (explored, (100, 1_000, 10_000, 100_000)),
}


def seconds(run: Run, rounds: int) -> float:
    """Median processor seconds."""
    taken = []
    for _ in range(rounds):
        start = process_time()
        run()
        taken.append(process_time() - start)
    return median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth")
    parser.add_argument("--only", nargs="*", default=list(CASES))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print("| grows | sizes | s (CPU) | slope |\n|---|---|---|---|")
    for name in options.only:
        make, sizes = CASES[name]
        make(sizes[0])()
        taken = [seconds(make(size), options.rounds) for size in sizes]
        slope = log(taken[-1] / taken[-2]) / log(sizes[-1] / sizes[-2])
        shown = ", ".join(f"{t:.4f}" for t in taken)
        print(
            f"| {name} | {', '.join(f'{s:,}' for s in sizes)} | {shown} | {slope:.2f} |", flush=True
        )


if __name__ == "__main__":
    main()
