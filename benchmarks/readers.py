"""Time and peak memory of loading a large table, beside its peers, and of replicating with one.

python -m benchmarks.readers [--rows N] [--rounds N] [--only load|spreadsheet|replicate]

Each run is a process of its own, in turn; the median of the rounds is shown. Peak memory of loading
is that of the process less what it held after its imports, without the child that parses; that of a
replication is all of it. polars is beside pandas where it is installed. The last result, with the
machine, is in readers.md.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

READ = {
    "retrostats": "import pandas, pyarrow.compute, pyarrow.csv, retrostats as rs\n"
    "from retrostats.io.cohort import cohort\n"
    "from retrostats.io.tables import delimited, statistical\nmark()\n"
    "out = rs.load_cohort(path).frame",
    "pandas": "import pandas as pd\nmark()\n"
    "out = pd.read_csv(path) if path.endswith('csv') else pd.read_parquet(path)",
}
if find_spec("polars"):  # no dependency of the package
    READ["polars"] = (
        "import polars as pl\nmark()\n"
        "out = pl.read_csv(path) if path.endswith('csv') else pl.read_parquet(path)"
    )
#: An .xlsx file: all of a cohort, and its cells alone by two readers of spreadsheets.
READ_XLSX = {
    "retrostats": READ["retrostats"],
    "calamine": "import python_calamine as p\nmark()\n"
    "out = p.CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()[1:]",
    "openpyxl": "import openpyxl\nmark()\n"
    "sheet = openpyxl.load_workbook(path, read_only=True, data_only=True).active\n"
    "out = list(sheet.iter_rows(values_only=True))[1:]",
}
#: Rows and further columns of the spreadsheet: a million cells.
SHEET_ROWS, SHEET_COLUMNS = 50_000, 15
WORKER = """
import json, os, sys, time
path = sys.argv[1]
before = 0
start = cpu = 0.0
def rss():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(n.split()[1]) / 1024 for n in lines if n.startswith("VmHWM"))
def mark():
    global before, start, cpu
    before, start, cpu = rss(), time.perf_counter(), time.process_time()
{read}
wall, own = time.perf_counter() - start, time.process_time() - cpu
if "retrostats" in sys.modules:
    sys.modules["retrostats.io.bounded.parent"].end_child()
children = sum(os.times()[2:4])  # of the child that parses
print(json.dumps([wall, own + children, rss() - before, len(out)]))
"""


def table(rows: int) -> pd.DataFrame:
    """People by direction by speed, each once, with uptake and heart rate."""
    rng = np.random.default_rng(1)
    people = max(rows // 100, 2)
    index = np.arange(people * 100)
    return pd.DataFrame(
        {
            "subject": index // 100,
            "direction": np.where(index % 2, "backward", "forward"),
            "speed (km/h)": 5 + 0.1 * ((index // 2) % 50),
            "VO2 (ml/kg/min)": rng.normal(35, 5, len(index)).round(2).clip(10, 80),
            "HR (bpm)": rng.integers(90, 190, len(index)),
        }
    )


def cohort(people: int, each: int) -> pd.DataFrame:
    """Runs of people in both directions at five speeds; backward costs a little more a person."""
    rng = np.random.default_rng(1)
    at = np.arange(people * each)
    back = at % 2 == 1
    usual, more = rng.normal(35, 4, people), np.exp(rng.normal(0.25, 0.1, people))
    vo2 = usual[at // each] * np.where(back, more[at // each], 1) + rng.normal(0, 1.5, len(at))
    return pd.DataFrame(
        {
            "subject": np.char.add("p", (at // each).astype(str)),
            "direction": np.where(back, "backward", "forward"),
            "speed (km/h)": 6 + 0.5 * ((at // 2) % 5),
            "VO2 (ml/kg/min)": vo2.clip(10, 95).round(8),  # all different: a repeat is a copy
        }
    )


def load(folder: Path, rows: int, rounds: int) -> None:
    """Loading a CSV and a Parquet file by the package and by its peers."""
    files = [folder / "cohort.csv", folder / "cohort.parquet"]
    frame = table(rows)
    frame.to_csv(files[0], index=False)
    frame.to_parquet(files[1], index=False)
    del frame
    print("| file | reader | rows | wall, s | CPU, s | peak MiB | wall ratio | CPU ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for file in files:
        _compare(file, READ, "pandas", rounds)


def spreadsheet(folder: Path, rounds: int) -> None:
    """Loading an .xlsx file by the package, and its cells alone by calamine and openpyxl."""
    frame = table(SHEET_ROWS)
    rng = np.random.default_rng(2)
    for i in range(SHEET_COLUMNS):
        frame[f"note {i}"] = rng.normal(10, 3, len(frame)).round(3)
    file = folder / "cohort.xlsx"
    frame.to_excel(file, index=False)
    print("\n| file | reader | rows | wall, s | CPU, s | peak MiB | wall ratio | CPU ratio |")
    print("|---|---|---|---|---|---|---|---|")
    _compare(file, READ_XLSX, "calamine", rounds)


def _compare(file: Path, read_by: dict[str, str], peer: str, rounds: int) -> None:
    """One line a reader: medians of rounds in turn, and ratios to a peer."""
    found: dict[str, list[list[float]]] = {reader: [] for reader in read_by}
    for _ in range(rounds):
        for reader, read in read_by.items():
            code = WORKER.replace("{read}", read)
            done = subprocess.run(
                [sys.executable, "-c", code, str(file)],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            found[reader].append(json.loads(done.stdout.splitlines()[-1]))
    medians = {reader: _medians(runs) for reader, runs in found.items()}
    size = file.stat().st_size / 2**20
    for reader, (wall, cpu, peak, count) in medians.items():
        print(
            f"| {file.suffix[1:]}, {size:.0f} MiB | {reader} | {count:.0f} | {wall:.2f} "
            f"| {cpu:.2f} | {peak:.0f} | {wall / medians[peer][0]:.1f} "
            f"| {cpu / medians[peer][1]:.1f} |",
            flush=True,
        )


def replicate(folder: Path, rounds: int) -> None:
    """The whole replication without a cohort, and with a million rows of few or many people."""
    shapes = {"no cohort": None, "1,000 people x 1,000 rows": (1000, 1000),
              "100,000 people x 10 rows": (100_000, 10)}  # fmt: skip
    runs: dict[str, list[list[float]]] = {name: [] for name in shapes}
    commands = {}
    for i, (name, shape) in enumerate(shapes.items()):
        command = [sys.executable, "-m", "retrostats.replicate", "--out", str(folder / f"out{i}")]
        if shape:
            file = folder / f"cohort{i}.csv"
            cohort(*shape).to_csv(file, index=False)
            command += ["--cohort", str(file)]
        commands[name] = command
    for _ in range(rounds):
        for name, command in commands.items():
            runs[name].append(_run(command))
    print("\n| replication with | wall, s | CPU, s | peak MiB |\n|---|---|---|---|")
    for name, found in runs.items():
        wall, cpu, peak = _medians(found)
        print(f"| {name} | {wall:.1f} | {cpu:.1f} | {peak:.0f} |", flush=True)


def _run(command: list[str]) -> list[float]:
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {process.returncode}")
    return [time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]


def _medians(runs: list[list[float]]) -> list[float]:
    return [statistics.median(values) for values in zip(*runs, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.readers")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("load", "spreadsheet", "replicate"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if options.only in (None, "load"):
            load(Path(name), options.rows, options.rounds)
        if options.only in (None, "spreadsheet"):
            spreadsheet(Path(name), options.rounds)
        if options.only in (None, "replicate"):
            replicate(Path(name), options.rounds)


if __name__ == "__main__":
    main()
