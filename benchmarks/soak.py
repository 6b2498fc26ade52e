"""Soak: kill runs, fill the disk, read thousands of damaged files, run many at once; say what held.

python -m benchmarks.soak [--quick] [PART ...]

Each part prints a line with what was done and what did not hold; the last result is kept in
docs/soak.md. The quick part of each stands in the tests.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
RUN = [sys.executable, "-m", "retrostats.replicate", "body-fat", "--draws", "64"]


def whole(folder: Path) -> bool:
    """Whether a folder holds what its list says, and nothing is missing."""
    try:
        hashes = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["sha256"]
    except (OSError, ValueError):
        return False
    return all(
        (folder / name).is_file()
        and hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
        for name, digest in hashes.items()
    )


def quiet(command: list[str], cwd: Path, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment, start_new_session=True,
    )  # fmt: skip


def kills(count: int) -> str:
    """Runs killed at moments of which most lie in the writing; results whole after every one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out = folder / "results"
        started = time.monotonic()
        quiet([*RUN, "--out", str(out)], folder).wait()
        length = time.monotonic() - started
        rng, wrong, killed = random.Random(1), 0, 0
        for i in range(count):
            after = length * (rng.uniform(0.75, 1.05) if i % 4 else rng.uniform(0, 0.75))
            run = quiet([*RUN, "--seed", str(i), "--out", str(out)], folder)
            try:
                run.wait(after)
            except subprocess.TimeoutExpired:
                os.killpg(run.pid, signal.SIGKILL)
                run.wait()
                killed += 1
            assert run.stderr is not None
            run.stderr.close()
            wrong += not whole(out)
        quiet([*RUN, "--out", str(out)], folder).wait()
        left = [p.name for p in folder.iterdir() if p.name != "results"]
    return f"{killed} of {count} runs killed; results not whole {wrong} times; left over {left}"


def faults(count: int) -> str:
    """An error at every call that changes the file system, one after the other."""
    from retrostats.common.errors import InputError
    from retrostats.report import folder as folders

    calls = [(os, "link"), (os, "rename"), (os, "replace"), (os, "mkdir"), (os, "unlink"),
             (os, "fsync"), (Path, "rename"), (Path, "write_text"), (Path, "unlink")]  # fmt: skip
    wrong = refused = tried = 0
    for owner, name in calls:
        for at in range(count):
            with tempfile.TemporaryDirectory() as place:
                out = Path(place) / "results"
                folders.replace(out, _fill("first"))
                with _failing(owner, name, at) as failed:
                    try:
                        folders.replace(out, _fill("second"))
                    except InputError:
                        refused += 1
                tried += failed[0]
                wrong += not (whole(out) or whole(Path(place) / ".results.previous"))
    return (
        f"{tried} faults at {len(calls)} calls; {refused} refused; results not whole {wrong} times"
    )


def _fill(text: str) -> Callable[[Path], None]:
    def fill(stage: Path) -> None:
        for i in range(3):
            (stage / f"{i}.csv").write_text(text, encoding="utf-8")

    return fill


class _failing:
    """Let the n-th call of a function fail as on a full disk."""

    def __init__(self, owner: object, name: str, at: int) -> None:
        self.owner, self.name, self.left, self.failed = owner, name, at, [0]
        self.call = getattr(owner, name)

    def __enter__(self) -> list[int]:
        def counted(*given: object, **named: object) -> object:
            self.left -= 1
            if self.left == -1:
                self.failed[0] = 1
                raise OSError(28, "No space left on device")
            return self.call(*given, **named)

        setattr(self.owner, self.name, counted)
        return self.failed

    def __exit__(self, *_: object) -> None:
        setattr(self.owner, self.name, self.call)


def disks(count: int) -> str:
    """Runs into disks of every size up to enough, and into a disk made read-only afterwards.

    Needs the right to mount; without it nothing is done and the line says so.
    """
    needed, wrong, refused, odd = 6000, 0, 0, 0
    with tempfile.TemporaryDirectory() as name:
        disk = Path(name) / "disk"
        disk.mkdir()
        if not mounted(disk, "size=64m"):
            return "no right to mount here: not done"
        try:
            out = disk / "results"
            quiet([*RUN, "--out", str(out)], Path(name)).wait()
            used = sum(p.stat().st_size for p in out.rglob("*") if p.is_file()) // 1024
            for i in range(count):
                size = used + (needed - 200) * i // max(count - 1, 1) + 200
                subprocess.run(["mount", "-o", f"remount,size={size}k", str(disk)], check=True)
                run = quiet([*RUN, "--seed", str(i + 1), "--out", str(out)], Path(name))
                said = run.communicate()[1]
                refused += run.returncode == 2
                odd += run.returncode not in (0, 2) or b"Traceback" in said
                wrong += not whole(out)
            left = [p.name for p in disk.iterdir() if p.name != "results"]
            before = (out / "manifest.json").read_bytes()
            subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
            run = quiet([*RUN, "--out", str(out)], Path(name))
            lines = run.communicate()[1].decode().strip().splitlines()
            kept = (out / "manifest.json").read_bytes() == before
        finally:
            subprocess.run(["umount", str(disk)], check=False)
    return (
        f"{count} disks of {used} to {used + needed} KiB: {refused} runs refused, {odd} otherwise "
        f"than by a message; results not whole {wrong} times; left over {left}; read-only: exit "
        f"{run.returncode}, {len(lines)} line, kept {kept}"
    )


def mounted(disk: Path, options: str) -> bool:
    """Whether a disk in memory could be mounted there."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def damaged(count: int) -> str:
    """Mutated cohorts and cart exports of every format: a result or one refusal."""
    import warnings

    sys.path.insert(0, str(ROOT / "tests" / "fuzz"))
    from fuzz_readers import mutate, run, seeds

    rng, read, other, done = np.random.default_rng(7), 0, [], 0
    slowest = 0.0
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        files = [(kind, path.suffix, path.read_bytes()) for kind, path in seeds()]
        while done < count:
            kind, suffix, data = files[done % len(files)]
            started = time.monotonic()
            try:
                read += run(kind, mutate(data, rng), suffix, Path(name))
            except Exception as error:
                other.append(f"{type(error).__name__}: {error}")
            slowest = max(slowest, time.monotonic() - started)
            done += 1
    return (
        f"{done} files of {len(files)} seeds, {read} read; slowest {slowest:.1f} s; other: {other}"
    )


def crowd(count: int) -> str:
    """Many runs into one folder at once."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out = folder / "results"
        runs = [quiet([*RUN, "--formats", "svg", "--out", str(out)], folder) for _ in range(count)]
        codes = []
        for run in runs:
            said = run.communicate()[1]
            codes.append((run.returncode, b"Traceback" in said))
        left = [p.name for p in folder.iterdir() if p.name != "results"]
        return (
            f"{count} at once; exit codes {sorted({c for c, _ in codes})}; tracebacks "
            f"{sum(t for _, t in codes)}; whole {whole(out)}; left over {left}"
        )


def memory(count: int) -> str:
    """Fits one after the other: peak memory after a tenth of them, and after all."""
    import pandas as pd

    import retrostats as rs

    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"g": np.repeat(np.arange(50), 8), "x": rng.normal(size=400)})
    peaks = []
    for i in range(count):
        fit = rs.lmm("y ~ x + (x | g)", rows.assign(y=rng.normal(size=400)))
        fit.coefficients, fit.ranef()
        if i in (count // 10, count - 1):
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return f"{count} fits; peak {peaks[0]:.0f} MiB after a tenth, {peaks[-1]:.0f} MiB after all"


def same_bytes() -> str:
    """The same run under other workers, hash seeds, locales, zones and figure settings."""
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        odd = Path(name) / "odd"
        odd.mkdir()
        (odd / "matplotlibrc").write_text("axes.grid: True\nfont.size: 20\n", encoding="utf-8")
        for label, options, environment in _ways(odd):
            out = Path(name) / f"out-{label}"
            run = quiet([*RUN, *options, "--out", str(out)], odd if label == "rc" else Path(name),
                        **environment)  # fmt: skip
            run.communicate()
            found[label] = (out / "manifest.json").read_text(encoding="utf-8")
        with _cluster() as address:
            if address:
                out = Path(name) / "out-cluster"
                quiet([*RUN, "--scheduler", address, "--out", str(out)], Path(name)).communicate()
                found["cluster"] = (out / "manifest.json").read_text(encoding="utf-8")
    usual = found["usual"]
    differ = [label for label, text in found.items() if text != usual]
    return f"{len(found)} ways ({', '.join(found)}); other bytes: {differ or 'none'}"


@contextlib.contextmanager
def _cluster() -> Iterator[str]:
    """Address of a local cluster of two workers; empty without Dask."""
    try:
        from distributed import LocalCluster
    except ImportError:
        yield ""
        return
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield str(cluster.scheduler_address)


def _ways(odd: Path) -> Iterator[tuple[str, list[str], dict[str, str]]]:
    yield "usual", [], {}
    yield "jobs2", ["--jobs", "2"], {}
    yield "jobs4", ["--jobs", "4"], {}
    yield "hash", [], {"PYTHONHASHSEED": "7"}
    yield "locale", [], {"LC_ALL": "C", "PYTHONUTF8": "0"}
    yield "zone", [], {"TZ": "Asia/Tokyo"}
    yield "rc", [], {"MPLCONFIGDIR": str(odd)}
    for kernel in ("Haswell", "Sandybridge", "SkylakeX"):
        if _can(kernel):
            yield kernel, [], {"OPENBLAS_CORETYPE": kernel}


def _can(kernel: str) -> bool:
    """Whether this processor runs an OpenBLAS kernel."""
    needs = {"Haswell": "avx2", "Sandybridge": "avx", "SkylakeX": "avx512f"}
    try:
        return f" {needs[kernel]} " in Path("/proc/cpuinfo").read_text(encoding="ascii")
    except OSError:
        return False


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a twentieth of everything")
    parser.add_argument("parts", nargs="*", metavar="PART", help="some of them (all)")
    chosen = parser.parse_args()
    share = 20 if chosen.quick else 1
    for part, size in (
        (kills, 200), (faults, 40), (disks, 40), (damaged, 10_000), (crowd, 50), (memory, 1000),
        (same_bytes, 0),
    ):  # fmt: skip
        if chosen.parts and part.__name__ not in chosen.parts:
            continue
        begun = time.monotonic()
        line = part(max(2, size // share)) if size else part()
        print(f"{part.__name__}: {line} ({time.monotonic() - begun:.0f} s)", flush=True)
