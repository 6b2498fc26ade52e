"""How often 95% prediction intervals of few studies hold the true effect of a new one.

    python -m benchmarks.prediction [REPLICATES]

The worlds are those of `benchmarks.few_studies`.
"""

from __future__ import annotations

import sys
from time import process_time

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from benchmarks.few_studies import STUDIES, TAUS, print_coverage, table, worlds
from retrostats.models.meta.prediction import prediction_limits


def reml(y: np.ndarray, v: np.ndarray, steps: int = 300) -> np.ndarray:
    """REML's tau2 of many pools by its fixed-point iteration (started from the raw variance)."""
    tau2 = y.var(-1, ddof=1)
    for _ in range(steps):
        w = 1 / (v + tau2[:, None])
        mean = (w * y).sum(-1) / w.sum(-1)
        score = (w**2 * ((y - mean[:, None]) ** 2 - v)).sum(-1) / (w**2).sum(-1)
        tau2 = np.maximum(0.0, score + 1 / w.sum(-1))
    return tau2


def plug_in(y: np.ndarray, v: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Intervals that take the estimated tau2 as it is."""
    k = y.shape[1]
    tau2 = reml(y, v)
    w = 1 / (v + tau2[:, None])
    mean = (w * y).sum(-1) / w.sum(-1)
    wald = 1 / w.sum(-1)
    knapp = wald * (w * (y - mean[:, None]) ** 2).sum(-1) / (k - 1)
    out = {}
    for name, variance, df in (
        ("Knapp-Hartung, t k-1 (before)", knapp, k - 1),
        ("Knapp-Hartung, t k-2", knapp, k - 2),
        ("Knapp-Hartung never narrower, t k-2", np.maximum(knapp, wald), k - 2),
        ("Wald, t k-2 (Higgins 2009)", wald, k - 2),
    ):
        if df < 1:
            continue
        half_width = -stdtrit(df, 0.025) * np.sqrt(tau2 + variance)
        out[name] = mean - half_width, mean + half_width
    return out


def coverage(
    replicates: int,
    *,
    seed: int = 1,
    studies: tuple[int, ...] = STUDIES,
    taus: tuple[float, ...] = TAUS,
) -> pd.DataFrame:
    """Coverage of each method: see `few_studies.table`."""
    rows = []
    for world in worlds(replicates, seed, studies, taus):
        people, sd, rng = world.people, world.sd, world.rng
        truth = world.tau * rng.standard_normal(sd.shape)
        y = truth + sd / np.sqrt(people) * rng.standard_normal(sd.shape)
        v = world.variances()
        new = world.tau * rng.standard_normal(len(sd))
        found = plug_in(y, v)
        found["confidence distribution"] = prediction_limits(y, np.sqrt(v))
        rows += [world.row(name, low, high, new) for name, (low, high) in found.items()]
    return table(rows, "method")


def main(replicates: int) -> None:
    """Print the table of docs/calibration.md."""
    began = process_time()
    print_coverage(coverage(replicates), "method", replicates, began)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
