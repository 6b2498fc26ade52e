"""Crossed factors and counts on lme4's own data, lme4 and retrostats in turn.

    python -m benchmarks.crossed [ROUNDS] [--ratings] [--large SECONDS]

Needs Rscript with lme4 and MASS, which ship the data. --ratings measures simulated ratings of items
by people instead, once each; --large adds 1,000,000 of 4,000 items by 6,000 people, where lme4 is
stopped after so many seconds (0: not run). Times are medians in seconds, the processor time in
brackets.
"""

from __future__ import annotations

import argparse
import subprocess
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


RATINGS = "y ~ 1 + (1 | u) + (1 | i)"
#: Ratings, people and items.
SIZES = [(100_000, 2_000, 1_500), (300_000, 3_000, 2_000)]
LARGE = (1_000_000, 6_000, 4_000)


def r(*arguments: str, seconds: float | None = None) -> str:
    run = subprocess.run(
        ["Rscript", str(WORKER), *arguments], capture_output=True, text=True, check=True,
        timeout=seconds,
    )  # fmt: skip
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


def ratings(n: int, people: int, items: int) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    u, i = rng.integers(0, people, n), (items * rng.random(n) ** 2).astype(int)
    y = 3.5 + 0.4 * rng.normal(size=people)[u] + 0.5 * rng.normal(size=items)[i]
    codes = {"u": pd.Categorical(u), "i": pd.Categorical(i)}
    return pd.DataFrame({"y": y + 0.9 * rng.normal(size=n), **codes})


def main(rounds: int) -> None:
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


def rated(sizes: list[tuple[int, int, int]], seconds: float | None = None) -> None:
    """Simulated ratings, each size once with each; lme4 is stopped after so many seconds."""
    print(
        "| ratings, people x items | lme4 | retrostats | ratio | log-likelihood, ours less lme4's |"
    )
    print("|---|---|---|---|---|")
    for n, people, items in sizes:
        frame = ratings(n, people, items)
        wall, cpu, loglik = own(frame, RATINGS, {})
        label, ours = f"{n:,}, {people:,} x {items:,}", f"{wall:.2f} ({cpu:.2f})"
        with tempfile.NamedTemporaryFile(suffix=".csv") as file:
            frame.to_csv(file.name, index=False)
            try:
                output = r("fit", file.name, RATINGS, "gaussian", seconds=seconds).split()
            except subprocess.TimeoutExpired:
                print(f"| {label} | not in {seconds:.0f} s | {ours} | | |", flush=True)
                continue
        theirs, theirs_cpu, theirs_loglik = (float(x) for x in output[-3:])
        print(
            f"| {label} | {theirs:.2f} ({theirs_cpu:.2f}) | {ours} | "
            f"{theirs / wall:.1f} ({theirs_cpu / cpu:.1f}) | {loglik - theirs_loglik:.1e} |",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crossed")
    parser.add_argument("rounds", type=int, nargs="?", default=3)
    parser.add_argument("--ratings", action="store_true")
    parser.add_argument("--large", type=float, metavar="SECONDS")
    options = parser.parse_args()
    if options.ratings:
        rated(SIZES)
    if options.large is not None:
        rated([LARGE], options.large)
    if not (options.ratings or options.large is not None):
        main(options.rounds)
