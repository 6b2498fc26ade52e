"""How often 95% prediction intervals of few studies hold the true effect of a new one.

    python -m benchmarks.prediction [REPLICATES]

Studies of 4 to 26 people with standard deviations of 0.15 to 0.25 (log ratios), tau 0 to 0.15.
"""

from __future__ import annotations

import sys
from time import process_time

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from retrostats.pool.prediction import prediction_limits

TAUS = (0.0, 0.05, 0.10, 0.15)
STUDIES = (2, 3, 4, 5, 6)


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
        reach = -stdtrit(df, 0.025) * np.sqrt(tau2 + variance)
        out[name] = mean - reach, mean + reach
    return out


def coverage(
    replicates: int,
    *,
    seed: int = 1,
    studies: tuple[int, ...] = STUDIES,
    taus: tuple[float, ...] = TAUS,
) -> pd.DataFrame:
    """k, tau, errors (known or estimated), method, coverage, mc_error, median width."""
    rows = []
    for estimated in (False, True):
        for k in studies:
            for tau in taus:
                rng = np.random.default_rng([seed, k, round(100 * tau), estimated])
                people = rng.integers(4, 27, size=(replicates, k))
                sd = rng.uniform(0.15, 0.25, size=(replicates, k))
                truth = tau * rng.standard_normal((replicates, k))
                y = truth + sd / np.sqrt(people) * rng.standard_normal((replicates, k))
                v = sd**2 / people
                if estimated:
                    v = v * rng.chisquare(people - 1) / (people - 1)
                new = tau * rng.standard_normal(replicates)
                found = plug_in(y, v)
                found["confidence distribution"] = prediction_limits(y, np.sqrt(v))
                for method, (low, high) in found.items():
                    share = ((low <= new) & (new <= high)).mean()
                    rows.append((
                        k, tau, "estimated" if estimated else "known", method, share,
                        np.sqrt(share * (1 - share) / replicates), np.median(high - low),
                    ))  # fmt: skip
    names = ["k", "tau", "errors", "method", "coverage", "mc_error", "width"]
    return pd.DataFrame(rows, columns=names)


def main(replicates: int) -> None:
    """Print the table of docs/calibration.md: lowest and highest coverage over tau, and widths."""
    began = process_time()
    table = coverage(replicates)
    print("| standard errors | method | k = 2 | 3 | 4 | 5 | 6 | median width, k = 3, tau 0.1 |")
    print("|---|---|---|---|---|---|---|--:|")
    for (errors, method), part in table.groupby(["errors", "method"], sort=False):
        cells = []
        for k in STUDIES:
            share = 100 * part.loc[part["k"] == k, "coverage"]
            cells.append(f"{share.min():.1f} to {share.max():.1f}" if len(share) else "")
        width = part.loc[(part["k"] == 3) & (part["tau"] == 0.10), "width"].iloc[0]
        print(f"| {errors} | {method} | {' | '.join(cells)} | {width:.2f} |")
    print(
        f"\nCoverage in percent, lowest and highest over tau 0, 0.05, 0.10, 0.15; {replicates:,} "
        f"pools each, Monte Carlo error at most {100 * table['mc_error'].max():.1f} points, "
        f"{process_time() - began:.0f} s of one core."
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
