"""What moments cost on a cluster: a model of three constants, and a run that it did not see.

python -m benchmarks.cluster [--folder DIR]

Local clusters of one and two worker processes with a thread each. Times are processor seconds of
the workers, since the machine may be busy; wall seconds stand beside them. Files are written to a
temporary folder (700 MB) and deleted.
"""

from __future__ import annotations

import argparse
import pickle
import tempfile
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

import dask.dataframe as dd
import numpy as np
import pandas as pd
from distributed import Client, LocalCluster, wait
from scipy.optimize import nnls

import retrostats as rs
from retrostats.models.linear.streamed.dask import FAN

FORMULA = "y ~ x + (x | subject)"
#: Rows, partitions and subjects of the runs that give the constants.
FITTED = [
    (1_000_000, 4, 10_000),
    (1_000_000, 16, 10_000),
    (1_000_000, 4, 300_000),
    (3_000_000, 16, 300_000),
    (10_000_000, 8, 10_000),
    (10_000_000, 32, 100_000),
]
#: And of those that they are to predict.
HELD_OUT = [(3_000_000, 24, 100_000), (30_000_000, 30, 200_000)]
#: What the model is for: rows, partitions, subjects, workers, bytes a second of a worker's link.
WANTED = (1e10, 1000, 1e6, 100, 1e9)


class Run(NamedTuple):
    rows: int
    partitions: int
    subjects: int
    workers: int
    wall: float
    cpu: float


def write(folder: Path, rows: int, partitions: int, subjects: int) -> None:
    """One file a partition; subjects are anywhere."""
    rng = np.random.default_rng(7)
    effects = rng.normal(size=(subjects, 2)) * [1.0, 0.3]
    for i in range(partitions):
        n = rows // partitions
        who, x = rng.integers(0, subjects, n), rng.normal(size=n)
        y = 2 + 0.3 * x + effects[who, 0] + effects[who, 1] * x + rng.normal(size=n)
        frame = pd.DataFrame({"subject": who, "x": x, "y": y})
        frame.to_parquet(folder / f"part{i:04}.parquet", index=False)


def spent(client: Client) -> float:
    """Processor seconds of all workers so far."""
    return float(sum(client.run(process_time).values()))


def measure(client: Client, size: tuple[int, int, int], folder: str | None) -> Run:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        write(Path(name), *size)
        data = dd.read_parquet(name)
        before, start = spent(client), perf_counter()
        moments = rs.moments(FORMULA, data)
        wall, cpu = perf_counter() - start, spent(client) - before
        assert moments.n_obs == size[0] // size[1] * size[1]
    return Run(*size, len(client.nthreads()), wall, cpu)


def pairs_of(run: Any) -> float:
    """Subjects of all partitions together, where rows are spread at random."""
    rows, partitions, subjects = run[:3]
    return float(partitions * subjects * -np.expm1(-rows / partitions / subjects))


def drivers(run: Any) -> list[float]:
    """What the processor time is taken to be proportional to: rows, subjects sent, tasks."""
    return [run[0], pairs_of(run), run[1] * FAN / (FAN - 1)]


def constants(runs: list[Run]) -> np.ndarray:
    """Seconds a row, a subject of a partition and a task, by relative least squares."""
    used = np.array([run.cpu for run in runs])
    table = np.array([drivers(run) for run in runs])
    return nnls(table / used[:, None], np.ones(len(runs)))[0]


def merging(subjects: int) -> tuple[float, float]:
    """Bytes and seconds for each subject of the sums of a partition that are added to others."""
    rng = np.random.default_rng(1)
    who = np.concatenate([rng.permutation(subjects), rng.permutation(subjects)])
    frame = pd.DataFrame({"subject": who, "x": rng.normal(size=2 * subjects)})
    frame["y"] = frame["x"] + rng.normal(size=2 * subjects)
    data = dd.from_pandas(frame, npartitions=1)
    one, two = (rs.moments(FORMULA, data).sums for _ in range(2))
    start = process_time()
    one.merge(two)
    return len(pickle.dumps(two, protocol=5)) / subjects, (process_time() - start) / subjects


def empty_task(client: Client, n: int = 2000) -> float:
    """Wall seconds of one task that does nothing."""
    start = perf_counter()
    wait(client.map(partial(pow, 2), range(n), pure=False))
    return (perf_counter() - start) / n


def report(runs: list[Run], held: list[Run], each: tuple[float, float, float]) -> None:
    found = constants(runs)
    size, merge, task = each
    print("| rows | partitions | subjects | workers | wall, s | CPU, s | predicted CPU, s | |")
    print("|---|---|---|---|---|---|---|---|")
    for run in [*runs, *held]:
        score = float(found @ drivers(run))
        error = f"{100 * (score / run.cpu - 1):+.0f}%" + ("" if run in runs else ", not fitted")
        print(
            f"| {run.rows:.0e} | {run.partitions} | {run.subjects:.0e} | {run.workers} "
            f"| {run.wall:.2f} | {run.cpu:.2f} | {score:.2f} | {error} |"
        )
    print(
        f"\nA row {found[0]:.2e} s, a subject of a partition {found[1]:.2e} s, a task "
        f"{found[2]:.2e} s; {size:.0f} bytes and {merge:.2e} s to add a subject of a partition to "
        f"others; {task:.1e} s (wall) the scheduler, a task."
    )
    rows, partitions, subjects, workers, link = WANTED
    levels = int(np.ceil(np.log(partitions) / np.log(FAN)))
    tasks = partitions * FAN / (FAN - 1)
    whole = float(found @ drivers(WANTED)) / workers
    tree = levels * (FAN - 1) * subjects * (size / link + merge)
    one = partitions * subjects * (size / link + merge)
    print(
        f"\n{rows:.0e} rows, {partitions:,} partitions, {subjects:.0e} subjects in each, "
        f"{workers} workers, {link / 1e9:g} GB/s: work of the workers {whole:.0f} s, the scheduler "
        f"{tasks * task:.1f} s, the last sums {tree:.1f} s in a tree of {levels} levels ({one:.0f} "
        f"s if one machine took all {partitions * subjects * size / 1e9:.0f} GB)."
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster")
    parser.add_argument("--folder")
    options = parser.parse_args()
    runs: list[Run] = []
    held: list[Run] = []
    for workers in (1, 2):
        with (
            LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as local,
            Client(local) as client,
        ):
            measure(client, (100_000, 4, 1_000), options.folder)  # imports
            if workers == 1:
                runs += [measure(client, size, options.folder) for size in FITTED]
                task = empty_task(client)
            held += [measure(client, size, options.folder) for size in HELD_OUT]
    report(runs, held, (*merging(300_000), task))


if __name__ == "__main__":
    main()
