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

from benchmarks.few_studies import STUDIES, TAUS, print_coverage, table, worlds
from retrostats.models.meta.batch import BatchPool, random_effects_batch

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
    """Coverage of each test: see `few_studies.table`."""
    rows = []
    for world in worlds(replicates, seed, studies, taus):
        spread = np.sqrt(world.tau**2 + world.sd**2 / world.people)
        y = spread * world.rng.standard_normal(spread.shape)
        v = world.variances()
        fits = {test: random_effects_batch(y, v, test=test) for test in TESTS}
        half_widths = {test: bounds_of(got) for test, got in fits.items()}
        half_widths[WIDER] = np.maximum(half_widths["knapp-hartung"], half_widths["z"])
        mean = fits["z"].estimate
        rows += [world.row(test, mean - by, mean + by, 0.0) for test, by in half_widths.items()]
    return table(rows, "test")


def bounds_of(got: BatchPool) -> np.ndarray:
    """Half the 95% interval of each pool."""
    df = np.where(np.isinf(got.df), 1.0, got.df)
    t = np.where(np.isinf(got.df), ndtri(0.975), stdtrit(df, 0.975))
    return np.asarray(t * got.std_error)


def main(replicates: int) -> None:
    """Print the table of docs/calibration.md."""
    began = process_time()
    print_coverage(coverage(replicates), "test", replicates, began)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40_000)
