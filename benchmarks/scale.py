"""Rows that are streamed from Parquet, beside DuckDB summing the same columns by subject.

python -m benchmarks.scale [--rows 1e6 1e7 1e8] [--subjects 1e4 1e6] [--items N] [--folder DIR]

Each reading runs in a process of its own, on all cores, DuckDB's and ours in turn three times; the
medians are printed. Files are written to a temporary folder (2 GB for 1e8 rows) and deleted. The
pass reads every row once; the fit, with a random slope and Satterthwaite's degrees of freedom,
comes after it. With --items each row has one of so many items too, which are crossed with the
subjects; DuckDB then sums by both.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

PIECE = 1 << 20
ROUNDS = 3
WORKER = """
import json, resource, sys, time
path, items = sys.argv[1], int(sys.argv[2])
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(n.split()[1]) / 1024 for n in lines if n.startswith("VmHWM"))
def clock():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), used.ru_utime + used.ru_stime
{read}
"""
OURS = """
import retrostats as rs
import retrostats.models.linear.fit, retrostats.models.linear.reducing, pyarrow.dataset
formula = "y ~ x + (x | subject)" + (" + (1 | item)" if items else "")
wall, cpu = clock()
moments = rs.moments(formula, path)
wall2, cpu2 = clock()
high = peak()
fit = rs.lmm(formula, moments, ddf="satterthwaite")
df = fit.coefficients["df"]
wall3, cpu3 = clock()
print(json.dumps([wall2 - wall, cpu2 - cpu, high, wall3 - wall2, cpu3 - cpu2, peak()]))
"""
DUCKDB = """
import duckdb
wall, cpu = clock()
by = "subject, item" if items else "subject"
query = f"select {by}, count(*), sum(x), sum(y) from '{path}' group by {by}"
rows = duckdb.sql(query).to_arrow_table().num_rows
wall2, cpu2 = clock()
print(json.dumps([wall2 - wall, cpu2 - cpu, peak()]))
"""


def write(path: Path, rows: int, subjects: int, items: int) -> None:
    """Subjects anywhere in the file, each with a level and a slope of its own; items of a level."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(7)
    effects = rng.normal(size=(subjects, 2)) * [1.0, 0.3]
    levels = 0.5 * rng.normal(size=items)
    of_item = [("item", pa.int64())] if items else []
    numbers = [("x", pa.float64()), ("y", pa.float64())]
    names = pa.schema([("subject", pa.int64()), *of_item, *numbers])
    with pq.ParquetWriter(path, names, use_dictionary=False) as writer:
        for start in range(0, rows, PIECE):
            n = min(PIECE, rows - start)
            who, x = rng.integers(0, subjects, n), rng.normal(size=n)
            y = 2 + 0.3 * x + effects[who, 0] + effects[who, 1] * x + rng.normal(size=n)
            which = [rng.integers(0, items, n)] if items else []
            y = y + sum(levels[at] for at in which)
            writer.write_table(pa.table([who, *which, x, y], schema=names), row_group_size=PIECE)


def run(read: str, path: Path, items: int) -> list[float]:
    code = WORKER.replace("{read}", read)
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), str(items)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("--rows", type=float, nargs="+", default=[1e6, 1e7, 1e8])
    parser.add_argument("--subjects", type=float, nargs="+", default=[1e4, 1e6])
    parser.add_argument("--items", type=int, default=0)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    print(
        "| rows | subjects | pass, s (CPU) | rows a second | peak MiB | fit, s (CPU) | peak MiB "
        "| DuckDB's sums, s (CPU) | peak MiB | pass / DuckDB (CPU) |\n" + "|---" * 10 + "|"
    )
    for rows in map(int, options.rows):
        for subjects in map(int, options.subjects):
            if subjects * 2 > rows:
                continue
            with tempfile.TemporaryDirectory(dir=options.folder) as folder:
                path = Path(folder) / "rows.parquet"
                write(path, rows, subjects, options.items)
                both = [
                    (run(DUCKDB, path, options.items), run(OURS, path, options.items))
                    for _ in range(ROUNDS)
                ]
            theirs, ours = (np.median(found, axis=0) for found in zip(*both, strict=True))
            print(
                f"| {rows:.0e} | {subjects:.0e} | {ours[0]:.2f} ({ours[1]:.2f}) "
                f"| {rows / ours[0]:.2g} | {ours[2]:.0f} | {ours[3]:.2f} ({ours[4]:.2f}) "
                f"| {ours[5]:.0f} | {theirs[0]:.2f} ({theirs[1]:.2f}) | {theirs[2]:.0f} "
                f"| {ours[0] / theirs[0]:.1f} ({ours[1] / theirs[1]:.1f}) |",
                flush=True,
            )


if __name__ == "__main__":
    main()
