"""The data sets of the benchmarks, each from a fixed seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True)
class Task:
    """A row of the table: what is fitted, to which data, how often."""

    name: str
    title: str
    formula: str
    refits: int = 0


TASKS = {
    t.name: t
    for t in (
        Task(
            "frame",
            "one small fit with Kenward-Roger, from formula and DataFrame",
            "y ~ time * arm + (1 | subject)",
        ),
        Task("prepared", "the same from prepared moments", "y ~ time * arm + (1 | subject)"),
        Task("boot_trial", "10,000 refits of the trial", "y ~ time * arm + (1 | subject)", 10_000),
        Task(
            "boot_slope",
            "10,000 refits of a 10-subject crossover with a random slope",
            "y ~ direction + (direction | subject)",
            10_000,
        ),
        Task(
            "big",
            "{rows:,} rows, {subjects:,} subjects, random slope, from a DataFrame",
            "y ~ x + (x | subject)",
        ),
    )
}


def trial() -> pd.DataFrame:
    """13 + 13 subjects measured twice, nothing but noise between arms."""
    rng = np.random.default_rng(20050101)
    subject = np.repeat(np.arange(26), 2)
    y = 10.0 + rng.normal(size=26)[subject] + rng.normal(size=52)
    return pd.DataFrame(
        {
            "subject": np.char.add("s", subject.astype(str)),
            "time": np.tile([0.0, 1.0], 26),
            "arm": (subject % 2).astype(float),
            "y": y,
        }
    )


def crossover() -> pd.DataFrame:
    """10 subjects, 4 observations in each of 2 directions."""
    rng = np.random.default_rng(20050102)
    subject, direction = np.repeat(np.arange(10), 8), np.tile(np.repeat([0.0, 1.0], 4), 10)
    y = rng.normal(size=10)[subject] + (0.5 + 0.5 * rng.normal(size=10)[subject]) * direction
    return pd.DataFrame(
        {
            "subject": np.char.add("s", subject.astype(str)),
            "direction": direction,
            "y": y + 0.5 * rng.normal(size=80),
        }
    )


def big(rows: int = 1_000_000) -> pd.DataFrame:
    """100 rows a subject, a continuous covariate, random intercept and slope."""
    rng = np.random.default_rng(20050103)
    subject = np.repeat(np.arange(rows // 100), 100)
    x = rng.normal(size=rows)
    b = rng.normal(size=(rows // 100, 2)) * [1.0, 0.5]
    y = 1.0 + 0.3 * x + b[subject, 0] + b[subject, 1] * x + rng.normal(size=rows)
    return pd.DataFrame({"subject": subject, "x": x, "y": y})


def load(task: str, rows: int) -> pd.DataFrame:
    """The data of a task."""
    if task == "big":
        return big(rows)
    return crossover() if task == "boot_slope" else trial()


def write_for_r(folder: Path, rows: int) -> None:
    """The same data where R can read them: CSV, and raw doubles for the long one."""
    for task in TASKS:
        if task != "big":
            load(task, rows).to_csv(folder / f"{task}.csv", index=False, float_format="%.17g")
    frame = big(rows)
    for column in frame:
        frame[column].to_numpy(dtype=float).tofile(folder / f"big_{column}.bin")
