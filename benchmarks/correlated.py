"""Many correlated random effects, and one stage of many studies: prints a Markdown table.

python -m benchmarks.correlated [--rounds N] [--studies N ...] [--effects N ...]

A fit with Kenward-Roger's table from prepared moments, medians of processor seconds. All rows with
their defaults take under a minute.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median
from time import process_time

import numpy as np
import pandas as pd

import retrostats as rs
from retrostats.models.linear.moments.studies import moments_arms

GROUPS, ROWS = 100, 30
ONE_STAGE = "y ~ arm + study + (0 + arm | study)"


def correlated(q: int, seed: int = 1) -> tuple[str, pd.DataFrame]:
    """A formula with q effects of each of 100 groups that all correlate, and 3,000 rows for it."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(GROUPS), ROWS)
    x = rng.normal(size=(len(group), q - 1))
    a = rng.normal(size=(q, q))
    root = 0.5 * np.linalg.cholesky(a @ a.T / q + 0.3 * np.eye(q))
    effects = rng.normal(size=(GROUPS, q)) @ root.T
    z = np.column_stack([np.ones(len(group)), x])
    y = (z * effects[group]).sum(axis=1) + 0.3 * x.sum(axis=1) + rng.normal(size=len(group))
    names = [f"x{i}" for i in range(1, q)]
    terms = " + ".join(names)
    frame = pd.DataFrame(x, columns=names).assign(y=y, g=[f"g{i:03d}" for i in group])
    return f"y ~ {terms} + ({terms} | g)", frame


def studies(k: int, seed: int = 2) -> pd.DataFrame:
    """Two arms of each of k studies as they are printed: n, mean and SD."""
    rng = np.random.default_rng(seed)
    arm = np.tile([0, 1], k)
    return pd.DataFrame(
        {
            "study": np.repeat([f"s{i:03d}" for i in range(k)], 2),
            "arm": arm,
            "n": rng.integers(10, 40, 2 * k),
            "mean": 5.0 + 0.2 * arm + rng.normal(0.0, 0.3, 2 * k),
            "sd": rng.uniform(0.8, 1.2, 2 * k),
        }
    )


def seconds(fit: Callable[[], rs.LmmFit], rounds: int) -> tuple[float, float]:
    """Median processor seconds of a fit with its table, and the log-likelihood."""
    taken = []
    for _ in range(rounds + 1):
        start = process_time()
        found = fit()
        found.coefficients  # noqa: B018
        taken.append(process_time() - start)
    return median(taken[1:]), float(found.loglik)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.correlated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--effects", type=int, nargs="*", default=[2, 4, 8, 12])
    parser.add_argument("--studies", type=int, nargs="*", default=[25, 50, 100])
    options = parser.parse_args()
    print("| case | s (CPU) | log-likelihood |\n|---|---|---|")
    for q in options.effects:
        formula, frame = correlated(q)
        moments = rs.moments(formula, frame)
        print_row(f"{q} correlated effects", lambda f=formula, m=moments: rs.lmm(f, m), options)
    for k in options.studies:
        printed = moments_arms(studies(k))
        for residual in (None, "study", "study:arm"):
            name = f"one stage of {k} studies, residual={residual}"
            print_row(name, lambda m=printed, r=residual: rs.lmm(ONE_STAGE, m, residual=r), options)


def print_row(name: str, fit: Callable[[], rs.LmmFit], options: argparse.Namespace) -> None:
    taken, loglik = seconds(fit, options.rounds)
    print(f"| {name} | {taken:.4f} | {loglik:.6f} |", flush=True)


if __name__ == "__main__":
    main()
