"""Plan the study that would settle it: power of a crossover by simulation on the same engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from retrostats.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def crossover_power(
    ratio: float, cv: float, correlation: float, sizes: Sequence[int], n_sim: int, seed: int
) -> pd.DataFrame:
    """Power to detect a backward / forward ratio in a crossover, for each number of people.

    Parameters
    ----------
    ratio
        Backward / forward to be detected.
    cv
        Spread between people in one direction, SD / mean.
    correlation
        Between the two directions of one person, from 0 up to (not including) 1.
    sizes, n_sim, seed
        Numbers of people, simulated studies for each, seed.

    Returns
    -------
    DataFrame
        n, power, its Monte Carlo error and interval.
    """
    import math

    import pandas as pd

    from retrostats.mixed.simulate import power

    if not ratio > 0 or ratio == 1:
        raise InputError(f"--ratio {ratio}: give a ratio above 0 that is not 1, as 1.15")
    if not cv > 0:
        raise InputError(f"--cv {cv}: give a spread above 0, as 0.12")
    if not 0 <= correlation < 1:
        raise InputError(f"--correlation {correlation}: give a number from 0 to below 1, as 0.6")
    design = pd.DataFrame(
        {"direction": pd.Categorical(["forward", "backward"], ["forward", "backward"])}
    )
    return power(
        "log_cost ~ direction + (1 | subject)",
        design,
        effects={"directionbackward": math.log(ratio)},
        variance_components={
            "subject": correlation * cv**2,
            "Residual": (1 - correlation) * cv**2,
        },
        term="directionbackward",
        n=list(sizes),
        n_sim=n_sim,
        seed=seed,
    )
