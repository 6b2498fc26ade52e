"""How often 95% intervals of a pool of 2 to 6 small studies hold its true mean.

    python -m benchmarks.pool_intervals [REPLICATES]

Crossovers of 4 to 26 people, log ratios with standard deviations between people of 0.15 to 0.25,
tau 0 to 0.15; standard errors known, or estimated from so few people.
"""

from __future__ import annotations

import sys
from time import process_time

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from retrostats.pool.batch import BatchPool, random_effects_batch

TAUS = (0.0, 0.05, 0.10, 0.15)
STUDIES = (2, 3, 4, 5, 6)
TESTS = ("z", "t", "knapp-hartung", "knapp-hartung-adhoc", "kenward-roger")


#: The wider of two intervals (Jackson and others 2017, Statistics in Medicine 36:3923).
WIDER = "the wider of knapp-hartung and z"


def coverage(
    replicates: int,
    *,
    seed: int = 1,
    studies: tuple[int, ...] = STUDIES,
    taus: tuple[float, ...] = TAUS,
) -> pd.DataFrame:
    """k, tau, errors (known or estimated), test, coverage, mc_error, median width."""
    rows = []
    for estimated in (False, True):
        for k in studies:
            for tau in taus:
                rng = np.random.default_rng([seed, k, round(100 * tau), estimated])
                people = rng.integers(4, 27, size=(replicates, k))
                sd = rng.uniform(0.15, 0.25, size=(replicates, k))
                spread = np.sqrt(tau**2 + sd**2 / people)
                y = spread * rng.standard_normal((replicates, k))
                v = sd**2 / people
                if estimated:
                    v = v * rng.chisquare(people - 1) / (people - 1)
                fits = {test: random_effects_batch(y, v, test=test) for test in TESTS}
                reaches = {test: reach_of(got) for test, got in fits.items()}
                reaches[WIDER] = np.maximum(reaches["knapp-hartung"], reaches["z"])
                mean = fits["z"].estimate
                for test, reach in reaches.items():
                    share = float((np.abs(mean) <= reach).mean())
                    rows.append((
                        k, tau, "estimated" if estimated else "known", test, share,
                        np.sqrt(share * (1 - share) / replicates), float(np.median(2 * reach)),
                    ))  # fmt: skip
    names = ["k", "tau", "errors", "test", "coverage", "mc_error", "width"]
    return pd.DataFrame(rows, columns=names)


def reach_of(got: BatchPool) -> np.ndarray:
    """Half the 95% interval of each pool."""
    df = np.where(np.isinf(got.df), 1.0, got.df)
    t = np.where(np.isinf(got.df), ndtri(0.975), stdtrit(df, 0.975))
    return np.asarray(t * got.std_error)


def main(replicates: int) -> None:
    """Print the table of docs/calibration.md: lowest and highest coverage over tau, and widths."""
    began = process_time()
    table = coverage(replicates)
    print("| standard errors | test | k = 2 | 3 | 4 | 5 | 6 | median width, k = 3, tau 0.1 |")
    print("|---|---|---|---|---|---|---|--:|")
    for (errors, test), part in table.groupby(["errors", "test"], sort=False):
        cells = []
        for k in STUDIES:
            share = 100 * part.loc[part["k"] == k, "coverage"]
            cells.append(f"{share.min():.1f} to {share.max():.1f}")
        width = part.loc[(part["k"] == 3) & (part["tau"] == 0.10), "width"].iloc[0]
        print(f"| {errors} | {test} | {' | '.join(cells)} | {width:.2f} |")
    print(
        f"\nCoverage in percent, lowest and highest over tau 0, 0.05, 0.10, 0.15; {replicates:,} "
        f"pools each, Monte Carlo error at most {100 * table['mc_error'].max():.1f} points, "
        f"{process_time() - began:.0f} s of one core."
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40_000)
