"""What R's packages are known for, put to R and to retrostats in turn: prints a Markdown table.

    python -m benchmarks.peers [--only CASE ...] [--rounds N] [--r-preload FILE]

Needs Rscript with lme4, lmerTest, emmeans and metafor; a package that is missing is said. Each side
runs in a process of its own, one thread of linear algebra, on the same CSV file, after a warm-up:
processor seconds, medians over rounds. --r-preload names another linear algebra for R, as
libopenblas.so.0: its reference library is slower than the OpenBLAS of numpy. Both sides' are named
under the table. One case takes under a minute.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import pandas as pd

import retrostats as rs
from benchmarks.worker import linear_algebra, peak_mib

ROOT = Path(__file__).resolve().parent
#: Effects of the nested pool: R's takes half a minute for 1,000.
NESTED = 300
#: Studies of the pooled counts: R's takes 46 s for 100.
COUNTED = 20
Run = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Case:
    """A question, how retrostats is asked it, how often it is timed, and how near R's answer is."""

    title: str
    ask: Callable[[Path], Run]
    repeats: int
    r_repeats: int
    differs: float  # largest relative difference of the two answers


def _tukey(name: str) -> Callable[[Path], Run]:
    def ask(folder: Path) -> Run:
        frame = pd.read_csv(folder / f"{name}.csv", dtype={"subject": str})
        fit = rs.lmm("y ~ cell + (1 | subject)", frame, ddf="satterthwaite")
        return lambda: float(fit.emmeans("cell").pairs()["p_value"].iloc[0])

    return ask


def _profile(name: str, formula: str) -> Callable[[Path], Run]:
    def ask(folder: Path) -> Run:
        frame = pd.read_csv(folder / f"{name}.csv")
        factors = [c for c in frame if c not in ("Reaction", "Days", "diameter")]
        fit = rs.lmm(
            formula, frame.assign(**{c: frame[c].astype(str) for c in factors}), reml=False
        )

        def run() -> float:
            limits = fit.conf_int(which="all", method="profile")
            return float(limits.loc[limits["term"] == "(Intercept)", "conf_low"].iloc[0])

        return run

    return ask


def _pool(folder: Path) -> Run:
    frame = pd.read_csv(folder / "effects.csv")
    return lambda: float(rs.pool(frame).estimate)


def _pool_nested(folder: Path) -> Run:
    frame = pd.read_csv(folder / "nested.csv")
    frame["vi"] = frame["std_error"] ** 2
    names = {c: frame[c].astype(str) for c in ("cluster", "study")}
    frame = frame.assign(yi=frame["estimate"], **names).drop(columns=["estimate", "std_error"])
    return lambda: float(rs.pool(frame, random="(1 | cluster/study)", variance="vi").estimate)


def _pool_counts(folder: Path) -> Run:
    frame = pd.read_csv(folder / "counts.csv")
    return lambda: float(rs.pool_counts(frame, measure="rate_ratio").estimate)


def _refits(folder: Path) -> Run:
    frame = pd.read_csv(folder / "ratings.csv", dtype={"subject": str, "item": str})
    fit = rs.lmm("y ~ x + (1 | subject) + (1 | item)", frame)
    return lambda: float(fit.bootstrap(50, seed=1)["x"].mean())


_SLEEP, _PENICILLIN = (
    "Reaction ~ Days + (Days | Subject)",
    "diameter ~ 1 + (1 | plate) + (1 | sample)",
)
CASES = {
    "tukey_6": Case("15 pairs of 6 means, Tukey", _tukey("levels"), 5, 5, 1e-6),
    "tukey_30": Case("435 pairs of 30 means, Tukey", _tukey("cells"), 3, 3, 1e-6),
    "profile_sleepstudy": Case(
        "all profile limits of sleepstudy", _profile("sleepstudy", _SLEEP), 3, 1, 1e-3
    ),
    "profile_penicillin": Case(
        "all profile limits of Penicillin", _profile("Penicillin", _PENICILLIN), 3, 1, 1e-3
    ),
    "pool": Case("a pool of 1,000 studies", _pool, 10, 1, 1e-6),
    "pool_nested": Case("a pool of 300 effects in 60 clusters", _pool_nested, 10, 1, 1e-4),
    "pool_counts": Case("rate ratios of 20 studies", _pool_counts, 5, 1, 1e-3),
    # both draw at random: the means of 50 estimates differ by their own errors
    "refits": Case("50 refits with two crossed terms, 1,440 rows", _refits, 3, 1, 0.1),
}


def tables(folder: Path) -> None:
    """The simulated tables, each from a fixed seed."""
    rng = np.random.default_rng(20261130)
    for name, cells in (("levels", 6), ("cells", 30)):
        subject, cell = np.repeat(np.arange(40), cells), np.tile(np.arange(cells), 40)
        y = 0.05 * cell + rng.normal(size=40)[subject] + rng.normal(size=len(cell))
        labels = [f"c{i:02d}" for i in cell]
        pd.DataFrame({"subject": subject, "cell": labels, "y": y}).to_csv(
            folder / f"{name}.csv", index=False
        )
    std_error = rng.uniform(0.05, 0.5, 1000)
    cluster = np.repeat(np.arange(200), 5)
    effect = 0.2 + 0.2 * rng.normal(size=200)[cluster] + 0.1 * rng.normal(size=1000)
    estimate = effect + std_error * rng.normal(size=1000)
    effects = pd.DataFrame(
        {"study": [f"s{i}" for i in range(1000)], "cluster": [f"k{i}" for i in cluster],
         "estimate": estimate, "std_error": std_error}
    )  # fmt: skip
    effects.to_csv(folder / "effects.csv", index=False)
    effects.head(NESTED).to_csv(folder / "nested.csv", index=False)
    exposure = rng.uniform(50, 500, (2, 100)).round(1)
    rate = 0.05 * np.exp(0.4 * rng.normal(size=100))
    effects = np.stack([np.exp(0.3 + 0.2 * rng.normal(size=100)), np.ones(100)])
    events = rng.poisson(rate * effects * exposure)
    pd.DataFrame(
        {"study": [f"s{i}" for i in range(100)], "events_1": events[0], "total_1": exposure[0],
         "events_2": events[1], "total_2": exposure[1]}
    ).head(COUNTED).to_csv(folder / "counts.csv", index=False)  # fmt: skip
    subject, item = np.repeat(np.arange(60), 24), np.tile(np.arange(24), 60)
    x = rng.normal(size=1440)
    y = 0.3 * x + rng.normal(size=60)[subject] + 0.5 * rng.normal(size=24)[item]
    pd.DataFrame(
        {"subject": subject, "item": [f"i{i}" for i in item], "x": x,
         "y": y + rng.normal(size=1440)}
    ).to_csv(folder / "ratings.csv", index=False)  # fmt: skip


def own(name: str, folder: Path, repeats: int) -> dict[str, Any]:
    """Times of retrostats in this process."""
    run = CASES[name].ask(folder)
    value, spent = run(), []
    for _ in range(repeats):
        start = process_time()
        value = run()
        spent.append(process_time() - start)
    used = linear_algebra()
    return {"cpu": spent, "value": value, "peak_mib": peak_mib(), "with": used}


def _asked(command: list[str], preload: str | None = None) -> dict[str, Any]:
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    where = {"LD_PRELOAD": preload} if preload else {}
    run = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT.parent, check=False,
        env={**os.environ, **one, **where},
    )  # fmt: skip
    if run.returncode:
        return {"failed": (run.stderr.strip().splitlines() or ["no message"])[-1][:160]}
    found: dict[str, Any] = json.loads(run.stdout.strip().splitlines()[-1])
    return found


def compared(name: str, folder: Path, rounds: int, preload: str | None) -> tuple[str, set[str]]:
    """The row of a case, and what both sides ran with."""
    case, script = CASES[name], str(ROOT / "peers.R")
    sides: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
    for _ in range(rounds):
        theirs = _asked(["Rscript", script, name, str(folder), str(case.r_repeats)], preload)
        ours = _asked(
            [sys.executable, "-m", "benchmarks.peers", "--worker", name, str(folder)], None
        )
        for side, one in zip(sides, (theirs, ours), strict=True):
            if "failed" in one:
                return f"| {case.title} | failed: {one['failed']} | | | | |", set()
            side.append(one)
    r, mine = (median([s for one in side for s in one["cpu"]]) for side in sides)
    memory = [max(one["peak_mib"] for one in side) for side in sides]
    values = [side[-1]["value"] for side in sides]
    apart = abs(values[1] - values[0]) / abs(values[0])
    agree = f"{apart:.1e}" + ("" if apart <= case.differs else " (too far)")
    row = (
        f"| {case.title} | {r:.4g} | {mine:.4g} | {r / mine:.3g} | {memory[0]:.0f} / "
        f"{memory[1]:.0f} | {agree} |"
    )
    return row, {sides[0][-1]["with"], "retrostats " + sides[1][-1]["with"]}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), metavar="CASE")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--r-preload", metavar="FILE")
    parser.add_argument("--worker", nargs=2, metavar=("CASE", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        name, folder = options.worker
        print(json.dumps(own(name, Path(folder), CASES[name].repeats)))
        return 0
    used: set[str] = set()
    print("| question | R, CPU s | retrostats, CPU s | ratio | peak MiB | answers apart |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as made:
        tables(Path(made))
        subprocess.run(["Rscript", str(ROOT / "peers.R"), "data", made], check=True)
        for name in options.only:
            row, both = compared(name, Path(made), options.rounds, options.r_preload)
            print(row, flush=True)
            used |= both
    print("\nWith " + "; ".join(sorted(used)) + ".")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
