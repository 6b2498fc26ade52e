"""A reader's own groups of other people, measured once: what their means and spreads give.

The same effects, by the same formulas, as printed rows of two groups: Welch's t for differences of
means and (by the delta method) log ratios of means, Hedges' g for standardised ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retrostats.common.errors import InputError
from retrostats.evidence.findings.cohorts import CohortEffect, Compared, allocated, outcome_of
from retrostats.evidence.printed.measures import DIFFERENCE, RATIO_OF_MEANS, SMD
from retrostats.evidence.result.estimate import Estimate, Scale

if TYPE_CHECKING:
    import pandas as pd

#: Code of `escalc` for each measure of a pool that groups of people give.
GROUP_MEASURES: Mapping[str, str] = {DIFFERENCE: "MD", RATIO_OF_MEANS: "ROM", SMD: "SMD"}
#: People of each group below whom there is no spread.
LEAST = 2


def group_effect(cohort: Any, by: Compared, code: str) -> CohortEffect:
    """Effect of the first condition's group against the second's, on means of people.

    Parameters
    ----------
    code
        Of `escalc`: "MD", "ROM" or "SMD".

    Raises
    ------
    InputError
        A group of fewer than two people, or without a spread.
    """
    from retrostats.models.meta.effect_sizes import escalc

    outcome = outcome_of(cohort, by)
    keys = ["direction", "subject"]
    people = cohort.frame.groupby(keys, observed=True)[outcome].mean().dropna()
    groups = {name: people.loc[[name]] for name in (by.first, by.second)
              if name in people.index.get_level_values(0)}  # fmt: skip
    name = str(cohort.provenance["name"])
    small = [n for n in (by.first, by.second) if len(groups.get(n, ())) < LEAST]
    if small:
        raise InputError(
            f"cohort {name}: {len(groups.get(small[0], ()))} people under {small[0]}; two or more "
            "in each group have a spread: add people, or leave the cohort out"
        )
    cells = {f"{what}_{i}": [value] for i, part in enumerate((groups[by.first], groups[by.second]),
             1) for what, value in _moments(part)}  # fmt: skip
    if cells["sd_1"] == [0.0] or cells["sd_2"] == [0.0]:
        raise InputError(f"cohort {name}: all values of a group are equal; check {outcome}")
    found = escalc(cells, measure=code).iloc[0]
    scale: Scale = "log_ratio" if code == "ROM" else "difference"
    estimate = Estimate(
        float(found["yi"]), math.sqrt(found["vi"]), _df(cells, code), scale, by.unit, ()
    )
    return CohortEffect(
        estimate, name, f"{name} (own cohort)", by.quantity, len(people),
        note="groups of other people: means and spreads, as of a printed row",
        randomised=allocated(cohort, "direction"),
    )  # fmt: skip


def _moments(values: pd.Series) -> tuple[tuple[str, float], ...]:
    return ("n", len(values)), ("mean", float(values.mean())), ("sd", float(values.std(ddof=1)))


def _df(cells: Mapping[str, list[float]], code: str) -> float:
    """Welch-Satterthwaite's df (Welch 1947, Biometrika 34:28); n - 2 of Hedges' g."""
    (n1,), (n2,) = cells["n_1"], cells["n_2"]
    if code == "SMD":
        return n1 + n2 - 2
    shares = []
    for i, n in ((1, n1), (2, n2)):
        scale = cells[f"mean_{i}"][0] if code == "ROM" else 1.0
        shares.append((cells[f"sd_{i}"][0] / scale) ** 2 / n)
    return sum(shares) ** 2 / (shares[0] ** 2 / (n1 - 1) + shares[1] ** 2 / (n2 - 1))
