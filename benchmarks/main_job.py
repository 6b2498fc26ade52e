"""Where the time of `python -m retrostats.replicate` goes, step by step.

python -m benchmarks.main_job [--functions N]

Wall and CPU seconds of each step of a cold run with all figures in three formats; with
`--functions`, the functions that take most time of their own as well (which slows the run).
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import tempfile
import time
from itertools import pairwise
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.main_job")
    parser.add_argument("--functions", type=int, default=0)
    shown = parser.parse_args().functions
    marks: list[tuple[float, float, str]] = []

    def mark(line: str) -> None:
        marks.append((time.perf_counter(), time.process_time(), line))

    profile = cProfile.Profile()
    if shown:
        profile.enable()
    mark("Importing the path")
    import retrostats as rs

    with tempfile.TemporaryDirectory() as folder:
        rs.replicate(out=Path(folder) / "results", progress=mark)
        mark("all")
    profile.disable()
    print("| step | wall, s | CPU, s |\n|---|---|---|")
    for (wall, cpu, step), (wall2, cpu2, _) in pairwise(marks):
        print(f"| {step} | {wall2 - wall:.2f} | {cpu2 - cpu:.2f} |")
    print(f"| all | {marks[-1][0] - marks[0][0]:.2f} | {marks[-1][1] - marks[0][1]:.2f} |")
    if shown:
        pstats.Stats(profile).sort_stats("tottime").print_stats(shown)


if __name__ == "__main__":
    main()
