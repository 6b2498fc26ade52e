"""Reduce a printed change with a p-value: the standard error is recovered, not invented."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np

from retrostats.judge.verdict import Candidate
from retrostats.reduce.reported import Reported, se_from_p
from retrostats.result.estimate import Estimate

#: A p-value read as printed and at both ends of its rounding interval.
P_READINGS = ("as printed", "lowest that rounds to it", "highest that rounds to it")


def p_readings(text: str) -> dict[str, float]:
    """A printed p and the ends of its rounding interval, by the name of the reading."""
    reported = Reported(text)
    return dict(zip(P_READINGS, (reported.value, *reported.interval), strict=True))


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

    from retrostats.mixed.fit import lmm
    from retrostats.mixed.summary import moments_from_summary

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
    fat: tuple[float, float],
    lean: tuple[float, float],
    p_fat: float,
    p_lean: float,
    n: int,
    correlation: float,
) -> tuple[float, float, float]:
    """Change of percent body fat from printed fat and fat-free mass before and after.

    Parameters
    ----------
    fat, lean
        Mean fat mass and fat-free mass before and after [kg].
    p_fat, p_lean
        Two-sided paired p-values of the two changes.
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
    before, after = (100 * f / (f + m) for f, m in zip(fat, lean, strict=True))
    mass = fat[0] + lean[0]
    gradient = np.array([100 * lean[0] / mass**2, -100 * fat[0] / mass**2])
    errors = np.array(
        [se_from_p(fat[1] - fat[0], p_fat, n - 1), se_from_p(lean[1] - lean[0], p_lean, n - 1)]
    )
    weighted = gradient * errors
    variance = weighted @ np.array([[1.0, correlation], [correlation, 1.0]]) @ weighted
    return before, after - before, math.sqrt(variance)


def difference(first: Estimate, second: Estimate) -> Estimate:
    """First minus second of two independent estimates, Welch-Satterthwaite df."""
    v1, v2 = first.std_error**2, second.std_error**2
    df = (v1 + v2) ** 2 / (v1**2 / first.df + v2**2 / second.df)
    return Estimate(
        first.value - second.value,
        math.sqrt(v1 + v2),
        df,
        first.scale,
        first.unit,
        (*first.source, *second.source),
        (*first.assumptions, *second.assumptions),
    )


def combine(*unknowns: Mapping[str, Mapping[str, object]]) -> list[dict[str, tuple[str, object]]]:
    """Every combination of named readings: {unknown: {reading: value}} for each argument."""
    axes = [
        [(name, r, v) for r, v in readings.items()]
        for u in unknowns
        for name, readings in u.items()
    ]
    return [{name: (reading, value) for name, reading, value in combo} for combo in product(*axes)]


def candidate(estimate: Estimate, chosen: Mapping[str, tuple[str, object]]) -> Candidate:
    """Interval of `estimate` under the readings `chosen`."""
    return Candidate(estimate.interval(), {name: reading for name, (reading, _) in chosen.items()})
