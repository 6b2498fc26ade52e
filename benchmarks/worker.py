"""One engine, one task, in a process of its own: prints times and memory as one line of JSON."""

from __future__ import annotations

import json
import sys
import time
import warnings
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from benchmarks.data import TASKS, load
from benchmarks.engines import ENGINES, MODULES


def peak_mib() -> float:
    """Largest resident memory so far, MiB."""
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("VmHWM"):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    import resource

    scale = 1024 if sys.platform != "darwin" else 1024**2
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def main(engine: str, task: str, repeats: int, rows: int) -> dict[str, object]:
    if find_spec(MODULES[engine]) is None:
        return {"absent": True}
    warnings.simplefilter("ignore")
    maker, refits = ENGINES[engine][task]
    made = refits or TASKS[task].refits
    frame = load(task, rows)
    run = maker(TASKS[task].formula, frame, made)
    # imports and caches; the long fit warms up on a short one
    (run if task != "big" else maker(TASKS[task].formula, load(task, 2_000), made))()
    before = peak_mib()
    times, value = [], float("nan")
    for _ in range(repeats):
        start = time.perf_counter()
        value = run()
        times.append(time.perf_counter() - start)
    scale = TASKS[task].refits / made if made else 1.0
    return {
        "times": [t * scale for t in times],
        "made": made,
        "value": value,
        "peak_mib": peak_mib(),
        "above_mib": peak_mib() - before,
        "version": _version(engine),
    }


def _version(engine: str) -> str:
    """Version of an engine, and the linear algebra that its process has loaded."""
    try:
        number = version(engine.split(",")[0])
    except PackageNotFoundError:
        number = "?"
    algebra = linear_algebra()
    return f"{number} ({algebra})" if algebra else number


def linear_algebra() -> str:
    """Libraries of linear algebra in this process, "" where none says so."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return ""
    found = {f"{i['internal_api']} {i['version']}" for i in threadpool_info() if i["version"]}
    return ", ".join(sorted(found))


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
