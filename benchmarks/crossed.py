"""Crossed factors and counts on lme4's own data, lme4 and retrostats in turn.

    python -m benchmarks.crossed [ROUNDS] [--large]

Needs Rscript with lme4 and MASS, which ship the data; --large adds 1,000,000 simulated ratings of
4,000 items by 6,000 people, for retrostats alone. Times are medians in seconds, the processor time
in brackets.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd

import retrostats as rs

WORKER = Path(__file__).with_name("crossed.R")
TASKS = {
    "InstEval, 2 terms": ("InstEval", "y ~ service + (1 | s) + (1 | d)", {}),
    "InstEval, 3 terms": ("InstEval", "y ~ service + (1 | s) + (1 | d) + (1 | dept:service)", {}),
    "Penicillin": ("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", {}),
    "cbpp": (
        "cbpp",
        "cbind(incidence, size - incidence) ~ period + (1 | herd)",
        {"family": "binomial"},
    ),
    "epil": ("epil", "y ~ lbase * trt + lage + V4 + (1 | subject)", {"family": "poisson"}),
    "grouseticks": (
        "grouseticks",
        "TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION)",
        {"family": "poisson"},
    ),
}
NUMBERS = {"y", "diameter", "incidence", "size", "TICKS", "cHEIGHT", "lbase", "lage", "V4"}


def r(*arguments: str) -> str:
    run = subprocess.run(
        ["Rscript", str(WORKER), *arguments], capture_output=True, text=True, check=True
    )
    return run.stdout


def lme4(data: str, formula: str, options: dict[str, Any], folder: Path) -> tuple[float, ...]:
    """Wall time, processor time and log-likelihood of one fit."""
    out = r("fit", data, formula, options.get("family", "gaussian"), str(folder))
    return tuple(float(x) for x in out.split()[-3:])


def own(frame: pd.DataFrame, formula: str, options: dict[str, Any]) -> tuple[float, ...]:
    wall, cpu = perf_counter(), process_time()
    fit = rs.glmm(formula, frame, **options) if options else rs.lmm(formula, frame)
    return perf_counter() - wall, process_time() - cpu, fit.loglik


def read(folder: Path, data: str) -> pd.DataFrame:
    frame = pd.read_csv(folder / f"{data}.csv")
    factors = {c: pd.Categorical(frame[c].astype(str)) for c in frame if c not in NUMBERS}
    return frame.assign(**factors)


def ratings(n: int = 1_000_000, people: int = 6_000, items: int = 4_000) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    u, i = rng.integers(0, people, n), (items * rng.random(n) ** 2).astype(int)
    y = 3.5 + 0.4 * rng.normal(size=people)[u] + 0.5 * rng.normal(size=items)[i]
    codes = {"u": pd.Categorical(u), "i": pd.Categorical(i)}
    return pd.DataFrame({"y": y + 0.9 * rng.normal(size=n), **codes})


def main(rounds: int, *, large: bool) -> None:
    print("| case | lme4 | retrostats | ratio | log-likelihood, ours less lme4's |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        r("data", name)
        for label, (data, formula, options) in TASKS.items():
            frame = read(folder, data)
            own(frame, formula, options)  # imports
            pairs = [
                (lme4(data, formula, options, folder), own(frame, formula, options))
                for _ in range(rounds)
            ]
            times = [[median(pair[e][i] for pair in pairs) for i in (0, 1)] for e in (0, 1)]
            (wall, cpu), (our_wall, our_cpu) = times
            print(
                f"| {label} | {wall:.3f} ({cpu:.3f}) | {our_wall:.4f} ({our_cpu:.4f}) | "
                f"{wall / our_wall:.1f} ({cpu / our_cpu:.1f}) | "
                f"{pairs[0][1][2] - pairs[0][0][2]:.1e} |",
                flush=True,
            )
    if large:
        wall, cpu, _ = own(ratings(), "y ~ 1 + (1 | u) + (1 | i)", {})
        print(f"| 1e6 ratings, 6,000 x 4,000 | not run | {wall:.1f} ({cpu:.1f}) | | |")


if __name__ == "__main__":
    numbers = [a for a in sys.argv[1:] if a.isdigit()]
    main(int(numbers[0]) if numbers else 3, large="--large" in sys.argv)
