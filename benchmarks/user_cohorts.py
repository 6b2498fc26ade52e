"""Coverage of the 95% intervals of own cohorts: repeats, visits, arms, periods, unequal counts.

    python -m benchmarks.user_cohorts [DATA_SETS]

prints the table of docs/calibration.md. People differ in level and in effect, a visit of a person
has an error of its own, and so has each scan of it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from retrostats.audit.audit import load_audit
from retrostats.evidence.findings.changes import cohort_changes, cohort_differences
from retrostats.evidence.findings.cohorts import CohortEffect, Compared, cohort_rates, cohort_ratios

DATA_SETS = 400
SEED = 20240219
CHANGE, LOG_RATIO, LOG_RATE = -2.4, np.log(1.25), np.log(0.6)
PEOPLE = {"equal": (13, 13, 13), "unequal": (13, 8, 6)}
LEVEL_SD, EFFECT_SD, VISIT_SD, SCAN_SD = 3.0, 1.2, 0.6, 0.4


@dataclass(frozen=True)
class Cell:
    """One design: repeats 0 stands for one to four, drawn for each visit."""

    analysis: str
    repeats: int
    visits: int
    arms: int
    people: str

    def count(self, rng: np.random.Generator) -> int:
        """Repeats of one visit."""
        return self.repeats or int(rng.integers(1, 5))


def cells() -> Iterator[Cell]:
    """Every design of the table."""
    for repeats in (1, 3, 0):
        for visits in (1, 4):
            yield Cell("ratio", repeats, visits, 1, "equal")
        for visits in (2, 4):
            yield Cell("change", repeats, visits, 2, "unequal")
            yield Cell("difference", repeats, visits, 2, "equal")
            yield Cell("difference", repeats, visits, 3, "unequal")
        yield Cell("rate", repeats, 2, 1, "equal")


def _own(rows: list[tuple[Any, ...]], names: list[str]) -> Any:
    """Rows as a cohort, with what the analyses look at."""
    return SimpleNamespace(frame=pd.DataFrame(rows, columns=names), provenance={"name": "sim"})


def trial(cell: Cell, by: Compared, rng: np.random.Generator) -> Any:
    """Body fat of arms, visit by visit."""
    rows = []
    kinds = (by.first, by.second, by.control)[: cell.arms]
    for kind, n in zip(kinds, PEOPLE[cell.people], strict=False):
        for i in range(n):
            level = rng.normal(26, LEVEL_SD)
            full = (CHANGE if kind == by.first else 0.0) + rng.normal(0, EFFECT_SD)
            for visit in range(cell.visits):
                at = level + full * visit / (cell.visits - 1) + rng.normal(0, VISIT_SD)
                for _ in range(cell.count(rng)):
                    scan = at + rng.normal(0, SCAN_SD)
                    rows.append((f"{kind}{i}", kind, f"week {visit}", scan))
    rows.sort(key=lambda row: row[2])
    return _own(rows, ["subject", "arm", "time", by.outcomes[0]])


def crossover(cell: Cell, by: Compared, rng: np.random.Generator) -> Any:
    """Cost at one speed a visit in both conditions; ten begin with the second."""
    rows = []
    for i in range(13):
        level, effect = rng.normal(1.5, 0.1), LOG_RATIO + rng.normal(0, 0.06)
        orders = (by.second, by.first) if i < 10 else (by.first, by.second)
        for period, way in enumerate(orders, 1):
            at = level + (effect if way == by.first else 0) + 0.06 * period + rng.normal(0, 0.04)
            for visit in range(cell.visits):
                for _ in range(cell.count(rng)):
                    y = np.exp(at + 0.2 * visit + rng.normal(0, 0.03))
                    rows.append((f"p{i}", way, str(period), 2.0 + visit, y))
    names = ["subject", "direction", "period", "nominal_speed_m_s", by.outcomes[0]]
    return _own(rows, names)


def season(cell: Cell, by: Compared, rng: np.random.Generator) -> Any:
    """Injuries of 40 people in each condition."""
    rows = []
    for i in range(40):
        frailty = rng.normal(0, 0.5)
        for way in (by.first, by.second):
            rate = np.exp(-4.0 + frailty + (LOG_RATE if way == by.first else 0))
            for _ in range(cell.count(rng)):
                hours = rng.uniform(60, 140)
                rows.append((f"p{i}", way, hours, float(rng.poisson(rate * hours))))
    return _own(rows, ["subject", "direction", "exposure_h", by.outcomes[0]])


def analyses() -> dict[str, tuple[Callable[..., Any], Callable[..., list[CohortEffect]],
                                  Compared, float]]:  # fmt: skip
    """How data of an analysis are made, what answers, what is compared, and the truth."""
    audit = load_audit()
    takes = list(audit.topics.values())

    def of(compares: str, counted: bool) -> Compared:
        wanted = (compares, counted)
        topic = next(t for t in takes if t.outcomes and (t.compares, bool(t.counted)) == wanted)
        return Compared(audit.conditions, topic.outcomes, "", "", gait=topic.gait)

    arms, cost, counts = of("arm", False), of("direction", False), of("direction", True)
    return {
        "ratio": (crossover, cohort_ratios, cost, LOG_RATIO),
        "change": (trial, cohort_changes, arms, CHANGE),
        "difference": (trial, cohort_differences, arms, CHANGE),
        "rate": (season, cohort_rates, counts, LOG_RATE),
    }


def held(cell: Cell, data_sets: int, seed: int = SEED) -> np.ndarray:
    """Whether each data set's interval holds the truth."""
    make, answer, by, truth = analyses()[cell.analysis]
    found = []
    for i in range(data_sets):
        names = [cell.repeats, cell.visits, cell.arms, len(cell.people), len(cell.analysis)]
        rng = np.random.default_rng([seed, i, *names])
        (effect,) = answer([make(cell, by, rng)], by)
        estimate = effect.estimate
        half = stats.t.isf(0.025, estimate.df) * estimate.std_error
        found.append(abs(estimate.value - truth) <= half)
    return np.array(found)


def main(data_sets: int = DATA_SETS) -> None:
    """Print the table."""
    print("| analysis | repeats | visits or speeds | arms | people an arm | held the truth, % |")
    print("|---|---|---|---|---|---|")
    for cell in cells():
        share = 100 * held(cell, data_sets).mean()
        repeats = cell.repeats or "1 to 4"
        people = {"ratio": "13", "rate": "40"}.get(
            cell.analysis, ", ".join(map(str, PEOPLE[cell.people][: cell.arms]))
        )
        design = f"{cell.analysis} | {repeats} | {cell.visits} | {cell.arms}"
        print(f"| {design} | {people} | {share:.1f} |", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
