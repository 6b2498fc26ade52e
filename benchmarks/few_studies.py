"""Worlds of 2 to 6 small studies, shared by the benchmarks of intervals for means and new effects.

Studies of 4 to 26 people with standard deviations of 0.15 to 0.25 (log ratios), tau 0 to 0.15.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import process_time

import numpy as np
import pandas as pd

TAUS = (0.0, 0.05, 0.10, 0.15)
STUDIES = (2, 3, 4, 5, 6)


@dataclass(frozen=True)
class World:
    """One k, tau and kind of standard error: people and SDs (replicates, k), and its generator."""

    k: int
    tau: float
    estimated: bool
    people: np.ndarray
    sd: np.ndarray
    rng: np.random.Generator

    def variances(self) -> np.ndarray:
        """Squared standard errors, known or drawn as so few people estimate them."""
        v = self.sd**2 / self.people
        if not self.estimated:
            return v
        return v * self.rng.chisquare(self.people - 1) / (self.people - 1)

    def row(
        self, method: str, low: np.ndarray, high: np.ndarray, aim: np.ndarray | float
    ) -> tuple[object, ...]:
        """How often limits hold what they aim at: a row of `table`."""
        share = float(((low <= aim) & (aim <= high)).mean())
        error = np.sqrt(share * (1 - share) / len(self.sd))
        errors = "estimated" if self.estimated else "known"
        return self.k, self.tau, errors, method, share, error, float(np.median(high - low))


def worlds(
    replicates: int, seed: int, studies: tuple[int, ...], taus: tuple[float, ...]
) -> Iterator[World]:
    """Every combination, each with a generator of its own."""
    for estimated in (False, True):
        for k in studies:
            for tau in taus:
                rng = np.random.default_rng([seed, k, round(100 * tau), estimated])
                people = rng.integers(4, 27, size=(replicates, k))
                sd = rng.uniform(0.15, 0.25, size=(replicates, k))
                yield World(k, tau, estimated, people, sd, rng)


def table(rows: list[tuple[object, ...]], method: str) -> pd.DataFrame:
    """k, tau, errors (known or estimated), method, coverage, mc_error, median width."""
    return pd.DataFrame(
        rows, columns=["k", "tau", "errors", method, "coverage", "mc_error", "width"]
    )


def print_coverage(found: pd.DataFrame, method: str, replicates: int, began: float) -> None:
    """Print a table of docs/calibration.md: lowest and highest coverage over tau, and widths."""
    print(f"| standard errors | {method} | k = 2 | 3 | 4 | 5 | 6 | median width, k = 3, tau 0.1 |")
    print("|---|---|---|---|---|---|---|--:|")
    for (errors, name), part in found.groupby(["errors", method], sort=False):
        cells = []
        for k in STUDIES:
            share = 100 * part.loc[part["k"] == k, "coverage"]
            cells.append(f"{share.min():.1f} to {share.max():.1f}" if len(share) else "")
        width = part.loc[(part["k"] == 3) & (part["tau"] == 0.10), "width"].iloc[0]
        print(f"| {errors} | {name} | {' | '.join(cells)} | {width:.2f} |")
    print(
        f"\nCoverage in percent, lowest and highest over tau 0, 0.05, 0.10, 0.15; {replicates:,} "
        f"pools each, Monte Carlo error at most {100 * found['mc_error'].max():.1f} points, "
        f"{process_time() - began:.0f} s of one core."
    )
