"""What once broke the package, tried again one after another: python -m benchmarks.hostile.

Every line is a process of its own: how it ended, what it said, the processor time and the highest
memory of it and its children. Kept in docs/hostile.md.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmarks.hostile_files import LARGE, SMALL
from benchmarks.hostile_models import MODELS

ME = [sys.executable, "-m", "retrostats"]
RUN = ["replicate", "body-fat", "--draws", "64"]
COHORT = (
    "subject,direction,vo2_ml_kg_min,speed_m_s\n1,forward,30,2\n1,backward,40,2\n"
    "2,forward,31,2\n2,backward,42,2\n3,forward,29,2\n3,backward,37,2\n"
)
#: What the issue allows: seconds of processor, bytes of memory, bytes of a message.
SECONDS, MEMORY, MESSAGE = 10.0, 1e9, 2048


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended."""

    code: int
    said: bytes
    seconds: float
    wall: float
    peak: float

    def wrong(self, codes: tuple[int, ...], *, seconds: float = SECONDS) -> list[str]:
        """What is against the rules."""
        rules = {
            f"exit {self.code}": self.code not in codes,
            "traceback": b"Traceback" in self.said,
            "more than one message": self.code == 2 and self.said.count(b"retrostats: ") > 1,
            "long message": len(self.said) >= MESSAGE,
            "slow": self.seconds > seconds,
            "memory": self.peak > MEMORY,
            "warning": b"Warning" in self.said,
            "a control character": b"\x1b" in self.said,
        }
        return [name for name, broken in rules.items() if broken]


def ending(
    command: list[str], *, where: str | Path | None = None, most: float = 120.0, **environment: str
) -> Ending:
    """Run a command to its end, or kill it after a while on the clock."""
    begun = time.monotonic()
    root = str(Path(__file__).resolve().parents[1])
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=said, cwd=where,
            env={**os.environ, "PYTHONPATH": root, **environment},
        )  # fmt: skip
        while True:
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - begun > most:
                process.kill()
            time.sleep(0.02)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        return Ending(
            process.returncode, said.read(), used.ru_utime + used.ru_stime,
            time.monotonic() - begun, used.ru_maxrss * 1024.0,
        )  # fmt: skip


def line(name: str, before: str, done: Ending, codes: tuple[int, ...], **limits: float) -> bool:
    """Print one line; whether nothing was wrong."""
    wrong = done.wrong(codes, **limits)
    text = " ".join(done.said.decode("utf-8", "replace").split())
    message = text.replace("|", "\\|").removeprefix("retrostats: ")
    print(
        f"| {name} | {before} | exit {done.code}, {len(done.said)} B | {done.seconds:.1f} "
        f"| {done.peak / 1e6:.0f} | {', '.join(wrong) or 'held'} |"
        + (f" {message[:300]}" if wrong else ""),
        flush=True,
    )
    return not wrong


def files(folder: Path) -> Iterator[bool]:
    """Point 1: small files that unfold."""
    for name, (before, suffix, write) in SMALL.items():
        path = folder / f"lab.{suffix}"
        written(write, path)
        size = path.stat().st_size
        done = ending([*ME, "validate", str(path)])
        yield line(f"{name} ({size / 1000:.0f} KB)", before, done, (2,))
        path.unlink()


def written(write: Callable[..., None], *arguments: object) -> None:
    """Write in a process of its own: what it takes must not count for what is measured after."""
    process = get_context("fork").Process(target=write, args=arguments)
    process.start()
    process.join()


def _without_rights(command: list[str]) -> list[str]:
    """The same without the powers of an administrator, who may read everything."""
    if os.geteuid() == 0 and shutil.which("setpriv"):
        return ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *command]
    return command


def _shell(command: str) -> list[str]:
    return ["bash", "-c", command]


def runs(folder: Path) -> Iterator[bool]:
    """Point 2: runs, names and folders that once gave a traceback."""
    lab, me = folder / "lab.csv", shlex.join(ME)
    lab.write_text(COHORT, encoding="utf-8")
    odd = Path(os.fsdecode(os.fsencode(folder) + b"/bad\xff\x1b[31m.csv"))
    odd.write_text(COHORT, encoding="utf-8")
    yield line("a file name that is no UTF-8", "traceback", ending([*ME, "validate", str(odd)]),
               (0,))  # fmt: skip
    for name, mode, target in (
        ("a folder that cannot be searched", 0o600, "shut/lab.csv"),
        ("a folder that cannot be read", 0o300, "shut"),
        ("a file that cannot be read", 0o000, "shut.csv"),
    ):
        (folder / "shut").mkdir(exist_ok=True)
        (folder / "shut" / "lab.csv").write_text(COHORT, encoding="utf-8")
        (folder / "shut.csv").write_text(COHORT, encoding="utf-8")
        closed = folder / target.partition("/")[0]
        closed.chmod(mode)
        done = ending(_without_rights([*ME, "validate", str(folder / target)]))
        closed.chmod(0o700)
        yield line(name, "traceback", done, (2,))
    yield line("a path of 300 letters", "traceback",
               ending([*ME, "validate", str(folder / ("a" * 300))]), (2,))  # fmt: skip
    for name, text in (
        ("a spec nested 5,000 deep", "a=" + "[" * 5000 + "]" * 5000),
        ("a spec with a number of 5,000 digits", "a=" + "9" * 5000),
    ):
        (folder / "spec.toml").write_text(text, encoding="utf-8")
        done = ending([*ME, "validate", str(lab), "--spec", str(folder / "spec.toml")])
        yield line(name, "traceback", done, (2,))
    (folder / "loop").symlink_to(folder / "loop")
    for name, out in (
        ("--out is a loop of links", "loop"), ("--out has a long name", "a" * 300),
        ("--out .", "."), ("--out . again", "."),
    ):  # fmt: skip
        yield line(name, "traceback", ending([*ME, *RUN, "--out", out], where=folder), (2,))
    (folder / "bad.py").write_text("def (", encoding="utf-8")
    yield line("a syntax error in an analysis", "traceback",
               ending([*ME, "replicate", str(folder / "bad.py")]), (2,))  # fmt: skip
    yield line("a full device", "traceback", ending(_shell(f"{me} validate {lab} > /dev/full")),
               (2,))  # fmt: skip
    closed = f"{me} validate {lab} | head -0; exit ${{PIPESTATUS[0]}}"
    yield line("a closed pipe", "traceback", ending(_shell(closed)), (0,))
    ascii_only = ending([*ME, "validate", str(odd)], PYTHONIOENCODING="ascii", LC_ALL="C")
    yield line("an ASCII terminal", "traceback", ascii_only, (0,))
    many = ending([*ME, "replicate", "--draws", "1" + "0" * 11])
    yield line("--draws of 10^11", "no limit", many, (2,))
    (folder / "rc").mkdir()
    (folder / "rc" / "matplotlibrc").write_text("text.usetex: True\n", encoding="utf-8")
    bare = [sys.executable, "-OO", *ME[1:], *RUN, "--out", str(folder / "bare")]
    yield line("python -OO", "traceback", ending(bare), (0,), seconds=60)
    tex = ending([*ME, *RUN, "--out", str(folder / "t")], MPLCONFIGDIR=str(folder / "rc"))
    yield line("text.usetex in the user's configuration", "traceback", tex, (0,), seconds=60)


def models(folder: Path) -> Iterator[bool]:
    """Point 3: formulas and tables for `lmm` and `glmm`."""
    for name, (before, codes, code) in MODELS.items():
        script = folder / "model.py"
        script.write_text(code, encoding="utf-8")
        done = ending([sys.executable, "-W", "always", str(script)])
        yield line(name, before, done, codes)


def workers(folder: Path) -> Iterator[bool]:
    """Point 4: who lives on after the run was ended."""
    book = folder / "lab.xlsx"
    SMALL["a row number with ten digits"][2](book)
    command = [*ME, *RUN, "--jobs", "2", "--cohort", str(book), "--out", str(folder / "w")]
    for sent in (signal.SIGTERM, signal.SIGKILL):
        run = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        deadline = time.monotonic() + 20
        while len(_session(run.pid)) < 2 and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        had = len(_session(run.pid))
        run.send_signal(sent)
        run.wait()
        begun = time.monotonic()
        while (left := len(_session(run.pid))) and time.monotonic() - begun < 10:
            time.sleep(0.01)
        gone = time.monotonic() - begun
        said = "lives on" if left else "held"
        print(
            f"| {sent.name} to a run with {had} processes | two workers and a tracker lived on "
            f"| {left} left after {gone:.1f} s | | | {said} |",
            flush=True,
        )
        yield had > 1 and not left and gone < 3


def _session(leader: int) -> list[int]:
    """Processes of a session, by the system's table."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session = (
                entry.read_text("utf-8", "replace").rpartition(")")[2].split()[:4]
            )
        except OSError:
            continue
        if int(session) == leader and state != "Z":
            found.append(int(entry.parent.name))
    return found


#: Two ways to write one person's code.
ALIKE = {
    "by normalisation": ("Jos\u00e9", "Jose\u0301"), "by a zero width": ("P1", "P\u200b1"),
    "by a soft hyphen": ("P1", "P\u00ad1"), "by full width": ("P1", "\uff301"),
    "by a look-alike letter": ("PA1", "P\u04101"), "by blanks": ("P 1", "P  1"),
}  # fmt: skip
_HEAD = "subject,direction,vo2_ml_kg_min,speed_m_s\n"


def people(folder: Path) -> Iterator[bool]:
    """Point 8: codes that look alike, a quote that swallows rows, letters for the terminal."""
    lab = folder / "lab.csv"
    for name, codes in ALIKE.items():
        rows = "".join(f"{c},forward,3{i},2\n{c},backward,4{i},2\n" for i, c in enumerate(codes))
        lab.write_text(COHORT + rows, encoding="utf-8")
        done = ending([*ME, "validate", str(lab)])
        yield line(f"codes that differ {name}", "two people", done, (2,))
    for name, text in (
        ("a quote that swallows rows", COHORT.replace("2,forward,31", '2,"forward,31')),
        ("escape characters in cells", COHORT.replace("2,forward", "2,\x1b[31mforward\x07")),
        ("6,000 letters in cells and headers", COHORT.replace("forward", "\u5217" * 6000)),
    ):
        lab.write_text(text, encoding="utf-8")
        yield line(name, "taken", ending([*ME, "validate", str(lab)]), (2,))


#: Name of a cohort that spreadsheets, pages, TeX and terminals could take for something else.
NAME = "=cmd|' -C calc'!A0 <img src=x onerror=alert(1)> \u202e${x} {{7*7}} \\input{a}.csv"


def names(folder: Path) -> Iterator[bool]:
    """Point 5: a name that is a formula, in every table that is written."""
    lab, out = folder / NAME, folder / "out"
    rows = (f"=SUM({i}),forward,3{i},2\n=SUM({i}),backward,4{2 * i},2\n" for i in range(4))
    lab.write_text(_HEAD + "".join(rows), encoding="utf-8")
    done = ending(
        [*ME, "replicate", "metabolic-cost", "--draws", "64", "--cohort", str(lab),
         "--tables", "csv,html,tex,md,docx", "--out", str(out)]
    )  # fmt: skip
    tables = [*out.rglob("*.csv")]
    raw = [
        cell
        for table in tables
        for row in csv.reader(table.read_text("utf-8").splitlines())
        for cell in row
        if cell.lstrip()[:1] in tuple("=+@-") and not _number(cell)
    ]
    pages = [p for p in out.rglob("*.html") if "<img src=x" in p.read_text("utf-8")]
    print(f"  {len(tables)} tables: {len(raw)} cells that a spreadsheet would run {raw[:3]}; "
          f"{len(pages)} pages with the element", flush=True)  # fmt: skip
    yield line("a cohort named as a formula and an element", "stood raw", done, (0,), seconds=60)
    yield bool(tables) and not raw and not pages


def _number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def accepted(folder: Path) -> Iterator[bool]:
    """The largest honest table of each format that is taken, doubled until it is not."""
    for suffix, write in LARGE.items():
        people, best = 7_812, ""
        for _ in range(8):
            people *= 2
            path = folder / f"large.{suffix}"
            written(write, path, people)
            size = path.stat().st_size / 1e6
            done = ending([*ME, "validate", str(path)], most=240)
            path.unlink()
            if done.code:
                said = done.said.decode("utf-8", "replace").split()
                why = " ".join(said)[:200] or f"ended by {done.code} after {done.wall:.0f} s"
                print(f"  {suffix}, {2 * people} rows, {size:.0f} MB: {why}", flush=True)
                break
            best = (f"| {suffix} | {2 * people:,} rows, {size:.0f} MB | {done.seconds:.1f} "
                    f"| {done.peak / 1e6:.0f} |")  # fmt: skip
            if done.seconds > 40:
                break
        print(best, flush=True)
        yield bool(best)


if __name__ == "__main__":
    parts = (files, runs, models, workers, names, people, accepted)
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help="some of them (all)")
    chosen = parser.parse_args().parts or [p.__name__ for p in parts]
    held = True
    for part in parts:
        if part.__name__ in chosen:
            with tempfile.TemporaryDirectory() as name:
                held &= all([*part(Path(name))])
    sys.exit(not held)
