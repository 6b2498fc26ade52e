"""How often 95% intervals of a mixed model hold the truth at 4 to 26 subjects, method by method.

    python -m benchmarks.intervals [REPLICATES]

The bootstrap's quantiles depend on the fit only through the relative factor theta: they are taken
once on a grid of theta and interpolated, which is a bootstrap of 20,000 refits for each replicate.
"""

from __future__ import annotations

import sys
from time import process_time

import numpy as np
import pandas as pd
from scipy.special import chdtri, stdtrit

from retrostats.models.linear.batch.refits import Refits, refit
from retrostats.models.linear.planned import planned_formula, planned_model

SUBJECTS = (4, 8, 13, 26)
#: formula, design, term, degrees of freedom within and between subjects of n (an arm), rows' n
STUDIES = {
    "crossover": {
        "design": {"direction": [0.0, 1.0]},
        "formula": "y ~ direction + (1 | subject)",
        "term": 1,
        "df": lambda n: (n - 1, n - 1, n),
    },
    "two arms, pre and post": {
        "design": {"subject": [0, 0, 1, 1], "arm": [0.0, 0, 1, 1], "time": [0.0, 1, 0, 1]},
        "formula": "y ~ arm * time + (1 | subject)",
        "term": 3,
        "df": lambda n: (2 * n - 2, 2 * n - 2, 2 * n),
    },
}
#: Between-subject standard deviation over sigma.
THETA = 1.0
_REFITS = 20_000
_GRID = np.concatenate([[0.0], np.geomspace(0.1, 12.0, 14)])
_TAILS = (0.025, 0.975)


def coverage(replicates: int, *, refits: int = _REFITS, seed: int = 1) -> pd.DataFrame:
    """study, n, quantity, method, coverage, mc_error."""
    rows: list[tuple] = []
    for name, study in STUDIES.items():
        design = pd.DataFrame(study["design"])
        formula = planned_formula(study["formula"], design)
        for n in SUBJECTS:
            model = planned_model(formula, design, n)
            truth = _refit(model, THETA, replicates, [seed, n, 0], test="kenward-roger")
            drawn = [_refit(model, t, refits, [seed, n, 1, i]) for i, t in enumerate(_GRID)]
            held = fixed_effects(truth, drawn, study["term"])
            held |= sigmas(truth, drawn)
            held |= profiled(*study["df"](n), replicates, np.random.default_rng([seed, n, 2]))
            for (quantity, method), hits in held.items():
                share = float(hits.mean())
                error = np.sqrt(share * (1 - share) / len(hits))
                rows.append((name, n, quantity, method, share, error))
    return pd.DataFrame(
        rows, columns=["study", "n", "quantity", "method", "coverage", "mc_error"]
    )  # fmt: skip


def fixed_effects(truth: Refits, drawn: list[Refits], j: int) -> dict:
    """Whether each interval of coefficient j holds its true value, by draws at each theta."""
    kr_error, df, error = truth.std_error[:, j], truth.df[:, j], truth.error[:, j]
    theta, sigma = truth.theta[:, 0], truth.sigma
    plain, t = [], []
    for draws in drawn:
        plain.append(np.quantile(draws.error[:, j], _TAILS))
        t.append(np.quantile(draws.error[:, j] / draws.std_error[:, j], _TAILS))
    # in this balanced design Kenward and Roger's error is the unadjusted one
    q, t_low_high = _at(theta, np.array(plain)), _at(theta, np.array(t))
    low, high = error + sigma * q[0], error + sigma * q[1]
    t_low, t_high = error - kr_error * t_low_high[1], error - kr_error * t_low_high[0]
    half_width = -stdtrit(df, 0.025) * kr_error
    name = "fixed effect"
    return {
        (name, "bootstrap percentile (before)"): (low <= 0) & (high >= 0),
        (name, "bootstrap-t"): (t_low <= 0) & (t_high >= 0),
        (name, "Kenward-Roger t"): np.abs(error) <= half_width,
    }


def sigmas(truth: Refits, drawn: list[Refits]) -> dict:
    """Whether sigma's bootstrap intervals hold the true one."""
    found = [np.quantile(draws.sigma, _TAILS) for draws in drawn]
    low, high = _at(truth.theta[:, 0], np.array(found))
    s = truth.sigma
    return {
        ("sigma", "bootstrap percentile"): (s * low <= 1) & (s * high >= 1),
        ("sigma", "bootstrap ratio"): (s / high <= 1) & (s / low >= 1),
    }


def profiled(
    df_within: int, df_between: int, count: int, replicates: int, rng: np.random.Generator
) -> dict:
    """Whether the profile and the exact interval of sigma hold the true one, in closed form.

    A balanced design with two rows a subject: the ML deviance is a sum over two strata, within
    (variance sigma^2) and between (sigma^2 + 2 psi, not below sigma^2), of `count` terms each.
    """
    within = rng.chisquare(df_within, replicates)
    between = (1 + 2 * THETA**2) * rng.chisquare(df_between, replicates)

    def deviance(sigma2: np.ndarray) -> np.ndarray:
        upper = np.maximum(between / count, sigma2)
        return count * (np.log(sigma2) + np.log(upper)) + within / sigma2 + between / upper

    pooled = (within + between) / (2 * count)
    best = deviance(np.where(between > within, within / count, pooled))
    excess = deviance(np.ones(replicates)) - best
    low, high = within / chdtri(df_within, 0.025), within / chdtri(df_within, 0.975)
    return {
        ("sigma", "profile (before)"): excess <= chdtri(1, 0.05),
        ("sigma", "exact"): (low <= 1) & (high >= 1),
    }


def _refit(model, theta: float, n: int, seed: list[int], **options) -> Refits:  # type: ignore[no-untyped-def]
    return refit(model, (np.array([theta]), 1.0), n, seed=np.random.SeedSequence(seed), **options)


def _at(theta: np.ndarray, on_grid: np.ndarray) -> np.ndarray:
    """Quantiles (2, R) at each theta, between the points of the grid."""
    return np.array([np.interp(theta, _GRID, column) for column in on_grid.T])


def main(replicates: int) -> None:
    """Print the table of docs/calibration.md."""
    began = process_time()
    table = coverage(replicates)
    print("| study | quantity | interval | n = 4 | 8 | 13 | 26 |")
    print("|---|---|---|--:|--:|--:|--:|")
    keys = ["study", "quantity", "method"]
    for (study, quantity, method), part in table.groupby(keys, sort=False):
        cells = " | ".join(f"{100 * c:.1f}" for c in part.sort_values("n")["coverage"])
        print(f"| {study} | {quantity} | {method} | {cells} |")
    print(
        f"\n{replicates:,} replicates, Monte Carlo error at most "
        f"{100 * table['mc_error'].max():.2f} points, {process_time() - began:.0f} s of one core."
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
