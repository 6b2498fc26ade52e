"""Run every engine on the same data in turn and write benchmarks/results.md.

python -m benchmarks [--quick] [--only TASK ...] [--peer-python PATH] [--rscript PATH]
    [--r-preload FILE] [--out FILE]

retrostats and statsmodels run in this interpreter; the Python peers in the one that --peer-python
(or RETROSTATS_BENCH_PYTHON) names, R where Rscript is found. Absent engines are listed as absent.
With --only, the tables of those tasks are printed and nothing is written. --r-preload names another
linear algebra for R, as libopenblas.so.0; that of each engine stands under the tables.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.calibration import retrostats_rates, statsmodels_rates
from benchmarks.data import TASKS, write_for_r
from benchmarks.engines import ENGINES, NOTES, R_ENGINES

HERE = Path(__file__).resolve().parent
TITLE = "Run every engine on the same data in turn and write benchmarks/results.md."
OWN = ("retrostats", "retrostats, jobs=2", "statsmodels")
Results = dict[tuple[str, str], dict]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help="one round, fewer rows and trials")
    parser.add_argument("--only", nargs="+", choices=TASKS, metavar="TASK")
    parser.add_argument("--r-preload", metavar="FILE")
    parser.add_argument("--peer-python", default=os.environ.get("RETROSTATS_BENCH_PYTHON"))
    parser.add_argument("--rscript", default=shutil.which("Rscript"))
    parser.add_argument("--out", type=Path, default=HERE / "results.md")
    options = parser.parse_args()
    rows = 100_000 if options.quick else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        write_for_r(Path(folder), rows)
        results = run_all(options, rows, 1 if options.quick else 3, Path(folder))
    if options.only:
        print(report(results, [], rows, quick=options.quick))
        return 0
    rates = retrostats_rates(2_000 if options.quick else 10_000)
    rates += statsmodels_rates(100 if options.quick else 2_000)
    text = report(results, rates, rows, quick=options.quick)
    print(text)
    options.out.write_text(text, encoding="utf-8")
    return 0


def run_all(options: argparse.Namespace, rows: int, rounds: int, folder: Path) -> Results:
    """Rounds in which the engines take turns, so that a busy minute hits all alike."""
    results: Results = {}
    for task in options.only or TASKS:
        for round_ in range(rounds):
            for engine in [*ENGINES, *R_ENGINES]:
                known = results.get((engine, task), {})
                if "absent" in known or "failed" in known:
                    continue
                command = _command(options, engine, task, rows, folder)
                if command is None:
                    continue
                print(f"{task}, round {round_ + 1}: {engine}", file=sys.stderr)
                one = _run(command, options.r_preload if engine in R_ENGINES else None)
                if "times" in one and "times" in known:
                    one["times"] = known["times"] + one["times"]
                    one["peak_mib"] = max(one["peak_mib"], known["peak_mib"])
                results[engine, task] = one
    return results


def _command(
    options: argparse.Namespace, engine: str, task: str, rows: int, folder: Path
) -> list[str] | None:
    """How to run one engine on one task; None where the engine does not do it."""
    if engine in R_ENGINES:
        if task not in R_ENGINES[engine]:
            return None
        if options.rscript is None:
            return []
        made = R_ENGINES[engine][task]
        numbers = [str(made), str(TASKS[task].refits), "10" if task == "frame" else "1"]
        formula = TASKS[task].formula
        worker = str(HERE / "worker.R")
        return [options.rscript, worker, engine, task, formula, *numbers, str(folder)]
    if task not in ENGINES[engine]:
        return None
    python = sys.executable if engine in OWN else options.peer_python
    if python is None:
        return []
    repeats = {"frame": 30, "prepared": 100, "big": 1}.get(task, 3)
    if engine in ("statsmodels", "mixedlm") and task.startswith("boot"):
        repeats = 1
    return [python, "-m", "benchmarks.worker", engine, task, str(repeats), str(rows)]


def _run(command: list[str], preload: str | None) -> dict:
    if not command:
        return {"absent": True}
    environment = {
        **os.environ,
        "PYTHONPATH": str(HERE.parent),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        **({"LD_PRELOAD": preload} if preload else {}),
    }
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=HERE.parent, check=False
    )
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["no message"])[-1][:160]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def report(results: Results, rates: list[dict], rows: int, *, quick: bool) -> str:
    """Markdown tables: medians, ratios to retrostats, memory; then error rates."""
    lines = [
        "# Benchmarks",
        "",
        f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores; "
        f"one BLAS thread; medians over rounds in which the engines took turns"
        f"{'; QUICK run, not for citation' if quick else ''}. Ratio: time / retrostats' time.",
        "Refits: a run of fewer refits is scaled up to 10,000. Memory: peak of the process, and "
        "how much of it came after loading and a warm-up fit. Reproduce: `python -m benchmarks`.",
        "",
    ]
    for name, task in TASKS.items():
        if not any(of == name for _, of in results):
            continue
        title = task.title.format(rows=rows, subjects=rows // 100)
        lines += [f"## {title}", "", f"`{task.formula}`", ""]
        lines += [
            "| engine | median, s | fastest, s | ratio | peak MiB | fitting MiB | value | note |",
            "|---|---|---|---|---|---|---|---|",
        ]
        base = results.get(("retrostats", name), {}).get("times")
        reference = statistics.median(base) if base else float("nan")
        for (engine, of), one in results.items():
            if of == name:
                lines.append(_line(engine, name, one, reference))
        lines.append("")
    if rates:
        lines += [
            "## Type-I error at 5% and coverage of 95% intervals",
            "",
            "Share of simulated studies, with its Monte Carlo standard error.",
            "",
            "| study | engine | type-I error | coverage | studies |",
            "|---|---|---|---|---|",
        ]
        lines += [_rate(r) for r in rates]
    versions = {e: one["version"] for (e, _), one in results.items() if "version" in one}
    lines += ["", "Versions: " + "; ".join(f"{e} {v}" for e, v in versions.items()) + ".", ""]
    return "\n".join(lines)


def _rate(r: dict) -> str:
    return (
        f"| {r['study']} | {r['engine']} | {r['type_one_error']:.4f} ± {r['mc_error']:.4f} | "
        f"{r['coverage']:.4f} ± {r['coverage_mc_error']:.4f} | {r['n_sim']:,} |"
    )


def _line(engine: str, task: str, one: dict, reference: float) -> str:
    if "absent" in one:
        return f"| {engine} | absent | | | | | | |"
    if "failed" in one:
        return f"| {engine} | failed | | | | | | {one['failed']} |"
    median = statistics.median(one["times"])
    notes = [NOTES[engine, task]] if (engine, task) in NOTES else []
    if one["made"] and one["made"] != TASKS[task].refits:
        notes.append(f"from {one['made']} refits")
    speed = f"{median:.4g} | {min(one['times']):.4g} | {median / reference:.3g}"
    memory = f"{one['peak_mib']:.0f} | {one['above_mib']:.0f}"
    return f"| {engine} | {speed} | {memory} | {one['value']:.8g} | {'; '.join(notes)} |"


if __name__ == "__main__":
    raise SystemExit(main())
