"""The table of simulated error rates that two benchmarks print, by number of studies and tau."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import numpy as np


def print_rates(
    about: str,
    columns: Sequence[str],
    rows: Sequence[tuple[int, float]],
    cells: Callable[[int, float, int, np.random.Generator], Sequence[str]],
) -> None:
    """Read --draws and --seed, print a Markdown table; `cells` takes k, tau, draws, generator."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--draws", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    print("| studies | tau | " + " | ".join(columns) + " |")
    print("|---|---|" + "---|" * len(columns))
    for k, tau in rows:
        print(f"| {k} | {tau:g} | " + " | ".join(cells(k, tau, arguments.draws, rng)) + " |")
