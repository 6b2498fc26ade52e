"""Where the time of `python -m retrostats.replicate` goes, step by step.

python -m benchmarks.main_job [--runs N] [--functions N] [--write]

Wall and CPU seconds of each step of a cold run with all figures in three formats, the median of
several runs; CPU seconds count the second process that makes figures into files. With
`--functions`, the functions that take most time of their own as well (which slows the run);
`--write` keeps the table in benchmarks/main_job.md beside that of before.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

KEPT = Path(__file__).with_suffix(".md")
STEPS = (
    "Importing the path",
    "Reading the published numbers",
    "Estimating and pooling: Metabolic cost",
    "Exploring what was not printed: Metabolic cost",
    "Estimating and pooling: Ligament injury",
    "Exploring what was not printed: Ligament injury",
    "Estimating and pooling: Body fat in six weeks",
    "Exploring what was not printed: Body fat in six weeks",
    "Judging the claims",
    "Drawing the figures and writing the results",
)
#: (wall, CPU) of each step when every file drew its figure anew: quiet, the same machine and day.
BEFORE = (
    (1.00, 1.01), (0.42, 0.42), (0.75, 0.75), (1.08, 1.09), (0.23, 0.23),
    (0.16, 0.15), (0.07, 0.07), (0.22, 0.22), (0.83, 0.84), (5.58, 8.99),
)  # fmt: skip
ABOUT = """# The main job, step by step

`python -m benchmarks.main_job --write`: median of {runs} runs in fresh processes, all figures in
three formats, {cores} cores, load {load:.1f} when it began{ahead}.
CPU seconds count the second process that makes figures into files; they grow on a busy machine, and
wall seconds more. “Before” is of the same day, when every file drew its figure anew, every PDF cut
its fonts and tables were checked by pandera; a machine's speed moves by a fifth from hour to hour.

"""
_ONE_RUN = """
import sys
from retrostats.common.exit_codes import as_one_command
as_one_command()
from benchmarks.main_job import one_run
one_run(int(sys.argv[1]))
"""


def one_run(functions: int) -> None:
    """Run the main job in this process; print (wall, CPU) at the start of each step as JSON."""
    import cProfile
    import pstats
    import tempfile
    import time

    marks: list[tuple[str, float, float]] = []

    def mark(line: str) -> None:
        used = os.times()
        marks.append((line, time.perf_counter(), sum(used[:4])))

    profile = cProfile.Profile()
    if functions:
        profile.enable()
    mark(STEPS[0])
    from retrostats.app.path import replicate

    with tempfile.TemporaryDirectory() as folder:
        replicate(out=Path(folder) / "results", progress=mark)
        mark("")
    profile.disable()
    print(json.dumps(marks))
    if functions:
        pstats.Stats(profile).sort_stats("tottime").print_stats(functions)


def measured(runs: int, functions: int = 0) -> tuple[dict[str, tuple[float, float]], str]:
    """Medians of wall and CPU seconds by step over fresh processes; the profile of the last."""
    found: dict[str, list[tuple[float, float]]] = {}
    profiled = ""
    for _ in range(runs):
        command = [sys.executable, "-c", _ONE_RUN, str(functions)]
        ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        line, profiled = ran.stdout.split("\n", 1)
        marks = json.loads(line)
        for (step, wall, cpu), (_, wall2, cpu2) in pairwise(marks):
            found.setdefault(step, []).append((wall2 - wall, cpu2 - cpu))
        whole = (marks[-1][1] - marks[0][1], marks[-1][2] - marks[0][2])
        found.setdefault("all", []).append(whole)
    medians = {
        step: (
            statistics.median(wall for wall, _ in times),
            statistics.median(cpu for _, cpu in times),
        )
        for step, times in found.items()
    }
    return medians, profiled


def _ahead() -> str:
    """Whether this process goes before all others, as under `chrt -r 1`."""
    scheduler = getattr(os, "sched_getscheduler", None)
    first = scheduler is not None and scheduler(0) != os.SCHED_OTHER
    return ", at a priority before all other work" if first else ""


def table(now: dict[str, tuple[float, float]]) -> str:
    """The steps, before and now."""
    old = dict(zip(STEPS, BEFORE, strict=True))
    old["all"] = (sum(wall for wall, _ in BEFORE), sum(cpu for _, cpu in BEFORE))
    lines = ["| step | before: wall, s | CPU, s | now: wall, s | CPU, s |", "|---|---|---|---|---|"]
    for step, (wall, cpu) in now.items():
        before = "{:.2f} | {:.2f}".format(*old[step]) if step in old else " | "
        lines.append(f"| {step} | {before} | {wall:.2f} | {cpu:.2f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.main_job")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--functions", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    load = os.getloadavg()[0]
    now, profiled = measured(chosen.runs, chosen.functions)
    about = ABOUT.format(runs=chosen.runs, cores=os.cpu_count(), load=load, ahead=_ahead())
    text = f"{about}{table(now)}\n"
    print(text + profiled)
    if chosen.write:
        KEPT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
