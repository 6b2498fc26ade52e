"""Reduce a printed change with a p-value: the standard error is recovered, not invented."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retrostats.evidence.printed.reported import se_from_p
from retrostats.evidence.result.estimate import Estimate

Array = NDArray[np.float64]


def implied_error(change: ArrayLike, p: ArrayLike, df: ArrayLike) -> Array:
    """Standard errors of changes whose two-sided t-tests gave p: |change| / t(p, df), vectorised.

    Cochrane Handbook for Systematic Reviews of Interventions, section 6.5.2.3.

    Examples
    --------
    >>> implied_error(-2.4, [0.01, 0.05], 12).round(3).tolist()
    [0.786, 1.102]
    """
    from scipy.special import stdtrit

    return np.asarray(np.abs(change) / -stdtrit(df, np.asarray(p, dtype=float) / 2))


def welch_df(variance_1: ArrayLike, df_1: ArrayLike, variance_2: ArrayLike, df_2: float) -> Array:
    """Welch-Satterthwaite df of a difference of two independent estimates, vectorised."""
    v1, v2 = np.asarray(variance_1, dtype=float), np.asarray(variance_2, dtype=float)
    return np.asarray((v1 + v2) ** 2 / (v1**2 / df_1 + v2**2 / df_2))


def within_group_change(
    change: float, p: float, n: int, unit: str, source: Sequence[str], assumptions: Sequence[str]
) -> Estimate:
    """Change of one group whose p tests that change: time in a mixed model of pre and post.

    The SD of change follows from p (two-sided, n - 1 df). Baseline level and SD are not printed
    and cancel: any pair of pre and post moments with this SD of change gives the same answer.
    """
    sd_change = se_from_p(change, p, n - 1) * math.sqrt(n)
    return _prepost(["training"], [change], n, sd_change, "timepost", unit, source, assumptions)


def between_group_change(
    change: float, p: float, n: int, unit: str, source: Sequence[str], assumptions: Sequence[str]
) -> Estimate:
    """Change against a control group of the same size whose p tests arm by time.

    Only the difference of the two changes enters; the control's change is set to zero and the
    arm by time effect does not depend on it.
    """
    sd_change = se_from_p(change, p, 2 * n - 2) / math.sqrt(2 / n)
    return _prepost(
        ["control", "training"],
        [0.0, change],
        n,
        sd_change,
        "armtraining:timepost",
        unit,
        source,
        assumptions,
    )


def _prepost(
    arms: Sequence[str],
    changes: Sequence[float],
    n: int,
    sd_change: float,
    term: str,
    unit: str,
    source: Sequence[str],
    assumptions: Sequence[str],
) -> Estimate:
    """Arm by time mixed model of pre and post cells with this SD of change."""
    import pandas as pd

    from retrostats.models.linear.fit import lmm
    from retrostats.models.linear.moments.summary import moments_from_summary

    cells = pd.DataFrame(
        [
            {"arm": arm, "time": time, "n": n, "mean": mean, "sd": sd_change}
            for arm, change in zip(arms, changes, strict=True)
            for time, mean in (("pre", 0.0), ("post", change))
        ]
    )
    cells["time"] = pd.Categorical(cells["time"], ["pre", "post"])
    cells["arm"] = pd.Categorical(cells["arm"], list(arms))
    several = len(arms) > 1
    moments = moments_from_summary(
        cells,
        correlation=0.5,  # with equal SDs this makes the SD of change equal to each SD
        within="time",
        between="arm" if several else None,
        outcome="outcome",
        subject="subject",
    )
    formula = f"outcome ~ {'arm * time' if several else 'time'} + (1 | subject)"
    return Estimate.of_term(
        lmm(formula, moments), term, "difference", unit, tuple(source), tuple(assumptions)
    )


def percent_fat_change(
    fat: tuple[ArrayLike, ArrayLike],
    lean: tuple[ArrayLike, ArrayLike],
    p: tuple[ArrayLike, ArrayLike],
    n: int,
    correlation: ArrayLike,
) -> tuple[Array, Array, Array]:
    """Change of percent body fat from printed fat and fat-free mass before and after.

    Parameters
    ----------
    fat, lean
        Mean fat mass and fat-free mass before and after [kg]; numbers or arrays (m,).
    p
        Two-sided paired p-values of the changes of fat and of lean mass.
    n
        People.
    correlation
        Between the two changes; no source prints it.

    Returns
    -------
    tuple
        Baseline percent fat, change in percentage points, and its standard error by the delta
        method: B = 100 F / (F + L), dB/dF = 100 L / M^2, dB/dL = -100 F / M^2.
    """
    (f0, f1), (l0, l1) = ([np.asarray(x, dtype=float) for x in pair] for pair in (fat, lean))
    before, after = 100 * f0 / (f0 + l0), 100 * f1 / (f1 + l1)
    mass = f0 + l0
    by_fat = 100 * l0 / mass**2 * implied_error(f1 - f0, p[0], n - 1)
    by_lean = -100 * f0 / mass**2 * implied_error(l1 - l0, p[1], n - 1)
    variance = by_fat**2 + by_lean**2 + 2 * np.asarray(correlation) * by_fat * by_lean
    return before, after - before, np.sqrt(variance)


def difference_of_trials(first: Estimate, n_1: float, second: Estimate, n_2: float) -> Estimate:
    """First minus second trial, both in one model: residual variance by trial, arm fixed.

    ``change ~ arm`` with ``residual="study"`` on the moments of each trial's changes, one a person.
    With one trial an arm the variance between trials is not identified and is not in the error; the
    degrees of freedom are Welch's (`welch_df`).

    Raises
    ------
    NotIdentified
        A trial of one person.
    """
    import pandas as pd

    from retrostats.models.linear.fit import lmm
    from retrostats.models.linear.moments.studies import moments_arms

    cells = pd.DataFrame(
        [
            (name, arm, n, found.value, found.std_error * math.sqrt(n))
            for name, arm, n, found in (("second", 0, n_2, second), ("first", 1, n_1, first))
        ],
        columns=["study", "arm", "n", "mean", "sd"],
    )
    return Estimate.of_term(
        lmm("y ~ arm", moments_arms(cells), residual="study"),
        "arm",
        first.scale,
        first.unit,
        (*first.source, *second.source),
        (*first.assumptions, *second.assumptions),
    )
