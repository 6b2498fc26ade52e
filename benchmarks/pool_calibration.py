"""Type-I error and coverage of pools of few studies, by simulation: prints a Markdown table.

Run as ``python -m benchmarks.pool_calibration [--draws N] [--seed N]``. Standard errors are known
and uniform between 0.1 and 0.5 in each draw; the true mean is 0. Every draw is pooled by REML.
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from benchmarks.error_rates import print_rates
from retrostats.models.meta.batch import random_effects_batch

STUDIES = (3, 5, 8)
#: Between-study SD; the sampling SD has a root mean square of 0.32.
TAUS = (0.0, 0.15, 0.3, 0.6)
TESTS = ("z", "t", "knapp-hartung", "knapp-hartung-adhoc", "kenward-roger")


def rates(
    k: int, tau: float, draws: int, rng: np.random.Generator
) -> dict[str, tuple[float, float]]:
    """Share of 5% tests that reject, and share of 95% prediction intervals that hold."""
    v = rng.uniform(0.1, 0.5, (draws, k)) ** 2
    y = rng.normal(size=(draws, k)) * np.sqrt(v + tau**2)
    new = rng.normal(size=draws) * tau
    out = {}
    for test in TESTS:
        fit = random_effects_batch(y, v, test=test)
        crit = stdtrit(fit.df, 0.975)
        half_width = crit * np.sqrt(fit.tau2 + fit.std_error**2)
        rejected = np.abs(fit.estimate) > crit * fit.std_error
        covered = np.abs(new - fit.estimate) <= half_width
        out[test] = float(rejected.mean()), float(covered.mean())
    return out


def _cells(k: int, tau: float, draws: int, rng: np.random.Generator) -> list[str]:
    found = rates(k, tau, draws, rng)
    return [f"{100 * a:.1f} / {100 * b:.1f}" for a, b in found.values()]


def main() -> None:
    rows = [(k, tau) for k in STUDIES for tau in TAUS]
    print_rates(__doc__.splitlines()[0], TESTS, rows, _cells)


if __name__ == "__main__":
    main()
