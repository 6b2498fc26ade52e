"""Runs on a system that misbehaves: little memory, jumping clocks, stops, slow pipes, bad disks.

python -m benchmarks.soak_system [PART ...]

Each run is to end with its whole result or with one message, and never to leave half of anything.
Prints a table; the last one is kept in docs/soak.md. Disks need the right to mount.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.soak import ROOT, RUN, mounted, quiet, whole

MIB = 2**20
LIMITS = (400, 512, 640, 768, 1024, 1536, 2048)
#: Seconds after which a run that has not ended counts as hanging.
HANGS = 300
#: Seconds within which a run on a cluster without workers is to end.
MINUTE = 60
ROWS = [f"{i},{way},{30 + i + 8 * (way == 'backward')},2" for i in range(1, 9)
        for way in ("forward", "backward")]  # fmt: skip
COHORT = "\n".join(["subject,direction,vo2_ml_kg_min,speed_m_s", *ROWS]) + "\n"
#: A clock that is set back and forth by hours and years while a run asks for it.
JUMPING = """
import itertools, random, time
real, jump = time.time, random.Random(1)
time.time = lambda: real() + jump.choice([0, 3600, -3600, 4e8, -4e8])
"""


@dataclass
class Ends:
    """How runs of one kind ended."""

    kind: str
    found: Counter[str] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)

    def note(self, code: int, said: bytes, folder: Path, out: Path | None, label: str) -> None:
        """Judge one run by its exit, its words on the error stream, and what it left behind."""
        lines = [n for n in said.decode(errors="replace").splitlines() if not n.endswith("...")]
        kept = [p.name for p in folder.iterdir()] if folder.is_dir() else []
        left = [n for n in kept if n.startswith(".")]
        half = out is not None and out.is_dir() and not whole(out)
        if code == 0 and (out is None or whole(out)):
            how = "whole"
        elif code == 2 and len(lines) == 1:
            how = "one message"
        elif code in (130, -signal.SIGKILL, -signal.SIGPIPE, 141):
            how = "stopped from outside"
        else:
            how = "otherwise"
        self.found[how] += 1
        if how == "otherwise" or half or left:
            self.odd.append(f"{label}: exit {code}, half {half}, left {left}, {lines[-1:]}")

    def row(self) -> str:
        """One line of the table."""
        ways = ("whole", "one message", "stopped from outside", "otherwise")
        counts = " | ".join(str(self.found[how]) for how in ways)
        return f"| {self.kind} | {counts} | {'; '.join(self.odd) or 'nothing'} |"


@contextmanager
def _place() -> Iterator[tuple[Path, Path]]:
    """A folder with the cohort, and where results go."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "lab.csv").write_text(COHORT, encoding="utf-8")
        yield folder, folder / "results"


def _ended(run: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    """Exit code and error stream; a run that hangs is killed and says so."""
    try:
        said = run.communicate(timeout=HANGS)[1]
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        said = run.communicate()[1] + b"\nhangs"
        return 124, said
    return run.returncode, said


def memory() -> Iterator[Ends]:
    """Runs that may have so much address space."""
    for what, command in (
        ("replicate", [*RUN, "--formats", "svg"]),
        ("replicate with a cohort", [*RUN[:3], "metabolic-cost", "--draws", "64", "--cohort",
                                     "lab.csv", "--formats", "svg"]),
        ("validate a workbook", [sys.executable, "-m", "retrostats", "validate", "lab.xlsx"]),
        ("plan", [sys.executable, "-m", "retrostats", "plan", "body_fat_6wk"]),
    ):  # fmt: skip
        ends, writes = (
            Ends(f"{what}, {LIMITS[0]} to {LIMITS[-1]} MiB"),
            what.startswith("replicate"),
        )
        for size in LIMITS:
            with _place() as (folder, out):
                _workbook(folder / "lab.xlsx")
                asked = [*command, "--out", str(out)] if writes else command
                run = _limited(asked, folder, resource.RLIMIT_AS, size * MIB)
                ends.note(*_ended(run), folder, out if writes else None, f"{size} MiB")
        yield ends


def _limited(
    command: list[str], folder: Path, which: int, most: int, **environment: str
) -> subprocess.Popen[bytes]:
    """A run with a limit of the system's."""
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        start_new_session=True, preexec_fn=lambda: resource.setrlimit(which, (most, most)),
        env=os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"} | environment,
    )  # fmt: skip


def limits() -> Iterator[Ends]:
    """Runs that may write files of so many bytes, or open so many files."""
    for what, which, sizes in (
        ("files of 1 KiB to 4 MiB", resource.RLIMIT_FSIZE, (2**10, 2**14, 2**17, 2**20, 2**22)),
        ("8 to 60 open files", resource.RLIMIT_NOFILE, (8, 12, 20, 60)),
    ):
        ends = Ends(what)
        for most in sizes:
            with _place() as (folder, out):
                run = _limited([*RUN, "--out", str(out)], folder, which, most)
                ends.note(*_ended(run), folder, out, str(most))
        yield ends


def cache() -> Iterator[Ends]:
    """Runs whose notes go to a full or read-only disk, or to a place that is no folder."""
    ends = Ends("a cache on a full or read-only disk, and one that is a file")
    for options in ("size=4k", "size=64m,ro", ""):
        with _place() as (folder, out):
            disk = folder / "cache"
            if not options:
                disk.write_text("", encoding="utf-8")
            else:
                disk.mkdir()
                if not mounted(disk, options):
                    ends.odd.append("no right to mount here")
                    continue
            try:
                run = quiet([*RUN, "--out", str(out)], folder, RETROSTATS_CACHE=str(disk))
                ends.note(*_ended(run), folder, out, options)
                left = [p.name for p in disk.rglob("*") if p.is_file() and p.suffix != ".json"]
                if left:
                    ends.odd.append(f"{options}: left {left}")
            finally:
                subprocess.run(["umount", "-l", str(disk)], capture_output=True, check=False)
    yield ends


def clock() -> Iterator[Ends]:
    """Runs whose clock jumps: the bytes are those of a run with a good clock."""
    ends = Ends("a clock that jumps by hours and years")
    manifests = []
    for jumps in (False, True, True):
        with _place() as (folder, out):
            (folder / "sitecustomize.py").write_text(JUMPING if jumps else "", encoding="utf-8")
            run = quiet([*RUN, "--out", str(out)], folder,
                        PYTHONPATH=f"{folder}{os.pathsep}{ROOT}")  # fmt: skip
            ends.note(*_ended(run), folder, out, "clock")
            manifests.append((out / "manifest.json").read_bytes())
    if len(set(manifests)) > 1:
        ends.odd.append("other bytes")
    yield ends


def stops() -> Iterator[Ends]:
    """Runs and the child that reads their file, stopped and let go on at random moments."""
    ends, rng = Ends("SIGSTOP for 3 s and SIGCONT, four times a run"), random.Random(2)
    for i in range(4):
        with _place() as (folder, out):
            _workbook(folder / "lab.xlsx")
            run = quiet([*RUN[:3], "metabolic-cost", "--draws", "64", "--cohort", "lab.xlsx",
                         "--formats", "svg", "--out", str(out)], folder)  # fmt: skip
            for _ in range(4):
                time.sleep(rng.uniform(0.5, 4))
                if run.poll() is None:
                    os.killpg(run.pid, signal.SIGSTOP)
                    time.sleep(3)
                    os.killpg(run.pid, signal.SIGCONT)
            ends.note(*_ended(run), folder, out, f"run {i}")
    yield ends


def _workbook(path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    for line in COHORT.splitlines():
        book.active.append([float(c) if c.isdigit() else c for c in line.split(",")])
    book.save(path)


def pipes() -> Iterator[Ends]:
    """Output that is read slowly or not to its end; tables that come slowly, or never."""
    slow = Ends("output read a byte at a time, and a pipe closed early")
    for size in (20_000, 1, 0):
        with _place() as (folder, _):
            run = subprocess.Popen(
                [sys.executable, "-m", "retrostats", "validate", "lab.csv"], cwd=folder,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )  # fmt: skip
            assert run.stdout is not None
            for _ in range(size):
                if not run.stdout.read(1):
                    break
                time.sleep(0.001)
            run.stdout.close()
            run.stdout = None
            slow.note(*_ended(run), folder, None, f"{size} bytes read")
    yield slow
    come = Ends("a named pipe in place of a table: rows come slowly, or nobody writes")
    for writes in (True, False):
        with _place() as (folder, _):
            os.mkfifo(folder / "pipe.csv")
            if writes:
                threading.Thread(target=_drip, args=(folder / "pipe.csv",), daemon=True).start()
            run = quiet([sys.executable, "-m", "retrostats", "validate", "pipe.csv"], folder)
            come.note(*_ended(run), folder, None, f"writer {writes}")
    yield come


def _drip(path: Path) -> None:
    try:
        with path.open("w", encoding="utf-8") as pipe:
            for line in COHORT.splitlines(keepends=True):
                pipe.write(line)
                pipe.flush()
                time.sleep(0.1)
    except (BrokenPipeError, FileNotFoundError):  # nobody read it, or it was cleared away
        pass


def disks() -> Iterator[Ends]:
    """Results on disks that are full, read-only, or gone in the middle of a run."""
    for kind, options, act in (
        ("a full disk (64 KiB to 3 MiB)", ("64k", "256k", "1m", "2m", "3m"), None),
        ("a read-only disk", ("64m,ro",), None),
        ("a disk that vanishes (unmounted under the run)", ("64m",) * 4, _unmount),
        ("a folder that vanishes (removed under the run)", ("64m",) * 4, shutil.rmtree),
    ):
        ends, rng = Ends(kind), random.Random(3)
        for option in options:
            with _place() as (folder, _):
                disk = folder / "disk"
                disk.mkdir()
                if not mounted(disk, f"size={option}"):
                    ends.odd.append("no right to mount here")
                    continue
                try:
                    out = disk / "sub" / "results" if act else disk / "results"
                    run = quiet([*RUN, "--out", str(out)], folder)
                    if act:
                        _while_under_way(
                            run, out.parent if act is shutil.rmtree else disk, act, rng
                        )
                    ends.note(*_ended(run), out.parent, out, option)
                finally:
                    subprocess.run(["umount", "-l", str(disk)], capture_output=True, check=False)
        yield ends


def _while_under_way(
    run: subprocess.Popen[bytes], place: Path, act: Callable[[Path], object], rng: random.Random
) -> None:
    """Do something to a folder some seconds after a run has begun to write there, or before."""
    until = time.monotonic() + rng.uniform(1, 20)
    while time.monotonic() < until and run.poll() is None:
        time.sleep(0.05)
    if place.exists():
        act(place)


def _unmount(disk: Path) -> None:
    subprocess.run(["umount", "-l", str(disk)], check=False)


def two() -> Iterator[Ends]:
    """Two runs with other seeds into one folder: it holds one of the two, whole."""
    ends = Ends("two runs into one folder at once")
    for i in range(3):
        with _place() as (folder, out):
            runs = [quiet([*RUN, "--seed", str(i + k), "--out", str(out)], folder) for k in (1, 2)]
            for code, said in [_ended(run) for run in runs]:  # judged when both have ended
                ends.note(code, said, folder, out, f"pair {i}")
    yield ends


def cluster() -> Iterator[Ends]:
    """Runs on a cluster of which all workers, or the scheduler, are killed or frozen."""
    for whom in ("workers", "scheduler"):
        for sent in (signal.SIGKILL, signal.SIGSTOP):
            ends = Ends(f"{sent.name} to the {whom} of a cluster")
            with _place() as (folder, out), _machines(folder) as (address, machines):
                run = quiet([*RUN[:4], "--draws", "1000000", "--scheduler", address, "--out",
                             str(out)], folder)  # fmt: skip
                time.sleep(12)  # the draws have begun, and take longer
                for machine in machines[1:] if whom == "workers" else machines[:1]:
                    os.killpg(machine.pid, sent)
                begun = time.monotonic()
                ends.note(*_ended(run), folder, out, "cluster")
                if (took := time.monotonic() - begun) > MINUTE:
                    ends.odd.append(f"ended after {took:.0f} s")
                ends.kind += f", {took:.0f} s"
            yield ends


@contextmanager
def _machines(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Address of a cluster, and the processes of its scheduler and two workers."""
    dask, where = [sys.executable, "-m", "distributed.cli.dask_"], folder / "scheduler.json"
    options = ["--scheduler-file", str(where), "--no-dashboard"]
    scheduler = quiet([*dask[:2], f"{dask[2]}scheduler", "--port", "0", *options], folder)
    machines = [scheduler]
    try:
        while not (where.is_file() and where.read_text(encoding="utf-8").endswith("}")):
            if scheduler.poll() is not None:
                raise OSError("the scheduler did not start")
            time.sleep(0.1)
        for _ in range(2):
            worker = [*dask[:2], f"{dask[2]}worker", "--no-nanny", "--nthreads", "1", *options]
            machines.append(quiet(worker, folder))
        yield json.loads(where.read_text(encoding="utf-8"))["address"], machines
    finally:
        for machine in machines:
            os.killpg(machine.pid, signal.SIGKILL)
            machine.communicate()
            where.unlink(missing_ok=True)


PARTS: dict[str, Callable[[], Iterator[Ends]]] = {
    part.__name__: part
    for part in (memory, limits, clock, stops, pipes, disks, cache, two, cluster)
}

if __name__ == "__main__":
    print("| what | whole | one message | stopped from outside | otherwise | odd |")
    print("|---|---|---|---|---|---|")
    for wanted in sys.argv[1:] or PARTS:
        for found in PARTS[wanted]():
            print(found.row(), flush=True)
