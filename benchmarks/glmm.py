"""Models of counts: times by rows, and parametric bootstraps beside glmer's.

    python -m benchmarks.glmm [--rows 1e3 1e4 1e5] [--boot SHARE]

Simulated rows, ten a subject, with a crossed factor of one level in 500 rows or without one; the
slope is that of the logarithm of processor time on the logarithm of rows. `--boot` needs Rscript
with lme4 and MASS: 1,000 refits of the same model, and SHARE of them by bootMer (default 50).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import pandas as pd

import retrostats as rs
from benchmarks.crossed import TASKS, r, read

COUNTS = [name for name, (_, _, options) in TASKS.items() if options]
REFITS = 1000


def simulated(family: str, rows: int, *, crossed: bool) -> tuple[str, pd.DataFrame]:
    """A formula and its rows: one binary or one count outcome a row."""
    rng = np.random.default_rng(1)
    who, x = np.arange(rows) % (rows // 10), rng.normal(size=rows)
    eta = 0.3 * x + 0.5 * rng.normal(size=rows // 10)[who]
    formula, columns = "y ~ x + (1 | subject)", {"x": x, "subject": pd.Categorical(who)}
    if crossed:
        items = max(20, rows // 500)
        item = rng.integers(0, items, rows)
        eta += 0.4 * rng.normal(size=items)[item]
        formula, columns = f"{formula} + (1 | item)", columns | {"item": pd.Categorical(item)}
    drawn = rng.poisson if family == "poisson" else lambda mean: rng.binomial(1, mean)
    mean = np.exp(eta) if family == "poisson" else 1 / (1 + np.exp(-eta))
    return formula, pd.DataFrame(columns | {"y": drawn(mean)})


def timed(formula: str, rows: pd.DataFrame, family: str) -> tuple[float, float]:
    """Least wall and processor seconds of a few fits (one where it takes long)."""
    found: list[tuple[float, float]] = []
    while len(found) < 5 and sum(wall for wall, _ in found) < 3:
        wall, cpu = perf_counter(), process_time()
        rs.glmm(formula, rows, family=family)
        found.append((perf_counter() - wall, process_time() - cpu))
    return min(w for w, _ in found), min(c for _, c in found)


def grid(sizes: list[int]) -> None:
    heads = " | ".join(f"{n:,} rows" for n in sizes)
    print(f"| family, terms | {heads} | slope |\n|---|{'---|' * len(sizes)}---|")
    for family in ("poisson", "binomial"):
        for crossed in (False, True):
            timed(*simulated(family, 500, crossed=crossed), family)  # imports
            times = [timed(*simulated(family, n, crossed=crossed), family) for n in sizes]
            cells = " | ".join(f"{wall:.3f} ({cpu:.3f})" for wall, cpu in times)
            slope = np.polyfit(np.log(sizes), np.log([cpu for _, cpu in times]), 1)[0]
            terms = "subjects and items" if crossed else "subjects"
            print(f"| {family}, {terms} | {cells} | {slope:.2f} |", flush=True)


def boot(share: int) -> None:
    print(
        f"| case | {REFITS} refits | bootMer, {share} refits | the same number | ratio |\n"
        "|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as name:
        r("data", name)
        for label in COUNTS:
            data, formula, options = TASKS[label]
            fit = rs.glmm(formula, read(Path(name), data), **options)
            wall, cpu = perf_counter(), process_time()
            fit.conf_int(method="bootstrap", draws=REFITS)
            wall, cpu = perf_counter() - wall, process_time() - cpu
            peer = r("boot", data, formula, options["family"], str(share)).split()[-2:]
            theirs, theirs_cpu = (float(x) * REFITS / share for x in peer)
            print(
                f"| {label} | {wall:.2f} ({cpu:.2f}) | {float(peer[0]):.2f} ({float(peer[1]):.2f}) "
                f"| {theirs:.0f} ({theirs_cpu:.0f}) "
                f"| {theirs / wall:.0f} ({theirs_cpu / cpu:.0f}) |",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.glmm")
    parser.add_argument("--rows", type=float, nargs="+", default=[1e3, 1e4, 1e5])
    parser.add_argument("--boot", type=int, nargs="?", const=50, metavar="SHARE")
    options = parser.parse_args()
    if options.boot is None:
        grid([int(n) for n in options.rows])
    else:
        boot(options.boot)


if __name__ == "__main__":
    main()
