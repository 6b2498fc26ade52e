"""Time and peak memory of loading a large table, beside plain pandas.

python -m benchmarks.readers [--rows N]

Each reading runs in a process of its own, in turn; peak memory is that of the whole process, less
what the process held after its imports.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

ROUNDS = 3
READ = {
    "retrostats": "import retrostats as rs\nfrom retrostats.read import cohort, delimited\n"
    "import pandera.pandas\nmark()\nout = rs.load_cohort(path).frame",
    "pandas": "import pandas as pd\nmark()\n"
    "out = pd.read_csv(path) if path.endswith('csv') else pd.read_parquet(path)",
}
WORKER = """
import json, sys, time
path = sys.argv[1]
before = 0
start = 0.0
def rss():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(n.split()[1]) / 1024 for n in lines if n.startswith("VmHWM"))
def mark():
    global before, start
    before, start = rss(), time.perf_counter()
{read}
print(json.dumps([time.perf_counter() - start, rss() - before, len(out)]))
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


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.readers")
    parser.add_argument("--rows", type=int, default=5_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as name:
        files = [Path(name) / "cohort.csv", Path(name) / "cohort.parquet"]
        frame = table(rows)
        frame.to_csv(files[0], index=False)
        frame.to_parquet(files[1], index=False)
        del frame
        print("| file | reader | rows | seconds | peak MiB | ratio |\n|---|---|---|---|---|---|")
        for file in files:
            found: dict[str, list[list[float]]] = {reader: [] for reader in READ}
            for _ in range(ROUNDS):
                for reader, read in READ.items():
                    code = WORKER.replace("{read}", read)
                    done = subprocess.run(
                        [sys.executable, "-c", code, str(file)],
                        capture_output=True, text=True, check=True,
                    )  # fmt: skip
                    found[reader].append(json.loads(done.stdout.splitlines()[-1]))
            plain = statistics.median(run[0] for run in found["pandas"])
            for reader, runs in found.items():
                seconds = statistics.median(run[0] for run in runs)
                size = file.stat().st_size / 2**20
                print(
                    f"| {file.suffix[1:]}, {size:.0f} MiB | {reader} | {runs[0][2]:.0f} "
                    f"| {seconds:.2f} | {max(run[1] for run in runs):.0f} | {seconds / plain:.1f} |"
                )


if __name__ == "__main__":
    main()
