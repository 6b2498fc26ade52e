"""Type-I error of one stage against two, standard errors estimated: prints a Markdown table.

Run as ``python -m benchmarks.one_stage_calibration [--draws N] [--seed N]``. People of each study
have one effect each, of a standard deviation that is estimated from them; the true mean is 0.
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from benchmarks.error_rates import print_rates
from retrostats.models.meta.batch import BatchPool, random_effects_batch
from retrostats.models.meta.one_stage import one_stage_batch

#: People and SD between them; the first three are the running studies of the audit.
PEOPLE = np.array([13, 13, 4, 8, 10, 12, 20, 9])
SPREAD = np.array([0.17, 0.15, 0.09, 0.15, 0.15, 0.2, 0.1, 0.12])
TAUS = (0.0, 0.05, 0.1, 0.2)
COLUMNS = (
    "two stages, Knapp-Hartung",
    "two stages, Kenward-Roger",
    "one stage, Kenward-Roger",
    "one stage, contained df",
)


def rates(k: int, tau: float, draws: int, rng: np.random.Generator) -> list[float]:
    """Share of 5% tests that reject, in the order of `COLUMNS`."""
    n, sd = PEOPLE[:k], SPREAD[:k]
    mean = rng.normal(size=(draws, k)) * np.sqrt(tau**2 + sd**2 / n)
    variance = sd**2 * rng.chisquare(n - 1, (draws, k)) / (n - 1)
    found = (
        random_effects_batch(mean, variance / n),
        random_effects_batch(mean, variance / n, test="kenward-roger"),
        one_stage_batch(mean, variance, n),
        one_stage_batch(mean, variance, n, ddf="contained"),
    )
    return [_rejected(fit) for fit in found]


def _rejected(fit: BatchPool) -> float:
    return float((np.abs(fit.estimate) > stdtrit(fit.df, 0.975) * fit.std_error).mean())


def _cells(k: int, tau: float, draws: int, rng: np.random.Generator) -> list[str]:
    return [f"{100 * share:.1f}" for share in rates(k, tau, draws, rng)]


def main() -> None:
    rows = [(k, tau) for k in (2, 3, 5, 8) for tau in TAUS]
    print_rates(__doc__.splitlines()[0], COLUMNS, rows, _cells)


if __name__ == "__main__":
    main()
